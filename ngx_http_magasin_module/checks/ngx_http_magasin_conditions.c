
/*
 * The conditions of a write: If-Match and If-None-Match (RFC 9110, section
 * 13.1) and Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).  The
 * headers are only parsed here.  PostgreSQL checks the conditions, in the
 * transaction of the write.
 */


#include "ngx_http_magasin_checks.h"

#include <openssl/evp.h>


#define NGX_HTTP_MAGASIN_KEY_MAX  255       /* bytes of an Idempotency-Key */


static ngx_int_t ngx_http_magasin_entity_tags(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_header_e which, const char **tags);
static u_char *ngx_http_magasin_entity_tags_of(u_char *out, ngx_str_t *value,
    ngx_uint_t weak);


/*
 * Sets `tags` to the entity tags of If-Match without their quotation marks,
 * separated by commas, or to "*".  Sets it to NULL if there is no If-Match.
 * The comparison is strong, so weak tags match nothing and are omitted, as are
 * tags that this module cannot have made.
 *
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_if_match(ngx_http_magasin_ctx_t *ctx, const char **tags)
{
    return ngx_http_magasin_entity_tags(ctx, NGX_HTTP_MAGASIN_HEADER_IF_MATCH,
                                        tags);
}


/*
 * The same for If-None-Match.  The comparison is weak: W/"x" is "x".
 */

ngx_int_t
ngx_http_magasin_if_none_match(ngx_http_magasin_ctx_t *ctx, const char **tags)
{
    return ngx_http_magasin_entity_tags(ctx,
                                        NGX_HTTP_MAGASIN_HEADER_IF_NONE_MATCH,
                                        tags);
}


/*
 * Checks the conditions of a POST whose target has no entity tag that the
 * write could compare: a collection, or an action such as approve/.  If-Match
 * with tags fails.  "*" asks whether GET would have a representation; the
 * table of routes knows.  These resources have no modification date, so
 * conditions with a date are ignored (RFC 9110, sections 13.1.3 and 13.1.4).
 *
 * Returns NGX_OK, NGX_DONE if the 412 is in ctx, or NGX_ERROR if memory cannot
 * be allocated.
 */

ngx_int_t
ngx_http_magasin_unconditional(ngx_http_magasin_ctx_t *ctx)
{
    const char  *match, *none;
    ngx_uint_t   exists;

    if (ngx_http_magasin_if_match(ctx, &match) != NGX_OK
        || ngx_http_magasin_if_none_match(ctx, &none) != NGX_OK)
    {
        return NGX_ERROR;
    }

    exists = ngx_http_magasin_route_method(ctx->route, NGX_HTTP_GET) != NULL;

    if ((match && (*match != '*' || !exists))
        || (none && *none == '*' && exists))
    {
        return ngx_http_magasin_reply_status(ctx,
                                             NGX_HTTP_PRECONDITION_FAILED);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_entity_tags(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_header_e which, const char **tags)
{
    size_t                       len;
    u_char                      *p, *start;
    ngx_str_t                   *value;
    ngx_http_magasin_headers_t   headers, again;

    *tags = NULL;
    len = 0;
    ctx->conditional = 1;

    ngx_http_magasin_headers(ctx->request, which, &headers);

    if (headers.at.n == 0) {
        return NGX_OK;
    }

    again = headers;

    while ((value = ngx_http_magasin_headers_next(&headers)) != NULL) {

        if (value->len == 1 && value->data[0] == '*') {
            *tags = "*";
            return NGX_OK;
        }

        len += value->len + 1;
    }

    start = ngx_pnalloc(ctx->request->pool, len + 1);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = start;

    while ((value = ngx_http_magasin_headers_next(&again)) != NULL) {
        p = ngx_http_magasin_entity_tags_of(p, value,
                            which == NGX_HTTP_MAGASIN_HEADER_IF_NONE_MATCH);
    }

    if (p > start) {
        p--;
    }

    *p = '\0';
    *tags = (const char *) start;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "magasin condition %d: \"%s\"", which, *tags);

    return NGX_OK;
}


/*
 * Appends "tag," for each tag of hex digits and hyphens, and omits weak tags
 * unless `weak` is set.  Returns the end of it.
 */

static u_char *
ngx_http_magasin_entity_tags_of(u_char *out, ngx_str_t *value,
    ngx_uint_t weak)
{
    u_char      *p, *end, *tag, *mark, *last;
    ngx_uint_t   slash, ours;

    end = value->data + value->len;
    slash = 0;

    for (p = value->data; p < end; p++) {

        if (*p != '"') {
            slash = (*p == '/');
            continue;
        }

        tag = ++p;
        ours = weak || !slash;
        slash = 0;

        mark = ngx_strlchr(tag, end, '"');
        if (mark == NULL) {
            break;
        }

        /* The tag of the gzip form names the same state. */

        last = mark - ngx_http_magasin_etag_suffix(tag, mark);

        for (p = tag; p < last; p++) {
            ours &= (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f')
                    || *p == '-';
        }

        if (ours && last > tag) {
            out = ngx_cpymem(out, tag, last - tag);
            *out++ = ',';
        }

        p = mark;
    }

    return out;
}


/*
 * Stores Idempotency-Key in ctx->key, and a digest of the method, the path and
 * the body in ctx->digest.  One key is valid for one such request only.  The
 * quotation marks of a structured string (RFC 9651) may be missing.
 *
 * Returns NGX_OK, NGX_DONE if the 400 is in ctx, or NGX_ERROR if memory cannot
 * be allocated.
 */

ngx_int_t
ngx_http_magasin_idempotency(ngx_http_magasin_ctx_t *ctx, ngx_str_t *body)
{
    size_t                       i;
    u_char                      *p, *hex, digest[EVP_MAX_MD_SIZE];
    ngx_int_t                    rc;
    ngx_str_t                    key, *value;
    EVP_MD_CTX                  *md;
    unsigned int                 len;
    ngx_http_request_t          *r;
    ngx_http_magasin_headers_t   headers;
    static ngx_str_t             detail =
                                  ngx_string("L'en-tête Idempotency-Key doit "
                                  "avoir de 1 à 255 caractères visibles.");

    r = ctx->request;

    ngx_http_magasin_headers(r, NGX_HTTP_MAGASIN_HEADER_IDEMPOTENCY_KEY,
                             &headers);
    value = ngx_http_magasin_headers_next(&headers);

    if (value == NULL) {
        return NGX_OK;
    }

    key = *value;

    if (key.len >= 2 && key.data[0] == '"' && key.data[key.len - 1] == '"') {
        key.data++;
        key.len -= 2;
    }

    for (i = 0; i < key.len; i++) {
        if (key.data[i] <= ' ' || key.data[i] > '~' || key.data[i] == '"') {
            break;
        }
    }

    if (i != key.len || key.len == 0 || key.len > NGX_HTTP_MAGASIN_KEY_MAX
        || ngx_http_magasin_headers_next(&headers))
    {
        return ngx_http_magasin_reply_detail(ctx, NGX_HTTP_BAD_REQUEST,
                                             &detail);
    }

    p = ngx_pnalloc(r->pool, key.len + 1);
    hex = ngx_pnalloc(r->pool, 2 * EVP_MAX_MD_SIZE + 1);

    if (p == NULL || hex == NULL) {
        return NGX_ERROR;
    }

    len = 0;

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return NGX_ERROR;
    }

    /* A NUL ends the path, which contains none: the digest is unambiguous. */

    rc = EVP_DigestInit_ex(md, EVP_sha256(), NULL)
         && EVP_DigestUpdate(md, r->method_name.data, r->method_name.len)
         && EVP_DigestUpdate(md, " ", 1)
         && EVP_DigestUpdate(md, ctx->path.data, ctx->path.len)
         && EVP_DigestUpdate(md, "", 1)
         && EVP_DigestUpdate(md, body->data, body->len)
         && EVP_DigestFinal_ex(md, digest, &len);

    EVP_MD_CTX_free(md);

    if (!rc) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(p, key.data, key.len + 1);
    *ngx_hex_dump(hex, digest, len) = '\0';

    ctx->key = (const char *) p;
    ctx->digest = (const char *) hex;

    return NGX_OK;
}
