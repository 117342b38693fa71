
/*
 * Pins: a long answer of level 1 is read piece by piece while its client takes
 * it.  A pinned answer is neither changed nor freed, also when it is invalid,
 * replaced or evicted meanwhile.
 */


#ifndef _NGX_HTTP_MAGASIN_CACHE_PIN_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_PIN_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_cache_shared_internal.h"
#include "ngx_http_magasin_cache_block_internal.h"


/* Bytes: a body of no more is copied at once. */
#define NGX_HTTP_MAGASIN_PIN_SHORT  32768


/* Memory of the slab pool that can be pinned begins with this. */
typedef struct {
    ngx_http_magasin_block_t  *next;        /* of its blocks; NULL: one */
    ngx_uint_t                 pins;
    size_t                     size;        /* bytes of all of it */
    unsigned                   detached:1;  /* only its readers know it */
} ngx_http_magasin_pinned_t;


/* One reader, in the slab pool, so that others see when its worker died. */
struct ngx_http_magasin_pin_s {
    ngx_queue_t                queue;
    ngx_http_magasin_pinned_t *pinned;
    ngx_pid_t                  pid;
    ngx_int_t                  slot;        /* of the worker's process */
};


/* under the lock */
ngx_uint_t ngx_http_magasin_pin_room(ngx_http_magasin_store_t *store,
    ngx_http_magasin_pinned_t *pinned);
void ngx_http_magasin_pin_take(ngx_http_magasin_store_t *store,
    ngx_http_magasin_pin_t *pin, ngx_http_magasin_pinned_t *pinned,
    ngx_http_magasin_reader_t *reader);
ngx_uint_t ngx_http_magasin_pin_detach(ngx_http_magasin_store_t *store,
    ngx_http_magasin_pinned_t *pinned);
void ngx_http_magasin_pin_sweep(ngx_http_magasin_store_t *store,
    ngx_uint_t born);

/* these take the lock */
ngx_int_t ngx_http_magasin_pin_read(ngx_http_magasin_store_t *store,
    ngx_http_magasin_reader_t *reader, u_char *p, size_t len,
    ngx_uint_t last);
void ngx_http_magasin_pin_release(ngx_http_magasin_store_t *store,
    ngx_http_magasin_reader_t *reader);


#endif /* _NGX_HTTP_MAGASIN_CACHE_PIN_INTERNAL_H_INCLUDED_ */
