
/*
 * The links of a page to other pages.
 *
 * A link repeats the host, the path and the parameters of its request, also
 * the parameters that the endpoint does not know.  The rows do not depend on
 * any of these.  An answer is therefore rendered, and cached, with a gap for
 * each link.  The links of a request are inserted when the answer is sent.
 * Requests whose statement parameters are equal share one cached answer.
 */


#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_text.h"


/* Bytes of "h", the offset, "=" and LF; the value is counted separately. */
#define NGX_HTTP_MAGASIN_LINK_PACKED  (NGX_SIZE_T_LEN + 3)


static ngx_int_t ngx_http_magasin_link_unpack(ngx_http_magasin_link_t *link,
    u_char **p, u_char *end);
static ngx_int_t ngx_http_magasin_link_text(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_address_t *address, ngx_http_magasin_link_t *link,
    ngx_str_t *text);
static ngx_int_t ngx_http_magasin_link_tag(ngx_http_magasin_ctx_t *ctx,
    uint64_t hash);


/*
 * Adds a link to the page `value` at the current position of the text.
 * `value` lives as long as the request.  If `header` is set, the Link header
 * contains the link, too.
 */

void
ngx_http_magasin_link_add(ngx_http_magasin_ctx_t *ctx, ngx_str_t *value,
    ngx_uint_t header)
{
    ngx_http_magasin_link_t  *link;

    /* All rows are on one page. */

    if (ctx->table) {
        ngx_http_magasin_json_literal(&ctx->json, "null", 4);
        return;
    }

    if (ctx->nlinks == NGX_HTTP_MAGASIN_LINKS || ctx->endpoint->page == NULL) {
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
 * Serialises the links of this answer for the cache.  The text is empty if
 * there are no links.  Returns NGX_OK, or NGX_ERROR if memory cannot be
 * allocated.
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
 * Checks serialised links that another machine has stored.  Returns 1 if they
 * contain only characters that need no escape in a link, else 0.
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
 * Parses links that _pack() has serialised.  `size` is the length of the
 * answer without its links, in bytes.  `text` has to live as long as the
 * request.
 *
 * Returns NGX_OK, or NGX_DECLINED if _pack() cannot have written the text.
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
 * Inserts the links of this request into the answer.  An answer with a
 * validator has to be complete: the validator is computed from the rows first,
 * and then covers the links, too.  Everything before the last link is copied;
 * that is a few bytes.
 *
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_links_render(ngx_http_magasin_ctx_t *ctx)
{
    size_t                       size, done, room;
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

    /* After the host and the path nothing has to be escaped. */

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

    room = ctx->is_packed ? ngx_http_magasin_gzip_head_size(size) : 0;
    front.data = ngx_pnalloc(ctx->request->pool, room + size);

    if (front.data == NULL
        || (ctx->etag.len && ngx_http_magasin_link_tag(ctx, hash) != NGX_OK))
    {
        return NGX_ERROR;
    }

    front.data += room;
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

    if (ctx->is_packed) {
        ngx_http_magasin_gzip_head(ctx, &front, room);
    }

    ngx_http_magasin_json_replace(&ctx->json, done, &front);

    if (ctx->is_packed && !ctx->json.failed) {
        ngx_http_magasin_gzip_seal(ctx);
    }

    return NGX_OK;
}


/* Writes one link and, if it is in the header, the Link header. */

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
 * Changes the validator of the rows into the validator of a page with these
 * links.  This costs a tenth of one more digest: half of the digits are kept,
 * the other half is a hash of the old validator and of the links.  A client
 * that finds two sets of links with one hash affects only its own requests.
 * The memory of the entity tag belongs to this request, so it is changed in
 * place.
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

    /* The entity tag is not a digest: use only the hash, which covers it. */

    ngx_memzero(digest, sizeof(digest));
    ngx_memcpy(digest, &hash, sizeof(hash));

    return ngx_http_magasin_reply_tag(ctx, digest);
}
