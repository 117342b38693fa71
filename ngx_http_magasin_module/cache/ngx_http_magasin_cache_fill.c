
/*
 * A read after its statement: the answer is gathered, stored, and given to the
 * requests that wait for it.
 */


#include "ngx_http_magasin_cache_redis_internal.h"


/*
 * Is the answer to be stored, of which `size` bytes are here?  complete: these
 * are all.  1: gather its pieces, to store and send them as a whole.  0: this
 * read leads no flight; or the answer is too large or the worker holds too
 * many bytes, and then the flight is ended.
 */

ngx_uint_t
ngx_http_magasin_cache_gathers(ngx_http_magasin_cache_read_t *cr, size_t size,
    ngx_uint_t complete)
{
    ngx_uint_t                 too_large;
    ngx_http_magasin_cache_t  *cache;

    if (!cr->leads) {
        return 0;
    }

    cache = cr->cache;
    too_large = size > cr->conf->max_size
                || size > ngx_http_magasin_store_largest(&cache->store);

    ngx_http_magasin_cache_hold(cr, size);

    if (!too_large && (complete || !ngx_http_magasin_cache_full(cr))) {
        return 1;
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi not gathered, %uz bytes, "
                   "too large %ui",
                   cr->question.hash, size, too_large);

    if (too_large) {
        ngx_http_magasin_count(cache->shared->counters.too_large);
    }

    cr->crowded = !too_large;

    ngx_http_magasin_store_close(&cache->store, &cr->question, too_large, 0);
    ngx_http_magasin_cache_end(cr, NGX_DECLINED, 0);

    return 0;
}


/*
 * May the answer of this read be streamed, with a statement for each piece?  1;
 * or 0: there is no room for it in the cache, and so many are streamed for that
 * reason already that more would cost the others too much.
 */

ngx_uint_t
ngx_http_magasin_cache_streams(ngx_http_magasin_cache_read_t *cr)
{
    if (!cr->crowded || cr->streams) {
        return 1;
    }

    if (cr->cache->streams >= NGX_HTTP_MAGASIN_CACHE_STREAMS) {
        return 0;
    }

    cr->streams = 1;
    cr->cache->streams++;

    return 1;
}


/* Count a statement that was run for this read. */

void
ngx_http_magasin_cache_ran(ngx_http_magasin_cache_read_t *cr)
{
    ngx_http_magasin_cache_counters_t  *counters;

    counters = &cr->cache->shared->counters;

    (void) ngx_atomic_fetch_add(cr->fetch ? &counters->bypassed
                                          : &counters->misses, 1);
}


/*
 * A replica has answered a statement of this read.  It shows each write that
 * this node knew of when the statement was sent.  Redis may know of others, by
 * the generations that this read has found there; and a client that wants an
 * answer newer than its request gets none of a replica.  So the answer is
 * stored in shared memory alone, for those who take what is cached.
 *
 * past: there is no primary, and nothing is promised of what the replica says.
 * Then neither the answer nor its fragments are stored.
 */

void
ngx_http_magasin_cache_replica(ngx_http_magasin_cache_read_t *cr,
    ngx_uint_t past)
{
    cr->replica = 1;

    if (past) {
        cr->past = 1;
    }
}


/*
 * Store a complete answer, for which _gathers() gave 1, and end the flight
 * with it.  The caller has set etag, links, chain and size.  valid_for:
 * milliseconds that the answer is valid at most; 0: as configured.
 *
 * If answer->reader.pin is set the answer is read by _piece() from here on,
 * and the caller may free the chain.  An answer of the past is refused.
 */

void
ngx_http_magasin_cache_fill(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer, ngx_msec_t valid_for)
{
    ngx_http_magasin_cache_t  *cache;

    cache = cr->cache;

    if (cr->past) {
        answer->reader.pin = NULL;
        ngx_http_magasin_cache_refuse(cr);
        return;
    }

    answer->direct = !cr->joined && !cr->replica;
    answer->gzip = cr->gzip;
    ngx_http_magasin_cache_life(cr, &cr->question, answer, valid_for);

    ngx_http_magasin_store_fill(&cache->store, &cr->question, answer);
    cr->pack = answer->pack;

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi filled, %uz bytes, ttl %uL ms, "
                   "pinned %d",
                   cr->question.hash, answer->size,
                   answer->expires - answer->stored,
                   answer->reader.pin != NULL);

    if ((cr->conf->levels & NGX_HTTP_MAGASIN_CACHE_L2)
        && !cr->joined && !cr->replica)
    {
        ngx_http_magasin_cache_redis_store(cache, cr, answer);
    }

    if (answer->reader.pin) {
        cr->reader = answer->reader;
        ngx_http_magasin_cache_hold(cr, 0);

    } else {
        ngx_http_magasin_cache_hold(cr, answer->size);
    }

    ngx_http_magasin_cache_end(cr, NGX_OK, 0);
}


/*
 * Set the times of an answer, or of a fragment, that is to be stored.
 * valid_for: milliseconds that it is valid at most; 0: as configured.
 */

void
ngx_http_magasin_cache_life(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_question_t *question, ngx_http_magasin_answer_t *answer,
    ngx_msec_t valid_for)
{
    uint64_t  ttl;

    /* Entries that were stored together expire at different times. */

    ttl = cr->conf->ttl - ngx_random() % (cr->conf->ttl / 8 + 1);

    answer->stored = question->captured;
    answer->expires = question->captured + ttl;

    if (valid_for) {
        answer->expires = ngx_min(answer->expires,
                                  question->captured + valid_for - 1);
    }
}


/* End the flight: the answer is neither stored nor shared. */

void
ngx_http_magasin_cache_refuse(ngx_http_magasin_cache_read_t *cr)
{
    ngx_http_magasin_store_close(&cr->cache->store, &cr->question, 0, 0);
    ngx_http_magasin_cache_end(cr, NGX_DECLINED, 0);
}


/*
 * End the flight, if this read leads one: the statement failed.  The requests
 * that wait are answered with `status`, too.
 */

void
ngx_http_magasin_cache_failed(ngx_http_magasin_cache_read_t *cr,
    ngx_uint_t status)
{
    if (!cr->leads) {
        return;
    }

    ngx_http_magasin_store_close(&cr->cache->store, &cr->question, 0, status);
    ngx_http_magasin_cache_end(cr, NGX_ERROR, status);
}


/* This read leads no more; `rc` and `status`: see _flight_over(). */

void
ngx_http_magasin_cache_end(ngx_http_magasin_cache_read_t *cr, ngx_int_t rc,
    ngx_uint_t status)
{
    cr->leads = 0;

    ngx_http_magasin_flight_over(cr->cache, cr->question.flight, rc, status);
}


/*
 * Note that a read holds `size` bytes of its answer in memory of its own.  A
 * body of NGX_HTTP_MAGASIN_PIN_SHORT bytes or less counts as 0.  0: the memory
 * is free.
 */

void
ngx_http_magasin_cache_hold(ngx_http_magasin_cache_read_t *cr, size_t size)
{
    if (size <= NGX_HTTP_MAGASIN_PIN_SHORT) {
        size = 0;
    }

    cr->cache->held += size - cr->held;
    cr->held = size;
}


/* Do other reads of this worker hold too many bytes already?  1 or 0. */

ngx_uint_t
ngx_http_magasin_cache_full(ngx_http_magasin_cache_read_t *cr)
{
    return cr->cache->held - cr->held >= NGX_HTTP_MAGASIN_CACHE_HELD;
}
