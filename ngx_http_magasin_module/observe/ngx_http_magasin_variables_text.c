
/*
 * Texts of clients for JSON logs.  escape=json of log_format copies bytes that
 * are not UTF-8, and the line is not valid JSON then.
 */


#include "ngx_http_magasin_observe.h"
#include "ngx_http_magasin_text.h"


static ngx_int_t ngx_http_magasin_variable_path(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_magasin_variable_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_magasin_variable_repaired(ngx_http_variable_value_t *v,
    ngx_str_t *text);


#define NGX_HTTP_MAGASIN_TEXT  "magasin_text_"


/*
 * The first variable is changeable: a map with the same name, in an older
 * configuration, overrides it.
 */

static ngx_http_variable_t  ngx_http_magasin_variables_texts[] = {

    { ngx_string("magasin_path"), NULL,
      ngx_http_magasin_variable_path, 0, NGX_HTTP_VAR_CHANGEABLE, 0 },

    { ngx_string(NGX_HTTP_MAGASIN_TEXT), NULL,
      ngx_http_magasin_variable_text, 0,
      NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

      ngx_http_null_variable
};


/*
 * Add the variables.  Call it before the configuration is read.  Returns NGX_OK
 * or NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_variables_text(ngx_conf_t *cf)
{
    ngx_http_variable_t  *variable, *v;

    for (v = ngx_http_magasin_variables_texts; v->name.len; v++) {

        variable = ngx_http_add_variable(cf, &v->name, v->flags);
        if (variable == NULL) {
            return NGX_ERROR;
        }

        variable->get_handler = v->get_handler;
        variable->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_variable_path(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t  path;

    ngx_http_magasin_path_of(r, &path);

    if (ngx_http_magasin_text_repair(r->pool, &path) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_magasin_variable_repaired(v, &path);

    return NGX_OK;
}


/*
 * The path as the client sent it, with its escapes and without the arguments.
 * It need not be UTF-8.
 */

void
ngx_http_magasin_path_of(ngx_http_request_t *r, ngx_str_t *path)
{
    u_char  *query;

    *path = r->unparsed_uri;

    /* nginx has found neither escapes nor arguments: it has made no copy. */

    if (r->uri.data == path->data && r->uri.len == path->len) {
        return;
    }

    query = ngx_strlchr(path->data, path->data + path->len, '?');

    if (query) {
        path->len = query - path->data;
    }
}


/* $magasin_text_NAME: the value of $NAME as valid UTF-8. */

static ngx_int_t
ngx_http_magasin_variable_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                  *full = (ngx_str_t *) data;
    ngx_str_t                   name, text;
    ngx_http_variable_value_t  *value;

    name.data = full->data + sizeof(NGX_HTTP_MAGASIN_TEXT) - 1;
    name.len = full->len - (sizeof(NGX_HTTP_MAGASIN_TEXT) - 1);

    value = ngx_http_get_variable(r, &name,
                                  ngx_hash_key(name.data, name.len));

    if (value == NULL || value->not_found) {
        v->not_found = 1;
        return NGX_OK;
    }

    text.data = value->data;
    text.len = value->len;

    if (ngx_http_magasin_text_repair(r->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_magasin_variable_repaired(v, &text);

    return NGX_OK;
}


static void
ngx_http_magasin_variable_repaired(ngx_http_variable_value_t *v,
    ngx_str_t *text)
{
    v->data = text->data;
    v->len = (unsigned) text->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}
