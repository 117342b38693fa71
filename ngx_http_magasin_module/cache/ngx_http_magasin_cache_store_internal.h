
/*
 * Level 1: answers in the shared memory of a node, and the flights that fetch
 * them.  An entry belongs to one question and has an answer, a flight, or both.
 */


#ifndef _NGX_HTTP_MAGASIN_CACHE_STORE_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_STORE_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_cache_pin_internal.h"


/* Early refresh: in the last part of so many of an answer's life one request
 * fetches it anew, while the others are still answered. */
#define NGX_HTTP_MAGASIN_STORE_EARLY  10


/*
 * What a read asks.  The generations are captured before level 1 is searched
 * and before the statement is sent.  The answer is valid while they are
 * current.
 */
typedef struct {
    ngx_str_t    key;
    ngx_uint_t   hash;
    ngx_uint_t   nslots;
    uint16_t     slots[NGX_HTTP_MAGASIN_TAG_READS];

    uint64_t     captured;      /* milliseconds */
    ngx_uint_t   epoch;
    ngx_uint_t   generations[NGX_HTTP_MAGASIN_TAG_READS];
    ngx_uint_t   flight;        /* ours, or the one that is waited for */
    ngx_uint_t   after;         /* FETCH: the answer has to be of a later
                                   flight; else 0 */
} ngx_http_magasin_question_t;


typedef enum {
    NGX_HTTP_MAGASIN_STORE_FIND = 0,
    NGX_HTTP_MAGASIN_STORE_FETCH,       /* only an answer of a statement that
                                           was sent after the request came */
    NGX_HTTP_MAGASIN_STORE_JOIN         /* no stored answer; join a flight */
} ngx_http_magasin_store_e;


size_t ngx_http_magasin_store_largest(ngx_http_magasin_store_t *store);
ngx_uint_t ngx_http_magasin_store_last(ngx_http_magasin_store_t *store);
void ngx_http_magasin_store_capture(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question);
ngx_int_t ngx_http_magasin_store_find(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_http_magasin_store_e mode,
    ngx_uint_t fresh, ngx_pool_t *pool, ngx_http_magasin_answer_t *answer);
ngx_int_t ngx_http_magasin_store_wait(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer);
ngx_uint_t ngx_http_magasin_store_flying(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question);
ngx_int_t ngx_http_magasin_store_stale(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_msec_t age, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer);
ngx_int_t ngx_http_magasin_store_peek(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer);
void ngx_http_magasin_store_fill(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_http_magasin_answer_t *answer);
void ngx_http_magasin_store_close(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_uint_t too_large,
    ngx_uint_t status);
ngx_uint_t ngx_http_magasin_store_failed(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question);

ngx_int_t ngx_http_magasin_store_empty(ngx_http_magasin_store_t *store);


#endif /* _NGX_HTTP_MAGASIN_CACHE_STORE_INTERNAL_H_INCLUDED_ */
