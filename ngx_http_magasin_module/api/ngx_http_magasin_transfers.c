
/* /api/v1/transfers/: units that move from one place to another. */


#include "ngx_http_magasin_movements_internal.h"


/* Parameters of transfer_create.sql; the first ones: the members. */
enum {
    TRANSFER_DE = 0,
    TRANSFER_VERS,
    TRANSFER_PRODUITS,          /* in place of the member lignes */
    TRANSFER_QUANTITES,         /* in place of the member motif */
    TRANSFER_MOTIF,
    TRANSFER_ACTEUR,
    TRANSFER_KEY,
    TRANSFER_DIGEST,
    TRANSFER_VALUES
};


/* The members of a transfer that are not where their parameters are. */
enum {
    TRANSFER_MEMBER_LIGNES = TRANSFER_VERS + 1,
    TRANSFER_MEMBER_MOTIF
};


/* Parameters of transfer_receive.sql. */
enum {
    RECEIVE_ID = 0,
    RECEIVE_PRODUITS,
    RECEIVE_QUANTITES,
    RECEIVE_MOTIF,
    RECEIVE_SCOPES
};


/* The first parameters of transfers.sql and of transfers_*.sql. */
enum {
    TRANSFERS_MAGASIN = 0,
    TRANSFERS_STATUT
};


/* The member of a line after those that all movements have. */
#define TRANSFER_CODE  (MOVED_QUANTITE + 1)


static ngx_int_t ngx_http_magasin_transfer_bind(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_receive_bind(ngx_http_magasin_ctx_t *ctx);


static const char *const  ngx_http_magasin_transfer_states[] = {
    "en_transit", "recu", "annule", NULL
};

static const ngx_http_magasin_member_t  ngx_http_magasin_transfers_params[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "statut", .type = NGX_HTTP_MAGASIN_MEMBER_CHOICE,
      .choices = ngx_http_magasin_transfer_states },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_transfer_members[] = {
    { .name = "de", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .null = 1 },
    { .name = "vers", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .null = 1 },
    { .name = "lignes", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER, .required = 1 },
    { .name = "motif", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 200,
      .blank = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_transfer_lines[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .instead = "code" },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = NGX_MAX_INT32_VALUE, .required = 1 },
    { .name = "code", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_receive_members[] = {
    { .name = "lignes", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER },
    { .name = "motif", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 200,
      .blank = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_receive_lines[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .instead = "code" },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER,
      .max = NGX_MAX_INT32_VALUE, .required = 1 },
    { .name = "code", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 },
    { .name = NULL }
};

static const ngx_http_magasin_movement_t  ngx_http_magasin_transfer_posted = {
    .members = ngx_http_magasin_transfer_members,
    .lines = ngx_http_magasin_transfer_lines,
    .code = TRANSFER_CODE,
    .bind = ngx_http_magasin_transfer_bind
};

static const ngx_http_magasin_movement_t  ngx_http_magasin_receive_posted = {
    .members = ngx_http_magasin_receive_members,
    .lines = ngx_http_magasin_receive_lines,
    .code = TRANSFER_CODE,
    .what = "Transfert",
    .bind = ngx_http_magasin_receive_bind,
    .optional = 1
};

static const ngx_http_magasin_column_t  ngx_http_magasin_transfer_columns[] = {
    { "", NGX_HTTP_MAGASIN_COLUMN_OBJECT },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_transfers_spec = {
    .params = ngx_http_magasin_transfers_params,
    .nkeys = 1,
    .keys = { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_transfer_columns
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_transfer_spec = {
    .what = "Transfert",
    .columns = ngx_http_magasin_transfer_columns
};


/* GET of the list.  A store, a state, and both have an index each. */

ngx_int_t
ngx_http_magasin_transfers_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->job.values[TRANSFERS_MAGASIN]) {
        ctx->job.statement = ctx->job.values[TRANSFERS_STATUT]
                             ? NGX_HTTP_MAGASIN_SQL_TRANSFERS_STORE_STATE
                             : NGX_HTTP_MAGASIN_SQL_TRANSFERS_STORE;

    } else if (ctx->job.values[TRANSFERS_STATUT]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_TRANSFERS_STATE;
    }

    return NGX_OK;
}


/* POST.  Who may take the units from where they are may send them anywhere. */

ngx_int_t
ngx_http_magasin_transfer_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_movement_post(ctx,
                                          &ngx_http_magasin_transfer_posted);
}


/* Bind transfer_create.sql. */

static ngx_int_t
ngx_http_magasin_transfer_bind(ngx_http_magasin_ctx_t *ctx)
{
    const char                        **values;
    ngx_http_magasin_movement_body_t   *body;

    body = ctx->state;
    values = ctx->job.values;

    values[TRANSFER_DE] = body->members[TRANSFER_DE];
    values[TRANSFER_VERS] = ngx_http_magasin_movement_place(
                                                body->members[TRANSFER_VERS]);
    values[TRANSFER_MOTIF] = body->members[TRANSFER_MEMBER_MOTIF];
    values[TRANSFER_ACTEUR] = (const char *) ctx->token.data;
    values[TRANSFER_KEY] = ctx->key;
    values[TRANSFER_DIGEST] = ctx->digest;
    ctx->job.nvalues = TRANSFER_VALUES;

    if (ngx_http_magasin_movement_lines(ctx, TRANSFER_PRODUITS) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_movement_locks(ctx, values[TRANSFER_DE],
                                           &body->lines);
}


void
ngx_http_magasin_transfer_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_transfert(tags,
                                    ngx_http_magasin_written_id(ctx, result));

    ngx_http_magasin_movement_made(tags, ctx->job.values[TRANSFER_DE],
                                   ctx->job.values[TRANSFER_PRODUITS]);
}


/* A body is optional.  Without lines all has come. */

ngx_int_t
ngx_http_magasin_transfer_receive_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_movement_post(ctx,
                                          &ngx_http_magasin_receive_posted);
}


/* Bind transfer_receive.sql. */

static ngx_int_t
ngx_http_magasin_receive_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_movement_body_t  *body;

    body = ctx->state;

    ctx->job.values[RECEIVE_MOTIF] = body->members[1];

    if (body->lines.n
        && ngx_http_magasin_movement_lines(ctx, RECEIVE_PRODUITS) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_movement_act(ctx, "Transfert", RECEIVE_SCOPES);
}


ngx_int_t
ngx_http_magasin_transfer_cancel_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_movement_cancel(ctx, "Transfert");
}


/* Add the tags of a transfer that was received or cancelled. */

void
ngx_http_magasin_transfer_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_transfert(tags,
                              ngx_http_magasin_tag_id(ctx->job.values[0]));

    ngx_http_magasin_movement_done(result, tags);
}
