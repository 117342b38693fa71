
/*
 * The events of a descriptor that a library owns, and the pauses between
 * attempts to connect.
 *
 * An ngx_connection_t wraps the descriptor.  Its events are level-triggered:
 * a library reads as much as its buffer takes, and an edge-triggered event
 * would not report the rest again.
 */


#include "ngx_http_magasin_event.h"


/*
 * Wrap the descriptor `fd`.  `handler` gets the read and write events; `data`
 * is the `data` of the connection.  No event is armed.
 *
 * Returns the connection, or NULL if nginx has no connection left.
 */

ngx_connection_t *
ngx_http_magasin_event_wrap(ngx_socket_t fd, ngx_event_handler_pt handler,
    void *data, ngx_log_t *log)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(fd, log);
    if (c == NULL) {
        return NULL;
    }

    c->data = data;
    c->log = log;
    c->log_error = NGX_ERROR_ERR;

    c->read->handler = handler;
    c->read->log = log;
    c->write->handler = handler;
    c->write->log = log;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, log, 0,
                   "magasin event: wrap fd:%d", fd);

    return c;
}


/*
 * Remove the events of a wrapped descriptor and free the connection.  The
 * descriptor stays open: the library closes it.  `closed` is 1 if the library
 * has closed it already; the kernel has removed the events then.
 */

void
ngx_http_magasin_event_unwrap(ngx_connection_t *c, ngx_uint_t closed)
{
    ngx_uint_t  flags;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, c->log, 0,
                   "magasin event: unwrap fd:%d closed:%ui", c->fd, closed);

    flags = closed ? NGX_CLOSE_EVENT : 0;

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, flags);
    }

    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, flags);
    }

    /* ngx_close_connection() does not close a shared descriptor. */

    c->shared = 1;
    c->idle = 0;

    ngx_close_connection(c);
}


/* Arm the read event, if it is not armed.  Returns NGX_OK or NGX_ERROR. */

ngx_int_t
ngx_http_magasin_event_read(ngx_connection_t *c)
{
    if (c->read->active) {
        return NGX_OK;
    }

    return ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
}


/*
 * Arm the write event, or disarm it if `armed` is 0.  It must be armed only
 * while there is data to send: a level-triggered event of a writable socket
 * is reported in every turn of the event loop.
 *
 * Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_event_write(ngx_connection_t *c, ngx_uint_t armed)
{
    if (armed && !c->write->active) {
        return ngx_add_event(c->write, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
    }

    if (!armed && c->write->active) {
        return ngx_del_event(c->write, NGX_WRITE_EVENT, 0);
    }

    return NGX_OK;
}


/*
 * Initialize a timer that does not delay the exit of a worker.  `data` is the
 * `data` of the event that `handler` gets.  The timer is not started.
 */

void
ngx_http_magasin_event_timer(ngx_event_t *ev, ngx_event_handler_pt handler,
    void *data, ngx_log_t *log)
{
    ev->handler = handler;
    ev->data = data;
    ev->log = log;
    ev->cancelable = 1;
}


/*
 * An attempt failed: select the next of `ntargets` addresses.
 *
 * Returns 1 if the attempt was the last one of a round, else 0.
 */

ngx_uint_t
ngx_http_magasin_retry_next(ngx_http_magasin_retry_t *retry,
    ngx_uint_t ntargets)
{
    retry->target = (retry->target + 1) % ntargets;

    if (++retry->tried < ntargets) {
        return 0;
    }

    retry->tried = 0;

    return 1;
}


/*
 * Compute the pause before the next round, in milliseconds.  Its bound starts
 * at `min` and doubles with each call, up to `max`.  The pause is random,
 * between half of the bound and the bound, so that the workers do not connect
 * at the same moment.
 */

ngx_msec_t
ngx_http_magasin_retry_pause(ngx_http_magasin_retry_t *retry, ngx_msec_t min,
    ngx_msec_t max)
{
    retry->backoff = retry->backoff ? ngx_min(retry->backoff * 2, max) : min;

    return retry->backoff / 2 + ngx_random() % (retry->backoff / 2);
}


/*
 * Is a failure only for the level "info"?  A failure is logged once for the
 * administrator, when the server goes out of service.
 *
 * `was_ready` is 1 if the connection was in service.  `known` is 1 if it is
 * logged already that the server is out of service.
 *
 * Returns 1 if the failure is known, or if another address of this round is
 * still to be tried; else 0.
 */

ngx_uint_t
ngx_http_magasin_retry_logged(ngx_http_magasin_retry_t *retry,
    ngx_uint_t ntargets, ngx_uint_t was_ready, ngx_uint_t known)
{
    return known || (!was_ready && retry->tried + 1 < ntargets);
}
