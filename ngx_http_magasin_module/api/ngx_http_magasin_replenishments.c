
/*
 * /api/v1/replenishments/: requests of the stores for units of the central
 * stock.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_codes_internal.h"
#include "ngx_http_magasin_reply.h"


static ngx_int_t ngx_http_magasin_demande_bind(ngx_http_magasin_ctx_t *ctx,
    const char **members);
static ngx_int_t ngx_http_magasin_decide_bind(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, const char *approve);


/* The first parameters of replenishments.sql and of replenishments_*.sql. */
enum {
    DEMANDES_MAGASIN = 0,
    DEMANDES_PRODUIT,
    DEMANDES_STATUT
};


/*
 * The members of a new request, in the order of the table below; the first ones
 * are the parameters of replenishment_create.sql.
 */
enum {
    DEMANDE_MAGASIN = 0,
    DEMANDE_PRODUIT,
    DEMANDE_QUANTITE,
    DEMANDE_CODE,
    DEMANDE_MEMBERS
};


static const char *const  ngx_http_magasin_demande_states[] = {
    "en_attente", "approuvee", "refusee", "annulee", NULL
};

static const ngx_http_magasin_member_t  ngx_http_magasin_demande_params[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "statut", .type = NGX_HTTP_MAGASIN_MEMBER_CHOICE,
      .choices = ngx_http_magasin_demande_states },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_demande_members[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1 },
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .instead = "code" },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = NGX_MAX_INT32_VALUE, .required = 1 },
    { .name = "code", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_approval_members[] = {
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = NGX_MAX_INT32_VALUE },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_decision_members[] = {
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_demande_columns[] = {
    { "", NGX_HTTP_MAGASIN_COLUMN_OBJECT },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_replenishments_spec = {
    .params = ngx_http_magasin_demande_params,
    .nkeys = 1,
    .keys = { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_demande_columns
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_replenishment_spec = {
    .what = "Demande",
    .columns = ngx_http_magasin_demande_columns
};


/*
 * Select the statement, and thereby the index, from the parameters.  A product
 * has the fewest rows.
 */

ngx_int_t
ngx_http_magasin_replenishments_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    const char  **values;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    values = ctx->job.values;

    if (values[DEMANDES_PRODUIT]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_REPLENISHMENTS_PRODUCT;

    } else if (values[DEMANDES_MAGASIN]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_REPLENISHMENTS_STORE;

    } else if (values[DEMANDES_STATUT]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_REPLENISHMENTS_STATE;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_magasin_replenishment_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    const char  **members;

    members = ngx_pcalloc(ctx->request->pool,
                          DEMANDE_MEMBERS * sizeof(char *));
    if (members == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_magasin_members_bind(ctx, ngx_http_magasin_demande_members,
                                       members);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx->place = members[DEMANDE_MAGASIN];
    ctx->state = members;

    if (members[DEMANDE_CODE]) {
        return ngx_http_magasin_codes_bind(ctx, &members[DEMANDE_CODE], 1);
    }

    return ngx_http_magasin_demande_bind(ctx, members);
}


/* Bind replenishment_create.sql. */

static ngx_int_t
ngx_http_magasin_demande_bind(ngx_http_magasin_ctx_t *ctx,
    const char **members)
{
    const char  **values;

    values = ctx->job.values;

    ngx_memcpy(values, members, DEMANDE_CODE * sizeof(char *));

    values[3] = (const char *) ctx->token.data;
    values[4] = ctx->key;
    values[5] = ctx->digest;
    ctx->job.nvalues = 6;

    return NGX_OK;
}


/*
 * Write the answer; or, when the id of the product is there, go on with the
 * request (NGX_DECLINED).
 */

ngx_int_t
ngx_http_magasin_replenishment_create_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    const char  **members;

    if (!ngx_http_magasin_codes_asked(ctx)) {
        return ngx_http_magasin_written_render(ctx, result);
    }

    members = ctx->state;

    switch (ngx_http_magasin_codes_read(ctx, result,
                                        &members[DEMANDE_PRODUIT], 1))
    {

    case NGX_OK:
        (void) ngx_http_magasin_demande_bind(ctx, members);
        return NGX_DECLINED;

    case NGX_DECLINED:
        ngx_http_magasin_members_error(ctx, "code",
                                       ngx_http_magasin_code_unknown);
        (void) ngx_http_magasin_members_end(ctx);
        return NGX_OK;

    default:
        return NGX_ERROR;
    }
}


void
ngx_http_magasin_replenishment_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_demande(tags,
                                    ngx_http_magasin_written_id(ctx, result));
}


ngx_int_t
ngx_http_magasin_replenishment_approve_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_decide_bind(ctx,
                                        ngx_http_magasin_approval_members,
                                        "true");
}


ngx_int_t
ngx_http_magasin_replenishment_reject_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_decide_bind(ctx,
                                        ngx_http_magasin_decision_members,
                                        "false");
}


/* A body is optional.  An approval may grant fewer units. */

static ngx_int_t
ngx_http_magasin_decide_bind(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, const char *approve)
{
    ngx_int_t     rc;
    const char  **values;

    values = ctx->job.values;

    rc = ngx_http_magasin_members_bind(ctx, members, &values[2]);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Demande", &ctx->ids[0]);
    }

    values[0] = (const char *) ctx->ids[0].text.data;
    values[1] = approve;
    values[3] = (const char *) ctx->token.data;
    values[4] = ctx->key;
    values[5] = ctx->digest;
    ctx->job.nvalues = 6;

    return NGX_OK;
}


/*
 * Add the tags of a decision, also of one that is answered as a conflict: the
 * function rejects a request that the central stock cannot serve, and stores
 * that decision.  Units are moved only by an approval.
 */

void
ngx_http_magasin_replenishment_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    int      column;
    int64_t  magasin, produit;

    if (ctx->status == NGX_HTTP_NOT_FOUND) {
        return;
    }

    ngx_http_magasin_tags_demande(tags,
                              ngx_http_magasin_tag_id(ctx->job.values[0]));

    if (ctx->status >= NGX_HTTP_BAD_REQUEST
        || ngx_strcmp(ctx->job.values[1], "true") != 0)
    {
        return;
    }

    column = PQfnumber(result, "magasin_id");

    if (PQgetisnull(result, 0, column)) {

        /*
         * The request was inserted after the statement had started.  Only the
         * function has seen its row, so the store and the product are not
         * known.
         */

        ngx_http_magasin_tags_add_slot(tags, NGX_HTTP_MAGASIN_TAG_ALL);
        return;
    }

    magasin = ngx_http_magasin_tag_id(PQgetvalue(result, 0, column));
    produit = ngx_http_magasin_tag_id(PQgetvalue(result, 0, column + 1));

    ngx_http_magasin_tags_stock(tags, magasin, produit);
    ngx_http_magasin_tags_central(tags, produit);
}
