
/* `magasin_redis`, and the connection of a worker. */


#include "ngx_http_magasin_redis.h"


typedef struct {
    ngx_http_magasin_redis_conf_t   conf;
    ngx_http_magasin_redis_t       *redis;      /* of this worker, or NULL */
} ngx_http_magasin_redis_main_conf_t;


static ngx_int_t ngx_http_magasin_redis_init(ngx_conf_t *cf);
static void *ngx_http_magasin_redis_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_magasin_redis_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


static ngx_command_t  ngx_http_magasin_redis_commands[] = {

    { .name = ngx_string("magasin_redis"),
      .type = NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      .set = ngx_http_magasin_redis_directive,
      .conf = NGX_HTTP_MAIN_CONF_OFFSET },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_magasin_redis_module_ctx = {
    .postconfiguration = ngx_http_magasin_redis_init,
    .create_main_conf = ngx_http_magasin_redis_create_main_conf
};


ngx_module_t  ngx_http_magasin_redis_module = {
    NGX_MODULE_V1,
    &ngx_http_magasin_redis_module_ctx,    /* module context */
    ngx_http_magasin_redis_commands,       /* module directives */
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
ngx_http_magasin_redis_init(ngx_conf_t *cf)
{
    ngx_http_core_loc_conf_t            *clcf;
    ngx_http_magasin_redis_main_conf_t  *rmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    rmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_redis_module);

    if (rmcf->conf.names == NULL) {
        return NGX_OK;
    }

    return ngx_http_magasin_names_resolver(cf, rmcf->conf.names,
                                           clcf->resolver, "magasin_redis");
}


static void *
ngx_http_magasin_redis_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_magasin_redis_main_conf_t  *rmcf;

    rmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_redis_main_conf_t));
    if (rmcf == NULL) {
        return NULL;
    }

    rmcf->conf.timeout = 50;

    return rmcf;
}


/* magasin_redis ADDRESS ... [OPTION=VALUE ...]; */

static char *
ngx_http_magasin_redis_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_magasin_redis_main_conf_t *rmcf = conf;

    if (rmcf->conf.targets) {
        return "is duplicate";
    }

    return ngx_http_magasin_redis_conf_parse(cf, &rmcf->conf);
}


/*
 * Create the connection of this worker, if Redis is configured.  Returns
 * NGX_OK or NGX_ERROR (memory).
 */

ngx_int_t
ngx_http_magasin_redis_start(ngx_cycle_t *cycle)
{
    ngx_http_magasin_redis_main_conf_t  *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_redis_module);

    if (rmcf->conf.targets == NULL) {
        return NGX_OK;
    }

    rmcf->redis = ngx_http_magasin_redis_create(cycle, &rmcf->conf);

    return rmcf->redis ? NGX_OK : NGX_ERROR;
}


void
ngx_http_magasin_redis_stop(ngx_cycle_t *cycle)
{
    ngx_http_magasin_redis_main_conf_t  *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_redis_module);

    if (rmcf->redis) {
        ngx_http_magasin_redis_destroy(rmcf->redis);
        rmcf->redis = NULL;
    }
}


/* Returns the connection of this worker; NULL without Redis. */

ngx_http_magasin_redis_t *
ngx_http_magasin_redis_of(ngx_cycle_t *cycle)
{
    ngx_http_magasin_redis_main_conf_t  *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_redis_module);
    return rmcf->redis;
}


/* The same, by a request. */

ngx_http_magasin_redis_t *
ngx_http_magasin_redis(ngx_http_request_t *r)
{
    ngx_http_magasin_redis_main_conf_t  *rmcf;

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_redis_module);

    return rmcf->redis;
}


/* Returns 1 if the configuration of a request has a `magasin_redis`. */

ngx_uint_t
ngx_http_magasin_has_redis(ngx_http_request_t *r)
{
    ngx_http_magasin_redis_main_conf_t  *rmcf;

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_redis_module);

    return rmcf->conf.targets != NULL;
}


/*
 * Returns the configuration of `magasin_redis`; its targets are NULL if there
 * is none.
 */

ngx_http_magasin_redis_conf_t *
ngx_http_magasin_redis_conf_of(ngx_cycle_t *cycle)
{
    ngx_http_magasin_redis_main_conf_t  *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_redis_module);
    return &rmcf->conf;
}
