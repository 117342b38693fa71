
/*
 * What is sent where.
 *
 * Jobs are not sent when they arrive but once at the end of the event loop's
 * turn, so that the reads of one turn share a Sync: one send() and one
 * implicit transaction for all of them.  While a batch of reads is
 * unanswered, others wait for its end, so that under load batches grow by
 * themselves; but only for NGX_HTTP_MAGASIN_PG_HOLD, since one may be slow:
 * then the next batch goes to another connection.  While a batch has only one
 * read, and another connection is idle, the next read goes there at once.
 *
 * Jobs with `merge` set go further: those of one statement that wait in the
 * same turn become one run of it.  Such a statement takes one parameter, an
 * array of bigint; values[0] of each job is one key; the first column of the
 * result is the key, and no key has more than one row.  Jobs with `share` set
 * have no parameters, and all that come until the answer does get the same.
 *
 * Jobs with `gather` set are writes that share a run: see pg_batch.c.
 *
 * Who may use which connection: one that is in service always stays free of
 * writes, of turns of the lane and of long reads, and one more of long reads
 * when there are three.  Writes that ask for the same row follow each other
 * on one connection: on two of them they would wait for each other.
 */


#include "ngx_http_magasin_pg_internal.h"


static void ngx_http_magasin_pg_dispatch_reads(
    ngx_http_magasin_pg_pool_t *pool);
static void ngx_http_magasin_pg_dispatch_writes(
    ngx_http_magasin_pg_pool_t *pool);
static void ngx_http_magasin_pg_dispatch_class(
    ngx_http_magasin_pg_pool_t *pool, ngx_http_magasin_pg_class_e class);
static ngx_uint_t ngx_http_magasin_pg_refused(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_job_t *job);
static ngx_uint_t ngx_http_magasin_pg_send(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_job_t *job);
static ngx_uint_t ngx_http_magasin_pg_taken(ngx_http_magasin_pg_pool_t *pool);
static ngx_uint_t ngx_http_magasin_pg_held(ngx_http_magasin_pg_pool_t *pool);
static ngx_http_magasin_pg_connection_t *ngx_http_magasin_pg_follow(
    ngx_http_magasin_pg_pool_t *pool, ngx_http_magasin_pg_job_t *job);
static ngx_uint_t ngx_http_magasin_pg_better(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_connection_t *best);
static ngx_uint_t ngx_http_magasin_pg_accepts(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job);


/* Send the jobs that can be sent; the handler of the events of the pool. */

void
ngx_http_magasin_pg_dispatch(ngx_event_t *ev)
{
    ngx_uint_t                   reads, writes;
    ngx_http_magasin_pg_pool_t  *pool;

    pool = ev->data;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, pool->log, 0,
                   "magasin pg: dispatch, waiting:%ui blocks:%ui ready:%ui",
                   pool->nwaiting, pool->nblocks, pool->ready);

    ngx_http_magasin_pg_life_check(pool);
    ngx_http_magasin_pg_settings_check(pool);

    /*
     * Many reads would take each place that becomes free: writes begin, unless
     * they left no place for the reads the last time.
     */

    if (pool->reads) {
        ngx_http_magasin_pg_dispatch_reads(pool);
    }

    writes = pool->queued[NGX_HTTP_MAGASIN_PG_WRITE];
    ngx_http_magasin_pg_dispatch_writes(pool);
    writes -= pool->queued[NGX_HTTP_MAGASIN_PG_WRITE];

    reads = pool->queued[NGX_HTTP_MAGASIN_PG_READ];
    ngx_http_magasin_pg_dispatch_reads(pool);

    pool->reads = (writes && reads
                   && reads == pool->queued[NGX_HTTP_MAGASIN_PG_READ]);

    ngx_http_magasin_pg_dispatch_class(pool, NGX_HTTP_MAGASIN_PG_HEAVY);

    ngx_http_magasin_pg_gauge(pool);
}


/* Send reads that wait: those of a connection share a Sync. */

static void
ngx_http_magasin_pg_dispatch_reads(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t                         i;
    ngx_http_magasin_pg_connection_t  *connection;

    ngx_http_magasin_pg_dispatch_class(pool, NGX_HTTP_MAGASIN_PG_READ);

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (connection->batch
            && ngx_http_magasin_pg_connection_sync(connection,
                                             NGX_HTTP_MAGASIN_PG_SYNC_READS)
               != NGX_OK)
        {
            ngx_http_magasin_pg_connection_lost(connection, NULL);
        }
    }
}


/* The lane and the writes take turns: either could use all connections. */

static void
ngx_http_magasin_pg_dispatch_writes(ngx_http_magasin_pg_pool_t *pool)
{
    if (!pool->writes) {
        ngx_http_magasin_pg_lane_dispatch(pool);
    }

    pool->writes = 0;

    ngx_http_magasin_pg_dispatch_class(pool, NGX_HTTP_MAGASIN_PG_WRITE);
    ngx_http_magasin_pg_lane_dispatch(pool);
}


/*
 * Send the jobs of one class in order.  A write that waits for others of the
 * same row does not delay the writes behind it.
 */

static void
ngx_http_magasin_pg_dispatch_class(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_class_e class)
{
    ngx_int_t                   rc;
    ngx_queue_t                *q, *queue, *next;
    ngx_http_magasin_pg_job_t  *job;

    queue = &pool->waiting[class];
    q = ngx_queue_head(queue);

    while (q != ngx_queue_sentinel(queue)) {

        next = ngx_queue_next(q);
        job = ngx_queue_data(q, ngx_http_magasin_pg_job_t, queue);

        if (pool->nblocks && class != NGX_HTTP_MAGASIN_PG_HEAVY) {
            rc = ngx_http_magasin_pg_lane_join(job);

            if (rc != NGX_DECLINED) {
                q = (rc == NGX_OK) ? next : ngx_queue_head(queue);
                continue;
            }
        }

        /* Both calls may change the queue. */

        if (ngx_http_magasin_pg_refused(pool, job)
            || ngx_http_magasin_pg_send(pool, job))
        {
            q = ngx_queue_head(queue);
            continue;
        }

        if (class != NGX_HTTP_MAGASIN_PG_WRITE
            || ngx_http_magasin_pg_taken(pool))
        {
            break;
        }

        q = next;
    }
}


/*
 * Fail a job whose statement is prepared on no connection: its table is
 * locked, or the schema has another version.  Fail a long write while commits
 * are stuck, too: it would take the place of long reads.  Returns 1 if it was
 * failed.
 */

static ngx_uint_t
ngx_http_magasin_pg_refused(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_job_t *job)
{
    ngx_uint_t  stuck;

    stuck = job->commit && ngx_http_magasin_pg_stuck_count(pool);

    if (!stuck && !ngx_http_magasin_pg_lacks(pool, job->statement)) {
        return 0;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: statement %d is prepared on no connection, or "
                   "commits are stuck:%ui", job->statement, stuck);

    ngx_http_magasin_pg_unlink(job);
    ngx_http_magasin_pg_finish(job);

    ngx_http_magasin_count(pool->counters->down);

    job->failed(job, NGX_HTTP_MAGASIN_PG_UNAVAILABLE, NULL);

    /* Last, since a connection may be lost and other jobs may end. */

    if (!stuck) {
        ngx_http_magasin_pg_prepare_missing(pool);
    }

    return 1;
}


/*
 * Send a job of a queue, and those that are merged with it.  Returns 1, or 0
 * if it has to wait.
 */

static ngx_uint_t
ngx_http_magasin_pg_send(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_job_t *job)
{
    ngx_int_t                          rc;
    ngx_msec_t                         wait;
    ngx_http_magasin_pg_connection_t  *connection;

    connection = ngx_http_magasin_pg_choose(pool, job);
    if (connection == NULL) {
        return 0;
    }

    job = ngx_http_magasin_pg_next(&job->queue);

    wait = (job->class == NGX_HTTP_MAGASIN_PG_HEAVY)
           ? pool->conf->lock_timeout : 0;

    rc = ngx_http_magasin_pg_connection_send(connection, job, wait);

    if (rc == NGX_DECLINED) {
        ngx_http_magasin_pg_fail_jobs(job);

    } else if (rc == NGX_ERROR) {

        /* They were not sent: another connection may take them. */

        ngx_http_magasin_pg_return(job);
        ngx_http_magasin_pg_connection_lost(connection, NULL);
    }

    return 1;
}


/* Fail jobs that are in no queue and not in flight, linked by `next`. */

void
ngx_http_magasin_pg_fail_jobs(ngx_http_magasin_pg_job_t *jobs)
{
    ngx_queue_t                 failed;
    ngx_http_magasin_pg_job_t  *job;

    ngx_queue_init(&failed);

    while (jobs) {
        job = jobs;
        jobs = job->next;
        job->next = NULL;

        ngx_http_magasin_pg_link(job, &failed, 0);
    }

    ngx_http_magasin_pg_fail_queue(&failed);
}


/*
 * Put jobs, which are linked by `next`, back to the heads of their queues, in
 * their order.  See _requeue().
 */

void
ngx_http_magasin_pg_return(ngx_http_magasin_pg_job_t *jobs)
{
    ngx_http_magasin_pg_job_t  *job;

    /* From the last one: each goes before the others. */

    jobs = ngx_http_magasin_pg_reverse(jobs);

    while (jobs) {
        job = jobs;
        jobs = job->next;
        job->next = NULL;

        ngx_http_magasin_pg_requeue(job);
    }
}


/* Reverse the order of jobs that are linked by `next`.  Returns the last. */

ngx_http_magasin_pg_job_t *
ngx_http_magasin_pg_reverse(ngx_http_magasin_pg_job_t *jobs)
{
    ngx_http_magasin_pg_job_t  *job, *last;

    last = NULL;

    while (jobs) {
        job = jobs;
        jobs = job->next;
        job->next = last;
        last = job;
    }

    return last;
}


/*
 * Remove a job from its queue, and the jobs behind it that may share its run.
 * Returns the first one; they are linked by `next`.
 */

ngx_http_magasin_pg_job_t *
ngx_http_magasin_pg_next(ngx_queue_t *q)
{
    ngx_uint_t                    n;
    ngx_queue_t                  *sentinel, *following;
    ngx_http_magasin_pg_pool_t   *pool;
    ngx_http_magasin_pg_job_t    *first, *job, **last;
    ngx_http_magasin_pg_block_t  *block;

    first = ngx_queue_data(q, ngx_http_magasin_pg_job_t, queue);
    pool = first->pool;

    block = first->block;
    sentinel = block ? ngx_queue_sentinel(&block->jobs)
                     : ngx_queue_sentinel(&pool->waiting[first->class]);

    following = ngx_queue_next(q);

    ngx_http_magasin_pg_unlink(first);

    first->next = NULL;

    if (first->gather) {
        ngx_http_magasin_pg_batch_gather(first, block);
        return first;
    }

    last = &first->next;
    n = 1;

    while ((first->merge || first->share) && following != sentinel
           && (n < NGX_HTTP_MAGASIN_PG_BATCH || first->share))
    {
        job = ngx_queue_data(following, ngx_http_magasin_pg_job_t, queue);
        following = ngx_queue_next(following);

        if (job->merge == first->merge && job->share == first->share
            && job->statement == first->statement)
        {
            ngx_http_magasin_pg_unlink(job);

            job->next = NULL;
            *last = job;
            last = &job->next;
            n++;
        }
    }

    return first;
}


/* Returns 1 if no connection can take another write. */

static ngx_uint_t
ngx_http_magasin_pg_taken(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t                         i;
    ngx_http_magasin_pg_connection_t  *connection;

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (connection->state == NGX_HTTP_MAGASIN_PG_READY
            && !connection->heavy && connection->lane == NULL
            && connection->syncs < NGX_HTTP_MAGASIN_PG_WRITES)
        {
            return 0;
        }
    }

    return 1;
}


/*
 * Choose the connection for a job: for a read the one whose batch is open, for
 * a write the one on which another write of the same row is in flight, else
 * the least busy one.
 *
 * Returns NULL if the job has to wait.
 */

ngx_http_magasin_pg_connection_t *
ngx_http_magasin_pg_choose(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_job_t *job)
{
    ngx_uint_t                         i;
    ngx_http_magasin_pg_connection_t  *connection, *best, *reserved;

    best = NULL;
    reserved = ngx_http_magasin_pg_reserved(pool);

    if (job->class == NGX_HTTP_MAGASIN_PG_HEAVY) {
        return reserved && ngx_http_magasin_pg_accepts(reserved, job)
               ? reserved : NULL;
    }

    if (job->gather && !job->alone) {

        if (job->block == NULL && ngx_http_magasin_pg_batch_held(pool)) {
            return NULL;
        }

    } else if (job->class == NGX_HTTP_MAGASIN_PG_WRITE) {
        connection = ngx_http_magasin_pg_follow(pool, job);

        if (connection) {
            return connection != reserved
                   && ngx_http_magasin_pg_accepts(connection, job)
                   ? connection : NULL;
        }

    } else if (job->block == NULL && ngx_http_magasin_pg_held(pool)) {
        return NULL;
    }

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (connection == reserved
            || !ngx_http_magasin_pg_accepts(connection, job)
            || ((job->class == NGX_HTTP_MAGASIN_PG_WRITE || job->block)
                && !ngx_http_magasin_pg_spares(connection, reserved)))
        {
            continue;
        }

        if (connection->batch) {
            return connection;
        }

        if (best == NULL || ngx_http_magasin_pg_better(connection, best)) {
            best = connection;
        }
    }

    return best;
}


/*
 * Returns 1 if the reads wait for the end of a batch.  One that is alone in
 * flight is not waited for while another connection is idle.
 */

static ngx_uint_t
ngx_http_magasin_pg_held(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t                         i, held, lone, idle;
    ngx_http_magasin_pg_connection_t  *connection, *reserved;

    reserved = ngx_http_magasin_pg_reserved(pool);
    held = 0;
    lone = 0;
    idle = 0;

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (connection->reading) {
            held |= ngx_current_msec - connection->reading
                    < NGX_HTTP_MAGASIN_PG_HOLD;

        } else if (connection->state != NGX_HTTP_MAGASIN_PG_READY
                   || connection->heavy || connection->lane
                   || connection->writes || connection->batch)
        {
            continue;

        } else if (ngx_http_magasin_pg_in_flight(connection) == 0) {
            idle += (connection != reserved);

        } else if (ngx_current_msec - connection->progress
                   < NGX_HTTP_MAGASIN_PG_HOLD)
        {
            lone++;
        }
    }

    if (!held && (lone == 0 || (lone == 1 && idle))) {
        return 0;
    }

    if (!pool->hold.timer_set) {
        ngx_add_timer(&pool->hold, NGX_HTTP_MAGASIN_PG_HOLD);
    }

    return 1;
}


/* Returns the connection with a write of the same row in flight, or NULL. */

static ngx_http_magasin_pg_connection_t *
ngx_http_magasin_pg_follow(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_job_t *job)
{
    uint64_t                           key;
    ngx_uint_t                         i, k;
    ngx_http_magasin_pg_connection_t  *connection;

    key = ngx_http_magasin_pg_lane_key(job);

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        for (k = 0; k < connection->writes; k++) {
            if (connection->locks[k] == key) {
                return connection;
            }
        }
    }

    return NULL;
}


/*
 * Returns 1 if `connection` is better than `best`: it has no writes, or less
 * in flight.
 */

static ngx_uint_t
ngx_http_magasin_pg_better(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_connection_t *best)
{
    if ((connection->writes == 0) != (best->writes == 0)) {
        return connection->writes == 0;
    }

    return ngx_http_magasin_pg_in_flight(connection)
           < ngx_http_magasin_pg_in_flight(best);
}


static ngx_uint_t
ngx_http_magasin_pg_accepts(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job)
{
    if (connection->state != NGX_HTTP_MAGASIN_PG_READY || connection->heavy
        || connection->lane
        || connection->missing[job->statement]
        || (connection->pool->conf->replica
            && connection->missing[NGX_HTTP_MAGASIN_SQL_REPLICA])
        || ngx_http_magasin_pg_stalled(connection))
    {
        return 0;
    }

    if (job->class == NGX_HTTP_MAGASIN_PG_HEAVY) {
        return ngx_http_magasin_pg_in_flight(connection) == 0;
    }

    if (job->gather && !job->alone && connection->gathering) {
        return 0;
    }

    if (job->class == NGX_HTTP_MAGASIN_PG_WRITE || job->block) {
        return connection->batch == 0
               && connection->syncs < NGX_HTTP_MAGASIN_PG_WRITES;
    }

    return connection->batch < NGX_HTTP_MAGASIN_PG_BATCH
           && connection->syncs < NGX_HTTP_MAGASIN_PG_BATCHES;
}
