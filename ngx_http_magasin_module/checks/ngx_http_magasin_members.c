
#include "ngx_http_magasin_members.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_text.h"


static ngx_int_t ngx_http_magasin_members_instead(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, const ngx_http_magasin_member_t *member,
    ngx_uint_t *instead);
static void ngx_http_magasin_members_unknown_pairs(
    ngx_http_magasin_ctx_t *ctx, const ngx_http_magasin_member_t *members);
static void ngx_http_magasin_members_unknown_one(ngx_http_magasin_ctx_t *ctx,
    const char *name, size_t len);


/*
 * Checks that a JSON body is an object.  A missing body counts as an empty
 * one.
 *
 * Returns NGX_OK, or NGX_DONE if the 400 is in ctx.
 */

ngx_int_t
ngx_http_magasin_members_root(ngx_http_magasin_ctx_t *ctx)
{
    u_char      *p, message[128];
    const char  *type;

    if (ctx->body.root == NULL || json_is_object(ctx->body.root)) {
        return NGX_OK;
    }

    switch (json_typeof(ctx->body.root)) {

    case JSON_NULL:
        ngx_http_magasin_members_error(ctx, "non_field_errors",
                                       "No data provided");
        return ngx_http_magasin_members_end(ctx);

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

    ngx_http_magasin_members_error(ctx, "non_field_errors", (char *) message);

    return ngx_http_magasin_members_end(ctx);
}


/*
 * Checks that the body is an object, and reads the members that the table
 * names into `values`, in the order of the table.  Absent members are NULL.
 * Errors of members are added to the answer in ctx.  The caller may add errors
 * of its own; at the end it has to call ngx_http_magasin_members_end().
 *
 * Returns NGX_OK, NGX_DONE if the body is no object and the 400 is in ctx, or
 * NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_members_read(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, const char **values)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_members_root(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_magasin_members_of(ctx->request, &ctx->body, members,
                                       values,
                                       ngx_http_magasin_members_complain, ctx);
}


/*
 * The same for any body, such as an object within the body of the request.
 * Errors are passed to complain().
 */

ngx_int_t
ngx_http_magasin_members_of(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, const ngx_http_magasin_member_t *members,
    const char **values, ngx_http_magasin_complain_pt complain, void *data)
{
    ngx_uint_t                        instead;
    ngx_http_magasin_field_t          field;
    const ngx_http_magasin_member_t  *member;

    for (member = members; member->name; member++, values++) {

        *values = NULL;

        if (member->type == NGX_HTTP_MAGASIN_MEMBER_OTHER) {
            continue;
        }

        if (ngx_http_magasin_body_field(r, body, member->name, member->blank,
                                        &field)
               != NGX_OK
            || ngx_http_magasin_members_instead(r, body, member, &instead)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (field.type == NGX_HTTP_MAGASIN_FIELD_ABSENT) {
            if (member->required && !instead) {
                complain(data, member->name, "Ce champ est obligatoire.");
            }

            continue;
        }

        if (instead) {
            complain(data, member->name, "Ce champ exclut « code ».");
            continue;
        }

        if (ngx_http_magasin_value(r, member, &field, values, complain, data)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Sets *instead to 1 if the body has the member that may stand in the place of
 * this one.  Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

static ngx_int_t
ngx_http_magasin_members_instead(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, const ngx_http_magasin_member_t *member,
    ngx_uint_t *instead)
{
    ngx_http_magasin_field_t  field;

    *instead = 0;

    if (member->instead == NULL) {
        return NGX_OK;
    }

    if (ngx_http_magasin_body_field(r, body, member->instead, 0, &field)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    *instead = field.type != NGX_HTTP_MAGASIN_FIELD_ABSENT;

    return NGX_OK;
}


/*
 * Checks and reads a whole body that may contain only members of the table.
 *
 * Returns NGX_OK, NGX_DONE if the 400 is in ctx, or NGX_ERROR if memory cannot
 * be allocated.
 */

ngx_int_t
ngx_http_magasin_members_bind(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, const char **values)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_members_read(ctx, members, values);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_magasin_members_unknown(ctx, members);

    return ngx_http_magasin_members_end(ctx);
}


/* Adds an error for each member of the body that the table does not name. */

void
ngx_http_magasin_members_unknown(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members)
{
    void        *iterator;
    const char  *name;
    ngx_str_t   *file;
    ngx_uint_t   i;

    if (ctx->body.root) {
        for (iterator = json_object_iter(ctx->body.root);
             iterator;
             iterator = json_object_iter_next(ctx->body.root, iterator))
        {
            name = json_object_iter_key(iterator);

            if (!ngx_http_magasin_members_known(members, name,
                                                ngx_strlen(name)))
            {
                ngx_http_magasin_members_unknown_one(ctx, name,
                                                     ngx_strlen(name));
            }
        }
    }

    if (ctx->body.pairs) {
        ngx_http_magasin_members_unknown_pairs(ctx, members);
    }

    if (ctx->body.files) {
        file = ctx->body.files->elts;

        for (i = 0; i < ctx->body.files->nelts; i++) {
            name = (const char *) file[i].data;

            if (!ngx_http_magasin_members_known(members, name, file[i].len)) {
                ngx_http_magasin_members_unknown_one(ctx, name, file[i].len);
            }
        }
    }
}


/*
 * Adds one error for each unknown name of a form, at the position of its last
 * pair.  The pairs are sorted first, because a search for later pairs of each
 * name would take quadratic time.
 */

static void
ngx_http_magasin_members_unknown_pairs(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members)
{
    ngx_uint_t                 i, n;
    const char                *name;
    ngx_http_magasin_pair_t   *pair, **sorted;

    n = ctx->body.pairs->nelts;
    pair = ctx->body.pairs->elts;

    sorted = ngx_http_magasin_query_sort(ctx->request->pool, ctx->body.pairs);
    if (sorted == NULL) {

        /* Open the error; the answer will be 500. */

        ctx->json.failed = 1;
        ngx_http_magasin_members_open(ctx, "", 0);
        return;
    }

    for (i = 1; i < n; i++) {
        if (sorted[i]->name.len == sorted[i - 1]->name.len
            && ngx_memcmp(sorted[i]->name.data, sorted[i - 1]->name.data,
                          sorted[i]->name.len)
               == 0)
        {
            sorted[i - 1]->repeated = 1;
        }
    }

    for (i = 0; i < n; i++) {
        name = (const char *) pair[i].name.data;

        if (!pair[i].repeated
            && !ngx_http_magasin_members_known(members, name,
                                               pair[i].name.len))
        {
            ngx_http_magasin_members_unknown_one(ctx, name, pair[i].name.len);
        }
    }
}


/*
 * Ends the errors.  Returns NGX_OK if there were none, or NGX_DONE if the
 * complete 400 is in ctx.
 */

ngx_int_t
ngx_http_magasin_members_end(ngx_http_magasin_ctx_t *ctx)
{
    if (!ctx->fields) {
        return NGX_OK;
    }

    ngx_http_magasin_json_close(&ctx->json, ']');
    ngx_http_magasin_json_close(&ctx->json, '}');

    return NGX_DONE;
}


/*
 * Does the same as ngx_http_magasin_members_read() for parameters of the
 * query.  Empty parameters count as absent, and unknown ones are ignored.
 */

ngx_int_t
ngx_http_magasin_query_read(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, const char **values)
{
    ngx_str_t                        *text;
    ngx_http_magasin_field_t          field;
    const ngx_http_magasin_member_t  *member;

    for (member = members; member->name; member++, values++) {

        *values = NULL;

        text = ngx_http_magasin_query_last(ctx->query, member->name,
                                           ngx_strlen(member->name));

        if (text == NULL) {
            continue;
        }

        ngx_memzero(&field, sizeof(ngx_http_magasin_field_t));

        field.type = NGX_HTTP_MAGASIN_FIELD_TEXT;
        field.text = *text;

        ngx_http_magasin_text_strip(&field.text);

        if (field.text.len == 0) {
            continue;
        }

        if (ngx_http_magasin_value(ctx->request, member, &field, values,
                                   ngx_http_magasin_members_complain, ctx)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Adds {"name": [..., "message"]} to the answer.  The errors of one field have
 * to be added one after another.  ctx->field is the field whose list is
 * open.
 */

void
ngx_http_magasin_members_error(ngx_http_magasin_ctx_t *ctx, const char *name,
    const char *message)
{
    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "magasin member \"%s\" is not valid", name);

    ngx_http_magasin_members_open(ctx, name, ngx_strlen(name));
    ngx_http_magasin_json_text(&ctx->json, message, ngx_strlen(message));
}


/*
 * Opens the list of errors of this field, unless it is open.  The caller then
 * writes one message.  ctx->field keeps the pointer `name`, and fields are
 * compared by this pointer.
 */

void
ngx_http_magasin_members_open(ngx_http_magasin_ctx_t *ctx, const char *name,
    size_t len)
{
    if (!ctx->fields) {
        ngx_http_magasin_reply_begin(ctx, NGX_HTTP_BAD_REQUEST);
        ctx->fields = 1;
        ctx->field = NULL;

        ngx_http_magasin_json_open(&ctx->json, '{');
    }

    if (ctx->field == name) {
        return;
    }

    if (ctx->field) {
        ngx_http_magasin_json_close(&ctx->json, ']');
    }

    ngx_http_magasin_json_name(&ctx->json, name, len);
    ngx_http_magasin_json_open(&ctx->json, '[');

    ctx->field = name;
}


/* Adds an error to the answer of the context `data`. */

void
ngx_http_magasin_members_complain(void *data, const char *name,
    const char *message)
{
    ngx_http_magasin_members_error(data, name, message);
}


/* Returns 1 if the table contains the name, else 0. */

ngx_uint_t
ngx_http_magasin_members_known(const ngx_http_magasin_member_t *members,
    const char *name, size_t len)
{
    for ( /* void */ ; members->name; members++) {
        if (ngx_strlen(members->name) == len
            && ngx_memcmp(members->name, name, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* Adds the error of an unknown member.  The name is text of the client. */

static void
ngx_http_magasin_members_unknown_one(ngx_http_magasin_ctx_t *ctx,
    const char *name, size_t len)
{
    ngx_str_t                 text;
    ngx_http_magasin_field_t  field;

    if (ctx->body.rescued) {

        /* Restore the client's name in a copy: jansson uses its own. */

        ngx_memzero(&field, sizeof(ngx_http_magasin_field_t));

        text.data = (u_char *) name;
        text.len = len;

        field.text.data = ngx_pstrdup(ctx->request->pool, &text);
        field.text.len = len;

        if (field.text.data) {
            ngx_http_magasin_body_json_rescued(&field);

            name = (const char *) field.text.data;
            len = field.text.len;
        }
    }

    ngx_http_magasin_members_open(ctx, name, len);
    ngx_http_magasin_json_string(&ctx->json, "Champ inconnu.");
}
