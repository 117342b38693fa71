
/*
 * Products that a body names by "code", their code or one of their barcodes, in
 * the place of "produit".  A write first asks for their ids, by a statement of
 * its own; a body without a code costs nothing.
 *
 * The table of its members has "produit" with .instead = "code", and "code".
 */


#ifndef _NGX_HTTP_MAGASIN_CODES_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CODES_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_lines_internal.h"


ngx_int_t ngx_http_magasin_codes_bind(ngx_http_magasin_ctx_t *ctx,
    const char **codes, ngx_uint_t n);
ngx_int_t ngx_http_magasin_codes_read(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, const char **ids, ngx_uint_t n);

ngx_int_t ngx_http_magasin_codes_of_lines(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_lines_t *lines, ngx_uint_t code);
ngx_int_t ngx_http_magasin_codes_into_lines(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_lines_t *lines, ngx_uint_t produit,
    ngx_uint_t code);


#define ngx_http_magasin_codes_asked(ctx)                                     \
    ((ctx)->job.statement == NGX_HTTP_MAGASIN_SQL_CODES)


extern const char  ngx_http_magasin_code_unknown[];


#endif /* _NGX_HTTP_MAGASIN_CODES_INTERNAL_H_INCLUDED_ */
