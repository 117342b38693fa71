
/*
 * Writes that share a run of their statement.
 *
 * Jobs with `gather` set that wait when a run begins go in one run, a batch:
 * one call, one commit, one round trip.  While a batch is unanswered the next
 * one gathers; when none is, a job is sent at once.  A batch that takes longer
 * than NGX_HTTP_MAGASIN_PG_GATHER_HOLD is not waited for.  After a large one
 * the next one waits for a moment: see _batch_answered().
 *
 * The statement takes arrays; `parts` of its description says what each of its
 * parameters is made of.  The result has one row for each job, which tells
 * whether a lock was missed: such a job joins the next batch, and the second
 * time goes to the lane (pg_lane.c); the others are answered.
 *
 * Two jobs with the same `once` are never in one batch.  When the server
 * rejects a batch, it has rolled all of it back, and each job runs alone.  When
 * the connection is lost, nobody knows whether the batch was committed: only
 * jobs with `once` run again, alone and on the connection that is made anew, so
 * that the server has ended the first run.
 */


#include "ngx_http_magasin_pg_internal.h"


/* A batch that is being made up. */
typedef struct {
    ngx_http_magasin_pg_job_t          *first;
    ngx_http_magasin_pg_job_t          *last;
    ngx_uint_t                          n;
    size_t                              size;        /* bytes */
    ngx_uint_t                          lines;
} ngx_http_magasin_pg_batch_t;


static ngx_uint_t ngx_http_magasin_pg_batch_take(
    ngx_http_magasin_pg_batch_t *batch, ngx_queue_t *queue);
static ngx_uint_t ngx_http_magasin_pg_batch_joins(
    ngx_http_magasin_pg_job_t *first, ngx_http_magasin_pg_job_t *job);
static ngx_uint_t ngx_http_magasin_pg_batch_reruns(
    ngx_http_magasin_pg_job_t *job, PGresult *result, ngx_uint_t n);
static u_char *ngx_http_magasin_pg_batch_array(u_char *p,
    ngx_http_magasin_pg_job_t *job, ngx_uint_t value);
static u_char *ngx_http_magasin_pg_batch_text(u_char *p, const char *value);
static u_char *ngx_http_magasin_pg_batch_lines(u_char *p,
    ngx_http_magasin_pg_job_t *job, const char *value, ngx_uint_t number);


/*
 * Note an upper bound of the bytes that a job adds to the parameters of a
 * batch.  Each character of a text may need a backslash.
 */

void
ngx_http_magasin_pg_batch_weigh(ngx_http_magasin_pg_job_t *job)
{
    size_t       size;
    ngx_uint_t   i;
    const char  *value;

    size = 0;

    for (i = 0; i < job->nvalues; i++) {
        value = job->values[i];

        switch (job->gather->parts[i]) {

        case NGX_HTTP_MAGASIN_PG_EACH:
            size += value ? 2 * ngx_strlen(value) + sizeof("\"\",") - 1
                          : sizeof("NULL,") - 1;
            break;

        case NGX_HTTP_MAGASIN_PG_LINES:
            size += value ? ngx_strlen(value) + 1
                          : job->nlines * (sizeof("NULL,") - 1);
            break;

        case NGX_HTTP_MAGASIN_PG_NUMBERS:
            size += job->nlines * (NGX_INT_T_LEN + 1);
            break;

        default: /* NGX_HTTP_MAGASIN_PG_WAITS */
            break;
        }
    }

    job->size = size;
}


/*
 * Returns 1 if the jobs that gather wait for the end of a batch, or for those
 * that were in the one before.
 */

ngx_uint_t
ngx_http_magasin_pg_batch_held(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t                         i;
    ngx_http_magasin_pg_connection_t  *connection;

    if (pool->linger) {

        if ((ngx_msec_int_t) (pool->linger - ngx_current_msec) > 0
            && pool->queued[NGX_HTTP_MAGASIN_PG_WRITE] < pool->lingers)
        {
            return 1;
        }

        pool->linger = 0;
    }

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (connection->gathering
            && ngx_current_msec - connection->gathering
               < NGX_HTTP_MAGASIN_PG_GATHER_HOLD)
        {
            if (!pool->gather.timer_set) {
                ngx_add_timer(&pool->gather,
                              NGX_HTTP_MAGASIN_PG_GATHER_HOLD);
            }

            return 1;
        }
    }

    return 0;
}


/*
 * The batch of a connection was answered.  Clients under load write again as
 * soon as they read their answers; with those who gathered meanwhile they are
 * two groups that take turns.  One large batch costs less than two: the next
 * one waits for them, for a time that is short beside that of a batch.
 */

void
ngx_http_magasin_pg_batch_answered(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_msec_t                   wait;
    ngx_http_magasin_pg_pool_t  *pool;

    pool = connection->pool;

    wait = (ngx_current_msec - connection->gathering)
           / NGX_HTTP_MAGASIN_PG_LINGER_PART;
    wait = ngx_min(wait, NGX_HTTP_MAGASIN_PG_LINGER);

    connection->gathering = 0;

    if (wait == 0 || connection->gathered < NGX_HTTP_MAGASIN_PG_LINGER_JOBS) {
        return;
    }

    pool->linger = ngx_max(ngx_current_msec + wait, 1);
    pool->lingers = ngx_min(pool->queued[NGX_HTTP_MAGASIN_PG_WRITE]
                            + connection->gathered,
                            NGX_HTTP_MAGASIN_PG_GATHER);

    /* ngx_add_timer() keeps a timer that differs by less than 300 ms. */

    if (pool->gather.timer_set) {
        ngx_del_timer(&pool->gather);
    }

    ngx_add_timer(&pool->gather, wait);
}


/*
 * Remove from its queue, or from its block, what may share the run of its first
 * job `first`, which was removed already.  They are linked by `next`.  In the
 * lane the jobs of other blocks join, whose lock was in no turn's way yet.
 */

void
ngx_http_magasin_pg_batch_gather(ngx_http_magasin_pg_job_t *first,
    ngx_http_magasin_pg_block_t *block)
{
    ngx_queue_t                  *q;
    ngx_http_magasin_pg_pool_t   *pool;
    ngx_http_magasin_pg_batch_t   batch;

    if (first->alone) {
        return;
    }

    pool = first->pool;

    batch.first = first;
    batch.last = first;
    batch.n = 1;
    batch.size = first->size;
    batch.lines = first->nlines;

    if (block == NULL) {
        ngx_http_magasin_pg_batch_take(&batch, &pool->waiting[first->class]);
        return;
    }

    ngx_http_magasin_pg_batch_take(&batch, &block->jobs);

    if (block->misses) {
        return;
    }

    for (q = ngx_queue_head(&pool->blocks);
         q != ngx_queue_sentinel(&pool->blocks);
         q = ngx_queue_next(q))
    {
        block = ngx_queue_data(q, ngx_http_magasin_pg_block_t, queue);

        if (block->misses == 0 && !block->busy
            && !ngx_queue_empty(&block->jobs))
        {
            /* A block that is busy is not freed with its last job. */

            block->busy = 1;

            if (!ngx_http_magasin_pg_batch_take(&batch, &block->jobs)) {
                block->busy = 0;
            }
        }
    }
}


/*
 * Add the jobs of a queue to a batch, as many as it takes.  Returns how many
 * were added.
 */

static ngx_uint_t
ngx_http_magasin_pg_batch_take(ngx_http_magasin_pg_batch_t *batch,
    ngx_queue_t *queue)
{
    ngx_uint_t                  n;
    ngx_queue_t                *q, *next;
    ngx_http_magasin_pg_job_t  *job;

    n = batch->n;

    for (q = ngx_queue_head(queue);
         q != ngx_queue_sentinel(queue)
         && batch->n < NGX_HTTP_MAGASIN_PG_GATHER;
         q = next)
    {
        next = ngx_queue_next(q);
        job = ngx_queue_data(q, ngx_http_magasin_pg_job_t, queue);

        if (!ngx_http_magasin_pg_batch_joins(batch->first, job)) {
            continue;
        }

        batch->size += job->size;
        batch->lines += job->nlines;

        if (batch->size > NGX_HTTP_MAGASIN_PG_GATHER_BYTES
            || batch->lines > NGX_HTTP_MAGASIN_PG_GATHER_LINES)
        {
            break;
        }

        ngx_http_magasin_pg_unlink(job);

        job->next = NULL;
        batch->last->next = job;
        batch->last = job;
        batch->n++;
    }

    return batch->n - n;
}


/* Returns 1 if `job`, which waits, may share the run of `first`. */

static ngx_uint_t
ngx_http_magasin_pg_batch_joins(ngx_http_magasin_pg_job_t *first,
    ngx_http_magasin_pg_job_t *job)
{
    ngx_http_magasin_pg_job_t  *other;

    if (job->gather != first->gather || job->alone
        || job->statement != first->statement)
    {
        return 0;
    }

    for (other = first; job->once && other; other = other->next) {
        if (other->once == job->once) {
            return 0;
        }
    }

    /* In a block they wait for the same thing; else what is locked waits. */

    return job->block || !ngx_http_magasin_pg_lane_blocks(job);
}


/*
 * Make the parameters of the statement of a batch: `values`, as many as each
 * job has.  On the lane it waits for locks.
 *
 * Returns the buffer in which they are, for ngx_free(), or NULL if memory is
 * short.
 */

u_char *
ngx_http_magasin_pg_batch_values(ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *jobs, const char **values)
{
    size_t                      size;
    u_char                     *buffer, *p;
    ngx_uint_t                  i, n;
    ngx_http_magasin_pg_job_t  *job;

    n = 0;
    size = jobs->nvalues * sizeof("{}");

    for (job = jobs; job; job = job->next) {
        size += job->size;
        n++;
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: batch of %ui, %uz bytes, on connection %ui",
                   n, size, connection->number);

    buffer = ngx_alloc(size, connection->pool->log);
    if (buffer == NULL) {
        return NULL;
    }

    p = buffer;

    for (i = 0; i < jobs->nvalues; i++) {

        if (jobs->gather->parts[i] == NGX_HTTP_MAGASIN_PG_WAITS) {
            values[i] = connection->lane ? "true" : "false";
            continue;
        }

        values[i] = (const char *) p;
        p = ngx_http_magasin_pg_batch_array(p, jobs, i);
    }

    return buffer;
}


/* Write one parameter of a batch, "{...}", with a NUL at its end. */

static u_char *
ngx_http_magasin_pg_batch_array(u_char *p, ngx_http_magasin_pg_job_t *job,
    ngx_uint_t value)
{
    ngx_uint_t                  n;
    ngx_http_magasin_pg_part_e  part;

    part = job->gather->parts[value];

    *p++ = '{';

    for (n = 1; job; job = job->next, n++) {

        if (n > 1) {
            *p++ = ',';
        }

        if (part == NGX_HTTP_MAGASIN_PG_EACH) {
            p = ngx_http_magasin_pg_batch_text(p, job->values[value]);

        } else {
            p = ngx_http_magasin_pg_batch_lines(p, job, job->values[value],
                                    part == NGX_HTTP_MAGASIN_PG_NUMBERS
                                    ? n : 0);
        }
    }

    *p++ = '}';
    *p++ = '\0';

    return p;
}


/* Write one element.  Quotation marks make it what it is, whatever it is. */

static u_char *
ngx_http_magasin_pg_batch_text(u_char *p, const char *value)
{
    if (value == NULL) {
        return ngx_cpymem(p, "NULL", sizeof("NULL") - 1);
    }

    *p++ = '"';

    for ( /* void */ ; *value; value++) {

        if (*value == '"' || *value == '\\') {
            *p++ = '\\';
        }

        *p++ = (u_char) *value;
    }

    *p++ = '"';

    return p;
}


/*
 * Write the elements of the lines of a job: `number` for each if it is not 0,
 * else `value`, which has them already, or NULL for each.
 */

static u_char *
ngx_http_magasin_pg_batch_lines(u_char *p, ngx_http_magasin_pg_job_t *job,
    const char *value, ngx_uint_t number)
{
    ngx_uint_t  i;

    if (number == 0 && value) {
        return ngx_cpymem(p, value, ngx_strlen(value));
    }

    for (i = 0; i < job->nlines; i++) {

        if (i) {
            *p++ = ',';
        }

        p = number ? ngx_sprintf(p, "%ui", number)
                   : ngx_cpymem(p, "NULL", sizeof("NULL") - 1);
    }

    return p;
}


/* Count a batch of `n` jobs. */

void
ngx_http_magasin_pg_batch_count(ngx_http_magasin_pg_pool_t *pool,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_SIZES - 1; i++) {
        if (n <= (ngx_uint_t) 1 << i) {
            break;
        }
    }

    ngx_http_magasin_count(pool->counters->sizes[i]);
    (void) ngx_atomic_fetch_add(&pool->counters->gathered, n);
}


/*
 * The Sync of a batch was answered.  Return those jobs that are to run again
 * to their queue or to the lane, in their order; the others stay in the slot.
 * No callback is called.
 */

void
ngx_http_magasin_pg_batch_again(ngx_http_magasin_pg_slot_t *slot,
    PGresult *result)
{
    ngx_uint_t                  alone, rejected;
    ngx_http_magasin_pg_job_t  *job, *jobs;

    rejected = 0;

    /* From the last one: each goes to the head of its queue. */

    jobs = ngx_http_magasin_pg_reverse(slot->jobs);
    slot->jobs = NULL;

    while (jobs) {
        job = jobs;
        jobs = job->next;
        alone = job->alone;

        if (ngx_http_magasin_pg_batch_reruns(job, result, slot->count)) {

            /* One that was alone before was rejected before. */

            rejected |= job->alone && !alone;
            job->next = NULL;
            job->slot = NULL;
            ngx_http_magasin_pg_requeue(job);
            continue;
        }

        job->next = slot->jobs;
        slot->jobs = job;
    }

    if (rejected) {
        ngx_http_magasin_count(slot->connection->pool->counters->rejected);

        ngx_http_magasin_pg_connection_complain(slot->connection,
                                  NGX_LOG_WARN, "rejected a batch of writes",
                                  ngx_http_magasin_sqlstate_message(result));
    }
}


/*
 * Decide whether a job of a batch of `n` runs again, and how.  Returns 1 if it
 * does: none of it was done.
 */

static ngx_uint_t
ngx_http_magasin_pg_batch_reruns(ngx_http_magasin_pg_job_t *job,
    PGresult *result, ngx_uint_t n)
{
    ngx_uint_t  missed;

    missed = ngx_http_magasin_pg_missed(result);

    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        missed = (ngx_http_magasin_pg_batch_row(job, result) == NGX_BUSY);

        /* The lock is mostly that of a batch of another worker, which has
         * ended when the next one of this worker is sent. */

        if (missed && !job->second && !job->contested) {
            job->second = 1;
            return 1;
        }

    } else if (ngx_http_magasin_pg_undone(result)) {

        if (job->resent < NGX_HTTP_MAGASIN_PG_RESENDS) {
            job->resent++;
            return 1;
        }

    } else if (!missed && n > 1) {
        job->alone = 1;
        return 1;
    }

    if (missed && ngx_http_magasin_pg_lane_waits(job)) {
        ngx_http_magasin_pg_again(job);
        return 1;
    }

    return 0;
}


/*
 * Find the row of a job in the result of its batch.
 *
 * Returns NGX_OK; NGX_BUSY if the row tells that a lock was missed; NGX_ERROR
 * if there is no such row.
 */

ngx_int_t
ngx_http_magasin_pg_batch_row(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    if (job->place >= PQntuples(result)
        || job->gather->number >= PQnfields(result)
        || job->gather->missed >= PQnfields(result)
        || atoi(PQgetvalue(result, job->place, job->gather->number))
           != job->place + 1)
    {
        return NGX_ERROR;
    }

    return *PQgetvalue(result, job->place, job->gather->missed) == 't'
           ? NGX_BUSY : NGX_OK;
}
