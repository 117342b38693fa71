
/* The locations that this module answers, and the context of a request. */


#include "ngx_http_magasin.h"


static ngx_int_t ngx_http_magasin_request_preconfiguration(ngx_conf_t *cf);
static void *ngx_http_magasin_request_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_magasin_request_create_srv_conf(ngx_conf_t *cf);
static void *ngx_http_magasin_request_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_magasin_request_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);


static ngx_command_t  ngx_http_magasin_request_commands[] = {

    { .name = ngx_string("magasin_scheme"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_TAKE1,
      .set = ngx_http_set_complex_value_slot,
      .conf = NGX_HTTP_LOC_CONF_OFFSET,
      .offset = offsetof(ngx_http_magasin_request_loc_conf_t, scheme) },

    { .name = ngx_string("magasin_base"),
      .type = NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
              |NGX_CONF_TAKE1,
      .set = ngx_http_magasin_base,
      .conf = NGX_HTTP_LOC_CONF_OFFSET },

    { .name = ngx_string("magasin_exempt"),
      .type = NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      .set = ngx_http_magasin_exempt,
      .conf = NGX_HTTP_MAIN_CONF_OFFSET },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_magasin_request_module_ctx = {
    .preconfiguration = ngx_http_magasin_request_preconfiguration,
    .create_main_conf = ngx_http_magasin_request_create_main_conf,
    .create_srv_conf = ngx_http_magasin_request_create_srv_conf,
    .create_loc_conf = ngx_http_magasin_request_create_loc_conf,
    .merge_loc_conf = ngx_http_magasin_request_merge_loc_conf
};


ngx_module_t  ngx_http_magasin_request_module = {
    NGX_MODULE_V1,
    &ngx_http_magasin_request_module_ctx,  /* module context */
    ngx_http_magasin_request_commands,     /* module directives */
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
ngx_http_magasin_request_preconfiguration(ngx_conf_t *cf)
{
    if (ngx_http_magasin_trace_init(cf) != NGX_OK
        || ngx_http_magasin_address_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_request_id_init(cf);
}


static void *
ngx_http_magasin_request_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_request_main_conf_t));
}


static void *
ngx_http_magasin_request_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_request_srv_conf_t));
}


static void *
ngx_http_magasin_request_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_request_loc_conf_t));
}


static char *
ngx_http_magasin_request_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_magasin_request_loc_conf_t *prev = parent;
    ngx_http_magasin_request_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->handler && clcf->handler != conf->handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" cannot share location \"%V\" with "
                           "another content handler, such as \"proxy_pass\" "
                           "or \"stub_status\"", conf->directive,
                           &clcf->name);
        return NGX_CONF_ERROR;
    }

    /*
     * limit_except is a location of its own.  Methods that limit_except allows
     * have to be answered there as in the enclosing location.
     */

    if (clcf->lmt_excpt && clcf->handler == NULL && prev->handler) {
        clcf->handler = prev->handler;
        conf->handler = prev->handler;
        conf->directive = prev->directive;
    }

    if (conf->scheme == NULL) {
        conf->scheme = prev->scheme;
    }

    if (conf->base.data == NULL) {
        conf->base = prev->base;
    }

    return NGX_CONF_OK;
}


/*
 * Sets the content handler of a location.  `directive` is the name of the
 * directive that does so.  Returns NGX_CONF_OK or an error text.
 */

char *
ngx_http_magasin_content(ngx_conf_t *cf, const char *directive,
    ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t             *clcf;
    ngx_http_magasin_request_loc_conf_t  *rlcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    rlcf = ngx_http_conf_get_module_loc_conf(cf,
                                             ngx_http_magasin_request_module);

    if (clcf->handler == handler) {
        return "is duplicate";
    }

    if (clcf->handler) {
        return "cannot share a location with another content handler, such "
               "as \"proxy_pass\" or \"stub_status\"";
    }

    clcf->handler = handler;
    rlcf->handler = handler;
    rlcf->directive = directive;

    return NGX_CONF_OK;
}


/*
 * Does the same for the API and stores its handler, which is the same in all
 * locations.  Returns NGX_CONF_OK or an error text.
 */

char *
ngx_http_magasin_content_api(ngx_conf_t *cf, const char *directive,
    ngx_http_handler_pt handler)
{
    char                                  *rv;
    ngx_http_magasin_request_srv_conf_t   *rscf;
    ngx_http_magasin_request_main_conf_t  *rmcf;

    rv = ngx_http_magasin_content(cf, directive, handler);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_request_module);
    rscf = ngx_http_conf_get_module_srv_conf(cf,
                                             ngx_http_magasin_request_module);

    rmcf->api = handler;
    rscf->api = 1;

    return NGX_CONF_OK;
}


/*
 * Returns 1 if the API is the content handler of the location that is being
 * merged.  The configuration of the request room has to be merged already.
 */

ngx_uint_t
ngx_http_magasin_location_is_api(ngx_conf_t *cf)
{
    ngx_http_core_loc_conf_t              *clcf;
    ngx_http_magasin_request_main_conf_t  *rmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    rmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_request_module);

    return rmcf->api && clcf->handler == rmcf->api;
}


/*
 * Returns 1 if the API answers this request.  The request of an error page
 * counts as one of the API if the server has the API, wherever the page is,
 * because it reports the failure of the original request.
 */

ngx_uint_t
ngx_http_magasin_is_api(ngx_http_request_t *r)
{
    ngx_http_magasin_request_srv_conf_t   *rscf;
    ngx_http_magasin_request_main_conf_t  *rmcf;

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_request_module);

    /*
     * The handler of the request is compared, not that of the location: an
     * "if" is a location without a handler, in which the handler of the outer
     * location answers.
     */

    if (rmcf->api && r->content_handler == rmcf->api) {
        return 1;
    }

    if (!r->internal || (!r->err_status && !r->error_page)) {
        return 0;
    }

    rscf = ngx_http_get_module_srv_conf(r, ngx_http_magasin_request_module);

    return rscf->api;
}


/*
 * Returns the context of a request and creates it if necessary.  Returns NULL
 * if memory cannot be allocated.
 */

ngx_http_magasin_ctx_t *
ngx_http_magasin_ctx(ngx_http_request_t *r)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_magasin_get_ctx(r);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_magasin_ctx_t));
        if (ctx == NULL) {
            return NULL;
        }

        ctx->request = r;
        ngx_http_set_ctx(r, ctx, ngx_http_magasin_request_module);
    }

    return ctx;
}
