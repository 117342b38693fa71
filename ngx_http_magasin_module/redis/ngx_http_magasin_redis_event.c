
/*
 * hiredis's socket on nginx's events.  hiredis owns the descriptor, and an
 * ngx_connection_t wraps it; the events are level-triggered.
 */


#include "ngx_http_magasin_redis_internal.h"


/* Bytes that are read at once, so that one turn is short. */
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
 * Wrap the context's socket.  NGX_OK, or NGX_ERROR: no connection is free, or
 * an event could not be added.
 */

ngx_int_t
ngx_http_magasin_redis_attach(ngx_http_magasin_redis_t *redis)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(redis->context->fd, redis->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = redis;
    c->log = redis->log;
    c->log_error = NGX_ERROR_ERR;
    c->idle = 1;

    c->read->handler = ngx_http_magasin_redis_event;
    c->read->log = c->log;
    c->write->handler = ngx_http_magasin_redis_event;
    c->write->log = c->log;

    redis->connection = c;

    return ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
}


/* Unwrap it.  The descriptor is still open, and hiredis's to close. */

void
ngx_http_magasin_redis_detach(ngx_http_magasin_redis_t *redis)
{
    ngx_connection_t  *c;

    if (redis->flush.posted) {
        ngx_delete_posted_event(&redis->flush);
    }

    c = redis->connection;
    if (c == NULL) {
        return;
    }

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, 0);
    }

    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, 0);
    }

    c->shared = 1;
    c->idle = 0;

    ngx_close_connection(c);

    redis->connection = NULL;
}


/*
 * There is something to write: at the end of this turn, so that the commands
 * of one turn leave by one write().  The event is for a connection that does
 * not stand yet, and for what the socket did not take.  One that cannot be
 * added needs no answer here: the deadline or the heartbeat will notice.
 */

void
ngx_http_magasin_redis_want_write(ngx_http_magasin_redis_t *redis)
{
    ngx_event_t  *wev;

    wev = redis->connection->write;

    if (wev->active) {
        return;
    }

    if (!redis->connected) {
        (void) ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
        return;
    }

    ngx_post_event(&redis->flush, &ngx_posted_events);
}


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

        /* The worker shuts down and nobody waits for a reply. */

        ngx_http_magasin_redis_close(redis);
        return;
    }

    if (!redis->connected
        && ngx_http_magasin_redis_connected(redis) != NGX_OK)
    {
        return;
    }

    if (ev->write) {
        ngx_http_magasin_redis_write(redis);

    } else {
        ngx_http_magasin_redis_read(redis);
    }

    ngx_http_magasin_redis_rest(redis);
}


/* How did the connect end?  NGX_ERROR: badly, and it was dropped. */

static ngx_int_t
ngx_http_magasin_redis_connected(ngx_http_magasin_redis_t *redis)
{
    int        err;
    socklen_t  len;

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

    redis->connected = 1;

    return NGX_OK;
}


static void
ngx_http_magasin_redis_write(ngx_http_magasin_redis_t *redis)
{
    int           done;
    ngx_event_t  *wev;

    done = 0;

    if (redisBufferWrite(redis->context, &done) != REDIS_OK) {
        ngx_http_magasin_redis_drop(redis, redis->context->errstr);
        return;
    }

    wev = redis->connection->write;

    if (done) {
        if (wev->active) {
            (void) ngx_del_event(wev, NGX_WRITE_EVENT, 0);
        }

    } else if (!wev->active) {
        (void) ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
    }
}


static void
ngx_http_magasin_redis_read(ngx_http_magasin_redis_t *redis)
{
    ssize_t    n;
    u_char     buffer[NGX_HTTP_MAGASIN_REDIS_CHUNK];
    ngx_err_t  err;

    n = recv(redis->context->fd, buffer, sizeof(buffer), 0);

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


/* Replies are taken one by one, and hiredis has the bytes of one at most. */

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


/* A whole reply is there.  NGX_ERROR: with it the connection has ended. */

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


/* After an event: a connection that nobody waits for may be closed. */

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
