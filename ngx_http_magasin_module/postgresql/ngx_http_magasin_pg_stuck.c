
/*
 * Commits that do not return.  Where replication is synchronous and no standby
 * is there, a commit is done on the primary and waits for a standby; neither
 * statement_timeout nor the end of its connection ends that wait.  A connection
 * in the place of such a one would be stuck too, and the server would keep
 * both.  So a stuck connection keeps its place until its commit returns, and
 * takes nothing else.  Reads go on: one connection is never given to writes.
 *
 * A server that does not answer at all looks the same.  While a commit is stuck
 * a statement that reads is sent on another connection: if that is answered,
 * the server lives.
 */


#include "ngx_http_magasin_pg_internal.h"


static ngx_http_magasin_pg_slot_t *ngx_http_magasin_pg_stuck_write(
    ngx_http_magasin_pg_connection_t *connection);
static void ngx_http_magasin_pg_stuck_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static void ngx_http_magasin_pg_stuck_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result);


void
ngx_http_magasin_pg_stuck_init(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_http_magasin_pg_own(&pool->probe, NGX_HTTP_MAGASIN_SQL_READYZ,
                            ngx_http_magasin_pg_stuck_ready,
                            ngx_http_magasin_pg_stuck_failed, pool, pool->log);
    pool->probe.share = 1;
}


/* Forget the statement that is sent, before the pool is destroyed. */

void
ngx_http_magasin_pg_stuck_end(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_http_magasin_pg_cancel(&pool->probe);
}


/*
 * Returns the slot of the Sync that is answered next on a connection with
 * something in flight; NULL if no write is before it.
 */

static ngx_http_magasin_pg_slot_t *
ngx_http_magasin_pg_stuck_write(ngx_http_magasin_pg_connection_t *connection)
{
    ngx_uint_t                   n;
    ngx_http_magasin_pg_slot_t  *slot;

    for (n = connection->head; n != connection->tail; n++) {
        slot = ngx_http_magasin_pg_slot(connection, n);

        if (!slot->sync) {
            continue;
        }

        switch (slot->kind) {

        case NGX_HTTP_MAGASIN_PG_SYNC_WRITE:
        case NGX_HTTP_MAGASIN_PG_SYNC_GATHER:
        case NGX_HTTP_MAGASIN_PG_SYNC_COMMIT:
        case NGX_HTTP_MAGASIN_PG_SYNC_LANE:
            return slot;

        default: /* reads */
            return NULL;
        }
    }

    return NULL;
}


/*
 * A job timed out on this connection: if its commit was sent, ask on another
 * connection whether the server lives.
 */

void
ngx_http_magasin_pg_stuck_probe(ngx_http_magasin_pg_connection_t *connection)
{
    ngx_http_magasin_pg_pool_t  *pool;

    pool = connection->pool;

    if (pool->closed || pool->probe.pool
        || ngx_http_magasin_pg_stuck_write(connection) == NULL)
    {
        return;
    }

    if (ngx_http_magasin_pg_submit(pool, &pool->probe) != NGX_OK) {
        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, pool->log, 0,
                       "magasin pg: no probe for connection %ui",
                       connection->number);
    }
}


/* Any result tells that the server lives: pool->heard is set by all. */

static void
ngx_http_magasin_pg_stuck_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: the probe is answered");
}


static void
ngx_http_magasin_pg_stuck_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: the probe failed, %d", failure);
}


/*
 * No result arrived on this connection since it is watched.  Returns 1 if the
 * server lives and what it owes is a write: then the connection keeps its
 * place.  It is logged once.
 *
 * The result of a write leaves the server with the answer to its Sync.  Its
 * statement has ended before, or statement_timeout would have ended it.
 */

ngx_uint_t
ngx_http_magasin_pg_stuck(ngx_http_magasin_pg_connection_t *connection)
{
    ngx_http_magasin_pg_pool_t  *pool;
    ngx_http_magasin_pg_slot_t  *slot;

    pool = connection->pool;
    slot = ngx_http_magasin_pg_stuck_write(connection);

    if (slot == NULL
        || (ngx_msec_int_t) (pool->heard - connection->watched) < 0
        || (ngx_exiting && pool->nwaiting == 0 && slot->jobs == NULL))
    {
        return 0;
    }

    if (!connection->stuck) {
        connection->stuck = 1;

        ngx_http_magasin_pg_connection_complain(connection, NGX_LOG_WARN,
                            "has done a write, and its commit does not "
                            "return", "is a synchronous standby missing?");
    }

    return 1;
}


/*
 * Returns 1 if commits are stuck on all connections that may take writes: the
 * next write would get no answer.
 */

ngx_uint_t
ngx_http_magasin_pg_stuck_writes(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t  n;

    n = ngx_http_magasin_pg_stuck_count(pool);

    return n != 0 && n + 1 >= pool->ready;
}


/* Returns the number of connections on which a commit is stuck. */

ngx_uint_t
ngx_http_magasin_pg_stuck_count(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < pool->conf->connections; i++) {
        n += pool->connections[i].stuck;
    }

    return n;
}


/*
 * A Sync was answered.  Returns 1 if the server has said that the commit before
 * it may not be on a standby: somebody has ended its wait.  Then its outcome is
 * not known, since a standby that is promoted may not have it.  Its jobs must
 * not run again.
 */

ngx_uint_t
ngx_http_magasin_pg_unreplicated(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot)
{
    ngx_http_magasin_pg_job_t  *job;

    if (!connection->unreplicated) {
        return 0;
    }

    connection->unreplicated = 0;

    if (slot->jobs == NULL) {
        return 0;
    }

    for (job = slot->jobs; job; job = job->next) {
        job->resent = NGX_HTTP_MAGASIN_PG_RESENDS;
    }

    return 1;
}
