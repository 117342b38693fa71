
/*
 * Cursors of lists, and their pages.  The first byte chooses the list, how
 * much of a page comes at once, and whether the rest is a query, with a cursor
 * in it perhaps, or the keys of a row, of which the cursor is made that has to
 * lead back to them.
 */


#include "../fuzz.h"
#include "ngx_http_magasin_rows.h"


/* Of a page. */
#define FUZZ_ROWS  3


static ngx_http_magasin_ctx_t *fuzz_cursor_ctx(ngx_pool_t *pool,
    ngx_uint_t list);
static const char **fuzz_cursor_keys(ngx_http_magasin_ctx_t *ctx);
static ngx_uint_t fuzz_cursor_next(ngx_http_magasin_ctx_t *ctx,
    const char **keys, int full, ngx_str_t *cursor);
static void fuzz_cursor_go_on(ngx_http_magasin_ctx_t *ctx, const char **keys,
    int full);
static json_t *fuzz_cursor_page(ngx_http_magasin_ctx_t *ctx,
    const char **keys, int full);
static PGresult *fuzz_cursor_rows(const ngx_http_magasin_list_spec_t *spec,
    const char **keys, int first, int full);
static void fuzz_cursor_row(const ngx_http_magasin_list_spec_t *spec,
    PGresult *result, const char **keys, int row, ngx_uint_t full);
static void fuzz_cursor_follow(ngx_pool_t *pool, ngx_uint_t list,
    const char **keys, ngx_str_t *cursor);


static const char *const  fuzz_cursor_paths[] = {
    "/api/v1/stores/",
    "/api/v1/products/",
    "/api/v1/stock/central/",
    "/api/v1/sales/",
    "/api/v1/replenishments/",
    "/api/v1/journal/"
};

#define FUZZ_LISTS  (sizeof(fuzz_cursor_paths) / sizeof(char *))

/* Keys of the rows before the one that the input has. */

static const char  *fuzz_cursor_before[] = { "avant", "1" };


void
fuzz_cursor(ngx_pool_t *pool, u_char *data, size_t size)
{
    int                                  full;
    char                                *p, *separator;
    ngx_int_t                            rc;
    ngx_str_t                            text, cursor, again;
    ngx_uint_t                           i, list;
    const char                          *keys[NGX_HTTP_MAGASIN_LIST_KEYS];
    ngx_http_magasin_ctx_t              *ctx;
    const ngx_http_magasin_list_spec_t  *spec;

    if (size == 0) {
        return;
    }

    list = data[0] / 2 % FUZZ_LISTS;
    full = 1 + data[0] / 2 / FUZZ_LISTS % FUZZ_ROWS;

    ctx = fuzz_cursor_ctx(pool, list);

    spec = ctx->endpoint->spec;

    text.data = data + 1;
    text.len = size - 1;

    if (data[0] & 1) {

        /*
         * Two keys at most; PostgreSQL's texts are UTF-8 without a NUL, and
         * the second one is a number: what separates them is not in it.
         */

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

        if (strchr(keys[1], '\x1f')) {
            return;
        }

        if (fuzz_cursor_next(ctx, keys, full, &cursor)) {
            fuzz_cursor_follow(pool, list, keys, &cursor);
        }

        return;
    }

    ctx->query = ngx_http_magasin_query_parse(pool, &text,
                                              NGX_HTTP_MAGASIN_QUERY_PAIRS);
    fuzz_assert(ctx->query);

    if (ctx->query->nelts > NGX_HTTP_MAGASIN_QUERY_PAIRS) {
        return;
    }

    rc = ctx->endpoint->bind(ctx);
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

    for (i = 0; i < spec->nkeys; i++) {
        keys[i] = fuzz_cursor_keys(ctx)[i];
        fuzz_assert(keys[i]);
    }

    ctx = fuzz_cursor_ctx(pool, list);

    fuzz_assert(fuzz_cursor_next(ctx, keys, full, &again));
    fuzz_assert(again.len == cursor.len
                && ngx_memcmp(again.data, cursor.data, cursor.len) == 0);
}


static ngx_http_magasin_ctx_t *
fuzz_cursor_ctx(ngx_pool_t *pool, ngx_uint_t list)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = fuzz_endpoint(pool, fuzz_cursor_paths[list], NGX_HTTP_GET);
    fuzz_assert(ctx->endpoint->spec && ctx->endpoint->render);

    return ctx;
}


/* After bind: the keys to go on after, among the parameters. */

static const char **
fuzz_cursor_keys(ngx_http_magasin_ctx_t *ctx)
{
    const ngx_http_magasin_list_spec_t  *spec;

    spec = ctx->endpoint->spec;

    return ctx->job.values + ctx->job.nvalues
           - spec->nkeys * (spec->pieces ? 2 : 1);
}


/*
 * The cursor behind a page whose last row has these keys, of which the first
 * `full` rows come at once; 0: the list did not begin.
 */

static ngx_uint_t
fuzz_cursor_next(ngx_http_magasin_ctx_t *ctx, const char **keys, int full,
    ngx_str_t *cursor)
{
    json_t       *root;
    ngx_str_t     text, *value;
    ngx_array_t  *pairs;
    const char   *next, *query;

    if (ctx->endpoint->bind(ctx) != NGX_OK) {
        return 0;
    }

    ngx_http_magasin_list_stream(ctx, 1);

    root = fuzz_cursor_page(ctx, keys, full);
    next = json_string_value(json_object_get(root, "next"));
    fuzz_assert(next);

    /* The header has the same. */

    fuzz_assert(ctx->link.len
                == ngx_strlen(next) + sizeof("<>; rel=\"next\"") - 1);
    fuzz_assert(ngx_memcmp(ctx->link.data + 1, next, ngx_strlen(next)) == 0);

    query = strchr(next, '?');
    fuzz_assert(query);

    /* The pairs are in this text. */

    text.len = ngx_strlen(query + 1);
    text.data = (u_char *) query + 1;
    text.data = ngx_pstrdup(ctx->request->pool, &text);
    fuzz_assert(text.data);

    pairs = ngx_http_magasin_query_parse(ctx->request->pool, &text,
                                         NGX_HTTP_MAGASIN_QUERY_PAIRS);
    fuzz_assert(pairs);

    value = ngx_http_magasin_query_value(pairs, "cursor");
    fuzz_assert(value);

    *cursor = *value;
    json_decref(root);

    return 1;
}


/* The page, whole or in two pieces of which the first has left already. */

static json_t *
fuzz_cursor_page(ngx_http_magasin_ctx_t *ctx, const char **keys, int full)
{
    u_char                              *p, *text;
    json_t                              *root;
    size_t                               size;
    PGresult                            *result;
    ngx_int_t                            rc;
    const ngx_http_magasin_list_spec_t  *spec;

    spec = ctx->endpoint->spec;

    if (!spec->pieces) {
        full = FUZZ_ROWS;
    }

    result = fuzz_cursor_rows(spec, keys, 0, full);
    rc = ctx->endpoint->render(ctx, result);
    PQclear(result);

    fuzz_assert(rc == (full < FUZZ_ROWS ? NGX_AGAIN : NGX_OK));
    fuzz_assert(ctx->nlinks == 1 && ctx->links[0].header);

    ctx->answer = rc == NGX_OK ? NGX_HTTP_MAGASIN_ANSWER_WHOLE
                               : NGX_HTTP_MAGASIN_ANSWER_OPEN;

    fuzz_links(ctx);

    fuzz_assert((ctx->etag.len != 0) == (rc == NGX_OK));

    size = ctx->json.size;
    text = malloc(size);
    fuzz_assert(text);

    p = fuzz_bytes(text, &ctx->json);

    if (rc == NGX_AGAIN) {
        fuzz_cursor_go_on(ctx, keys, full);

        size += ctx->json.size;
        text = realloc(text, size);
        fuzz_assert(text);

        p = fuzz_bytes(text + size - ctx->json.size, &ctx->json);
    }

    fuzz_assert(p == text + size);

    root = fuzz_parse((char *) text, size);
    fuzz_assert(json_array_size(json_object_get(root, "results"))
                == FUZZ_ROWS);

    free(text);

    return root;
}


/* The rest of the page, by the keys that the first piece has left. */

static void
fuzz_cursor_go_on(ngx_http_magasin_ctx_t *ctx, const char **keys, int full)
{
    PGresult                             *result;
    ngx_uint_t                            i;
    const char                          **after;
    const ngx_http_magasin_list_spec_t   *spec;

    spec = ctx->endpoint->spec;
    after = fuzz_cursor_keys(ctx);

    for (i = 0; i < spec->nkeys; i++) {
        fuzz_assert(ngx_strcmp(after[i], fuzz_cursor_before[i]) == 0);
        fuzz_assert(ngx_strcmp(after[spec->nkeys + i], keys[i]) == 0);
    }

    ngx_http_magasin_json_reset(&ctx->json);

    result = fuzz_cursor_rows(spec, keys, full, FUZZ_ROWS);
    fuzz_assert(ctx->endpoint->render(ctx, result) == NGX_OK);
    PQclear(result);

    fuzz_assert(ctx->nlinks == 0);
}


/* The rows from `first` on; those from `full` on have their keys alone. */

static PGresult *
fuzz_cursor_rows(const ngx_http_magasin_list_spec_t *spec, const char **keys,
    int first, int full)
{
    int            i, n;
    PGresult      *result;
    PGresAttDesc   columns[32];
    static char    name[] = "c";

    for (n = 0; spec->columns[n].name; n++) {
        /* void */
    }

    n += (int) spec->nkeys;
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

    for (i = first; i < FUZZ_ROWS; i++) {
        fuzz_cursor_row(spec, result,
                        i == FUZZ_ROWS - 1 ? keys : fuzz_cursor_before,
                        i - first, i < full);
    }

    return result;
}


/* Text in each column, that is JSON, too. */

static void
fuzz_cursor_row(const ngx_http_magasin_list_spec_t *spec, PGresult *result,
    const char **keys, int row, ngx_uint_t full)
{
    int          i, nkeys;
    static char  value[] = "{}";

    nkeys = (int) spec->nkeys;

    for (i = 0; i < nkeys; i++) {
        fuzz_assert(PQsetvalue(result, row, i, (char *) keys[i],
                               (int) ngx_strlen(keys[i])));
    }

    for ( /* void */ ; i < PQnfields(result); i++) {
        fuzz_assert(PQsetvalue(result, row, i, full ? value : NULL,
                               full ? 2 : -1));
    }
}


/* Who follows it comes back to these keys, if they were valid at all. */

static void
fuzz_cursor_follow(ngx_pool_t *pool, ngx_uint_t list, const char **keys,
    ngx_str_t *cursor)
{
    ngx_int_t                             rc;
    ngx_uint_t                            i;
    ngx_http_magasin_ctx_t               *ctx;
    ngx_http_magasin_pair_t              *pair;
    const ngx_http_magasin_list_spec_t   *spec;

    ctx = fuzz_cursor_ctx(pool, list);

    pair = ngx_array_push(ctx->query);
    fuzz_assert(pair);

    ngx_str_set(&pair->name, "cursor");
    pair->value = *cursor;

    rc = ctx->endpoint->bind(ctx);
    fuzz_errors(ctx, rc);

    if (rc != NGX_OK) {
        return;
    }

    spec = ctx->endpoint->spec;

    for (i = 0; i < spec->nkeys; i++) {
        fuzz_assert(ngx_strcmp(fuzz_cursor_keys(ctx)[i], keys[i]) == 0);
    }
}
