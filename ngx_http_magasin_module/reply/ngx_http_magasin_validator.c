
/* The entity tags of answers. */


#include "ngx_http_magasin_reply.h"

#include <ngx_md5.h>


/*
 * Computes a strong validator of a complete answer: a digest of the bytes of
 * the body, unless the endpoint has set one.  Returns NGX_OK, or NGX_ERROR if
 * memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_reply_validator(ngx_http_magasin_ctx_t *ctx)
{
    u_char        digest[16];
    ngx_md5_t     md5;
    ngx_chain_t  *cl;

    if (ctx->etag.len) {
        return NGX_OK;
    }

    ngx_md5_init(&md5);

    for (cl = ctx->json.first; cl; cl = cl->next) {
        ngx_md5_update(&md5, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    ngx_md5_final(digest, &md5);

    return ngx_http_magasin_reply_tag(ctx, digest);
}


/*
 * Makes an entity tag of an MD5 digest.  Returns NGX_OK, or NGX_ERROR if
 * memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_reply_tag(ngx_http_magasin_ctx_t *ctx, u_char *digest)
{
    u_char  *p;

    p = ngx_pnalloc(ctx->request->pool, 2 * 16 + 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->etag.data = p;
    ctx->etag.len = 2 * 16 + 2;

    *p++ = '"';
    p = ngx_hex_dump(p, digest, 16);
    *p = '"';

    return NGX_OK;
}
