
/*
 * /api/v1/stores/{id}/stock/{produit}/ and its adjustment.  The entity tag
 * is the quantity: nothing else of the resource can change.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"


/* Columns of stock_item.sql. */
enum {
    ITEM_MAGASIN = 0,
    ITEM_PRODUIT,
    ITEM_QUANTITE
};


/* Parameters of stock_adjust.sql. */
enum {
    ADJUST_MAGASIN = 0,
    ADJUST_PRODUIT,
    ADJUST_DELTA,               /* these four as in the table below */
    ADJUST_QUANTITE,
    ADJUST_ATTENDU,
    ADJUST_MOTIF,
    ADJUST_IF_MATCH,
    ADJUST_ACTEUR,
    ADJUST_KEY,
    ADJUST_DIGEST,
    ADJUST_VALUES
};


static const ngx_http_magasin_member_t  ngx_http_magasin_adjust_members[] = {
    { "delta", NGX_HTTP_MAGASIN_MEMBER_INTEGER,
      -(int64_t) NGX_MAX_INT32_VALUE, NGX_MAX_INT32_VALUE, NULL, 0, 0 },
    { "quantite", NGX_HTTP_MAGASIN_MEMBER_INTEGER, 0, NGX_MAX_INT32_VALUE,
      NULL, 0, 0 },
    { "attendu", NGX_HTTP_MAGASIN_MEMBER_INTEGER, 0, NGX_MAX_INT32_VALUE,
      NULL, 0, 0 },
    { "motif", NGX_HTTP_MAGASIN_MEMBER_TEXT, 0, 200, NULL, 0, 1 },
    { NULL, NGX_HTTP_MAGASIN_MEMBER_TEXT, 0, 0, NULL, 0, 0 }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_item_columns[] = {
    { "magasin", NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { "produit", NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { "quantite", NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { NULL, NGX_HTTP_MAGASIN_COLUMN_TEXT }
};


const ngx_http_magasin_item_spec_t  ngx_http_magasin_stock_item_spec = {
    "Stock du produit", ngx_http_magasin_item_columns
};


static void ngx_http_magasin_adjust_check(ngx_http_magasin_ctx_t *ctx);


ngx_int_t
ngx_http_magasin_stock_item_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    ngx_str_t  text;

    if (PQntuples(result)) {
        text = ngx_http_magasin_column(result, 0, ITEM_QUANTITE);

        ctx->etag.data = ngx_pnalloc(ctx->request->pool, text.len + 2);
        if (ctx->etag.data == NULL) {
            return NGX_ERROR;
        }

        ctx->etag.len = ngx_sprintf(ctx->etag.data, "\"%V\"", &text)
                        - ctx->etag.data;
    }

    return ngx_http_magasin_item_render(ctx, result);
}


ngx_int_t
ngx_http_magasin_adjust_bind(ngx_http_magasin_ctx_t *ctx)
{
    uint64_t     *locks;
    ngx_int_t     rc;
    const char  **values;

    values = ctx->job.values;

    rc = ngx_http_magasin_members_root(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_magasin_members_read(ctx, ngx_http_magasin_adjust_members,
                                      &values[ADJUST_DELTA])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ctx->fields) {
        ngx_http_magasin_adjust_check(ctx);
    }

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_adjust_members);

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Magasin", &ctx->ids[0]);
    }

    if (!ctx->ids[1].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Produit", &ctx->ids[1]);
    }

    if (ngx_http_magasin_if_match(ctx, &values[ADJUST_IF_MATCH]) != NGX_OK) {
        return NGX_ERROR;
    }

    values[ADJUST_MAGASIN] = (const char *) ctx->ids[0].text.data;
    values[ADJUST_PRODUIT] = (const char *) ctx->ids[1].text.data;
    values[ADJUST_ACTEUR] = (const char *) ctx->token.data;
    values[ADJUST_KEY] = ctx->key;
    values[ADJUST_DIGEST] = ctx->digest;
    ctx->job.nvalues = ADJUST_VALUES;

    locks = ngx_http_magasin_locks(ctx, 1);
    if (locks == NULL) {
        return NGX_ERROR;
    }

    locks[0] = ngx_http_magasin_pg_lock(values[ADJUST_MAGASIN],
                                        values[ADJUST_PRODUIT]);

    return NGX_OK;
}


void
ngx_http_magasin_adjust_touch(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_tags_t *tags)
{
    const char  **values;

    values = ctx->job.values;

    ngx_http_magasin_tags_stock(tags,
                          ngx_http_magasin_tag_id(values[ADJUST_MAGASIN]),
                          ngx_http_magasin_tag_id(values[ADJUST_PRODUIT]));
}


/* Either a difference, or a count with what was expected. */

static void
ngx_http_magasin_adjust_check(ngx_http_magasin_ctx_t *ctx)
{
    const char  **values;

    values = ctx->job.values;

    if (values[ADJUST_DELTA]
        && (values[ADJUST_QUANTITE] || values[ADJUST_ATTENDU]))
    {
        ngx_http_magasin_members_error(ctx, "delta",
                                       "Ce champ exclut « quantite » et "
                                       "« attendu ».");
        return;
    }

    if (values[ADJUST_DELTA]) {
        if (ngx_strcmp(values[ADJUST_DELTA], "0") == 0) {
            ngx_http_magasin_members_error(ctx, "delta",
                                           "Cette valeur ne peut être 0.");
        }

        return;
    }

    if (values[ADJUST_QUANTITE] == NULL && values[ADJUST_ATTENDU] == NULL) {
        ngx_http_magasin_members_error(ctx, "delta",
                                       "Ce champ est obligatoire.");
        return;
    }

    if (values[ADJUST_QUANTITE] == NULL) {
        ngx_http_magasin_members_error(ctx, "quantite",
                                       "Ce champ est obligatoire.");
    }

    if (values[ADJUST_ATTENDU] == NULL) {
        ngx_http_magasin_members_error(ctx, "attendu",
                                       "Ce champ est obligatoire.");
    }
}
