
/* `magasin_database`, `magasin_database_replicas`, and the pool of a worker. */


#include "ngx_http_magasin_pg_internal.h"
#include "ngx_http_magasin_maintenance_internal.h"


typedef struct {
    ngx_http_magasin_pg_conf_t   conf;
    ngx_http_magasin_pg_replicas_conf_t
                                 replicas;
    ngx_str_t                    database;      /* conninfo; may be secret */
    ngx_http_magasin_pg_pool_t  *pool;          /* of this worker, or NULL */
    ngx_http_magasin_maintenance_t
                                *maintenance;   /* of one worker, or NULL */
    ngx_http_magasin_collations_t
                                *collations;
} ngx_http_magasin_pg_main_conf_t;


/* An option that is a time: its place in the configuration. */
typedef struct {
    ngx_str_t                    name;
    size_t                       offset;
    char                        *error;
} ngx_http_magasin_pg_time_t;


static ngx_int_t ngx_http_magasin_pg_init(ngx_conf_t *cf);
static void *ngx_http_magasin_pg_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_magasin_pg_database(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_magasin_pg_replicas(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_magasin_pg_stale(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_magasin_pg_option(ngx_conf_t *cf,
    ngx_http_magasin_pg_conf_t *pcf, ngx_str_t *option);


static ngx_command_t  ngx_http_magasin_pg_commands[] = {

    { .name = ngx_string("magasin_database"),
      .type = NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      .set = ngx_http_magasin_pg_database,
      .conf = NGX_HTTP_MAIN_CONF_OFFSET },

    { .name = ngx_string("magasin_database_replicas"),
      .type = NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      .set = ngx_http_magasin_pg_replicas,
      .conf = NGX_HTTP_MAIN_CONF_OFFSET },

    { .name = ngx_string("magasin_database_replicas_stale"),
      .type = NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      .set = ngx_http_magasin_pg_stale,
      .conf = NGX_HTTP_MAIN_CONF_OFFSET },

      ngx_null_command
};


static ngx_http_magasin_pg_time_t  ngx_http_magasin_pg_times[] = {

    { ngx_string("timeout"),
      offsetof(ngx_http_magasin_pg_conf_t, timeout),
      "takes \"timeout\" as a time over 0, such as 5s or 500ms" },

    { ngx_string("lock_timeout"),
      offsetof(ngx_http_magasin_pg_conf_t, lock_timeout),
      "takes \"lock_timeout\" as a time over 0, such as 2s" },

    { ngx_string("connect_timeout"),
      offsetof(ngx_http_magasin_pg_conf_t, connect_timeout),
      "takes \"connect_timeout\" as a time over 0, such as 2s" },

    { ngx_null_string, 0, NULL }
};


static ngx_http_module_t  ngx_http_magasin_pg_module_ctx = {
    .postconfiguration = ngx_http_magasin_pg_init,
    .create_main_conf = ngx_http_magasin_pg_create_main_conf
};


ngx_module_t  ngx_http_magasin_pg_module = {
    NGX_MODULE_V1,
    &ngx_http_magasin_pg_module_ctx,       /* module context */
    ngx_http_magasin_pg_commands,          /* module directives */
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
ngx_http_magasin_pg_init(ngx_conf_t *cf)
{
    ngx_http_core_loc_conf_t         *clcf;
    ngx_http_magasin_pg_main_conf_t  *pmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_magasin_pg_module);

    if (pmcf->conf.names
        && ngx_http_magasin_names_resolver(cf, pmcf->conf.names,
                                           clcf->resolver, "magasin_database")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_magasin_pg_replicas_conf_init(cf, &pmcf->replicas,
                                               &pmcf->conf, clcf->resolver)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_magasin_zone_add(cf, &ngx_http_magasin_pg_section)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_zone_add(cf, &ngx_http_magasin_pg_wal_section);
}


static void *
ngx_http_magasin_pg_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_magasin_pg_main_conf_t  *pmcf;

    pmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_pg_main_conf_t));
    if (pmcf == NULL) {
        return NULL;
    }

    pmcf->conf.connections = 3;
    pmcf->conf.timeout = 5000;
    pmcf->conf.connect_timeout = 2000;
    pmcf->replicas.stale = NGX_CONF_UNSET_MSEC;

    ngx_str_set(&pmcf->conf.directive, "magasin_database");

    return pmcf;
}


/* Returns 1 if the configuration has a `magasin_database`. */

ngx_uint_t
ngx_http_magasin_pg_configured(ngx_conf_t *cf)
{
    ngx_http_magasin_pg_main_conf_t  *pmcf;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_magasin_pg_module);

    return pmcf->database.len != 0;
}


/* Create the pool of this worker.  Returns NGX_OK or NGX_ERROR (memory). */

ngx_int_t
ngx_http_magasin_pg_start(ngx_cycle_t *cycle)
{
    ngx_http_magasin_pg_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_pg_module);

    pmcf->pool = ngx_http_magasin_pg_create(cycle, &pmcf->conf);

    if (pmcf->pool == NULL
        || ngx_http_magasin_pg_replicas_create(cycle, pmcf->pool,
                                               &pmcf->replicas)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* One worker of a node runs the maintenance. */

    if (ngx_worker == 0) {
        pmcf->maintenance = ngx_http_magasin_maintenance_create(cycle,
                                                                pmcf->pool);
        if (pmcf->maintenance == NULL) {
            return NGX_ERROR;
        }
    }

    pmcf->collations = ngx_http_magasin_collations_create(cycle, pmcf->pool);

    return pmcf->collations ? NGX_OK : NGX_ERROR;
}


void
ngx_http_magasin_pg_stop(ngx_cycle_t *cycle)
{
    ngx_http_magasin_pg_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_pg_module);

    if (pmcf->maintenance) {
        ngx_http_magasin_maintenance_destroy(pmcf->maintenance);
        pmcf->maintenance = NULL;
    }

    if (pmcf->collations) {
        ngx_http_magasin_collations_destroy(pmcf->collations);
        pmcf->collations = NULL;
    }

    if (pmcf->pool) {
        ngx_http_magasin_pg_destroy(pmcf->pool);
        pmcf->pool = NULL;
    }
}


/* Returns the pool of this worker; NULL if no location needs one. */

ngx_http_magasin_pg_pool_t *
ngx_http_magasin_pg_pool(ngx_http_request_t *r)
{
    ngx_http_magasin_pg_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_pg_module);

    return pmcf->pool;
}


/* The same, for callers without a request. */

ngx_http_magasin_pg_pool_t *
ngx_http_magasin_pg_pool_of(ngx_cycle_t *cycle)
{
    ngx_http_magasin_pg_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_pg_module);
    return pmcf->pool;
}


/*
 * Returns the configuration of `magasin_database`.  A caller with a pool of its
 * own takes a copy of it.
 */

ngx_http_magasin_pg_conf_t *
ngx_http_magasin_pg_conf_of(ngx_cycle_t *cycle)
{
    ngx_http_magasin_pg_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_pg_module);
    return &pmcf->conf;
}


/* Returns its conninfo, which may have a password. */

ngx_str_t *
ngx_http_magasin_pg_database_of(ngx_cycle_t *cycle)
{
    ngx_http_magasin_pg_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_pg_module);
    return &pmcf->database;
}


static char *
ngx_http_magasin_pg_replicas(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_pg_main_conf_t *pmcf = conf;

    return ngx_http_magasin_pg_replicas_directive(cf, &pmcf->replicas);
}


static char *
ngx_http_magasin_pg_stale(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_pg_main_conf_t *pmcf = conf;

    return ngx_http_magasin_pg_replicas_stale_directive(cf, &pmcf->replicas);
}


/* magasin_database CONNINFO [connections=N] [queue=N] [timeout=T] ...; */

static char *
ngx_http_magasin_pg_database(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_pg_main_conf_t *pmcf = conf;

    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (pmcf->database.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs a libpq connection string, as \"host=/run/postgresql "
               "dbname=magasin\"";
    }

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_http_magasin_pg_option(cf, &pmcf->conf, &value[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    pmcf->database = value[1];

    rv = ngx_http_magasin_pg_conf_finish(cf, &pmcf->conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_magasin_pg_conf_parse(cf, &pmcf->conf, &pmcf->database);
}


static char *
ngx_http_magasin_pg_option(ngx_conf_t *cf,
    ngx_http_magasin_pg_conf_t *pcf, ngx_str_t *option)
{
    u_char                      *equal;
    ngx_int_t                    n;
    ngx_str_t                    name, text;
    ngx_http_magasin_pg_time_t  *time;

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

        pcf->connections = n;
        return NGX_CONF_OK;
    }

    if (name.len >= 5 && ngx_strncmp(name.data, "queue", 5) == 0) {
        return ngx_http_magasin_pg_conf_queue(cf, pcf, &name, &text);
    }

    n = ngx_parse_time(&text, 0);

    for (time = ngx_http_magasin_pg_times; time->error; time++) {

        if (name.len != time->name.len
            || ngx_strncmp(name.data, time->name.data, name.len) != 0)
        {
            continue;
        }

        if (n == NGX_ERROR || n < 1) {
            return time->error;
        }

        *(ngx_msec_t *) ((u_char *) pcf + time->offset) = n;
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
