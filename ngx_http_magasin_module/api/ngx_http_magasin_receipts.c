
/* /api/v1/receipts/: goods that come in, at a store or at the central stock. */


#include "ngx_http_magasin_movements_internal.h"


/* Parameters of receipt_create.sql; the first ones: the members. */
enum {
    RECEIPT_LIEU = 0,
    RECEIPT_FOURNISSEUR,
    RECEIPT_REFERENCE,
    RECEIPT_PRODUITS,           /* in place of the member lignes */
    RECEIPT_QUANTITES,
    RECEIPT_COUTS,
    RECEIPT_ACTEUR,
    RECEIPT_KEY,
    RECEIPT_DIGEST,
    RECEIPT_VALUES
};


/* The first parameters of receipts.sql and of receipts_*.sql. */
enum {
    RECEIPTS_MAGASIN = 0,
    RECEIPTS_REFERENCE
};


/* The members of a line after those that all movements have. */
enum {
    RECEIPT_COUT = MOVED_QUANTITE + 1,
    RECEIPT_CODE
};


static ngx_int_t ngx_http_magasin_receipt_bind(ngx_http_magasin_ctx_t *ctx);


static const ngx_http_magasin_member_t  ngx_http_magasin_receipts_params[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "reference", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_receipt_members[] = {
    { .name = "lieu", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .null = 1 },
    { .name = "fournisseur", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100,
      .required = 1 },
    { .name = "reference", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100,
      .required = 1 },
    { .name = "lignes", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER, .required = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_receipt_lines[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .instead = "code" },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = NGX_MAX_INT32_VALUE, .required = 1 },
    { .name = "cout_unitaire", .type = NGX_HTTP_MAGASIN_MEMBER_PRICE },
    { .name = "code", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 },
    { .name = NULL }
};

static const ngx_http_magasin_movement_t  ngx_http_magasin_receipt_posted = {
    .members = ngx_http_magasin_receipt_members,
    .lines = ngx_http_magasin_receipt_lines,
    .code = RECEIPT_CODE,
    .bind = ngx_http_magasin_receipt_bind
};

static const ngx_http_magasin_column_t  ngx_http_magasin_receipt_columns[] = {
    { "", NGX_HTTP_MAGASIN_COLUMN_OBJECT },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_receipts_spec = {
    .params = ngx_http_magasin_receipts_params,
    .nkeys = 1,
    .keys = { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_receipt_columns
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_receipt_spec = {
    .what = "Réception",
    .columns = ngx_http_magasin_receipt_columns
};


/* GET of the list.  A store, a reference, and both have an index each. */

ngx_int_t
ngx_http_magasin_receipts_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->job.values[RECEIPTS_MAGASIN]) {
        ctx->job.statement = ctx->job.values[RECEIPTS_REFERENCE]
                             ? NGX_HTTP_MAGASIN_SQL_RECEIPTS_STORE_REFERENCE
                             : NGX_HTTP_MAGASIN_SQL_RECEIPTS_STORE;

    } else if (ctx->job.values[RECEIPTS_REFERENCE]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_RECEIPTS_REFERENCE;
    }

    return NGX_OK;
}


/* POST. */

ngx_int_t
ngx_http_magasin_receipt_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_movement_post(ctx,
                                          &ngx_http_magasin_receipt_posted);
}


/* Bind receipt_create.sql. */

static ngx_int_t
ngx_http_magasin_receipt_bind(ngx_http_magasin_ctx_t *ctx)
{
    const char                        **values;
    ngx_http_magasin_lines_t           *lines;
    ngx_http_magasin_movement_body_t   *body;

    body = ctx->state;
    lines = &body->lines;
    values = ctx->job.values;

    ngx_memcpy(values, body->members, RECEIPT_PRODUITS * sizeof(char *));

    values[RECEIPT_COUTS] = ngx_http_magasin_lines_array(ctx->request->pool,
                                                         lines, RECEIPT_COUT);
    values[RECEIPT_ACTEUR] = (const char *) ctx->token.data;
    values[RECEIPT_KEY] = ctx->key;
    values[RECEIPT_DIGEST] = ctx->digest;
    ctx->job.nvalues = RECEIPT_VALUES;

    if (values[RECEIPT_COUTS] == NULL
        || ngx_http_magasin_movement_lines(ctx, RECEIPT_PRODUITS) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_movement_locks(ctx, values[RECEIPT_LIEU], lines);
}


void
ngx_http_magasin_receipt_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_reception(tags,
                                    ngx_http_magasin_written_id(ctx, result));

    ngx_http_magasin_movement_made(tags, ctx->job.values[RECEIPT_LIEU],
                                   ctx->job.values[RECEIPT_PRODUITS]);
}


ngx_int_t
ngx_http_magasin_receipt_cancel_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_movement_cancel(ctx, "Réception");
}


void
ngx_http_magasin_receipt_cancel_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_reception(tags,
                              ngx_http_magasin_tag_id(ctx->job.values[0]));

    ngx_http_magasin_movement_done(result, tags);
}
