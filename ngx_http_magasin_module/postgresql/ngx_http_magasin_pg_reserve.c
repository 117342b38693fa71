
/* Connections that are kept free: no class of work waits for another. */


#include "ngx_http_magasin_pg_internal.h"


/*
 * May this connection take a write or a turn of the lane?  Returns 1 if
 * another one is left to the reads, or if there is no other one: then the
 * reads wait behind the short lock_timeout.
 */

ngx_uint_t
ngx_http_magasin_pg_spares(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_connection_t *reserved)
{
    ngx_uint_t                         i, stalled, others;
    ngx_http_magasin_pg_pool_t        *pool;
    ngx_http_magasin_pg_connection_t  *other;

    others = 0;
    pool = connection->pool;

    for (i = 0; i < pool->conf->connections; i++) {
        other = &pool->connections[i];

        if (other == connection || other == reserved || other->heavy
            || other->state != NGX_HTTP_MAGASIN_PG_READY)
        {
            continue;
        }

        stalled = ngx_http_magasin_pg_stalled(other);

        if (!stalled && other->writes == 0 && other->lane == NULL) {
            return 1;
        }

        others += !stalled || pool->ready > 2;
    }

    return others == 0;
}


/*
 * Returns 1 if no Sync was answered for NGX_HTTP_MAGASIN_PG_STALL ms: a
 * statement takes long.  A job behind it could not be taken back when it times
 * out, and a write would be done after its client got an error.
 */

ngx_uint_t
ngx_http_magasin_pg_stalled(ngx_http_magasin_pg_connection_t *connection)
{
    return ngx_http_magasin_pg_in_flight(connection) != 0
           && ngx_current_msec - connection->progress
              > NGX_HTTP_MAGASIN_PG_STALL;
}


/*
 * Choose the connection that is reserved for long reads, so that they do not
 * delay short ones: while some wait, the last one in service that runs none.
 * They get a third of the connections at most, the first one excluded, since
 * each long read keeps a core busy.  A single connection is reserved until it
 * is idle; after each long read the short ones have a turn.  A connection on
 * which a commit is stuck counts as none.
 *
 * Returns NULL if no connection is reserved.
 */

ngx_http_magasin_pg_connection_t *
ngx_http_magasin_pg_reserved(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t                         i, last, heavy, ready;
    ngx_http_magasin_pg_connection_t  *connection;

    if (ngx_queue_empty(&pool->waiting[NGX_HTTP_MAGASIN_PG_HEAVY])) {
        return NULL;
    }

    ready = pool->ready - ngx_http_magasin_pg_stuck_count(pool);

    if (ready == 1 && pool->turn
        && (!ngx_queue_empty(&pool->waiting[NGX_HTTP_MAGASIN_PG_READ])
            || !ngx_queue_empty(&pool->waiting[NGX_HTTP_MAGASIN_PG_WRITE])
            || pool->nlocked))
    {
        return NULL;
    }

    heavy = 0;

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];
        heavy += connection->heavy && !connection->stuck;
    }

    if (ready == 0 || heavy >= ngx_max((ready - 1) / 3, 1)) {
        return NULL;
    }

    last = ready > 1 ? 1 : 0;

    for (i = pool->conf->connections; i > last; i--) {
        connection = &pool->connections[i - 1];

        if (connection->state == NGX_HTTP_MAGASIN_PG_READY
            && !connection->heavy && !connection->stuck)
        {
            return connection;
        }
    }

    return NULL;
}


/* Returns 1 if no other connection serves short statements. */

ngx_uint_t
ngx_http_magasin_pg_alone(ngx_http_magasin_pg_connection_t *connection)
{
    ngx_uint_t                         i;
    ngx_http_magasin_pg_pool_t        *pool;
    ngx_http_magasin_pg_connection_t  *other;

    pool = connection->pool;

    for (i = 0; i < pool->conf->connections; i++) {
        other = &pool->connections[i];

        if (other != connection && !other->heavy
            && other->state == NGX_HTTP_MAGASIN_PG_READY)
        {
            return 0;
        }
    }

    return 1;
}
