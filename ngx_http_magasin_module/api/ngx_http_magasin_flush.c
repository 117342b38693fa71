
/* POST /api/v1/cache/flush/: invalidate all answers, on all nodes. */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"


static const ngx_http_magasin_member_t  ngx_http_magasin_flush_members[] = {
    { .name = NULL }
};


/*
 * Invalidate all answers of this node.  The answer contains the number of
 * entries that this node had.  The tag of _touch invalidates the other nodes.
 */

ngx_int_t
ngx_http_magasin_flush_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_uint_t                 entries;
    ngx_http_magasin_cache_t  *cache;

    rc = ngx_http_magasin_members_bind(ctx, ngx_http_magasin_flush_members,
                                       ctx->job.values);
    if (rc != NGX_OK) {
        return rc;
    }

    cache = ngx_http_magasin_cache_of(ctx->request);
    entries = cache ? ngx_http_magasin_cache_flush(cache) : 0;

    ngx_http_magasin_reply_begin(ctx, NGX_HTTP_OK);

    ngx_http_magasin_json_open(&ctx->json, '{');
    ngx_http_magasin_json_key(&ctx->json, "reponses");
    ngx_http_magasin_json_integer(&ctx->json, (int64_t) entries);
    ngx_http_magasin_json_close(&ctx->json, '}');

    return NGX_DONE;
}


void
ngx_http_magasin_flush_touch(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_tags_t *tags)
{
    ngx_http_magasin_tags_add_slot(tags, NGX_HTTP_MAGASIN_TAG_ALL);
}
