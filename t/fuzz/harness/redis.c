
/*
 * What Redis says.  The bytes go where those of a socket do, in pieces as long
 * as the first byte tells: to the check of the frame, then to hiredis's
 * reader; and what comes out is decoded as a stored answer and as a message of
 * another node.  This includes the sources, whose parser and reader are
 * private.
 */


#include "../fuzz.h"
#include "ngx_http_magasin_cache_redis.c"
#include "ngx_http_magasin_cache_redis_read.c"
#include "ngx_http_magasin_read.c"
#include "ngx_http_magasin_redis_frame_internal.h"


/* Bytes of a reply at most, where the first byte has its upper bit. */
#define FUZZ_REPLY  512


/* One connection. */
typedef struct {
    ngx_pool_t                      *pool;
    redisReader                     *reader;
    ngx_http_magasin_redis_frame_t   frame;
    size_t                           size;      /* of this reply, so far */
} fuzz_redis_t;


static ngx_uint_t fuzz_redis_parse(fuzz_redis_t *redis, u_char *data,
    size_t len);
static ngx_uint_t fuzz_redis_take(fuzz_redis_t *redis);
static void fuzz_redis_flat(redisReply *reply);
static void fuzz_redis_answer(ngx_pool_t *pool, redisReply *reply);
static void fuzz_redis_parts(ngx_http_magasin_cache_read_t *cr,
    redisReply *reply, ngx_http_magasin_answer_t *answer);
static void fuzz_redis_send(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer);
static void fuzz_redis_hint(const char *message);


/* As it was before any Redis spoke. */

static ngx_http_magasin_cache_shared_t  fuzz_redis_shared;


void
fuzz_redis(ngx_pool_t *pool, u_char *data, size_t size)
{
    size_t        n, piece;
    fuzz_redis_t  redis;

    if (size == 0) {
        return;
    }

    ngx_memzero(&redis, sizeof(fuzz_redis_t));

    redis.pool = pool;
    redis.frame.max = (data[0] & 0x80) ? FUZZ_REPLY
                                       : NGX_HTTP_MAGASIN_REDIS_REPLY;
    redis.reader = redisReaderCreate();
    fuzz_assert(redis.reader);

    piece = (data[0] & 0x7f) ? (data[0] & 0x7f) : size;
    data++;
    size--;

    while (size) {
        n = ngx_min(piece, size);

        if (!fuzz_redis_parse(&redis, data, n)) {
            break;
        }

        data += n;
        size -= n;
    }

    redisReaderFree(redis.reader);
}


/* As ngx_http_magasin_redis_parse().  0: it would close the connection. */

static ngx_uint_t
fuzz_redis_parse(fuzz_redis_t *redis, u_char *data, size_t len)
{
    size_t     used;
    ngx_int_t  rc;

    while (len) {
        rc = ngx_http_magasin_redis_frame(&redis->frame, data, len, &used);

        if (rc == NGX_ERROR) {
            fuzz_assert(redis->frame.error);
            return 0;
        }

        fuzz_assert(rc == NGX_OK || rc == NGX_AGAIN);
        fuzz_assert(used && used <= len);
        fuzz_assert(rc == NGX_OK || used == len);
        fuzz_assert(redis->frame.open == (rc == NGX_AGAIN));

        redis->size += used;
        fuzz_assert(redis->size <= redis->frame.max);

        fuzz_assert(redisReaderFeed(redis->reader, (char *) data, used)
                    == REDIS_OK);

        if (rc == NGX_OK && !fuzz_redis_take(redis)) {
            return 0;
        }

        data += used;
        len -= used;
    }

    return 1;
}


/* Where the frame ends, a reply does, and none of its bytes are left. */

static ngx_uint_t
fuzz_redis_take(fuzz_redis_t *redis)
{
    void  *reply;

    reply = NULL;

    /* What a number looks like, hiredis knows better. */

    if (redisReaderGetReply(redis->reader, &reply) != REDIS_OK) {
        return 0;
    }

    fuzz_assert(reply);
    fuzz_assert(redis->reader->pos == redis->reader->len);

    redis->size = 0;

    fuzz_redis_flat(reply);
    fuzz_redis_answer(redis->pool, reply);

    freeReplyObject(reply);

    return 1;
}


static void
fuzz_redis_flat(redisReply *reply)
{
    size_t       i;
    redisReply  *element;

    if (reply->type == REDIS_REPLY_STRING) {
        fuzz_redis_hint(reply->str);
    }

    if (reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    fuzz_assert(reply->elements <= NGX_HTTP_MAGASIN_REDIS_ELEMENTS);

    for (i = 0; i < reply->elements; i++) {
        element = reply->element[i];

        fuzz_assert(element && element->type != REDIS_REPLY_ARRAY);

        if (element->type == REDIS_REPLY_STRING) {
            fuzz_redis_hint(element->str);
        }
    }
}


static void
fuzz_redis_answer(ngx_pool_t *pool, redisReply *reply)
{
    ngx_int_t                       rc;
    ngx_http_magasin_cache_t        cache;
    ngx_http_magasin_answer_t       answer;
    ngx_http_magasin_cache_conf_t   conf;
    ngx_http_magasin_cache_read_t   cr;

    ngx_memzero(&cache, sizeof(ngx_http_magasin_cache_t));
    ngx_memzero(&cr, sizeof(ngx_http_magasin_cache_read_t));
    ngx_memzero(&conf, sizeof(ngx_http_magasin_cache_conf_t));
    ngx_memzero(&answer, sizeof(ngx_http_magasin_answer_t));

    cr.client = &ngx_http_magasin_reader;
    cr.data = fuzz_endpoint(pool, "/api/v1/products/", NGX_HTTP_GET);
    cr.pool = pool;
    cr.log = ngx_cycle->log;
    cr.cache = &cache;
    cr.conf = &conf;
    conf.ttl = 1000;
    conf.max_size = 4096;
    ngx_str_set(&cr.question.key, "cle");

    rc = ngx_http_magasin_cache_redis_parse(&cr, reply, &answer);
    fuzz_assert(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        fuzz_redis_parts(&cr, reply, &answer);
        fuzz_redis_send(&cr, &answer);
    }
}


/* The four parts are all of it, one after the other. */

static void
fuzz_redis_parts(ngx_http_magasin_cache_read_t *cr, redisReply *reply,
    ngx_http_magasin_answer_t *answer)
{
    char    *p;
    size_t   len;

    fuzz_assert(cr->generations.len == (size_t) reply->element[0]->len);
    fuzz_assert(answer->expires <= cr->question.captured + cr->conf->ttl);
    fuzz_assert(answer->body.len <= cr->conf->max_size);

    len = reply->element[1]->len;

    fuzz_assert(answer->etag.len <= len && answer->links.len <= len
                && answer->body.len <= len);
    fuzz_assert(len == NGX_HTTP_MAGASIN_CACHE_HEAD + cr->question.key.len
                       + answer->etag.len + answer->links.len
                       + answer->body.len);

    p = reply->element[1]->str + NGX_HTTP_MAGASIN_CACHE_HEAD
        + cr->question.key.len;

    fuzz_assert(ngx_memcmp(answer->etag.data, p, answer->etag.len) == 0);
    p += answer->etag.len;
    fuzz_assert(ngx_memcmp(answer->links.data, p, answer->links.len) == 0);
    p += answer->links.len;
    fuzz_assert(ngx_memcmp(answer->body.data, p, answer->body.len) == 0);
}


/* What was taken can be sent: its headers are some, its links have room. */

static void
fuzz_redis_send(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer)
{
    size_t                   i, len;
    u_char                  *text;
    ngx_uint_t               nlinks;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = cr->data;

    fuzz_assert(ngx_http_magasin_text_valid(&answer->body));

    ngx_http_magasin_cache_answer(cr, answer, NGX_HTTP_MAGASIN_CACHE_REDIS);

    fuzz_assert(!ctx->json.failed && ctx->status == NGX_HTTP_OK);
    fuzz_assert(ctx->json.size == answer->body.len);

    nlinks = ctx->nlinks;

    fuzz_assert(ngx_http_magasin_links_render(ctx) == NGX_OK);
    fuzz_assert(!ctx->json.failed);
    fuzz_assert(nlinks ? ctx->json.size > answer->body.len
                       : ctx->json.size == answer->body.len);

    for (i = 0; i < ctx->etag.len; i++) {
        fuzz_assert(ctx->etag.data[i] > ' ' && ctx->etag.data[i] <= '~');
    }

    for (i = 0; i < ctx->link.len; i++) {
        fuzz_assert(ctx->link.data[i] >= ' ' && ctx->link.data[i] <= '~');
    }

    len = ctx->json.size;
    text = malloc(len);
    fuzz_assert(text);

    fuzz_assert(fuzz_bytes(text, &ctx->json) == text + len);
    fuzz_assert(text[0] == answer->body.data[0]
                && text[len - 1] == answer->body.data[answer->body.len - 1]);

    free(text);
}


/* A message without a NUL in it, or up to that. */

static void
fuzz_redis_hint(const char *message)
{
    uint64_t                  xid;
    ngx_int_t                 rc;
    ngx_http_magasin_tags_t   tags;
    ngx_http_magasin_cache_t  cache;

    ngx_memzero(&cache, sizeof(ngx_http_magasin_cache_t));
    cache.shared = &fuzz_redis_shared;

    rc = ngx_http_magasin_cache_hint(&cache, message, &xid, &tags);

    fuzz_assert(rc == NGX_OK || rc == NGX_DECLINED);
    fuzz_assert(tags.n <= NGX_HTTP_MAGASIN_TAG_WRITES);
}
