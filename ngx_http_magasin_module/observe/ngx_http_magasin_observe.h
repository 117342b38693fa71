
/*
 * Metrics.  A request is counted at its end, whatever part of nginx answered
 * it.  The rooms of PostgreSQL, Redis and the cache count their own events, in
 * the same zone.  /metrics and /status show the values at the time of their
 * request.
 */


#ifndef _NGX_HTTP_MAGASIN_OBSERVE_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_OBSERVE_H_INCLUDED_


#include "ngx_http_magasin_feed.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_metrics_shared.h"


typedef struct ngx_http_magasin_metrics_s   ngx_http_magasin_metrics_t;
typedef struct ngx_http_magasin_business_s  ngx_http_magasin_business_t;


/* The parameters of `magasin_metrics`. */
typedef struct {
    ngx_uint_t                          stores;    /* stores with their own
                                                      series */
    ngx_msec_t                          interval;  /* between queries */
} ngx_http_magasin_metrics_conf_t;


/* The metrics of one worker. */
struct ngx_http_magasin_metrics_s {
    ngx_http_magasin_zone_t            *zone;
    ngx_http_magasin_metrics_shared_t  *shared;
    ngx_http_magasin_metrics_stripe_t  *stripe;
    ngx_http_magasin_metrics_slot_t    *slot;
    ngx_uint_t                          layout;    /* digest of the routes */
    ngx_http_magasin_business_t        *business;  /* NULL: no database */
    ngx_event_t                         timer;     /* updates connections */
};


extern ngx_module_t  ngx_http_magasin_observe_module;


/* observe_module.c */
ngx_int_t ngx_http_magasin_observe_start(ngx_cycle_t *cycle);
ngx_int_t ngx_http_magasin_observe_wire(ngx_cycle_t *cycle);
void ngx_http_magasin_observe_stop(ngx_cycle_t *cycle);
ngx_http_magasin_checks_counters_t *ngx_http_magasin_observe_checks(
    ngx_cycle_t *cycle);
ngx_http_magasin_metrics_t *ngx_http_magasin_metrics_of(
    ngx_http_request_t *r);

/* metrics.c */
void ngx_http_magasin_metrics_init(void);
ngx_http_magasin_metrics_t *ngx_http_magasin_metrics_create(
    ngx_cycle_t *cycle, ngx_http_magasin_zone_t *zone,
    ngx_http_magasin_metrics_shared_t *shared);
void ngx_http_magasin_metrics_destroy(ngx_http_magasin_metrics_t *metrics);
ngx_int_t ngx_http_magasin_metrics_begin(ngx_http_request_t *r);
ngx_int_t ngx_http_magasin_metrics_log(ngx_http_request_t *r);
ngx_http_magasin_metrics_slot_t *ngx_http_magasin_metrics_worker(
    ngx_http_magasin_metrics_t *metrics, ngx_uint_t i);
ngx_str_t *ngx_http_magasin_metrics_method(ngx_uint_t method);
ngx_uint_t ngx_http_magasin_metrics_status(ngx_uint_t status);

/* metrics_connections.c */
void ngx_http_magasin_metrics_watch(ngx_cycle_t *cycle,
    ngx_http_magasin_metrics_t *metrics);
void ngx_http_magasin_metrics_look(ngx_http_magasin_metrics_t *metrics);

/* memory.c */
void ngx_http_magasin_memory_watch(void);

/* business.c */
ngx_http_magasin_business_t *ngx_http_magasin_business_create(
    ngx_cycle_t *cycle, ngx_http_magasin_metrics_shared_t *shared,
    ngx_http_magasin_pg_pool_t *pool, ngx_http_magasin_metrics_conf_t *conf);
void ngx_http_magasin_business_destroy(ngx_http_magasin_business_t *business);
ngx_http_magasin_metrics_business_t *ngx_http_magasin_business_get(
    ngx_http_magasin_metrics_t *metrics, ngx_pool_t *pool);
u_char *ngx_http_magasin_business_next(u_char *p,
    ngx_http_magasin_metrics_store_t *store, ngx_str_t *name);

/* metrics_text.c, status.c */
ngx_int_t ngx_http_magasin_metrics_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_magasin_status_handler(ngx_http_request_t *r);
void ngx_http_magasin_status_init(void);


/* variables.c */
ngx_int_t ngx_http_magasin_variables_init(ngx_conf_t *cf);
ngx_str_t *ngx_http_magasin_route_of(ngx_http_request_t *r);
ngx_str_t *ngx_http_magasin_token_of(ngx_http_request_t *r);

/* variables_text.c */
ngx_int_t ngx_http_magasin_variables_text(ngx_conf_t *cf);
void ngx_http_magasin_path_of(ngx_http_request_t *r, ngx_str_t *path);


#endif /* _NGX_HTTP_MAGASIN_OBSERVE_H_INCLUDED_ */
