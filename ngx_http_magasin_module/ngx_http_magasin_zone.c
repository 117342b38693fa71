
#include "ngx_http_magasin.h"
#include "ngx_http_magasin_cache_store.h"


/* Bytes: the fixed part is most of it, and a cache needs some room. */
#define NGX_HTTP_MAGASIN_ZONE_MIN  (2 * 1024 * 1024)


static ngx_int_t ngx_http_magasin_zone_init(ngx_shm_zone_t *shm, void *data);
static ngx_http_magasin_zone_shared_t *ngx_http_magasin_zone_reserve(
    ngx_slab_pool_t *slab);
static void ngx_http_magasin_zone_reset(ngx_http_magasin_zone_t *zone);


/* magasin_zone NAME:SIZE; */

char *
ngx_http_magasin_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_main_conf_t *mmcf = conf;

    u_char                   *colon;
    ssize_t                   size;
    ngx_str_t                *value, name, text;
    ngx_http_magasin_zone_t  *zone;

    zone = &mmcf->zone;

    if (zone->shm) {
        return "is duplicate";
    }

    value = cf->args->elts;

    colon = ngx_strlchr(value[1].data, value[1].data + value[1].len, ':');

    if (colon == NULL || colon == value[1].data) {
        return "takes a name and a size, as \"magasin:64m\"";
    }

    name.data = value[1].data;
    name.len = colon - value[1].data;
    text.data = colon + 1;
    text.len = value[1].len - name.len - 1;

    size = ngx_parse_size(&text);

    if (size == NGX_ERROR) {
        return "has no valid size after the colon: say as \"magasin:64m\"";
    }

    if (size < NGX_HTTP_MAGASIN_ZONE_MIN) {
        return "is too small: 2m are the least, 64m hold some 30000 answers";
    }

    zone->shm = ngx_shared_memory_add(cf, &name, size,
                                      &ngx_http_magasin_module);
    if (zone->shm == NULL) {
        return NGX_CONF_ERROR;
    }

    zone->shm->init = ngx_http_magasin_zone_init;
    zone->shm->data = zone;

    return NGX_CONF_OK;
}


/*
 * A zone that an older configuration has is taken over untouched: its workers
 * go on using it meanwhile.
 */

static ngx_int_t
ngx_http_magasin_zone_init(ngx_shm_zone_t *shm, void *data)
{
    ngx_http_magasin_zone_t  *old = data;

    ngx_http_magasin_zone_t         *zone;
    ngx_http_magasin_zone_shared_t  *shared;

    zone = shm->data;
    zone->slab = (ngx_slab_pool_t *) shm->shm.addr;

    if (old || shm->shm.exists) {
        shared = old ? old->shared : zone->slab->data;

        if (shared->magic != NGX_HTTP_MAGASIN_ZONE_MAGIC
            || shared->version != NGX_HTTP_MAGASIN_ZONE_VERSION
            || shared->size != sizeof(ngx_http_magasin_zone_shared_t))
        {
            ngx_log_error(NGX_LOG_EMERG, shm->shm.log, 0,
                          "magasin: zone \"%V\" was made by another version "
                          "of the module: restart nginx instead of reloading "
                          "it", &shm->shm.name);
            return NGX_ERROR;
        }

        zone->shared = shared;

        return NGX_OK;
    }

    shared = ngx_http_magasin_zone_reserve(zone->slab);

    shared->magic = NGX_HTTP_MAGASIN_ZONE_MAGIC;
    shared->version = NGX_HTTP_MAGASIN_ZONE_VERSION;
    shared->size = sizeof(ngx_http_magasin_zone_shared_t);

    zone->shared = shared;

    ngx_http_magasin_zone_reset(zone);

    return ngx_http_magasin_cache_shared_init(&shared->cache,
                                              shm->shm.log);
}


/* Take the end of the zone out of the slab pool, which is empty. */

static ngx_http_magasin_zone_shared_t *
ngx_http_magasin_zone_reserve(ngx_slab_pool_t *slab)
{
    u_char                          *p;
    ngx_http_magasin_zone_shared_t  *shared;

    p = slab->end - sizeof(ngx_http_magasin_zone_shared_t);
    p -= (uintptr_t) p % ngx_pagesize;

    slab->end = p;

    shared = (ngx_http_magasin_zone_shared_t *) p;

    ngx_memzero(shared, sizeof(ngx_http_magasin_zone_shared_t));

    return shared;
}


/* The slab pool anew, with nothing in it.  Under the lock, or before it. */

static void
ngx_http_magasin_zone_reset(ngx_http_magasin_zone_t *zone)
{
    zone->slab->min_shift = 3;

    ngx_slab_init(zone->slab);

    /* A full zone is what a cache is made for: it is not told of. */

    zone->slab->log_nomem = 0;
    zone->slab->data = zone->shared;

    ngx_http_magasin_cache_shared_reset(&zone->shared->cache);
}


/* Enter the slab pool: the next holder of the lock cleans up if need be. */

void
ngx_http_magasin_zone_lock(ngx_http_magasin_zone_t *zone)
{
    ngx_shmtx_lock(&zone->slab->mutex);

    if (zone->shared->dirty) {
        ngx_http_magasin_zone_reset(zone);

        (void) ngx_atomic_fetch_add(&zone->shared->rebuilt, 1);
    }

    zone->shared->dirty = 1;
    ngx_memory_barrier();
}


void
ngx_http_magasin_zone_unlock(ngx_http_magasin_zone_t *zone)
{
    ngx_memory_barrier();
    zone->shared->dirty = 0;

    ngx_shmtx_unlock(&zone->slab->mutex);
}


/* Throw away what is in the slab pool.  Takes the lock. */

void
ngx_http_magasin_zone_empty(ngx_http_magasin_zone_t *zone)
{
    ngx_http_magasin_zone_lock(zone);

    if (ngx_http_magasin_store_empty(zone) != NGX_OK) {
        ngx_http_magasin_zone_reset(zone);
    }

    ngx_http_magasin_zone_unlock(zone);
}
