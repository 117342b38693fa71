
/*
 * A batch: the rows of a body become pieces of JSON, which PostgreSQL stages,
 * and are decided together.  ngx_http_magasin_batch.c reads the body turn by
 * turn and calls what is here.
 */


#ifndef _NGX_HTTP_MAGASIN_LOT_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_LOT_H_INCLUDED_


#include "ngx_http_magasin_api.h"
#include "ngx_http_magasin_records.h"


/* Rows of a batch at most, and of one piece. */
#define NGX_HTTP_MAGASIN_LOT_ROWS   50000
#define NGX_HTTP_MAGASIN_LOT_PIECE  1000

/* Members of a row. */
#define NGX_HTTP_MAGASIN_LOT_NAMES  12


/* The members that rows of an endpoint may have; NULL after the last one. */
typedef struct {
    const char                  *names[NGX_HTTP_MAGASIN_LOT_NAMES];
} ngx_http_magasin_lot_spec_t;


/* ctx->state */
typedef struct {
    ngx_http_magasin_records_t   records;
    ngx_http_magasin_json_t      piece;
    u_char                      *text;      /* of the piece on its way; not of
                                               the pool */
    ngx_uint_t                   rows;      /* in the piece */
    ngx_uint_t                   staged;    /* rows of earlier pieces */
    ngx_uint_t                   total;     /* rows of the body */
    const char                  *mode;
    const char                  *lot;       /* its number */
    u_char                       separator;
    ngx_uint_t                   columns[NGX_HTTP_MAGASIN_LOT_NAMES];
    ngx_uint_t                   ncolumns;  /* of a header of CSV */
    ngx_str_t                    unknown;   /* a wrong name in the header */
    unsigned                     headed:1;  /* the header is behind */
} ngx_http_magasin_lot_t;


extern const ngx_http_magasin_lot_spec_t  ngx_http_magasin_products_lot_spec;
extern const ngx_http_magasin_lot_spec_t  ngx_http_magasin_stock_lot_spec;


ngx_int_t ngx_http_magasin_lot_header(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *record);
ngx_int_t ngx_http_magasin_lot_row(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *record);
ngx_int_t ngx_http_magasin_lot_stage(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_lot_decide(ngx_http_magasin_ctx_t *ctx);


#endif /* _NGX_HTTP_MAGASIN_LOT_H_INCLUDED_ */
