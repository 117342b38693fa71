
/*
 * Lists that are paged by key: {"next", "results"}, an opaque cursor, and a
 * Link header (RFC 8288).  The cursor contains the keys of the last row.  So no
 * row is repeated or skipped when rows are inserted or deleted between two
 * pages.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_query.h"


#define NGX_HTTP_MAGASIN_LIST_LIMIT  50

/* Rows of a page above which its statement must not delay short ones. */
#define NGX_HTTP_MAGASIN_LIST_LONG  100


/* ctx->state */
typedef struct {
    ngx_uint_t   limit;
    ngx_str_t    cursor;        /* as the client sent it */
    ngx_uint_t   stream;        /* 1: there is always a next page */
    ngx_uint_t   keys;          /* index of the keys in the parameters */
} ngx_http_magasin_list_state_t;


static const ngx_http_magasin_member_t  ngx_http_magasin_list_limit[] = {
    { .name = "limit", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = 1000 },
    { .name = NULL }
};


static ngx_int_t ngx_http_magasin_list_all(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, int rows);
static ngx_int_t ngx_http_magasin_list_begin(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int rows,
    ngx_uint_t more);
static ngx_uint_t ngx_http_magasin_list_ends(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int row,
    int rows, ngx_uint_t first);
static ngx_int_t ngx_http_magasin_list_go_on(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int row,
    int last, ngx_uint_t first);
static ngx_int_t ngx_http_magasin_list_cursor(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int row,
    ngx_str_t *cursor);


/*
 * Read the parameters, the limit and the cursor.  All of them are checked
 * before the errors are answered.
 */

ngx_int_t
ngx_http_magasin_list_bind(ngx_http_magasin_ctx_t *ctx)
{
    u_char                              *p;
    ngx_int_t                            rc;
    ngx_str_t                           *cursor;
    ngx_uint_t                           n;
    const char                         **values, *limit;
    ngx_http_magasin_list_state_t       *state;
    const ngx_http_magasin_member_t     *param;
    const ngx_http_magasin_list_spec_t  *spec;

    spec = ctx->endpoint->spec;
    values = ctx->job.values;

    state = ngx_pcalloc(ctx->request->pool,
                        sizeof(ngx_http_magasin_list_state_t));
    p = ngx_pnalloc(ctx->request->pool, NGX_INT_T_LEN + 1);

    if (state == NULL || p == NULL) {
        return NGX_ERROR;
    }

    ctx->state = state;
    n = 0;

    for (param = spec->params; param->name; param++) {
        n++;
    }

    if (ngx_http_magasin_query_read(ctx, spec->params, values) != NGX_OK
        || ngx_http_magasin_query_read(ctx, ngx_http_magasin_list_limit,
                                       &limit)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    state->limit = NGX_HTTP_MAGASIN_LIST_LIMIT;

    if (limit) {
        state->limit = ngx_atoi((u_char *) limit, ngx_strlen(limit));
    }

    if (state->limit > NGX_HTTP_MAGASIN_LIST_LONG) {
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;
    }

    /* One row more than the limit shows whether there is a next page. */

    (void) ngx_sprintf(p, "%ui%Z", state->limit + 1);
    values[n++] = ctx->table ? NGX_HTTP_MAGASIN_TABLE_ROWS : (const char *) p;

    cursor = ngx_http_magasin_query_value(ctx->query, "cursor");

    if (cursor && cursor->len) {
        state->cursor = *cursor;

        rc = ngx_http_magasin_cursor_read(ctx->request->pool,
                                          &ctx->endpoint->name, spec, cursor,
                                          &values[n]);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            ngx_http_magasin_members_error(ctx, "cursor",
                                           "Curseur non valide.");
        }
    }

    state->keys = n;
    ctx->job.nvalues = n + spec->nkeys + (spec->pieces ? spec->nkeys : 0);

    return ngx_http_magasin_members_end(ctx);
}


/*
 * Call it after _list_bind().  `stream` is 1 if the list has no end: each page
 * has a next page then.
 */

void
ngx_http_magasin_list_stream(ngx_http_magasin_ctx_t *ctx, ngx_uint_t stream)
{
    ngx_http_magasin_list_state_t  *state;

    state = ctx->state;
    state->stream = stream;
}


/*
 * Render a page, or a piece of one.  Of a list of one thing the result has a
 * row without keys where the thing is there and has no rows; without any row
 * there is no such thing.
 *
 * Returns NGX_OK, also with a 404 in ctx; NGX_AGAIN if there is another piece;
 * NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_list_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                                  row, rows, total;
    ngx_int_t                            rc;
    ngx_uint_t                           first;
    ngx_http_magasin_json_t             *json;
    ngx_http_magasin_list_state_t       *state;
    const ngx_http_magasin_list_spec_t  *spec;

    spec = ctx->endpoint->spec;
    state = ctx->state;
    json = &ctx->json;

    first = (ctx->rows == 0);
    total = PQntuples(result);

    if (spec->what && first && total == 0) {
        rc = ngx_http_magasin_reply_missing(ctx, spec->what, &ctx->ids[0]);
        return rc == NGX_DONE ? NGX_OK : NGX_ERROR;
    }

    if (spec->what && total && PQgetisnull(result, 0, 0)) {
        total = 0;
    }

    if (ctx->table) {
        return ngx_http_magasin_list_all(ctx, result, total);
    }

    rows = total;

    if (first) {
        rows = ngx_min(rows, (int) state->limit);

        if (ngx_http_magasin_list_begin(ctx, spec, result, rows, total > rows)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    for (row = 0; row < rows; row++) {

        if (spec->pieces && PQgetisnull(result, row, (int) spec->nkeys)) {
            break;
        }

        ngx_http_magasin_row(json, spec->columns, result, row,
                             (int) spec->nkeys);
    }

    ngx_http_magasin_rows_valid(ctx, result, row);

    ctx->rows += row;

    if (!ngx_http_magasin_list_ends(ctx, spec, result, row, rows, first)) {
        rc = ngx_http_magasin_list_go_on(ctx, spec, result, row - 1, rows - 1,
                                         first);

        return rc == NGX_OK ? NGX_AGAIN : NGX_ERROR;
    }

    ngx_http_magasin_json_close(json, ']');
    ngx_http_magasin_json_close(json, '}');

    return NGX_OK;
}


/*
 * Render a piece of the list as a whole, from the first row, or from the cursor
 * of the request, to the last.  There is no page, and so no limit.
 */

static ngx_int_t
ngx_http_magasin_list_all(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    int rows)
{
    int                                  row;
    ngx_http_magasin_json_t             *json;
    const ngx_http_magasin_list_spec_t  *spec;

    spec = ctx->endpoint->spec;
    json = &ctx->json;

    if (ctx->rows == 0) {
        ngx_http_magasin_json_open(json, '[');
    }

    for (row = 0; row < rows; row++) {

        if (spec->pieces && PQgetisnull(result, row, (int) spec->nkeys)) {
            break;
        }

        ngx_http_magasin_row(json, spec->columns, result, row,
                             (int) spec->nkeys);
    }

    ctx->rows += row;

    if (row == 0
        || (row == rows && rows < atoi(NGX_HTTP_MAGASIN_TABLE_ROWS)))
    {
        ngx_http_magasin_json_close(json, ']');
        return NGX_OK;
    }

    /* A page of one piece: what is after it is not known. */

    return ngx_http_magasin_list_go_on(ctx, spec, result, row - 1, 0, 0)
           == NGX_OK
           ? NGX_AGAIN : NGX_ERROR;
}


/*
 * Write what precedes the rows.  The cursor in "next" depends on the last row;
 * `more`: there are rows after it.
 */

static ngx_int_t
ngx_http_magasin_list_begin(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int rows,
    ngx_uint_t more)
{
    ngx_str_t                       cursor;
    ngx_http_magasin_json_t        *json;
    ngx_http_magasin_list_state_t  *state;

    state = ctx->state;
    json = &ctx->json;

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "next");

    if (state->stream || more) {

        /*
         * The cursor after the last row.  For an empty page of a stream it is
         * the cursor of the request.
         */

        cursor = state->cursor;

        if (rows
            && ngx_http_magasin_list_cursor(ctx, spec, result, rows - 1,
                                            &cursor)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_http_magasin_link_add(ctx, &cursor, 1);

    } else {
        ngx_http_magasin_json_literal(json, "null", 4);
    }

    ngx_http_magasin_json_key(json, "results");
    ngx_http_magasin_json_open(json, '[');

    return NGX_OK;
}


/*
 * Returns 1 if the page is complete, else 0.  The first `row` of `rows` rows
 * were rendered.  The rows of a later piece end with the row that was the last
 * one when the page started; they may include rows that were inserted since.
 */

static ngx_uint_t
ngx_http_magasin_list_ends(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int row,
    int rows, ngx_uint_t first)
{
    ngx_uint_t                      i;
    ngx_http_magasin_list_state_t  *state;

    state = ctx->state;

    if (first) {
        return row == rows;
    }

    if (row == 0 || (row == rows && rows <= (int) state->limit)) {
        return 1;
    }

    for (i = 0; i < spec->nkeys; i++) {
        if (ngx_strcmp(PQgetvalue(result, row - 1, (int) i),
                       ctx->job.values[state->keys + spec->nkeys + i])
            != 0)
        {
            return 0;
        }
    }

    return 1;
}


/*
 * Set the keys so that the statement continues after `row`.  `last` is the last
 * row of the page; its keys are set with the `first` piece.  Returns NGX_OK, or
 * NGX_ERROR if no memory is left.
 */

static ngx_int_t
ngx_http_magasin_list_go_on(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int row,
    int last, ngx_uint_t first)
{
    ngx_uint_t                      i;
    const char                    **values;
    ngx_pool_t                     *pool;
    ngx_http_magasin_list_state_t  *state;

    state = ctx->state;
    pool = ctx->request->pool;
    values = &ctx->job.values[state->keys];

    for (i = 0; i < spec->nkeys; i++) {
        values[i] = ngx_http_magasin_column_copy(pool, result, row, (int) i);

        if (values[i] == NULL) {
            return NGX_ERROR;
        }
    }

    if (!first) {
        return NGX_OK;
    }

    for (i = 0; i < spec->nkeys; i++) {
        values[spec->nkeys + i] = ngx_http_magasin_column_copy(pool, result,
                                                               last, (int) i);

        if (values[spec->nkeys + i] == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_list_cursor(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int row,
    ngx_str_t *cursor)
{
    size_t       size;
    u_char      *text;
    ngx_str_t    keys[NGX_HTTP_MAGASIN_LIST_KEYS];
    ngx_uint_t   i;

    size = 0;

    for (i = 0; i < spec->nkeys; i++) {
        keys[i] = ngx_http_magasin_column(result, row, (int) i);
        size += keys[i].len;
    }

    size += NGX_HTTP_MAGASIN_CURSOR_EXTRA;

    text = ngx_pnalloc(ctx->request->pool, size);
    cursor->data = ngx_pnalloc(ctx->request->pool,
                               ngx_base64_encoded_length(size));

    if (text == NULL || cursor->data == NULL) {
        return NGX_ERROR;
    }

    ngx_http_magasin_cursor_write(&ctx->endpoint->name, keys, spec->nkeys,
                                  text, cursor);

    return NGX_OK;
}
