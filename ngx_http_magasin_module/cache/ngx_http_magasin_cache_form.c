
/*
 * The gzip form of an answer in level 1, beside the answer.  It has no life of
 * its own: it belongs to one answer with one generation of its tags, and goes
 * with it.  The first reader who accepts it makes it; for as long as that may
 * take the others get the answer as it is.
 */


#include "ngx_http_magasin_cache_internal.h"
#include "ngx_http_magasin_cache_entry_internal.h"


/* Milliseconds for which nobody else makes the form. */
#define NGX_HTTP_MAGASIN_FORM_PATIENCE  1000


static ngx_http_magasin_form_t *ngx_http_magasin_form_create(
    ngx_http_magasin_store_t *store, ngx_http_magasin_entry_t *entry,
    ngx_http_magasin_answer_t *answer);


/*
 * Does the reader of this answer get the gzip form?  1, with what it needs to
 * know of it in `answer`; or 0, and then perhaps it has to make it.  Under the
 * lock.
 */

ngx_uint_t
ngx_http_magasin_form_wanted(ngx_http_magasin_content_t *content,
    ngx_http_magasin_answer_t *answer)
{
    answer->is_packed = 0;
    answer->pack = 0;

    if (answer->gzip == 0 || content->body_len < answer->gzip) {
        return 0;
    }

    if (content->form == NULL) {
        ngx_http_magasin_form_claim(content, answer);
        return 0;
    }

    answer->is_packed = 1;
    answer->packed = content->form->about;

    return 1;
}


/* Let the reader of this answer make the form, if nobody does.  Under the
 * lock. */

void
ngx_http_magasin_form_claim(ngx_http_magasin_content_t *content,
    ngx_http_magasin_answer_t *answer)
{
    uint64_t  now;

    now = ngx_http_magasin_now();

    if (now < content->pack_after) {
        return;
    }

    content->pack_after = now + NGX_HTTP_MAGASIN_FORM_PATIENCE;
    answer->pack = content->flight;
}


/* The cursor at the first byte of a form. */

void
ngx_http_magasin_form_begin(ngx_http_magasin_form_t *form,
    ngx_http_magasin_cursor_t *cursor)
{
    ngx_http_magasin_blocks_begin(cursor, form,
                                  sizeof(ngx_http_magasin_form_t),
                                  form->pinned.next);
}


/* Remove the form of an answer, if it has one.  Under the lock. */

void
ngx_http_magasin_form_drop(ngx_http_magasin_store_t *store,
    ngx_http_magasin_content_t *content)
{
    ngx_http_magasin_form_t  *form;

    form = content->form;

    if (form == NULL) {
        return;
    }

    store->shared->bytes -= form->pinned.size;

    if (!ngx_http_magasin_pin_detach(store, &form->pinned)) {
        ngx_http_magasin_blocks_free(store->zone->slab, form,
                                     form->pinned.next);
    }

    content->form = NULL;
}


/*
 * Does this read make the gzip form of its answer?  1: call _packed() with it,
 * or _unpacked().  0: no.
 */

ngx_uint_t
ngx_http_magasin_cache_packs(ngx_http_magasin_cache_read_t *cr)
{
    return cr->pack != 0;
}


/*
 * Keep the gzip form of the answer of this read: answer->chain, size and
 * packed.  If answer->reader.pin is set it is read by _piece() from here on,
 * and the caller may free the chain.  It takes the zone's lock.
 */

void
ngx_http_magasin_cache_packed(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer)
{
    ngx_uint_t                        kept;
    ngx_http_magasin_form_t          *form;
    ngx_http_magasin_entry_t         *entry;
    ngx_http_magasin_store_t         *store;

    store = &cr->cache->store;
    answer->reader.pin = NULL;
    kept = 0;

    ngx_http_magasin_count(store->shared->counters.compressed);

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, &cr->question);

    if (entry && entry->content && entry->content->flight == cr->pack
        && entry->content->form == NULL)
    {
        form = ngx_http_magasin_form_create(store, entry, answer);

        if (form) {
            entry->content->form = form;
            kept = 1;

        } else {
            entry->content->pack_after = (uint64_t) -1;
        }

        if (form && form->len > NGX_HTTP_MAGASIN_PIN_SHORT) {
            ngx_http_magasin_form_begin(form, &answer->reader.cursor);
            (void) ngx_http_magasin_store_pin(store, entry, &form->pinned,
                                              answer);
        }
    }

    ngx_http_magasin_zone_unlock(store->zone);

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi packed, %uz bytes, kept %ui",
                   cr->question.hash, answer->size, kept);

    cr->pack = 0;

    if (answer->reader.pin) {
        cr->reader = answer->reader;
        ngx_http_magasin_cache_hold(cr, 0);

    } else {
        ngx_http_magasin_cache_hold(cr, answer->size);
    }
}


/* A gzip form of this answer is of no use: nobody tries it again. */

void
ngx_http_magasin_cache_unpacked(ngx_http_magasin_cache_read_t *cr)
{
    ngx_http_magasin_entry_t  *entry;
    ngx_http_magasin_store_t  *store;

    store = &cr->cache->store;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, &cr->question);

    if (entry && entry->content && entry->content->flight == cr->pack) {
        entry->content->pack_after = (uint64_t) -1;
    }

    ngx_http_magasin_zone_unlock(store->zone);

    cr->pack = 0;
}


/* A form in the slab pool.  NULL: there is no room.  Under the lock. */

static ngx_http_magasin_form_t *
ngx_http_magasin_form_create(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_answer_t *answer)
{
    size_t                      size;
    ngx_chain_t                *cl;
    ngx_http_magasin_form_t    *form;
    ngx_http_magasin_block_t   *next;
    ngx_http_magasin_cursor_t   cursor;

    size = sizeof(ngx_http_magasin_form_t) + answer->size;

    form = ngx_http_magasin_store_alloc(store, size, entry, &next);
    if (form == NULL) {
        return NULL;
    }

    ngx_memzero(form, sizeof(ngx_http_magasin_form_t));

    form->pinned.next = next;
    form->pinned.size = size;
    form->about = answer->packed;
    form->len = answer->size;

    ngx_http_magasin_form_begin(form, &cursor);

    for (cl = answer->chain; cl; cl = cl->next) {
        ngx_http_magasin_blocks_write(&cursor, cl->buf->pos,
                                      cl->buf->last - cl->buf->pos);
    }

    store->shared->bytes += size;

    return form;
}
