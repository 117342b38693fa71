
/* GET /api/v1/reports/sales/: what was sold in each hour, day, week, month. */


#include "ngx_http_magasin_rows.h"


/* The first parameters of the statements reports_sales_*.sql. */
enum {
    REPORTS_SALES_MAGASIN = 0,
    REPORTS_SALES_PAR,
    REPORTS_SALES_GROUPE
};


static const char *const  ngx_http_magasin_period_lengths[] = {
    "heure", "jour", "semaine", "mois", NULL
};

static const char *const  ngx_http_magasin_period_groups[] = {
    "magasin", "produit", "categorie", NULL
};

static const ngx_http_magasin_member_t  ngx_http_magasin_period_params[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "par", .type = NGX_HTTP_MAGASIN_MEMBER_CHOICE,
      .choices = ngx_http_magasin_period_lengths },
    { .name = "groupe", .type = NGX_HTTP_MAGASIN_MEMBER_CHOICE,
      .choices = ngx_http_magasin_period_groups },
    { .name = "depuis", .type = NGX_HTTP_MAGASIN_MEMBER_DATE },
    { .name = "jusqu_a", .type = NGX_HTTP_MAGASIN_MEMBER_DATE },
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_period_columns[] = {
    { .name = "periode", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "produit", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "categorie", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "nom", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "unites", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "chiffre_affaires", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "unites_rendues", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "remboursements", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "net", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_reports_sales_spec = {
    .params = ngx_http_magasin_period_params,
    .nkeys = 2,
    .keys = { NGX_HTTP_MAGASIN_KEY_TEXT, NGX_HTTP_MAGASIN_KEY_TEXT },
    .columns = ngx_http_magasin_period_columns
};


/*
 * Select the statement by the tables that it reads.  Returns NGX_OK; NGX_DONE,
 * the parameters are wrong and the answer is written; or NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_reports_sales_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t    rc;
    ngx_uint_t   hour, product;
    const char  *par, *groupe;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    par = ctx->job.values[REPORTS_SALES_PAR];
    groupe = ctx->job.values[REPORTS_SALES_GROUPE];

    hour = (par && *par == 'h');
    product = (groupe && *groupe != 'm');

    if (hour) {
        ctx->job.statement = product
                             ? NGX_HTTP_MAGASIN_SQL_REPORTS_SALES_HOUR_PRODUCT
                             : NGX_HTTP_MAGASIN_SQL_REPORTS_SALES_HOUR;

    } else if (product) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_REPORTS_SALES_DAY_PRODUCT;
    }

    return NGX_OK;
}
