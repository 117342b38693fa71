
/* POST /api/v1/stores/{id}/stock/{produit}/adjust/ */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"


/* Parameters of stock_adjust.sql and stock_adjust_unless.sql. */
enum {
    ADJUST_MAGASIN = 0,
    ADJUST_PRODUIT,
    ADJUST_DELTA,               /* these four: as in the table below */
    ADJUST_QUANTITE,
    ADJUST_ATTENDU,
    ADJUST_MOTIF,
    ADJUST_IF_MATCH,
    ADJUST_ACTEUR,
    ADJUST_KEY,
    ADJUST_DIGEST,
    ADJUST_IF_NONE_MATCH,
    ADJUST_VALUES
};


static const ngx_http_magasin_member_t  ngx_http_magasin_adjust_members[] = {
    { .name = "delta", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER,
      .min = -(int64_t) NGX_MAX_INT32_VALUE, .max = NGX_MAX_INT32_VALUE },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER,
      .max = NGX_MAX_INT32_VALUE },
    { .name = "attendu", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER,
      .max = NGX_MAX_INT32_VALUE },
    { .name = "motif", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 200,
      .blank = 1 },
    { .name = NULL }
};


static void ngx_http_magasin_adjust_check(ngx_http_magasin_ctx_t *ctx);


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

    if (ngx_http_magasin_if_match(ctx, &values[ADJUST_IF_MATCH]) != NGX_OK
        || ngx_http_magasin_if_none_match(ctx, &values[ADJUST_IF_NONE_MATCH])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    values[ADJUST_MAGASIN] = (const char *) ctx->ids[0].text.data;
    values[ADJUST_PRODUIT] = (const char *) ctx->ids[1].text.data;
    values[ADJUST_ACTEUR] = (const char *) ctx->token.data;
    values[ADJUST_KEY] = ctx->key;
    values[ADJUST_DIGEST] = ctx->digest;
    ctx->job.nvalues = ADJUST_IF_NONE_MATCH;

    /* Few requests have this condition, which costs a lookup. */

    if (values[ADJUST_IF_NONE_MATCH]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_STOCK_ADJUST_UNLESS;
        ctx->job.nvalues = ADJUST_VALUES;
    }

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


/*
 * Check the members: either a difference (delta), or a count (quantite) with
 * the expected value (attendu).  Errors are added to ctx.
 */

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
