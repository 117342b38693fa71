
/*
 * $magasin_request_id: by this id a client's complaint is found in the log.  It
 * is the client's own X-Request-ID if it can stand in a header and in a log,
 * else a new one.
 */


#include "ngx_http_magasin.h"
#include "ngx_http_magasin_number.h"


/* The longest id of a client that is accepted, in bytes. */
#define NGX_HTTP_MAGASIN_REQUEST_ID_LEN  128


static ngx_int_t ngx_http_magasin_request_id_get(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_uint_t ngx_http_magasin_request_id_sane(ngx_str_t *id);
static ngx_int_t ngx_http_magasin_request_id_new(ngx_http_request_t *r,
    ngx_str_t *id);


/*
 * Adds the variable and looks up its index.  The indexed variable is evaluated
 * once, so the answer and the log have the same id.  It is changeable: a map of
 * that name, as conf/access_log.conf has, overrides it.  Returns NGX_OK or
 * NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_request_id_init(ngx_conf_t *cf)
{
    ngx_http_variable_t                   *variable;
    ngx_http_magasin_request_main_conf_t  *rmcf;
    static ngx_str_t                       name =
                                           ngx_string("magasin_request_id");

    variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_CHANGEABLE);
    if (variable == NULL) {
        return NGX_ERROR;
    }

    variable->get_handler = ngx_http_magasin_request_id_get;

    rmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_request_module);
    rmcf->request_id_index = ngx_http_get_variable_index(cf, &name);

    return rmcf->request_id_index == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/*
 * Returns the id of a request as its answer contains it, or NULL if memory
 * cannot be allocated.
 */

ngx_http_variable_value_t *
ngx_http_magasin_request_id(ngx_http_request_t *r)
{
    ngx_http_magasin_request_main_conf_t  *rmcf;

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_request_module);

    return ngx_http_get_indexed_variable(r, rmcf->request_id_index);
}


static ngx_int_t
ngx_http_magasin_request_id_get(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t  id, *header;

    header = ngx_http_magasin_header(r, NGX_HTTP_MAGASIN_HEADER_REQUEST_ID);

    if (header && ngx_http_magasin_request_id_sane(header)) {
        id = *header;

    } else if (ngx_http_magasin_request_id_new(r, &id) != NGX_OK) {
        return NGX_ERROR;
    }

    v->data = id.data;
    v->len = (unsigned) id.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* Returns 1 if an id has 1 to 128 of A-Z a-z 0-9 . _ ~ + / = : -, else 0. */

static ngx_uint_t
ngx_http_magasin_request_id_sane(ngx_str_t *id)
{
    u_char           c;
    size_t           i;
    static uint32_t  sane[8] = {
        0x00000000,     /* none below a blank */
        0x27ffe800,     /* 0-9 + - . / : = */
        0x87fffffe,     /* A-Z _ */
        0x47fffffe,     /* a-z ~ */
        0, 0, 0, 0
    };

    if (id->len == 0 || id->len > NGX_HTTP_MAGASIN_REQUEST_ID_LEN) {
        return 0;
    }

    for (i = 0; i < id->len; i++) {
        c = id->data[i];

        if (!(sane[c >> 5] & ((uint32_t) 1 << (c & 0x1f)))) {
            return 0;
        }
    }

    return 1;
}


/*
 * Makes an id: the time, the process, the connection, and the number of the
 * request on it.  Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

static ngx_int_t
ngx_http_magasin_request_id_new(ngx_http_request_t *r, ngx_str_t *id)
{
    u_char            *p;
    ngx_time_t        *now;
    ngx_connection_t  *c;

    c = r->connection;

    p = ngx_pnalloc(r->pool, NGX_HTTP_MAGASIN_SECONDS_LEN
                             + 3 * (1 + NGX_HTTP_MAGASIN_NUMBER_LEN));
    if (p == NULL) {
        return NGX_ERROR;
    }

    now = ngx_timeofday();
    id->data = p;

    p = ngx_http_magasin_seconds(p, (uint64_t) now->sec * 1000 + now->msec);
    *p++ = '-';
    p = ngx_http_magasin_number(p, (uint64_t) ngx_pid);
    *p++ = '-';
    p = ngx_http_magasin_number(p, (uint64_t) c->number);
    *p++ = '-';
    p = ngx_http_magasin_number(p, (uint64_t) c->requests);

    id->len = p - id->data;

    return NGX_OK;
}
