
/*
 * GET /api/v1/stores/{id}/stock/: all rows of a store, or those of some
 * products, in the order of the products.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_query.h"


/* Columns of sql/statements/stock.sql. */
enum {
    STOCK_PRODUIT = 0,
    STOCK_NOM,
    STOCK_QUANTITE
};


/*
 * A store whose id is out of range has an empty list, like a store that does
 * not exist.
 */

ngx_int_t
ngx_http_magasin_stock_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t    rc;
    const char  *products;

    if (ngx_http_magasin_ids_read(ctx, "produits",
                          ngx_http_magasin_query_value(ctx->query, "produits"),
                          &products)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_magasin_members_end(ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        ngx_http_magasin_json_open(&ctx->json, '[');
        ngx_http_magasin_json_close(&ctx->json, ']');
        return NGX_DONE;
    }

    ctx->job.values[0] = (const char *) ctx->ids[0].text.data;
    ctx->job.values[1] = "0";
    ctx->job.values[2] = NGX_HTTP_MAGASIN_PIECE_ROWS;
    ctx->job.nvalues = 3;

    if (products) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_STOCK_SOME;
        ctx->job.values[3] = products;
        ctx->job.nvalues = 4;
    }

    return NGX_OK;
}


/* If the piece is full, the next one starts after its last product. */

ngx_int_t
ngx_http_magasin_stock_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
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
        ngx_http_magasin_json_key(json, "produit_id");
        ngx_http_magasin_column_number(json, result, row, STOCK_PRODUIT);
        ngx_http_magasin_json_key(json, "nom");
        ngx_http_magasin_column_text(json, result, row, STOCK_NOM);
        ngx_http_magasin_json_key(json, "quantite");
        ngx_http_magasin_column_number(json, result, row, STOCK_QUANTITE);
        ngx_http_magasin_json_close(json, '}');
    }

    ctx->rows += rows;

    if (rows == atoi(NGX_HTTP_MAGASIN_PIECE_ROWS)) {
        ctx->job.values[1] = ngx_http_magasin_column_copy(ctx->request->pool,
                                              result, rows - 1, STOCK_PRODUIT);

        return ctx->job.values[1] ? NGX_AGAIN : NGX_ERROR;
    }

    ngx_http_magasin_json_close(json, ']');

    return NGX_OK;
}
