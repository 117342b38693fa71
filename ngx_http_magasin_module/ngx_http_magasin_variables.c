
/* Variables for logs, limits and headers. */


#include "ngx_http_magasin.h"


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
static ngx_int_t ngx_http_magasin_trace_parse(ngx_str_t *parent,
    ngx_str_t *id);
static ngx_uint_t ngx_http_magasin_trace_hex(u_char *p, size_t len);
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


/* The template of the path, so that a log has few of them. */

static ngx_int_t
ngx_http_magasin_variable_route(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_magasin_module);

    ngx_http_magasin_variable_set(v, ctx && ctx->route ? &ctx->route->path
                                                       : NULL);
    return NGX_OK;
}


/* The id of the token, never the token. */

static ngx_int_t
ngx_http_magasin_variable_token(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_magasin_module);

    ngx_http_magasin_variable_set(v, ctx && ctx->token.len ? &ctx->token
                                                           : NULL);
    return NGX_OK;
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
    ngx_str_t    id, *parent;
    ngx_uint_t   i;
    uint32_t     words[4];

    for (i = 0;
         (parent = ngx_http_magasin_header(r, "traceparent", i)) != NULL;
         i++)
    {
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
        words[i] = (uint32_t) ngx_random() * 2
                   + (uint32_t) (ngx_random() & 1);
    }

    (void) ngx_hex_dump(id.data, (u_char *) words, sizeof(words));

    ngx_http_magasin_variable_set(v, &id);

    return NGX_OK;
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
