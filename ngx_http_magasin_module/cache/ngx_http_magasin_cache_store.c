
/*
 * Level 1: search, store, and the state of flights.  The functions take the
 * zone's lock themselves, but for _last() and _capture(), which need none.
 * cache_entry.c has what is done under the lock.
 */


#include "ngx_http_magasin_cache_entry_internal.h"


/* Milliseconds: a flight that is younger may be joined also while the journal
 * is not polled up to date. */
#define NGX_HTTP_MAGASIN_STORE_YOUNG     500

/* One answer may take one part of so many of the slab pool: a longer one would
 * evict too many for itself alone. */
#define NGX_HTTP_MAGASIN_STORE_SHARE     4

/* Milliseconds for which no read waits after an answer was too large. */
#define NGX_HTTP_MAGASIN_STORE_LARGE     10000


static ngx_int_t ngx_http_magasin_store_renew(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_question_t *question,
    uint64_t now, ngx_pool_t *pool, ngx_http_magasin_answer_t *answer);
static ngx_uint_t ngx_http_magasin_store_current(
    ngx_http_magasin_store_t *store, ngx_http_magasin_question_t *question);
static ngx_uint_t ngx_http_magasin_store_same(
    ngx_http_magasin_question_t *question, ngx_uint_t epoch,
    ngx_uint_t *generations);


/* Bytes of the longest answer that is stored, with its head. */

size_t
ngx_http_magasin_store_largest(ngx_http_magasin_store_t *store)
{
    return (store->zone->slab->end - store->zone->slab->start)
           / NGX_HTTP_MAGASIN_STORE_SHARE;
}


/*
 * The number of the last flight that has begun.  The statement of any later
 * flight is sent after this call.
 */

ngx_uint_t
ngx_http_magasin_store_last(ngx_http_magasin_store_t *store)
{
    ngx_uint_t  last;

    last = store->shared->flight;

    ngx_memory_barrier();

    return last;
}


/* Capture the time, the epoch and the generations of a question. */

void
ngx_http_magasin_store_capture(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question)
{
    ngx_uint_t                        i;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;

    question->captured = ngx_http_magasin_now();
    question->epoch = shared->epoch;

    for (i = 0; i < question->nslots; i++) {
        question->generations[i] = shared->generations[question->slots[i]];
    }

    ngx_memory_barrier();
}


/*
 * Find an answer, or the flight that fetches it, or open one.  fresh: the
 * journal is polled up to date, so that answers may be used.
 *
 * NGX_OK: the answer, in memory of the pool; a long one is pinned, and the
 * caller owes answer->reader to _pin_read() or _pin_release().  NGX_AGAIN:
 * question->flight will bring it.  NGX_DECLINED: the caller has to fetch it;
 * question->flight is a new flight, and the caller owes it a _fill() or a
 * _close().  NGX_BUSY: the caller fetches it for itself alone, without a
 * flight.  NGX_ERROR: no memory in the pool.
 */

ngx_int_t
ngx_http_magasin_store_find(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_http_magasin_store_e mode,
    ngx_uint_t fresh, ngx_pool_t *pool, ngx_http_magasin_answer_t *answer)
{
    uint64_t                          now;
    ngx_int_t                         rc;
    ngx_http_magasin_entry_t         *entry;
    ngx_http_magasin_content_t       *content;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;
    now = question->captured;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(shared, question);

    if (entry == NULL) {
        entry = ngx_http_magasin_store_create(store, question);

        if (entry == NULL) {
            ngx_http_magasin_zone_unlock(store->zone);
            return NGX_BUSY;
        }

        goto open;
    }

    ngx_queue_remove(&entry->queue);
    ngx_queue_insert_head(&shared->queue, &entry->queue);

    content = entry->content;

    if (mode == NGX_HTTP_MAGASIN_STORE_FIND
        && content
        && fresh
        && now < content->expires
        && ngx_http_magasin_store_same(question, content->epoch,
                                       content->generations)
        && (now < content->early || entry->flight))
    {
        rc = ngx_http_magasin_store_copy(store, entry, pool, answer);

        ngx_http_magasin_zone_unlock(store->zone);
        return rc;
    }

    if (now < entry->large_until) {
        ngx_http_magasin_zone_unlock(store->zone);
        return NGX_BUSY;
    }

    if (mode == NGX_HTTP_MAGASIN_STORE_FETCH) {
        rc = ngx_http_magasin_store_renew(store, entry, question, now, pool,
                                          answer);

        if (rc != NGX_DECLINED) {
            ngx_http_magasin_zone_unlock(store->zone);
            return rc;
        }

        goto open;
    }

    /* Its answer may be as old as the beginning of the flight. */

    if (entry->flight
        && (fresh || now < entry->since + NGX_HTTP_MAGASIN_STORE_YOUNG)
        && ngx_http_magasin_store_same(question, entry->epoch,
                                       entry->generations)
        && !ngx_http_magasin_store_dead(entry, now))
    {
        question->flight = entry->flight;

        ngx_http_magasin_zone_unlock(store->zone);
        return NGX_AGAIN;
    }

open:

    ngx_http_magasin_store_open(shared, entry, question, now);

    ngx_http_magasin_zone_unlock(store->zone);

    return NGX_DECLINED;
}


/*
 * FETCH: the answer must show every write from before the request, of any node,
 * also one that this node has not heard of.  The statement of a flight that
 * began after the request shows them all.  A flight that began earlier is
 * waited for, so that there is one at a time, and the reads that wait share the
 * next one.  Generations do not matter: they are about writes from before the
 * request, and such a flight is younger.  Under the lock.
 *
 * NGX_OK: the answer.  NGX_AGAIN: wait for question->flight, whose answer may
 * be too old.  NGX_DECLINED: the caller opens the next flight.  NGX_BUSY: there
 * is no room for the answer.  NGX_ERROR: no memory in the pool.
 */

static ngx_int_t
ngx_http_magasin_store_renew(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_question_t *question,
    uint64_t now, ngx_pool_t *pool, ngx_http_magasin_answer_t *answer)
{
    if (entry->content
        && entry->content->direct
        && entry->content->flight > question->after)
    {
        return ngx_http_magasin_store_copy(store, entry, pool, answer);
    }

    if (entry->flight && !ngx_http_magasin_store_dead(entry, now)) {
        question->flight = entry->flight;
        return NGX_AGAIN;
    }

    return NGX_DECLINED;
}


/* Is question->flight still open?  1 or 0. */

ngx_uint_t
ngx_http_magasin_store_flying(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question)
{
    ngx_uint_t                 flying;
    ngx_http_magasin_entry_t  *entry;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, question);

    flying = entry && entry->flight == question->flight
             && !ngx_http_magasin_store_dead(entry, ngx_http_magasin_now());

    ngx_http_magasin_zone_unlock(store->zone);

    return flying;
}


/*
 * The answer of question->flight, or of a later flight.  It is right for every
 * read that joined the flight, also when a write has invalidated it for others
 * since; but not for one that joined when the answer had already ended by
 * itself.  With question->after it has to be of a statement.
 *
 * NGX_OK: the answer, as _find() gives it.  NGX_DECLINED: there is none.
 * NGX_BUSY: there is no room for it.  NGX_ERROR: no memory in the pool.
 */

ngx_int_t
ngx_http_magasin_store_wait(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer)
{
    ngx_int_t                  rc;
    ngx_http_magasin_entry_t  *entry;

    rc = NGX_DECLINED;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, question);

    if (entry && entry->content
        && entry->content->flight >= question->flight
        && (question->after
            ? entry->content->direct
              && entry->content->flight > question->after
            : question->captured < entry->content->expires))
    {
        rc = ngx_http_magasin_store_copy(store, entry, pool, answer);
    }

    ngx_http_magasin_zone_unlock(store->zone);

    return rc;
}


/*
 * An answer that may be expired, or that was not checked against the journal,
 * but that no write known to this node has invalidated.  age: milliseconds
 * after its expiry for which it may be used.  The codes are those of _wait().
 */

ngx_int_t
ngx_http_magasin_store_stale(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_msec_t age, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer)
{
    uint64_t                   now;
    ngx_int_t                  rc;
    ngx_http_magasin_entry_t  *entry;

    rc = NGX_DECLINED;
    now = question->captured;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, question);

    if (entry && entry->content
        && now < entry->content->expires + age
        && ngx_http_magasin_store_same(question, entry->content->epoch,
                                       entry->content->generations))
    {
        rc = ngx_http_magasin_store_copy(store, entry, pool, answer);
    }

    ngx_http_magasin_zone_unlock(store->zone);

    return rc;
}


/*
 * An answer that is valid, without a flight for one that is not.  The caller
 * has seen that answers may be used.  The codes are those of _wait().
 */

ngx_int_t
ngx_http_magasin_store_peek(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer)
{
    ngx_int_t                  rc;
    ngx_http_magasin_entry_t  *entry;

    rc = NGX_DECLINED;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, question);

    if (entry && entry->content
        && question->captured < entry->content->expires
        && ngx_http_magasin_store_same(question, entry->content->epoch,
                                       entry->content->generations))
    {
        ngx_queue_remove(&entry->queue);
        ngx_queue_insert_head(&store->shared->queue, &entry->queue);

        rc = ngx_http_magasin_store_copy(store, entry, pool, answer);
    }

    ngx_http_magasin_zone_unlock(store->zone);

    return rc;
}


/*
 * Store an answer under the generations of its question, and end its flight.
 * It is stored also when these are not current: other reads may have joined
 * the flight in time.
 *
 * A long body is pinned for the caller, who owes answer->reader to _pin_read()
 * or _pin_release().  If answer->reader.pin is NULL the answer was not pinned,
 * and perhaps not stored.
 */

void
ngx_http_magasin_store_fill(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_http_magasin_answer_t *answer)
{
    ngx_uint_t                        stored;
    ngx_http_magasin_entry_t         *entry;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;
    answer->reader.pin = NULL;
    answer->is_packed = 0;
    answer->pack = 0;
    stored = 0;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(shared, question);

    if (entry == NULL) {
        entry = ngx_http_magasin_store_create(store, question);
    }

    if (entry
        && (entry->content == NULL
            || entry->content->flight <= question->flight))
    {
        ngx_http_magasin_store_drop(store, entry);

        stored = ngx_http_magasin_store_put(store, entry, question, answer)
                 == NGX_OK;
    }

    if (stored && answer->size > NGX_HTTP_MAGASIN_PIN_SHORT) {
        (void) ngx_http_magasin_store_pin(store, entry,
                                          &entry->content->pinned, answer);
    }

    if (entry && entry->flight == question->flight) {
        entry->flight = 0;
    }

    ngx_http_magasin_zone_unlock(store->zone);

    if (!stored) {
        return;
    }

    ngx_http_magasin_count(shared->counters.stored);

    if (!ngx_http_magasin_store_current(store, question)) {
        ngx_http_magasin_count(shared->counters.late);
    }
}


/*
 * End the caller's flight without an answer.  too_large: no read waits for an
 * answer to this question for NGX_HTTP_MAGASIN_STORE_LARGE.  status: why it
 * failed, for _failed(); 0: it did not.
 */

void
ngx_http_magasin_store_close(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_uint_t too_large,
    ngx_uint_t status)
{
    ngx_http_magasin_entry_t  *entry;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, question);

    if (entry && entry->flight == question->flight) {
        entry->flight = 0;

        if (too_large) {
            entry->large_until = ngx_http_magasin_now()
                                 + NGX_HTTP_MAGASIN_STORE_LARGE;

        } else if (status) {
            entry->failed = question->flight;
            entry->status = status;

        } else if (entry->content == NULL) {
            ngx_http_magasin_store_forget(store, entry);
        }
    }

    ngx_http_magasin_zone_unlock(store->zone);
}


/*
 * The status with which question->flight, of any worker, has failed.  0: it did
 * not, or that is not known any more.
 */

ngx_uint_t
ngx_http_magasin_store_failed(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question)
{
    ngx_uint_t                 status;
    ngx_http_magasin_entry_t  *entry;

    status = 0;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, question);

    if (entry && entry->failed == question->flight) {
        status = entry->status;
    }

    ngx_http_magasin_zone_unlock(store->zone);

    return status;
}


/* Are the generations of a question still current?  1 or 0. */

static ngx_uint_t
ngx_http_magasin_store_current(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question)
{
    ngx_http_magasin_question_t  now;

    now.nslots = question->nslots;
    ngx_memcpy(now.slots, question->slots, sizeof(now.slots));

    ngx_http_magasin_store_capture(store, &now);

    return ngx_http_magasin_store_same(&now, question->epoch,
                                       question->generations);
}


static ngx_uint_t
ngx_http_magasin_store_same(ngx_http_magasin_question_t *question,
    ngx_uint_t epoch, ngx_uint_t *generations)
{
    ngx_uint_t  i;

    if (question->epoch != epoch) {
        return 0;
    }

    for (i = 0; i < question->nslots; i++) {
        if (question->generations[i] != generations[i]) {
            return 0;
        }
    }

    return 1;
}
