
/*
 * The module `magasin` itself, and the order in which the rooms start and stop
 * in a worker.  The directives of a room are in ROOM/ngx_http_magasin_*.c:
 * each room is an nginx module in this shared object (see config).
 */


#include "ngx_http_magasin_handler.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_observe.h"


static ngx_int_t ngx_http_magasin_postconfiguration(ngx_conf_t *cf);
static char *ngx_http_magasin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t ngx_http_magasin_init_process(ngx_cycle_t *cycle);
static void ngx_http_magasin_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_magasin_commands[] = {

    { .name = ngx_string("magasin"),
      .type = NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF
              |NGX_CONF_NOARGS,
      .set = ngx_http_magasin,
      .conf = NGX_HTTP_LOC_CONF_OFFSET },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_magasin_module_ctx = {
    .postconfiguration = ngx_http_magasin_postconfiguration
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


/* magasin; */

static char *
ngx_http_magasin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_magasin_content_api(cf, "magasin",
                                        ngx_http_magasin_handler);
}


static ngx_int_t
ngx_http_magasin_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_magasin_request_main_conf_t  *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_request_module);

    if (rmcf->api && !ngx_http_magasin_pg_configured(cf)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"magasin\" is used without \"magasin_database\": "
                      "say in the http block where PostgreSQL is");
        return NGX_ERROR;
    }

    if (rmcf->api && !ngx_http_magasin_askers_configured(cf)) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"magasin\" is used without \"magasin_tokens\": "
                      "every write will be answered with 401");
    }

    /*
     * All configurations share the table of the process.  A new configuration
     * that fails after this line does not change the old one.
     */

    return ngx_http_magasin_routes_init(cf->log);
}


/*
 * Starts the rooms of a worker.  An unavailable server is not an error: the
 * worker starts without it.  Returns NGX_OK, or NGX_ERROR if a room cannot be
 * started.
 */

static ngx_int_t
ngx_http_magasin_init_process(ngx_cycle_t *cycle)
{
    ngx_http_magasin_request_main_conf_t  *rmcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_magasin_request_module);

    if (rmcf == NULL) {

        /* There is no http block. */

        return NGX_OK;
    }

    if (ngx_http_magasin_observe_start(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!rmcf->api) {
        return NGX_OK;
    }

    if (ngx_http_magasin_checks_start(cycle,
                                      ngx_http_magasin_observe_checks(cycle))
            != NGX_OK
        || ngx_http_magasin_redis_start(cycle) != NGX_OK
        || ngx_http_magasin_pg_start(cycle) != NGX_OK
        || ngx_http_magasin_feed_start(cycle) != NGX_OK
        || ngx_http_magasin_observe_wire(cycle) != NGX_OK
        || ngx_http_magasin_cache_start(cycle) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Stops the rooms: a room stops before the rooms that it uses. */

static void
ngx_http_magasin_exit_process(ngx_cycle_t *cycle)
{
    if (ngx_http_cycle_get_module_main_conf(cycle,
                                            ngx_http_magasin_request_module)
        == NULL)
    {
        return;
    }

    ngx_http_magasin_observe_stop(cycle);
    ngx_http_magasin_feed_stop(cycle);
    ngx_http_magasin_cache_stop(cycle);
    ngx_http_magasin_pg_stop(cycle);
    ngx_http_magasin_redis_stop(cycle);
    ngx_http_magasin_checks_stop(cycle);
}
