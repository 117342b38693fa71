
/* A parameter that names some rows by their ids: "4,9,12". */


#include "ngx_http_magasin_rows.h"


/* As many as a person has before them, and more. */
#define NGX_HTTP_MAGASIN_IDS  100


static ngx_uint_t ngx_http_magasin_ids_valid(ngx_str_t *text);


/*
 * The ids of the parameter `name`, whose value is `text`, as an array of
 * PostgreSQL ("{4,9,12}"), or NULL when it is not there or empty.  What is no
 * list of 1 to 100 ids is told as an error of this field, for
 * ngx_http_magasin_members_end() to close.
 *
 * NGX_OK or NGX_ERROR (memory).
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
