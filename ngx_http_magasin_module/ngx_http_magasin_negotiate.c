
#include "ngx_http_magasin.h"


static ngx_uint_t ngx_http_magasin_accepts(u_char *p, u_char *end);


/*
 * Does some Accept header allow application/json?  As the reference does it:
 * any parameter fits and q counts for nothing; no header allows all, an
 * empty one nothing.
 */

ngx_uint_t
ngx_http_magasin_acceptable(ngx_http_request_t *r)
{
    u_char           *p, *end, *stop;
    ngx_uint_t        i, seen;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    seen = 0;
    part = &r->headers_in.headers.part;
    header = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            header = part->elts;
            i = 0;
        }

        if (header[i].key.len != sizeof("Accept") - 1
            || ngx_strncmp(header[i].lowcase_key, "accept", 6) != 0)
        {
            continue;
        }

        seen = 1;
        end = header[i].value.data + header[i].value.len;

        for (p = header[i].value.data; p < end; p = stop + 1) {
            stop = ngx_strlchr(p, end, ',');
            stop = stop ? stop : end;

            if (ngx_http_magasin_accepts(p, stop)) {
                return 1;
            }
        }
    }

    return !seen;
}


static ngx_uint_t
ngx_http_magasin_accepts(u_char *p, u_char *end)
{
    size_t             len;
    u_char            *stop;
    ngx_uint_t         i;
    static ngx_str_t   types[] = {
        ngx_string("*/*"),
        ngx_string("application/json"),
        ngx_string("application/*"),
        ngx_string("*/json"),
        ngx_null_string
    };

    stop = ngx_strlchr(p, end, ';');
    stop = stop ? stop : end;

    while (p < stop && (*p == ' ' || *p == '\t')) {
        p++;
    }

    while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t')) {
        stop--;
    }

    len = stop - p;

    for (i = 0; types[i].len; i++) {
        if (types[i].len == len
            && ngx_strncasecmp(types[i].data, p, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
