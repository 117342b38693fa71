
/*
 * /api/v1/counts/: stock-takes.  What a line says and what the record said then
 * is kept by the database, which writes the differences at the close.
 */


#include "ngx_http_magasin_movements_internal.h"
#include "ngx_http_magasin_reply.h"


/* Parameters of count_create.sql; the first ones: the members. */
enum {
    COUNT_LIEU = 0,
    COUNT_CATEGORIE,
    COUNT_PRODUITS,
    COUNT_AVEUGLE,
    COUNT_MOTIF,
    COUNT_ACTEUR,
    COUNT_KEY,
    COUNT_DIGEST,
    COUNT_VALUES
};


/* Parameters of count_add.sql; then who asks. */
enum {
    ADD_ID = 0,
    ADD_PRODUITS,
    ADD_QUANTITES,
    ADD_AJOUTES,
    ADD_STORES
};


/* Parameters of count_close.sql; then who asks. */
enum {
    CLOSE_ID = 0,
    CLOSE_ZERO,
    CLOSE_MOTIF,
    CLOSE_STORES
};


/* Parameters of count_cancel.sql; then who asks. */
enum {
    WITHDRAW_ID = 0,
    WITHDRAW_MOTIF,
    WITHDRAW_STORES
};


/* The first parameters of counts.sql and of counts_*.sql. */
enum {
    COUNTS_MAGASIN = 0,
    COUNTS_STATUT
};


/* Parameters of count_lines.sql and of count_lines_*.sql. */
enum {
    LINES_ETAT = 0,
    LINES_LIMIT,
    LINES_PRODUIT,
    LINES_COUNT,
    LINES_VALUES
};


/* The members of a line after those that all movements have. */
enum {
    COUNT_AJOUTE = MOVED_QUANTITE + 1,
    COUNT_CODE
};


static ngx_int_t ngx_http_magasin_count_scope(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_add_bind(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_count_act(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t stores);


static const char *const  ngx_http_magasin_count_states[] = {
    "ouvert", "clos", "annule", NULL
};

static const char *const  ngx_http_magasin_line_states[] = {
    "comptes", "ecarts", "oublis", NULL
};

static const ngx_http_magasin_member_t  ngx_http_magasin_counts_params[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "statut", .type = NGX_HTTP_MAGASIN_MEMBER_CHOICE,
      .choices = ngx_http_magasin_count_states },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_lines_params[] = {
    { .name = "etat", .type = NGX_HTTP_MAGASIN_MEMBER_CHOICE,
      .choices = ngx_http_magasin_line_states },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_count_members[] = {
    { .name = "lieu", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .null = 1 },
    { .name = "categorie", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = "produits", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER },
    { .name = "aveugle", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    { .name = "motif", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 200,
      .blank = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_add_members[] = {
    { .name = "lignes", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER, .required = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_add_lines[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .instead = "code" },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER,
      .max = NGX_MAX_INT32_VALUE, .required = 1 },
    { .name = "ajoute", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    { .name = "code", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_close_members[] = {
    { .name = "non_comptes_a_zero", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    { .name = "motif", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 200,
      .blank = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_movement_t  ngx_http_magasin_add_posted = {
    .members = ngx_http_magasin_add_members,
    .lines = ngx_http_magasin_add_lines,
    .code = COUNT_CODE,
    .what = "Comptage",
    .bind = ngx_http_magasin_add_bind
};

static const ngx_http_magasin_column_t  ngx_http_magasin_count_columns[] = {
    { "", NGX_HTTP_MAGASIN_COLUMN_OBJECT },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_counts_spec = {
    .params = ngx_http_magasin_counts_params,
    .nkeys = 1,
    .keys = { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_count_columns
};

const ngx_http_magasin_list_spec_t  ngx_http_magasin_count_lines_spec = {
    .what = "Comptage",
    .params = ngx_http_magasin_lines_params,
    .nkeys = 1,
    .keys = { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_count_columns
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_count_spec = {
    .what = "Comptage",
    .columns = ngx_http_magasin_count_columns
};


/* GET of the list.  A store, a state, and both have an index each. */

ngx_int_t
ngx_http_magasin_counts_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->job.values[COUNTS_MAGASIN]) {
        ctx->job.statement = ctx->job.values[COUNTS_STATUT]
                             ? NGX_HTTP_MAGASIN_SQL_COUNTS_STORE_STATE
                             : NGX_HTTP_MAGASIN_SQL_COUNTS_STORE;

    } else if (ctx->job.values[COUNTS_STATUT]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_COUNTS_STATE;
    }

    return NGX_OK;
}


/*
 * GET of the lines.  What nobody has counted may be behind many products that
 * somebody has.
 */

ngx_int_t
ngx_http_magasin_count_lines_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t    rc;
    const char  *state;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Comptage", &ctx->ids[0]);
    }

    ctx->job.values[LINES_COUNT] = (const char *) ctx->ids[0].text.data;
    ctx->job.nvalues = LINES_VALUES;

    state = ctx->job.values[LINES_ETAT];

    if (state && *state == 'e') {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_COUNT_LINES_DIFFERENCES;

    } else if (state && *state == 'o') {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_COUNT_LINES_MISSING;
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;
    }

    return NGX_OK;
}


/* POST.  All members are checked before the errors are answered. */

ngx_int_t
ngx_http_magasin_count_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    const char  **values;

    values = ctx->job.values;

    rc = ngx_http_magasin_members_read(ctx, ngx_http_magasin_count_members,
                                       values);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_magasin_count_scope(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_count_members);

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    values[COUNT_LIEU] = ngx_http_magasin_movement_place(values[COUNT_LIEU]);
    values[COUNT_ACTEUR] = (const char *) ctx->token.data;
    values[COUNT_KEY] = ctx->key;
    values[COUNT_DIGEST] = ctx->digest;
    ctx->job.nvalues = COUNT_VALUES;

    ctx->place = values[COUNT_LIEU] ? values[COUNT_LIEU] : "";

    return NGX_OK;
}


/*
 * Read the list of products, if the body has one.  Returns NGX_OK, also with
 * errors in ctx, or NGX_ERROR if no memory is left.
 */

static ngx_int_t
ngx_http_magasin_count_scope(ngx_http_magasin_ctx_t *ctx)
{
    ngx_uint_t                 n;
    const char               **values;
    ngx_http_magasin_field_t   field;

    n = 0;
    values = ctx->job.values;
    values[COUNT_PRODUITS] = NULL;

    if (ngx_http_magasin_body_field(ctx->request, &ctx->body, "produits", 1,
                                    &field)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (field.type == NGX_HTTP_MAGASIN_FIELD_ABSENT) {
        return NGX_OK;
    }

    if (ngx_http_magasin_ids_of_body(ctx, "produits", &values[COUNT_PRODUITS],
                                     &n)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ctx->fields && (n == 0 || n > NGX_HTTP_MAGASIN_IDS_OF_BODY)) {
        ngx_http_magasin_members_error(ctx, "produits",
                                       "Donnez de 1 à 1000 produits.");

    } else if (!ctx->fields && values[COUNT_CATEGORIE]) {
        ngx_http_magasin_members_error(ctx, "produits",
                                       "Donnez une catégorie ou des produits, "
                                       "pas les deux.");
    }

    return NGX_OK;
}


void
ngx_http_magasin_count_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_comptage(tags,
                                   ngx_http_magasin_written_id(ctx, result));
}


/* POST of lines. */

ngx_int_t
ngx_http_magasin_count_add_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_movement_post(ctx, &ngx_http_magasin_add_posted);
}


/* Bind count_add.sql. */

static ngx_int_t
ngx_http_magasin_add_bind(ngx_http_magasin_ctx_t *ctx)
{
    const char                        **values;
    ngx_http_magasin_movement_body_t   *body;

    body = ctx->state;
    values = ctx->job.values;

    values[ADD_AJOUTES] = ngx_http_magasin_lines_array(ctx->request->pool,
                                                       &body->lines,
                                                       COUNT_AJOUTE);

    if (values[ADD_AJOUTES] == NULL
        || ngx_http_magasin_movement_lines(ctx, ADD_PRODUITS) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_movement_who(ctx, ADD_STORES);
}


/* POST of the close.  A body is optional. */

ngx_int_t
ngx_http_magasin_count_close_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_members_bind(ctx, ngx_http_magasin_close_members,
                                       &ctx->job.values[CLOSE_ZERO]);

    return rc == NGX_OK ? ngx_http_magasin_count_act(ctx, CLOSE_STORES) : rc;
}


/* POST of the cancellation, likewise. */

ngx_int_t
ngx_http_magasin_count_cancel_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_movement_motif(ctx);

    return rc == NGX_OK ? ngx_http_magasin_count_act(ctx, WITHDRAW_STORES)
                        : rc;
}


/*
 * Bind the id of the path, and from the parameter `stores` on who asks.
 *
 * Returns NGX_OK; NGX_DONE with a 404 in ctx if the id is out of range;
 * NGX_ERROR if no memory is left.
 */

static ngx_int_t
ngx_http_magasin_count_act(ngx_http_magasin_ctx_t *ctx, ngx_uint_t stores)
{
    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Comptage", &ctx->ids[0]);
    }

    return ngx_http_magasin_movement_who(ctx, stores);
}


/* Add the tags of a stock-take: lines and a cancellation move no unit. */

void
ngx_http_magasin_count_touch(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_comptage(tags,
                              ngx_http_magasin_tag_id(ctx->job.values[0]));
}


void
ngx_http_magasin_count_close_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_count_touch(ctx, result, tags);
    ngx_http_magasin_movement_done(result, tags);
}
