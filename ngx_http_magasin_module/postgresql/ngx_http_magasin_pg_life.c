
/*
 * The life of the database: which cluster it is, and how often a standby has
 * taken its place.  A former primary that is still there has a timeline that is
 * lower.  What it answers is of the past, and what it commits is lost.
 *
 * The highest life that a worker of this node has seen is in the zone, so that
 * it outlasts a reload.  A connection of a lower one is given up.
 *
 * A life is one number: in its upper half the second in which the cluster was
 * made, which PostgreSQL has in the upper half of its identifier, in the lower
 * half the timeline.  So a later cluster, as of an upgrade, is a later life.
 */


#include "ngx_http_magasin_pg_internal.h"


const ngx_http_magasin_zone_section_t  ngx_http_magasin_pg_section = {
    .version = 1,
    .size = sizeof(ngx_http_magasin_pg_life_t)
};


/*
 * Let a pool share the life of its database with the workers of `cycle`.  The
 * life of another database, of a configuration before, is forgotten.
 */

void
ngx_http_magasin_pg_life_init(ngx_http_magasin_pg_pool_t *pool,
    ngx_cycle_t *cycle)
{
    ngx_http_magasin_zone_t     *zone;
    ngx_http_magasin_pg_life_t  *life;

    zone = ngx_http_magasin_zone_of(cycle);

    life = zone ? ngx_http_magasin_zone_section(zone,
                                                &ngx_http_magasin_pg_section)
                : &pool->lonely;

    pool->wal = zone ? ngx_http_magasin_zone_section(zone,
                                            &ngx_http_magasin_pg_wal_section)
                     : NULL;

    if (life->database != pool->conf->database) {

        if (pool->wal) {
            pool->wal->need = 0;
            pool->wal->polled = 0;
        }

        life->life = 0;
        ngx_memory_barrier();
        life->database = pool->conf->database;
    }

    pool->life = life;
}


/*
 * The word of a zone that has the highest life that was seen: for who keeps
 * answers of an earlier one.  It is there for as long as the zone.
 */

ngx_atomic_t *
ngx_http_magasin_pg_life_seen(ngx_http_magasin_zone_t *zone)
{
    ngx_http_magasin_pg_life_t  *life;

    life = ngx_http_magasin_zone_section(zone, &ngx_http_magasin_pg_section);

    return &life->life;
}


/* Returns the highest life that was seen; 0: none, or of another database. */

uint64_t
ngx_http_magasin_pg_life_of(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_http_magasin_pg_life_t  *life;

    life = pool->life;

    /* A worker that exits may be of the configuration before. */

    return life->database == pool->conf->database ? life->life : 0;
}


/*
 * Ask for the life that a connection leads to.  What follows in the transaction
 * is not done if it is lower than what was seen.
 *
 * Returns NGX_OK, or NGX_ERROR if the connection is unusable.
 */

ngx_int_t
ngx_http_magasin_pg_life_ask(ngx_http_magasin_pg_connection_t *connection)
{
    u_char       known[NGX_INT64_LEN + 1];
    uint64_t     life;
    const char  *values[1];

    /* The first time it is to be told in which way. */

    life = connection->asked ? ngx_http_magasin_pg_life_of(connection->pool)
                             : 0;

    /* A bigint: the identifiers of clusters made from 2038 on are negative. */

    (void) ngx_sprintf(known, "%L%Z", (int64_t) life);

    values[0] = life ? (const char *) known : NULL;

    return ngx_http_magasin_pg_connection_ask(connection,
                                              NGX_HTTP_MAGASIN_SQL_SESSION,
                                              1, values);
}


/*
 * Take the result of session.sql, which tells the life of a connection.
 *
 * Returns NGX_OK.  NGX_ERROR: its database has been replaced, or a pooler leads
 * to a standby, or the server answers something else; connection->why says
 * which.
 */

ngx_int_t
ngx_http_magasin_pg_life_take(ngx_http_magasin_pg_connection_t *connection,
    PGresult *result)
{
    char                        *timeline;
    uint64_t                     life, known;
    ngx_http_magasin_pg_pool_t  *pool;

    pool = connection->pool;

    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED) {
        return NGX_OK;
    }

    if (connection->asked && PQresultStatus(result) == PGRES_FATAL_ERROR
        && ngx_strcmp(ngx_http_magasin_sqlstate(result), "22012") == 0)
    {
        connection->why = NGX_HTTP_MAGASIN_PG_PASSED;
        return NGX_ERROR;
    }

    if (ngx_http_magasin_pg_expected(NGX_HTTP_MAGASIN_SQL_SESSION, result)
        != NGX_OK)
    {
        if (PQresultStatus(result) != PGRES_FATAL_ERROR) {
            connection->why = "no session of this application";
        }

        return NGX_ERROR;
    }

    connection->asked = 1;

    if (PQgetisnull(result, 0, 1)) {

        /* libpq has looked for a primary when it connected to the pooler. */

        if (connection->pooled && pool->conf->primary) {
            connection->why = "it leads to a standby, and not to the primary";
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    timeline = PQgetvalue(result, 0, 1);

    life = strtoull(PQgetvalue(result, 0, 0), NULL, 10)
           & 0xffffffff00000000ULL;
    life |= strtoull(timeline, NULL, 16) & 0xffffffffULL;

    for ( ;; ) {
        known = ngx_http_magasin_pg_life_of(pool);

        if (life < known) {
            connection->why = NGX_HTTP_MAGASIN_PG_PASSED;
            return NGX_ERROR;
        }

        if (life == known
            || pool->life->database != pool->conf->database
            || ngx_atomic_cmp_set(&pool->life->life, known, life))
        {
            break;
        }
    }

    connection->life = life;

    if (known && life > known) {
        ngx_log_error(NGX_LOG_NOTICE, pool->log, 0,
                      "magasin: another PostgreSQL is the primary, on "
                      "timeline %s", timeline);
    }

    return NGX_OK;
}


/*
 * Returns 1 if the database of a connection has been replaced: nothing that it
 * answers may be used.
 */

ngx_uint_t
ngx_http_magasin_pg_life_passed(ngx_http_magasin_pg_connection_t *connection)
{
    return connection->life
           && connection->life < ngx_http_magasin_pg_life_of(connection->pool);
}


/* Give up the connections whose database has been replaced. */

void
ngx_http_magasin_pg_life_check(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t                         i;
    ngx_http_magasin_pg_connection_t  *connection;

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (ngx_http_magasin_pg_life_passed(connection)) {
            ngx_http_magasin_pg_connection_lost(connection,
                                                NGX_HTTP_MAGASIN_PG_PASSED);
        }
    }
}
