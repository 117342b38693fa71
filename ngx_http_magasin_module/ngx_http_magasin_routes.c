
/*
 * THE table of endpoints.  Routing, Allow, OPTIONS, authorisation and the
 * labels of logs come from it.  Rows of one path adjoin.
 */


#include "ngx_http_magasin.h"
#include "api/ngx_http_magasin_api.h"


static ngx_uint_t ngx_http_magasin_route_match(ngx_str_t *pattern,
    ngx_str_t *path, ngx_str_t *ids);
static ngx_int_t ngx_http_magasin_route_id(ngx_pool_t *pool, ngx_str_t *text,
    ngx_http_magasin_id_t *id);
static ngx_int_t ngx_http_magasin_route_allow(ngx_conf_t *cf,
    ngx_http_magasin_route_t *route);


static ngx_http_magasin_endpoint_t  ngx_http_magasin_endpoints[] = {

    { ngx_string("reports"), NGX_HTTP_GET,
      ngx_string("/api/v1/reports/"),
      ngx_string("Rapport Ventes Api"), NULL,
      NGX_HTTP_MAGASIN_SQL_REPORTS, NGX_HTTP_MAGASIN_PG_HEAVY,
      ngx_http_magasin_reports_bind,
      ngx_http_magasin_reports_render, NULL },

    { ngx_string("dashboard"), NGX_HTTP_GET,
      ngx_string("/api/v1/dashboard/"),
      ngx_string("Performance Magasins Api"), NULL,
      NGX_HTTP_MAGASIN_SQL_DASHBOARD, NGX_HTTP_MAGASIN_PG_HEAVY,
      ngx_http_magasin_dashboard_bind,
      ngx_http_magasin_dashboard_render, NULL },

    { ngx_string("stock"), NGX_HTTP_GET,
      ngx_string("/api/v1/stores/{id}/stock/"),
      ngx_string("Stock Magasin Api"), NULL,
      NGX_HTTP_MAGASIN_SQL_STOCK, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_stock_bind,
      ngx_http_magasin_stock_render, NULL },

    { ngx_string("stock_list"), NGX_HTTP_GET,
      ngx_string("/api/v1/stores/{id}/stock/list/"),
      ngx_string("Stock Magasin List Api"), NULL,
      NGX_HTTP_MAGASIN_SQL_STOCK_LIST, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_stock_list_bind,
      ngx_http_magasin_stock_list_render, NULL },

    { ngx_string("product"), NGX_HTTP_GET,
      ngx_string("/api/v1/products/{id}/"),
      ngx_string("Produit Update Api"), NULL,
      NGX_HTTP_MAGASIN_SQL_PRODUCT, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_product_bind,
      ngx_http_magasin_product_render, NULL },

    { ngx_string("product_update"), NGX_HTTP_PUT,
      ngx_string("/api/v1/products/{id}/"),
      ngx_string("Produit Update Api"), "produits",
      NGX_HTTP_MAGASIN_SQL_PRODUCT_UPDATE, NGX_HTTP_MAGASIN_PG_WRITE,
      ngx_http_magasin_product_update_bind,
      ngx_http_magasin_product_render, NULL },

    { ngx_string("healthz"), NGX_HTTP_GET,
      ngx_string("/healthz"),
      ngx_string("Healthz"), NULL,
      NGX_HTTP_MAGASIN_SQL_COUNT, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_healthz_bind, NULL, NULL },

    { ngx_string("readyz"), NGX_HTTP_GET,
      ngx_string("/readyz"),
      ngx_string("Readyz"), NULL,
      NGX_HTTP_MAGASIN_SQL_READYZ, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_readyz_bind,
      ngx_http_magasin_readyz_render,
      ngx_http_magasin_readyz_failed }
};


#define NGX_HTTP_MAGASIN_ENDPOINTS                                            \
    (sizeof(ngx_http_magasin_endpoints) / sizeof(ngx_http_magasin_endpoint_t))


static ngx_http_magasin_route_t
    ngx_http_magasin_routes[NGX_HTTP_MAGASIN_ENDPOINTS];
static ngx_uint_t  ngx_http_magasin_nroutes;


/* Gather rows into routes, once, at configuration.  NGX_OK or NGX_ERROR. */

ngx_int_t
ngx_http_magasin_routes_init(ngx_conf_t *cf)
{
    ngx_uint_t                    i;
    ngx_http_magasin_route_t     *route;
    ngx_http_magasin_endpoint_t  *endpoint;

    ngx_http_magasin_nroutes = 0;
    route = NULL;

    for (i = 0; i < NGX_HTTP_MAGASIN_ENDPOINTS; i++) {
        endpoint = &ngx_http_magasin_endpoints[i];

        if (route == NULL
            || route->path.len != endpoint->path.len
            || ngx_memcmp(route->path.data, endpoint->path.data,
                          route->path.len)
               != 0)
        {
            route = &ngx_http_magasin_routes[ngx_http_magasin_nroutes++];
            route->path = endpoint->path;
            route->endpoints = endpoint;
            route->nendpoints = 0;
        }

        route->nendpoints++;
    }

    for (i = 0; i < ngx_http_magasin_nroutes; i++) {
        if (ngx_http_magasin_route_allow(cf, &ngx_http_magasin_routes[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * The route of a decoded path, with the integers of the path in `ids`
 * (NGX_HTTP_MAGASIN_MAX_IDS of them).  NULL: there is none.
 */

ngx_http_magasin_route_t *
ngx_http_magasin_route_find(ngx_pool_t *pool, ngx_str_t *path,
    ngx_http_magasin_id_t *ids)
{
    ngx_str_t                  texts[NGX_HTTP_MAGASIN_MAX_IDS];
    ngx_uint_t                 i, k;
    ngx_http_magasin_route_t  *route;

    for (i = 0; i < ngx_http_magasin_nroutes; i++) {
        route = &ngx_http_magasin_routes[i];

        ngx_memzero(texts, sizeof(texts));

        if (!ngx_http_magasin_route_match(&route->path, path, texts)) {
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


/* The endpoint for a method; HEAD is GET's.  NULL: not allowed. */

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


/* Compare a path with a template, where "{...}" takes a run of digits. */

static ngx_uint_t
ngx_http_magasin_route_match(ngx_str_t *pattern, ngx_str_t *path,
    ngx_str_t *ids)
{
    u_char      *p, *q, *p_end, *q_end;
    ngx_uint_t   n;

    p = pattern->data;
    p_end = p + pattern->len;
    q = path->data;
    q_end = q + path->len;
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
    (void) ngx_cpystrn(id->text.data, s.data, s.len + 1);

    id->fits = s.len < sizeof(max) - 1
               || (s.len == sizeof(max) - 1
                   && ngx_memcmp(s.data, max, s.len) <= 0);

    return NGX_OK;
}


/* "GET, PUT, HEAD, OPTIONS": the rows' methods, then the implied ones. */

static ngx_int_t
ngx_http_magasin_route_allow(ngx_conf_t *cf, ngx_http_magasin_route_t *route)
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

    p = ngx_pnalloc(cf->pool, sizeof("GET, POST, PUT, PATCH, DELETE, HEAD, "
                                     "OPTIONS"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    route->allow.data = p;
    get = 0;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (k = 0; k < route->nendpoints; k++) {
            if (route->endpoints[k].method == names[i].method) {
                p = ngx_sprintf(p, "%V, ", &names[i].name);
                get |= (names[i].method == NGX_HTTP_GET);
            }
        }
    }

    p = ngx_sprintf(p, "%sOPTIONS", get ? "HEAD, " : "");
    route->allow.len = p - route->allow.data;

    return NGX_OK;
}
