
/*
 * Thresholds of stock: /api/v1/stores/{id}/stock/{produit}/thresholds/, of one
 * product, and /api/v1/stores/{id}/thresholds/, the defaults of a store.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_lines_internal.h"
#include "ngx_http_magasin_reply.h"


/* Parameters of threshold_put.sql. */
enum {
    THRESHOLD_MAGASIN = 0,
    THRESHOLD_PRODUIT,
    THRESHOLD_MINIMUM,
    THRESHOLD_MAXIMUM,
    THRESHOLD_IF_MATCH,
    THRESHOLD_IF_NONE_MATCH,
    THRESHOLD_ACTEUR,
    THRESHOLD_VALUES
};


/* Parameters of thresholds_put.sql. */
enum {
    DEFAULTS_MAGASIN = 0,
    DEFAULTS_LIGNES,            /* an array of each member of the lines */
    DEFAULTS_IF_MATCH = DEFAULTS_LIGNES + 3,
    DEFAULTS_IF_NONE_MATCH,
    DEFAULTS_ACTEUR,
    DEFAULTS_VALUES
};


static ngx_int_t ngx_http_magasin_threshold_array(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_lines_t *lines, ngx_uint_t member, const char **value);


static const ngx_http_magasin_member_t  ngx_http_magasin_threshold_members[] = {
    { .name = "minimum", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER,
      .max = NGX_MAX_INT32_VALUE, .required = 1, .null = 1 },
    { .name = "maximum", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER,
      .max = NGX_MAX_INT32_VALUE, .required = 1, .null = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_defaults_members[] = {
    { .name = "lignes", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER, .required = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_default_members[] = {
    { .name = "categorie", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100,
      .required = 1, .null = 1 },
    { .name = "minimum", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER,
      .max = NGX_MAX_INT32_VALUE, .null = 1 },
    { .name = "maximum", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER,
      .max = NGX_MAX_INT32_VALUE, .null = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_threshold_columns[] = {
    { "", NGX_HTTP_MAGASIN_COLUMN_OBJECT },
    { .name = NULL }
};


const ngx_http_magasin_item_spec_t  ngx_http_magasin_threshold_spec = {
    .what = "Produit",
    .columns = ngx_http_magasin_threshold_columns
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_thresholds_spec = {
    .what = "Magasin",
    .columns = ngx_http_magasin_threshold_columns
};


/* GET of one product.  What is not there may be the store. */

ngx_int_t
ngx_http_magasin_threshold_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ctx->ids[0].fits
           ? ngx_http_magasin_item_bind(ctx)
           : ngx_http_magasin_reply_missing(ctx, "Magasin", &ctx->ids[0]);
}


/* Returns NGX_OK, or NGX_ERROR if no memory is left. */

ngx_int_t
ngx_http_magasin_threshold_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    ngx_int_t  rc;

    if (!PQgetisnull(result, 0, 0)) {
        ngx_http_magasin_row(&ctx->json, ngx_http_magasin_threshold_columns,
                             result, 0, 0);
        return NGX_OK;
    }

    if (*PQgetvalue(result, 0, 1) == 't') {
        rc = ngx_http_magasin_reply_missing(ctx, "Produit", &ctx->ids[1]);

    } else {
        rc = ngx_http_magasin_reply_missing(ctx, "Magasin", &ctx->ids[0]);
    }

    return rc == NGX_DONE ? NGX_OK : NGX_ERROR;
}


/*
 * PUT of one product.  Unknown members are ignored: what GET gives, PUT takes.
 */

ngx_int_t
ngx_http_magasin_threshold_put_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    const char  **values;

    values = ctx->job.values;

    rc = ngx_http_magasin_members_read(ctx, ngx_http_magasin_threshold_members,
                                       &values[THRESHOLD_MINIMUM]);
    if (rc != NGX_OK) {
        return rc;
    }

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

    for (i = THRESHOLD_MINIMUM; i <= THRESHOLD_MAXIMUM; i++) {
        if (values[i] == ngx_http_magasin_value_null) {
            values[i] = NULL;
        }
    }

    values[THRESHOLD_MAGASIN] = (const char *) ctx->ids[0].text.data;
    values[THRESHOLD_PRODUIT] = (const char *) ctx->ids[1].text.data;
    values[THRESHOLD_ACTEUR] = (const char *) ctx->token.data;
    ctx->job.nvalues = THRESHOLD_VALUES;

    if (ngx_http_magasin_if_match(ctx, &values[THRESHOLD_IF_MATCH]) != NGX_OK
        || ngx_http_magasin_if_none_match(ctx,
                                          &values[THRESHOLD_IF_NONE_MATCH])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * PUT of the defaults of a store, which replaces all of them.  No line is a
 * list, too.
 */

ngx_int_t
ngx_http_magasin_thresholds_put_bind(ngx_http_magasin_ctx_t *ctx)
{
    json_t                    *list;
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    const char               **values;
    ngx_http_magasin_lines_t   lines;

    values = ctx->job.values;

    rc = ngx_http_magasin_members_root(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    list = ctx->body.root ? json_object_get(ctx->body.root,
                                     ngx_http_magasin_defaults_members[0].name)
                          : NULL;

    lines.n = 0;

    if ((!json_is_array(list) || json_array_size(list) > 0)
        && ngx_http_magasin_lines_read(ctx, ngx_http_magasin_default_members,
                                       &lines)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Magasin", &ctx->ids[0]);
    }

    for (i = 0; i < DEFAULTS_IF_MATCH - DEFAULTS_LIGNES; i++) {
        if (ngx_http_magasin_threshold_array(ctx, &lines, i,
                                             &values[DEFAULTS_LIGNES + i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    values[DEFAULTS_MAGASIN] = (const char *) ctx->ids[0].text.data;
    values[DEFAULTS_ACTEUR] = (const char *) ctx->token.data;
    ctx->job.nvalues = DEFAULTS_VALUES;

    if (ngx_http_magasin_if_match(ctx, &values[DEFAULTS_IF_MATCH]) != NGX_OK
        || ngx_http_magasin_if_none_match(ctx,
                                          &values[DEFAULTS_IF_NONE_MATCH])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Make an array of PostgreSQL of one member of all lines.  Returns NGX_OK, or
 * NGX_ERROR if no memory is left.
 */

static ngx_int_t
ngx_http_magasin_threshold_array(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_lines_t *lines, ngx_uint_t member, const char **value)
{
    ngx_uint_t    i;
    const char  **texts;

    texts = ngx_palloc(ctx->request->pool, (lines->n + 1) * sizeof(char *));
    if (texts == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < lines->n; i++) {
        texts[i] = lines->elts[i].values[member];

        if (texts[i] == ngx_http_magasin_value_null) {
            texts[i] = NULL;
        }
    }

    *value = ngx_http_magasin_array(ctx->request->pool, texts, lines->n);

    return *value ? NGX_OK : NGX_ERROR;
}


/* PUT of both. */

void
ngx_http_magasin_thresholds_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_seuils(tags,
                   ngx_http_magasin_tag_id((char *) ctx->ids[0].text.data));
}
