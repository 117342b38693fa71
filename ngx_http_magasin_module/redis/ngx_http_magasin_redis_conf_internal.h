
/* Between the files that read `magasin_redis`; no other room includes it. */


#ifndef _NGX_HTTP_MAGASIN_REDIS_CONF_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_REDIS_CONF_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_redis.h"


/* redis_place.c */
ngx_int_t ngx_http_magasin_redis_places_init(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf);

/* redis_tls_conf.c */
char *ngx_http_magasin_redis_conf_tls(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf);


#endif /* _NGX_HTTP_MAGASIN_REDIS_CONF_INTERNAL_H_INCLUDED_ */
