
/*
 * A read, up to its statement.
 *
 * It captures generations first, and then asks level 1.  On a miss one request
 * of the node fetches the answer, from Redis or else from PostgreSQL; the other
 * requests for it wait (cache_flight.c).  A request joins a flight only while
 * the generations are those that the flight has captured: no write was
 * acknowledged in between that the answer may lack.  A request that wants an
 * answer newer than itself joins only a flight that began after it came, which
 * shows every write that was acknowledged before.
 */


#include "ngx_http_magasin_cache_internal.h"
#include "ngx_http_magasin_cache_redis_internal.h"
#include "ngx_http_magasin_cache_poller_internal.h"
#include "ngx_http_magasin_text.h"


static ngx_int_t ngx_http_magasin_cache_round(
    ngx_http_magasin_cache_read_t *cr);
static void ngx_http_magasin_cache_redis_done(
    ngx_http_magasin_cache_read_t *cr, ngx_int_t rc,
    ngx_http_magasin_answer_t *answer);


/*
 * The cache of this worker in a zone, in the memory of `cycle`, without Redis
 * and the poller.  It takes the zone's lock.  NULL: no memory.
 */

ngx_http_magasin_cache_t *
ngx_http_magasin_cache_create(ngx_cycle_t *cycle,
    ngx_http_magasin_zone_t *zone)
{
    ngx_http_magasin_cache_t  *cache;

    cache = ngx_pcalloc(cycle->pool, sizeof(ngx_http_magasin_cache_t));
    if (cache == NULL) {
        return NULL;
    }

    cache->shared = ngx_http_magasin_zone_section(zone,
                                              &ngx_http_magasin_cache_section);
    cache->life = ngx_http_magasin_pg_life_seen(zone);
    cache->store.zone = zone;
    cache->store.shared = cache->shared;
    cache->log = cycle->log;

    ngx_queue_init(&cache->flights);

    cache->timer.handler = ngx_http_magasin_flight_look;
    cache->timer.data = cache;
    cache->timer.log = cycle->log;

    ngx_http_magasin_cache_write_init(cache);

    /* The worker before in this slot may have been killed with pins held. */

    ngx_http_magasin_zone_lock(zone);
    ngx_http_magasin_pin_sweep(&cache->store, 1);
    ngx_http_magasin_zone_unlock(zone);

    return cache;
}


/* Stop the timer and the poller of this worker. */

void
ngx_http_magasin_cache_destroy(ngx_http_magasin_cache_t *cache)
{
    if (cache->timer.timer_set) {
        ngx_del_timer(&cache->timer);
    }

    ngx_http_magasin_cache_write_destroy(cache);
    ngx_http_magasin_poller_destroy(cache->poller);
}


/*
 * Is the journal of this database polled up to date?  1 or 0.  It is not when a
 * worker has seen that another PostgreSQL took its place since: what the one
 * before has answered may be lost.
 */

ngx_uint_t
ngx_http_magasin_cache_fresh(ngx_http_magasin_cache_t *cache)
{
    return ngx_http_magasin_now() < cache->shared->fresh_until
           && cache->shared->database == cache->database
           && *cache->life <= cache->shared->polled_life;
}


/* Do the zone's answers come from this worker's database?  1 or 0. */

ngx_uint_t
ngx_http_magasin_cache_usable(ngx_http_magasin_cache_t *cache)
{
    return cache->shared->database == cache->database;
}


/*
 * A new read; _read_key(), _read_tag() and _read_options() complete it.
 * `data` goes to the callbacks of the client.  It lives as long as the pool;
 * the caller owes a _read_close() before.  NULL: no memory.
 */

ngx_http_magasin_cache_read_t *
ngx_http_magasin_cache_read_create(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_cache_conf_t *conf, ngx_pool_t *pool, ngx_log_t *log,
    const ngx_http_magasin_cache_client_t *client, void *data)
{
    ngx_http_magasin_cache_read_t  *cr;

    cr = ngx_pcalloc(pool, sizeof(ngx_http_magasin_cache_read_t));
    if (cr == NULL) {
        return NULL;
    }

    cr->cache = cache;
    cr->conf = conf;
    cr->client = client;
    cr->data = data;
    cr->pool = pool;
    cr->log = log;
    cr->began = ngx_current_msec;

    cr->question.slots[0] = NGX_HTTP_MAGASIN_TAG_ALL;
    cr->question.nslots = 1;

    return cr;
}


/*
 * The key, equal for equal reads.  It is not copied: it has to live as long as
 * the read.
 */

void
ngx_http_magasin_cache_read_key(ngx_http_magasin_cache_read_t *cr,
    ngx_str_t *key)
{
    cr->question.key = *key;
    cr->question.hash = (ngx_uint_t) ngx_http_magasin_text_hash(
                                          NGX_HTTP_MAGASIN_CACHE_FORMAT, key);
}


/*
 * Add a tag that the answer depends on; an id that it does not have is 0.  At
 * most NGX_HTTP_MAGASIN_TAG_READS - 1 times: all answers have one more tag.
 */

void
ngx_http_magasin_cache_read_tag(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_tag_e kind, int64_t first, int64_t second)
{
    cr->question.slots[cr->question.nslots++] =
        ngx_http_magasin_tag_slot(kind, first, second);
}


/*
 * head: of a long answer the length will do.  fetch: the answer has to be newer
 * than this call.  gzip: bodies of so many bytes or more are preferred in their
 * gzip form; 0: none is.  spent: a sum to which the microseconds in Redis are
 * added; it lives as long as the read.
 */

void
ngx_http_magasin_cache_read_options(ngx_http_magasin_cache_read_t *cr,
    ngx_uint_t head, ngx_uint_t fetch, size_t gzip, uint64_t *spent)
{
    cr->head = head;
    cr->gzip = gzip;
    cr->spent = spent;

    if (fetch) {
        cr->fetch = 1;
        cr->question.after = ngx_http_magasin_store_last(&cr->cache->store);
    }
}


/*
 * Look for the answer.
 *
 * NGX_OK: take() was called with it.  NGX_DECLINED: run the statement; then
 * call _ran() and _gathers(), and _fill() or _refuse(); call _failed() when
 * it gave no rows.  NGX_AGAIN: done() will be called from the event loop.
 * NGX_ERROR: no memory.
 */

ngx_int_t
ngx_http_magasin_cache_read(ngx_http_magasin_cache_read_t *cr)
{
    return ngx_http_magasin_cache_round(cr);
}


/* One attempt at an answer; the codes are those of _read(). */

static ngx_int_t
ngx_http_magasin_cache_round(ngx_http_magasin_cache_read_t *cr)
{
    ngx_int_t                   rc;
    ngx_uint_t                  levels, fresh;
    ngx_http_magasin_cache_t   *cache;
    ngx_http_magasin_store_e    mode;
    ngx_http_magasin_answer_t   answer;

    cache = cr->cache;
    levels = cr->conf->levels;

    mode = cr->fetch ? NGX_HTTP_MAGASIN_STORE_FETCH
           : (levels & NGX_HTTP_MAGASIN_CACHE_L1)
             ? NGX_HTTP_MAGASIN_STORE_FIND : NGX_HTTP_MAGASIN_STORE_JOIN;

    /* First: a poll after the capture may be of another PostgreSQL. */

    fresh = ngx_http_magasin_cache_fresh(cache);

    ngx_http_magasin_store_capture(&cache->store, &cr->question);
    ngx_http_magasin_cache_want(cr, &answer);

    rc = ngx_http_magasin_store_find(&cache->store, &cr->question, mode,
                                     fresh, cr->pool, &answer);

    switch (rc) {

    case NGX_OK:
        ngx_log_debug2(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                       "magasin cache: key %xi hit, %ui tags",
                       cr->question.hash, cr->question.nslots);

        if (cr->fetch) {

            /* A statement that began after the request has brought it. */

            ngx_http_magasin_count(cache->shared->counters.coalesced);
            ngx_http_magasin_cache_answer(cr, &answer,
                                          NGX_HTTP_MAGASIN_CACHE_COALESCED);
            return NGX_OK;
        }

        ngx_http_magasin_count(cache->shared->counters.hits);
        ngx_http_magasin_cache_answer(cr, &answer,
                                      NGX_HTTP_MAGASIN_CACHE_HIT);
        return NGX_OK;

    case NGX_AGAIN:
        return ngx_http_magasin_flight_join(cr);

    case NGX_DECLINED:
        ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                       "magasin cache: key %xi leads flight %ui, %ui tags",
                       cr->question.hash, cr->question.flight,
                       cr->question.nslots);

        cr->leads = 1;

        if (!cr->fetch && (levels & NGX_HTTP_MAGASIN_CACHE_L2)
            && ngx_http_magasin_cache_redis_read(cache, cr,
                                       ngx_http_magasin_cache_redis_done)
               == NGX_OK)
        {
            return NGX_AGAIN;
        }

        return NGX_DECLINED;

    case NGX_BUSY:
        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                       "magasin cache: key %xi cannot be stored or read",
                       cr->question.hash);

        cr->crowded = answer.body.len > answer.room;

        return NGX_DECLINED;

    default: /* NGX_ERROR */
        return NGX_ERROR;
    }
}


/* Redis was asked.  NGX_OK: the answer; else the statement is run. */

static void
ngx_http_magasin_cache_redis_done(ngx_http_magasin_cache_read_t *cr,
    ngx_int_t rc, ngx_http_magasin_answer_t *answer)
{
    ngx_buf_t                  b;
    ngx_chain_t                cl;
    ngx_http_magasin_cache_t  *cache;

    cache = cr->cache;

    if (rc != NGX_OK) {
        cr->client->done(cr->data, rc, 0);
        return;
    }

    ngx_http_magasin_count(cache->shared->counters.redis_hits);

    ngx_memzero(&b, sizeof(ngx_buf_t));

    b.pos = answer->body.data;
    b.last = answer->body.data + answer->body.len;

    cl.buf = &b;
    cl.next = NULL;

    answer->stored = cr->question.captured;
    answer->age = 0;
    answer->direct = 0;
    answer->chain = &cl;    /* cppcheck-suppress autoVariables */
    answer->size = answer->body.len;
    answer->gzip = cr->gzip;

    ngx_http_magasin_store_fill(&cache->store, &cr->question, answer);

    answer->chain = NULL;

    if (answer->reader.pin) {

        /* It is read from shared memory; the copy is freed. */

        (void) ngx_pfree(cr->pool, answer->body.data);
        answer->body.data = NULL;
    }

    cr->leads = 0;
    ngx_http_magasin_flight_over(cache, cr->question.flight, NGX_OK, 0);

    ngx_http_magasin_cache_answer(cr, answer, NGX_HTTP_MAGASIN_CACHE_REDIS);

    cr->client->done(cr->data, NGX_OK, 0);
}


/* Set what a search for the answer may return to this read. */

void
ngx_http_magasin_cache_want(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer)
{
    size_t  held;

    held = cr->cache->held;

    answer->head = cr->head;
    answer->gzip = cr->gzip;
    answer->age = 0;
    answer->body.len = 0;
    answer->room = held < NGX_HTTP_MAGASIN_CACHE_HELD
                   ? NGX_HTTP_MAGASIN_CACHE_HELD - held : 0;
}


/* Give an answer to the client.  A pinned one is read by _piece(). */

void
ngx_http_magasin_cache_answer(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer, ngx_http_magasin_cache_e state)
{
    if (answer->body.data == NULL) {
        cr->reader = answer->reader;

    } else {
        ngx_http_magasin_cache_hold(cr, answer->body.len);
    }

    cr->pack = answer->pack;

    cr->client->take(cr->data, answer, state);
}


/*
 * Copy the next `size` bytes of a pinned answer to `p`.  With `last` they are
 * the last ones, and the pin is released.  It takes the zone's lock.
 *
 * NGX_OK, or NGX_ERROR: the slab pool was emptied meanwhile, and the error is
 * logged.
 */

ngx_int_t
ngx_http_magasin_cache_piece(ngx_http_magasin_cache_read_t *cr, u_char *p,
    size_t size, ngx_uint_t last)
{
    if (ngx_http_magasin_pin_read(&cr->cache->store, &cr->reader, p, size,
                                  last)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, cr->log, 0,
                      "magasin: an answer was lost in shared memory while it "
                      "was sent");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Try again: the flight that this read waited for brought nothing.  It ends in
 * done(), unless it waits once more.
 */

void
ngx_http_magasin_cache_retry(ngx_http_magasin_cache_read_t *cr)
{
    ngx_int_t  rc;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi tries again, round %ui, %M ms",
                   cr->question.hash, cr->rounds,
                   ngx_current_msec - cr->began);

    /* The flights before failed for so long that one more is no help. */

    if (ngx_current_msec - cr->began > NGX_HTTP_MAGASIN_CACHE_PATIENCE) {
        cr->client->done(cr->data, NGX_ERROR, NGX_HTTP_SERVICE_UNAVAILABLE);
        return;
    }

    rc = NGX_DECLINED;

    if (cr->rounds++ < NGX_HTTP_MAGASIN_CACHE_ROUNDS) {
        rc = ngx_http_magasin_cache_round(cr);
    }

    if (rc != NGX_AGAIN) {
        cr->client->done(cr->data, rc, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/*
 * PostgreSQL does not answer: look for an answer in level 1 that is valid, or
 * that `magasin_cache_stale` allows without a check.
 *
 * NGX_OK: take() was called with it.  NGX_DECLINED: there is none.  NGX_ERROR:
 * no memory.
 */

ngx_int_t
ngx_http_magasin_cache_stale(ngx_http_magasin_cache_read_t *cr)
{
    ngx_int_t                       rc;
    ngx_uint_t                      fresh;
    ngx_http_magasin_cache_t       *cache;
    ngx_http_magasin_answer_t       answer;
    ngx_http_magasin_cache_conf_t  *conf;

    cache = cr->cache;
    conf = cr->conf;

    if (cr->fetch || !(conf->levels & NGX_HTTP_MAGASIN_CACHE_L1)
        || !ngx_http_magasin_cache_usable(cache))
    {
        return NGX_DECLINED;
    }

    fresh = ngx_http_magasin_cache_fresh(cache);

    ngx_http_magasin_store_capture(&cache->store, &cr->question);
    ngx_http_magasin_cache_want(cr, &answer);

    if (fresh) {
        rc = ngx_http_magasin_store_stale(&cache->store, &cr->question, 0,
                                          cr->pool, &answer);

        if (rc == NGX_OK) {
            ngx_http_magasin_cache_answer(cr, &answer,
                                          NGX_HTTP_MAGASIN_CACHE_HIT);
        }

        if (rc != NGX_DECLINED) {
            return rc == NGX_BUSY ? NGX_DECLINED : rc;
        }
    }

    if (conf->stale == 0) {
        return NGX_DECLINED;
    }

    rc = ngx_http_magasin_store_stale(&cache->store, &cr->question,
                                      conf->stale, cr->pool, &answer);
    if (rc != NGX_OK) {
        return rc == NGX_BUSY ? NGX_DECLINED : rc;
    }

    ngx_http_magasin_count(cache->shared->counters.stale);

    answer.age = (cr->question.captured - answer.stored) / 1000;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi stale, age %T s",
                   cr->question.hash, answer.age);

    ngx_http_magasin_cache_answer(cr, &answer, NGX_HTTP_MAGASIN_CACHE_STALE);

    return NGX_OK;
}


/* Returns how long a read has waited for flights so far, in microseconds. */

uint64_t
ngx_http_magasin_cache_waited(ngx_http_magasin_cache_read_t *cr)
{
    return cr->waited
           + (cr->waits ? ngx_http_magasin_clock() - cr->joined_at : 0);
}


/*
 * End a read in any state: it leaves its flight, releases its pin, cancels its
 * command, and ends the flight that it leads.  No callback comes after it.
 */

void
ngx_http_magasin_cache_read_close(ngx_http_magasin_cache_read_t *cr)
{
    cr->cache->streams -= cr->streams;
    cr->streams = 0;

    ngx_http_magasin_flight_leave(cr);
    ngx_http_magasin_pin_release(&cr->cache->store, &cr->reader);
    ngx_http_magasin_cache_hold(cr, 0);

    ngx_http_magasin_cache_redis_unask(cr);

    if (cr->leads) {
        ngx_http_magasin_store_close(&cr->cache->store, &cr->question, 0, 0);
        ngx_http_magasin_cache_end(cr, NGX_AGAIN, 0);
    }
}
