
/*
 * The text format of Prometheus, version 0.0.4, and that of OpenMetrics 1.0:
 * families of samples, written to the buffers of the JSON writer.  Labels are
 * passed as text.  Only values that ngx_http_magasin_label() writes may contain
 * a character that needs an escape; help texts contain none.
 */


#ifndef _NGX_HTTP_MAGASIN_EXPOSITION_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_EXPOSITION_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_json.h"
#include "ngx_http_magasin_metrics_shared.h"


typedef struct {
    ngx_http_magasin_json_t        json;
    unsigned                       openmetrics:1;
} ngx_http_magasin_exposition_t;


void ngx_http_magasin_line(ngx_http_magasin_exposition_t *text,
    const char *format, ...);
void ngx_http_magasin_label(ngx_http_magasin_exposition_t *text,
    ngx_str_t *value);
void ngx_http_magasin_family(ngx_http_magasin_exposition_t *text,
    const char *name, const char *type, const char *help);
void ngx_http_magasin_single(ngx_http_magasin_exposition_t *text,
    const char *name, const char *type, const char *help, uint64_t value);
void ngx_http_magasin_histogram(ngx_http_magasin_exposition_t *text,
    const char *name, const char *labels,
    const ngx_http_magasin_histogram_t *histogram,
    const ngx_http_magasin_exemplar_t *exemplars);
void ngx_http_magasin_summary(ngx_http_magasin_exposition_t *text,
    const char *name, const char *labels, uint64_t count, uint64_t us);


#endif /* _NGX_HTTP_MAGASIN_EXPOSITION_INTERNAL_H_INCLUDED_ */
