
/*
 * Level 2: answers in Redis, which the nodes share.  An error of Redis is a
 * miss.  Redis is not asked while its answers may be invalid.
 */


#ifndef _NGX_HTTP_MAGASIN_CACHE_REDIS_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_REDIS_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_cache_internal.h"
#include "ngx_http_magasin_scripts.h"


/* EVAL, the script, the number of keys. */
#define NGX_HTTP_MAGASIN_CACHE_ARGS        3

/* Bytes of a key. */
#define NGX_HTTP_MAGASIN_CACHE_KEY                                            \
    (sizeof("magasin::r:") - 1 + NGX_HTTP_MAGASIN_NAMESPACE + 32)


/* The arguments of a command. */
typedef struct {
    ngx_uint_t   n;
    u_char       nkeys[NGX_INT_T_LEN];
    const char  *argv[NGX_HTTP_MAGASIN_CACHE_ARGS
                      + NGX_HTTP_MAGASIN_TAG_WRITES + 3];
    size_t       lens[NGX_HTTP_MAGASIN_CACHE_ARGS
                      + NGX_HTTP_MAGASIN_TAG_WRITES + 3];
} ngx_http_magasin_args_t;


/* Bytes at most of the generations: their tokens may be those of another
 * version of the module. */
#define NGX_HTTP_MAGASIN_CACHE_GENERATIONS         4096


/* cache_redis_read.c */
ngx_int_t ngx_http_magasin_cache_redis_read(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_cache_read_t *cr, ngx_http_magasin_cache_redis_pt done);
void ngx_http_magasin_cache_redis_unask(ngx_http_magasin_cache_read_t *cr);

/* cache_redis.c */
ngx_int_t ngx_http_magasin_cache_redis_take(ngx_http_magasin_cache_read_t *cr,
    ngx_str_t *value, int64_t left, ngx_http_magasin_answer_t *answer);
void ngx_http_magasin_cache_redis_store(ngx_http_magasin_cache_t *cache,
    ngx_http_magasin_cache_read_t *cr, ngx_http_magasin_answer_t *answer);

/* cache_redis_tell.c */
ngx_int_t ngx_http_magasin_cache_redis_tell(
    ngx_http_magasin_cache_tell_t *tell);
void ngx_http_magasin_cache_redis_untell(
    ngx_http_magasin_cache_tell_t *tell);
ngx_int_t ngx_http_magasin_cache_hint(ngx_http_magasin_cache_t *cache,
    const char *message, uint64_t *xid, ngx_http_magasin_tags_t *tags);

/* cache_redis_keys.c */
void ngx_http_magasin_cache_redis_init(void);
ngx_uint_t ngx_http_magasin_cache_redis_usable(
    ngx_http_magasin_cache_t *cache);
ngx_uint_t ngx_http_magasin_cache_redis_id(ngx_http_magasin_redis_t *redis);
ngx_int_t ngx_http_magasin_cache_namespace(ngx_http_magasin_cache_t *cache,
    u_char *namespace);
void ngx_http_magasin_cache_channel(u_char *identity, u_char *channel);
void ngx_http_magasin_cache_script(ngx_http_magasin_args_t *args,
    ngx_http_magasin_script_e script, ngx_uint_t evaluate, ngx_uint_t nkeys);
void ngx_http_magasin_cache_arg(ngx_http_magasin_args_t *args,
    const void *data, size_t len);
u_char *ngx_http_magasin_cache_answer_key(u_char *p, u_char *namespace,
    ngx_str_t *key);
u_char *ngx_http_magasin_cache_slot_key(u_char *p, u_char *namespace,
    ngx_uint_t slot);
ngx_uint_t ngx_http_magasin_cache_no_script(
    ngx_http_magasin_redis_command_t *command);


#endif /* _NGX_HTTP_MAGASIN_CACHE_REDIS_INTERNAL_H_INCLUDED_ */
