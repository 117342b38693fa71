
/*
 * Finds the endpoint of a request.  The checks have the order of the
 * reference: route, 406, 405.  handler.c continues with 401, 415, parse
 * errors, 400 and 404.
 */


#include "ngx_http_magasin_handler.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_text.h"


static ngx_uint_t ngx_http_magasin_also(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_no_route(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_describe(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_method_refused(ngx_http_magasin_ctx_t *ctx);


/*
 * Checks the route, the representation and the method.
 *
 * Returns NGX_OK if ctx->endpoint is to be run, NGX_DONE if the answer is in
 * ctx, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_dispatch(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_str_t           *format;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (!ngx_http_magasin_authority_valid(r)) {
        return ngx_http_magasin_reply_status(ctx, NGX_HTTP_BAD_REQUEST);
    }

    if (ngx_http_magasin_route(ctx) == NULL) {
        return ngx_http_magasin_no_route(ctx);
    }

    ctx->endpoint = ngx_http_magasin_route_method(ctx->route, r->method);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "magasin route \"%V\", endpoint \"%s\"",
                   &ctx->route->path,
                   ctx->endpoint ? (char *) ctx->endpoint->name.data : "");

    ctx->query = ngx_http_magasin_query_parse(r->pool, &r->args,
                                              NGX_HTTP_MAGASIN_QUERY_PAIRS);
    if (ctx->query == NULL) {
        return NGX_ERROR;
    }

    if (ctx->query->nelts > NGX_HTTP_MAGASIN_QUERY_PAIRS) {
        return ngx_http_magasin_reply_status(ctx, NGX_HTTP_BAD_REQUEST);
    }

    format = ngx_http_magasin_query_value(ctx->query, "format");

    if (format && format->len
        && (format->len != 4 || ngx_memcmp(format->data, "json", 4) != 0))
    {
        return ngx_http_magasin_reply_status(ctx, NGX_HTTP_NOT_FOUND);
    }

    if (ctx->endpoint && ctx->endpoint->table
        && ngx_http_magasin_prefers_csv(r))
    {
        if (ngx_http_magasin_table_begin(ctx, ctx->endpoint->table) != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (!ngx_http_magasin_acceptable(r,
                                            ngx_http_magasin_also(ctx)))
    {
        return ngx_http_magasin_reply_status(ctx,
                                             NGX_HTTP_MAGASIN_NOT_ACCEPTABLE);
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        rc = ngx_http_magasin_cors_preflight(ctx);

        return rc == NGX_DECLINED ? ngx_http_magasin_describe(ctx) : rc;
    }

    return ctx->endpoint ? NGX_OK : ngx_http_magasin_method_refused(ctx);
}


/* Returns what Accept may name instead of JSON. */

static ngx_uint_t
ngx_http_magasin_also(ngx_http_magasin_ctx_t *ctx)
{
    if (ctx->endpoint && ctx->endpoint->live) {
        return NGX_HTTP_MAGASIN_ACCEPT_EVENTS;
    }

    return ctx->endpoint && ctx->endpoint->rows
           ? NGX_HTTP_MAGASIN_ACCEPT_LINES : 0;
}


/*
 * Redirects a path without its last slash to the path with the slash; other
 * paths are answered with 404.  The location is relative, as in the reference.
 * nginx makes the header in headers_out.location absolute, so that member
 * is not set.
 */

static ngx_int_t
ngx_http_magasin_no_route(ngx_http_magasin_ctx_t *ctx)
{
    u_char                 *p;
    ngx_str_t               path, location;
    ngx_http_request_t     *r;
    ngx_http_magasin_id_t   ids[NGX_HTTP_MAGASIN_MAX_IDS];

    r = ctx->request;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "magasin no route for \"%V\"", &r->uri);

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_magasin_reply_status(ctx, NGX_HTTP_NOT_FOUND);
    }

    path.len = ctx->path.len + 1;
    path.data = ngx_pnalloc(r->pool, path.len);

    if (path.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(path.data, ctx->path.data, ctx->path.len);
    *p = '/';

    if (ngx_http_magasin_route_find(r->pool, &path, ids) == NULL) {
        return ngx_http_magasin_reply_status(ctx, NGX_HTTP_NOT_FOUND);
    }

    if (ngx_http_magasin_base_add(r, &path) != NGX_OK) {
        return NGX_ERROR;
    }

    /* Paths of the table need no escapes. */

    location.data = ngx_pnalloc(r->pool, path.len + 1 + r->args.len);
    if (location.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(location.data, path.data, path.len);

    if (r->args.len) {
        *p++ = '?';
        p = ngx_cpymem(p, r->args.data, r->args.len);
    }

    location.len = p - location.data;

    ngx_http_magasin_reply_begin(ctx, NGX_HTTP_MOVED_PERMANENTLY);

    if (ngx_http_magasin_reply_header(r, "Location", &location) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


/* Answers OPTIONS with the name and the media types of the resource. */

static ngx_int_t
ngx_http_magasin_describe(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t                *title;
    ngx_http_magasin_json_t  *json;

    json = &ctx->json;
    title = &ctx->route->endpoints->title;

    ngx_http_magasin_reply_begin(ctx, NGX_HTTP_OK);

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "name");
    ngx_http_magasin_json_text(json, title->data, title->len);
    ngx_http_magasin_json_key(json, "description");
    ngx_http_magasin_json_string(json, "");
    ngx_http_magasin_json_key(json, "renders");
    ngx_http_magasin_json_open(json, '[');
    ngx_http_magasin_json_string(json, "application/json");
    ngx_http_magasin_json_close(json, ']');
    ngx_http_magasin_json_key(json, "parses");
    ngx_http_magasin_json_open(json, '[');
    ngx_http_magasin_json_string(json, "application/json");
    ngx_http_magasin_json_string(json, "application/x-www-form-urlencoded");
    ngx_http_magasin_json_string(json, "multipart/form-data");
    ngx_http_magasin_json_close(json, ']');
    ngx_http_magasin_json_close(json, '}');

    return NGX_DONE;
}


static ngx_int_t
ngx_http_magasin_method_refused(ngx_http_magasin_ctx_t *ctx)
{
    u_char     *p;
    ngx_str_t   detail, *method;

    method = &ctx->request->method_name;

    p = ngx_pnalloc(ctx->request->pool, method->len + 64);
    if (p == NULL) {
        return NGX_ERROR;
    }

    detail.data = p;

    /* U+00A0 inside the guillemets. */

    p = ngx_sprintf(p, "Méthode «\xc2\xa0%V\xc2\xa0» non autorisée.", method);
    detail.len = p - detail.data;

    return ngx_http_magasin_reply_detail(ctx, NGX_HTTP_NOT_ALLOWED, &detail);
}


/*
 * Answers 415.  Returns NGX_DONE if the answer is in ctx, or NGX_ERROR if
 * memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_media_refused(ngx_http_magasin_ctx_t *ctx)
{
    u_char     *p;
    ngx_str_t   detail, type;

    ngx_str_null(&type);

    if (ctx->request->headers_in.content_type) {
        type = ctx->request->headers_in.content_type->value;

        if (ngx_http_magasin_text_repair(ctx->request->pool, &type) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    p = ngx_pnalloc(ctx->request->pool, type.len + 64);
    if (p == NULL) {
        return NGX_ERROR;
    }

    detail.data = p;

    p = ngx_sprintf(p, "Type de média «\xc2\xa0%V\xc2\xa0» non supporté.",
                    &type);
    detail.len = p - detail.data;

    return ngx_http_magasin_reply_detail(ctx,
                                         NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                         &detail);
}


/*
 * Answers 415 to a body whose Content-Encoding is not "identity".  The names
 * of the codings that are read are in Accept-Encoding (RFC 9110, section
 * 15.5.16).
 *
 * Returns NGX_OK if the body has no other coding, NGX_DONE if the answer is in
 * ctx, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_encoding_refused(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t         *coding;
    static ngx_str_t   identity = ngx_string("identity");
    static ngx_str_t   detail =
                              ngx_string("Le corps doit être envoyé sans "
                                         "codage (Content-Encoding).");

    coding = ngx_http_magasin_content_coding(ctx->request);

    if (coding == NULL) {
        return NGX_OK;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "magasin coding \"%V\" is not supported", coding);

    if (ngx_http_magasin_reply_header(ctx->request, "Accept-Encoding",
                                      &identity)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_reply_detail(ctx,
                                         NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                         &detail);
}
