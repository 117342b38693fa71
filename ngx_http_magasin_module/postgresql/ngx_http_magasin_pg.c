
/*
 * The pool: jobs that come, wait, end and are given up.  What is sent where is
 * decided by ngx_http_magasin_pg_schedule.c.
 */


#include "ngx_http_magasin_pg_internal.h"


static ngx_uint_t ngx_http_magasin_pg_join(ngx_http_magasin_pg_job_t *job);
static void ngx_http_magasin_pg_queued(ngx_http_magasin_pg_job_t *job,
    ngx_int_t n);
static void ngx_http_magasin_pg_leave(ngx_http_magasin_pg_job_t *job);
static void ngx_http_magasin_pg_timeout(ngx_event_t *ev);


/*
 * Make the worker's pool and start to connect.  A server that is not there
 * is no error: the pool goes on trying.
 *
 * Returns NULL only when memory is short.
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

    /* Its own, until somebody wants to know: see _measure(). */

    pool->counters = ngx_pcalloc(cycle->pool,
                                 sizeof(ngx_http_magasin_pg_counters_t)
                                 + sizeof(ngx_http_magasin_pg_gauges_t));
    if (pool->counters == NULL) {
        return NULL;
    }

    pool->gauges = (ngx_http_magasin_pg_gauges_t *) (pool->counters + 1);

    pool->conf = pcf;
    pool->log = cycle->log;

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_CLASSES; i++) {
        ngx_queue_init(&pool->waiting[i]);
    }

    pool->dispatch.handler = ngx_http_magasin_pg_dispatch;
    pool->dispatch.data = pool;
    pool->dispatch.log = cycle->log;

    ngx_http_magasin_event_timer(&pool->hold, ngx_http_magasin_pg_dispatch,
                                 pool, cycle->log);

    ngx_http_magasin_pg_lane_init(pool);

    for (i = 0; i < pcf->connections; i++) {
        ngx_http_magasin_pg_connection_init(&pool->connections[i], pool, i);
        ngx_http_magasin_pg_connection_open(&pool->connections[i]);
    }

    return pool;
}


/* Count there from now on. */

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
 * Close all connections, for the exit of the worker.  No callback is called:
 * the requests are gone, or go with the process.
 */

void
ngx_http_magasin_pg_destroy(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t  i;

    pool->closed = 1;

    if (pool->dispatch.posted) {
        ngx_delete_posted_event(&pool->dispatch);
    }

    if (pool->hold.timer_set) {
        ngx_del_timer(&pool->hold);
    }

    if (pool->pause.timer_set) {
        ngx_del_timer(&pool->pause);
    }

    for (i = 0; i < pool->conf->connections; i++) {
        ngx_http_magasin_pg_connection_close(&pool->connections[i]);
    }
}


/*
 * Hand a job to the pool.
 *
 * NGX_OK: accepted, one callback will follow.  NGX_BUSY: the queue is full.
 * NGX_DECLINED: no server answers.  In these two cases no callback follows.
 */

ngx_int_t
ngx_http_magasin_pg_submit(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_job_t *job)
{
    ngx_uint_t  i;

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
    job->deadline = ngx_current_msec + pool->conf->timeout;
    job->submitted = ngx_http_magasin_clock();

    job->timer.handler = ngx_http_magasin_pg_timeout;
    job->timer.data = job;
    job->timer.log = job->log;

    ngx_add_timer(&job->timer, pool->conf->timeout);

    if (job->share && ngx_http_magasin_pg_join(job)) {
        return NGX_OK;
    }

    /*
     * What is begun is finished first: of long answers, which need many
     * statements, all would be under way for as long as the last one.
     */

    ngx_http_magasin_pg_link(job, &pool->waiting[job->class],
                             job->admitted
                             && job->class == NGX_HTTP_MAGASIN_PG_HEAVY);
    ngx_http_magasin_pg_wake(pool);

    if (pool->ready == 0 && ngx_exiting) {

        /* A worker that shuts down has closed its idle connections. */

        for (i = 0; i < pool->conf->connections; i++) {
            if (pool->connections[i].state != NGX_HTTP_MAGASIN_PG_CLOSED) {
                return NGX_OK;
            }
        }

        /* By its timer: who submits is not called back from here. */

        if (!pool->connections[0].timer.timer_set) {
            ngx_add_timer(&pool->connections[0].timer, 1);
        }
    }

    return NGX_OK;
}


/* Wait for an answer that is under way to somebody else, if one is. */

static ngx_uint_t
ngx_http_magasin_pg_join(ngx_http_magasin_pg_job_t *job)
{
    ngx_http_magasin_pg_slot_t  *slot;

    slot = job->pool->shared[job->statement];

    if (slot == NULL) {
        return 0;
    }

    job->slot = slot;
    job->next = slot->jobs;
    slot->jobs = job;

    return 1;
}


/* A number for what a read reads: its statement and its first parameter. */

uint64_t
ngx_http_magasin_pg_weight(ngx_http_magasin_pg_job_t *job)
{
    return ngx_http_magasin_pg_lock(
                         ngx_http_magasin_pg_statement_name(job->statement),
                         job->nvalues ? job->values[0] : NULL);
}


/* Was it long, the last time? */

ngx_uint_t
ngx_http_magasin_pg_weighs(ngx_http_magasin_pg_pool_t *pool, uint64_t weight)
{
    return pool->weights[weight % NGX_HTTP_MAGASIN_PG_WEIGHTS] == weight;
}


/*
 * Remember how long a read took, in microseconds.  One that shared its Sync
 * may have waited for others: if so it is found light when it runs alone.
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


/*
 * Forget a job whose owner goes away.  What is already on its way to the
 * server runs to its end there, and the connection drops the answer.
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


/* Tell what the connections are at, after something may have changed. */

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


/* What the pool could do for the next job; for /readyz. */

void
ngx_http_magasin_pg_state(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_state_t *state)
{
    ngx_uint_t  class;

    class = NGX_HTTP_MAGASIN_PG_WRITE;

    state->ready = pool->ready;
    state->locked = pool->nlocked;
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


/* Ask for a dispatch at the end of this turn of the event loop. */

void
ngx_http_magasin_pg_wake(ngx_http_magasin_pg_pool_t *pool)
{
    if (pool->nwaiting && !pool->closed) {
        ngx_post_event(&pool->dispatch, &ngx_posted_events);
    }
}


/* Take the first job from those that a slot owes an answer; NULL: none. */

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


/* Forget the result that waits in a slot, and nobody joins it any more. */

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


/* Forget the result that waits in a slot. */

void
ngx_http_magasin_pg_drop(ngx_http_magasin_pg_slot_t *slot)
{
    PQclear(slot->result);
    slot->result = NULL;
}


/* Put back a job that was sent but not run, before those that wait. */

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


/* Take the pool's hands off a job, before its callback or its end. */

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
 * Fail all jobs of a queue.  A callback may end other requests, and so
 * cancel jobs of this very queue: it is read anew each time.
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


/* Fail all that waits: a whole round of attempts found no server. */

void
ngx_http_magasin_pg_fail_waiting(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t   i;
    ngx_queue_t  failed;

    ngx_queue_init(&failed);

    ngx_http_magasin_pg_lane_empty(pool);

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


/* One job more, or less, waits. */

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


/* Take a job out of the slot that owes it an answer, if one does. */

static void
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

    if (job->queued
        && (job->block || job->class == NGX_HTTP_MAGASIN_PG_WRITE))
    {
        /* Of what is not with the server it is known that it is not done. */

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
