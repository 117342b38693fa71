
#include "ngx_http_magasin.h"


static ngx_uint_t ngx_http_magasin_accepts(ngx_http_request_t *r);
static ngx_uint_t ngx_http_magasin_accept_type(u_char *p, size_t len);
static ngx_uint_t ngx_http_magasin_fresh_wanted(ngx_http_request_t *r);
static ngx_uint_t ngx_http_magasin_fresh_directive(u_char *p, u_char *end);
static ngx_http_magasin_header_t ngx_http_magasin_headers_first(
    ngx_http_request_t *r, ngx_http_magasin_header_e which);
static ngx_http_magasin_header_t ngx_http_magasin_headers_search(
    ngx_http_request_t *r, ngx_http_magasin_header_e which);
static void ngx_http_magasin_headers_collect(ngx_http_request_t *r,
    ngx_http_magasin_header_t *headers);
static ngx_http_magasin_header_e ngx_http_magasin_header_which(
    ngx_table_elt_t *header);


/* In the order of ngx_http_magasin_header_e. */

static ngx_str_t  ngx_http_magasin_header_names[] = {
    ngx_string("accept"),
    ngx_string("origin"),
    ngx_string("if-match"),
    ngx_string("if-none-match"),
    ngx_string("content-encoding"),
    ngx_string("traceparent"),
    ngx_string("x-request-id"),
    ngx_string("cache-control"),
    ngx_string("idempotency-key"),
    ngx_string("access-control-request-method"),
    ngx_string("sec-fetch-site"),
    ngx_string("accept-encoding"),
    ngx_string("last-event-id")
};


/*
 * Returns 1 if some Accept header allows application/json, else 0.  As in the
 * reference, any parameter matches and q is ignored.  Without a header
 * everything is allowed; an empty header allows nothing.  A client that
 * accepts errors as problems accepts JSON, too.  `also`: what the header may
 * name instead for this endpoint, or 0.
 */

ngx_uint_t
ngx_http_magasin_acceptable(ngx_http_request_t *r, ngx_uint_t also)
{

    if (ngx_http_magasin_header(r, NGX_HTTP_MAGASIN_HEADER_ACCEPT) == NULL) {
        return 1;
    }

    return (ngx_http_magasin_accepts(r)
            & (NGX_HTTP_MAGASIN_ACCEPT_JSON|NGX_HTTP_MAGASIN_ACCEPT_PROBLEM
               |also))
           != 0;
}


/* Returns 1 if the client names application/problem+json (RFC 9457). */

ngx_uint_t
ngx_http_magasin_wants_problem(ngx_http_request_t *r)
{
    return (ngx_http_magasin_accepts(r) & NGX_HTTP_MAGASIN_ACCEPT_PROBLEM)
           != 0;
}


/*
 * Returns 1 if the client requires an answer that is newer than its request:
 * no-cache, no-store or max-age=0 (RFC 9111, section 5.2.1).
 */

ngx_uint_t
ngx_http_magasin_wants_fresh(ngx_http_request_t *r)
{
    return ngx_http_magasin_header(r, NGX_HTTP_MAGASIN_HEADER_CACHE_CONTROL)
           && ngx_http_magasin_fresh_wanted(r);
}


static ngx_uint_t
ngx_http_magasin_fresh_wanted(ngx_http_request_t *r)
{
    u_char                      *p, *end, *next;
    ngx_str_t                   *value;
    ngx_http_magasin_headers_t   headers;

    ngx_http_magasin_headers(r, NGX_HTTP_MAGASIN_HEADER_CACHE_CONTROL,
                             &headers);

    while ((value = ngx_http_magasin_headers_next(&headers)) != NULL) {
        end = value->data + value->len;

        for (p = value->data; p < end; p = next + 1) {
            next = ngx_strlchr(p, end, ',');
            next = next ? next : end;

            if (ngx_http_magasin_fresh_directive(p, next)) {
                return 1;
            }
        }
    }

    return 0;
}


/* Checks one directive with blanks around it; max-age=00 matches, too. */

static ngx_uint_t
ngx_http_magasin_fresh_directive(u_char *p, u_char *end)
{
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }

    if (end - p < (ssize_t) sizeof("no-cache") - 1) {
        return 0;
    }

    if (ngx_strncasecmp(p, (u_char *) "max-age=", sizeof("max-age=") - 1)
        == 0)
    {
        p += sizeof("max-age=") - 1;

        if (p == end) {
            return 0;
        }

        while (p < end && *p == '0') {
            p++;
        }

        return p == end;
    }

    if (ngx_strncasecmp(p, (u_char *) "no-cache", sizeof("no-cache") - 1) != 0
        && ngx_strncasecmp(p, (u_char *) "no-store", sizeof("no-store") - 1)
           != 0)
    {
        return 0;
    }

    p += sizeof("no-cache") - 1;

    return p == end || *p == '=' || *p == ' ';
}


/*
 * Returns the value of a Content-Encoding that names a coding other than
 * "identity", or NULL if there is none.
 */

ngx_str_t *
ngx_http_magasin_content_coding(ngx_http_request_t *r)
{
    u_char                      *p, *end, *start;
    ngx_str_t                   *value;
    ngx_http_magasin_headers_t   headers;

    ngx_http_magasin_headers(r, NGX_HTTP_MAGASIN_HEADER_CONTENT_ENCODING,
                             &headers);

    while ((value = ngx_http_magasin_headers_next(&headers)) != NULL) {
        end = value->data + value->len;

        for (p = value->data; p < end; /* void */ ) {

            if (*p == ',' || *p == ' ' || *p == '\t') {
                p++;
                continue;
            }

            start = p;

            while (p < end && *p != ',' && *p != ' ' && *p != '\t') {
                p++;
            }

            if (p - start != sizeof("identity") - 1
                || ngx_strncasecmp(start, (u_char *) "identity", p - start)
                   != 0)
            {
                return value;
            }
        }
    }

    return NULL;
}


/* Returns the value of the first request header of a kind, or NULL. */

ngx_str_t *
ngx_http_magasin_header(ngx_http_request_t *r, ngx_http_magasin_header_e which)
{
    ngx_http_magasin_ctx_t     *ctx;
    ngx_http_magasin_header_t   first;

    ctx = ngx_http_magasin_get_ctx(r);

    first = ctx && ctx->collected ? ctx->headers[which]
                                  : ngx_http_magasin_headers_first(r, which);

    return first.n == 0 ? NULL
           : &((ngx_table_elt_t *) first.part->elts)[first.i].value;
}


/*
 * Starts an iteration over all request headers of a kind, in their order.
 * ngx_http_magasin_headers_next() returns them.
 */

void
ngx_http_magasin_headers(ngx_http_request_t *r,
    ngx_http_magasin_header_e which, ngx_http_magasin_headers_t *headers)
{
    headers->at = ngx_http_magasin_headers_first(r, which);
    headers->which = which;
}


/*
 * Returns the position of the first header of a kind and the number of these
 * headers.  A client chooses how many headers it sends, so the cost of
 * repeated searches has to be bounded.  If the request has a context, all
 * headers are scanned only once and the result is kept there.
 */

static ngx_http_magasin_header_t
ngx_http_magasin_headers_first(ngx_http_request_t *r,
    ngx_http_magasin_header_e which)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_magasin_get_ctx(r);

    if (ctx == NULL) {

        /* A location without the API, where a filter or a variable runs. */

        return ngx_http_magasin_headers_search(r, which);
    }

    if (!ctx->collected) {
        ngx_http_magasin_headers_collect(r, ctx->headers);
        ctx->collected = 1;
    }

    return ctx->headers[which];
}


/* Searches the headers of a request that has no context. */

static ngx_http_magasin_header_t
ngx_http_magasin_headers_search(ngx_http_request_t *r,
    ngx_http_magasin_header_e which)
{
    ngx_uint_t                  i;
    ngx_list_part_t            *part;
    ngx_table_elt_t            *header;
    ngx_http_magasin_header_t   first;

    first.part = NULL;
    first.i = 0;
    first.n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (ngx_http_magasin_header_which(&header[i]) == which
                && first.n++ == 0)
            {
                first.part = part;
                first.i = i;
            }
        }
    }

    return first;
}


/* Returns the value of the next header, or NULL after the last one. */

ngx_str_t *
ngx_http_magasin_headers_next(ngx_http_magasin_headers_t *headers)
{
    ngx_table_elt_t            *header;
    ngx_http_magasin_header_t  *at;

    at = &headers->at;

    while (at->n) {

        if (at->i >= at->part->nelts) {
            at->part = at->part->next;
            at->i = 0;
            continue;
        }

        header = (ngx_table_elt_t *) at->part->elts + at->i++;

        if (ngx_http_magasin_header_which(header) == headers->which) {
            at->n--;
            return &header->value;
        }
    }

    return NULL;
}


static void
ngx_http_magasin_headers_collect(ngx_http_request_t *r,
    ngx_http_magasin_header_t *headers)
{
    ngx_uint_t                  i;
    ngx_list_part_t            *part;
    ngx_table_elt_t            *header;
    ngx_http_magasin_header_e   which;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            which = ngx_http_magasin_header_which(&header[i]);

            if (which != NGX_HTTP_MAGASIN_HEADERS
                && headers[which].n++ == 0)
            {
                headers[which].part = part;
                headers[which].i = i;
            }
        }
    }
}


/*
 * Returns the kind of a header, or NGX_HTTP_MAGASIN_HEADERS if it is unused.
 */

static ngx_http_magasin_header_e
ngx_http_magasin_header_which(ngx_table_elt_t *header)
{
    ngx_http_magasin_header_e  which;

    switch (header->key.len) {

    case sizeof("accept") - 1:
        which = header->lowcase_key[0] == 'a' ? NGX_HTTP_MAGASIN_HEADER_ACCEPT
                                              : NGX_HTTP_MAGASIN_HEADER_ORIGIN;
        break;

    case sizeof("if-match") - 1:
        which = NGX_HTTP_MAGASIN_HEADER_IF_MATCH;
        break;

    case sizeof("traceparent") - 1:
        which = NGX_HTTP_MAGASIN_HEADER_TRACEPARENT;
        break;

    case sizeof("x-request-id") - 1:
        which = NGX_HTTP_MAGASIN_HEADER_REQUEST_ID;
        break;

    case sizeof("cache-control") - 1:

        switch (header->lowcase_key[0]) {

        case 'c':
            which = NGX_HTTP_MAGASIN_HEADER_CACHE_CONTROL;
            break;

        case 'l':
            which = NGX_HTTP_MAGASIN_HEADER_LAST_EVENT_ID;
            break;

        default:
            which = NGX_HTTP_MAGASIN_HEADER_IF_NONE_MATCH;
            break;
        }

        break;

    case sizeof("sec-fetch-site") - 1:
        which = NGX_HTTP_MAGASIN_HEADER_FETCH_SITE;
        break;

    case sizeof("content-encoding") - 1:
        which = NGX_HTTP_MAGASIN_HEADER_CONTENT_ENCODING;
        break;

    case sizeof("idempotency-key") - 1:
        which = header->lowcase_key[0] == 'i'
                ? NGX_HTTP_MAGASIN_HEADER_IDEMPOTENCY_KEY
                : NGX_HTTP_MAGASIN_HEADER_ACCEPT_ENCODING;
        break;

    case sizeof("access-control-request-method") - 1:
        which = NGX_HTTP_MAGASIN_HEADER_REQUEST_METHOD;
        break;

    default:
        return NGX_HTTP_MAGASIN_HEADERS;
    }

    return ngx_memcmp(header->lowcase_key,
                      ngx_http_magasin_header_names[which].data,
                      header->key.len)
           == 0
           ? which : NGX_HTTP_MAGASIN_HEADERS;
}


/*
 * Returns the media types that the Accept headers allow, with any parameters.
 */

static ngx_uint_t
ngx_http_magasin_accepts(ngx_http_request_t *r)
{
    u_char                      *p, *end, *next, *stop;
    ngx_str_t                   *value;
    ngx_uint_t                   accepts;
    ngx_http_magasin_headers_t   headers;

    accepts = 0;

    ngx_http_magasin_headers(r, NGX_HTTP_MAGASIN_HEADER_ACCEPT, &headers);

    while ((value = ngx_http_magasin_headers_next(&headers)) != NULL) {
        end = value->data + value->len;

        for (p = value->data; p < end; p = next + 1) {

            /* There may be thousands of empty elements. */

            if (*p == ',') {
                next = p;
                continue;
            }

            next = ngx_strlchr(p, end, ',');
            next = next ? next : end;

            stop = ngx_strlchr(p, next, ';');
            stop = stop ? stop : next;

            while (p < stop && (*p == ' ' || *p == '\t')) {
                p++;
            }

            while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t')) {
                stop--;
            }

            accepts |= ngx_http_magasin_accept_type(p, stop - p);
        }
    }

    return accepts;
}


static ngx_uint_t
ngx_http_magasin_accept_type(u_char *p, size_t len)
{
    ngx_uint_t         i;
    static ngx_str_t   types[] = {
        ngx_string("*/*"),
        ngx_string("application/json"),
        ngx_string("application/*"),
        ngx_string("*/json"),
        ngx_null_string
    };
    static ngx_str_t   problem = ngx_string("application/problem+json");
    static ngx_str_t   events = ngx_string("text/event-stream");
    static ngx_str_t   lines = ngx_string("application/x-ndjson");

    for (i = 0; types[i].len; i++) {
        if (len == types[i].len
            && ngx_strncasecmp(p, types[i].data, len) == 0)
        {
            return NGX_HTTP_MAGASIN_ACCEPT_JSON;
        }
    }

    if (len == problem.len && ngx_strncasecmp(p, problem.data, len) == 0) {
        return NGX_HTTP_MAGASIN_ACCEPT_PROBLEM;
    }

    if (len == lines.len && ngx_strncasecmp(p, lines.data, len) == 0) {
        return NGX_HTTP_MAGASIN_ACCEPT_LINES;
    }

    return len == events.len && ngx_strncasecmp(p, events.data, len) == 0
           ? NGX_HTTP_MAGASIN_ACCEPT_EVENTS : 0;
}
