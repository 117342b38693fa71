
/*
 * /healthz: this worker runs.  /readyz: a write would be executed.  The check
 * sends a statement to the database in the same way as any other request.  The
 * state of Redis is reported too, but does not change the status, because Redis
 * is only a cache.
 *
 * A worker has at most one statement of /readyz in flight; all requests for
 * /readyz share its answer.  A positive answer is reused for
 * NGX_HTTP_MAGASIN_READYZ_GOOD, unless the state of the pool shows that writes
 * fail.
 */


#include "ngx_http_magasin_api.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_redis.h"


/* Milliseconds. */
#define NGX_HTTP_MAGASIN_READYZ_GOOD  500


static const char *ngx_http_magasin_readyz_writes(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t *served);
static void ngx_http_magasin_readyz_body(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status, const char *database, size_t len);
static ngx_uint_t ngx_http_magasin_readyz_collations(
    ngx_http_magasin_ctx_t *ctx);
static const char *ngx_http_magasin_readyz_cache(ngx_http_magasin_ctx_t *ctx);


/*
 * The time at which the database of this worker last reported that it accepts
 * writes, in ms.  0: it does not accept writes, or was not asked yet.
 */

static ngx_msec_t  ngx_http_magasin_writable;


ngx_int_t
ngx_http_magasin_healthz_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_json_open(&ctx->json, '{');
    ngx_http_magasin_json_key(&ctx->json, "status");
    ngx_http_magasin_json_string(&ctx->json, "ok");
    ngx_http_magasin_json_close(&ctx->json, '}');

    return NGX_DONE;
}


ngx_int_t
ngx_http_magasin_readyz_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_uint_t  served;

    ctx->job.nvalues = 0;
    ctx->job.share = 1;
    ctx->job.admitted = 1;

    (void) ngx_http_magasin_readyz_writes(ctx, &served);

    if (served && ngx_http_magasin_writable
        && ngx_current_msec - ngx_http_magasin_writable
           < NGX_HTTP_MAGASIN_READYZ_GOOD)
    {
        ngx_http_magasin_readyz_body(ctx, NGX_HTTP_OK, "ok",
                                     sizeof("ok") - 1);
        return NGX_DONE;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_magasin_readyz_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    ngx_str_t  writable;

    ngx_http_magasin_writable = 0;

    writable = ngx_http_magasin_column(result, 0, 0);

    if (writable.len == 1 && writable.data[0] == 't') {
        ngx_http_magasin_writable = ngx_max(ngx_current_msec, 1);

        ngx_http_magasin_readyz_body(ctx, NGX_HTTP_OK, "ok",
                                     sizeof("ok") - 1);
    } else {
        ngx_http_magasin_readyz_body(ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "read-only", sizeof("read-only") - 1);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_magasin_readyz_failed(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_readyz_body(ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                                 "unavailable", sizeof("unavailable") - 1);

    return NGX_DONE;
}


static void
ngx_http_magasin_readyz_body(ngx_http_magasin_ctx_t *ctx, ngx_uint_t status,
    const char *database, size_t len)
{
    const char               *cache, *writes, *replicas;
    ngx_uint_t                served;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;

    writes = ngx_http_magasin_readyz_writes(ctx, &served);

    if (!served) {
        status = NGX_HTTP_SERVICE_UNAVAILABLE;

    } else if (status != NGX_HTTP_OK) {

        /* `database` is not "ok" then. */

        writes = "unavailable";
    }

    ngx_http_magasin_reply_begin(ctx, status);

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "status");

    if (status == NGX_HTTP_OK) {
        ngx_http_magasin_json_string(json, "ok");

    } else {
        ngx_http_magasin_json_string(json, "unavailable");
    }

    ngx_http_magasin_json_key(json, "database");
    ngx_http_magasin_json_text(json, database, len);
    ngx_http_magasin_json_key(json, "cache");

    cache = ngx_http_magasin_readyz_cache(ctx);
    ngx_http_magasin_json_text(json, cache, ngx_strlen(cache));
    ngx_http_magasin_json_key(json, "writes");
    ngx_http_magasin_json_text(json, writes, ngx_strlen(writes));

    replicas = ngx_http_magasin_pg_replicas_state(
                                   ngx_http_magasin_pg_pool(ctx->request));

    if (replicas) {
        ngx_http_magasin_json_key(json, "replicas");
        ngx_http_magasin_json_text(json, replicas, ngx_strlen(replicas));
    }

    ngx_http_magasin_json_key(json, "collations");

    if (ngx_http_magasin_readyz_collations(ctx)) {
        ngx_http_magasin_json_string(json, "outdated");

    } else {
        ngx_http_magasin_json_string(json, "ok");
    }

    ngx_http_magasin_json_close(json, '}');
}


/*
 * Returns the state that the next write of this worker would find.  Sets
 * `*served` to 1 if the write would be executed, else to 0.  "locked" is
 * served: locks of other sessions affect only some writes.
 */

static const char *
ngx_http_magasin_readyz_writes(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t *served)
{
    ngx_http_magasin_pg_state_t  state;

    ngx_http_magasin_pg_state(ngx_http_magasin_pg_pool(ctx->request), &state);

    *served = 0;

    if (state.ready == 0) {
        return "unavailable";
    }

    if (state.full) {
        return "full";
    }

    if (state.missing) {
        return "missing";
    }

    if (state.stuck) {
        return "stuck";
    }

    *served = 1;

    return state.locked ? "locked" : "ok";
}


/*
 * Returns the number of collations whose indexes are outdated.  Reads and
 * writes go on, so the status stays 200.
 */

static ngx_uint_t
ngx_http_magasin_readyz_collations(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_pg_state_t  state;

    ngx_http_magasin_pg_state(ngx_http_magasin_pg_pool(ctx->request), &state);

    return state.collations;
}


static const char *
ngx_http_magasin_readyz_cache(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_redis_t        *redis;
    ngx_http_magasin_redis_state_t   state;

    redis = ngx_http_magasin_redis(ctx->request);

    if (redis == NULL) {
        return "off";
    }

    ngx_http_magasin_redis_state(redis, &state);

    return state.ready ? "ok" : "unavailable";
}
