
/*
 * GET /api/v1/stores/{id}/stock/list/, with filters, an order and numbered
 * pages.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_text.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_decimal.h"


#define NGX_HTTP_MAGASIN_PAGE  10


/* Values of sql/statements/stock_list.sql and stock_list_name.sql. */
enum {
    LIST_VALUE_MAGASIN = 0,
    LIST_VALUE_NOM,
    LIST_VALUE_QUANTITE,
    LIST_VALUE_ORDER,
    LIST_VALUE_ORDER_NEXT,
    LIST_VALUE_PAGE,
    LIST_VALUE_Q,
    LIST_VALUE_LONG,
    LIST_VALUES
};


/* Their columns. */
enum {
    LIST_TOTAL = 0,
    LIST_ID,
    LIST_PRODUIT,
    LIST_MAGASIN,
    LIST_QUANTITE,
    LIST_PRODUIT_NOM,
    LIST_MAGASIN_NOM
};


/* The type of ctx->state.  Page 0 is the last page. */
typedef struct {
    ngx_uint_t    page;
    ngx_uint_t    nkeys;        /* of the order; at most 2 */
    const char   *keys[2];
    const char   *nom;          /* filters; NULL: no filter */
    const char   *q;
    const char   *quantite;
    unsigned      empty:1;      /* no row can match */
} ngx_http_magasin_stock_list_t;


static ngx_int_t ngx_http_magasin_stock_list_name(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *value, const char **filter, const char **error);
static ngx_int_t ngx_http_magasin_stock_list_quantity(
    ngx_http_magasin_ctx_t *ctx, ngx_http_magasin_stock_list_t *list,
    const char **error);
static ngx_int_t ngx_http_magasin_stock_list_page(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_stock_list_t *list);
static void ngx_http_magasin_stock_list_order(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_stock_list_t *list);
static ngx_int_t ngx_http_magasin_stock_list_invalid(
    ngx_http_magasin_ctx_t *ctx, const char *nom, const char *q,
    const char *quantite);
static void ngx_http_magasin_stock_list_error(ngx_http_magasin_json_t *json,
    const char *name, const char *message);
static ngx_int_t ngx_http_magasin_stock_list_no_page(
    ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_stock_list_empty(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_stock_list_head(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t total, ngx_uint_t page);
static ngx_int_t ngx_http_magasin_stock_list_link(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t page);


/*
 * The filters are checked before the page.  The answer has the errors of all
 * filters.
 */

ngx_int_t
ngx_http_magasin_stock_list_bind(ngx_http_magasin_ctx_t *ctx)
{
    u_char                   *page;
    const char               *nom, *q, *quantite;
    ngx_http_magasin_stock_list_t  *list;

    list = ngx_pcalloc(ctx->request->pool,
                       sizeof(ngx_http_magasin_stock_list_t));
    page = ngx_pnalloc(ctx->request->pool, NGX_INT_T_LEN + 1);

    if (list == NULL || page == NULL) {
        return NGX_ERROR;
    }

    ctx->state = list;
    nom = NULL;
    q = NULL;
    quantite = NULL;

    if (ngx_http_magasin_stock_list_name(ctx,
                     ngx_http_magasin_query_value(ctx->query, "produit__nom"),
                     &list->nom, &nom)
        != NGX_OK
        || ngx_http_magasin_stock_list_name(ctx,
                     ngx_http_magasin_query_value(ctx->query, "q"),
                     &list->q, &q)
           != NGX_OK
        || ngx_http_magasin_stock_list_quantity(ctx, list, &quantite) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (nom || q || quantite) {
        return ngx_http_magasin_stock_list_invalid(ctx, nom, q, quantite);
    }

    switch (ngx_http_magasin_stock_list_page(ctx, list)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_http_magasin_stock_list_no_page(ctx);

    default:
        return NGX_ERROR;
    }

    if (list->empty || !ctx->ids[0].fits) {
        return ngx_http_magasin_stock_list_empty(ctx) == NGX_ERROR ? NGX_ERROR
                                                             : NGX_DONE;
    }

    ngx_http_magasin_stock_list_order(ctx, list);

    (void) ngx_sprintf(page, "%ui%Z", list->page);

    ctx->job.values[LIST_VALUE_MAGASIN] = (const char *) ctx->ids[0].text.data;
    ctx->job.values[LIST_VALUE_NOM] = list->nom;
    ctx->job.values[LIST_VALUE_QUANTITE] = list->quantite;
    ctx->job.values[LIST_VALUE_ORDER] = list->keys[0];
    ctx->job.values[LIST_VALUE_ORDER_NEXT] = list->keys[1];
    ctx->job.values[LIST_VALUE_PAGE] = (const char *) page;
    ctx->job.values[LIST_VALUE_Q] = list->q;
    ctx->job.values[LIST_VALUE_LONG] = "f";
    ctx->job.nvalues = LIST_VALUES;
    ctx->job.weigh = 1;

    if (ctx->table) {
        return ngx_http_magasin_stock_list_all_bind(ctx);
    }

    if (list->nom == NULL && list->quantite == NULL && list->q == NULL
        && ngx_strstr(list->keys[0], "nom"))
    {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_STOCK_LIST_NAME;
    }

    return NGX_OK;
}


/*
 * Returns NGX_DECLINED if the number of rows of the store is such that the
 * statement has to run again, as a heavy one.
 */

ngx_int_t
ngx_http_magasin_stock_list_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    int                       row, rows;
    ngx_str_t                 text;
    ngx_uint_t                total, page;
    ngx_http_magasin_json_t  *json;
    ngx_http_magasin_stock_list_t  *list;

    if (ctx->table) {
        return ngx_http_magasin_order_render(ctx, result);
    }

    list = ctx->state;
    json = &ctx->json;
    rows = PQntuples(result);

    if (rows == 0) {
        return ngx_http_magasin_stock_list_empty(ctx);
    }

    if (PQgetisnull(result, 0, LIST_ID)) {

        if (*ctx->job.values[LIST_VALUE_LONG] == 't') {
            return NGX_ERROR;
        }

        ctx->job.values[LIST_VALUE_LONG] = "t";
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;

        /* How long it takes says nothing of the short pages of the store. */

        ctx->job.weigh = 0;

        return NGX_DECLINED;
    }

    text = ngx_http_magasin_column(result, 0, LIST_TOTAL);
    total = ngx_atoi(text.data, text.len);
    page = list->page ? list->page
                      : (total + NGX_HTTP_MAGASIN_PAGE - 1)
                        / NGX_HTTP_MAGASIN_PAGE;

    if (ngx_http_magasin_stock_list_head(ctx, total, page) != NGX_OK) {
        return NGX_ERROR;
    }

    for (row = 0; row < rows; row++) {
        ngx_http_magasin_row(json, ngx_http_magasin_stock_list_columns, result,
                             row, LIST_ID);
    }

    ngx_http_magasin_json_close(json, ']');
    ngx_http_magasin_json_close(json, '}');

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_stock_list_name(ngx_http_magasin_ctx_t *ctx, ngx_str_t *value,
    const char **filter, const char **error)
{
    ngx_str_t  text;

    if (value == NULL) {
        return NGX_OK;
    }

    text = *value;
    ngx_http_magasin_text_strip(&text);

    if (text.len == 0) {
        return NGX_OK;
    }

    if (ngx_strlchr(text.data, text.data + text.len, '\0')) {
        *error = "Le caractère nul n’est pas autorisé.";
        return NGX_OK;
    }

    *filter = (const char *) ngx_http_magasin_value_copy(ctx->request->pool,
                                                         &text);

    return *filter ? NGX_OK : NGX_ERROR;
}


/*
 * Any decimal is accepted and truncated to an integer, as by the reference,
 * whose limit is the double nearest to 1e50.
 */

static ngx_int_t
ngx_http_magasin_stock_list_quantity(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_stock_list_t *list, const char **error)
{
    u_char                      *p;
    int64_t                      n;
    ngx_int_t                    rc;
    ngx_str_t                   *value, text;
    ngx_http_magasin_decimal_t   decimal;
    static ngx_str_t             limit = ngx_string(
                   "100000000000000007629769841091887003294964970946560");

    value = ngx_http_magasin_query_value(ctx->query, "quantite");

    if (value == NULL) {
        return NGX_OK;
    }

    text = *value;
    ngx_http_magasin_text_strip(&text);

    if (text.len == 0) {
        return NGX_OK;
    }

    rc = ngx_http_magasin_decimal_parse(ctx->request->pool, &decimal, &text);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        *error = "Saisissez un nombre.";
        return NGX_OK;
    }

    if (ngx_http_magasin_decimal_exceeds(&decimal, &limit)) {
        *error = "Assurez-vous que cette valeur est inférieure ou égale à "
                 "1e+50.";
        return NGX_OK;
    }

    if (ngx_http_magasin_decimal_integer(&decimal, &n) != NGX_OK
        || n > NGX_MAX_INT32_VALUE || n < 0)
    {
        list->empty = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(ctx->request->pool, NGX_INT64_LEN + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(p, "%L%Z", n);
    list->quantite = (const char *) p;

    return NGX_OK;
}


/*
 * Read the page: "last", or an integer in the syntax of Python's int().
 *
 * Returns NGX_OK; NGX_DECLINED if no page can have this number; NGX_ERROR if no
 * memory is left.
 */

static ngx_int_t
ngx_http_magasin_stock_list_page(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_stock_list_t *list)
{
    u_char     *p, *end, digit;
    ngx_str_t  *value, text;

    list->page = 1;

    value = ngx_http_magasin_query_value(ctx->query, "page");

    if (value == NULL || value->len == 0) {
        return NGX_OK;
    }

    if (value->len == 4 && ngx_memcmp(value->data, "last", 4) == 0) {
        list->page = 0;
        return NGX_OK;
    }

    text = *value;
    ngx_http_magasin_text_strip(&text);

    if (ngx_http_magasin_text_digits(ctx->request->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    p = text.data;
    end = p + text.len;

    if (p < end && *p == '+') {
        p++;
    }

    list->page = 0;
    digit = 0;

    for ( /* void */ ; p < end; p++) {

        /* One "_" is allowed between two digits. */

        if (*p == '_' && digit) {
            digit = 0;
            continue;
        }

        if (*p < '0' || *p > '9') {
            return NGX_DECLINED;
        }

        digit = 1;

        if (list->page < NGX_MAX_INT32_VALUE / 100) {
            list->page = list->page * 10 + (*p - '0');
        }
    }

    return (digit && list->page) ? NGX_OK : NGX_DECLINED;
}


/*
 * Read the order.  The first term of each column is used; later terms of the
 * same column are ignored.
 */

static void
ngx_http_magasin_stock_list_order(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_stock_list_t *list)
{
    u_char             *p, *end, *comma;
    ngx_str_t          *value, term;
    ngx_uint_t          i;
    static const char  *terms[] = {
        "quantite", "-quantite", "produit__nom", "-produit__nom"
    };
    static size_t       lens[] = {
        sizeof("quantite") - 1, sizeof("-quantite") - 1,
        sizeof("produit__nom") - 1, sizeof("-produit__nom") - 1
    };

    value = ngx_http_magasin_query_value(ctx->query, "ordering");
    p = value ? value->data : NULL;
    end = value ? value->data + value->len : NULL;

    for ( /* void */ ; p < end && list->nkeys < 2; p = comma + 1) {
        comma = ngx_strlchr(p, end, ',');
        comma = comma ? comma : end;

        term.data = p;
        term.len = comma - p;

        if (term.len < lens[0]) {
            continue;
        }

        ngx_http_magasin_text_strip(&term);

        for (i = 0; i < 4; i++) {
            if (term.len != lens[i]
                || ngx_memcmp(term.data, terms[i], term.len) != 0)
            {
                continue;
            }

            if (list->nkeys == 0
                || (list->keys[0] != terms[i & ~1]
                    && list->keys[0] != terms[i | 1]))
            {
                list->keys[list->nkeys++] = terms[i];
            }
        }
    }

    if (list->nkeys == 0) {
        list->keys[0] = "produit__nom";
    }
}


static ngx_int_t
ngx_http_magasin_stock_list_invalid(ngx_http_magasin_ctx_t *ctx,
    const char *nom, const char *q, const char *quantite)
{
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;

    ngx_http_magasin_reply_begin(ctx, NGX_HTTP_BAD_REQUEST);
    ctx->fields = 1;

    ngx_http_magasin_json_open(json, '{');

    ngx_http_magasin_stock_list_error(json, "produit__nom", nom);
    ngx_http_magasin_stock_list_error(json, "q", q);
    ngx_http_magasin_stock_list_error(json, "quantite", quantite);

    ngx_http_magasin_json_close(json, '}');

    return NGX_DONE;
}


static void
ngx_http_magasin_stock_list_error(ngx_http_magasin_json_t *json,
    const char *name, const char *message)
{
    if (message == NULL) {
        return;
    }

    ngx_http_magasin_json_name(json, name, ngx_strlen(name));
    ngx_http_magasin_json_open(json, '[');
    ngx_http_magasin_json_text(json, message, ngx_strlen(message));
    ngx_http_magasin_json_close(json, ']');
}


static ngx_int_t
ngx_http_magasin_stock_list_no_page(ngx_http_magasin_ctx_t *ctx)
{
    static ngx_str_t  detail = ngx_string("Page non valide.");

    return ngx_http_magasin_reply_detail(ctx, NGX_HTTP_NOT_FOUND, &detail);
}


/* The list has no rows: page 1 is an empty page, any other page is a 404. */

static ngx_int_t
ngx_http_magasin_stock_list_empty(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_stock_list_t  *list;

    list = ctx->state;

    if (list->page > 1) {
        (void) ngx_http_magasin_stock_list_no_page(ctx);
        return NGX_OK;
    }

    if (ngx_http_magasin_stock_list_head(ctx, 0, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_magasin_json_close(&ctx->json, ']');
    ngx_http_magasin_json_close(&ctx->json, '}');

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_stock_list_head(ngx_http_magasin_ctx_t *ctx, ngx_uint_t total,
    ngx_uint_t page)
{
    ngx_uint_t                next;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "count");
    ngx_http_magasin_json_integer(json, (int64_t) total);
    ngx_http_magasin_json_key(json, "next");

    next = page * NGX_HTTP_MAGASIN_PAGE < total ? page + 1 : 0;

    if (ngx_http_magasin_stock_list_link(ctx, next) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_magasin_json_key(json, "previous");

    if (ngx_http_magasin_stock_list_link(ctx, page - 1) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_magasin_json_key(json, "results");
    ngx_http_magasin_json_open(json, '[');

    return NGX_OK;
}


/*
 * Write the link to a page, or null for page 0.  Returns NGX_OK, or NGX_ERROR
 * if no memory is left.
 */

static ngx_int_t
ngx_http_magasin_stock_list_link(ngx_http_magasin_ctx_t *ctx, ngx_uint_t page)
{
    ngx_str_t  number;

    if (page == 0) {
        ngx_http_magasin_json_literal(&ctx->json, "null", 4);
        return NGX_OK;
    }

    /* The link to the first page has no page number. */

    ngx_str_set(&number, "");

    if (page > 1) {
        number.data = ngx_pnalloc(ctx->request->pool, NGX_INT_T_LEN);
        if (number.data == NULL) {
            return NGX_ERROR;
        }

        number.len = ngx_sprintf(number.data, "%ui", page) - number.data;
    }

    ngx_http_magasin_link_add(ctx, &number, 0);

    return NGX_OK;
}
