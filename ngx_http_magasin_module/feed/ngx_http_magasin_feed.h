
/*
 * The feed: the journal for clients that listen, as Server-Sent Events.
 *
 *     the journal -> one poll of the node -> a ring in shared memory
 *                 -> each worker -> its listeners
 *
 * A listener that the ring has overtaken, or that resumes from an older place,
 * reads the journal by its own pages until it has caught up.
 */


#ifndef _NGX_HTTP_MAGASIN_FEED_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_FEED_H_INCLUDED_


#include "ngx_http_magasin.h"


/* Counters; all of them only grow. */
typedef struct {
    ngx_atomic_t         events;        /* that were sent to listeners */
    ngx_atomic_t         polls;
    ngx_atomic_t         poll_failures;
    ngx_atomic_t         pages;         /* read to catch up */
    ngx_atomic_t         dropped;       /* listeners that did not read */
    ngx_atomic_t         ended;         /* by a reload, or by a lost history */
} ngx_http_magasin_feed_counters_t;


extern ngx_module_t  ngx_http_magasin_feed_module;


/* feed_module.c */
ngx_int_t ngx_http_magasin_feed_start(ngx_cycle_t *cycle);
void ngx_http_magasin_feed_stop(ngx_cycle_t *cycle);
void ngx_http_magasin_feed_measure(ngx_cycle_t *cycle, ngx_atomic_t *gauge);
ngx_http_magasin_feed_counters_t *ngx_http_magasin_feed_numbers(
    ngx_http_magasin_zone_t *zone);

/* feed_request.c */
ngx_int_t ngx_http_magasin_feed_bind(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_feed_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
ngx_int_t ngx_http_magasin_feed_follow(ngx_http_magasin_ctx_t *ctx);


#endif /* _NGX_HTTP_MAGASIN_FEED_H_INCLUDED_ */
