
#include "ngx_http_magasin_zone.h"


/* Bytes at least: the fixed part, and some room for the slab pool. */
#define NGX_HTTP_MAGASIN_ZONE_MIN    (2 * 1024 * 1024)

/* Bytes: sections are aligned to cache lines of the processor. */
#define NGX_HTTP_MAGASIN_ZONE_ALIGN  64


static void *ngx_http_magasin_zone_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_magasin_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_magasin_zone_init(ngx_shm_zone_t *shm, void *data);
static ngx_int_t ngx_http_magasin_zone_make(ngx_http_magasin_zone_t *zone,
    ngx_shm_zone_t *shm);
static ngx_uint_t ngx_http_magasin_zone_layout(ngx_http_magasin_zone_t *zone);
static ngx_http_magasin_zone_shared_t *ngx_http_magasin_zone_reserve(
    ngx_http_magasin_zone_t *zone);


static ngx_command_t  ngx_http_magasin_zone_commands[] = {

    { .name = ngx_string("magasin_zone"),
      .type = NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      .set = ngx_http_magasin_zone,
      .conf = NGX_HTTP_MAIN_CONF_OFFSET },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_magasin_zone_module_ctx = {
    .create_main_conf = ngx_http_magasin_zone_create_main_conf
};


ngx_module_t  ngx_http_magasin_zone_module = {
    NGX_MODULE_V1,
    &ngx_http_magasin_zone_module_ctx,     /* module context */
    ngx_http_magasin_zone_commands,        /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_magasin_zone_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_magasin_zone_t  *zone;

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_zone_t));
    if (zone == NULL) {
        return NULL;
    }

    zone->size = ngx_align(sizeof(ngx_http_magasin_zone_shared_t),
                           NGX_HTTP_MAGASIN_ZONE_ALIGN);
    return zone;
}


/* magasin_zone NAME:SIZE; */

static char *
ngx_http_magasin_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_zone_t *zone = conf;

    u_char     *colon;
    ssize_t     size;
    ngx_str_t  *value, name, text;

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
                                      &ngx_http_magasin_zone_module);
    if (zone->shm == NULL) {
        return NGX_CONF_ERROR;
    }

    zone->shm->init = ngx_http_magasin_zone_init;
    zone->shm->data = zone;

    return NGX_CONF_OK;
}


/* Does the configuration that is read have a `magasin_zone`?  1 or 0. */

ngx_uint_t
ngx_http_magasin_zone_configured(ngx_conf_t *cf)
{
    ngx_http_magasin_zone_t  *zone;

    zone = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_zone_module);
    return zone->shm != NULL;
}


/*
 * Register a section.  It has to be called from a postconfiguration hook, since
 * the zone is created after all of them; `section` has to live as long as the
 * process.  NGX_OK, or NGX_ERROR: there are too many.
 */

ngx_int_t
ngx_http_magasin_zone_add(ngx_conf_t *cf,
    const ngx_http_magasin_zone_section_t *section)
{
    ngx_http_magasin_zone_t  *zone;

    zone = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_zone_module);

    if (zone->nsections == NGX_HTTP_MAGASIN_ZONE_SECTIONS) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "magasin: more than %d sections of shared memory",
                      NGX_HTTP_MAGASIN_ZONE_SECTIONS);
        return NGX_ERROR;
    }

    zone->sections[zone->nsections] = section;
    zone->offsets[zone->nsections] = zone->size;
    zone->nsections++;

    zone->size += ngx_align(section->size, NGX_HTTP_MAGASIN_ZONE_ALIGN);

    return NGX_OK;
}


/* The zone of a cycle; NULL: the configuration has none. */

ngx_http_magasin_zone_t *
ngx_http_magasin_zone_of(ngx_cycle_t *cycle)
{
    ngx_http_magasin_zone_t  *zone;

    zone = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_zone_module);
    return zone && zone->shm ? zone : NULL;
}


/* The address of a section in a mapped zone; NULL: it is not registered. */

void *
ngx_http_magasin_zone_section(ngx_http_magasin_zone_t *zone,
    const ngx_http_magasin_zone_section_t *section)
{
    ngx_uint_t  i;

    for (i = 0; i < zone->nsections; i++) {
        if (zone->sections[i] == section) {
            return (u_char *) zone->shared + zone->offsets[i];
        }
    }

    return NULL;
}


/* The numbers of the zone.  They are read without the lock. */

void
ngx_http_magasin_zone_numbers(ngx_http_magasin_zone_t *zone,
    ngx_http_magasin_zone_numbers_t *numbers)
{
    numbers->size = zone->shm->shm.size;
    numbers->free = zone->slab->pfree * ngx_pagesize;
    numbers->rebuilds = zone->shared->rebuilt;
}


/*
 * Create the zone, or take over that of an older configuration.  The latter is
 * not changed, since the workers of that configuration still use it.  NGX_OK,
 * or NGX_ERROR: its layout is another one, or a section failed.
 */

static ngx_int_t
ngx_http_magasin_zone_init(ngx_shm_zone_t *shm, void *data)
{
    ngx_http_magasin_zone_t  *old = data;

    ngx_http_magasin_zone_t         *zone;
    ngx_http_magasin_zone_shared_t  *shared;

    zone = shm->data;
    zone->slab = (ngx_slab_pool_t *) shm->shm.addr;

    if (old == NULL && !shm->shm.exists) {
        return ngx_http_magasin_zone_make(zone, shm);
    }

    shared = old ? old->shared : zone->slab->data;

    if (shared->magic != NGX_HTTP_MAGASIN_ZONE_MAGIC
        || shared->version != NGX_HTTP_MAGASIN_ZONE_VERSION
        || shared->size != zone->size
        || shared->layout != ngx_http_magasin_zone_layout(zone))
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


static ngx_int_t
ngx_http_magasin_zone_make(ngx_http_magasin_zone_t *zone, ngx_shm_zone_t *shm)
{
    ngx_uint_t                              i;
    ngx_http_magasin_zone_shared_t         *shared;
    const ngx_http_magasin_zone_section_t  *section;

    if (zone->size + ngx_pagesize
        > (size_t) (zone->slab->end - zone->slab->start))
    {
        ngx_log_error(NGX_LOG_EMERG, shm->shm.log, 0,
                      "magasin: zone \"%V\" is too small: its fixed part "
                      "takes %uz bytes", &shm->shm.name, zone->size);
        return NGX_ERROR;
    }

    shared = ngx_http_magasin_zone_reserve(zone);

    shared->magic = NGX_HTTP_MAGASIN_ZONE_MAGIC;
    shared->version = NGX_HTTP_MAGASIN_ZONE_VERSION;
    shared->size = zone->size;
    shared->layout = ngx_http_magasin_zone_layout(zone);

    zone->shared = shared;

    ngx_http_magasin_zone_reset(zone);

    for (i = 0; i < zone->nsections; i++) {
        section = zone->sections[i];

        if (section->init
            && section->init((u_char *) shared + zone->offsets[i],
                             shm->shm.log)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* A digest of the versions and sizes of all sections. */

static ngx_uint_t
ngx_http_magasin_zone_layout(ngx_http_magasin_zone_t *zone)
{
    ngx_uint_t  i, layout;

    layout = zone->nsections;

    for (i = 0; i < zone->nsections; i++) {
        layout = ngx_hash(layout, zone->sections[i]->version);
        layout = ngx_hash(layout, zone->sections[i]->size);
    }

    return layout;
}


/* Cut the fixed part off the end of the slab pool, which is empty. */

static ngx_http_magasin_zone_shared_t *
ngx_http_magasin_zone_reserve(ngx_http_magasin_zone_t *zone)
{
    u_char  *p;

    p = zone->slab->end - zone->size;
    p -= (uintptr_t) p % ngx_pagesize;

    zone->slab->end = p;

    ngx_memzero(p, zone->size);

    return (ngx_http_magasin_zone_shared_t *) p;
}


/*
 * Empty the slab pool, and reset all sections.  The caller holds the lock, or
 * the zone is not known to other processes yet.
 */

void
ngx_http_magasin_zone_reset(ngx_http_magasin_zone_t *zone)
{
    ngx_uint_t                              i;
    const ngx_http_magasin_zone_section_t  *section;

    zone->slab->min_shift = 3;

    ngx_slab_init(zone->slab);

    /* A full zone is normal for a cache: it is not logged. */

    zone->slab->log_nomem = 0;
    zone->slab->data = zone->shared;

    for (i = 0; i < zone->nsections; i++) {
        section = zone->sections[i];

        if (section->reset) {
            section->reset((u_char *) zone->shared + zone->offsets[i]);
        }
    }
}


/*
 * Lock the slab pool.  If a worker was killed while it held the lock, the slab
 * pool is emptied.  The caller owes an _unlock(), and does nothing but write to
 * memory until then.
 */

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


/* Unlock the slab pool. */

void
ngx_http_magasin_zone_unlock(ngx_http_magasin_zone_t *zone)
{
    ngx_memory_barrier();
    zone->shared->dirty = 0;

    ngx_shmtx_unlock(&zone->slab->mutex);
}
