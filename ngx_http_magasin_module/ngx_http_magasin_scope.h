
/*
 * What answers depend on, and what writes change: scopes, as "the stock of
 * store 3" or "the names of products".  A scope has a generation, one word of
 * shared memory; whoever changes what is in the scope raises it, and what was
 * stored under another number is not valid any more.
 *
 * Scopes are hashed to slots.  Two that meet in one slot are invalidated
 * together: that costs a statement now and then, and is never wrong.  All
 * nodes hash in the same way, so that a slot is also what Redis knows.
 */


#ifndef _NGX_HTTP_MAGASIN_SCOPE_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_SCOPE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_magasin_cache_shared.h"


/* Of one answer; the one that all depend on included. */
#define NGX_HTTP_MAGASIN_SCOPE_READS    5

/* Of one write; one that touches more touches everything. */
#define NGX_HTTP_MAGASIN_SCOPE_WRITES   512

/* The slot that every answer depends on. */
#define NGX_HTTP_MAGASIN_SCOPE_ALL      0


typedef enum {
    NGX_HTTP_MAGASIN_SCOPE_NONE = 0,
    NGX_HTTP_MAGASIN_SCOPE_PRODUIT,         /* product: what it shows */
    NGX_HTTP_MAGASIN_SCOPE_PRESENCE,        /* product: that it exists */
    NGX_HTTP_MAGASIN_SCOPE_PRODUITS,        /* any product */
    NGX_HTTP_MAGASIN_SCOPE_NOMS,            /* any product's name */
    NGX_HTTP_MAGASIN_SCOPE_MAGASIN,         /* store */
    NGX_HTTP_MAGASIN_SCOPE_MAGASINS,        /* any store */
    NGX_HTTP_MAGASIN_SCOPE_STOCK,           /* store: any quantity */
    NGX_HTTP_MAGASIN_SCOPE_QUANTITE,        /* store, product: quantity */
    NGX_HTTP_MAGASIN_SCOPE_DISPONIBILITE,   /* product: any quantity */
    NGX_HTTP_MAGASIN_SCOPE_CENTRAL,         /* central: any quantity */
    NGX_HTTP_MAGASIN_SCOPE_VENTE,           /* sale */
    NGX_HTTP_MAGASIN_SCOPE_VENTES,          /* store, or 0: any sale */
    NGX_HTTP_MAGASIN_SCOPE_DEMANDE,         /* request */
    NGX_HTTP_MAGASIN_SCOPE_DEMANDES,        /* any request */
    NGX_HTTP_MAGASIN_SCOPE_RAPPORTS         /* reports and dashboard */
} ngx_http_magasin_scope_e;


/* Slots of a write, none twice. */
typedef struct {
    ngx_uint_t   n;
    uint16_t     slots[NGX_HTTP_MAGASIN_SCOPE_WRITES];
} ngx_http_magasin_scopes_t;


uint16_t ngx_http_magasin_scope_slot(ngx_http_magasin_scope_e kind,
    int64_t first, int64_t second);
int64_t ngx_http_magasin_scope_id(const char *text);

void ngx_http_magasin_scopes_add(ngx_http_magasin_scopes_t *scopes,
    ngx_http_magasin_scope_e kind, int64_t first, int64_t second);
void ngx_http_magasin_scopes_add_slot(ngx_http_magasin_scopes_t *scopes,
    ngx_uint_t slot);

/* What events touch. */
void ngx_http_magasin_scopes_stock(ngx_http_magasin_scopes_t *scopes,
    int64_t magasin, int64_t produit);
void ngx_http_magasin_scopes_central(ngx_http_magasin_scopes_t *scopes,
    int64_t produit);
void ngx_http_magasin_scopes_produit(ngx_http_magasin_scopes_t *scopes,
    int64_t produit, ngx_uint_t nom, ngx_uint_t presence);
void ngx_http_magasin_scopes_vente(ngx_http_magasin_scopes_t *scopes,
    int64_t magasin, int64_t vente);
void ngx_http_magasin_scopes_demande(ngx_http_magasin_scopes_t *scopes,
    int64_t demande);
void ngx_http_magasin_scopes_magasin(ngx_http_magasin_scopes_t *scopes,
    int64_t magasin);

/* Shared memory: which changes have been dealt with already. */
void ngx_http_magasin_scopes_raise(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_scopes_t *scopes);
void ngx_http_magasin_scopes_handled(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_scopes_t *scopes, uint64_t xid, ngx_uint_t epoch);
ngx_uint_t ngx_http_magasin_scope_handled(
    ngx_http_magasin_cache_shared_t *shared, ngx_uint_t slot, uint64_t xid);


#endif /* _NGX_HTTP_MAGASIN_SCOPE_H_INCLUDED_ */
