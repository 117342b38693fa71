
/* GET /api/v1/me/: who asks, as the request was authorised. */


#include "ngx_http_magasin_api.h"
#include "ngx_http_magasin_checks.h"


static void ngx_http_magasin_me_list(ngx_http_magasin_json_t *json,
    ngx_str_t *list, ngx_uint_t text);


/* "magasins" is null for all stores, "expire_le" the last day, or null. */

ngx_int_t
ngx_http_magasin_me_bind(ngx_http_magasin_ctx_t *ctx)
{
    u_char                   *p, day[NGX_TIME_T_LEN + sizeof("-12-31")];
    ngx_tm_t                  tm;
    ngx_str_t                 name;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;
    name = ctx->token;

    if (ctx->identity) {
        name.data += sizeof(NGX_HTTP_MAGASIN_IDENTITY_PREFIX) - 1;
        name.len -= sizeof(NGX_HTTP_MAGASIN_IDENTITY_PREFIX) - 1;
    }

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "nom");
    ngx_http_magasin_json_text(json, name.data, name.len);
    ngx_http_magasin_json_key(json, "scopes");
    ngx_http_magasin_me_list(json, &ctx->scopes, 1);
    ngx_http_magasin_json_key(json, "magasins");

    if (ctx->bound) {
        ngx_http_magasin_me_list(json, &ctx->stores, 0);

    } else {
        ngx_http_magasin_json_literal(json, "null", 4);
    }

    ngx_http_magasin_json_key(json, "expire_le");

    if (ctx->expires) {
        ngx_gmtime(ctx->expires - 1, &tm);
        p = ngx_sprintf(day, "%4d-%02d-%02d", tm.ngx_tm_year, tm.ngx_tm_mon,
                        tm.ngx_tm_mday);
        ngx_http_magasin_json_text(json, day, p - day);

    } else {
        ngx_http_magasin_json_literal(json, "null", 4);
    }

    ngx_http_magasin_json_close(json, '}');

    return NGX_DONE;
}


/* Writes a list with commas as an array, of texts or of numbers. */

static void
ngx_http_magasin_me_list(ngx_http_magasin_json_t *json, ngx_str_t *list,
    ngx_uint_t text)
{
    u_char  *p, *end, *comma;

    end = list->data + list->len;

    ngx_http_magasin_json_open(json, '[');

    for (p = list->data; p < end; p = comma + 1) {
        comma = ngx_strlchr(p, end, ',');
        comma = comma ? comma : end;

        if (text) {
            ngx_http_magasin_json_text(json, p, comma - p);

        } else {
            ngx_http_magasin_json_literal(json, p, comma - p);
        }
    }

    ngx_http_magasin_json_close(json, ']');
}
