
/*
 * Blocks of the slab pool.  All that the cache allocates has one size, or is a
 * chain of blocks of this size.  So what any entry gives back is of use for any
 * other: a long answer needs no run of free pages, and evicts as many entries
 * as it takes bytes.  All functions are called under the zone's lock.
 */


#include "ngx_http_magasin_cache_block_internal.h"


static size_t ngx_http_magasin_blocks_room(ngx_http_magasin_cursor_t *cursor,
    size_t len);


/* Free the first block of a chain and the blocks after it. */

void
ngx_http_magasin_blocks_free(ngx_slab_pool_t *slab, void *first,
    ngx_http_magasin_block_t *next)
{
    ngx_http_magasin_block_t  *block;

    ngx_slab_free_locked(slab, first);

    while (next) {
        block = next;
        next = block->next;

        ngx_slab_free_locked(slab, block);
    }
}


/*
 * Begin with the bytes after the first `head` bytes of the first block; `next`
 * is the block after it.
 */

void
ngx_http_magasin_blocks_begin(ngx_http_magasin_cursor_t *cursor, void *first,
    size_t head, ngx_http_magasin_block_t *next)
{
    cursor->pos = (u_char *) first + head;
    cursor->end = (u_char *) first + NGX_HTTP_MAGASIN_BLOCK;
    cursor->next = next;
}


/* Write the next bytes. */

void
ngx_http_magasin_blocks_write(ngx_http_magasin_cursor_t *cursor,
    const u_char *data, size_t len)
{
    size_t  n;

    while (len) {
        n = ngx_http_magasin_blocks_room(cursor, len);

        ngx_memcpy(cursor->pos, data, n);

        cursor->pos += n;
        data += n;
        len -= n;
    }
}


/* Copy the next bytes to `p`.  `p` NULL: skip them. */

void
ngx_http_magasin_blocks_read(ngx_http_magasin_cursor_t *cursor, u_char *p,
    size_t len)
{
    size_t  n;

    while (len) {
        n = ngx_http_magasin_blocks_room(cursor, len);

        if (p) {
            p = ngx_cpymem(p, cursor->pos, n);
        }

        cursor->pos += n;
        len -= n;
    }
}


/* Compare the next bytes with a text, as memcmp() does. */

ngx_int_t
ngx_http_magasin_blocks_compare(ngx_http_magasin_cursor_t *cursor,
    const u_char *data, size_t len)
{
    size_t     n;
    ngx_int_t  rc;

    while (len) {
        n = ngx_http_magasin_blocks_room(cursor, len);

        rc = ngx_memcmp(data, cursor->pos, n);
        if (rc != 0) {
            return rc;
        }

        cursor->pos += n;
        data += n;
        len -= n;
    }

    return 0;
}


/* Compare the next bytes at `cursor` with those at `other`. */

ngx_int_t
ngx_http_magasin_blocks_order(ngx_http_magasin_cursor_t *cursor,
    ngx_http_magasin_cursor_t *other, size_t len)
{
    size_t     n;
    ngx_int_t  rc;

    while (len) {
        n = ngx_http_magasin_blocks_room(cursor, len);

        rc = ngx_http_magasin_blocks_compare(other, cursor->pos, n);
        if (rc != 0) {
            return rc;
        }

        cursor->pos += n;
        len -= n;
    }

    return 0;
}


/*
 * How many of `len` bytes are in the block at the cursor, at least one.  A
 * cursor at the end of a block goes on to the next one.
 */

static size_t
ngx_http_magasin_blocks_room(ngx_http_magasin_cursor_t *cursor, size_t len)
{
    ngx_http_magasin_block_t  *block;

    if (cursor->pos == cursor->end) {
        block = cursor->next;

        cursor->pos = (u_char *) (block + 1);
        cursor->end = (u_char *) block + NGX_HTTP_MAGASIN_BLOCK;
        cursor->next = block->next;
    }

    return ngx_min(len, (size_t) (cursor->end - cursor->pos));
}
