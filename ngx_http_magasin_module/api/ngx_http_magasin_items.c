
/* GET /api/v1/stores/{id}/items/: the rows of a store. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"


/*
 * Parameters of items.sql and items_some.sql; first those of the table below.
 */
enum {
    ITEMS_Q = 0,
    ITEMS_CATEGORIE,
    ITEMS_SOUS_MINIMUM,
    ITEMS_ORDERING,
    ITEMS_LIMIT,
    ITEMS_KEY,
    ITEMS_ID,
    ITEMS_MAGASIN,
    ITEMS_VALUES
};


static ngx_uint_t ngx_http_magasin_items_number(const char *key);


static const char *const  ngx_http_magasin_items_orders[] = {
    "nom", "-nom", "quantite", "-quantite", NULL
};

static const ngx_http_magasin_member_t  ngx_http_magasin_items_params[] = {
    { .name = "q", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = "categorie", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = "sous_minimum", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    { .name = "ordering", .type = NGX_HTTP_MAGASIN_MEMBER_CHOICE,
      .choices = ngx_http_magasin_items_orders },
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_items_columns[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "nom", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "code", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "disponible", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "retenu", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "en_transit", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "demande", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "minimum", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "maximum", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = NULL }
};


/* The first key is the name or the quantity, by which the rows are ordered. */

const ngx_http_magasin_list_spec_t  ngx_http_magasin_items_spec = {
    .params = ngx_http_magasin_items_params,
    .nkeys = 2,
    .keys = { NGX_HTTP_MAGASIN_KEY_TEXT, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_items_columns
};


/*
 * Only the order of the names without a filter has an index.  Any other answer
 * looks at all rows of the store, or at all names that have a word.
 */

ngx_int_t
ngx_http_magasin_items_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    const char  **values;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Magasin", &ctx->ids[0]);
    }

    values = ctx->job.values;

    values[ITEMS_MAGASIN] = (const char *) ctx->ids[0].text.data;
    ctx->job.nvalues = ITEMS_VALUES;

    if (values[ITEMS_ORDERING] == NULL) {
        values[ITEMS_ORDERING] = ngx_http_magasin_items_orders[0];
    }

    /* A cursor is valid only for the ordering that it was made for. */

    if (values[ITEMS_KEY]
        && ngx_strstr(values[ITEMS_ORDERING], "quantite")
        && !ngx_http_magasin_items_number(values[ITEMS_KEY]))
    {
        ngx_http_magasin_members_error(ctx, "cursor", "Curseur non valide.");
        return ngx_http_magasin_members_end(ctx);
    }

    if (values[ITEMS_Q] || values[ITEMS_CATEGORIE]
        || (values[ITEMS_SOUS_MINIMUM] && *values[ITEMS_SOUS_MINIMUM] == 't')
        || *values[ITEMS_ORDERING] != 'n')
    {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_ITEMS_SOME;
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;
    }

    return NGX_OK;
}


/* Returns 1 if the key is a quantity, or one below 0, else 0. */

static ngx_uint_t
ngx_http_magasin_items_number(const char *key)
{
    size_t  len;

    if (*key == '-') {
        key++;
    }

    len = ngx_strlen(key);

    return len && len <= NGX_HTTP_MAGASIN_IDS_DIGITS
           && strspn(key, "0123456789") == len;
}
