
/* /api/v1/sales/{id}/returns/: goods of a sale that were brought back. */


#include "ngx_http_magasin_movements_internal.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"


/* Parameters of sale_return_create.sql. */
enum {
    RETURN_VENTE = 0,
    RETURN_PRODUITS,
    RETURN_QUANTITES,
    RETURN_MOTIF,
    RETURN_REMISE,
    RETURN_STORES               /* and those of _movement_who() after it */
};


/* The members of a return, in the order of the table below. */
enum {
    RETURN_MEMBER_LIGNES = 0,
    RETURN_MEMBER_MOTIF,
    RETURN_MEMBER_REMISE
};


/* Parameters of sale_returns.sql. */
enum {
    RETURNS_LIMIT = 0,
    RETURNS_KEY,
    RETURNS_LAST,
    RETURNS_VENTE,
    RETURNS_VALUES
};


/* The member of a line after those that all movements have. */
#define RETURN_CODE  (MOVED_QUANTITE + 1)


static ngx_int_t ngx_http_magasin_return_bind(ngx_http_magasin_ctx_t *ctx);


static const ngx_http_magasin_member_t  ngx_http_magasin_return_members[] = {
    { .name = "lignes", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER, .required = 1 },
    { .name = "motif", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 200,
      .blank = 1 },
    { .name = "remise_en_stock", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN,
      .required = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_return_lines[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .instead = "code" },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = NGX_MAX_INT32_VALUE, .required = 1 },
    { .name = "code", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 },
    { .name = NULL }
};

static const ngx_http_magasin_movement_t  ngx_http_magasin_return_movement = {
    .members = ngx_http_magasin_return_members,
    .lines = ngx_http_magasin_return_lines,
    .code = RETURN_CODE,
    .what = "Vente",
    .bind = ngx_http_magasin_return_bind
};

static const ngx_http_magasin_member_t  ngx_http_magasin_returns_params[] = {
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_returns_columns[] = {
    { "", NGX_HTTP_MAGASIN_COLUMN_OBJECT },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_returns_spec = {
    .what = "Vente",
    .params = ngx_http_magasin_returns_params,
    .nkeys = 1,
    .keys = { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_returns_columns,
    .pieces = 1
};


/* GET. */

ngx_int_t
ngx_http_magasin_returns_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Vente", &ctx->ids[0]);
    }

    ctx->job.values[RETURNS_VENTE] = (const char *) ctx->ids[0].text.data;
    ctx->job.nvalues = RETURNS_VALUES;

    return NGX_OK;
}


/* POST. */

ngx_int_t
ngx_http_magasin_return_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_movement_post(ctx,
                                          &ngx_http_magasin_return_movement);
}


/* Bind sale_return_create.sql. */

static ngx_int_t
ngx_http_magasin_return_bind(ngx_http_magasin_ctx_t *ctx)
{
    const char                        **values;
    ngx_http_magasin_movement_body_t   *body;

    body = ctx->state;
    values = ctx->job.values;

    values[RETURN_MOTIF] = body->members[RETURN_MEMBER_MOTIF];
    values[RETURN_REMISE] = body->members[RETURN_MEMBER_REMISE];

    if (ngx_http_magasin_movement_lines(ctx, RETURN_PRODUITS) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_movement_who(ctx, RETURN_STORES);
}


/* Add the tags of the sale, and of the stock that its products came to. */

void
ngx_http_magasin_return_touch(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_tags_t *tags)
{
    int  place;

    place = PQfnumber(result, "lieu");

    ngx_http_magasin_tags_vente(tags,
                  ngx_http_magasin_tag_id(PQgetvalue(result, 0, place)),
                  ngx_http_magasin_tag_id(ctx->job.values[RETURN_VENTE]));

    ngx_http_magasin_movement_done(result, tags);
}
