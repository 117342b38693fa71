
/* A connection to Redis that listens to a channel. */


#include "ngx_http_magasin_redis_internal.h"


static ngx_uint_t ngx_http_magasin_redis_is(redisReply *reply,
    const char *text);


/*
 * Create a connection that takes no commands but listens to `channel`.
 * `message` gets `data` and each message in the order of arrival.  Messages
 * that are published while there is no connection are lost.  A publisher has
 * to send a message every second: without one for three seconds, or after any
 * other reply, the connection is given up.
 *
 * The connection has a memory pool of its own, until _destroy().  The caller
 * keeps the memory of `channel`.  Returns NULL if memory is short.
 */

ngx_http_magasin_redis_t *
ngx_http_magasin_redis_subscribe(ngx_cycle_t *cycle,
    ngx_http_magasin_redis_conf_t *rcf, const char *channel,
    ngx_http_magasin_redis_message_pt message, void *data)
{
    ngx_pool_t                *pool;
    ngx_http_magasin_redis_t  *redis;

    pool = ngx_create_pool(4096, cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    redis = ngx_http_magasin_redis_new(pool, cycle->log, rcf, 0);
    if (redis == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    redis->pool = pool;
    redis->channel = channel;
    redis->message = message;
    redis->data = data;

    ngx_http_magasin_redis_open(redis);

    return redis;
}


/* Subscribe to the channel.  Returns NGX_OK or NGX_ERROR (memory). */

ngx_int_t
ngx_http_magasin_redis_listen(ngx_http_magasin_redis_t *redis)
{
    size_t       argvlen[2];
    const char  *argv[2];

    argv[0] = "SUBSCRIBE";
    argvlen[0] = sizeof("SUBSCRIBE") - 1;
    argv[1] = redis->channel;
    argvlen[1] = ngx_strlen(redis->channel);

    /* All replies from now on go to ngx_http_magasin_redis_said(). */

    if (ngx_http_magasin_redis_send(redis, ngx_http_magasin_redis_said, 2,
                                    argv, argvlen)
        == NULL)
    {
        return NGX_ERROR;
    }

    redis->heard = ngx_current_msec;

    return NGX_OK;
}


/* Handle ["subscribe", channel, 1] and then ["message", channel, text]. */

void
ngx_http_magasin_redis_said(ngx_http_magasin_redis_t *redis,
    redisReply *reply)
{
    redisReply  **said;

    if (!ngx_http_magasin_redis_granted(redis, "SUBSCRIBE", reply,
                                        REDIS_REPLY_ARRAY))
    {
        return;
    }

    said = reply->element;

    if (reply->elements != 3
        || !ngx_http_magasin_redis_is(said[1], redis->channel))
    {
        goto strange;
    }

    if (!redis->listening) {

        if (!ngx_http_magasin_redis_is(said[0], "subscribe")
            || said[2]->type != REDIS_REPLY_INTEGER)
        {
            goto strange;
        }

        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, redis->log, 0,
                       "magasin redis: subscribed to channel \"%s\"",
                       redis->channel);

        redis->listening = 1;
        redis->heard = ngx_current_msec;

        return;
    }

    if (!ngx_http_magasin_redis_is(said[0], "message")
        || said[2]->type != REDIS_REPLY_STRING)
    {
        goto strange;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, redis->log, 0,
                   "magasin redis: message of %i bytes on the channel",
                   (ngx_int_t) said[2]->len);

    redis->heard = ngx_current_msec;

    /* The messages of this application have no NUL. */

    if (ngx_strlen(said[2]->str) == (size_t) said[2]->len) {
        redis->message(redis->data, said[2]->str);
    }

    return;

strange:

    ngx_http_magasin_redis_drop(redis,
                                "Protocol error: not a message of the channel");
}


static ngx_uint_t
ngx_http_magasin_redis_is(redisReply *reply, const char *text)
{
    return reply->type == REDIS_REPLY_STRING
           && (size_t) reply->len == ngx_strlen(text)
           && ngx_memcmp(reply->str, text, reply->len) == 0;
}
