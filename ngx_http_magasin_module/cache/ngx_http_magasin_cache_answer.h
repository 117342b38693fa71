
/*
 * An answer on its way into the cache or out of it.
 *
 * A long answer of level 1 is not copied whole for each client: it is pinned in
 * shared memory, and copied piece by piece as the client takes it.
 */


#ifndef _NGX_HTTP_MAGASIN_CACHE_ANSWER_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_ANSWER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Bytes of a piece, as much as nginx's output_buffers for a file. */
#define NGX_HTTP_MAGASIN_PIN_PIECE  65536


/* The cache alone looks inside. */
typedef struct ngx_http_magasin_pin_s  ngx_http_magasin_pin_t;


/* The bytes of an answer in shared memory that are read or written next. */
typedef struct {
    u_char                   *pos;
    u_char                   *end;      /* of the block */
    void                     *next;     /* block */
} ngx_http_magasin_cursor_t;


/* Who reads a pinned answer, and how far. */
typedef struct {
    ngx_http_magasin_pin_t   *pin;      /* NULL: none */
    ngx_uint_t                life;     /* of the slab pool */
    ngx_http_magasin_cursor_t
                              cursor;
} ngx_http_magasin_reader_t;


/*
 * The gzip form of an answer.  Without links it is a complete gzip file.  With
 * links it is the text up to the last link, as it is, then the deflated rest,
 * then room for the trailer, which depends on the links.
 */
typedef struct {
    size_t                    front;    /* bytes of that text */
    size_t                    plain;    /* bytes of the rest, inflated */
    uint32_t                  crc;      /* of these */
    uint32_t                  shift;    /* combines it with one before: of
                                           zlib */
} ngx_http_magasin_packed_t;


/* Times are milliseconds of ngx_http_magasin_now(). */
typedef struct {
    ngx_str_t                 etag;
    ngx_str_t                 links;    /* a text of the reader's; may be
                                           empty */
    ngx_str_t                 body;     /* without them; data NULL: to be read
                                           by _cache_piece() */
    ngx_chain_t              *chain;    /* to be stored: the body in buffers */
    size_t                    size;     /* bytes of these */
    uint64_t                  stored;   /* when its generations were
                                           captured */
    uint64_t                  expires;
    ngx_uint_t                direct;   /* of a statement, not of Redis */
    time_t                    age;      /* seconds, of one that could not be
                                           checked */

    /* set before a search */
    size_t                    room;     /* bytes that a long body may take
                                           which cannot be pinned */
    ngx_uint_t                head;     /* of a long body the length will
                                           do */
    size_t                    gzip;     /* the gzip form is preferred of bodies
                                           of so many bytes; 0: of none */
    ngx_http_magasin_reader_t
                              reader;

    /* set by a search, and by a store */
    ngx_http_magasin_packed_t
                              packed;
    ngx_uint_t                is_packed;    /* the body is the gzip form */
    ngx_uint_t                pack;     /* the flight of an answer whose gzip
                                           form the reader makes for all; 0:
                                           it does not */
} ngx_http_magasin_answer_t;


#endif /* _NGX_HTTP_MAGASIN_CACHE_ANSWER_H_INCLUDED_ */
