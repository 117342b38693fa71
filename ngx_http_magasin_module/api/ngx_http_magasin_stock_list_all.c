
/* GET /api/v1/stores/{id}/stock/list/ as CSV: all rows, in their order. */


#include "ngx_http_magasin_rows.h"


/* Parameters of stock_list_order.sql; the first five are bound already. */
enum {
    ALL_VALUE_LIMIT = 5,
    ALL_VALUE_Q,
    ALL_VALUE_RANK,
    ALL_VALUE_NAME,
    ALL_VALUE_ID,
    ALL_VALUES
};


const ngx_http_magasin_column_t  ngx_http_magasin_stock_list_columns[] = {
    { .name = "id", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "produit", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "produit_nom", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "magasin_nom", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = NULL }
};

static const ngx_http_magasin_order_spec_t  ngx_http_magasin_stock_order = {
    .order = NGX_HTTP_MAGASIN_SQL_STOCK_LIST_ORDER,
    .rows = NGX_HTTP_MAGASIN_SQL_STOCK_LIST_ROWS,
    .nvalues = ALL_VALUES,
    .limit = ALL_VALUE_LIMIT,
    .keys = ALL_VALUE_RANK,
    .nkeys = 3,
    .columns = ngx_http_magasin_stock_list_columns
};


/*
 * Call it when the parameters of stock_list.sql are bound.  Returns NGX_OK, or
 * NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_stock_list_all_bind(ngx_http_magasin_ctx_t *ctx)
{
    const char  **values;

    values = ctx->job.values;

    values[ALL_VALUE_RANK] = NULL;
    values[ALL_VALUE_NAME] = NULL;
    values[ALL_VALUE_ID] = NULL;

    return ngx_http_magasin_order_bind(ctx, &ngx_http_magasin_stock_order);
}
