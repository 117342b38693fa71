
/* Lists of texts in a body, and arrays of PostgreSQL. */


#include "ngx_http_magasin_members.h"


static ngx_int_t ngx_http_magasin_texts_elements(ngx_http_magasin_ctx_t *ctx,
    json_t *list, const ngx_http_magasin_member_t *member,
    const char **value);
static u_char *ngx_http_magasin_array_element(u_char *p, const char *value);


/*
 * Reads the member `name` of the body, a list of up to `most` texts of up to
 * `length` code points each, as an array of PostgreSQL.  *value is NULL if the
 * member is absent.  Errors are added to the answer in ctx;
 * ngx_http_magasin_members_end() completes it.
 *
 * Returns NGX_OK, also with such errors, or NGX_ERROR if memory cannot be
 * allocated.
 */

ngx_int_t
ngx_http_magasin_texts_read(ngx_http_magasin_ctx_t *ctx, const char *name,
    ngx_uint_t most, ngx_uint_t length, const char **value)
{
    u_char                      message[128];
    json_t                     *list;
    ngx_http_magasin_field_t    field;
    ngx_http_magasin_member_t   member;

    *value = NULL;

    if (ngx_http_magasin_body_field(ctx->request, &ctx->body, name, 1, &field)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (field.type == NGX_HTTP_MAGASIN_FIELD_ABSENT) {
        return NGX_OK;
    }

    if (field.type == NGX_HTTP_MAGASIN_FIELD_NULL) {
        ngx_http_magasin_members_error(ctx, name,
                                       "Ce champ ne peut être nul.");
        return NGX_OK;
    }

    list = ctx->body.root ? json_object_get(ctx->body.root, name) : NULL;

    if (!json_is_array(list)) {
        ngx_http_magasin_members_error(ctx, name,
                                       "Attendait une liste d'éléments.");
        return NGX_OK;
    }

    if (json_array_size(list) > most) {
        (void) ngx_sprintf(message, "Assurez-vous que cette liste n'a pas "
                           "plus de %ui éléments.%Z", most);
        ngx_http_magasin_members_error(ctx, name, (char *) message);
        return NGX_OK;
    }

    ngx_memzero(&member, sizeof(ngx_http_magasin_member_t));

    member.name = name;
    member.type = NGX_HTTP_MAGASIN_MEMBER_TEXT;
    member.max = length;

    return ngx_http_magasin_texts_elements(ctx, list, &member, value);
}


/*
 * Reads the elements of a list, each as `member` says.  Returns NGX_OK, or
 * NGX_ERROR if memory cannot be allocated.
 */

static ngx_int_t
ngx_http_magasin_texts_elements(ngx_http_magasin_ctx_t *ctx, json_t *list,
    const ngx_http_magasin_member_t *member, const char **value)
{
    ngx_uint_t                  i, n;
    const char                **texts;
    ngx_http_magasin_field_t    field;

    n = json_array_size(list);

    texts = ngx_pcalloc(ctx->request->pool, (n + 1) * sizeof(char *));
    if (texts == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        ngx_memzero(&field, sizeof(ngx_http_magasin_field_t));

        if (ngx_http_magasin_body_value(ctx->request, &ctx->body,
                                        json_array_get(list, i), &field)
               != NGX_OK
            || ngx_http_magasin_value(ctx->request, member, &field,
                                      &texts[i],
                                      ngx_http_magasin_members_complain, ctx)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    *value = ngx_http_magasin_array(ctx->request->pool, texts, n);

    return *value ? NGX_OK : NGX_ERROR;
}


/*
 * Returns an array of PostgreSQL, {"a",NULL}, of these texts, of which NULL is
 * SQL NULL; or NULL if memory cannot be allocated.
 */

const char *
ngx_http_magasin_array(ngx_pool_t *pool, const char **values, ngx_uint_t n)
{
    size_t       size;
    u_char      *p, *array;
    ngx_uint_t   i;

    size = sizeof("{}");

    for (i = 0; i < n; i++) {
        size += sizeof("\"\",") + sizeof("NULL");

        if (values[i]) {
            size += 2 * ngx_strlen(values[i]);
        }
    }

    array = ngx_pnalloc(pool, size);
    if (array == NULL) {
        return NULL;
    }

    p = array;
    *p++ = '{';

    for (i = 0; i < n; i++) {

        if (i) {
            *p++ = ',';
        }

        p = ngx_http_magasin_array_element(p, values[i]);
    }

    *p++ = '}';
    *p = '\0';

    return (const char *) array;
}


/* Quotation marks make a text what it is, whatever it is. */

static u_char *
ngx_http_magasin_array_element(u_char *p, const char *value)
{
    if (value == NULL) {
        return ngx_cpymem(p, "NULL", 4);
    }

    *p++ = '"';

    for ( /* void */ ; *value; value++) {

        if (*value == '"' || *value == '\\') {
            *p++ = '\\';
        }

        *p++ = (u_char) *value;
    }

    *p++ = '"';

    return p;
}
