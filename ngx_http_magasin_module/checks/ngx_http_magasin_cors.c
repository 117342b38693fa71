
/*
 * Cross-origin requests from browsers, by the Fetch standard (section 3.2):
 * `magasin_cors` names the origins whose pages may call the API.  A header
 * filter tells the browser so, on errors that nginx makes too; the preflight
 * is answered from the table of endpoints.
 */


#include "ngx_http_magasin_checks.h"


static ngx_int_t ngx_http_magasin_cors_header(ngx_http_request_t *r);
static ngx_str_t *ngx_http_magasin_cors_origin(ngx_http_request_t *r);
static ngx_uint_t ngx_http_magasin_cors_valid(ngx_str_t *origin);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;

static ngx_str_t  ngx_http_magasin_cors_any = ngx_string("*");


/* magasin_cors off | * | ORIGIN ...; */

char *
ngx_http_magasin_cors(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_checks_loc_conf_t *clcf = conf;

    ngx_str_t   *value, *origin;
    ngx_uint_t   i;

    if (clcf->cors != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        clcf->cors = NULL;
        return NGX_CONF_OK;
    }

    clcf->cors = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                  sizeof(ngx_str_t));
    if (clcf->cors == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (!ngx_http_magasin_cors_valid(&value[i])
            && !(value[i].len == 1 && value[i].data[0] == '*'
                 && cf->args->nelts == 2))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"magasin_cors\" does not take \"%V\": it "
                               "takes \"off\", \"*\", or origins such as "
                               "\"https://shop.example\", without a path",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        origin = ngx_array_push(clcf->cors);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        *origin = value[i];
    }

    return NGX_CONF_OK;
}


/* Install the filter; locations say whether it does anything. */

void
ngx_http_magasin_cors_init(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_magasin_cors_header;
}


/*
 * Answer OPTIONS when it is a preflight of an origin that may call.
 *
 * NGX_DONE: the 204 is in ctx; NGX_DECLINED: it is no such request;
 * NGX_ERROR: memory.
 */

ngx_int_t
ngx_http_magasin_cors_preflight(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_request_t  *r;
    static ngx_str_t     headers = ngx_string("Accept, Authorization, "
                                   "Content-Type, Idempotency-Key, If-Match, "
                                   "If-None-Match, traceparent");
    static ngx_str_t     age = ngx_string("600");

    r = ctx->request;

    if (ngx_http_magasin_cors_origin(r) == NULL
        || ngx_http_magasin_header(r, NGX_HTTP_MAGASIN_HEADER_REQUEST_METHOD)
           == NULL)
    {
        return NGX_DECLINED;
    }

    ngx_http_magasin_reply_begin(ctx, NGX_HTTP_NO_CONTENT);

    if (ngx_http_magasin_reply_header(r, "Access-Control-Allow-Methods",
                                      &ctx->route->allow)
           != NGX_OK
        || ngx_http_magasin_reply_header(r, "Access-Control-Allow-Headers",
                                         &headers)
           != NGX_OK
        || ngx_http_magasin_reply_header(r, "Access-Control-Max-Age", &age)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_http_magasin_cors_header(ngx_http_request_t *r)
{
    ngx_str_t                    *origin;
    ngx_http_magasin_checks_loc_conf_t  *clcf;
    static ngx_str_t              vary = ngx_string("Origin");
    static ngx_str_t              expose = ngx_string("ETag, Link, Location, "
                                           "Retry-After, WWW-Authenticate");

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_checks_module);

    if (clcf->cors == NULL || r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    origin = ngx_http_magasin_cors_origin(r);

    /* Without an Origin too, or a cache would give it to everybody. */

    if (origin != &ngx_http_magasin_cors_any
        && ngx_http_magasin_reply_header(r, "Vary", &vary) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (origin
        && (ngx_http_magasin_reply_header(r, "Access-Control-Allow-Origin",
                                          origin)
            != NGX_OK
            || ngx_http_magasin_reply_header(r,
                                             "Access-Control-Expose-Headers",
                                             &expose)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


/* What Access-Control-Allow-Origin says to this request; NULL: nothing. */

static ngx_str_t *
ngx_http_magasin_cors_origin(ngx_http_request_t *r)
{
    ngx_str_t                    *origin, *allowed;
    ngx_uint_t                    i;
    ngx_http_magasin_checks_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_checks_module);

    if (clcf->cors == NULL) {
        return NULL;
    }

    allowed = clcf->cors->elts;

    if (allowed[0].len == 1 && allowed[0].data[0] == '*') {
        return &ngx_http_magasin_cors_any;
    }

    origin = ngx_http_magasin_header(r, NGX_HTTP_MAGASIN_HEADER_ORIGIN);

    for (i = 0; origin && i < clcf->cors->nelts; i++) {
        if (allowed[i].len == origin->len
            && ngx_strncasecmp(allowed[i].data, origin->data, origin->len)
               == 0)
        {
            return origin;
        }
    }

    return NULL;
}


/* "scheme://host[:port]", as browsers write an origin. */

static ngx_uint_t
ngx_http_magasin_cors_valid(ngx_str_t *origin)
{
    u_char  *p, *end;

    p = ngx_strlcasestrn(origin->data, origin->data + origin->len,
                         (u_char *) "://", sizeof("://") - 2);
    if (p == NULL || p == origin->data) {
        return 0;
    }

    p += sizeof("://") - 1;
    end = origin->data + origin->len;

    if (p == end) {
        return 0;
    }

    for ( /* void */ ; p < end; p++) {
        if (*p <= ' ' || ngx_strchr("/*?#@", *p)) {
            return 0;
        }
    }

    return 1;
}
