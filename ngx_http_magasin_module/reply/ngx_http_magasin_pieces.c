
/* Long answers of the cache, which are read from there piece by piece. */


#include "ngx_http_magasin_reply.h"


/*
 * The next piece of an answer that the cache has, in place of what was in
 * ctx->json, which has left.  NGX_OK, or NGX_ERROR: memory, or the answer is
 * gone.
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
        /* It was cut in two, for a link. */

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

    /* Before the header it is whole: its length is known. */

    if (ctx->rest == 0) {
        ngx_http_magasin_reply_whole(ctx);
    }

    return NGX_OK;
}
