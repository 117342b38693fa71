
/*
 * A write.  Its statement has committed.  Before the client is answered, first
 * Redis and the other nodes are told, and then the generations of this node are
 * raised.  The order matters: a read that captures the new generations must not
 * find an older answer in Redis.
 */


#include "ngx_http_magasin_cache_internal.h"
#include "ngx_http_magasin_cache_redis_internal.h"


static void ngx_http_magasin_cache_write_told(void *data, ngx_int_t rc);
static void ngx_http_magasin_cache_write_end(
    ngx_http_magasin_cache_write_t *cw, ngx_int_t rc);


/*
 * Invalidate what a write has changed.  cache: NULL for none.  tags: they are
 * copied.  xid: its transaction, so that the poller does not invalidate it
 * again; 0: not known.  spent: a sum to which the microseconds in Redis are
 * added; it lives until done() or _write_close().
 *
 * NGX_OK: it is done.  NGX_AGAIN: done(data) will be called from the event
 * loop, at the deadline of Redis at the latest; before it the caller may close
 * *write.  NGX_ERROR: no memory; the poller will invalidate it, but the client
 * must not be answered that it is written.
 */

ngx_int_t
ngx_http_magasin_cache_written(ngx_http_magasin_cache_t *cache,
    ngx_pool_t *pool, ngx_http_magasin_tags_t *tags, uint64_t xid,
    uint64_t *spent, ngx_http_magasin_cache_written_pt done, void *data,
    ngx_http_magasin_cache_write_t **write)
{
    ngx_int_t                        rc;
    ngx_http_magasin_cache_write_t  *cw;

    *write = NULL;

    if (cache == NULL || tags->n == 0) {
        return NGX_OK;
    }

    cw = ngx_pcalloc(pool, sizeof(ngx_http_magasin_cache_write_t));
    if (cw == NULL) {
        return NGX_ERROR;
    }

    cw->tags = *tags;
    cw->done = done;
    cw->data = data;
    cw->epoch = cache->shared->epoch;

    cw->tell.told = ngx_http_magasin_cache_write_told;
    cw->tell.data = cw;
    cw->tell.command.spent = spent;
    cw->tell.cache = cache;
    cw->tell.tags = &cw->tags;
    cw->tell.xid = xid;

    rc = ngx_http_magasin_cache_redis_tell(&cw->tell);

    if (rc == NGX_AGAIN) {
        cw->telling = 1;
        *write = cw;
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

    cw->done(cw->data);
}


static void
ngx_http_magasin_cache_write_end(ngx_http_magasin_cache_write_t *cw,
    ngx_int_t rc)
{
    ngx_http_magasin_cache_shared_t  *shared;

    shared = cw->tell.cache->shared;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cw->tell.cache->log, 0,
                   "magasin cache: raise %ui tags, xid %uL, rc %i",
                   cw->tags.n, cw->tell.xid, rc);

    ngx_http_magasin_tags_raise(shared, &cw->tags);

    /* A change that Redis was not told of is left to the poller. */

    if (rc == NGX_OK && cw->tell.xid) {
        ngx_http_magasin_tags_handled(shared, &cw->tags, cw->tell.xid,
                                        cw->epoch);
    }
}


/*
 * The client left while Redis is told: invalidate without it.  done() is not
 * called.
 */

void
ngx_http_magasin_cache_write_close(ngx_http_magasin_cache_write_t *cw)
{
    if (!cw->telling) {
        return;
    }

    cw->telling = 0;

    ngx_http_magasin_cache_redis_untell(&cw->tell);
    ngx_http_magasin_cache_write_end(cw, NGX_ERROR);
}


/*
 * Remove all entries of this node; a pinned answer stays until its last reader
 * has finished.  It takes the zone's lock.  Returns the number of entries from
 * before.
 */

ngx_uint_t
ngx_http_magasin_cache_flush(ngx_http_magasin_cache_t *cache)
{
    ngx_uint_t                entries;
    ngx_http_magasin_zone_t  *zone;

    zone = cache->store.zone;
    entries = cache->shared->entries;

    ngx_http_magasin_zone_lock(zone);

    if (ngx_http_magasin_store_empty(&cache->store) != NGX_OK) {
        ngx_http_magasin_zone_reset(zone);
    }

    ngx_http_magasin_zone_unlock(zone);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, cache->log, 0,
                   "magasin cache: flushed, %ui entries", entries);

    ngx_http_magasin_count(cache->shared->counters.flushed);

    return entries;
}
