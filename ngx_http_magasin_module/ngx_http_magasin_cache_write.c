
/*
 * The way of a write through the cache.  The statement has committed; before
 * the client hears of it, Redis and the other nodes are told, and then the
 * generations of this node are raised.  In this order: a read that captures
 * the new generations must not find in Redis what was there before.
 */


#include "ngx_http_magasin_cache_internal.h"
#include "ngx_http_magasin_cache_redis.h"


static void ngx_http_magasin_cache_write_told(void *data, ngx_int_t rc);
static void ngx_http_magasin_cache_write_end(
    ngx_http_magasin_cache_write_t *cw, ngx_int_t rc);


/*
 * What a write has changed.  `xid`: its transaction, for the poller to know
 * that this was done; 0: not known.
 *
 * NGX_OK: done.  NGX_AGAIN: done() will be called, from the event loop, after
 * the deadline of Redis at the latest.  NGX_ERROR: memory; the poller will
 * find it, but the client must not be told that it is written.
 */

ngx_int_t
ngx_http_magasin_cache_written(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_scopes_t *scopes, uint64_t xid,
    ngx_http_magasin_cache_written_pt done)
{
    ngx_int_t                        rc;
    ngx_http_magasin_main_conf_t    *mmcf;
    ngx_http_magasin_cache_write_t  *cw;

    mmcf = ngx_http_get_module_main_conf(ctx->request,
                                         ngx_http_magasin_module);

    if (mmcf->cache == NULL || scopes->n == 0) {
        return NGX_OK;
    }

    cw = ngx_pcalloc(ctx->request->pool,
                     sizeof(ngx_http_magasin_cache_write_t));
    if (cw == NULL) {
        return NGX_ERROR;
    }

    cw->ctx = ctx;
    cw->scopes = *scopes;
    cw->done = done;
    cw->epoch = mmcf->cache->shared->epoch;

    cw->tell.told = ngx_http_magasin_cache_write_told;
    cw->tell.data = cw;
    cw->tell.command.spent = &ctx->redis;
    cw->tell.cache = mmcf->cache;
    cw->tell.scopes = &cw->scopes;
    cw->tell.xid = xid;

    rc = ngx_http_magasin_cache_redis_tell(&cw->tell);

    if (rc == NGX_AGAIN) {
        cw->telling = 1;
        ctx->writing = cw;
        return NGX_AGAIN;
    }

    ngx_http_magasin_cache_write_end(cw, rc);

    return NGX_OK;
}


static void
ngx_http_magasin_cache_write_told(void *data, ngx_int_t rc)
{
    ngx_http_magasin_cache_write_t  *cw;

    cw = data;
    cw->telling = 0;

    ngx_http_magasin_cache_write_end(cw, rc);

    cw->done(cw->ctx);
}


static void
ngx_http_magasin_cache_write_end(ngx_http_magasin_cache_write_t *cw,
    ngx_int_t rc)
{
    ngx_http_magasin_cache_shared_t  *shared;

    shared = cw->tell.cache->shared;

    ngx_http_magasin_scopes_raise(shared, &cw->scopes);

    /* What Redis was not told, the poller tells it. */

    if (rc == NGX_OK && cw->tell.xid) {
        ngx_http_magasin_scopes_handled(shared, &cw->scopes, cw->tell.xid,
                                        cw->epoch);
    }
}


/* The client goes while Redis is being told: the change stands. */

void
ngx_http_magasin_cache_write_cleanup(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_cache_write_t  *cw;

    cw = ctx->writing;

    if (cw == NULL || !cw->telling) {
        return;
    }

    cw->telling = 0;

    ngx_http_magasin_cache_redis_untell(&cw->tell);
    ngx_http_magasin_cache_write_end(cw, NGX_ERROR);
}
