
/*
 * What Redis answers to a read of the cache: hiredis's reader gets the bytes,
 * in pieces as long as the first byte says, and what it makes of them is
 * decoded as a stored answer.  This includes the source, whose parser is
 * private.
 */


#include "../fuzz.h"
#include "ngx_http_magasin_cache_redis.c"


static void fuzz_redis_answer(ngx_pool_t *pool, redisReply *reply);


void
fuzz_redis(ngx_pool_t *pool, u_char *data, size_t size)
{
    void         *reply;
    size_t        n, piece;
    redisReader  *reader;

    if (size == 0) {
        return;
    }

    reader = redisReaderCreate();
    fuzz_assert(reader);

    piece = data[0] ? data[0] : size;
    data++;
    size--;

    while (size) {
        n = ngx_min(piece, size);

        if (redisReaderFeed(reader, (char *) data, n) != REDIS_OK) {
            break;
        }

        data += n;
        size -= n;

        while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply) {
            fuzz_redis_answer(pool, reply);
            freeReplyObject(reply);
        }

        if (reader->err) {
            break;
        }
    }

    redisReaderFree(reader);
}


static void
fuzz_redis_answer(ngx_pool_t *pool, redisReply *reply)
{
    size_t                             len;
    ngx_int_t                          rc;
    ngx_http_request_t                *r;
    ngx_http_magasin_ctx_t             ctx;
    ngx_http_magasin_answer_t          answer;
    ngx_http_magasin_cache_conf_t      conf;
    ngx_http_magasin_cache_request_t   cr;

    r = fuzz_request(pool);

    ngx_memzero(&ctx, sizeof(ngx_http_magasin_ctx_t));
    ngx_memzero(&cr, sizeof(ngx_http_magasin_cache_request_t));
    ngx_memzero(&conf, sizeof(ngx_http_magasin_cache_conf_t));
    ngx_memzero(&answer, sizeof(ngx_http_magasin_answer_t));

    ctx.request = r;
    cr.ctx = &ctx;
    cr.conf = &conf;
    conf.ttl = 1000;
    ngx_str_set(&cr.question.key, "cle");

    rc = ngx_http_magasin_cache_redis_parse(&cr, reply, &answer);
    fuzz_assert(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc != NGX_OK) {
        return;
    }

    /* The four parts are all of it, and one after the other. */

    fuzz_assert(cr.tag.len == (size_t) reply->element[0]->len);

    len = NGX_HTTP_MAGASIN_CACHE_HEAD + cr.question.key.len + answer.etag.len
          + answer.link.len + answer.body.len;

    fuzz_assert(len == (size_t) reply->element[1]->len);
    fuzz_assert(answer.etag.len <= len && answer.link.len <= len
                && answer.body.len <= len);
    fuzz_assert(answer.link.data == answer.etag.data + answer.etag.len);
    fuzz_assert(answer.body.data == answer.link.data + answer.link.len);
    fuzz_assert(ngx_memcmp(answer.etag.data,
                           reply->element[1]->str
                           + NGX_HTTP_MAGASIN_CACHE_HEAD + 3,
                           len - NGX_HTTP_MAGASIN_CACHE_HEAD - 3)
                == 0);
}
