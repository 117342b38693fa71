
/*
 * The bounds of a reply of Redis (RESP2), which is checked byte by byte before
 * hiredis reads it.
 */


#ifndef _NGX_HTTP_MAGASIN_REDIS_FRAME_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_REDIS_FRAME_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Bytes of a line: of an error, a status or a number. */
#define NGX_HTTP_MAGASIN_REDIS_LINE      4096

/* Elements of an array; an element is no array. */
#define NGX_HTTP_MAGASIN_REDIS_ELEMENTS  16


typedef enum {
    NGX_HTTP_MAGASIN_FRAME_TYPE = 0,    /* between two values */
    NGX_HTTP_MAGASIN_FRAME_LINE,
    NGX_HTTP_MAGASIN_FRAME_LF,
    NGX_HTTP_MAGASIN_FRAME_BULK
} ngx_http_magasin_frame_e;


/* Zeroed before the first byte of a connection; `max` is kept. */
typedef struct {
    size_t                    max;      /* bytes of one reply */

    ngx_http_magasin_frame_e  state;
    size_t                    size;     /* of this reply, so far */
    ngx_uint_t                left;     /* values that are owed */
    size_t                    bulk;     /* bytes that are owed, with CRLF */
    size_t                    line;     /* bytes of it so far */
    size_t                    number;
    u_char                    type;
    unsigned                  open:1;   /* a reply has begun */
    unsigned                  array:1;
    unsigned                  minus:1;
    const char               *error;    /* after NGX_ERROR */
} ngx_http_magasin_redis_frame_t;


ngx_int_t ngx_http_magasin_redis_frame(ngx_http_magasin_redis_frame_t *frame,
    u_char *data, size_t len, size_t *used);


#endif /* _NGX_HTTP_MAGASIN_REDIS_FRAME_INTERNAL_H_INCLUDED_ */
