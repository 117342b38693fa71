
/*
 * Answers of one connection, in the order of what was sent.
 *
 * In pipeline mode PQgetResult() gives the result of a statement, then NULL,
 * then the next one's; after an error the statements up to the Sync come as
 * ABORTED; a Sync is not followed by NULL.
 */


#include "ngx_http_magasin_pg_internal.h"


static ngx_int_t ngx_http_magasin_pg_prepared(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result);
static ngx_int_t ngx_http_magasin_pg_answered(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result);
static ngx_uint_t ngx_http_magasin_pg_ending(PGresult *result);
static ngx_uint_t ngx_http_magasin_pg_undone(PGresult *result);
static void ngx_http_magasin_pg_again(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot);
static void ngx_http_magasin_pg_deliver(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static void ngx_http_magasin_pg_rows(ngx_http_magasin_pg_job_t *job,
    PGresult *result);


/*
 * Hand out all results that have arrived whole.
 *
 * NGX_OK, or NGX_ERROR: the connection is of no more use.
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

        if (connection->state == NGX_HTTP_MAGASIN_PG_PREPARING) {
            rc = ngx_http_magasin_pg_prepared(connection, result);

        } else {
            rc = ngx_http_magasin_pg_answered(connection, result);
        }

        PQclear(result);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_pg_prepared(ngx_http_magasin_pg_connection_t *connection,
    PGresult *result)
{
    switch (PQresultStatus(result)) {

    case PGRES_COMMAND_OK:
        connection->prepared++;
        return NGX_OK;

    case PGRES_PIPELINE_SYNC:
        connection->head++;
        connection->syncs--;

        if (connection->prepared != NGX_HTTP_MAGASIN_SQL_COUNT) {
            return NGX_ERROR;
        }

        connection->state = NGX_HTTP_MAGASIN_PG_READY;
        return NGX_OK;

    default:
        /* PQerrorMessage() of the connection says it to the log. */
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_http_magasin_pg_answered(ngx_http_magasin_pg_connection_t *connection,
    PGresult *result)
{
    ngx_uint_t                   ending;
    ExecStatusType               status;
    ngx_http_magasin_pg_job_t   *job;
    ngx_http_magasin_pg_slot_t  *slot;

    slot = ngx_http_magasin_pg_slot(connection, connection->head);
    status = PQresultStatus(result);

    if (status == PGRES_PIPELINE_SYNC) {
        if (!slot->sync) {
            return NGX_ERROR;
        }

        while ((job = ngx_http_magasin_pg_take(slot)) != NULL) {
            ngx_http_magasin_pg_requeue(job);
        }

        connection->head++;
        connection->syncs--;
        connection->heavy = 0;

        if (slot->reads) {
            connection->reading = 0;
        }

        return NGX_OK;
    }

    if (slot->sync) {

        /* A FATAL of the server's own, as at its shutdown. */

        return NGX_ERROR;
    }

    if (status == PGRES_FATAL_ERROR
        && PQstatus(connection->pg) == CONNECTION_BAD)
    {
        /* Made by libpq: the job stays in flight and _lost() decides. */

        return NGX_ERROR;
    }

    connection->head++;

    if (status == PGRES_PIPELINE_ABORTED) {

        /* The batch failed before their turn: they were not run. */

        while ((job = ngx_http_magasin_pg_take(slot)) != NULL) {
            ngx_http_magasin_pg_requeue(job);
        }

        return NGX_OK;
    }

    if (ngx_http_magasin_pg_undone(result)) {
        ngx_http_magasin_pg_again(connection, slot);
    }

    /*
     * Callbacks end requests, and the end of one may cancel others of this
     * slot: it is read anew each time.
     */

    ending = ngx_http_magasin_pg_ending(result);

    while ((job = ngx_http_magasin_pg_take(slot)) != NULL) {

        if (ending && job->class != NGX_HTTP_MAGASIN_PG_WRITE
            && job->resent < NGX_HTTP_MAGASIN_PG_RESENDS)
        {
            /* It may run on another connection. */

            job->resent++;
            ngx_http_magasin_pg_requeue(job);
            continue;
        }

        ngx_http_magasin_pg_finish(job);
        ngx_http_magasin_pg_deliver(job, result);
    }

    return ending ? NGX_ERROR : NGX_OK;
}


/*
 * Is this the end of the connection?  Class 57P: the server shuts down, or an
 * operator ended us.  0A000 and 26000: the prepared statements do not fit the
 * schema any more, or a pooler dropped them; a new connection prepares anew.
 * In all these cases the statement was not run.
 */

static ngx_uint_t
ngx_http_magasin_pg_ending(PGresult *result)
{
    char  *sqlstate;

    sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return sqlstate
           && (ngx_strncmp(sqlstate, "57P", 3) == 0
               || ngx_strcmp(sqlstate, "0A000") == 0
               || ngx_strcmp(sqlstate, "26000") == 0);
}


/*
 * Have a statement that lost against others run again, unless it did so too
 * often.  The server tells of the error before it lets go of what the
 * transaction had locked, and an advisory lock of the first run would stand
 * in the way of the second: the jobs wait in the slot of their Sync, which
 * is the next one of a write, for that to be answered.
 */

static void
ngx_http_magasin_pg_again(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot)
{
    ngx_http_magasin_pg_job_t   *job;
    ngx_http_magasin_pg_slot_t  *sync;

    job = slot->jobs;
    sync = ngx_http_magasin_pg_slot(connection, connection->head);

    if (job == NULL || job->next || !sync->sync
        || job->resent >= NGX_HTTP_MAGASIN_PG_RESENDS)
    {
        return;
    }

    job = ngx_http_magasin_pg_take(slot);

    job->resent++;
    job->slot = sync;
    sync->jobs = job;
}


/*
 * Class 40: the transaction lost against others, in a deadlock or for its
 * isolation, and was rolled back: doing it again is what is asked for.
 */

static ngx_uint_t
ngx_http_magasin_pg_undone(PGresult *result)
{
    char  *sqlstate;

    sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return sqlstate
           && (ngx_strcmp(sqlstate, "40001") == 0
               || ngx_strcmp(sqlstate, "40P01") == 0);
}


static void
ngx_http_magasin_pg_deliver(ngx_http_magasin_pg_job_t *job, PGresult *result)
{
    switch (PQresultStatus(result)) {

    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        ngx_http_magasin_pg_rows(job, result);
        job->ready(job, result);
        return;

    default:
        job->failed(job, NGX_HTTP_MAGASIN_PG_ERROR, result);
        return;
    }
}


/* Which rows are this job's: of a merged one, that of its key. */

static void
ngx_http_magasin_pg_rows(ngx_http_magasin_pg_job_t *job, PGresult *result)
{
    int  row;

    job->row = 0;
    job->rows = PQntuples(result);

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
