
/*
 * Text from clients, PostgreSQL and Redis in error.log.  Such text must not
 * end a line, must not control a terminal and must not fill the disk.
 */


#ifndef _NGX_HTTP_MAGASIN_LOG_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_LOG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* The limit of one external text in a log line, in bytes, with its escapes. */
#define NGX_HTTP_MAGASIN_LOG_TEXT  512


u_char *ngx_http_magasin_log_escape(u_char *p, u_char *last,
    const void *data, size_t len, ngx_uint_t quoted);
char *ngx_http_magasin_log_text(u_char *buf, size_t size, const char *text);
u_char *ngx_http_magasin_log_request(ngx_http_request_t *r,
    ngx_http_request_t *sr, u_char *buf, size_t len);


#endif /* _NGX_HTTP_MAGASIN_LOG_H_INCLUDED_ */
