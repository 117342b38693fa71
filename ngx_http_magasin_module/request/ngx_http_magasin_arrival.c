
/*
 * The time when a request started.  The clock starts at the end of the header,
 * so that the time of a slow client is not measured.  The data is kept by a
 * cleanup handler of the pool, because it has to survive internal redirects,
 * which discard the context of a request.
 */


#include "ngx_http_magasin.h"


static void ngx_http_magasin_arrival_end(void *data);


/*
 * Stores the time at which the header of a request has arrived.  Returns the
 * data, which lives as long as the request, or NULL if memory cannot be
 * allocated.
 */

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


/*
 * Returns the data that _note() has stored.  Returns NULL if there is none:
 * the request failed before its header was complete, or nothing called
 * _note().
 */

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
