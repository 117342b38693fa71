
/*
 * GET /api/v1/dashboard/: one object for each store.  With detail=true an
 * object also has the id of the store, and the content of the sentence
 * "tendances" as members.
 *
 * The object of a store is a fragment of the cache, under the tags of that
 * store.  A statement lists the stores; another one reads those whose fragment
 * is not there, which after a sale is one store.  The products that share a
 * name are a fragment, too: to find them takes a look at all products.
 */


#include "ngx_http_magasin_api.h"
#include "ngx_http_magasin_members.h"


/* Columns of sql/statements/dashboard_stores.sql. */
enum {
    DASHBOARD_ID = 0,
    DASHBOARD_MAGASIN,
    DASHBOARD_CHIFFRE_AFFAIRES,
    DASHBOARD_RUPTURES,
    DASHBOARD_SURSTOCK,
    DASHBOARD_TENDANCES,
    DASHBOARD_VALIDITE,
    DASHBOARD_VENTES,
    DASHBOARD_HOMONYMES
};


/* Parameters of sql/statements/dashboard.sql. */
enum {
    DASHBOARD_AFTER = 0,
    DASHBOARD_STORES,
    DASHBOARD_DETAIL,
    DASHBOARD_VALUES
};


/* Parameters of sql/statements/dashboard_stores.sql. */
enum {
    DASHBOARD_SOME_IDS = 0,
    DASHBOARD_SOME_DETAIL,
    DASHBOARD_SOME_SAME,
    DASHBOARD_SOME_VALUES
};


/* How many stores are looked up in one turn of the event loop, and how many
 * one statement reads at most. */
#define NGX_HTTP_MAGASIN_DASHBOARD_STORES  "1000"
#define NGX_HTTP_MAGASIN_DASHBOARD_SOME    50


typedef struct {
    int64_t                             id;
    ngx_str_t                           text;       /* data NULL: not there */
    ngx_http_magasin_cache_fragment_t  *fragment;   /* NULL: not cached */
} ngx_http_magasin_dashboard_store_t;


typedef struct {
    ngx_http_magasin_dashboard_store_t
                             *stores;
    ngx_uint_t                nstores;
    ngx_uint_t                asked;        /* stores before this one are here,
                                               or exist no more */
    ngx_uint_t                more;         /* 1: there may be others */
    const char               *detail;
    const char               *homonymes;    /* NULL: not looked for yet */
    ngx_http_magasin_cache_fragment_t
                             *same;         /* these; NULL: not cached */
    ngx_http_magasin_json_t   json;         /* of one store */
} ngx_http_magasin_dashboard_t;


static ngx_int_t ngx_http_magasin_dashboard_list(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard, PGresult *result);
static ngx_int_t ngx_http_magasin_dashboard_same(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard);
static ngx_int_t ngx_http_magasin_dashboard_find(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard,
    ngx_http_magasin_dashboard_store_t *store);
static ngx_int_t ngx_http_magasin_dashboard_some(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard, PGresult *result);
static ngx_int_t ngx_http_magasin_dashboard_ask(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard);
static ngx_int_t ngx_http_magasin_dashboard_join(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard);
static void ngx_http_magasin_dashboard_store(ngx_http_magasin_json_t *json,
    PGresult *result, int row, ngx_uint_t detail);
static void ngx_http_magasin_dashboard_detail(ngx_http_magasin_json_t *json,
    PGresult *result, int row);
static ngx_int_t ngx_http_magasin_dashboard_text(ngx_http_magasin_json_t *json,
    ngx_pool_t *pool, ngx_str_t *text);


static const ngx_http_magasin_member_t  ngx_http_magasin_dashboard_params[] = {
    { .name = "detail", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    { .name = NULL }
};


ngx_int_t
ngx_http_magasin_dashboard_bind(ngx_http_magasin_ctx_t *ctx)
{
    const char  **values;

    values = ctx->job.values;

    if (ngx_http_magasin_query_read(ctx, ngx_http_magasin_dashboard_params,
                                    &values[DASHBOARD_DETAIL])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* "detail=false" is the same as no parameter. */

    if (values[DASHBOARD_DETAIL] && *values[DASHBOARD_DETAIL] != 't') {
        values[DASHBOARD_DETAIL] = NULL;
    }

    values[DASHBOARD_AFTER] = "0";
    values[DASHBOARD_STORES] = NGX_HTTP_MAGASIN_DASHBOARD_STORES;
    ctx->job.nvalues = DASHBOARD_VALUES;

    return ngx_http_magasin_members_end(ctx);
}


ngx_int_t
ngx_http_magasin_dashboard_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    ngx_int_t                      rc;
    ngx_http_magasin_dashboard_t  *dashboard;

    dashboard = ctx->state;

    if (dashboard == NULL) {
        dashboard = ngx_pcalloc(ctx->request->pool,
                                sizeof(ngx_http_magasin_dashboard_t));
        if (dashboard == NULL) {
            return NGX_ERROR;
        }

        dashboard->detail = ctx->job.values[DASHBOARD_DETAIL];
        ngx_http_magasin_json_init(&dashboard->json, ctx->request->pool);
        ngx_http_magasin_json_open(&ctx->json, '[');

        ctx->state = dashboard;
    }

    if (ctx->job.statement == NGX_HTTP_MAGASIN_SQL_DASHBOARD) {
        rc = ngx_http_magasin_dashboard_list(ctx, dashboard, result);

    } else {
        rc = ngx_http_magasin_dashboard_some(ctx, dashboard, result);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_magasin_dashboard_ask(ctx, dashboard);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_magasin_dashboard_join(ctx, dashboard);
    }

    return rc;
}


/* A list of stores: look for their fragments.  NGX_OK or NGX_ERROR. */

static ngx_int_t
ngx_http_magasin_dashboard_list(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard, PGresult *result)
{
    ngx_uint_t                           i, n;
    ngx_http_magasin_dashboard_store_t  *store;

    n = PQntuples(result);

    /* Names may have changed since the list before, and these generations are
     * captured now. */

    dashboard->homonymes = NULL;
    dashboard->nstores = n;
    dashboard->asked = 0;
    dashboard->more = n
                      == (ngx_uint_t) atoi(NGX_HTTP_MAGASIN_DASHBOARD_STORES);

    dashboard->stores = ngx_pcalloc(ctx->request->pool,
                    (n + 1) * sizeof(ngx_http_magasin_dashboard_store_t));
    if (dashboard->stores == NULL) {
        return NGX_ERROR;
    }

    if (ctx->cached
        && ngx_http_magasin_dashboard_same(ctx, dashboard) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        store = &dashboard->stores[i];
        store->id = ngx_http_magasin_tag_id(PQgetvalue(result, i, 0));

        if (ctx->cached
            && ngx_http_magasin_dashboard_find(ctx, dashboard, store)
               == NGX_ERROR)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Look for the products whose names are those of others, as the statement has
 * found them before.  NGX_OK; NGX_DECLINED: they are not there; NGX_ERROR: no
 * memory.
 */

static ngx_int_t
ngx_http_magasin_dashboard_same(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard)
{
    ngx_int_t   rc;
    ngx_str_t   text;
    ngx_msec_t  valid_for;

    static ngx_str_t  key = ngx_string("dashboard/homonymes");

    dashboard->same = ngx_http_magasin_cache_fragment_create(ctx->cached,
                                                             &key);
    if (dashboard->same == NULL) {
        return NGX_ERROR;
    }

    ngx_http_magasin_cache_fragment_tag(dashboard->same,
                                        NGX_HTTP_MAGASIN_TAG_NOMS, 0, 0);

    rc = ngx_http_magasin_cache_fragment_find(dashboard->same, &text,
                                              &valid_for);
    if (rc != NGX_OK) {
        return rc;
    }

    dashboard->homonymes = (const char *)
                           ngx_http_magasin_value_copy(ctx->request->pool,
                                                       &text);

    return dashboard->homonymes ? NGX_OK : NGX_ERROR;
}


/*
 * Look for the fragment of a store.  It has the name of the store (MAGASIN),
 * its stock (STOCK), its sales (VENTES) and names of products (NOMS).
 */

static ngx_int_t
ngx_http_magasin_dashboard_find(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard,
    ngx_http_magasin_dashboard_store_t *store)
{
    ngx_int_t   rc;
    ngx_str_t   key;
    ngx_msec_t  valid_for;

    key.data = ngx_pnalloc(ctx->request->pool,
                           sizeof("dashboard/detail/") + NGX_INT64_LEN);
    if (key.data == NULL) {
        return NGX_ERROR;
    }

    key.len = ngx_sprintf(key.data, "dashboard/%s/%L",
                          dashboard->detail ? "detail" : "", store->id)
              - key.data;

    store->fragment = ngx_http_magasin_cache_fragment_create(ctx->cached,
                                                             &key);
    if (store->fragment == NULL) {
        return NGX_ERROR;
    }

    ngx_http_magasin_cache_fragment_tag(store->fragment,
                                        NGX_HTTP_MAGASIN_TAG_MAGASIN,
                                        store->id, 0);
    ngx_http_magasin_cache_fragment_tag(store->fragment,
                                        NGX_HTTP_MAGASIN_TAG_STOCK,
                                        store->id, 0);
    ngx_http_magasin_cache_fragment_tag(store->fragment,
                                        NGX_HTTP_MAGASIN_TAG_VENTES,
                                        store->id, 0);
    ngx_http_magasin_cache_fragment_tag(store->fragment,
                                        NGX_HTTP_MAGASIN_TAG_NOMS, 0, 0);

    rc = ngx_http_magasin_cache_fragment_find(store->fragment, &store->text,
                                              &valid_for);

    if (rc == NGX_OK && valid_for) {
        ngx_http_magasin_valid_for(ctx, valid_for - 1);
    }

    return rc;
}


/*
 * Rows of stores whose fragments were not there; both are in the order of ids.
 * A store that was deleted meanwhile has none.  NGX_OK or NGX_ERROR.
 */

static ngx_int_t
ngx_http_magasin_dashboard_some(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard, PGresult *result)
{
    int                                  row;
    int64_t                              id;
    ngx_str_t                            text;
    ngx_msec_t                           valid_for;
    ngx_pool_t                          *pool;
    ngx_http_magasin_dashboard_store_t  *store;

    pool = ctx->request->pool;
    store = dashboard->stores;

    if (PQntuples(result) && dashboard->homonymes == NULL) {
        dashboard->homonymes = ngx_http_magasin_column_copy(pool, result, 0,
                                                       DASHBOARD_HOMONYMES);
        if (dashboard->homonymes == NULL) {
            return NGX_ERROR;
        }

        if (dashboard->same) {
            text.data = (u_char *) dashboard->homonymes;
            text.len = ngx_strlen(text.data);

            ngx_http_magasin_cache_fragment_store(dashboard->same, &text, 0);
        }
    }

    for (row = 0; row < PQntuples(result); row++) {
        id = ngx_http_magasin_tag_id(PQgetvalue(result, row, DASHBOARD_ID));

        while (store < &dashboard->stores[dashboard->asked]
               && store->id != id)
        {
            store++;
        }

        if (store == &dashboard->stores[dashboard->asked]) {
            return NGX_ERROR;
        }

        ngx_http_magasin_dashboard_store(&dashboard->json, result, row,
                                         dashboard->detail != NULL);

        if (ngx_http_magasin_dashboard_text(&dashboard->json, pool,
                                            &store->text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        valid_for = 0;

        if (!PQgetisnull(result, row, DASHBOARD_VALIDITE)) {
            valid_for = strtoull(PQgetvalue(result, row, DASHBOARD_VALIDITE),
                                 NULL, 10);

            ngx_http_magasin_valid_for(ctx, valid_for);
            valid_for++;
        }

        if (store->fragment) {
            ngx_http_magasin_cache_fragment_store(store->fragment,
                                                  &store->text, valid_for);
        }
    }

    return NGX_OK;
}


/*
 * Go on with the next stores that are not there: NGX_AGAIN.  NGX_OK: all are.
 * NGX_ERROR: no memory.
 */

static ngx_int_t
ngx_http_magasin_dashboard_ask(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard)
{
    u_char                              *p, *ids;
    ngx_uint_t                           n;
    ngx_http_magasin_dashboard_store_t  *store;

    ids = NULL;
    p = NULL;
    n = 0;

    while (dashboard->asked < dashboard->nstores
           && n < NGX_HTTP_MAGASIN_DASHBOARD_SOME)
    {
        store = &dashboard->stores[dashboard->asked++];

        if (store->text.data) {
            continue;
        }

        if (ids == NULL) {
            ids = ngx_pnalloc(ctx->request->pool,
                              NGX_HTTP_MAGASIN_DASHBOARD_SOME
                              * (NGX_INT64_LEN + 1) + sizeof("{}"));
            if (ids == NULL) {
                return NGX_ERROR;
            }

            p = ids;
        }

        p = ngx_sprintf(p, "%c%L", n++ ? ',' : '{', store->id);
    }

    if (n == 0) {
        return NGX_OK;
    }

    (void) ngx_sprintf(p, "}%Z");

    ctx->job.statement = NGX_HTTP_MAGASIN_SQL_DASHBOARD_STORES;
    ctx->job.values[DASHBOARD_SOME_IDS] = (const char *) ids;
    ctx->job.values[DASHBOARD_SOME_DETAIL] = dashboard->detail;
    ctx->job.values[DASHBOARD_SOME_SAME] = dashboard->homonymes;
    ctx->job.nvalues = DASHBOARD_SOME_VALUES;

    return NGX_AGAIN;
}


/* Render the stores of a list, and go on with those after them. */

static ngx_int_t
ngx_http_magasin_dashboard_join(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_dashboard_t *dashboard)
{
    u_char                              *after;
    ngx_uint_t                           i;
    ngx_http_magasin_dashboard_store_t  *store;

    for (i = 0; i < dashboard->nstores; i++) {
        store = &dashboard->stores[i];

        if (store->text.data) {
            ngx_http_magasin_json_literal(&ctx->json, store->text.data,
                                          store->text.len);
            ctx->rows++;
        }
    }

    if (!dashboard->more) {
        ngx_http_magasin_json_close(&ctx->json, ']');
        return NGX_OK;
    }

    after = ngx_pnalloc(ctx->request->pool, NGX_INT64_LEN + 1);
    if (after == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(after, "%L%Z",
                       dashboard->stores[dashboard->nstores - 1].id);

    ctx->job.statement = NGX_HTTP_MAGASIN_SQL_DASHBOARD;
    ctx->job.values[DASHBOARD_AFTER] = (const char *) after;
    ctx->job.values[DASHBOARD_STORES] = NGX_HTTP_MAGASIN_DASHBOARD_STORES;
    ctx->job.values[DASHBOARD_DETAIL] = dashboard->detail;
    ctx->job.nvalues = DASHBOARD_VALUES;

    return NGX_AGAIN;
}


/* Write the object of one store in the place of the one before. */

static void
ngx_http_magasin_dashboard_store(ngx_http_magasin_json_t *json,
    PGresult *result, int row, ngx_uint_t detail)
{
    ngx_http_magasin_json_reset(json);
    json->comma = 0;

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "magasin");
    ngx_http_magasin_column_text(json, result, row, DASHBOARD_MAGASIN);
    ngx_http_magasin_json_key(json, "chiffre_affaires");
    ngx_http_magasin_column_text(json, result, row,
                                 DASHBOARD_CHIFFRE_AFFAIRES);
    ngx_http_magasin_json_key(json, "ruptures");
    ngx_http_magasin_column_number(json, result, row, DASHBOARD_RUPTURES);
    ngx_http_magasin_json_key(json, "surstock");
    ngx_http_magasin_column_number(json, result, row, DASHBOARD_SURSTOCK);
    ngx_http_magasin_json_key(json, "tendances");
    ngx_http_magasin_column_text(json, result, row, DASHBOARD_TENDANCES);

    if (detail) {
        ngx_http_magasin_dashboard_detail(json, result, row);
    }

    ngx_http_magasin_json_close(json, '}');
}


static void
ngx_http_magasin_dashboard_detail(ngx_http_magasin_json_t *json,
    PGresult *result, int row)
{
    ngx_str_t  text;

    ngx_http_magasin_json_key(json, "magasin_id");
    ngx_http_magasin_column_number(json, result, row, DASHBOARD_ID);
    ngx_http_magasin_json_key(json, "meilleures_ventes");

    text = ngx_http_magasin_column(result, row, DASHBOARD_VENTES);
    ngx_http_magasin_json_literal(json, (const char *) text.data, text.len);
}


/* Copy what was written to one text of the pool.  NGX_OK or NGX_ERROR. */

static ngx_int_t
ngx_http_magasin_dashboard_text(ngx_http_magasin_json_t *json,
    ngx_pool_t *pool, ngx_str_t *text)
{
    u_char       *p;
    ngx_chain_t  *cl;

    if (json->failed) {
        return NGX_ERROR;
    }

    text->len = json->size;
    text->data = ngx_pnalloc(pool, json->size);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = text->data;

    for (cl = json->first; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    return NGX_OK;
}
