
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
static void ngx_http_magasin_beginning_make(ngx_time_t *now);


/*
 * What ids of one moment in one process begin with: seconds, milliseconds and
 * the process.  The room is that of two numbers, so that a copy of a constant
 * number of bytes will do.
 */
static struct {
    time_t     sec;
    ngx_uint_t msec;
    ngx_pid_t  pid;
    size_t     len;
    u_char    *ms;              /* the three digits of milliseconds */
    u_char     text[NGX_HTTP_MAGASIN_SECONDS_LEN + 1
                    + NGX_HTTP_MAGASIN_NUMBER_LEN + 1];
} ngx_http_magasin_beginning;


/*
 * Adds the variable and looks up its index.  The indexed variable is evaluated
 * once, so the answer and the log have the same id.  It is changeable: a map of
 * that name, as conf/access_log.conf has, overrides it, and so does "set"; then
 * it may have any bytes.  Returns NGX_OK or NGX_ERROR.
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

    p = ngx_pnalloc(r->pool,
                    sizeof(ngx_http_magasin_beginning.text)
                    + 1 + 2 * NGX_HTTP_MAGASIN_NUMBER_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    now = ngx_timeofday();

    if (now->msec != ngx_http_magasin_beginning.msec
        || now->sec != ngx_http_magasin_beginning.sec
        || ngx_pid != ngx_http_magasin_beginning.pid)
    {
        ngx_http_magasin_beginning_make(now);
    }

    id->data = p;

    ngx_memcpy(p, ngx_http_magasin_beginning.text,
               sizeof(ngx_http_magasin_beginning.text));

    p += ngx_http_magasin_beginning.len;
    p = ngx_http_magasin_number(p, (uint64_t) c->number);
    *p++ = '-';
    p = ngx_http_magasin_number(p, (uint64_t) c->requests);

    id->len = p - id->data;

    return NGX_OK;
}


/* Makes the beginning of the ids of a moment: all of it once a second. */

static void
ngx_http_magasin_beginning_make(ngx_time_t *now)
{
    u_char  *p;

    if (now->sec != ngx_http_magasin_beginning.sec
        || ngx_pid != ngx_http_magasin_beginning.pid)
    {
        p = ngx_http_magasin_beginning.text;

        p = ngx_http_magasin_number(p, (uint64_t) now->sec);
        *p++ = '.';
        ngx_http_magasin_beginning.ms = p;
        p += 3;
        *p++ = '-';
        p = ngx_http_magasin_number(p, (uint64_t) ngx_pid);
        *p++ = '-';

        ngx_http_magasin_beginning.len =
            p - ngx_http_magasin_beginning.text;
        ngx_http_magasin_beginning.sec = now->sec;
        ngx_http_magasin_beginning.pid = ngx_pid;
    }

    (void) ngx_http_magasin_number_three(
                              ngx_http_magasin_beginning.ms,
                              now->msec);
    ngx_http_magasin_beginning.msec = now->msec;
}
