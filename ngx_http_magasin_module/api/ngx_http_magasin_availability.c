
/* GET /api/v1/products/{id}/availability/ */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"


/* Columns of product_availability.sql. */
enum {
    AVAILABILITY_PRODUIT = 0,
    AVAILABILITY_NOM,
    AVAILABILITY_CENTRAL,
    AVAILABILITY_MAGASIN,
    AVAILABILITY_MAGASIN_NOM,
    AVAILABILITY_QUANTITE,
    AVAILABILITY_DISPONIBLE
};


/* Parameters of product_availability.sql. */
enum {
    AVAILABILITY_AFTER = 1,
    AVAILABILITY_ROWS,
    AVAILABILITY_VALUES
};


/*
 * No columns: the rows are not one object each, and the endpoint has its own
 * render function.
 */
const ngx_http_magasin_item_spec_t  ngx_http_magasin_availability_spec = {
    .what = "Produit"
};


ngx_int_t
ngx_http_magasin_availability_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_item_bind(ctx);

    ctx->job.values[AVAILABILITY_AFTER] = "0";
    ctx->job.values[AVAILABILITY_ROWS] = NGX_HTTP_MAGASIN_PIECE_ROWS;
    ctx->job.nvalues = AVAILABILITY_VALUES;

    return rc;
}


/* If the piece is full, the next one starts after its last store. */

ngx_int_t
ngx_http_magasin_availability_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    int                       row, rows;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;
    rows = PQntuples(result);

    if (rows == 0 && ctx->rows == 0) {
        return ngx_http_magasin_reply_missing(ctx, "Produit", &ctx->ids[0])
               == NGX_DONE
               ? NGX_OK : NGX_ERROR;
    }

    if (ctx->rows == 0) {
        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_json_key(json, "produit");
        ngx_http_magasin_column_number(json, result, 0, AVAILABILITY_PRODUIT);
        ngx_http_magasin_json_key(json, "nom");
        ngx_http_magasin_column_text(json, result, 0, AVAILABILITY_NOM);
        ngx_http_magasin_json_key(json, "central");
        ngx_http_magasin_column_number(json, result, 0, AVAILABILITY_CENTRAL);
        ngx_http_magasin_json_key(json, "magasins");
        ngx_http_magasin_json_open(json, '[');
    }

    for (row = 0; row < rows; row++) {

        if (PQgetisnull(result, row, AVAILABILITY_MAGASIN)) {
            break;
        }

        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_json_key(json, "magasin");
        ngx_http_magasin_column_number(json, result, row,
                                       AVAILABILITY_MAGASIN);
        ngx_http_magasin_json_key(json, "nom");
        ngx_http_magasin_column_text(json, result, row,
                                     AVAILABILITY_MAGASIN_NOM);
        ngx_http_magasin_json_key(json, "quantite");
        ngx_http_magasin_column_number(json, result, row,
                                       AVAILABILITY_QUANTITE);
        ngx_http_magasin_json_key(json, "disponible");
        ngx_http_magasin_column_number(json, result, row,
                                       AVAILABILITY_DISPONIBLE);
        ngx_http_magasin_json_close(json, '}');
    }

    ngx_http_magasin_rows_valid(ctx, result, row);

    ctx->rows += row;

    if (row == atoi(NGX_HTTP_MAGASIN_PIECE_ROWS)) {
        ctx->job.values[AVAILABILITY_AFTER] =
            ngx_http_magasin_column_copy(ctx->request->pool, result, row - 1,
                                         AVAILABILITY_MAGASIN);

        return ctx->job.values[AVAILABILITY_AFTER] ? NGX_AGAIN : NGX_ERROR;
    }

    ngx_http_magasin_json_close(json, ']');
    ngx_http_magasin_json_close(json, '}');

    return NGX_OK;
}
