
/*
 * The interface of the cache; with tags.h and cache_answer.h, which it
 * includes, it is all that other rooms see.  The cache knows keys, tags and
 * answers; it does not know requests.  A read gives a key and the tags that its
 * answer depends on, and runs the statement when the cache says so.  A write
 * gives the tags of what it has changed, before its client is answered.
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

#include "ngx_http_magasin_zone.h"
#include "ngx_http_magasin_cache_answer.h"
#include "ngx_http_magasin_tags.h"


typedef struct ngx_http_magasin_cache_s        ngx_http_magasin_cache_t;
typedef struct ngx_http_magasin_cache_read_s   ngx_http_magasin_cache_read_t;
typedef struct ngx_http_magasin_cache_write_s  ngx_http_magasin_cache_write_t;
typedef struct ngx_http_magasin_cache_fragment_s
                                            ngx_http_magasin_cache_fragment_t;


/* `magasin_cache`: the levels that a location reads and fills. */
#define NGX_HTTP_MAGASIN_CACHE_OFF  0
#define NGX_HTTP_MAGASIN_CACHE_L1   1
#define NGX_HTTP_MAGASIN_CACHE_L2   2
#define NGX_HTTP_MAGASIN_CACHE_ON   3


/* $magasin_cache; the words are in cache_module.c. */
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


/* The directives of a location. */
typedef struct {
    ngx_uint_t   levels;
    ngx_msec_t   ttl;
    ngx_msec_t   stale;         /* milliseconds after expiry; 0: never */
    size_t       max_size;      /* bytes of a body that is stored */
    ngx_flag_t   header;        /* X-Magasin-Cache */
} ngx_http_magasin_cache_conf_t;


/*
 * The callbacks of a reader; `data` is what it gave to _read_create().
 *
 * take: takes an answer, that came from `state`; its texts live as long as the
 * pool of the read.
 * sound: 1 if the links of an answer from Redis are valid, else 0.
 * done: continues a read that had to wait; it is called from the event loop.
 * NGX_OK: take() was called.  NGX_DECLINED: run the statement.  NGX_ERROR: the
 * read failed; answer with `status`.
 */
typedef struct {
    void       (*take)(void *data, ngx_http_magasin_answer_t *answer,
                       ngx_http_magasin_cache_e state);
    ngx_uint_t (*sound)(void *data, ngx_http_magasin_answer_t *answer);
    void       (*done)(void *data, ngx_int_t rc, ngx_uint_t status);
} ngx_http_magasin_cache_client_t;


/* What a write has changed is invalid on this node and in Redis now. */
typedef void (*ngx_http_magasin_cache_written_pt)(void *data);


/* Counters; all of them only grow. */
typedef struct {
    ngx_atomic_t         hits;          /* from shared memory */
    ngx_atomic_t         redis_hits;
    ngx_atomic_t         misses;        /* statements run for an answer */
    ngx_atomic_t         coalesced;     /* answers of another's statement */
    ngx_atomic_t         bypassed;
    ngx_atomic_t         stale;
    ngx_atomic_t         stored;
    ngx_atomic_t         late;          /* stored when invalid already */
    ngx_atomic_t         too_large;
    ngx_atomic_t         compressed;    /* gzip forms made */
    ngx_atomic_t         evicted;
    ngx_atomic_t         flushed;
    ngx_atomic_t         invalidations; /* generations that were raised */
    ngx_atomic_t         hints;         /* messages of other nodes */
    ngx_atomic_t         unpublished;   /* changes that Redis did not take */
    ngx_atomic_t         polls;
    ngx_atomic_t         poll_failures;
    ngx_atomic_t         poll_changes;  /* found by polls alone */
    ngx_atomic_t         lag_count;     /* changes whose age is known */
    ngx_atomic_t         lag_sum;       /* microseconds */
} ngx_http_magasin_cache_counters_t;


/* What /metrics and /status show of the node. */
typedef struct {
    ngx_http_magasin_cache_counters_t  *counters;
    ngx_uint_t                          entries;
    size_t                              bytes;
    ngx_uint_t                          fresh;      /* 1: answers may be used */
} ngx_http_magasin_cache_numbers_t;


extern ngx_module_t  ngx_http_magasin_cache_module;


/* cache_module.c */
ngx_int_t ngx_http_magasin_cache_start(ngx_cycle_t *cycle);
void ngx_http_magasin_cache_stop(ngx_cycle_t *cycle);
ngx_http_magasin_cache_t *ngx_http_magasin_cache_of(ngx_http_request_t *r);
ngx_http_magasin_cache_conf_t *ngx_http_magasin_cache_conf(
    ngx_http_request_t *r);
void ngx_http_magasin_cache_numbers(ngx_http_magasin_zone_t *zone,
    ngx_http_magasin_cache_numbers_t *numbers);
ngx_str_t *ngx_http_magasin_cache_name(ngx_http_magasin_cache_e state);

/* cache.c: reads, in the order of a miss */
ngx_uint_t ngx_http_magasin_cache_usable(ngx_http_magasin_cache_t *cache);
ngx_http_magasin_cache_read_t *ngx_http_magasin_cache_read_create(
    ngx_http_magasin_cache_t *cache, ngx_http_magasin_cache_conf_t *conf,
    ngx_pool_t *pool, ngx_log_t *log,
    const ngx_http_magasin_cache_client_t *client, void *data);
void ngx_http_magasin_cache_read_key(ngx_http_magasin_cache_read_t *cr,
    ngx_str_t *key);
void ngx_http_magasin_cache_read_tag(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_tag_e kind, int64_t first, int64_t second);
void ngx_http_magasin_cache_read_options(ngx_http_magasin_cache_read_t *cr,
    ngx_uint_t head, ngx_uint_t fetch, size_t gzip, uint64_t *spent);
ngx_int_t ngx_http_magasin_cache_read(ngx_http_magasin_cache_read_t *cr);
ngx_int_t ngx_http_magasin_cache_stale(ngx_http_magasin_cache_read_t *cr);
ngx_int_t ngx_http_magasin_cache_piece(ngx_http_magasin_cache_read_t *cr,
    u_char *p, size_t size, ngx_uint_t last);
uint64_t ngx_http_magasin_cache_waited(ngx_http_magasin_cache_read_t *cr);
void ngx_http_magasin_cache_read_close(ngx_http_magasin_cache_read_t *cr);

/* cache_fill.c: after the statement */
ngx_uint_t ngx_http_magasin_cache_gathers(ngx_http_magasin_cache_read_t *cr,
    size_t size, ngx_uint_t complete);
ngx_uint_t ngx_http_magasin_cache_streams(ngx_http_magasin_cache_read_t *cr);
void ngx_http_magasin_cache_ran(ngx_http_magasin_cache_read_t *cr);
void ngx_http_magasin_cache_replica(ngx_http_magasin_cache_read_t *cr,
    ngx_uint_t past);
void ngx_http_magasin_cache_fill(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer, ngx_msec_t valid_for);
void ngx_http_magasin_cache_refuse(ngx_http_magasin_cache_read_t *cr);
void ngx_http_magasin_cache_failed(ngx_http_magasin_cache_read_t *cr,
    ngx_uint_t status);
void ngx_http_magasin_cache_hold(ngx_http_magasin_cache_read_t *cr,
    size_t size);

/* cache_form.c: the gzip form of an answer */
ngx_uint_t ngx_http_magasin_cache_packs(ngx_http_magasin_cache_read_t *cr);
void ngx_http_magasin_cache_packed(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer);
void ngx_http_magasin_cache_unpacked(ngx_http_magasin_cache_read_t *cr);

/* cache_fragment.c */
ngx_http_magasin_cache_fragment_t *ngx_http_magasin_cache_fragment_create(
    ngx_http_magasin_cache_read_t *cr, ngx_str_t *key);
void ngx_http_magasin_cache_fragment_tag(
    ngx_http_magasin_cache_fragment_t *fragment, ngx_http_magasin_tag_e kind,
    int64_t first, int64_t second);
ngx_int_t ngx_http_magasin_cache_fragment_find(
    ngx_http_magasin_cache_fragment_t *fragment, ngx_str_t *text,
    ngx_msec_t *valid_for);
void ngx_http_magasin_cache_fragment_store(
    ngx_http_magasin_cache_fragment_t *fragment, ngx_str_t *text,
    ngx_msec_t valid_for);

/* cache_write.c */
ngx_int_t ngx_http_magasin_cache_written(ngx_http_magasin_cache_t *cache,
    ngx_pool_t *pool, ngx_http_magasin_tags_t *tags, uint64_t xid,
    uint64_t *spent, ngx_http_magasin_cache_written_pt done, void *data,
    ngx_http_magasin_cache_write_t **write);
void ngx_http_magasin_cache_write_close(ngx_http_magasin_cache_write_t *cw);
ngx_uint_t ngx_http_magasin_cache_flush(ngx_http_magasin_cache_t *cache);


#endif /* _NGX_HTTP_MAGASIN_CACHE_H_INCLUDED_ */
