
/*
 * The conditions of GET and HEAD (RFC 9110, section 13).  nginx's not-modified
 * filter evaluates If-None-Match.  The others are decided here:
 *
 * If-Match, because nginx closes the connection after its 412.
 *
 * If-Modified-Since and If-Unmodified-Since, because no answer has a date.
 */


#include "ngx_http_magasin_reply.h"


static ngx_uint_t ngx_http_magasin_precondition_match(
    ngx_http_magasin_ctx_t *ctx);
static ngx_uint_t ngx_http_magasin_precondition_tag(ngx_str_t *value,
    ngx_str_t *etag);


/*
 * Replaces the answer in ctx by 412 if If-Match does not name it.  An answer
 * that is not complete has no entity tag, so that only "*" names it.  Errors
 * and answers to other methods are left alone.
 *
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_precondition(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_request_t  *r;

    r = ctx->request;

    if (ctx->status != NGX_HTTP_OK
        || !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)))
    {
        return NGX_OK;
    }

    ngx_http_magasin_undated(r);

    if (r->headers_in.if_match == NULL) {
        return NGX_OK;
    }

    r->headers_in.if_match = NULL;

    if (ngx_http_magasin_complete(ctx)
        && ngx_http_magasin_reply_validator(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ngx_http_magasin_precondition_match(ctx)) {
        (void) ngx_http_magasin_reply_status(ctx,
                                             NGX_HTTP_PRECONDITION_FAILED);
    }

    return NGX_OK;
}


/*
 * Removes the conditions with a date from the request, before nginx evaluates
 * them.  Without a modification date they have to be ignored (sections 13.1.3
 * and 13.1.4).  nginx would answer If-Unmodified-Since with 412, and
 * If-None-Match beside If-Modified-Since never with 304.
 */

void
ngx_http_magasin_undated(ngx_http_request_t *r)
{
    r->headers_in.if_modified_since = NULL;
    r->headers_in.if_unmodified_since = NULL;
}


static ngx_uint_t
ngx_http_magasin_precondition_match(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t                   *value;
    ngx_http_magasin_headers_t   headers;

    ngx_http_magasin_headers(ctx->request, NGX_HTTP_MAGASIN_HEADER_IF_MATCH,
                             &headers);

    while ((value = ngx_http_magasin_headers_next(&headers)) != NULL) {

        if ((value->len == 1 && *value->data == '*')
            || ngx_http_magasin_precondition_tag(value, &ctx->etag))
        {
            return 1;
        }
    }

    return 0;
}


/* Looks for a tag in a list of tags; a weak one is not equal to any. */

static ngx_uint_t
ngx_http_magasin_precondition_tag(ngx_str_t *value, ngx_str_t *etag)
{
    size_t       len;
    u_char      *p, *end, *start;
    ngx_uint_t   weak;

    if (etag->len == 0) {
        return 0;
    }

    end = value->data + value->len;
    weak = 0;

    for (p = value->data; p < end; p++) {

        if (*p != '"') {
            weak = (*p == '/');
            continue;
        }

        start = p;
        p = ngx_strlchr(p + 1, end, '"');

        if (p == NULL) {
            return 0;
        }

        len = p - start;
        len -= ngx_http_magasin_etag_suffix(start, p);

        /* Without the closing mark: the tag of the gzip form counts, too. */

        if (!weak && len == etag->len - 1
            && ngx_memcmp(start, etag->data, len) == 0)
        {
            return 1;
        }

        weak = 0;
    }

    return 0;
}
