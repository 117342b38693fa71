
/* Helpers that several resources use. */


#include "ngx_http_magasin_api.h"
#include "ngx_http_magasin_members.h"


/*
 * Returns the value of a column as PostgreSQL sent it, NUL terminated.  SQL
 * NULL is an empty text.  The text is valid until the result is freed.
 */

ngx_str_t
ngx_http_magasin_column(PGresult *result, int row, int column)
{
    ngx_str_t  text;

    text.data = (u_char *) PQgetvalue(result, row, column);
    text.len = (size_t) PQgetlength(result, row, column);

    return text;
}


/*
 * Copy a column for a parameter of the next statement.  The copy is NUL
 * terminated and lives as long as `pool`, longer than the result.
 *
 * Returns NULL if no memory is left.
 */

const char *
ngx_http_magasin_column_copy(ngx_pool_t *pool, PGresult *result, int row,
    int column)
{
    ngx_str_t  text;

    text = ngx_http_magasin_column(result, row, column);

    return (const char *) ngx_http_magasin_value_copy(pool, &text);
}


/* Write the value of a column as a JSON string. */

void
ngx_http_magasin_column_text(ngx_http_magasin_json_t *json, PGresult *result,
    int row, int column)
{
    ngx_str_t  text;

    text = ngx_http_magasin_column(result, row, column);
    ngx_http_magasin_json_text(json, text.data, text.len);
}


/* Write the value of a column, a number or JSON text, unchanged. */

void
ngx_http_magasin_column_number(ngx_http_magasin_json_t *json,
    PGresult *result, int row, int column)
{
    ngx_str_t  text;

    text = ngx_http_magasin_column(result, row, column);
    ngx_http_magasin_json_literal(json, text.data, text.len);
}


/*
 * Allocate `n` hashes of the rows that a write locks.  The pool compares them
 * to find the writes that wait for each other.  The caller fills them in with
 * ngx_http_magasin_pg_lock().
 *
 * Returns NULL if no memory is left.
 */

uint64_t *
ngx_http_magasin_locks(ngx_http_magasin_ctx_t *ctx, ngx_uint_t n)
{
    uint64_t  *locks;

    locks = ngx_palloc(ctx->request->pool, n * sizeof(uint64_t));
    if (locks == NULL) {
        return NULL;
    }

    ctx->job.locks = locks;
    ctx->job.nlocks = n;

    return locks;
}


/*
 * Limit the lifetime of an answer: the rendered rows are valid for `time`
 * milliseconds after the start of the statement, if no data changes.  The
 * smallest limit of all calls is used.
 */

void
ngx_http_magasin_valid_for(ngx_http_magasin_ctx_t *ctx, ngx_msec_t time)
{
    time++;

    if (ctx->valid_for == 0 || time < ctx->valid_for) {
        ctx->valid_for = time;
    }
}


/*
 * Set a parameter to the stores of the asker, or to NULL if all of them are.
 * Returns NGX_OK, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_asker_stores(ngx_http_magasin_ctx_t *ctx,
    const char **value)
{
    *value = NULL;

    if (!ctx->limited) {
        return NGX_OK;
    }

    *value = (const char *) ngx_http_magasin_value_copy(ctx->request->pool,
                                                        &ctx->stores);

    return *value ? NGX_OK : NGX_ERROR;
}
