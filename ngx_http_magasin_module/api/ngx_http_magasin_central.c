
/*
 * GET /api/v1/stock/central/, in the order of products, names or quantities, or
 * with a search for words.
 */


#include "ngx_http_magasin_rows.h"


/* Parameters of stock_central.sql and of the other stock_central_*.sql. */
enum {
    CENTRAL_Q = 0,
    CENTRAL_ORDERING,
    CENTRAL_LIMIT,
    CENTRAL_KEY
};


static ngx_uint_t ngx_http_magasin_central_key_valid(const char *key,
    const char *ordering);
static size_t ngx_http_magasin_central_digits(const char *p, size_t len);


static const char *const  ngx_http_magasin_central_orders[] = {
    "nom", "-nom", "quantite", "-quantite", NULL
};

static const ngx_http_magasin_member_t  ngx_http_magasin_central_params[] = {
    { .name = "q", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = "ordering", .type = NGX_HTTP_MAGASIN_MEMBER_CHOICE,
      .choices = ngx_http_magasin_central_orders },
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_central_columns[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "nom", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = NULL }
};


/*
 * The key is "ID", or "VALUE:ID" if an ordering is given.  It is one text and
 * so one key.
 */

const ngx_http_magasin_list_spec_t  ngx_http_magasin_central_spec = {
    .params = ngx_http_magasin_central_params,
    .nkeys = 1,
    .keys = { NGX_HTTP_MAGASIN_KEY_TEXT, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_central_columns
};


/*
 * Select the statement, and thereby the index, from the parameters, as for the
 * products.
 */

ngx_int_t
ngx_http_magasin_central_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    const char  **values;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    values = ctx->job.values;

    if (values[CENTRAL_Q] && values[CENTRAL_ORDERING] == NULL) {
        values[CENTRAL_ORDERING] = ngx_http_magasin_central_orders[0];
    }

    /* A cursor is valid only for the ordering that it was made for. */

    if (values[CENTRAL_KEY]
        && !ngx_http_magasin_central_key_valid(values[CENTRAL_KEY],
                                               values[CENTRAL_ORDERING]))
    {
        ngx_http_magasin_members_error(ctx, "cursor", "Curseur non valide.");
        return ngx_http_magasin_members_end(ctx);
    }

    if (values[CENTRAL_ORDERING] == NULL) {
        return NGX_OK;
    }

    if (values[CENTRAL_Q]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL_SEARCH;
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;

    } else if (*values[CENTRAL_ORDERING] == 'n') {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL_NAME;

    } else {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL_ORDER;
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;
    }

    return NGX_OK;
}


/*
 * Returns 1 if `key` is "ID", "NAME:ID" or "QUANTITY:ID", as `ordering`
 * requires, else 0.
 */

static ngx_uint_t
ngx_http_magasin_central_key_valid(const char *key, const char *ordering)
{
    size_t  len, id;

    len = ngx_strlen(key);
    id = ngx_http_magasin_central_digits(key, len);

    if (id == 0 || id > NGX_HTTP_MAGASIN_IDS_DIGITS) {
        return 0;
    }

    if (ordering == NULL) {
        return id == len;
    }

    if (id + 1 >= len || key[len - id - 1] != ':') {
        return 0;
    }

    if (ngx_strstr(ordering, "nom")) {
        return 1;
    }

    len -= id + 1;

    if (*key == '-') {
        key++;
        len--;
    }

    return len && len <= NGX_HTTP_MAGASIN_IDS_DIGITS
           && ngx_http_magasin_central_digits(key, len) == len;
}


/* Returns the number of digits at the end of a text. */

static size_t
ngx_http_magasin_central_digits(const char *p, size_t len)
{
    size_t  n;

    for (n = 0; n < len; n++) {
        if (p[len - n - 1] < '0' || p[len - n - 1] > '9') {
            break;
        }
    }

    return n;
}
