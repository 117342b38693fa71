
/*
 * The prepared statements of a connection.  All are prepared at once when the
 * connection is established.  If that fails, each is prepared by itself.  The
 * connection is used without those that fail: their table is locked, or the
 * schema is older than this module.  They are prepared again when a job needs
 * them.
 */


#include "ngx_http_magasin_pg_internal.h"


/* Milliseconds between two attempts to prepare missing statements. */
#define NGX_HTTP_MAGASIN_PG_AGAIN  1000


typedef struct {
    const char  *name;
    const char  *text;
} ngx_http_magasin_pg_statement_t;


static ngx_int_t ngx_http_magasin_pg_prepare_wait(
    ngx_http_magasin_pg_connection_t *connection, ngx_msec_t wait);
static ngx_msec_t ngx_http_magasin_pg_prepare_long(
    ngx_http_magasin_pg_conf_t *pcf);
static ngx_int_t ngx_http_magasin_pg_prepare_session(
    ngx_http_magasin_pg_connection_t *connection);
static ngx_int_t ngx_http_magasin_pg_prepare_all(
    ngx_http_magasin_pg_connection_t *connection);
static ngx_int_t ngx_http_magasin_pg_prepare_one(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_statement_e statement);
static ngx_int_t ngx_http_magasin_pg_prepare_failed(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result);
static ngx_int_t ngx_http_magasin_pg_prepare_done(
    ngx_http_magasin_pg_connection_t *connection);


static ngx_http_magasin_pg_statement_t  ngx_http_magasin_pg_statements[] = {
    NGX_HTTP_MAGASIN_STATEMENTS
};


static const ngx_http_magasin_statement_e  ngx_http_magasin_pg_writes[] = {
    NGX_HTTP_MAGASIN_SQL_WRITES_BATCH,
    NGX_HTTP_MAGASIN_SQL_PRODUCT_CREATE,
    NGX_HTTP_MAGASIN_SQL_PRODUCT_DELETE,
    NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_CREATE,
    NGX_HTTP_MAGASIN_SQL_REPLENISHMENT_DECIDE
};


const char *
ngx_http_magasin_pg_statement_name(ngx_http_magasin_statement_e statement)
{
    return ngx_http_magasin_pg_statements[statement].name;
}


/*
 * Set up the session of a connection that is established.  Its settings are
 * first, since to prepare a statement may wait for a lock.  The lock_timeout is
 * longer than in service: no job needs this connection yet.
 *
 * Returns NGX_OK: ngx_http_magasin_pg_prepared() gets the results.  NGX_ERROR:
 * the connection is unusable.
 */

ngx_int_t
ngx_http_magasin_pg_prepare(ngx_http_magasin_pg_connection_t *connection)
{
    ngx_http_magasin_pg_conf_t  *pcf;

    pcf = connection->pool->conf;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: connection %ui prepares its session",
                   connection->number);

    connection->state = NGX_HTTP_MAGASIN_PG_PREPARING;
    connection->failed = 0;

    if (PQsetnonblocking(connection->pg, 1) != 0
        || PQenterPipelineMode(connection->pg) == 0
        || ngx_http_magasin_pg_prepare_one(connection,
                                           NGX_HTTP_MAGASIN_SQL_SETTINGS)
           != NGX_OK
        || ngx_http_magasin_pg_prepare_wait(connection,
                                  ngx_http_magasin_pg_prepare_long(pcf))
           != NGX_OK
        || ngx_http_magasin_pg_prepare_session(connection) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /*
     * A server that turns out to be a primary is not asked to prepare what is
     * its pool's to run: it may be among the replicas for a later time.
     */

    if (pcf->replica) {
        return NGX_OK;
    }

    return ngx_http_magasin_pg_prepare_all(connection);
}


/*
 * Set the settings, with a lock_timeout of `wait` milliseconds.  Behind a
 * pooler they end with the transaction.
 */

static ngx_int_t
ngx_http_magasin_pg_prepare_wait(ngx_http_magasin_pg_connection_t *connection,
    ngx_msec_t wait)
{
    if (ngx_http_magasin_pg_settings_send(connection, wait) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_pg_connection_sync(connection,
                                             NGX_HTTP_MAGASIN_PG_SYNC_OTHER);
}


/* Milliseconds for which statements that are prepared wait for locks. */

static ngx_msec_t
ngx_http_magasin_pg_prepare_long(ngx_http_magasin_pg_conf_t *pcf)
{
    return ngx_min(pcf->lock_timeout, pcf->connect_timeout / 2);
}


/* Ask for the life of the database; see pg_life.c. */

static ngx_int_t
ngx_http_magasin_pg_prepare_session(
    ngx_http_magasin_pg_connection_t *connection)
{
    if (ngx_http_magasin_pg_prepare_one(connection,
                                        NGX_HTTP_MAGASIN_SQL_SESSION)
        != NGX_OK
        || ngx_http_magasin_pg_life_ask(connection) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_pg_connection_sync(connection,
                                             NGX_HTTP_MAGASIN_PG_SYNC_OTHER);
}


/*
 * Prepare all other statements with one Sync, and set the lock_timeout of a
 * connection in service; or prepare the missing ones, each with a Sync of its
 * own.  Whether a pooler is between may not be known yet, and settings are set
 * in either case.
 */

static ngx_int_t
ngx_http_magasin_pg_prepare_all(ngx_http_magasin_pg_connection_t *connection)
{
    ngx_uint_t  i;

    if (!connection->single
        && ngx_http_magasin_pg_settings_send(connection,
                    ngx_http_magasin_pg_prepare_long(connection->pool->conf))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_MAGASIN_SQL_COUNT; i++) {

        if (i == NGX_HTTP_MAGASIN_SQL_SETTINGS
            || i == NGX_HTTP_MAGASIN_SQL_SESSION
            || (connection->single && !connection->missing[i]))
        {
            continue;
        }

        if ((connection->single && connection->pooled
             && ngx_http_magasin_pg_settings_send(connection,
                                              NGX_HTTP_MAGASIN_PG_LOCK_WAIT)
                != NGX_OK)
            || ngx_http_magasin_pg_prepare_one(connection, i) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (connection->single
            && ngx_http_magasin_pg_connection_sync(connection,
                                              NGX_HTTP_MAGASIN_PG_SYNC_OTHER)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (connection->single) {
        return NGX_OK;
    }

    return ngx_http_magasin_pg_prepare_wait(connection,
                                            NGX_HTTP_MAGASIN_PG_LOCK_WAIT);
}


/*
 * A pooler that renames statements keeps the name of one that the server could
 * not prepare, and ends a connection that prepares it again.  It prepares the
 * statement itself before it has the server describe it.
 */

static ngx_int_t
ngx_http_magasin_pg_prepare_one(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_statement_e statement)
{
    int                               sent;
    ngx_http_magasin_pg_slot_t       *slot;
    ngx_http_magasin_pg_statement_t  *text;

    text = &ngx_http_magasin_pg_statements[statement];

    if (connection->renamed && connection->missing[statement]) {
        sent = PQsendDescribePrepared(connection->pg, text->name);

    } else {
        sent = PQsendPrepare(connection->pg, text->name, text->text, 0, NULL);
    }

    if (sent == 0) {
        return NGX_ERROR;
    }

    slot = ngx_http_magasin_pg_connection_slot(connection, statement);
    slot->prepare = 1;

    return NGX_OK;
}


/*
 * Handle a result while statements are prepared.
 *
 * Returns NGX_OK, or NGX_ERROR if the connection is unusable.
 */

ngx_int_t
ngx_http_magasin_pg_prepared(ngx_http_magasin_pg_connection_t *connection,
    PGresult *result)
{
    ngx_http_magasin_pg_slot_t  *slot;

    slot = ngx_http_magasin_pg_slot(connection, connection->head);

    switch (PQresultStatus(result)) {

    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        if (slot->sync) {
            return NGX_ERROR;
        }

        if (slot->statement == NGX_HTTP_MAGASIN_SQL_SESSION && !slot->prepare
            && (connection->pool->conf->replica
                ? ngx_http_magasin_pg_replica_session(connection, result)
                : ngx_http_magasin_pg_life_take(connection, result))
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (slot->statement == NGX_HTTP_MAGASIN_SQL_SETTINGS && !slot->prepare
            && ngx_http_magasin_pg_settings_take(connection, result) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (slot->prepare) {
            connection->nmissing -= connection->missing[slot->statement];
            connection->missing[slot->statement] = 0;
        }

        connection->head++;
        return NGX_OK;

    case PGRES_PIPELINE_SYNC:
        if (!slot->sync) {
            return NGX_ERROR;
        }

        connection->head++;
        connection->syncs--;

        if (ngx_http_magasin_pg_in_flight(connection)) {
            return NGX_OK;
        }

        if (connection->pool->conf->replica && !connection->greeted) {
            connection->greeted = 1;
            return ngx_http_magasin_pg_prepare_all(connection);
        }

        return ngx_http_magasin_pg_prepare_done(connection);

    case PGRES_FATAL_ERROR:
    case PGRES_PIPELINE_ABORTED:
        return ngx_http_magasin_pg_prepare_failed(connection, result);

    default:
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_http_magasin_pg_prepare_failed(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result)
{
    ngx_http_magasin_pg_slot_t  *slot;

    slot = ngx_http_magasin_pg_slot(connection, connection->head);

    if (slot->statement == NGX_HTTP_MAGASIN_SQL_SESSION
        && PQstatus(connection->pg) != CONNECTION_BAD)
    {
        /* The role may not ask: then the life is not known. */

        connection->head++;
        return NGX_OK;
    }

    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED
        && !slot->sync && !slot->prepare)
    {
        /* The settings after statements of which one failed. */

        connection->head++;
        return NGX_OK;
    }

    if (ngx_http_magasin_pg_shared(result)) {
        ngx_http_magasin_pg_settings_shared(connection);
        return NGX_ERROR;
    }

    if (PQstatus(connection->pg) == CONNECTION_BAD || slot->sync
        || !slot->prepare
        || slot->statement == NGX_HTTP_MAGASIN_SQL_SETTINGS)
    {
        return NGX_ERROR;
    }

    if (connection->single && !connection->failed
        && !connection->pool->conf->quiet)
    {
        ngx_http_magasin_pg_connection_complain(connection, NGX_LOG_ERR,
                            "cannot prepare a statement",
                            ngx_http_magasin_sqlstate_message(result));
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: connection %ui lacks statement %d",
                   connection->number, slot->statement);

    connection->nmissing += !connection->missing[slot->statement];
    connection->missing[slot->statement] = 1;
    connection->failed = 1;
    connection->head++;

    return NGX_OK;
}


/*
 * All results of an attempt have arrived.  If more than half of the statements
 * are missing, the database is not that of this application.
 *
 * Returns NGX_OK, or NGX_ERROR if the connection is unusable.
 */

static ngx_int_t
ngx_http_magasin_pg_prepare_done(ngx_http_magasin_pg_connection_t *connection)
{
    if (connection->failed && !connection->single) {

        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                       "magasin pg: connection %ui prepares its statements "
                       "one by one", connection->number);

        connection->failed = 0;
        connection->single = 1;

        if (ngx_http_magasin_pg_prepare_wait(connection,
                                             NGX_HTTP_MAGASIN_PG_LOCK_WAIT)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_magasin_pg_prepare_all(connection);
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: connection %ui prepared its statements, "
                   "missing:%ui", connection->number, connection->nmissing);

    if (connection->nmissing > NGX_HTTP_MAGASIN_SQL_COUNT / 2) {
        return NGX_ERROR;
    }

    connection->state = NGX_HTTP_MAGASIN_PG_READY;

    return NGX_OK;
}


/*
 * Returns 1 if connections are in service and none of them has prepared the
 * statement.
 */

ngx_uint_t
ngx_http_magasin_pg_lacks(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_statement_e statement)
{
    ngx_uint_t                         i;
    ngx_http_magasin_pg_connection_t  *connection;

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (connection->state == NGX_HTTP_MAGASIN_PG_READY
            && !connection->missing[statement])
        {
            return 0;
        }
    }

    return pool->ready != 0;
}


/* Returns 1 if the statement of a write is prepared on no connection. */

ngx_uint_t
ngx_http_magasin_pg_lacks_writes(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t  i;

    for (i = 0;
         i < sizeof(ngx_http_magasin_pg_writes)
             / sizeof(ngx_http_magasin_pg_writes[0]);
         i++)
    {
        if (ngx_http_magasin_pg_lacks(pool, ngx_http_magasin_pg_writes[i])) {
            return 1;
        }
    }

    return 0;
}


/*
 * Prepare the missing statements of all connections again, at most once per
 * NGX_HTTP_MAGASIN_PG_AGAIN.  A connection may be lost by it.
 */

void
ngx_http_magasin_pg_prepare_missing(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_int_t                          rc;
    ngx_uint_t                         i, k;
    ngx_http_magasin_pg_connection_t  *connection;

    if (pool->prepared
        && ngx_current_msec - pool->prepared < NGX_HTTP_MAGASIN_PG_AGAIN)
    {
        return;
    }

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, pool->log, 0,
                   "magasin pg: prepare the missing statements again");

    pool->prepared = ngx_max(ngx_current_msec, 1);

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (connection->state != NGX_HTTP_MAGASIN_PG_READY
            || connection->nmissing == 0 || connection->lane
            || ngx_http_magasin_pg_in_flight(connection) + 1
               + 3 * connection->nmissing > NGX_HTTP_MAGASIN_PG_SLOTS)
        {
            continue;
        }

        rc = NGX_OK;

        if (connection->batch) {
            rc = ngx_http_magasin_pg_connection_sync(connection,
                                             NGX_HTTP_MAGASIN_PG_SYNC_READS);
        }

        for (k = 0; rc == NGX_OK && k < NGX_HTTP_MAGASIN_SQL_COUNT; k++) {

            if (!connection->missing[k]) {
                continue;
            }

            if (connection->pooled) {
                rc = ngx_http_magasin_pg_settings_send(connection,
                                              NGX_HTTP_MAGASIN_PG_LOCK_WAIT);
            }

            if (rc == NGX_OK) {
                rc = ngx_http_magasin_pg_prepare_one(connection, k);
            }

            if (rc == NGX_OK) {
                rc = ngx_http_magasin_pg_connection_sync(connection,
                                             NGX_HTTP_MAGASIN_PG_SYNC_OTHER);
            }
        }

        if (rc != NGX_OK) {
            ngx_http_magasin_pg_connection_lost(connection, NULL);
        }
    }
}
