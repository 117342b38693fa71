
/* Variables for logs, limits and headers. */


#include "ngx_http_magasin.h"

#include <openssl/rand.h>


static ngx_int_t ngx_http_magasin_variable_route(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_magasin_variable_token(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_magasin_variable_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_magasin_variable_cache(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_magasin_variable_trace(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static uint32_t ngx_http_magasin_trace_random(void);
static ngx_int_t ngx_http_magasin_trace_parse(ngx_str_t *parent,
    ngx_str_t *id);
static ngx_uint_t ngx_http_magasin_trace_hex(u_char *p, size_t len);
static ngx_uint_t ngx_http_magasin_variable_ours(ngx_http_request_t *r);
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

    { ngx_string("magasin_cache"), NULL,
      ngx_http_magasin_variable_cache, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("magasin_trace_id"), NULL,
      ngx_http_magasin_variable_trace, 0, 0, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_magasin_variables_init(ngx_conf_t *cf)
{
    ngx_str_t                      trace = ngx_string("magasin_trace_id");
    ngx_http_variable_t           *variable, *v;
    ngx_http_magasin_main_conf_t  *mmcf;

    for (v = ngx_http_magasin_variables; v->name.len; v++) {

        variable = ngx_http_add_variable(cf, &v->name, v->flags);
        if (variable == NULL) {
            return NGX_ERROR;
        }

        variable->get_handler = v->get_handler;
        variable->data = v->data;
    }

    /* By its index it stays the same, in an answer and in the log. */

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_magasin_module);

    mmcf->trace_index = ngx_http_get_variable_index(cf, &trace);

    if (mmcf->trace_index == NGX_ERROR) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_variables_text(cf);
}


/*
 * Route and token are computed when they are asked for, so that they have
 * their values in the phases of limits too, and kept in the context, where the
 * content handler finds them.  What nginx itself keeps of a variable would be
 * the subrequests' as well, and the log would read it: so the value is not
 * marked as valid, and asked for again each time.
 */

/* The template of the path, so that a log has few of them. */

static ngx_int_t
ngx_http_magasin_variable_route(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_magasin_ctx_t    *ctx;
    ngx_http_magasin_route_t  *route;

    ngx_http_magasin_variable_show(v, NULL);

    if (!ngx_http_magasin_variable_ours(r)) {
        return NGX_OK;
    }

    ctx = ngx_http_magasin_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    route = ngx_http_magasin_route(ctx);

    if (route) {
        ngx_http_magasin_variable_show(v, &route->path);
    }

    return NGX_OK;
}


/*
 * The id of a valid token, never the token.  That of a write stays what it
 * was authorised by, whatever becomes of the tokens meanwhile.
 */

static ngx_int_t
ngx_http_magasin_variable_token(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_magasin_ctx_t        *ctx;
    ngx_http_magasin_main_conf_t  *mmcf;

    ngx_http_magasin_variable_show(v, NULL);

    if (r->headers_in.authorization == NULL
        || !ngx_http_magasin_variable_ours(r))
    {
        return NGX_OK;
    }

    ctx = ngx_http_magasin_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_module);

    if (ctx->generation == 0
        && ngx_http_magasin_identify(ctx, mmcf->tokens) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    ngx_http_magasin_variable_show(v, &ctx->token);

    return NGX_OK;
}


/*
 * Does the API answer here?  What an error page tells is about the request
 * that failed, wherever the page is.
 */

static ngx_uint_t
ngx_http_magasin_variable_ours(ngx_http_request_t *r)
{
    ngx_http_magasin_srv_conf_t  *mscf;

    if (r->content_handler == ngx_http_magasin_handler) {
        return 1;
    }

    if (!r->internal || (!r->err_status && !r->error_page)) {
        return 0;
    }

    mscf = ngx_http_get_module_srv_conf(r, ngx_http_magasin_module);

    return mscf->magasin;
}


/* NULL, or an empty text: nothing. */

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
 * Seconds, with milliseconds, from sending statements or commands to their
 * answers; empty when there were none.
 */

static ngx_int_t
ngx_http_magasin_variable_time(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    uint64_t                 ms, *us;
    ngx_str_t                text;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_magasin_module);
    us = ctx ? (uint64_t *) ((u_char *) ctx + data) : NULL;

    if (us == NULL || *us == 0) {
        ngx_http_magasin_variable_set(v, NULL);
        return NGX_OK;
    }

    ms = *us / 1000;

    text.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN + 4);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    text.len = ngx_sprintf(text.data, "%T.%03uL", (time_t) (ms / 1000),
                           ms % 1000)
               - text.data;

    ngx_http_magasin_variable_set(v, &text);

    return NGX_OK;
}


/* Where the answer to a read came from. */

static ngx_int_t
ngx_http_magasin_variable_cache(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_magasin_module);

    ngx_http_magasin_variable_set(v,
                     ctx ? ngx_http_magasin_cache_name(ctx->cache_state)
                         : NULL);
    return NGX_OK;
}


/*
 * The trace id: of the request's traceparent (W3C Trace Context, level 1)
 * when that is well-formed, else a new one.
 */

static ngx_int_t
ngx_http_magasin_variable_trace(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                    id, *parent;
    ngx_uint_t                   i;
    uint32_t                     words[4];
    ngx_http_magasin_headers_t   headers;

    ngx_http_magasin_headers(r, NGX_HTTP_MAGASIN_HEADER_TRACEPARENT,
                             &headers);

    while ((parent = ngx_http_magasin_headers_next(&headers)) != NULL) {

        if (ngx_http_magasin_trace_parse(parent, &id) == NGX_OK) {
            ngx_http_magasin_variable_set(v, &id);
            return NGX_OK;
        }
    }

    id.len = 32;
    id.data = ngx_pnalloc(r->pool, id.len + 1);

    if (id.data == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < 4; i++) {
        words[i] = ngx_http_magasin_trace_random();
    }

    (void) ngx_hex_dump(id.data, (u_char *) words, sizeof(words));

    ngx_http_magasin_variable_set(v, &id);

    return NGX_OK;
}


/*
 * Ids have to differ, between workers and nodes too, and to be cheap; nobody
 * need be unable to guess them.  So it is SplitMix64 from a seed of 64 bits:
 * nginx's own has 32, which two workers of many may share.
 */

static uint32_t
ngx_http_magasin_trace_random(void)
{
    uint64_t         z;
    static uint64_t  state;     /* of this worker; 0: not seeded */

    if (state == 0
        && RAND_bytes((u_char *) &state, (int) sizeof(state)) != 1)
    {
        state = ((uint64_t) ngx_random() << 32) ^ (uint64_t) ngx_random();
    }

    state += 0x9e3779b97f4a7c15;

    z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;

    return (uint32_t) ((z ^ (z >> 31)) >> 32);
}


/* "00-" 32 hex digits "-" 16 hex digits "-" 2 hex digits; ids not all 0. */

static ngx_int_t
ngx_http_magasin_trace_parse(ngx_str_t *parent, ngx_str_t *id)
{
    u_char  *p;

    p = parent->data;

    if (parent->len < 55
        || !ngx_http_magasin_trace_hex(p, 2)
        || ngx_strncmp(p, "ff", 2) == 0
        || p[2] != '-'
        || !ngx_http_magasin_trace_hex(p + 3, 32)
        || p[35] != '-'
        || !ngx_http_magasin_trace_hex(p + 36, 16)
        || p[52] != '-'
        || !ngx_http_magasin_trace_hex(p + 53, 2)
        || (ngx_strncmp(p, "00", 2) == 0 && parent->len != 55)
        || ngx_strncmp(p + 3, "00000000000000000000000000000000", 32) == 0
        || ngx_strncmp(p + 36, "0000000000000000", 16) == 0)
    {
        return NGX_DECLINED;
    }

    id->data = p + 3;
    id->len = 32;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_magasin_trace_hex(u_char *p, size_t len)
{
    while (len--) {
        if (!((p[len] >= '0' && p[len] <= '9')
              || (p[len] >= 'a' && p[len] <= 'f')))
        {
            return 0;
        }
    }

    return 1;
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
