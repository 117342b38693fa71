
/*
 * The shared memory of a node: one zone for all that its workers share.
 *
 * The end of the zone is a fixed structure, which is valid for as long as the
 * zone is mapped: its words are read and changed with atomic operations and
 * without a lock.  All before it is a slab pool for what comes and goes; that
 * part is touched between ngx_http_magasin_zone_lock() and _unlock() alone.
 *
 * A worker may be killed inside.  The master then frees the mutex, and the
 * next holder finds `dirty` set: it empties the slab pool, since nothing in
 * it can be trusted.  So under the lock there are writes to memory only: no
 * logging, no callbacks, no waiting.
 */


#ifndef _NGX_HTTP_MAGASIN_ZONE_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_magasin_cache_shared.h"
#include "ngx_http_magasin_metrics_shared.h"


/* To be changed with anything that old workers would misunderstand. */
#define NGX_HTTP_MAGASIN_ZONE_MAGIC    0x4d414741u
#define NGX_HTTP_MAGASIN_ZONE_VERSION  3


typedef struct {
    uint32_t                         magic;
    uint32_t                         version;
    size_t                           size;      /* of this structure */
    ngx_atomic_t                     dirty;     /* somebody is inside */
    ngx_atomic_t                     rebuilt;   /* how many times */
    ngx_http_magasin_cache_shared_t  cache;
    ngx_http_magasin_metrics_shared_t
                                     metrics;
} ngx_http_magasin_zone_shared_t;


typedef struct {
    ngx_shm_zone_t                  *shm;       /* NULL: no directive */
    ngx_slab_pool_t                 *slab;
    ngx_http_magasin_zone_shared_t  *shared;
} ngx_http_magasin_zone_t;


char *ngx_http_magasin_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

void ngx_http_magasin_zone_lock(ngx_http_magasin_zone_t *zone);
void ngx_http_magasin_zone_unlock(ngx_http_magasin_zone_t *zone);
void ngx_http_magasin_zone_empty(ngx_http_magasin_zone_t *zone);


#endif /* _NGX_HTTP_MAGASIN_ZONE_H_INCLUDED_ */
