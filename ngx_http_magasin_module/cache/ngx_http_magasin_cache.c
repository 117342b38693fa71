
/*
 * The way of a read through the cache.
 *
 * Generations are captured first, then level 1 is asked.  Where that has
 * nothing, one request of the node is sent for the answer, to Redis and then
 * to PostgreSQL; the others wait for it (cache_flight.c).  A request joins a
 * flight only while the generations are those that the flight has captured:
 * so no write was acknowledged in between that its answer may not show.  Who
 * wants an answer that is newer than the request joins one that began after
 * the request came, which shows whatever was acknowledged before it.
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
 * The cache of this worker, without its poller.  NULL: memory.
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
    cache->store.zone = zone;
    cache->store.shared = cache->shared;
    cache->log = cycle->log;

    ngx_queue_init(&cache->flights);

    cache->timer.handler = ngx_http_magasin_flight_look;
    cache->timer.data = cache;
    cache->timer.log = cycle->log;

    /* Who had this place before was killed, perhaps in the middle of reads. */

    ngx_http_magasin_zone_lock(zone);
    ngx_http_magasin_pin_sweep(&cache->store, 1);
    ngx_http_magasin_zone_unlock(zone);

    return cache;
}


void
ngx_http_magasin_cache_destroy(ngx_http_magasin_cache_t *cache)
{
    if (cache->timer.timer_set) {
        ngx_del_timer(&cache->timer);
    }

    ngx_http_magasin_poller_destroy(cache->poller);
}


/* Were the changes of others looked for lately, in this database? */

ngx_uint_t
ngx_http_magasin_cache_fresh(ngx_http_magasin_cache_t *cache)
{
    return ngx_http_magasin_cache_now() < cache->shared->fresh_until
           && cache->shared->database == cache->database;
}


/* Are the zone's answers of the database that this worker reads? */

ngx_uint_t
ngx_http_magasin_cache_usable(ngx_http_magasin_cache_t *cache)
{
    return cache->shared->database == cache->database;
}


/*
 * A read, whose key and tags are still to be given.  `data` is for the
 * client's callbacks.  It lives as long as the pool, and has to be closed.
 * NULL: memory.
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


/* Equal reads have one key, which lives as long as the read. */

void
ngx_http_magasin_cache_read_key(ngx_http_magasin_cache_read_t *cr,
    ngx_str_t *key)
{
    cr->question.key = *key;
    cr->question.hash = (ngx_uint_t) ngx_http_magasin_text_hash(0, key);
}


/*
 * The answer depends on this tag, too: NGX_HTTP_MAGASIN_TAG_READS of them at
 * most, with the one that all answers depend on.
 */

void
ngx_http_magasin_cache_read_tag(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_tag_e kind, int64_t first, int64_t second)
{
    cr->question.slots[cr->question.nslots++] =
        ngx_http_magasin_tag_slot(kind, first, second);
}


/*
 * head: of a long answer its length will do.  fetch: no answer will do that
 * was there before the read.  spent: the microseconds in Redis are added
 * there.
 */

void
ngx_http_magasin_cache_read_options(ngx_http_magasin_cache_read_t *cr,
    ngx_uint_t head, ngx_uint_t fetch, uint64_t *spent)
{
    cr->head = head;
    cr->spent = spent;

    if (fetch) {
        cr->fetch = 1;
        cr->question.after = ngx_http_magasin_store_last(&cr->cache->store);
    }
}


/*
 * The answer to a read.
 *
 * NGX_OK: take() has it.  NGX_DECLINED: run the statement, then call _ran()
 * and _fill() or _refuse(), or else _failed().  NGX_AGAIN: done() will be
 * called, from the event loop.  NGX_ERROR: memory.
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
    ngx_uint_t                  levels;
    ngx_http_magasin_cache_t   *cache;
    ngx_http_magasin_store_e    mode;
    ngx_http_magasin_answer_t   answer;

    cache = cr->cache;
    levels = cr->conf->levels;

    mode = cr->fetch ? NGX_HTTP_MAGASIN_STORE_FETCH
           : (levels & NGX_HTTP_MAGASIN_CACHE_L1)
             ? NGX_HTTP_MAGASIN_STORE_FIND : NGX_HTTP_MAGASIN_STORE_JOIN;

    ngx_http_magasin_store_capture(&cache->store, &cr->question);
    ngx_http_magasin_cache_want(cr, &answer);

    rc = ngx_http_magasin_store_find(&cache->store, &cr->question, mode,
                                     ngx_http_magasin_cache_fresh(cache),
                                     cr->pool, &answer);

    switch (rc) {

    case NGX_OK:
        ngx_log_debug2(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                       "magasin cache: key %xi hit, %ui tags",
                       cr->question.hash, cr->question.nslots);

        if (cr->fetch) {

            /* Not what was there: what another's statement has brought. */

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

        return NGX_DECLINED;

    default: /* NGX_ERROR */
        return NGX_ERROR;
    }
}


/* What Redis has; or nothing, and then the statement is run. */

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

    ngx_http_magasin_store_fill(&cache->store, &cr->question, answer);

    answer->chain = NULL;

    if (answer->reader.pin) {

        /* It is read from there, and its memory is given back. */

        (void) ngx_pfree(cr->pool, answer->body.data);
        answer->body.data = NULL;
    }

    cr->leads = 0;
    ngx_http_magasin_flight_over(cache, cr->question.flight, NGX_OK, 0);

    ngx_http_magasin_cache_answer(cr, answer, NGX_HTTP_MAGASIN_CACHE_REDIS);

    cr->client->done(cr->data, NGX_OK, 0);
}


/* What a search for an answer to this read may bring. */

void
ngx_http_magasin_cache_want(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer)
{
    size_t  held;

    held = cr->cache->held;

    answer->head = cr->head;
    answer->age = 0;
    answer->room = held < NGX_HTTP_MAGASIN_CACHE_HELD
                   ? NGX_HTTP_MAGASIN_CACHE_HELD - held : 0;
}


/* Give an answer to the client; what is pinned is read piece by piece. */

void
ngx_http_magasin_cache_answer(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer, ngx_http_magasin_cache_e state)
{
    if (answer->body.data == NULL) {
        cr->reader = answer->reader;

    } else {
        ngx_http_magasin_cache_hold(cr, answer->body.len);
    }

    cr->client->take(cr->data, answer, state);
}


/*
 * Copy the next `size` bytes of a pinned answer to `p`; with `last` there are
 * no more to come.
 *
 * NGX_OK, or NGX_ERROR: the answer is gone; see _pin_read().
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


/* The flight that this read waited for brought nothing: try again. */

void
ngx_http_magasin_cache_retry(ngx_http_magasin_cache_read_t *cr)
{
    ngx_int_t  rc;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi tries again, round %ui, %M ms",
                   cr->question.hash, cr->rounds,
                   ngx_current_msec - cr->began);

    /* What others could not get in that time is not asked for once more. */

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
 * PostgreSQL does not answer: what is known still, when it is valid, or when
 * `magasin_cache_stale` allows what is not checked.
 *
 * NGX_OK: take() has it.  NGX_DECLINED: nothing.  NGX_ERROR: memory.
 */

ngx_int_t
ngx_http_magasin_cache_stale(ngx_http_magasin_cache_read_t *cr)
{
    ngx_int_t                       rc;
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

    ngx_http_magasin_store_capture(&cache->store, &cr->question);
    ngx_http_magasin_cache_want(cr, &answer);

    if (ngx_http_magasin_cache_fresh(cache)) {
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


/* The reader goes away, wherever the read is. */

void
ngx_http_magasin_cache_read_close(ngx_http_magasin_cache_read_t *cr)
{
    ngx_http_magasin_flight_leave(cr);
    ngx_http_magasin_pin_release(&cr->cache->store, &cr->reader);
    ngx_http_magasin_cache_hold(cr, 0);

    if (cr->asking) {
        ngx_http_magasin_redis_cancel(&cr->command);
        cr->asking = 0;
    }

    if (cr->leads) {
        ngx_http_magasin_store_close(&cr->cache->store, &cr->question, 0, 0);
        ngx_http_magasin_cache_end(cr, NGX_AGAIN, 0);
    }
}
