
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
    WRITES_CONDITION,           /* If-Match */
    WRITES_ATTENDU,
    WRITES_MOTIF,
    WRITES_LIGNES_DE,           /* these five: of each line */
    WRITES_PRODUITS,
    WRITES_QUANTITES,
    WRITES_COMPTES,
    WRITES_PRIX,
    WRITES_NOM,
    WRITES_CATEGORIE,
    WRITES_DESCRIPTION,
    WRITES_ARCHIVE,
    WRITES_ATTENDRE,
    WRITES_VALUES
};


/* The first column of the product in a row of writes_batch.sql. */
#define WRITES_PRODUIT  8


void ngx_http_magasin_writes_bind(ngx_http_magasin_ctx_t *ctx,
    const char *genre, ngx_uint_t nlines);


#endif /* _NGX_HTTP_MAGASIN_WRITES_INTERNAL_H_INCLUDED_ */
