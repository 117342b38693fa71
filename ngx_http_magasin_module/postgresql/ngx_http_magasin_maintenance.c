
/*
 * The periodic maintenance of the database (entretien() of 006_ecritures.sql):
 * it moves the window of the reports and deletes old idempotency keys.  One
 * worker of a node runs it.  Nodes that run it at the same time do not wait for
 * each other.  If it is not run for a while, requests are slower but correct.
 */


#include "ngx_http_magasin_maintenance_internal.h"
#include "ngx_http_magasin_event.h"
#include "ngx_http_magasin_log.h"


/* Milliseconds; the jitter keeps nodes apart. */
#define NGX_HTTP_MAGASIN_MAINTENANCE_FIRST   1000
#define NGX_HTTP_MAGASIN_MAINTENANCE_PERIOD  20000
#define NGX_HTTP_MAGASIN_MAINTENANCE_JITTER  4000
#define NGX_HTTP_MAGASIN_MAINTENANCE_AGAIN   20


struct ngx_http_magasin_maintenance_s {
    ngx_http_magasin_pg_pool_t  *pool;
    ngx_http_magasin_pg_job_t    job;
    ngx_event_t                  timer;
    unsigned                     failed:1;      /* and it was told */
};


static void ngx_http_magasin_maintenance_timer(ngx_event_t *ev);
static void ngx_http_magasin_maintenance_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static void ngx_http_magasin_maintenance_failed(
    ngx_http_magasin_pg_job_t *job, ngx_http_magasin_pg_failure_e failure,
    PGresult *result);
static void ngx_http_magasin_maintenance_wait(
    ngx_http_magasin_maintenance_t *maintenance, ngx_msec_t pause);


/*
 * Start the maintenance in this worker, with jobs of `pool`.  Returns NULL if
 * memory is short.
 */

ngx_http_magasin_maintenance_t *
ngx_http_magasin_maintenance_create(ngx_cycle_t *cycle,
    ngx_http_magasin_pg_pool_t *pool)
{
    ngx_http_magasin_pg_job_t       *job;
    ngx_http_magasin_maintenance_t  *maintenance;

    maintenance = ngx_pcalloc(cycle->pool,
                              sizeof(ngx_http_magasin_maintenance_t));
    if (maintenance == NULL) {
        return NULL;
    }

    maintenance->pool = pool;

    ngx_http_magasin_event_timer(&maintenance->timer,
                                 ngx_http_magasin_maintenance_timer,
                                 maintenance, cycle->log);

    job = &maintenance->job;

    job->statement = NGX_HTTP_MAGASIN_SQL_MAINTENANCE;
    job->class = NGX_HTTP_MAGASIN_PG_WRITE;
    job->ready = ngx_http_magasin_maintenance_ready;
    job->failed = ngx_http_magasin_maintenance_failed;
    job->data = maintenance;
    job->log = cycle->log;

    ngx_add_timer(&maintenance->timer, NGX_HTTP_MAGASIN_MAINTENANCE_FIRST);

    return maintenance;
}


/* Stop it when the worker exits, before the pool is destroyed. */

void
ngx_http_magasin_maintenance_destroy(
    ngx_http_magasin_maintenance_t *maintenance)
{
    if (maintenance->timer.timer_set) {
        ngx_del_timer(&maintenance->timer);
    }

    ngx_http_magasin_pg_cancel(&maintenance->job);
}


static void
ngx_http_magasin_maintenance_timer(ngx_event_t *ev)
{
    ngx_http_magasin_maintenance_t  *maintenance;

    maintenance = ev->data;

    if (ngx_exiting) {
        return;
    }

    if (ngx_http_magasin_pg_submit(maintenance->pool, &maintenance->job)
        != NGX_OK)
    {
        ngx_http_magasin_maintenance_wait(maintenance,
                                      NGX_HTTP_MAGASIN_MAINTENANCE_PERIOD);
    }
}


static void
ngx_http_magasin_maintenance_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    ngx_http_magasin_maintenance_t  *maintenance;

    maintenance = job->data;
    maintenance->failed = 0;

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: maintenance is done");

    if (PQntuples(result) && *PQgetvalue(result, 0, 0) == 't') {
        ngx_http_magasin_maintenance_wait(maintenance,
                                      NGX_HTTP_MAGASIN_MAINTENANCE_AGAIN);
        return;
    }

    ngx_http_magasin_maintenance_wait(maintenance,
                                      NGX_HTTP_MAGASIN_MAINTENANCE_PERIOD);
}


/*
 * The pool logs that the server is unavailable.  An error of the server is
 * logged here once, at the level "error"; a lock of others only at "info".
 */

static void
ngx_http_magasin_maintenance_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    u_char                           text[NGX_HTTP_MAGASIN_LOG_TEXT];
    ngx_uint_t                       level;
    const char                      *sqlstate;
    ngx_http_magasin_maintenance_t  *maintenance;

    maintenance = job->data;

    if (failure == NGX_HTTP_MAGASIN_PG_ERROR && !maintenance->failed) {
        sqlstate = ngx_http_magasin_sqlstate(result);

        level = (ngx_http_magasin_sqlstate_result(result)
                 == NGX_HTTP_INTERNAL_SERVER_ERROR)
                ? NGX_LOG_ERR : NGX_LOG_INFO;

        ngx_log_error(level, job->log, 0,
                      "magasin: the maintenance of the database failed with "
                      "SQLSTATE %s: %s", sqlstate,
                      ngx_http_magasin_log_text(text, sizeof(text),
                                  ngx_http_magasin_sqlstate_message(result)));

        maintenance->failed = (level == NGX_LOG_ERR);
    }

    ngx_http_magasin_maintenance_wait(maintenance,
                                      NGX_HTTP_MAGASIN_MAINTENANCE_PERIOD);
}


static void
ngx_http_magasin_maintenance_wait(ngx_http_magasin_maintenance_t *maintenance,
    ngx_msec_t pause)
{
    ngx_add_timer(&maintenance->timer,
                  pause + ngx_random()
                          % ngx_min(pause,
                                    NGX_HTTP_MAGASIN_MAINTENANCE_JITTER));
}
