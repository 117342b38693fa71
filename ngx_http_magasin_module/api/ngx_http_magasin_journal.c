
/* GET /api/v1/journal/: every change, as a stream or the newest first. */


#include "ngx_http_magasin_rows.h"


static const char *const  ngx_http_magasin_journal_orders[] = {
    "id", "-id", NULL
};

/* Parameters of journal.sql and its sisters, as in the table below. */
enum {
    JOURNAL_MAGASIN = 0,
    JOURNAL_PRODUIT,
    JOURNAL_TYPE,
    JOURNAL_DEPUIS,
    JOURNAL_ORDERING
};


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


/*
 * Which index serves is decided here; PostgreSQL would have to see the values
 * to know.  What has none may walk far.
 */

ngx_int_t
ngx_http_magasin_journal_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_uint_t    recent;
    const char  **values;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    values = ctx->job.values;
    recent = values[JOURNAL_ORDERING] && *values[JOURNAL_ORDERING] == '-';

    if (values[JOURNAL_PRODUIT]) {
        ctx->job.statement = recent
                             ? NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT_PRODUCT
                             : NGX_HTTP_MAGASIN_SQL_JOURNAL_PRODUCT;

    } else if (values[JOURNAL_MAGASIN]) {
        ctx->job.statement = recent
                             ? NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT_STORE
                             : NGX_HTTP_MAGASIN_SQL_JOURNAL_STORE;

    } else if (recent) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT;
    }

    if (values[JOURNAL_TYPE] || values[JOURNAL_DEPUIS]) {
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;
    }

    ngx_http_magasin_list_stream(ctx, !recent);

    return NGX_OK;
}
