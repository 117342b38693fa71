
/*
 * The headers of answers.
 *
 * `magasin_header` adds a header to all answers of a location, as add_header
 * with "always" does.  What is known when the configuration is read is copied
 * into the answer in one piece, and a variable that stands alone is read by its
 * index: nginx's own directive evaluates a script for each of its headers.
 */


#include "ngx_http_magasin_reply.h"


/* The most headers of a block; a part of nginx's list has room for 20. */
#define NGX_HTTP_MAGASIN_ADDED_HEADERS  16


/* A value that each request has for itself. */
typedef struct {
    ngx_uint_t                         header;  /* its index in the list */
    ngx_int_t                          index;   /* of a variable that stands
                                                   alone; or NGX_ERROR */
    ngx_http_complex_value_t           value;
} ngx_http_magasin_headers_value_t;


static ngx_int_t ngx_http_magasin_headers_value(ngx_conf_t *cf,
    ngx_http_magasin_reply_loc_conf_t *rlcf, ngx_str_t *text);
static ngx_int_t ngx_http_magasin_headers_variable(ngx_conf_t *cf,
    ngx_str_t *text);
static ngx_int_t ngx_http_magasin_headers_filter(ngx_http_request_t *r);
static ngx_table_elt_t *ngx_http_magasin_headers_room(ngx_list_t *list,
    ngx_uint_t n);
static ngx_int_t ngx_http_magasin_headers_fill(ngx_http_request_t *r,
    ngx_table_elt_t *header, ngx_http_magasin_headers_value_t *value);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


/*
 * Returns a new header of the answer without a name and a value, or NULL if
 * memory cannot be allocated.
 */

ngx_table_elt_t *
ngx_http_magasin_reply_element(ngx_http_request_t *r)
{
    ngx_list_t       *list;
    ngx_table_elt_t  *header;

    list = &r->headers_out.headers;

    if (list->last->nelts < list->nalloc) {
        header = (ngx_table_elt_t *) list->last->elts + list->last->nelts++;

    } else {
        header = ngx_list_push(list);
        if (header == NULL) {
            return NULL;
        }
    }

    /* Zero all members: later versions of nginx have one more. */

    ngx_memzero(header, sizeof(ngx_table_elt_t));

    header->hash = 1;

    return header;
}


/*
 * Adds a header.  `name` and `value` have to live as long as the request.
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_reply_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *header;

    header = ngx_http_magasin_reply_element(r);
    if (header == NULL) {
        return NGX_ERROR;
    }

    header->key.data = (u_char *) name;
    header->key.len = ngx_strlen(name);
    header->value = *value;

    return NGX_OK;
}


/* magasin_header name value; */

char *
ngx_http_magasin_header_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_magasin_reply_loc_conf_t *rlcf = conf;

    ngx_str_t                           *value;
    ngx_uint_t                           variables;
    ngx_table_elt_t                     *header;
    ngx_http_magasin_reply_main_conf_t  *rmcf;

    value = cf->args->elts;

    if (rlcf->headers == NULL) {
        rlcf->headers = ngx_array_create(cf->pool, 4, sizeof(ngx_table_elt_t));
        rlcf->header_values = ngx_array_create(cf->pool, 1,
                                     sizeof(ngx_http_magasin_headers_value_t));

        if (rlcf->headers == NULL || rlcf->header_values == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (rlcf->headers->nelts == NGX_HTTP_MAGASIN_ADDED_HEADERS) {
        return "has more than 16 headers in this block";
    }

    variables = ngx_http_script_variables_count(&value[2]);

    if (variables && ngx_http_magasin_headers_value(cf, rlcf, &value[2])
                     != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    header = ngx_array_push(rlcf->headers);
    if (header == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(header, sizeof(ngx_table_elt_t));

    /*
     * A value with variables is not there before it is filled in: it may ask
     * whether the answer has such a header.
     */

    header->hash = (value[2].len != 0 && variables == 0);
    header->key = value[1];
    header->value = value[2];

    rmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_reply_module);
    rmcf->headers = 1;

    return NGX_CONF_OK;
}


/* Describes the value of the next header.  Returns NGX_OK or NGX_ERROR. */

static ngx_int_t
ngx_http_magasin_headers_value(ngx_conf_t *cf,
    ngx_http_magasin_reply_loc_conf_t *rlcf, ngx_str_t *text)
{
    ngx_http_magasin_headers_value_t  *value;
    ngx_http_compile_complex_value_t   ccv;

    value = ngx_array_push(rlcf->header_values);
    if (value == NULL) {
        return NGX_ERROR;
    }

    value->header = rlcf->headers->nelts;
    value->index = ngx_http_magasin_headers_variable(cf, text);

    if (value->index != NGX_ERROR) {
        return NGX_OK;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = &value->value;

    return ngx_http_compile_complex_value(&ccv);
}


/*
 * Returns the index of the variable that is all of a value, or NGX_ERROR if
 * there is more in it.
 */

static ngx_int_t
ngx_http_magasin_headers_variable(ngx_conf_t *cf, ngx_str_t *text)
{
    u_char      c;
    size_t      i;
    ngx_str_t   name;

    if (text->data[0] != '$' || text->len == 1) {
        return NGX_ERROR;
    }

    name.data = text->data + 1;
    name.len = text->len - 1;

    /* "$1" is a capture. */

    if (name.data[0] >= '0' && name.data[0] <= '9') {
        return NGX_ERROR;
    }

    for (i = 0; i < name.len; i++) {
        c = name.data[i];

        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
              || c == '_'))
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_get_variable_index(cf, &name);
}


/* Installs the filter. */

void
ngx_http_magasin_headers_init(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_magasin_headers_filter;
}


static ngx_int_t
ngx_http_magasin_headers_filter(ngx_http_request_t *r)
{
    ngx_uint_t                          i;
    ngx_array_t                        *headers;
    ngx_table_elt_t                    *header;
    ngx_http_magasin_headers_value_t   *value;
    ngx_http_magasin_reply_loc_conf_t  *rlcf;

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_reply_module);
    headers = rlcf->headers;

    if (headers == NULL || r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    header = ngx_http_magasin_headers_room(&r->headers_out.headers,
                                           headers->nelts);
    if (header == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(header, headers->elts,
               headers->nelts * sizeof(ngx_table_elt_t));

    value = rlcf->header_values->elts;

    for (i = 0; i < rlcf->header_values->nelts; i++) {
        if (ngx_http_magasin_headers_fill(r, &header[value[i].header],
                                          &value[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_next_header_filter(r);
}


/*
 * Returns room for `n` elements in a row at the end of a list of headers, or
 * NULL if memory cannot be allocated.
 */

static ngx_table_elt_t *
ngx_http_magasin_headers_room(ngx_list_t *list, ngx_uint_t n)
{
    ngx_table_elt_t  *header;
    ngx_list_part_t  *last;

    last = list->last;

    if (last->nelts + n > list->nalloc) {

        last = ngx_palloc(list->pool, sizeof(ngx_list_part_t));
        if (last == NULL) {
            return NULL;
        }

        last->elts = ngx_palloc(list->pool, list->nalloc * list->size);
        if (last->elts == NULL) {
            return NULL;
        }

        last->nelts = 0;
        last->next = NULL;

        list->last->next = last;
        list->last = last;
    }

    header = (ngx_table_elt_t *) last->elts + last->nelts;
    last->nelts += n;

    return header;
}


/*
 * Sets the value of a header; one without a value is not sent.  Returns NGX_OK
 * or NGX_ERROR.
 */

static ngx_int_t
ngx_http_magasin_headers_fill(ngx_http_request_t *r, ngx_table_elt_t *header,
    ngx_http_magasin_headers_value_t *value)
{
    ngx_http_variable_value_t  *v;

    if (value->index == NGX_ERROR) {

        if (ngx_http_complex_value(r, &value->value, &header->value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else {
        /* As nginx's scripts do it: some variables change meanwhile. */

        v = ngx_http_get_flushed_variable(r, value->index);

        if (v == NULL || v->not_found) {
            header->value.len = 0;

        } else {
            header->value.len = v->len;
            header->value.data = v->data;
        }
    }

    header->hash = (header->value.len != 0);

    return NGX_OK;
}
