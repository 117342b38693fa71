
/* The list "lignes" of a body: reads and checks it, and reports its errors. */


#include "ngx_http_magasin_lines_internal.h"


#define NGX_HTTP_MAGASIN_LINES  1000


/* A line, and the table that its members are read by. */
typedef struct {
    ngx_http_magasin_line_t          *line;
    const ngx_http_magasin_member_t  *members;
} ngx_http_magasin_line_reader_t;


static ngx_int_t ngx_http_magasin_line_read(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, json_t *value,
    ngx_http_magasin_line_t *line);
static ngx_uint_t ngx_http_magasin_line_known(
    const ngx_http_magasin_member_t *members, const char *name);
static void ngx_http_magasin_line_complain(void *data, const char *name,
    const char *message);
static ngx_uint_t ngx_http_magasin_line_wrong(ngx_http_magasin_line_t *line);
static void ngx_http_magasin_lines_errors(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_lines_t *lines);
static void ngx_http_magasin_line_errors(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, ngx_http_magasin_line_t *line);
static void ngx_http_magasin_line_error(ngx_http_magasin_ctx_t *ctx,
    const char *name, const char *message);


/*
 * Read and check the lines of the body.  `members` is the table of the members
 * of a line.  Errors are added to ctx.
 *
 * Returns NGX_OK, also with such errors, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_lines_read(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, ngx_http_magasin_lines_t *lines)
{
    json_t      *list;
    ngx_uint_t   i;

    lines->members = members;
    lines->elts = NULL;
    lines->n = 0;
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

    lines->n = json_array_size(list);

    if (lines->n == 0) {
        ngx_http_magasin_members_error(ctx, "lignes",
                                       "Cette liste ne peut pas être vide.");
        return NGX_OK;
    }

    if (lines->n > NGX_HTTP_MAGASIN_LINES) {
        ngx_http_magasin_members_error(ctx, "lignes",
                                       "Assurez-vous que cette liste n'a pas "
                                       "plus de 1000 éléments.");
        return NGX_OK;
    }

    lines->elts = ngx_pcalloc(ctx->request->pool,
                              lines->n * sizeof(ngx_http_magasin_line_t));
    if (lines->elts == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < lines->n; i++) {
        if (ngx_http_magasin_line_read(ctx, lines->members,
                                       json_array_get(list, i),
                                       &lines->elts[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_magasin_lines_errors(ctx, lines);

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_line_read(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, json_t *value,
    ngx_http_magasin_line_t *line)
{
    void                            *iterator;
    ngx_http_magasin_body_t          body;
    ngx_http_magasin_line_reader_t   reader;

    line->value = value;
    line->object = json_is_object(value);

    if (!line->object) {
        return NGX_OK;
    }

    ngx_memzero(&body, sizeof(ngx_http_magasin_body_t));

    body.type = NGX_HTTP_MAGASIN_BODY_JSON;
    body.root = value;
    body.rescued = ctx->body.rescued;

    reader.line = line;
    reader.members = members;

    if (ngx_http_magasin_members_of(ctx->request, &body, members,
                                    line->values,
                                    ngx_http_magasin_line_complain, &reader)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (iterator = json_object_iter(value);
         iterator;
         iterator = json_object_iter_next(value, iterator))
    {
        if (!ngx_http_magasin_line_known(members,
                                         json_object_iter_key(iterator)))
        {
            line->unknown = 1;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_magasin_line_known(const ngx_http_magasin_member_t *members,
    const char *name)
{
    return ngx_http_magasin_members_known(members, name, ngx_strlen(name));
}


/*
 * A member of a line has at most one error.  `message` must be a constant: only
 * the pointer is stored.
 */

static void
ngx_http_magasin_line_complain(void *data, const char *name,
    const char *message)
{
    ngx_http_magasin_line_reader_t *reader = data;

    ngx_uint_t  i;

    for (i = 0; reader->members[i].name; i++) {
        if (reader->members[i].name == name) {
            reader->line->errors[i] = message;
        }
    }
}


static ngx_uint_t
ngx_http_magasin_line_wrong(ngx_http_magasin_line_t *line)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_MAGASIN_LINE_MEMBERS; i++) {
        if (line->errors[i]) {
            return 1;
        }
    }

    return line->unknown || !line->object;
}


/*
 * Write the errors, if there are any: {"lignes": [{}, {"quantite": ["..."]}]},
 * with one element for each line.
 */

static void
ngx_http_magasin_lines_errors(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_lines_t *lines)
{
    ngx_uint_t                i;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;

    for (i = 0; i < lines->n; i++) {
        if (ngx_http_magasin_line_wrong(&lines->elts[i])) {
            break;
        }
    }

    if (i == lines->n) {
        return;
    }

    ngx_http_magasin_members_open(ctx, "lignes", sizeof("lignes") - 1);

    for (i = 0; i < lines->n; i++) {
        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_line_errors(ctx, lines->members, &lines->elts[i]);
        ngx_http_magasin_json_close(json, '}');
    }
}


static void
ngx_http_magasin_line_errors(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, ngx_http_magasin_line_t *line)
{
    void        *iterator;
    const char  *name;
    ngx_uint_t   i;

    if (!line->object) {
        ngx_http_magasin_line_error(ctx, "non_field_errors",
                                    "Donnée non valide. Attendait un "
                                    "dictionnaire.");
        return;
    }

    for (i = 0; members[i].name; i++) {
        if (line->errors[i]) {
            ngx_http_magasin_line_error(ctx, members[i].name, line->errors[i]);
        }
    }

    for (iterator = line->unknown ? json_object_iter(line->value) : NULL;
         iterator;
         iterator = json_object_iter_next(line->value, iterator))
    {
        name = json_object_iter_key(iterator);

        if (!ngx_http_magasin_line_known(members, name)) {
            ngx_http_magasin_line_error(ctx, name, "Champ inconnu.");
        }
    }
}


static void
ngx_http_magasin_line_error(ngx_http_magasin_ctx_t *ctx, const char *name,
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

const char *
ngx_http_magasin_lines_list(ngx_pool_t *pool, ngx_http_magasin_lines_t *lines,
    ngx_uint_t member)
{
    size_t       size;
    u_char      *p, *list;
    ngx_uint_t   i;
    const char  *value;

    size = 1;

    for (i = 0; i < lines->n; i++) {
        value = lines->elts[i].values[member];
        size += (value ? ngx_strlen(value) : sizeof("NULL") - 1) + 1;
    }

    list = ngx_pnalloc(pool, size);
    if (list == NULL) {
        return NULL;
    }

    p = list;

    for (i = 0; i < lines->n; i++) {
        value = lines->elts[i].values[member];
        p = ngx_sprintf(p, "%s%s", i ? "," : "", value ? value : "NULL");
    }

    *p = '\0';

    return (const char *) list;
}


/* Returns the same as an array of PostgreSQL: "{4,7,NULL}". */

const char *
ngx_http_magasin_lines_array(ngx_pool_t *pool,
    ngx_http_magasin_lines_t *lines, ngx_uint_t member)
{
    u_char      *p;
    const char  *list;

    list = ngx_http_magasin_lines_list(pool, lines, member);
    if (list == NULL) {
        return NULL;
    }

    p = ngx_pnalloc(pool, ngx_strlen(list) + sizeof("{}"));
    if (p == NULL) {
        return NULL;
    }

    (void) ngx_sprintf(p, "{%s}%Z", list);

    return (const char *) p;
}
