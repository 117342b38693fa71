
/*
 * Requests for stock that wait: many decisions at once, changes and
 * cancellations.
 */


#include "ngx_http_magasin_movements_internal.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"


/* Parameters of replenishment_decisions.sql; the first ones: the members. */
enum {
    DECISIONS_APPROUVER = 0,
    DECISIONS_REFUSER,
    DECISIONS_MOTIF,
    DECISIONS_ACTEUR,
    DECISIONS_KEY,
    DECISIONS_DIGEST,
    DECISIONS_VALUES
};

/* Parameters of replenishment_patch.sql. */
enum {
    DEMANDE_ID = 0,
    DEMANDE_QUANTITE,
    DEMANDE_MOTIF,
    DEMANDE_IF_MATCH,
    DEMANDE_IF_NONE_MATCH,
    DEMANDE_STORES,
    DEMANDE_ACTEUR,
    DEMANDE_VALUES
};

/* Parameters of replenishment_cancel.sql. */
enum {
    ANNULER_ID = 0,
    ANNULER_MOTIF,
    ANNULER_STORES              /* and who asks */
};


static const ngx_http_magasin_member_t  ngx_http_magasin_decisions_members[] = {
    { .name = "approuver", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER },
    { .name = "refuser", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER },
    { .name = "motif", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 200,
      .blank = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_change_members[] = {
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = NGX_MAX_INT32_VALUE },
    { .name = "motif", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 200,
      .blank = 1 },
    { .name = NULL }
};


/* POST /api/v1/replenishments/decisions/. */

ngx_int_t
ngx_http_magasin_replenishment_decisions_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_uint_t    n;
    const char  **values;

    values = ctx->job.values;
    n = 0;

    rc = ngx_http_magasin_members_read(ctx, ngx_http_magasin_decisions_members,
                                       values);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_magasin_ids_of_body(ctx, "approuver",
                                     &values[DECISIONS_APPROUVER], &n)
           != NGX_OK
        || ngx_http_magasin_ids_of_body(ctx, "refuser",
                                        &values[DECISIONS_REFUSER], &n)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ctx->fields && (n == 0 || n > NGX_HTTP_MAGASIN_IDS_OF_BODY)) {
        ngx_http_magasin_members_error(ctx, "approuver",
                                       "Donnez de 1 à 1000 demandes.");
    }

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_decisions_members);

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    values[DECISIONS_ACTEUR] = (const char *) ctx->token.data;
    values[DECISIONS_KEY] = ctx->key;
    values[DECISIONS_DIGEST] = ctx->digest;
    ctx->job.nvalues = DECISIONS_VALUES;

    return NGX_OK;
}


/*
 * The column changees has ",id:store:product" for each decision; a store 0 and
 * a product 0 say that no unit has moved.  It is NULL for a known key: what the
 * first answer had changed is not known then.
 */

void
ngx_http_magasin_replenishment_decisions_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    int       column;
    char     *p;
    int64_t   magasin, produit;

    column = PQfnumber(result, "changees");

    if (PQgetisnull(result, 0, column)) {
        ngx_http_magasin_tags_add_slot(tags, NGX_HTTP_MAGASIN_TAG_ALL);
        return;
    }

    p = PQgetvalue(result, 0, column);

    while (*p == ',') {
        ngx_http_magasin_tags_demande(tags, strtoll(p + 1, &p, 10));

        magasin = strtoll(p + 1, &p, 10);
        produit = strtoll(p + 1, &p, 10);

        if (produit) {
            ngx_http_magasin_tags_stock(tags, magasin, produit);
            ngx_http_magasin_tags_central(tags, produit);
        }
    }
}


/* PATCH /api/v1/replenishments/{id}/: a quantity, a motif, or both. */

ngx_int_t
ngx_http_magasin_replenishment_patch_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    const char  **values;

    values = ctx->job.values;

    rc = ngx_http_magasin_members_read(ctx, ngx_http_magasin_change_members,
                                       &values[DEMANDE_QUANTITE]);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->fields && values[DEMANDE_QUANTITE] == NULL
        && values[DEMANDE_MOTIF] == NULL)
    {
        ngx_http_magasin_members_error(ctx, "quantite",
                                       "Ce champ est obligatoire.");
    }

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_change_members);

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Demande", &ctx->ids[0]);
    }

    values[DEMANDE_ID] = (const char *) ctx->ids[0].text.data;
    values[DEMANDE_ACTEUR] = (const char *) ctx->token.data;
    ctx->job.nvalues = DEMANDE_VALUES;

    if (ngx_http_magasin_if_match(ctx, &values[DEMANDE_IF_MATCH]) != NGX_OK
        || ngx_http_magasin_if_none_match(ctx,
                                          &values[DEMANDE_IF_NONE_MATCH])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_asker_stores(ctx, &values[DEMANDE_STORES]);
}


/* POST /api/v1/replenishments/{id}/cancel/.  A body is optional. */

ngx_int_t
ngx_http_magasin_replenishment_cancel_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_movement_motif(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Demande", &ctx->ids[0]);
    }

    return ngx_http_magasin_movement_who(ctx, ANNULER_STORES);
}


/* Add the tags of one request: no unit has moved. */

void
ngx_http_magasin_replenishment_change_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_demande(tags,
                              ngx_http_magasin_tag_id(ctx->job.values[0]));
}
