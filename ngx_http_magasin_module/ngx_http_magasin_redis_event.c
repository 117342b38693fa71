
/*
 * hiredis on nginx's events.  hiredis owns the socket, and an
 * ngx_connection_t wraps it; the events are level-triggered.
 */


#include "ngx_http_magasin_redis_internal.h"


static void ngx_http_magasin_redis_event(ngx_event_t *ev);
static void ngx_http_magasin_redis_io(ngx_http_magasin_redis_t *redis,
    ngx_uint_t write);
static void ngx_http_magasin_redis_add_read(void *data);
static void ngx_http_magasin_redis_del_read(void *data);
static void ngx_http_magasin_redis_add_write(void *data);
static void ngx_http_magasin_redis_del_write(void *data);
static void ngx_http_magasin_redis_cleanup(void *data);


/* Tell a new context where it finds its events. */

void
ngx_http_magasin_redis_hooks(ngx_http_magasin_redis_t *redis,
    redisAsyncContext *context)
{
    context->ev.data = redis;
    context->ev.addRead = ngx_http_magasin_redis_add_read;
    context->ev.delRead = ngx_http_magasin_redis_del_read;
    context->ev.addWrite = ngx_http_magasin_redis_add_write;
    context->ev.delWrite = ngx_http_magasin_redis_del_write;
    context->ev.cleanup = ngx_http_magasin_redis_cleanup;
}


/* Wrap the context's socket.  NGX_OK, or NGX_ERROR: no connection is free. */

ngx_int_t
ngx_http_magasin_redis_attach(ngx_http_magasin_redis_t *redis)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(redis->context->c.fd, redis->log);
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

    return NGX_OK;
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

    ngx_http_magasin_redis_io(redis, ev->write);
}


/* The commands of one turn of the event loop leave by one write(). */

void
ngx_http_magasin_redis_flush(ngx_event_t *ev)
{
    ngx_http_magasin_redis_io(ev->data, 1);
}


/* Let hiredis read or write; it may have freed its context after that. */

static void
ngx_http_magasin_redis_io(ngx_http_magasin_redis_t *redis, ngx_uint_t write)
{
    redis->inside = 1;

    if (write) {
        redis->writing = 1;
        redisAsyncHandleWrite(redis->context);
        redis->writing = 0;

    } else {
        redis->heard = ngx_current_msec;
        redis->stalled = 0;
        redisAsyncHandleRead(redis->context);
    }

    redis->inside = 0;

    if (redis->context == NULL) {
        ngx_http_magasin_redis_lost(redis);
        return;
    }

    if (redis->in_flight) {
        return;
    }

    if (ngx_exiting) {
        ngx_http_magasin_redis_close(redis);
        return;
    }

    redis->connection->idle = 1;
}


/*
 * What hiredis asks of an event loop.  An event that cannot be added needs
 * no answer here: the deadline or the heartbeat will notice.
 */

static void
ngx_http_magasin_redis_add_read(void *data)
{
    ngx_http_magasin_redis_t  *redis = data;

    ngx_event_t  *rev;

    rev = redis->connection->read;

    if (!rev->active) {
        (void) ngx_add_event(rev, NGX_READ_EVENT, NGX_LEVEL_EVENT);
    }
}


static void
ngx_http_magasin_redis_del_read(void *data)
{
    ngx_http_magasin_redis_t  *redis = data;

    ngx_event_t  *rev;

    rev = redis->connection->read;

    if (rev->active) {
        (void) ngx_del_event(rev, NGX_READ_EVENT, 0);
    }
}


/*
 * New commands are written at the end of this turn.  The event is for a
 * connection that does not stand yet, and for what the socket did not take.
 */

static void
ngx_http_magasin_redis_add_write(void *data)
{
    ngx_http_magasin_redis_t  *redis = data;

    ngx_event_t  *wev;

    wev = redis->connection->write;

    if (wev->active) {
        return;
    }

    if (redis->writing || redis->state != NGX_HTTP_MAGASIN_REDIS_READY) {
        (void) ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
        return;
    }

    ngx_post_event(&redis->flush, &ngx_posted_events);
}


static void
ngx_http_magasin_redis_del_write(void *data)
{
    ngx_http_magasin_redis_t  *redis = data;

    ngx_event_t  *wev;

    wev = redis->connection->write;

    if (wev->active) {
        (void) ngx_del_event(wev, NGX_WRITE_EVENT, 0);
    }
}


/*
 * The context goes.  hiredis 1.x says so twice.  The descriptor is still
 * open, and hiredis's to close.
 */

static void
ngx_http_magasin_redis_cleanup(void *data)
{
    ngx_http_magasin_redis_t  *redis = data;

    ngx_connection_t  *c;

    if (redis->context == NULL) {
        return;
    }

    if (redis->why[0] == '\0') {
        ngx_cpystrn((u_char *) redis->why,
                    (u_char *) redis->context->c.errstr, sizeof(redis->why));
    }

    redis->context = NULL;

    if (redis->flush.posted) {
        ngx_delete_posted_event(&redis->flush);
    }

    c = redis->connection;
    if (c == NULL) {
        return;
    }

    ngx_http_magasin_redis_del_read(redis);
    ngx_http_magasin_redis_del_write(redis);

    c->shared = 1;
    c->idle = 0;

    ngx_close_connection(c);

    redis->connection = NULL;
}
