
/* Numbers as text, for what is written for each request. */


#ifndef _NGX_HTTP_MAGASIN_NUMBER_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_NUMBER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* The room that one number needs, in bytes. */
#define NGX_HTTP_MAGASIN_NUMBER_LEN   20
#define NGX_HTTP_MAGASIN_SECONDS_LEN  (NGX_HTTP_MAGASIN_NUMBER_LEN + 4)


u_char *ngx_http_magasin_number(u_char *p, uint64_t n);
u_char *ngx_http_magasin_number_three(u_char *p, ngx_uint_t n);
u_char *ngx_http_magasin_seconds(u_char *p, uint64_t ms);
u_char *ngx_http_magasin_hex(u_char *p, uint64_t bits);


#endif /* _NGX_HTTP_MAGASIN_NUMBER_H_INCLUDED_ */
