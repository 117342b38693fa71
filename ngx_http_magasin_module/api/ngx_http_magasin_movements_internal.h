
/*
 * What receipts and transfers have in common: documents with lines that move
 * stock from or to a place.  A place is the id of a store, or NULL for the
 * central stock.
 */


#ifndef _NGX_HTTP_MAGASIN_MOVEMENTS_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_MOVEMENTS_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_codes_internal.h"
#include "ngx_http_magasin_lines_internal.h"


/* The first members of a line, in the order of all tables of lines. */
enum {
    MOVED_PRODUIT = 0,
    MOVED_QUANTITE
};


/*
 * The parameters of a statement that acts on a document.  Those between the id
 * and the scopes are the action's own.
 */
typedef struct {
    const char   *what;         /* the name in the 404 */
    ngx_uint_t    scopes;       /* the parameter of the scopes; then stores,
                                   actor, key and digest */
} ngx_http_magasin_movement_t;


/*
 * What a body has said, while the products of its codes are looked for.  code:
 * the member of a line; bind: binds the statement of the endpoint.
 */
typedef struct {
    const char                *members[4];
    ngx_http_magasin_lines_t   lines;
    ngx_uint_t                 code;
    ngx_int_t                (*bind)(ngx_http_magasin_ctx_t *ctx);
} ngx_http_magasin_movement_body_t;


const char *ngx_http_magasin_movement_place(const char *value);
ngx_int_t ngx_http_magasin_movement_allowed(ngx_http_magasin_ctx_t *ctx,
    const char *place);
ngx_int_t ngx_http_magasin_movement_locks(ngx_http_magasin_ctx_t *ctx,
    const char *place, ngx_http_magasin_lines_t *lines);
ngx_int_t ngx_http_magasin_movement_cancel(ngx_http_magasin_ctx_t *ctx,
    const char *what);
ngx_int_t ngx_http_magasin_movement_act(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_movement_t *movement);
ngx_int_t ngx_http_magasin_movement_bind(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_movement_body_t *body);
void ngx_http_magasin_movement_made(ngx_http_magasin_tags_t *tags,
    const char *place, const char *products);
void ngx_http_magasin_movement_done(PGresult *result,
    ngx_http_magasin_tags_t *tags);


#endif /* _NGX_HTTP_MAGASIN_MOVEMENTS_INTERNAL_H_INCLUDED_ */
