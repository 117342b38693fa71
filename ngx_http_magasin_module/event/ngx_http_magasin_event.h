
/*
 * The events of a descriptor that a library owns (libpq, hiredis), and the
 * pauses between attempts to connect to a server with several addresses.
 */


#ifndef _NGX_HTTP_MAGASIN_EVENT_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_EVENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/*
 * Attempts to connect.  A round is one attempt at each address.  Zeroed by
 * the owner before the first attempt.
 */
typedef struct {
    ngx_uint_t   target;       /* index of the address to try next */
    ngx_uint_t   tried;        /* addresses that failed in this round */
    ngx_msec_t   backoff;      /* bound of the last pause; 0: no pause yet */
} ngx_http_magasin_retry_t;


ngx_connection_t *ngx_http_magasin_event_wrap(ngx_socket_t fd,
    ngx_event_handler_pt handler, void *data, ngx_log_t *log);
void ngx_http_magasin_event_unwrap(ngx_connection_t *c, ngx_uint_t closed);
ngx_int_t ngx_http_magasin_event_read(ngx_connection_t *c);
ngx_int_t ngx_http_magasin_event_write(ngx_connection_t *c,
    ngx_uint_t armed);

void ngx_http_magasin_event_timer(ngx_event_t *ev,
    ngx_event_handler_pt handler, void *data, ngx_log_t *log);

ngx_uint_t ngx_http_magasin_retry_next(ngx_http_magasin_retry_t *retry,
    ngx_uint_t ntargets);
ngx_msec_t ngx_http_magasin_retry_pause(ngx_http_magasin_retry_t *retry,
    ngx_msec_t min, ngx_msec_t max);
ngx_uint_t ngx_http_magasin_retry_logged(ngx_http_magasin_retry_t *retry,
    ngx_uint_t ntargets, ngx_uint_t was_ready, ngx_uint_t known);


#endif /* _NGX_HTTP_MAGASIN_EVENT_H_INCLUDED_ */
