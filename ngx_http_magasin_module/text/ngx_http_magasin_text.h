
/*
 * Text as the clients of the reference expect it: UTF-8 with U+FFFD in place
 * of invalid bytes, blanks as Unicode defines them, and percent-encoding as in
 * HTML forms.
 */


#ifndef _NGX_HTTP_MAGASIN_TEXT_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_TEXT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


void ngx_http_magasin_text_strip(ngx_str_t *text);
ngx_uint_t ngx_http_magasin_text_length(ngx_str_t *text);
ngx_int_t ngx_http_magasin_text_digits(ngx_pool_t *pool, ngx_str_t *text);
ngx_uint_t ngx_http_magasin_text_valid(ngx_str_t *text);
ngx_uint_t ngx_http_magasin_text_plain(ngx_str_t *text);
ngx_int_t ngx_http_magasin_text_latin1(ngx_pool_t *pool, ngx_str_t *text);
ngx_int_t ngx_http_magasin_text_repair(ngx_pool_t *pool, ngx_str_t *text);
ngx_int_t ngx_http_magasin_text_decode(ngx_pool_t *pool, ngx_str_t *text,
    ngx_uint_t form);
size_t ngx_http_magasin_text_encoded_length(ngx_str_t *text);
u_char *ngx_http_magasin_text_encode(u_char *p, ngx_str_t *text);
uint64_t ngx_http_magasin_text_hash(uint64_t hash, ngx_str_t *text);


#endif /* _NGX_HTTP_MAGASIN_TEXT_H_INCLUDED_ */
