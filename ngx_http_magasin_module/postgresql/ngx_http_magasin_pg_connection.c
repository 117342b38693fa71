
/*
 * The life of one connection to PostgreSQL: connect, serve, fail, connect
 * again.  Its socket is in pg_event.c, what it sends in pg_send.c.
 */


#include "ngx_http_magasin_pg_internal.h"


static void ngx_http_magasin_pg_connection_timer(ngx_event_t *ev);
static void ngx_http_magasin_pg_connection_again(
    ngx_http_magasin_pg_connection_t *connection, ngx_uint_t was_ready);
static void ngx_http_magasin_pg_connection_take_back(
    ngx_http_magasin_pg_connection_t *connection, ngx_queue_t *failed);


/*
 * Initialize the connection `number` of a pool.  Its memory is zeroed before.
 * It is closed: ngx_http_magasin_pg_connection_open() connects.
 */

void
ngx_http_magasin_pg_connection_init(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_pool_t *pool, ngx_uint_t number)
{
    ngx_uint_t  i;

    connection->pool = pool;
    connection->number = number;

    /*
     * The first attempts go to different servers, so that one that does not
     * answer delays only some.
     */

    connection->retry.target = number % pool->conf->targets->nelts;

    ngx_http_magasin_event_timer(&connection->timer,
                                 ngx_http_magasin_pg_connection_timer,
                                 connection, pool->log);

    ngx_queue_init(&connection->unknown);

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_SLOTS; i++) {
        connection->slots[i].connection = connection;
    }
}


/*
 * Start to connect to the next address, within `connect_timeout`.  Events
 * report the result.  A failure is handled by _lost().
 */

void
ngx_http_magasin_pg_connection_open(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_http_magasin_pg_conf_t    *pcf;
    ngx_http_magasin_pg_target_t  *target;

    pcf = connection->pool->conf;
    target = ngx_http_magasin_pg_target(connection);

    (void) ngx_snprintf(connection->at, sizeof(connection->at), "%*s%Z",
                        ngx_min(target->name.len, sizeof(connection->at) - 1),
                        target->name.data);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: connection %ui connects to %V",
                   connection->number, &target->name);

    connection->head = 0;
    connection->tail = 0;
    connection->syncs = 0;
    connection->batch = 0;
    connection->life = 0;
    connection->replayed = 0;
    connection->shown = 0;
    connection->as_of = 0;
    connection->why = NULL;
    connection->process = 0;
    connection->pooled = 0;
    connection->renamed = 0;
    connection->isolate = 0;
    connection->asked = 0;
    connection->options = (**target->options != '\0');
    connection->stuck = 0;
    connection->unreplicated = 0;
    connection->primary = 0;
    connection->nmissing = 0;
    ngx_memzero(connection->missing, sizeof(connection->missing));
    connection->greeted = 0;
    connection->single = 0;
    connection->received = 0;
    connection->partial = 0;
    connection->reading = 0;
    connection->gathering = 0;
    connection->writes = 0;
    connection->heavy = 0;

    connection->state = NGX_HTTP_MAGASIN_PG_CONNECTING;

    /* libpq would ask for the address of a name, and wait. */

    if (target->absent) {
        ngx_http_magasin_pg_connection_lost(connection,
                                            "its name has no address yet");
        return;
    }

    connection->pg = PQconnectStartParams(target->keywords, target->values, 0);

    if (connection->pg == NULL || PQstatus(connection->pg) == CONNECTION_BAD) {
        ngx_http_magasin_pg_connection_lost(connection, NULL);
        return;
    }

    (void) PQsetNoticeReceiver(connection->pg,
                               ngx_http_magasin_pg_connection_notice,
                               connection);

    if (ngx_http_magasin_pg_connection_attach(connection) != NGX_OK) {
        ngx_http_magasin_pg_connection_lost(connection,
                                            "no connection or event");
        return;
    }

    ngx_add_timer(&connection->timer, pcf->connect_timeout);
}


/*
 * The statements of a session are prepared: the connection is in service from
 * now on.
 */

void
ngx_http_magasin_pg_connection_ready(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_uint_t                   level;
    ngx_http_magasin_pg_pool_t  *pool;

    pool = connection->pool;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, pool->log, 0,
                   "magasin pg: connection %ui is in service, missing "
                   "statements:%ui", connection->number,
                   connection->nmissing);

    if (connection->timer.timer_set) {
        ngx_del_timer(&connection->timer);
    }

    if (pool->down) {
        level = pool->conf->quiet ? NGX_LOG_INFO : NGX_LOG_NOTICE;

        ngx_log_error(level, pool->log, 0,
                      "magasin: %s answers again",
                      pool->conf->replica ? "a replica" : "PostgreSQL");
    }

    connection->retry.tried = 0;
    connection->retry.backoff = 0;
    pool->down = 0;
    pool->ready++;

    ngx_http_magasin_count(pool->counters->connects);

    ngx_http_magasin_pg_connection_resume(connection);
}


/*
 * Close the connection.  The jobs in flight get no callback: the caller has
 * taken them back, or the worker exits.  See _lost().
 */

void
ngx_http_magasin_pg_connection_close(
    ngx_http_magasin_pg_connection_t *connection)
{
    if (connection->timer.timer_set) {
        ngx_del_timer(&connection->timer);
    }

    if (connection->state == NGX_HTTP_MAGASIN_PG_READY) {
        connection->pool->ready--;
    }

    for ( /* void */ ; connection->head != connection->tail;
         connection->head++)
    {
        ngx_http_magasin_pg_clear(ngx_http_magasin_pg_slot(connection,
                                                          connection->head));
    }

    connection->state = NGX_HTTP_MAGASIN_PG_CLOSED;
    connection->stuck = 0;
    connection->syncs = 0;
    connection->batch = 0;
    connection->reading = 0;
    connection->gathering = 0;
    connection->writes = 0;
    connection->heavy = 0;

    ngx_http_magasin_pg_lane_end(connection);

    ngx_http_magasin_pg_connection_detach(connection);

    if (connection->pg) {
        PQfinish(connection->pg);
        connection->pg = NULL;
    }

    ngx_http_magasin_pg_connection_noticed(connection);
}


/*
 * The connection failed, or the attempt to connect failed: take its jobs back,
 * close it and start the timer of the next attempt.  `why` is the reason for
 * the log; NULL selects the error message of libpq.
 *
 * Jobs may fail, and their callbacks run.  A closed connection is ignored.
 */

void
ngx_http_magasin_pg_connection_lost(
    ngx_http_magasin_pg_connection_t *connection, const char *why)
{
    ngx_uint_t                   was_ready;
    ngx_queue_t                  failed;
    ngx_http_magasin_pg_pool_t  *pool;

    if (connection->state == NGX_HTTP_MAGASIN_PG_CLOSED) {
        return;
    }

    pool = connection->pool;
    was_ready = (connection->state == NGX_HTTP_MAGASIN_PG_READY);

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, pool->log, 0,
                   "magasin pg: connection %ui is lost, state:%d in "
                   "flight:%ui", connection->number, connection->state,
                   ngx_http_magasin_pg_in_flight(connection));

    if (was_ready) {
        ngx_http_magasin_count(pool->counters->lost);

    } else {
        ngx_http_magasin_count(pool->counters->connect_failures);
    }

    ngx_queue_init(&failed);

    ngx_http_magasin_pg_connection_log(connection, why);
    ngx_http_magasin_pg_connection_take_back(connection, &failed);
    ngx_http_magasin_pg_connection_close(connection);
    ngx_http_magasin_pg_connection_again(connection, was_ready);

    ngx_http_magasin_pg_gauge(pool);
    ngx_http_magasin_pg_fail_queue(&failed);

    if (pool->down) {
        ngx_http_magasin_pg_fail_waiting(pool);
    }

    ngx_http_magasin_pg_wake(pool);
}


/*
 * The session ends, and has not done the statement of a slot.  Jobs that may
 * run again are in flight for _lost(), which takes them back; the others have
 * failed.
 */

void
ngx_http_magasin_pg_connection_ended(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result)
{
    ngx_http_magasin_pg_job_t  *job, *next;

    for (job = slot->jobs; job; job = next) {

        if ((job->gather || job->class != NGX_HTTP_MAGASIN_PG_WRITE)
            && job->resent < NGX_HTTP_MAGASIN_PG_RESENDS)
        {
            next = job->next;
            continue;
        }

        ngx_http_magasin_pg_leave(job);
        ngx_http_magasin_pg_finish(job);
        ngx_http_magasin_pg_deliver(connection, job, result);

        /* The callback may have cancelled others. */

        next = slot->jobs;
    }

    slot->undone = 1;
    connection->head--;
}


/*
 * Take back the jobs in flight.  They may run again, at most
 * NGX_HTTP_MAGASIN_PG_RESENDS times; else they are put into `failed`.  A read
 * goes back to its queue.  Whether a write was committed is unknown, unless the
 * server has reported that its session ends: one that takes effect once waits
 * for the connection to be in service again, even then, since the server
 * reports that before it releases the lock of the key.
 */

static void
ngx_http_magasin_pg_connection_take_back(
    ngx_http_magasin_pg_connection_t *connection, ngx_queue_t *failed)
{
    ngx_http_magasin_pg_job_t   *job;
    ngx_http_magasin_pg_slot_t  *slot;

    while (connection->tail != connection->head) {

        /* The newest first: each job goes to the head of its queue. */

        connection->tail--;
        slot = ngx_http_magasin_pg_slot(connection, connection->tail);
        ngx_http_magasin_pg_clear(slot);

        slot->jobs = ngx_http_magasin_pg_reverse(slot->jobs);

        while ((job = ngx_http_magasin_pg_take(slot)) != NULL) {

            if (job->resent == NGX_HTTP_MAGASIN_PG_RESENDS
                || ((job->class == NGX_HTTP_MAGASIN_PG_WRITE || job->commit)
                    && !job->once && !slot->undone))
            {
                ngx_http_magasin_pg_link(job, failed, 1);
                continue;
            }

            job->resent++;

            if (job->once) {
                job->alone = 1;
                job->unknown = 1;
                ngx_http_magasin_pg_link(job, &connection->unknown, 1);
                continue;
            }

            ngx_http_magasin_pg_requeue(job);
        }
    }
}


/*
 * The connection is in service again, or will not be: put the jobs that wait
 * for it at the head of their queue.
 */

void
ngx_http_magasin_pg_connection_resume(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_queue_t                *queue;
    ngx_http_magasin_pg_job_t  *job;

    queue = &connection->unknown;

    while (!ngx_queue_empty(queue)) {
        job = ngx_queue_data(ngx_queue_last(queue), ngx_http_magasin_pg_job_t,
                             queue);

        ngx_http_magasin_pg_unlink(job);
        ngx_http_magasin_pg_link(job, &job->pool->waiting[job->class], 1);
    }
}


/*
 * Start the timer of the next attempt.  There is no pause between the
 * addresses of a round.  After a round without success the pool is down if it
 * has no other connection, and the next round starts after a pause.
 */

static void
ngx_http_magasin_pg_connection_again(
    ngx_http_magasin_pg_connection_t *connection, ngx_uint_t was_ready)
{
    ngx_msec_t                   pause;
    ngx_http_magasin_pg_pool_t  *pool;

    pool = connection->pool;

    if (pool->closed || (ngx_exiting && pool->nwaiting == 0)) {
        return;
    }

    pause = 1;

    /* It may have another address now. */

    ngx_http_magasin_names_follow(pool->conf->names);

    if (!was_ready
        && ngx_http_magasin_retry_next(&connection->retry,
                                       pool->conf->targets->nelts))
    {
        if (pool->ready == 0) {
            pool->down = 1;
        }

        pause = ngx_http_magasin_retry_pause(&connection->retry,
                                     NGX_HTTP_MAGASIN_PG_BACKOFF_MIN,
                                     pool->conf->replica
                                     ? NGX_HTTP_MAGASIN_PG_REPLICA_MAX
                                     : NGX_HTTP_MAGASIN_PG_BACKOFF_MAX);
    }

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, pool->log, 0,
                   "magasin pg: connection %ui connects again in %M ms, "
                   "down:%d", connection->number, pause, pool->down);

    ngx_add_timer(&connection->timer, pause);
}


/*
 * A job timed out on this connection.  If no result arrives within
 * NGX_HTTP_MAGASIN_PG_SILENCE milliseconds, the connection is lost.
 */

void
ngx_http_magasin_pg_connection_watch(
    ngx_http_magasin_pg_connection_t *connection)
{
    if (!connection->timer.timer_set) {
        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                       "magasin pg: connection %ui is watched for a result",
                       connection->number);

        connection->heard = 0;
        connection->watched = ngx_current_msec;
        ngx_add_timer(&connection->timer, NGX_HTTP_MAGASIN_PG_SILENCE);

        ngx_http_magasin_pg_stuck_probe(connection);
    }
}


static void
ngx_http_magasin_pg_connection_timer(ngx_event_t *ev)
{
    ngx_http_magasin_pg_connection_t  *connection;

    connection = ev->data;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: timer of connection %ui, state:%d",
                   connection->number, connection->state);

    switch (connection->state) {

    case NGX_HTTP_MAGASIN_PG_CLOSED:
        ngx_http_magasin_pg_connection_open(connection);
        break;

    case NGX_HTTP_MAGASIN_PG_READY:
        if (connection->heard
            || ngx_http_magasin_pg_in_flight(connection) == 0)
        {
            break;
        }

        if (ngx_http_magasin_pg_stuck(connection)) {
            ngx_http_magasin_pg_connection_watch(connection);

        } else {
            ngx_http_magasin_pg_connection_lost(connection,
                                                "no result after a timeout");
        }

        break;

    case NGX_HTTP_MAGASIN_PG_PREPARING:

        /* A pooler that has no session left to give answers nothing. */

        ngx_http_magasin_pg_connection_lost(connection, connection->process
                                ? "its statements were not prepared in time"
                                : "no answer to the first statement in time");
        break;

    default: /* connecting */
        ngx_http_magasin_pg_connection_lost(connection, "connect timed out");
        break;
    }
}
