
/*
 * The results of one connection, in the order of the statements.
 *
 * In pipeline mode PQgetResult() gives the result of a statement, then NULL,
 * then the next one's; after an error the statements up to the Sync come as
 * ABORTED; a Sync is not followed by NULL.
 */


#include "ngx_http_magasin_pg_internal.h"


static ngx_int_t ngx_http_magasin_pg_answered(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result);
static ngx_int_t ngx_http_magasin_pg_uncommitted(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result);
static ngx_int_t ngx_http_magasin_pg_ran(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result);
static void ngx_http_magasin_pg_count(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result);
static ngx_int_t ngx_http_magasin_pg_written(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result);
static void ngx_http_magasin_pg_synced(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot);
static void ngx_http_magasin_pg_wait_commit(ngx_http_magasin_pg_slot_t *slot,
    ngx_http_magasin_pg_slot_t *sync);
static void ngx_http_magasin_pg_committed(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot);
static void ngx_http_magasin_pg_heavy_locked(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_statement_e statement);
static void ngx_http_magasin_pg_rows(ngx_http_magasin_pg_job_t *job,
    PGresult *result);


/*
 * Handle all results that are complete.  Callbacks of jobs run.
 *
 * Returns NGX_OK, or NGX_ERROR if the connection is unusable.
 */

ngx_int_t
ngx_http_magasin_pg_results(ngx_http_magasin_pg_connection_t *connection)
{
    PGresult   *result;
    ngx_int_t   rc;

    while (ngx_http_magasin_pg_in_flight(connection) != 0
           && !PQisBusy(connection->pg))
    {
        result = PQgetResult(connection->pg);

        if (result == NULL) {
            if (PQstatus(connection->pg) == CONNECTION_BAD) {
                return NGX_ERROR;
            }

            continue;
        }

        connection->heard = 1;
        connection->stuck = 0;
        connection->pool->heard = ngx_current_msec;
        connection->received = 0;
        connection->partial = 0;

        if (ngx_http_magasin_pg_slot(connection, connection->head)->prepare
            || connection->state == NGX_HTTP_MAGASIN_PG_PREPARING)
        {
            rc = ngx_http_magasin_pg_prepared(connection, result);

        } else {
            rc = ngx_http_magasin_pg_answered(connection, result);
        }

        if (rc != NGX_DONE) {
            PQclear(result);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Handle a result of a connection in service, which is owed to the oldest slot.
 *
 * Returns NGX_OK, NGX_DONE if the result is kept, or NGX_ERROR if the
 * connection is unusable.
 */

static ngx_int_t
ngx_http_magasin_pg_answered(ngx_http_magasin_pg_connection_t *connection,
    PGresult *result)
{
    ExecStatusType               status;
    ngx_http_magasin_pg_job_t   *job;
    ngx_http_magasin_pg_slot_t  *slot;

    slot = ngx_http_magasin_pg_slot(connection, connection->head);
    status = PQresultStatus(result);

    if (status == PGRES_PIPELINE_SYNC) {
        if (!slot->sync) {
            return NGX_ERROR;
        }

        if (ngx_http_magasin_pg_unreplicated(connection, slot)) {
            connection->why = "a commit may not have been replicated";
            return NGX_ERROR;
        }

        ngx_http_magasin_pg_synced(connection, slot);
        return NGX_OK;
    }

    if (slot->sync) {
        return ngx_http_magasin_pg_uncommitted(connection, slot, result);
    }

    if (status == PGRES_FATAL_ERROR
        && (PQstatus(connection->pg) == CONNECTION_BAD
            || PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL
            || ngx_http_magasin_pg_broken(result)))
    {
        /*
         * A result of libpq, which has lost the connection or found a protocol
         * error, or of a pooler that has lost the server.  The job stays in
         * flight: _lost() takes it back.
         */

        return NGX_ERROR;
    }

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK
        && status != PGRES_FATAL_ERROR && status != PGRES_PIPELINE_ABORTED)
    {
        /* COPY, or an empty query: this module sends neither. */

        return NGX_ERROR;
    }

    if (slot->jobs == NULL && slot->sent == 0
        && ngx_http_magasin_pg_begun(connection, slot, result) != NGX_OK)
    {
        return NGX_ERROR;
    }

    connection->head++;
    ngx_http_magasin_pg_clear(slot);

    if (status == PGRES_PIPELINE_ABORTED) {

        /* An earlier statement of the batch failed: these were not run. */

        slot->jobs = ngx_http_magasin_pg_reverse(slot->jobs);

        while ((job = ngx_http_magasin_pg_take(slot)) != NULL) {
            ngx_http_magasin_pg_requeue(job);
        }

        return NGX_OK;
    }

    return ngx_http_magasin_pg_ran(connection, slot, result);
}


/*
 * A result in place of the answer to a Sync: the commit of a write failed, or
 * the server reports a FATAL error.
 *
 * Returns NGX_DONE if the result is kept, or NGX_ERROR if the connection is
 * unusable.
 */

static ngx_int_t
ngx_http_magasin_pg_uncommitted(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result)
{
    if (slot->result == NULL || PQresultStatus(result) != PGRES_FATAL_ERROR
        || PQstatus(connection->pg) == CONNECTION_BAD
        || ngx_http_magasin_pg_ending(connection, result))
    {
        return NGX_ERROR;
    }

    ngx_http_magasin_pg_drop(slot);
    slot->result = result;

    ngx_http_magasin_pg_count(connection, NULL, result);

    return NGX_DONE;
}


/*
 * The statement of a slot was run, or it failed: answer its jobs.
 *
 * Returns NGX_OK, NGX_DONE if the result is kept, or NGX_ERROR if the
 * connection is unusable.
 */

static ngx_int_t
ngx_http_magasin_pg_ran(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result)
{
    ngx_uint_t                   ending, missed;
    ngx_http_magasin_pg_job_t   *job;
    ngx_http_magasin_pg_slot_t  *next;

    ngx_http_magasin_pg_count(connection, slot, result);

    ending = ngx_http_magasin_pg_ending(connection, result);
    missed = ngx_http_magasin_pg_missed(result);

    ngx_log_debug5(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: statement %d answered on connection %ui, "
                   "status:%d ending:%ui missed:%ui", slot->statement,
                   connection->number, PQresultStatus(result), ending, missed);

    /* The kind of the Sync after it tells whether it was a turn of the lane. */

    next = ngx_http_magasin_pg_slot(connection, connection->head);

    if (missed && connection->lane && next->sync
        && next->kind == NGX_HTTP_MAGASIN_PG_SYNC_LANE)
    {
        connection->lane->missed = 1;
    }

    if (ending) {
        ngx_http_magasin_pg_connection_ended(connection, slot, result);
        return NGX_ERROR;
    }

    if (slot->jobs && (slot->jobs->class == NGX_HTTP_MAGASIN_PG_WRITE
                       || slot->jobs->commit))
    {
        return ngx_http_magasin_pg_written(connection, slot, result);
    }

    /*
     * A callback ends a request, which may cancel other jobs of this slot: its
     * first job is read again each time.
     */

    while ((job = ngx_http_magasin_pg_take(slot)) != NULL) {

        if (missed && ngx_http_magasin_pg_lane_waits(job)) {
            ngx_http_magasin_pg_again(job);
            ngx_http_magasin_pg_requeue(job);
            continue;
        }

        ngx_http_magasin_pg_finish(job);
        ngx_http_magasin_pg_deliver(connection, job, result);
    }

    if (missed && connection->heavy) {
        ngx_http_magasin_pg_heavy_locked(connection->pool, slot->statement);
    }

    return NGX_OK;
}


/*
 * A Sync was answered.  Jobs that missed a lock are put into the lane before
 * the turn ends, so that their block is kept.
 */

static void
ngx_http_magasin_pg_synced(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot)
{
    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: sync of kind %d answered on connection %ui, "
                   "syncs:%ui", slot->kind, connection->number,
                   connection->syncs);

    ngx_http_magasin_pg_committed(connection, slot);

    connection->head++;
    connection->syncs--;
    connection->progress = ngx_current_msec;

    switch (slot->kind) {

    case NGX_HTTP_MAGASIN_PG_SYNC_READS:
        connection->reading = 0;
        break;

    case NGX_HTTP_MAGASIN_PG_SYNC_GATHER:
        ngx_http_magasin_pg_batch_answered(connection);

        /* fall through */

    case NGX_HTTP_MAGASIN_PG_SYNC_WRITE:
        connection->locks[0] = connection->locks[1];
        connection->writes--;
        break;

    case NGX_HTTP_MAGASIN_PG_SYNC_HEAVY:
    case NGX_HTTP_MAGASIN_PG_SYNC_COMMIT:
        connection->heavy = 0;
        break;

    case NGX_HTTP_MAGASIN_PG_SYNC_LANE:
        ngx_http_magasin_pg_lane_end(connection);
        break;

    default: /* NGX_HTTP_MAGASIN_PG_SYNC_OTHER */
        break;
    }
}


/* Count a run of a statement and its error.  `slot` NULL: of a commit. */

static void
ngx_http_magasin_pg_count(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result)
{
    char                            *sqlstate;
    uint64_t                         time;
    ngx_uint_t                       class;
    ngx_http_magasin_pg_runs_t      *statement;
    ngx_http_magasin_pg_counters_t  *counters;

    counters = connection->pool->counters;

    if (slot && slot->sent) {
        time = ngx_http_magasin_clock() - slot->sent;
        statement = &counters->statements[slot->statement];

        ngx_http_magasin_count(statement->runs);
        (void) ngx_atomic_fetch_add(&statement->time, time);

        if (slot->weight) {
            ngx_http_magasin_pg_weigh(connection->pool, slot->weight, time);
        }
    }

    /* A missed lock is an error only if the job does not run again. */

    if (PQresultStatus(result) == PGRES_FATAL_ERROR
        && !ngx_http_magasin_pg_missed(result))
    {
        sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        class = ngx_http_magasin_sqlstate_class(sqlstate);

        ngx_http_magasin_count(counters->errors[class]);
    }
}


/*
 * The result of a write has arrived.  Its Sync commits it.  A server that is
 * stopped sends the result even if the commit does not happen.  So the jobs
 * wait in the slot of the Sync, which is the next one, with the result.
 *
 * Jobs that are to run again wait there without a result.  The server reports
 * an error before it releases its locks, and an advisory lock of the first run
 * would block the second one.
 *
 * Returns NGX_DONE if the result is kept, else NGX_OK.
 */

static ngx_int_t
ngx_http_magasin_pg_written(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result)
{
    ngx_uint_t                   again, missed;
    ngx_http_magasin_pg_job_t   *job;
    ngx_http_magasin_pg_slot_t  *sync;

    sync = ngx_http_magasin_pg_slot(connection, connection->head);

    if (slot->jobs->gather) {
        ngx_http_magasin_pg_wait_commit(slot, sync);
        sync->result = result;
        return NGX_DONE;
    }

    again = ngx_http_magasin_pg_undone(result)
            && slot->jobs->resent < NGX_HTTP_MAGASIN_PG_RESENDS;

    missed = ngx_http_magasin_pg_missed(result)
             && ngx_http_magasin_pg_lane_waits(slot->jobs);

    ngx_http_magasin_pg_wait_commit(slot, sync);

    for (job = sync->jobs; job; job = job->next) {
        job->resent += again;

        if (missed) {
            ngx_http_magasin_pg_again(job);
        }
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: write of statement %d, again:%ui missed:%ui",
                   slot->statement, again, missed);

    if (again || missed) {
        return NGX_OK;
    }

    sync->result = result;

    return NGX_DONE;
}


/* The jobs of a write wait in the slot of its Sync. */

static void
ngx_http_magasin_pg_wait_commit(ngx_http_magasin_pg_slot_t *slot,
    ngx_http_magasin_pg_slot_t *sync)
{
    ngx_http_magasin_pg_job_t  *job;

    sync->jobs = slot->jobs;
    sync->count = slot->count;
    slot->jobs = NULL;

    for (job = sync->jobs; job; job = job->next) {
        job->slot = sync;
    }
}


/*
 * A Sync was answered: the write before it, if there is one, was committed or
 * rejected, or it runs again.
 */

static void
ngx_http_magasin_pg_committed(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot)
{
    PGresult                   *result;
    ngx_http_magasin_pg_job_t  *job;

    result = slot->result;
    slot->result = NULL;

    if (result && slot->jobs && slot->jobs->gather) {
        ngx_http_magasin_pg_batch_again(slot, result);
    }

    while ((job = ngx_http_magasin_pg_take(slot)) != NULL) {

        if (result == NULL) {
            ngx_http_magasin_pg_requeue(job);
            continue;
        }

        ngx_http_magasin_pg_finish(job);
        ngx_http_magasin_pg_deliver(connection, job, result);
    }

    PQclear(result);
}


/* Mark a job that missed a lock: _requeue() puts it into the lane. */

void
ngx_http_magasin_pg_again(ngx_http_magasin_pg_job_t *job)
{
    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: job of statement %d missed a lock",
                   job->statement);

    job->missed = 1;

    ngx_http_magasin_count(job->pool->counters->missed);
}


/* Call the callback of a job that was released. */

void
ngx_http_magasin_pg_deliver(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job, PGresult *result)
{
    ngx_int_t                    rc;
    ngx_uint_t                   class;
    ngx_http_magasin_pg_pool_t  *pool;

    pool = connection->pool;

    job->life = pool->conf->replica ? connection->shown : connection->life;
    job->replayed = connection->replayed;
    job->as_of = connection->as_of;

    switch (PQresultStatus(result)) {

    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:

        rc = ngx_http_magasin_pg_expected(job->statement, result);

        if (rc == NGX_OK && job->gather) {
            rc = ngx_http_magasin_pg_batch_row(job, result);
        }

        if (rc == NGX_ERROR) {
            ngx_http_magasin_pg_connection_complain(connection, NGX_LOG_ERR,
                    "returned unexpected columns for the statement",
                    ngx_http_magasin_pg_statement_name(job->statement));

            job->failed(job, NGX_HTTP_MAGASIN_PG_UNAVAILABLE, NULL);
            return;
        }

        if (rc == NGX_BUSY) {
            ngx_http_magasin_count(pool->counters->locked);

            job->failed(job, NGX_HTTP_MAGASIN_PG_LOCKED, NULL);
            return;
        }

        ngx_http_magasin_pg_rows(job, result);
        job->ready(job, result);
        return;

    default:
        if (ngx_http_magasin_pg_missed(result)) {
            class = ngx_http_magasin_sqlstate_class("55P03");

            ngx_http_magasin_count(pool->counters->locked);
            ngx_http_magasin_count(pool->counters->errors[class]);
        }

        job->failed(job, NGX_HTTP_MAGASIN_PG_ERROR, result);
        return;
    }
}


/* Set the rows of a job: all of them, or its own if it shared the run. */

static void
ngx_http_magasin_pg_rows(ngx_http_magasin_pg_job_t *job, PGresult *result)
{
    int  row;

    job->row = 0;
    job->rows = PQntuples(result);

    if (job->gather) {
        job->row = job->place;
        job->rows = 1;
        return;
    }

    if (!job->merge) {
        return;
    }

    for (row = 0; row < job->rows; row++) {
        if (ngx_strcmp(PQgetvalue(result, row, 0), job->values[0]) == 0) {
            job->row = row;
            job->rows = 1;
            return;
        }
    }

    job->rows = 0;
}


/*
 * A long read has not got its lock in time: fail the other ones of the same
 * statement, which would wait for it one after the other.
 */

static void
ngx_http_magasin_pg_heavy_locked(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_statement_e statement)
{
    ngx_queue_t                *q, *queue;
    ngx_http_magasin_pg_job_t  *job;

    queue = &pool->waiting[NGX_HTTP_MAGASIN_PG_HEAVY];

    for (q = ngx_queue_head(queue); q != ngx_queue_sentinel(queue); /* void */)
    {
        job = ngx_queue_data(q, ngx_http_magasin_pg_job_t, queue);

        if (job->statement == statement) {
            ngx_http_magasin_pg_locked(job);

            /* The callback may have changed the queue. */

            q = ngx_queue_head(queue);
            continue;
        }

        q = ngx_queue_next(q);
    }
}
