
/*
 * Text from outside in error.log: of clients, of PostgreSQL, of Redis.  What
 * they send must neither end a line, nor move a terminal, nor fill the disk.
 */


#ifndef _NGX_HTTP_MAGASIN_LOG_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_LOG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* Bytes that one text from outside takes in a line, its escapes included. */
#define NGX_HTTP_MAGASIN_LOG_TEXT  512


u_char *ngx_http_magasin_log_escape(u_char *p, u_char *last,
    const void *data, size_t len, ngx_uint_t quoted);
char *ngx_http_magasin_log_text(u_char *buf, size_t size, const char *text);
u_char *ngx_http_magasin_log_request(ngx_http_request_t *r,
    ngx_http_request_t *sr, u_char *buf, size_t len);


#endif /* _NGX_HTTP_MAGASIN_LOG_H_INCLUDED_ */
