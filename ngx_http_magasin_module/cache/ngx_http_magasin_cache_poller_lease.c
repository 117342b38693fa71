
/*
 * The lease of the poller, and what its holder has: a connection to PostgreSQL,
 * and one to the channel of the other nodes.
 */


#include "ngx_http_magasin_cache_poller_internal.h"


static void ngx_http_magasin_poller_hint(void *data, const char *message);


/* Take or renew the lease.  1: this worker has it; 0: another one has. */

ngx_uint_t
ngx_http_magasin_poller_lease(ngx_http_magasin_poller_t *poller)
{
    uint64_t                          now;
    ngx_atomic_uint_t                 holder;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = poller->cache->shared;
    now = ngx_http_magasin_now();
    holder = shared->poller;

    if (holder != (ngx_atomic_uint_t) ngx_pid) {

        if (holder && now < shared->poller_until) {
            return 0;
        }

        if (!ngx_atomic_cmp_set(&shared->poller, holder, ngx_pid)) {
            return 0;
        }

        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, poller->cache->log, 0,
                       "magasin cache: lease taken from %uA", holder);
    }

    shared->poller_until = now + NGX_HTTP_MAGASIN_POLL_LEASE;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, poller->cache->log, 0,
                   "magasin cache: lease until %uA", shared->poller_until);

    return 1;
}


/*
 * Create the pool of one connection.  Such a pool allocates from its cycle.  So
 * that _disconnect() can free all of it, this one gets a copy of the cycle with
 * a memory pool of its own.  NGX_OK or NGX_ERROR (no memory).
 */

ngx_int_t
ngx_http_magasin_poller_connect(ngx_http_magasin_poller_t *poller)
{
    ngx_pool_t   *lease;
    ngx_cycle_t  *cycle;

    lease = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, poller->cycle->log);
    if (lease == NULL) {
        return NGX_ERROR;
    }

    poller->lease = lease;

    cycle = ngx_palloc(lease, sizeof(ngx_cycle_t));

    if (cycle) {
        *cycle = *poller->cycle;
        cycle->pool = lease;

        poller->pool = ngx_http_magasin_pg_create(cycle, &poller->conf);
    }

    if (poller->pool == NULL) {
        ngx_destroy_pool(lease);
        poller->lease = NULL;

        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Close the connection and free its memory. */

void
ngx_http_magasin_poller_disconnect(ngx_http_magasin_poller_t *poller)
{
    ngx_http_magasin_pg_destroy(poller->pool);
    ngx_destroy_pool(poller->lease);

    poller->pool = NULL;
    poller->lease = NULL;
}


/* Subscribe to the channel of this database, if not done already. */

void
ngx_http_magasin_poller_subscribe(ngx_http_magasin_poller_t *poller)
{
    u_char                            channel[NGX_HTTP_MAGASIN_CHANNEL];
    ngx_http_magasin_cache_shared_t  *shared;

    if (poller->cache->redis == NULL) {
        return;
    }

    shared = poller->cache->shared;

    ngx_http_magasin_cache_channel(shared->identities[shared->snapshot & 1],
                                   channel);

    if (poller->subscriber) {

        if (ngx_memcmp(channel, poller->channel, sizeof(channel)) == 0) {
            return;
        }

        ngx_http_magasin_poller_unsubscribe(poller);
    }

    ngx_memcpy(poller->channel, channel, sizeof(channel));
    poller->channel[sizeof(channel)] = '\0';

    poller->subscriber = ngx_http_magasin_redis_subscribe(poller->cycle,
                                  poller->cache->redis_conf,
                                  (char *) poller->channel,
                                  ngx_http_magasin_poller_hint, poller);
}


/* Close the subscription, if there is one. */

void
ngx_http_magasin_poller_unsubscribe(ngx_http_magasin_poller_t *poller)
{
    if (poller->subscriber) {
        ngx_http_magasin_redis_destroy(poller->subscriber);
        poller->subscriber = NULL;
    }
}


/* A message of another node: invalidate its tags. */

static void
ngx_http_magasin_poller_hint(void *data, const char *message)
{
    uint64_t                          xid;
    ngx_http_magasin_tags_t           tags;
    ngx_http_magasin_poller_t        *poller;
    ngx_http_magasin_cache_shared_t  *shared;

    poller = data;
    shared = poller->cache->shared;

    if (ngx_http_magasin_cache_hint(poller->cache, message, &xid, &tags)
           != NGX_OK
        || tags.n == 0)
    {
        return;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, poller->cache->log, 0,
                   "magasin cache: hint, %ui tags, xid %uL", tags.n, xid);

    ngx_http_magasin_count(shared->counters.hints);

    ngx_http_magasin_pg_wal_changed(
                            ngx_http_magasin_pg_pool_of(poller->cycle));
    ngx_http_magasin_tags_raise(shared, &tags);

    /*
     * If the message came by another Redis than the one that the node uses, the
     * poller still has to tell the latter, which may hold older answers.
     */

    if (xid
        && shared->redis
           == ngx_http_magasin_cache_redis_id(poller->subscriber))
    {
        ngx_http_magasin_tags_handled(shared, &tags, xid, shared->epoch);
    }
}
