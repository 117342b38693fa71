
/*
 * The parameters of writes_batch.sql, in which all writes that may share a run
 * put their values.  A parameter that a kind of write does not have is NULL.
 */


#ifndef _NGX_HTTP_MAGASIN_WRITES_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_WRITES_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_api.h"


enum {
    WRITES_GENRE = 0,
    WRITES_ACTEUR,
    WRITES_CLE,
    WRITES_EMPREINTE,
    WRITES_MAGASIN,
    WRITES_CONDITION,           /* If-Match; of a sale, the total that it
                                   expects */
    WRITES_ATTENDU,             /* of a reservation, its seconds */
    WRITES_MOTIF,               /* of a reservation, its reference; of a
                                   claim, the stores of who asks */
    WRITES_LIGNES_DE,           /* these five: of each line */
    WRITES_PRODUITS,            /* of a claim, the reservation */
    WRITES_QUANTITES,
    WRITES_COMPTES,
    WRITES_PRIX,
    WRITES_NOM,
    WRITES_CATEGORIE,
    WRITES_DESCRIPTION,
    WRITES_ARCHIVE,             /* of a sale, "true": forced */
    WRITES_ATTENDRE,
    WRITES_VALUES
};


/* The first column of the product in a row of writes_batch.sql. */
#define WRITES_PRODUIT  8

/* The same of a claim: its store, and its products, "4,7". */
#define WRITES_RECLAME_MAGASIN   WRITES_PRODUIT
#define WRITES_RECLAME_PRODUITS  (WRITES_PRODUIT + 4)


void ngx_http_magasin_writes_bind(ngx_http_magasin_ctx_t *ctx,
    const char *genre, ngx_uint_t nlines);


#endif /* _NGX_HTTP_MAGASIN_WRITES_INTERNAL_H_INCLUDED_ */
