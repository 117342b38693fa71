
/*
 * Query strings, and the links that are made of them.  The first line of an
 * input is Host.
 */


#include "../fuzz.h"


static void fuzz_query_link(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_address_t *address, ngx_str_t *page, ngx_str_t *link);
static void fuzz_query_render(ngx_http_magasin_ctx_t *ctx, ngx_str_t *pages,
    ngx_str_t *links);
static void fuzz_query_compare(ngx_array_t *one, ngx_array_t *two,
    ngx_str_t *page);
static ngx_str_t *fuzz_query_nth(ngx_array_t *pairs, ngx_str_t *name,
    ngx_uint_t n);


void
fuzz_query(ngx_pool_t *pool, u_char *data, size_t size)
{
    u_char                      *p;
    ngx_str_t                    text, links[2];
    ngx_uint_t                   i;
    ngx_http_request_t          *r;
    ngx_http_magasin_ctx_t      *ctx;
    ngx_http_magasin_address_t   address;

    static ngx_str_t             pages[] = {
        ngx_string("18446744073709551615"),
        ngx_string("")
    };

    p = ngx_strlchr(data, data + size, LF);

    if (p == NULL) {
        return;
    }

    ctx = fuzz_endpoint(pool, "/api/v1/stores/1/stock/list/", NGX_HTTP_GET);
    r = ctx->request;

    if (p > data) {
        r->headers_in.host = fuzz_header(r, "host", data, p - data);
    }

    p++;
    text.data = p;
    text.len = data + size - p;

    ctx->query = ngx_http_magasin_query_parse(pool, &text,
                                              NGX_HTTP_MAGASIN_QUERY_PAIRS);
    fuzz_assert(ctx->query);

    if (ctx->query->nelts > NGX_HTTP_MAGASIN_QUERY_PAIRS) {
        fuzz_assert(ctx->query->nelts == NGX_HTTP_MAGASIN_QUERY_PAIRS + 1);
        return;
    }

    fuzz_assert(ngx_http_magasin_query_address(r, ctx->query,
                                               ctx->endpoint->page, &address)
                == NGX_OK);

    for (i = 0; i < 2; i++) {
        fuzz_query_link(ctx, &address, &pages[i], &links[i]);
    }

    fuzz_query_render(ctx, pages, links);
}


/* A link to a page leads back to the parameters. */

static void
fuzz_query_link(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_address_t *address, ngx_str_t *page, ngx_str_t *link)
{
    size_t        len;
    ngx_str_t     text;
    ngx_pool_t   *pool;
    ngx_array_t  *again;

    pool = ctx->request->pool;

    len = ngx_http_magasin_query_link_length(address, page);
    link->data = ngx_pnalloc(pool, len);
    fuzz_assert(link->data);

    link->len = ngx_http_magasin_query_link(link->data, address, page)
                - link->data;

    fuzz_assert(link->len <= len);
    fuzz_text(link);

    text.data = link->data + address->base.len;
    text.len = link->len - address->base.len;

    if (text.len) {
        fuzz_assert(*text.data == '?');
        text.data++;
        text.len--;
    }

    again = ngx_http_magasin_query_parse(pool, &text,
                                         NGX_HTTP_MAGASIN_QUERY_PAIRS + 1);
    fuzz_assert(again);

    fuzz_query_compare(ctx->query, again, page);
}


/* And so does one of an answer, in which they are the same. */

static void
fuzz_query_render(ngx_http_magasin_ctx_t *ctx, ngx_str_t *pages,
    ngx_str_t *links)
{
    json_t                   *root, *value;
    ngx_uint_t                i;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "next");
    ngx_http_magasin_link_add(ctx, &pages[0], 1);
    ngx_http_magasin_json_key(json, "previous");
    ngx_http_magasin_link_add(ctx, &pages[1], 0);
    ngx_http_magasin_json_close(json, '}');

    ctx->answer = NGX_HTTP_MAGASIN_ANSWER_WHOLE;

    fuzz_links(ctx);

    fuzz_assert(ctx->link.len == links[0].len + sizeof("<>; rel=\"next\"") - 1
                && ngx_memcmp(ctx->link.data + 1, links[0].data, links[0].len)
                   == 0);

    root = fuzz_json(json);

    for (i = 0; i < 2; i++) {
        value = json_object_get(root, i ? "previous" : "next");

        fuzz_assert(json_string_length(value) == links[i].len
                    && ngx_memcmp(json_string_value(value), links[i].data,
                                  links[i].len)
                       == 0);
    }

    json_decref(root);
}


/* The second has what the first has, ordered by name, and this page. */

static void
fuzz_query_compare(ngx_array_t *one, ngx_array_t *two, ngx_str_t *page)
{
    ngx_str_t                *value, name = ngx_string("page");
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

    fuzz_assert(two->nelts == one->nelts - pages + (page->len != 0));

    value = fuzz_query_nth(two, &name, 0);

    if (page->len) {
        fuzz_assert(value && value->len == page->len
                    && ngx_memcmp(value->data, page->data, page->len) == 0);

    } else {
        fuzz_assert(value == NULL);
    }

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
