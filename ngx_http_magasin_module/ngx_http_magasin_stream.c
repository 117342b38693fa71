
/*
 * Sends an answer of many rows piece by piece.  The next rows are requested
 * only after the client has received the last piece.  They come from a new run
 * of the statement, which continues after the last row.  A slow client
 * therefore occupies some buffers, but no connection to PostgreSQL.
 */


#include "ngx_http_magasin_handler.h"


/* Bytes of buffers that a request keeps for its next piece. */
#define NGX_HTTP_MAGASIN_KEPT  131072

/* Pieces from the cache for one client per iteration of the event loop. */
#define NGX_HTTP_MAGASIN_TURN  4


static void ngx_http_magasin_stream_packed(ngx_http_magasin_ctx_t *ctx,
    ngx_int_t rc);
static ngx_int_t ngx_http_magasin_stream_send(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_stream_next(ngx_http_magasin_ctx_t *ctx);
static void ngx_http_magasin_stream_writer(ngx_http_request_t *r);


/*
 * Sends what is rendered and continues with the next rows after it was sent.
 * An answer of the cache whose gzip form this request makes is compressed
 * first.
 *
 * Returns NGX_DONE if the request waits.  Otherwise the request ends, and the
 * caller passes the result to ngx_http_finalize_request().
 */

ngx_int_t
ngx_http_magasin_stream(ngx_http_magasin_ctx_t *ctx)
{
    switch (ngx_http_magasin_gzip(ctx, ngx_http_magasin_stream_packed)) {

    case NGX_OK:
        return ngx_http_magasin_stream_send(ctx);

    case NGX_AGAIN:
        ngx_http_magasin_wait(ctx);
        return NGX_DONE;

    default: /* NGX_ERROR */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


/* Continues when the answer is compressed. */

static void
ngx_http_magasin_stream_packed(ngx_http_magasin_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_magasin_finalize(ctx, rc == NGX_OK
                                   ? ngx_http_magasin_stream_send(ctx)
                                   : NGX_HTTP_INTERNAL_SERVER_ERROR);
}


static ngx_int_t
ngx_http_magasin_stream_send(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    rc = ngx_http_magasin_reply_send(ctx);

    if (ngx_http_magasin_complete(ctx) || rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    r = ctx->request;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    /*
     * Without TCP_NODELAY the end of a piece waits for an ACK of the client.
     */

    if (clcf->tcp_nodelay && ngx_tcp_nodelay(r->connection) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_stream_next(ctx);
}


static ngx_int_t
ngx_http_magasin_stream_next(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_uint_t                 pieces;
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = ctx->request;
    wev = r->connection->write;
    pieces = NGX_HTTP_MAGASIN_TURN;

next:

    if (r->connection->data != r || r->postponed) {

        /* nginx posts a subrequest when it is its turn. */

        ngx_http_magasin_wait(ctx);
        r->write_event_handler = ngx_http_magasin_stream_writer;
        return NGX_DONE;
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "magasin stream: buffered %xd, rest %uz, rows %ui",
                   r->buffered | r->connection->buffered, ctx->rest,
                   ctx->rows);

    if (r->out == NULL && !r->buffered && !r->connection->buffered) {

        if (wev->timer_set && !wev->delayed) {
            ngx_del_timer(wev);
        }

        ngx_http_magasin_json_trim(&ctx->json, NGX_HTTP_MAGASIN_KEPT);

        if (ctx->cached) {
            ngx_http_magasin_cache_hold(ctx->cached, 0);
        }

        if (ctx->rest == 0) {
            return ngx_http_magasin_submit(ctx);
        }

        if (--pieces == 0) {

            /*
             * The client reads as fast as the worker writes: let other
             * requests run.  A timer is set, because a worker that shuts down
             * waits for timers, but not for posted events.
             */

            ngx_http_magasin_wait(ctx);
            r->write_event_handler = ngx_http_magasin_stream_writer;
            ngx_post_event(wev, &ngx_posted_next_events);

            if (!wev->timer_set) {
                clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
                ngx_add_timer(wev, clcf->send_timeout);
            }

            return NGX_DONE;
        }

        rc = ngx_http_magasin_reply_send(ctx);

        if (ngx_http_magasin_complete(ctx) || rc == NGX_ERROR || rc > NGX_OK) {
            return rc;
        }

        goto next;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_http_magasin_wait(ctx);
    r->write_event_handler = ngx_http_magasin_stream_writer;

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


static void
ngx_http_magasin_stream_writer(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_event_t             *wev;
    ngx_http_magasin_ctx_t  *ctx;

    wev = r->connection->write;
    ctx = ngx_http_magasin_get_ctx(r);

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;

        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (wev->delayed) {
        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

        return;
    }

    rc = ngx_http_output_filter(r, NULL);

    if (rc != NGX_ERROR) {
        rc = ngx_http_magasin_stream_next(ctx);
    }

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


/*
 * Suspends a request until an event continues it.  A client that disconnects
 * still ends the request.
 */

void
ngx_http_magasin_wait(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_request_t  *r;

    r = ctx->request;

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
    }

    r->write_event_handler = ngx_http_request_empty_handler;
}


/*
 * Ends a request, unless `rc` is NGX_DONE, from an event of another
 * connection.  The request may be freed afterwards.
 */

void
ngx_http_magasin_finalize(ngx_http_magasin_ctx_t *ctx, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = ctx->request->connection;

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(ctx->request, rc);
    }

    ngx_http_run_posted_requests(c);
}
