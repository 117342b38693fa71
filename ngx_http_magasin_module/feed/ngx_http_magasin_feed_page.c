
/*
 * A page of the journal for one listener, which the ring has overtaken or which
 * resumes from an older place.  It uses the statement, and thereby the index,
 * that GET /api/v1/journal/ uses for its filters.
 */


#include "ngx_http_magasin_feed_internal.h"


/* The parameters of the journal's statements; see api/journal.c. */
enum {
    PAGE_MAGASIN = 0,
    PAGE_PRODUIT,
    PAGE_TYPE,
    PAGE_DEPUIS,
    PAGE_ORDERING,
    PAGE_LIMIT,
    PAGE_KEYS
};


static void ngx_http_magasin_feed_page_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static int ngx_http_magasin_feed_page_render(
    ngx_http_magasin_feed_listener_t *listener, PGresult *result);
static void ngx_http_magasin_feed_page_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result);


/*
 * Ask for the rows after the listener's place.  Always returns NGX_OK: a page
 * that fails is asked for again, after a while.
 */

ngx_int_t
ngx_http_magasin_feed_page(ngx_http_magasin_feed_listener_t *listener)
{
    ngx_uint_t                  i;
    ngx_http_magasin_feed_t    *feed;
    ngx_http_magasin_pg_job_t  *job;

    if ((ngx_msec_int_t) (ngx_current_msec - listener->retry) < 0) {
        return NGX_OK;
    }

    feed = listener->feed;

    if (feed->pages == NGX_HTTP_MAGASIN_FEED_PAGES) {

        /* Long reads of others have their turn, too. */

        ngx_queue_remove(&listener->queue);
        ngx_queue_insert_tail(&feed->pagers, &listener->queue);

        return NGX_OK;
    }

    /* What the ring has now will be below the horizon of the page, too. */

    if (ngx_http_magasin_feed_last(listener->feed, &listener->horizon)
        != NGX_OK)
    {
        listener->horizon = listener->place;
    }

    job = &listener->ctx->job;

    job->values[PAGE_MAGASIN] = listener->filters[0];
    job->values[PAGE_PRODUIT] = listener->filters[1];
    job->values[PAGE_TYPE] = listener->filters[2];
    job->values[PAGE_LIMIT] = ngx_value(NGX_HTTP_MAGASIN_FEED_PAGE);

    ngx_http_magasin_feed_params(&listener->place, listener->keys,
                                 &job->values[PAGE_KEYS]);

    for (i = 0; i < NGX_HTTP_MAGASIN_LIST_KEYS; i++) {
        job->values[PAGE_KEYS + NGX_HTTP_MAGASIN_LIST_KEYS + i] = NULL;
    }

    job->values[PAGE_DEPUIS] = NULL;
    job->values[PAGE_ORDERING] = NULL;
    job->nvalues = PAGE_KEYS + 2 * NGX_HTTP_MAGASIN_LIST_KEYS;
    job->statement = ngx_http_magasin_journal_statement(job->values);
    job->class = NGX_HTTP_MAGASIN_PG_HEAVY;
    job->admitted = 0;
    job->ready = ngx_http_magasin_feed_page_ready;
    job->failed = ngx_http_magasin_feed_page_failed;
    job->data = listener;

    listener->paging = 1;
    feed->pages++;

    ngx_http_magasin_count(listener->feed->shared->counters.pages);

    if (ngx_http_magasin_pg_submit(listener->feed->pool, job) != NGX_OK) {
        ngx_http_magasin_feed_page_failed(job, NGX_HTTP_MAGASIN_PG_UNAVAILABLE,
                                          NULL);
    }

    return NGX_OK;
}


static void
ngx_http_magasin_feed_page_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    int                                rows, rendered;
    ngx_int_t                          rc;
    ngx_http_magasin_ctx_t            *ctx;
    ngx_http_magasin_feed_listener_t  *listener;

    listener = job->data;
    ngx_http_magasin_feed_page_over(listener);
    ctx = listener->ctx;

    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    rows = PQntuples(result);

    if (rows && PQgetisnull(result, 0, 0)) {

        /* The row of the place is gone.  The client hears it when it asks. */

        ngx_http_magasin_feed_farewell(listener);
        return;
    }

    rendered = ngx_http_magasin_feed_page_render(listener, result);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "magasin feed: page of %d rows, %uz bytes", rendered,
                   ctx->json.size);

    if (rendered == rows && rows < NGX_HTTP_MAGASIN_FEED_PAGE
        && ngx_http_magasin_feed_compare(&listener->horizon, &listener->place)
           > 0)
    {
        listener->place = listener->horizon;
    }

    rc = NGX_OK;

    if (ctx->json.failed) {
        rc = NGX_ERROR;

    } else if (ctx->json.size) {
        listener->sent = ngx_current_msec;

        ngx_queue_remove(&listener->silent);
        ngx_queue_insert_tail(&listener->feed->silent, &listener->silent);

        rc = ngx_http_magasin_reply_send(ctx);
        rc = rc == NGX_ERROR || rc > NGX_OK
             ? NGX_ERROR : ngx_http_magasin_feed_wait(listener);
    }

    if (rc != NGX_OK) {
        ngx_http_magasin_feed_end(listener, rc);
        return;
    }

    ngx_queue_remove(&listener->queue);
    ngx_queue_insert_tail(&listener->feed->todo, &listener->queue);
    ngx_post_event(&listener->feed->serve, &ngx_posted_next_events);
}


/* Returns how many rows were rendered; the place is that of the last one. */

static int
ngx_http_magasin_feed_page_render(ngx_http_magasin_feed_listener_t *listener,
    PGresult *result)
{
    int                             row, rows;
    ngx_http_magasin_feed_record_t  record;

    rows = PQntuples(result);

    for (row = 0; row < rows; row++) {

        if (PQgetisnull(result, row, NGX_HTTP_MAGASIN_LIST_KEYS)) {
            break;
        }

        ngx_http_magasin_feed_write(&listener->ctx->json, result, row,
                                    &record);
        listener->place = record.place;
    }

    (void) ngx_atomic_fetch_add(&listener->feed->shared->counters.events,
                                row);
    return row;
}


static void
ngx_http_magasin_feed_page_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    ngx_http_magasin_feed_listener_t  *listener;

    listener = job->data;

    ngx_http_magasin_feed_page_over(listener);
    listener->retry = ngx_current_msec + NGX_HTTP_MAGASIN_FEED_SWEEP;
}


/* A page has come, or will not come: the next listener has its turn. */

void
ngx_http_magasin_feed_page_over(ngx_http_magasin_feed_listener_t *listener)
{
    ngx_queue_t              *q;
    ngx_http_magasin_feed_t  *feed;

    feed = listener->feed;

    listener->paging = 0;
    feed->pages--;

    if (ngx_queue_empty(&feed->pagers)) {
        return;
    }

    q = ngx_queue_head(&feed->pagers);

    ngx_queue_remove(q);
    ngx_queue_insert_tail(&feed->todo, q);
    ngx_post_event(&feed->serve, &ngx_posted_next_events);
}
