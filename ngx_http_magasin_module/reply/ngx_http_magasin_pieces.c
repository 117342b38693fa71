
/* Long answers of the cache, which are copied and sent piece by piece. */


#include "ngx_http_magasin_reply.h"


/*
 * Replaces the content of ctx->json, which has been sent, by the next piece of
 * a cached answer.  Returns NGX_OK, or NGX_ERROR if memory cannot be allocated
 * or the answer is no longer available.
 */

ngx_int_t
ngx_http_magasin_reply_piece(ngx_http_magasin_ctx_t *ctx)
{
    size_t      size;
    ngx_buf_t  *b;
    ngx_str_t   text;

    if (ctx->json.first
        && ctx->json.first->buf->end - ctx->json.first->buf->start
           < NGX_HTTP_MAGASIN_PIN_PIECE)
    {
        /* The buffer was split to insert a link. */

        ngx_http_magasin_json_free(&ctx->json);
    }

    if (ctx->json.first == NULL) {
        text.len = NGX_HTTP_MAGASIN_PIN_PIECE;
        text.data = ngx_palloc(ctx->request->pool, text.len);

        if (text.data == NULL) {
            return NGX_ERROR;
        }

        ngx_http_magasin_json_take(&ctx->json, &text);

        if (ctx->json.failed) {
            return NGX_ERROR;
        }
    }

    b = ctx->json.first->buf;
    size = ngx_min(ctx->rest, NGX_HTTP_MAGASIN_PIN_PIECE);

    if (ngx_http_magasin_cache_piece(ctx->cached, b->start, size,
                                     size == ctx->rest)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    b->pos = b->start;
    b->last = b->start + size;

    ctx->json.size = size;
    ctx->rest -= size;

    if (ctx->open) {
        ngx_http_magasin_gzip_seal(ctx);
    }

    /*
     * Before the header is sent, the answer is complete: its length is known.
     */

    if (ctx->rest == 0) {
        ngx_http_magasin_reply_whole(ctx);
    }

    return NGX_OK;
}
