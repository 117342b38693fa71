
/*
 * Compares the versions of the collations that indexes use with those of the
 * operating system of the database.  After an upgrade of that system names may
 * sort in another order than in the indexes, and then pages of a list lose
 * rows.  Nothing fails, so somebody has to be told: the first worker logs it
 * and counts it for /metrics, and /readyz of each worker has it.
 *
 * Each worker asks once a minute, which costs less than a millisecond.
 */


#include "ngx_http_magasin_maintenance_internal.h"
#include "ngx_http_magasin_pg_internal.h"
#include "ngx_http_magasin_event.h"


/* Milliseconds. */
#define NGX_HTTP_MAGASIN_COLLATIONS_FIRST   1000
#define NGX_HTTP_MAGASIN_COLLATIONS_PERIOD  60000
#define NGX_HTTP_MAGASIN_COLLATIONS_AGAIN   5000
#define NGX_HTTP_MAGASIN_COLLATIONS_JITTER  2000

/* Bytes of the names in the log. */
#define NGX_HTTP_MAGASIN_COLLATIONS_NAMES   512


struct ngx_http_magasin_collations_s {
    ngx_http_magasin_pg_pool_t  *pool;
    ngx_http_magasin_pg_job_t    job;
    ngx_event_t                  timer;
    unsigned                     first:1;       /* the first worker */
};


static void ngx_http_magasin_collations_timer(ngx_event_t *ev);
static void ngx_http_magasin_collations_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static void ngx_http_magasin_collations_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result);
static void ngx_http_magasin_collations_tell(ngx_log_t *log, ngx_uint_t n,
    const char *names);
static void ngx_http_magasin_collations_wait(
    ngx_http_magasin_collations_t *collations, ngx_msec_t pause);


/*
 * Starts the comparison in this worker, with jobs of `pool`.  Returns NULL if
 * memory cannot be allocated.
 */

ngx_http_magasin_collations_t *
ngx_http_magasin_collations_create(ngx_cycle_t *cycle,
    ngx_http_magasin_pg_pool_t *pool)
{
    ngx_http_magasin_pg_job_t      *job;
    ngx_http_magasin_collations_t  *collations;

    collations = ngx_pcalloc(cycle->pool,
                             sizeof(ngx_http_magasin_collations_t));
    if (collations == NULL) {
        return NULL;
    }

    collations->pool = pool;
    collations->first = (ngx_worker == 0);

    ngx_http_magasin_event_timer(&collations->timer,
                                 ngx_http_magasin_collations_timer,
                                 collations, cycle->log);

    job = &collations->job;

    job->statement = NGX_HTTP_MAGASIN_SQL_COLLATIONS;
    job->class = NGX_HTTP_MAGASIN_PG_READ;
    job->ready = ngx_http_magasin_collations_ready;
    job->failed = ngx_http_magasin_collations_failed;
    job->data = collations;
    job->log = cycle->log;

    ngx_add_timer(&collations->timer, NGX_HTTP_MAGASIN_COLLATIONS_FIRST);

    return collations;
}


/* Stops it when the worker exits, before the pool is destroyed. */

void
ngx_http_magasin_collations_destroy(ngx_http_magasin_collations_t *collations)
{
    if (collations->timer.timer_set) {
        ngx_del_timer(&collations->timer);
    }

    ngx_http_magasin_pg_cancel(&collations->job);
}


static void
ngx_http_magasin_collations_timer(ngx_event_t *ev)
{
    ngx_http_magasin_collations_t  *collations;

    collations = ev->data;

    if (ngx_exiting) {
        return;
    }

    if (ngx_http_magasin_pg_submit(collations->pool, &collations->job)
        != NGX_OK)
    {
        ngx_http_magasin_collations_wait(collations,
                                         NGX_HTTP_MAGASIN_COLLATIONS_AGAIN);
    }
}


static void
ngx_http_magasin_collations_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    ngx_int_t                       n;
    const char                     *text;
    ngx_http_magasin_pg_pool_t     *pool;
    ngx_http_magasin_collations_t  *collations;

    collations = job->data;
    pool = collations->pool;

    text = PQgetvalue(result, 0, 0);
    n = ngx_atoi((u_char *) text, ngx_strlen(text));

    if (n == NGX_ERROR) {
        n = 0;
    }

    if (collations->first && pool->collations != (ngx_uint_t) n) {
        ngx_http_magasin_collations_tell(job->log, n,
                                         PQgetvalue(result, 0, 1));
    }

    pool->collations = n;

    if (collations->first && pool->gauges) {
        pool->gauges->collations = n;
    }

    ngx_http_magasin_collations_wait(collations,
                                     NGX_HTTP_MAGASIN_COLLATIONS_PERIOD);
}


/* The pool logs that the server is unavailable. */

static void
ngx_http_magasin_collations_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: collations were not compared, failure:%d",
                   failure);

    ngx_http_magasin_collations_wait(job->data,
                                     NGX_HTTP_MAGASIN_COLLATIONS_AGAIN);
}


static void
ngx_http_magasin_collations_tell(ngx_log_t *log, ngx_uint_t n,
    const char *names)
{
    u_char  *p, text[NGX_HTTP_MAGASIN_COLLATIONS_NAMES];

    if (n == 0) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "magasin: all collations have the version of their "
                      "indexes again");
        return;
    }

    p = ngx_http_magasin_pg_escape(text, sizeof(text) - 1, names);
    *p = '\0';

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "magasin: the system of the database sorts by another "
                  "version of %s than its indexes, so lists may lack rows: "
                  "REINDEX, then REFRESH VERSION (docs/operations.md)",
                  text);
}


static void
ngx_http_magasin_collations_wait(ngx_http_magasin_collations_t *collations,
    ngx_msec_t pause)
{
    ngx_add_timer(&collations->timer,
                  pause + ngx_random() % NGX_HTTP_MAGASIN_COLLATIONS_JITTER);
}
