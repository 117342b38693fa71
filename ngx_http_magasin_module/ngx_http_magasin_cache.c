
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
#include "ngx_http_magasin_cache_redis.h"
#include "ngx_http_magasin_cache_poller.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_text.h"


static ngx_int_t ngx_http_magasin_cache_question(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_question_t *question);
static ngx_int_t ngx_http_magasin_cache_key(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *key);
static int64_t ngx_http_magasin_cache_id(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_scope_id_e which);
static ngx_uint_t ngx_http_magasin_cache_refused(ngx_http_request_t *r);
static ngx_uint_t ngx_http_magasin_cache_directive(u_char *p, u_char *end);
static ngx_int_t ngx_http_magasin_cache_round(ngx_http_magasin_ctx_t *ctx);
static void ngx_http_magasin_cache_redis_done(ngx_http_magasin_ctx_t *ctx,
    ngx_int_t rc, ngx_http_magasin_answer_t *answer);
static void ngx_http_magasin_cache_end(ngx_http_magasin_ctx_t *ctx,
    ngx_int_t rc, ngx_uint_t status);


/*
 * The cache of this worker; it polls the journal when no other worker of the
 * node does.  `redis` may be NULL.  NULL: memory.
 */

ngx_http_magasin_cache_t *
ngx_http_magasin_cache_create(ngx_cycle_t *cycle,
    ngx_http_magasin_zone_t *zone, ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_conf_t *redis_conf,
    ngx_http_magasin_pg_conf_t *pg_conf, ngx_str_t *database)
{
    ngx_http_magasin_cache_t  *cache;

    cache = ngx_pcalloc(cycle->pool, sizeof(ngx_http_magasin_cache_t));
    if (cache == NULL) {
        return NULL;
    }

    cache->zone = zone;
    cache->shared = &zone->shared->cache;
    cache->redis = redis;
    cache->redis_conf = redis_conf;
    cache->pg_conf = pg_conf;
    cache->log = cycle->log;

    cache->database = ngx_hash_key(database->data, database->len) | 1;

    /* A new zone is this database's; for another one the poller changes it. */

    (void) ngx_atomic_cmp_set(&cache->shared->database, 0, cache->database);

    ngx_queue_init(&cache->flights);

    cache->timer.handler = ngx_http_magasin_flight_look;
    cache->timer.data = cache;
    cache->timer.log = cycle->log;

    /* Who had this place before was killed, perhaps in the middle of reads. */

    ngx_http_magasin_zone_lock(zone);
    ngx_http_magasin_pin_sweep(zone, 1);
    ngx_http_magasin_zone_unlock(zone);

    cache->poller = ngx_http_magasin_poller_create(cycle, cache);

    return cache->poller ? cache : NULL;
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


/*
 * The answer to a read whose parameters are bound.
 *
 * NGX_OK: it is in ctx.  NGX_DECLINED: run the statement, then call _fill()
 * or _failed().  NGX_AGAIN: done() will be called, from the event loop.
 * NGX_ERROR: memory.
 */

ngx_int_t
ngx_http_magasin_cache_read(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_cache_read_pt done)
{
    ngx_http_magasin_cache_t          *cache;
    ngx_http_magasin_cache_conf_t     *conf;
    ngx_http_magasin_loc_conf_t       *mlcf;
    ngx_http_magasin_main_conf_t      *mmcf;
    ngx_http_magasin_cache_request_t  *cr;

    mmcf = ngx_http_get_module_main_conf(ctx->request,
                                         ngx_http_magasin_module);
    mlcf = ngx_http_get_module_loc_conf(ctx->request,
                                        ngx_http_magasin_module);
    cache = mmcf->cache;
    conf = &mlcf->cache;

    ctx->cache_state = NGX_HTTP_MAGASIN_CACHE_NOT_USED;

    if (cache == NULL
        || conf->levels == NGX_HTTP_MAGASIN_CACHE_OFF
        || ctx->endpoint->reads[0].kind == NGX_HTTP_MAGASIN_SCOPE_NONE)
    {
        return NGX_DECLINED;
    }

    ctx->cache_state = NGX_HTTP_MAGASIN_CACHE_MISS;

    if (cache->shared->database != cache->database) {
        return NGX_DECLINED;
    }

    cr = ngx_pcalloc(ctx->request->pool,
                     sizeof(ngx_http_magasin_cache_request_t));
    if (cr == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_magasin_cache_question(ctx, &cr->question) != NGX_OK) {
        return NGX_ERROR;
    }

    cr->ctx = ctx;
    cr->cache = cache;
    cr->conf = conf;
    cr->done = done;
    ctx->cached = cr;

    if (ngx_http_magasin_cache_refused(ctx->request)) {
        ctx->cache_state = NGX_HTTP_MAGASIN_CACHE_BYPASS;
        cr->fetch = 1;
        cr->question.after = ngx_http_magasin_store_last(cache->zone);
    }

    return ngx_http_magasin_cache_round(ctx);
}


/* NGX_OK or NGX_ERROR (memory). */

static ngx_int_t
ngx_http_magasin_cache_question(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_question_t *question)
{
    ngx_uint_t                            i;
    const ngx_http_magasin_scope_spec_t  *spec;

    if (ngx_http_magasin_cache_key(ctx, &question->key) != NGX_OK) {
        return NGX_ERROR;
    }

    question->hash = (ngx_uint_t) ngx_http_magasin_text_hash(0,
                                                             &question->key);

    question->slots[0] = NGX_HTTP_MAGASIN_SCOPE_ALL;
    question->nslots = 1;

    for (i = 0; i < NGX_HTTP_MAGASIN_SCOPE_SPECS; i++) {
        spec = &ctx->endpoint->reads[i];

        if (spec->kind == NGX_HTTP_MAGASIN_SCOPE_NONE) {
            break;
        }

        question->slots[question->nslots++] =
            ngx_http_magasin_scope_slot(spec->kind,
                               ngx_http_magasin_cache_id(ctx, spec->first),
                               ngx_http_magasin_cache_id(ctx, spec->second));
    }

    return NGX_OK;
}


/*
 * Equal questions have one key: the endpoint, the statement where the endpoint
 * has several, and the parameters that it takes, after defaults.  What else a
 * request says, such as the host and parameters that the endpoint does not
 * know, only its links repeat, and these are not kept.
 */

static ngx_int_t
ngx_http_magasin_cache_key(ngx_http_magasin_ctx_t *ctx, ngx_str_t *key)
{
    size_t                        size;
    u_char                       *p;
    ngx_uint_t                    i;
    const char                   *statement;
    ngx_http_magasin_pg_job_t    *job;
    ngx_http_magasin_endpoint_t  *endpoint;

    job = &ctx->job;
    endpoint = ctx->endpoint;
    statement = "";

    if (job->statement != endpoint->statement) {
        statement = ngx_http_magasin_pg_statement_name(job->statement);
    }

    size = endpoint->name.len + 1 + ngx_strlen(statement);

    for (i = 0; i < job->nvalues; i++) {
        size += 2 + (job->values[i] ? ngx_strlen(job->values[i]) : 0);
    }

    p = ngx_pnalloc(ctx->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    key->data = p;

    p = ngx_cpymem(p, endpoint->name.data, endpoint->name.len);
    *p++ = ':';
    p = ngx_cpymem(p, statement, ngx_strlen(statement));

    for (i = 0; i < job->nvalues; i++) {
        *p++ = '\0';

        if (job->values[i]) {
            *p++ = '=';
            p = ngx_cpymem(p, job->values[i], ngx_strlen(job->values[i]));
        }
    }

    key->len = p - key->data;

    return NGX_OK;
}


static int64_t
ngx_http_magasin_cache_id(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_scope_id_e which)
{
    switch (which) {

    case NGX_HTTP_MAGASIN_SCOPE_FIRST_ID:
        return ngx_http_magasin_scope_id((char *) ctx->ids[0].text.data);

    case NGX_HTTP_MAGASIN_SCOPE_SECOND_ID:
        return ngx_http_magasin_scope_id((char *) ctx->ids[1].text.data);

    case NGX_HTTP_MAGASIN_SCOPE_FIRST_VALUE:
        return ngx_http_magasin_scope_id(ctx->job.values[0]);

    default: /* NGX_HTTP_MAGASIN_SCOPE_NO_ID */
        return 0;
    }
}


/*
 * Does the client want an answer that is newer than its request?  RFC 9111,
 * 5.2.1: no-cache, no-store, max-age=0.
 */

static ngx_uint_t
ngx_http_magasin_cache_refused(ngx_http_request_t *r)
{
    u_char                      *p, *end, *next;
    ngx_str_t                   *value;
    ngx_http_magasin_headers_t   headers;

    ngx_http_magasin_headers(r, NGX_HTTP_MAGASIN_HEADER_CACHE_CONTROL,
                             &headers);

    while ((value = ngx_http_magasin_headers_next(&headers)) != NULL) {
        end = value->data + value->len;

        for (p = value->data; p < end; p = next + 1) {
            next = ngx_strlchr(p, end, ',');
            next = next ? next : end;

            if (ngx_http_magasin_cache_directive(p, next)) {
                return 1;
            }
        }
    }

    return 0;
}


/* One directive, with blanks around it; max-age=00 counts, too. */

static ngx_uint_t
ngx_http_magasin_cache_directive(u_char *p, u_char *end)
{
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }

    if (end - p < (ssize_t) sizeof("no-cache") - 1) {
        return 0;
    }

    if (ngx_strncasecmp(p, (u_char *) "max-age=", sizeof("max-age=") - 1)
        == 0)
    {
        p += sizeof("max-age=") - 1;

        if (p == end) {
            return 0;
        }

        while (p < end && *p == '0') {
            p++;
        }

        return p == end;
    }

    if (ngx_strncasecmp(p, (u_char *) "no-cache", sizeof("no-cache") - 1) != 0
        && ngx_strncasecmp(p, (u_char *) "no-store", sizeof("no-store") - 1)
           != 0)
    {
        return 0;
    }

    p += sizeof("no-cache") - 1;

    return p == end || *p == '=' || *p == ' ';
}


/* One attempt at an answer; the codes are those of _read(). */

static ngx_int_t
ngx_http_magasin_cache_round(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                          rc;
    ngx_uint_t                         levels;
    ngx_http_magasin_cache_t          *cache;
    ngx_http_magasin_store_e           mode;
    ngx_http_magasin_answer_t          answer;
    ngx_http_magasin_cache_request_t  *cr;

    cr = ctx->cached;
    cache = cr->cache;
    levels = cr->conf->levels;

    mode = cr->fetch ? NGX_HTTP_MAGASIN_STORE_FETCH
           : (levels & NGX_HTTP_MAGASIN_CACHE_L1)
             ? NGX_HTTP_MAGASIN_STORE_FIND : NGX_HTTP_MAGASIN_STORE_JOIN;

    ngx_http_magasin_store_capture(cache->zone, &cr->question);
    ngx_http_magasin_cache_want(ctx, &answer);

    rc = ngx_http_magasin_store_find(cache->zone, &cr->question, mode,
                                     ngx_http_magasin_cache_fresh(cache),
                                     ctx->request->pool, &answer);

    switch (rc) {

    case NGX_OK:
        if (cr->fetch) {

            /* Not what was there: what another's statement has brought. */

            ngx_http_magasin_count(cache->shared->counters.coalesced);
            ngx_http_magasin_cache_answer(ctx, &answer,
                                          NGX_HTTP_MAGASIN_CACHE_COALESCED);
            return NGX_OK;
        }

        ngx_http_magasin_count(cache->shared->counters.hits);
        ngx_http_magasin_cache_answer(ctx, &answer,
                                      NGX_HTTP_MAGASIN_CACHE_HIT);
        return NGX_OK;

    case NGX_AGAIN:
        return ngx_http_magasin_flight_join(ctx);

    case NGX_DECLINED:
        cr->leads = 1;

        if (!cr->fetch && (levels & NGX_HTTP_MAGASIN_CACHE_L2)
            && ngx_http_magasin_cache_redis_read(cache, ctx,
                                       ngx_http_magasin_cache_redis_done)
               == NGX_OK)
        {
            return NGX_AGAIN;
        }

        return NGX_DECLINED;

    case NGX_BUSY:
        return NGX_DECLINED;

    default: /* NGX_ERROR */
        return NGX_ERROR;
    }
}


/* What Redis has; or nothing, and then the statement is run. */

static void
ngx_http_magasin_cache_redis_done(ngx_http_magasin_ctx_t *ctx, ngx_int_t rc,
    ngx_http_magasin_answer_t *answer)
{
    ngx_http_magasin_cache_t          *cache;
    ngx_http_magasin_cache_request_t  *cr;

    cr = ctx->cached;
    cache = cr->cache;

    if (rc == NGX_OK) {
        ngx_http_magasin_count(cache->shared->counters.redis_hits);

        answer->stored = cr->question.captured;
        answer->direct = 0;

        ngx_http_magasin_cache_answer(ctx, answer,
                                      NGX_HTTP_MAGASIN_CACHE_REDIS);
    }

    if (rc == NGX_OK && !ctx->json.failed) {
        answer->chain = ctx->json.first;
        answer->size = ctx->json.size;

        ngx_http_magasin_store_fill(cache->zone, &cr->question, answer);
        ngx_http_magasin_cache_stored(ctx, answer);

        cr->leads = 0;
        ngx_http_magasin_flight_over(cache, cr->question.flight, NGX_OK, 0);
    }

    cr->done(ctx, rc, 0);
}


/* What a search for an answer to this request may bring. */

void
ngx_http_magasin_cache_want(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_answer_t *answer)
{
    ngx_http_magasin_cache_t  *cache;

    cache = ctx->cached->cache;

    /* With links it is not enough to know the length of what is stored. */

    answer->head = (ctx->request->method == NGX_HTTP_HEAD
                    && ctx->endpoint->page == NULL);
    answer->room = 0;

    if (cache->held < NGX_HTTP_MAGASIN_CACHE_HELD) {
        answer->room = NGX_HTTP_MAGASIN_CACHE_HELD - cache->held;
    }
}


/* Put an answer into ctx, to be sent; what is pinned is read piece by piece. */

void
ngx_http_magasin_cache_answer(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_answer_t *answer, ngx_http_magasin_cache_e state)
{
    ngx_http_magasin_reply_begin(ctx, NGX_HTTP_OK);

    ctx->cache_state = state;
    ctx->etag = answer->etag;

    /* All links stand before the rows, in the first piece. */

    if (ngx_http_magasin_links_unpack(ctx, &answer->links,
                          ngx_min(answer->body.len, NGX_HTTP_MAGASIN_PIN_PIECE))
        != NGX_OK)
    {
        ctx->json.failed = 1;
    }

    if (answer->body.data == NULL) {
        ctx->cached->reader = answer->reader;
        ctx->rest = answer->body.len;
        return;
    }

    ngx_http_magasin_json_take(&ctx->json, &answer->body);
    ngx_http_magasin_cache_hold(ctx->cached, answer->body.len);
}


/*
 * The answer in ctx was given to level 1.  Where it is pinned there, it is
 * read from there, and its memory is given back.
 */

void
ngx_http_magasin_cache_stored(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_answer_t *answer)
{
    ngx_http_magasin_cache_request_t  *cr;

    cr = ctx->cached;

    if (answer->reader.pin == NULL) {
        ngx_http_magasin_cache_hold(cr, ctx->json.size);
        return;
    }

    cr->reader = answer->reader;
    ctx->rest = answer->size;

    ngx_http_magasin_json_free(&ctx->json);
    ngx_http_magasin_cache_hold(cr, 0);
}


/*
 * Bytes of its answer that a request has in its own memory from here on; what
 * a piece takes does not count.
 */

void
ngx_http_magasin_cache_hold(ngx_http_magasin_cache_request_t *cr, size_t size)
{
    if (size <= NGX_HTTP_MAGASIN_PIN_SHORT) {
        size = 0;
    }

    cr->cache->held += size - cr->held;
    cr->held = size;
}


/* Do others hold so much that this one should not? */

ngx_uint_t
ngx_http_magasin_cache_full(ngx_http_magasin_cache_request_t *cr)
{
    return cr->cache->held - cr->held >= NGX_HTTP_MAGASIN_CACHE_HELD;
}


/* What there was of the answer has left, and its memory was given back. */

void
ngx_http_magasin_cache_sent(ngx_http_magasin_ctx_t *ctx)
{
    if (ctx->cached) {
        ngx_http_magasin_cache_hold(ctx->cached, 0);
    }
}


/*
 * The next piece of a pinned answer, in place of what was in ctx->json, which
 * has left.  With the last one ctx is complete.
 *
 * NGX_OK, or NGX_ERROR: memory, or the answer is gone; see _pin_read().
 */

ngx_int_t
ngx_http_magasin_cache_piece(ngx_http_magasin_ctx_t *ctx)
{
    size_t                             size;
    ngx_buf_t                         *b;
    ngx_str_t                          text;
    ngx_http_magasin_cache_request_t  *cr;

    cr = ctx->cached;

    if (ctx->json.first
        && ctx->json.first->buf->end - ctx->json.first->buf->start
           < NGX_HTTP_MAGASIN_PIN_PIECE)
    {
        /* It was cut in two, for a link. */

        ngx_http_magasin_json_free(&ctx->json);
    }

    if (ctx->json.first == NULL) {
        text.len = NGX_HTTP_MAGASIN_PIN_PIECE;
        text.data = ngx_palloc(ctx->request->pool, text.len);

        if (text.data == NULL) {
            return NGX_ERROR;
        }

        ngx_http_magasin_json_take(&ctx->json, &text);

        if (ctx->json.failed) {
            return NGX_ERROR;
        }
    }

    b = ctx->json.first->buf;
    size = ngx_min(ctx->rest, NGX_HTTP_MAGASIN_PIN_PIECE);

    if (ngx_http_magasin_pin_read(cr->cache->zone, &cr->reader, b->start,
                                  size, size == ctx->rest)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "magasin: an answer was lost in shared memory while it "
                      "was sent");
        return NGX_ERROR;
    }

    b->pos = b->start;
    b->last = b->start + size;

    ctx->json.size = size;
    ctx->rest -= size;
    ctx->complete = (ctx->rest == 0);

    return NGX_OK;
}


/* The flight that this read waited for brought nothing: try again. */

void
ngx_http_magasin_cache_retry(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                          rc;
    ngx_http_magasin_cache_request_t  *cr;

    cr = ctx->cached;

    rc = NGX_DECLINED;

    if (cr->rounds++ < NGX_HTTP_MAGASIN_CACHE_ROUNDS) {
        rc = ngx_http_magasin_cache_round(ctx);
    }

    if (rc != NGX_AGAIN) {
        cr->done(ctx, rc, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/*
 * Is an answer of several pieces to be gathered, to be stored and sent as a
 * whole?  Not when it has grown too large, nor when others hold too much:
 * that ends the flight.
 */

ngx_uint_t
ngx_http_magasin_cache_gathers(ngx_http_magasin_ctx_t *ctx)
{
    ngx_uint_t                         too_large;
    ngx_http_magasin_cache_t          *cache;
    ngx_http_magasin_cache_request_t  *cr;

    cr = ctx->cached;

    if (cr == NULL || !cr->leads) {
        return 0;
    }

    cache = cr->cache;
    too_large = ctx->json.size > cr->conf->max_size;

    ngx_http_magasin_cache_hold(cr, ctx->json.size);

    if (!too_large && (ctx->complete || !ngx_http_magasin_cache_full(cr))) {
        return 1;
    }

    if (too_large) {
        ngx_http_magasin_count(cache->shared->counters.too_large);
    }

    ngx_http_magasin_store_close(cache->zone, &cr->question, too_large);
    ngx_http_magasin_cache_end(ctx, NGX_DECLINED, 0);

    return 0;
}


/*
 * The statement has run and the answer in ctx is whole: keep it, when it is
 * one to keep, and let those who wait have it.  NGX_OK or NGX_ERROR (memory).
 */

ngx_int_t
ngx_http_magasin_cache_fill(ngx_http_magasin_ctx_t *ctx)
{
    uint64_t                           ttl;
    ngx_http_magasin_cache_t          *cache;
    ngx_http_magasin_answer_t          answer;
    ngx_http_magasin_cache_conf_t     *conf;
    ngx_http_magasin_cache_request_t  *cr;

    cr = ctx->cached;

    if (cr == NULL) {
        return NGX_OK;
    }

    cache = cr->cache;
    conf = cr->conf;

    (void) ngx_atomic_fetch_add(cr->fetch ? &cache->shared->counters.bypassed
                                          : &cache->shared->counters.misses,
                                1);

    if (!cr->leads || !ngx_http_magasin_cache_gathers(ctx)) {
        return NGX_OK;
    }

    if (ctx->status != NGX_HTTP_OK || ctx->json.failed) {
        ngx_http_magasin_store_close(cache->zone, &cr->question, 0);
        ngx_http_magasin_cache_end(ctx, NGX_DECLINED, 0);
        return NGX_OK;
    }

    if (ngx_http_magasin_reply_validator(ctx) != NGX_OK
        || ngx_http_magasin_links_pack(ctx, &answer.links) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* Not all that was stored together ends together. */

    ttl = conf->ttl - ngx_random() % (conf->ttl / 8 + 1);

    answer.etag = ctx->etag;
    answer.direct = 1;
    answer.chain = ctx->json.first;
    answer.size = ctx->json.size;
    answer.stored = cr->question.captured;
    answer.expires = cr->question.captured + ttl;

    if (ctx->valid_for) {
        answer.expires = ngx_min(answer.expires,
                                 cr->question.captured + ctx->valid_for - 1);
    }

    ngx_http_magasin_store_fill(cache->zone, &cr->question, &answer);

    if (conf->levels & NGX_HTTP_MAGASIN_CACHE_L2) {
        ngx_http_magasin_cache_redis_store(cache, cr, &answer);
    }

    ngx_http_magasin_cache_stored(ctx, &answer);
    ngx_http_magasin_cache_end(ctx, NGX_OK, 0);

    return NGX_OK;
}


/* The statement had no rows, for `status`: so it is for those who wait. */

void
ngx_http_magasin_cache_failed(ngx_http_magasin_ctx_t *ctx, ngx_uint_t status)
{
    ngx_http_magasin_cache_request_t  *cr;

    cr = ctx->cached;

    if (cr == NULL || !cr->leads) {
        return;
    }

    ngx_http_magasin_store_close(cr->cache->zone, &cr->question, 0);
    ngx_http_magasin_cache_end(ctx, NGX_ERROR, status);
}


static void
ngx_http_magasin_cache_end(ngx_http_magasin_ctx_t *ctx, ngx_int_t rc,
    ngx_uint_t status)
{
    ngx_http_magasin_cache_request_t  *cr;

    cr = ctx->cached;
    cr->leads = 0;

    ngx_http_magasin_flight_over(cr->cache, cr->question.flight, rc, status);
}


/*
 * PostgreSQL does not answer: what is known still, when it is valid, or when
 * `magasin_cache_stale` allows what is not checked.
 *
 * NGX_OK: it is in ctx.  NGX_DECLINED: nothing.  NGX_ERROR: memory.
 */

ngx_int_t
ngx_http_magasin_cache_stale(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                          rc;
    ngx_uint_t                         fresh;
    ngx_http_magasin_cache_t          *cache;
    ngx_http_magasin_answer_t          answer;
    ngx_http_magasin_cache_conf_t     *conf;
    ngx_http_magasin_cache_request_t  *cr;

    cr = ctx->cached;

    if (cr == NULL || cr->fetch
        || !(cr->conf->levels & NGX_HTTP_MAGASIN_CACHE_L1))
    {
        return NGX_DECLINED;
    }

    cache = cr->cache;
    conf = cr->conf;

    if (cache->shared->database != cache->database) {
        return NGX_DECLINED;
    }

    fresh = ngx_http_magasin_cache_fresh(cache);

    ngx_http_magasin_store_capture(cache->zone, &cr->question);
    ngx_http_magasin_cache_want(ctx, &answer);

    if (fresh) {
        rc = ngx_http_magasin_store_stale(cache->zone, &cr->question, 0,
                                          ctx->request->pool, &answer);

        if (rc == NGX_OK) {
            ngx_http_magasin_cache_answer(ctx, &answer,
                                          NGX_HTTP_MAGASIN_CACHE_HIT);
        }

        if (rc != NGX_DECLINED) {
            return rc == NGX_BUSY ? NGX_DECLINED : rc;
        }
    }

    if (conf->stale == 0) {
        return NGX_DECLINED;
    }

    rc = ngx_http_magasin_store_stale(cache->zone, &cr->question, conf->stale,
                                      ctx->request->pool, &answer);
    if (rc != NGX_OK) {
        return rc == NGX_BUSY ? NGX_DECLINED : rc;
    }

    ngx_http_magasin_count(cache->shared->counters.stale);

    ngx_http_magasin_cache_answer(ctx, &answer,
                                  NGX_HTTP_MAGASIN_CACHE_STALE);

    ctx->age = (cr->question.captured - answer.stored) / 1000;

    return NGX_OK;
}


/* The request goes away, wherever it is. */

void
ngx_http_magasin_cache_cleanup(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_cache_request_t  *cr;

    ngx_http_magasin_cache_write_cleanup(ctx);

    cr = ctx->cached;

    if (cr == NULL) {
        return;
    }

    ngx_http_magasin_flight_leave(ctx);
    ngx_http_magasin_pin_release(cr->cache->zone, &cr->reader);
    ngx_http_magasin_cache_hold(cr, 0);

    if (cr->asking) {
        ngx_http_magasin_redis_cancel(&cr->command);
        cr->asking = 0;
    }

    if (cr->leads) {
        ngx_http_magasin_store_close(cr->cache->zone, &cr->question, 0);
        ngx_http_magasin_cache_end(ctx, NGX_AGAIN, 0);
    }
}
