
/* Variables for logs, limits and headers. */


#include "ngx_http_magasin_observe.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_number.h"


static ngx_int_t ngx_http_magasin_variable_route(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_magasin_variable_token(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_magasin_variable_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_magasin_variable_wait(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_magasin_variable_duration(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uint64_t us);
static ngx_int_t ngx_http_magasin_variable_cache(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_magasin_variable_show(ngx_http_variable_value_t *v,
    ngx_str_t *text);
static void ngx_http_magasin_variable_set(ngx_http_variable_value_t *v,
    ngx_str_t *text);


static ngx_http_variable_t  ngx_http_magasin_variables[] = {

    { ngx_string("magasin_route"), NULL,
      ngx_http_magasin_variable_route, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("magasin_token"), NULL,
      ngx_http_magasin_variable_token, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("magasin_db_time"), NULL,
      ngx_http_magasin_variable_time,
      offsetof(ngx_http_magasin_ctx_t, database),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("magasin_redis_time"), NULL,
      ngx_http_magasin_variable_time,
      offsetof(ngx_http_magasin_ctx_t, redis),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("magasin_cache_time"), NULL,
      ngx_http_magasin_variable_wait, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("magasin_cache"), NULL,
      ngx_http_magasin_variable_cache, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/*
 * Add all variables.  Call it before the configuration is read.  Returns NGX_OK
 * or NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_variables_init(ngx_conf_t *cf)
{
    ngx_http_variable_t  *variable, *v;

    for (v = ngx_http_magasin_variables; v->name.len; v++) {

        variable = ngx_http_add_variable(cf, &v->name, v->flags);
        if (variable == NULL) {
            return NGX_ERROR;
        }

        variable->get_handler = v->get_handler;
        variable->data = v->data;
    }

    return ngx_http_magasin_variables_text(cf);
}


/*
 * The route and the token are computed on demand, because the phases of limits
 * need them before the content handler.  The context keeps them for the content
 * handler.  The values are not marked as valid, so nginx evaluates the
 * variables each time: a value that nginx caches is shared with subrequests,
 * and the log would read it.
 */

/*
 * $magasin_route: the template of the path.  So a log has few different values.
 */

static ngx_int_t
ngx_http_magasin_variable_route(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_magasin_variable_show(v, ngx_http_magasin_route_of(r));

    return NGX_OK;
}


/*
 * Returns the template of the path, or NULL if there is none, or if memory
 * cannot be allocated.
 */

ngx_str_t *
ngx_http_magasin_route_of(ngx_http_request_t *r)
{
    ngx_http_magasin_ctx_t    *ctx;
    ngx_http_magasin_route_t  *route;

    if (!ngx_http_magasin_is_api(r)) {
        return NULL;
    }

    ctx = ngx_http_magasin_ctx(r);
    if (ctx == NULL) {
        return NULL;
    }

    route = ngx_http_magasin_route(ctx);

    return route ? &route->path : NULL;
}


/*
 * $magasin_token: the id of a valid token, never the token itself.  For a write
 * it stays the id that authorised the write, even if the tokens change
 * meanwhile.  An identity of nginx is there when it has authorised the request;
 * nginx is not asked for it before.
 */

static ngx_int_t
ngx_http_magasin_variable_token(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_magasin_variable_show(v, ngx_http_magasin_token_of(r));

    return NGX_OK;
}


/*
 * Returns the id of the request's token, which is empty if the token is not
 * valid.  Returns NULL if there is no token, or if memory cannot be allocated.
 */

ngx_str_t *
ngx_http_magasin_token_of(ngx_http_request_t *r)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_magasin_get_ctx(r);

    if (ctx && ctx->identity && ngx_http_magasin_is_api(r)) {
        return &ctx->token;
    }

    if (r->headers_in.authorization == NULL
        || !ngx_http_magasin_is_api(r))
    {
        return NULL;
    }

    ctx = ngx_http_magasin_ctx(r);
    if (ctx == NULL) {
        return NULL;
    }

    if (ctx->generation == 0
        && ngx_http_magasin_identify(ctx) == NGX_ERROR)
    {
        return NULL;
    }

    return &ctx->token;
}


/* Set the value, not cacheable.  NULL or an empty text gives an empty value. */

static void
ngx_http_magasin_variable_show(ngx_http_variable_value_t *v, ngx_str_t *text)
{
    v->data = text && text->len ? text->data : (u_char *) "";
    v->len = text ? (unsigned) text->len : 0;
    v->valid = 0;
    v->no_cacheable = 1;
    v->not_found = 0;
}


/*
 * The time from sending statements or commands to their answers.  It is empty
 * if nothing was sent.
 */

static ngx_int_t
ngx_http_magasin_variable_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_magasin_get_ctx(r);

    return ngx_http_magasin_variable_duration(r, v,
                           ctx ? *(uint64_t *) ((u_char *) ctx + data) : 0);
}


/*
 * $magasin_cache_time: the time that a read waited for the answer to another
 * request.  It is empty if it did not.
 */

static ngx_int_t
ngx_http_magasin_variable_wait(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_magasin_get_ctx(r);

    return ngx_http_magasin_variable_duration(r, v, ctx && ctx->cached
                               ? ngx_http_magasin_cache_waited(ctx->cached)
                               : 0);
}


/* Set a duration, in seconds with three decimals; 0 gives an empty value. */

static ngx_int_t
ngx_http_magasin_variable_duration(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uint64_t us)
{
    ngx_str_t  text;

    if (us == 0) {
        ngx_http_magasin_variable_set(v, NULL);
        return NGX_OK;
    }

    text.data = ngx_pnalloc(r->pool, NGX_HTTP_MAGASIN_SECONDS_LEN);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    text.len = ngx_http_magasin_seconds(text.data, us / 1000) - text.data;

    ngx_http_magasin_variable_set(v, &text);

    return NGX_OK;
}


/* $magasin_cache: the source of the answer to a read. */

static ngx_int_t
ngx_http_magasin_variable_cache(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_magasin_get_ctx(r);

    ngx_http_magasin_variable_set(v,
                     ctx ? ngx_http_magasin_cache_name(ctx->cache_state)
                         : NULL);
    return NGX_OK;
}


static void
ngx_http_magasin_variable_set(ngx_http_variable_value_t *v, ngx_str_t *text)
{
    if (text == NULL) {
        v->not_found = 1;
        return;
    }

    v->data = text->data;
    v->len = (unsigned) text->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}
