
/*
 * THE table of endpoints.  Routing, Allow, OPTIONS, authorisation, the labels
 * of logs, and what is cached until what changes come from it.  Rows of one
 * path adjoin.
 *
 * Not cached are errors, and the journal: what it shows depends on the
 * transactions that run, too.
 */


#include "ngx_http_magasin.h"
#include "api/ngx_http_magasin_rows.h"


static ngx_uint_t ngx_http_magasin_route_match(ngx_str_t *pattern,
    ngx_str_t *path, ngx_str_t *ids);
static ngx_int_t ngx_http_magasin_route_id(ngx_pool_t *pool, ngx_str_t *text,
    ngx_http_magasin_id_t *id);
static void ngx_http_magasin_route_allow(ngx_http_magasin_route_t *route,
    ngx_uint_t all, ngx_str_t *allow);


/*
 * What an answer depends on, by the ids that its request names.  NOTHING: it
 * is not cached.
 */

#define READS(kind, first, second)                                            \
    NGX_HTTP_MAGASIN_SCOPE_##kind, NGX_HTTP_MAGASIN_SCOPE_##first,            \
        NGX_HTTP_MAGASIN_SCOPE_##second

#define NOTHING  READS(NONE, NO_ID, NO_ID)


/* What most paths begin with; no {id} is in it, nor directly after it. */

#define NGX_HTTP_MAGASIN_ROUTES_PREFIX  (sizeof("/api/v1/") - 1)


static ngx_http_magasin_endpoint_t  ngx_http_magasin_endpoints[] = {

    { ngx_string("reports"), NGX_HTTP_GET,
      ngx_string("/api/v1/reports/"),
      ngx_string("Rapport Ventes Api"), NULL,
      NGX_HTTP_MAGASIN_SQL_REPORTS, NGX_HTTP_MAGASIN_PG_HEAVY,
      ngx_http_magasin_reports_bind,
      ngx_http_magasin_reports_render, NULL, NULL, 0, NULL,
      { { READS(RAPPORTS, NO_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("dashboard"), NGX_HTTP_GET,
      ngx_string("/api/v1/dashboard/"),
      ngx_string("Performance Magasins Api"), NULL,
      NGX_HTTP_MAGASIN_SQL_DASHBOARD, NGX_HTTP_MAGASIN_PG_HEAVY,
      ngx_http_magasin_dashboard_bind,
      ngx_http_magasin_dashboard_render, NULL, NULL, 0, NULL,
      { { READS(RAPPORTS, NO_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("stores"), NGX_HTTP_GET,
      ngx_string("/api/v1/stores/"),
      ngx_string("Magasins"), NULL,
      NGX_HTTP_MAGASIN_SQL_STORES, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_list_bind,
      ngx_http_magasin_list_render, NULL, &ngx_http_magasin_stores_spec, 0,
      "cursor",
      { { READS(MAGASINS, NO_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("store"), NGX_HTTP_GET,
      ngx_string("/api/v1/stores/{id}/"),
      ngx_string("Magasin"), NULL,
      NGX_HTTP_MAGASIN_SQL_STORE, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_item_bind,
      ngx_http_magasin_item_render, NULL, &ngx_http_magasin_store_spec, 0, NULL,
      { { READS(MAGASIN, FIRST_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("stock"), NGX_HTTP_GET,
      ngx_string("/api/v1/stores/{id}/stock/"),
      ngx_string("Stock Magasin Api"), NULL,
      NGX_HTTP_MAGASIN_SQL_STOCK, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_stock_bind,
      ngx_http_magasin_stock_render, NULL, NULL, 0, NULL,
      { { READS(STOCK, FIRST_ID, NO_ID) },
        { READS(NOMS, NO_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("stock_list"), NGX_HTTP_GET,
      ngx_string("/api/v1/stores/{id}/stock/list/"),
      ngx_string("Stock Magasin List Api"), NULL,
      NGX_HTTP_MAGASIN_SQL_STOCK_LIST, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_stock_list_bind,
      ngx_http_magasin_stock_list_render, NULL, NULL, 0, "page",
      { { READS(STOCK, FIRST_ID, NO_ID) },
        { READS(NOMS, NO_ID, NO_ID) },
        { READS(MAGASIN, FIRST_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("stock_item"), NGX_HTTP_GET,
      ngx_string("/api/v1/stores/{id}/stock/{produit}/"),
      ngx_string("Stock Produit"), NULL,
      NGX_HTTP_MAGASIN_SQL_STOCK_ITEM, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_item_bind,
      ngx_http_magasin_stock_item_render, NULL,
      &ngx_http_magasin_stock_item_spec, 0, NULL,
      { { READS(QUANTITE, FIRST_ID, SECOND_ID) },
        { READS(PRESENCE, SECOND_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("stock_adjust"), NGX_HTTP_POST,
      ngx_string("/api/v1/stores/{id}/stock/{produit}/adjust/"),
      ngx_string("Ajustement Stock"), "stock",
      NGX_HTTP_MAGASIN_SQL_STOCK_ADJUST, NGX_HTTP_MAGASIN_PG_WRITE,
      ngx_http_magasin_adjust_bind,
      ngx_http_magasin_written_render, NULL, NULL, 0, NULL,
      { { NOTHING } },
      ngx_http_magasin_adjust_touch, 0 },

    { ngx_string("stock_central"), NGX_HTTP_GET,
      ngx_string("/api/v1/stock/central/"),
      ngx_string("Stock Central"), NULL,
      NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_central_bind,
      ngx_http_magasin_list_render, NULL, &ngx_http_magasin_central_spec, 0,
      "cursor",
      { { READS(CENTRAL, NO_ID, NO_ID) },
        { READS(NOMS, NO_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("products"), NGX_HTTP_GET,
      ngx_string("/api/v1/products/"),
      ngx_string("Produits"), NULL,
      NGX_HTTP_MAGASIN_SQL_PRODUCTS, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_products_bind,
      ngx_http_magasin_list_render, NULL, &ngx_http_magasin_products_spec, 0,
      "cursor",
      { { READS(PRODUITS, NO_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("product_create"), NGX_HTTP_POST,
      ngx_string("/api/v1/products/"),
      ngx_string("Produits"), "produits",
      NGX_HTTP_MAGASIN_SQL_PRODUCT_CREATE, NGX_HTTP_MAGASIN_PG_WRITE,
      ngx_http_magasin_product_create_bind,
      ngx_http_magasin_written_render, NULL, NULL, 0, NULL,
      { { NOTHING } },
      ngx_http_magasin_product_create_touch, 0 },

    { ngx_string("product"), NGX_HTTP_GET,
      ngx_string("/api/v1/products/{id}/"),
      ngx_string("Produit Update Api"), NULL,
      NGX_HTTP_MAGASIN_SQL_PRODUCT, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_product_bind,
      ngx_http_magasin_product_render, NULL, NULL, 0, NULL,
      { { READS(PRODUIT, FIRST_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("product_update"), NGX_HTTP_PUT,
      ngx_string("/api/v1/products/{id}/"),
      ngx_string("Produit Update Api"), "produits",
      NGX_HTTP_MAGASIN_SQL_PRODUCT_UPDATE, NGX_HTTP_MAGASIN_PG_WRITE,
      ngx_http_magasin_product_update_bind,
      ngx_http_magasin_product_render, NULL, NULL, 0, NULL,
      { { NOTHING } },
      ngx_http_magasin_product_touch, 0 },

    { ngx_string("product_patch"), NGX_HTTP_PATCH,
      ngx_string("/api/v1/products/{id}/"),
      ngx_string("Produit Update Api"), "produits",
      NGX_HTTP_MAGASIN_SQL_PRODUCT_PATCH, NGX_HTTP_MAGASIN_PG_WRITE,
      ngx_http_magasin_product_patch_bind,
      ngx_http_magasin_product_render, NULL, NULL, 1, NULL,
      { { NOTHING } },
      ngx_http_magasin_product_touch, 0 },

    { ngx_string("product_delete"), NGX_HTTP_DELETE,
      ngx_string("/api/v1/products/{id}/"),
      ngx_string("Produit Update Api"), "produits",
      NGX_HTTP_MAGASIN_SQL_PRODUCT_DELETE, NGX_HTTP_MAGASIN_PG_WRITE,
      ngx_http_magasin_product_delete_bind,
      ngx_http_magasin_product_delete_render, NULL, NULL, 1, NULL,
      { { NOTHING } },
      ngx_http_magasin_product_delete_touch, 0 },

    { ngx_string("product_availability"), NGX_HTTP_GET,
      ngx_string("/api/v1/products/{id}/availability/"),
      ngx_string("Disponibilite Produit"), NULL,
      NGX_HTTP_MAGASIN_SQL_PRODUCT_AVAILABILITY, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_availability_bind,
      ngx_http_magasin_availability_render, NULL,
      &ngx_http_magasin_availability_spec, 0, NULL,
      { { READS(DISPONIBILITE, FIRST_ID, NO_ID) },
        { READS(PRODUIT, FIRST_ID, NO_ID) },
        { READS(MAGASINS, NO_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("sales"), NGX_HTTP_GET,
      ngx_string("/api/v1/sales/"),
      ngx_string("Ventes"), NULL,
      NGX_HTTP_MAGASIN_SQL_SALES, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_sales_bind,
      ngx_http_magasin_list_render, NULL, &ngx_http_magasin_sales_spec, 0,
      "cursor",
      { { READS(VENTES, FIRST_VALUE, NO_ID) } },
      NULL, 0 },

    { ngx_string("sale_create"), NGX_HTTP_POST,
      ngx_string("/api/v1/sales/"),
      ngx_string("Ventes"), "ventes",
      NGX_HTTP_MAGASIN_SQL_SALE_CREATE, NGX_HTTP_MAGASIN_PG_WRITE,
      ngx_http_magasin_sale_create_bind,
      ngx_http_magasin_written_render, NULL, NULL, 0, NULL,
      { { NOTHING } },
      ngx_http_magasin_sale_touch, 0 },

    { ngx_string("sale"), NGX_HTTP_GET,
      ngx_string("/api/v1/sales/{id}/"),
      ngx_string("Vente"), NULL,
      NGX_HTTP_MAGASIN_SQL_SALE, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_item_bind,
      ngx_http_magasin_item_render, NULL, &ngx_http_magasin_sale_spec, 0, NULL,
      { { READS(VENTE, FIRST_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("replenishments"), NGX_HTTP_GET,
      ngx_string("/api/v1/replenishments/"),
      ngx_string("Demandes Reapprovisionnement"), NULL,
      NGX_HTTP_MAGASIN_SQL_REPLENISHMENTS, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_list_bind,
      ngx_http_magasin_list_render, NULL,
      &ngx_http_magasin_replenishments_spec, 0, "cursor",
      { { READS(DEMANDES, NO_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("replenishment_create"), NGX_HTTP_POST,
      ngx_string("/api/v1/replenishments/"),
      ngx_string("Demandes Reapprovisionnement"), "reapprovisionnement",
      NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_CREATE, NGX_HTTP_MAGASIN_PG_WRITE,
      ngx_http_magasin_replenishment_create_bind,
      ngx_http_magasin_written_render, NULL, NULL, 0, NULL,
      { { NOTHING } },
      ngx_http_magasin_replenishment_create_touch, 0 },

    { ngx_string("replenishment"), NGX_HTTP_GET,
      ngx_string("/api/v1/replenishments/{id}/"),
      ngx_string("Demande Reapprovisionnement"), NULL,
      NGX_HTTP_MAGASIN_SQL_REPLENISHMENT, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_item_bind,
      ngx_http_magasin_item_render, NULL,
      &ngx_http_magasin_replenishment_spec, 0, NULL,
      { { READS(DEMANDE, FIRST_ID, NO_ID) } },
      NULL, 0 },

    { ngx_string("replenishment_approve"), NGX_HTTP_POST,
      ngx_string("/api/v1/replenishments/{id}/approve/"),
      ngx_string("Approbation Demande"), "reapprovisionnement",
      NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_DECIDE, NGX_HTTP_MAGASIN_PG_WRITE,
      ngx_http_magasin_replenishment_approve_bind,
      ngx_http_magasin_written_render, NULL, NULL, 0, NULL,
      { { NOTHING } },
      ngx_http_magasin_replenishment_touch, 1 },

    { ngx_string("replenishment_reject"), NGX_HTTP_POST,
      ngx_string("/api/v1/replenishments/{id}/reject/"),
      ngx_string("Refus Demande"), "reapprovisionnement",
      NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_DECIDE, NGX_HTTP_MAGASIN_PG_WRITE,
      ngx_http_magasin_replenishment_reject_bind,
      ngx_http_magasin_written_render, NULL, NULL, 0, NULL,
      { { NOTHING } },
      ngx_http_magasin_replenishment_touch, 1 },

    { ngx_string("journal"), NGX_HTTP_GET,
      ngx_string("/api/v1/journal/"),
      ngx_string("Journal"), NULL,
      NGX_HTTP_MAGASIN_SQL_JOURNAL, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_journal_bind,
      ngx_http_magasin_list_render, NULL, &ngx_http_magasin_journal_spec, 0,
      "cursor",
      { { NOTHING } },
      NULL, 0 },

    { ngx_string("cache_flush"), NGX_HTTP_POST,
      ngx_string("/api/v1/cache/flush/"),
      ngx_string("Vidage Cache"), "admin",
      NGX_HTTP_MAGASIN_SQL_COUNT, NGX_HTTP_MAGASIN_PG_WRITE,
      ngx_http_magasin_flush_bind, NULL, NULL, NULL, 0, NULL,
      { { NOTHING } },
      ngx_http_magasin_flush_touch, 0 },

    { ngx_string("healthz"), NGX_HTTP_GET,
      ngx_string("/healthz"),
      ngx_string("Healthz"), NULL,
      NGX_HTTP_MAGASIN_SQL_COUNT, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_healthz_bind, NULL, NULL, NULL, 0, NULL,
      { { NOTHING } },
      NULL, 0 },

    { ngx_string("readyz"), NGX_HTTP_GET,
      ngx_string("/readyz"),
      ngx_string("Readyz"), NULL,
      NGX_HTTP_MAGASIN_SQL_READYZ, NGX_HTTP_MAGASIN_PG_READ,
      ngx_http_magasin_readyz_bind,
      ngx_http_magasin_readyz_render,
      ngx_http_magasin_readyz_failed, NULL, 0, NULL,
      { { NOTHING } },
      NULL, 0 }
};


#define NGX_HTTP_MAGASIN_ENDPOINTS                                            \
    (sizeof(ngx_http_magasin_endpoints) / sizeof(ngx_http_magasin_endpoint_t))


static ngx_http_magasin_route_t
    ngx_http_magasin_routes[NGX_HTTP_MAGASIN_ENDPOINTS];
static ngx_uint_t  ngx_http_magasin_nroutes;


/* The metrics have room for as many paths, and these are no more than rows. */

#define NGX_HTTP_MAGASIN_ROUTES_FIT                                           \
    (NGX_HTTP_MAGASIN_ENDPOINTS < NGX_HTTP_MAGASIN_METRICS_ROUTES)

typedef char  ngx_http_magasin_routes_fit_t[NGX_HTTP_MAGASIN_ROUTES_FIT ? 1
                                                                        : -1];


/* Gather rows into routes, at each configuration in the same way. */

void
ngx_http_magasin_routes_init(void)
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
        route = &ngx_http_magasin_routes[i];

        ngx_http_magasin_route_allow(route, 1, &route->allow);
        ngx_http_magasin_route_allow(route, 0, &route->reference_allow);
    }
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

        /* Most of them differ here first. */

        if (path->len > NGX_HTTP_MAGASIN_ROUTES_PREFIX
            && route->path.len > NGX_HTTP_MAGASIN_ROUTES_PREFIX
            && path->data[NGX_HTTP_MAGASIN_ROUTES_PREFIX]
               != route->path.data[NGX_HTTP_MAGASIN_ROUTES_PREFIX])
        {
            continue;
        }

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


/*
 * The route of a request, looked for once, by whoever asks first: a variable
 * in the phase of a limit, or the content handler.  A rewrite in between makes
 * another path of it.  NULL: there is none.
 */

ngx_http_magasin_route_t *
ngx_http_magasin_route(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t  *uri;

    uri = &ctx->request->uri;

    if (uri->data && ctx->uri.data == uri->data && ctx->uri.len == uri->len) {
        return ctx->route;
    }

    if (ctx->uri.data) {
        ngx_memzero(ctx->ids, sizeof(ctx->ids));
    }

    ctx->uri = *uri;
    ctx->route = ngx_http_magasin_route_find(ctx->request->pool, uri,
                                             ctx->ids);
    return ctx->route;
}


ngx_uint_t
ngx_http_magasin_routes_count(void)
{
    return ngx_http_magasin_nroutes;
}


/* What tells one list of paths from another; never 0. */

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


/* Routes have numbers from 0 on, in the order of the table. */

ngx_uint_t
ngx_http_magasin_route_number(ngx_http_magasin_route_t *route)
{
    return route - ngx_http_magasin_routes;
}


ngx_str_t *
ngx_http_magasin_route_path(ngx_uint_t number)
{
    return &ngx_http_magasin_routes[number].path;
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


/*
 * "GET, PUT, HEAD, OPTIONS": the rows' methods, with or without those that
 * the reference does not have, then the implied ones.
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
