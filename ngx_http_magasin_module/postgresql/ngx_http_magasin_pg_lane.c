
/*
 * Jobs that wait for locks of other transactions.
 *
 * A statement waits in PostgreSQL for a few milliseconds only, since others
 * may need its connection.  Then the lock_timeout of the session rolls it
 * back, so it may run again.  What it has asked for becomes a "block".  The
 * jobs that ask for the same thing wait in the block, in the worker.
 *
 * There is one lane for all blocks: one connection at a time.  On it the first
 * job of each block has a turn, with a longer lock_timeout.  If the turn gets
 * the lock, all jobs of the block return to their queues.  If it does not, the
 * block pauses.  A job whose time is over without a turn is known not to be
 * done.  Jobs that gather share a turn, also those of several blocks as long as
 * none of these was in vain.
 *
 * A block is identified by a hash: of the rows that the job names (job->locks),
 * or else of its statement and its first parameter.  For a read, which waits
 * for locks on tables only, it is the hash of its statement.
 */


#include "ngx_http_magasin_pg_internal.h"


static ngx_http_magasin_pg_block_t *ngx_http_magasin_pg_lane_find(
    ngx_http_magasin_pg_pool_t *pool, uint64_t key);
static ngx_http_magasin_pg_block_t *ngx_http_magasin_pg_lane_block(
    ngx_http_magasin_pg_job_t *job);
static ngx_uint_t ngx_http_magasin_pg_lane_full(
    ngx_http_magasin_pg_job_t *job, ngx_http_magasin_pg_block_t *block);
static void ngx_http_magasin_pg_lane_wait(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_block_t *block, ngx_uint_t first);
static ngx_http_magasin_pg_block_t *ngx_http_magasin_pg_lane_turn(
    ngx_http_magasin_pg_pool_t *pool);
static void ngx_http_magasin_pg_lane_ended(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_block_t *block, ngx_uint_t missed);
static void ngx_http_magasin_pg_lane_release(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_block_t *block);
static void ngx_http_magasin_pg_lane_timer(ngx_http_magasin_pg_job_t *job,
    ngx_msec_t when);


void
ngx_http_magasin_pg_lane_init(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t  i;

    ngx_queue_init(&pool->blocks);
    ngx_queue_init(&pool->spare);

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_BLOCKS; i++) {
        ngx_queue_init(&pool->block[i].jobs);
        ngx_queue_insert_tail(&pool->spare, &pool->block[i].queue);
    }

    ngx_http_magasin_event_timer(&pool->pause, ngx_http_magasin_pg_dispatch,
                                 pool, pool->log);
}


/*
 * May a job that missed a lock wait for it and run again?  Returns 1, or 0 if
 * its time is over or too much is locked.
 */

ngx_uint_t
ngx_http_magasin_pg_lane_waits(ngx_http_magasin_pg_job_t *job)
{
    ngx_http_magasin_pg_pool_t   *pool;
    ngx_http_magasin_pg_block_t  *block;

    pool = job->pool;

    if (job->class == NGX_HTTP_MAGASIN_PG_HEAVY) {
        return 0;
    }

    /* It needs room in its block, or a block that is unused. */

    block = ngx_http_magasin_pg_lane_find(pool,
                                          ngx_http_magasin_pg_lane_key(job));

    if (block ? ngx_http_magasin_pg_lane_full(job, block)
              : ngx_queue_empty(&pool->spare))
    {
        return 0;
    }

    return !job->contested
           || (ngx_msec_int_t) (job->until - ngx_current_msec) > 0;
}


/*
 * Put a job that missed a lock into its block, before the others if `first`
 * is 1.
 *
 * Returns NGX_OK, or NGX_DECLINED if all blocks are in use.
 */

ngx_int_t
ngx_http_magasin_pg_lane_add(ngx_http_magasin_pg_job_t *job, ngx_uint_t first)
{
    uint64_t                      key;
    ngx_http_magasin_pg_pool_t   *pool;
    ngx_http_magasin_pg_block_t  *block;

    pool = job->pool;
    key = ngx_http_magasin_pg_lane_key(job);
    block = ngx_http_magasin_pg_lane_find(pool, key);

    if (block == NULL) {

        if (ngx_queue_empty(&pool->spare)) {
            return NGX_DECLINED;
        }

        block = ngx_queue_data(ngx_queue_head(&pool->spare),
                               ngx_http_magasin_pg_block_t, queue);
        ngx_queue_remove(&block->queue);
        ngx_queue_insert_tail(&pool->blocks, &block->queue);

        block->key = key;
        block->next = ngx_current_msec;
        block->misses = 0;
        block->njobs = 0;
        block->missed = 0;

        pool->nblocks++;
    }

    ngx_http_magasin_pg_lane_wait(job, block, first);

    return NGX_OK;
}


/*
 * Before a job of a queue is sent: put it into the block of what it asks for,
 * if there is one.
 *
 * Returns NGX_OK: it waits in the block.  NGX_DECLINED: it may be sent.
 * NGX_DONE: the block is full and the job was failed; its callback may have
 * ended other jobs.
 */

ngx_int_t
ngx_http_magasin_pg_lane_join(ngx_http_magasin_pg_job_t *job)
{
    ngx_http_magasin_pg_block_t  *block;

    block = ngx_http_magasin_pg_lane_block(job);

    if (block == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_http_magasin_pg_lane_full(job, block)) {
        ngx_http_magasin_pg_locked(job);
        return NGX_DONE;
    }

    ngx_http_magasin_pg_unlink(job);
    ngx_http_magasin_pg_lane_wait(job, block, 0);

    return NGX_OK;
}


/* Returns 1 if a job has to wait in a block before it may be sent. */

ngx_uint_t
ngx_http_magasin_pg_lane_blocks(ngx_http_magasin_pg_job_t *job)
{
    return job->pool->nblocks && ngx_http_magasin_pg_lane_block(job) != NULL;
}


/* Returns the block of what a job asks for, or of a part of it; NULL: none. */

static ngx_http_magasin_pg_block_t *
ngx_http_magasin_pg_lane_block(ngx_http_magasin_pg_job_t *job)
{
    ngx_uint_t                    i;
    ngx_http_magasin_pg_block_t  *block;

    block = ngx_http_magasin_pg_lane_find(job->pool,
                                          ngx_http_magasin_pg_lane_key(job));

    for (i = 0; block == NULL && i < job->nlocks && job->nlocks > 1; i++) {
        block = ngx_http_magasin_pg_lane_find(job->pool, job->locks[i]);
    }

    return block;
}


/* Returns 1 if no further job of this class may wait in the block. */

static ngx_uint_t
ngx_http_magasin_pg_lane_full(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_block_t *block)
{
    ngx_uint_t                   share;
    ngx_http_magasin_pg_pool_t  *pool;

    pool = job->pool;

    share = pool->conf->queue[job->class] / NGX_HTTP_MAGASIN_PG_BLOCK_SHARE;
    share = ngx_max(share, 1);

    return block->njobs >= share || pool->nlocked >= 2 * share;
}


/*
 * Fail a job that waits, because what it needs is locked.  Its callback may
 * end other jobs.
 */

void
ngx_http_magasin_pg_locked(ngx_http_magasin_pg_job_t *job)
{
    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: job of statement %d rejected for a lock, "
                   "block:%p", job->statement, job->block);

    ngx_http_magasin_count(job->pool->counters->locked);

    ngx_http_magasin_pg_unlink(job);
    ngx_http_magasin_pg_finish(job);

    job->failed(job, NGX_HTTP_MAGASIN_PG_LOCKED, NULL);
}


static ngx_http_magasin_pg_block_t *
ngx_http_magasin_pg_lane_find(ngx_http_magasin_pg_pool_t *pool, uint64_t key)
{
    ngx_queue_t                  *q;
    ngx_http_magasin_pg_block_t  *block;

    for (q = ngx_queue_head(&pool->blocks);
         q != ngx_queue_sentinel(&pool->blocks);
         q = ngx_queue_next(q))
    {
        block = ngx_queue_data(q, ngx_http_magasin_pg_block_t, queue);

        if (block->key == key) {
            return block;
        }
    }

    return NULL;
}


static void
ngx_http_magasin_pg_lane_wait(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_block_t *block, ngx_uint_t first)
{
    ngx_http_magasin_pg_pool_t  *pool;

    pool = job->pool;

    if (!job->contested) {
        job->contested = 1;
        job->until = ngx_current_msec + pool->conf->lock_timeout;

        if ((ngx_msec_int_t) (job->until - job->deadline) > 0) {
            job->until = job->deadline;
        }
    }

    job->block = block;
    block->njobs++;
    ngx_http_magasin_pg_link(job, &block->jobs, first);

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: job of statement %d waits in block %p, "
                   "jobs:%ui", job->statement, block, block->njobs);

    pool->nlocked++;
    pool->gauges->locked = pool->nlocked;

    ngx_http_magasin_pg_lane_timer(job, job->until);
}


/* Start the turn of the next block, if the lane is free. */

void
ngx_http_magasin_pg_lane_dispatch(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_int_t                          rc;
    ngx_msec_t                         wait;
    ngx_http_magasin_pg_job_t         *job, *next;
    ngx_http_magasin_pg_block_t       *block;
    ngx_http_magasin_pg_connection_t  *connection;

    if (pool->lane || pool->nblocks == 0) {
        return;
    }

    block = ngx_http_magasin_pg_lane_turn(pool);
    if (block == NULL) {
        return;
    }

    job = ngx_queue_data(ngx_queue_head(&block->jobs),
                         ngx_http_magasin_pg_job_t, queue);

    connection = ngx_http_magasin_pg_choose(pool, job);
    if (connection == NULL) {
        return;
    }

    pool->lane = 1;
    block->busy = 1;
    block->missed = 0;
    connection->lane = block;

    wait = NGX_HTTP_MAGASIN_PG_LOCK_TURN;

    if (ngx_http_magasin_pg_alone(connection)) {
        wait = NGX_HTTP_MAGASIN_PG_LOCK_WAIT;
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, pool->log, 0,
                   "magasin pg: turn of block %p on connection %ui, lock "
                   "wait:%M ms", block, connection->number, wait);

    job = ngx_http_magasin_pg_next(&job->queue);

    for (next = job; next; next = next->next) {
        ngx_http_magasin_pg_lane_timer(next, next->deadline);
    }

    rc = ngx_http_magasin_pg_connection_send(connection, job, wait);

    if (rc == NGX_DECLINED) {
        ngx_http_magasin_pg_lane_end(connection);
        ngx_http_magasin_pg_fail_jobs(job);
        ngx_http_magasin_pg_wake(pool);

    } else if (rc == NGX_ERROR) {

        for (next = job; next; next = next->next) {
            next->missed = 1;
        }

        ngx_http_magasin_pg_return(job);
        ngx_http_magasin_pg_connection_lost(connection, NULL);
    }
}


/*
 * Returns the next block that has jobs and does not pause, or NULL.  The timer
 * of the shortest pause is started then.
 */

static ngx_http_magasin_pg_block_t *
ngx_http_magasin_pg_lane_turn(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_queue_t                  *q;
    ngx_msec_int_t                wait, soonest;
    ngx_http_magasin_pg_block_t  *block;

    soonest = NGX_MAX_INT32_VALUE;

    for (q = ngx_queue_head(&pool->blocks);
         q != ngx_queue_sentinel(&pool->blocks);
         q = ngx_queue_next(q))
    {
        block = ngx_queue_data(q, ngx_http_magasin_pg_block_t, queue);

        if (ngx_queue_empty(&block->jobs)) {
            continue;
        }

        wait = (ngx_msec_int_t) (block->next - ngx_current_msec);

        if (wait <= 0) {
            return block;
        }

        soonest = ngx_min(soonest, wait);
    }

    if (soonest != NGX_MAX_INT32_VALUE) {

        /* ngx_add_timer() keeps a timer that differs by less than 300 ms. */

        if (pool->pause.timer_set) {
            ngx_del_timer(&pool->pause);
        }

        ngx_add_timer(&pool->pause, (ngx_msec_t) soonest);
    }

    return NULL;
}


/*
 * A turn has ended, or its connection was closed.  The blocks whose jobs were
 * in it are those that are busy.
 */

void
ngx_http_magasin_pg_lane_end(ngx_http_magasin_pg_connection_t *connection)
{
    ngx_uint_t                    missed;
    ngx_queue_t                  *q, *next;
    ngx_http_magasin_pg_pool_t   *pool;
    ngx_http_magasin_pg_block_t  *block;

    if (connection->lane == NULL) {
        return;
    }

    pool = connection->pool;
    missed = connection->lane->missed;

    connection->lane = NULL;
    pool->lane = 0;
    pool->writes = 1;

    for (q = ngx_queue_head(&pool->blocks);
         q != ngx_queue_sentinel(&pool->blocks);
         q = next)
    {
        next = ngx_queue_next(q);
        block = ngx_queue_data(q, ngx_http_magasin_pg_block_t, queue);

        if (block->busy) {
            ngx_http_magasin_pg_lane_ended(pool, block, missed);
        }
    }
}


/*
 * A block has had a turn.  If the lock was missed, the block pauses, and its
 * next turn is its own.  Else its jobs return to their queues; few that gather
 * stay for the next turn, since those who have the lock by turns with others
 * would miss it there.
 */

static void
ngx_http_magasin_pg_lane_ended(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_block_t *block, ngx_uint_t missed)
{
    ngx_uint_t                  pauses;
    ngx_http_magasin_pg_job_t  *job;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, pool->log, 0,
                   "magasin pg: turn of block %p ended, missed:%ui misses:%ui",
                   block, missed, block->misses);

    block->busy = 0;

    if (ngx_queue_empty(&block->jobs)) {
        ngx_http_magasin_pg_lane_free(pool, block);
        return;
    }

    ngx_queue_remove(&block->queue);
    ngx_queue_insert_tail(&pool->blocks, &block->queue);

    if (missed) {
        pauses = ngx_min(block->misses, NGX_HTTP_MAGASIN_PG_LOCK_PAUSES);

        block->misses++;
        block->next = ngx_current_msec
                      + (NGX_HTTP_MAGASIN_PG_LOCK_PAUSE << pauses);
        return;
    }

    job = ngx_queue_data(ngx_queue_head(&block->jobs),
                         ngx_http_magasin_pg_job_t, queue);

    if (job->gather && block->njobs <= NGX_HTTP_MAGASIN_PG_GATHER) {
        block->misses = 0;
        return;
    }

    ngx_http_magasin_pg_lane_release(pool, block);
    ngx_http_magasin_pg_lane_free(pool, block);
}


/* Put the jobs of a block at the heads of their queues. */

static void
ngx_http_magasin_pg_lane_release(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_block_t *block)
{
    ngx_uint_t                  busy;
    ngx_http_magasin_pg_job_t  *job;

    /* The last job must not free the block: the caller does that. */

    busy = block->busy;
    block->busy = 1;

    while (!ngx_queue_empty(&block->jobs)) {
        job = ngx_queue_data(ngx_queue_last(&block->jobs),
                             ngx_http_magasin_pg_job_t, queue);

        ngx_http_magasin_pg_unlink(job);
        ngx_http_magasin_pg_lane_timer(job, job->deadline);
        ngx_http_magasin_pg_link(job, &pool->waiting[job->class], 1);
    }

    block->busy = busy;
}


/* Free a block that has no jobs and no turn. */

void
ngx_http_magasin_pg_lane_free(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_block_t *block)
{
    if (block->busy || !ngx_queue_empty(&block->jobs)) {
        return;
    }

    ngx_queue_remove(&block->queue);
    ngx_queue_insert_tail(&pool->spare, &block->queue);

    pool->nblocks--;
}


/* No server answers: put the jobs of all blocks back into their queues. */

void
ngx_http_magasin_pg_lane_empty(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_queue_t                  *q, *next;
    ngx_http_magasin_pg_block_t  *block;

    for (q = ngx_queue_head(&pool->blocks);
         q != ngx_queue_sentinel(&pool->blocks);
         q = next)
    {
        next = ngx_queue_next(q);
        block = ngx_queue_data(q, ngx_http_magasin_pg_block_t, queue);

        ngx_http_magasin_pg_lane_release(pool, block);
        ngx_http_magasin_pg_lane_free(pool, block);
    }
}


/* Restart the timer of a job, which ends it at the time `when`. */

static void
ngx_http_magasin_pg_lane_timer(ngx_http_magasin_pg_job_t *job, ngx_msec_t when)
{
    ngx_msec_int_t  wait;

    wait = (ngx_msec_int_t) (when - ngx_current_msec);

    if (job->timer.timer_set) {
        ngx_del_timer(&job->timer);
    }

    ngx_add_timer(&job->timer, (ngx_msec_t) ngx_max(wait, 1));
}
