
/*
 * What precedes the statement of a job in its transaction: the settings of the
 * session and the life of the database, where a pooler is between; the timeouts
 * of a statement that waits for locks; how far a replica is.
 */


#include "ngx_http_magasin_pg_internal.h"


static ngx_int_t ngx_http_magasin_pg_begin_pooled(
    ngx_http_magasin_pg_connection_t *connection);
static ngx_int_t ngx_http_magasin_pg_begin_lock_wait(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job, ngx_msec_t wait);
static ngx_int_t ngx_http_magasin_pg_begun_take(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result);


/*
 * Send what precedes the statement of a job.  `lock_wait` is the lock_timeout
 * of the statement in milliseconds; 0 selects the one of the session, or,
 * behind a pooler, of the transaction.
 *
 * Returns NGX_OK, or NGX_ERROR if the connection is unusable.
 */

ngx_int_t
ngx_http_magasin_pg_begin(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job, ngx_msec_t lock_wait)
{
    ngx_uint_t  first;

    /* Reads of a batch share a transaction. */

    first = (connection->batch == 0 || job->class == NGX_HTTP_MAGASIN_PG_HEAVY
             || connection->lane);

    if (first && connection->pooled
        && ngx_http_magasin_pg_begin_pooled(connection) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (lock_wait
        && ngx_http_magasin_pg_begin_lock_wait(connection, job, lock_wait)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (first && connection->pool->conf->replica) {
        return ngx_http_magasin_pg_connection_ask(connection,
                                                  NGX_HTTP_MAGASIN_SQL_REPLICA,
                                                  0, NULL);
    }

    return NGX_OK;
}


/*
 * Behind a pooler: the settings of the transaction, and that the database is of
 * no earlier life than was seen.
 */

static ngx_int_t
ngx_http_magasin_pg_begin_pooled(ngx_http_magasin_pg_connection_t *connection)
{
    /*
     * The isolation goes before all else.  The default, which settings.sql
     * sets, is that of transactions that begin later.
     */

    if (connection->isolate
        && ngx_http_magasin_pg_connection_ask(connection,
                                              NGX_HTTP_MAGASIN_SQL_ISOLATION,
                                              0, NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_magasin_pg_settings_send(connection,
                                          NGX_HTTP_MAGASIN_PG_LOCK_WAIT)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /*
     * A standby tells no life.  It may be promoted, and another server may be
     * behind the pooler next.
     */

    if (!connection->asked) {
        return NGX_OK;
    }

    return ngx_http_magasin_pg_life_ask(connection);
}


/*
 * Set the lock_timeout of the statement that follows, and the statement_timeout
 * of one that writes much, which may take longer.
 */

static ngx_int_t
ngx_http_magasin_pg_begin_lock_wait(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job, ngx_msec_t wait)
{
    u_char       text[NGX_INT64_LEN + sizeof("ms")];
    u_char       limit[NGX_INT64_LEN + sizeof("ms")];
    const char  *values[2];

    (void) ngx_sprintf(text, "%Mms%Z", wait);
    (void) ngx_sprintf(limit, "%Mms%Z", connection->pool->conf->timeout
                                        * NGX_HTTP_MAGASIN_PG_LONGER);

    values[0] = (const char *) text;
    values[1] = job->commit ? (const char *) limit : NULL;

    return ngx_http_magasin_pg_connection_ask(connection,
                                         NGX_HTTP_MAGASIN_SQL_LOCK_TIMEOUT,
                                         2, values);
}


/*
 * Take the answer to one of these.  If it was refused, the statements of the
 * transaction are marked as not run.
 *
 * Returns NGX_OK, or NGX_ERROR if what follows may not be used.
 */

ngx_int_t
ngx_http_magasin_pg_begun(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result)
{
    ngx_uint_t                   n;
    ngx_http_magasin_pg_slot_t  *next;

    if (ngx_http_magasin_pg_begun_take(connection, slot, result) == NGX_OK) {
        return NGX_OK;
    }

    if (PQresultStatus(result) != PGRES_FATAL_ERROR) {
        return NGX_ERROR;
    }

    for (n = connection->head; n != connection->tail; n++) {
        next = ngx_http_magasin_pg_slot(connection, n);

        if (next->sync) {
            break;
        }

        next->undone = 1;
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_magasin_pg_begun_take(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result)
{
    switch (slot->statement) {

    case NGX_HTTP_MAGASIN_SQL_REPLICA:
        return connection->pool->conf->replica
               ? ngx_http_magasin_pg_replica_take(connection, result)
               : NGX_OK;

    case NGX_HTTP_MAGASIN_SQL_ISOLATION:

        /* What follows would be sent again, and fail again. */

        return PQresultStatus(result) == PGRES_FATAL_ERROR ? NGX_ERROR
                                                           : NGX_OK;

    case NGX_HTTP_MAGASIN_SQL_SETTINGS:
        return ngx_http_magasin_pg_settings_take(connection, result);

    case NGX_HTTP_MAGASIN_SQL_SESSION:
        return ngx_http_magasin_pg_life_take(connection, result);

    default:
        return NGX_OK;
    }
}
