
/*
 * The pool of a worker: its jobs are submitted, wait, end, time out and are
 * cancelled.  ngx_http_magasin_pg_schedule.c decides what is sent where.
 */


#include "ngx_http_magasin_pg_internal.h"


static ngx_uint_t ngx_http_magasin_pg_join(ngx_http_magasin_pg_job_t *job);
static void ngx_http_magasin_pg_reopen(ngx_http_magasin_pg_pool_t *pool);
static void ngx_http_magasin_pg_queued(ngx_http_magasin_pg_job_t *job,
    ngx_int_t n);
static void ngx_http_magasin_pg_timeout(ngx_event_t *ev);


/*
 * Create the pool of a worker and start to connect.  A server that is not
 * there is no error: the connections are tried again until they are made.
 *
 * Returns NULL if memory is short.
 */

ngx_http_magasin_pg_pool_t *
ngx_http_magasin_pg_create(ngx_cycle_t *cycle, ngx_http_magasin_pg_conf_t *pcf)
{
    ngx_uint_t                   i;
    ngx_http_magasin_pg_pool_t  *pool;

    pool = ngx_pcalloc(cycle->pool, sizeof(ngx_http_magasin_pg_pool_t));
    if (pool == NULL) {
        return NULL;
    }

    pool->connections = ngx_pcalloc(cycle->pool,
              pcf->connections * sizeof(ngx_http_magasin_pg_connection_t));
    if (pool->connections == NULL) {
        return NULL;
    }

    /* Private ones, until _measure() replaces them. */

    pool->counters = ngx_pcalloc(cycle->pool,
                                 sizeof(ngx_http_magasin_pg_counters_t)
                                 + sizeof(ngx_http_magasin_pg_gauges_t));
    if (pool->counters == NULL) {
        return NULL;
    }

    pool->gauges = (ngx_http_magasin_pg_gauges_t *) (pool->counters + 1);

    pool->conf = pcf;
    pool->log = cycle->log;

    ngx_http_magasin_pg_life_init(pool, cycle);

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_CLASSES; i++) {
        ngx_queue_init(&pool->waiting[i]);
    }

    pool->dispatch.handler = ngx_http_magasin_pg_dispatch;
    pool->dispatch.data = pool;
    pool->dispatch.log = cycle->log;

    ngx_http_magasin_event_timer(&pool->hold, ngx_http_magasin_pg_dispatch,
                                 pool, cycle->log);

    ngx_http_magasin_event_timer(&pool->gather, ngx_http_magasin_pg_dispatch,
                                 pool, cycle->log);

    ngx_http_magasin_pg_lane_init(pool);
    ngx_http_magasin_pg_stuck_init(pool);

    for (i = 0; i < pcf->connections; i++) {
        ngx_http_magasin_pg_connection_init(&pool->connections[i], pool, i);
    }

    for (i = 0; i < pcf->connections; i++) {
        ngx_http_magasin_pg_connection_open(&pool->connections[i]);
    }

    return pool;
}


/* Write the counters and gauges there from now on. */

void
ngx_http_magasin_pg_measure(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_counters_t *counters,
    ngx_http_magasin_pg_gauges_t *gauges)
{
    pool->counters = counters;
    pool->gauges = gauges;

    gauges->connections = pool->conf->connections;

    ngx_http_magasin_pg_gauge(pool);
}


/*
 * Close all connections when the worker exits.  No callback is called: the
 * requests are gone, or end with the process.
 */

void
ngx_http_magasin_pg_destroy(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t  i;

    ngx_http_magasin_pg_stuck_end(pool);

    pool->closed = 1;

    if (pool->replicas) {
        ngx_http_magasin_pg_replicas_destroy(pool->replicas);
        pool->replicas = NULL;
    }

    if (pool->dispatch.posted) {
        ngx_delete_posted_event(&pool->dispatch);
    }

    if (pool->hold.timer_set) {
        ngx_del_timer(&pool->hold);
    }

    if (pool->gather.timer_set) {
        ngx_del_timer(&pool->gather);
    }

    if (pool->pause.timer_set) {
        ngx_del_timer(&pool->pause);
    }

    for (i = 0; i < pool->conf->connections; i++) {
        ngx_http_magasin_pg_connection_close(&pool->connections[i]);
    }
}


/*
 * Set up a job, which is zeroed, for a read that a worker asks for itself and
 * no request waits for.  It is not refused when the queue is full: there is one
 * at a time.
 */

void
ngx_http_magasin_pg_own(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_statement_e statement,
    ngx_http_magasin_pg_ready_pt ready, ngx_http_magasin_pg_failed_pt failed,
    void *data, ngx_log_t *log)
{
    job->statement = statement;
    job->class = NGX_HTTP_MAGASIN_PG_READ;
    job->ready = ready;
    job->failed = failed;
    job->data = data;
    job->log = log;
    job->admitted = 1;
}


/*
 * Submit a job.  Its timeout starts.
 *
 * Returns NGX_OK: one callback will follow.  NGX_BUSY: the queue of its class
 * is full.  NGX_DECLINED: no server answers.  No callback follows after
 * NGX_BUSY or NGX_DECLINED.
 */

ngx_int_t
ngx_http_magasin_pg_submit(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_job_t *job)
{
    ngx_msec_t  timeout;

    job->pool = pool;

    if (job->weigh && job->class == NGX_HTTP_MAGASIN_PG_READ
        && ngx_http_magasin_pg_weighs(pool, ngx_http_magasin_pg_weight(job)))
    {
        job->class = NGX_HTTP_MAGASIN_PG_HEAVY;
    }

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: submit statement %d, class:%d queued:%ui "
                   "down:%d", job->statement, job->class,
                   pool->queued[job->class], pool->down);

    if (pool->queued[job->class] >= pool->conf->queue[job->class]
        && !job->admitted)
    {
        job->pool = NULL;
        ngx_http_magasin_count(pool->counters->full);
        ngx_http_magasin_count(pool->counters->refused[job->class]);
        return NGX_BUSY;
    }

    if (pool->down) {
        job->pool = NULL;
        ngx_http_magasin_count(pool->counters->down);
        return NGX_DECLINED;
    }

    job->slot = NULL;
    job->block = NULL;
    job->resent = 0;
    job->contested = 0;
    job->missed = 0;
    job->second = 0;
    job->alone = 0;
    job->unknown = 0;
    timeout = pool->conf->timeout
              * (job->commit ? NGX_HTTP_MAGASIN_PG_LONGER : 1);

    if (pool->conf->replica) {

        /* The primary is there yet. */

        timeout = ngx_max(timeout / 2, 1);

        if (job->class == NGX_HTTP_MAGASIN_PG_READ) {
            timeout = ngx_min(timeout, NGX_HTTP_MAGASIN_PG_REPLICA_TIME);
        }
    }

    job->deadline = ngx_current_msec + timeout;
    job->submitted = ngx_http_magasin_clock();

    if (job->gather) {
        ngx_http_magasin_pg_batch_weigh(job);
    }

    job->timer.handler = ngx_http_magasin_pg_timeout;
    job->timer.data = job;
    job->timer.log = job->log;

    ngx_add_timer(&job->timer, timeout);

    if (job->share && ngx_http_magasin_pg_join(job)) {
        return NGX_OK;
    }

    /*
     * A statement of a long answer that has begun goes first.  Otherwise all
     * long answers would take as long as the last one.
     */

    ngx_http_magasin_pg_link(job, &pool->waiting[job->class],
                             job->admitted
                             && job->class == NGX_HTTP_MAGASIN_PG_HEAVY);
    ngx_http_magasin_pg_wake(pool);

    if (pool->ready == 0 && ngx_exiting) {
        ngx_http_magasin_pg_reopen(pool);
    }

    return NGX_OK;
}


/*
 * A worker that shuts down has closed its idle connections, and a job came:
 * connect again, unless a connection is left.  By a timer: no callback may be
 * called from inside of ngx_http_magasin_pg_submit().
 */

static void
ngx_http_magasin_pg_reopen(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t  i;

    for (i = 0; i < pool->conf->connections; i++) {
        if (pool->connections[i].state != NGX_HTTP_MAGASIN_PG_CLOSED) {
            return;
        }
    }

    if (!pool->connections[0].timer.timer_set) {
        ngx_add_timer(&pool->connections[0].timer, 1);
    }
}


/*
 * Share the answer to the same statement, if it is in flight on a connection
 * that is not silent.  Returns 1 if the job is in a slot, else 0.
 */

static ngx_uint_t
ngx_http_magasin_pg_join(ngx_http_magasin_pg_job_t *job)
{
    ngx_http_magasin_pg_slot_t  *slot;

    slot = job->pool->shared[job->statement];

    if (slot == NULL || ngx_http_magasin_pg_stalled(slot->connection)) {
        return 0;
    }

    job->slot = slot;
    job->next = slot->jobs;
    slot->jobs = job;

    return 1;
}


/*
 * Forget a job, because its owner ends.  A statement that was sent is run by
 * the server, and its answer is dropped.  A job that was not submitted is
 * ignored.
 */

void
ngx_http_magasin_pg_cancel(ngx_http_magasin_pg_job_t *job)
{
    if (job->pool == NULL) {
        return;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: cancel statement %d, queued:%d",
                   job->statement, job->queued);

    if (job->queued) {
        ngx_http_magasin_pg_unlink(job);
    }

    ngx_http_magasin_pg_leave(job);
    ngx_http_magasin_pg_finish(job);
}


/* Update the gauges of the connections. */

void
ngx_http_magasin_pg_gauge(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t  i, busy;

    busy = 0;

    for (i = 0; i < pool->conf->connections; i++) {
        busy += pool->connections[i].state == NGX_HTTP_MAGASIN_PG_READY
                && ngx_http_magasin_pg_in_flight(&pool->connections[i]) != 0;
    }

    pool->gauges->ready = pool->ready;
    pool->gauges->busy = busy;
}


/* Fill `state` for /readyz.  Missing statements are prepared again. */

void
ngx_http_magasin_pg_state(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_state_t *state)
{
    ngx_uint_t  class;

    class = NGX_HTTP_MAGASIN_PG_WRITE;

    state->ready = pool->ready;
    state->locked = pool->nlocked;
    state->collations = pool->collations;
    state->stuck = ngx_http_magasin_pg_stuck_writes(pool);
    state->full = (pool->queued[class] >= pool->conf->queue[class]);
    state->missing = (pool->ready != 0
                      && ngx_http_magasin_pg_lacks_writes(pool));

    if (state->missing) {
        ngx_http_magasin_pg_prepare_missing(pool);
    }
}


const char *
ngx_http_magasin_pg_class_name(ngx_uint_t class)
{
    static const char  *names[] = { "read", "write", "heavy" };

    return names[class];
}


/* Post a dispatch for the end of this turn of the event loop. */

void
ngx_http_magasin_pg_wake(ngx_http_magasin_pg_pool_t *pool)
{
    if (pool->nwaiting && !pool->closed) {
        ngx_post_event(&pool->dispatch, &ngx_posted_events);
    }
}


/* Remove and return the first job of a slot; NULL: it has none. */

ngx_http_magasin_pg_job_t *
ngx_http_magasin_pg_take(ngx_http_magasin_pg_slot_t *slot)
{
    ngx_http_magasin_pg_job_t  *job;

    job = slot->jobs;

    if (job) {
        slot->jobs = job->next;
        job->next = NULL;
        job->slot = NULL;
    }

    return job;
}


/* Free the result that is kept in a slot.  No job can share it any more. */

void
ngx_http_magasin_pg_clear(ngx_http_magasin_pg_slot_t *slot)
{
    ngx_http_magasin_pg_pool_t  *pool;

    pool = slot->connection->pool;

    if (!slot->sync && pool->shared[slot->statement] == slot) {
        pool->shared[slot->statement] = NULL;
    }

    ngx_http_magasin_pg_drop(slot);
}


/* Free the result that is kept in a slot. */

void
ngx_http_magasin_pg_drop(ngx_http_magasin_pg_slot_t *slot)
{
    PQclear(slot->result);
    slot->result = NULL;
}


/*
 * Put a job that was sent but not run back to the head of its queue.  A job
 * that missed a lock goes to the lane, unless too much is locked.
 */

void
ngx_http_magasin_pg_requeue(ngx_http_magasin_pg_job_t *job)
{
    if (job->missed) {
        job->missed = 0;

        if (ngx_http_magasin_pg_lane_add(job, 1) == NGX_OK) {
            return;
        }
    }

    ngx_http_magasin_pg_link(job, &job->pool->waiting[job->class], 1);
}


/* Release a job, before its callback or its end. */

void
ngx_http_magasin_pg_finish(ngx_http_magasin_pg_job_t *job)
{
    if (job->timer.timer_set) {
        ngx_del_timer(&job->timer);
    }

    job->slot = NULL;
    job->pool = NULL;
}


/*
 * Fail all jobs of a queue.  A callback may end other requests and so cancel
 * jobs of this queue: its head is read again each time.
 */

void
ngx_http_magasin_pg_fail_queue(ngx_queue_t *queue)
{
    ngx_queue_t                *q;
    ngx_http_magasin_pg_job_t  *job;

    while (!ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        job = ngx_queue_data(q, ngx_http_magasin_pg_job_t, queue);

        ngx_http_magasin_pg_unlink(job);
        ngx_http_magasin_pg_finish(job);

        job->failed(job, NGX_HTTP_MAGASIN_PG_UNAVAILABLE, NULL);
    }
}


/* Fail all jobs that wait: a round of attempts has found no server. */

void
ngx_http_magasin_pg_fail_waiting(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t   i;
    ngx_queue_t  failed;

    ngx_queue_init(&failed);

    ngx_http_magasin_pg_lane_empty(pool);

    for (i = 0; i < pool->conf->connections; i++) {
        ngx_http_magasin_pg_connection_resume(&pool->connections[i]);
    }

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_CLASSES; i++) {
        if (!ngx_queue_empty(&pool->waiting[i])) {
            ngx_queue_add(&failed, &pool->waiting[i]);
            ngx_queue_init(&pool->waiting[i]);
        }
    }

    ngx_http_magasin_pg_fail_queue(&failed);
}


void
ngx_http_magasin_pg_link(ngx_http_magasin_pg_job_t *job, ngx_queue_t *queue,
    ngx_uint_t first)
{
    if (first) {
        ngx_queue_insert_head(queue, &job->queue);

    } else {
        ngx_queue_insert_tail(queue, &job->queue);
    }

    job->queued = 1;
    ngx_http_magasin_pg_queued(job, 1);
}


void
ngx_http_magasin_pg_unlink(ngx_http_magasin_pg_job_t *job)
{
    ngx_http_magasin_pg_block_t  *block;

    ngx_queue_remove(&job->queue);

    block = job->block;

    job->queued = 0;
    job->block = NULL;
    ngx_http_magasin_pg_queued(job, -1);

    if (block) {
        block->njobs--;
        job->pool->nlocked--;
        job->pool->gauges->locked = job->pool->nlocked;

        ngx_http_magasin_pg_lane_free(job->pool, block);
    }
}


/* Add `n`, 1 or -1, to the number of jobs that wait. */

static void
ngx_http_magasin_pg_queued(ngx_http_magasin_pg_job_t *job, ngx_int_t n)
{
    ngx_http_magasin_pg_pool_t  *pool;

    pool = job->pool;

    pool->nwaiting += n;
    pool->queued[job->class] += n;

    pool->gauges->waiting = pool->nwaiting;
    pool->gauges->queues[job->class] = pool->queued[job->class];
}


/* Remove a job from its slot, if it has one. */

void
ngx_http_magasin_pg_leave(ngx_http_magasin_pg_job_t *job)
{
    ngx_http_magasin_pg_job_t  **p;

    if (job->slot == NULL) {
        return;
    }

    for (p = &job->slot->jobs; *p; p = &(*p)->next) {
        if (*p == job) {
            *p = job->next;
            break;
        }
    }

    job->next = NULL;
    job->slot = NULL;
}


static void
ngx_http_magasin_pg_timeout(ngx_event_t *ev)
{
    ngx_http_magasin_pg_job_t  *job;

    job = ev->data;

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: timeout of statement %d, queued:%d block:%p "
                   "slot:%p", job->statement, job->queued, job->block,
                   job->slot);

    if (job->queued && !job->unknown
        && (job->block || job->class == NGX_HTTP_MAGASIN_PG_WRITE))
    {
        /* The server has not got it: it is known not to be done. */

        ngx_http_magasin_pg_locked(job);
        return;
    }

    if (job->queued) {
        ngx_http_magasin_pg_unlink(job);
    }

    ngx_http_magasin_count(job->pool->counters->timeouts);

    if (job->slot) {
        ngx_http_magasin_pg_connection_watch(job->slot->connection);
        ngx_http_magasin_pg_leave(job);
    }

    ngx_http_magasin_pg_finish(job);

    job->failed(job, NGX_HTTP_MAGASIN_PG_TIMEOUT, NULL);
}
