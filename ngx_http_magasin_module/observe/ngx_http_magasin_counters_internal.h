
/* Tables of counters for /metrics and /status. */


#ifndef _NGX_HTTP_MAGASIN_COUNTERS_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_COUNTERS_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_observe.h"
#include "ngx_http_magasin_exposition_internal.h"


/* A table of samples ends with a NULL name. */
typedef struct {
    const char  *name;          /* of the metric */
    const char  *label;         /* NULL: the family has one sample */
    const char  *help;          /* NULL: the family before continues */
    const char  *status;        /* the name in /status; NULL: not shown */
    size_t       offset;        /* offset of the counter, an ngx_atomic_t */
} ngx_http_magasin_sample_t;


extern const ngx_http_magasin_sample_t  ngx_http_magasin_pg_samples[];
extern const ngx_http_magasin_sample_t  ngx_http_magasin_redis_samples[];
extern const ngx_http_magasin_sample_t  ngx_http_magasin_cache_samples[];
extern const ngx_http_magasin_sample_t  ngx_http_magasin_feed_samples[];


void ngx_http_magasin_counters_text(ngx_http_magasin_exposition_t *text,
    const ngx_http_magasin_sample_t *sample, void *counters);
void ngx_http_magasin_counters_json(ngx_http_magasin_json_t *json,
    const ngx_http_magasin_sample_t *sample, void *counters);


#endif /* _NGX_HTTP_MAGASIN_COUNTERS_INTERNAL_H_INCLUDED_ */
