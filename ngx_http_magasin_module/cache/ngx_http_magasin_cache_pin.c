
#include "ngx_http_magasin_cache_pin_internal.h"


/* One part of so many of the slab pool may be pinned. */
#define NGX_HTTP_MAGASIN_PIN_SHARE  2


static void ngx_http_magasin_pin_free(ngx_http_magasin_store_t *store,
    ngx_http_magasin_pin_t *pin);


/*
 * Is there room to pin this?  1 or 0.  A second pin of the same answer takes no
 * room.  Under the lock.
 */

ngx_uint_t
ngx_http_magasin_pin_room(ngx_http_magasin_store_t *store,
    ngx_http_magasin_pinned_t *pinned)
{
    size_t  size;

    size = store->zone->slab->end - store->zone->slab->start;

    return pinned->pins
           || store->shared->pinned + pinned->size
              <= size / NGX_HTTP_MAGASIN_PIN_SHARE;
}


/*
 * Pin it.  pin: memory of the slab pool, freed by the release.  The caller sets
 * reader->cursor, and owes the reader to _pin_read() or _pin_release().  Under
 * the lock.
 */

void
ngx_http_magasin_pin_take(ngx_http_magasin_store_t *store,
    ngx_http_magasin_pin_t *pin, ngx_http_magasin_pinned_t *pinned,
    ngx_http_magasin_reader_t *reader)
{
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;

    pin->pinned = pinned;
    pin->pid = ngx_pid;
    pin->slot = ngx_process_slot;

    ngx_queue_insert_tail(&shared->pins, &pin->queue);

    if (pinned->pins++ == 0) {
        shared->pinned += pinned->size;
    }

    reader->pin = pin;
    reader->life = shared->life;
}


/*
 * Its entry drops it.  1: it has readers, and the last one frees it.  0: the
 * caller has to free it.  Under the lock.
 */

ngx_uint_t
ngx_http_magasin_pin_detach(ngx_http_magasin_store_t *store,
    ngx_http_magasin_pinned_t *pinned)
{
    if (pinned->pins == 0) {
        return 0;
    }

    pinned->detached = 1;

    return 1;
}


/*
 * Copy the next `len` bytes to `p`.  With `last` they are the last ones, and
 * the pin is released.  It takes the lock.
 *
 * NGX_OK, or NGX_DECLINED: the slab pool was emptied meanwhile, because a
 * worker was killed while it held the lock.
 */

ngx_int_t
ngx_http_magasin_pin_read(ngx_http_magasin_store_t *store,
    ngx_http_magasin_reader_t *reader, u_char *p, size_t len, ngx_uint_t last)
{
    ngx_int_t  rc;

    rc = NGX_DECLINED;

    ngx_http_magasin_zone_lock(store->zone);

    if (reader->pin && reader->life == store->shared->life) {
        ngx_http_magasin_blocks_read(&reader->cursor, p, len);

        if (last) {
            ngx_http_magasin_pin_free(store, reader->pin);
            reader->pin = NULL;
        }

        rc = NGX_OK;
    }

    ngx_http_magasin_zone_unlock(store->zone);

    return rc;
}


/* Release the pin of a reader, if it has one.  It takes the lock. */

void
ngx_http_magasin_pin_release(ngx_http_magasin_store_t *store,
    ngx_http_magasin_reader_t *reader)
{
    if (reader->pin == NULL) {
        return;
    }

    ngx_http_magasin_zone_lock(store->zone);

    if (reader->life == store->shared->life) {
        ngx_http_magasin_pin_free(store, reader->pin);
    }

    ngx_http_magasin_zone_unlock(store->zone);

    reader->pin = NULL;
}


/*
 * Release the pins of workers that are gone.  born: this worker has just
 * started, and all pins of its slot are those of the worker before, whatever
 * process has that id by now.  Under the lock.
 */

void
ngx_http_magasin_pin_sweep(ngx_http_magasin_store_t *store, ngx_uint_t born)
{
    ngx_pid_t                         pid;
    ngx_uint_t                        dead;
    ngx_queue_t                      *q, *next;
    ngx_http_magasin_pin_t           *pin;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;
    pid = NGX_INVALID_PID;
    dead = 0;

    for (q = ngx_queue_head(&shared->pins);
         q != ngx_queue_sentinel(&shared->pins);
         q = next)
    {
        next = ngx_queue_next(q);
        pin = ngx_queue_data(q, ngx_http_magasin_pin_t, queue);

        /* Pins of one worker mostly adjoin: one kill() for all of them. */

        if (pin->pid != pid) {
            pid = pin->pid;
            dead = kill(pid, 0) == -1 && ngx_errno == ESRCH;
        }

        if (dead
            || (pin->slot == ngx_process_slot
                && (born || pin->pid != ngx_pid)))
        {
            ngx_http_magasin_pin_free(store, pin);
        }
    }
}


/* Free a pin, and what it pinned if it is dropped.  Under the lock. */

static void
ngx_http_magasin_pin_free(ngx_http_magasin_store_t *store,
    ngx_http_magasin_pin_t *pin)
{
    ngx_http_magasin_pinned_t        *pinned;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;
    pinned = pin->pinned;

    ngx_queue_remove(&pin->queue);
    ngx_slab_free_locked(store->zone->slab, pin);

    if (--pinned->pins) {
        return;
    }

    shared->pinned -= pinned->size;

    if (pinned->detached) {
        ngx_http_magasin_blocks_free(store->zone->slab, pinned, pinned->next);
    }
}
