
/* GET and PUT /api/v1/products/{id}/. */


#include "ngx_http_magasin_api.h"
#include "../ngx_http_magasin_reply.h"
#include "../ngx_http_magasin_text.h"
#include "../ngx_http_magasin_decimal.h"


#define NGX_HTTP_MAGASIN_PRODUCT_NAME   100     /* code points */
#define NGX_HTTP_MAGASIN_PRODUCT_PRICE  1000    /* code points of its text */


/* Columns of sql/statements/product.sql and product_update.sql. */
enum {
    PRODUCT_ID = 0,
    PRODUCT_NOM,
    PRODUCT_CATEGORIE,
    PRODUCT_PRIX,
    PRODUCT_DESCRIPTION
};


/* The fields in the order in which their errors are told. */
typedef struct {
    const char   *name;
    ngx_uint_t    max;          /* code points; 0: any number */
    unsigned      blank:1;      /* may be "" */
    unsigned      price:1;
} ngx_http_magasin_product_spec_t;


static ngx_int_t ngx_http_magasin_product_missing(
    ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_product_root(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_product_field(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_product_spec_t *spec, const char **value);
static ngx_int_t ngx_http_magasin_product_text(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_product_spec_t *spec,
    ngx_http_magasin_field_t *field, const char **value);
static ngx_int_t ngx_http_magasin_product_price(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_product_spec_t *spec, ngx_str_t *text,
    const char **value);
static const char *ngx_http_magasin_product_digits(
    ngx_http_magasin_decimal_t *price);
static void ngx_http_magasin_product_error(ngx_http_magasin_ctx_t *ctx,
    const char *name, const char *message);
static void ngx_http_magasin_product_errors_end(ngx_http_magasin_ctx_t *ctx);


static ngx_http_magasin_product_spec_t  ngx_http_magasin_product_specs[] = {
    { "nom", NGX_HTTP_MAGASIN_PRODUCT_NAME, 0, 0 },
    { "categorie", NGX_HTTP_MAGASIN_PRODUCT_NAME, 0, 0 },
    { "prix", 0, 0, 1 },
    { "description", 0, 1, 0 }
};


#define NGX_HTTP_MAGASIN_PRODUCT_FIELDS                                       \
    (sizeof(ngx_http_magasin_product_specs)                                  \
     / sizeof(ngx_http_magasin_product_spec_t))


ngx_int_t
ngx_http_magasin_product_bind(ngx_http_magasin_ctx_t *ctx)
{
    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_product_missing(ctx);
    }

    ctx->job.values[0] = (const char *) ctx->ids[0].text.data;
    ctx->job.nvalues = 1;
    ctx->job.merge = (ctx->endpoint->method == NGX_HTTP_GET);

    return NGX_OK;
}


/* All fields are checked before any error is told, and before the id. */

ngx_int_t
ngx_http_magasin_product_update_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    rc = ngx_http_magasin_product_root(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < NGX_HTTP_MAGASIN_PRODUCT_FIELDS; i++) {
        rc = ngx_http_magasin_product_field(ctx,
                                       &ngx_http_magasin_product_specs[i],
                                       &ctx->job.values[i + 1]);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    if (ctx->status == NGX_HTTP_BAD_REQUEST) {
        ngx_http_magasin_product_errors_end(ctx);
        return NGX_DONE;
    }

    rc = ngx_http_magasin_product_bind(ctx);
    ctx->job.nvalues = NGX_HTTP_MAGASIN_PRODUCT_FIELDS + 1;

    return rc;
}


ngx_int_t
ngx_http_magasin_product_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                       row;
    ngx_http_magasin_json_t  *json;

    if (ctx->job.rows == 0) {
        return ngx_http_magasin_product_missing(ctx) == NGX_DONE ? NGX_OK
                                                                 : NGX_ERROR;
    }

    json = &ctx->json;
    row = ctx->job.row;

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "nom");
    ngx_http_magasin_column_text(json, result, row, PRODUCT_NOM);
    ngx_http_magasin_json_key(json, "categorie");
    ngx_http_magasin_column_text(json, result, row, PRODUCT_CATEGORIE);
    ngx_http_magasin_json_key(json, "prix");
    ngx_http_magasin_column_text(json, result, row, PRODUCT_PRIX);
    ngx_http_magasin_json_key(json, "description");

    if (PQgetisnull(result, row, PRODUCT_DESCRIPTION)) {
        ngx_http_magasin_json_literal(json, "null", 4);

    } else {
        ngx_http_magasin_column_text(json, result, row, PRODUCT_DESCRIPTION);
    }

    ngx_http_magasin_json_close(json, '}');

    return NGX_OK;
}


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


/* JSON that is no object.  NGX_OK, or NGX_DONE: the 400 is in ctx. */

static ngx_int_t
ngx_http_magasin_product_root(ngx_http_magasin_ctx_t *ctx)
{
    u_char      *p, message[128];
    const char  *type;

    if (ctx->body.root == NULL || json_is_object(ctx->body.root)) {
        return NGX_OK;
    }

    switch (json_typeof(ctx->body.root)) {

    case JSON_NULL:
        ngx_http_magasin_product_error(ctx, "non_field_errors",
                                       "No data provided");
        ngx_http_magasin_product_errors_end(ctx);
        return NGX_DONE;

    case JSON_ARRAY:
        type = "list";
        break;

    case JSON_STRING:
        type = "str";
        break;

    case JSON_INTEGER:
        type = "int";
        break;

    case JSON_REAL:
        type = "float";
        break;

    default:
        type = "bool";
        break;
    }

    p = ngx_sprintf(message, "Donnée non valide. Attendait un dictionnaire, "
                    "a reçu %s.", type);
    *p = '\0';

    ngx_http_magasin_product_error(ctx, "non_field_errors", (char *) message);
    ngx_http_magasin_product_errors_end(ctx);

    return NGX_DONE;
}


/*
 * One field into a parameter, NULL when it is absent.  Errors are written
 * into ctx->json and show in ctx->status.  NGX_OK or NGX_ERROR (memory).
 */

static ngx_int_t
ngx_http_magasin_product_field(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_product_spec_t *spec, const char **value)
{
    ngx_http_magasin_field_t  field;

    *value = NULL;

    if (ngx_http_magasin_body_field(ctx->request, &ctx->body, spec->name,
                                    spec->blank, &field)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    switch (field.type) {

    case NGX_HTTP_MAGASIN_FIELD_ABSENT:
        return NGX_OK;

    case NGX_HTTP_MAGASIN_FIELD_NULL:
        ngx_http_magasin_product_error(ctx, spec->name,
                                       "Ce champ ne peut être nul.");
        return NGX_OK;

    case NGX_HTTP_MAGASIN_FIELD_OTHER:
        ngx_http_magasin_product_error(ctx, spec->name,
                                       spec->price
                                       ? "Un nombre valide est requis."
                                       : "Not a valid string.");
        return NGX_OK;

    default: /* text, number */
        break;
    }

    ngx_http_magasin_text_strip(&field.text);

    return spec->price
        ? ngx_http_magasin_product_price(ctx, spec, &field.text, value)
        : ngx_http_magasin_product_text(ctx, spec, &field, value);
}


static ngx_int_t
ngx_http_magasin_product_text(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_product_spec_t *spec,
    ngx_http_magasin_field_t *field, const char **value)
{
    u_char     *p, message[64];
    ngx_str_t  *text;

    text = &field->text;

    if (text->len == 0 && !spec->blank) {
        ngx_http_magasin_product_error(ctx, spec->name,
                                       "Ce champ ne peut être vide.");
        return NGX_OK;
    }

    if (spec->max && ngx_http_magasin_text_length(text) > spec->max) {
        ngx_http_magasin_product_error(ctx, spec->name,
                                       "Assurez-vous que ce champ comporte "
                                       "au plus 100\xc2\xa0" "caractères.");
    }

    if (ngx_strlchr(text->data, text->data + text->len, '\0')) {
        ngx_http_magasin_product_error(ctx, spec->name,
                                       "Le caractère nul n’est pas autorisé.");
    }

    if (field->surrogate) {
        (void) ngx_sprintf(message, "Surrogate characters are not allowed: "
                           "U+%XD.%Z", field->surrogate);
        ngx_http_magasin_product_error(ctx, spec->name, (char *) message);
    }

    p = ngx_pnalloc(ctx->request->pool, text->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, text->data, text->len);
    p[text->len] = '\0';

    *value = (const char *) p;

    return NGX_OK;
}


/* numeric(10,2), not negative, checked in the reference's order. */

static ngx_int_t
ngx_http_magasin_product_price(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_product_spec_t *spec, ngx_str_t *text,
    const char **value)
{
    ngx_int_t                    rc;
    const char                  *message;
    ngx_http_magasin_decimal_t   price;

    if (ngx_http_magasin_text_length(text) > NGX_HTTP_MAGASIN_PRODUCT_PRICE) {
        ngx_http_magasin_product_error(ctx, spec->name,
                                       "Chaîne de caractères trop longue.");
        return NGX_OK;
    }

    rc = ngx_http_magasin_decimal_parse(ctx->request->pool, &price, text);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    message = (rc == NGX_DECLINED) ? "Un nombre valide est requis."
                                   : ngx_http_magasin_product_digits(&price);

    if (message) {
        ngx_http_magasin_product_error(ctx, spec->name, message);
        return NGX_OK;
    }

    *value = (const char *) ngx_http_magasin_decimal_print(ctx->request->pool,
                                                           &price);

    return *value ? NGX_OK : NGX_ERROR;
}


/* What is wrong with the size of a price, or NULL. */

static const char *
ngx_http_magasin_product_digits(ngx_http_magasin_decimal_t *price)
{
    int64_t  total, whole, fraction;

    ngx_http_magasin_decimal_digits(price, &total, &whole, &fraction);

    if (total > 10) {
        return "Assurez-vous qu'il n'y a pas plus de 10\xc2\xa0" "chiffres "
               "au total.";
    }

    if (fraction > 2) {
        return "Assurez-vous qu'il n'y a pas plus de 2\xc2\xa0" "chiffres "
               "après la virgule.";
    }

    if (whole > 8) {
        return "Assurez-vous qu'il n'y a pas plus de 8 chiffres avant la "
               "virgule.";
    }

    if (price->negative && !price->zero) {
        return "Assurez-vous que cette valeur est supérieure ou égale à 0.";
    }

    return NULL;
}


/*
 * Add {"name": [..., "message"]}: errors of one field follow each other.
 * ctx->state remembers the field that is open.
 */

static void
ngx_http_magasin_product_error(ngx_http_magasin_ctx_t *ctx, const char *name,
    const char *message)
{
    if (ctx->status != NGX_HTTP_BAD_REQUEST) {
        ngx_http_magasin_reply_begin(ctx, NGX_HTTP_BAD_REQUEST);
        ngx_http_magasin_json_open(&ctx->json, '{');
    }

    if (ctx->state != name) {
        if (ctx->state) {
            ngx_http_magasin_json_close(&ctx->json, ']');
        }

        ngx_http_magasin_json_member(&ctx->json, name, ngx_strlen(name));
        ngx_http_magasin_json_open(&ctx->json, '[');

        ctx->state = (void *) name;
    }

    ngx_http_magasin_json_text(&ctx->json, message, ngx_strlen(message));
}


static void
ngx_http_magasin_product_errors_end(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_json_close(&ctx->json, ']');
    ngx_http_magasin_json_close(&ctx->json, '}');
}
