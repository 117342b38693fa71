
/*
 * The poll of the feed.  One worker of a node polls, and only while somebody
 * listens: a worker with listeners takes the lease when nobody holds it.  The
 * holder reads the rows of the journal after the last place of the ring, below
 * the transactions that still run, as GET /api/v1/journal/ does.
 *
 * Rows that a running transaction holds back would wait for the next poll.  So
 * the poll is repeated soon, and listeners are served when none is held back
 * any more, or after some attempts.
 */


#include "ngx_http_magasin_feed_internal.h"


/* Index of the first key in the parameters of the journal's statements. */
#define NGX_HTTP_MAGASIN_FEED_PARAMS     5


static ngx_uint_t ngx_http_magasin_feed_lease(ngx_http_magasin_feed_t *feed);
static void ngx_http_magasin_feed_submit(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_pg_job_t *job);
static void ngx_http_magasin_feed_rows_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static ngx_int_t ngx_http_magasin_feed_publish(ngx_http_magasin_feed_t *feed,
    PGresult *result, ngx_pool_t *pool);
static void ngx_http_magasin_feed_end_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static void ngx_http_magasin_feed_poll_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result);
static void ngx_http_magasin_feed_poll_done(ngx_http_magasin_feed_t *feed);


/* Prepare the jobs of the poll. */

void
ngx_http_magasin_feed_poll_init(ngx_http_magasin_feed_t *feed)
{
    ngx_http_magasin_pg_job_t  *job;

    job = &feed->rows;

    ngx_http_magasin_pg_own(job, NGX_HTTP_MAGASIN_SQL_JOURNAL,
                            ngx_http_magasin_feed_rows_ready,
                            ngx_http_magasin_feed_poll_failed, feed,
                            feed->log);
    job->nvalues = NGX_HTTP_MAGASIN_FEED_PARAMS + 1
                   + 2 * NGX_HTTP_MAGASIN_LIST_KEYS;
    job->values[NGX_HTTP_MAGASIN_FEED_PARAMS] =
                                        ngx_value(NGX_HTTP_MAGASIN_FEED_ROWS);

    ngx_http_magasin_pg_own(&feed->end, NGX_HTTP_MAGASIN_SQL_JOURNAL_END,
                            ngx_http_magasin_feed_end_ready,
                            ngx_http_magasin_feed_poll_failed, feed,
                            feed->log);
    feed->end.nvalues = NGX_HTTP_MAGASIN_LIST_KEYS;
}


/* Cancel the poll, and give the lease back. */

void
ngx_http_magasin_feed_poll_stop(ngx_http_magasin_feed_t *feed)
{
    ngx_http_magasin_pg_cancel(&feed->rows);
    ngx_http_magasin_pg_cancel(&feed->end);

    feed->pending = 0;
    feed->next = ngx_current_msec;

    (void) ngx_atomic_cmp_set(&feed->shared->holder, ngx_pid, 0);
}


/* Poll if it is time and this worker has the lease. */

void
ngx_http_magasin_feed_poll(ngx_http_magasin_feed_t *feed)
{
    ngx_http_magasin_feed_place_t  last;

    if (!ngx_http_magasin_feed_lease(feed)
        || feed->pending
        || (ngx_msec_int_t) (ngx_current_msec - feed->next) < 0)
    {
        return;
    }

    if (feed->settles == 0) {
        feed->polled = ngx_current_msec;
    }

    feed->full = 0;
    feed->waiting = 0;
    feed->failed = 0;
    feed->pending = 1;
    feed->asking = 0;

    ngx_http_magasin_count(feed->shared->counters.polls);

    if (ngx_http_magasin_feed_last(feed, &last) == NGX_OK) {
        feed->asked = last;
        feed->asking = 1;
        feed->pending = 2;

        ngx_http_magasin_feed_params(&last, feed->keys,
                     &feed->rows.values[NGX_HTTP_MAGASIN_FEED_PARAMS + 1]);
        ngx_http_magasin_feed_params(&last, feed->keys, feed->end.values);

        ngx_http_magasin_feed_submit(feed, &feed->rows);

    } else {
        ngx_memzero(feed->end.values, sizeof(feed->end.values));
    }

    ngx_http_magasin_feed_submit(feed, &feed->end);
}


/*
 * Take or renew the lease.  1: this worker has it; 0: another one has.  If
 * nobody had it for long, nobody has listened: the ring begins anew.
 */

static ngx_uint_t
ngx_http_magasin_feed_lease(ngx_http_magasin_feed_t *feed)
{
    ngx_uint_t                       now, until;
    ngx_atomic_uint_t                holder;
    ngx_http_magasin_feed_shared_t  *shared;

    shared = feed->shared;
    now = ngx_http_magasin_feed_now();
    until = shared->until;
    holder = shared->holder;

    if (holder != (ngx_atomic_uint_t) ngx_pid) {

        if ((holder && now < until)
            || !ngx_atomic_cmp_set(&shared->holder, holder, ngx_pid))
        {
            return 0;
        }

        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, feed->log, 0,
                       "magasin feed: lease taken from %uA", holder);

        if (now > until + NGX_HTTP_MAGASIN_FEED_STALE) {
            ngx_http_magasin_feed_spoil(feed);
        }

        feed->next = ngx_current_msec;
    }

    shared->until = now + NGX_HTTP_MAGASIN_FEED_LEASE;

    return 1;
}


static void
ngx_http_magasin_feed_submit(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_pg_job_t *job)
{
    if (ngx_http_magasin_pg_submit(feed->pool, job) != NGX_OK) {
        ngx_http_magasin_feed_poll_failed(job, NGX_HTTP_MAGASIN_PG_UNAVAILABLE,
                                          NULL);
    }
}


static void
ngx_http_magasin_feed_rows_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    ngx_int_t                 rc;
    ngx_pool_t               *pool;
    ngx_http_magasin_feed_t  *feed;

    feed = job->data;

    if (PQntuples(result)) {
        rc = NGX_ERROR;
        pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, feed->log);

        if (pool) {
            rc = ngx_http_magasin_feed_publish(feed, result, pool);
            ngx_destroy_pool(pool);
        }

        if (rc == NGX_OK) {
            feed->fresh = 1;

        } else {
            feed->failed = 1;
        }
    }

    ngx_http_magasin_feed_poll_done(feed);
}


/* NGX_OK, NGX_DECLINED (the lease is lost) or NGX_ERROR (no memory). */

static ngx_int_t
ngx_http_magasin_feed_publish(ngx_http_magasin_feed_t *feed, PGresult *result,
    ngx_pool_t *pool)
{
    int                              row, rows;
    ngx_http_magasin_json_t          json;
    ngx_http_magasin_feed_record_t  *records;

    rows = PQntuples(result);

    records = ngx_palloc(pool, rows * sizeof(ngx_http_magasin_feed_record_t));
    if (records == NULL) {
        return NGX_ERROR;
    }

    ngx_http_magasin_json_init(&json, pool);

    for (row = 0; row < rows; row++) {

        /* The page is too long: of the others there are the keys alone. */

        if (PQgetisnull(result, row, NGX_HTTP_MAGASIN_LIST_KEYS)) {
            break;
        }

        ngx_http_magasin_feed_write(&json, result, row, &records[row]);
    }

    if (row == 0 || json.failed) {
        return NGX_ERROR;
    }

    feed->full = row < rows || rows == NGX_HTTP_MAGASIN_FEED_ROWS;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, feed->log, 0,
                   "magasin feed: %d rows, %uz bytes", row, json.size);

    return ngx_http_magasin_feed_append(feed, records, row, &json);
}


/*
 * The end of the stream.  If it is before what the ring had already, or the
 * last row of that is gone, the database has lost history: it was restored, or
 * another server took its place.
 */

static void
ngx_http_magasin_feed_end_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    ngx_uint_t                      known;
    ngx_http_magasin_feed_t        *feed;
    ngx_http_magasin_feed_place_t   end;

    feed = job->data;

    ngx_http_magasin_feed_place(&end, result, 0);
    known = *PQgetvalue(result, 0, NGX_HTTP_MAGASIN_FEED_KNOWN) == 't';
    feed->waiting = *PQgetvalue(result, 0, NGX_HTTP_MAGASIN_FEED_HELD_BACK)
                    == 't';

    if (!feed->asking) {
        (void) ngx_http_magasin_feed_begin(feed, &end);

    } else if ((!known
                || ngx_http_magasin_feed_compare(&end, &feed->asked) < 0)
               && ngx_http_magasin_feed_begin(feed, &end) == NGX_OK)
    {
        ngx_log_error(NGX_LOG_WARN, feed->log, 0,
                      "magasin: the journal ends before what was read of it: "
                      "its streams end");

        (void) ngx_atomic_fetch_add(&feed->shared->lost, 1);
    }

    ngx_http_magasin_feed_poll_done(feed);
}


/* The pool logs a server that is away. */

static void
ngx_http_magasin_feed_poll_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    ngx_http_magasin_feed_t  *feed;

    feed = job->data;
    feed->failed = 1;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, feed->log, 0,
                   "magasin feed: poll failed, %d", (int) failure);

    ngx_http_magasin_count(feed->shared->counters.poll_failures);

    ngx_http_magasin_feed_poll_done(feed);
}


static void
ngx_http_magasin_feed_poll_done(ngx_http_magasin_feed_t *feed)
{
    if (--feed->pending) {
        return;
    }

    if (feed->waiting && !feed->stuck && !feed->failed
        && feed->settles < NGX_HTTP_MAGASIN_FEED_SETTLES)
    {
        feed->settles++;
        feed->next = ngx_current_msec + NGX_HTTP_MAGASIN_FEED_SETTLE;

        return;
    }

    /* A transaction that runs for long holds back every row. */

    feed->stuck = feed->waiting;
    feed->settles = 0;

    if (feed->fresh) {
        feed->fresh = 0;
        (void) ngx_atomic_fetch_add(&feed->shared->round, 1);
    }

    feed->next = feed->polled + (feed->full ? NGX_HTTP_MAGASIN_FEED_PERIOD / 2
                                            : NGX_HTTP_MAGASIN_FEED_PERIOD);
}
