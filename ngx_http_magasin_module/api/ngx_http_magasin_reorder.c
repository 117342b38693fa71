
/*
 * /api/v1/stores/{id}/reorder/: what a store should ask for, and POST, which
 * asks for it.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_codes_internal.h"
#include "ngx_http_magasin_reply.h"


/* Parameters of reorder.sql. */
enum {
    NEEDS_LIMIT = 0,
    NEEDS_NOM,
    NEEDS_ID,
    NEEDS_MAGASIN,
    NEEDS_VALUES
};


/* Parameters of reorder_create.sql. */
enum {
    REORDER_MAGASIN = 0,
    REORDER_PRODUITS,
    REORDER_QUANTITES,
    REORDER_ACTEUR,
    REORDER_CLE,
    REORDER_EMPREINTE,
    REORDER_VALUES
};


/* The members of a line, in the order of the table below. */
enum {
    LINE_PRODUIT = 0,
    LINE_QUANTITE,
    LINE_CODE
};


static ngx_int_t ngx_http_magasin_reorder_bind(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_lines_t *lines);


static const ngx_http_magasin_member_t  ngx_http_magasin_reorder_members[] = {
    { .name = "lignes", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_reorder_line[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .instead = "code" },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = NGX_MAX_INT32_VALUE },
    { .name = "code", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_needs_params[] = {
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_needs_columns[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "nom", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "code", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "disponible", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "en_transit", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "demande", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "minimum", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "maximum", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "suggere", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "central", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_reorder_spec = {
    .what = "Magasin",
    .params = ngx_http_magasin_needs_params,
    .nkeys = 2,
    .keys = { NGX_HTTP_MAGASIN_KEY_TEXT, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_needs_columns
};


/* GET. */

ngx_int_t
ngx_http_magasin_needs_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Magasin", &ctx->ids[0]);
    }

    ctx->job.values[NEEDS_MAGASIN] = (const char *) ctx->ids[0].text.data;
    ctx->job.nvalues = NEEDS_VALUES;

    return NGX_OK;
}


/* POST.  Without lines all that GET shows is asked for. */

ngx_int_t
ngx_http_magasin_reorder_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_magasin_field_t   field;
    ngx_http_magasin_lines_t  *lines;

    rc = ngx_http_magasin_members_root(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    lines = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_magasin_lines_t));
    if (lines == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_magasin_body_field(ctx->request, &ctx->body, "lignes", 1,
                                    &field)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (field.type != NGX_HTTP_MAGASIN_FIELD_ABSENT
        && ngx_http_magasin_lines_read(ctx, ngx_http_magasin_reorder_line,
                                       lines)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_reorder_members);

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Magasin", &ctx->ids[0]);
    }

    rc = ngx_http_magasin_codes_of_lines(ctx, lines, LINE_CODE);

    if (rc == NGX_DECLINED) {
        return ngx_http_magasin_reorder_bind(ctx, lines);
    }

    ctx->state = lines;

    return rc;
}


/* Bind reorder_create.sql. */

static ngx_int_t
ngx_http_magasin_reorder_bind(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_lines_t *lines)
{
    const char  **values;
    ngx_pool_t   *pool;

    pool = ctx->request->pool;
    values = ctx->job.values;

    if (lines->n) {
        values[REORDER_PRODUITS] = ngx_http_magasin_lines_array(pool, lines,
                                                                LINE_PRODUIT);
        values[REORDER_QUANTITES] = ngx_http_magasin_lines_array(pool, lines,
                                                                LINE_QUANTITE);

        if (values[REORDER_PRODUITS] == NULL
            || values[REORDER_QUANTITES] == NULL)
        {
            return NGX_ERROR;
        }
    }

    values[REORDER_MAGASIN] = (const char *) ctx->ids[0].text.data;
    values[REORDER_ACTEUR] = (const char *) ctx->token.data;
    values[REORDER_CLE] = ctx->key;
    values[REORDER_EMPREINTE] = ctx->digest;
    ctx->job.nvalues = REORDER_VALUES;

    return NGX_OK;
}


/*
 * Write the answer; or, when the ids of products are there, go on with the
 * requests (NGX_DECLINED).
 */

ngx_int_t
ngx_http_magasin_reorder_create_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    ngx_int_t  rc;

    if (!ngx_http_magasin_codes_asked(ctx)) {
        return ngx_http_magasin_written_render(ctx, result);
    }

    rc = ngx_http_magasin_codes_into_lines(ctx, result, ctx->state,
                                           LINE_PRODUIT, LINE_CODE);

    if (rc == NGX_OK) {
        rc = ngx_http_magasin_reorder_bind(ctx, ctx->state);

        return rc == NGX_OK ? NGX_DECLINED : NGX_ERROR;
    }

    return rc == NGX_DONE ? NGX_OK : NGX_ERROR;
}


/* No answer of a request that is new is cached: the lists alone change. */

void
ngx_http_magasin_reorder_touch(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_demande(tags, 0);
}
