
/* Invalidates what a write has changed before the client is answered. */


#include "ngx_http_magasin_handler.h"


static void ngx_http_magasin_written_done(void *data);


/*
 * Invalidates the tags that a write has changed in all caches that this node
 * answers from, and then answers the client.  `result` is NULL if no statement
 * was run.  Returns the codes of ngx_http_magasin_stream().
 */

ngx_int_t
ngx_http_magasin_written(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                       column;
    uint64_t                  xid;
    ngx_http_magasin_tags_t   tags;

    tags.n = 0;
    xid = 0;

    if (result) {

        /* A replica has to show it before anybody knows that it is written. */

        ngx_http_magasin_pg_wal_changed(
                                   ngx_http_magasin_pg_pool(ctx->request));
    }

    if (ctx->endpoint->touch
        && (ctx->status < NGX_HTTP_BAD_REQUEST
            || ctx->endpoint->refusal))
    {
        ctx->endpoint->touch(ctx, result, &tags);

        column = PQfnumber(result, "xid");

        if (column >= 0 && PQntuples(result)) {
            xid = strtoull(PQgetvalue(result, 0, column), NULL, 10);
        }
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "magasin written: status %ui, tags %ui, transaction %uL",
                   ctx->status, tags.n, xid);

    switch (ngx_http_magasin_cache_written(
                ngx_http_magasin_cache_of(ctx->request), ctx->request->pool,
                &tags, xid, &ctx->redis, ngx_http_magasin_written_done, ctx,
                &ctx->writing))
    {

    case NGX_OK:
        return ngx_http_magasin_stream(ctx);

    case NGX_AGAIN:
        ngx_http_magasin_wait(ctx);
        return NGX_DONE;

    default: /* NGX_ERROR */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static void
ngx_http_magasin_written_done(void *data)
{
    ngx_http_magasin_ctx_t  *ctx = data;

    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    ngx_http_magasin_finalize(ctx, ngx_http_magasin_stream(ctx));
}
