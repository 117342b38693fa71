
/* /api/v1/sales/ and the resources below. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_codes_internal.h"
#include "ngx_http_magasin_writes_internal.h"


/* The members of a sale, in the order of the table below. */
enum {
    SALE_MAGASIN = 0,
    SALE_LIGNES,
    SALE_TOTAL_ATTENDU,
    SALE_FORCER,
    SALE_MEMBERS
};


/* The members of a line, likewise. */
enum {
    LINE_PRODUIT = 0,
    LINE_QUANTITE,
    LINE_PRIX,
    LINE_CODE
};


/* The first parameters of sales.sql and of sales_*.sql. */
enum {
    SALES_MAGASIN = 0,
    SALES_DEPUIS,
    SALES_JUSQU_A,
    SALES_NUMERO,
    SALES_PRODUIT,
    SALES_TOTAL_MIN
};


static const ngx_http_magasin_member_t  ngx_http_magasin_sale_members[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1 },
    { .name = "lignes", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER, .required = 1 },
    { .name = "total_attendu", .type = NGX_HTTP_MAGASIN_MEMBER_PRICE },
    { .name = "forcer", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_line_members[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .instead = "code" },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = NGX_MAX_INT32_VALUE, .required = 1 },
    { .name = "prix_unitaire", .type = NGX_HTTP_MAGASIN_MEMBER_PRICE },
    { .name = "code", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_sales_params[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "depuis", .type = NGX_HTTP_MAGASIN_MEMBER_INSTANT },
    { .name = "jusqu_a", .type = NGX_HTTP_MAGASIN_MEMBER_INSTANT },
    { .name = "numero", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 },
    { .name = "total_min", .type = NGX_HTTP_MAGASIN_MEMBER_PRICE },
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


/* What a body has said, while the products of its codes are looked for. */
typedef struct {
    const char                *members[SALE_MEMBERS];
    ngx_http_magasin_lines_t   lines;
} ngx_http_magasin_sale_t;


static ngx_int_t ngx_http_magasin_sale_allowed(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_sale_t *sale);
static ngx_int_t ngx_http_magasin_sale_bind(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_sale_t *sale);


/*
 * GET of the list.  The sales of one store have their own index, and so have a
 * number, a product and a total.  Any other filter is compared row by row.  The
 * product may be named by a code, which no tag of a sale stands for.
 */

ngx_int_t
ngx_http_magasin_sales_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    const char  **values;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    values = ctx->job.values;

    ctx->uncached = (values[SALES_PRODUIT] != NULL);

    if (values[SALES_NUMERO]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_SALES_NUMBER;

    } else if (values[SALES_PRODUIT]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_SALES_PRODUCT;

        if (values[SALES_MAGASIN] || values[SALES_DEPUIS]
            || values[SALES_JUSQU_A] || values[SALES_TOTAL_MIN])
        {
            ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;
        }

    } else if (values[SALES_TOTAL_MIN]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_SALES_TOTAL;
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;

    } else if (values[SALES_MAGASIN]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_SALES_STORE;
    }

    return NGX_OK;
}


/* POST.  All members are checked before the errors are answered. */

ngx_int_t
ngx_http_magasin_sale_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                 rc;
    ngx_http_magasin_sale_t  *sale;

    sale = ngx_palloc(ctx->request->pool, sizeof(ngx_http_magasin_sale_t));
    if (sale == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_magasin_members_read(ctx, ngx_http_magasin_sale_members,
                                       sale->members);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_magasin_lines_read(ctx, ngx_http_magasin_line_members,
                                    &sale->lines)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_sale_members);

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_magasin_sale_allowed(ctx, sale);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx->place = sale->members[SALE_MAGASIN];
    ctx->state = sale;

    rc = ngx_http_magasin_codes_of_lines(ctx, &sale->lines, LINE_CODE);

    return rc == NGX_DECLINED ? ngx_http_magasin_sale_bind(ctx, sale) : rc;
}


/*
 * A unit price requires the scope "prix", a forced sale "inventaire".
 *
 * Returns NGX_OK, NGX_DONE if the 403 is in ctx, or NGX_ERROR if no memory is
 * left.
 */

static ngx_int_t
ngx_http_magasin_sale_allowed(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_sale_t *sale)
{
    ngx_uint_t  i, allowed;

    /* False is what a sale without the member is. */

    if (sale->members[SALE_FORCER] && *sale->members[SALE_FORCER] == 'f') {
        sale->members[SALE_FORCER] = NULL;
    }

    allowed = sale->members[SALE_FORCER] == NULL
              || ngx_http_magasin_allowed(ctx, "inventaire");

    for (i = 0; i < sale->lines.n && allowed; i++) {
        allowed = sale->lines.elts[i].values[LINE_PRIX] == NULL
                  || ngx_http_magasin_allowed(ctx, "prix");
    }

    return allowed ? NGX_OK
                   : ngx_http_magasin_reply_status(ctx, NGX_HTTP_FORBIDDEN);
}


/* Bind writes_batch.sql.  The store is ctx->place. */

static ngx_int_t
ngx_http_magasin_sale_bind(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_sale_t *sale)
{
    uint64_t                  *locks;
    ngx_uint_t                 i;
    ngx_pool_t                *pool;
    const char               **values;
    ngx_http_magasin_lines_t  *lines;

    lines = &sale->lines;
    pool = ctx->request->pool;
    values = ctx->job.values;

    ngx_http_magasin_writes_bind(ctx, "vente", lines->n);

    values[WRITES_MAGASIN] = ctx->place;
    values[WRITES_CONDITION] = sale->members[SALE_TOTAL_ATTENDU];
    values[WRITES_ARCHIVE] = sale->members[SALE_FORCER];
    values[WRITES_PRODUITS] = ngx_http_magasin_lines_list(pool, lines,
                                                          LINE_PRODUIT);
    values[WRITES_QUANTITES] = ngx_http_magasin_lines_list(pool, lines,
                                                           LINE_QUANTITE);
    values[WRITES_PRIX] = ngx_http_magasin_lines_list(pool, lines, LINE_PRIX);

    locks = ngx_http_magasin_locks(ctx, lines->n);

    if (values[WRITES_PRODUITS] == NULL || values[WRITES_QUANTITES] == NULL
        || values[WRITES_PRIX] == NULL || locks == NULL)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < lines->n; i++) {
        locks[i] = ngx_http_magasin_pg_lock(values[WRITES_MAGASIN],
                                       lines->elts[i].values[LINE_PRODUIT]);
    }

    return NGX_OK;
}


/*
 * Write the answer; or, when the ids of products are there, go on with the sale
 * (NGX_DECLINED).
 */

ngx_int_t
ngx_http_magasin_sale_create_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    ngx_int_t                 rc;
    ngx_http_magasin_sale_t  *sale;

    if (!ngx_http_magasin_codes_asked(ctx)) {
        return ngx_http_magasin_written_render(ctx, result);
    }

    sale = ctx->state;

    rc = ngx_http_magasin_codes_into_lines(ctx, result, &sale->lines,
                                           LINE_PRODUIT, LINE_CODE);

    if (rc == NGX_OK) {
        rc = ngx_http_magasin_sale_bind(ctx, sale);

        return rc == NGX_OK ? NGX_DECLINED : NGX_ERROR;
    }

    return rc == NGX_DONE ? NGX_OK : NGX_ERROR;
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
