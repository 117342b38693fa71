
/*
 * Level 2: answers in Redis, which the nodes share.  Nothing is owed to it:
 * what goes wrong is a miss, and what may be wrong is not asked.
 */


#ifndef _NGX_HTTP_MAGASIN_CACHE_REDIS_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_REDIS_H_INCLUDED_


#include "ngx_http_magasin_cache_internal.h"


ngx_uint_t ngx_http_magasin_cache_redis_id(ngx_http_magasin_redis_t *redis);
ngx_int_t ngx_http_magasin_cache_redis_read(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_cache_read_t *cr, ngx_http_magasin_cache_redis_pt done);
void ngx_http_magasin_cache_redis_store(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_cache_read_t *cr, ngx_http_magasin_answer_t *answer);
ngx_int_t ngx_http_magasin_cache_redis_tell(
    ngx_http_magasin_cache_tell_t *tell);

void ngx_http_magasin_cache_redis_untell(
    ngx_http_magasin_cache_tell_t *tell);

ngx_int_t ngx_http_magasin_cache_hint(ngx_http_magasin_cache_t *cache,
    const char *message, uint64_t *xid, ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_cache_channel(u_char *identity, u_char *channel);


#endif /* _NGX_HTTP_MAGASIN_CACHE_REDIS_H_INCLUDED_ */
