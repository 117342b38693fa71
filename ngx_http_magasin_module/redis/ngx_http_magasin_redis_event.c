
/*
 * The socket of a connection to Redis.  hiredis owns it and writes to it; the
 * bytes that arrive are read and checked here.  The room event/ reports when
 * it is readable or writable.
 */


#include "ngx_http_magasin_redis_internal.h"


/* Bytes that are read at once: a bound for the length of one turn. */
#define NGX_HTTP_MAGASIN_REDIS_CHUNK  16384


static void ngx_http_magasin_redis_event(ngx_event_t *ev);
static ngx_int_t ngx_http_magasin_redis_connected(
    ngx_http_magasin_redis_t *redis);
static void ngx_http_magasin_redis_write(ngx_http_magasin_redis_t *redis);
static void ngx_http_magasin_redis_read(ngx_http_magasin_redis_t *redis);
static void ngx_http_magasin_redis_parse(ngx_http_magasin_redis_t *redis,
    u_char *data, size_t len);
static ngx_int_t ngx_http_magasin_redis_take(ngx_http_magasin_redis_t *redis);
static void ngx_http_magasin_redis_rest(ngx_http_magasin_redis_t *redis);
static void ngx_http_magasin_redis_errno(ngx_http_magasin_redis_t *redis,
    ngx_err_t err);


/*
 * Wrap the socket of the context and arm its read event.
 *
 * Returns NGX_OK, or NGX_ERROR if nginx has no connection left or the event
 * could not be armed.
 */

ngx_int_t
ngx_http_magasin_redis_attach(ngx_http_magasin_redis_t *redis)
{
    redis->connection = ngx_http_magasin_event_wrap(redis->context->fd,
                                               ngx_http_magasin_redis_event,
                                               redis, redis->log);
    if (redis->connection == NULL) {
        return NGX_ERROR;
    }

    redis->connection->idle = 1;

    return ngx_http_magasin_event_read(redis->connection);
}


/*
 * Remove the events of the socket, and free what wraps it.  The socket is
 * still open: hiredis closes it.
 */

void
ngx_http_magasin_redis_detach(ngx_http_magasin_redis_t *redis)
{
    if (redis->flush.posted) {
        ngx_delete_posted_event(&redis->flush);
    }

    if (redis->connection) {
        ngx_http_magasin_event_unwrap(redis->connection, 0);
        redis->connection = NULL;
    }
}


/*
 * The output buffer is not empty.  It is written at the end of this turn, so
 * that the commands of one turn leave by one write().  The write event is used
 * while the connection is not established, and for what the socket did not
 * take.  If it cannot be armed, the timer of the connection ends it.
 */

void
ngx_http_magasin_redis_want_write(ngx_http_magasin_redis_t *redis)
{
    if (redis->connection->write->active) {
        return;
    }

    if (!redis->connected) {
        (void) ngx_http_magasin_event_write(redis->connection, 1);
        return;
    }

    ngx_post_event(&redis->flush, &ngx_posted_events);
}


/* The handler of the posted event: write the output buffer. */

void
ngx_http_magasin_redis_flush(ngx_event_t *ev)
{
    ngx_http_magasin_redis_t  *redis;

    redis = ev->data;

    ngx_http_magasin_redis_write(redis);
    ngx_http_magasin_redis_rest(redis);
}


static void
ngx_http_magasin_redis_event(ngx_event_t *ev)
{
    ngx_connection_t          *c;
    ngx_http_magasin_redis_t  *redis;

    c = ev->data;
    redis = c->data;

    if (c->close) {

        /* The worker shuts down and no reply is owed. */

        ngx_http_magasin_redis_close(redis);
        return;
    }

    if (!redis->connected
        && ngx_http_magasin_redis_connected(redis) != NGX_OK)
    {
        /* It goes on with a later event, or was given up. */

        return;
    }

    if (ev->write) {
        ngx_http_magasin_redis_write(redis);

    } else {
        ngx_http_magasin_redis_read(redis);
    }

    ngx_http_magasin_redis_rest(redis);
}


/*
 * Get the result of the connect(), and go on with the handshake of TLS.
 *
 * Returns NGX_OK if both are done; NGX_AGAIN if an event continues the second;
 * NGX_ERROR if one failed and the connection was given up.
 */

static ngx_int_t
ngx_http_magasin_redis_connected(ngx_http_magasin_redis_t *redis)
{
    int        err;
    ngx_int_t  rc;
    socklen_t  len;

    if (redis->open) {
        rc = ngx_http_magasin_redis_tls_handshake(redis);
        redis->connected = (rc == NGX_OK);
        return rc;
    }

    err = 0;
    len = sizeof(int);

    if (getsockopt(redis->context->fd, SOL_SOCKET, SO_ERROR, (void *) &err,
                   &len)
        == -1)
    {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_http_magasin_redis_errno(redis, err);
        return NGX_ERROR;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, redis->log, 0,
                   "magasin redis: connected fd:%d", redis->context->fd);

    redis->open = 1;

    if (redis->conf->ssl == NULL) {
        redis->connected = 1;
        return NGX_OK;
    }

    if (ngx_http_magasin_redis_tls_create(redis) != NGX_OK) {
        ngx_http_magasin_redis_drop(redis, "no memory for TLS");
        return NGX_ERROR;
    }

    rc = ngx_http_magasin_redis_tls_handshake(redis);
    redis->connected = (rc == NGX_OK);

    return rc;
}


static void
ngx_http_magasin_redis_write(ngx_http_magasin_redis_t *redis)
{
    int        done;
    ngx_int_t  rc;

    if (redis->ssl) {
        rc = ngx_http_magasin_redis_tls_write(redis);

        if (rc != NGX_ERROR) {
            (void) ngx_http_magasin_event_write(redis->connection,
                                                rc == NGX_AGAIN);
        }

        return;
    }

    done = 0;

    if (redisBufferWrite(redis->context, &done) != REDIS_OK) {
        ngx_http_magasin_redis_drop(redis, redis->context->errstr);
        return;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, redis->log, 0,
                   "magasin redis: write fd:%d done:%d",
                   redis->context->fd, done);

    (void) ngx_http_magasin_event_write(redis->connection, !done);
}


static void
ngx_http_magasin_redis_read(ngx_http_magasin_redis_t *redis)
{
    ssize_t    n;
    u_char     buffer[NGX_HTTP_MAGASIN_REDIS_CHUNK];
    ngx_err_t  err;

    if (redis->ssl) {
        n = ngx_http_magasin_redis_tls_read(redis, buffer, sizeof(buffer));

        if (n == NGX_AGAIN || n == NGX_ERROR) {
            return;
        }

    } else {
        n = recv(redis->context->fd, buffer, sizeof(buffer), 0);
    }

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, redis->log, 0,
                   "magasin redis: recv fd:%d %z", redis->context->fd, n);

    if (n > 0) {
        redis->stalled = 0;

        if (redis->channel == NULL) {
            redis->heard = ngx_current_msec;
        }

        ngx_http_magasin_redis_parse(redis, buffer, n);
        return;
    }

    if (n == 0) {
        ngx_http_magasin_redis_drop(redis, "Server closed the connection");
        return;
    }

    err = ngx_socket_errno;

    if (err != NGX_EAGAIN && err != NGX_EINTR) {
        ngx_http_magasin_redis_errno(redis, err);
    }
}


/*
 * Pass the bytes that arrived to hiredis, up to the end of each reply: hiredis
 * never holds the bytes of more than one reply.
 */

static void
ngx_http_magasin_redis_parse(ngx_http_magasin_redis_t *redis, u_char *data,
    size_t len)
{
    size_t     used;
    u_char     why[128];
    ngx_int_t  rc;

    while (len) {

        if (!redis->frame.open) {
            redis->begun = ngx_current_msec;
        }

        rc = ngx_http_magasin_redis_frame(&redis->frame, data, len, &used);

        if (rc == NGX_ERROR) {
            (void) ngx_snprintf(why, sizeof(why), "Protocol error: %s%Z",
                                redis->frame.error);
            ngx_http_magasin_redis_drop(redis, (char *) why);
            return;
        }

        if (redisReaderFeed(redis->context->reader, (char *) data, used)
            != REDIS_OK)
        {
            ngx_http_magasin_redis_drop(redis,
                                        redis->context->reader->errstr);
            return;
        }

        if (rc == NGX_OK && ngx_http_magasin_redis_take(redis) != NGX_OK) {
            return;
        }

        data += used;
        len -= used;
    }
}


/*
 * A reply is complete.  Returns NGX_OK, or NGX_ERROR if the connection was
 * closed.
 */

static ngx_int_t
ngx_http_magasin_redis_take(ngx_http_magasin_redis_t *redis)
{
    void  *reply;

    reply = NULL;

    if (redisReaderGetReply(redis->context->reader, &reply) != REDIS_OK) {
        ngx_http_magasin_redis_drop(redis, redis->context->reader->errstr);
        return NGX_ERROR;
    }

    if (reply == NULL) {
        ngx_http_magasin_redis_drop(redis, "Protocol error");
        return NGX_ERROR;
    }

    if (redis->listening) {
        ngx_http_magasin_redis_said(redis, reply);

    } else {
        ngx_http_magasin_redis_reply(redis, reply);
    }

    freeReplyObject(reply);

    return redis->context ? NGX_OK : NGX_ERROR;
}


/*
 * After an event: if no command is in flight, the connection is idle, and it
 * is closed if the worker shuts down.
 */

static void
ngx_http_magasin_redis_rest(ngx_http_magasin_redis_t *redis)
{
    if (redis->context == NULL || redis->in_flight) {
        return;
    }

    if (ngx_exiting) {
        ngx_http_magasin_redis_close(redis);
        return;
    }

    redis->connection->idle = 1;
}


static void
ngx_http_magasin_redis_errno(ngx_http_magasin_redis_t *redis, ngx_err_t err)
{
    u_char  why[128], *p;

    p = ngx_strerror(err, why, sizeof(why) - 1);
    *p = '\0';

    ngx_http_magasin_redis_drop(redis, (char *) why);
}
