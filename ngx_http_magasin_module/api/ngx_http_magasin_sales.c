
/* /api/v1/sales/ and the resources below. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_lines_internal.h"
#include "ngx_http_magasin_writes_internal.h"


/* The members of a line, in the order of the table below. */
enum {
    LINE_PRODUIT = 0,
    LINE_QUANTITE,
    LINE_PRIX
};


static const ngx_http_magasin_member_t  ngx_http_magasin_sale_members[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1 },
    { .name = "lignes", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER, .required = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_line_members[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1 },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = NGX_MAX_INT32_VALUE, .required = 1 },
    { .name = "prix_unitaire", .type = NGX_HTTP_MAGASIN_MEMBER_PRICE },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_sales_params[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "depuis", .type = NGX_HTTP_MAGASIN_MEMBER_INSTANT },
    { .name = "jusqu_a", .type = NGX_HTTP_MAGASIN_MEMBER_INSTANT },
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_sales_columns[] = {
    { .name = "id", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "date_vente", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "total", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_sale_columns[] = {
    { "", NGX_HTTP_MAGASIN_COLUMN_OBJECT },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_sales_spec = {
    .params = ngx_http_magasin_sales_params,
    .nkeys = 2,
    .keys = { NGX_HTTP_MAGASIN_KEY_INSTANT, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_sales_columns
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_sale_spec = {
    .what = "Vente",
    .columns = ngx_http_magasin_sale_columns
};


/* GET of the list.  The sales of one store have their own index. */

ngx_int_t
ngx_http_magasin_sales_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_list_bind(ctx);

    if (rc == NGX_OK && ctx->job.values[0]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_SALES_STORE;
    }

    return rc;
}


/*
 * POST.  All members are checked before the errors are answered.  A unit price
 * requires the scope "prix".
 */

ngx_int_t
ngx_http_magasin_sale_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    uint64_t                  *locks;
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    const char                *members[2], **values;
    ngx_pool_t                *pool;
    ngx_http_magasin_lines_t   lines;

    pool = ctx->request->pool;
    values = ctx->job.values;

    rc = ngx_http_magasin_members_root(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_magasin_members_read(ctx, ngx_http_magasin_sale_members,
                                      members)
           != NGX_OK
        || ngx_http_magasin_lines_read(ctx, ngx_http_magasin_line_members,
                                       &lines)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_sale_members);

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < lines.n; i++) {
        if (lines.elts[i].values[LINE_PRIX]
            && !ngx_http_magasin_allowed(ctx, "prix"))
        {
            return ngx_http_magasin_reply_status(ctx, NGX_HTTP_FORBIDDEN);
        }
    }

    ngx_http_magasin_writes_bind(ctx, "vente", lines.n);

    values[WRITES_MAGASIN] = members[0];
    ctx->place = members[0];
    values[WRITES_PRODUITS] = ngx_http_magasin_lines_list(pool, &lines,
                                                          LINE_PRODUIT);
    values[WRITES_QUANTITES] = ngx_http_magasin_lines_list(pool, &lines,
                                                           LINE_QUANTITE);
    values[WRITES_PRIX] = ngx_http_magasin_lines_list(pool, &lines,
                                                      LINE_PRIX);

    locks = ngx_http_magasin_locks(ctx, lines.n);

    if (values[WRITES_PRODUITS] == NULL || values[WRITES_QUANTITES] == NULL
        || values[WRITES_PRIX] == NULL || locks == NULL)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < lines.n; i++) {
        locks[i] = ngx_http_magasin_pg_lock(members[0],
                                       lines.elts[i].values[LINE_PRODUIT]);
    }

    return NGX_OK;
}


/*
 * A sale changes the sale itself and the stock of each of its products.  The
 * products are in the parameter WRITES_PRODUITS: "4,7".
 */

void
ngx_http_magasin_sale_touch(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_tags_t *tags)
{
    char        *end;
    int64_t      magasin;
    const char  *p;

    magasin = ngx_http_magasin_tag_id(ctx->job.values[WRITES_MAGASIN]);

    ngx_http_magasin_tags_vente(tags, magasin,
                                  ngx_http_magasin_written_id(ctx, result));

    p = ctx->job.values[WRITES_PRODUITS];

    for ( ;; ) {
        ngx_http_magasin_tags_stock(tags, magasin, strtoll(p, &end, 10));

        if (*end != ',') {
            return;
        }

        p = end + 1;
    }
}
