
/* What the files of the products share. */


#ifndef _NGX_HTTP_MAGASIN_PRODUCTS_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_PRODUCTS_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_api.h"


/* products_change.c */
ngx_int_t ngx_http_magasin_product_barcodes(ngx_http_magasin_ctx_t *ctx,
    const char **value);
ngx_int_t ngx_http_magasin_product_change_bind(ngx_http_magasin_ctx_t *ctx,
    const char **fields, const char *unless, const char *null);
ngx_int_t ngx_http_magasin_product_missing(ngx_http_magasin_ctx_t *ctx);


#endif /* _NGX_HTTP_MAGASIN_PRODUCTS_INTERNAL_H_INCLUDED_ */
