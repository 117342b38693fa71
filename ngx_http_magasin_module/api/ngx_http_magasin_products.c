
/* /api/v1/products/{id}/, and POST /api/v1/products/. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_products_internal.h"
#include "ngx_http_magasin_writes_internal.h"

#include <ngx_md5.h>


/*
 * Columns of product.sql, of product_patch.sql, and of writes_batch.sql from
 * WRITES_PRODUIT on.
 */
enum {
    PRODUCT_ID = 0,
    PRODUCT_NOM,
    PRODUCT_CATEGORIE,
    PRODUCT_PRIX,
    PRODUCT_DESCRIPTION,
    PRODUCT_CONCORDE,           /* these two: not product.sql */
    PRODUCT_RENOMME
};


/* The members of a product, in the order of the table below. */
enum {
    MEMBER_NOM = 0,
    MEMBER_CATEGORIE,
    MEMBER_PRIX,
    MEMBER_DESCRIPTION,
    MEMBER_ARCHIVE,             /* only PATCH, as the codes */
    MEMBER_CODE,
    MEMBER_CODES_BARRES
};


/* Parameters of product_create.sql; first the members of the table below. */
enum {
    CREATE_DESCRIPTION = 3,
    CREATE_CODE,
    CREATE_CODES_BARRES,
    CREATE_ACTEUR,
    CREATE_CLE,
    CREATE_EMPREINTE,
    CREATE_VALUES
};


/* Parameters of product_patch.sql. */
enum {
    PATCH_ID = 0,
    PATCH_FIELDS,
    PATCH_ACTEUR = PATCH_FIELDS + 4,
    PATCH_ARCHIVE,
    PATCH_IF_MATCH,
    PATCH_IF_NONE_MATCH,
    PATCH_NULL,                 /* the description is null, and stays so */
    PATCH_VALUES
};


static ngx_int_t ngx_http_magasin_product_write(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members);
static ngx_int_t ngx_http_magasin_product_batched(ngx_http_magasin_ctx_t *ctx,
    const char **fields);
static ngx_int_t ngx_http_magasin_product_patched(ngx_http_magasin_ctx_t *ctx,
    const char **fields, const char *unless, const char *null);
static ngx_uint_t ngx_http_magasin_product_of_sheet(
    ngx_http_magasin_ctx_t *ctx, const ngx_http_magasin_member_t *members,
    const char **fields);
static void ngx_http_magasin_product_body(ngx_http_magasin_json_t *json,
    PGresult *result, int row, int first);
static void ngx_http_magasin_product_no_null(ngx_http_magasin_ctx_t *ctx);
static ngx_uint_t ngx_http_magasin_product_null_refused(
    ngx_http_magasin_ctx_t *ctx, PGresult *result);
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
      .max = 10000, .blank = 1, .null = !needed }

#define NGX_HTTP_MAGASIN_PRODUCT_CODES(nullable)                              \
    { .name = "code", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64,        \
      .null = nullable },                                                     \
    { .name = "codes_barres", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER }
/* clang-format on */

static const ngx_http_magasin_member_t  ngx_http_magasin_product_members[] = {
    NGX_HTTP_MAGASIN_PRODUCT_MEMBERS(0),
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_product_patch[] = {
    NGX_HTTP_MAGASIN_PRODUCT_MEMBERS(0),
    { .name = "archive", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    NGX_HTTP_MAGASIN_PRODUCT_CODES(1),
    { .name = NULL }
};

/* With those of PATCH, the longer of the two, and the end of the table. */
#define NGX_HTTP_MAGASIN_PRODUCT_FIELDS                                       \
    (sizeof(ngx_http_magasin_product_patch)                                   \
     / sizeof(ngx_http_magasin_member_t))

static const ngx_http_magasin_member_t  ngx_http_magasin_product_new[] = {
    NGX_HTTP_MAGASIN_PRODUCT_MEMBERS(1),
    NGX_HTTP_MAGASIN_PRODUCT_CODES(0),
    { .name = NULL }
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
    ngx_int_t    rc;
    const char  *null, *unless;
    const char  *fields[NGX_HTTP_MAGASIN_PRODUCT_FIELDS];

    ngx_memzero(fields, sizeof(fields));

    rc = ngx_http_magasin_members_read(ctx, members, fields);
    if (rc != NGX_OK) {
        return rc;
    }

    if (members == ngx_http_magasin_product_patch
        && ngx_http_magasin_product_barcodes(ctx,
                                             &fields[MEMBER_CODES_BARRES])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    null = NULL;

    if (fields[MEMBER_DESCRIPTION] == ngx_http_magasin_value_null) {
        fields[MEMBER_DESCRIPTION] = NULL;
        null = "t";

        if (ctx->fields || !ctx->ids[0].fits) {
            ngx_http_magasin_product_no_null(ctx);
        }
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

    if (ngx_http_magasin_if_none_match(ctx, &unless) != NGX_OK) {
        return NGX_ERROR;
    }

    /* Few requests have one of these, and they are not in the batch. */

    if (ngx_http_magasin_product_of_sheet(ctx, members, fields)) {
        return ngx_http_magasin_product_change_bind(ctx, fields, unless,
                                                    null);
    }

    if (unless || null) {
        return ngx_http_magasin_product_patched(ctx, fields, unless, null);
    }

    return ngx_http_magasin_product_batched(ctx, fields);
}


/* Returns 1 for PATCH of codes, or with If-Match, which may name the sheet. */

static ngx_uint_t
ngx_http_magasin_product_of_sheet(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, const char **fields)
{
    if (members != ngx_http_magasin_product_patch) {
        return 0;
    }

    return fields[MEMBER_CODE] || fields[MEMBER_CODES_BARRES]
           || ngx_http_magasin_header(ctx->request,
                                      NGX_HTTP_MAGASIN_HEADER_IF_MATCH);
}


/* Bind writes_batch.sql. */

static ngx_int_t
ngx_http_magasin_product_batched(ngx_http_magasin_ctx_t *ctx,
    const char **fields)
{
    uint64_t     *locks;
    const char  **values;

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


/*
 * Bind product_patch.sql.  unless: the digests of If-None-Match, or NULL; null:
 * not NULL if the description has to be null.
 */

static ngx_int_t
ngx_http_magasin_product_patched(ngx_http_magasin_ctx_t *ctx,
    const char **fields, const char *unless, const char *null)
{
    uint64_t     *locks;
    const char  **values;

    values = ctx->job.values;

    ngx_memcpy(&values[PATCH_FIELDS], fields, 4 * sizeof(char *));

    values[PATCH_ID] = (const char *) ctx->ids[0].text.data;
    values[PATCH_ACTEUR] = (const char *) ctx->token.data;
    values[PATCH_ARCHIVE] = fields[MEMBER_ARCHIVE];
    values[PATCH_IF_NONE_MATCH] = unless;
    values[PATCH_NULL] = null;

    ctx->job.statement = NGX_HTTP_MAGASIN_SQL_PRODUCT_PATCH;
    ctx->job.nvalues = PATCH_VALUES;

    locks = ngx_http_magasin_locks(ctx, 1);

    if (locks == NULL
        || ngx_http_magasin_if_match(ctx, &values[PATCH_IF_MATCH]) != NGX_OK)
    {
        return NGX_ERROR;
    }

    locks[0] = ngx_http_magasin_pg_lock("produit", values[PATCH_ID]);

    return NGX_OK;
}


static void
ngx_http_magasin_product_no_null(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_members_error(ctx, "description",
                                   "Ce champ ne peut être nul.");
}


/*
 * Returns 1 if the body has a null description and the product has another
 * one, or does not exist: as in the reference the fields are checked before
 * the product.  What GET gives, PUT takes: a null that is there may stay.
 */

static ngx_uint_t
ngx_http_magasin_product_null_refused(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    const char  **values;

    values = ctx->job.values;

    if (ctx->job.statement != NGX_HTTP_MAGASIN_SQL_PRODUCT_PATCH
        || values[PATCH_NULL] == NULL)
    {
        return 0;
    }

    return ctx->job.rows == 0
           || !PQgetisnull(result, ctx->job.row, PRODUCT_DESCRIPTION)
           || (*PQgetvalue(result, ctx->job.row, PRODUCT_CONCORDE) == 'f'
               && values[PATCH_IF_MATCH] == NULL
               && values[PATCH_IF_NONE_MATCH] == NULL);
}


ngx_int_t
ngx_http_magasin_product_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int  row, first;

    if (ctx->job.statement == NGX_HTTP_MAGASIN_SQL_PRODUCT_CHANGE) {
        return ngx_http_magasin_product_change_render(ctx, result);
    }

    if (ngx_http_magasin_product_null_refused(ctx, result)) {
        ngx_http_magasin_product_no_null(ctx);
        (void) ngx_http_magasin_members_end(ctx);
        return NGX_OK;
    }

    row = ctx->job.row;
    first = ctx->job.gather ? WRITES_PRODUIT : PRODUCT_ID;

    if (ctx->job.rows == 0 || PQgetisnull(result, row, first + PRODUCT_ID)) {
        return ngx_http_magasin_product_missing(ctx) == NGX_DONE ? NGX_OK
                                                                 : NGX_ERROR;
    }

    if (ctx->job.statement != NGX_HTTP_MAGASIN_SQL_PRODUCT
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

    ngx_http_magasin_product_body(&ctx->json, result, row, first);

    return NGX_OK;
}


/* Write the members of a product, whose first column is `first`. */

static void
ngx_http_magasin_product_body(ngx_http_magasin_json_t *json,
    PGresult *result, int row, int first)
{
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
}


/*
 * Sets the entity tag: MD5 of the fields, computed as produit_etag() of
 * 012_coins.sql does for If-Match.  Each field has its length before it, since
 * a separator could be part of a field.  Returns NGX_OK, or NGX_ERROR if memory
 * cannot be allocated.
 */

static ngx_int_t
ngx_http_magasin_product_tag(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    int first)
{
    int         column, row;
    u_char     *p, digest[16], length[NGX_SIZE_T_LEN + 1];
    ngx_md5_t   md5;
    ngx_str_t   text;

    row = ctx->job.row;

    ngx_md5_init(&md5);

    for (column = PRODUCT_NOM; column <= PRODUCT_DESCRIPTION; column++) {

        if (PQgetisnull(result, row, first + column)) {
            ngx_md5_update(&md5, "-", 1);
            continue;
        }

        text = ngx_http_magasin_column(result, row, first + column);

        p = ngx_sprintf(length, "%uz:", text.len);
        ngx_md5_update(&md5, length, p - length);
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
                         PQfnumber(result, "renomme"));

    ngx_http_magasin_tags_produit(tags,
                   ngx_http_magasin_tag_id((char *) ctx->ids[0].text.data),
                   *renomme == 't', 0);
}


/* POST.  Without a description the product has an empty one. */

ngx_int_t
ngx_http_magasin_product_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    const char  **values;

    values = ctx->job.values;

    rc = ngx_http_magasin_members_read(ctx, ngx_http_magasin_product_new,
                                       values);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_magasin_product_barcodes(ctx, &values[CREATE_CODES_BARRES])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (values[CREATE_DESCRIPTION] == NULL) {
        values[CREATE_DESCRIPTION] = "";
    }

    values[CREATE_ACTEUR] = (const char *) ctx->token.data;
    values[CREATE_CLE] = ctx->key;
    values[CREATE_EMPREINTE] = ctx->digest;
    ctx->job.nvalues = CREATE_VALUES;

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_product_new);

    return ngx_http_magasin_members_end(ctx);
}


/*
 * A new product changes answers that show names only if there was one with its
 * name already: they show both as one.
 */

void
ngx_http_magasin_product_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    int  column;

    column = PQfnumber(result, "homonyme");

    ngx_http_magasin_tags_produit(tags,
                                  ngx_http_magasin_written_id(ctx, result),
                                  column >= 0
                                  && *PQgetvalue(result, 0, column) == 't',
                                  0);
}
