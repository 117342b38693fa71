
/*
 * The cache as the way of a request sees it.  A read asks it before the
 * statement, and brings the answer when it has run one; a write tells it what
 * it has changed, before the client hears of it.
 *
 *     read:   level 1 (shared memory) -> somebody's flight -> level 2 (Redis)
 *             -> the statement -> both levels
 *     write:  the statement -> Redis -> generations -> the client
 *
 * docs/cache.md says what is promised, and why it holds.
 */


#ifndef _NGX_HTTP_MAGASIN_CACHE_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_magasin_redis.h"
#include "ngx_http_magasin_pg.h"
#include "ngx_http_magasin_zone.h"
#include "ngx_http_magasin_scope.h"


typedef struct ngx_http_magasin_cache_s          ngx_http_magasin_cache_t;
typedef struct ngx_http_magasin_cache_request_s
    ngx_http_magasin_cache_request_t;
typedef struct ngx_http_magasin_cache_write_s    ngx_http_magasin_cache_write_t;

struct ngx_http_magasin_ctx_s;


/* `magasin_cache`: which levels a location reads and fills. */
#define NGX_HTTP_MAGASIN_CACHE_OFF  0
#define NGX_HTTP_MAGASIN_CACHE_L1   1
#define NGX_HTTP_MAGASIN_CACHE_L2   2
#define NGX_HTTP_MAGASIN_CACHE_ON   3


/* $magasin_cache; the words are in cache_conf.c. */
typedef enum {
    NGX_HTTP_MAGASIN_CACHE_NONE = 0,        /* not a read */
    NGX_HTTP_MAGASIN_CACHE_HIT,
    NGX_HTTP_MAGASIN_CACHE_REDIS,
    NGX_HTTP_MAGASIN_CACHE_MISS,
    NGX_HTTP_MAGASIN_CACHE_COALESCED,
    NGX_HTTP_MAGASIN_CACHE_BYPASS,
    NGX_HTTP_MAGASIN_CACHE_STALE,
    NGX_HTTP_MAGASIN_CACHE_NOT_USED         /* OFF */
} ngx_http_magasin_cache_e;


/* Of a location. */
typedef struct {
    ngx_uint_t   levels;
    ngx_msec_t   ttl;
    ngx_msec_t   stale;         /* 0: never */
    size_t       max_size;
    ngx_flag_t   header;        /* X-Magasin-Cache */
} ngx_http_magasin_cache_conf_t;


/* A scope of THE table, with the ids that the request names. */
typedef enum {
    NGX_HTTP_MAGASIN_SCOPE_NO_ID = 0,
    NGX_HTTP_MAGASIN_SCOPE_FIRST_ID,        /* of the path */
    NGX_HTTP_MAGASIN_SCOPE_SECOND_ID,
    NGX_HTTP_MAGASIN_SCOPE_FIRST_VALUE      /* of the statement; may be NULL */
} ngx_http_magasin_scope_id_e;

typedef struct {
    ngx_http_magasin_scope_e     kind;
    ngx_http_magasin_scope_id_e  first;
    ngx_http_magasin_scope_id_e  second;
} ngx_http_magasin_scope_spec_t;

/* One less: all that is cached reads the scope of everything. */
#define NGX_HTTP_MAGASIN_SCOPE_SPECS  (NGX_HTTP_MAGASIN_SCOPE_READS - 1)


/*
 * A read that had to wait goes on.  NGX_OK: the answer is in ctx;
 * NGX_DECLINED: run the statement; NGX_ERROR: it failed, for `status`.
 */
typedef void (*ngx_http_magasin_cache_read_pt)(
    struct ngx_http_magasin_ctx_s *ctx, ngx_int_t rc, ngx_uint_t status);

/* What a write has changed is invalid everywhere by now. */
typedef void (*ngx_http_magasin_cache_written_pt)(
    struct ngx_http_magasin_ctx_s *ctx);


ngx_http_magasin_cache_t *ngx_http_magasin_cache_create(ngx_cycle_t *cycle,
    ngx_http_magasin_zone_t *zone, ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_conf_t *redis_conf,
    ngx_http_magasin_pg_conf_t *pg_conf, ngx_str_t *database);
void ngx_http_magasin_cache_destroy(ngx_http_magasin_cache_t *cache);

/* reads */
ngx_int_t ngx_http_magasin_cache_read(struct ngx_http_magasin_ctx_s *ctx,
    ngx_http_magasin_cache_read_pt done);
ngx_uint_t ngx_http_magasin_cache_gathers(struct ngx_http_magasin_ctx_s *ctx);
ngx_int_t ngx_http_magasin_cache_fill(struct ngx_http_magasin_ctx_s *ctx);
void ngx_http_magasin_cache_failed(struct ngx_http_magasin_ctx_s *ctx,
    ngx_uint_t status);
ngx_int_t ngx_http_magasin_cache_stale(struct ngx_http_magasin_ctx_s *ctx);
ngx_int_t ngx_http_magasin_cache_piece(struct ngx_http_magasin_ctx_s *ctx);
void ngx_http_magasin_cache_sent(struct ngx_http_magasin_ctx_s *ctx);

/* writes */
ngx_int_t ngx_http_magasin_cache_written(struct ngx_http_magasin_ctx_s *ctx,
    ngx_http_magasin_scopes_t *scopes, uint64_t xid,
    ngx_http_magasin_cache_written_pt done);

/* cache_redis.c: once for a process */
void ngx_http_magasin_cache_redis_init(void);

/* both */
void ngx_http_magasin_cache_cleanup(struct ngx_http_magasin_ctx_s *ctx);

/* conf */
ngx_str_t *ngx_http_magasin_cache_name(ngx_http_magasin_cache_e state);
void ngx_http_magasin_cache_conf_init(ngx_http_magasin_cache_conf_t *ccf);
char *ngx_http_magasin_cache_conf_merge(ngx_conf_t *cf,
    ngx_http_magasin_cache_conf_t *prev, ngx_http_magasin_cache_conf_t *conf,
    ngx_uint_t zone);
char *ngx_http_magasin_cache_levels(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_magasin_cache_stale_time(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_HTTP_MAGASIN_CACHE_H_INCLUDED_ */
