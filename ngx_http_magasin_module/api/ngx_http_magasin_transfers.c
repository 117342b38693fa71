
/* /api/v1/transfers/: units that move from one place to another. */


#include "ngx_http_magasin_movements_internal.h"
#include "ngx_http_magasin_reply.h"


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
static ngx_int_t ngx_http_magasin_transfer_arrived(
    ngx_http_magasin_ctx_t *ctx, ngx_http_magasin_lines_t *lines);


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


/* GET of the list.  A store, or else a state, has its own index. */

ngx_int_t
ngx_http_magasin_transfers_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->job.values[TRANSFERS_MAGASIN]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_TRANSFERS_STORE;

    } else if (ctx->job.values[TRANSFERS_STATUT]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_TRANSFERS_STATE;
    }

    return NGX_OK;
}


/* POST.  Who may take the units from where they are may send them anywhere. */

ngx_int_t
ngx_http_magasin_transfer_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                           rc;
    const char                        **members;
    ngx_http_magasin_movement_body_t   *body;

    rc = ngx_http_magasin_members_root(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    body = ngx_pcalloc(ctx->request->pool,
                       sizeof(ngx_http_magasin_movement_body_t));
    if (body == NULL) {
        return NGX_ERROR;
    }

    body->code = TRANSFER_CODE;
    body->bind = ngx_http_magasin_transfer_bind;
    members = body->members;

    if (ngx_http_magasin_members_read(ctx, ngx_http_magasin_transfer_members,
                                      members)
           != NGX_OK
        || ngx_http_magasin_lines_read(ctx, ngx_http_magasin_transfer_lines,
                                       &body->lines)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_transfer_members);

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    members[TRANSFER_DE] = ngx_http_magasin_movement_place(
                                                       members[TRANSFER_DE]);
    members[TRANSFER_VERS] = ngx_http_magasin_movement_place(
                                                     members[TRANSFER_VERS]);

    rc = ngx_http_magasin_movement_allowed(ctx, members[TRANSFER_DE]);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx->place = members[TRANSFER_DE] ? members[TRANSFER_DE] : "";

    return ngx_http_magasin_movement_bind(ctx, body);
}


/* Bind transfer_create.sql. */

static ngx_int_t
ngx_http_magasin_transfer_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_pool_t                         *pool;
    const char                        **values;
    ngx_http_magasin_movement_body_t   *body;

    body = ctx->state;
    pool = ctx->request->pool;
    values = ctx->job.values;

    values[TRANSFER_DE] = body->members[TRANSFER_DE];
    values[TRANSFER_VERS] = body->members[TRANSFER_VERS];
    values[TRANSFER_MOTIF] = body->members[TRANSFER_MEMBER_MOTIF];
    values[TRANSFER_PRODUITS] = ngx_http_magasin_lines_array(pool,
                                                             &body->lines,
                                                             MOVED_PRODUIT);
    values[TRANSFER_QUANTITES] = ngx_http_magasin_lines_array(pool,
                                                              &body->lines,
                                                              MOVED_QUANTITE);
    values[TRANSFER_ACTEUR] = (const char *) ctx->token.data;
    values[TRANSFER_KEY] = ctx->key;
    values[TRANSFER_DIGEST] = ctx->digest;
    ctx->job.nvalues = TRANSFER_VALUES;

    if (values[TRANSFER_PRODUITS] == NULL
        || values[TRANSFER_QUANTITES] == NULL)
    {
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
    ngx_int_t                          rc;
    ngx_http_magasin_movement_body_t  *body;

    rc = ngx_http_magasin_members_root(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    body = ngx_pcalloc(ctx->request->pool,
                       sizeof(ngx_http_magasin_movement_body_t));
    if (body == NULL) {
        return NGX_ERROR;
    }

    body->code = TRANSFER_CODE;
    body->bind = ngx_http_magasin_receive_bind;

    if (ngx_http_magasin_transfer_arrived(ctx, &body->lines) != NGX_OK
        || ngx_http_magasin_members_read(ctx,
                                         ngx_http_magasin_receive_members,
                                         body->members)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_receive_members);

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Transfert", &ctx->ids[0]);
    }

    return ngx_http_magasin_movement_bind(ctx, body);
}


/* Bind transfer_receive.sql. */

static ngx_int_t
ngx_http_magasin_receive_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_pool_t                         *pool;
    const char                        **values;
    ngx_http_magasin_movement_t         movement;
    ngx_http_magasin_movement_body_t   *body;

    body = ctx->state;
    pool = ctx->request->pool;
    values = ctx->job.values;

    values[RECEIVE_MOTIF] = body->members[1];

    if (body->lines.n) {
        values[RECEIVE_PRODUITS] = ngx_http_magasin_lines_array(pool,
                                                   &body->lines,
                                                   MOVED_PRODUIT);
        values[RECEIVE_QUANTITES] = ngx_http_magasin_lines_array(pool,
                                                   &body->lines,
                                                   MOVED_QUANTITE);

        if (values[RECEIVE_PRODUITS] == NULL
            || values[RECEIVE_QUANTITES] == NULL)
        {
            return NGX_ERROR;
        }
    }

    movement.what = "Transfert";
    movement.scopes = RECEIVE_SCOPES;

    return ngx_http_magasin_movement_act(ctx, &movement);
}


/*
 * Read the lines of what has come, if the body has any.  Returns NGX_OK, also
 * with errors in ctx, or NGX_ERROR if no memory is left.
 */

static ngx_int_t
ngx_http_magasin_transfer_arrived(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_lines_t *lines)
{
    ngx_http_magasin_field_t  field;

    lines->n = 0;

    if (ngx_http_magasin_body_field(ctx->request, &ctx->body, "lignes", 1,
                                    &field)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (field.type == NGX_HTTP_MAGASIN_FIELD_ABSENT) {
        return NGX_OK;
    }

    return ngx_http_magasin_lines_read(ctx, ngx_http_magasin_receive_lines,
                                       lines);
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
