
/*
 * The lines of a document, such as a sale: the list "lignes" of a body, whose
 * elements are objects with members of one table.
 */


#ifndef _NGX_HTTP_MAGASIN_LINES_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_LINES_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_api.h"
#include "ngx_http_magasin_members.h"


/* Members of a line at most. */
#define NGX_HTTP_MAGASIN_LINE_MEMBERS  4


typedef struct {
    const char   *values[NGX_HTTP_MAGASIN_LINE_MEMBERS];
    const char   *errors[NGX_HTTP_MAGASIN_LINE_MEMBERS];
    json_t       *value;
    unsigned      object:1;
    unsigned      unknown:1;            /* it has an unknown member */
} ngx_http_magasin_line_t;


typedef struct {
    const ngx_http_magasin_member_t  *members;
    ngx_http_magasin_line_t          *elts;
    ngx_uint_t                        n;
} ngx_http_magasin_lines_t;


ngx_int_t ngx_http_magasin_lines_read(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members,
    ngx_http_magasin_lines_t *lines);
const char *ngx_http_magasin_lines_list(ngx_pool_t *pool,
    ngx_http_magasin_lines_t *lines, ngx_uint_t member);
const char *ngx_http_magasin_lines_array(ngx_pool_t *pool,
    ngx_http_magasin_lines_t *lines, ngx_uint_t member);


#endif /* _NGX_HTTP_MAGASIN_LINES_INTERNAL_H_INCLUDED_ */
