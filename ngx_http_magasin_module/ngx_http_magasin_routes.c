
/*
 * THE table of endpoints.  Routing, Allow, OPTIONS, authorisation, the labels
 * of logs, the tags of cached answers and the invalidation by writes are
 * derived from it.  Rows of one path have to be adjacent.
 *
 * Errors are not cached.  The journal is not cached either, because its
 * content also depends on the running transactions.
 *
 * A row without .place touches all stores.
 */


#include "ngx_http_magasin_handler.h"
#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_observe.h"


/*
 * The tags that an answer depends on, by the ids that its request names.  An
 * endpoint without .reads is not cached.
 */

#define TAG_OF_BOTH(name, id, other)                                          \
    {                                                                         \
        .kind = NGX_HTTP_MAGASIN_TAG_##name,                                  \
        .first = NGX_HTTP_MAGASIN_TAG_##id,                                   \
        .second = NGX_HTTP_MAGASIN_TAG_##other                                \
    }

#define TAG_OF(name, id)  TAG_OF_BOTH(name, id, NO_ID)
#define TAG(name)         TAG_OF_BOTH(name, NO_ID, NO_ID)


static ngx_http_magasin_endpoint_t  ngx_http_magasin_endpoints[] = {

    { .name = ngx_string("reports"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/reports/"),
      .title = ngx_string("Rapport Ventes Api"),
      .statement = NGX_HTTP_MAGASIN_SQL_REPORTS,
      .class = NGX_HTTP_MAGASIN_PG_HEAVY,
      .bind = ngx_http_magasin_reports_bind,
      .render = ngx_http_magasin_reports_render,
      .reads = { TAG(RAPPORTS) } },

    { .name = ngx_string("dashboard"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/dashboard/"),
      .title = ngx_string("Performance Magasins Api"),
      .statement = NGX_HTTP_MAGASIN_SQL_DASHBOARD,
      .class = NGX_HTTP_MAGASIN_PG_HEAVY,
      .bind = ngx_http_magasin_dashboard_bind,
      .render = ngx_http_magasin_dashboard_render,
      .reads = { TAG(RAPPORTS) } },

    { .name = ngx_string("stores"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/stores/"),
      .title = ngx_string("Magasins"),
      .statement = NGX_HTTP_MAGASIN_SQL_STORES,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_list_bind,
      .render = ngx_http_magasin_list_render,
      .spec = &ngx_http_magasin_stores_spec,
      .page = "cursor",
      .reads = { TAG(MAGASINS) } },

    { .name = ngx_string("store"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/stores/{id}/"),
      .title = ngx_string("Magasin"),
      .place = NGX_HTTP_MAGASIN_PLACE_PATH,
      .statement = NGX_HTTP_MAGASIN_SQL_STORE,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_item_bind,
      .render = ngx_http_magasin_item_render,
      .spec = &ngx_http_magasin_store_spec,
      .reads = { TAG_OF(MAGASIN, FIRST_ID) } },

    { .name = ngx_string("stock"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/stores/{id}/stock/"),
      .title = ngx_string("Stock Magasin Api"),
      .place = NGX_HTTP_MAGASIN_PLACE_PATH,
      .statement = NGX_HTTP_MAGASIN_SQL_STOCK,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_stock_bind,
      .render = ngx_http_magasin_stock_render,
      .reads = { TAG_OF(STOCK, FIRST_ID),
                 TAG(NOMS) } },

    { .name = ngx_string("stock_list"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/stores/{id}/stock/list/"),
      .title = ngx_string("Stock Magasin List Api"),
      .place = NGX_HTTP_MAGASIN_PLACE_PATH,
      .statement = NGX_HTTP_MAGASIN_SQL_STOCK_LIST,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_stock_list_bind,
      .render = ngx_http_magasin_stock_list_render,
      .page = "page",
      .reads = { TAG_OF(STOCK, FIRST_ID),
                 TAG(NOMS),
                 TAG_OF(MAGASIN, FIRST_ID) } },

    { .name = ngx_string("stock_item"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/stores/{id}/stock/{produit}/"),
      .title = ngx_string("Stock Produit"),
      .place = NGX_HTTP_MAGASIN_PLACE_PATH,
      .statement = NGX_HTTP_MAGASIN_SQL_STOCK_ITEM,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_item_bind,
      .render = ngx_http_magasin_stock_item_render,
      .spec = &ngx_http_magasin_stock_item_spec,
      .reads = { TAG_OF_BOTH(QUANTITE, FIRST_ID, SECOND_ID),
                 TAG_OF(PRESENCE, SECOND_ID) } },

    { .name = ngx_string("stock_adjust"),
      .method = NGX_HTTP_POST,
      .path = ngx_string("/api/v1/stores/{id}/stock/{produit}/adjust/"),
      .title = ngx_string("Ajustement Stock"),
      .scope = "stock",
      .place = NGX_HTTP_MAGASIN_PLACE_PATH,
      .statement = NGX_HTTP_MAGASIN_SQL_WRITES_BATCH,
      .class = NGX_HTTP_MAGASIN_PG_WRITE,
      .bind = ngx_http_magasin_adjust_bind,
      .render = ngx_http_magasin_written_render,
      .touch = ngx_http_magasin_adjust_touch },

    { .name = ngx_string("stock_central"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/stock/central/"),
      .title = ngx_string("Stock Central"),
      .statement = NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_central_bind,
      .render = ngx_http_magasin_list_render,
      .spec = &ngx_http_magasin_central_spec,
      .page = "cursor",
      .reads = { TAG(CENTRAL),
                 TAG(NOMS) } },

    { .name = ngx_string("stock_central_item"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/stock/central/{produit}/"),
      .title = ngx_string("Stock Central Produit"),
      .statement = NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL_ITEM,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_item_bind,
      .render = ngx_http_magasin_stock_item_render,
      .spec = &ngx_http_magasin_central_item_spec,
      .reads = { TAG(CENTRAL) } },

    { .name = ngx_string("stock_central_adjust"),
      .method = NGX_HTTP_POST,
      .path = ngx_string("/api/v1/stock/central/{produit}/adjust/"),
      .title = ngx_string("Ajustement Stock Central"),
      .scope = "stock",
      .statement = NGX_HTTP_MAGASIN_SQL_STOCK_CENTRAL_ADJUST,
      .class = NGX_HTTP_MAGASIN_PG_WRITE,
      .bind = ngx_http_magasin_central_adjust_bind,
      .render = ngx_http_magasin_written_render,
      .touch = ngx_http_magasin_central_adjust_touch },

    { .name = ngx_string("products"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/products/"),
      .title = ngx_string("Produits"),
      .place = NGX_HTTP_MAGASIN_PLACE_NONE,
      .statement = NGX_HTTP_MAGASIN_SQL_PRODUCTS,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_products_bind,
      .render = ngx_http_magasin_list_render,
      .spec = &ngx_http_magasin_products_spec,
      .page = "cursor",
      .reads = { TAG(PRODUITS) } },

    { .name = ngx_string("product_create"),
      .method = NGX_HTTP_POST,
      .path = ngx_string("/api/v1/products/"),
      .title = ngx_string("Produits"),
      .scope = "produits",
      .statement = NGX_HTTP_MAGASIN_SQL_PRODUCT_CREATE,
      .class = NGX_HTTP_MAGASIN_PG_WRITE,
      .bind = ngx_http_magasin_product_create_bind,
      .render = ngx_http_magasin_written_render,
      .touch = ngx_http_magasin_product_create_touch },

    { .name = ngx_string("product"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/products/{id}/"),
      .title = ngx_string("Produit Update Api"),
      .place = NGX_HTTP_MAGASIN_PLACE_NONE,
      .statement = NGX_HTTP_MAGASIN_SQL_PRODUCT,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_product_bind,
      .render = ngx_http_magasin_product_render,
      .reads = { TAG_OF(PRODUIT, FIRST_ID) } },

    { .name = ngx_string("product_update"),
      .method = NGX_HTTP_PUT,
      .path = ngx_string("/api/v1/products/{id}/"),
      .title = ngx_string("Produit Update Api"),
      .scope = "produits",
      .statement = NGX_HTTP_MAGASIN_SQL_WRITES_BATCH,
      .class = NGX_HTTP_MAGASIN_PG_WRITE,
      .bind = ngx_http_magasin_product_update_bind,
      .render = ngx_http_magasin_product_render,
      .touch = ngx_http_magasin_product_touch },

    { .name = ngx_string("product_patch"),
      .method = NGX_HTTP_PATCH,
      .path = ngx_string("/api/v1/products/{id}/"),
      .title = ngx_string("Produit Update Api"),
      .scope = "produits",
      .statement = NGX_HTTP_MAGASIN_SQL_WRITES_BATCH,
      .class = NGX_HTTP_MAGASIN_PG_WRITE,
      .bind = ngx_http_magasin_product_patch_bind,
      .render = ngx_http_magasin_product_render,
      .extra = 1,
      .touch = ngx_http_magasin_product_touch },

    { .name = ngx_string("product_delete"),
      .method = NGX_HTTP_DELETE,
      .path = ngx_string("/api/v1/products/{id}/"),
      .title = ngx_string("Produit Update Api"),
      .scope = "produits",
      .statement = NGX_HTTP_MAGASIN_SQL_PRODUCT_DELETE,
      .class = NGX_HTTP_MAGASIN_PG_WRITE,
      .bind = ngx_http_magasin_product_delete_bind,
      .render = ngx_http_magasin_product_delete_render,
      .extra = 1,
      .touch = ngx_http_magasin_product_delete_touch },

    { .name = ngx_string("product_availability"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/products/{id}/availability/"),
      .title = ngx_string("Disponibilite Produit"),
      .statement = NGX_HTTP_MAGASIN_SQL_PRODUCT_AVAILABILITY,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_availability_bind,
      .render = ngx_http_magasin_availability_render,
      .spec = &ngx_http_magasin_availability_spec,
      .reads = { TAG_OF(DISPONIBILITE, FIRST_ID),
                 TAG_OF(PRODUIT, FIRST_ID),
                 TAG(MAGASINS) } },

    { .name = ngx_string("sales"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/sales/"),
      .title = ngx_string("Ventes"),
      .place = NGX_HTTP_MAGASIN_PLACE_VALUE,
      .statement = NGX_HTTP_MAGASIN_SQL_SALES,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_sales_bind,
      .render = ngx_http_magasin_list_render,
      .spec = &ngx_http_magasin_sales_spec,
      .page = "cursor",
      .reads = { TAG_OF(VENTES, FIRST_VALUE) } },

    { .name = ngx_string("sale_create"),
      .method = NGX_HTTP_POST,
      .path = ngx_string("/api/v1/sales/"),
      .title = ngx_string("Ventes"),
      .scope = "ventes",
      .place = NGX_HTTP_MAGASIN_PLACE_VALUE,
      .statement = NGX_HTTP_MAGASIN_SQL_WRITES_BATCH,
      .class = NGX_HTTP_MAGASIN_PG_WRITE,
      .bind = ngx_http_magasin_sale_create_bind,
      .render = ngx_http_magasin_written_render,
      .touch = ngx_http_magasin_sale_touch },

    { .name = ngx_string("sale"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/sales/{id}/"),
      .title = ngx_string("Vente"),
      .place = NGX_HTTP_MAGASIN_PLACE_ROW,
      .statement = NGX_HTTP_MAGASIN_SQL_SALE,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_item_bind,
      .render = ngx_http_magasin_item_render,
      .spec = &ngx_http_magasin_sale_spec,
      .reads = { TAG_OF(VENTE, FIRST_ID) } },

    { .name = ngx_string("replenishments"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/replenishments/"),
      .title = ngx_string("Demandes Reapprovisionnement"),
      .place = NGX_HTTP_MAGASIN_PLACE_VALUE,
      .statement = NGX_HTTP_MAGASIN_SQL_REPLENISHMENTS,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_replenishments_bind,
      .render = ngx_http_magasin_list_render,
      .spec = &ngx_http_magasin_replenishments_spec,
      .page = "cursor",
      .reads = { TAG(DEMANDES) } },

    { .name = ngx_string("replenishment_create"),
      .method = NGX_HTTP_POST,
      .path = ngx_string("/api/v1/replenishments/"),
      .title = ngx_string("Demandes Reapprovisionnement"),
      .scope = "reapprovisionnement",
      .place = NGX_HTTP_MAGASIN_PLACE_VALUE,
      .statement = NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_CREATE,
      .class = NGX_HTTP_MAGASIN_PG_WRITE,
      .bind = ngx_http_magasin_replenishment_create_bind,
      .render = ngx_http_magasin_written_render,
      .touch = ngx_http_magasin_replenishment_create_touch },

    { .name = ngx_string("replenishment"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/replenishments/{id}/"),
      .title = ngx_string("Demande Reapprovisionnement"),
      .place = NGX_HTTP_MAGASIN_PLACE_ROW,
      .statement = NGX_HTTP_MAGASIN_SQL_REPLENISHMENT,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_item_bind,
      .render = ngx_http_magasin_item_render,
      .spec = &ngx_http_magasin_replenishment_spec,
      .reads = { TAG_OF(DEMANDE, FIRST_ID) } },

    { .name = ngx_string("replenishment_approve"),
      .method = NGX_HTTP_POST,
      .path = ngx_string("/api/v1/replenishments/{id}/approve/"),
      .title = ngx_string("Approbation Demande"),
      .scope = "reapprovisionnement",
      .statement = NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_DECIDE,
      .class = NGX_HTTP_MAGASIN_PG_WRITE,
      .bind = ngx_http_magasin_replenishment_approve_bind,
      .render = ngx_http_magasin_written_render,
      .touch = ngx_http_magasin_replenishment_touch,
      .refusal = 1 },

    { .name = ngx_string("replenishment_reject"),
      .method = NGX_HTTP_POST,
      .path = ngx_string("/api/v1/replenishments/{id}/reject/"),
      .title = ngx_string("Refus Demande"),
      .scope = "reapprovisionnement",
      .statement = NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_DECIDE,
      .class = NGX_HTTP_MAGASIN_PG_WRITE,
      .bind = ngx_http_magasin_replenishment_reject_bind,
      .render = ngx_http_magasin_written_render,
      .touch = ngx_http_magasin_replenishment_touch,
      .refusal = 1 },

    { .name = ngx_string("journal"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/journal/"),
      .title = ngx_string("Journal"),
      .place = NGX_HTTP_MAGASIN_PLACE_VALUE,
      .statement = NGX_HTTP_MAGASIN_SQL_JOURNAL,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_journal_bind,
      .render = ngx_http_magasin_list_render,
      .spec = &ngx_http_magasin_journal_spec,
      .page = "cursor" },

    { .name = ngx_string("me"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/api/v1/me/"),
      .title = ngx_string("Identite"),
      .scope = "",
      .place = NGX_HTTP_MAGASIN_PLACE_NONE,
      .statement = NGX_HTTP_MAGASIN_SQL_COUNT,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_me_bind },

    { .name = ngx_string("cache_flush"),
      .method = NGX_HTTP_POST,
      .path = ngx_string("/api/v1/cache/flush/"),
      .title = ngx_string("Vidage Cache"),
      .scope = "admin",
      .statement = NGX_HTTP_MAGASIN_SQL_COUNT,
      .class = NGX_HTTP_MAGASIN_PG_WRITE,
      .bind = ngx_http_magasin_flush_bind,
      .touch = ngx_http_magasin_flush_touch },

    { .name = ngx_string("healthz"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/healthz"),
      .title = ngx_string("Healthz"),
      .place = NGX_HTTP_MAGASIN_PLACE_NONE,
      .open = 1,
      .statement = NGX_HTTP_MAGASIN_SQL_COUNT,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_healthz_bind },

    { .name = ngx_string("readyz"),
      .method = NGX_HTTP_GET,
      .path = ngx_string("/readyz"),
      .title = ngx_string("Readyz"),
      .place = NGX_HTTP_MAGASIN_PLACE_NONE,
      .open = 1,
      .statement = NGX_HTTP_MAGASIN_SQL_READYZ,
      .class = NGX_HTTP_MAGASIN_PG_READ,
      .bind = ngx_http_magasin_readyz_bind,
      .render = ngx_http_magasin_readyz_render,
      .failed = ngx_http_magasin_readyz_failed }
};


#define NGX_HTTP_MAGASIN_ENDPOINTS                                            \
    (sizeof(ngx_http_magasin_endpoints) / sizeof(ngx_http_magasin_endpoint_t))


/*
 * The metrics have room for that many paths; there are at most as many paths
 * as rows.
 */

#define NGX_HTTP_MAGASIN_ROUTES_FIT                                           \
    (NGX_HTTP_MAGASIN_ENDPOINTS < NGX_HTTP_MAGASIN_METRICS_ROUTES)

typedef char  ngx_http_magasin_routes_fit_t[NGX_HTTP_MAGASIN_ROUTES_FIT ? 1
                                                                        : -1];


/*
 * Groups the rows into routes.  The result belongs to the process; each
 * configuration repeats it with the same result.
 */

void
ngx_http_magasin_routes_init(void)
{
    static ngx_http_magasin_route_t  routes[NGX_HTTP_MAGASIN_ENDPOINTS];

    ngx_http_magasin_routes_gather(ngx_http_magasin_endpoints,
                                   NGX_HTTP_MAGASIN_ENDPOINTS, routes);
}
