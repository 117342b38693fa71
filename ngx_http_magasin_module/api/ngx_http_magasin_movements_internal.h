
/*
 * What receipts, transfers and stock-takes have in common: documents with lines
 * that move stock from or to a place.  A place is the id of a store, or NULL
 * for the central stock.
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
 * A POST whose body has lines: a new document, or an action on one.  bind:
 * binds its statement, when the products of all lines are known.
 */
typedef struct {
    const ngx_http_magasin_member_t  *members;
    const ngx_http_magasin_member_t  *lines;
    ngx_uint_t                        code;     /* the member of a line */
    const char                       *what;     /* of an action: the name of
                                                   the document in its 404 */
    ngx_int_t                       (*bind)(ngx_http_magasin_ctx_t *ctx);
    unsigned                          optional:1;   /* may have no lines */
    unsigned                          store:1;      /* its place is a store, and
                                                       the scope of the route
                                                       is enough */
} ngx_http_magasin_movement_t;


/*
 * What a body has said, while the products of its codes are looked for.  The
 * first member of a new document is its place.
 */
typedef struct {
    const char                              *members[4];
    ngx_http_magasin_lines_t                 lines;
    const ngx_http_magasin_movement_t  *spec;
} ngx_http_magasin_movement_body_t;


const char *ngx_http_magasin_movement_place(const char *value);
ngx_int_t ngx_http_magasin_movement_locks(ngx_http_magasin_ctx_t *ctx,
    const char *place, ngx_http_magasin_lines_t *lines);
ngx_int_t ngx_http_magasin_movement_post(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_movement_t *spec);
ngx_int_t ngx_http_magasin_movement_lines(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t produits);
ngx_int_t ngx_http_magasin_movement_motif(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_movement_cancel(ngx_http_magasin_ctx_t *ctx,
    const char *what);
ngx_int_t ngx_http_magasin_movement_who(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t n);
ngx_int_t ngx_http_magasin_movement_act(ngx_http_magasin_ctx_t *ctx,
    const char *what, ngx_uint_t n);
void ngx_http_magasin_movement_made(ngx_http_magasin_tags_t *tags,
    const char *place, const char *products);
void ngx_http_magasin_movement_done(PGresult *result,
    ngx_http_magasin_tags_t *tags);


#endif /* _NGX_HTTP_MAGASIN_MOVEMENTS_INTERNAL_H_INCLUDED_ */
