
/*
 * An answer of many rows is rendered and sent piece by piece.  The next rows
 * are asked for only when the client has taken the last piece, by a new run
 * of the statement from where the last one ended: a slow client holds some
 * buffers of ours, but no connection to PostgreSQL.
 */


#include "ngx_http_magasin_handler.h"


/* Bytes of buffers that a request keeps from one piece for the next. */
#define NGX_HTTP_MAGASIN_KEPT  131072

/* Pieces out of the cache for one client in a turn of the event loop. */
#define NGX_HTTP_MAGASIN_TURN  4


static ngx_int_t ngx_http_magasin_stream_next(ngx_http_magasin_ctx_t *ctx);
static void ngx_http_magasin_stream_writer(ngx_http_request_t *r);


/*
 * Send what is rendered, and go on to the next rows once it has left.
 *
 * NGX_DONE: the request waits.  Else it ends with this code.
 */

ngx_int_t
ngx_http_magasin_stream(ngx_http_magasin_ctx_t *ctx)
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

    /* The end of a piece does not wait for the client's word of the piece. */

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

        /* A subrequest whose turn has not come: it is posted for it. */

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
             * It reads as fast as we write: others have their turn.  A worker
             * that shuts down stays for timers, not for events.
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


/* Something else will go on with the request, unless its client leaves. */

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


/* End a request from an event that is not its own; r may be gone after. */

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
