
/* Status, headers and the bodies of errors. */


#ifndef _NGX_HTTP_MAGASIN_REPLY_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_REPLY_H_INCLUDED_


#include "ngx_http_magasin.h"


ngx_int_t ngx_http_magasin_reply_send(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_reply_header(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);

ngx_int_t ngx_http_magasin_reply_validator(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_reply_tag(ngx_http_magasin_ctx_t *ctx,
    u_char *digest);

ngx_int_t ngx_http_magasin_reply_detail(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status, ngx_str_t *detail);
ngx_int_t ngx_http_magasin_reply_status(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status);
ngx_int_t ngx_http_magasin_reply_resource(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status, ngx_str_t *message, ngx_str_t *path);
void ngx_http_magasin_reply_begin(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status);

ngx_int_t ngx_http_magasin_reply_missing(ngx_http_magasin_ctx_t *ctx,
    const char *what, ngx_http_magasin_id_t *id);

ngx_str_t *ngx_http_magasin_reply_text(ngx_uint_t status);

/* problem.c */
ngx_str_t *ngx_http_magasin_problem_type(ngx_http_magasin_ctx_t *ctx);


#endif /* _NGX_HTTP_MAGASIN_REPLY_H_INCLUDED_ */
