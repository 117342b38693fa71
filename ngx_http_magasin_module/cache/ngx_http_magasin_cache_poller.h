
/* The journal's poller: changes that nobody told this node of. */


#ifndef _NGX_HTTP_MAGASIN_CACHE_POLLER_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_POLLER_H_INCLUDED_


#include "ngx_http_magasin_cache_internal.h"


ngx_http_magasin_poller_t *ngx_http_magasin_poller_create(ngx_cycle_t *cycle,
    ngx_http_magasin_cache_t *cache);
void ngx_http_magasin_poller_destroy(ngx_http_magasin_poller_t *poller);


#endif /* _NGX_HTTP_MAGASIN_CACHE_POLLER_H_INCLUDED_ */
