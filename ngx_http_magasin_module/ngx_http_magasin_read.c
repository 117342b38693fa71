
/*
 * A read looks up its answer in the cache before it runs its statement, and
 * stores the answer after it has run the statement.  The cache does not know
 * requests.  This file makes the key and the tags of a request, and moves
 * answers between the cache and the context of a request.
 */


#include "ngx_http_magasin_handler.h"


/* Bytes of an answer that are kept before some are sent, with and without the
 * cache. */
#define NGX_HTTP_MAGASIN_SHORT  16384


static ngx_int_t ngx_http_magasin_read_begin(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_read_key(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *key);
static int64_t ngx_http_magasin_read_id(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_tag_id_e which);
static void ngx_http_magasin_read_take(void *data,
    ngx_http_magasin_answer_t *answer, ngx_http_magasin_cache_e state);
static ngx_uint_t ngx_http_magasin_read_sound(void *data,
    ngx_http_magasin_answer_t *answer);
static void ngx_http_magasin_read_done(void *data, ngx_int_t rc,
    ngx_uint_t status);
static ngx_int_t ngx_http_magasin_read_run(ngx_http_magasin_ctx_t *ctx);
static ngx_uint_t ngx_http_magasin_read_crowded(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_read_fill(ngx_http_magasin_ctx_t *ctx);


static const ngx_http_magasin_cache_client_t  ngx_http_magasin_reader = {
    .take = ngx_http_magasin_read_take,
    .sound = ngx_http_magasin_read_sound,
    .done = ngx_http_magasin_read_done
};


/*
 * Answers from the cache or, without a cached answer, runs the statement.
 *
 * Returns NGX_DONE if the request waits.  Otherwise the answer was sent, or
 * the result is the status of an error page of nginx.  The caller passes the
 * result to ngx_http_finalize_request().
 */

ngx_int_t
ngx_http_magasin_read(ngx_http_magasin_ctx_t *ctx)
{
    switch (ngx_http_magasin_read_begin(ctx)) {

    case NGX_OK:
        return ngx_http_magasin_stream(ctx);

    case NGX_DECLINED:
        return ngx_http_magasin_read_run(ctx);

    case NGX_AGAIN:
        ngx_http_magasin_wait(ctx);
        return NGX_DONE;

    default: /* NGX_ERROR */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


/*
 * Describes the read to the cache and starts it.  Returns the codes of
 * ngx_http_magasin_cache_read().
 */

static ngx_int_t
ngx_http_magasin_read_begin(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t                       key;
    ngx_uint_t                      i, fresh;
    ngx_http_request_t             *r;
    ngx_http_magasin_cache_t       *cache;
    ngx_http_magasin_tag_spec_t    *tag;
    ngx_http_magasin_cache_conf_t  *conf;
    ngx_http_magasin_cache_read_t  *cr;

    r = ctx->request;
    cache = ngx_http_magasin_cache_of(r);
    conf = ngx_http_magasin_cache_conf(r);
    tag = ctx->endpoint->reads;

    ctx->cache_state = NGX_HTTP_MAGASIN_CACHE_NOT_USED;

    /* A stored answer does not say whose row it is. */

    if (ctx->uncached
        || (ctx->limited
            && ctx->endpoint->place == NGX_HTTP_MAGASIN_PLACE_ROW))
    {
        return NGX_DECLINED;
    }

    if (cache == NULL
        || ctx->table
        || conf->levels == NGX_HTTP_MAGASIN_CACHE_OFF
        || tag[0].kind == NGX_HTTP_MAGASIN_TAG_NONE)
    {
        return NGX_DECLINED;
    }

    ctx->cache_state = NGX_HTTP_MAGASIN_CACHE_MISS;

    if (!ngx_http_magasin_cache_usable(cache)) {
        return NGX_DECLINED;
    }

    cr = ngx_http_magasin_cache_read_create(cache, conf, r->pool,
                                            r->connection->log,
                                            &ngx_http_magasin_reader, ctx);

    if (cr == NULL || ngx_http_magasin_read_key(ctx, &key) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_magasin_cache_read_key(cr, &key);

    for (i = 0; i < NGX_HTTP_MAGASIN_ENDPOINT_TAGS; i++) {
        if (tag[i].kind == NGX_HTTP_MAGASIN_TAG_NONE) {
            break;
        }

        ngx_http_magasin_cache_read_tag(cr, tag[i].kind,
                                 ngx_http_magasin_read_id(ctx, tag[i].first),
                                 ngx_http_magasin_read_id(ctx, tag[i].second));
    }

    fresh = ngx_http_magasin_wants_fresh(r);

    if (fresh) {
        ctx->cache_state = NGX_HTTP_MAGASIN_CACHE_BYPASS;
    }

    /*
     * With links the length of the stored answer is not sufficient for HEAD.
     */

    ngx_http_magasin_cache_read_options(cr,
                                        r->method == NGX_HTTP_HEAD
                                        && ctx->endpoint->page == NULL,
                                        fresh, ngx_http_magasin_gzip_from(r),
                                        &ctx->redis);
    ctx->cached = cr;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "magasin read: key of %uz bytes, tags %ui, fresh %ui",
                   key.len, i, fresh);

    return ngx_http_magasin_cache_read(cr);
}


/*
 * Makes the key of a read.  It contains the endpoint, the statement if the
 * endpoint has several, and the parameters of the statement after defaults.
 * Requests whose keys are equal have equal answers.  Other parts of a request,
 * such as the host and unknown parameters, only appear in links, and links are
 * not cached.
 */

static ngx_int_t
ngx_http_magasin_read_key(ngx_http_magasin_ctx_t *ctx, ngx_str_t *key)
{
    size_t                        size, len;
    size_t                        lens[NGX_HTTP_MAGASIN_PG_MAX_PARAMS];
    u_char                       *p;
    ngx_uint_t                    i;
    const char                   *statement;
    ngx_http_magasin_pg_job_t    *job;
    ngx_http_magasin_endpoint_t  *endpoint;

    job = &ctx->job;
    endpoint = ctx->endpoint;
    statement = NULL;
    len = 0;

    if (job->statement != endpoint->statement) {
        statement = ngx_http_magasin_pg_statement_name(job->statement);
        len = ngx_strlen(statement);
    }

    size = endpoint->name.len + 1 + len;

    for (i = 0; i < job->nvalues; i++) {
        lens[i] = job->values[i] ? ngx_strlen(job->values[i]) : 0;
        size += 2 + lens[i];
    }

    p = ngx_pnalloc(ctx->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    key->data = p;

    p = ngx_cpymem(p, endpoint->name.data, endpoint->name.len);
    *p++ = ':';

    if (statement) {
        p = ngx_cpymem(p, statement, len);
    }

    for (i = 0; i < job->nvalues; i++) {
        *p++ = '\0';

        if (job->values[i]) {
            *p++ = '=';
            p = ngx_cpymem(p, job->values[i], lens[i]);
        }
    }

    key->len = p - key->data;

    return NGX_OK;
}


static int64_t
ngx_http_magasin_read_id(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_tag_id_e which)
{
    switch (which) {

    case NGX_HTTP_MAGASIN_TAG_FIRST_ID:
        return ngx_http_magasin_tag_id((char *) ctx->ids[0].text.data);

    case NGX_HTTP_MAGASIN_TAG_SECOND_ID:
        return ngx_http_magasin_tag_id((char *) ctx->ids[1].text.data);

    case NGX_HTTP_MAGASIN_TAG_FIRST_VALUE:
        return ngx_http_magasin_tag_id(ctx->job.values[0]);

    default: /* NGX_HTTP_MAGASIN_TAG_NO_ID */
        return 0;
    }
}


/*
 * Takes an answer of the cache into ctx.  A pinned answer is read piece by
 * piece.
 */

static void
ngx_http_magasin_read_take(void *data, ngx_http_magasin_answer_t *answer,
    ngx_http_magasin_cache_e state)
{
    ngx_http_magasin_ctx_t *ctx = data;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "magasin take: %V, %uz bytes, pinned %d",
                   ngx_http_magasin_cache_name(state), answer->body.len,
                   answer->body.data == NULL);

    ngx_http_magasin_reply_begin(ctx, NGX_HTTP_OK);

    ctx->cache_state = state;
    ctx->etag = answer->etag;
    ctx->age = answer->age;
    ctx->is_packed = answer->is_packed;
    ctx->open = answer->is_packed && answer->links.len;
    ctx->packed = answer->packed;

    /* All links precede the rows, so they are in the first piece. */

    if (ngx_http_magasin_links_unpack(ctx, &answer->links,
                          ngx_min(answer->body.len, NGX_HTTP_MAGASIN_PIN_PIECE))
        != NGX_OK)
    {
        ctx->json.failed = 1;
    }

    if (answer->body.data == NULL) {
        ctx->rest = answer->body.len;
        return;
    }

    ngx_http_magasin_json_take(&ctx->json, &answer->body);
}


/*
 * Returns 1 if the links of an answer that another machine has stored are
 * valid links of this module, else 0.
 */

static ngx_uint_t
ngx_http_magasin_read_sound(void *data, ngx_http_magasin_answer_t *answer)
{
    ngx_http_magasin_ctx_t *ctx = data;

    ngx_int_t  rc;

    if (!ngx_http_magasin_links_safe(&answer->links)) {
        return 0;
    }

    rc = ngx_http_magasin_links_unpack(ctx, &answer->links,
                                       ngx_min(answer->body.len,
                                               NGX_HTTP_MAGASIN_PIN_PIECE));

    /* This was only a check.  _read_take() unpacks the links again. */

    ctx->nlinks = 0;

    return rc == NGX_OK;
}


/* Continues a read that has waited for the cache. */

static void
ngx_http_magasin_read_done(void *data, ngx_int_t rc, ngx_uint_t status)
{
    ngx_http_magasin_ctx_t  *ctx = data;

    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    switch (rc) {

    case NGX_OK:
        rc = ngx_http_magasin_stream(ctx);
        break;

    case NGX_DECLINED:
        rc = ngx_http_magasin_read_run(ctx);
        break;

    default: /* NGX_ERROR */
        rc = ngx_http_magasin_unavailable(ctx, status);
        break;
    }

    ngx_http_magasin_finalize(ctx, rc);
}


/* Runs the statement, unless too many long answers have no room. */

static ngx_int_t
ngx_http_magasin_read_run(ngx_http_magasin_ctx_t *ctx)
{
    if (ngx_http_magasin_read_crowded(ctx)) {
        return ngx_http_magasin_unavailable(ctx, NGX_HTTP_SERVICE_UNAVAILABLE);
    }

    return ngx_http_magasin_submit(ctx);
}


/* Returns 1 if the answer must not be streamed, and stores the cause. */

static ngx_uint_t
ngx_http_magasin_read_crowded(ngx_http_magasin_ctx_t *ctx)
{
    if (ctx->cached == NULL || ngx_http_magasin_cache_streams(ctx->cached)) {
        return 0;
    }

    (void) ngx_cpystrn((u_char *) ctx->cause, (u_char *) "crowded",
                       sizeof(ctx->cause));

    return 1;
}


/*
 * Keeps a piece of an answer that is not sent before it is complete: one that
 * will be cached, or the beginning of one that may be short.  Returns the codes
 * of ngx_http_magasin_stream().
 */

ngx_int_t
ngx_http_magasin_gather(ngx_http_magasin_ctx_t *ctx)
{
    if (ngx_http_magasin_begun(ctx)) {
        return ngx_http_magasin_stream(ctx);
    }

    if (ngx_http_magasin_complete(ctx)) {

        if (ctx->cached && ngx_http_magasin_read_fill(ctx) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_magasin_stream(ctx);
    }

    /* A short answer has a length and an entity tag in all locations. */

    if (ctx->json.size < NGX_HTTP_MAGASIN_SHORT
        || (ctx->cached
            && ngx_http_magasin_cache_gathers(ctx->cached, ctx->json.size,
                                              0)))
    {
        ctx->answer = NGX_HTTP_MAGASIN_ANSWER_GATHERING;
        return ngx_http_magasin_submit(ctx);
    }

    ctx->answer = NGX_HTTP_MAGASIN_ANSWER_OPEN;

    if (ngx_http_magasin_read_crowded(ctx)) {
        return ngx_http_magasin_unavailable(ctx, NGX_HTTP_SERVICE_UNAVAILABLE);
    }

    return ngx_http_magasin_stream(ctx);
}


/*
 * Stores the answer in ctx in the cache, if it can be cached.  The statement
 * has run and the answer is complete.  Returns NGX_OK, or NGX_ERROR if memory
 * cannot be allocated.
 */

static ngx_int_t
ngx_http_magasin_read_fill(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_answer_t       answer;
    ngx_http_magasin_cache_read_t  *cr;

    cr = ctx->cached;

    ngx_http_magasin_cache_ran(cr);

    if (!ngx_http_magasin_cache_gathers(cr, ctx->json.size, 1)) {
        return NGX_OK;
    }

    if (ctx->status != NGX_HTTP_OK || ctx->json.failed) {
        ngx_http_magasin_cache_refuse(cr);
        return NGX_OK;
    }

    if (ngx_http_magasin_reply_validator(ctx) != NGX_OK
        || ngx_http_magasin_links_pack(ctx, &answer.links) != NGX_OK)
    {
        return NGX_ERROR;
    }

    answer.etag = ctx->etag;
    answer.chain = ctx->json.first;
    answer.size = ctx->json.size;

    ngx_http_magasin_cache_fill(cr, &answer, ctx->valid_for);

    if (answer.reader.pin) {

        /* The answer is sent from the cache, and its buffers are freed. */

        ctx->rest = answer.size;
        ngx_http_magasin_json_free(&ctx->json);
    }

    return NGX_OK;
}


/*
 * Handles the failure of the statement of a request with `status`.  If it is a
 * cached read, the cache passes the failure to the requests that wait for the
 * same answer.  A stale answer may be sent instead.
 *
 * Returns NGX_DECLINED if the request has no answer, else the codes of
 * ngx_http_magasin_stream().
 */

ngx_int_t
ngx_http_magasin_read_failed(ngx_http_magasin_ctx_t *ctx, ngx_uint_t status)
{
    if (ctx->cached) {
        ngx_http_magasin_cache_failed(ctx->cached, status);
    }

    if (ngx_http_magasin_begun(ctx)) {
        return NGX_ERROR;
    }

    if (ctx->cached == NULL) {
        return NGX_DECLINED;
    }

    switch (ngx_http_magasin_cache_stale(ctx->cached)) {

    case NGX_OK:
        return ngx_http_magasin_stream(ctx);

    case NGX_DECLINED:
        return NGX_DECLINED;

    default: /* NGX_ERROR */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}
