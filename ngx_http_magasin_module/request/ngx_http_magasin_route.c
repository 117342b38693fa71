
/*
 * Finds the row of THE table for a path and a method.  The table is set once
 * for a process.  The first segment of a path after the prefix selects a
 * bucket; the few routes of this bucket are compared.
 */


#include "ngx_http_magasin.h"


/*
 * The prefix of most paths.  It contains no {id}, and none follows directly.
 */
#define NGX_HTTP_MAGASIN_ROUTE_PREFIX    "/api/v1/"

/* Buckets of the table of first segments; a power of 2. */
#define NGX_HTTP_MAGASIN_ROUTE_BUCKETS   64


static ngx_uint_t ngx_http_magasin_route_segment(ngx_str_t *path,
    size_t *len);
static ngx_http_magasin_route_t *ngx_http_magasin_route_search(
    ngx_http_magasin_ctx_t *ctx, ngx_str_t *uri);
static ngx_uint_t ngx_http_magasin_route_match(
    ngx_http_magasin_route_t *route, ngx_str_t *path, ngx_str_t *ids);
static ngx_int_t ngx_http_magasin_route_id(ngx_pool_t *pool, ngx_str_t *text,
    ngx_http_magasin_id_t *id);
static void ngx_http_magasin_route_allow(ngx_http_magasin_route_t *route,
    ngx_uint_t all, ngx_str_t *allow);


static ngx_http_magasin_route_t  *ngx_http_magasin_routes;
static ngx_uint_t                 ngx_http_magasin_nroutes;
static ngx_http_magasin_route_t
    *ngx_http_magasin_route_buckets[NGX_HTTP_MAGASIN_ROUTE_BUCKETS];


/*
 * Groups the rows of the table into routes, in the same way for each
 * configuration.  Rows of one path are adjacent.  The caller provides `routes`
 * with room for `nendpoints` of them; it is used for the life of the process.
 */

void
ngx_http_magasin_routes_gather(ngx_http_magasin_endpoint_t *endpoints,
    ngx_uint_t nendpoints, ngx_http_magasin_route_t *routes)
{
    ngx_uint_t                    i, bucket;
    ngx_http_magasin_route_t     *route, **last;
    ngx_http_magasin_endpoint_t  *endpoint;

    ngx_http_magasin_routes = routes;
    ngx_http_magasin_nroutes = 0;
    route = NULL;

    for (i = 0; i < nendpoints; i++) {
        endpoint = &endpoints[i];

        if (route == NULL
            || route->path.len != endpoint->path.len
            || ngx_memcmp(route->path.data, endpoint->path.data,
                          route->path.len)
               != 0)
        {
            route = &routes[ngx_http_magasin_nroutes++];
            route->path = endpoint->path;
            route->endpoints = endpoint;
            route->nendpoints = 0;
            route->next = NULL;
        }

        route->nendpoints++;
    }

    ngx_memzero(ngx_http_magasin_route_buckets,
                sizeof(ngx_http_magasin_route_buckets));

    for (i = 0; i < ngx_http_magasin_nroutes; i++) {
        route = &routes[i];

        ngx_http_magasin_route_allow(route, 1, &route->allow);
        ngx_http_magasin_route_allow(route, 0, &route->reference_allow);

        bucket = ngx_http_magasin_route_segment(&route->path,
                                                &route->segment);
        last = &ngx_http_magasin_route_buckets[bucket];
        route->again = 0;

        while (*last) {
            route->again = (*last)->segment == route->segment
                           && ngx_memcmp((*last)->path.data, route->path.data,
                                         route->segment)
                              == 0;
            last = &(*last)->next;
        }

        *last = route;
    }
}


/*
 * Finds the route of a decoded path and stores the integers of the path in
 * `ids`, which has room for NGX_HTTP_MAGASIN_MAX_IDS of them.  Returns NULL if
 * there is no route, or if memory cannot be allocated.
 */

ngx_http_magasin_route_t *
ngx_http_magasin_route_find(ngx_pool_t *pool, ngx_str_t *path,
    ngx_http_magasin_id_t *ids)
{
    size_t                     len;
    ngx_str_t                  texts[NGX_HTTP_MAGASIN_MAX_IDS];
    ngx_uint_t                 k, bucket, same;
    ngx_http_magasin_route_t  *route;

    bucket = ngx_http_magasin_route_segment(path, &len);
    route = ngx_http_magasin_route_buckets[bucket];
    same = 0;

    for ( /* void */ ; route; route = route->next) {

        /* Most routes of a bucket have the segment of the route before. */

        if (!route->again) {
            same = route->segment == len
                   && ngx_memcmp(route->path.data, path->data, len) == 0;
        }

        if (!same || !ngx_http_magasin_route_match(route, path, texts)) {
            continue;
        }

        for (k = 0; k < NGX_HTTP_MAGASIN_MAX_IDS; k++) {
            if (texts[k].len
                && ngx_http_magasin_route_id(pool, &texts[k], &ids[k])
                   != NGX_OK)
            {
                return NULL;
            }
        }

        return route;
    }

    return NULL;
}


/*
 * Returns the bucket of a path, by the length, the first and the last byte of
 * its first segment after the prefix.  Sets `len` to the length of the path up
 * to the end of that segment.
 */

static ngx_uint_t
ngx_http_magasin_route_segment(ngx_str_t *path, size_t *len)
{
    u_char  *p, *end, *first;

    p = path->data;
    end = p + path->len;

    if (path->len >= sizeof(NGX_HTTP_MAGASIN_ROUTE_PREFIX)
        && ngx_memcmp(p, NGX_HTTP_MAGASIN_ROUTE_PREFIX,
                      sizeof(NGX_HTTP_MAGASIN_ROUTE_PREFIX) - 1)
           == 0)
    {
        p += sizeof(NGX_HTTP_MAGASIN_ROUTE_PREFIX) - 1;

    } else if (p < end) {
        p++;
    }

    for (first = p; p < end && *p != '/'; p++) {
        /* void */
    }

    *len = p - path->data;

    if (p == first) {
        return 0;
    }

    return ((p - first) + *first * 3 + p[-1] * 7)
           & (NGX_HTTP_MAGASIN_ROUTE_BUCKETS - 1);
}


/*
 * Returns the route of a request, or NULL if there is none.  The result is
 * kept in ctx for later calls: a variable may need it in the phase of a limit,
 * before the content handler does.  It is looked up again if a rewrite has
 * changed the path.  ctx->path is the path without the prefix of the location.
 */

ngx_http_magasin_route_t *
ngx_http_magasin_route(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t  *uri;

    uri = &ctx->request->uri;

    if (uri->data && ctx->uri.data == uri->data && ctx->uri.len == uri->len) {
        return ctx->route;
    }

    return ngx_http_magasin_route_search(ctx, uri);
}


static ngx_http_magasin_route_t *
ngx_http_magasin_route_search(ngx_http_magasin_ctx_t *ctx, ngx_str_t *uri)
{
    ngx_pool_t  *pool;

    pool = ctx->request->pool;

    if (ctx->uri.data) {
        ngx_memzero(ctx->ids, sizeof(ctx->ids));
    }

    ctx->uri = *uri;
    ctx->path = *uri;
    ctx->stripped = ngx_http_magasin_base_strip(ctx->request, &ctx->path);
    ctx->route = ngx_http_magasin_route_find(pool, &ctx->path, ctx->ids);

    if (ctx->route || !ctx->stripped) {
        return ctx->route;
    }

    /* The prefix was removed before, and a path begins like it. */

    ctx->route = ngx_http_magasin_route_find(pool, uri, ctx->ids);

    if (ctx->route) {
        ctx->path = *uri;
        ctx->stripped = 0;
    }

    return ctx->route;
}


/* Returns the number of routes. */

ngx_uint_t
ngx_http_magasin_routes_count(void)
{
    return ngx_http_magasin_nroutes;
}


/* Returns a hash that identifies the list of paths.  It is never 0. */

ngx_uint_t
ngx_http_magasin_routes_layout(void)
{
    ngx_str_t   *path;
    ngx_uint_t   i, k, key;

    key = 1;

    for (i = 0; i < ngx_http_magasin_nroutes; i++) {
        path = &ngx_http_magasin_routes[i].path;

        for (k = 0; k < path->len; k++) {
            key = ngx_hash(key, path->data[k]);
        }
    }

    return key | 1;
}


/* Returns the index of a route in the order of the table, from 0. */

ngx_uint_t
ngx_http_magasin_route_number(ngx_http_magasin_route_t *route)
{
    return route - ngx_http_magasin_routes;
}


/* Returns the path of the route with this index. */

ngx_str_t *
ngx_http_magasin_route_path(ngx_uint_t number)
{
    return &ngx_http_magasin_routes[number].path;
}


/*
 * Returns the endpoint for a method, or NULL if the method is not allowed.
 * HEAD uses the endpoint of GET.
 */

ngx_http_magasin_endpoint_t *
ngx_http_magasin_route_method(ngx_http_magasin_route_t *route,
    ngx_uint_t method)
{
    ngx_uint_t  i;

    if (method == NGX_HTTP_HEAD) {
        method = NGX_HTTP_GET;
    }

    for (i = 0; i < route->nendpoints; i++) {
        if (route->endpoints[i].method == method) {
            return &route->endpoints[i];
        }
    }

    return NULL;
}


/*
 * Compares the path after its first segment with the template of a route, in
 * which "{...}" matches a run of digits.  Returns 1 on a match.  Sets ids that
 * the template does not have to empty texts.
 */

static ngx_uint_t
ngx_http_magasin_route_match(ngx_http_magasin_route_t *route, ngx_str_t *path,
    ngx_str_t *ids)
{
    u_char      *p, *q, *p_end, *q_end;
    ngx_uint_t   n;

    p = route->path.data + route->segment;
    p_end = route->path.data + route->path.len;
    q = path->data + route->segment;
    q_end = path->data + path->len;

    for (n = 0; n < NGX_HTTP_MAGASIN_MAX_IDS; n++) {
        ids[n].len = 0;
    }

    n = 0;

    while (p < p_end) {

        if (*p != '{') {
            if (q == q_end || *p != *q) {
                return 0;
            }

            p++;
            q++;
            continue;
        }

        ids[n].data = q;

        while (q < q_end && *q >= '0' && *q <= '9') {
            q++;
        }

        ids[n].len = q - ids[n].data;

        if (ids[n++].len == 0) {
            return 0;
        }

        p = ngx_strlchr(p, p_end, '}') + 1;
    }

    return q == q_end;
}


static ngx_int_t
ngx_http_magasin_route_id(ngx_pool_t *pool, ngx_str_t *text,
    ngx_http_magasin_id_t *id)
{
    ngx_str_t    s;
    static char  max[] = "9223372036854775807";

    s = *text;

    while (s.len > 1 && *s.data == '0') {
        s.data++;
        s.len--;
    }

    id->text.data = ngx_pnalloc(pool, s.len + 1);
    if (id->text.data == NULL) {
        return NGX_ERROR;
    }

    id->text.len = s.len;
    *ngx_cpymem(id->text.data, s.data, s.len) = '\0';

    id->fits = s.len < sizeof(max) - 1
               || (s.len == sizeof(max) - 1
                   && ngx_memcmp(s.data, max, s.len) <= 0);

    return NGX_OK;
}


/*
 * Writes the value of Allow, such as "GET, PUT, HEAD, OPTIONS": the methods of
 * the rows and then the implied ones.  If `all` is 0, methods that the
 * reference does not have are omitted.
 */

static void
ngx_http_magasin_route_allow(ngx_http_magasin_route_t *route, ngx_uint_t all,
    ngx_str_t *allow)
{
    u_char            *p;
    ngx_uint_t         i, k, get;
    static struct {
        ngx_uint_t     method;
        ngx_str_t      name;
    } names[] = {
        { NGX_HTTP_GET, ngx_string("GET") },
        { NGX_HTTP_POST, ngx_string("POST") },
        { NGX_HTTP_PUT, ngx_string("PUT") },
        { NGX_HTTP_PATCH, ngx_string("PATCH") },
        { NGX_HTTP_DELETE, ngx_string("DELETE") },
    };

    p = route->text[all];

    allow->data = p;
    get = 0;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (k = 0; k < route->nendpoints; k++) {
            if (route->endpoints[k].method == names[i].method
                && (all || !route->endpoints[k].extra))
            {
                p = ngx_sprintf(p, "%V, ", &names[i].name);
                get |= (names[i].method == NGX_HTTP_GET);
            }
        }
    }

    p = ngx_sprintf(p, "%sOPTIONS", get ? "HEAD, " : "");
    allow->len = p - allow->data;
}
