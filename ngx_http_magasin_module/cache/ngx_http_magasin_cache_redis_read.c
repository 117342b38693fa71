
/*
 * Level 2: ask Redis for an answer.
 *
 * Three plain commands go in one write, in this order: PTTL of the answer, MGET
 * of its generations, HMGET of the answer with the generations that it was
 * stored under and the time that it was given then.  They cost Redis a third of
 * a script.  It may do something else between them, which is harmless:
 *
 * - A token is never given out twice.  If the answer was stored under the
 *   generations that MGET saw, nothing had been invalidated in between.  So the
 *   answer was valid when MGET saw them, which was after this read began.
 * - If the answer is replaced after PTTL, the time is that of the old one, and
 *   that may be longer: answers are given different times.  So the shorter one
 *   of that and of the time that the new one was given counts.  Both count from
 *   the capture of this read, which was before PTTL, and so before the new one
 *   was stored.
 *
 * Only where a generation is missing, after an invalidation, a script has to
 * give it a token.  Where this node knows of the invalidation, the script is
 * asked at once, which saves a round trip.
 */


#include "ngx_http_magasin_cache_redis_internal.h"


/* Seconds until a generation expires: longer than any answer lives. */
#define NGX_HTTP_MAGASIN_CACHE_GENERATION  "86400"

/* Bytes of a token. */
#define NGX_HTTP_MAGASIN_CACHE_TOKEN       (16 + 1 + NGX_INT_T_LEN)


/* The keys of a read: the answer's, and those of its generations. */
typedef struct {
    ngx_uint_t   n;
    size_t       lens[NGX_HTTP_MAGASIN_TAG_READS + 1];
    u_char       data[NGX_HTTP_MAGASIN_TAG_READS + 1]
                     [NGX_HTTP_MAGASIN_CACHE_KEY];
} ngx_http_magasin_cache_keys_t;


static ngx_int_t ngx_http_magasin_cache_redis_keys(
    ngx_http_magasin_cache_read_t *cr, ngx_http_magasin_cache_keys_t *keys);
static ngx_int_t ngx_http_magasin_cache_redis_plain(
    ngx_http_magasin_cache_read_t *cr);
static ngx_int_t ngx_http_magasin_cache_redis_send(
    ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_redis_command_t *command,
    ngx_http_magasin_redis_done_pt done, int expects,
    ngx_http_magasin_args_t *args);
static void ngx_http_magasin_cache_redis_ttl(
    ngx_http_magasin_redis_command_t *command, redisReply *reply);
static void ngx_http_magasin_cache_redis_tokens(
    ngx_http_magasin_redis_command_t *command, redisReply *reply);
static void ngx_http_magasin_cache_redis_answer(
    ngx_http_magasin_redis_command_t *command, redisReply *reply);
static ngx_int_t ngx_http_magasin_cache_redis_script(
    ngx_http_magasin_cache_read_t *cr);
static void ngx_http_magasin_cache_redis_asked(
    ngx_http_magasin_redis_command_t *command, redisReply *reply);
static ngx_int_t ngx_http_magasin_cache_redis_parse(
    ngx_http_magasin_cache_read_t *cr, redisReply *reply,
    ngx_http_magasin_answer_t *answer);
static void ngx_http_magasin_cache_redis_end(
    ngx_http_magasin_cache_read_t *cr, ngx_int_t rc,
    ngx_http_magasin_answer_t *answer);


/*
 * Ask Redis for the answer to the question of this read.
 *
 * NGX_OK: done() will be called, unless _unask() is called before.
 * NGX_DECLINED: Redis cannot be asked.
 */

ngx_int_t
ngx_http_magasin_cache_redis_read(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_cache_read_t *cr, ngx_http_magasin_cache_redis_pt done)
{
    cr->redis_done = done;

    if (!ngx_http_magasin_cache_redis_usable(cache)) {
        ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                       "magasin cache: level 2 not asked, redis %p, "
                       "debt %uA, paid %uA",
                       cache->redis, cache->shared->debt,
                       cache->shared->debt_paid);

        return NGX_DECLINED;
    }

    /* Only a read that level 1 does not answer needs the memory. */

    if (cr->asked == NULL) {
        cr->asked = ngx_pcalloc(cr->pool,
                                sizeof(ngx_http_magasin_cache_asked_t));
        if (cr->asked == NULL) {
            return NGX_DECLINED;
        }
    }

    cr->asked->left = 0;
    cr->asked->missing = 0;
    cr->asked->evaluated = 0;

    if (ngx_http_magasin_tags_absent(cache->shared, cr->question.slots,
                                     cr->question.nslots))
    {
        return ngx_http_magasin_cache_redis_script(cr);
    }

    return ngx_http_magasin_cache_redis_plain(cr);
}


/* Forget what was asked; done() will not be called. */

void
ngx_http_magasin_cache_redis_unask(ngx_http_magasin_cache_read_t *cr)
{
    if (!cr->asking) {
        return;
    }

    ngx_http_magasin_redis_cancel(&cr->asked->ttl);
    ngx_http_magasin_redis_cancel(&cr->asked->tokens);
    ngx_http_magasin_redis_cancel(&cr->asked->answer);

    cr->asking = 0;
}


/* Make the keys.  NGX_OK, or NGX_DECLINED: there is no namespace. */

static ngx_int_t
ngx_http_magasin_cache_redis_keys(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_cache_keys_t *keys)
{
    u_char                       *p;
    u_char                        namespace[NGX_HTTP_MAGASIN_NAMESPACE];
    ngx_uint_t                    i;
    ngx_http_magasin_question_t  *question;

    question = &cr->question;

    if (ngx_http_magasin_cache_namespace(cr->cache, namespace) != NGX_OK) {
        ngx_log_debug0(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                       "magasin cache: level 2 not asked, no namespace");

        return NGX_DECLINED;
    }

    /* cppcheck-suppress uninitvar */
    p = ngx_http_magasin_cache_answer_key(keys->data[0], namespace,
                                          &question->key);
    keys->lens[0] = p - keys->data[0];

    for (i = 0; i < question->nslots; i++) {
        p = ngx_http_magasin_cache_slot_key(keys->data[i + 1], namespace,
                                            question->slots[i]);
        keys->lens[i + 1] = p - keys->data[i + 1];
    }

    keys->n = question->nslots + 1;

    return NGX_OK;
}


/* Send the three commands.  The codes are those of _read(). */

static ngx_int_t
ngx_http_magasin_cache_redis_plain(ngx_http_magasin_cache_read_t *cr)
{
    ngx_uint_t                       i;
    ngx_http_magasin_args_t          ttl, tokens, answer;
    ngx_http_magasin_cache_keys_t    keys;
    ngx_http_magasin_cache_asked_t  *asked;

    asked = cr->asked;

    if (ngx_http_magasin_cache_redis_keys(cr, &keys) != NGX_OK) {
        return NGX_DECLINED;
    }

    ttl.n = 0;
    ngx_http_magasin_cache_arg(&ttl, "PTTL", 4);
    ngx_http_magasin_cache_arg(&ttl, keys.data[0], keys.lens[0]);

    tokens.n = 0;
    ngx_http_magasin_cache_arg(&tokens, "MGET", 4);

    for (i = 1; i < keys.n; i++) {
        ngx_http_magasin_cache_arg(&tokens, keys.data[i], keys.lens[i]);
    }

    answer.n = 0;
    ngx_http_magasin_cache_arg(&answer, "HMGET", 5);
    ngx_http_magasin_cache_arg(&answer, keys.data[0], keys.lens[0]);
    ngx_http_magasin_cache_arg(&answer, "tag", 3);
    ngx_http_magasin_cache_arg(&answer, "answer", 6);
    ngx_http_magasin_cache_arg(&answer, "life", 4);

    /* Whatever of it is sent already is cancelled if the rest is not. */

    cr->asking = 1;

    if (ngx_http_magasin_cache_redis_send(cr, &asked->ttl,
                                          ngx_http_magasin_cache_redis_ttl,
                                          REDIS_REPLY_INTEGER, &ttl)
        != NGX_OK
        || ngx_http_magasin_cache_redis_send(cr, &asked->tokens,
                                          ngx_http_magasin_cache_redis_tokens,
                                          REDIS_REPLY_ARRAY, &tokens)
           != NGX_OK
        || ngx_http_magasin_cache_redis_send(cr, &asked->answer,
                                          ngx_http_magasin_cache_redis_answer,
                                          REDIS_REPLY_ARRAY, &answer)
           != NGX_OK)
    {
        ngx_http_magasin_cache_redis_unask(cr);
        return NGX_DECLINED;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi asked of level 2",
                   cr->question.hash);

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_cache_redis_send(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_redis_command_t *command,
    ngx_http_magasin_redis_done_pt done, int expects,
    ngx_http_magasin_args_t *args)
{
    command->done = done;
    command->data = cr;
    command->expects = expects;
    command->log = cr->log;

    /* The last one takes as long as all of them. */

    command->spent = command == &cr->asked->answer ? cr->spent : NULL;

    return ngx_http_magasin_redis_command(cr->cache->redis, command, args->n,
                                          args->argv, args->lens);
}


static void
ngx_http_magasin_cache_redis_ttl(ngx_http_magasin_redis_command_t *command,
    redisReply *reply)
{
    ngx_http_magasin_cache_read_t  *cr;

    cr = command->data;
    cr->asked->left = reply ? reply->integer : 0;
}


/* The generations.  They are joined as read.lua joins them. */

static void
ngx_http_magasin_cache_redis_tokens(ngx_http_magasin_redis_command_t *command,
    redisReply *reply)
{
    size_t                          len;
    u_char                         *p;
    ngx_uint_t                      i;
    redisReply                     *token;
    ngx_http_magasin_cache_read_t  *cr;

    cr = command->data;
    ngx_str_null(&cr->generations);

    if (reply == NULL || reply->elements != cr->question.nslots) {
        return;
    }

    len = 0;

    for (i = 0; i < reply->elements; i++) {
        token = reply->element[i];

        if (token->type == REDIS_REPLY_NIL) {
            cr->asked->missing = 1;
            return;
        }

        if (token->type != REDIS_REPLY_STRING
            || (size_t) token->len > NGX_HTTP_MAGASIN_CACHE_GENERATIONS)
        {
            return;
        }

        len += token->len + 1;
    }

    if (len > NGX_HTTP_MAGASIN_CACHE_GENERATIONS) {
        return;
    }

    p = ngx_pnalloc(cr->pool, len);
    if (p == NULL) {
        return;
    }

    cr->generations.data = p;

    for (i = 0; i < reply->elements; i++) {
        token = reply->element[i];

        p = ngx_cpymem(p, token->str, token->len);
        *p++ = ',';
    }

    cr->generations.len = len - 1;
}


static void
ngx_http_magasin_cache_redis_answer(ngx_http_magasin_redis_command_t *command,
    redisReply *reply)
{
    off_t                           life;
    ngx_int_t                       rc;
    ngx_str_t                       value;
    redisReply                     *tag;
    ngx_http_magasin_answer_t       answer;
    ngx_http_magasin_cache_read_t  *cr;

    cr = command->data;
    rc = NGX_DECLINED;

    /* One of the others may have failed later than this one. */

    ngx_http_magasin_cache_redis_unask(cr);

    if (cr->asked->missing
        && ngx_http_magasin_cache_redis_script(cr) == NGX_OK)
    {
        return;
    }

    if (reply && cr->generations.len && reply->elements == 3
        && reply->element[0]->type == REDIS_REPLY_STRING
        && reply->element[1]->type == REDIS_REPLY_STRING
        && reply->element[2]->type == REDIS_REPLY_STRING)
    {
        tag = reply->element[0];

        value.data = (u_char *) reply->element[1]->str;
        value.len = reply->element[1]->len;

        /* An error, which is negative, is no time to live. */

        life = ngx_atoof((u_char *) reply->element[2]->str,
                         reply->element[2]->len);

        if ((size_t) tag->len == cr->generations.len
            && ngx_memcmp(tag->str, cr->generations.data, tag->len) == 0)
        {
            rc = ngx_http_magasin_cache_redis_take(cr, &value,
                                               ngx_min(cr->asked->left, life),
                                               &answer);
        }
    }

    ngx_http_magasin_cache_redis_end(cr, rc, &answer);
}


/* Send the script: its digest first, its text if Redis does not know it. */

static ngx_int_t
ngx_http_magasin_cache_redis_script(ngx_http_magasin_cache_read_t *cr)
{
    u_char                           token[NGX_HTTP_MAGASIN_CACHE_TOKEN];
    u_char                          *p;
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    ngx_http_magasin_args_t          args;
    ngx_http_magasin_cache_keys_t    keys;
    ngx_http_magasin_cache_shared_t *shared;

    shared = cr->cache->shared;

    if (ngx_http_magasin_cache_redis_keys(cr, &keys) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_http_magasin_cache_script(&args, NGX_HTTP_MAGASIN_LUA_READ,
                                  cr->asked->evaluated, keys.n);

    for (i = 0; i < keys.n; i++) {
        ngx_http_magasin_cache_arg(&args, keys.data[i], keys.lens[i]);
    }

    p = ngx_hex_dump(token, shared->node, sizeof(shared->node));
    p = ngx_sprintf(p, ".%ui",
                    (ngx_uint_t) ngx_atomic_fetch_add(&shared->token, 1));
    ngx_http_magasin_cache_arg(&args, token, p - token);
    ngx_http_magasin_cache_arg(&args, NGX_HTTP_MAGASIN_CACHE_GENERATION,
                               sizeof(NGX_HTTP_MAGASIN_CACHE_GENERATION) - 1);

    rc = ngx_http_magasin_cache_redis_send(cr, &cr->asked->answer,
                                         ngx_http_magasin_cache_redis_asked,
                                         REDIS_REPLY_ARRAY, &args);
    cr->asking = (rc == NGX_OK);

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: key %xi asked of level 2, script %d, rc %i",
                   cr->question.hash, cr->asked->evaluated, rc);

    return rc;
}


static void
ngx_http_magasin_cache_redis_asked(ngx_http_magasin_redis_command_t *command,
    redisReply *reply)
{
    ngx_int_t                       rc;
    ngx_http_magasin_answer_t       answer;
    ngx_http_magasin_cache_read_t  *cr;

    cr = command->data;
    cr->asking = 0;

    if (ngx_http_magasin_cache_no_script(command) && !cr->asked->evaluated) {
        cr->asked->evaluated = 1;

        if (ngx_http_magasin_cache_redis_script(cr) == NGX_OK) {
            return;
        }
    }

    rc = NGX_DECLINED;

    if (reply) {
        ngx_http_magasin_tags_present(cr->cache->shared, cr->question.slots,
                                      cr->question.nslots);
        rc = ngx_http_magasin_cache_redis_parse(cr, reply, &answer);
    }

    ngx_http_magasin_cache_redis_end(cr, rc, &answer);
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
    ngx_str_t  text;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[0]->len > NGX_HTTP_MAGASIN_CACHE_GENERATIONS)
    {
        return NGX_DECLINED;
    }

    text.data = (u_char *) reply->element[0]->str;
    text.len = reply->element[0]->len;

    cr->generations.data = ngx_pstrdup(cr->pool, &text);
    if (cr->generations.data == NULL) {
        return NGX_DECLINED;
    }

    cr->generations.len = text.len;

    if (reply->elements != 3
        || reply->element[1]->type != REDIS_REPLY_STRING
        || reply->element[2]->type != REDIS_REPLY_INTEGER)
    {
        return NGX_DECLINED;
    }

    text.data = (u_char *) reply->element[1]->str;
    text.len = reply->element[1]->len;

    return ngx_http_magasin_cache_redis_take(cr, &text,
                                             reply->element[2]->integer,
                                             answer);
}


/* Redis has answered; `answer` is set if `rc` is NGX_OK. */

static void
ngx_http_magasin_cache_redis_end(ngx_http_magasin_cache_read_t *cr,
    ngx_int_t rc, ngx_http_magasin_answer_t *answer)
{
    /* Redis may have become unusable while the commands were on their way. */

    if (rc == NGX_OK && !ngx_http_magasin_cache_redis_usable(cr->cache)) {
        rc = NGX_DECLINED;
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, cr->log, 0,
                   "magasin cache: level 2 answers key %xi, rc %i, script %d",
                   cr->question.hash, rc, cr->asked->missing);

    cr->redis_done(cr, rc, answer);
}
