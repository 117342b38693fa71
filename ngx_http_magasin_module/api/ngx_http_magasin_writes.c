
/* Writes that share a run of writes_batch.sql. */


#include "ngx_http_magasin_writes_internal.h"


/* Columns of writes_batch.sql after those that all writes have. */
enum {
    WRITES_NUMBER = 5,
    WRITES_MANQUE
};


/* What a parameter is made of that has not one element of each job. */

static const ngx_http_magasin_pg_part_e  ngx_http_magasin_writes_parts[] = {
    [WRITES_LIGNES_DE] = NGX_HTTP_MAGASIN_PG_NUMBERS,
    [WRITES_PRODUITS] = NGX_HTTP_MAGASIN_PG_LINES,
    [WRITES_QUANTITES] = NGX_HTTP_MAGASIN_PG_LINES,
    [WRITES_COMPTES] = NGX_HTTP_MAGASIN_PG_LINES,
    [WRITES_PRIX] = NGX_HTTP_MAGASIN_PG_LINES,
    [WRITES_ATTENDRE] = NGX_HTTP_MAGASIN_PG_WAITS
};

static const ngx_http_magasin_pg_gather_t  ngx_http_magasin_writes_gather = {
    .parts = ngx_http_magasin_writes_parts,
    .number = WRITES_NUMBER,
    .missed = WRITES_MANQUE
};


/*
 * Bind what the kinds of writes have in common.  `genre` is the kind, as
 * lot_ecrire() knows it; `nlines` is the number of lines.
 */

void
ngx_http_magasin_writes_bind(ngx_http_magasin_ctx_t *ctx, const char *genre,
    ngx_uint_t nlines)
{
    const char  **values;

    values = ctx->job.values;

    values[WRITES_GENRE] = genre;
    values[WRITES_ACTEUR] = (const char *) ctx->token.data;
    values[WRITES_CLE] = ctx->key;
    values[WRITES_EMPREINTE] = ctx->digest;

    ctx->job.nvalues = WRITES_VALUES;
    ctx->job.gather = &ngx_http_magasin_writes_gather;
    ctx->job.nlines = nlines;

    if (ctx->key) {
        ctx->job.once = ngx_http_magasin_pg_lock(values[WRITES_ACTEUR],
                                                 ctx->key);
    }
}
