
/* /api/v1/stores/ and single resources under it. */


#include "ngx_http_magasin_rows.h"


static const ngx_http_magasin_member_t  ngx_http_magasin_no_params[] = {
    { NULL, NGX_HTTP_MAGASIN_MEMBER_TEXT, 0, 0, NULL, 0, 0 }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_store_columns[] = {
    { "id", NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { "nom", NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { "adresse", NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { "ouvert", NGX_HTTP_MAGASIN_COLUMN_BOOLEAN },
    { NULL, NGX_HTTP_MAGASIN_COLUMN_TEXT }
};

const ngx_http_magasin_list_spec_t  ngx_http_magasin_stores_spec = {
    ngx_http_magasin_no_params, 1,
    { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    ngx_http_magasin_store_columns, 0
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_store_spec = {
    "Magasin", ngx_http_magasin_store_columns
};
