
/* A connection to Redis that listens to a channel. */


#include "ngx_http_magasin_redis_internal.h"


static void ngx_http_magasin_redis_said(redisAsyncContext *context,
    void *reply, void *data);


/*
 * Make a connection that takes no commands, but listens to a channel.  Every
 * message goes to `message`, in the order of their arrival; what was said
 * while there was no connection is lost.  Somebody has to say something on
 * the channel every second: silence means that the connection is dead, and
 * PING has no reply on such a one (hiredis 0.14).
 *
 * `channel` is kept by the caller.  Returns NULL only when memory is short.
 */

ngx_http_magasin_redis_t *
ngx_http_magasin_redis_subscribe(ngx_cycle_t *cycle,
    ngx_http_magasin_redis_conf_t *rcf, const char *channel,
    ngx_http_magasin_redis_message_pt message, void *data)
{
    ngx_http_magasin_redis_t  *redis;

    redis = ngx_http_magasin_redis_new(cycle, rcf);
    if (redis == NULL) {
        return NULL;
    }

    redis->channel = channel;
    redis->message = message;
    redis->data = data;

    ngx_http_magasin_redis_open(redis);

    return redis;
}


/* The connection stands.  NGX_OK or NGX_ERROR. */

ngx_int_t
ngx_http_magasin_redis_listen(ngx_http_magasin_redis_t *redis)
{
    size_t       argvlen[2];
    const char  *argv[2];

    argv[0] = "SUBSCRIBE";
    argvlen[0] = sizeof("SUBSCRIBE") - 1;
    argv[1] = redis->channel;
    argvlen[1] = ngx_strlen(redis->channel);

    return redisAsyncCommandArgv(redis->context,
                                 ngx_http_magasin_redis_said, redis, 2, argv,
                                 argvlen)
           == REDIS_OK ? NGX_OK : NGX_ERROR;
}


/* ["subscribe", channel, 1], then ["message", channel, text] for each. */

static void
ngx_http_magasin_redis_said(redisAsyncContext *context, void *reply,
    void *data)
{
    redisReply                *said = reply;
    ngx_http_magasin_redis_t  *redis = data;

    if (!ngx_http_magasin_redis_granted(redis, "SUBSCRIBE", said,
                                        REDIS_REPLY_ARRAY))
    {
        return;
    }

    if (said->elements == 3
        && said->element[0]->type == REDIS_REPLY_STRING
        && ngx_strcmp(said->element[0]->str, "message") == 0
        && said->element[2]->type == REDIS_REPLY_STRING)
    {
        redis->message(redis->data, said->element[2]->str);
    }
}
