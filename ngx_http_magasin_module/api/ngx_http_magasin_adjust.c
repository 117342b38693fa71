
/*
 * POST /api/v1/stores/{id}/stock/{produit}/adjust/ and
 * /api/v1/stock/central/{produit}/adjust/
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_writes_internal.h"


/* The members, in the order of the table below. */
enum {
    ADJUST_DELTA = 0,
    ADJUST_QUANTITE,
    ADJUST_ATTENDU,
    ADJUST_MOTIF,
    ADJUST_MEMBERS
};


/* Parameters of stock_adjust_unless.sql; from DELTA on four: the members. */
enum {
    UNLESS_MAGASIN = 0,
    UNLESS_PRODUIT,
    UNLESS_DELTA,
    UNLESS_IF_MATCH = UNLESS_DELTA + ADJUST_MEMBERS,
    UNLESS_ACTEUR,
    UNLESS_KEY,
    UNLESS_DIGEST,
    UNLESS_IF_NONE_MATCH,
    UNLESS_VALUES
};


/* Parameters of stock_central_adjust.sql; from DELTA on four: the members. */
enum {
    CENTRAL_PRODUIT = 0,
    CENTRAL_DELTA,
    CENTRAL_IF_MATCH = CENTRAL_DELTA + ADJUST_MEMBERS,
    CENTRAL_ACTEUR,
    CENTRAL_KEY,
    CENTRAL_DIGEST,
    CENTRAL_IF_NONE_MATCH,
    CENTRAL_VALUES
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


static ngx_int_t ngx_http_magasin_adjust_read(ngx_http_magasin_ctx_t *ctx,
    const char **members);
static ngx_int_t ngx_http_magasin_adjust_batched(ngx_http_magasin_ctx_t *ctx,
    const char **members);
static ngx_int_t ngx_http_magasin_adjust_unless(ngx_http_magasin_ctx_t *ctx,
    const char **members, const char *unless);
static void ngx_http_magasin_adjust_check(ngx_http_magasin_ctx_t *ctx,
    const char **members);


ngx_int_t
ngx_http_magasin_adjust_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t    rc;
    const char  *members[ADJUST_MEMBERS], *unless;

    rc = ngx_http_magasin_adjust_read(ctx, members);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Magasin", &ctx->ids[0]);
    }

    if (!ctx->ids[1].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Produit", &ctx->ids[1]);
    }

    if (ngx_http_magasin_if_none_match(ctx, &unless) != NGX_OK) {
        return NGX_ERROR;
    }

    /* Few requests have this condition, and they are not in the batch. */

    if (unless) {
        return ngx_http_magasin_adjust_unless(ctx, members, unless);
    }

    return ngx_http_magasin_adjust_batched(ctx, members);
}


ngx_int_t
ngx_http_magasin_central_adjust_bind(ngx_http_magasin_ctx_t *ctx)
{
    uint64_t     *locks;
    ngx_int_t     rc;
    const char  **values;

    values = ctx->job.values;

    rc = ngx_http_magasin_adjust_read(ctx, &values[CENTRAL_DELTA]);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Produit", &ctx->ids[0]);
    }

    values[CENTRAL_PRODUIT] = (const char *) ctx->ids[0].text.data;
    values[CENTRAL_ACTEUR] = (const char *) ctx->token.data;
    values[CENTRAL_KEY] = ctx->key;
    values[CENTRAL_DIGEST] = ctx->digest;
    ctx->job.nvalues = CENTRAL_VALUES;

    locks = ngx_http_magasin_locks(ctx, 1);

    if (locks == NULL
        || ngx_http_magasin_if_match(ctx, &values[CENTRAL_IF_MATCH]) != NGX_OK
        || ngx_http_magasin_if_none_match(ctx,
                                          &values[CENTRAL_IF_NONE_MATCH])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    locks[0] = ngx_http_magasin_pg_lock("", values[CENTRAL_PRODUIT]);

    return NGX_OK;
}


/*
 * Read and check the body.  Returns NGX_OK, NGX_DONE if the 400 is in ctx, or
 * NGX_ERROR if no memory is left.
 */

static ngx_int_t
ngx_http_magasin_adjust_read(ngx_http_magasin_ctx_t *ctx,
    const char **members)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_members_read(ctx, ngx_http_magasin_adjust_members,
                                       members);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->fields) {
        ngx_http_magasin_adjust_check(ctx, members);
    }

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_adjust_members);

    return ngx_http_magasin_members_end(ctx);
}


/* Bind writes_batch.sql. */

static ngx_int_t
ngx_http_magasin_adjust_batched(ngx_http_magasin_ctx_t *ctx,
    const char **members)
{
    uint64_t     *locks;
    const char  **values;

    ngx_http_magasin_writes_bind(ctx, "ajustement", 1);

    values = ctx->job.values;

    values[WRITES_MAGASIN] = (const char *) ctx->ids[0].text.data;
    values[WRITES_PRODUITS] = (const char *) ctx->ids[1].text.data;
    values[WRITES_QUANTITES] = members[ADJUST_DELTA];
    values[WRITES_COMPTES] = members[ADJUST_QUANTITE];
    values[WRITES_ATTENDU] = members[ADJUST_ATTENDU];
    values[WRITES_MOTIF] = members[ADJUST_MOTIF];

    locks = ngx_http_magasin_locks(ctx, 1);

    if (locks == NULL
        || ngx_http_magasin_if_match(ctx, &values[WRITES_CONDITION])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    locks[0] = ngx_http_magasin_pg_lock(values[WRITES_MAGASIN],
                                        values[WRITES_PRODUITS]);

    return NGX_OK;
}


/* Bind stock_adjust_unless.sql.  unless: the quantities of If-None-Match. */

static ngx_int_t
ngx_http_magasin_adjust_unless(ngx_http_magasin_ctx_t *ctx,
    const char **members, const char *unless)
{
    uint64_t     *locks;
    const char  **values;

    values = ctx->job.values;

    ngx_memcpy(&values[UNLESS_DELTA], members,
               ADJUST_MEMBERS * sizeof(char *));

    values[UNLESS_MAGASIN] = (const char *) ctx->ids[0].text.data;
    values[UNLESS_PRODUIT] = (const char *) ctx->ids[1].text.data;
    values[UNLESS_ACTEUR] = (const char *) ctx->token.data;
    values[UNLESS_KEY] = ctx->key;
    values[UNLESS_DIGEST] = ctx->digest;
    values[UNLESS_IF_NONE_MATCH] = unless;

    ctx->job.statement = NGX_HTTP_MAGASIN_SQL_STOCK_ADJUST_UNLESS;
    ctx->job.nvalues = UNLESS_VALUES;

    locks = ngx_http_magasin_locks(ctx, 1);

    if (locks == NULL
        || ngx_http_magasin_if_match(ctx, &values[UNLESS_IF_MATCH]) != NGX_OK)
    {
        return NGX_ERROR;
    }

    locks[0] = ngx_http_magasin_pg_lock(values[UNLESS_MAGASIN],
                                        values[UNLESS_PRODUIT]);

    return NGX_OK;
}


void
ngx_http_magasin_adjust_touch(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_stock(tags,
                   ngx_http_magasin_tag_id((char *) ctx->ids[0].text.data),
                   ngx_http_magasin_tag_id((char *) ctx->ids[1].text.data));
}


void
ngx_http_magasin_central_adjust_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_central(tags,
                   ngx_http_magasin_tag_id((char *) ctx->ids[0].text.data));
}


/*
 * Check the members: either a difference (delta), or a count (quantite) with
 * the expected value (attendu).  Errors are added to ctx.
 */

static void
ngx_http_magasin_adjust_check(ngx_http_magasin_ctx_t *ctx,
    const char **members)
{
    if (members[ADJUST_DELTA]
        && (members[ADJUST_QUANTITE] || members[ADJUST_ATTENDU]))
    {
        ngx_http_magasin_members_error(ctx, "delta",
                                       "Ce champ exclut « quantite » et "
                                       "« attendu ».");
        return;
    }

    if (members[ADJUST_DELTA]) {
        if (ngx_strcmp(members[ADJUST_DELTA], "0") == 0) {
            ngx_http_magasin_members_error(ctx, "delta",
                                           "Cette valeur ne peut être 0.");
        }

        return;
    }

    if (members[ADJUST_QUANTITE] == NULL && members[ADJUST_ATTENDU] == NULL) {
        ngx_http_magasin_members_error(ctx, "delta",
                                       "Ce champ est obligatoire.");
        return;
    }

    if (members[ADJUST_QUANTITE] == NULL) {
        ngx_http_magasin_members_error(ctx, "quantite",
                                       "Ce champ est obligatoire.");
    }

    if (members[ADJUST_ATTENDU] == NULL) {
        ngx_http_magasin_members_error(ctx, "attendu",
                                       "Ce champ est obligatoire.");
    }
}
