
/*
 * The columns that the results of the statements must have.  A server may have
 * the schema of another version, or of another application.  libpq returns
 * NULL for a column that is missing, and a number is copied to JSON unchecked.
 */


#include "ngx_http_magasin_pg_internal.h"


/* The OIDs of built-in types never change. */
#define NGX_HTTP_MAGASIN_PG_BOOL     16
#define NGX_HTTP_MAGASIN_PG_INT8     20
#define NGX_HTTP_MAGASIN_PG_INT2     21
#define NGX_HTTP_MAGASIN_PG_INT4     23
#define NGX_HTTP_MAGASIN_PG_JSON     114
#define NGX_HTTP_MAGASIN_PG_NUMERIC  1700
#define NGX_HTTP_MAGASIN_PG_JSONB    3802
#define NGX_HTTP_MAGASIN_PG_XID8     5069


#define NGX_HTTP_MAGASIN_PG_ANSWERED   "!ntttt"
#define NGX_HTTP_MAGASIN_PG_MOVED      "!nttttnt"
#define NGX_HTTP_MAGASIN_PG_JOURNALED  "nnnttnnnntttj"


/*
 * A letter for each column: n, a number; b, a boolean; j, JSON; t, a text of
 * any type, which is escaped.  A leading "!" requires at least one row.
 * Further columns are ignored.
 */

static const char  *ngx_http_magasin_pg_columns[NGX_HTTP_MAGASIN_SQL_COUNT] = {
    [NGX_HTTP_MAGASIN_SQL_CACHE_POLL] = "!ttbntnntbbn",
    [NGX_HTTP_MAGASIN_SQL_CODES] = "nb",
    [NGX_HTTP_MAGASIN_SQL_COLLATIONS] = "!nt",
    [NGX_HTTP_MAGASIN_SQL_DASHBOARD] = "n",
    [NGX_HTTP_MAGASIN_SQL_DASHBOARD_STORES] = "ntnnntntt",
    [NGX_HTTP_MAGASIN_SQL_ITEMS] = "tnnttnnnnnnn",
    [NGX_HTTP_MAGASIN_SQL_ITEMS_SOME] = "tnnttnnnnnnn",
    [NGX_HTTP_MAGASIN_SQL_JOURNAL] = NGX_HTTP_MAGASIN_PG_JOURNALED,
    [NGX_HTTP_MAGASIN_SQL_JOURNAL_END] = "!nnbb",
    [NGX_HTTP_MAGASIN_SQL_JOURNAL_PRODUCT] = NGX_HTTP_MAGASIN_PG_JOURNALED,
    [NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT] = NGX_HTTP_MAGASIN_PG_JOURNALED,
    [NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT_PRODUCT]
        = NGX_HTTP_MAGASIN_PG_JOURNALED,
    [NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT_STORE]
        = NGX_HTTP_MAGASIN_PG_JOURNALED,
    [NGX_HTTP_MAGASIN_SQL_JOURNAL_RECENT_TYPE] = NGX_HTTP_MAGASIN_PG_JOURNALED,
    [NGX_HTTP_MAGASIN_SQL_JOURNAL_STORE] = NGX_HTTP_MAGASIN_PG_JOURNALED,
    [NGX_HTTP_MAGASIN_SQL_JOURNAL_TYPE] = NGX_HTTP_MAGASIN_PG_JOURNALED,
    [NGX_HTTP_MAGASIN_SQL_LOCK_TIMEOUT] = "!t",
    [NGX_HTTP_MAGASIN_SQL_MAINTENANCE] = "!b",
    [NGX_HTTP_MAGASIN_SQL_METRICS] = "!nnnnnnn",
    [NGX_HTTP_MAGASIN_SQL_PRODUCT] = "nttnt",
    [NGX_HTTP_MAGASIN_SQL_PRODUCT_AVAILABILITY] = "ntnntn",
    [NGX_HTTP_MAGASIN_SQL_PRODUCT_CHANGE] = "!nttttb",
    [NGX_HTTP_MAGASIN_SQL_PRODUCT_CREATE] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_PRODUCT_DELETE] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_PRODUCT_PATCH] = "nttntbbn",
    [NGX_HTTP_MAGASIN_SQL_PRODUCT_SHEET] = "t",
    [NGX_HTTP_MAGASIN_SQL_PRODUCTS] = "tnnttnt",
    [NGX_HTTP_MAGASIN_SQL_PRODUCTS_ARCHIVED] = "tnnttnt",
    [NGX_HTTP_MAGASIN_SQL_PRODUCTS_CATEGORY] = "tnnttnt",
    [NGX_HTTP_MAGASIN_SQL_PRODUCTS_CATEGORY_ARCHIVED] = "tnnttnt",
    [NGX_HTTP_MAGASIN_SQL_PRODUCTS_CODE] = "tnnttnt",
    [NGX_HTTP_MAGASIN_SQL_PRODUCTS_SEARCH] = "tnnttnt",
    [NGX_HTTP_MAGASIN_SQL_PRODUCTS_SOME] = "tnnttnt",
    [NGX_HTTP_MAGASIN_SQL_READYZ] = "!b",
    [NGX_HTTP_MAGASIN_SQL_RECEIPT] = "tn",
    [NGX_HTTP_MAGASIN_SQL_RECEIPT_CANCEL] = NGX_HTTP_MAGASIN_PG_MOVED,
    [NGX_HTTP_MAGASIN_SQL_RECEIPT_CREATE] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_RECEIPTS] = "nt",
    [NGX_HTTP_MAGASIN_SQL_RECEIPTS_REFERENCE] = "nt",
    [NGX_HTTP_MAGASIN_SQL_RECEIPTS_STORE] = "nt",
    [NGX_HTTP_MAGASIN_SQL_REORDER] = "tnnttnnnnnnn",
    [NGX_HTTP_MAGASIN_SQL_REORDER_CREATE] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_REPLENISHMENT] = "tn",
    [NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_CANCEL] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_CREATE] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_DECIDE] = "!nttttnn",
    [NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_DECISIONS] = "!nttttt",
    [NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_PATCH] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_REPLENISHMENTS] = "nt",
    [NGX_HTTP_MAGASIN_SQL_REPLENISHMENTS_PRODUCT] = "nt",
    [NGX_HTTP_MAGASIN_SQL_REPLENISHMENTS_STATE] = "nt",
    [NGX_HTTP_MAGASIN_SQL_REPLENISHMENTS_STORE] = "nt",
    [NGX_HTTP_MAGASIN_SQL_REPORTS] = "nntttn",
    [NGX_HTTP_MAGASIN_SQL_REPORTS_SALES_DAY] = "tttnnttnn",
    [NGX_HTTP_MAGASIN_SQL_REPORTS_SALES_DAY_PRODUCT] = "tttnnttnn",
    [NGX_HTTP_MAGASIN_SQL_REPORTS_SALES_HOUR] = "tttnnttnn",
    [NGX_HTTP_MAGASIN_SQL_REPORTS_SALES_HOUR_PRODUCT] = "tttnnttnn",
    [NGX_HTTP_MAGASIN_SQL_REPORTS_SOLD] = "ntn",
    [NGX_HTTP_MAGASIN_SQL_REPORTS_STOCK] = "ntn",
    [NGX_HTTP_MAGASIN_SQL_SALE] = "tn",
    [NGX_HTTP_MAGASIN_SQL_SALES] = "tnnntn",
    [NGX_HTTP_MAGASIN_SQL_SALES_STORE] = "tnnntn",
    [NGX_HTTP_MAGASIN_SQL_STOCK] = "ntn",
    [NGX_HTTP_MAGASIN_SQL_STOCK_ADJUST_UNLESS] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL] = "nntn",
    [NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL_ADJUST]
        = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL_ITEM] = "nn",
    [NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL_NAME] = "tntn",
    [NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL_ORDER] = "tntn",
    [NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL_SEARCH] = "tntn",
    [NGX_HTTP_MAGASIN_SQL_STOCK_ITEM] = "nnn",
    [NGX_HTTP_MAGASIN_SQL_STOCK_LIST] = "nnnnntt",
    [NGX_HTTP_MAGASIN_SQL_STOCK_LIST_NAME] = "nnnnntt",
    [NGX_HTTP_MAGASIN_SQL_STOCK_SOME] = "ntn",
    [NGX_HTTP_MAGASIN_SQL_STORE] = "t",
    [NGX_HTTP_MAGASIN_SQL_STORE_CHANGE] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_STORE_CREATE] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_STORES] = "nnttbt",
    [NGX_HTTP_MAGASIN_SQL_THRESHOLD] = "t",
    [NGX_HTTP_MAGASIN_SQL_THRESHOLD_PUT] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_THRESHOLDS] = "t",
    [NGX_HTTP_MAGASIN_SQL_THRESHOLDS_PUT] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_TRANSFER] = "tnn",
    [NGX_HTTP_MAGASIN_SQL_TRANSFER_CANCEL] = NGX_HTTP_MAGASIN_PG_MOVED,
    [NGX_HTTP_MAGASIN_SQL_TRANSFER_CREATE] = NGX_HTTP_MAGASIN_PG_ANSWERED,
    [NGX_HTTP_MAGASIN_SQL_TRANSFER_RECEIVE] = NGX_HTTP_MAGASIN_PG_MOVED,
    [NGX_HTTP_MAGASIN_SQL_TRANSFERS] = "nt",
    [NGX_HTTP_MAGASIN_SQL_TRANSFERS_STATE] = "nt",
    [NGX_HTTP_MAGASIN_SQL_TRANSFERS_STORE] = "nt",
    [NGX_HTTP_MAGASIN_SQL_WRITES_BATCH] = "!nttttnbnnttntbb",
};


static ngx_uint_t ngx_http_magasin_pg_is(Oid type, char letter);


/*
 * Check the columns of a result of `statement`.  Returns NGX_OK, or NGX_ERROR
 * if a column is missing or has another type.
 */

ngx_int_t
ngx_http_magasin_pg_expected(ngx_http_magasin_statement_e statement,
    PGresult *result)
{
    int          i, n;
    const char  *columns;

    columns = ngx_http_magasin_pg_columns[statement];

    /* A statement without an entry would not be checked. */

    if (columns == NULL) {
        return NGX_ERROR;
    }

    if (*columns == '!') {
        columns++;

        if (PQntuples(result) == 0) {
            return NGX_ERROR;
        }
    }

    n = PQnfields(result);

    for (i = 0; columns[i]; i++) {
        if (i == n || !ngx_http_magasin_pg_is(PQftype(result, i), columns[i]))
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_magasin_pg_is(Oid type, char letter)
{
    switch (letter) {

    case 'n':
        return type == NGX_HTTP_MAGASIN_PG_INT8
               || type == NGX_HTTP_MAGASIN_PG_INT4
               || type == NGX_HTTP_MAGASIN_PG_NUMERIC
               || type == NGX_HTTP_MAGASIN_PG_INT2
               || type == NGX_HTTP_MAGASIN_PG_XID8;

    case 'b':
        return type == NGX_HTTP_MAGASIN_PG_BOOL;

    case 'j':
        return type == NGX_HTTP_MAGASIN_PG_JSON
               || type == NGX_HTTP_MAGASIN_PG_JSONB;

    default: /* 't' */
        return 1;
    }
}
