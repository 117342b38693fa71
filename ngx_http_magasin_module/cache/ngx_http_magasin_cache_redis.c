
/* Level 2: read answers from Redis, check them, and store answers there. */


#include "ngx_http_magasin_cache_redis_internal.h"
#include "ngx_http_magasin_text.h"


/* Seconds until a generation expires: longer than any answer lives. */
#define NGX_HTTP_MAGASIN_CACHE_GENERATION  "86400"

/* Bytes of a token. */
#define NGX_HTTP_MAGASIN_CACHE_TOKEN       (16 + 1 + NGX_INT_T_LEN)

/* The head of a value: three lengths of 8 hexadecimal digits each. */
#define NGX_HTTP_MAGASIN_CACHE_HEAD        24

/* Bytes at most of the generations: their tokens may be those of another
 * version of the module. */
#define NGX_HTTP_MAGASIN_CACHE_GENERATIONS         4096

/* Bytes at most of an entity tag. */
#define NGX_HTTP_MAGASIN_CACHE_ETAG        128


/* A command that stores an answer; no read waits for it. */
struct ngx_http_magasin_cache_stored_s {
    ngx_http_magasin_redis_command_t    command;
    ngx_http_magasin_cache_t           *cache;
    ngx_http_magasin_cache_stored_t    *next;       /* of the free ones */
};


static ngx_int_t ngx_http_magasin_cache_redis_ask(
    ngx_http_magasin_cache_t *cache, ngx_http_magasin_cache_read_t *cr);
static void ngx_http_magasin_cache_redis_asked(
    ngx_http_magasin_redis_command_t *command, redisReply *reply);
static ngx_int_t ngx_http_magasin_cache_redis_parse(
    ngx_http_magasin_cache_read_t *cr, redisReply *reply,
    ngx_http_magasin_answer_t *answer);
static ngx_uint_t ngx_http_magasin_cache_redis_sound(
    ngx_http_magasin_cache_read_t *cr, ngx_http_magasin_answer_t *answer);
static void ngx_http_magasin_cache_redis_stored(
    ngx_http_magasin_redis_command_t *command, redisReply *reply);


/*
 * Ask Redis for the answer to the question of this read.
 *
 * NGX_OK: done() will be called, unless cr->command is cancelled before.
 * NGX_DECLINED: Redis cannot be asked.
 */

ngx_int_t
ngx_http_magasin_cache_redis_read(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_cache_read_t *cr, ngx_http_magasin_cache_redis_pt done)
{
    cr->redis_done = done;
    cr->evaluated = 0;

    if (!ngx_http_magasin_cache_redis_usable(cache)) {
        ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                       "magasin cache: level 2 not asked, redis %p, "
                       "debt %uA, paid %uA",
                       cache->redis, cache->shared->debt,
                       cache->shared->debt_paid);

        return NGX_DECLINED;
    }

    /* Only a read that level 1 does not answer needs the memory. */

    if (cr->command == NULL) {
        cr->command = ngx_pcalloc(cr->pool,
                                  sizeof(ngx_http_magasin_redis_command_t));
        if (cr->command == NULL) {
            return NGX_DECLINED;
        }
    }

    return ngx_http_magasin_cache_redis_ask(cache, cr);
}


/* Send the script: its digest first, its text if Redis does not know it. */

static ngx_int_t
ngx_http_magasin_cache_redis_ask(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_cache_read_t *cr)
{
    u_char                             namespace[NGX_HTTP_MAGASIN_NAMESPACE];
    u_char                             token[NGX_HTTP_MAGASIN_CACHE_TOKEN];
    u_char                             keys[NGX_HTTP_MAGASIN_TAG_READS + 1]
                                           [NGX_HTTP_MAGASIN_CACHE_KEY];
    u_char                            *p;
    ngx_uint_t                         i;
    ngx_http_magasin_args_t            args;
    ngx_http_magasin_question_t       *question;
    ngx_http_magasin_redis_command_t  *command;

    question = &cr->question;

    if (ngx_http_magasin_cache_namespace(cache, namespace) != NGX_OK) {
        ngx_log_debug0(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                       "magasin cache: level 2 not asked, no namespace");

        return NGX_DECLINED;
    }

    ngx_http_magasin_cache_script(&args, NGX_HTTP_MAGASIN_LUA_READ,
                                  cr->evaluated, question->nslots + 1);

    p = ngx_http_magasin_cache_answer_key(keys[0], namespace, &question->key);
    ngx_http_magasin_cache_arg(&args, keys[0], p - keys[0]);

    for (i = 0; i < question->nslots; i++) {
        p = ngx_http_magasin_cache_slot_key(keys[i + 1], namespace,
                                            question->slots[i]);
        ngx_http_magasin_cache_arg(&args, keys[i + 1], p - keys[i + 1]);
    }

    p = ngx_hex_dump(token, cache->shared->node, sizeof(cache->shared->node));
    p = ngx_sprintf(p, ".%ui",
                    (ngx_uint_t) ngx_atomic_fetch_add(&cache->shared->token,
                                                      1));
    ngx_http_magasin_cache_arg(&args, token, p - token);
    ngx_http_magasin_cache_arg(&args, NGX_HTTP_MAGASIN_CACHE_GENERATION,
                               sizeof(NGX_HTTP_MAGASIN_CACHE_GENERATION) - 1);

    command = cr->command;

    command->done = ngx_http_magasin_cache_redis_asked;
    command->data = cr;
    command->expects = REDIS_REPLY_ARRAY;
    command->spent = cr->spent;
    command->log = cr->log;

    if (ngx_http_magasin_redis_command(cache->redis, command, args.n,
                                       args.argv, args.lens)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi asked of level 2, script %d",
                   question->hash, cr->evaluated);

    cr->asking = 1;

    return NGX_OK;
}


static void
ngx_http_magasin_cache_redis_asked(ngx_http_magasin_redis_command_t *command,
    redisReply *reply)
{
    ngx_int_t                          rc;
    ngx_http_magasin_cache_t          *cache;
    ngx_http_magasin_answer_t          answer;
    ngx_http_magasin_cache_read_t  *cr;

    cr = command->data;
    cr->asking = 0;

    cache = cr->cache;

    if (ngx_http_magasin_cache_no_script(command) && !cr->evaluated) {
        cr->evaluated = 1;

        if (ngx_http_magasin_cache_redis_ask(cache, cr) == NGX_OK) {
            return;
        }
    }

    rc = reply ? ngx_http_magasin_cache_redis_parse(cr, reply, &answer)
               : NGX_DECLINED;

    /* Redis may have become unusable while the command was on its way. */

    if (rc == NGX_OK && !ngx_http_magasin_cache_redis_usable(cache)) {
        rc = NGX_DECLINED;
    }

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: level 2 answers key %xi, rc %i, "
                   "elements %uz, failure %d",
                   cr->question.hash, rc,
                   reply ? (size_t) reply->elements : 0,
                   (int) command->failure);

    cr->redis_done(cr, rc, &answer);
}


/*
 * Take the reply of read.lua.  It sets cr->generations if the reply has them.
 * NGX_OK: `answer` is set, in memory of the pool.  NGX_DECLINED: there is none,
 * or it is not valid, or there is no memory.
 */

static ngx_int_t
ngx_http_magasin_cache_redis_parse(ngx_http_magasin_cache_read_t *cr,
    redisReply *reply, ngx_http_magasin_answer_t *answer)
{
    u_char       *p;
    size_t        left;
    ngx_int_t     lens[3];
    ngx_str_t     text;
    ngx_uint_t    i;
    ngx_pool_t   *pool;

    pool = cr->pool;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[0]->len > NGX_HTTP_MAGASIN_CACHE_GENERATIONS)
    {
        return NGX_DECLINED;
    }

    text.data = (u_char *) reply->element[0]->str;
    text.len = reply->element[0]->len;

    cr->generations.data = ngx_pstrdup(pool, &text);
    if (cr->generations.data == NULL) {
        return NGX_DECLINED;
    }

    cr->generations.len = text.len;

    if (reply->elements != 3
        || reply->element[1]->type != REDIS_REPLY_STRING
        || reply->element[2]->type != REDIS_REPLY_INTEGER
        || reply->element[2]->integer <= 0
        || reply->element[1]->len < NGX_HTTP_MAGASIN_CACHE_HEAD)
    {
        return NGX_DECLINED;
    }

    text.data = (u_char *) reply->element[1]->str;
    text.len = reply->element[1]->len;

    left = text.len - NGX_HTTP_MAGASIN_CACHE_HEAD;

    for (i = 0; i < 3; i++) {
        lens[i] = ngx_hextoi(text.data + i * 8, 8);

        if (lens[i] < 0 || (size_t) lens[i] > left) {
            return NGX_DECLINED;
        }

        left -= lens[i];
    }

    /* The value repeats its key: two keys may have one MD5. */

    p = text.data + NGX_HTTP_MAGASIN_CACHE_HEAD;

    if ((size_t) lens[0] != cr->question.key.len
        || ngx_memcmp(p, cr->question.key.data, lens[0]) != 0)
    {
        return NGX_DECLINED;
    }

    /* Shortly before it expires one read fetches it anew, for all nodes. */

    if (left > cr->conf->max_size
        || (left > NGX_HTTP_MAGASIN_PIN_SHORT
            && ngx_http_magasin_cache_full(cr))
        || reply->element[2]->integer
           <= (long long) cr->conf->ttl / NGX_HTTP_MAGASIN_STORE_EARLY)
    {
        return NGX_DECLINED;
    }

    /* The body is allocated alone: it is freed when the answer is pinned. */

    text.data = p + lens[0];
    text.len = lens[1] + lens[2];

    p = ngx_pnalloc(pool, text.len + 1);
    answer->body.data = ngx_pnalloc(pool, left + 1);

    if (p == NULL || answer->body.data == NULL) {
        return NGX_DECLINED;
    }

    ngx_memcpy(p, text.data, text.len);
    ngx_memcpy(answer->body.data, text.data + text.len, left);

    answer->etag.data = p;
    answer->etag.len = lens[1];
    p += lens[1];

    answer->links.data = p;
    answer->links.len = lens[2];

    answer->body.len = left;

    if (!ngx_http_magasin_cache_redis_sound(cr, answer)) {
        (void) ngx_pfree(pool, answer->body.data);
        return NGX_DECLINED;
    }

    /* Counted from the capture: the reply took some time to arrive. */

    answer->expires = cr->question.captured
                      + ngx_min(reply->element[2]->integer,
                                (long long) cr->conf->ttl);

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

    now = ngx_http_magasin_cache_now();

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
