
/* See ngx_http_magasin_exemplars.c. */


#ifndef _NGX_HTTP_MAGASIN_EXEMPLARS_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_EXEMPLARS_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_observe.h"


void ngx_http_magasin_exemplar_write(ngx_http_magasin_metrics_t *metrics,
    ngx_uint_t route, ngx_uint_t method, uint64_t us, ngx_str_t *id);
void ngx_http_magasin_exemplars_read(ngx_http_magasin_metrics_t *metrics,
    ngx_uint_t route, ngx_uint_t method,
    ngx_http_magasin_exemplar_t *exemplars);


#endif /* _NGX_HTTP_MAGASIN_EXEMPLARS_INTERNAL_H_INCLUDED_ */
