
/*
 * Cross-origin requests from browsers, by the Fetch standard (section 3.2).
 * `magasin_cors` lists the origins whose pages may use the API.  A header
 * filter adds the headers for the browser, also to errors that nginx makes.
 * The preflight is answered from the table of endpoints.  What needs none is
 * recognised by Sec-Fetch-Site and Origin.
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


/* Installs the filter; it does nothing where magasin_cors is off. */

void
ngx_http_magasin_cors_init(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_magasin_cors_header;
}


/*
 * Answers OPTIONS if it is a preflight request of an allowed origin.
 *
 * Returns NGX_DONE if the 204 is in ctx, NGX_DECLINED if it is not such a
 * request, or NGX_ERROR if memory cannot be allocated.
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


/*
 * Finds out whether a page of another origin has sent this request.  A browser
 * says so in Sec-Fetch-Site, an older one, or one without TLS, in Origin alone.
 * An origin that `magasin_cors` names is none of another; "*" names none.
 *
 * Returns NGX_OK if it is not so, or not said, NGX_DECLINED if it is, or
 * NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_cors_foreign(ngx_http_request_t *r)
{
    u_char     *p, *end;
    ngx_str_t  *site, *origin, *allowed, host;

    allowed = ngx_http_magasin_cors_origin(r);

    if (allowed && allowed != &ngx_http_magasin_cors_any) {
        return NGX_OK;
    }

    site = ngx_http_magasin_header(r, NGX_HTTP_MAGASIN_HEADER_FETCH_SITE);

    if (site) {
        return (site->len == sizeof("same-origin") - 1
                && ngx_memcmp(site->data, "same-origin", site->len) == 0)
               || (site->len == sizeof("none") - 1
                   && ngx_memcmp(site->data, "none", site->len) == 0)
               ? NGX_OK : NGX_DECLINED;
    }

    origin = ngx_http_magasin_header(r, NGX_HTTP_MAGASIN_HEADER_ORIGIN);

    if (origin == NULL) {
        return NGX_OK;
    }

    if (ngx_http_magasin_authority(r, &host) != NGX_OK) {
        return NGX_ERROR;
    }

    end = origin->data + origin->len;
    p = ngx_strlcasestrn(origin->data, end, (u_char *) "://",
                         sizeof("://") - 2);

    if (p == NULL) {
        return NGX_DECLINED;
    }

    p += sizeof("://") - 1;

    return (size_t) (end - p) == host.len
           && ngx_strncasecmp(p, host.data, host.len) == 0
           ? NGX_OK : NGX_DECLINED;
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

    /*
     * Vary is added without an Origin, too: a cache must not reuse this answer
     * for requests that have one.
     */

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


/*
 * Returns the value of Access-Control-Allow-Origin for this request, or NULL
 * if the header is omitted.
 */

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


/*
 * Returns 1 for "scheme://host[:port]", the form in which browsers send an
 * origin.
 */

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
