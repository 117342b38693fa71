
/* The directives of the cache, and the cache of a worker. */


#include "ngx_http_magasin_cache_internal.h"
#include "ngx_http_magasin_cache_poller_internal.h"


#define NGX_HTTP_MAGASIN_CACHE_TTL       60000
#define NGX_HTTP_MAGASIN_CACHE_MAX_SIZE  (1024 * 1024)


typedef struct {
    ngx_http_magasin_cache_t  *cache;       /* of this worker, or NULL */
} ngx_http_magasin_cache_main_conf_t;


static ngx_int_t ngx_http_magasin_cache_init(ngx_conf_t *cf);
static void *ngx_http_magasin_cache_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_magasin_cache_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_magasin_cache_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static char *ngx_http_magasin_cache_levels(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_magasin_cache_stale_time(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


static ngx_command_t  ngx_http_magasin_cache_commands[] = {

    { .name = ngx_string("magasin_cache"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_TAKE1,
      .set = ngx_http_magasin_cache_levels,
      .conf = NGX_HTTP_LOC_CONF_OFFSET },

    { .name = ngx_string("magasin_cache_ttl"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_TAKE1,
      .set = ngx_conf_set_msec_slot,
      .conf = NGX_HTTP_LOC_CONF_OFFSET,
      .offset = offsetof(ngx_http_magasin_cache_conf_t, ttl) },

    { .name = ngx_string("magasin_cache_stale"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_TAKE1,
      .set = ngx_http_magasin_cache_stale_time,
      .conf = NGX_HTTP_LOC_CONF_OFFSET },

    { .name = ngx_string("magasin_cache_max_size"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_TAKE1,
      .set = ngx_conf_set_size_slot,
      .conf = NGX_HTTP_LOC_CONF_OFFSET,
      .offset = offsetof(ngx_http_magasin_cache_conf_t, max_size) },

    { .name = ngx_string("magasin_cache_header"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_FLAG,
      .set = ngx_conf_set_flag_slot,
      .conf = NGX_HTTP_LOC_CONF_OFFSET,
      .offset = offsetof(ngx_http_magasin_cache_conf_t, header) },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_magasin_cache_module_ctx = {
    .postconfiguration = ngx_http_magasin_cache_init,
    .create_main_conf = ngx_http_magasin_cache_create_main_conf,
    .create_loc_conf = ngx_http_magasin_cache_create_loc_conf,
    .merge_loc_conf = ngx_http_magasin_cache_merge_loc_conf
};


ngx_module_t  ngx_http_magasin_cache_module = {
    NGX_MODULE_V1,
    &ngx_http_magasin_cache_module_ctx,    /* module context */
    ngx_http_magasin_cache_commands,       /* module directives */
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


static ngx_int_t
ngx_http_magasin_cache_init(ngx_conf_t *cf)
{
    ngx_http_magasin_cache_redis_init();

    return ngx_http_magasin_zone_add(cf, &ngx_http_magasin_cache_section);
}


static void *
ngx_http_magasin_cache_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_cache_main_conf_t));
}


static void *
ngx_http_magasin_cache_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_magasin_cache_conf_t  *ccf;

    ccf = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_cache_conf_t));
    if (ccf == NULL) {
        return NULL;
    }

    ccf->levels = NGX_CONF_UNSET_UINT;
    ccf->ttl = NGX_CONF_UNSET_MSEC;
    ccf->stale = NGX_CONF_UNSET_MSEC;
    ccf->max_size = NGX_CONF_UNSET_SIZE;
    ccf->header = NGX_CONF_UNSET;

    return ccf;
}


/* Where there is a zone the default of magasin_cache is on, else off. */

static char *
ngx_http_magasin_cache_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_magasin_cache_conf_t *prev = parent;
    ngx_http_magasin_cache_conf_t *conf = child;

    ngx_uint_t  zone;

    zone = ngx_http_magasin_zone_configured(cf);

    if (conf->levels != NGX_CONF_UNSET_UINT
        && conf->levels != NGX_HTTP_MAGASIN_CACHE_OFF && !zone)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"magasin_cache\" needs shared memory: say in "
                           "the http block as \"magasin_zone magasin:64m;\"");
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_uint_value(conf->levels, prev->levels,
                              zone ? NGX_HTTP_MAGASIN_CACHE_ON
                                   : NGX_HTTP_MAGASIN_CACHE_OFF);
    ngx_conf_merge_msec_value(conf->ttl, prev->ttl,
                              NGX_HTTP_MAGASIN_CACHE_TTL);
    ngx_conf_merge_msec_value(conf->stale, prev->stale, 0);
    ngx_conf_merge_size_value(conf->max_size, prev->max_size,
                              NGX_HTTP_MAGASIN_CACHE_MAX_SIZE);
    ngx_conf_merge_value(conf->header, prev->header, 0);

    if (conf->ttl < 1000 || conf->ttl > 86400000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"magasin_cache_ttl\" takes a time from 1s to "
                           "1d");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * Start the cache of this worker and its poller, if the configuration has a
 * zone.  PostgreSQL and Redis have to be started before.  NGX_OK or NGX_ERROR
 * (no memory).
 */

ngx_int_t
ngx_http_magasin_cache_start(ngx_cycle_t *cycle)
{
    ngx_str_t                           *database;
    ngx_http_magasin_zone_t             *zone;
    ngx_http_magasin_cache_t            *cache;
    ngx_http_magasin_cache_main_conf_t  *cmcf;

    zone = ngx_http_magasin_zone_of(cycle);

    if (zone == NULL) {
        return NGX_OK;
    }

    cache = ngx_http_magasin_cache_create(cycle, zone);
    if (cache == NULL) {
        return NGX_ERROR;
    }

    cache->redis = ngx_http_magasin_redis_of(cycle);
    cache->redis_conf = ngx_http_magasin_redis_conf_of(cycle);
    cache->pg_conf = ngx_http_magasin_pg_conf_of(cycle);

    database = ngx_http_magasin_pg_database_of(cycle);
    cache->database = ngx_hash_key(database->data, database->len) | 1;

    /* A new zone belongs to this database; later the poller changes it. */

    (void) ngx_atomic_cmp_set(&cache->shared->database, 0, cache->database);

    cache->poller = ngx_http_magasin_poller_create(cycle, cache);

    if (cache->poller == NULL) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_cache_module);
    cmcf->cache = cache;

    return NGX_OK;
}


/* Stop the cache of this worker, before PostgreSQL and Redis. */

void
ngx_http_magasin_cache_stop(ngx_cycle_t *cycle)
{
    ngx_http_magasin_cache_main_conf_t  *cmcf;

    cmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_cache_module);

    if (cmcf->cache) {
        ngx_http_magasin_cache_destroy(cmcf->cache);
        cmcf->cache = NULL;
    }
}


/* The cache of this worker; NULL: the configuration has no zone. */

ngx_http_magasin_cache_t *
ngx_http_magasin_cache_of(ngx_http_request_t *r)
{
    ngx_http_magasin_cache_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_cache_module);

    return cmcf->cache;
}


/* The directives of the location of a request. */

ngx_http_magasin_cache_conf_t *
ngx_http_magasin_cache_conf(ngx_http_request_t *r)
{
    return ngx_http_get_module_loc_conf(r, ngx_http_magasin_cache_module);
}


/*
 * The numbers of the node.  They are read without the lock, so that entries and
 * bytes may be of different moments.
 */

void
ngx_http_magasin_cache_numbers(ngx_http_magasin_zone_t *zone,
    ngx_http_magasin_cache_numbers_t *numbers)
{
    ngx_http_magasin_cache_shared_t  *shared;

    shared = ngx_http_magasin_zone_section(zone,
                                           &ngx_http_magasin_cache_section);

    numbers->counters = &shared->counters;
    numbers->entries = shared->entries;
    numbers->bytes = shared->bytes;
    numbers->fresh = ngx_http_magasin_now() < shared->fresh_until
                     && *ngx_http_magasin_pg_life_seen(zone)
                        <= shared->polled_life;
}


/* The word of $magasin_cache; NULL: the request was no read. */

ngx_str_t *
ngx_http_magasin_cache_name(ngx_http_magasin_cache_e state)
{
    static ngx_str_t  names[] = {
        ngx_null_string,
        ngx_string("HIT"),
        ngx_string("REDIS"),
        ngx_string("MISS"),
        ngx_string("COALESCED"),
        ngx_string("BYPASS"),
        ngx_string("STALE"),
        ngx_string("OFF")
    };

    return state == NGX_HTTP_MAGASIN_CACHE_NONE ? NULL : &names[state];
}


/* magasin_cache on|off|l1|l2; */

static char *
ngx_http_magasin_cache_levels(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_cache_conf_t *ccf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;
    static struct {
        ngx_str_t   name;
        ngx_uint_t  levels;
    } names[] = {
        { ngx_string("on"), NGX_HTTP_MAGASIN_CACHE_ON },
        { ngx_string("off"), NGX_HTTP_MAGASIN_CACHE_OFF },
        { ngx_string("l1"), NGX_HTTP_MAGASIN_CACHE_L1 },
        { ngx_string("l2"), NGX_HTTP_MAGASIN_CACHE_L2 }
    };

    if (ccf->levels != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (value[1].len == names[i].name.len
            && ngx_strcmp(value[1].data, names[i].name.data) == 0)
        {
            ccf->levels = names[i].levels;
            return NGX_CONF_OK;
        }
    }

    return "takes \"on\", \"off\", \"l1\" (shared memory alone) or \"l2\" "
           "(Redis alone)";
}


/* magasin_cache_stale TIME|off; */

static char *
ngx_http_magasin_cache_stale_time(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_magasin_cache_conf_t *ccf = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (ccf->stale != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 3 && ngx_strcmp(value[1].data, "off") == 0) {
        ccf->stale = 0;
        return NGX_CONF_OK;
    }

    n = ngx_parse_time(&value[1], 0);

    if (n == NGX_ERROR || n < 1) {
        return "takes \"off\" or a time, such as 30s: for how long after its "
               "time an answer may be used while PostgreSQL is away";
    }

    ccf->stale = n;

    return NGX_CONF_OK;
}
