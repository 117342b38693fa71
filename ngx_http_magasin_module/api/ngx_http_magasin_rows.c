
#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"


/* Columns of all statements that write: the fields of the type reponse. */
enum {
    WRITTEN_STATUT = 0,
    WRITTEN_EMPLACEMENT,
    WRITTEN_ETAG,
    WRITTEN_DETAIL,
    WRITTEN_CORPS
};


static ngx_int_t ngx_http_magasin_written_error(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status, ngx_str_t *detail, ngx_str_t *body);
static ngx_int_t ngx_http_magasin_written_copy(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, int column, ngx_str_t *text);


/*
 * Write one row as an object, starting with the column number `column`.  SQL
 * NULL is written as null.
 */

void
ngx_http_magasin_row(ngx_http_magasin_json_t *json,
    const ngx_http_magasin_column_t *columns, PGresult *result, int row,
    int column)
{
    if (columns->type == NGX_HTTP_MAGASIN_COLUMN_OBJECT) {
        ngx_http_magasin_column_number(json, result, row, column);
        return;
    }

    ngx_http_magasin_json_open(json, '{');

    for ( /* void */ ; columns->name; columns++, column++) {

        ngx_http_magasin_json_member(json, columns->name,
                                     ngx_strlen(columns->name));

        if (PQgetisnull(result, row, column)) {
            ngx_http_magasin_json_literal(json, "null", 4);
            continue;
        }

        switch (columns->type) {

        case NGX_HTTP_MAGASIN_COLUMN_BOOLEAN:
            if (*PQgetvalue(result, row, column) == 't') {
                ngx_http_magasin_json_literal(json, "true", 4);

            } else {
                ngx_http_magasin_json_literal(json, "false", 5);
            }

            break;

        case NGX_HTTP_MAGASIN_COLUMN_LITERAL:
            ngx_http_magasin_column_number(json, result, row, column);
            break;

        default: /* NGX_HTTP_MAGASIN_COLUMN_TEXT */
            ngx_http_magasin_column_text(json, result, row, column);
            break;
        }
    }

    ngx_http_magasin_json_close(json, '}');
}


/*
 * Limit the lifetime of an answer by the column "validite" of its first `rows`
 * rows: the milliseconds that a row is valid if no data changes; NULL: for
 * ever.  A result may have no such column.
 */

void
ngx_http_magasin_rows_valid(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    int rows)
{
    int  row, column;

    column = PQfnumber(result, "validite");

    if (column < 0) {
        return;
    }

    for (row = 0; row < rows; row++) {
        if (!PQgetisnull(result, row, column)) {
            ngx_http_magasin_valid_for(ctx,
                                       strtoull(PQgetvalue(result, row,
                                                           column),
                                                NULL, 10));
        }
    }
}


/*
 * The ids of the path are the parameters of the statement.
 *
 * Returns NGX_OK; NGX_DONE with a 404 in ctx if an id is out of range;
 * NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_item_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_uint_t                           i, fit;
    const ngx_http_magasin_item_spec_t  *spec;

    spec = ctx->endpoint->spec;
    fit = 1;

    for (i = 0; i < NGX_HTTP_MAGASIN_MAX_IDS && ctx->ids[i].text.len; i++) {
        ctx->job.values[i] = (const char *) ctx->ids[i].text.data;
        fit &= ctx->ids[i].fits;
    }

    ctx->job.nvalues = i;

    return fit ? NGX_OK
               : ngx_http_magasin_reply_missing(ctx, spec->what,
                                                &ctx->ids[i - 1]);
}


/*
 * Write the row, or a 404 with the last id of the path if there is no row.
 *
 * Returns NGX_OK, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_item_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    const ngx_http_magasin_item_spec_t  *spec;

    spec = ctx->endpoint->spec;

    if (PQntuples(result) == 0) {
        return ngx_http_magasin_reply_missing(ctx, spec->what,
                                           &ctx->ids[ctx->job.nvalues - 1])
               == NGX_DONE
               ? NGX_OK : NGX_ERROR;
    }

    ngx_http_magasin_row(&ctx->json, spec->columns, result, 0, 0);
    ngx_http_magasin_rows_valid(ctx, result, 1);

    return NGX_OK;
}


/*
 * Write the answer that a function of PostgreSQL returned: success or error.
 *
 * Returns NGX_OK, or NGX_ERROR if no memory is left or the result does not have
 * exactly one row.
 */

ngx_int_t
ngx_http_magasin_written_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    ngx_str_t   location, etag, detail, body, text;
    ngx_uint_t  status;

    if (ctx->job.rows != 1) {
        return NGX_ERROR;
    }

    if (ngx_http_magasin_written_copy(ctx, result, WRITTEN_EMPLACEMENT,
                                      &location)
           != NGX_OK
        || ngx_http_magasin_written_copy(ctx, result, WRITTEN_ETAG, &etag)
           != NGX_OK
        || ngx_http_magasin_written_copy(ctx, result, WRITTEN_DETAIL, &detail)
           != NGX_OK
        || ngx_http_magasin_written_copy(ctx, result, WRITTEN_CORPS, &body)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    text = ngx_http_magasin_column(result, ctx->job.row, WRITTEN_STATUT);
    status = (ngx_uint_t) ngx_atoi(text.data, text.len);

    /* What still runs is this request, on the connection that broke. */

    if (ctx->job.unknown && status == NGX_HTTP_CONFLICT
        && ngx_strnstr(body.data, "\"en_cours\"", body.len))
    {
        (void) ngx_http_magasin_reply_status(ctx,
                                             NGX_HTTP_SERVICE_UNAVAILABLE);
        return NGX_OK;
    }

    if (location.len
        && (ngx_http_magasin_base_add(ctx->request, &location) != NGX_OK
            || ngx_http_magasin_reply_header(ctx->request, "Location",
                                             &location)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (status >= NGX_HTTP_BAD_REQUEST) {
        return ngx_http_magasin_written_error(ctx, status, &detail, &body);
    }

    ctx->status = status;
    ctx->etag = etag;

    if (body.len) {
        ngx_http_magasin_json_literal(&ctx->json, body.data, body.len);
    }

    return NGX_OK;
}


/*
 * Returns the id of the created resource, which is the last part of its
 * location, or 0 if nothing was created.
 */

int64_t
ngx_http_magasin_written_id(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    u_char     *p, *end;
    ngx_str_t   location;

    location = ngx_http_magasin_column(result, ctx->job.row,
                                       WRITTEN_EMPLACEMENT);

    if (location.len < 2) {
        return 0;
    }

    end = location.data + location.len - 1;

    for (p = end; p > location.data && p[-1] >= '0' && p[-1] <= '9'; p--) {
        /* void */
    }

    return ngx_http_magasin_tag_id((char *) p);
}


/*
 * Write an error answer.  006_ecritures.sql describes the columns detail and
 * corps for each status.
 */

static ngx_int_t
ngx_http_magasin_written_error(ngx_http_magasin_ctx_t *ctx, ngx_uint_t status,
    ngx_str_t *detail, ngx_str_t *body)
{
    ngx_str_t  path;

    if (status == NGX_HTTP_NOT_FOUND) {
        if (ngx_http_magasin_public_path(ctx, &path) != NGX_OK) {
            return NGX_ERROR;
        }

        (void) ngx_http_magasin_reply_resource(ctx, status, detail, &path);
        return NGX_OK;
    }

    if (status == NGX_HTTP_BAD_REQUEST) {
        ngx_http_magasin_reply_begin(ctx, status);

        ctx->detail = *detail;
        ctx->fields = 1;

        ngx_http_magasin_json_literal(&ctx->json, body->data, body->len);
        return NGX_OK;
    }

    (void) ngx_http_magasin_reply_members(ctx, status, detail, body);

    return NGX_OK;
}


/*
 * Copy a column of the row to the pool of the request; the copy lives longer
 * than the result.  SQL NULL is an empty text.  Returns NGX_OK, or NGX_ERROR if
 * no memory is left.
 */

static ngx_int_t
ngx_http_magasin_written_copy(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    int column, ngx_str_t *text)
{
    *text = ngx_http_magasin_column(result, ctx->job.row, column);

    if (text->len == 0) {
        return NGX_OK;
    }

    text->data = ngx_pstrdup(ctx->request->pool, text);

    return text->data ? NGX_OK : NGX_ERROR;
}
