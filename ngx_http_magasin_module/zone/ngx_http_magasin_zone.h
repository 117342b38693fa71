
/*
 * The shared memory of a node: one zone for all its workers.
 *
 * A room that keeps data there describes it as a section, and registers the
 * section while the configuration is read.  The zone does not know what a
 * section holds.
 *
 * The end of the zone is its fixed part: a header, and the sections.  It stays
 * valid while the zone is mapped.  Its words are read and changed with atomic
 * operations, without a lock.  The rest is a slab pool for data that is
 * allocated and freed.  The slab pool is accessed between
 * ngx_http_magasin_zone_lock() and _unlock() only.
 *
 * A worker may be killed while it holds the lock.  The master then frees the
 * mutex.  The next holder finds `dirty` set, and empties the slab pool, since
 * its content may be inconsistent.  So there are only writes to memory under
 * the lock: no logging, no callbacks but the sections' reset(), no waiting.
 */


#ifndef _NGX_HTTP_MAGASIN_ZONE_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* Words of the zone have numbers of 64 bits, which are changed at once. */
#if (NGX_PTR_SIZE < 8)
#error "Magasin needs a platform of 64 bits."
#endif


/* The version changes with the header; sections have their own versions. */
#define NGX_HTTP_MAGASIN_ZONE_MAGIC     0x4d414741u
#define NGX_HTTP_MAGASIN_ZONE_VERSION   4

#define NGX_HTTP_MAGASIN_ZONE_SECTIONS  8


/*
 * A part of the zone.  init: called once, when the zone was created and the
 * section filled with zeros; NGX_OK or NGX_ERROR.  reset: called when the slab
 * pool was emptied, under the lock or before other processes know the zone.
 * Both may be NULL.
 */
typedef struct {
    uint32_t                         version;   /* changes with the structure */
    size_t                           size;
    ngx_int_t                      (*init)(void *section, ngx_log_t *log);
    void                           (*reset)(void *section);
} ngx_http_magasin_zone_section_t;


typedef struct {
    uint32_t                         magic;
    uint32_t                         version;
    size_t                           size;      /* of the fixed part */
    ngx_atomic_t                     dirty;     /* the lock is held */
    ngx_atomic_t                     rebuilt;   /* times it was emptied */
    ngx_uint_t                       layout;    /* of the sections: a digest */
} ngx_http_magasin_zone_shared_t;


typedef struct {
    ngx_shm_zone_t                  *shm;       /* NULL: no directive */
    ngx_slab_pool_t                 *slab;
    ngx_http_magasin_zone_shared_t  *shared;
    size_t                           size;      /* of the fixed part */
    ngx_uint_t                       nsections;
    const ngx_http_magasin_zone_section_t
                                *sections[NGX_HTTP_MAGASIN_ZONE_SECTIONS];
    size_t                       offsets[NGX_HTTP_MAGASIN_ZONE_SECTIONS];
} ngx_http_magasin_zone_t;


/* What /metrics and /status show. */
typedef struct {
    size_t                           size;
    size_t                           free;      /* bytes in free pages */
    ngx_uint_t                       rebuilds;
} ngx_http_magasin_zone_numbers_t;


extern ngx_module_t  ngx_http_magasin_zone_module;


ngx_int_t ngx_http_magasin_zone_add(ngx_conf_t *cf,
    const ngx_http_magasin_zone_section_t *section);
ngx_http_magasin_zone_t *ngx_http_magasin_zone_of(ngx_cycle_t *cycle);
void *ngx_http_magasin_zone_section(ngx_http_magasin_zone_t *zone,
    const ngx_http_magasin_zone_section_t *section);
ngx_uint_t ngx_http_magasin_zone_configured(ngx_conf_t *cf);

void ngx_http_magasin_zone_numbers(ngx_http_magasin_zone_t *zone,
    ngx_http_magasin_zone_numbers_t *numbers);

void ngx_http_magasin_zone_lock(ngx_http_magasin_zone_t *zone);
void ngx_http_magasin_zone_unlock(ngx_http_magasin_zone_t *zone);
void ngx_http_magasin_zone_reset(ngx_http_magasin_zone_t *zone);


#endif /* _NGX_HTTP_MAGASIN_ZONE_H_INCLUDED_ */
