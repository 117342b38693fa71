
/* The directives for answers. */


#include "ngx_http_magasin_reply.h"


/* docs/cache.md has the measurements. */
#define NGX_HTTP_MAGASIN_GZIP_MIN_LENGTH  1024
#define NGX_HTTP_MAGASIN_GZIP_COMP_LEVEL  4


static ngx_int_t ngx_http_magasin_reply_init(ngx_conf_t *cf);
static void *ngx_http_magasin_reply_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_magasin_reply_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_magasin_reply_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);


static ngx_conf_num_bounds_t  ngx_http_magasin_gzip_levels = {
    .post_handler = ngx_conf_check_num_bounds,
    .low = 1,
    .high = 9
};


static ngx_command_t  ngx_http_magasin_reply_commands[] = {

    { .name = ngx_string("magasin_json_errors"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_FLAG,
      .set = ngx_conf_set_flag_slot,
      .conf = NGX_HTTP_LOC_CONF_OFFSET,
      .offset = offsetof(ngx_http_magasin_reply_loc_conf_t, json_errors) },

    { .name = ngx_string("magasin_server_timing"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_FLAG,
      .set = ngx_conf_set_flag_slot,
      .conf = NGX_HTTP_LOC_CONF_OFFSET,
      .offset = offsetof(ngx_http_magasin_reply_loc_conf_t, server_timing) },

    { .name = ngx_string("magasin_gzip"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_FLAG,
      .set = ngx_conf_set_flag_slot,
      .conf = NGX_HTTP_LOC_CONF_OFFSET,
      .offset = offsetof(ngx_http_magasin_reply_loc_conf_t, gzip) },

    { .name = ngx_string("magasin_gzip_min_length"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_TAKE1,
      .set = ngx_conf_set_size_slot,
      .conf = NGX_HTTP_LOC_CONF_OFFSET,
      .offset = offsetof(ngx_http_magasin_reply_loc_conf_t,
                         gzip_min_length) },

    { .name = ngx_string("magasin_gzip_comp_level"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_TAKE1,
      .set = ngx_conf_set_num_slot,
      .conf = NGX_HTTP_LOC_CONF_OFFSET,
      .offset = offsetof(ngx_http_magasin_reply_loc_conf_t,
                         gzip_comp_level),
      .post = &ngx_http_magasin_gzip_levels },

    { .name = ngx_string("magasin_header"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_HTTP_LIF_CONF|NGX_CONF_TAKE2,
      .set = ngx_http_magasin_header_directive,
      .conf = NGX_HTTP_LOC_CONF_OFFSET },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_magasin_reply_module_ctx = {
    .postconfiguration = ngx_http_magasin_reply_init,
    .create_main_conf = ngx_http_magasin_reply_create_main_conf,
    .create_loc_conf = ngx_http_magasin_reply_create_loc_conf,
    .merge_loc_conf = ngx_http_magasin_reply_merge_loc_conf
};


ngx_module_t  ngx_http_magasin_reply_module = {
    NGX_MODULE_V1,
    &ngx_http_magasin_reply_module_ctx,    /* module context */
    ngx_http_magasin_reply_commands,       /* module directives */
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
ngx_http_magasin_reply_init(ngx_conf_t *cf)
{
    ngx_http_magasin_reply_main_conf_t  *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_reply_module);

    /* The errors' filter is the first to see an answer. */

    if (rmcf->headers) {
        ngx_http_magasin_headers_init();
    }

    ngx_http_magasin_errors_init();

    return rmcf->error_pages ? ngx_http_magasin_errors_phases(cf) : NGX_OK;
}


static void *
ngx_http_magasin_reply_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_reply_main_conf_t));
}


static void *
ngx_http_magasin_reply_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_magasin_reply_loc_conf_t  *rlcf;

    rlcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_reply_loc_conf_t));
    if (rlcf == NULL) {
        return NULL;
    }

    rlcf->json_errors = NGX_CONF_UNSET;
    rlcf->server_timing = NGX_CONF_UNSET;
    rlcf->gzip = NGX_CONF_UNSET;
    rlcf->gzip_min_length = NGX_CONF_UNSET_SIZE;
    rlcf->gzip_comp_level = NGX_CONF_UNSET;

    return rlcf;
}


/*
 * Errors of locations of the API are JSON unless the directive is set, here or
 * in an outer block.  A value that was not configured stays unset, so that
 * inner blocks can still apply the default.  The request room's module is
 * merged before this one: it gives the API's handler to the location of
 * limit_except.
 */

static char *
ngx_http_magasin_reply_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_magasin_reply_loc_conf_t *prev = parent;
    ngx_http_magasin_reply_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t            *clcf;
    ngx_http_magasin_reply_main_conf_t  *rmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->error_pages) {
        rmcf = ngx_http_conf_get_module_main_conf(cf,
                                               ngx_http_magasin_reply_module);
        rmcf->error_pages = 1;
    }

    if (conf->headers == NULL) {
        conf->headers = prev->headers;
        conf->header_values = prev->header_values;
    }

    ngx_conf_merge_value(conf->server_timing, prev->server_timing, 0);
    ngx_conf_merge_value(conf->gzip, prev->gzip, 0);
    ngx_conf_merge_size_value(conf->gzip_min_length, prev->gzip_min_length,
                              NGX_HTTP_MAGASIN_GZIP_MIN_LENGTH);
    ngx_conf_merge_value(conf->gzip_comp_level, prev->gzip_comp_level,
                         NGX_HTTP_MAGASIN_GZIP_COMP_LEVEL);

    if (conf->json_errors == NGX_CONF_UNSET) {
        conf->json_errors = prev->json_errors;
    }

    if (conf->json_errors == NGX_CONF_UNSET
        && ngx_http_magasin_location_is_api(cf))
    {
        conf->json_errors = 1;
    }

    return NGX_CONF_OK;
}
