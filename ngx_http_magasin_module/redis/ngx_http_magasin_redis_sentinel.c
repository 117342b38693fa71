
/*
 * Sentinels know which Redis is the primary.  A connection asks one of them,
 * leaves it, and connects to the address that it has named.  When that
 * connection is lost or refused, the next attempt asks again.
 *
 * The protocol is that of clients of Redis Sentinel: SENTINEL
 * GET-MASTER-ADDR-BY-NAME, then the role of the server that was named.
 */


#include "ngx_http_magasin_redis_internal.h"


static void ngx_http_magasin_redis_named(ngx_http_magasin_redis_t *redis,
    redisReply *reply);
static ngx_int_t ngx_http_magasin_redis_primary(
    ngx_http_magasin_redis_t *redis, redisReply *host, redisReply *port);


/*
 * Returns the server that this attempt is for: the next address, or the
 * primary that a Sentinel has named.
 */

ngx_http_magasin_redis_target_t *
ngx_http_magasin_redis_target(ngx_http_magasin_redis_t *redis)
{
    ngx_http_magasin_redis_target_t  *target;

    if (redis->named) {
        return &redis->primary;
    }

    /* A name may have less addresses than before. */

    if (redis->retry.target >= redis->conf->targets->nelts) {
        redis->retry.target = 0;
    }

    target = redis->conf->targets->elts;

    return target + redis->retry.target;
}


/* Returns 1 if this attempt is for a Sentinel, 0 if it is for Redis. */

ngx_uint_t
ngx_http_magasin_redis_asks(ngx_http_magasin_redis_t *redis)
{
    return redis->conf->sentinel.len && !redis->named;
}


/*
 * Ask a Sentinel for the address of the primary.
 *
 * Returns NGX_OK or NGX_ERROR (memory).
 */

ngx_int_t
ngx_http_magasin_redis_ask(ngx_http_magasin_redis_t *redis)
{
    size_t       argvlen[3];
    ngx_str_t   *name;
    const char  *argv[3];

    name = &redis->conf->sentinel;

    argv[0] = "SENTINEL";
    argvlen[0] = sizeof("SENTINEL") - 1;
    argv[1] = "GET-MASTER-ADDR-BY-NAME";
    argvlen[1] = sizeof("GET-MASTER-ADDR-BY-NAME") - 1;
    argv[2] = (const char *) name->data;
    argvlen[2] = name->len;

    return ngx_http_magasin_redis_send(redis, ngx_http_magasin_redis_named, 3,
                                       argv, argvlen)
           ? NGX_OK : NGX_ERROR;
}


/*
 * A Sentinel has answered: [address, port], or null for a name that it does
 * not know.  The connection to it ends; the timer opens the one to the primary
 * in a turn of its own, since a context is not created where one was freed.
 */

static void
ngx_http_magasin_redis_named(ngx_http_magasin_redis_t *redis,
    redisReply *reply)
{
    if (reply->type == REDIS_REPLY_NIL) {
        ngx_http_magasin_redis_drop(redis, "it knows no primary of this name");
        return;
    }

    if (!ngx_http_magasin_redis_granted(redis, "SENTINEL", reply,
                                        REDIS_REPLY_ARRAY))
    {
        return;
    }

    if (reply->elements != 2
        || ngx_http_magasin_redis_primary(redis, reply->element[0],
                                          reply->element[1])
           != NGX_OK)
    {
        ngx_http_magasin_redis_drop(redis,
                                    "it names a primary by no address");
        return;
    }

    ngx_http_magasin_redis_close(redis);

    redis->named = 1;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, redis->log, 0,
                   "magasin redis: the primary is %V", &redis->primary.name);

    ngx_add_timer(&redis->timer, 1);
}


/*
 * Fill redis->primary.  Only an address in digits is taken: a name would have
 * to be resolved, which blocks.
 *
 * Returns NGX_OK, or NGX_ERROR if it is something else.
 */

static ngx_int_t
ngx_http_magasin_redis_primary(ngx_http_magasin_redis_t *redis,
    redisReply *host, redisReply *port)
{
    u_char      *p, sin6[16];
    ngx_int_t    n;
    ngx_uint_t   six;

    if (host->type != REDIS_REPLY_STRING || port->type != REDIS_REPLY_STRING
        || (size_t) host->len >= sizeof(redis->address))
    {
        return NGX_ERROR;
    }

    six = (ngx_inet6_addr((u_char *) host->str, host->len, sin6) == NGX_OK);

    if (!six
        && ngx_inet_addr((u_char *) host->str, host->len) == INADDR_NONE)
    {
        return NGX_ERROR;
    }

    n = ngx_atoi((u_char *) port->str, port->len);

    if (n < 1 || n > 65535) {
        return NGX_ERROR;
    }

    ngx_memcpy(redis->address, host->str, host->len);
    redis->address[host->len] = '\0';

    redis->primary.host = redis->address;
    redis->primary.port = (in_port_t) n;
    redis->primary.server = redis->address;

    p = ngx_snprintf(redis->label, sizeof(redis->label),
                     six ? "[%s]:%i" : "%s:%i", redis->address, n);

    redis->primary.name.data = redis->label;
    redis->primary.name.len = p - redis->label;

    return NGX_OK;
}
