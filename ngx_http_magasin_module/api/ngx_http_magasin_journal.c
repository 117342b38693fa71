
/* GET /api/v1/journal/: every change, as a stream or the newest first. */


#include "ngx_http_magasin_rows.h"


static const char *const  ngx_http_magasin_journal_orders[] = {
    "id", "-id", NULL
};

/* "ordering" has this place in journal.sql. */
#define NGX_HTTP_MAGASIN_JOURNAL_ORDERING  4

static const ngx_http_magasin_member_t  ngx_http_magasin_journal_params[] = {
    { "magasin", NGX_HTTP_MAGASIN_MEMBER_ID, 0, 0, NULL, 0, 0 },
    { "produit", NGX_HTTP_MAGASIN_MEMBER_ID, 0, 0, NULL, 0, 0 },
    { "type", NGX_HTTP_MAGASIN_MEMBER_TEXT, 0, 100, NULL, 0, 0 },
    { "depuis", NGX_HTTP_MAGASIN_MEMBER_INSTANT, 0, 0, NULL, 0, 0 },
    { "ordering", NGX_HTTP_MAGASIN_MEMBER_CHOICE, 0, 0,
      ngx_http_magasin_journal_orders, 0, 0 },
    { NULL, NGX_HTTP_MAGASIN_MEMBER_TEXT, 0, 0, NULL, 0, 0 }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_journal_columns[] = {
    { "id", NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { "instant", NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { "type", NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { "magasin", NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { "produit", NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { "delta", NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { "quantite", NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { "acteur", NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { "reference", NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { "motif", NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { "details", NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { NULL, NGX_HTTP_MAGASIN_COLUMN_TEXT }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_journal_spec = {
    ngx_http_magasin_journal_params, 2,
    { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    ngx_http_magasin_journal_columns, 1
};


ngx_int_t
ngx_http_magasin_journal_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t    rc;
    const char  *order;

    rc = ngx_http_magasin_list_bind(ctx);
    order = ctx->job.values[NGX_HTTP_MAGASIN_JOURNAL_ORDERING];

    if (rc == NGX_OK && order && *order == '-') {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT;
    }

    return rc;
}
