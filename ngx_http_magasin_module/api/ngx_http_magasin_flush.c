
/* POST /api/v1/cache/flush/: forget all answers, on all nodes. */


#include "ngx_http_magasin_rows.h"
#include "../ngx_http_magasin_reply.h"


static const ngx_http_magasin_member_t  ngx_http_magasin_flush_members[] = {
    { NULL, NGX_HTTP_MAGASIN_MEMBER_TEXT, 0, 0, NULL, 0, 0 }
};


/* How many answers this node had: none of them is given any more. */

ngx_int_t
ngx_http_magasin_flush_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                         rc;
    ngx_uint_t                        entries;
    ngx_http_magasin_main_conf_t     *mmcf;
    ngx_http_magasin_cache_shared_t  *shared;

    rc = ngx_http_magasin_members_bind(ctx, ngx_http_magasin_flush_members,
                                       ctx->job.values);
    if (rc != NGX_OK) {
        return rc;
    }

    mmcf = ngx_http_get_module_main_conf(ctx->request,
                                         ngx_http_magasin_module);
    entries = 0;

    if (mmcf->cache) {
        shared = &mmcf->zone.shared->cache;
        entries = shared->entries;

        ngx_http_magasin_zone_empty(&mmcf->zone);

        ngx_http_magasin_count(shared->counters.flushed);
    }

    ngx_http_magasin_reply_begin(ctx, NGX_HTTP_OK);

    ngx_http_magasin_json_open(&ctx->json, '{');
    ngx_http_magasin_json_key(&ctx->json, "reponses");
    ngx_http_magasin_json_integer(&ctx->json, (int64_t) entries);
    ngx_http_magasin_json_close(&ctx->json, '}');

    return NGX_DONE;
}


void
ngx_http_magasin_flush_touch(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    ngx_http_magasin_scopes_t *scopes)
{
    ngx_http_magasin_scopes_add_slot(scopes, NGX_HTTP_MAGASIN_SCOPE_ALL);
}
