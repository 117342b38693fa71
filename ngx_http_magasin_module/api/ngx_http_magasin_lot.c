
/*
 * POST /api/v1/products/batch/ and POST /api/v1/stock/batch/: the statements of
 * a batch.  lot_open.sql looks for the key, lot_stage.sql takes a piece of the
 * rows, and the statement of the endpoint decides.
 */


#include "ngx_http_magasin_lot.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_members.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_rows.h"


/* Parameters of lot_open.sql. */
enum {
    OPEN_ACTEUR = 0,
    OPEN_CLE,
    OPEN_EMPREINTE,
    OPEN_VALUES
};


/* Columns of lot_open.sql. */
enum {
    OPEN_STATUT = 0,
    OPEN_LOT = 5
};


/* Parameters of lot_stage.sql. */
enum {
    STAGE_LOT = 0,
    STAGE_ROWS,
    STAGE_VALUES
};


/* Parameters of products_batch.sql and stock_batch.sql. */
enum {
    DECIDE_LOT = 0,
    DECIDE_TOTAL,
    DECIDE_ALL,
    DECIDE_RIGHTS,              /* scopes, or stores */
    DECIDE_ACTEUR,
    DECIDE_CLE,
    DECIDE_EMPREINTE,
    DECIDE_VALUES
};


static ngx_int_t ngx_http_magasin_lot_unknown(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_lot_t *lot);


static const char *const  ngx_http_magasin_lot_modes[] = {
    "all", "valid", NULL
};

static const ngx_http_magasin_member_t  ngx_http_magasin_lot_params[] = {
    { .name = "mode", .type = NGX_HTTP_MAGASIN_MEMBER_CHOICE,
      .choices = ngx_http_magasin_lot_modes },
    { .name = NULL }
};


const ngx_http_magasin_lot_spec_t  ngx_http_magasin_products_lot_spec = {
    .names = { "id", "nom", "categorie", "prix", "description", "code",
               "codes_barres", NULL }
};

const ngx_http_magasin_lot_spec_t  ngx_http_magasin_stock_lot_spec = {
    .names = { "magasin", "produit", "code", "delta", "quantite", "attendu",
               "minimum", "maximum", "motif", NULL }
};


/*
 * Called when the rows are counted, or when there is no body: the rows are
 * looked at later.
 */

ngx_int_t
ngx_http_magasin_lot_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                rc;
    const char             **values, *mode;
    ngx_http_magasin_lot_t  *lot;

    lot = ctx->state;
    values = ctx->job.values;

    if (ngx_http_magasin_query_read(ctx, ngx_http_magasin_lot_params, &mode)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (lot && lot->unknown.data) {
        if (ngx_http_magasin_lot_unknown(ctx, lot) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (lot == NULL || lot->total == 0
               || lot->total > NGX_HTTP_MAGASIN_LOT_ROWS)
    {
        ngx_http_magasin_members_error(ctx, "lignes",
                                       "Donnez de 1 à 50000 lignes.");
    }

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    lot->mode = mode ? mode : ngx_http_magasin_lot_modes[0];

    values[OPEN_ACTEUR] = (const char *) ctx->token.data;
    values[OPEN_CLE] = ctx->key;
    values[OPEN_EMPREINTE] = ctx->digest;

    ctx->job.statement = NGX_HTTP_MAGASIN_SQL_LOT_OPEN;
    ctx->job.class = NGX_HTTP_MAGASIN_PG_WRITE;
    ctx->job.nvalues = OPEN_VALUES;

    return NGX_OK;
}


/* Names the column of a header that is wrong.  NGX_OK or NGX_ERROR. */

static ngx_int_t
ngx_http_magasin_lot_unknown(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_lot_t *lot)
{
    u_char  *message;

    message = ngx_pnalloc(ctx->request->pool, lot->unknown.len + 80);
    if (message == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(message, "La colonne « %V » est inconnue, ou donnée "
                       "deux fois.%Z", &lot->unknown);

    ngx_http_magasin_members_error(ctx, "colonnes", (char *) message);

    return NGX_OK;
}


/*
 * Binds lot_stage.sql with the rows of the piece, which begins anew.  Returns
 * NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_lot_stage(ngx_http_magasin_ctx_t *ctx)
{
    u_char                  *p;
    ngx_chain_t             *cl;
    ngx_http_magasin_lot_t  *lot;

    lot = ctx->state;

    ngx_http_magasin_json_close(&lot->piece, ']');

    if (lot->piece.failed) {
        return NGX_ERROR;
    }

    p = ngx_alloc(lot->piece.size + 1, ctx->request->connection->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    lot->text = p;

    for (cl = lot->piece.first; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);

        if (cl == lot->piece.last) {
            break;
        }
    }

    *p = '\0';

    ngx_http_magasin_json_reset(&lot->piece);
    lot->piece.comma = 0;
    lot->staged += lot->rows;
    lot->rows = 0;

    ctx->job.values[STAGE_LOT] = lot->lot;
    ctx->job.values[STAGE_ROWS] = (const char *) lot->text;
    ctx->job.nvalues = STAGE_VALUES;
    ctx->job.statement = NGX_HTTP_MAGASIN_SQL_LOT_STAGE;
    ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;

    return NGX_OK;
}


/*
 * Binds the statement that decides.  It runs alone on a connection, and is done
 * when it is committed.  Returns NGX_OK, or NGX_ERROR if memory cannot be
 * allocated.
 */

ngx_int_t
ngx_http_magasin_lot_decide(ngx_http_magasin_ctx_t *ctx)
{
    u_char                   *total;
    const char              **values;
    ngx_http_magasin_lot_t   *lot;

    lot = ctx->state;
    values = ctx->job.values;

    total = ngx_pnalloc(ctx->request->pool, NGX_INT_T_LEN + 1);
    if (total == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(total, "%ui%Z", lot->total);

    values[DECIDE_LOT] = lot->lot;
    values[DECIDE_TOTAL] = (const char *) total;
    values[DECIDE_ALL] = *lot->mode == 'a' ? "t" : "f";
    values[DECIDE_ACTEUR] = (const char *) ctx->token.data;
    values[DECIDE_CLE] = ctx->key;
    values[DECIDE_EMPREINTE] = ctx->digest;

    if (ctx->endpoint->statement == NGX_HTTP_MAGASIN_SQL_PRODUCTS_BATCH) {
        values[DECIDE_RIGHTS] = ngx_http_magasin_allowed(ctx, "produits")
                                ? "t" : "f";

    } else if (ngx_http_magasin_asker_stores(ctx, &values[DECIDE_RIGHTS])
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->job.statement = ctx->endpoint->statement;
    ctx->job.class = ctx->endpoint->class;
    ctx->job.nvalues = DECIDE_VALUES;
    ctx->job.commit = 1;

    if (ctx->key) {
        ctx->job.once = ngx_http_magasin_pg_lock(values[DECIDE_ACTEUR],
                                                 ctx->key);
    }

    return NGX_OK;
}


/*
 * Returns NGX_OK: the answer is written; NGX_BUSY: there are rows to read;
 * NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_lot_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    ngx_http_magasin_lot_t  *lot;

    lot = ctx->state;

    if (ctx->job.statement == NGX_HTTP_MAGASIN_SQL_LOT_STAGE) {
        return NGX_BUSY;
    }

    if (ctx->job.statement == NGX_HTTP_MAGASIN_SQL_LOT_OPEN
        && PQgetisnull(result, ctx->job.row, OPEN_STATUT))
    {
        lot->lot = ngx_http_magasin_column_copy(ctx->request->pool, result,
                                                ctx->job.row, OPEN_LOT);

        return lot->lot ? NGX_BUSY : NGX_ERROR;
    }

    return ngx_http_magasin_written_render(ctx, result);
}


/*
 * The column changes has ",kind:store:product:name" for each change, as the
 * journal has it.  It is NULL if these are too many, and missing for a known
 * key: what the first answer had changed is not known then.
 */

void
ngx_http_magasin_lot_touch(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_tags_t *tags)
{
    int                         column;
    char                       *p;
    ngx_http_magasin_change_t   change;

    column = PQfnumber(result, "changes");

    if (column < 0 || PQgetisnull(result, 0, column)) {
        ngx_http_magasin_tags_add_slot(tags, NGX_HTTP_MAGASIN_TAG_ALL);
        return;
    }

    p = PQgetvalue(result, 0, column);

    while (*p == ',') {
        ngx_memzero(&change, sizeof(ngx_http_magasin_change_t));

        change.kind = (ngx_uint_t) p[1];
        change.magasin = strtoll(p + 3, &p, 10);
        change.produit = strtoll(p + 1, &p, 10);
        change.nom = strtoll(p + 1, &p, 10) != 0;
        change.central = (change.kind == NGX_HTTP_MAGASIN_CHANGE_STOCK
                          && change.magasin == 0);

        ngx_http_magasin_tags_change(tags, &change);
    }
}
