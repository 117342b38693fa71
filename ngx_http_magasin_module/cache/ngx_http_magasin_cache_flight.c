
/*
 * Single flight: those of this worker that wait for an answer which another
 * request of the node is fetching.  Of a flight of this worker they hear at
 * once; at those of other workers one timer looks, once for all that wait for
 * the same.
 *
 * Who wants an answer that is newer than the request waits as well, for a
 * flight that began before it came to end, and for the next one then: one of
 * them begins it, the others join it.  So there is one statement at a time for
 * them, and whatever they do one more is due.
 */


#include "ngx_http_magasin_cache_internal.h"


/* Of those who wait, so many are told in a turn of the event loop. */
#define NGX_HTTP_MAGASIN_FLIGHT_TURN  16


static ngx_http_magasin_flight_t *ngx_http_magasin_flight_find(
    ngx_http_magasin_cache_t *cache, ngx_uint_t number);
static void ngx_http_magasin_flight_wake(ngx_event_t *ev);
static ngx_uint_t ngx_http_magasin_flight_landed(
    ngx_http_magasin_flight_t *flight);
static void ngx_http_magasin_flight_tell(ngx_http_magasin_flight_t *flight,
    ngx_http_magasin_cache_read_t *cr);
static void ngx_http_magasin_flight_free(ngx_http_magasin_flight_t *flight);


/*
 * Wait for the flight that the question of this request names.  NGX_AGAIN, or
 * NGX_DECLINED: no memory to wait with.
 */

ngx_int_t
ngx_http_magasin_flight_join(ngx_http_magasin_cache_read_t *cr)
{
    ngx_http_magasin_cache_t   *cache;
    ngx_http_magasin_flight_t  *flight;

    cache = cr->cache;

    flight = ngx_http_magasin_flight_find(cache, cr->question.flight);

    if (flight == NULL) {
        flight = ngx_calloc(sizeof(ngx_http_magasin_flight_t), cache->log);
        if (flight == NULL) {
            return NGX_DECLINED;
        }

        flight->number = cr->question.flight;
        flight->cache = cache;

        flight->wake.handler = ngx_http_magasin_flight_wake;
        flight->wake.data = flight;
        flight->wake.log = cache->log;

        ngx_queue_init(&flight->waiters);
        ngx_queue_insert_tail(&cache->flights, &flight->queue);
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi joins flight %ui",
                   cr->question.hash, flight->number);

    cr->waits = flight;
    ngx_queue_insert_tail(&flight->waiters, &cr->queue);

    if (!cache->timer.timer_set) {
        ngx_add_timer(&cache->timer, NGX_HTTP_MAGASIN_FLIGHT_LOOK);
    }

    return NGX_AGAIN;
}


/* A request that waits goes away. */

void
ngx_http_magasin_flight_leave(ngx_http_magasin_cache_read_t *cr)
{
    ngx_http_magasin_flight_t  *flight;

    flight = cr->waits;

    if (flight == NULL) {
        return;
    }

    cr->waits = NULL;
    ngx_queue_remove(&cr->queue);

    if (ngx_queue_empty(&flight->waiters) && !flight->waking) {
        ngx_http_magasin_flight_free(flight);
    }
}


/*
 * A flight of this worker has ended.  `rc` for those who wait for it: NGX_OK:
 * the answer is stored; NGX_AGAIN: nothing, and nobody knows why, as when the
 * client went away; NGX_DECLINED: no answer that can be shared; NGX_ERROR:
 * it failed with `status`.
 */

void
ngx_http_magasin_flight_over(ngx_http_magasin_cache_t *cache,
    ngx_uint_t number, ngx_int_t rc, ngx_uint_t status)
{
    ngx_http_magasin_flight_t  *flight;

    flight = ngx_http_magasin_flight_find(cache, number);

    if (flight == NULL) {
        return;
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cache->log, 0,
                   "magasin cache: flight %ui over, rc %i, status %ui",
                   number, rc, status);

    flight->over = 1;
    flight->rc = rc;
    flight->status = status;

    /* Not from here: the caller is in the middle of its own request. */

    ngx_post_event(&flight->wake, &ngx_posted_events);
}


/* The timer: have flights of other workers landed? */

void
ngx_http_magasin_flight_look(ngx_event_t *ev)
{
    ngx_queue_t                *q;
    ngx_http_magasin_cache_t   *cache;
    ngx_http_magasin_flight_t  *flight;

    cache = ev->data;

    for (q = ngx_queue_head(&cache->flights);
         q != ngx_queue_sentinel(&cache->flights);
         q = ngx_queue_next(q))
    {
        flight = ngx_queue_data(q, ngx_http_magasin_flight_t, queue);

        if (!flight->over && ngx_http_magasin_flight_landed(flight)) {
            ngx_log_debug1(NGX_LOG_DEBUG_HTTP, cache->log, 0,
                           "magasin cache: flight %ui of another worker over "
                           "or lost",
                           flight->number);

            flight->over = 1;
            flight->rc = NGX_OK;

            ngx_post_event(&flight->wake, &ngx_posted_events);
        }
    }

    if (!ngx_queue_empty(&cache->flights)) {
        ngx_add_timer(&cache->timer, NGX_HTTP_MAGASIN_FLIGHT_LOOK);
    }
}


static ngx_uint_t
ngx_http_magasin_flight_landed(ngx_http_magasin_flight_t *flight)
{
    ngx_queue_t                       *q;
    ngx_http_magasin_cache_read_t  *cr;

    q = ngx_queue_head(&flight->waiters);
    cr = ngx_queue_data(q, ngx_http_magasin_cache_read_t, queue);

    return !ngx_http_magasin_store_flying(&flight->cache->store, &cr->question);
}


/*
 * Tell all that wait, some in each turn of the event loop, since a long answer
 * takes its time for each of them.  Each may end its request, and others with
 * it: the queue is read anew each time, and the flight stays until it is empty.
 */

static void
ngx_http_magasin_flight_wake(ngx_event_t *ev)
{
    ngx_uint_t                         n;
    ngx_queue_t                       *q;
    ngx_http_magasin_flight_t         *flight;
    ngx_http_magasin_cache_read_t  *cr;

    flight = ev->data;
    flight->waking = 1;

    /* Whoever comes from here on is of another flight. */

    ngx_queue_remove(&flight->queue);
    ngx_queue_init(&flight->queue);

    for (n = 0; !ngx_queue_empty(&flight->waiters); n++) {

        if (n == NGX_HTTP_MAGASIN_FLIGHT_TURN) {
            ngx_post_event(ev, &ngx_posted_next_events);

            /* A worker that shuts down stays for timers, not for events. */

            if (!flight->cache->timer.timer_set) {
                ngx_add_timer(&flight->cache->timer,
                              NGX_HTTP_MAGASIN_FLIGHT_LOOK);
            }

            return;
        }

        q = ngx_queue_head(&flight->waiters);
        ngx_queue_remove(q);

        cr = ngx_queue_data(q, ngx_http_magasin_cache_read_t, queue);
        cr->waits = NULL;

        ngx_http_magasin_flight_tell(flight, cr);
    }

    ngx_http_magasin_flight_free(flight);
}


static void
ngx_http_magasin_flight_tell(ngx_http_magasin_flight_t *flight,
    ngx_http_magasin_cache_read_t *cr)
{
    ngx_int_t                   rc;
    ngx_uint_t                  status;
    ngx_http_magasin_cache_t   *cache;
    ngx_http_magasin_answer_t   answer;

    cache = flight->cache;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi woken by flight %ui, rc %i",
                   cr->question.hash, flight->number, flight->rc);

    if (cr->fetch && flight->number <= cr->question.after) {

        /* Whatever became of it, this one waits for the next. */

        cr->began = ngx_current_msec;
        ngx_http_magasin_cache_retry(cr);
        return;
    }

    switch (flight->rc) {

    case NGX_ERROR:
        cr->client->done(cr->data, NGX_ERROR, flight->status);
        return;

    case NGX_DECLINED:
        cr->client->done(cr->data, NGX_DECLINED, 0);
        return;

    case NGX_AGAIN:
        ngx_http_magasin_cache_retry(cr);
        return;

    default: /* NGX_OK */
        break;
    }

    ngx_http_magasin_cache_want(cr, &answer);

    rc = ngx_http_magasin_store_wait(&cache->store, &cr->question,
                                     cr->pool, &answer);

    if (rc == NGX_BUSY) {
        cr->client->done(cr->data, NGX_DECLINED, 0);
        return;
    }

    if (rc != NGX_OK) {
        status = ngx_http_magasin_store_failed(&cache->store, &cr->question);

        if (status) {

            /* For another worker, and so for this one. */

            cr->client->done(cr->data, NGX_ERROR, status);
            return;
        }

        ngx_http_magasin_cache_retry(cr);
        return;
    }

    ngx_http_magasin_count(cache->shared->counters.coalesced);

    ngx_http_magasin_cache_answer(cr, &answer,
                                  NGX_HTTP_MAGASIN_CACHE_COALESCED);

    cr->client->done(cr->data, NGX_OK, 0);
}


/* The flight that others of this worker wait for, or NULL. */

static ngx_http_magasin_flight_t *
ngx_http_magasin_flight_find(ngx_http_magasin_cache_t *cache,
    ngx_uint_t number)
{
    ngx_queue_t                *q;
    ngx_http_magasin_flight_t  *flight;

    for (q = ngx_queue_head(&cache->flights);
         q != ngx_queue_sentinel(&cache->flights);
         q = ngx_queue_next(q))
    {
        flight = ngx_queue_data(q, ngx_http_magasin_flight_t, queue);

        if (flight->number == number && !flight->over) {
            return flight;
        }
    }

    return NULL;
}


static void
ngx_http_magasin_flight_free(ngx_http_magasin_flight_t *flight)
{
    if (flight->wake.posted) {
        ngx_delete_posted_event(&flight->wake);
    }

    ngx_queue_remove(&flight->queue);
    ngx_free(flight);
}
