
/*
 * What most endpoints are made of: rows into objects by a table of columns,
 * lists in pages found by key, single resources, answers that PostgreSQL
 * wrote.
 */


#ifndef _NGX_HTTP_MAGASIN_ROWS_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_ROWS_H_INCLUDED_


#include "ngx_http_magasin_api.h"
#include "ngx_http_magasin_members.h"


#define NGX_HTTP_MAGASIN_LIST_PARAMS  8
#define NGX_HTTP_MAGASIN_LIST_KEYS    2


/* Every number of so many digits is a bigint. */
#define NGX_HTTP_MAGASIN_IDS_DIGITS  18


typedef enum {
    NGX_HTTP_MAGASIN_COLUMN_TEXT = 0,
    NGX_HTTP_MAGASIN_COLUMN_LITERAL,    /* a number, or JSON already */
    NGX_HTTP_MAGASIN_COLUMN_BOOLEAN,    /* t or f */
    NGX_HTTP_MAGASIN_COLUMN_OBJECT      /* the whole row, as JSON already */
} ngx_http_magasin_column_e;


/* Tables of these end with a NULL name; SQL NULL is null. */
typedef struct {
    const char                       *name;
    ngx_http_magasin_column_e         type;
} ngx_http_magasin_column_t;


typedef enum {
    NGX_HTTP_MAGASIN_KEY_INTEGER = 0,
    NGX_HTTP_MAGASIN_KEY_TEXT,
    NGX_HTTP_MAGASIN_KEY_INSTANT        /* as PostgreSQL writes it */
} ngx_http_magasin_key_e;


/*
 * A list.  Its statement takes the parameters in their order, then how many
 * rows, then the keys to go on after (NULL at the start); its result has the
 * keys, then the columns.
 *
 * `pieces`: rows may be long.  Then it also takes the keys of the last row of
 * the page (NULL: not known), and of a row that is behind that one, or too
 * much for this piece, it gives the keys alone: the first column is NULL.  The
 * first row is never too much.
 */
typedef struct {
    const ngx_http_magasin_member_t       *params;
    ngx_uint_t                             nkeys;
    ngx_http_magasin_key_e                 keys[NGX_HTTP_MAGASIN_LIST_KEYS];
    const ngx_http_magasin_column_t  *columns;
    unsigned                               pieces:1;
} ngx_http_magasin_list_spec_t;


/* A single resource, by the ids of the path. */
typedef struct {
    const char                            *what;       /* for its 404 */
    const ngx_http_magasin_column_t  *columns;
} ngx_http_magasin_item_spec_t;


/* rows.c */
void ngx_http_magasin_row(ngx_http_magasin_json_t *json,
    const ngx_http_magasin_column_t *columns, PGresult *result, int row,
    int column);
ngx_int_t ngx_http_magasin_item_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_item_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
ngx_int_t ngx_http_magasin_written_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

int64_t ngx_http_magasin_written_id(PGresult *result);

/* ids.c */
ngx_int_t ngx_http_magasin_ids_read(ngx_http_magasin_ctx_t *ctx,
    const char *name, ngx_str_t *text, const char **value);

/* central.c */
ngx_int_t ngx_http_magasin_central_bind(ngx_http_magasin_ctx_t *ctx);

/* list.c */
ngx_int_t ngx_http_magasin_list_bind(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_list_stream(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t stream);
ngx_int_t ngx_http_magasin_list_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);


/* What lists and single resources are; each in the file of its resource. */
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_stores_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_products_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_central_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_sales_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_replenishments_spec;
extern const ngx_http_magasin_list_spec_t  ngx_http_magasin_journal_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_store_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_stock_item_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_availability_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_sale_spec;
extern const ngx_http_magasin_item_spec_t  ngx_http_magasin_replenishment_spec;


#endif /* _NGX_HTTP_MAGASIN_ROWS_H_INCLUDED_ */
