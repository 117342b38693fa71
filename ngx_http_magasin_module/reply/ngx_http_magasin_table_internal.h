
/* What the files that turn lists into CSV share. */


#ifndef _NGX_HTTP_MAGASIN_TABLE_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_TABLE_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_reply.h"


/* Columns of a table at most. */
#define NGX_HTTP_MAGASIN_TABLE_COLUMNS  24

/* The longest name of a member. */
#define NGX_HTTP_MAGASIN_TABLE_NAME  32


typedef enum {
    TABLE_BEFORE = 0,           /* the array of rows has not begun */
    TABLE_ROWS,                 /* between rows */
    TABLE_MEMBER,               /* before the name of a member */
    TABLE_NAME,
    TABLE_COLON,
    TABLE_VALUE,                /* before a value */
    TABLE_TEXT,
    TABLE_TEXT_ESCAPE,
    TABLE_TEXT_HEX,
    TABLE_LITERAL,              /* a number, or a word */
    TABLE_NESTED,
    TABLE_NESTED_TEXT,
    TABLE_NESTED_ESCAPE,
    TABLE_AFTER                 /* the array of rows has ended */
} ngx_http_magasin_table_e;


typedef struct {
    ngx_str_t                   names[NGX_HTTP_MAGASIN_TABLE_COLUMNS];
    ngx_uint_t                  nnames;
    ngx_uint_t                  column;     /* cells written of this row */
    ngx_uint_t                  wanted;     /* 0: the member has no column */

    ngx_http_magasin_table_e    state;
    ngx_uint_t                  depth;      /* of a nested value */
    ngx_uint_t                  digits;     /* of an escape, to come */
    uint32_t                    code;       /* of an escape */
    uint32_t                    high;       /* a surrogate that waits */

    u_char                      name[NGX_HTTP_MAGASIN_TABLE_NAME];
    ngx_uint_t                  name_len;

    u_char                     *text;       /* of a cell */
    size_t                      len;
    size_t                      size;

    ngx_http_magasin_json_t     other;      /* the CSV while JSON is
                                               rendered, else the JSON */
    unsigned                    header:1;   /* the first line is written */
    unsigned                    open:1;     /* JSON is being rendered */
} ngx_http_magasin_table_t;


/* table_parse.c */
void ngx_http_magasin_table_convert(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char *p, u_char *end);

/* table.c */
void ngx_http_magasin_table_append(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char *p, size_t len);
void ngx_http_magasin_table_cell(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv);


#endif /* _NGX_HTTP_MAGASIN_TABLE_INTERNAL_H_INCLUDED_ */
