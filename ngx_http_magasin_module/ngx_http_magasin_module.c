
/* Directives, configuration and the hooks of processes; nothing else. */


#include "ngx_http_magasin.h"


static void *ngx_http_magasin_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_magasin_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_magasin_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void *ngx_http_magasin_create_srv_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_magasin_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_magasin_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_magasin_phases_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_magasin_init_process(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_magasin_init_metrics(ngx_cycle_t *cycle,
    ngx_http_magasin_main_conf_t *mmcf);
static void ngx_http_magasin_exit_process(ngx_cycle_t *cycle);

static char *ngx_http_magasin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_magasin_database(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_magasin_database_option(ngx_conf_t *cf,
    ngx_http_magasin_main_conf_t *mmcf, ngx_str_t *option);
static char *ngx_http_magasin_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_magasin_tokens(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_http_magasin_commands[] = {

    { ngx_string("magasin"),
      NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF
                       |NGX_CONF_NOARGS,
      ngx_http_magasin,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("magasin_database"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_magasin_database,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("magasin_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_magasin_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("magasin_tokens"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_magasin_tokens,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("magasin_demonstration"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_magasin_loc_conf_t, demonstration),
      NULL },

    { ngx_string("magasin_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_magasin_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("magasin_cache"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_magasin_cache_levels,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("magasin_cache_ttl"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_magasin_loc_conf_t, cache.ttl),
      NULL },

    { ngx_string("magasin_cache_stale"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_magasin_cache_stale_time,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("magasin_cache_max_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_magasin_loc_conf_t, cache.max_size),
      NULL },

    { ngx_string("magasin_cache_header"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_magasin_loc_conf_t, cache.header),
      NULL },

    { ngx_string("magasin_metrics"),
      NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF
                       |NGX_CONF_NOARGS|NGX_CONF_TAKE12,
      ngx_http_magasin_metrics_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("magasin_status"),
      NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF
                       |NGX_CONF_NOARGS,
      ngx_http_magasin_status_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("magasin_server_timing"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_magasin_loc_conf_t, server_timing),
      NULL },

    { ngx_string("magasin_json_errors"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_magasin_loc_conf_t, json_errors),
      NULL },

    { ngx_string("magasin_cors"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_magasin_cors,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("magasin_scheme"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_magasin_loc_conf_t, scheme),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_magasin_module_ctx = {
    ngx_http_magasin_preconfiguration,     /* preconfiguration */
    ngx_http_magasin_postconfiguration,    /* postconfiguration */

    ngx_http_magasin_create_main_conf,     /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_http_magasin_create_srv_conf,      /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_magasin_create_loc_conf,      /* create location configuration */
    ngx_http_magasin_merge_loc_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_magasin_module = {
    NGX_MODULE_V1,
    &ngx_http_magasin_module_ctx,          /* module context */
    ngx_http_magasin_commands,             /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_magasin_init_process,         /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_magasin_exit_process,         /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_magasin_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_magasin_variables_init(cf);
}


static ngx_int_t
ngx_http_magasin_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_magasin_main_conf_t  *mmcf;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_magasin_module);

    if (mmcf->handler && mmcf->database.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"magasin\" is used without \"magasin_database\": "
                      "say in the http block where PostgreSQL is");
        return NGX_ERROR;
    }

    if (mmcf->handler && mmcf->tokens_file.len == 0) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"magasin\" is used without \"magasin_tokens\": "
                      "every write will be answered with 401");
    }

    if (mmcf->counted && mmcf->zone.shm == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%s\" needs shared memory to count in: say in the "
                      "http block as \"magasin_zone magasin:64m;\"",
                      mmcf->counted);
        return NGX_ERROR;
    }

    /*
     * What these set is the process's, for all configurations alike: a new
     * one that fails after this leaves the old one as it was.
     */

    ngx_http_magasin_routes_init();
    ngx_http_magasin_errors_init();
    ngx_http_magasin_cors_init();
    ngx_http_magasin_cache_redis_init();
    ngx_http_magasin_metrics_init();
    ngx_http_magasin_status_init();

    return ngx_http_magasin_phases_init(cf);
}


/* Where requests are counted; servers say whether anything is done. */

static ngx_int_t
ngx_http_magasin_phases_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt           *begin, *log;
    ngx_http_core_main_conf_t     *cmcf;
    ngx_http_magasin_main_conf_t  *mmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    begin = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    log = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);

    if (begin == NULL || log == NULL) {
        return NGX_ERROR;
    }

    *begin = ngx_http_magasin_metrics_begin;
    *log = ngx_http_magasin_metrics_log;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_magasin_module);

    return mmcf->error_pages ? ngx_http_magasin_errors_phases(cf) : NGX_OK;
}


/* A server that is not there must not keep the worker from living. */

static ngx_int_t
ngx_http_magasin_init_process(ngx_cycle_t *cycle)
{
    ngx_http_magasin_main_conf_t  *mmcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    mmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_magasin_module);

    if (mmcf == NULL) {
        return NGX_OK;
    }

    if (mmcf->zone.shm) {
        mmcf->metrics = ngx_http_magasin_metrics_create(cycle, &mmcf->zone);
        if (mmcf->metrics == NULL) {
            return NGX_ERROR;
        }
    }

    if (!mmcf->handler) {
        return NGX_OK;
    }

    if (mmcf->tokens_file.len) {
        mmcf->tokens = ngx_http_magasin_tokens_create(cycle,
                                      &mmcf->tokens_file, mmcf->tokens_list,
                                      mmcf->metrics
                                      ? &mmcf->metrics->shared->tokens : NULL);
        if (mmcf->tokens == NULL) {
            return NGX_ERROR;
        }
    }

    if (mmcf->redis_conf.targets) {
        mmcf->redis = ngx_http_magasin_redis_create(cycle, &mmcf->redis_conf);
        if (mmcf->redis == NULL) {
            return NGX_ERROR;
        }
    }

    mmcf->pool = ngx_http_magasin_pg_create(cycle, &mmcf->pg);
    if (mmcf->pool == NULL) {
        return NGX_ERROR;
    }

    if (mmcf->metrics && ngx_http_magasin_init_metrics(cycle, mmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (mmcf->zone.shm) {
        mmcf->cache = ngx_http_magasin_cache_create(cycle, &mmcf->zone,
                                                    mmcf->redis,
                                                    &mmcf->redis_conf,
                                                    &mmcf->pg,
                                                    &mmcf->database);
        if (mmcf->cache == NULL) {
            return NGX_ERROR;
        }
    }

    /* One worker of a node is enough for it. */

    if (ngx_worker == 0) {
        mmcf->maintenance = ngx_http_magasin_maintenance_create(cycle,
                                                                mmcf->pool);
        if (mmcf->maintenance == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* PostgreSQL and Redis count in the zone. */

static ngx_int_t
ngx_http_magasin_init_metrics(ngx_cycle_t *cycle,
    ngx_http_magasin_main_conf_t *mmcf)
{
    ngx_http_magasin_metrics_t  *metrics;

    metrics = mmcf->metrics;

    ngx_http_magasin_pg_measure(mmcf->pool, &metrics->shared->pg,
                                &metrics->slot->pg);

    if (mmcf->redis) {
        ngx_http_magasin_redis_measure(mmcf->redis, &metrics->shared->redis,
                                       &metrics->slot->redis);
    }

    metrics->business = ngx_http_magasin_business_create(cycle,
                                                         metrics->shared,
                                                         mmcf->pool,
                                                         &mmcf->metrics_conf);

    return metrics->business ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_magasin_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_magasin_main_conf_t  *mmcf;

    mmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_magasin_module);

    if (mmcf && mmcf->maintenance) {
        ngx_http_magasin_maintenance_destroy(mmcf->maintenance);
        mmcf->maintenance = NULL;
    }

    if (mmcf && mmcf->metrics) {
        ngx_http_magasin_metrics_destroy(mmcf->metrics);
        mmcf->metrics = NULL;
    }

    if (mmcf && mmcf->cache) {
        ngx_http_magasin_cache_destroy(mmcf->cache);
        mmcf->cache = NULL;
    }

    if (mmcf && mmcf->pool) {
        ngx_http_magasin_pg_destroy(mmcf->pool);
        mmcf->pool = NULL;
    }

    if (mmcf && mmcf->redis) {
        ngx_http_magasin_redis_destroy(mmcf->redis);
        mmcf->redis = NULL;
    }

    if (mmcf && mmcf->tokens) {
        ngx_http_magasin_tokens_destroy(mmcf->tokens);
        mmcf->tokens = NULL;
    }
}


static void *
ngx_http_magasin_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_magasin_main_conf_t  *mmcf;

    mmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_main_conf_t));
    if (mmcf == NULL) {
        return NULL;
    }

    mmcf->pg.connections = 3;
    mmcf->pg.timeout = 5000;
    mmcf->pg.connect_timeout = 2000;

    mmcf->redis_conf.timeout = 50;

    mmcf->metrics_conf.stores = 1000;
    mmcf->metrics_conf.interval = 10000;

    return mmcf;
}


static void *
ngx_http_magasin_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_srv_conf_t));
}


static void *
ngx_http_magasin_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_magasin_loc_conf_t  *mlcf;

    mlcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_loc_conf_t));
    if (mlcf == NULL) {
        return NULL;
    }

    mlcf->json_errors = NGX_CONF_UNSET;
    mlcf->server_timing = NGX_CONF_UNSET;
    mlcf->demonstration = NGX_CONF_UNSET;
    mlcf->cors = NGX_CONF_UNSET_PTR;

    ngx_http_magasin_cache_conf_init(&mlcf->cache);

    return mlcf;
}


static char *
ngx_http_magasin_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_magasin_loc_conf_t  *prev = parent;
    ngx_http_magasin_loc_conf_t  *conf = child;

    char                          *rv;
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_magasin_main_conf_t  *mmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_magasin_module);

    /*
     * Where the API answers, its errors are JSON unless said otherwise, here
     * or outside: what nobody said stays unset for the levels below.
     */

    if (conf->handler && clcf->handler != conf->handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" cannot share location \"%V\" with "
                           "another content handler, such as \"proxy_pass\" "
                           "or \"stub_status\"", conf->directive,
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    /*
     * limit_except is a location of its own.  Methods that it lets through are
     * answered there as they would be outside.
     */

    if (clcf->lmt_excpt && clcf->handler == NULL && prev->handler) {
        clcf->handler = prev->handler;
        conf->handler = prev->handler;
        conf->directive = prev->directive;
    }

    if (clcf->error_pages) {
        mmcf->error_pages = 1;
    }

    ngx_conf_merge_ptr_value(conf->cors, prev->cors, NULL);
    ngx_conf_merge_value(conf->server_timing, prev->server_timing, 0);
    ngx_conf_merge_value(conf->demonstration, prev->demonstration, 0);

    if (conf->scheme == NULL) {
        conf->scheme = prev->scheme;
    }

    rv = ngx_http_magasin_cache_conf_merge(cf, &prev->cache, &conf->cache,
                                           mmcf->zone.shm != NULL);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (conf->json_errors == NGX_CONF_UNSET) {
        conf->json_errors = prev->json_errors;
    }

    if (conf->json_errors == NGX_CONF_UNSET
        && clcf->handler == ngx_http_magasin_handler)
    {
        conf->json_errors = 1;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_magasin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                          *rv;
    ngx_http_magasin_srv_conf_t   *mscf;
    ngx_http_magasin_main_conf_t  *mmcf;

    rv = ngx_http_magasin_content(cf, conf, "magasin",
                                  ngx_http_magasin_handler);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_magasin_module);
    mmcf->handler = 1;

    mscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_magasin_module);
    mscf->magasin = 1;

    return NGX_CONF_OK;
}


/* Have a location answered by `handler`, for a directive of this name. */

char *
ngx_http_magasin_content(ngx_conf_t *cf, void *conf, const char *directive,
    ngx_http_handler_pt handler)
{
    ngx_http_magasin_loc_conf_t *mlcf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler == handler) {
        return "is duplicate";
    }

    if (clcf->handler) {
        return "cannot share a location with another content handler, such "
               "as \"proxy_pass\" or \"stub_status\"";
    }

    clcf->handler = handler;
    mlcf->handler = handler;
    mlcf->directive = directive;

    return NGX_CONF_OK;
}


/* magasin_database CONNINFO [connections=N] [queue=N] [timeout=T] ...; */

static char *
ngx_http_magasin_database(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_main_conf_t *mmcf = conf;

    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (mmcf->database.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs a libpq connection string, as \"host=/run/postgresql "
               "dbname=magasin\"";
    }

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_http_magasin_database_option(cf, mmcf, &value[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    mmcf->database = value[1];

    rv = ngx_http_magasin_pg_conf_finish(cf, &mmcf->pg);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_magasin_pg_conf_parse(cf, &mmcf->pg, &mmcf->database);
}


static char *
ngx_http_magasin_database_option(ngx_conf_t *cf,
    ngx_http_magasin_main_conf_t *mmcf, ngx_str_t *option)
{
    u_char      *equal;
    ngx_int_t    n;
    ngx_str_t    name, text;

    equal = ngx_strlchr(option->data, option->data + option->len, '=');

    if (equal == NULL) {
        goto invalid;
    }

    name.data = option->data;
    name.len = equal - option->data;
    text.data = equal + 1;
    text.len = option->len - name.len - 1;

    if (name.len == 11 && ngx_strncmp(name.data, "connections", 11) == 0) {
        n = ngx_atoi(text.data, text.len);

        if (n < 1 || n > 64) {
            return "takes \"connections\" from 1 to 64 for each worker; 3 "
                   "are enough for most";
        }

        mmcf->pg.connections = n;
        return NGX_CONF_OK;
    }

    if (name.len >= 5 && ngx_strncmp(name.data, "queue", 5) == 0) {
        return ngx_http_magasin_pg_conf_queue(cf, &mmcf->pg, &name, &text);
    }

    n = ngx_parse_time(&text, 0);

    if (name.len == 12 && ngx_strncmp(name.data, "lock_timeout", 12) == 0) {
        if (n == NGX_ERROR || n < 1) {
            return "takes \"lock_timeout\" as a time over 0, such as 2s";
        }

        mmcf->pg.lock_timeout = n;
        return NGX_CONF_OK;
    }

    if (name.len == 7 && ngx_strncmp(name.data, "timeout", 7) == 0) {
        if (n == NGX_ERROR || n < 1) {
            return "takes \"timeout\" as a time over 0, such as 5s or 500ms";
        }

        mmcf->pg.timeout = n;
        return NGX_CONF_OK;
    }

    if (name.len == 15 && ngx_strncmp(name.data, "connect_timeout", 15) == 0) {
        if (n == NGX_ERROR || n < 1) {
            return "takes \"connect_timeout\" as a time over 0, such as 2s";
        }

        mmcf->pg.connect_timeout = n;
        return NGX_CONF_OK;
    }

invalid:

    /* Only the name: the value may be a secret. */

    text = *option;

    if (equal) {
        text.len = equal - option->data;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"magasin_database\" does not know \"%V\": after the "
                       "connection string (one word, in quotes) it takes "
                       "connections=, queue=, queue_read=, queue_write=, "
                       "queue_heavy=, timeout=, lock_timeout= and "
                       "connect_timeout=", &text);
    return NGX_CONF_ERROR;
}


/* magasin_redis ADDRESS ... [password=P] [db=N] [timeout=T]; */

static char *
ngx_http_magasin_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_main_conf_t *mmcf = conf;

    if (mmcf->redis_conf.targets) {
        return "is duplicate";
    }

    return ngx_http_magasin_redis_conf_parse(cf, &mmcf->redis_conf);
}


static char *
ngx_http_magasin_tokens(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_main_conf_t *mmcf = conf;

    ngx_str_t  *value;

    if (mmcf->tokens_file.len) {
        return "is duplicate";
    }

    value = cf->args->elts;
    mmcf->tokens_file = value[1];

    if (mmcf->tokens_file.len == 0) {
        return "needs the path of a file";
    }

    if (ngx_conf_full_name(cf->cycle, &mmcf->tokens_file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_magasin_tokens_check(cf, &mmcf->tokens_file,
                                         &mmcf->tokens_list);
}
