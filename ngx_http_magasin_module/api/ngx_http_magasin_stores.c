
/* /api/v1/stores/ and the single resources below. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"


/* The members of a store, in the order of the table below. */
enum {
    STORE_NOM = 0,
    STORE_ADRESSE,
    STORE_OUVERT,
    STORE_FUSEAU,
    STORE_MEMBERS
};


/* Parameters of store_create.sql; first the members. */
enum {
    CREATE_ACTEUR = STORE_MEMBERS,
    CREATE_CLE,
    CREATE_EMPREINTE,
    CREATE_VALUES
};


/* Parameters of store_change.sql. */
enum {
    CHANGE_ID = 0,
    CHANGE_FIELDS,
    CHANGE_IF_MATCH = CHANGE_FIELDS + STORE_MEMBERS,
    CHANGE_IF_NONE_MATCH,
    CHANGE_ACTEUR,
    CHANGE_VALUES
};


static const ngx_http_magasin_member_t  ngx_http_magasin_no_params[] = {
    { .name = NULL }
};

/* clang-format off */
#define NGX_HTTP_MAGASIN_STORE_MEMBERS(needed)                                \
    { .name = "nom", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100,        \
      .required = needed },                                                   \
    { .name = "adresse", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 255,    \
      .required = needed },                                                   \
    { .name = "ouvert", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },            \
    { .name = "fuseau", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 }
/* clang-format on */

static const ngx_http_magasin_member_t  ngx_http_magasin_store_new[] = {
    NGX_HTTP_MAGASIN_STORE_MEMBERS(1),
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_store_patch[] = {
    NGX_HTTP_MAGASIN_STORE_MEMBERS(0),
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_stores_columns[] = {
    { .name = "id", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "nom", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "adresse", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "ouvert", .type = NGX_HTTP_MAGASIN_COLUMN_BOOLEAN },
    { .name = "fuseau", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_store_columns[] = {
    { "", NGX_HTTP_MAGASIN_COLUMN_OBJECT },
    { .name = NULL }
};

const ngx_http_magasin_list_spec_t  ngx_http_magasin_stores_spec = {
    .params = ngx_http_magasin_no_params,
    .nkeys = 1,
    .keys = { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_stores_columns,
    .pieces = 1
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_store_spec = {
    .what = "Magasin",
    .columns = ngx_http_magasin_store_columns
};


/* POST. */

ngx_int_t
ngx_http_magasin_store_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    const char  **values;

    values = ctx->job.values;

    values[CREATE_ACTEUR] = (const char *) ctx->token.data;
    values[CREATE_CLE] = ctx->key;
    values[CREATE_EMPREINTE] = ctx->digest;
    ctx->job.nvalues = CREATE_VALUES;

    return ngx_http_magasin_members_bind(ctx, ngx_http_magasin_store_new,
                                         values);
}


void
ngx_http_magasin_store_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_magasin(tags,
                                  ngx_http_magasin_written_id(ctx, result));
}


/* PATCH. */

ngx_int_t
ngx_http_magasin_store_patch_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    const char  **values;

    values = ctx->job.values;

    rc = ngx_http_magasin_members_bind(ctx, ngx_http_magasin_store_patch,
                                       &values[CHANGE_FIELDS]);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Magasin", &ctx->ids[0]);
    }

    values[CHANGE_ID] = (const char *) ctx->ids[0].text.data;
    values[CHANGE_ACTEUR] = (const char *) ctx->token.data;
    ctx->job.nvalues = CHANGE_VALUES;

    if (ngx_http_magasin_if_match(ctx, &values[CHANGE_IF_MATCH]) != NGX_OK
        || ngx_http_magasin_if_none_match(ctx, &values[CHANGE_IF_NONE_MATCH])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_magasin_store_touch(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_magasin(tags,
                   ngx_http_magasin_tag_id((char *) ctx->ids[0].text.data));
}
