
/*
 * GET /api/v1/stores/{id}/stock/{produit}/ and
 * /api/v1/stock/central/{produit}/.  The entity tag is the quantity, of a store
 * with what is not held of it, "12-9": no other member can change.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"


static const ngx_http_magasin_column_t  ngx_http_magasin_item_columns[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "produit", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "disponible", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_central_columns[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = NULL }
};


const ngx_http_magasin_item_spec_t  ngx_http_magasin_stock_item_spec = {
    .what = "Stock du produit",
    .columns = ngx_http_magasin_item_columns
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_central_item_spec = {
    .what = "Stock central du produit",
    .columns = ngx_http_magasin_central_columns
};


ngx_int_t
ngx_http_magasin_stock_item_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    int        column;
    u_char    *p;
    ngx_str_t  text, free;

    if (PQntuples(result)) {
        text = ngx_http_magasin_column(result, 0,
                                       PQfnumber(result, "quantite"));
        ngx_str_null(&free);

        column = PQfnumber(result, "disponible");

        if (column >= 0) {
            free = ngx_http_magasin_column(result, 0, column);
        }

        p = ngx_pnalloc(ctx->request->pool,
                        text.len + free.len + sizeof("\"-\"") - 1);
        if (p == NULL) {
            return NGX_ERROR;
        }

        ctx->etag.data = p;

        p = ngx_sprintf(p, free.len ? "\"%V-%V\"" : "\"%V\"", &text, &free);

        ctx->etag.len = p - ctx->etag.data;
    }

    return ngx_http_magasin_item_render(ctx, result);
}
