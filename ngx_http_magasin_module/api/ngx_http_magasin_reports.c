
/*
 * GET /api/v1/reports/: for each store its total, its sales and its stock.
 *
 * reports.sql has whole stores, a few hundred rows or a few thousand in one
 * result.  A store that is larger comes alone and without its rows; these are
 * read by reports_sold.sql and then by reports_stock.sql, piece by piece.
 */


#include "ngx_http_magasin_api.h"


/* Columns of sql/statements/reports.sql. */
enum {
    REPORTS_ID = 0,
    REPORTS_PARTIE,
    REPORTS_NOM,
    REPORTS_VALEUR,
    REPORTS_HOMONYMES,          /* of part 0 */
    REPORTS_RESTE               /* of part 0: bits, see reports.sql */
};


/* Bits of REPORTS_RESTE. */
#define REPORTS_MORE   1        /* there are stores after these */
#define REPORTS_LARGE  2        /* the store has more rows than a result */


/*
 * Values of REPORTS_PARTIE: a store with its total, a product that it sold, a
 * product that it has in stock.
 */
enum {
    REPORTS_MAGASIN = '0',
    REPORTS_VENDU = '1',
    REPORTS_STOCK = '2'
};


/* Parameters of sql/statements/reports.sql. */
enum {
    REPORTS_AFTER = 0,
    REPORTS_STORES,
    REPORTS_SAME,
    REPORTS_VALUES
};


/* Columns of reports_sold.sql and reports_stock.sql. */
enum {
    REPORTS_ROW_KEY = 0,
    REPORTS_ROW_NOM,
    REPORTS_ROW_QUANTITE        /* null: the sum is in another row */
};


/* Parameters of reports_sold.sql and reports_stock.sql. */
enum {
    REPORTS_ROWS_STORE = 0,
    REPORTS_ROWS_AFTER,
    REPORTS_ROWS_LIMIT,
    REPORTS_ROWS_SAME,
    REPORTS_ROWS_VALUES
};


/* Less than every key: ids and sale lines are positive. */
#define REPORTS_FIRST  "-9223372036854775808"


/* What is needed to go on, from the first result to the last. */
typedef struct {
    const char  *store;         /* the last one */
    const char  *homonymes;
    ngx_uint_t   more;          /* 1: there are stores after it */
} ngx_http_magasin_reports_t;


static ngx_int_t ngx_http_magasin_reports_stores(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
static ngx_int_t ngx_http_magasin_reports_keep(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, int row);
static ngx_int_t ngx_http_magasin_reports_next(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_reports_rows(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_statement_e statement);
static ngx_int_t ngx_http_magasin_reports_piece(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
static void ngx_http_magasin_reports_store(ngx_http_magasin_json_t *json,
    PGresult *result, int row);
static void ngx_http_magasin_reports_half(ngx_http_magasin_json_t *json);
static void ngx_http_magasin_reports_end(ngx_http_magasin_json_t *json,
    int part);
static ngx_str_t ngx_http_magasin_reports_shortest(PGresult *result, int row);


ngx_int_t
ngx_http_magasin_reports_bind(ngx_http_magasin_ctx_t *ctx)
{
    ctx->job.values[REPORTS_AFTER] = "0";
    ctx->job.values[REPORTS_STORES] = NGX_HTTP_MAGASIN_PIECE_STORES;
    ctx->job.values[REPORTS_SAME] = NULL;
    ctx->job.nvalues = REPORTS_VALUES;

    return NGX_OK;
}


ngx_int_t
ngx_http_magasin_reports_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    if (ctx->job.statement != NGX_HTTP_MAGASIN_SQL_REPORTS) {
        return ngx_http_magasin_reports_piece(ctx, result);
    }

    if (ctx->rows == 0) {
        ngx_http_magasin_json_open(&ctx->json, '[');
    }

    return ngx_http_magasin_reports_stores(ctx, result);
}


/* Render whole stores, or the beginning of a large one. */

static ngx_int_t
ngx_http_magasin_reports_stores(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                       row, rows, part, stores, last;
    ngx_str_t                 name;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;
    rows = PQntuples(result);
    stores = 0;
    part = 0;
    last = 0;

    for (row = 0; row < rows; row++) {

        if (*PQgetvalue(result, row, REPORTS_PARTIE) == REPORTS_MAGASIN) {
            ngx_http_magasin_reports_end(json, part);
            ngx_http_magasin_reports_store(json, result, row);

            part = REPORTS_VENDU;
            last = row;
            stores++;
            continue;
        }

        if (part == REPORTS_VENDU
            && *PQgetvalue(result, row, REPORTS_PARTIE) == REPORTS_STOCK)
        {
            ngx_http_magasin_reports_half(json);

            part = REPORTS_STOCK;
        }

        name = ngx_http_magasin_column(result, row, REPORTS_NOM);
        ngx_http_magasin_json_name(json, name.data, name.len);
        ngx_http_magasin_column_number(json, result, row, REPORTS_VALEUR);
    }

    ctx->rows += stores;

    if (stores == 0) {
        ngx_http_magasin_json_close(json, ']');
        return NGX_OK;
    }

    if (ngx_http_magasin_reports_keep(ctx, result, last) != NGX_OK) {
        return NGX_ERROR;
    }

    if (atoi(PQgetvalue(result, last, REPORTS_RESTE)) & REPORTS_LARGE) {
        return ngx_http_magasin_reports_rows(ctx,
                                        NGX_HTTP_MAGASIN_SQL_REPORTS_SOLD);
    }

    ngx_http_magasin_reports_end(json, part);

    return ngx_http_magasin_reports_next(ctx);
}


/* Keep what the next statements need of the last store of a result. */

static ngx_int_t
ngx_http_magasin_reports_keep(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    int row)
{
    ngx_pool_t                  *pool;
    ngx_http_magasin_reports_t  *reports;

    pool = ctx->request->pool;
    reports = ctx->state;

    if (reports == NULL) {
        reports = ngx_pcalloc(pool, sizeof(ngx_http_magasin_reports_t));
        if (reports == NULL) {
            return NGX_ERROR;
        }

        /* The products with equal names are looked for once. */

        reports->homonymes = ngx_http_magasin_column_copy(pool, result, row,
                                                          REPORTS_HOMONYMES);
        ctx->state = reports;
    }

    reports->store = ngx_http_magasin_column_copy(pool, result, row,
                                                  REPORTS_ID);

    if (reports->homonymes == NULL || reports->store == NULL) {
        return NGX_ERROR;
    }

    reports->more = atoi(PQgetvalue(result, row, REPORTS_RESTE))
                    & REPORTS_MORE;

    return NGX_OK;
}


/* Go on with the stores after the last one, or end the answer. */

static ngx_int_t
ngx_http_magasin_reports_next(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_reports_t  *reports;

    reports = ctx->state;

    if (!reports->more) {
        ngx_http_magasin_json_close(&ctx->json, ']');
        return NGX_OK;
    }

    ctx->job.statement = NGX_HTTP_MAGASIN_SQL_REPORTS;
    ctx->job.values[REPORTS_AFTER] = reports->store;
    ctx->job.values[REPORTS_STORES] = NGX_HTTP_MAGASIN_PIECE_STORES;
    ctx->job.values[REPORTS_SAME] = reports->homonymes;
    ctx->job.nvalues = REPORTS_VALUES;

    return NGX_AGAIN;
}


/* Go on with the first rows of the last store that `statement` has. */

static ngx_int_t
ngx_http_magasin_reports_rows(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_statement_e statement)
{
    ngx_http_magasin_reports_t  *reports;

    reports = ctx->state;

    ctx->job.statement = statement;
    ctx->job.values[REPORTS_ROWS_STORE] = reports->store;
    ctx->job.values[REPORTS_ROWS_AFTER] = REPORTS_FIRST;
    ctx->job.values[REPORTS_ROWS_LIMIT] = NGX_HTTP_MAGASIN_PIECE_ROWS;
    ctx->job.values[REPORTS_ROWS_SAME] = reports->homonymes;
    ctx->job.nvalues = REPORTS_ROWS_VALUES;

    return NGX_AGAIN;
}


/* Render some rows of a large store. */

static ngx_int_t
ngx_http_magasin_reports_piece(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                       row, rows;
    ngx_str_t                 name;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;
    rows = PQntuples(result);

    for (row = 0; row < rows; row++) {
        if (PQgetisnull(result, row, REPORTS_ROW_QUANTITE)) {
            continue;
        }

        name = ngx_http_magasin_column(result, row, REPORTS_ROW_NOM);
        ngx_http_magasin_json_name(json, name.data, name.len);
        ngx_http_magasin_column_number(json, result, row,
                                       REPORTS_ROW_QUANTITE);
    }

    if (rows == atoi(NGX_HTTP_MAGASIN_PIECE_ROWS)) {
        ctx->job.values[REPORTS_ROWS_AFTER] =
            ngx_http_magasin_column_copy(ctx->request->pool, result, rows - 1,
                                         REPORTS_ROW_KEY);

        return ctx->job.values[REPORTS_ROWS_AFTER] ? NGX_AGAIN : NGX_ERROR;
    }

    if (ctx->job.statement == NGX_HTTP_MAGASIN_SQL_REPORTS_SOLD) {
        ngx_http_magasin_reports_half(json);

        return ngx_http_magasin_reports_rows(ctx,
                                        NGX_HTTP_MAGASIN_SQL_REPORTS_STOCK);
    }

    ngx_http_magasin_reports_end(json, REPORTS_STOCK);

    return ngx_http_magasin_reports_next(ctx);
}


static void
ngx_http_magasin_reports_store(ngx_http_magasin_json_t *json,
    PGresult *result, int row)
{
    ngx_str_t  total;

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "magasin");
    ngx_http_magasin_column_text(json, result, row, REPORTS_NOM);
    ngx_http_magasin_json_key(json, "total");

    total = ngx_http_magasin_reports_shortest(result, row);
    ngx_http_magasin_json_literal(json, total.data, total.len);

    ngx_http_magasin_json_key(json, "produits_vendus");
    ngx_http_magasin_json_open(json, '{');
}


/* From the products that a store sold to its stock. */

static void
ngx_http_magasin_reports_half(ngx_http_magasin_json_t *json)
{
    ngx_http_magasin_json_close(json, '}');
    ngx_http_magasin_json_key(json, "stock_local");
    ngx_http_magasin_json_open(json, '{');
}


/*
 * Close the open objects of a store.  `part` is its last part, or 0 if no store
 * is open.
 */

static void
ngx_http_magasin_reports_end(ngx_http_magasin_json_t *json, int part)
{
    if (part == 0) {
        return;
    }

    if (part == REPORTS_VENDU) {
        ngx_http_magasin_reports_half(json);
    }

    ngx_http_magasin_json_close(json, '}');
    ngx_http_magasin_json_close(json, '}');
}


/*
 * Shorten the total: 3024.40 becomes 3024.4, 60.00 becomes 60.0.  It is 0 for a
 * store without sales.
 */

static ngx_str_t
ngx_http_magasin_reports_shortest(PGresult *result, int row)
{
    ngx_str_t  text;

    text = ngx_http_magasin_column(result, row, REPORTS_VALEUR);

    if (text.len == 0) {
        ngx_str_set(&text, "0");
        return text;
    }

    if (ngx_strlchr(text.data, text.data + text.len, '.') == NULL) {
        return text;
    }

    while (text.data[text.len - 1] == '0' && text.data[text.len - 2] != '.') {
        text.len--;
    }

    return text;
}
