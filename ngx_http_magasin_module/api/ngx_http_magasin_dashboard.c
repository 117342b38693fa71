
/*
 * GET /api/v1/dashboard/: one object for each store.  With detail=true an
 * object also has the id of the store, and the content of the sentence
 * "tendances" as members.
 */


#include "ngx_http_magasin_api.h"
#include "ngx_http_magasin_members.h"


/* Columns of sql/statements/dashboard.sql. */
enum {
    DASHBOARD_ID = 0,
    DASHBOARD_MAGASIN,
    DASHBOARD_CHIFFRE_AFFAIRES,
    DASHBOARD_RUPTURES,
    DASHBOARD_SURSTOCK,
    DASHBOARD_TENDANCES,
    DASHBOARD_VALIDITE,
    DASHBOARD_VENTES
};


/* Parameters of the statement. */
enum {
    DASHBOARD_AFTER = 0,
    DASHBOARD_STORES,
    DASHBOARD_DETAIL,
    DASHBOARD_VALUES
};


static void ngx_http_magasin_dashboard_detail(ngx_http_magasin_json_t *json,
    PGresult *result, int row);


static const ngx_http_magasin_member_t  ngx_http_magasin_dashboard_params[] = {
    { .name = "detail", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    { .name = NULL }
};


ngx_int_t
ngx_http_magasin_dashboard_bind(ngx_http_magasin_ctx_t *ctx)
{
    const char  **values;

    values = ctx->job.values;

    if (ngx_http_magasin_query_read(ctx, ngx_http_magasin_dashboard_params,
                                    &values[DASHBOARD_DETAIL])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* "detail=false" is the same as no parameter. */

    if (values[DASHBOARD_DETAIL] && *values[DASHBOARD_DETAIL] != 't') {
        values[DASHBOARD_DETAIL] = NULL;
    }

    values[DASHBOARD_AFTER] = "0";
    values[DASHBOARD_STORES] = NGX_HTTP_MAGASIN_PIECE_STORES;
    ctx->job.nvalues = DASHBOARD_VALUES;

    return ngx_http_magasin_members_end(ctx);
}


ngx_int_t
ngx_http_magasin_dashboard_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    int                       row, rows;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;
    rows = PQntuples(result);

    if (ctx->rows == 0) {
        ngx_http_magasin_json_open(json, '[');
    }

    for (row = 0; row < rows; row++) {
        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_json_key(json, "magasin");
        ngx_http_magasin_column_text(json, result, row, DASHBOARD_MAGASIN);
        ngx_http_magasin_json_key(json, "chiffre_affaires");
        ngx_http_magasin_column_text(json, result, row,
                                     DASHBOARD_CHIFFRE_AFFAIRES);
        ngx_http_magasin_json_key(json, "ruptures");
        ngx_http_magasin_column_number(json, result, row, DASHBOARD_RUPTURES);
        ngx_http_magasin_json_key(json, "surstock");
        ngx_http_magasin_column_number(json, result, row, DASHBOARD_SURSTOCK);
        ngx_http_magasin_json_key(json, "tendances");
        ngx_http_magasin_column_text(json, result, row, DASHBOARD_TENDANCES);

        if (ctx->job.values[DASHBOARD_DETAIL]) {
            ngx_http_magasin_dashboard_detail(json, result, row);
        }

        ngx_http_magasin_json_close(json, '}');
    }

    if (rows && !PQgetisnull(result, 0, DASHBOARD_VALIDITE)) {
        ngx_http_magasin_valid_for(ctx,
                strtoull(PQgetvalue(result, 0, DASHBOARD_VALIDITE), NULL, 10));
    }

    ctx->rows += rows;

    if (rows == atoi(NGX_HTTP_MAGASIN_PIECE_STORES)) {
        ctx->job.values[DASHBOARD_AFTER] =
            ngx_http_magasin_column_copy(ctx->request->pool, result, rows - 1,
                                         DASHBOARD_ID);

        return ctx->job.values[DASHBOARD_AFTER] ? NGX_AGAIN : NGX_ERROR;
    }

    ngx_http_magasin_json_close(json, ']');

    return NGX_OK;
}


static void
ngx_http_magasin_dashboard_detail(ngx_http_magasin_json_t *json,
    PGresult *result, int row)
{
    ngx_str_t  text;

    ngx_http_magasin_json_key(json, "magasin_id");
    ngx_http_magasin_column_number(json, result, row, DASHBOARD_ID);
    ngx_http_magasin_json_key(json, "meilleures_ventes");

    text = ngx_http_magasin_column(result, row, DASHBOARD_VENTES);
    ngx_http_magasin_json_literal(json, (const char *) text.data, text.len);
}
