
/*
 * The content handler: the steps of a request before its statement is sent.
 * After dispatch.c has found the endpoint, the checks follow in the order of
 * the reference: 401, 415, parse errors, 400 and 404.
 */


#include "ngx_http_magasin_handler.h"
#include "ngx_http_magasin_checks.h"


static void ngx_http_magasin_body_ready(ngx_http_request_t *r);
static void ngx_http_magasin_cleanup(void *data);


/*
 * The content handler of `magasin`.  Returns a code for
 * ngx_http_finalize_request(), or NGX_DONE if the request waits.
 */

ngx_int_t
ngx_http_magasin_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc, discarded;
    ngx_str_t                body;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_magasin_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_null(&body);

    ngx_http_magasin_json_init(&ctx->json, r->pool);

    rc = ngx_http_magasin_dispatch(ctx);

    if (rc == NGX_OK && ngx_http_magasin_guarded(ctx)) {
        rc = ngx_http_magasin_authorize(ctx);
    }

    if (rc == NGX_OK
        && (ctx->endpoint->method
            & (NGX_HTTP_PUT|NGX_HTTP_POST|NGX_HTTP_PATCH)))
    {
        ctx->body.type = ngx_http_magasin_body_type(r);

        if (ctx->body.type != NGX_HTTP_MAGASIN_BODY_NONE
            && ctx->endpoint->rows
               != (ctx->body.type == NGX_HTTP_MAGASIN_BODY_CSV
                   || ctx->body.type == NGX_HTTP_MAGASIN_BODY_NDJSON))
        {
            ctx->body.type = NGX_HTTP_MAGASIN_BODY_UNKNOWN;
        }

        if (ctx->body.type == NGX_HTTP_MAGASIN_BODY_UNKNOWN) {
            rc = ngx_http_magasin_media_refused(ctx);

        } else if (ctx->body.type != NGX_HTTP_MAGASIN_BODY_NONE) {
            rc = ngx_http_magasin_encoding_refused(ctx);
        }

        if (rc == NGX_OK && ctx->body.type != NGX_HTTP_MAGASIN_BODY_NONE) {
            r->request_body_in_single_buf = !ctx->endpoint->rows;

            rc = ngx_http_read_client_request_body(r,
                                               ngx_http_magasin_body_ready);

            /*
             * "100 Continue" could not be sent: the client has disconnected.
             */

            if (rc == NGX_HTTP_INTERNAL_SERVER_ERROR && r->connection->error)
            {
                rc = NGX_HTTP_CLIENT_CLOSED_REQUEST;
            }

            return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
        }
    }

    /* No type is wrong here, since nothing of the body is read. */

    if (rc == NGX_OK
        && ctx->endpoint->method == NGX_HTTP_DELETE
        && ngx_http_magasin_body_type(r) != NGX_HTTP_MAGASIN_BODY_NONE)
    {
        rc = ngx_http_magasin_encoding_refused(ctx);
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    discarded = ngx_http_discard_request_body(r);

    if (discarded != NGX_OK) {
        return discarded >= NGX_HTTP_SPECIAL_RESPONSE
               ? discarded : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_DONE) {
        return ngx_http_magasin_reply_send(ctx);
    }

    rc = ngx_http_magasin_run(ctx, &body);

    if (rc == NGX_DONE) {
        r->main->count++;
    }

    return rc;
}


static void
ngx_http_magasin_body_ready(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_str_t                body;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_magasin_get_ctx(r);

    if (ctx->endpoint->rows) {
        rc = ngx_http_magasin_batch(ctx);

        if (rc != NGX_DONE) {
            ngx_http_finalize_request(r, rc);
        }

        return;
    }

    if (ngx_http_magasin_body_read(r, &body) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    rc = ngx_http_magasin_body_parse(r, &ctx->body, &body);

    if (rc == NGX_OK) {
        rc = ngx_http_magasin_run(ctx, &body);

        if (rc == NGX_DONE) {
            return;
        }

    } else if (rc == NGX_DECLINED) {
        (void) ngx_http_magasin_reply_detail(ctx, NGX_HTTP_BAD_REQUEST,
                                             &ctx->body.error);
        rc = ngx_http_magasin_reply_send(ctx);

    } else {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


/*
 * Binds the parameters and runs the statement, or reads the answer from the
 * cache.  `body` is the unparsed body of the request, or stands for it.
 *
 * Returns NGX_DONE if the request waits.  Otherwise the answer was sent, or
 * the result is the status of an error page of nginx.  The caller passes the
 * result to ngx_http_finalize_request().
 */

ngx_int_t
ngx_http_magasin_run(ngx_http_magasin_ctx_t *ctx, ngx_str_t *body)
{
    ngx_int_t                     rc;
    ngx_http_cleanup_t           *cln;
    ngx_http_magasin_endpoint_t  *endpoint;

    endpoint = ctx->endpoint;

    ctx->status = NGX_HTTP_OK;
    ctx->job.statement = endpoint->statement;
    ctx->job.class = endpoint->class;

    rc = NGX_OK;

    if (endpoint->method == NGX_HTTP_POST) {
        rc = ngx_http_magasin_idempotency(ctx, body);
    }

    if (rc == NGX_OK) {
        ngx_http_magasin_table_open(ctx);

        rc = endpoint->bind(ctx);

        ngx_http_magasin_table_close(ctx);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_magasin_place_value(ctx);
    }

    if (rc == NGX_OK
        && endpoint->method == NGX_HTTP_POST
        && !ctx->conditional)
    {
        rc = ngx_http_magasin_unconditional(ctx);
    }

    if (ctx->table) {

        /* All rows: a long read. */

        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;
        ctx->job.weigh = 0;
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "magasin bind: %i, statement %s, values %ui", rc,
                   ngx_http_magasin_pg_statement_name(ctx->job.statement),
                   ctx->job.nvalues);

    if (rc != NGX_OK && rc != NGX_DONE) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln = ngx_http_cleanup_add(ctx->request, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_magasin_cleanup;
    cln->data = ctx;

    if (rc == NGX_DONE) {
        ngx_http_magasin_reply_whole(ctx);
        return ngx_http_magasin_written(ctx, NULL);
    }

    return endpoint->method == NGX_HTTP_GET ? ngx_http_magasin_read(ctx)
                                            : ngx_http_magasin_submit(ctx);
}


/* Releases what a request holds, in whatever state the request ends. */

static void
ngx_http_magasin_cleanup(void *data)
{
    ngx_http_magasin_ctx_t  *ctx = data;

    ngx_http_magasin_pg_cancel(&ctx->job);
    ngx_http_magasin_gzip_close(ctx);

    if (ctx->writing) {
        ngx_http_magasin_cache_write_close(ctx->writing);
    }

    if (ctx->cached) {
        ngx_http_magasin_cache_read_close(ctx->cached);
    }
}
