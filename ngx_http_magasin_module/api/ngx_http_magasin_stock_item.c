
/*
 * GET /api/v1/stores/{id}/stock/{produit}/ and
 * /api/v1/stock/central/{produit}/.  The entity tag is the quantity, because no
 * other member of the resource can change.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"


static const ngx_http_magasin_column_t  ngx_http_magasin_item_columns[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "produit", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = NULL }
};


const ngx_http_magasin_item_spec_t  ngx_http_magasin_stock_item_spec = {
    .what = "Stock du produit",
    .columns = ngx_http_magasin_item_columns
};

/* The columns of a store without the store. */
const ngx_http_magasin_item_spec_t  ngx_http_magasin_central_item_spec = {
    .what = "Stock central du produit",
    .columns = &ngx_http_magasin_item_columns[1]
};


ngx_int_t
ngx_http_magasin_stock_item_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    ngx_str_t  text;

    if (PQntuples(result)) {
        text = ngx_http_magasin_column(result, 0,
                                       PQfnumber(result, "quantite"));

        ctx->etag.data = ngx_pnalloc(ctx->request->pool, text.len + 2);
        if (ctx->etag.data == NULL) {
            return NGX_ERROR;
        }

        ctx->etag.len = ngx_sprintf(ctx->etag.data, "\"%V\"", &text)
                        - ctx->etag.data;
    }

    return ngx_http_magasin_item_render(ctx, result);
}
