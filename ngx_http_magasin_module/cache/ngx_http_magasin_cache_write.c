
/*
 * A write.  Its statement has committed.  Before the client is answered, first
 * Redis and the other nodes are told, and then the generations of this node are
 * raised.  The order matters: a read that captures the new generations must not
 * find an older answer in Redis.
 *
 * Redis is told at the end of the turn of the event loop, so that it is told
 * once of all that one transaction has changed: see pg_batch.c.
 */


#include "ngx_http_magasin_cache_internal.h"
#include "ngx_http_magasin_cache_redis_internal.h"


static ngx_http_magasin_cache_notice_t *ngx_http_magasin_cache_notice(
    ngx_http_magasin_cache_t *cache, ngx_http_magasin_tags_t *tags,
    uint64_t xid);
static void ngx_http_magasin_cache_notify(ngx_event_t *ev);
static void ngx_http_magasin_cache_told(void *data, ngx_int_t rc);
static void ngx_http_magasin_cache_raise(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_tags_t *tags, uint64_t xid, ngx_uint_t epoch,
    ngx_int_t rc);


void
ngx_http_magasin_cache_write_init(ngx_http_magasin_cache_t *cache)
{
    ngx_queue_init(&cache->notices);

    cache->notify.handler = ngx_http_magasin_cache_notify;
    cache->notify.data = cache;
    cache->notify.log = cache->log;
}


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
    ngx_uint_t                        i;
    ngx_http_magasin_cache_write_t   *cw;
    ngx_http_magasin_cache_notice_t  *notice;

    *write = NULL;

    if (cache == NULL || tags->n == 0) {
        return NGX_OK;
    }

    if (cache->redis == NULL) {

        /* A later configuration may use a Redis that was not told. */

        cache->shared->redis = 0;

        ngx_http_magasin_cache_raise(cache, tags, xid, cache->shared->epoch,
                                     NGX_OK);
        return NGX_OK;
    }

    cw = ngx_pcalloc(pool, sizeof(ngx_http_magasin_cache_write_t));
    if (cw == NULL) {
        return NGX_ERROR;
    }

    notice = ngx_http_magasin_cache_notice(cache, tags, xid);
    if (notice == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < tags->n; i++) {
        ngx_http_magasin_tags_add_slot(&notice->tags, tags->slots[i]);
    }

    cw->done = done;
    cw->data = data;
    cw->spent = spent;
    cw->waits = 1;

    ngx_queue_insert_tail(&notice->writes, &cw->queue);

    *write = cw;

    return NGX_AGAIN;
}


/*
 * Returns the notice of transaction `xid` that has room for these tags and that
 * Redis was not told of yet.  NULL: no memory.
 */

static ngx_http_magasin_cache_notice_t *
ngx_http_magasin_cache_notice(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_tags_t *tags, uint64_t xid)
{
    ngx_queue_t                      *q;
    ngx_http_magasin_cache_notice_t  *notice;

    for (q = ngx_queue_head(&cache->notices);
         q != ngx_queue_sentinel(&cache->notices);
         q = ngx_queue_next(q))
    {
        notice = ngx_queue_data(q, ngx_http_magasin_cache_notice_t, queue);

        if (!notice->telling && xid && notice->tell.xid == xid
            && notice->epoch == cache->shared->epoch
            && notice->tags.n + tags->n <= NGX_HTTP_MAGASIN_TAG_WRITES)
        {
            return notice;
        }
    }

    notice = ngx_calloc(sizeof(ngx_http_magasin_cache_notice_t), cache->log);
    if (notice == NULL) {
        return NULL;
    }

    ngx_queue_init(&notice->writes);

    notice->epoch = cache->shared->epoch;

    notice->tell.told = ngx_http_magasin_cache_told;
    notice->tell.data = notice;
    notice->tell.command.spent = &notice->spent;
    notice->tell.cache = cache;
    notice->tell.tags = &notice->tags;
    notice->tell.xid = xid;

    ngx_queue_insert_tail(&cache->notices, &notice->queue);

    ngx_post_event(&cache->notify, &ngx_posted_events);

    return notice;
}


/* The turn ends: tell Redis what it has not been told yet. */

static void
ngx_http_magasin_cache_notify(ngx_event_t *ev)
{
    ngx_int_t                         rc;
    ngx_queue_t                      *q;
    ngx_http_magasin_cache_t         *cache;
    ngx_http_magasin_cache_notice_t  *notice;

    cache = ev->data;

    /* Those that are told stand first, and callbacks may add others. */

    for ( ;; ) {
        q = ngx_queue_last(&cache->notices);

        if (q == ngx_queue_sentinel(&cache->notices)) {
            return;
        }

        notice = ngx_queue_data(q, ngx_http_magasin_cache_notice_t, queue);

        if (notice->telling) {
            return;
        }

        notice->telling = 1;

        ngx_queue_remove(q);
        ngx_queue_insert_head(&cache->notices, q);

        rc = ngx_http_magasin_cache_redis_tell(&notice->tell);

        if (rc != NGX_AGAIN) {
            ngx_http_magasin_cache_told(notice, rc);
        }
    }
}


/* Redis was told, or was perhaps not: raise the generations of this node. */

static void
ngx_http_magasin_cache_told(void *data, ngx_int_t rc)
{
    ngx_queue_t                      *q;
    ngx_http_magasin_cache_write_t   *cw;
    ngx_http_magasin_cache_notice_t  *notice;

    notice = data;

    ngx_queue_remove(&notice->queue);

    ngx_http_magasin_cache_raise(notice->tell.cache, &notice->tags,
                                 notice->tell.xid, notice->epoch, rc);

    /* A callback may close other writes. */

    while (!ngx_queue_empty(&notice->writes)) {
        q = ngx_queue_head(&notice->writes);
        ngx_queue_remove(q);

        cw = ngx_queue_data(q, ngx_http_magasin_cache_write_t, queue);
        cw->waits = 0;

        if (cw->spent) {
            *cw->spent += notice->spent;
        }

        cw->done(cw->data);
    }

    ngx_free(notice);
}


static void
ngx_http_magasin_cache_raise(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_tags_t *tags, uint64_t xid, ngx_uint_t epoch,
    ngx_int_t rc)
{
    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cache->log, 0,
                   "magasin cache: raise %ui tags, xid %uL, rc %i",
                   tags->n, xid, rc);

    ngx_http_magasin_tags_raise(cache->shared, tags);

    /* A change that Redis was not told of is left to the poller. */

    if (rc == NGX_OK && xid) {
        ngx_http_magasin_tags_handled(cache->shared, tags, xid, epoch);
    }
}


/*
 * The client left while Redis is told, which goes on.  done() is not called.
 */

void
ngx_http_magasin_cache_write_close(ngx_http_magasin_cache_write_t *cw)
{
    if (cw->waits) {
        cw->waits = 0;
        ngx_queue_remove(&cw->queue);
    }
}


/*
 * The worker exits.  What Redis was perhaps not told is a debt; no callback is
 * called.
 */

void
ngx_http_magasin_cache_write_destroy(ngx_http_magasin_cache_t *cache)
{
    ngx_queue_t                      *q;
    ngx_http_magasin_cache_notice_t  *notice;

    if (cache->notify.posted) {
        ngx_delete_posted_event(&cache->notify);
    }

    while (!ngx_queue_empty(&cache->notices)) {
        q = ngx_queue_head(&cache->notices);
        ngx_queue_remove(q);

        notice = ngx_queue_data(q, ngx_http_magasin_cache_notice_t, queue);

        ngx_http_magasin_cache_redis_untell(&notice->tell);
        ngx_http_magasin_cache_raise(cache, &notice->tags, notice->tell.xid,
                                     notice->epoch, NGX_ERROR);
        ngx_free(notice);
    }
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
