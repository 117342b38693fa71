
/* $magasin_trace_id connects an answer with its line in the log. */


#include "ngx_http_magasin.h"
#include "ngx_http_magasin_number.h"

#include <openssl/rand.h>


static ngx_int_t ngx_http_magasin_trace_get(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static uint64_t ngx_http_magasin_trace_random(void);
static ngx_int_t ngx_http_magasin_trace_parse(ngx_str_t *parent,
    ngx_str_t *id);
static ngx_uint_t ngx_http_magasin_trace_hex(u_char *p, size_t len);
static void ngx_http_magasin_trace_set(ngx_http_variable_value_t *v,
    ngx_str_t *id);


/*
 * Looks up the index of the variable.  The indexed variable is evaluated once,
 * so the answer and the log have the same id.  Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_trace_init(ngx_conf_t *cf)
{
    ngx_http_variable_t                   *variable;
    ngx_http_magasin_request_main_conf_t  *rmcf;
    static ngx_str_t                       name =
                                           ngx_string("magasin_trace_id");

    variable = ngx_http_add_variable(cf, &name, 0);
    if (variable == NULL) {
        return NGX_ERROR;
    }

    variable->get_handler = ngx_http_magasin_trace_get;

    rmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_request_module);
    rmcf->trace_index = ngx_http_get_variable_index(cf, &name);

    return rmcf->trace_index == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/*
 * Returns the id of a request as the log contains it, or NULL if memory cannot
 * be allocated.
 */

ngx_http_variable_value_t *
ngx_http_magasin_trace_id(ngx_http_request_t *r)
{
    ngx_http_magasin_request_main_conf_t  *rmcf;

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_request_module);

    return ngx_http_get_indexed_variable(r, rmcf->trace_index);
}


/*
 * Evaluates the variable: the trace id of the request's traceparent (W3C Trace
 * Context, level 1) if it is well-formed, else a new one.
 */

static ngx_int_t
ngx_http_magasin_trace_get(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char     *p;
    uint64_t    bits;
    ngx_str_t   id;

    if (ngx_http_magasin_header(r, NGX_HTTP_MAGASIN_HEADER_TRACEPARENT)
        && ngx_http_magasin_trace_parent(r, &id) == NGX_OK)
    {
        ngx_http_magasin_trace_set(v, &id);
        return NGX_OK;
    }

    id.len = 32;
    id.data = ngx_pnalloc(r->pool, id.len);

    if (id.data == NULL) {
        return NGX_ERROR;
    }

    bits = ngx_http_magasin_trace_random();
    p = ngx_http_magasin_hex(id.data, bits);

    /* The state has 64 bits: another step would not make more of them. */

    bits = (bits ^ (bits >> 32)) * 0xd6e8feb86659fd93;
    (void) ngx_http_magasin_hex(p, bits);

    ngx_http_magasin_trace_set(v, &id);

    return NGX_OK;
}


/*
 * Looks for a well-formed traceparent.  Returns NGX_OK if there is one, and its
 * id in `id`, else NGX_DECLINED.
 */

ngx_int_t
ngx_http_magasin_trace_parent(ngx_http_request_t *r, ngx_str_t *id)
{
    ngx_str_t                   *parent;
    ngx_http_magasin_headers_t   headers;

    ngx_http_magasin_headers(r, NGX_HTTP_MAGASIN_HEADER_TRACEPARENT,
                             &headers);

    while ((parent = ngx_http_magasin_headers_next(&headers)) != NULL) {

        if (ngx_http_magasin_trace_parse(parent, id) == NGX_OK) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/*
 * Returns random bits.  Ids have to be unique across workers and nodes, and
 * cheap, but need not be unpredictable.  SplitMix64 with a seed of 64 bits is
 * used, because the seed of nginx's generator has 32 bits, and two of many
 * workers may have the same seed.
 */

static uint64_t
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

    return z ^ (z >> 31);
}


/*
 * Parses "00-" 32 hex digits "-" 16 hex digits "-" 2 hex digits.  An id that
 * consists only of zeros is rejected.
 */

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
ngx_http_magasin_trace_set(ngx_http_variable_value_t *v, ngx_str_t *id)
{
    v->data = id->data;
    v->len = (unsigned) id->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}
