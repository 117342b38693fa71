
/*
 * Redis keeps, under a namespace of its own life and of the database's,
 *
 *     magasin:<namespace>:g:<slot>   a token, the generation of a slot
 *     magasin:<namespace>:r:<md5>    an answer and the tokens that it was
 *                                    fetched under
 *
 * A token is given out once, so that what was lost (by FLUSHALL, eviction,
 * expiry, a restart without its data) comes back as another one; what was
 * stored under the tokens of before is never valid again.  A Redis that was
 * restarted, or one that stands in for it, has another run_id, and so another
 * namespace: it may know tokens that were given up since.
 */


#include "ngx_http_magasin_cache_redis.h"

#include <ngx_md5.h>
#include <ngx_sha1.h>

#include "ngx_http_magasin_scripts.h"
#include "ngx_http_magasin_text.h"


/* To be changed with the format of answers, their stored form included. */
#define NGX_HTTP_MAGASIN_CACHE_FORMAT      "2"

/* Seconds that a generation lives, longer than any answer. */
#define NGX_HTTP_MAGASIN_CACHE_GENERATION  "86400"

/* Bytes of a key, of a token. */
#define NGX_HTTP_MAGASIN_CACHE_KEY                                            \
    (sizeof("magasin::r:") - 1 + NGX_HTTP_MAGASIN_NAMESPACE + 32)
#define NGX_HTTP_MAGASIN_CACHE_TOKEN       (16 + 1 + NGX_INT_T_LEN)

/* Three numbers of 8 hexadecimal digits before what they are lengths of. */
#define NGX_HTTP_MAGASIN_CACHE_HEAD        24

/* Bytes of a tag at most: some tokens, which may be another version's. */
#define NGX_HTTP_MAGASIN_CACHE_GENERATIONS         4096

/* Bytes of an entity tag at most. */
#define NGX_HTTP_MAGASIN_CACHE_ETAG        128

/* EVAL, the script, the number of keys. */
#define NGX_HTTP_MAGASIN_CACHE_ARGS        3


typedef struct {
    const char  *name;
    const char  *text;
} ngx_http_magasin_script_t;


/* A command under construction. */
typedef struct {
    ngx_uint_t   n;
    u_char       nkeys[NGX_INT_T_LEN];
    const char  *argv[NGX_HTTP_MAGASIN_CACHE_ARGS
                      + NGX_HTTP_MAGASIN_TAG_WRITES + 3];
    size_t       lens[NGX_HTTP_MAGASIN_CACHE_ARGS
                      + NGX_HTTP_MAGASIN_TAG_WRITES + 3];
} ngx_http_magasin_args_t;


/* A store that nobody waits for. */
struct ngx_http_magasin_cache_stored_s {
    ngx_http_magasin_redis_command_t    command;
    ngx_http_magasin_cache_t           *cache;
    ngx_http_magasin_cache_stored_t    *next;       /* of the free ones */
};


static ngx_uint_t ngx_http_magasin_cache_redis_usable(
    ngx_http_magasin_cache_t *cache);
static ngx_int_t ngx_http_magasin_cache_namespace(
    ngx_http_magasin_cache_t *cache, u_char *namespace);
static void ngx_http_magasin_cache_arg(ngx_http_magasin_args_t *args,
    const void *data, size_t len);
static void ngx_http_magasin_cache_script(ngx_http_magasin_args_t *args,
    ngx_http_magasin_script_e script, ngx_uint_t evaluate, ngx_uint_t nkeys);
static u_char *ngx_http_magasin_cache_answer_key(u_char *p, u_char *namespace,
    ngx_str_t *key);
static u_char *ngx_http_magasin_cache_slot_key(u_char *p, u_char *namespace,
    ngx_uint_t slot);
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
static void ngx_http_magasin_cache_redis_told(
    ngx_http_magasin_redis_command_t *command, redisReply *reply);
static void ngx_http_magasin_cache_redis_debt(
    ngx_http_magasin_cache_tell_t *tell);
static ngx_uint_t ngx_http_magasin_cache_no_script(
    ngx_http_magasin_redis_command_t *command);


static ngx_http_magasin_script_t  ngx_http_magasin_scripts[] = {
    NGX_HTTP_MAGASIN_SCRIPTS
};

static u_char  ngx_http_magasin_script_sha1[NGX_HTTP_MAGASIN_LUA_COUNT][40];


/* Compute what EVALSHA names scripts by; once for a process. */

void
ngx_http_magasin_cache_redis_init(void)
{
    u_char       digest[20];
    ngx_uint_t   i;
    ngx_sha1_t   sha1;
    const char  *text;

    for (i = 0; i < NGX_HTTP_MAGASIN_LUA_COUNT; i++) {
        text = ngx_http_magasin_scripts[i].text;

        ngx_sha1_init(&sha1);
        ngx_sha1_update(&sha1, text, ngx_strlen(text));
        ngx_sha1_final(digest, &sha1);

        (void) ngx_hex_dump(ngx_http_magasin_script_sha1[i], digest, 20);
    }
}


/*
 * May Redis be asked?  Not while changes cannot be looked for, and not after
 * one that it was not told of: it may hold the answers of before.
 */

static ngx_uint_t
ngx_http_magasin_cache_redis_usable(ngx_http_magasin_cache_t *cache)
{
    return cache->redis
           && cache->shared->debt == cache->shared->debt_paid
           && ngx_http_magasin_cache_fresh(cache);
}


/*
 * The Redis of a connection, as a number; 0: it is away.  Connections may be
 * on their way to different ones for a while, when there are several addresses
 * or one takes another's place.
 */

ngx_uint_t
ngx_http_magasin_cache_redis_id(ngx_http_magasin_redis_t *redis)
{
    ngx_http_magasin_redis_state_t  state;

    ngx_http_magasin_redis_state(redis, &state);

    return state.ready && state.run_id.len
           ? ngx_hash_key(state.run_id.data, state.run_id.len) | 1 : 0;
}


/*
 * NGX_OK, or NGX_DECLINED: it is not known yet, or Redis is away, or it is not
 * the one that the node has agreed on: in two of them a change would be told
 * to one and the answer taken from the other.
 */

static ngx_int_t
ngx_http_magasin_cache_namespace(ngx_http_magasin_cache_t *cache,
    u_char *namespace)
{
    u_char                            digest[16];
    ngx_md5_t                         md5;
    ngx_uint_t                        snapshot;
    ngx_http_magasin_redis_state_t    state;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = cache->shared;
    snapshot = shared->snapshot;

    ngx_http_magasin_redis_state(cache->redis, &state);

    if (snapshot == 0
        || shared->database != cache->database
        || shared->redis == 0
        || shared->redis != ngx_http_magasin_cache_redis_id(cache->redis))
    {
        return NGX_DECLINED;
    }

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, NGX_HTTP_MAGASIN_CACHE_FORMAT,
                   sizeof(NGX_HTTP_MAGASIN_CACHE_FORMAT) - 1);
    ngx_md5_update(&md5, shared->identities[snapshot & 1],
                   NGX_HTTP_MAGASIN_IDENTITY);
    ngx_md5_update(&md5, state.run_id.data, state.run_id.len);
    ngx_md5_final(digest, &md5);

    (void) ngx_hex_dump(namespace, digest, NGX_HTTP_MAGASIN_NAMESPACE / 2);

    return NGX_OK;
}


/* The channel of one database, in NGX_HTTP_MAGASIN_CHANNEL bytes. */

void
ngx_http_magasin_cache_channel(u_char *identity, u_char *channel)
{
    u_char     digest[16];
    ngx_md5_t  md5;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, NGX_HTTP_MAGASIN_CACHE_FORMAT,
                   sizeof(NGX_HTTP_MAGASIN_CACHE_FORMAT) - 1);
    ngx_md5_update(&md5, identity, NGX_HTTP_MAGASIN_IDENTITY);
    ngx_md5_final(digest, &md5);

    channel = ngx_cpymem(channel, "magasin:", 8);
    (void) ngx_hex_dump(channel, digest, NGX_HTTP_MAGASIN_NAMESPACE / 2);
}


static void
ngx_http_magasin_cache_arg(ngx_http_magasin_args_t *args, const void *data,
    size_t len)
{
    args->argv[args->n] = data;
    args->lens[args->n] = len;
    args->n++;
}


/* The first arguments of a script, by its name or with its text. */

static void
ngx_http_magasin_cache_script(ngx_http_magasin_args_t *args,
    ngx_http_magasin_script_e script, ngx_uint_t evaluate, ngx_uint_t nkeys)
{
    u_char      *p;
    const char  *text;

    args->n = 0;

    if (evaluate) {
        text = ngx_http_magasin_scripts[script].text;

        ngx_http_magasin_cache_arg(args, "EVAL", 4);
        ngx_http_magasin_cache_arg(args, text, ngx_strlen(text));

    } else {
        ngx_http_magasin_cache_arg(args, "EVALSHA", 7);
        ngx_http_magasin_cache_arg(args, ngx_http_magasin_script_sha1[script],
                                   40);
    }

    p = ngx_sprintf(args->nkeys, "%ui", nkeys);
    ngx_http_magasin_cache_arg(args, args->nkeys, p - args->nkeys);
}


static u_char *
ngx_http_magasin_cache_answer_key(u_char *p, u_char *namespace,
    ngx_str_t *key)
{
    u_char     digest[16];
    ngx_md5_t  md5;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, key->data, key->len);
    ngx_md5_final(digest, &md5);

    p = ngx_sprintf(p, "magasin:%*s:r:", (size_t) NGX_HTTP_MAGASIN_NAMESPACE,
                    namespace);

    return ngx_hex_dump(p, digest, 16);
}


static u_char *
ngx_http_magasin_cache_slot_key(u_char *p, u_char *namespace, ngx_uint_t slot)
{
    return ngx_sprintf(p, "magasin:%*s:g:%ui",
                       (size_t) NGX_HTTP_MAGASIN_NAMESPACE, namespace, slot);
}


/*
 * Ask Redis for the answer to the question of this request.
 *
 * NGX_OK: done() will be called.  NGX_DECLINED: it cannot be asked.
 */

ngx_int_t
ngx_http_magasin_cache_redis_read(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_cache_read_t *cr, ngx_http_magasin_cache_redis_pt done)
{
    cr->redis_done = done;
    cr->evaluated = 0;

    if (!ngx_http_magasin_cache_redis_usable(cache)) {
        return NGX_DECLINED;
    }

    return ngx_http_magasin_cache_redis_ask(cache, cr);
}


/* The first time by the script's name, the second time with its text. */

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

    command = &cr->command;

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

    /* It took its time: is it good still? */

    if (rc == NGX_OK && !ngx_http_magasin_cache_redis_usable(cache)) {
        rc = NGX_DECLINED;
    }

    cr->redis_done(cr, rc, &answer);
}


/* The tag, and the answer when there is one: NGX_OK, else NGX_DECLINED. */

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

    /* Its own question stands before it: MD5 alone is no proof. */

    p = text.data + NGX_HTTP_MAGASIN_CACHE_HEAD;

    if ((size_t) lens[0] != cr->question.key.len
        || ngx_memcmp(p, cr->question.key.data, lens[0]) != 0)
    {
        return NGX_DECLINED;
    }

    /* Near its end it is fetched anew, for all nodes. */

    if (left > cr->conf->max_size
        || (left > NGX_HTTP_MAGASIN_PIN_SHORT
            && ngx_http_magasin_cache_full(cr))
        || reply->element[2]->integer
           <= (long long) cr->conf->ttl / NGX_HTTP_MAGASIN_STORE_EARLY)
    {
        return NGX_DECLINED;
    }

    /* The body by itself: a long one is given back when it is pinned. */

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

    /* From when Redis was asked: the reply has had its way since. */

    answer->expires = cr->question.captured
                      + ngx_min(reply->element[2]->integer,
                                (long long) cr->conf->ttl);

    return NGX_OK;
}


/*
 * Redis is no part of us: what becomes a header must be one, an entity tag of
 * ours and a list of links, and the body has to look like the JSON that it
 * was.
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
 * Store the answer that a request has fetched, under the tag that Redis gave
 * before.  Nobody waits for it.
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

    /* One that could not be read again. */

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

    /* It was copied: not for as long as the client reads. */

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


/*
 * Tell Redis, and by it the other nodes, what was changed.  What cannot be
 * told is a debt: Redis is not asked for answers any more, until the poller
 * has made up for it.
 *
 * NGX_OK: there is nobody to tell.  NGX_AGAIN: told() will be called.
 * NGX_ERROR: it could not be sent.
 */

ngx_int_t
ngx_http_magasin_cache_redis_tell(ngx_http_magasin_cache_tell_t *tell)
{
    u_char                     namespace[NGX_HTTP_MAGASIN_NAMESPACE];
    u_char                     channel[NGX_HTTP_MAGASIN_CHANNEL];
    u_char                     keys[NGX_HTTP_MAGASIN_TAG_WRITES]
                                   [NGX_HTTP_MAGASIN_CACHE_KEY];
    u_char                     message[16 + 1 + NGX_INT64_LEN
                                       + NGX_HTTP_MAGASIN_TAG_WRITES * 6];
    u_char                    *p;
    ngx_uint_t                 i, n, slot;
    ngx_http_magasin_args_t    args;
    ngx_http_magasin_cache_t  *cache;

    cache = tell->cache;

    if (cache->redis == NULL) {

        /* One that a configuration to come has again was not told. */

        cache->shared->redis = 0;

        return NGX_OK;
    }

    if (ngx_http_magasin_cache_namespace(cache, namespace) != NGX_OK) {
        goto failed;
    }

    n = tell->all ? 1 : tell->tags->n;

    ngx_http_magasin_cache_script(&args, NGX_HTTP_MAGASIN_LUA_INVALIDATE,
                                  tell->evaluated, n);

    for (i = 0; i < n; i++) {
        slot = tell->all ? NGX_HTTP_MAGASIN_TAG_ALL : tell->tags->slots[i];

        p = ngx_http_magasin_cache_slot_key(keys[i], namespace, slot);
        ngx_http_magasin_cache_arg(&args, keys[i], p - keys[i]);
    }

    ngx_http_magasin_cache_channel(
                   cache->shared->identities[cache->shared->snapshot & 1],
                   channel);
    ngx_http_magasin_cache_arg(&args, channel, sizeof(channel));

    p = ngx_hex_dump(message, cache->shared->node,
                     sizeof(cache->shared->node));
    p = ngx_sprintf(p, " %uL", tell->xid);

    for (i = 0; i < tell->tags->n; i++) {
        p = ngx_sprintf(p, " %uD", (uint32_t) tell->tags->slots[i]);
    }

    ngx_http_magasin_cache_arg(&args, message, p - message);

    tell->command.done = ngx_http_magasin_cache_redis_told;
    tell->command.data = tell;
    tell->command.expects = REDIS_REPLY_INTEGER;
    tell->command.log = cache->log;

    if (ngx_http_magasin_redis_command(cache->redis, &tell->command, args.n,
                                       args.argv, args.lens)
        == NGX_OK)
    {
        return NGX_AGAIN;
    }

failed:

    ngx_http_magasin_cache_redis_debt(tell);

    return NGX_ERROR;
}


/* Redis may hold what was true before: it is not to be asked. */

static void
ngx_http_magasin_cache_redis_debt(ngx_http_magasin_cache_tell_t *tell)
{
    ngx_http_magasin_cache_shared_t  *shared;

    shared = tell->cache->shared;

    if (tell->tags->n || tell->all) {
        (void) ngx_atomic_fetch_add(&shared->debt, 1);
        ngx_http_magasin_count(shared->counters.unpublished);
    }
}


/* Forget what is being told, with an unknown outcome. */

void
ngx_http_magasin_cache_redis_untell(ngx_http_magasin_cache_tell_t *tell)
{
    ngx_http_magasin_redis_cancel(&tell->command);
    ngx_http_magasin_cache_redis_debt(tell);
}


static void
ngx_http_magasin_cache_redis_told(ngx_http_magasin_redis_command_t *command,
    redisReply *reply)
{
    ngx_int_t                       rc;
    ngx_http_magasin_cache_tell_t  *tell;

    tell = command->data;
    rc = NGX_OK;

    if (ngx_http_magasin_cache_no_script(command) && !tell->evaluated) {
        tell->evaluated = 1;

        rc = ngx_http_magasin_cache_redis_tell(tell);

        if (rc == NGX_AGAIN) {
            return;
        }

    } else if (reply == NULL) {
        rc = NGX_ERROR;

        ngx_http_magasin_cache_redis_debt(tell);
    }

    tell->told(tell->data, rc);
}


static ngx_uint_t
ngx_http_magasin_cache_no_script(ngx_http_magasin_redis_command_t *command)
{
    return command->failure == NGX_HTTP_MAGASIN_REDIS_ERROR
           && command->error.len >= 8
           && ngx_strncmp(command->error.data, "NOSCRIPT", 8) == 0;
}


/*
 * What a node says: "<node> <transaction> <slot> ...", with 0 for a
 * transaction that is not known; without slots it is a sign of life.
 *
 * NGX_OK; NGX_DECLINED: it is this node's own, or no such message.
 */

ngx_int_t
ngx_http_magasin_cache_hint(ngx_http_magasin_cache_t *cache,
    const char *message, uint64_t *xid, ngx_http_magasin_tags_t *tags)
{
    char           *end;
    u_char          node[16];
    const char     *p;
    unsigned long   slot;

    tags->n = 0;

    (void) ngx_hex_dump(node, cache->shared->node,
                        sizeof(cache->shared->node));

    if (ngx_strlen(message) < sizeof(node) + 2
        || ngx_memcmp(message, node, sizeof(node)) == 0)
    {
        return NGX_DECLINED;
    }

    p = message + sizeof(node) + 1;

    *xid = strtoull(p, &end, 10);

    if (end == p) {
        return NGX_DECLINED;
    }

    while (*end == ' ') {
        p = end + 1;
        slot = strtoul(p, &end, 10);

        if (end == p || slot >= NGX_HTTP_MAGASIN_GENERATIONS) {
            return NGX_DECLINED;
        }

        ngx_http_magasin_tags_add_slot(tags, slot);
    }

    return *end == '\0' ? NGX_OK : NGX_DECLINED;
}
