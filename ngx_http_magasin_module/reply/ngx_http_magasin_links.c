
/*
 * The links of a page to others.  They say who was asked, by which path and
 * with which parameters, known ones or not; the rows say nothing of this.  So
 * an answer is rendered, and kept by the cache, with a gap where each link
 * belongs, and the links of a request are put there when it is sent: requests
 * that differ in nothing that the statement takes share one answer.
 */


#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_text.h"


/* "h", the offset, "=", the value, LF. */
#define NGX_HTTP_MAGASIN_LINK_PACKED  (NGX_SIZE_T_LEN + 3)


static ngx_int_t ngx_http_magasin_link_unpack(ngx_http_magasin_link_t *link,
    u_char **p, u_char *end);
static ngx_int_t ngx_http_magasin_link_text(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_address_t *address, ngx_http_magasin_link_t *link,
    ngx_str_t *text);
static ngx_int_t ngx_http_magasin_link_tag(ngx_http_magasin_ctx_t *ctx,
    uint64_t hash);


/*
 * The value that the text is at is a link to the page `value`, which lives as
 * long as the request.  `header`: Link tells of it, too.
 */

void
ngx_http_magasin_link_add(ngx_http_magasin_ctx_t *ctx, ngx_str_t *value,
    ngx_uint_t header)
{
    ngx_http_magasin_link_t  *link;

    if (ctx->nlinks == NGX_HTTP_MAGASIN_LINKS) {
        ctx->json.failed = 1;
        return;
    }

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
 * Is this, which has come from another machine, free of what may not stand in
 * a link as it is?
 */

ngx_uint_t
ngx_http_magasin_links_safe(ngx_str_t *text)
{
    u_char  *p, *end;

    end = text->data + text->len;

    for (p = text->data; p < end; p++) {
        if (!((*p >= '0' && *p <= '9')
              || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')
              || *p == '-' || *p == '_' || *p == '=' || *p == LF))
        {
            return 0;
        }
    }

    return 1;
}


/*
 * The way back, for an answer of `size` bytes without its links.  The text
 * lives as long as the request.
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
            ctx->nlinks = 0;
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
 * here on.  All before the last link is written anew; it is a few bytes.
 *
 * NGX_OK or NGX_ERROR (memory).
 */

ngx_int_t
ngx_http_magasin_links_render(ngx_http_magasin_ctx_t *ctx)
{
    size_t                       size, done;
    u_char                      *p, *body;
    uint64_t                     hash;
    ngx_str_t                    text[NGX_HTTP_MAGASIN_LINKS], front;
    ngx_uint_t                   i, plain;
    ngx_http_magasin_link_t     *link;
    ngx_http_magasin_address_t   address;

    if (ctx->nlinks == 0) {
        return NGX_OK;
    }

    if ((ngx_http_magasin_complete(ctx)
         && ngx_http_magasin_reply_validator(ctx) != NGX_OK)
        || ngx_http_magasin_query_address(ctx->request, ctx->query,
                                          ctx->endpoint->page, &address)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    link = ctx->links;
    size = link[ctx->nlinks - 1].offset;
    hash = ngx_http_magasin_text_hash(0, &ctx->etag);

    /* What is behind the host and the path has nothing to escape. */

    plain = ngx_http_magasin_json_is_plain(&address.base);

    for (i = 0; i < ctx->nlinks; i++) {

        if (ngx_http_magasin_link_text(ctx, &address, &link[i], &text[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        hash = ngx_http_magasin_text_hash(hash, &text[i]);
        size += text[i].len + (plain ? 0 : 5 * address.base.len) + 2;
    }

    front.data = ngx_pnalloc(ctx->request->pool, size);

    if (front.data == NULL
        || (ctx->etag.len && ngx_http_magasin_link_tag(ctx, hash) != NGX_OK))
    {
        return NGX_ERROR;
    }

    p = front.data;
    body = ngx_http_magasin_json_front(&ctx->json, link[i - 1].offset);

    if (body == NULL) {
        return NGX_ERROR;
    }

    done = 0;

    for (i = 0; i < ctx->nlinks; i++) {
        p = ngx_cpymem(p, body + done, link[i].offset - done);
        p = ngx_http_magasin_json_write(p, &text[i], plain);
        done = link[i].offset;
    }

    front.len = p - front.data;
    ctx->nlinks = 0;

    ngx_http_magasin_json_replace(&ctx->json, done, &front);

    return NGX_OK;
}


/* One link, and the header that tells of it. */

static ngx_int_t
ngx_http_magasin_link_text(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_address_t *address, ngx_http_magasin_link_t *link,
    ngx_str_t *text)
{
    u_char  *p;

    static u_char  rel[] = ">; rel=\"next\"";

    p = ngx_pnalloc(ctx->request->pool,
                    ngx_http_magasin_query_link_length(address, &link->value)
                    + sizeof("<") - 1 + sizeof(rel) - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *p = '<';
    text->data = p + 1;

    p = ngx_http_magasin_query_link(p + 1, address, &link->value);
    text->len = p - text->data;

    if (link->header) {
        p = ngx_cpymem(p, rel, sizeof(rel) - 1);

        ctx->link.data = text->data - 1;
        ctx->link.len = p - ctx->link.data;
    }

    return NGX_OK;
}


/*
 * The validator of the rows becomes that of a page with these links, at a
 * tenth of the price of one more digest: half of its digits stay, half are of
 * a hash of it and of the links.  Who finds two links of one hash has found
 * them for its own requests alone.  The tag is this request's own.
 */

static ngx_int_t
ngx_http_magasin_link_tag(ngx_http_magasin_ctx_t *ctx, uint64_t hash)
{
    u_char  digest[16];

    if (ctx->etag.len == 2 * sizeof(digest) + 2) {
        (void) ngx_hex_dump(ctx->etag.data + 1 + sizeof(digest),
                            (u_char *) &hash, sizeof(hash));
        return NGX_OK;
    }

    /* Not one of ours: the hash is of all of it. */

    ngx_memzero(digest, sizeof(digest));
    ngx_memcpy(digest, &hash, sizeof(hash));

    return ngx_http_magasin_reply_tag(ctx, digest);
}
