
/* GET /api/v1/dashboard/: one object for each store. */


#include "ngx_http_magasin_api.h"


/* Columns of sql/statements/dashboard.sql. */
enum {
    DASHBOARD_ID = 0,
    DASHBOARD_MAGASIN,
    DASHBOARD_CHIFFRE_AFFAIRES,
    DASHBOARD_RUPTURES,
    DASHBOARD_SURSTOCK,
    DASHBOARD_TENDANCES,
    DASHBOARD_VALIDITE
};


ngx_int_t
ngx_http_magasin_dashboard_bind(ngx_http_magasin_ctx_t *ctx)
{
    ctx->job.values[0] = "0";
    ctx->job.values[1] = NGX_HTTP_MAGASIN_PIECE_STORES;
    ctx->job.nvalues = 2;

    return NGX_OK;
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
        ngx_http_magasin_json_close(json, '}');
    }

    if (rows && !PQgetisnull(result, 0, DASHBOARD_VALIDITE)) {
        ngx_http_magasin_valid_for(ctx,
                strtoull(PQgetvalue(result, 0, DASHBOARD_VALIDITE), NULL, 10));
    }

    ctx->rows += rows;

    if (rows == atoi(NGX_HTTP_MAGASIN_PIECE_STORES)) {
        ctx->job.values[0] = ngx_http_magasin_column_copy(ctx->request->pool,
                                               result, rows - 1, DASHBOARD_ID);

        return ctx->job.values[0] ? NGX_AGAIN : NGX_ERROR;
    }

    ngx_http_magasin_json_close(json, ']');

    return NGX_OK;
}
