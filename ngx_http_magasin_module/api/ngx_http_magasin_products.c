
/* /api/v1/products/ and the resources below. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_writes_internal.h"

#include <ngx_md5.h>


/* Columns of product.sql, and of writes_batch.sql from WRITES_PRODUIT on. */
enum {
    PRODUCT_ID = 0,
    PRODUCT_NOM,
    PRODUCT_CATEGORIE,
    PRODUCT_PRIX,
    PRODUCT_DESCRIPTION,
    PRODUCT_CONCORDE,           /* these two: writes_batch.sql */
    PRODUCT_RENOMME
};


/* Columns of product_availability.sql. */
enum {
    AVAILABILITY_PRODUIT = 0,
    AVAILABILITY_NOM,
    AVAILABILITY_CENTRAL,
    AVAILABILITY_MAGASIN,
    AVAILABILITY_MAGASIN_NOM,
    AVAILABILITY_QUANTITE
};


/* Parameters of product_availability.sql. */
enum {
    AVAILABILITY_AFTER = 1,
    AVAILABILITY_ROWS,
    AVAILABILITY_VALUES
};


/*
 * Parameters of products.sql and of the other products_*.sql, in the order of
 * the table below.
 */
enum {
    PRODUCTS_Q = 0,
    PRODUCTS_CATEGORIE
};


/* The members of a product, in the order of the table below. */
enum {
    MEMBER_NOM = 0,
    MEMBER_CATEGORIE,
    MEMBER_PRIX,
    MEMBER_DESCRIPTION,
    MEMBER_ARCHIVE              /* only PATCH */
};


static ngx_int_t ngx_http_magasin_product_missing(
    ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_product_write(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members);
static ngx_int_t ngx_http_magasin_product_tag(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, int first);


/* The members of a product.  Errors are reported in this order. */

/* clang-format off */
#define NGX_HTTP_MAGASIN_PRODUCT_MEMBERS(needed)                              \
    { .name = "nom", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100,        \
      .required = needed },                                                   \
    { .name = "categorie", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100,  \
      .required = needed },                                                   \
    { .name = "prix", .type = NGX_HTTP_MAGASIN_MEMBER_PRICE,                  \
      .required = needed },                                                   \
    { .name = "description", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT,            \
      .max = 10000, .blank = 1 }
/* clang-format on */

static const ngx_http_magasin_member_t  ngx_http_magasin_product_members[] = {
    NGX_HTTP_MAGASIN_PRODUCT_MEMBERS(0),
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_product_patch[] = {
    NGX_HTTP_MAGASIN_PRODUCT_MEMBERS(0),
    { .name = "archive", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_product_new[] = {
    NGX_HTTP_MAGASIN_PRODUCT_MEMBERS(1),
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_products_params[] = {
    { .name = "q", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = "categorie", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = "archive", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_products_columns[] = {
    { .name = "id", .type = NGX_HTTP_MAGASIN_COLUMN_LITERAL },
    { .name = "nom", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "categorie", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "prix", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = "description", .type = NGX_HTTP_MAGASIN_COLUMN_TEXT },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_products_spec = {
    .params = ngx_http_magasin_products_params,
    .nkeys = 2,
    .keys = { NGX_HTTP_MAGASIN_KEY_TEXT, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_products_columns,
    .pieces = 1
};

/*
 * No columns: the rows are not one object each, and the endpoint has its own
 * render function.
 */
const ngx_http_magasin_item_spec_t  ngx_http_magasin_availability_spec = {
    .what = "Produit"
};


/* GET. */

ngx_int_t
ngx_http_magasin_product_bind(ngx_http_magasin_ctx_t *ctx)
{
    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_product_missing(ctx);
    }

    ctx->job.values[0] = (const char *) ctx->ids[0].text.data;
    ctx->job.nvalues = 1;
    ctx->job.merge = 1;

    return NGX_OK;
}


/* PUT.  Unknown members are ignored, as by the reference. */

ngx_int_t
ngx_http_magasin_product_update_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_product_write(ctx,
                                          ngx_http_magasin_product_members);
}


/* PATCH. */

ngx_int_t
ngx_http_magasin_product_patch_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_product_write(ctx, ngx_http_magasin_product_patch);
}


/*
 * Bind PUT and PATCH.  All fields are checked before an error is answered, and
 * before the id is checked.
 */

static ngx_int_t
ngx_http_magasin_product_write(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members)
{
    uint64_t     *locks;
    ngx_int_t     rc;
    const char  **values;
    const char   *fields[sizeof(ngx_http_magasin_product_patch)
                         / sizeof(ngx_http_magasin_member_t)];

    rc = ngx_http_magasin_members_root(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(fields, sizeof(fields));

    if (ngx_http_magasin_members_read(ctx, members, fields) != NGX_OK) {
        return NGX_ERROR;
    }

    if (members == ngx_http_magasin_product_patch) {
        ngx_http_magasin_members_unknown(ctx, members);
    }

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_product_missing(ctx);
    }

    ngx_http_magasin_writes_bind(ctx, "prix", 1);

    values = ctx->job.values;

    values[WRITES_PRODUITS] = (const char *) ctx->ids[0].text.data;
    values[WRITES_NOM] = fields[MEMBER_NOM];
    values[WRITES_CATEGORIE] = fields[MEMBER_CATEGORIE];
    values[WRITES_PRIX] = fields[MEMBER_PRIX];
    values[WRITES_DESCRIPTION] = fields[MEMBER_DESCRIPTION];
    values[WRITES_ARCHIVE] = fields[MEMBER_ARCHIVE];

    locks = ngx_http_magasin_locks(ctx, 1);

    if (locks == NULL
        || ngx_http_magasin_if_match(ctx, &values[WRITES_CONDITION])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    locks[0] = ngx_http_magasin_pg_lock("produit", values[WRITES_PRODUITS]);

    return NGX_OK;
}


ngx_int_t
ngx_http_magasin_product_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                       row, first;
    ngx_http_magasin_json_t  *json;

    row = ctx->job.row;
    first = ctx->job.gather ? WRITES_PRODUIT : PRODUCT_ID;

    if (ctx->job.rows == 0 || PQgetisnull(result, row, first + PRODUCT_ID)) {
        return ngx_http_magasin_product_missing(ctx) == NGX_DONE ? NGX_OK
                                                                 : NGX_ERROR;
    }

    json = &ctx->json;

    if (ctx->job.gather
        && *PQgetvalue(result, row, first + PRODUCT_CONCORDE) == 'f')
    {
        (void) ngx_http_magasin_reply_status(ctx,
                                             NGX_HTTP_PRECONDITION_FAILED);
        return NGX_OK;
    }

    /*
     * RFC 9110, 9.3.4: no validator after a PUT whose content was not stored
     * unchanged.
     */

    if (ctx->endpoint->method != NGX_HTTP_PUT
        && ngx_http_magasin_product_tag(ctx, result, first) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "nom");
    ngx_http_magasin_column_text(json, result, row,
                                 first + PRODUCT_NOM);
    ngx_http_magasin_json_key(json, "categorie");
    ngx_http_magasin_column_text(json, result, row,
                                 first + PRODUCT_CATEGORIE);
    ngx_http_magasin_json_key(json, "prix");
    ngx_http_magasin_column_text(json, result, row,
                                 first + PRODUCT_PRIX);
    ngx_http_magasin_json_key(json, "description");

    if (PQgetisnull(result, row, first + PRODUCT_DESCRIPTION)) {
        ngx_http_magasin_json_literal(json, "null", 4);

    } else {
        ngx_http_magasin_column_text(json, result, row,
                                     first + PRODUCT_DESCRIPTION);
    }

    ngx_http_magasin_json_close(json, '}');

    return NGX_OK;
}


/*
 * Set the entity tag: MD5 of the fields, computed as produit_etag() of
 * 006_ecritures.sql does for If-Match.  Returns NGX_OK, or NGX_ERROR if no
 * memory is left.
 */

static ngx_int_t
ngx_http_magasin_product_tag(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    int first)
{
    int         column, row;
    u_char      digest[16];
    ngx_md5_t   md5;
    ngx_str_t   text;

    row = ctx->job.row;

    ngx_md5_init(&md5);

    for (column = PRODUCT_NOM; column <= PRODUCT_DESCRIPTION; column++) {

        if (column != PRODUCT_NOM) {
            ngx_md5_update(&md5, "\x1f", 1);
        }

        if (PQgetisnull(result, row, first + column)) {
            ngx_md5_update(&md5, "\x1e", 1);
            continue;
        }

        text = ngx_http_magasin_column(result, row, first + column);
        ngx_md5_update(&md5, text.data, text.len);
    }

    ngx_md5_final(digest, &md5);

    return ngx_http_magasin_reply_tag(ctx, digest);
}


/*
 * PUT and PATCH.  Answers of other resources contain only the name of the
 * product.
 */

void
ngx_http_magasin_product_touch(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_tags_t *tags)
{
    char  *renomme;

    renomme = PQgetvalue(result, ctx->job.row,
                         WRITES_PRODUIT + PRODUCT_RENOMME);

    ngx_http_magasin_tags_produit(tags,
                   ngx_http_magasin_tag_id(ctx->job.values[WRITES_PRODUITS]),
                   *renomme == 't', 0);
}


/* POST. */

ngx_int_t
ngx_http_magasin_product_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    const char  **values;

    values = ctx->job.values;

    values[4] = (const char *) ctx->token.data;
    values[5] = ctx->key;
    values[6] = ctx->digest;
    ctx->job.nvalues = 7;

    return ngx_http_magasin_members_bind(ctx, ngx_http_magasin_product_new,
                                         values);
}


void
ngx_http_magasin_product_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_produit(tags,
                                  ngx_http_magasin_written_id(ctx, result),
                                  0, 0);
}


/* DELETE. */

ngx_int_t
ngx_http_magasin_product_delete_bind(ngx_http_magasin_ctx_t *ctx)
{
    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_product_missing(ctx);
    }

    if (ngx_http_magasin_if_match(ctx, &ctx->job.values[1]) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->job.values[0] = (const char *) ctx->ids[0].text.data;
    ctx->job.values[2] = (const char *) ctx->token.data;
    ctx->job.nvalues = 3;

    return NGX_OK;
}


ngx_int_t
ngx_http_magasin_product_delete_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_written_render(ctx, result);

    if (rc == NGX_OK && ctx->status == NGX_HTTP_NOT_FOUND) {

        /* The message is the same as for GET. */

        return ngx_http_magasin_product_missing(ctx) == NGX_DONE ? NGX_OK
                                                                 : NGX_ERROR;
    }

    return rc;
}


/* The product was archived, or it was deleted with its rows of stock. */

void
ngx_http_magasin_product_delete_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_produit(tags,
                              ngx_http_magasin_tag_id(ctx->job.values[0]),
                              1, 1);
}


/*
 * GET of the list.  The parameters select the statement, and thereby the index.
 */

ngx_int_t
ngx_http_magasin_products_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t    rc;
    const char  *ids;

    if (ngx_http_magasin_ids_read(ctx, "id",
                          ngx_http_magasin_query_value(ctx->query, "id"),
                          &ids)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_magasin_list_bind(ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ids) {
        ctx->job.values[PRODUCTS_Q] = ids;
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_PRODUCTS_SOME;

    } else if (ctx->job.values[PRODUCTS_Q]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_PRODUCTS_SEARCH;

        /* A short word matches many names, and the statement is slow. */

        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;

    } else if (ctx->job.values[PRODUCTS_CATEGORIE]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_PRODUCTS_CATEGORY;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_magasin_availability_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_item_bind(ctx);

    ctx->job.values[AVAILABILITY_AFTER] = "0";
    ctx->job.values[AVAILABILITY_ROWS] = NGX_HTTP_MAGASIN_PIECE_ROWS;
    ctx->job.nvalues = AVAILABILITY_VALUES;

    return rc;
}


/* If the piece is full, the next one starts after its last store. */

ngx_int_t
ngx_http_magasin_availability_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    int                       row, rows;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;
    rows = PQntuples(result);

    if (rows == 0 && ctx->rows == 0) {
        return ngx_http_magasin_reply_missing(ctx, "Produit", &ctx->ids[0])
               == NGX_DONE
               ? NGX_OK : NGX_ERROR;
    }

    if (ctx->rows == 0) {
        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_json_key(json, "produit");
        ngx_http_magasin_column_number(json, result, 0, AVAILABILITY_PRODUIT);
        ngx_http_magasin_json_key(json, "nom");
        ngx_http_magasin_column_text(json, result, 0, AVAILABILITY_NOM);
        ngx_http_magasin_json_key(json, "central");
        ngx_http_magasin_column_number(json, result, 0, AVAILABILITY_CENTRAL);
        ngx_http_magasin_json_key(json, "magasins");
        ngx_http_magasin_json_open(json, '[');
    }

    for (row = 0; row < rows; row++) {

        if (PQgetisnull(result, row, AVAILABILITY_MAGASIN)) {
            break;
        }

        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_json_key(json, "magasin");
        ngx_http_magasin_column_number(json, result, row,
                                       AVAILABILITY_MAGASIN);
        ngx_http_magasin_json_key(json, "nom");
        ngx_http_magasin_column_text(json, result, row,
                                     AVAILABILITY_MAGASIN_NOM);
        ngx_http_magasin_json_key(json, "quantite");
        ngx_http_magasin_column_number(json, result, row,
                                       AVAILABILITY_QUANTITE);
        ngx_http_magasin_json_close(json, '}');
    }

    ctx->rows += row;

    if (row == atoi(NGX_HTTP_MAGASIN_PIECE_ROWS)) {
        ctx->job.values[AVAILABILITY_AFTER] =
            ngx_http_magasin_column_copy(ctx->request->pool, result, row - 1,
                                         AVAILABILITY_MAGASIN);

        return ctx->job.values[AVAILABILITY_AFTER] ? NGX_AGAIN : NGX_ERROR;
    }

    ngx_http_magasin_json_close(json, ']');
    ngx_http_magasin_json_close(json, '}');

    return NGX_OK;
}


/* 404.  The reference builds the path from the number, not from the request. */

static ngx_int_t
ngx_http_magasin_product_missing(ngx_http_magasin_ctx_t *ctx)
{
    size_t      len;
    ngx_str_t   message, path, *id;

    id = &ctx->ids[0].text;
    len = id->len + sizeof("Produit avec ID  introuvable.");

    message.data = ngx_pnalloc(ctx->request->pool, len);
    path.data = ngx_pnalloc(ctx->request->pool, len);

    if (message.data == NULL || path.data == NULL) {
        return NGX_ERROR;
    }

    message.len = ngx_sprintf(message.data, "Produit avec ID %V introuvable.",
                              id)
                  - message.data;
    path.len = ngx_sprintf(path.data, "/api/v1/products/%V/", id) - path.data;

    return ngx_http_magasin_reply_resource(ctx, NGX_HTTP_NOT_FOUND, &message,
                                           &path);
}
