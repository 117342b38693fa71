
/*
 * What a listener gets: the events of batches that pass its filters, comments,
 * and the end of the stream.  A listener gets nothing more before the client
 * has read what was sent; one that does not read is dropped after
 * `send_timeout`.
 */


#include "ngx_http_magasin_feed_internal.h"


static ngx_int_t ngx_http_magasin_feed_next(
    ngx_http_magasin_feed_listener_t *listener);
static ngx_chain_t *ngx_http_magasin_feed_runs(
    ngx_http_magasin_feed_listener_t *listener, ngx_uint_t *n);
static ngx_uint_t ngx_http_magasin_feed_match(
    ngx_http_magasin_feed_listener_t *listener,
    ngx_http_magasin_feed_record_t *record);
static ngx_int_t ngx_http_magasin_feed_output(
    ngx_http_magasin_feed_listener_t *listener, ngx_chain_t *chain);
static void ngx_http_magasin_feed_writer(ngx_http_request_t *r);


/*
 * Send a listener what there is, one batch at most.
 *
 * NGX_OK: it waits.  NGX_AGAIN: there is more.  Otherwise the request is to end
 * with this code.
 */

ngx_int_t
ngx_http_magasin_feed_deliver(ngx_http_magasin_feed_listener_t *listener)
{
    ngx_int_t                 rc;
    ngx_http_magasin_feed_t  *feed;

    feed = listener->feed;

    if (listener->paging || ngx_http_magasin_feed_busy(listener)) {
        return NGX_OK;
    }

    /* The last page was sent. */

    ngx_http_magasin_json_trim(&listener->ctx->json, 1);

    if (listener->batch == NULL) {

        if (!listener->attached) {
            rc = ngx_http_magasin_feed_find(feed, &listener->place,
                                            &listener->offset);
            if (rc == NGX_AGAIN) {
                return NGX_OK;
            }

            if (rc == NGX_DECLINED) {
                return ngx_http_magasin_feed_page(listener);
            }

            listener->attached = 1;
        }

        rc = ngx_http_magasin_feed_batch(feed, listener->offset,
                                         &listener->batch);
        if (rc == NGX_AGAIN) {
            return NGX_OK;
        }

        if (rc == NGX_DECLINED) {
            listener->attached = 0;
            return NGX_AGAIN;
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        listener->event = 0;
    }

    return ngx_http_magasin_feed_next(listener);
}


/* Send events of the batch; the codes are those of _deliver(). */

static ngx_int_t
ngx_http_magasin_feed_next(ngx_http_magasin_feed_listener_t *listener)
{
    ngx_int_t                       rc;
    ngx_uint_t                      n;
    ngx_chain_t                    *chain;
    ngx_http_magasin_feed_batch_t  *batch;

    batch = listener->batch;

    for ( ;; ) {
        chain = ngx_http_magasin_feed_runs(listener, &n);

        if (chain == NULL) {
            break;
        }

        (void) ngx_atomic_fetch_add(&listener->feed->shared->counters.events,
                                    n);

        rc = ngx_http_magasin_feed_output(listener, chain);
        if (rc != NGX_OK) {
            return rc;
        }

        if (ngx_http_magasin_feed_busy(listener)) {
            return NGX_OK;
        }
    }

    listener->offset = batch->end;
    listener->batch = NULL;

    if (ngx_http_magasin_feed_compare(&batch->last, &listener->place) > 0) {
        listener->place = batch->last;
    }

    ngx_http_magasin_feed_release(listener->feed, batch);

    return listener->offset == listener->feed->shared->head ? NGX_OK
                                                            : NGX_AGAIN;
}


/*
 * The next events of the batch that pass the filters, `n` of them, in runs of
 * those that follow each other.  NULL: there are no more.
 */

static ngx_chain_t *
ngx_http_magasin_feed_runs(ngx_http_magasin_feed_listener_t *listener,
    ngx_uint_t *n)
{
    ngx_buf_t                      *b;
    ngx_uint_t                      runs;
    ngx_http_magasin_feed_event_t  *event;
    ngx_http_magasin_feed_batch_t  *batch;

    batch = listener->batch;
    runs = 0;
    b = NULL;
    *n = 0;

    for ( /* void */ ; listener->event < batch->nevents; listener->event++) {

        event = &batch->events[listener->event];

        if (!ngx_http_magasin_feed_match(listener, &event->record)) {
            b = NULL;
            continue;
        }

        if (b == NULL) {

            if (runs == listener->nruns) {
                break;
            }

            b = &listener->bufs[runs];
            ngx_memzero(b, sizeof(ngx_buf_t));

            b->pos = batch->text + event->text;
            b->start = b->pos;
            b->memory = 1;

            listener->links[runs].buf = b;
            listener->links[runs].next = NULL;

            if (runs) {
                listener->links[runs - 1].next = &listener->links[runs];
            }

            runs++;
        }

        b->last = batch->text + event->text + event->record.len;
        b->end = b->last;
        (*n)++;
    }

    if (runs == 0) {
        return NULL;
    }

    listener->bufs[runs - 1].flush = 1;

    return listener->links;
}


static ngx_uint_t
ngx_http_magasin_feed_match(ngx_http_magasin_feed_listener_t *listener,
    ngx_http_magasin_feed_record_t *record)
{
    return (listener->magasin == 0 || listener->magasin == record->magasin)
           && (listener->produit == 0 || listener->produit == record->produit)
           && (listener->type == 0 || listener->type == record->type)
           && ngx_http_magasin_feed_compare(&record->place, &listener->place)
              > 0;
}


/*
 * Send `line`, and the place of the listener, so that a client that comes back
 * resumes there; `last` ends the stream.  The codes are those of _output().
 */

ngx_int_t
ngx_http_magasin_feed_note(ngx_http_magasin_feed_listener_t *listener,
    const char *line, ngx_uint_t last)
{
    u_char       buffer[NGX_HTTP_MAGASIN_FEED_CURSOR];
    ngx_buf_t   *b;
    ngx_str_t    cursor;
    ngx_chain_t  chain;

    cursor.data = buffer;
    ngx_http_magasin_feed_cursor(&listener->place, &cursor);

    b = &listener->note;
    ngx_memzero(b, sizeof(ngx_buf_t));

    b->start = listener->lines;
    b->pos = listener->lines;
    b->last = ngx_snprintf(b->pos, NGX_HTTP_MAGASIN_FEED_LINES,
                           "%s\nid: %V\n\n", line, &cursor);
    b->end = b->last;
    b->memory = 1;
    b->flush = 1;
    b->last_in_chain = last;

    if (listener->ctx->request == listener->ctx->request->main) {
        b->last_buf = last;
    }

    chain.buf = b;
    chain.next = NULL;

    return ngx_http_magasin_feed_output(listener, &chain);
}


/* NGX_OK, or the code that the request is to end with. */

static ngx_int_t
ngx_http_magasin_feed_output(ngx_http_magasin_feed_listener_t *listener,
    ngx_chain_t *chain)
{
    ngx_int_t                 rc;
    ngx_http_magasin_feed_t  *feed;

    feed = listener->feed;
    listener->sent = ngx_current_msec;

    if (listener->listens) {
        ngx_queue_remove(&listener->silent);
        ngx_queue_insert_tail(&feed->silent, &listener->silent);
    }

    rc = ngx_http_output_filter(listener->ctx->request, chain);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_feed_wait(listener);
}


/* Returns 1 if the client has not read all that was sent, else 0. */

ngx_uint_t
ngx_http_magasin_feed_busy(ngx_http_magasin_feed_listener_t *listener)
{
    ngx_http_request_t  *r;

    r = listener->ctx->request;

    return r->out != NULL || r->buffered || r->connection->buffered;
}


/*
 * Wait for events, and for the client if it has not read all.  NGX_OK or
 * NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_feed_wait(ngx_http_magasin_feed_listener_t *listener)
{
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = listener->ctx->request;
    wev = r->connection->write;

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
    }

    r->write_event_handler = ngx_http_magasin_feed_writer;

    if (!ngx_http_magasin_feed_busy(listener)) {

        if (wev->timer_set && !wev->delayed) {
            ngx_del_timer(wev);
        }

        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    return ngx_handle_write_event(wev, clcf->send_lowat);
}


static void
ngx_http_magasin_feed_writer(ngx_http_request_t *r)
{
    ngx_int_t                          rc;
    ngx_event_t                       *wev;
    ngx_http_magasin_ctx_t            *ctx;
    ngx_http_magasin_feed_listener_t  *listener;

    wev = r->connection->write;
    ctx = ngx_http_magasin_get_ctx(r);
    listener = ctx->state;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client does not read the stream");
        r->connection->timedout = 1;

        ngx_http_magasin_count(listener->feed->shared->counters.dropped);
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);

        return;
    }

    if (wev->delayed || !ngx_http_magasin_feed_busy(listener)) {
        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

        return;
    }

    rc = ngx_http_output_filter(r, NULL);

    if (rc != NGX_ERROR) {
        rc = ngx_http_magasin_feed_wait(listener);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_magasin_feed_deliver(listener);
    }

    if (rc == NGX_AGAIN) {

        /* The others have their turn first. */

        ngx_queue_remove(&listener->queue);
        ngx_queue_insert_tail(&listener->feed->todo, &listener->queue);
        ngx_post_event(&listener->feed->serve, &ngx_posted_next_events);

        return;
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, rc);
    }
}


/* End a request from an event of another connection.  It may be freed. */

void
ngx_http_magasin_feed_end(ngx_http_magasin_feed_listener_t *listener,
    ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = listener->ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}
