
/* The sheet of a product, with its codes; PATCH of codes, and DELETE. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_products_internal.h"


/* Barcodes of one product. */
#define NGX_HTTP_MAGASIN_CODES  50


/* The fields of PATCH, as the table of its members has them. */
enum {
    FIELD_NOM = 0,
    FIELD_ARCHIVE = 4,
    FIELD_CODE,
    FIELD_CODES_BARRES
};


/* Parameters of product_change.sql. */
enum {
    CHANGE_ID = 0,
    CHANGE_FIELDS,
    CHANGE_NULL = CHANGE_FIELDS + 4,
    CHANGE_ARCHIVE,
    CHANGE_POSE,                /* the code changes */
    CHANGE_CODE,
    CHANGE_CODES_BARRES,
    CHANGE_IF_MATCH,
    CHANGE_IF_NONE_MATCH,
    CHANGE_ACTEUR,
    CHANGE_VALUES
};


static const ngx_http_magasin_column_t  ngx_http_magasin_sheet_columns[] = {
    { "", NGX_HTTP_MAGASIN_COLUMN_OBJECT },
    { .name = NULL }
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_product_sheet_spec = {
    .what = "Produit",
    .columns = ngx_http_magasin_sheet_columns
};


/*
 * Read the member codes_barres as an array of PostgreSQL; NULL if the body does
 * not have it.  Returns the codes of ngx_http_magasin_texts_read().
 */

ngx_int_t
ngx_http_magasin_product_barcodes(ngx_http_magasin_ctx_t *ctx,
    const char **value)
{
    return ngx_http_magasin_texts_read(ctx, "codes_barres",
                                       NGX_HTTP_MAGASIN_CODES,
                                       NGX_HTTP_MAGASIN_CODE_LENGTH, value);
}


/*
 * Bind product_change.sql.  fields: of PATCH; unless: the digests of
 * If-None-Match, or NULL; null: not NULL if the description has to be null.
 * Returns NGX_OK, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_product_change_bind(ngx_http_magasin_ctx_t *ctx,
    const char **fields, const char *unless, const char *null)
{
    uint64_t     *locks;
    const char  **values;

    values = ctx->job.values;

    ngx_memcpy(&values[CHANGE_FIELDS], &fields[FIELD_NOM],
               4 * sizeof(char *));

    values[CHANGE_ID] = (const char *) ctx->ids[0].text.data;
    values[CHANGE_NULL] = null;
    values[CHANGE_ARCHIVE] = fields[FIELD_ARCHIVE];
    values[CHANGE_POSE] = fields[FIELD_CODE] ? "t" : "f";
    values[CHANGE_CODE] = fields[FIELD_CODE] == ngx_http_magasin_value_null
                          ? NULL : fields[FIELD_CODE];
    values[CHANGE_CODES_BARRES] = fields[FIELD_CODES_BARRES];
    values[CHANGE_IF_NONE_MATCH] = unless;
    values[CHANGE_ACTEUR] = (const char *) ctx->token.data;

    ctx->job.statement = NGX_HTTP_MAGASIN_SQL_PRODUCT_CHANGE;
    ctx->job.nvalues = CHANGE_VALUES;

    locks = ngx_http_magasin_locks(ctx, 1);

    if (locks == NULL
        || ngx_http_magasin_if_match(ctx, &values[CHANGE_IF_MATCH]) != NGX_OK)
    {
        return NGX_ERROR;
    }

    locks[0] = ngx_http_magasin_pg_lock("produit", values[CHANGE_ID]);

    return NGX_OK;
}


/* DELETE. */

ngx_int_t
ngx_http_magasin_product_delete_bind(ngx_http_magasin_ctx_t *ctx)
{
    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_product_missing(ctx);
    }

    if (ngx_http_magasin_if_match(ctx, &ctx->job.values[1]) != NGX_OK
        || ngx_http_magasin_if_none_match(ctx, &ctx->job.values[3]) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->job.values[0] = (const char *) ctx->ids[0].text.data;
    ctx->job.values[2] = (const char *) ctx->token.data;
    ctx->job.nvalues = 4;

    return NGX_OK;
}


/*
 * Write what a function of PostgreSQL answers about a product.  Returns NGX_OK,
 * or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_product_change_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_written_render(ctx, result);

    if (rc == NGX_OK && ctx->status == NGX_HTTP_NOT_FOUND) {

        /* The message is the same as for GET. */

        return ngx_http_magasin_product_missing(ctx) == NGX_DONE ? NGX_OK
                                                                 : NGX_ERROR;
    }

    return rc;
}


/* The product was archived, or it was deleted with its rows of stock. */

void
ngx_http_magasin_product_delete_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_produit(tags,
                              ngx_http_magasin_tag_id(ctx->job.values[0]),
                              1, 1);
}


/* 404.  The reference builds the path from the number, not from the request. */

ngx_int_t
ngx_http_magasin_product_missing(ngx_http_magasin_ctx_t *ctx)
{
    size_t      len;
    ngx_str_t   message, path, *id;

    id = &ctx->ids[0].text;
    len = id->len + sizeof("Produit avec ID  introuvable.");

    message.data = ngx_pnalloc(ctx->request->pool, len);
    path.data = ngx_pnalloc(ctx->request->pool, len);

    if (message.data == NULL || path.data == NULL) {
        return NGX_ERROR;
    }

    message.len = ngx_sprintf(message.data, "Produit avec ID %V introuvable.",
                              id)
                  - message.data;
    path.len = ngx_sprintf(path.data, "/api/v1/products/%V/", id) - path.data;

    if (ngx_http_magasin_base_add(ctx->request, &path) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_reply_resource(ctx, NGX_HTTP_NOT_FOUND, &message,
                                           &path);
}
