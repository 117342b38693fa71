
/* GET /api/v1/stores/{id}/items/: the rows of a store. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_query.h"
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
    ITEMS_PRODUITS,
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
    .what = "Magasin",
    .params = ngx_http_magasin_items_params,
    .nkeys = 2,
    .keys = { NGX_HTTP_MAGASIN_KEY_TEXT, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_items_columns
};


/* All rows as CSV, but for the order of the names, which has an index. */

static const ngx_http_magasin_order_spec_t  ngx_http_magasin_items_order = {
    .what = "Magasin",
    .order = NGX_HTTP_MAGASIN_SQL_ITEMS_ORDER,
    .rows = NGX_HTTP_MAGASIN_SQL_ITEMS_ROWS,
    .nvalues = ITEMS_PRODUITS,
    .limit = ITEMS_LIMIT,
    .keys = ITEMS_KEY,
    .nkeys = 2,
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
    const char   *products, **values;

    if (ngx_http_magasin_ids_read(ctx, "produits",
                          ngx_http_magasin_query_value(ctx->query, "produits"),
                          &products)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Magasin", &ctx->ids[0]);
    }

    values = ctx->job.values;

    values[ITEMS_MAGASIN] = (const char *) ctx->ids[0].text.data;
    values[ITEMS_PRODUITS] = products;
    ctx->job.nvalues = ITEMS_PRODUITS;

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

    /* Of so few products the work is little, however they are ordered. */

    if (products) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_ITEMS_SOME;
        ctx->job.class = values[ITEMS_Q] ? NGX_HTTP_MAGASIN_PG_HEAVY
                                         : NGX_HTTP_MAGASIN_PG_READ;
        ctx->job.nvalues = ITEMS_VALUES;

        return NGX_OK;
    }

    if (values[ITEMS_Q] || values[ITEMS_CATEGORIE]
        || (values[ITEMS_SOUS_MINIMUM] && *values[ITEMS_SOUS_MINIMUM] == 't')
        || *values[ITEMS_ORDERING] != 'n')
    {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_ITEMS_SOME;
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;
        ctx->job.nvalues = ITEMS_VALUES;

        if (ctx->table) {
            return ngx_http_magasin_order_bind(ctx,
                                               &ngx_http_magasin_items_order);
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_magasin_items_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    if (ctx->job.statement == NGX_HTTP_MAGASIN_SQL_ITEMS_ORDER
        || ctx->job.statement == NGX_HTTP_MAGASIN_SQL_ITEMS_ROWS)
    {
        return ngx_http_magasin_order_render(ctx, result);
    }

    return ngx_http_magasin_list_render(ctx, result);
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
