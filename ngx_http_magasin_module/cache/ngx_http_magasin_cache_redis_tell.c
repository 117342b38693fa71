
/*
 * Tell Redis what was changed, and other nodes by its channel; read what other
 * nodes tell.
 */


#include "ngx_http_magasin_cache_redis_internal.h"


static void ngx_http_magasin_cache_redis_told(
    ngx_http_magasin_redis_command_t *command, redisReply *reply);
static void ngx_http_magasin_cache_redis_debt(
    ngx_http_magasin_cache_tell_t *tell);


/*
 * Invalidate tags in Redis, and publish them for the other nodes.  A change
 * that Redis was not told of is a debt: Redis is not asked until the poller has
 * paid it.
 *
 * NGX_OK: there is no Redis.  NGX_AGAIN: told() will be called, unless
 * _untell() is called before.  NGX_ERROR: it could not be sent, and is a debt.
 */

ngx_int_t
ngx_http_magasin_cache_redis_tell(ngx_http_magasin_cache_tell_t *tell)
{
    u_char                     namespace[NGX_HTTP_MAGASIN_NAMESPACE];
    u_char                     channel[NGX_HTTP_MAGASIN_CHANNEL];
    u_char                     keys[NGX_HTTP_MAGASIN_TAG_WRITES]
                                   [NGX_HTTP_MAGASIN_CACHE_KEY];
    u_char                     message[16 + 1 + NGX_INT64_LEN
                                       + NGX_HTTP_MAGASIN_TAG_WRITES * 6];
    u_char                    *p;
    ngx_uint_t                 i, n, slot;
    ngx_http_magasin_args_t    args;
    ngx_http_magasin_cache_t  *cache;

    cache = tell->cache;

    if (cache->redis == NULL) {

        /* A later configuration may use a Redis that was not told. */

        cache->shared->redis = 0;

        return NGX_OK;
    }

    if (ngx_http_magasin_cache_namespace(cache, namespace) != NGX_OK) {
        goto failed;
    }

    n = tell->all ? 1 : tell->tags->n;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cache->log, 0,
                   "magasin cache: tell %ui tags, xid %uL, all %d",
                   tell->tags->n, tell->xid, tell->all);

    ngx_http_magasin_cache_script(&args, NGX_HTTP_MAGASIN_LUA_INVALIDATE,
                                  tell->evaluated, n);

    for (i = 0; i < n; i++) {
        slot = tell->all ? NGX_HTTP_MAGASIN_TAG_ALL : tell->tags->slots[i];

        p = ngx_http_magasin_cache_slot_key(keys[i], namespace, slot);
        ngx_http_magasin_cache_arg(&args, keys[i], p - keys[i]);
    }

    ngx_http_magasin_cache_channel(
                   cache->shared->identities[cache->shared->snapshot & 1],
                   channel);
    ngx_http_magasin_cache_arg(&args, channel, sizeof(channel));

    p = ngx_hex_dump(message, cache->shared->node,
                     sizeof(cache->shared->node));
    p = ngx_sprintf(p, " %uL", tell->xid);

    for (i = 0; i < tell->tags->n; i++) {
        p = ngx_sprintf(p, " %uD", (uint32_t) tell->tags->slots[i]);
    }

    ngx_http_magasin_cache_arg(&args, message, p - message);

    tell->command.done = ngx_http_magasin_cache_redis_told;
    tell->command.data = tell;
    tell->command.expects = REDIS_REPLY_INTEGER;
    tell->command.log = cache->log;

    if (ngx_http_magasin_redis_command(cache->redis, &tell->command, args.n,
                                       args.argv, args.lens)
        == NGX_OK)
    {
        return NGX_AGAIN;
    }

failed:

    ngx_http_magasin_cache_redis_debt(tell);

    return NGX_ERROR;
}


static void
ngx_http_magasin_cache_redis_told(ngx_http_magasin_redis_command_t *command,
    redisReply *reply)
{
    ngx_int_t                       rc;
    ngx_http_magasin_cache_tell_t  *tell;

    tell = command->data;
    rc = NGX_OK;

    if (ngx_http_magasin_cache_no_script(command) && !tell->evaluated) {
        tell->evaluated = 1;

        rc = ngx_http_magasin_cache_redis_tell(tell);

        if (rc == NGX_AGAIN) {
            return;
        }

    } else if (reply == NULL) {
        rc = NGX_ERROR;

        ngx_http_magasin_cache_redis_debt(tell);
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, tell->cache->log, 0,
                   "magasin cache: told, xid %uL, rc %i", tell->xid, rc);

    tell->told(tell->data, rc);
}


/* Cancel the command; since its outcome is unknown it is a debt. */

void
ngx_http_magasin_cache_redis_untell(ngx_http_magasin_cache_tell_t *tell)
{
    ngx_http_magasin_redis_cancel(&tell->command);
    ngx_http_magasin_cache_redis_debt(tell);
}


/* Redis was perhaps not told: it is not asked until the debt is paid. */

static void
ngx_http_magasin_cache_redis_debt(ngx_http_magasin_cache_tell_t *tell)
{
    ngx_http_magasin_cache_shared_t  *shared;

    shared = tell->cache->shared;

    if (tell->tags->n || tell->all) {
        (void) ngx_atomic_fetch_add(&shared->debt, 1);
        ngx_http_magasin_count(shared->counters.unpublished);

        ngx_log_debug2(NGX_LOG_DEBUG_HTTP, tell->cache->log, 0,
                       "magasin cache: debt %uA, paid %uA",
                       shared->debt, shared->debt_paid);
    }
}


/*
 * Parse a message of the channel: "<node> <transaction> <slot> ...".  The
 * transaction is 0 when it is not known.  Without slots it is a heartbeat.
 *
 * NGX_OK: `xid` and `tags` are set.  NGX_DECLINED: the message is this node's
 * own, or malformed.
 */

ngx_int_t
ngx_http_magasin_cache_hint(ngx_http_magasin_cache_t *cache,
    const char *message, uint64_t *xid, ngx_http_magasin_tags_t *tags)
{
    char           *end;
    u_char          node[16];
    const char     *p;
    unsigned long   slot;

    tags->n = 0;

    (void) ngx_hex_dump(node, cache->shared->node,
                        sizeof(cache->shared->node));

    if (ngx_strlen(message) < sizeof(node) + 2
        || ngx_memcmp(message, node, sizeof(node)) == 0)
    {
        return NGX_DECLINED;
    }

    p = message + sizeof(node) + 1;

    *xid = strtoull(p, &end, 10);

    if (end == p) {
        return NGX_DECLINED;
    }

    while (*end == ' ') {
        p = end + 1;
        slot = strtoul(p, &end, 10);

        if (end == p || slot >= NGX_HTTP_MAGASIN_GENERATIONS) {
            return NGX_DECLINED;
        }

        ngx_http_magasin_tags_add_slot(tags, slot);
    }

    return *end == '\0' ? NGX_OK : NGX_DECLINED;
}
