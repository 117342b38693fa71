
/*
 * Single flight: the reads of this worker that wait for an answer which another
 * request of the node fetches.  A flight of this worker wakes them when it
 * ends.  For flights of other workers one timer looks into shared memory, once
 * for all reads that wait for the same flight.
 *
 * A read that wants an answer newer than itself waits for a flight that began
 * earlier to end, and then for the next flight: one of them leads it, the
 * others join it.  So they cause one statement at a time.
 */


#include "ngx_http_magasin_cache_internal.h"


/* Reads that are woken in one turn of the event loop. */
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
 * Wait for cr->question.flight.  NGX_AGAIN: the read will be woken.
 * NGX_DECLINED: no memory; the read goes on without the flight.
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
    cr->joined_at = ngx_http_magasin_clock();
    ngx_queue_insert_tail(&flight->waiters, &cr->queue);

    if (!cache->timer.timer_set) {
        ngx_add_timer(&cache->timer, NGX_HTTP_MAGASIN_FLIGHT_LOOK);
    }

    return NGX_AGAIN;
}


/* Stop waiting, if this read waits. */

void
ngx_http_magasin_flight_leave(ngx_http_magasin_cache_read_t *cr)
{
    ngx_http_magasin_flight_t  *flight;

    flight = cr->waits;

    if (flight == NULL) {
        return;
    }

    cr->waited = ngx_http_magasin_cache_waited(cr);
    cr->waits = NULL;
    ngx_queue_remove(&cr->queue);

    if (ngx_queue_empty(&flight->waiters) && !flight->waking) {
        ngx_http_magasin_flight_free(flight);
    }
}


/*
 * A flight of this worker has ended; the reads that wait for it are woken from
 * the event loop.  NGX_OK: the answer is stored.  NGX_AGAIN: there is none, for
 * instance because the client left; they try again.  NGX_DECLINED: the answer
 * cannot be shared; they run the statement.  NGX_ERROR: they fail with
 * `status`.
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

    /* Posted: the caller is still in the handler of its own request. */

    ngx_post_event(&flight->wake, &ngx_posted_events);
}


/* The timer: wake the reads whose flights of other workers have ended. */

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
 * Wake the reads that wait, NGX_HTTP_MAGASIN_FLIGHT_TURN in each turn of the
 * event loop, since a long answer takes time for each of them.  A read may end
 * its request and others with it.  So the head of the queue is taken anew each
 * time, and the flight is freed when the queue is empty.
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

    /* A read that comes from here on does not find this flight. */

    ngx_queue_remove(&flight->queue);
    ngx_queue_init(&flight->queue);

    for (n = 0; !ngx_queue_empty(&flight->waiters); n++) {

        if (n == NGX_HTTP_MAGASIN_FLIGHT_TURN) {
            ngx_post_event(ev, &ngx_posted_next_events);

            /* A worker that shuts down waits for timers, not for events. */

            if (!flight->cache->timer.timer_set) {
                ngx_add_timer(&flight->cache->timer,
                              NGX_HTTP_MAGASIN_FLIGHT_LOOK);
            }

            return;
        }

        q = ngx_queue_head(&flight->waiters);
        ngx_queue_remove(q);

        cr = ngx_queue_data(q, ngx_http_magasin_cache_read_t, queue);
        cr->waited = ngx_http_magasin_cache_waited(cr);
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

        /* It began before the request came: its answer is too old. */

        cr->began = ngx_current_msec;
        ngx_http_magasin_cache_retry(cr);
        return;
    }

    switch (flight->rc) {

    case NGX_ERROR:
        cr->client->done(cr->data, NGX_ERROR, flight->status);
        return;

    case NGX_DECLINED:
        cr->crowded = ngx_http_magasin_cache_full(cr);
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
        cr->crowded = 1;
        cr->client->done(cr->data, NGX_DECLINED, 0);
        return;
    }

    if (rc != NGX_OK) {
        status = ngx_http_magasin_store_failed(&cache->store, &cr->question);

        if (status) {

            /* It failed in another worker, for all who wait. */

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


/* The flight of this number that reads of this worker wait for, or NULL. */

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
