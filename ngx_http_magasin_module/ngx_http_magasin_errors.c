
/*
 * Errors that nginx makes itself (a body over client_max_body_size, a limit,
 * a malformed request) leave as JSON too, where `magasin_json_errors` is on:
 * a filter puts {"detail": "..."} in the place of the HTML page.
 */


#include "ngx_http_magasin_reply.h"


static ngx_int_t ngx_http_magasin_errors_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_magasin_errors_body(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_uint_t ngx_http_magasin_errors_ours(ngx_http_request_t *r);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


/* Install the filters; locations say whether they do anything. */

void
ngx_http_magasin_errors_init(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_magasin_errors_header;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_magasin_errors_body;
}


static ngx_int_t
ngx_http_magasin_errors_header(ngx_http_request_t *r)
{
    ngx_uint_t               status;
    ngx_http_magasin_ctx_t  *ctx;

    if (!ngx_http_magasin_errors_ours(r)) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_magasin_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    status = r->headers_out.status;

    ngx_http_magasin_json_init(&ctx->json, r->pool);
    (void) ngx_http_magasin_reply_status(ctx, status);

    r->headers_out.content_type = *ngx_http_magasin_problem_type(ctx);

    if (ctx->json.failed) {
        return NGX_ERROR;
    }

    ctx->filtered = 1;

    r->headers_out.content_length_n = ctx->json.size;
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (r->headers_out.content_length) {
        r->headers_out.content_length->hash = 0;
        r->headers_out.content_length = NULL;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_magasin_errors_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t               *last;
    ngx_chain_t             *cl;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_magasin_module);

    if (ctx == NULL || !ctx->filtered || in == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    /* The page goes nowhere; what replaces it leaves once. */

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

    if (ctx->complete == 0) {
        return NGX_OK;
    }

    ctx->complete = 0;

    last = ctx->json.last->buf;
    last->last_buf = (r == r->main);
    last->last_in_chain = 1;

    return ngx_http_next_body_filter(r, ctx->json.first);
}


/*
 * A page of nginx's for an error, in a place that speaks JSON.  An upstream's
 * answer is not nginx's; nginx's own word about an upstream is.
 */

static ngx_uint_t
ngx_http_magasin_errors_ours(ngx_http_request_t *r)
{
    ngx_http_magasin_ctx_t       *ctx;
    ngx_http_magasin_loc_conf_t  *mlcf;

    if (r->headers_out.status < NGX_HTTP_BAD_REQUEST
        || r != r->main
        || r->http_version < NGX_HTTP_VERSION_10
        || r->error_page
        || (r->upstream
            && r->upstream->headers_in.status_n == r->headers_out.status)
        || r->headers_out.content_type.len != sizeof("text/html") - 1
        || ngx_strncmp(r->headers_out.content_type.data, "text/html",
                       sizeof("text/html") - 1)
           != 0)
    {
        return 0;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_magasin_module);

    if (ctx && ctx->replied && ctx->filtered) {
        return 0;
    }

    mlcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_module);

    return mlcf->json_errors == 1;
}
