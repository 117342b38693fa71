
/* The parts of /metrics.  Each part has the families of one room. */


#ifndef _NGX_HTTP_MAGASIN_METRICS_TEXT_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_METRICS_TEXT_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_observe.h"
#include "ngx_http_magasin_exposition_internal.h"


/* The sum of the gauges of all running workers. */
typedef struct {
    ngx_uint_t                    workers;
    ngx_uint_t                    active[NGX_HTTP_MAGASIN_METRICS_METHODS];
    ngx_http_magasin_pg_gauges_t  pg;
    ngx_uint_t                    redis;       /* connections in service */
    ngx_uint_t                    clients;     /* connections of clients */
    ngx_uint_t                    reading;
    ngx_uint_t                    writing;
    ngx_uint_t                    waiting;
    ngx_uint_t                    listeners;   /* to the journal's stream */
} ngx_http_magasin_metrics_gauges_t;


/* metrics_text.c */
void ngx_http_magasin_metrics_gauges(ngx_http_magasin_metrics_t *metrics,
    ngx_http_magasin_metrics_gauges_t *gauges);
uint64_t ngx_http_magasin_metrics_requests(
    ngx_http_magasin_metrics_shared_t *shared, ngx_uint_t route,
    ngx_uint_t method, ngx_uint_t status);
void ngx_http_magasin_metrics_durations(
    ngx_http_magasin_metrics_shared_t *shared, ngx_uint_t route,
    ngx_uint_t method, ngx_http_magasin_histogram_t *sum);
ngx_str_t *ngx_http_magasin_metrics_endpoint(ngx_uint_t route);
ngx_int_t ngx_http_magasin_metrics_refuse(ngx_http_request_t *r);
ngx_int_t ngx_http_magasin_metrics_send(ngx_http_request_t *r,
    const char *type, ngx_http_magasin_json_t *json);

/* metrics_components.c */
void ngx_http_magasin_metrics_pg(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_pg_counters_t *counters,
    ngx_http_magasin_pg_gauges_t *gauges);
void ngx_http_magasin_metrics_replicas(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_metrics_redis(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_redis_counters_t *counters, ngx_uint_t connections);
void ngx_http_magasin_metrics_cache(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_zone_t *zone);
void ngx_http_magasin_metrics_feed(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_zone_t *zone, ngx_uint_t listeners);
void ngx_http_magasin_metrics_zone(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_zone_t *zone);
void ngx_http_magasin_metrics_business(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_shared_t *shared,
    ngx_http_magasin_metrics_business_t *business);

/* status_json.c */
ngx_int_t ngx_http_magasin_status_json(ngx_http_magasin_json_t *json,
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_MAGASIN_METRICS_TEXT_INTERNAL_H_INCLUDED_ */
