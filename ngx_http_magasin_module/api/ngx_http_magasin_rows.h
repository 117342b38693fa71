
/*
 * The common parts of most endpoints: rows that become objects by a table of
 * columns, lists that are paged by key, single resources, and answers that a
 * function of PostgreSQL returns.
 */


#ifndef _NGX_HTTP_MAGASIN_ROWS_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_ROWS_H_INCLUDED_


#include "ngx_http_magasin_api.h"
#include "ngx_http_magasin_members.h"


#define NGX_HTTP_MAGASIN_LIST_KEYS    2

/* Code points of a code or barcode of a product. */
#define NGX_HTTP_MAGASIN_CODE_LENGTH  64

/* Bytes of a cursor beside its keys: a checksum, and what separates them. */
#define NGX_HTTP_MAGASIN_CURSOR_EXTRA                                         \
    (4 + NGX_HTTP_MAGASIN_LIST_KEYS)


/* A number of up to 18 digits always fits a bigint. */
#define NGX_HTTP_MAGASIN_IDS_DIGITS  18

/* Ids that a body may list. */
#define NGX_HTTP_MAGASIN_IDS_OF_BODY  1000


typedef enum {
    NGX_HTTP_MAGASIN_COLUMN_TEXT = 0,
    NGX_HTTP_MAGASIN_COLUMN_LITERAL,    /* a number, or JSON text */
    NGX_HTTP_MAGASIN_COLUMN_BOOLEAN,    /* t or f */
    NGX_HTTP_MAGASIN_COLUMN_OBJECT      /* the row is one JSON value */
} ngx_http_magasin_column_e;


/* A table of columns ends with a NULL name.  SQL NULL is written as null. */
typedef struct {
    const char                       *name;
    ngx_http_magasin_column_e         type;
} ngx_http_magasin_column_t;


typedef enum {
    NGX_HTTP_MAGASIN_KEY_INTEGER = 0,
    NGX_HTTP_MAGASIN_KEY_TEXT,
    NGX_HTTP_MAGASIN_KEY_INSTANT        /* in PostgreSQL's format */
} ngx_http_magasin_key_e;


/*
 * A list.  The parameters of its statement are, in this order: `params`, the
 * number of rows, and the keys after which the rows start (NULL for the first
 * page).  The columns of the result are the keys, then `columns`.
 *
 * `pieces`: rows may be long.  The statement then has more parameters: the keys
 * of the last row of the page (NULL if they are not known yet).  For a row
 * after that last row, and for a row that exceeds the size of the piece, the
 * statement returns only the keys: the first column is NULL.  The first row of
 * a piece is always complete.
 *
 * `what`: the list is that of one thing, the first id of the path, and this is
 * its name in the 404.  The statement has no row where the thing is not there,
 * and a row whose first key is NULL where it has no rows.
 */
typedef struct {
    const char                            *what;
    const ngx_http_magasin_member_t       *params;
    ngx_uint_t                             nkeys;
    ngx_http_magasin_key_e                 keys[NGX_HTTP_MAGASIN_LIST_KEYS];
    const ngx_http_magasin_column_t  *columns;
    unsigned                               pieces:1;
} ngx_http_magasin_list_spec_t;


/* A single resource, selected by the ids of the path. */
typedef struct {
    const char                            *what;       /* the name in its 404 */
    const ngx_http_magasin_column_t  *columns;
} ngx_http_magasin_item_spec_t;


/*
 * A list of a store as CSV, in an order that has no index.  `order` is the
 * statement that computes it, with `nvalues` parameters: that at `limit` is the
 * number of rows, and `nkeys` from `keys` on are those after which it starts.
 * Its columns are the text of an array of ids, and the keys of the last one.
 * `rows` gives the columns of ids; its parameters are the store and this array.
 * `what`: see ngx_http_magasin_list_spec_t.
 */
typedef struct {
    const char                            *what;
    ngx_http_magasin_statement_e           order;
    ngx_http_magasin_statement_e           rows;
    ngx_uint_t                             nvalues;
    ngx_uint_t                             limit;
    ngx_uint_t                             keys;
    ngx_uint_t                             nkeys;
    const ngx_http_magasin_column_t       *columns;
} ngx_http_magasin_order_spec_t;


/* rows.c */
void ngx_http_magasin_row(ngx_http_magasin_json_t *json,
    const ngx_http_magasin_column_t *columns, PGresult *result, int row,
    int column);
void ngx_http_magasin_rows_valid(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, int rows);
ngx_int_t ngx_http_magasin_item_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_item_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
ngx_int_t ngx_http_magasin_written_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

int64_t ngx_http_magasin_written_id(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* ids.c */
ngx_int_t ngx_http_magasin_ids_read(ngx_http_magasin_ctx_t *ctx,
    const char *name, ngx_str_t *text, const char **value);
ngx_int_t ngx_http_magasin_ids_of_body(ngx_http_magasin_ctx_t *ctx,
    const char *name, const char **value, ngx_uint_t *n);

/* central.c */
ngx_int_t ngx_http_magasin_central_bind(ngx_http_magasin_ctx_t *ctx);

/* list.c */
ngx_int_t ngx_http_magasin_list_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_list_stream(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t stream);
ngx_int_t ngx_http_magasin_list_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* order.c */
ngx_int_t ngx_http_magasin_order_bind(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_order_spec_t *spec);
ngx_int_t ngx_http_magasin_order_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* cursor.c */
ngx_int_t ngx_http_magasin_cursor_read(ngx_pool_t *pool, ngx_str_t *name,
    const ngx_http_magasin_list_spec_t *spec, ngx_str_t *cursor,
    const char **values);
void ngx_http_magasin_cursor_write(ngx_str_t *name, ngx_str_t *keys,
    ngx_uint_t nkeys, u_char *text, ngx_str_t *cursor);

/* journal.c */
ngx_http_magasin_statement_e ngx_http_magasin_journal_statement(
    const char **values);


/*
 * The descriptions of lists and resources.  Each is in the file of its
 * resource.
 */
extern const ngx_http_magasin_column_t  ngx_http_magasin_stock_list_columns[];
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_stores_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_items_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_reorder_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_products_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_central_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_sales_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_returns_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_reports_sales_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_replenishments_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_receipts_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_transfers_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_reservations_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_counts_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_count_lines_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_journal_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_product_sheet_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_store_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_threshold_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_thresholds_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_stock_item_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_central_item_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_availability_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_sale_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_replenishment_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_receipt_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_transfer_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_reservation_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_count_spec;


#endif /* _NGX_HTTP_MAGASIN_ROWS_H_INCLUDED_ */
