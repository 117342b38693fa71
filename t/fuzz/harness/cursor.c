
/*
 * Cursors of lists.  The first byte chooses the list and whether the rest is
 * a query, with a cursor in it perhaps, or the keys of a row, of which the
 * cursor is made that has to lead back to them.
 */


#include "../fuzz.h"
#include "api/ngx_http_magasin_rows.h"


static ngx_http_magasin_ctx_t *fuzz_cursor_ctx(ngx_pool_t *pool,
    const char *path);
static ngx_uint_t fuzz_cursor_next(ngx_http_magasin_ctx_t *ctx,
    const char **keys, ngx_str_t *cursor);
static PGresult *fuzz_cursor_rows(
    const ngx_http_magasin_list_spec_t *spec, const char **keys);
static void fuzz_cursor_follow(ngx_pool_t *pool, const char *path,
    const char **keys, ngx_str_t *cursor);


static const char *const  fuzz_cursor_paths[] = {
    "/api/v1/stores/",
    "/api/v1/products/",
    "/api/v1/stock/central/",
    "/api/v1/sales/",
    "/api/v1/replenishments/",
    "/api/v1/journal/"
};


void
fuzz_cursor(ngx_pool_t *pool, u_char *data, size_t size)
{
    char                                *p, *separator;
    size_t                               n;
    ngx_int_t                            rc;
    ngx_str_t                            text, cursor, again;
    const char                          *path, *keys[4], **last;
    ngx_http_magasin_ctx_t              *ctx;
    const ngx_http_magasin_list_spec_t  *spec;

    if (size == 0) {
        return;
    }

    path = fuzz_cursor_paths[data[0] / 2 % (sizeof(fuzz_cursor_paths)
                                            / sizeof(char *))];

    ctx = fuzz_cursor_ctx(pool, path);

    if (ctx == NULL) {
        return;
    }

    spec = ctx->endpoint->spec;

    text.data = data + 1;
    text.len = size - 1;

    if (data[0] & 1) {

        /* Two keys at most; PostgreSQL's texts are UTF-8 without a NUL. */

        fuzz_assert(ngx_http_magasin_text_repair(pool, &text) == NGX_OK);

        p = (char *) ngx_http_magasin_value_copy(pool, &text);
        fuzz_assert(p);

        separator = strchr(p, '\n');
        keys[0] = p;
        keys[1] = "";

        if (separator) {
            *separator = '\0';
            keys[1] = separator + 1;
        }

        if (fuzz_cursor_next(ctx, keys, &cursor)) {
            fuzz_cursor_follow(pool, path, keys, &cursor);
        }

        return;
    }

    ctx->query = ngx_http_magasin_query_parse(pool, &text);
    fuzz_assert(ctx->query);

    if (ctx->query->nelts > NGX_HTTP_MAGASIN_QUERY_PAIRS) {
        return;
    }

    rc = ngx_http_magasin_list_bind(ctx);
    fuzz_errors(ctx, rc);

    if (rc != NGX_OK
        || ngx_http_magasin_query_value(ctx->query, "cursor") == NULL)
    {
        return;
    }

    cursor = *ngx_http_magasin_query_value(ctx->query, "cursor");

    if (cursor.len == 0) {
        return;
    }

    /* It was taken: its keys have no other cursor. */

    last = ctx->job.values + ctx->job.nvalues - spec->nkeys;

    for (n = 0; n < spec->nkeys; n++) {
        fuzz_assert(last[n]);
        keys[n] = last[n];
    }

    ctx = fuzz_cursor_ctx(pool, path);

    fuzz_assert(fuzz_cursor_next(ctx, keys, &again));
    fuzz_assert(again.len == cursor.len
                && ngx_memcmp(again.data, cursor.data, cursor.len) == 0);
}


/* NULL: the version under test has no such list. */

static ngx_http_magasin_ctx_t *
fuzz_cursor_ctx(ngx_pool_t *pool, const char *path)
{
    ngx_http_request_t      *r;
    ngx_http_magasin_ctx_t  *ctx;

    r = fuzz_request(pool);

    r->uri.data = (u_char *) path;
    r->uri.len = ngx_strlen(path);

    ctx = ngx_http_magasin_ctx(r);
    fuzz_assert(ctx);

    ngx_http_magasin_json_init(&ctx->json, pool);

    ctx->route = ngx_http_magasin_route_find(pool, &r->uri, ctx->ids);

    if (ctx->route == NULL) {
        return NULL;
    }

    ctx->endpoint = ngx_http_magasin_route_method(ctx->route, NGX_HTTP_GET);
    ctx->query = ngx_array_create(pool, 1, sizeof(ngx_http_magasin_pair_t));
    fuzz_assert(ctx->query);

    return ctx->endpoint && ctx->endpoint->bind == ngx_http_magasin_list_bind
           ? ctx : NULL;
}


/* The cursor behind a row with these keys; 0: the list did not begin. */

static ngx_uint_t
fuzz_cursor_next(ngx_http_magasin_ctx_t *ctx, const char **keys,
    ngx_str_t *cursor)
{
    json_t       *root;
    PGresult     *result;
    ngx_str_t     text, *value;
    ngx_array_t  *pairs;
    const char   *next, *query;

    if (ngx_http_magasin_list_bind(ctx) != NGX_OK) {
        return 0;
    }

    ngx_http_magasin_list_stream(ctx, 1);

    result = fuzz_cursor_rows(ctx->endpoint->spec, keys);

    fuzz_assert(ngx_http_magasin_list_render(ctx, result) == NGX_OK);

    PQclear(result);

    root = fuzz_json(&ctx->json);
    next = json_string_value(json_object_get(root, "next"));
    fuzz_assert(next);

    query = strchr(next, '?');
    fuzz_assert(query);

    text.data = (u_char *) query + 1;
    text.len = ngx_strlen(text.data);

    pairs = ngx_http_magasin_query_parse(ctx->request->pool, &text);
    fuzz_assert(pairs);

    value = ngx_http_magasin_query_value(pairs, "cursor");
    fuzz_assert(value);

    *cursor = *value;
    json_decref(root);

    return 1;
}


/* One row, with a text in each column. */

static PGresult *
fuzz_cursor_rows(const ngx_http_magasin_list_spec_t *spec, const char **keys)
{
    int               i, n;
    char              value[3];
    PGresult         *result;
    PGresAttDesc      columns[32];
    static char       name[] = "c";

    for (n = 0; spec->columns[n].name; n++) {
        /* void */
    }

    n += (int) spec->nkeys + (n == 0);
    fuzz_assert(n <= 32);

    ngx_memzero(columns, sizeof(columns));

    for (i = 0; i < n; i++) {
        columns[i].name = name;
        columns[i].typid = 25;
        columns[i].typlen = -1;
        columns[i].atttypmod = -1;
    }

    result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    fuzz_assert(result && PQsetResultAttrs(result, n, columns));

    (void) ngx_cpystrn((u_char *) value, (u_char *) "{}", sizeof(value));

    for (i = 0; i < n; i++) {
        fuzz_assert(PQsetvalue(result, 0, i,
                               i < (int) spec->nkeys ? (char *) keys[i]
                                                     : value,
                               i < (int) spec->nkeys
                               ? (int) ngx_strlen(keys[i]) : 2));
    }

    return result;
}


/* Who follows it comes back to these keys, if they were valid at all. */

static void
fuzz_cursor_follow(ngx_pool_t *pool, const char *path, const char **keys,
    ngx_str_t *cursor)
{
    ngx_int_t                            rc;
    ngx_uint_t                           i;
    const char                         **last;
    ngx_http_magasin_ctx_t              *ctx;
    ngx_http_magasin_pair_t             *pair;
    const ngx_http_magasin_list_spec_t  *spec;

    ctx = fuzz_cursor_ctx(pool, path);

    pair = ngx_array_push(ctx->query);
    fuzz_assert(pair);

    ngx_str_set(&pair->name, "cursor");
    pair->value = *cursor;

    rc = ngx_http_magasin_list_bind(ctx);
    fuzz_errors(ctx, rc);

    if (rc != NGX_OK) {
        return;
    }

    spec = ctx->endpoint->spec;
    last = ctx->job.values + ctx->job.nvalues - spec->nkeys;

    for (i = 0; i < spec->nkeys; i++) {
        fuzz_assert(ngx_strcmp(last[i], keys[i]) == 0);
    }
}
