
/* Small helpers that several resources share. */


#include "ngx_http_magasin_api.h"
#include "ngx_http_magasin_members.h"


/* The value of a column as it came, NUL terminated; SQL NULL is empty. */

ngx_str_t
ngx_http_magasin_column(PGresult *result, int row, int column)
{
    ngx_str_t  text;

    text.data = (u_char *) PQgetvalue(result, row, column);
    text.len = (size_t) PQgetlength(result, row, column);

    return text;
}


/*
 * A copy of a column that outlives the result, NUL terminated, for a
 * parameter of the next statement.  NULL: memory.
 */

const char *
ngx_http_magasin_column_copy(ngx_pool_t *pool, PGresult *result, int row,
    int column)
{
    ngx_str_t  text;

    text = ngx_http_magasin_column(result, row, column);

    return (const char *) ngx_http_magasin_value_copy(pool, &text);
}


/* Write columns into JSON: text as a string, the others as they are. */

void
ngx_http_magasin_column_text(ngx_http_magasin_json_t *json, PGresult *result,
    int row, int column)
{
    ngx_str_t  text;

    text = ngx_http_magasin_column(result, row, column);
    ngx_http_magasin_json_text(json, text.data, text.len);
}


void
ngx_http_magasin_column_number(ngx_http_magasin_json_t *json,
    PGresult *result, int row, int column)
{
    ngx_str_t  text;

    text = ngx_http_magasin_column(result, row, column);
    ngx_http_magasin_json_literal(json, text.data, text.len);
}


/*
 * Room for the numbers of the rows that a write locks, by which the pool sees
 * who waits for whom; the caller fills it with ngx_http_magasin_pg_lock().
 * NULL: memory.
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
 * What was rendered is true for so many milliseconds, if nothing changes,
 * from when its statement ran on.
 */

void
ngx_http_magasin_valid_for(ngx_http_magasin_ctx_t *ctx, ngx_msec_t time)
{
    time++;

    if (ctx->valid_for == 0 || time < ctx->valid_for) {
        ctx->valid_for = time;
    }
}
