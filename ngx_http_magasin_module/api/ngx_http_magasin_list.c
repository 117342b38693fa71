
/*
 * Lists that are paged by key: {"next", "results"}, an opaque cursor, and a
 * Link header (RFC 8288).  The cursor contains the keys of the last row.  So no
 * row is repeated or skipped when rows are inserted or deleted between two
 * pages.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_text.h"


#define NGX_HTTP_MAGASIN_LIST_LIMIT  50

/* Rows of a page above which its statement must not delay short ones. */
#define NGX_HTTP_MAGASIN_LIST_LONG  100

/* The longest name in UTF-8, an id and a reserve, in base64. */
#define NGX_HTTP_MAGASIN_LIST_CURSOR  1024

#define NGX_HTTP_MAGASIN_LIST_CHECKSUM  4

/* More than the longest timestamp that PostgreSQL writes. */
#define NGX_HTTP_MAGASIN_LIST_INSTANT  64


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


static ngx_int_t ngx_http_magasin_list_begin(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int rows);
static ngx_uint_t ngx_http_magasin_list_ends(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int row,
    int rows, ngx_uint_t first);
static ngx_int_t ngx_http_magasin_list_go_on(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int row,
    int last, ngx_uint_t first);
static void ngx_http_magasin_list_checksum(ngx_str_t *name, u_char *keys,
    size_t len, u_char *checksum);
static ngx_uint_t ngx_http_magasin_list_key_valid(ngx_http_magasin_key_e type,
    ngx_str_t *key);
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
    values[n++] = (const char *) p;

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


ngx_int_t
ngx_http_magasin_list_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                                  row, rows;
    ngx_int_t                            rc;
    ngx_uint_t                           first;
    ngx_http_magasin_json_t             *json;
    ngx_http_magasin_list_state_t       *state;
    const ngx_http_magasin_list_spec_t  *spec;

    spec = ctx->endpoint->spec;
    state = ctx->state;
    json = &ctx->json;

    first = (ctx->rows == 0);
    rows = PQntuples(result);

    if (first) {
        rows = ngx_min(rows, (int) state->limit);

        if (ngx_http_magasin_list_begin(ctx, spec, result, rows) != NGX_OK) {
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
 * Write what precedes the rows.  The cursor in "next" depends on the last row.
 */

static ngx_int_t
ngx_http_magasin_list_begin(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_list_spec_t *spec, PGresult *result, int rows)
{
    ngx_str_t                       cursor;
    ngx_http_magasin_json_t        *json;
    ngx_http_magasin_list_state_t  *state;

    state = ctx->state;
    json = &ctx->json;

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "next");

    if (state->stream || PQntuples(result) > rows) {

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


/*
 * Read the keys from a cursor of the list `name`: base64url of a checksum and
 * of the texts of the keys, separated by 0x1F.  The keys are in the memory of
 * the pool.
 *
 * Returns NGX_OK; NGX_DECLINED if the cursor is damaged or belongs to another
 * list; NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_cursor_read(ngx_pool_t *pool, ngx_str_t *name,
    const ngx_http_magasin_list_spec_t *spec, ngx_str_t *cursor,
    const char **values)
{
    u_char      *p, *end, *stop, checksum[NGX_HTTP_MAGASIN_LIST_CHECKSUM];
    ngx_str_t    text, again, key;
    ngx_uint_t   i;

    if (cursor->len > NGX_HTTP_MAGASIN_LIST_CURSOR) {
        return NGX_DECLINED;
    }

    text.data = ngx_pnalloc(pool, ngx_base64_decoded_length(cursor->len) + 1);
    again.data = ngx_pnalloc(pool, ngx_base64_encoded_length(cursor->len));

    if (text.data == NULL || again.data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_decode_base64url(&text, cursor) != NGX_OK
        || text.len < sizeof(checksum))
    {
        return NGX_DECLINED;
    }

    /*
     * The decoder ignores excess bits at the end.  Accept only the exact
     * encoding that this file writes.
     */

    ngx_encode_base64url(&again, &text);

    if (again.len != cursor->len
        || ngx_memcmp(again.data, cursor->data, again.len) != 0)
    {
        return NGX_DECLINED;
    }

    p = text.data + sizeof(checksum);
    end = text.data + text.len;
    *end = '\0';

    ngx_http_magasin_list_checksum(name, p, end - p, checksum);

    if (ngx_memcmp(text.data, checksum, sizeof(checksum)) != 0) {
        return NGX_DECLINED;
    }

    for (i = 0; i < spec->nkeys; i++) {

        if (p > end) {
            return NGX_DECLINED;
        }

        /*
         * Only the first of two keys may be a text, which may contain any
         * character.
         */

        for (stop = end; i + 1 < spec->nkeys && stop > p; stop--) {
            if (*stop == '\x1f') {
                break;
            }
        }

        *stop = '\0';

        key.data = p;
        key.len = stop - p;

        if (!ngx_http_magasin_list_key_valid(spec->keys[i], &key)) {
            return NGX_DECLINED;
        }

        values[i] = (const char *) p;
        p = stop + 1;
    }

    return NGX_OK;
}


/*
 * CRC-32 of the name of the list and of the keys.  It detects damage, not
 * forgery: a forged cursor gives access to nothing more.
 */

static void
ngx_http_magasin_list_checksum(ngx_str_t *name, u_char *keys, size_t len,
    u_char *checksum)
{
    uint32_t  crc;

    ngx_crc32_init(crc);
    ngx_crc32_update(&crc, name->data, name->len);
    ngx_crc32_update(&crc, keys, len);
    ngx_crc32_final(crc);

    checksum[0] = (u_char) (crc >> 24);
    checksum[1] = (u_char) (crc >> 16);
    checksum[2] = (u_char) (crc >> 8);
    checksum[3] = (u_char) crc;
}


static ngx_uint_t
ngx_http_magasin_list_key_valid(ngx_http_magasin_key_e type, ngx_str_t *key)
{
    size_t       i;
    u_char       text[NGX_HTTP_MAGASIN_LIST_INSTANT], *p;
    static char  max[] = "9223372036854775807";

    switch (type) {

    case NGX_HTTP_MAGASIN_KEY_TEXT:
        return key->len && ngx_strlchr(key->data, key->data + key->len, '\0')
                           == NULL
               && ngx_http_magasin_text_valid(key);

    case NGX_HTTP_MAGASIN_KEY_INSTANT:

        /* "2026-11-24 08:26:01.734513+00": all sessions use UTC. */

        if (key->len < 4 || key->len >= sizeof(text)
            || ngx_memcmp(key->data + key->len - 3, "+00", 3) != 0)
        {
            return 0;
        }

        p = ngx_cpymem(text, key->data, key->len - 3);
        *p++ = 'Z';

        return text[10] == ' ' && ngx_http_magasin_instant_valid(text, p);

    default: /* NGX_HTTP_MAGASIN_KEY_INTEGER */
        break;
    }

    for (i = 0; i < key->len; i++) {
        if (key->data[i] < '0' || key->data[i] > '9') {
            return 0;
        }
    }

    return key->len
           && (key->len < sizeof(max) - 1
               || (key->len == sizeof(max) - 1
                   && ngx_memcmp(key->data, max, key->len) <= 0));
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


/*
 * Write a cursor of the list `name` to cursor->data.  `text` is scratch: it has
 * room for the keys and for NGX_HTTP_MAGASIN_CURSOR_EXTRA bytes, and
 * cursor->data has room for the base64 of these.
 */

void
ngx_http_magasin_cursor_write(ngx_str_t *name, ngx_str_t *keys,
    ngx_uint_t nkeys, u_char *text, ngx_str_t *cursor)
{
    u_char      *p, *first;
    ngx_str_t    bytes;
    ngx_uint_t   i;

    first = text + NGX_HTTP_MAGASIN_LIST_CHECKSUM;
    p = first;

    for (i = 0; i < nkeys; i++) {

        if (i) {
            *p++ = '\x1f';
        }

        p = ngx_cpymem(p, keys[i].data, keys[i].len);
    }

    ngx_http_magasin_list_checksum(name, first, p - first, text);

    bytes.data = text;
    bytes.len = p - text;

    ngx_encode_base64url(cursor, &bytes);
}
