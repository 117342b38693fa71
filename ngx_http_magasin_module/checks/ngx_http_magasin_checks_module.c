
/*
 * The directives for tokens, identities and origins, and the tokens of a
 * worker.
 */


#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_tokens_internal.h"


static ngx_int_t ngx_http_magasin_checks_init(ngx_conf_t *cf);
static void *ngx_http_magasin_checks_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_magasin_checks_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_magasin_checks_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static char *ngx_http_magasin_tokens(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_http_magasin_checks_commands[] = {

    { .name = ngx_string("magasin_tokens"),
      .type = NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      .set = ngx_http_magasin_tokens,
      .conf = NGX_HTTP_MAIN_CONF_OFFSET },

    { .name = ngx_string("magasin_demonstration"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_FLAG,
      .set = ngx_conf_set_flag_slot,
      .conf = NGX_HTTP_LOC_CONF_OFFSET,
      .offset = offsetof(ngx_http_magasin_checks_loc_conf_t, demonstration) },

    { .name = ngx_string("magasin_read"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_FLAG,
      .set = ngx_conf_set_flag_slot,
      .conf = NGX_HTTP_LOC_CONF_OFFSET,
      .offset = offsetof(ngx_http_magasin_checks_loc_conf_t, read) },

    { .name = ngx_string("magasin_identity"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_TAKE123,
      .set = ngx_http_magasin_identity,
      .conf = NGX_HTTP_LOC_CONF_OFFSET },

    { .name = ngx_string("magasin_cors"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_1MORE,
      .set = ngx_http_magasin_cors,
      .conf = NGX_HTTP_LOC_CONF_OFFSET },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_magasin_checks_module_ctx = {
    .postconfiguration = ngx_http_magasin_checks_init,
    .create_main_conf = ngx_http_magasin_checks_create_main_conf,
    .create_loc_conf = ngx_http_magasin_checks_create_loc_conf,
    .merge_loc_conf = ngx_http_magasin_checks_merge_loc_conf
};


ngx_module_t  ngx_http_magasin_checks_module = {
    NGX_MODULE_V1,
    &ngx_http_magasin_checks_module_ctx,   /* module context */
    ngx_http_magasin_checks_commands,      /* module directives */
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
ngx_http_magasin_checks_init(ngx_conf_t *cf)
{
    ngx_http_magasin_cors_init();

    return NGX_OK;
}


static void *
ngx_http_magasin_checks_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_checks_main_conf_t));
}


static void *
ngx_http_magasin_checks_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_magasin_checks_loc_conf_t  *clcf;

    clcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_checks_loc_conf_t));
    if (clcf == NULL) {
        return NULL;
    }

    clcf->demonstration = NGX_CONF_UNSET;
    clcf->read = NGX_CONF_UNSET;
    clcf->identity = NGX_CONF_UNSET_PTR;
    clcf->cors = NGX_CONF_UNSET_PTR;

    return clcf;
}


static char *
ngx_http_magasin_checks_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_magasin_checks_loc_conf_t *prev = parent;
    ngx_http_magasin_checks_loc_conf_t *conf = child;

    ngx_conf_merge_value(conf->demonstration, prev->demonstration, 0);
    ngx_conf_merge_value(conf->read, prev->read, 0);
    ngx_conf_merge_ptr_value(conf->identity, prev->identity, NULL);
    ngx_conf_merge_ptr_value(conf->cors, prev->cors, NULL);

    return NGX_CONF_OK;
}


/*
 * Starts polling the file of tokens, if one is configured.  `counters` may be
 * NULL.  Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_checks_start(ngx_cycle_t *cycle,
    ngx_http_magasin_checks_counters_t *counters)
{
    ngx_http_magasin_checks_main_conf_t  *cmcf;

    cmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_magasin_checks_module);
    cmcf->counters = counters;

    if (cmcf->file.len == 0) {
        return NGX_OK;
    }

    cmcf->tokens = ngx_http_magasin_tokens_create(cycle, cmcf);

    return cmcf->tokens ? NGX_OK : NGX_ERROR;
}


/* Stops polling the file of tokens and frees the tokens of the worker. */

void
ngx_http_magasin_checks_stop(ngx_cycle_t *cycle)
{
    ngx_http_magasin_checks_main_conf_t  *cmcf;

    cmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                              ngx_http_magasin_checks_module);

    if (cmcf->tokens) {
        ngx_http_magasin_tokens_destroy(cmcf->tokens);
        cmcf->tokens = NULL;
    }
}


/*
 * Returns 1 if the configuration that was read has `magasin_tokens` or
 * `magasin_identity`.
 */

ngx_uint_t
ngx_http_magasin_askers_configured(ngx_conf_t *cf)
{
    ngx_http_magasin_checks_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_checks_module);
    return cmcf->file.len != 0 || cmcf->identities;
}


/* Returns 1 if the configuration of this request has `magasin_tokens`. */

ngx_uint_t
ngx_http_magasin_has_tokens(ngx_http_request_t *r)
{
    ngx_http_magasin_checks_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_checks_module);

    return cmcf->file.len != 0;
}


/* magasin_tokens FILE; */

static char *
ngx_http_magasin_tokens(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_checks_main_conf_t *cmcf = conf;

    ngx_str_t  *value;

    if (cmcf->file.len) {
        return "is duplicate";
    }

    value = cf->args->elts;
    cmcf->file = value[1];

    if (cmcf->file.len == 0) {
        return "needs the path of a file";
    }

    if (ngx_conf_full_name(cf->cycle, &cmcf->file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_magasin_tokens_check(cf, &cmcf->file,
                                         &cmcf->list);
}
