
/*
 * When a request began.  The clock starts at the end of the header, so that a
 * slow client is not our latency.  What is noted outlives internal redirects,
 * which a context does not: it is kept by a cleanup handler of the pool.
 */


#include "ngx_http_magasin.h"


static void ngx_http_magasin_arrival_end(void *data);


/* The header is there.  NULL: memory. */

ngx_http_magasin_arrival_t *
ngx_http_magasin_arrival_note(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t          *cln;
    ngx_http_magasin_arrival_t  *arrival;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_magasin_arrival_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_magasin_arrival_end;

    arrival = cln->data;
    arrival->started = ngx_http_magasin_clock();
    arrival->active = NULL;

    return arrival;
}


static void
ngx_http_magasin_arrival_end(void *data)
{
    ngx_http_magasin_arrival_t  *arrival = data;

    if (arrival->active) {
        (*arrival->active)--;
    }
}


/* NULL: it failed before its header was there, or nobody noted it. */

ngx_http_magasin_arrival_t *
ngx_http_magasin_arrival(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_magasin_arrival_end) {
            return cln->data;
        }
    }

    return NULL;
}
