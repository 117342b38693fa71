
/* What the log says of a connection and of a server. */


#include "ngx_http_magasin_pg_internal.h"


/*
 * Log a failure of a connection, before it is closed.  `why` is the reason;
 * NULL selects the error message of libpq.
 *
 * The level is "error" if the pool goes out of service, "warn" if a connection
 * in service fails or others are in service, or the pool is that of a replica,
 * and "info" if the failure is known or other addresses are to be tried.
 */

void
ngx_http_magasin_pg_connection_log(
    ngx_http_magasin_pg_connection_t *connection, const char *why)
{
    u_char                      *p, buffer[512];
    const char                  *message;
    ngx_uint_t                   level, was_ready, known;
    ngx_http_magasin_pg_pool_t  *pool;

    pool = connection->pool;

    was_ready = (connection->state == NGX_HTTP_MAGASIN_PG_READY);
    known = pool->conf->quiet || pool->down || connection->retry.backoff
            || connection->primary;

    if (ngx_http_magasin_retry_logged(&connection->retry,
                                      pool->conf->targets->nelts, was_ready,
                                      known))
    {
        level = NGX_LOG_INFO;

    } else if (was_ready || pool->ready || pool->conf->replica) {
        level = NGX_LOG_WARN;

    } else {
        level = NGX_LOG_ERR;
    }

    message = why ? why
                  : connection->why ? connection->why
                  : connection->pg ? PQerrorMessage(connection->pg)
                                   : "no memory";

    p = ngx_http_magasin_pg_escape(buffer, sizeof(buffer), message);

    ngx_log_error(level, pool->log, 0,
                  "magasin: PostgreSQL at %s, connection %ui: %*s",
                  connection->at, connection->number, (size_t) (p - buffer),
                  buffer);
}


/*
 * Log what a server reports besides its answers, escaped, on one line.
 * `about` follows "PostgreSQL".  Only the first lines of a second are logged;
 * the next line that is logged counts the lines that were dropped.
 */

void
ngx_http_magasin_pg_connection_complain(
    ngx_http_magasin_pg_connection_t *connection, ngx_uint_t level,
    const char *about, const char *message)
{
    u_char                      *p, buffer[256];
    ngx_http_magasin_pg_pool_t  *pool;

    pool = connection->pool;

    if (!ngx_http_magasin_pg_complains(pool)) {
        return;
    }

    p = ngx_http_magasin_pg_escape(buffer, sizeof(buffer), message);

    ngx_log_error(level, pool->log, 0,
                  "magasin: PostgreSQL %s: %*s (%ui lines dropped before)",
                  about, (size_t) (p - buffer), buffer, pool->muted);

    pool->muted = 0;
}


/*
 * May a line about a server be logged?  Returns 1, or 0 if this second has
 * NGX_HTTP_MAGASIN_PG_COMPLAINTS lines already.
 */

ngx_uint_t
ngx_http_magasin_pg_complains(ngx_http_magasin_pg_pool_t *pool)
{
    if (ngx_current_msec - pool->complained >= NGX_HTTP_MAGASIN_PG_COMPLAINT)
    {
        pool->complained = ngx_current_msec;
        pool->complaints = 0;
    }

    if (pool->complaints == NGX_HTTP_MAGASIN_PG_COMPLAINTS) {
        pool->muted++;
        return 0;
    }

    pool->complaints++;

    return 1;
}


/*
 * Log the first notice on a connection, and count the others: a server may send
 * them without an end.  libpq would write all of them to stderr.
 *
 * The warning that a commit was not replicated has no SQLSTATE of its own, and
 * its text is in the language of the server: the file of PostgreSQL that sends
 * it (src/backend/replication/syncrep.c) tells.
 */

void
ngx_http_magasin_pg_connection_notice(void *data, const PGresult *notice)
{
    ngx_http_magasin_pg_connection_t  *connection = data;

    const char  *file, *message;

    file = PQresultErrorField(notice, PG_DIAG_SOURCE_FILE);

    if (file && ngx_strcmp(file, "syncrep.c") == 0) {
        connection->unreplicated = 1;
    }

    message = PQresultErrorMessage(notice);

    if (connection->notices++ == 0) {
        ngx_http_magasin_pg_connection_complain(connection, NGX_LOG_INFO,
                                                "notice", message);
    }
}


/* A connection is closed: log how many notices were not logged. */

void
ngx_http_magasin_pg_connection_noticed(
    ngx_http_magasin_pg_connection_t *connection)
{
    if (connection->notices > 1) {
        ngx_log_error(NGX_LOG_INFO, connection->pool->log, 0,
                      "magasin: PostgreSQL, connection %ui: %ui more notices",
                      connection->number, connection->notices - 1);
    }

    connection->notices = 0;
}
