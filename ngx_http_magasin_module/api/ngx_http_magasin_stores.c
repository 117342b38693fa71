
/* /api/v1/stores/ and the single resources below. */


#include "ngx_http_magasin_rows.h"


static const ngx_http_magasin_member_t  ngx_http_magasin_no_params[] = {
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_store_columns[] = {
    { .name = "id", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "nom", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "adresse", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "ouvert", .type = NGX_HTTP_MAGASIN_COLUMN_BOOLEAN },
    { .name = NULL }
};

const ngx_http_magasin_list_spec_t  ngx_http_magasin_stores_spec = {
    .params = ngx_http_magasin_no_params,
    .nkeys = 1,
    .keys = { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_store_columns,
    .pieces = 1
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_store_spec = {
    .what = "Magasin",
    .columns = ngx_http_magasin_store_columns
};
