
/* Entries and answers in blocks of the slab pool. */


#ifndef _NGX_HTTP_MAGASIN_CACHE_BLOCK_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_BLOCK_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_magasin_cache_answer.h"


/*
 * Bytes of a block, a size of the slab pool.  A pin takes one; so do most
 * entries, and short answers take one or two.
 */
#define NGX_HTTP_MAGASIN_BLOCK  256


/* A block after the first one; its bytes follow. */
typedef struct ngx_http_magasin_block_s  ngx_http_magasin_block_t;

struct ngx_http_magasin_block_s {
    ngx_http_magasin_block_t  *next;
};


void ngx_http_magasin_blocks_free(ngx_slab_pool_t *slab, void *first,
    ngx_http_magasin_block_t *next);
void ngx_http_magasin_blocks_begin(ngx_http_magasin_cursor_t *cursor,
    void *first, size_t head, ngx_http_magasin_block_t *next);
void ngx_http_magasin_blocks_write(ngx_http_magasin_cursor_t *cursor,
    const u_char *data, size_t len);
void ngx_http_magasin_blocks_read(ngx_http_magasin_cursor_t *cursor, u_char *p,
    size_t len);
ngx_int_t ngx_http_magasin_blocks_compare(ngx_http_magasin_cursor_t *cursor,
    const u_char *data, size_t len);
ngx_int_t ngx_http_magasin_blocks_order(ngx_http_magasin_cursor_t *cursor,
    ngx_http_magasin_cursor_t *other, size_t len);


#endif /* _NGX_HTTP_MAGASIN_CACHE_BLOCK_INTERNAL_H_INCLUDED_ */
