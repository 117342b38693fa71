
/*
 * The query string: its pairs in their order, the last value of a name, and
 * the links of a paged list.
 */


#ifndef _NGX_HTTP_MAGASIN_QUERY_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_QUERY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* The limits of pairs in a query and in a form; more are rejected. */
#define NGX_HTTP_MAGASIN_QUERY_PAIRS  100
#define NGX_HTTP_MAGASIN_FORM_PAIRS   1000


typedef struct {
    ngx_str_t   name;
    ngx_str_t   value;
    ngx_uint_t  repeated;       /* 1: a later pair has this name */
} ngx_http_magasin_pair_t;


/* The parts of links to pages; "&" precedes each parameter. */
typedef struct {
    ngx_str_t   base;           /* everything before the query */
    ngx_str_t   before;         /* those that sort before `name` */
    ngx_str_t   name;           /* the parameter of the page */
    ngx_str_t   after;
} ngx_http_magasin_address_t;


ngx_array_t *ngx_http_magasin_query_parse(ngx_pool_t *pool, ngx_str_t *text,
    ngx_uint_t max);
ngx_str_t *ngx_http_magasin_query_last(ngx_array_t *pairs, const char *name,
    size_t len);
ngx_http_magasin_pair_t **ngx_http_magasin_query_sort(ngx_pool_t *pool,
    ngx_array_t *pairs);
ngx_int_t ngx_http_magasin_query_address(ngx_http_request_t *r,
    ngx_array_t *pairs, const char *name,
    ngx_http_magasin_address_t *address);
size_t ngx_http_magasin_query_link_length(ngx_http_magasin_address_t *address,
    ngx_str_t *value);
u_char *ngx_http_magasin_query_link(u_char *p,
    ngx_http_magasin_address_t *address, ngx_str_t *value);


#define ngx_http_magasin_query_value(pairs, name)                             \
    ngx_http_magasin_query_last(pairs, name, sizeof(name) - 1)


#endif /* _NGX_HTTP_MAGASIN_QUERY_H_INCLUDED_ */
