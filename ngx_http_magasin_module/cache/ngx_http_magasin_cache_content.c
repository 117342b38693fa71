
/*
 * Answers in the slab pool: how they get there, and how their readers get
 * them, whole or pinned.  All functions are called under the zone's lock.
 */


#include "ngx_http_magasin_cache_entry_internal.h"


/* Milliseconds between sweeps for pins of dead workers when too much is
 * pinned. */
#define NGX_HTTP_MAGASIN_STORE_SWEEP     1000


/*
 * Copy an answer to an entry that has none.  Under the lock.  NGX_OK, or
 * NGX_DECLINED: there is no room.
 */

ngx_int_t
ngx_http_magasin_store_put(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_question_t *question,
    ngx_http_magasin_answer_t *answer)
{
    size_t                       size;
    ngx_chain_t                 *cl;
    ngx_http_magasin_block_t    *next;
    ngx_http_magasin_cursor_t    cursor;
    ngx_http_magasin_content_t  *content;

    size = sizeof(ngx_http_magasin_content_t) + answer->etag.len
           + answer->links.len + answer->size;

    content = ngx_http_magasin_store_alloc(store, size, entry, &next);
    if (content == NULL) {
        return NGX_DECLINED;
    }

    ngx_memzero(&content->pinned, sizeof(ngx_http_magasin_pinned_t));

    content->pinned.next = next;
    content->pinned.size = size;
    content->stored = answer->stored;
    content->expires = answer->expires;
    content->early = answer->expires
                     - (answer->expires - answer->stored)
                       / NGX_HTTP_MAGASIN_STORE_EARLY;
    content->epoch = question->epoch;
    ngx_memcpy(content->generations, question->generations,
               sizeof(content->generations));
    content->flight = question->flight;
    content->direct = answer->direct;
    content->etag_len = answer->etag.len;
    content->links_len = answer->links.len;
    content->body_len = answer->size;

    ngx_http_magasin_content_begin(content, &cursor);
    ngx_http_magasin_blocks_write(&cursor, answer->etag.data,
                                  answer->etag.len);
    ngx_http_magasin_blocks_write(&cursor, answer->links.data,
                                  answer->links.len);

    answer->reader.cursor = cursor;

    for (cl = answer->chain; cl; cl = cl->next) {
        ngx_http_magasin_blocks_write(&cursor, cl->buf->pos,
                                      cl->buf->last - cl->buf->pos);
    }

    content->form = NULL;
    content->pack_after = 0;

    entry->content = content;
    entry->failed = 0;
    entry->large_until = 0;
    store->shared->bytes += size;

    (void) ngx_http_magasin_form_wanted(content, answer);

    return NGX_OK;
}


/* The cursor at the first byte of an answer. */

void
ngx_http_magasin_content_begin(ngx_http_magasin_content_t *content,
    ngx_http_magasin_cursor_t *cursor)
{
    ngx_http_magasin_blocks_begin(cursor, content,
                                  sizeof(ngx_http_magasin_content_t),
                                  content->pinned.next);
}


/*
 * Give the answer of an entry, in its gzip form if answer->gzip is set and
 * there is one.  A short body is copied to the pool.  A long one is pinned, or
 * copied if it cannot be pinned and answer->room suffices.
 *
 * NGX_OK, NGX_BUSY (no room) or NGX_ERROR (no memory in the pool).
 */

ngx_int_t
ngx_http_magasin_store_copy(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer)
{
    size_t                       size, body;
    u_char                      *p;
    ngx_uint_t                   whole, packed;
    ngx_http_magasin_cursor_t    cursor;
    ngx_http_magasin_content_t  *content;

    content = entry->content;
    packed = ngx_http_magasin_form_wanted(content, answer);
    size = content->etag_len + content->links_len;
    body = packed ? content->form->len : content->body_len;
    whole = body <= NGX_HTTP_MAGASIN_PIN_SHORT;

    p = ngx_pnalloc(pool, size + (whole ? body : 0));
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_magasin_content_begin(content, &cursor);

    if (whole && !packed) {

        /* All of it, as most answers are read. */

        ngx_http_magasin_blocks_read(&cursor, p, size + body);

    } else {
        ngx_http_magasin_blocks_read(&cursor, p, size);

        if (packed) {
            ngx_http_magasin_form_begin(content->form, &cursor);
        }

        answer->reader.cursor = cursor;

        if (whole) {
            ngx_http_magasin_blocks_read(&cursor, p + size, body);
        }
    }

    answer->etag.data = p;
    answer->etag.len = content->etag_len;
    answer->links.data = p + content->etag_len;
    answer->links.len = content->links_len;
    answer->body.data = whole ? p + size : NULL;
    answer->body.len = body;
    answer->stored = content->stored;
    answer->expires = content->expires;
    answer->reader.pin = NULL;

    /* Whoever makes the gzip form needs the body, also for HEAD. */

    if (whole || (answer->head && !answer->pack)
        || ngx_http_magasin_store_pin(store, entry,
                                      packed ? &content->form->pinned
                                             : &content->pinned, answer)
           == NGX_OK)
    {
        return NGX_OK;
    }

    if (body > answer->room) {
        return NGX_BUSY;
    }

    answer->body.data = ngx_pnalloc(pool, body);
    if (answer->body.data == NULL) {
        return NGX_ERROR;
    }

    ngx_http_magasin_blocks_read(&cursor, answer->body.data, body);

    return NGX_OK;
}


/*
 * Pin a body of an entry for answer->reader, whose cursor the caller has set.
 * NGX_OK, or NGX_DECLINED: too much is pinned already, or there is no memory.
 */

ngx_int_t
ngx_http_magasin_store_pin(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_pinned_t *pinned,
    ngx_http_magasin_answer_t *answer)
{
    uint64_t                          now;
    ngx_http_magasin_pin_t           *pin;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;

    if (!ngx_http_magasin_pin_room(store, pinned)) {

        now = ngx_http_magasin_now();

        if (now >= shared->swept + NGX_HTTP_MAGASIN_STORE_SWEEP) {
            shared->swept = now;
            ngx_http_magasin_pin_sweep(store, 0);
        }

        if (!ngx_http_magasin_pin_room(store, pinned)) {
            return NGX_DECLINED;
        }
    }

    pin = ngx_http_magasin_store_block(store, entry);
    if (pin == NULL) {
        return NGX_DECLINED;
    }

    ngx_http_magasin_pin_take(store, pin, pinned, &answer->reader);

    return NGX_OK;
}
