
/* /api/v1/sales/ and the resources below. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_writes_internal.h"


#define NGX_HTTP_MAGASIN_SALE_LINES  1000


/* The members of a line, in the order of the table below. */
enum {
    LINE_PRODUIT = 0,
    LINE_QUANTITE,
    LINE_PRIX,
    LINE_MEMBERS
};


typedef struct {
    const char   *values[LINE_MEMBERS];
    const char   *errors[LINE_MEMBERS];
    json_t       *value;
    unsigned      object:1;
    unsigned      unknown:1;            /* it has an unknown member */
} ngx_http_magasin_line_t;


static const ngx_http_magasin_member_t  ngx_http_magasin_sale_members[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1 },
    { .name = "lignes", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER, .required = 1 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_line_members[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1 },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = NGX_MAX_INT32_VALUE, .required = 1 },
    { .name = "prix_unitaire", .type = NGX_HTTP_MAGASIN_MEMBER_PRICE },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_sales_params[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "depuis", .type = NGX_HTTP_MAGASIN_MEMBER_INSTANT },
    { .name = "jusqu_a", .type = NGX_HTTP_MAGASIN_MEMBER_INSTANT },
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


static ngx_int_t ngx_http_magasin_sale_lines(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_line_t **lines, ngx_uint_t *n);
static ngx_int_t ngx_http_magasin_sale_line(ngx_http_magasin_ctx_t *ctx,
    json_t *value, ngx_http_magasin_line_t *line);
static ngx_uint_t ngx_http_magasin_sale_known(const char *name);
static void ngx_http_magasin_sale_complain(void *data, const char *name,
    const char *message);
static void ngx_http_magasin_sale_errors(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_line_t *lines, ngx_uint_t n);
static void ngx_http_magasin_sale_line_errors(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_line_t *line);
static void ngx_http_magasin_sale_error(ngx_http_magasin_ctx_t *ctx,
    const char *name, const char *message);
static const char *ngx_http_magasin_sale_list(ngx_pool_t *pool,
    ngx_http_magasin_line_t *lines, ngx_uint_t n, ngx_uint_t member);


/* GET of the list.  The sales of one store have their own index. */

ngx_int_t
ngx_http_magasin_sales_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_list_bind(ctx);

    if (rc == NGX_OK && ctx->job.values[0]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_SALES_STORE;
    }

    return rc;
}


/*
 * POST.  All members are checked before the errors are answered.  A unit price
 * requires the scope "prix".
 */

ngx_int_t
ngx_http_magasin_sale_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    uint64_t                 *locks;
    ngx_int_t                 rc;
    ngx_uint_t                n, i;
    const char               *members[2], **values;
    ngx_pool_t               *pool;
    ngx_http_magasin_line_t  *lines;

    pool = ctx->request->pool;
    values = ctx->job.values;

    rc = ngx_http_magasin_members_root(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_magasin_members_read(ctx, ngx_http_magasin_sale_members,
                                      members)
           != NGX_OK
        || ngx_http_magasin_sale_lines(ctx, &lines, &n) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_magasin_members_unknown(ctx, ngx_http_magasin_sale_members);

    rc = ngx_http_magasin_members_end(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < n; i++) {
        if (lines[i].values[LINE_PRIX]
            && !ngx_http_magasin_allowed(ctx, "prix"))
        {
            return ngx_http_magasin_reply_status(ctx, NGX_HTTP_FORBIDDEN);
        }
    }

    ngx_http_magasin_writes_bind(ctx, "vente", n);

    values[WRITES_MAGASIN] = members[0];
    ctx->place = members[0];
    values[WRITES_PRODUITS] = ngx_http_magasin_sale_list(pool, lines, n,
                                                         LINE_PRODUIT);
    values[WRITES_QUANTITES] = ngx_http_magasin_sale_list(pool, lines, n,
                                                          LINE_QUANTITE);
    values[WRITES_PRIX] = ngx_http_magasin_sale_list(pool, lines, n,
                                                     LINE_PRIX);

    locks = ngx_http_magasin_locks(ctx, n);

    if (values[WRITES_PRODUITS] == NULL || values[WRITES_QUANTITES] == NULL
        || values[WRITES_PRIX] == NULL || locks == NULL)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        locks[i] = ngx_http_magasin_pg_lock(members[0],
                                            lines[i].values[LINE_PRODUIT]);
    }

    return NGX_OK;
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


/*
 * Read and check the lines of the body.  Errors are added to ctx.
 *
 * Returns NGX_OK, also with such errors, or NGX_ERROR if no memory is left.
 */

static ngx_int_t
ngx_http_magasin_sale_lines(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_line_t **lines, ngx_uint_t *n)
{
    json_t      *list;
    ngx_uint_t   i;

    *n = 0;
    *lines = NULL;
    list = ctx->body.root ? json_object_get(ctx->body.root, "lignes") : NULL;

    if (list == NULL) {
        ngx_http_magasin_members_error(ctx, "lignes",
                                       "Ce champ est obligatoire.");
        return NGX_OK;
    }

    if (json_is_null(list)) {
        ngx_http_magasin_members_error(ctx, "lignes",
                                       "Ce champ ne peut être nul.");
        return NGX_OK;
    }

    if (!json_is_array(list)) {
        ngx_http_magasin_members_error(ctx, "lignes",
                                       "Attendait une liste d'éléments.");
        return NGX_OK;
    }

    *n = json_array_size(list);

    if (*n == 0) {
        ngx_http_magasin_members_error(ctx, "lignes",
                                       "Cette liste ne peut pas être vide.");
        return NGX_OK;
    }

    if (*n > NGX_HTTP_MAGASIN_SALE_LINES) {
        ngx_http_magasin_members_error(ctx, "lignes",
                                       "Assurez-vous que cette liste n'a pas "
                                       "plus de 1000 éléments.");
        return NGX_OK;
    }

    *lines = ngx_pcalloc(ctx->request->pool,
                         *n * sizeof(ngx_http_magasin_line_t));
    if (*lines == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < *n; i++) {
        if (ngx_http_magasin_sale_line(ctx, json_array_get(list, i),
                                       &(*lines)[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_magasin_sale_errors(ctx, *lines, *n);

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_sale_line(ngx_http_magasin_ctx_t *ctx, json_t *value,
    ngx_http_magasin_line_t *line)
{
    void                     *iterator;
    ngx_http_magasin_body_t   body;

    line->value = value;
    line->object = json_is_object(value);

    if (!line->object) {
        return NGX_OK;
    }

    ngx_memzero(&body, sizeof(ngx_http_magasin_body_t));

    body.type = NGX_HTTP_MAGASIN_BODY_JSON;
    body.root = value;
    body.rescued = ctx->body.rescued;

    if (ngx_http_magasin_members_of(ctx->request, &body,
                                    ngx_http_magasin_line_members,
                                    line->values,
                                    ngx_http_magasin_sale_complain, line)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (iterator = json_object_iter(value);
         iterator;
         iterator = json_object_iter_next(value, iterator))
    {
        if (!ngx_http_magasin_sale_known(json_object_iter_key(iterator))) {
            line->unknown = 1;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_magasin_sale_known(const char *name)
{
    return ngx_http_magasin_members_known(ngx_http_magasin_line_members, name,
                                          ngx_strlen(name));
}


/*
 * A member of a line has at most one error.  `message` must be a constant: only
 * the pointer is stored.
 */

static void
ngx_http_magasin_sale_complain(void *data, const char *name,
    const char *message)
{
    ngx_http_magasin_line_t *line = data;

    ngx_uint_t  i;

    for (i = 0; i < LINE_MEMBERS; i++) {
        if (ngx_http_magasin_line_members[i].name == name) {
            line->errors[i] = message;
        }
    }
}


/*
 * Write the errors, if there are any: {"lignes": [{}, {"quantite": ["..."]}]},
 * with one element for each line.
 */

static void
ngx_http_magasin_sale_errors(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_line_t *lines, ngx_uint_t n)
{
    ngx_uint_t                i, k, wrong;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;
    wrong = 0;

    for (i = 0; i < n; i++) {
        for (k = 0; k < LINE_MEMBERS; k++) {
            wrong |= (lines[i].errors[k] != NULL);
        }

        wrong |= (lines[i].unknown || !lines[i].object);
    }

    if (!wrong) {
        return;
    }

    ngx_http_magasin_members_open(ctx, "lignes", sizeof("lignes") - 1);

    for (i = 0; i < n; i++) {
        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_sale_line_errors(ctx, &lines[i]);
        ngx_http_magasin_json_close(json, '}');
    }
}


static void
ngx_http_magasin_sale_line_errors(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_line_t *line)
{
    void        *iterator;
    const char  *name;
    ngx_uint_t   i;

    if (!line->object) {
        ngx_http_magasin_sale_error(ctx, "non_field_errors",
                                    "Donnée non valide. Attendait un "
                                    "dictionnaire.");
        return;
    }

    for (i = 0; i < LINE_MEMBERS; i++) {
        if (line->errors[i]) {
            ngx_http_magasin_sale_error(ctx,
                                        ngx_http_magasin_line_members[i].name,
                                        line->errors[i]);
        }
    }

    for (iterator = line->unknown ? json_object_iter(line->value) : NULL;
         iterator;
         iterator = json_object_iter_next(line->value, iterator))
    {
        name = json_object_iter_key(iterator);

        if (!ngx_http_magasin_sale_known(name)) {
            ngx_http_magasin_sale_error(ctx, name, "Champ inconnu.");
        }
    }
}


static void
ngx_http_magasin_sale_error(ngx_http_magasin_ctx_t *ctx, const char *name,
    const char *message)
{
    ngx_http_magasin_json_name(&ctx->json, name, ngx_strlen(name));
    ngx_http_magasin_json_open(&ctx->json, '[');
    ngx_http_magasin_json_text(&ctx->json, message, ngx_strlen(message));
    ngx_http_magasin_json_close(&ctx->json, ']');
}


/*
 * Returns one member of all lines, "4,7,NULL", or NULL if no memory is left.
 */

static const char *
ngx_http_magasin_sale_list(ngx_pool_t *pool, ngx_http_magasin_line_t *lines,
    ngx_uint_t n, ngx_uint_t member)
{
    size_t       size;
    u_char      *p, *list;
    ngx_uint_t   i;
    const char  *value;

    size = 1;

    for (i = 0; i < n; i++) {
        value = lines[i].values[member];
        size += (value ? ngx_strlen(value) : sizeof("NULL") - 1) + 1;
    }

    list = ngx_pnalloc(pool, size);
    if (list == NULL) {
        return NULL;
    }

    p = list;

    for (i = 0; i < n; i++) {
        value = lines[i].values[member];
        p = ngx_sprintf(p, "%s%s", i ? "," : "", value ? value : "NULL");
    }

    *p = '\0';

    return (const char *) list;
}
