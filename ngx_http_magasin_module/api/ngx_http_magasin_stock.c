
/*
 * GET /api/v1/stores/{id}/stock/: all rows of a store, or those of some
 * products, in the order of the products; with "au" as they were at an instant.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_reply.h"


#define NGX_HTTP_MAGASIN_STOCK_BEGIN  "\"debut\":\""


/* Columns of sql/statements/stock.sql; stock_at.sql has one more. */
enum {
    STOCK_PRODUIT = 0,
    STOCK_NOM,
    STOCK_QUANTITE,
    STOCK_DEBUT
};


static ngx_int_t ngx_http_magasin_stock_before(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);


static const ngx_http_magasin_member_t  ngx_http_magasin_stock_params[] = {
    { .name = "au", .type = NGX_HTTP_MAGASIN_MEMBER_INSTANT },
    { .name = NULL }
};


/*
 * A store whose id is out of range has an empty list, like a store that does
 * not exist.
 */

ngx_int_t
ngx_http_magasin_stock_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t    rc;
    const char  *products, *instant;

    if (ngx_http_magasin_ids_read(ctx, "produits",
                          ngx_http_magasin_query_value(ctx->query, "produits"),
                          &products)
           != NGX_OK
        || ngx_http_magasin_query_read(ctx, ngx_http_magasin_stock_params,
                                       &instant)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_magasin_members_end(ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        ngx_http_magasin_json_open(&ctx->json, '[');
        ngx_http_magasin_json_close(&ctx->json, ']');
        return NGX_DONE;
    }

    ctx->job.values[0] = (const char *) ctx->ids[0].text.data;
    ctx->job.values[1] = "0";
    ctx->job.values[2] = NGX_HTTP_MAGASIN_PIECE_ROWS;
    ctx->job.nvalues = 3;

    if (instant) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_STOCK_AT;
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;
        ctx->job.values[3] = products;
        ctx->job.values[4] = instant;
        ctx->job.nvalues = 5;

    } else if (products) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_STOCK_SOME;
        ctx->job.values[3] = products;
        ctx->job.nvalues = 4;
    }

    return NGX_OK;
}


/* If the piece is full, the next one starts after its last product. */

ngx_int_t
ngx_http_magasin_stock_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                       row, rows;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;
    rows = PQntuples(result);

    if (rows && PQgetisnull(result, 0, STOCK_PRODUIT)) {
        return ngx_http_magasin_stock_before(ctx, result);
    }

    if (ctx->rows == 0) {
        ngx_http_magasin_json_open(json, '[');
    }

    for (row = 0; row < rows; row++) {
        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_json_key(json, "produit_id");
        ngx_http_magasin_column_number(json, result, row, STOCK_PRODUIT);
        ngx_http_magasin_json_key(json, "nom");
        ngx_http_magasin_column_text(json, result, row, STOCK_NOM);
        ngx_http_magasin_json_key(json, "quantite");
        ngx_http_magasin_column_number(json, result, row, STOCK_QUANTITE);
        ngx_http_magasin_json_close(json, '}');
    }

    ctx->rows += rows;

    if (rows == atoi(NGX_HTTP_MAGASIN_PIECE_ROWS)) {
        ctx->job.values[1] = ngx_http_magasin_column_copy(ctx->request->pool,
                                              result, rows - 1, STOCK_PRODUIT);

        return ctx->job.values[1] ? NGX_AGAIN : NGX_ERROR;
    }

    ngx_http_magasin_json_close(json, ']');

    return NGX_OK;
}


/*
 * Write a 410 with the begin of the history, which is after the instant that is
 * asked for.  Returns NGX_OK, or NGX_ERROR if no memory is left.
 */

static ngx_int_t
ngx_http_magasin_stock_before(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    u_char     *p;
    ngx_str_t   begin, members;

    static ngx_str_t  detail = ngx_string("Le journal ne remonte pas jusqu’à "
                                          "cet instant.");

    begin = ngx_http_magasin_column(result, 0, STOCK_DEBUT);

    members.data = ngx_pnalloc(ctx->request->pool, begin.len
                               + sizeof(NGX_HTTP_MAGASIN_STOCK_BEGIN));
    if (members.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(members.data, NGX_HTTP_MAGASIN_STOCK_BEGIN,
                   sizeof(NGX_HTTP_MAGASIN_STOCK_BEGIN) - 1);
    p = ngx_cpymem(p, begin.data, begin.len);
    *p++ = '"';

    members.len = p - members.data;

    (void) ngx_http_magasin_reply_members(ctx, NGX_HTTP_MAGASIN_GONE, &detail,
                                          &members);

    return NGX_OK;
}
