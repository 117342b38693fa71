
/*
 * The text format of Prometheus, version 0.0.4: families of samples, written
 * with the JSON writer's buffers.  Labels come as text, and hold nothing that
 * would need an escape.
 */


#ifndef _NGX_HTTP_MAGASIN_EXPOSITION_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_EXPOSITION_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_json.h"
#include "ngx_http_magasin_measure.h"


void ngx_http_magasin_line(ngx_http_magasin_json_t *text, const char *format,
    ...);
void ngx_http_magasin_family(ngx_http_magasin_json_t *text, const char *name,
    const char *type, const char *help);
void ngx_http_magasin_single(ngx_http_magasin_json_t *text, const char *name,
    const char *type, const char *help, uint64_t value);
void ngx_http_magasin_histogram(ngx_http_magasin_json_t *text,
    const char *name, const char *labels,
    const ngx_http_magasin_histogram_t *histogram);
void ngx_http_magasin_summary(ngx_http_magasin_json_t *text, const char *name,
    const char *labels, uint64_t count, uint64_t us);


#endif /* _NGX_HTTP_MAGASIN_EXPOSITION_INTERNAL_H_INCLUDED_ */
