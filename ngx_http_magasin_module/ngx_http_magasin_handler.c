
/*
 * The way of one request.  The checks come in the reference's order: route,
 * 406, 405, 401, 415, parse error, 400, 404.
 *
 * An answer of many rows is rendered and sent piece by piece.  The next rows
 * are asked for only when the client has taken the last piece, by a new run
 * of the statement from where the last one ended: a slow client holds some
 * buffers of ours, but no connection to PostgreSQL.
 */


#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_text.h"


/* Bytes of buffers that a request keeps from one piece for the next. */
#define NGX_HTTP_MAGASIN_KEPT  131072

/* Pieces out of the cache for one client in a turn of the event loop. */
#define NGX_HTTP_MAGASIN_TURN  4


static ngx_int_t ngx_http_magasin_no_route(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_negotiate(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_describe(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_method_refused(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_media_refused(ngx_http_magasin_ctx_t *ctx);
static void ngx_http_magasin_body_ready(ngx_http_request_t *r);
static ngx_int_t ngx_http_magasin_read(ngx_http_magasin_ctx_t *ctx);
static void ngx_http_magasin_read_done(ngx_http_magasin_ctx_t *ctx,
    ngx_int_t rc, ngx_uint_t status);
static ngx_int_t ngx_http_magasin_gather(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_written(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
static void ngx_http_magasin_written_done(ngx_http_magasin_ctx_t *ctx);
static void ngx_http_magasin_wait(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_run(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *body);
static ngx_int_t ngx_http_magasin_submit(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_unavailable(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status);
static void ngx_http_magasin_rows_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static void ngx_http_magasin_rows_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result);
static ngx_uint_t ngx_http_magasin_failure_status(
    ngx_http_magasin_ctx_t *ctx, ngx_http_magasin_pg_failure_e failure,
    PGresult *result);
static void ngx_http_magasin_cause(ngx_http_magasin_ctx_t *ctx,
    const char *cause);
static ngx_int_t ngx_http_magasin_stream(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_stream_next(ngx_http_magasin_ctx_t *ctx);
static void ngx_http_magasin_stream_writer(ngx_http_request_t *r);
static void ngx_http_magasin_finalize(ngx_http_magasin_ctx_t *ctx,
    ngx_int_t rc);
static void ngx_http_magasin_cleanup(void *data);


/* The content handler of `magasin`. */

ngx_int_t
ngx_http_magasin_handler(ngx_http_request_t *r)
{
    ngx_int_t                      rc, discarded;
    ngx_str_t                      body;
    ngx_http_magasin_ctx_t        *ctx;
    ngx_http_magasin_main_conf_t  *mmcf;

    ctx = ngx_http_magasin_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_null(&body);

    ngx_http_magasin_json_init(&ctx->json, r->pool);

    rc = ngx_http_magasin_negotiate(ctx);

    if (rc == NGX_OK && ctx->endpoint->scope) {
        mmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_module);
        rc = ngx_http_magasin_authorize(ctx, mmcf->tokens);
    }

    if (rc == NGX_OK
        && (ctx->endpoint->method
            & (NGX_HTTP_PUT|NGX_HTTP_POST|NGX_HTTP_PATCH)))
    {
        ctx->body.type = ngx_http_magasin_body_type(r);

        if (ctx->body.type == NGX_HTTP_MAGASIN_BODY_UNKNOWN) {
            rc = ngx_http_magasin_media_refused(ctx);

        } else if (ctx->body.type != NGX_HTTP_MAGASIN_BODY_NONE) {
            r->request_body_in_single_buf = 1;

            rc = ngx_http_read_client_request_body(r,
                                               ngx_http_magasin_body_ready);

            /* "100 Continue" could not be sent: the client has gone. */

            if (rc == NGX_HTTP_INTERNAL_SERVER_ERROR && r->connection->error)
            {
                rc = NGX_HTTP_CLIENT_CLOSED_REQUEST;
            }

            return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
        }
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    discarded = ngx_http_discard_request_body(r);

    if (discarded != NGX_OK) {
        return discarded >= NGX_HTTP_SPECIAL_RESPONSE
               ? discarded : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_DONE) {
        return ngx_http_magasin_reply_send(ctx);
    }

    rc = ngx_http_magasin_run(ctx, &body);

    if (rc == NGX_DONE) {
        r->main->count++;
    }

    return rc;
}


/* The context of a request, made when there is none.  NULL: memory. */

ngx_http_magasin_ctx_t *
ngx_http_magasin_ctx(ngx_http_request_t *r)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_magasin_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_magasin_ctx_t));
        if (ctx == NULL) {
            return NULL;
        }

        ctx->request = r;
        ngx_http_set_ctx(r, ctx, ngx_http_magasin_module);
    }

    return ctx;
}


/*
 * Route, representation and method.
 *
 * NGX_OK: ctx->endpoint is to be run.  NGX_DONE: the answer is in ctx.
 * NGX_ERROR: memory.
 */

static ngx_int_t
ngx_http_magasin_negotiate(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_str_t           *format;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (ngx_http_magasin_route(ctx) == NULL) {
        return ngx_http_magasin_no_route(ctx);
    }

    ctx->endpoint = ngx_http_magasin_route_method(ctx->route, r->method);

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

    if (!ngx_http_magasin_acceptable(r)) {
        return ngx_http_magasin_reply_status(ctx,
                                             NGX_HTTP_MAGASIN_NOT_ACCEPTABLE);
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        rc = ngx_http_magasin_cors_preflight(ctx);

        return rc == NGX_DECLINED ? ngx_http_magasin_describe(ctx) : rc;
    }

    return ctx->endpoint ? NGX_OK : ngx_http_magasin_method_refused(ctx);
}


/*
 * A path without its last slash leads to the one with it.  The location is
 * relative, as the reference gives it: set aside from headers_out.location,
 * nginx does not make it absolute.
 */

static ngx_int_t
ngx_http_magasin_no_route(ngx_http_magasin_ctx_t *ctx)
{
    u_char                 *p;
    ngx_str_t               path, location;
    ngx_http_request_t     *r;
    ngx_http_magasin_id_t   ids[NGX_HTTP_MAGASIN_MAX_IDS];

    r = ctx->request;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_magasin_reply_status(ctx, NGX_HTTP_NOT_FOUND);
    }

    path.len = r->uri.len + 1;
    path.data = ngx_pnalloc(r->pool, path.len);

    if (path.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(path.data, r->uri.data, r->uri.len);
    *p = '/';

    if (ngx_http_magasin_route_find(r->pool, &path, ids) == NULL) {
        return ngx_http_magasin_reply_status(ctx, NGX_HTTP_NOT_FOUND);
    }

    /* A path of the table has nothing to escape. */

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


/* OPTIONS: what this resource is called, gives and takes. */

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


static ngx_int_t
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


static void
ngx_http_magasin_body_ready(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_str_t                body;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_magasin_module);

    if (ngx_http_magasin_body_read(r, &body) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    rc = ngx_http_magasin_body_parse(r, &ctx->body, &body);

    if (rc == NGX_OK) {
        rc = ngx_http_magasin_run(ctx, &body);

        if (rc == NGX_DONE) {
            return;
        }

    } else if (rc == NGX_DECLINED) {
        (void) ngx_http_magasin_reply_detail(ctx, NGX_HTTP_BAD_REQUEST,
                                             &ctx->body.error);
        rc = ngx_http_magasin_reply_send(ctx);

    } else {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


/*
 * Bind the parameters and start the statement.  `body` is the request's, as
 * it came.
 *
 * NGX_DONE: it runs.  Else the request has its answer, or the status of
 * nginx's own: what is returned goes to ngx_http_finalize_request().
 */

static ngx_int_t
ngx_http_magasin_run(ngx_http_magasin_ctx_t *ctx, ngx_str_t *body)
{
    ngx_int_t                     rc;
    ngx_http_cleanup_t           *cln;
    ngx_http_magasin_endpoint_t  *endpoint;

    endpoint = ctx->endpoint;

    ctx->status = NGX_HTTP_OK;
    ctx->job.statement = endpoint->statement;
    ctx->job.class = endpoint->class;

    rc = NGX_OK;

    if (endpoint->method == NGX_HTTP_POST) {
        rc = ngx_http_magasin_idempotency(ctx, body);
    }

    if (rc == NGX_OK) {
        rc = endpoint->bind(ctx);
    }

    if (rc != NGX_OK && rc != NGX_DONE) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln = ngx_http_cleanup_add(ctx->request, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_magasin_cleanup;
    cln->data = ctx;

    if (rc == NGX_DONE) {
        ctx->complete = 1;
        return ngx_http_magasin_written(ctx, NULL);
    }

    ctx->job.ready = ngx_http_magasin_rows_ready;
    ctx->job.failed = ngx_http_magasin_rows_failed;
    ctx->job.data = ctx;
    ctx->job.log = ctx->request->connection->log;

    return endpoint->method == NGX_HTTP_GET ? ngx_http_magasin_read(ctx)
                                            : ngx_http_magasin_submit(ctx);
}


/* The answer from the cache, or else by the statement; as _run(). */

static ngx_int_t
ngx_http_magasin_read(ngx_http_magasin_ctx_t *ctx)
{
    switch (ngx_http_magasin_cache_read(ctx, ngx_http_magasin_read_done)) {

    case NGX_OK:
        return ngx_http_magasin_stream(ctx);

    case NGX_DECLINED:
        return ngx_http_magasin_submit(ctx);

    case NGX_AGAIN:
        ngx_http_magasin_wait(ctx);
        return NGX_DONE;

    default: /* NGX_ERROR */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


/* The cache has made the request wait, and says what comes of it. */

static void
ngx_http_magasin_read_done(ngx_http_magasin_ctx_t *ctx, ngx_int_t rc,
    ngx_uint_t status)
{
    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    switch (rc) {

    case NGX_OK:
        rc = ngx_http_magasin_stream(ctx);
        break;

    case NGX_DECLINED:
        rc = ngx_http_magasin_submit(ctx);
        break;

    default: /* NGX_ERROR */
        rc = ngx_http_magasin_unavailable(ctx, status);
        break;
    }

    ngx_http_magasin_finalize(ctx, rc);
}


static ngx_int_t
ngx_http_magasin_submit(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                      rc;
    ngx_http_request_t            *r;
    ngx_http_magasin_main_conf_t  *mmcf;

    r = ctx->request;
    mmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_module);

    /* What has begun is finished: only new requests meet a full queue. */

    if (ctx->streaming || ctx->gathering) {
        ctx->job.admitted = 1;
    }

    rc = ngx_http_magasin_pg_submit(mmcf->pool, &ctx->job);

    if (rc != NGX_OK) {
        ngx_http_magasin_cause(ctx, rc == NGX_BUSY ? "queue" : "unavailable");
        return ngx_http_magasin_unavailable(ctx, NGX_HTTP_SERVICE_UNAVAILABLE);
    }

    ctx->waiting = 1;
    ctx->started = ngx_http_magasin_clock();

    ngx_http_magasin_wait(ctx);

    return NGX_DONE;
}


/* Something else will go on with the request, unless its client leaves. */

static void
ngx_http_magasin_wait(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_request_t  *r;

    r = ctx->request;

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
    }

    r->write_event_handler = ngx_http_request_empty_handler;
}


/* No rows: an error, or the end of the connection when the answer began. */

static ngx_int_t
ngx_http_magasin_unavailable(ngx_http_magasin_ctx_t *ctx, ngx_uint_t status)
{
    ngx_http_magasin_cache_failed(ctx, status);

    if (ctx->streaming) {
        return NGX_ERROR;
    }

    switch (ngx_http_magasin_cache_stale(ctx)) {

    case NGX_OK:
        return ngx_http_magasin_stream(ctx);

    case NGX_DECLINED:
        break;

    default: /* NGX_ERROR */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->endpoint->failed) {
        if (ctx->endpoint->failed(ctx) == NGX_ERROR) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

    } else {
        (void) ngx_http_magasin_reply_status(ctx, status);
    }

    return ngx_http_magasin_reply_send(ctx);
}


static void
ngx_http_magasin_rows_ready(ngx_http_magasin_pg_job_t *job, PGresult *result)
{
    ngx_int_t                rc;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = job->data;
    ctx->waiting = 0;
    ctx->database += ngx_http_magasin_clock() - ctx->started;

    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    rc = ctx->endpoint->render(ctx, result);

    if (rc == NGX_ERROR) {
        rc = ctx->streaming ? NGX_ERROR : NGX_HTTP_INTERNAL_SERVER_ERROR;

    } else {
        ctx->complete = (rc != NGX_AGAIN);
        rc = ctx->endpoint->method == NGX_HTTP_GET
             ? ngx_http_magasin_gather(ctx)
             : ngx_http_magasin_written(ctx, result);
    }

    ngx_http_magasin_finalize(ctx, rc);
}


/*
 * A piece of an answer that will be cached waits for the others, since it is
 * not sent before it is whole.  As _stream().
 */

static ngx_int_t
ngx_http_magasin_gather(ngx_http_magasin_ctx_t *ctx)
{
    if (!ctx->complete && !ctx->streaming
        && ngx_http_magasin_cache_gathers(ctx))
    {
        ctx->gathering = 1;
        return ngx_http_magasin_submit(ctx);
    }

    ctx->gathering = 0;

    if (ctx->complete && !ctx->streaming
        && ngx_http_magasin_cache_fill(ctx) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_magasin_stream(ctx);
}


/*
 * Of a write the client hears when what it has changed is invalid in all
 * caches that may answer after it.  As _stream().
 */

static ngx_int_t
ngx_http_magasin_written(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                        column;
    uint64_t                   xid;
    ngx_http_magasin_scopes_t  scopes;

    scopes.n = 0;
    xid = 0;

    if (ctx->endpoint->touch
        && (ctx->status < NGX_HTTP_BAD_REQUEST
            || ctx->endpoint->refusal))
    {
        ctx->endpoint->touch(ctx, result, &scopes);

        column = PQfnumber(result, "xid");

        if (column >= 0 && PQntuples(result)) {
            xid = strtoull(PQgetvalue(result, 0, column), NULL, 10);
        }
    }

    switch (ngx_http_magasin_cache_written(ctx, &scopes, xid,
                                           ngx_http_magasin_written_done))
    {

    case NGX_OK:
        return ngx_http_magasin_stream(ctx);

    case NGX_AGAIN:
        ngx_http_magasin_wait(ctx);
        return NGX_DONE;

    default: /* NGX_ERROR */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static void
ngx_http_magasin_written_done(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    ngx_http_magasin_finalize(ctx, ngx_http_magasin_stream(ctx));
}


static void
ngx_http_magasin_rows_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    ngx_int_t                rc;
    ngx_uint_t               status;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = job->data;
    ctx->waiting = 0;
    ctx->database += ngx_http_magasin_clock() - ctx->started;

    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    status = ngx_http_magasin_failure_status(ctx, failure, result);
    rc = ngx_http_magasin_unavailable(ctx, status);

    ngx_http_magasin_finalize(ctx, rc);
}


static ngx_uint_t
ngx_http_magasin_failure_status(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    u_char                         text[NGX_HTTP_MAGASIN_LOG_TEXT];
    ngx_uint_t                     status;
    const char                    *sqlstate;
    ngx_http_magasin_main_conf_t  *mmcf;

    switch (failure) {

    case NGX_HTTP_MAGASIN_PG_UNAVAILABLE:
        ngx_http_magasin_cause(ctx, "unavailable");
        return NGX_HTTP_SERVICE_UNAVAILABLE;

    case NGX_HTTP_MAGASIN_PG_TIMEOUT:
        ngx_http_magasin_cause(ctx, "timeout");
        return NGX_HTTP_GATEWAY_TIME_OUT;

    case NGX_HTTP_MAGASIN_PG_LOCKED:
        ngx_http_magasin_cause(ctx, "locked");
        return NGX_HTTP_SERVICE_UNAVAILABLE;

    default: /* NGX_HTTP_MAGASIN_PG_ERROR */
        break;
    }

    sqlstate = ngx_http_magasin_sqlstate(result);
    status = ngx_http_magasin_sqlstate_status(sqlstate);

    ngx_http_magasin_cause(ctx, sqlstate);

    mmcf = ngx_http_get_module_main_conf(ctx->request,
                                         ngx_http_magasin_module);

    if (status == NGX_HTTP_INTERNAL_SERVER_ERROR
        && ngx_http_magasin_pg_complains(mmcf->pool))
    {
        /* Nobody expects these: a bug of ours, or a schema that differs. */

        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "magasin: \"%V\" failed with SQLSTATE %s: %s",
                      &ctx->endpoint->name, sqlstate,
                      ngx_http_magasin_log_text(text, sizeof(text),
                                  ngx_http_magasin_sqlstate_message(result)));
    }

    return status;
}


/* For /status: a SQLSTATE, or a word of ours. */

static void
ngx_http_magasin_cause(ngx_http_magasin_ctx_t *ctx, const char *cause)
{
    (void) ngx_cpystrn((u_char *) ctx->cause, (u_char *) cause,
                       sizeof(ctx->cause));
}


/*
 * Send what is rendered, and go on to the next rows once it has left.
 *
 * NGX_DONE: the request waits.  Else it ends with this code.
 */

static ngx_int_t
ngx_http_magasin_stream(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    rc = ngx_http_magasin_reply_send(ctx);

    if (ctx->complete || rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    r = ctx->request;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    /* The end of a piece does not wait for the client's word of the piece. */

    if (clcf->tcp_nodelay && ngx_tcp_nodelay(r->connection) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_stream_next(ctx);
}


static ngx_int_t
ngx_http_magasin_stream_next(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_uint_t                 pieces;
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = ctx->request;
    wev = r->connection->write;
    pieces = NGX_HTTP_MAGASIN_TURN;

next:

    if (r->connection->data != r || r->postponed) {

        /* A subrequest whose turn has not come: it is posted for it. */

        ngx_http_magasin_wait(ctx);
        r->write_event_handler = ngx_http_magasin_stream_writer;
        return NGX_DONE;
    }

    if (r->out == NULL && !r->buffered && !r->connection->buffered) {

        if (wev->timer_set && !wev->delayed) {
            ngx_del_timer(wev);
        }

        ngx_http_magasin_json_trim(&ctx->json, NGX_HTTP_MAGASIN_KEPT);
        ngx_http_magasin_cache_sent(ctx);

        if (ctx->rest == 0) {
            return ngx_http_magasin_submit(ctx);
        }

        if (--pieces == 0) {

            /*
             * It reads as fast as we write: others have their turn.  A worker
             * that shuts down stays for timers, not for events.
             */

            ngx_http_magasin_wait(ctx);
            r->write_event_handler = ngx_http_magasin_stream_writer;
            ngx_post_event(wev, &ngx_posted_next_events);

            if (!wev->timer_set) {
                clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
                ngx_add_timer(wev, clcf->send_timeout);
            }

            return NGX_DONE;
        }

        rc = ngx_http_magasin_reply_send(ctx);

        if (ctx->complete || rc == NGX_ERROR || rc > NGX_OK) {
            return rc;
        }

        goto next;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_http_magasin_wait(ctx);
    r->write_event_handler = ngx_http_magasin_stream_writer;

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


static void
ngx_http_magasin_stream_writer(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_event_t             *wev;
    ngx_http_magasin_ctx_t  *ctx;

    wev = r->connection->write;
    ctx = ngx_http_get_module_ctx(r, ngx_http_magasin_module);

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;

        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (wev->delayed) {
        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

        return;
    }

    rc = ngx_http_output_filter(r, NULL);

    if (rc != NGX_ERROR) {
        rc = ngx_http_magasin_stream_next(ctx);
    }

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


/* End a request from an event that is not its own; r may be gone after. */

static void
ngx_http_magasin_finalize(ngx_http_magasin_ctx_t *ctx, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = ctx->request->connection;

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(ctx->request, rc);
    }

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_magasin_cleanup(void *data)
{
    ngx_http_magasin_ctx_t  *ctx = data;

    if (ctx->waiting) {
        ngx_http_magasin_pg_cancel(&ctx->job);
    }

    ngx_http_magasin_cache_cleanup(ctx);
}
