
/*
 * The directives of /metrics, /status and the access log, and the section of
 * the zone for the counters.  PostgreSQL, Redis and the checks count in this
 * section too.
 */


#include "ngx_http_magasin_observe.h"
#include "ngx_http_magasin_access_log_internal.h"
#include "ngx_http_magasin_zone.h"


typedef struct {
    ngx_http_magasin_metrics_conf_t   conf;
    ngx_http_magasin_metrics_t       *metrics;  /* of this worker, or NULL */
    const char                       *counted;  /* needs the zone */
    ngx_http_magasin_access_log_main_conf_t
                                      access_log;
} ngx_http_magasin_observe_main_conf_t;


typedef struct {
    ngx_array_t  *access_logs;      /* of access_log_t; NULL: none */
} ngx_http_magasin_observe_loc_conf_t;


static ngx_int_t ngx_http_magasin_observe_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_magasin_observe_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_magasin_observe_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_magasin_observe_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_magasin_observe_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static char *ngx_http_magasin_access_log_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_magasin_metrics_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_magasin_metrics_option(ngx_conf_t *cf,
    ngx_http_magasin_metrics_conf_t *conf, ngx_str_t *option);
static char *ngx_http_magasin_status_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


static ngx_command_t  ngx_http_magasin_observe_commands[] = {

    { .name = ngx_string("magasin_metrics"),
      .type = NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF
              |NGX_CONF_NOARGS|NGX_CONF_TAKE12,
      .set = ngx_http_magasin_metrics_directive,
      .conf = NGX_HTTP_LOC_CONF_OFFSET },

    { .name = ngx_string("magasin_status"),
      .type = NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF
              |NGX_CONF_NOARGS,
      .set = ngx_http_magasin_status_directive,
      .conf = NGX_HTTP_LOC_CONF_OFFSET },

    { .name = ngx_string("magasin_access_log"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF|NGX_CONF_1MORE,
      .set = ngx_http_magasin_access_log_directive,
      .conf = NGX_HTTP_LOC_CONF_OFFSET },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_magasin_observe_module_ctx = {
    .preconfiguration = ngx_http_magasin_observe_preconfiguration,
    .postconfiguration = ngx_http_magasin_observe_postconfiguration,
    .create_main_conf = ngx_http_magasin_observe_create_main_conf,
    .create_loc_conf = ngx_http_magasin_observe_create_loc_conf,
    .merge_loc_conf = ngx_http_magasin_observe_merge_loc_conf
};


ngx_module_t  ngx_http_magasin_observe_module = {
    NGX_MODULE_V1,
    &ngx_http_magasin_observe_module_ctx,  /* module context */
    ngx_http_magasin_observe_commands,     /* module directives */
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


static const ngx_http_magasin_zone_section_t  ngx_http_magasin_metrics_section
    = {
    .version = 2,
    .size = sizeof(ngx_http_magasin_metrics_shared_t)
};


static ngx_int_t
ngx_http_magasin_observe_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_magasin_variables_init(cf);
}


static ngx_int_t
ngx_http_magasin_observe_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt                   *begin, *log, *access_log;
    ngx_http_core_main_conf_t             *cmcf;
    ngx_http_magasin_observe_main_conf_t  *omcf;

    omcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_magasin_observe_module);

    if (omcf->counted && !ngx_http_magasin_zone_configured(cf)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%s\" needs shared memory to count in: say in the "
                      "http block as \"magasin_zone magasin:64m;\"",
                      omcf->counted);
        return NGX_ERROR;
    }

    ngx_http_magasin_metrics_init();
    ngx_http_magasin_status_init();

    /*
     * The handlers run for all servers; the configuration of the server decides
     * whether its requests are counted.
     */

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    begin = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    log = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);

    if (begin == NULL || log == NULL) {
        return NGX_ERROR;
    }

    *begin = ngx_http_magasin_metrics_begin;
    *log = ngx_http_magasin_metrics_log;

    if (omcf->access_log.files.nelts) {

        access_log = ngx_array_push(
                                &cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
        if (access_log == NULL) {
            return NGX_ERROR;
        }

        *access_log = ngx_http_magasin_access_log_handler;
    }

    return ngx_http_magasin_zone_add(cf, &ngx_http_magasin_metrics_section);
}


static void *
ngx_http_magasin_observe_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_magasin_observe_main_conf_t  *omcf;

    omcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_observe_main_conf_t));
    if (omcf == NULL) {
        return NULL;
    }

    omcf->conf.stores = 1000;
    omcf->conf.interval = 10000;

    return omcf;
}


static void *
ngx_http_magasin_observe_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_magasin_observe_loc_conf_t  *olcf;

    olcf = ngx_palloc(cf->pool, sizeof(ngx_http_magasin_observe_loc_conf_t));
    if (olcf == NULL) {
        return NULL;
    }

    olcf->access_logs = NGX_CONF_UNSET_PTR;

    return olcf;
}


static char *
ngx_http_magasin_observe_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_magasin_observe_loc_conf_t *prev = parent;
    ngx_http_magasin_observe_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->access_logs, prev->access_logs, NULL);

    return NGX_CONF_OK;
}


/* Returns the access logs of a request's location, or NULL. */

ngx_array_t *
ngx_http_magasin_access_logs(ngx_http_request_t *r)
{
    ngx_http_magasin_observe_loc_conf_t  *olcf;

    olcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_observe_module);

    return olcf->access_logs;
}


/* Returns what the access logs of the configuration share. */

ngx_http_magasin_access_log_main_conf_t *
ngx_http_magasin_access_log_conf(ngx_http_request_t *r)
{
    ngx_http_magasin_observe_main_conf_t  *omcf;

    omcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_observe_module);

    return &omcf->access_log;
}


/*
 * Create the metrics of this worker, if a zone is configured.  Call it before
 * the rooms that count there start.
 *
 * Returns NGX_OK, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_observe_start(ngx_cycle_t *cycle)
{
    ngx_http_magasin_zone_t               *zone;
    ngx_http_magasin_metrics_shared_t     *shared;
    ngx_http_magasin_observe_main_conf_t  *omcf;

    zone = ngx_http_magasin_zone_of(cycle);

    if (zone == NULL) {
        return NGX_OK;
    }

    omcf = ngx_http_cycle_get_module_main_conf(cycle,
                                             ngx_http_magasin_observe_module);

    shared = ngx_http_magasin_zone_section(zone,
                                           &ngx_http_magasin_metrics_section);
    omcf->metrics = ngx_http_magasin_metrics_create(cycle, zone, shared);

    return omcf->metrics ? NGX_OK : NGX_ERROR;
}


/*
 * Connect the counters of PostgreSQL and Redis to the zone.  Call it after both
 * have started.
 *
 * Returns NGX_OK, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_observe_wire(ngx_cycle_t *cycle)
{
    ngx_http_magasin_redis_t              *redis;
    ngx_http_magasin_metrics_t            *metrics;
    ngx_http_magasin_pg_pool_t            *pool;
    ngx_http_magasin_observe_main_conf_t  *omcf;

    omcf = ngx_http_cycle_get_module_main_conf(cycle,
                                             ngx_http_magasin_observe_module);
    metrics = omcf->metrics;

    if (metrics == NULL) {
        return NGX_OK;
    }

    pool = ngx_http_magasin_pg_pool_of(cycle);
    redis = ngx_http_magasin_redis_of(cycle);

    ngx_http_magasin_pg_measure(pool, &metrics->shared->pg,
                                &metrics->slot->pg);
    ngx_http_magasin_feed_measure(cycle, &metrics->slot->listeners);

    if (redis) {
        ngx_http_magasin_redis_measure(redis, &metrics->shared->redis,
                                       &metrics->slot->redis);
    }

    metrics->business = ngx_http_magasin_business_create(cycle,
                                                         metrics->shared,
                                                         pool, &omcf->conf);

    return metrics->business ? NGX_OK : NGX_ERROR;
}


/*
 * Release the metrics of this worker, if there are any.  Call it at the exit of
 * the worker.
 */

void
ngx_http_magasin_observe_stop(ngx_cycle_t *cycle)
{
    ngx_http_magasin_observe_main_conf_t  *omcf;

    omcf = ngx_http_cycle_get_module_main_conf(cycle,
                                             ngx_http_magasin_observe_module);

    if (omcf->metrics) {
        ngx_http_magasin_metrics_destroy(omcf->metrics);
        omcf->metrics = NULL;
    }
}


/* Returns the counters of the checks, or NULL if there is no zone. */

ngx_http_magasin_checks_counters_t *
ngx_http_magasin_observe_checks(ngx_cycle_t *cycle)
{
    ngx_http_magasin_observe_main_conf_t  *omcf;

    omcf = ngx_http_cycle_get_module_main_conf(cycle,
                                             ngx_http_magasin_observe_module);

    return omcf->metrics ? &omcf->metrics->shared->checks : NULL;
}


/* Returns the metrics of this worker, or NULL if nothing is counted. */

ngx_http_magasin_metrics_t *
ngx_http_magasin_metrics_of(ngx_http_request_t *r)
{
    ngx_http_magasin_observe_main_conf_t  *omcf;

    omcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_observe_module);

    return omcf->metrics;
}


/*
 * magasin_access_log off | path [buffer=size] [flush=time] [if=condition];
 */

static char *
ngx_http_magasin_access_log_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_magasin_observe_loc_conf_t *olcf = conf;

    ngx_http_magasin_observe_main_conf_t  *omcf;

    omcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_observe_module);

    if (ngx_http_magasin_access_log_create(cf, &omcf->access_log) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_magasin_access_log_set(cf, &omcf->access_log,
                                           &olcf->access_logs);
}


/* magasin_metrics [stores=N] [interval=T]; */

static char *
ngx_http_magasin_metrics_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char                          *rv;
    ngx_str_t                     *value;
    ngx_uint_t                     i;
    ngx_http_magasin_observe_main_conf_t  *omcf;

    omcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_observe_module);
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_magasin_metrics_option(cf, &omcf->conf,
                                             &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    omcf->counted = "magasin_metrics";

    return ngx_http_magasin_content(cf, "magasin_metrics",
                                    ngx_http_magasin_metrics_handler);
}


static char *
ngx_http_magasin_metrics_option(ngx_conf_t *cf,
    ngx_http_magasin_metrics_conf_t *conf, ngx_str_t *option)
{
    ngx_int_t  n;
    ngx_str_t  text;

    if (ngx_strncmp(option->data, "stores=", 7) == 0) {
        n = ngx_atoi(option->data + 7, option->len - 7);

        if (n == NGX_ERROR || n > NGX_HTTP_MAGASIN_METRICS_STORES) {
            return "takes \"stores\" from 0 to 4096: so many have series of "
                   "their own, the others are summed up";
        }

        conf->stores = n;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(option->data, "interval=", 9) == 0) {
        text.data = option->data + 9;
        text.len = option->len - 9;

        n = ngx_parse_time(&text, 0);

        if (n == NGX_ERROR || n < 1000 || n > 3600000) {
            return "takes \"interval\" from 1s to 1h: so often is the "
                   "database asked at most";
        }

        conf->interval = n;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"magasin_metrics\" does not know \"%V\": it takes "
                       "stores= and interval=", option);
    return NGX_CONF_ERROR;
}


/* magasin_status; */

static char *
ngx_http_magasin_status_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_magasin_observe_main_conf_t  *omcf;

    omcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_observe_module);
    omcf->counted = "magasin_status";

    return ngx_http_magasin_content(cf, "magasin_status",
                                    ngx_http_magasin_status_handler);
}
