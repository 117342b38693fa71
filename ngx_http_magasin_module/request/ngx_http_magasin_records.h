
/*
 * The records of a body, lines of NDJSON or rows of CSV, one after another and
 * in bounded memory: a body that is in a file is read piece by piece.
 */


#ifndef _NGX_HTTP_MAGASIN_RECORDS_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_RECORDS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* The longest record, in bytes.  Of a longer one only the beginning is kept. */
#define NGX_HTTP_MAGASIN_RECORD  131072


typedef struct {
    ngx_http_request_t  *request;
    ngx_chain_t         *in;        /* the buffer that is read; NULL: none */
    off_t                offset;    /* within it */

    u_char              *buffer;    /* of what comes from a file */
    u_char              *pos;       /* not looked at yet */
    u_char              *last;

    u_char              *text;      /* of the record */
    size_t               len;
    size_t               size;
    ngx_uint_t           line;      /* of the record's beginning, from 1 */
    ngx_uint_t           lines;     /* before `pos` */

    unsigned             csv:1;
    unsigned             quoted:1;  /* within quotation marks */
    unsigned             begun:1;   /* there is a byte of the record */
    unsigned             cut:1;     /* the record is longer than its limit */
} ngx_http_magasin_records_t;


ngx_int_t ngx_http_magasin_records_open(ngx_http_magasin_records_t *records,
    ngx_http_request_t *r, ngx_uint_t csv);
ngx_int_t ngx_http_magasin_records_fill(ngx_http_magasin_records_t *records,
    ngx_str_t *piece);
ngx_int_t ngx_http_magasin_records_next(ngx_http_magasin_records_t *records,
    ngx_str_t *record);
ngx_uint_t ngx_http_magasin_records_cell(ngx_str_t *record, u_char separator,
    ngx_str_t *cell);


#endif /* _NGX_HTTP_MAGASIN_RECORDS_H_INCLUDED_ */
