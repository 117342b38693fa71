
/*
 * A line of the access log: the JSON object that the format of
 * conf/access_log.conf makes, to the byte, without its variables, maps and
 * regular expressions.  No token, body or query string is ever in it.
 */


#include "ngx_http_magasin_observe.h"
#include "ngx_http_magasin_access_log_internal.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_number.h"
#include "ngx_http_magasin_text.h"


/*
 * The bytes of the names of all members, of the time and of the numbers: an
 * upper bound.
 */
#define NGX_HTTP_MAGASIN_ACCESS_LOG_FIXED  512


/* Appends a literal of C. */

#define ngx_http_magasin_access_log_add(p, text)                              \
    ngx_cpymem(p, text, sizeof(text) - 1)


/* The texts of a line, with their escapes. */
typedef struct {
    ngx_str_t     request_id;
    ngx_str_t     trace_id;
    ngx_str_t     client;
    ngx_str_t     token;
    ngx_str_t     method;
    ngx_str_t     route;
    ngx_str_t     path;
    ngx_str_t     cache;
    ngx_str_t     node;
    ngx_str_t     node_time;
} ngx_http_magasin_access_log_texts_t;


static ngx_uint_t ngx_http_magasin_access_log_wanted(ngx_http_request_t *r,
    ngx_http_magasin_access_log_t *log);
static ngx_int_t ngx_http_magasin_access_log_texts(ngx_http_request_t *r,
    ngx_http_magasin_access_log_texts_t *texts);
static ngx_int_t ngx_http_magasin_access_log_nodes(ngx_http_request_t *r,
    ngx_http_magasin_access_log_texts_t *texts);
static ngx_int_t ngx_http_magasin_access_log_client(ngx_http_request_t *r,
    ngx_str_t *client);
static ngx_int_t ngx_http_magasin_access_log_token(ngx_http_request_t *r,
    ngx_str_t *token);
static ngx_int_t ngx_http_magasin_access_log_method(ngx_http_request_t *r,
    ngx_str_t *method);
static ngx_int_t ngx_http_magasin_access_log_path(ngx_http_request_t *r,
    ngx_http_magasin_ctx_t *ctx, ngx_str_t *path);
static ngx_int_t ngx_http_magasin_access_log_value(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_str_t *text);
static ngx_int_t ngx_http_magasin_access_log_escape(ngx_pool_t *pool,
    ngx_str_t *text);
static size_t ngx_http_magasin_access_log_size(
    ngx_http_magasin_access_log_texts_t *texts);
static u_char *ngx_http_magasin_access_log_line(ngx_http_request_t *r,
    ngx_http_magasin_access_log_texts_t *texts, u_char *p);
static u_char *ngx_http_magasin_access_log_text(u_char *p, ngx_str_t *text);
static u_char *ngx_http_magasin_access_log_numbers(ngx_http_request_t *r,
    u_char *p);
static u_char *ngx_http_magasin_access_log_time(u_char *p, uint64_t us);


/* The handler of the log phase.  Returns NGX_OK or NGX_ERROR. */

ngx_int_t
ngx_http_magasin_access_log_handler(ngx_http_request_t *r)
{
    size_t                          size;
    u_char                         *p, *line;
    ngx_uint_t                      i, made;
    ngx_array_t                    *logs;
    ngx_http_magasin_access_log_t  *log;
    ngx_http_magasin_access_log_texts_t    texts;

    logs = ngx_http_magasin_access_logs(r);

    if (logs == NULL) {
        return NGX_OK;
    }

    log = logs->elts;
    made = 0;
    size = 0;

    for (i = 0; i < logs->nelts; i++) {

        if (log[i].condition
            && !ngx_http_magasin_access_log_wanted(r, &log[i]))
        {
            continue;
        }

        if (!made) {
            if (ngx_http_magasin_access_log_texts(r, &texts) != NGX_OK) {
                return NGX_ERROR;
            }

            size = ngx_http_magasin_access_log_size(&texts);
            made = 1;
        }

        p = ngx_http_magasin_access_log_room(log[i].file, size,
                                             r->connection->log);

        if (p) {
            p = ngx_http_magasin_access_log_line(r, &texts, p);
            ngx_http_magasin_access_log_keep(log[i].file, p);
            continue;
        }

        line = ngx_pnalloc(r->pool, size);
        if (line == NULL) {
            return NGX_ERROR;
        }

        p = ngx_http_magasin_access_log_line(r, &texts, line);
        ngx_http_magasin_access_log_write(log[i].file, line, p - line,
                                          r->connection->log);
    }

    return NGX_OK;
}


/* Evaluates if=.  Returns 0 if the value is empty or "0", else 1. */

static ngx_uint_t
ngx_http_magasin_access_log_wanted(ngx_http_request_t *r,
    ngx_http_magasin_access_log_t *log)
{
    ngx_str_t  value;

    if (ngx_http_complex_value(r, log->condition, &value) != NGX_OK) {
        return 0;
    }

    return value.len > 1 || (value.len == 1 && value.data[0] != '0');
}


/* Collects the texts of a line.  Returns NGX_OK or NGX_ERROR. */

static ngx_int_t
ngx_http_magasin_access_log_texts(ngx_http_request_t *r,
    ngx_http_magasin_access_log_texts_t *texts)
{
    ngx_str_t                  *text;
    ngx_http_magasin_ctx_t     *ctx;
    ngx_http_variable_value_t  *trace_id;

    ngx_memzero(texts, sizeof(ngx_http_magasin_access_log_texts_t));

    trace_id = ngx_http_magasin_trace_id(r);

    if (trace_id) {
        texts->trace_id.data = trace_id->data;
        texts->trace_id.len = trace_id->len;
    }

    if (ngx_http_magasin_access_log_client(r, &texts->client) != NGX_OK) {
        return NGX_ERROR;
    }

    text = ngx_http_magasin_route_of(r);

    if (text) {
        texts->route = *text;
    }

    ctx = ngx_http_magasin_get_ctx(r);
    text = ctx ? ngx_http_magasin_cache_name(ctx->cache_state) : NULL;

    if (text) {
        texts->cache = *text;
    }

    if (ngx_http_magasin_access_log_token(r, &texts->token) != NGX_OK
        || ngx_http_magasin_access_log_method(r, &texts->method) != NGX_OK
        || ngx_http_magasin_access_log_path(r, ctx, &texts->path) != NGX_OK
        || ngx_http_magasin_access_log_value(r,
                                             ngx_http_magasin_request_id(r),
                                             &texts->request_id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return r->upstream_states ? ngx_http_magasin_access_log_nodes(r, texts)
                              : NGX_OK;
}


/*
 * The nodes that were asked, with their times.  Only a balancer's lines have
 * them, so nginx's variables do it: again, if they were read before the answer
 * had ended.  Returns NGX_OK or NGX_ERROR.
 */

static ngx_int_t
ngx_http_magasin_access_log_nodes(ngx_http_request_t *r,
    ngx_http_magasin_access_log_texts_t *texts)
{
    ngx_http_magasin_access_log_main_conf_t  *amcf;

    amcf = ngx_http_magasin_access_log_conf(r);

    if (ngx_http_magasin_access_log_value(r,
                         ngx_http_get_flushed_variable(r, amcf->addresses),
                         &texts->node)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_access_log_value(r,
                             ngx_http_get_flushed_variable(r, amcf->times),
                             &texts->node_time);
}


/*
 * The address of the client.  That of a Unix socket is a path, which the client
 * has chosen: it is escaped.  Returns NGX_OK or NGX_ERROR.
 */

static ngx_int_t
ngx_http_magasin_access_log_client(ngx_http_request_t *r, ngx_str_t *client)
{
    *client = r->connection->addr_text;

#if (NGX_HAVE_UNIX_DOMAIN)

    if (r->connection->sockaddr->sa_family == AF_UNIX) {
        return ngx_http_magasin_access_log_escape(r->pool, client);
    }

#endif

    return NGX_OK;
}


/* The id of the token, escaped.  Returns NGX_OK or NGX_ERROR. */

static ngx_int_t
ngx_http_magasin_access_log_token(ngx_http_request_t *r, ngx_str_t *token)
{
    ngx_str_t  *text;

    text = ngx_http_magasin_token_of(r);

    if (text == NULL) {
        return NGX_OK;
    }

    *token = *text;

    return ngx_http_magasin_access_log_escape(r->pool, token);
}


/*
 * The method up to the first byte that is not visible ASCII.  Returns NGX_OK or
 * NGX_ERROR.
 */

static ngx_int_t
ngx_http_magasin_access_log_method(ngx_http_request_t *r, ngx_str_t *method)
{
    ngx_str_t  *name;

    name = &r->main->method_name;

    method->data = name->data;
    method->len = name->len;

    if (r->main->method != NGX_HTTP_UNKNOWN) {
        return NGX_OK;
    }

    for (method->len = 0; method->len < name->len; method->len++) {
        if (name->data[method->len] < '!' || name->data[method->len] > '~') {
            break;
        }
    }

    return ngx_http_magasin_access_log_escape(r->pool, method);
}


/*
 * The path, escaped.  One that has come as it is, without escapes, and has a
 * route consists of letters of the table, digits and what magasin_base takes.
 * Returns NGX_OK or NGX_ERROR.
 */

static ngx_int_t
ngx_http_magasin_access_log_path(ngx_http_request_t *r,
    ngx_http_magasin_ctx_t *ctx, ngx_str_t *path)
{
    ngx_http_magasin_path_of(r, path);

    if (ctx && ctx->route
        && path->data == ctx->uri.data && path->len == ctx->uri.len)
    {
        return NGX_OK;
    }

    return ngx_http_magasin_access_log_escape(r->pool, path);
}


/* The text of a variable, escaped.  Returns NGX_OK or NGX_ERROR. */

static ngx_int_t
ngx_http_magasin_access_log_value(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, ngx_str_t *text)
{
    if (v == NULL || v->not_found) {
        return NGX_OK;
    }

    text->data = v->data;
    text->len = v->len;

    return ngx_http_magasin_access_log_escape(r->pool, text);
}


/*
 * Makes a text valid UTF-8 and escapes it for JSON, in a copy if there is
 * something to change.  Returns NGX_OK or NGX_ERROR.
 */

static ngx_int_t
ngx_http_magasin_access_log_escape(ngx_pool_t *pool, ngx_str_t *text)
{
    u_char  *p;
    size_t   more;

    if (text->len == 0 || ngx_http_magasin_text_plain(text)) {
        return NGX_OK;
    }

    if (ngx_http_magasin_text_repair(pool, text) != NGX_OK) {
        return NGX_ERROR;
    }

    more = (size_t) ngx_escape_json(NULL, text->data, text->len);

    if (more == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, text->len + more);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_escape_json(p, text->data, text->len);

    text->data = p;
    text->len += more;

    return NGX_OK;
}


/* The bytes that a line takes at most, with its line feed. */

static size_t
ngx_http_magasin_access_log_size(ngx_http_magasin_access_log_texts_t *texts)
{
    return NGX_HTTP_MAGASIN_ACCESS_LOG_FIXED
           + texts->request_id.len + texts->trace_id.len + texts->client.len
           + texts->token.len + texts->method.len + texts->route.len
           + texts->path.len + texts->cache.len + texts->node.len
           + texts->node_time.len;
}


/* Writes a line and returns the position after it. */

static u_char *
ngx_http_magasin_access_log_line(ngx_http_request_t *r,
    ngx_http_magasin_access_log_texts_t *texts, u_char *p)
{
    p = ngx_http_magasin_access_log_add(p, "{\"time\":\"");
    p = ngx_cpymem(p, ngx_cached_http_log_iso8601.data,
                   ngx_cached_http_log_iso8601.len);
    p = ngx_http_magasin_access_log_add(p, "\",\"request_id\":\"");
    p = ngx_http_magasin_access_log_text(p, &texts->request_id);
    p = ngx_http_magasin_access_log_add(p, "\",\"trace_id\":\"");
    p = ngx_http_magasin_access_log_text(p, &texts->trace_id);
    p = ngx_http_magasin_access_log_add(p, "\",\"client\":\"");
    p = ngx_http_magasin_access_log_text(p, &texts->client);
    p = ngx_http_magasin_access_log_add(p, "\",\"token\":\"");
    p = ngx_http_magasin_access_log_text(p, &texts->token);
    p = ngx_http_magasin_access_log_add(p, "\",\"method\":\"");
    p = ngx_http_magasin_access_log_text(p, &texts->method);
    p = ngx_http_magasin_access_log_add(p, "\",\"route\":\"");
    p = ngx_http_magasin_access_log_text(p, &texts->route);
    p = ngx_http_magasin_access_log_add(p, "\",\"path\":\"");
    p = ngx_http_magasin_access_log_text(p, &texts->path);

    p = ngx_http_magasin_access_log_numbers(r, p);

    p = ngx_http_magasin_access_log_add(p, ",\"cache\":\"");
    p = ngx_http_magasin_access_log_text(p, &texts->cache);
    p = ngx_http_magasin_access_log_add(p, "\",\"node\":\"");
    p = ngx_http_magasin_access_log_text(p, &texts->node);
    p = ngx_http_magasin_access_log_add(p, "\",\"node_time\":\"");
    p = ngx_http_magasin_access_log_text(p, &texts->node_time);

    return ngx_http_magasin_access_log_add(p, "\"}\n");
}


/* Writes a text; one that is not there has no data. */

static u_char *
ngx_http_magasin_access_log_text(u_char *p, ngx_str_t *text)
{
    return text->len ? ngx_cpymem(p, text->data, text->len) : p;
}


/* Writes the members that are numbers. */

static u_char *
ngx_http_magasin_access_log_numbers(ngx_http_request_t *r, u_char *p)
{
    off_t                    bytes;
    ngx_time_t              *now;
    ngx_uint_t               status;
    ngx_msec_int_t           ms;
    ngx_http_magasin_ctx_t  *ctx;

    /*
     * A stream of HTTP/2 that is given up before it is a request has no
     * status.
     */

    status = r->err_status ? r->err_status : r->headers_out.status;

    p = ngx_http_magasin_access_log_add(p, "\",\"status\":");
    p = status ? ngx_http_magasin_number(p, status)
               : ngx_http_magasin_access_log_add(p, "null");

    bytes = r->connection->sent - (off_t) r->header_size;

    p = ngx_http_magasin_access_log_add(p, ",\"bytes\":");
    p = ngx_http_magasin_number(p, (uint64_t) ngx_max(bytes, 0));

    now = ngx_timeofday();
    ms = (ngx_msec_int_t) ((now->sec - r->start_sec) * 1000
                           + (now->msec - r->start_msec));

    p = ngx_http_magasin_access_log_add(p, ",\"request_time\":");
    p = ngx_http_magasin_seconds(p, (uint64_t) ngx_max(ms, 0));

    ctx = ngx_http_magasin_get_ctx(r);

    p = ngx_http_magasin_access_log_add(p, ",\"db_time\":");
    p = ngx_http_magasin_access_log_time(p, ctx ? ctx->database : 0);

    p = ngx_http_magasin_access_log_add(p, ",\"redis_time\":");

    return ngx_http_magasin_access_log_time(p, ctx ? ctx->redis : 0);
}


/* Writes microseconds as seconds; 0, nothing was sent, is null. */

static u_char *
ngx_http_magasin_access_log_time(u_char *p, uint64_t us)
{
    return us ? ngx_http_magasin_seconds(p, us / 1000)
              : ngx_http_magasin_access_log_add(p, "null");
}
