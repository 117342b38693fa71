
/* Finds the products that a body names by their codes. */


#include "ngx_http_magasin_codes_internal.h"
#include "ngx_http_magasin_reply.h"


/* Parameters and columns of codes.sql. */
enum {
    CODES_CODES = 0,
    CODES_ACTEUR,
    CODES_CLE,
    CODES_VALUES
};

enum {
    CODES_PRODUIT = 0,
    CODES_CONNUE
};


const char  ngx_http_magasin_code_unknown[] = "Aucun produit n'a ce code.";


/*
 * Bind codes.sql, whose answer has one row for each of the codes.  Returns
 * NGX_OK, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_codes_bind(ngx_http_magasin_ctx_t *ctx, const char **codes,
    ngx_uint_t n)
{
    const char  **values;

    values = ctx->job.values;

    values[CODES_CODES] = ngx_http_magasin_array(ctx->request->pool, codes, n);
    values[CODES_ACTEUR] = (const char *) ctx->token.data;
    values[CODES_CLE] = ctx->key;

    ctx->job.statement = NGX_HTTP_MAGASIN_SQL_CODES;
    ctx->job.class = NGX_HTTP_MAGASIN_PG_READ;
    ctx->job.nvalues = CODES_VALUES;

    return values[CODES_CODES] ? NGX_OK : NGX_ERROR;
}


/*
 * Read the answer of codes.sql: the ids of the products of `n` codes, NULL for
 * a code that none has.  If the key of the request is known, its answer is
 * replayed whatever the codes are now, and such a code gives the id 0.  The job
 * is that of the endpoint again, and has no parameters.
 *
 * Returns NGX_OK; NGX_DECLINED if there is an unknown code; NGX_ERROR if no
 * memory is left or the result has another number of rows.
 */

ngx_int_t
ngx_http_magasin_codes_read(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    const char **ids, ngx_uint_t n)
{
    int         row;
    ngx_int_t   rc;
    ngx_uint_t  i;

    if (PQntuples(result) != (int) n) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    for (i = 0; i < n; i++) {
        row = (int) i;

        if (!PQgetisnull(result, row, CODES_PRODUIT)) {
            ids[i] = ngx_http_magasin_column_copy(ctx->request->pool, result,
                                                  row, CODES_PRODUIT);
            if (ids[i] == NULL) {
                return NGX_ERROR;
            }

        } else if (*PQgetvalue(result, row, CODES_CONNUE) == 't') {
            ids[i] = "0";

        } else {
            ids[i] = NULL;
            rc = NGX_DECLINED;
        }
    }

    ngx_memzero(ctx->job.values, sizeof(ctx->job.values));

    ctx->job.statement = ctx->endpoint->statement;
    ctx->job.class = ctx->endpoint->class;

    return rc;
}


/*
 * Bind codes.sql if lines have the member number `code`.
 *
 * Returns NGX_OK if it is bound; NGX_DECLINED if no line has a code; NGX_ERROR
 * if no memory is left.
 */

ngx_int_t
ngx_http_magasin_codes_of_lines(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_lines_t *lines, ngx_uint_t code)
{
    ngx_uint_t    i, n;
    const char  **codes;

    n = 0;

    for (i = 0; i < lines->n; i++) {
        n += lines->elts[i].values[code] != NULL;
    }

    if (n == 0) {
        return NGX_DECLINED;
    }

    codes = ngx_palloc(ctx->request->pool, n * sizeof(char *));
    if (codes == NULL) {
        return NGX_ERROR;
    }

    n = 0;

    for (i = 0; i < lines->n; i++) {
        if (lines->elts[i].values[code]) {
            codes[n++] = lines->elts[i].values[code];
        }
    }

    return ngx_http_magasin_codes_bind(ctx, codes, n);
}


/*
 * Put the ids that codes.sql has found into the member number `produit` of the
 * lines.
 *
 * Returns NGX_OK; NGX_DONE if there is an unknown code, and the 400 is in ctx;
 * NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_codes_into_lines(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_lines_t *lines, ngx_uint_t produit,
    ngx_uint_t code)
{
    ngx_int_t                 rc;
    ngx_uint_t                i, n;
    const char              **ids;
    ngx_http_magasin_json_t  *json;

    n = (ngx_uint_t) PQntuples(result);

    ids = ngx_palloc(ctx->request->pool, (n + 1) * sizeof(char *));
    if (ids == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_magasin_codes_read(ctx, result, ids, n);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    n = 0;

    for (i = 0; i < lines->n; i++) {
        if (lines->elts[i].values[code]) {
            lines->elts[i].values[produit] = ids[n++];
        }
    }

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    json = &ctx->json;

    ngx_http_magasin_members_open(ctx, "lignes", sizeof("lignes") - 1);

    for (i = 0; i < lines->n; i++) {
        ngx_http_magasin_json_open(json, '{');

        if (lines->elts[i].values[produit] == NULL) {
            ngx_http_magasin_json_key(json, "code");
            ngx_http_magasin_json_open(json, '[');
            ngx_http_magasin_json_text(json,
                                   ngx_http_magasin_code_unknown,
                                   ngx_strlen(ngx_http_magasin_code_unknown));
            ngx_http_magasin_json_close(json, ']');
        }

        ngx_http_magasin_json_close(json, '}');
    }

    return ngx_http_magasin_members_end(ctx);
}
