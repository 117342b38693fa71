
/*
 * GET /api/v1/reports/: for each store its total, its sales and its stock.  The
 * rows are ordered by store, and within a store by part.
 */


#include "ngx_http_magasin_api.h"


/* Columns of sql/statements/reports.sql. */
enum {
    REPORTS_ID = 0,
    REPORTS_PARTIE,
    REPORTS_NOM,
    REPORTS_VALEUR,
    REPORTS_RESTE               /* of part 0; see reports.sql */
};


/*
 * Values of REPORTS_PARTIE: a store with its total, a product that it sold, a
 * product that it has in stock.
 */
enum {
    REPORTS_MAGASIN = '0',
    REPORTS_VENDU = '1',
    REPORTS_STOCK = '2'
};


static void ngx_http_magasin_reports_store(ngx_http_magasin_json_t *json,
    PGresult *result, int row);
static void ngx_http_magasin_reports_end(ngx_http_magasin_json_t *json,
    int part);
static ngx_str_t ngx_http_magasin_reports_shortest(PGresult *result, int row);


ngx_int_t
ngx_http_magasin_reports_bind(ngx_http_magasin_ctx_t *ctx)
{
    ctx->job.values[0] = "0";
    ctx->job.values[1] = NGX_HTTP_MAGASIN_PIECE_STORES;
    ctx->job.nvalues = 2;

    return NGX_OK;
}


ngx_int_t
ngx_http_magasin_reports_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                       row, rows, part, stores, last;
    ngx_str_t                 name;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;
    rows = PQntuples(result);
    stores = 0;
    part = 0;
    last = 0;

    if (ctx->rows == 0) {
        ngx_http_magasin_json_open(json, '[');
    }

    for (row = 0; row < rows; row++) {

        if (*PQgetvalue(result, row, REPORTS_PARTIE) == REPORTS_MAGASIN) {
            ngx_http_magasin_reports_end(json, part);
            ngx_http_magasin_reports_store(json, result, row);

            part = REPORTS_VENDU;
            last = row;
            stores++;
            continue;
        }

        if (part == REPORTS_VENDU
            && *PQgetvalue(result, row, REPORTS_PARTIE) == REPORTS_STOCK)
        {
            ngx_http_magasin_json_close(json, '}');
            ngx_http_magasin_json_key(json, "stock_local");
            ngx_http_magasin_json_open(json, '{');

            part = REPORTS_STOCK;
        }

        name = ngx_http_magasin_column(result, row, REPORTS_NOM);
        ngx_http_magasin_json_name(json, name.data, name.len);
        ngx_http_magasin_column_number(json, result, row, REPORTS_VALEUR);
    }

    ngx_http_magasin_reports_end(json, part);

    ctx->rows += stores;

    if (stores && *PQgetvalue(result, last, REPORTS_RESTE) != '0') {
        ctx->job.values[0] = ngx_http_magasin_column_copy(ctx->request->pool,
                                                    result, last, REPORTS_ID);

        return ctx->job.values[0] ? NGX_AGAIN : NGX_ERROR;
    }

    ngx_http_magasin_json_close(json, ']');

    return NGX_OK;
}


static void
ngx_http_magasin_reports_store(ngx_http_magasin_json_t *json,
    PGresult *result, int row)
{
    ngx_str_t  total;

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "magasin");
    ngx_http_magasin_column_text(json, result, row, REPORTS_NOM);
    ngx_http_magasin_json_key(json, "total");

    total = ngx_http_magasin_reports_shortest(result, row);
    ngx_http_magasin_json_literal(json, total.data, total.len);

    ngx_http_magasin_json_key(json, "produits_vendus");
    ngx_http_magasin_json_open(json, '{');
}


/*
 * Close the open objects of a store.  `part` is its last part, or 0 if no store
 * is open.
 */

static void
ngx_http_magasin_reports_end(ngx_http_magasin_json_t *json, int part)
{
    if (part == 0) {
        return;
    }

    ngx_http_magasin_json_close(json, '}');

    if (part == REPORTS_VENDU) {
        ngx_http_magasin_json_key(json, "stock_local");
        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_json_close(json, '}');
    }

    ngx_http_magasin_json_close(json, '}');
}


/*
 * Shorten the total: 3024.40 becomes 3024.4, 60.00 becomes 60.0.  It is 0 for a
 * store without sales.
 */

static ngx_str_t
ngx_http_magasin_reports_shortest(PGresult *result, int row)
{
    ngx_str_t  text;

    text = ngx_http_magasin_column(result, row, REPORTS_VALEUR);

    if (text.len == 0) {
        ngx_str_set(&text, "0");
        return text;
    }

    if (ngx_strlchr(text.data, text.data + text.len, '.') == NULL) {
        return text;
    }

    while (text.data[text.len - 1] == '0' && text.data[text.len - 2] != '.') {
        text.len--;
    }

    return text;
}
