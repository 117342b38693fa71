
#include "ngx_http_magasin.h"


static ngx_uint_t ngx_http_magasin_accepts(ngx_http_request_t *r,
    ngx_str_t *type);


/*
 * Does some Accept header allow application/json?  As the reference does it:
 * any parameter fits and q counts for nothing; no header allows all, an
 * empty one nothing.  Who asks for errors as problems takes JSON too.
 */

ngx_uint_t
ngx_http_magasin_acceptable(ngx_http_request_t *r)
{
    ngx_uint_t         i;
    static ngx_str_t   types[] = {
        ngx_string("*/*"),
        ngx_string("application/json"),
        ngx_string("application/*"),
        ngx_string("*/json"),
        ngx_string("application/problem+json"),
        ngx_null_string
    };

    if (ngx_http_magasin_header(r, "accept", 0) == NULL) {
        return 1;
    }

    for (i = 0; types[i].len; i++) {
        if (ngx_http_magasin_accepts(r, &types[i])) {
            return 1;
        }
    }

    return 0;
}


/* Does the client name application/problem+json (RFC 9457)? */

ngx_uint_t
ngx_http_magasin_wants_problem(ngx_http_request_t *r)
{
    static ngx_str_t  type = ngx_string("application/problem+json");

    return ngx_http_magasin_accepts(r, &type);
}


/*
 * The value of the nth (from 0) request header of this name, which is given
 * in lower case.  NULL: there is none.
 */

ngx_str_t *
ngx_http_magasin_header(ngx_http_request_t *r, const char *name, ngx_uint_t n)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    len = ngx_strlen(name);
    part = &r->headers_in.headers.part;
    header = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            header = part->elts;
            i = 0;
        }

        if (header[i].key.len == len
            && ngx_strncmp(header[i].lowcase_key, name, len) == 0
            && n-- == 0)
        {
            return &header[i].value;
        }
    }
}


/* Does some Accept header name this very type, with any parameters? */

static ngx_uint_t
ngx_http_magasin_accepts(ngx_http_request_t *r, ngx_str_t *type)
{
    u_char      *p, *end, *next, *stop;
    ngx_str_t   *value;
    ngx_uint_t   n;

    for (n = 0; (value = ngx_http_magasin_header(r, "accept", n)); n++) {
        end = value->data + value->len;

        for (p = value->data; p < end; p = next + 1) {
            next = ngx_strlchr(p, end, ',');
            next = next ? next : end;

            stop = ngx_strlchr(p, next, ';');
            stop = stop ? stop : next;

            while (p < stop && (*p == ' ' || *p == '\t')) {
                p++;
            }

            while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t')) {
                stop--;
            }

            if ((size_t) (stop - p) == type->len
                && ngx_strncasecmp(p, type->data, type->len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}
