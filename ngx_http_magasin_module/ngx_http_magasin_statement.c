
/* Runs the statement of a request, and handles its rows or its failure. */


#include "ngx_http_magasin_handler.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_feed.h"
#include "ngx_http_magasin_log.h"


static void ngx_http_magasin_rows_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static ngx_uint_t ngx_http_magasin_elsewhere(ngx_http_magasin_ctx_t *ctx);
static void ngx_http_magasin_answered_by(ngx_http_magasin_ctx_t *ctx);
static void ngx_http_magasin_rows_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result);
static ngx_uint_t ngx_http_magasin_failure_status(
    ngx_http_magasin_ctx_t *ctx, ngx_http_magasin_pg_failure_e failure,
    PGresult *result);
static void ngx_http_magasin_cause(ngx_http_magasin_ctx_t *ctx,
    const char *cause);


/*
 * Sends the statement whose parameters are bound, or queues it.
 *
 * Returns NGX_DONE if the statement runs.  Otherwise the answer was sent, or
 * the result is the status of an error page of nginx.  The caller passes the
 * result to ngx_http_finalize_request().
 */

ngx_int_t
ngx_http_magasin_submit(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_http_magasin_pg_pool_t  *pool;

    ctx->job.ready = ngx_http_magasin_rows_ready;
    ctx->job.failed = ngx_http_magasin_rows_failed;
    ctx->job.data = ctx;
    ctx->job.log = ctx->request->connection->log;

    /*
     * An answer that has started is continued even if the queue is full.  It
     * is a long one, and must not delay short ones.
     */

    if (ctx->answer == NGX_HTTP_MAGASIN_ANSWER_GATHERING
        || ctx->answer == NGX_HTTP_MAGASIN_ANSWER_STREAMING)
    {
        ctx->job.admitted = 1;
        ctx->job.class = NGX_HTTP_MAGASIN_PG_HEAVY;
    }

    pool = ngx_http_magasin_pg_pool(ctx->request);

    ctx->job.elsewhere = ngx_http_magasin_elsewhere(ctx);
    ctx->job.stale_for = 0;

    /* Age is a header. */

    if (ctx->job.elsewhere
        && (!ngx_http_magasin_begun(ctx)
            || ctx->cache_state == NGX_HTTP_MAGASIN_CACHE_STALE))
    {
        ctx->job.stale_for = ngx_http_magasin_pg_replicas_stale(pool);
    }

    rc = ngx_http_magasin_pg_submit_read(pool, &ctx->job);

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "magasin submit: %i, class %s, answer %d", rc,
                   ngx_http_magasin_pg_class_name(ctx->job.class),
                   ctx->answer);

    if (rc != NGX_OK) {
        ngx_http_magasin_cause(ctx, rc == NGX_BUSY ? "queue" : "unavailable");
        return ngx_http_magasin_unavailable(ctx, NGX_HTTP_SERVICE_UNAVAILABLE);
    }

    ctx->started = ngx_http_magasin_clock();

    ngx_http_magasin_wait(ctx);

    return NGX_DONE;
}


/*
 * Answers a failed statement with an error of this status, or with a stale
 * answer.  If the header was sent, returns NGX_ERROR, which closes the
 * connection.  Otherwise the caller passes the result to
 * ngx_http_finalize_request().
 */

ngx_int_t
ngx_http_magasin_unavailable(ngx_http_magasin_ctx_t *ctx, ngx_uint_t status)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_read_failed(ctx, status);

    if (rc != NGX_DECLINED) {
        return rc;
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
    ctx->database += ngx_http_magasin_clock() - ctx->started;

    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    ngx_http_magasin_answered_by(ctx);

    rc = ngx_http_magasin_place_row(ctx, result);

    if (rc == NGX_OK) {
        ngx_http_magasin_table_open(ctx);

        rc = ctx->endpoint->render(ctx, result);

        ngx_http_magasin_table_close(ctx);

    } else {
        rc = NGX_OK;
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "magasin render: %i, rows %d, status %ui", rc, job->rows,
                   ctx->status);

    if (rc == NGX_DECLINED) {

        /* The job was changed, and nothing was rendered. */

        rc = ngx_http_magasin_submit(ctx);

    } else if (rc == NGX_BUSY) {
        rc = ngx_http_magasin_batch_go_on(ctx);

    } else if (rc == NGX_ERROR) {
        rc = ngx_http_magasin_begun(ctx) ? NGX_ERROR
                                         : NGX_HTTP_INTERNAL_SERVER_ERROR;

    } else if (ctx->endpoint->live && ctx->status == NGX_HTTP_OK) {
        rc = ngx_http_magasin_feed_follow(ctx);

    } else {
        if (rc != NGX_AGAIN) {
            ngx_http_magasin_reply_whole(ctx);
        }

        rc = ctx->endpoint->method == NGX_HTTP_GET
             ? ngx_http_magasin_gather(ctx)
             : ngx_http_magasin_written(ctx, result);
    }

    ngx_http_magasin_finalize(ctx, rc);
}


/*
 * Returns 1 if a replica may answer this statement: one of a read that could be
 * cached, for a client that takes what is cached.  The journal and the state of
 * the database are not: they have no tags.
 */

static ngx_uint_t
ngx_http_magasin_elsewhere(ngx_http_magasin_ctx_t *ctx)
{
    return ctx->endpoint->method == NGX_HTTP_GET
           && !ctx->endpoint->live
           && ctx->endpoint->reads[0].kind != NGX_HTTP_MAGASIN_TAG_NONE
           && !ngx_http_magasin_wants_fresh(ctx->request);
}


/* Notes whose rows came: of a replica, and perhaps old ones. */

static void
ngx_http_magasin_answered_by(ngx_http_magasin_ctx_t *ctx)
{
    time_t  age;

    if (ctx->job.replica == NULL) {
        return;
    }

    if (ctx->cached) {
        ngx_http_magasin_cache_replica(ctx->cached, ctx->job.age != 0);
    }

    if (ctx->job.age) {
        age = (ctx->job.age + 999) / 1000;

        ctx->cache_state = NGX_HTTP_MAGASIN_CACHE_STALE;
        ctx->age = ngx_max(ctx->age, age);
    }
}


static void
ngx_http_magasin_rows_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    ngx_int_t                rc;
    ngx_uint_t               status;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = job->data;
    ctx->database += ngx_http_magasin_clock() - ctx->started;

    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    status = ngx_http_magasin_failure_status(ctx, failure, result);

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "magasin no rows: failure %d, cause %s, status %ui",
                   failure, ctx->cause, status);

    rc = ngx_http_magasin_unavailable(ctx, status);

    ngx_http_magasin_finalize(ctx, rc);
}


static ngx_uint_t
ngx_http_magasin_failure_status(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    u_char       text[NGX_HTTP_MAGASIN_LOG_TEXT];
    ngx_uint_t   status;
    const char  *sqlstate;

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
    status = ngx_http_magasin_sqlstate_result(result);

    ngx_http_magasin_cause(ctx, sqlstate);

    if (status == NGX_HTTP_INTERNAL_SERVER_ERROR
        && ngx_http_magasin_pg_complains(
                                    ngx_http_magasin_pg_pool(ctx->request)))
    {
        /* These are unexpected: a bug of the module or a different schema. */

        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "magasin: \"%V\" failed with SQLSTATE %s: %s",
                      &ctx->endpoint->name, sqlstate,
                      ngx_http_magasin_log_text(text, sizeof(text),
                                  ngx_http_magasin_sqlstate_message(result)));
    }

    return status;
}


/* Stores the cause of a failure for /status: a SQLSTATE or a word. */

static void
ngx_http_magasin_cause(ngx_http_magasin_ctx_t *ctx, const char *cause)
{
    (void) ngx_cpystrn((u_char *) ctx->cause, (u_char *) cause,
                       sizeof(ctx->cause));
}
