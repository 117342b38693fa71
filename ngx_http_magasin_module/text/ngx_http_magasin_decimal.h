
/*
 * Decimal numbers as text, parsed by the rules of Python's decimal.Decimal,
 * because the clients of the reference write numbers for it.  Money is never
 * stored in a double.
 */


#ifndef _NGX_HTTP_MAGASIN_DECIMAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_DECIMAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* The value is (-1)^negative * digits * 10^exponent. */
typedef struct {
    ngx_str_t   digits;         /* no leading zeros; "0" for zero */
    int64_t     exponent;
    unsigned    negative:1;
    unsigned    zero:1;
} ngx_http_magasin_decimal_t;


ngx_int_t ngx_http_magasin_decimal_parse(ngx_pool_t *pool,
    ngx_http_magasin_decimal_t *decimal, ngx_str_t *text);
void ngx_http_magasin_decimal_digits(ngx_http_magasin_decimal_t *decimal,
    int64_t *total, int64_t *whole, int64_t *fraction);
u_char *ngx_http_magasin_decimal_print(ngx_pool_t *pool,
    ngx_http_magasin_decimal_t *decimal);
ngx_int_t ngx_http_magasin_decimal_integer(
    ngx_http_magasin_decimal_t *decimal, int64_t *value);
ngx_uint_t ngx_http_magasin_decimal_exceeds(
    ngx_http_magasin_decimal_t *decimal, ngx_str_t *limit);


#endif /* _NGX_HTTP_MAGASIN_DECIMAL_H_INCLUDED_ */
