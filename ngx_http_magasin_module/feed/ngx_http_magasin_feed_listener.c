
/*
 * The listeners of a worker.  One timer looks at the ring, while there are
 * listeners.  They are served in slices, so that no turn of the event loop is
 * long.  A worker that shuts down ends the streams of its listeners, and they
 * go on with another one.
 */


#include "ngx_http_magasin_feed_internal.h"
#include "ngx_http_magasin_checks.h"


static void ngx_http_magasin_feed_leave(void *data);
static void ngx_http_magasin_feed_forget(void *data);
static void ngx_http_magasin_feed_all(ngx_http_magasin_feed_t *feed);
static void ngx_http_magasin_feed_relieve(ngx_http_magasin_feed_t *feed);
static void ngx_http_magasin_feed_comments(ngx_http_magasin_feed_t *feed);


/*
 * Add a listener, whose header was sent; it leaves when its request ends.
 * NGX_OK or NGX_ERROR (no memory).
 */

ngx_int_t
ngx_http_magasin_feed_listen(ngx_http_magasin_feed_listener_t *listener)
{
    ngx_http_request_t       *r;
    ngx_pool_cleanup_t       *memory;
    ngx_http_cleanup_t       *cln;
    ngx_http_magasin_feed_t  *feed;

    feed = listener->feed;
    r = listener->ctx->request;

    listener->nruns = listener->magasin || listener->produit || listener->type
                      ? NGX_HTTP_MAGASIN_FEED_RUNS : 1;

    listener->bufs = ngx_palloc(r->pool,
                                listener->nruns * sizeof(ngx_buf_t));
    listener->links = ngx_palloc(r->pool,
                                 listener->nruns * sizeof(ngx_chain_t));

    cln = ngx_http_cleanup_add(r, 0);
    memory = ngx_pool_cleanup_add(r->pool, 0);

    if (listener->bufs == NULL || listener->links == NULL || cln == NULL
        || memory == NULL)
    {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_magasin_feed_leave;
    cln->data = listener;

    /* Frames of HTTP/2 use the batch until the pool is destroyed. */

    memory->handler = ngx_http_magasin_feed_forget;
    memory->data = listener;

    ngx_queue_insert_tail(&feed->todo, &listener->queue);
    ngx_queue_insert_tail(&feed->silent, &listener->silent);

    listener->listens = 1;
    listener->sent = ngx_current_msec;

    if (feed->nlisteners++ == 0) {
        feed->round = feed->shared->round;
        feed->lost = feed->shared->lost;
        feed->swept = ngx_current_msec;
        feed->next = ngx_current_msec;

        ngx_add_timer(&feed->look, 1);
    }

    if (feed->gauge) {
        (*feed->gauge)++;
    }

    return NGX_OK;
}


static void
ngx_http_magasin_feed_leave(void *data)
{
    ngx_http_magasin_feed_listener_t *listener = data;

    ngx_http_magasin_feed_t  *feed;

    feed = listener->feed;

    ngx_queue_remove(&listener->queue);
    ngx_queue_remove(&listener->silent);

    if (listener->paging) {
        ngx_http_magasin_feed_page_over(listener);
    }

    listener->listens = 0;
    feed->nlisteners--;

    if (feed->gauge) {
        (*feed->gauge)--;
    }
}


static void
ngx_http_magasin_feed_forget(void *data)
{
    ngx_http_magasin_feed_listener_t *listener = data;

    if (listener->batch) {
        ngx_http_magasin_feed_release(listener->feed, listener->batch);
        listener->batch = NULL;
    }
}


/* The handler of the timer. */

void
ngx_http_magasin_feed_look(ngx_event_t *ev)
{
    ngx_http_magasin_feed_t  *feed;

    feed = ev->data;

    if (feed->nlisteners == 0) {

        /* Another worker may have listeners. */

        ngx_http_magasin_feed_poll_stop(feed);

        if (feed->recent) {
            ngx_http_magasin_feed_release(feed, feed->recent);
            feed->recent = NULL;
        }

        return;
    }

    ngx_add_timer(ev, NGX_HTTP_MAGASIN_FEED_LOOK);

    if (ngx_exiting) {
        ngx_http_magasin_feed_poll_stop(feed);
        feed->ending = 1;

    } else {
        ngx_http_magasin_feed_poll(feed);
    }

    if (feed->lost != feed->shared->lost) {
        feed->lost = feed->shared->lost;
        feed->ending = 1;
    }

    if (feed->ending
        || feed->round != feed->shared->round
        || ngx_current_msec - feed->swept >= NGX_HTTP_MAGASIN_FEED_SWEEP)
    {
        feed->round = feed->shared->round;
        feed->swept = ngx_current_msec;

        ngx_http_magasin_feed_all(feed);
    }

    if (feed->held > NGX_HTTP_MAGASIN_FEED_HELD) {
        ngx_http_magasin_feed_relieve(feed);
    }

    ngx_http_magasin_feed_comments(feed);

    if (!feed->serve.posted) {
        ngx_http_magasin_feed_serve(&feed->serve);
    }
}


/* Serve all listeners. */

static void
ngx_http_magasin_feed_all(ngx_http_magasin_feed_t *feed)
{
    if (!ngx_queue_empty(&feed->served)) {
        ngx_queue_add(&feed->todo, &feed->served);
        ngx_queue_init(&feed->served);
    }

    if (feed->ending && !ngx_queue_empty(&feed->pagers)) {
        ngx_queue_add(&feed->todo, &feed->pagers);
        ngx_queue_init(&feed->pagers);
    }
}


/*
 * Serve those that wait for it, for a part of a turn of the event loop.  A
 * client that may not listen any more, perhaps, has to ask again.
 */

void
ngx_http_magasin_feed_serve(ngx_event_t *ev)
{
    uint64_t                           start;
    ngx_int_t                          rc;
    ngx_queue_t                       *q;
    ngx_http_magasin_feed_t           *feed;
    ngx_http_magasin_feed_listener_t  *listener;

    feed = ev->data;
    start = ngx_http_magasin_clock();

    while (!ngx_queue_empty(&feed->todo)) {

        if (ngx_http_magasin_clock() - start > NGX_HTTP_MAGASIN_FEED_TURN) {
            ngx_post_event(&feed->serve, &ngx_posted_next_events);
            return;
        }

        q = ngx_queue_head(&feed->todo);
        listener = ngx_queue_data(q, ngx_http_magasin_feed_listener_t, queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&feed->served, q);

        if (feed->ending || ngx_http_magasin_outdated(listener->ctx)) {
            ngx_http_magasin_feed_farewell(listener);
            continue;
        }

        rc = ngx_http_magasin_feed_deliver(listener);

        if (rc == NGX_AGAIN) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&feed->todo, q);

        } else if (rc != NGX_OK) {
            ngx_http_magasin_feed_end(listener, rc);
        }
    }

    feed->ending = 0;
}


/*
 * Drop listeners that hold the oldest batch: they read too slowly.  Each call
 * ends a few, and then looks again, since one end may bring others.
 */

static void
ngx_http_magasin_feed_relieve(ngx_http_magasin_feed_t *feed)
{
    ngx_uint_t                         left;
    ngx_queue_t                       *q;
    ngx_http_magasin_feed_batch_t     *batch;
    ngx_http_magasin_feed_listener_t  *listener;

    batch = ngx_queue_data(ngx_queue_head(&feed->batches),
                           ngx_http_magasin_feed_batch_t, queue);
    left = NGX_HTTP_MAGASIN_FEED_RELIEF;
    q = ngx_queue_head(&feed->silent);

    while (left && q != ngx_queue_sentinel(&feed->silent)) {

        listener = ngx_queue_data(q, ngx_http_magasin_feed_listener_t, silent);

        if (listener->batch != batch) {
            q = ngx_queue_next(q);
            continue;
        }

        ngx_log_error(NGX_LOG_INFO, feed->log, 0,
                      "client reads the stream too slowly");

        ngx_http_magasin_count(feed->shared->counters.dropped);
        ngx_http_magasin_feed_end(listener, NGX_ERROR);

        q = ngx_queue_head(&feed->silent);
        left--;
    }
}


/*
 * A comment for those to whom nothing was sent for long, so that what is
 * between them and this server does not take them for dead.
 */

static void
ngx_http_magasin_feed_comments(ngx_http_magasin_feed_t *feed)
{
    uint64_t                           start;
    ngx_int_t                          rc;
    ngx_queue_t                       *q;
    ngx_http_magasin_feed_listener_t  *listener;

    start = ngx_http_magasin_clock();

    while (!ngx_queue_empty(&feed->silent)) {

        q = ngx_queue_head(&feed->silent);
        listener = ngx_queue_data(q, ngx_http_magasin_feed_listener_t, silent);

        if (ngx_current_msec - listener->sent < NGX_HTTP_MAGASIN_FEED_SILENCE
            || ngx_http_magasin_clock() - start > NGX_HTTP_MAGASIN_FEED_TURN)
        {
            return;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&feed->silent, q);
        listener->sent = ngx_current_msec;

        if (listener->paging || ngx_http_magasin_feed_busy(listener)) {
            continue;
        }

        rc = ngx_http_magasin_feed_note(listener, ":", 0);

        if (rc != NGX_OK) {
            ngx_http_magasin_feed_end(listener, rc);
        }
    }
}


/*
 * End the stream of a listener.  The client comes back after a while that is
 * not the same for all.
 */

void
ngx_http_magasin_feed_farewell(ngx_http_magasin_feed_listener_t *listener)
{
    u_char     line[sizeof("retry: ") + NGX_INT_T_LEN];
    ngx_int_t  rc;

    ngx_http_magasin_count(listener->feed->shared->counters.ended);

    rc = NGX_ERROR;

    if (!listener->paging && !ngx_http_magasin_feed_busy(listener)) {

        (void) ngx_sprintf(line, "retry: %ui%Z",
                           (ngx_uint_t) (500 + ngx_random() % 2000));

        rc = ngx_http_magasin_feed_note(listener, (char *) line, 1);
    }

    ngx_http_magasin_feed_end(listener, rc);
}
