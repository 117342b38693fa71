
/*
 * Errors that nginx makes itself (a body over client_max_body_size, a limit, a
 * malformed request) are sent as JSON if `magasin_json_errors` is on.  A
 * filter replaces the HTML page by {"detail": "..."}.
 */


#include "ngx_http_magasin_reply.h"


static ngx_int_t ngx_http_magasin_errors_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_magasin_errors_body(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_uint_t ngx_http_magasin_errors_ours(ngx_http_request_t *r);
static ngx_int_t ngx_http_magasin_errors_allow(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_errors_page(ngx_http_request_t *r);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


/* Installs the filters; they do nothing where the directive is off. */

void
ngx_http_magasin_errors_init(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_magasin_errors_header;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_magasin_errors_body;
}


/*
 * Adds phase handlers that recognise requests for an error_page.  The caller
 * adds them only if some location has an error_page.  Returns NGX_OK, or
 * NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_errors_phases(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;
    static ngx_uint_t           phases[] = {
        NGX_HTTP_SERVER_REWRITE_PHASE, NGX_HTTP_REWRITE_PHASE
    };

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    for (i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {

        h = ngx_array_push(&cmcf->phases[phases[i]].handlers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        *h = ngx_http_magasin_errors_page;
    }

    return NGX_OK;
}


/*
 * A request that has a status here has failed with that status and was
 * redirected to an error page.  An internal redirect starts in the first of
 * these phases, a redirect to a named location in the second.  The field
 * r->error_page is no indication, because nginx sets it as soon as an
 * error_page exists for any status.
 */

static ngx_int_t
ngx_http_magasin_errors_page(ngx_http_request_t *r)
{
    ngx_http_magasin_ctx_t  *ctx;

    if (r->err_status == 0) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_magasin_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->page = r->err_status;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_magasin_errors_header(ngx_http_request_t *r)
{
    ngx_uint_t               status;
    ngx_http_magasin_ctx_t  *ctx;
    static ngx_str_t         retry = ngx_string("1");

    if (!ngx_http_magasin_errors_ours(r)) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_magasin_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    status = r->headers_out.status;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "magasin replaces the page of status %ui", status);

    ngx_http_magasin_json_init(&ctx->json, r->pool);
    (void) ngx_http_magasin_reply_status(ctx, status);

    r->headers_out.content_type = *ngx_http_magasin_problem_type(ctx);

    if (ctx->json.failed) {
        return NGX_ERROR;
    }

    if (status == NGX_HTTP_NOT_ALLOWED
        && ngx_http_magasin_errors_allow(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* A limit rejected the request.  The client may retry soon. */

    if ((status == NGX_HTTP_TOO_MANY_REQUESTS
         || status == NGX_HTTP_SERVICE_UNAVAILABLE)
        && ngx_http_magasin_reply_header(r, "Retry-After", &retry) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->answer = NGX_HTTP_MAGASIN_ANSWER_REPLACING;

    r->headers_out.content_length_n = ctx->json.size;
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (r->headers_out.content_length) {
        r->headers_out.content_length->hash = 0;
        r->headers_out.content_length = NULL;
    }

    return ngx_http_next_header_filter(r);
}


/*
 * Adds Allow, which a 405 must have (RFC 9110), unless the handler has added
 * it.  nginx refuses TRACE and CONNECT before it looks for a location, so the
 * path may be a route.  Any other path is one of nginx, which only reads.
 * NGX_OK, or NGX_ERROR: no memory.
 */

static ngx_int_t
ngx_http_magasin_errors_allow(ngx_http_magasin_ctx_t *ctx)
{
    ngx_uint_t                 i;
    ngx_list_part_t           *part;
    ngx_table_elt_t           *header;
    ngx_http_magasin_route_t  *route;
    static ngx_str_t           reads = ngx_string("GET, HEAD");

    part = &ctx->request->headers_out.headers.part;

    for ( /* void */ ; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (header[i].hash
                && header[i].key.len == sizeof("Allow") - 1
                && ngx_strncasecmp(header[i].key.data, (u_char *) "Allow",
                                   sizeof("Allow") - 1)
                   == 0)
            {
                return NGX_OK;
            }
        }
    }

    route = ngx_http_magasin_route(ctx);

    return ngx_http_magasin_reply_header(ctx->request, "Allow",
                                         route ? &route->allow : &reads);
}


static ngx_int_t
ngx_http_magasin_errors_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t               *last;
    ngx_chain_t             *cl;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_magasin_get_ctx(r);

    if (ctx == NULL || in == NULL
        || (ctx->answer != NGX_HTTP_MAGASIN_ANSWER_REPLACING
            && ctx->answer != NGX_HTTP_MAGASIN_ANSWER_REPLACED))
    {
        return ngx_http_next_body_filter(r, in);
    }

    /* Discard the page.  The body that replaces it is sent once. */

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

    if (ctx->answer == NGX_HTTP_MAGASIN_ANSWER_REPLACED) {
        return NGX_OK;
    }

    ctx->answer = NGX_HTTP_MAGASIN_ANSWER_REPLACED;

    last = ctx->json.last->buf;
    last->last_buf = (r == r->main);
    last->last_in_chain = 1;

    return ngx_http_next_body_filter(r, ctx->json.first);
}


/*
 * Returns 1 if the answer is an error page of nginx in a location that answers
 * JSON.  Such a page has the status for which the request was finalized.  A
 * text of `return` does not have it.  The answer of an error_page, which is
 * not nginx's page either, has the status of the error that led to it;
 * ctx->page holds that status.  The answer of an upstream is not nginx's, but
 * nginx's own error about an upstream is.
 */

static ngx_uint_t
ngx_http_magasin_errors_ours(ngx_http_request_t *r)
{
    ngx_http_magasin_ctx_t             *ctx;
    ngx_http_magasin_reply_loc_conf_t  *rlcf;

    if (r->headers_out.status < NGX_HTTP_BAD_REQUEST
        || r != r->main
        || r->http_version < NGX_HTTP_VERSION_10
        || r->headers_out.status != r->err_status
        || (r->upstream
            && r->upstream->headers_in.status_n == r->headers_out.status)
        || r->headers_out.content_type.len != sizeof("text/html") - 1
        || ngx_strncmp(r->headers_out.content_type.data, "text/html",
                       sizeof("text/html") - 1)
           != 0)
    {
        return 0;
    }

    ctx = ngx_http_magasin_get_ctx(r);

    if (ctx && ctx->page == r->err_status) {
        return 0;
    }

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_reply_module);

    return rlcf->json_errors == 1;
}
