
/* What is sent on a connection, statements and Syncs; which reads are long. */


#include "ngx_http_magasin_pg_internal.h"


static void ngx_http_magasin_pg_connection_sent(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job);
static void ngx_http_magasin_pg_connection_end(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job);
static void ngx_http_magasin_pg_connection_keys(char *keys, size_t len,
    ngx_http_magasin_pg_job_t *job);


/*
 * Send a job, or several that were merged or gathered, which are linked by
 * `next`.  A read is added to the open batch; the caller sends the Sync of the
 * batch.  A Sync is sent here after any other job, and after a turn of the
 * lane.  `lock_wait` is the lock_timeout of this statement in milliseconds; 0
 * selects the one of the session, or, behind a pooler, of the transaction.
 *
 * Returns NGX_OK.  If the jobs are not in flight it returns NGX_DECLINED, there
 * is no memory for a batch and nothing was sent, or NGX_ERROR, the connection
 * is unusable.
 */

ngx_int_t
ngx_http_magasin_pg_connection_send(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job, ngx_msec_t lock_wait)
{
    int                 sent;
    char                keys[NGX_HTTP_MAGASIN_PG_KEYS];
    u_char             *buffer;
    const char         *name, *array, *arrays[NGX_HTTP_MAGASIN_PG_MAX_PARAMS];
    const char *const  *values;

    name = ngx_http_magasin_pg_statement_name(job->statement);
    values = job->values;
    buffer = NULL;

    if (job->merge) {
        ngx_http_magasin_pg_connection_keys(keys, sizeof(keys), job);
        array = keys;
        values = &array;

    } else if (job->gather) {
        buffer = ngx_http_magasin_pg_batch_values(connection, job, arrays);
        if (buffer == NULL) {
            return NGX_DECLINED;
        }

        values = arrays;
    }

    sent = (ngx_http_magasin_pg_begin(connection, job, lock_wait) == NGX_OK);

    if (sent) {
        sent = PQsendQueryPrepared(connection->pg, name, (int) job->nvalues,
                                   values, NULL, NULL, 0);
    }

    if (buffer) {
        ngx_free(buffer);
    }

    if (!sent) {
        return NGX_ERROR;
    }

    ngx_http_magasin_pg_connection_sent(connection, job);

    ngx_log_debug5(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: send \"%s\" on connection %ui, class:%d "
                   "lane:%p batch:%ui", name, connection->number, job->class,
                   connection->lane, connection->batch);

    if (job->class == NGX_HTTP_MAGASIN_PG_READ && connection->lane == NULL) {
        connection->batch++;
        return NGX_OK;
    }

    ngx_http_magasin_pg_connection_end(connection, job);

    return NGX_OK;
}


/* The jobs of a statement are sent: put them into a slot. */

static void
ngx_http_magasin_pg_connection_sent(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job)
{
    uint64_t                     now;
    ngx_http_magasin_pg_job_t   *next;
    ngx_http_magasin_pg_slot_t  *slot;

    now = ngx_http_magasin_clock();

    slot = ngx_http_magasin_pg_connection_slot(connection, job->statement);
    slot->jobs = job;
    slot->sent = now;

    if (job->weigh) {
        slot->weight = ngx_http_magasin_pg_weight(job);
    }

    if (job->share) {
        connection->pool->shared[job->statement] = slot;
    }

    for (next = job; next; next = next->next) {
        next->slot = slot;
        next->place = (int) slot->count++;

        if (next->resent == 0 && !next->contested && !next->alone
            && !next->second)
        {
            ngx_http_magasin_observe(&connection->pool->counters->wait,
                                     now - next->submitted);

        } else {
            ngx_http_magasin_count(connection->pool->counters->resent);
        }
    }

    if (job->gather) {
        connection->gathered = slot->count;
        ngx_http_magasin_pg_batch_count(connection->pool, slot->count);
    }

    connection->connection->idle = 0;
}


/* Send the Sync of a job that has one of its own. */

static void
ngx_http_magasin_pg_connection_end(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job)
{
    ngx_http_magasin_pg_sync_e  kind;

    kind = NGX_HTTP_MAGASIN_PG_SYNC_LANE;

    if (job->class == NGX_HTTP_MAGASIN_PG_HEAVY) {
        kind = job->commit ? NGX_HTTP_MAGASIN_PG_SYNC_COMMIT
                           : NGX_HTTP_MAGASIN_PG_SYNC_HEAVY;
        connection->heavy = 1;

    } else if (connection->lane == NULL) {
        kind = NGX_HTTP_MAGASIN_PG_SYNC_WRITE;

        if (job->gather && !job->alone) {
            kind = NGX_HTTP_MAGASIN_PG_SYNC_GATHER;
            connection->gathering = ngx_max(ngx_current_msec, 1);
        }

        connection->locks[connection->writes++]
            = ngx_http_magasin_pg_lane_key(job);
    }

    connection->pool->turn = connection->heavy;

    if (ngx_http_magasin_pg_connection_sync(connection, kind) != NGX_OK) {

        /* The job is in flight: _lost() takes it back. */

        ngx_http_magasin_pg_connection_lost(connection, NULL);
    }
}


/*
 * Allocate the slot of a statement that was sent.  It has no jobs yet.  The
 * scheduler bounds what is in flight, so that a slot is always free.
 */

ngx_http_magasin_pg_slot_t *
ngx_http_magasin_pg_connection_slot(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_statement_e statement)
{
    ngx_http_magasin_pg_slot_t  *slot;

    if (ngx_http_magasin_pg_in_flight(connection) == 0) {
        connection->progress = ngx_current_msec;
    }

    slot = ngx_http_magasin_pg_slot(connection, connection->tail);

    slot->jobs = NULL;
    slot->statement = statement;
    slot->sent = 0;
    slot->weight = 0;
    slot->count = 0;
    slot->sync = 0;
    slot->prepare = 0;
    slot->undone = 0;

    connection->tail++;

    return slot;
}


/*
 * Send a statement that belongs to no job, with `n` values.
 *
 * Returns NGX_OK, or NGX_ERROR if the connection is unusable.
 */

ngx_int_t
ngx_http_magasin_pg_connection_ask(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_statement_e statement, int n, const char *const *values)
{
    const char  *name;

    name = ngx_http_magasin_pg_statement_name(statement);

    if (PQsendQueryPrepared(connection->pg, name, n, values, NULL, NULL, 0)
        == 0)
    {
        return NGX_ERROR;
    }

    (void) ngx_http_magasin_pg_connection_slot(connection, statement);

    return NGX_OK;
}


/* Write the keys of merged jobs as an array of PostgreSQL: "{1,2,3}". */

static void
ngx_http_magasin_pg_connection_keys(char *keys, size_t len,
    ngx_http_magasin_pg_job_t *job)
{
    u_char  *p, *last;

    p = (u_char *) keys;
    last = p + len;

    for ( /* void */ ; job; job = job->next) {
        p = ngx_slprintf(p, last, "%s%s", p == (u_char *) keys ? "{" : ",",
                         job->values[0]);
    }

    (void) ngx_slprintf(p, last, "}%Z");
}


/*
 * Send a Sync, which ends the batch or the statement before it, and flush.
 *
 * Returns NGX_OK, or NGX_ERROR if the connection is unusable.
 */

ngx_int_t
ngx_http_magasin_pg_connection_sync(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_sync_e kind)
{
    ngx_uint_t                   lone;
    ngx_http_magasin_pg_slot_t  *slot;

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: sync of kind %d on connection %ui, "
                   "batch:%ui syncs:%ui", kind, connection->number,
                   connection->batch, connection->syncs);

    /* A read of one request alone: few others come, and need not wait. */

    lone = kind == NGX_HTTP_MAGASIN_PG_SYNC_READS && connection->batch == 1
           && ngx_http_magasin_pg_slot(connection, connection->tail - 1)->count
              == 1;

    connection->batch = 0;

    if (PQpipelineSync(connection->pg) == 0) {
        return NGX_ERROR;
    }

    if (kind == NGX_HTTP_MAGASIN_PG_SYNC_READS) {
        connection->reading = lone ? 0 : ngx_max(ngx_current_msec, 1);
        connection->pool->turn = 0;
    }

    slot = ngx_http_magasin_pg_connection_slot(connection,
                                               NGX_HTTP_MAGASIN_SQL_COUNT);
    slot->sync = 1;
    slot->kind = kind;

    connection->syncs++;

    return ngx_http_magasin_pg_connection_flush(connection);
}


/*
 * Returns a hash of the keys of a row; never 0.  `row` may be NULL.  If two
 * rows have the same hash, their writes wait for each other needlessly.
 */

uint64_t
ngx_http_magasin_pg_lock(const char *owner, const char *row)
{
    uint64_t     hash;
    const char  *p;

    /* FNV-1a; the byte between the keys is in no key. */

    hash = 14695981039346656037ULL;

    for (p = owner; *p; p++) {
        hash = (hash ^ (u_char) *p) * 1099511628211ULL;
    }

    hash = (hash ^ 0xff) * 1099511628211ULL;

    for (p = row ? row : ""; *p; p++) {
        hash = (hash ^ (u_char) *p) * 1099511628211ULL;
    }

    return hash | 1;
}


/* Returns the hash of what a job asks for. */

uint64_t
ngx_http_magasin_pg_lane_key(ngx_http_magasin_pg_job_t *job)
{
    uint64_t     key;
    ngx_uint_t   i;
    const char  *name;

    if (job->nlocks == 0) {
        name = ngx_http_magasin_pg_statement_name(job->statement);

        return ngx_http_magasin_pg_lock(name,
                                 job->class == NGX_HTTP_MAGASIN_PG_WRITE
                                 && job->nvalues ? job->values[0] : NULL);
    }

    key = job->locks[0];

    for (i = 1; i < job->nlocks; i++) {
        key = (key * 1099511628211ULL) ^ job->locks[i];
    }

    return key;
}


/*
 * Returns a hash of the statement of a read and its first parameter, under
 * which its duration is remembered.
 */

uint64_t
ngx_http_magasin_pg_weight(ngx_http_magasin_pg_job_t *job)
{
    return ngx_http_magasin_pg_lock(
                         ngx_http_magasin_pg_statement_name(job->statement),
                         job->nvalues ? job->values[0] : NULL);
}


/* Returns 1 if the last run of a read was a long one. */

ngx_uint_t
ngx_http_magasin_pg_weighs(ngx_http_magasin_pg_pool_t *pool, uint64_t weight)
{
    return pool->weights[weight % NGX_HTTP_MAGASIN_PG_WEIGHTS] == weight;
}


/*
 * Remember whether a read was a long one.  `time` is in microseconds.  A read
 * that shared its Sync may have waited for others; it is measured again when
 * it runs alone.
 */

void
ngx_http_magasin_pg_weigh(ngx_http_magasin_pg_pool_t *pool, uint64_t weight,
    uint64_t time)
{
    uint64_t  *place;

    place = &pool->weights[weight % NGX_HTTP_MAGASIN_PG_WEIGHTS];

    if (time > NGX_HTTP_MAGASIN_PG_LONG) {
        *place = weight;

    } else if (*place == weight && time < NGX_HTTP_MAGASIN_PG_LONG / 2) {
        *place = 0;
    }
}
