
/*
 * The links of a page to others.  They say who was asked, by which path and
 * with which parameters, known ones or not; the rows say nothing of this.  So
 * an answer is rendered, and kept by the cache, with a gap where each link
 * belongs, and the links of a request are put there when it is sent: requests
 * that differ in nothing that the statement takes share one answer.
 */


#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_query.h"


/* "h", the offset, "=", the value, LF. */
#define NGX_HTTP_MAGASIN_LINK_PACKED  (NGX_SIZE_T_LEN + 3)


static ngx_int_t ngx_http_magasin_link_unpack(ngx_http_magasin_link_t *link,
    u_char **p, u_char *end);
static ngx_int_t ngx_http_magasin_link_header(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *link);
static uint64_t ngx_http_magasin_link_hash(ngx_str_t *link);
static void ngx_http_magasin_link_tag(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *link);


/*
 * The value that the text is at is a link to the page `value`, which lives as
 * long as the request.  `header`: Link tells of it, too.
 */

void
ngx_http_magasin_link_add(ngx_http_magasin_ctx_t *ctx, ngx_str_t *value,
    ngx_uint_t header)
{
    ngx_http_magasin_link_t  *link;

    link = &ctx->links[ctx->nlinks++];

    link->offset = ctx->json.size;
    link->value = *value;
    link->header = header;

    ctx->json.comma = 1;
}


/*
 * What the cache has to keep of the links of this answer, as text: empty when
 * there are none.  NGX_OK or NGX_ERROR (memory).
 */

ngx_int_t
ngx_http_magasin_links_pack(ngx_http_magasin_ctx_t *ctx, ngx_str_t *text)
{
    size_t                    size;
    u_char                   *p;
    ngx_uint_t                i;
    ngx_http_magasin_link_t  *link;

    ngx_str_set(text, "");

    if (ctx->nlinks == 0) {
        return NGX_OK;
    }

    size = 0;

    for (i = 0; i < ctx->nlinks; i++) {
        size += NGX_HTTP_MAGASIN_LINK_PACKED + ctx->links[i].value.len;
    }

    p = ngx_pnalloc(ctx->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (i = 0; i < ctx->nlinks; i++) {
        link = &ctx->links[i];

        p = ngx_sprintf(p, "%c%uz=%V\n", link->header ? 'h' : 'b',
                        link->offset, &link->value);
    }

    text->len = p - text->data;

    return NGX_OK;
}


/*
 * The way back, for an answer of `size` bytes without its links.  The text
 * lives as long as the request, and may come from another machine.
 *
 * NGX_OK; NGX_DECLINED: it was not written by _pack().
 */

ngx_int_t
ngx_http_magasin_links_unpack(ngx_http_magasin_ctx_t *ctx, ngx_str_t *text,
    size_t size)
{
    u_char                   *p, *end;
    size_t                    before;
    ngx_http_magasin_link_t  *link;

    ctx->nlinks = 0;

    p = text->data;
    end = p + text->len;
    before = 0;

    while (p < end) {

        if (ctx->nlinks == NGX_HTTP_MAGASIN_LINKS) {
            return NGX_DECLINED;
        }

        link = &ctx->links[ctx->nlinks];

        if (ngx_http_magasin_link_unpack(link, &p, end) != NGX_OK
            || ctx->endpoint->page == NULL
            || link->offset <= before || link->offset >= size)
        {
            ctx->nlinks = 0;
            return NGX_DECLINED;
        }

        before = link->offset;
        ctx->nlinks++;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_link_unpack(ngx_http_magasin_link_t *link, u_char **p,
    u_char *end)
{
    u_char     *start, *q;
    ngx_int_t   offset;

    start = *p;

    if (*start != 'h' && *start != 'b') {
        return NGX_DECLINED;
    }

    link->header = (*start == 'h');

    q = ngx_strlchr(++start, end, '=');
    if (q == NULL) {
        return NGX_DECLINED;
    }

    offset = ngx_atoi(start, q - start);
    if (offset == NGX_ERROR) {
        return NGX_DECLINED;
    }

    link->offset = offset;
    link->value.data = ++q;

    q = ngx_strlchr(q, end, LF);
    if (q == NULL) {
        return NGX_DECLINED;
    }

    link->value.len = q - link->value.data;
    *p = q + 1;

    return NGX_OK;
}


/*
 * Put the links of this request into the answer, which has to be whole where
 * it has a validator: that is of the rows first, and of the links, too, from
 * here on.
 *
 * NGX_OK or NGX_ERROR (memory).
 */

ngx_int_t
ngx_http_magasin_links_render(ngx_http_magasin_ctx_t *ctx)
{
    size_t                       before;
    ngx_str_t                    text;
    ngx_uint_t                   i;
    ngx_http_magasin_link_t     *link;
    ngx_http_magasin_address_t   address;

    if (ctx->nlinks == 0) {
        return NGX_OK;
    }

    if ((ctx->complete && ngx_http_magasin_reply_validator(ctx) != NGX_OK)
        || ngx_http_magasin_query_address(ctx->request, ctx->query,
                                          ctx->endpoint->page, &address)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    before = ctx->json.size;

    for (i = 0; i < ctx->nlinks; i++) {
        link = &ctx->links[i];

        if (ngx_http_magasin_query_link(ctx->request->pool, &address,
                                        &link->value, &text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (link->header && ngx_http_magasin_link_header(ctx, &text) != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_http_magasin_link_tag(ctx, &text);

        ngx_http_magasin_json_insert(&ctx->json,
                                     link->offset + ctx->json.size - before,
                                     &text);
    }

    ctx->nlinks = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_link_header(ngx_http_magasin_ctx_t *ctx, ngx_str_t *link)
{
    ngx_str_t  *value;

    value = &ctx->link;

    value->data = ngx_pnalloc(ctx->request->pool,
                              link->len + sizeof("<>; rel=\"next\""));
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    value->len = ngx_sprintf(value->data, "<%V>; rel=\"next\"", link)
                 - value->data;

    return NGX_OK;
}


/* 64 bits of a text, eight bytes at a time. */

static uint64_t
ngx_http_magasin_link_hash(ngx_str_t *link)
{
    size_t     left;
    u_char    *p;
    uint64_t   hash, word;

    p = link->data;
    hash = link->len;

    for (left = link->len; left; left -= ngx_min(left, 8)) {
        word = 0;
        ngx_memcpy(&word, p, ngx_min(left, 8));

        hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 29;
        p += 8;
    }

    hash *= 0xbf58476d1ce4e5b9ull;

    return hash ^ hash >> 32;
}


/*
 * Make the validator of the rows that of a page with this link: 64 of the
 * tag's 128 bits change with it, which tells one page of the same rows from
 * another at a tenth of the price of a digest.  A client that finds two links
 * of one hash has found them for its own requests alone.
 */

static void
ngx_http_magasin_link_tag(ngx_http_magasin_ctx_t *ctx, ngx_str_t *link)
{
    u_char         *p, *end, digit;
    uint64_t        hash;
    static u_char   hex[] = "0123456789abcdef";

    if (ctx->etag.len <= 2) {
        return;
    }

    hash = ngx_http_magasin_link_hash(link);

    /* The tag may be in memory that others read. */

    p = ngx_pstrdup(ctx->request->pool, &ctx->etag);
    if (p == NULL) {
        ctx->json.failed = 1;
        return;
    }

    ctx->etag.data = p;
    end = p + ctx->etag.len - 1;

    for (p++; p < end && hash; p++, hash >>= 4) {
        digit = (*p >= '0' && *p <= '9') ? *p - '0' : (*p - 'a' + 10) & 0xf;
        *p = hex[digit ^ (hash & 0xf)];
    }
}
