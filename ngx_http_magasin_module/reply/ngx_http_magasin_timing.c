
/*
 * Server-Timing (W3C), for developers who inspect an answer in a browser.  It
 * shows the durations of an answer's parts, and the id of its line in the log.
 */


#include "ngx_http_magasin_reply.h"


/* The limit of the header's value, in bytes. */
#define NGX_HTTP_MAGASIN_TIMING  256


/*
 * Adds the header.  Returns NGX_OK, or NGX_ERROR if memory cannot be
 * allocated.
 */

ngx_int_t
ngx_http_magasin_server_timing(ngx_http_magasin_ctx_t *ctx)
{
    u_char                              *p, *last;
    uint64_t                             us;
    ngx_str_t                            timing, *cache;
    ngx_http_request_t                  *r;
    ngx_http_variable_value_t           *trace;
    ngx_http_magasin_arrival_t          *arrival;
    ngx_http_magasin_reply_loc_conf_t   *rlcf;

    r = ctx->request;
    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_reply_module);

    arrival = rlcf->server_timing ? ngx_http_magasin_arrival(r->main) : NULL;

    if (arrival == NULL) {
        return NGX_OK;
    }

    timing.data = ngx_pnalloc(r->pool, NGX_HTTP_MAGASIN_TIMING);
    trace = ngx_http_magasin_trace_id(r);

    if (timing.data == NULL || trace == NULL) {
        return NGX_ERROR;
    }

    p = timing.data;
    last = p + NGX_HTTP_MAGASIN_TIMING;

    us = ngx_http_magasin_clock() - arrival->started;

    p = ngx_slprintf(p, last, "total;dur=%uL.%03uL", us / 1000, us % 1000);

    if (ctx->database) {
        p = ngx_slprintf(p, last, ", db;dur=%uL.%03uL", ctx->database / 1000,
                         ctx->database % 1000);
    }

    if (ctx->redis) {
        p = ngx_slprintf(p, last, ", redis;dur=%uL.%03uL", ctx->redis / 1000,
                         ctx->redis % 1000);
    }

    cache = ngx_http_magasin_cache_name(ctx->cache_state);

    if (cache) {
        p = ngx_slprintf(p, last, ", cache;desc=%V", cache);
    }

    if (!trace->not_found) {
        p = ngx_slprintf(p, last, ", trace;desc=\"%v\"", trace);
    }

    timing.len = p - timing.data;

    return ngx_http_magasin_reply_header(r, "Server-Timing", &timing);
}
