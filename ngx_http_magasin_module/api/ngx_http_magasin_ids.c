
/*
 * A parameter that selects rows by their ids: "4,9,12"; and a list of ids in a
 * body: [4, 9, 12].
 */


#include "ngx_http_magasin_rows.h"


/* More ids than one screen of a client shows. */
#define NGX_HTTP_MAGASIN_IDS  100


static ngx_uint_t ngx_http_magasin_ids_valid(ngx_str_t *text);


/*
 * Convert the ids of the parameter `name`, whose value is `text`, to an array
 * of PostgreSQL ("{4,9,12}"), in `*value`.  `*value` is NULL if the parameter
 * is missing or empty.  A value that is not a list of 1 to 100 ids adds an
 * error of this field to ctx; ngx_http_magasin_members_end() completes the
 * answer.
 *
 * Returns NGX_OK, also with such an error, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_ids_read(ngx_http_magasin_ctx_t *ctx, const char *name,
    ngx_str_t *text, const char **value)
{
    u_char  *p;

    *value = NULL;

    if (text == NULL || text->len == 0) {
        return NGX_OK;
    }

    if (!ngx_http_magasin_ids_valid(text)) {
        ngx_http_magasin_members_error(ctx, name,
                           "Donnez de 1 à 100 numéros séparés par des "
                           "virgules.");
        return NGX_OK;
    }

    p = ngx_pnalloc(ctx->request->pool, text->len + sizeof("{}"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(p, "{%V}%Z", text);
    *value = (const char *) p;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_magasin_ids_valid(ngx_str_t *text)
{
    size_t      i, digits;
    ngx_uint_t  ids;

    digits = 0;
    ids = 1;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] == ',') {

            if (digits == 0 || ++ids > NGX_HTTP_MAGASIN_IDS) {
                return 0;
            }

            digits = 0;
            continue;
        }

        if (text->data[i] < '0' || text->data[i] > '9'
            || ++digits > NGX_HTTP_MAGASIN_IDS_DIGITS)
        {
            return 0;
        }
    }

    return digits > 0;
}


/*
 * Read a list of ids as an array of PostgreSQL, "{4,7}", and add their number
 * to `n`.  A list that is absent is empty.  Errors are added to ctx.
 *
 * Returns NGX_OK, also with such errors, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_ids_of_body(ngx_http_magasin_ctx_t *ctx, const char *name,
    const char **value, ngx_uint_t *n)
{
    size_t       i, size;
    u_char      *p;
    json_t      *list, *id;

    list = ctx->body.root ? json_object_get(ctx->body.root, name) : NULL;
    size = list ? json_array_size(list) : 0;
    *n += size;
    *value = "{}";

    if (list && !json_is_array(list)) {
        ngx_http_magasin_members_error(ctx, name,
                                       "Attendait une liste d'éléments.");
        return NGX_OK;
    }

    if (size == 0 || size > NGX_HTTP_MAGASIN_IDS_OF_BODY) {
        return NGX_OK;
    }

    p = ngx_pnalloc(ctx->request->pool,
                    size * (NGX_INT64_LEN + 1) + sizeof("{}"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    *value = (const char *) p;

    for (i = 0; i < size; i++) {
        id = json_array_get(list, i);

        if (!json_is_integer(id) || json_integer_value(id) < 1) {
            ngx_http_magasin_members_error(ctx, name,
                                           "Un nombre entier valide est "
                                           "requis.");
            return NGX_OK;
        }

        p = ngx_sprintf(p, "%c%L", i ? ',' : '{',
                        (int64_t) json_integer_value(id));
    }

    *p++ = '}';
    *p = '\0';

    return NGX_OK;
}
