
/*
 * One replica: what it tells of itself, and when it is asked again.
 */


#include "ngx_http_magasin_pg_internal.h"


/* Milliseconds between probes: of a replica that is behind, at first; of one
 * that does not answer; of others. */
#define NGX_HTTP_MAGASIN_PG_PROBE_SOON    10
#define NGX_HTTP_MAGASIN_PG_PROBE_SILENT  250
#define NGX_HTTP_MAGASIN_PG_PROBE         1000


static void ngx_http_magasin_pg_replica_soon(
    ngx_http_magasin_pg_replica_t *replica);
static void ngx_http_magasin_pg_replica_timer(ngx_event_t *ev);
static void ngx_http_magasin_pg_replica_probed(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static void ngx_http_magasin_pg_replica_unprobed(
    ngx_http_magasin_pg_job_t *job, ngx_http_magasin_pg_failure_e failure,
    PGresult *result);


/* Start to probe a replica, whose pool is there. */

void
ngx_http_magasin_pg_replica_watch(ngx_http_magasin_pg_replica_t *replica)
{
    ngx_http_magasin_pg_own(&replica->probe, NGX_HTTP_MAGASIN_SQL_REPLICA,
                            ngx_http_magasin_pg_replica_probed,
                            ngx_http_magasin_pg_replica_unprobed, replica,
                            replica->pool->log);

    ngx_http_magasin_event_timer(&replica->timer,
                                 ngx_http_magasin_pg_replica_timer, replica,
                                 replica->pool->log);
    replica->timer.cancelable = 1;
    replica->pause = NGX_HTTP_MAGASIN_PG_PROBE_SOON;

    ngx_add_timer(&replica->timer, replica->pause);
}


/* Note what a replica has told with an answer. */

void
ngx_http_magasin_pg_replica_note(ngx_http_magasin_pg_replica_t *replica,
    ngx_http_magasin_pg_job_t *job)
{
    replica->shared->replayed = job->replayed;

    if (job->as_of > replica->as_of) {
        replica->as_of = job->as_of;
        replica->as_of_place = job->replayed;
    }

    if (job->as_of > replica->shared->as_of) {
        replica->shared->as_of = job->as_of;
    }
}


/* A replica was behind: ask no more of it until a probe finds it is not. */

void
ngx_http_magasin_pg_replica_behind(ngx_http_magasin_pg_replica_t *replica)
{
    if (replica->behind) {
        return;
    }

    replica->behind = 1;
    replica->pause = NGX_HTTP_MAGASIN_PG_PROBE_SOON;

    if (!replica->pool->closed) {
        ngx_http_magasin_pg_replica_soon(replica);
    }
}


/*
 * Something timed out: ask no more of this replica until a probe is answered.
 * What waits for it goes to the primary.
 */

void
ngx_http_magasin_pg_replica_silent(ngx_http_magasin_pg_replica_t *replica)
{
    ngx_uint_t                         i;
    ngx_http_magasin_pg_connection_t  *connection;

    if (replica->silent) {
        return;
    }

    replica->silent = 1;
    replica->pause = NGX_HTTP_MAGASIN_PG_PROBE_SILENT;

    if (replica->pool->closed) {
        return;
    }

    ngx_http_magasin_pg_replica_soon(replica);

    for (i = 0; i < replica->pool->conf->connections; i++) {
        connection = &replica->pool->connections[i];

        if (connection->state == NGX_HTTP_MAGASIN_PG_READY
            && ngx_http_magasin_pg_in_flight(connection))
        {
            ngx_http_magasin_pg_connection_watch(connection);
        }
    }

    ngx_http_magasin_pg_fail_waiting(replica->pool);
}


/* Probe a replica in NGX_HTTP_MAGASIN_PG_PROBE_SOON milliseconds. */

static void
ngx_http_magasin_pg_replica_soon(ngx_http_magasin_pg_replica_t *replica)
{
    /* ngx_add_timer() keeps a timer that differs by less than 300 ms. */

    if (replica->timer.timer_set) {
        ngx_del_timer(&replica->timer);
    }

    ngx_add_timer(&replica->timer, NGX_HTTP_MAGASIN_PG_PROBE_SOON);
}


static void
ngx_http_magasin_pg_replica_timer(ngx_event_t *ev)
{
    ngx_http_magasin_pg_replica_t  *replica;

    replica = ev->data;

    ngx_add_timer(ev, (replica->behind || replica->silent)
                      ? replica->pause : NGX_HTTP_MAGASIN_PG_PROBE);

    if (ngx_exiting || replica->pool->ready == 0 || replica->probe.pool) {
        return;
    }

    if (ngx_http_magasin_pg_submit(replica->pool, &replica->probe) != NGX_OK) {
        ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0,
                       "magasin pg: a replica is not probed");
    }
}


static void
ngx_http_magasin_pg_replica_probed(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    ngx_http_magasin_pg_replica_t  *replica;

    replica = job->data;

    ngx_http_magasin_pg_replica_note(replica, job);

    replica->silent = 0;

    if (job->life && job->life == ngx_http_magasin_pg_life_of(replica->pool)
        && ngx_http_magasin_pg_wal_past(replica->pool, job->replayed, NULL))
    {
        replica->behind = 0;
        return;
    }

    replica->pause = replica->behind
                     ? ngx_min(replica->pause * 2,
                               NGX_HTTP_MAGASIN_PG_PROBE_SILENT)
                     : NGX_HTTP_MAGASIN_PG_PROBE_SOON;
    replica->behind = 1;
}


static void
ngx_http_magasin_pg_replica_unprobed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    if (failure == NGX_HTTP_MAGASIN_PG_TIMEOUT) {
        ngx_http_magasin_pg_replica_silent(job->data);
    }
}


/*
 * Take the result of session.sql on a new connection to a replica.  NGX_OK, or
 * NGX_ERROR: the server is none; connection->why says so.
 */

ngx_int_t
ngx_http_magasin_pg_replica_session(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result)
{
    uint64_t  known, system;

    if (ngx_http_magasin_pg_expected(NGX_HTTP_MAGASIN_SQL_SESSION, result)
        != NGX_OK)
    {
        connection->why = "no session of this application";
        return NGX_ERROR;
    }

    if (!PQgetisnull(result, 0, 1)) {
        connection->primary = 1;
        connection->why = "it is a primary, and not a replica";
        return NGX_ERROR;
    }

    known = ngx_http_magasin_pg_life_of(connection->pool);
    system = strtoull(PQgetvalue(result, 0, 0), NULL, 10);

    if (known && known >> 32 != system >> 32) {
        connection->why = "it is a replica of another database";
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Take the answer of a replica to how far it is.  NGX_OK, or NGX_ERROR: the
 * server is not a replica any more, or does not tell.
 */

ngx_int_t
ngx_http_magasin_pg_replica_take(ngx_http_magasin_pg_connection_t *connection,
    PGresult *result)
{
    uint64_t                     life, since;
    ngx_http_magasin_pg_pool_t  *pool;

    pool = connection->pool;

    connection->why = "it does not tell how far it has replayed the log";

    if (PQresultStatus(result) != PGRES_TUPLES_OK
        || ngx_http_magasin_pg_expected(NGX_HTTP_MAGASIN_SQL_REPLICA, result)
           != NGX_OK
        || PQgetisnull(result, 0, 0))
    {
        return NGX_ERROR;
    }

    connection->why = NULL;

    life = strtoull(PQgetvalue(result, 0, 1), NULL, 10)
           & 0xffffffff00000000ULL;
    life |= strtoull(PQgetvalue(result, 0, 2), NULL, 16) & 0xffffffffULL;

    connection->shown = life;
    connection->replayed = strtoull(PQgetvalue(result, 0, 0), NULL, 10) >> 3;

    if (life && pool->wal && life == ngx_http_magasin_pg_life_of(pool)
        && ngx_http_magasin_pg_wal_past(pool, connection->replayed, &since))
    {
        connection->as_of = since;
    }

    return NGX_OK;
}


/* Returns the number of replicas of a pool. */

ngx_uint_t
ngx_http_magasin_pg_replicas_count(ngx_http_magasin_pg_pool_t *pool)
{
    return pool->replicas ? pool->replicas->n : 0;
}


/* Returns how old answers may be without a primary, in milliseconds. */

ngx_msec_t
ngx_http_magasin_pg_replicas_stale(ngx_http_magasin_pg_pool_t *pool)
{
    return pool->replicas ? pool->replicas->stale : 0;
}


const char *
ngx_http_magasin_pg_refused_name(ngx_uint_t reason)
{
    static const char  *names[] = {
        "away", "behind", "unknown", "timeline", "busy", "timeout", "error"
    };

    return names[reason];
}


/*
 * Fill *lag for the replica `n` of a pool with replicas.  Returns the numbers
 * of the node.
 */

ngx_http_magasin_pg_wal_t *
ngx_http_magasin_pg_replicas_numbers(ngx_http_magasin_pg_pool_t *pool,
    ngx_uint_t n, ngx_http_magasin_pg_lag_t *lag)
{
    uint64_t                               lead, now, as_of;
    ngx_http_magasin_pg_wal_t             *wal;
    ngx_http_magasin_pg_replica_shared_t  *shared;

    wal = pool->wal;
    shared = &wal->replicas[n];

    lag->answers = shared->answers;
    lag->known = (shared->replayed && shared->as_of);
    lag->lag = 0;
    lag->lag_time = 0;

    if (!ngx_http_magasin_pg_wal_past(pool, shared->replayed, NULL)) {
        lead = wal->need & NGX_HTTP_MAGASIN_PG_WAL_PLACE;
        lag->lag = lead > shared->replayed ? (lead - shared->replayed) * 8 : 0;
        now = ngx_http_magasin_now();
        as_of = shared->as_of;
        lag->lag_time = now > as_of && as_of ? now - as_of : 0;
    }

    return wal;
}


/*
 * Returns the state of the replicas for /readyz: "ok", "behind": none is up to
 * date, "unavailable": none is in service; NULL: there are none.
 */

const char *
ngx_http_magasin_pg_replicas_state(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t                      i;
    const char                     *state;
    ngx_http_magasin_pg_replica_t  *replica;

    if (pool->replicas == NULL) {
        return NULL;
    }

    state = "unavailable";

    for (i = 0; i < pool->replicas->n; i++) {
        replica = &pool->replicas->replica[i];

        if (replica->pool->ready == 0 || replica->silent) {
            continue;
        }

        if (!replica->behind) {
            return "ok";
        }

        state = "behind";
    }

    return state;
}
