
/*
 * The pool: what waits, what is sent where, and when a job is given up.
 *
 * Jobs are not sent when they arrive but once at the end of the event loop's
 * turn, so that the reads of one turn share a Sync: one send() and one
 * implicit transaction for all of them.  While a batch of reads is
 * unanswered, others wait for its end, so that under load batches grow by
 * themselves; but only for NGX_HTTP_MAGASIN_PG_HOLD, since one may be slow:
 * then the next batch goes to another connection.
 *
 * Jobs with `merge` set go further: those of one statement that wait in the
 * same turn become one run of it.  Such a statement takes one parameter, an
 * array of bigint; values[0] of each job is one key; the first column of the
 * result is the key, and no key has more than one row.
 */


#include "ngx_http_magasin_pg_internal.h"


static void ngx_http_magasin_pg_dispatch(ngx_event_t *ev);
static ngx_uint_t ngx_http_magasin_pg_dispatch_class(
    ngx_http_magasin_pg_pool_t *pool, ngx_http_magasin_pg_class_e class);
static ngx_http_magasin_pg_connection_t *ngx_http_magasin_pg_choose(
    ngx_http_magasin_pg_pool_t *pool, ngx_http_magasin_pg_class_e class);
static ngx_uint_t ngx_http_magasin_pg_accepts(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_class_e class);
static ngx_uint_t ngx_http_magasin_pg_stalled(
    ngx_http_magasin_pg_connection_t *connection);
static ngx_uint_t ngx_http_magasin_pg_last(ngx_http_magasin_pg_pool_t *pool);
static ngx_http_magasin_pg_connection_t *ngx_http_magasin_pg_reserved(
    ngx_http_magasin_pg_pool_t *pool);
static ngx_http_magasin_pg_job_t *ngx_http_magasin_pg_next(
    ngx_queue_t *queue);
static void ngx_http_magasin_pg_unlink(ngx_http_magasin_pg_job_t *job);
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

    pool->hold.handler = ngx_http_magasin_pg_dispatch;
    pool->hold.data = pool;
    pool->hold.log = cycle->log;
    pool->hold.cancelable = 1;

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

    if (pool->nwaiting >= pool->conf->queue && !job->admitted) {
        ngx_http_magasin_count(pool->counters->full);
        return NGX_BUSY;
    }

    if (pool->down) {
        ngx_http_magasin_count(pool->counters->down);
        return NGX_DECLINED;
    }

    job->pool = pool;
    job->slot = NULL;
    job->resent = 0;
    job->submitted = ngx_http_magasin_clock();

    job->timer.handler = ngx_http_magasin_pg_timeout;
    job->timer.data = job;
    job->timer.log = job->log;

    ngx_add_timer(&job->timer, pool->conf->timeout);

    ngx_http_magasin_pg_link(job, &pool->waiting[job->class], 0);
    ngx_http_magasin_pg_wake(pool);

    if (pool->ready == 0 && ngx_exiting) {

        /* A worker that shuts down has closed its idle connections. */

        for (i = 0; i < pool->conf->connections; i++) {
            if (pool->connections[i].state != NGX_HTTP_MAGASIN_PG_CLOSED) {
                return NGX_OK;
            }
        }

        ngx_http_magasin_pg_connection_open(&pool->connections[0]);
    }

    return NGX_OK;
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
    job->pool->nwaiting++;
    job->pool->gauges->waiting = job->pool->nwaiting;
}


static void
ngx_http_magasin_pg_unlink(ngx_http_magasin_pg_job_t *job)
{
    ngx_queue_remove(&job->queue);

    job->queued = 0;
    job->pool->nwaiting--;
    job->pool->gauges->waiting = job->pool->nwaiting;
}


static void
ngx_http_magasin_pg_dispatch(ngx_event_t *ev)
{
    ngx_uint_t                         i;
    ngx_http_magasin_pg_pool_t        *pool;
    ngx_http_magasin_pg_connection_t  *connection;

    pool = ev->data;

    (void) ngx_http_magasin_pg_dispatch_class(pool, NGX_HTTP_MAGASIN_PG_READ);

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (connection->batch
            && ngx_http_magasin_pg_connection_sync(connection, 1)
               != NGX_OK)
        {
            ngx_http_magasin_pg_connection_lost(connection, NULL);
        }
    }

    (void) ngx_http_magasin_pg_dispatch_class(pool,
                                              NGX_HTTP_MAGASIN_PG_WRITE);
    (void) ngx_http_magasin_pg_dispatch_class(pool,
                                              NGX_HTTP_MAGASIN_PG_HEAVY);

    ngx_http_magasin_pg_gauge(pool);
}


/* Send what can be sent of one class; the number of jobs sent. */

static ngx_uint_t
ngx_http_magasin_pg_dispatch_class(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_class_e class)
{
    ngx_uint_t                         n;
    ngx_queue_t                       *queue;
    ngx_http_magasin_pg_job_t         *job, *next;
    ngx_http_magasin_pg_connection_t  *connection;

    queue = &pool->waiting[class];

    for (n = 0; !ngx_queue_empty(queue); n++) {

        connection = ngx_http_magasin_pg_choose(pool, class);
        if (connection == NULL) {
            break;
        }

        job = ngx_http_magasin_pg_next(queue);

        if (ngx_http_magasin_pg_connection_send(connection, job) != NGX_OK) {

            /* Not sent, so they may go elsewhere. */

            for ( /* void */ ; job; job = next) {
                next = job->next;
                job->next = NULL;
                ngx_http_magasin_pg_requeue(job);
            }

            ngx_http_magasin_pg_connection_lost(connection, NULL);
        }
    }

    return n;
}


/* The next job of a queue, and with it those that can be merged with it. */

static ngx_http_magasin_pg_job_t *
ngx_http_magasin_pg_next(ngx_queue_t *queue)
{
    ngx_uint_t                   n;
    ngx_queue_t                 *q, *following;
    ngx_http_magasin_pg_job_t   *first, *job, **last;

    first = ngx_queue_data(ngx_queue_head(queue), ngx_http_magasin_pg_job_t,
                           queue);
    ngx_http_magasin_pg_unlink(first);

    first->next = NULL;
    last = &first->next;
    n = 1;

    for (q = ngx_queue_head(queue);
         first->merge && q != ngx_queue_sentinel(queue)
             && n < NGX_HTTP_MAGASIN_PG_BATCH;
         q = following)
    {
        following = ngx_queue_next(q);
        job = ngx_queue_data(q, ngx_http_magasin_pg_job_t, queue);

        if (job->merge && job->statement == first->statement) {
            ngx_http_magasin_pg_unlink(job);

            job->next = NULL;
            *last = job;
            last = &job->next;
            n++;
        }
    }

    return first;
}


/*
 * The connection for the next job of a class: for reads the one whose batch
 * is open, so that a turn's reads travel together; else the least busy one.
 */

static ngx_http_magasin_pg_connection_t *
ngx_http_magasin_pg_choose(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_class_e class)
{
    ngx_uint_t                         i;
    ngx_http_magasin_pg_connection_t  *connection, *best, *reserved;

    best = NULL;
    reserved = ngx_http_magasin_pg_reserved(pool);

    if (class == NGX_HTTP_MAGASIN_PG_HEAVY) {
        if (reserved && ngx_http_magasin_pg_accepts(reserved, class)) {
            return reserved;
        }

        return NULL;
    }

    if (class == NGX_HTTP_MAGASIN_PG_WRITE && ngx_http_magasin_pg_last(pool)) {
        return NULL;
    }

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (class == NGX_HTTP_MAGASIN_PG_READ
            && connection->reading
            && ngx_current_msec - connection->reading
               < NGX_HTTP_MAGASIN_PG_HOLD)
        {
            if (!pool->hold.timer_set) {
                ngx_add_timer(&pool->hold, NGX_HTTP_MAGASIN_PG_HOLD);
            }

            return NULL;
        }

        if (connection == reserved
            || !ngx_http_magasin_pg_accepts(connection, class))
        {
            continue;
        }

        if (connection->batch) {
            return connection;
        }

        if (best == NULL
            || ngx_http_magasin_pg_in_flight(connection)
               < ngx_http_magasin_pg_in_flight(best))
        {
            best = connection;
        }
    }

    return best;
}


static ngx_uint_t
ngx_http_magasin_pg_accepts(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_class_e class)
{
    if (connection->state != NGX_HTTP_MAGASIN_PG_READY || connection->heavy
        || ngx_http_magasin_pg_stalled(connection))
    {
        return 0;
    }

    switch (class) {

    case NGX_HTTP_MAGASIN_PG_READ:
        return connection->batch < NGX_HTTP_MAGASIN_PG_BATCH
               && connection->syncs < NGX_HTTP_MAGASIN_PG_BATCHES;

    case NGX_HTTP_MAGASIN_PG_WRITE:
        return connection->syncs < NGX_HTTP_MAGASIN_PG_WRITES;

    default: /* NGX_HTTP_MAGASIN_PG_HEAVY */
        return ngx_http_magasin_pg_in_flight(connection) == 0;
    }
}


/*
 * Nothing comes from this connection: a write of it waits for somebody's lock,
 * or a statement takes long.  What would be sent behind it could not be taken
 * back when its time is over, and a write would be done after its client was
 * told that it was not.
 */

static ngx_uint_t
ngx_http_magasin_pg_stalled(ngx_http_magasin_pg_connection_t *connection)
{
    return ngx_http_magasin_pg_in_flight(connection) != 0
           && ngx_current_msec - connection->progress
              > NGX_HTTP_MAGASIN_PG_STALL;
}


/*
 * While some connections are stalled, the last one that is not stays with the
 * reads: the next write may wait for the same lock.
 */

static ngx_uint_t
ngx_http_magasin_pg_last(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t                         i, free, stalled;
    ngx_http_magasin_pg_connection_t  *connection;

    free = 0;
    stalled = 0;

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (connection->state != NGX_HTTP_MAGASIN_PG_READY
            || connection->heavy)
        {
            continue;
        }

        if (ngx_http_magasin_pg_stalled(connection)) {
            stalled++;

        } else {
            free++;
        }
    }

    return stalled && free == 1;
}


/*
 * Long reads must not stand before short ones.  While some wait, the last
 * connection in service that runs none is kept free for them; one connection
 * of several always stays with the short ones.  Of a single connection,
 * long reads get it when it is idle, and it takes nothing else until then;
 * after each of them the short ones have a turn.
 */

static ngx_http_magasin_pg_connection_t *
ngx_http_magasin_pg_reserved(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t                         i, last;
    ngx_http_magasin_pg_connection_t  *connection;

    if (ngx_queue_empty(&pool->waiting[NGX_HTTP_MAGASIN_PG_HEAVY])) {
        return NULL;
    }

    if (pool->ready == 1 && pool->turn
        && (!ngx_queue_empty(&pool->waiting[NGX_HTTP_MAGASIN_PG_READ])
            || !ngx_queue_empty(&pool->waiting[NGX_HTTP_MAGASIN_PG_WRITE])))
    {
        return NULL;
    }

    last = pool->ready > 1 ? 1 : 0;

    for (i = pool->conf->connections; i > last; i--) {
        connection = &pool->connections[i - 1];

        if (connection->state == NGX_HTTP_MAGASIN_PG_READY
            && !connection->heavy)
        {
            return connection;
        }
    }

    return NULL;
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
