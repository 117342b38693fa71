
/* Level 2: check the answers that come from Redis, and store answers there. */


#include "ngx_http_magasin_cache_redis_internal.h"
#include "ngx_http_magasin_text.h"


/* The head of a value: three lengths of 8 hexadecimal digits each. */
#define NGX_HTTP_MAGASIN_CACHE_HEAD        24

/* Bytes at most of an entity tag. */
#define NGX_HTTP_MAGASIN_CACHE_ETAG        128


/* A command that stores an answer; no read waits for it. */
struct ngx_http_magasin_cache_stored_s {
    ngx_http_magasin_redis_command_t    command;
    ngx_http_magasin_cache_t           *cache;
    ngx_http_magasin_cache_stored_t    *next;       /* of the free ones */
};


static ngx_int_t ngx_http_magasin_cache_redis_split(
    ngx_http_magasin_cache_read_t *cr, ngx_str_t *value, ngx_str_t *etag,
    ngx_str_t *links, ngx_str_t *body);
static ngx_uint_t ngx_http_magasin_cache_redis_sound(
    ngx_http_magasin_cache_read_t *cr, ngx_http_magasin_answer_t *answer);
static void ngx_http_magasin_cache_redis_stored(
    ngx_http_magasin_redis_command_t *command, redisReply *reply);


/*
 * Take an answer as _store() has written it; it has `left` milliseconds to
 * live.  NGX_OK: `answer` is set, in memory of the pool.  NGX_DECLINED: it is
 * not valid, or there is no memory.
 */

ngx_int_t
ngx_http_magasin_cache_redis_take(ngx_http_magasin_cache_read_t *cr,
    ngx_str_t *value, int64_t left, ngx_http_magasin_answer_t *answer)
{
    u_char     *p;
    ngx_str_t   etag, links, body;

    /* Shortly before it expires one read fetches it anew, for all nodes. */

    if (left <= (int64_t) (cr->conf->ttl / NGX_HTTP_MAGASIN_STORE_EARLY)
        || left <= 0
        || ngx_http_magasin_cache_redis_split(cr, value, &etag, &links, &body)
           != NGX_OK
        || body.len > cr->conf->max_size
        || (body.len > NGX_HTTP_MAGASIN_PIN_SHORT
            && ngx_http_magasin_cache_full(cr)))
    {
        return NGX_DECLINED;
    }

    /* The body is allocated alone: it is freed when the answer is pinned. */

    p = ngx_pnalloc(cr->pool, etag.len + links.len + 1);
    answer->body.data = ngx_pnalloc(cr->pool, body.len + 1);

    if (p == NULL || answer->body.data == NULL) {
        return NGX_DECLINED;
    }

    answer->etag.data = p;
    answer->etag.len = etag.len;
    p = ngx_cpymem(p, etag.data, etag.len);

    answer->links.data = p;
    answer->links.len = links.len;
    ngx_memcpy(p, links.data, links.len);

    answer->body.len = body.len;
    ngx_memcpy(answer->body.data, body.data, body.len);

    if (!ngx_http_magasin_cache_redis_sound(cr, answer)) {
        (void) ngx_pfree(cr->pool, answer->body.data);
        return NGX_DECLINED;
    }

    /* Counted from the capture: the reply took some time to arrive. */

    answer->expires = cr->question.captured
                      + ngx_min(left, (int64_t) cr->conf->ttl);

    return NGX_OK;
}


/*
 * Find the parts of a value.  It repeats its key: two keys may have one MD5.
 * NGX_OK, or NGX_DECLINED: it has another key, or another form.
 */

static ngx_int_t
ngx_http_magasin_cache_redis_split(ngx_http_magasin_cache_read_t *cr,
    ngx_str_t *value, ngx_str_t *etag, ngx_str_t *links, ngx_str_t *body)
{
    u_char      *p;
    size_t       rest;
    ngx_int_t    lens[3];
    ngx_uint_t   i;

    if (value->len < NGX_HTTP_MAGASIN_CACHE_HEAD) {
        return NGX_DECLINED;
    }

    rest = value->len - NGX_HTTP_MAGASIN_CACHE_HEAD;

    for (i = 0; i < 3; i++) {
        lens[i] = ngx_hextoi(value->data + i * 8, 8);

        if (lens[i] < 0 || (size_t) lens[i] > rest) {
            return NGX_DECLINED;
        }

        rest -= lens[i];
    }

    p = value->data + NGX_HTTP_MAGASIN_CACHE_HEAD;

    if ((size_t) lens[0] != cr->question.key.len
        || ngx_memcmp(p, cr->question.key.data, lens[0]) != 0)
    {
        return NGX_DECLINED;
    }

    etag->data = p + lens[0];
    etag->len = lens[1];
    links->data = etag->data + lens[1];
    links->len = lens[2];
    body->data = links->data + lens[2];
    body->len = rest;

    return NGX_OK;
}


/*
 * Redis is not trusted.  The entity tag and the links must be fit for a header,
 * and the body must be UTF-8 without control characters that begins and ends
 * as JSON.  1: they are; 0: they are not.
 */

static ngx_uint_t
ngx_http_magasin_cache_redis_sound(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer)
{
    size_t   i;
    u_char  *p;

    p = answer->etag.data;

    if (answer->etag.len < 3
        || answer->etag.len > NGX_HTTP_MAGASIN_CACHE_ETAG
        || p[0] != '"' || p[answer->etag.len - 1] != '"')
    {
        return 0;
    }

    for (i = 1; i < answer->etag.len - 1; i++) {
        if (p[i] <= ' ' || p[i] > '~' || p[i] == '"') {
            return 0;
        }
    }

    if (!cr->client->sound(cr->data, answer)) {
        return 0;
    }

    p = answer->body.data;

    if (answer->body.len < 2
        || !((p[0] == '{' && p[answer->body.len - 1] == '}')
             || (p[0] == '[' && p[answer->body.len - 1] == ']')))
    {
        return 0;
    }

    for (i = 0; i < answer->body.len; i++) {
        if (p[i] < ' ') {
            return 0;
        }
    }

    return ngx_http_magasin_text_valid(&answer->body);
}


/*
 * Store an answer under the generations that Redis gave when it was asked.
 * Without these, or when Redis is not usable, nothing is stored.  The read does
 * not wait for it.
 */

void
ngx_http_magasin_cache_redis_store(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_cache_read_t *cr, ngx_http_magasin_answer_t *answer)
{
    u_char                            namespace[NGX_HTTP_MAGASIN_NAMESPACE];
    u_char                            key[NGX_HTTP_MAGASIN_CACHE_KEY];
    u_char                            ttl[NGX_INT64_LEN];
    u_char                           *p, *value;
    size_t                            size;
    uint64_t                          now;
    ngx_chain_t                      *cl;
    ngx_http_magasin_args_t           args;
    ngx_http_magasin_cache_stored_t  *stored;

    now = ngx_http_magasin_now();

    if (cr->generations.len == 0 || answer->expires <= now
        || !ngx_http_magasin_cache_redis_usable(cache)
        || ngx_http_magasin_cache_namespace(cache, namespace) != NGX_OK)
    {
        return;
    }

    size = NGX_HTTP_MAGASIN_CACHE_HEAD + cr->question.key.len
           + answer->etag.len + answer->links.len + answer->size;

    /* The reply that reads it would be too long. */

    if (size > NGX_HTTP_MAGASIN_REDIS_REPLY
               - 2 * NGX_HTTP_MAGASIN_CACHE_GENERATIONS)
    {
        return;
    }

    value = ngx_pnalloc(cr->pool, size);
    if (value == NULL) {
        return;
    }

    stored = cache->stored;

    if (stored) {
        cache->stored = stored->next;

    } else {
        stored = ngx_pcalloc(ngx_cycle->pool,
                             sizeof(ngx_http_magasin_cache_stored_t));
        if (stored == NULL) {
            return;
        }
    }

    p = ngx_sprintf(value, "%08xz%08xz%08xz", cr->question.key.len,
                    answer->etag.len, answer->links.len);
    p = ngx_cpymem(p, cr->question.key.data, cr->question.key.len);
    p = ngx_cpymem(p, answer->etag.data, answer->etag.len);
    p = ngx_cpymem(p, answer->links.data, answer->links.len);

    for (cl = answer->chain; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    ngx_http_magasin_cache_script(&args, NGX_HTTP_MAGASIN_LUA_STORE, 1, 1);

    p = ngx_http_magasin_cache_answer_key(key, namespace, &cr->question.key);
    ngx_http_magasin_cache_arg(&args, key, p - key);
    ngx_http_magasin_cache_arg(&args, cr->generations.data,
                               cr->generations.len);
    ngx_http_magasin_cache_arg(&args, value, size);

    p = ngx_sprintf(ttl, "%uL", answer->expires - now);
    ngx_http_magasin_cache_arg(&args, ttl, p - ttl);

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi to level 2, %uz bytes, ttl %uL ms",
                   cr->question.hash, size, answer->expires - now);

    stored->cache = cache;
    stored->command.done = ngx_http_magasin_cache_redis_stored;
    stored->command.data = stored;
    stored->command.expects = REDIS_REPLY_INTEGER;
    stored->command.log = cache->log;

    if (ngx_http_magasin_redis_command(cache->redis, &stored->command, args.n,
                                       args.argv, args.lens)
        != NGX_OK)
    {
        ngx_http_magasin_cache_redis_stored(&stored->command, NULL);
    }

    /* The command has a copy; the pool may live much longer. */

    (void) ngx_pfree(cr->pool, value);
}


static void
ngx_http_magasin_cache_redis_stored(ngx_http_magasin_redis_command_t *command,
    redisReply *reply)
{
    ngx_http_magasin_cache_stored_t  *stored;

    stored = command->data;

    stored->next = stored->cache->stored;
    stored->cache->stored = stored;
}
