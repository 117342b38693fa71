
/*
 * Query strings, and the links that are made of them.  The first line of an
 * input is Host.
 */


#include "../fuzz.h"


static void fuzz_query_compare(ngx_array_t *one, ngx_array_t *two);
static ngx_str_t *fuzz_query_nth(ngx_array_t *pairs, ngx_str_t *name,
    ngx_uint_t n);


void
fuzz_query(ngx_pool_t *pool, u_char *data, size_t size)
{
    u_char              *p;
    ngx_str_t            text, link, page;
    ngx_array_t         *pairs, *again;
    ngx_http_request_t  *r;

    p = ngx_strlchr(data, data + size, LF);

    if (p == NULL) {
        return;
    }

    r = fuzz_request(pool);

    if (p > data) {
        r->headers_in.host = fuzz_header(r, "host", data, p - data);
    }

    p++;
    text.data = p;
    text.len = data + size - p;

    pairs = ngx_http_magasin_query_parse(pool, &text);
    fuzz_assert(pairs);

    if (pairs->nelts > NGX_HTTP_MAGASIN_QUERY_PAIRS) {
        return;
    }

    ngx_str_set(&page, "page 2");

    fuzz_assert(ngx_http_magasin_query_link(r, pairs, "page", &page, &link)
                == NGX_OK);
    fuzz_text(&link);

    p = link.data + link.len;

    while (p > link.data && *p != '?') {
        p--;
    }

    fuzz_assert(p > link.data);

    text.data = p + 1;
    text.len = link.data + link.len - text.data;

    again = ngx_http_magasin_query_parse(pool, &text);
    fuzz_assert(again);

    fuzz_query_compare(pairs, again);
}


/* The second has what the first has, ordered by name, and one page. */

static void
fuzz_query_compare(ngx_array_t *one, ngx_array_t *two)
{
    ngx_str_t                *value, page = ngx_string("page");
    ngx_uint_t                i, j, n, pages;
    ngx_http_magasin_pair_t  *a, *b;

    a = one->elts;
    b = two->elts;
    pages = 0;

    for (i = 0; i < one->nelts; i++) {

        fuzz_assert(ngx_http_magasin_text_valid(&a[i].name));
        fuzz_assert(ngx_http_magasin_text_valid(&a[i].value));

        if (a[i].name.len == 4 && ngx_memcmp(a[i].name.data, "page", 4) == 0) {
            pages++;
            continue;
        }

        for (n = 0, j = 0; j < i; j++) {
            n += a[i].name.len == a[j].name.len
                 && ngx_memcmp(a[i].name.data, a[j].name.data, a[i].name.len)
                    == 0;
        }

        value = fuzz_query_nth(two, &a[i].name, n);

        fuzz_assert(value && value->len == a[i].value.len
                    && ngx_memcmp(value->data, a[i].value.data, value->len)
                       == 0);
    }

    fuzz_assert(two->nelts == one->nelts - pages + 1);

    value = fuzz_query_nth(two, &page, 0);
    fuzz_assert(value && value->len == 6
                && ngx_memcmp(value->data, "page 2", 6) == 0);

    for (i = 1; i < two->nelts; i++) {
        fuzz_assert(ngx_memn2cmp(b[i - 1].name.data, b[i].name.data,
                                 b[i - 1].name.len, b[i].name.len)
                    <= 0);
    }
}


static ngx_str_t *
fuzz_query_nth(ngx_array_t *pairs, ngx_str_t *name, ngx_uint_t n)
{
    ngx_uint_t                i;
    ngx_http_magasin_pair_t  *pair;

    pair = pairs->elts;

    for (i = 0; i < pairs->nelts; i++) {
        if (pair[i].name.len == name->len
            && ngx_memcmp(pair[i].name.data, name->data, name->len) == 0
            && n-- == 0)
        {
            return &pair[i].value;
        }
    }

    return NULL;
}
