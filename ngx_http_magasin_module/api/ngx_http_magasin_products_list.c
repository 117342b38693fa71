
/* GET /api/v1/products/. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_reply.h"


/*
 * Parameters of products.sql and of the other products_*.sql, in the order of
 * the table below.
 */
enum {
    PRODUCTS_Q = 0,
    PRODUCTS_CATEGORIE,
    PRODUCTS_ARCHIVE
};


static const ngx_http_magasin_member_t  ngx_http_magasin_products_params[] = {
    { .name = "q", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = "categorie", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = "archive", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_products_code[] = {
    { .name = "code", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 },
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_products_columns[] = {
    { .name = "id", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "nom", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "categorie", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "prix", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "description", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_products_spec = {
    .params = ngx_http_magasin_products_params,
    .nkeys = 2,
    .keys = { NGX_HTTP_MAGASIN_KEY_TEXT, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_products_columns,
    .pieces = 1
};


/*
 * GET of the list.  The parameters select the statement, and thereby the index.
 */

ngx_int_t
ngx_http_magasin_products_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t    rc;
    ngx_uint_t   archived;
    const char  *ids, *code;

    if (ngx_http_magasin_ids_read(ctx, "id",
                          ngx_http_magasin_query_value(ctx->query, "id"),
                          &ids)
           != NGX_OK
        || ngx_http_magasin_query_read(ctx, ngx_http_magasin_products_code,
                                       &code)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_magasin_list_bind(ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    archived = ctx->job.values[PRODUCTS_ARCHIVE]
               && *ctx->job.values[PRODUCTS_ARCHIVE] == 't';

    if (code) {
        ctx->job.values[PRODUCTS_Q] = code;
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_PRODUCTS_CODE;

    } else if (ids) {
        ctx->job.values[PRODUCTS_Q] = ids;
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_PRODUCTS_SOME;

    } else if (ctx->job.values[PRODUCTS_Q]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_PRODUCTS_SEARCH;

        /* A short word matches many names, and the statement is slow. */

        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;

    } else if (ctx->job.values[PRODUCTS_CATEGORIE]) {
        ctx->job.statement = archived
                             ? NGX_HTTP_MAGASIN_SQL_PRODUCTS_CATEGORY_ARCHIVED
                             : NGX_HTTP_MAGASIN_SQL_PRODUCTS_CATEGORY;

    } else if (archived) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_PRODUCTS_ARCHIVED;
    }

    return NGX_OK;
}
