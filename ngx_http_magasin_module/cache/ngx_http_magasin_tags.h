
/*
 * Tags: what answers depend on and what writes change, such as "the stock of
 * store 3" or "the names of products".  The generation of a tag is one word of
 * shared memory.  A change of the tag raises it, and an answer that was stored
 * under another number is invalid.
 *
 * Tags are hashed to slots.  Two tags in one slot are invalidated together:
 * that costs a statement now and then, and is never wrong.  All nodes hash in
 * the same way, and Redis is given slots.
 */


#ifndef _NGX_HTTP_MAGASIN_TAGS_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_TAGS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Tags of one answer, with the one that all answers depend on. */
#define NGX_HTTP_MAGASIN_TAG_READS    6

/* Tags of one write; a write with more of them invalidates everything. */
#define NGX_HTTP_MAGASIN_TAG_WRITES   512

/* The slot that every answer depends on. */
#define NGX_HTTP_MAGASIN_TAG_ALL      0


typedef enum {
    NGX_HTTP_MAGASIN_TAG_NONE = 0,
    NGX_HTTP_MAGASIN_TAG_PRODUIT,         /* product: what it shows */
    NGX_HTTP_MAGASIN_TAG_PRESENCE,        /* product: that it exists */
    NGX_HTTP_MAGASIN_TAG_PRODUITS,        /* any product */
    NGX_HTTP_MAGASIN_TAG_NOMS,            /* any product's name */
    NGX_HTTP_MAGASIN_TAG_MAGASIN,         /* store */
    NGX_HTTP_MAGASIN_TAG_MAGASINS,        /* any store */
    NGX_HTTP_MAGASIN_TAG_SEUILS,          /* store: any threshold */
    NGX_HTTP_MAGASIN_TAG_STOCK,           /* store: any quantity */
    NGX_HTTP_MAGASIN_TAG_QUANTITE,        /* store, product: quantity */
    NGX_HTTP_MAGASIN_TAG_DISPONIBILITE,   /* product: any quantity */
    NGX_HTTP_MAGASIN_TAG_CENTRAL,         /* central: any quantity */
    NGX_HTTP_MAGASIN_TAG_VENTE,           /* sale */
    NGX_HTTP_MAGASIN_TAG_VENTES,          /* store, or 0: any sale */
    NGX_HTTP_MAGASIN_TAG_DEMANDE,         /* request */
    NGX_HTTP_MAGASIN_TAG_DEMANDES,        /* any request */
    NGX_HTTP_MAGASIN_TAG_RAPPORTS,        /* reports and dashboard */
    NGX_HTTP_MAGASIN_TAG_RECEPTION,       /* receipt */
    NGX_HTTP_MAGASIN_TAG_RECEPTIONS,      /* any receipt */
    NGX_HTTP_MAGASIN_TAG_TRANSFERT,       /* transfer */
    NGX_HTTP_MAGASIN_TAG_TRANSFERTS,      /* any transfer */
    NGX_HTTP_MAGASIN_TAG_RESERVATION,     /* reservation */
    NGX_HTTP_MAGASIN_TAG_RESERVATIONS,    /* any reservation */
    NGX_HTTP_MAGASIN_TAG_COMPTAGE,        /* stock-take */
    NGX_HTTP_MAGASIN_TAG_COMPTAGES        /* any stock-take */
} ngx_http_magasin_tag_e;


/* Slots of a write, none twice. */
typedef struct {
    ngx_uint_t   n;
    uint16_t     slots[NGX_HTTP_MAGASIN_TAG_WRITES];
} ngx_http_magasin_tags_t;


/* Kinds of changes: the letters that sql/statements/cache_poll.sql gives. */
typedef enum {
    NGX_HTTP_MAGASIN_CHANGE_STOCK = 's',
    NGX_HTTP_MAGASIN_CHANGE_PRODUIT = 'p',
    NGX_HTTP_MAGASIN_CHANGE_CREATION = 'c',   /* of a product */
    NGX_HTTP_MAGASIN_CHANGE_MAGASIN = 'm',
    NGX_HTTP_MAGASIN_CHANGE_SEUIL = 'l',      /* a limit */
    NGX_HTTP_MAGASIN_CHANGE_DEMANDE = 'd',
    NGX_HTTP_MAGASIN_CHANGE_VENTE = 'v',
    NGX_HTTP_MAGASIN_CHANGE_RECEPTION = 'r',
    NGX_HTTP_MAGASIN_CHANGE_TRANSFERT = 't',
    NGX_HTTP_MAGASIN_CHANGE_RETENUE = 'h',    /* a hold */
    NGX_HTTP_MAGASIN_CHANGE_COMPTAGE = 'k',   /* a stock-take */
    NGX_HTTP_MAGASIN_CHANGE_OTHER = 'x'   /* it invalidates everything */
} ngx_http_magasin_change_e;


/* A change that the journal shows.  An id that it does not have is 0. */
typedef struct {
    ngx_uint_t   kind;          /* one of the letters, or another one */
    int64_t      magasin;
    int64_t      produit;
    int64_t      objet;         /* the sale, the request, the document */
    unsigned     central:1;     /* a quantity: of the central stock */
    unsigned     nom:1;         /* a product: see _tags_produit() */
    unsigned     presence:1;
} ngx_http_magasin_change_t;


uint16_t ngx_http_magasin_tag_slot(ngx_http_magasin_tag_e kind,
    int64_t first, int64_t second);
int64_t ngx_http_magasin_tag_id(const char *text);

void ngx_http_magasin_tags_add_slot(ngx_http_magasin_tags_t *tags,
    ngx_uint_t slot);

/*
 * What a change invalidates is said in tags.c alone.  The touch functions of
 * api/ call these after a write, with the ids of the request and its result.
 */
void ngx_http_magasin_tags_stock(ngx_http_magasin_tags_t *tags,
    int64_t magasin, int64_t produit);
void ngx_http_magasin_tags_central(ngx_http_magasin_tags_t *tags,
    int64_t produit);
void ngx_http_magasin_tags_produit(ngx_http_magasin_tags_t *tags,
    int64_t produit, ngx_uint_t nom, ngx_uint_t presence);
void ngx_http_magasin_tags_magasin(ngx_http_magasin_tags_t *tags,
    int64_t magasin);
void ngx_http_magasin_tags_seuils(ngx_http_magasin_tags_t *tags,
    int64_t magasin);
void ngx_http_magasin_tags_vente(ngx_http_magasin_tags_t *tags,
    int64_t magasin, int64_t vente);
void ngx_http_magasin_tags_demande(ngx_http_magasin_tags_t *tags,
    int64_t demande);
void ngx_http_magasin_tags_reception(ngx_http_magasin_tags_t *tags,
    int64_t reception);
void ngx_http_magasin_tags_transfert(ngx_http_magasin_tags_t *tags,
    int64_t transfert);
void ngx_http_magasin_tags_reservation(ngx_http_magasin_tags_t *tags,
    int64_t reservation);
void ngx_http_magasin_tags_retenue(ngx_http_magasin_tags_t *tags,
    int64_t magasin, int64_t produit);
void ngx_http_magasin_tags_comptage(ngx_http_magasin_tags_t *tags,
    int64_t comptage);

/* The poller calls this one, with a row of the journal. */
void ngx_http_magasin_tags_change(ngx_http_magasin_tags_t *tags,
    ngx_http_magasin_change_t *change);


#endif /* _NGX_HTTP_MAGASIN_TAGS_H_INCLUDED_ */
