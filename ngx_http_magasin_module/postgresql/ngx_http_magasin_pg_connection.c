
/*
 * One connection to PostgreSQL: connect, send, lose, try again.
 *
 * libpq owns the socket; an ngx_connection_t wraps it for its events.  These
 * are level-triggered: libpq reads as much as its buffer takes and no more,
 * and an edge would not come back for the rest.
 */


#include "ngx_http_magasin_pg_internal.h"

#include <sys/ioctl.h>


static void ngx_http_magasin_pg_connection_attach(
    ngx_http_magasin_pg_connection_t *connection);
static void ngx_http_magasin_pg_connection_detach(
    ngx_http_magasin_pg_connection_t *connection);
static ngx_int_t ngx_http_magasin_pg_connection_events(
    ngx_http_magasin_pg_connection_t *connection, ngx_uint_t writing);
static void ngx_http_magasin_pg_connection_event(ngx_event_t *ev);
static void ngx_http_magasin_pg_connection_poll(
    ngx_http_magasin_pg_connection_t *connection);
static void ngx_http_magasin_pg_connection_sent(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job);
static size_t ngx_http_magasin_pg_connection_pending(
    ngx_http_magasin_pg_connection_t *connection);
static ngx_int_t ngx_http_magasin_pg_connection_bounded(
    ngx_http_magasin_pg_connection_t *connection, size_t before);
static void ngx_http_magasin_pg_connection_keys(char *keys, size_t len,
    ngx_http_magasin_pg_job_t *job);
static ngx_int_t ngx_http_magasin_pg_connection_flush(
    ngx_http_magasin_pg_connection_t *connection);
static void ngx_http_magasin_pg_connection_input(
    ngx_http_magasin_pg_connection_t *connection);
static void ngx_http_magasin_pg_connection_timer(ngx_event_t *ev);
static void ngx_http_magasin_pg_connection_again(
    ngx_http_magasin_pg_connection_t *connection, ngx_uint_t was_ready);
static void ngx_http_magasin_pg_connection_take_back(
    ngx_http_magasin_pg_connection_t *connection, ngx_queue_t *failed);
static void ngx_http_magasin_pg_connection_log(
    ngx_http_magasin_pg_connection_t *connection, const char *why);
static void ngx_http_magasin_pg_connection_notice(void *data,
    const char *message);


/* Set up a closed connection of a pool; its memory is zeroed. */

void
ngx_http_magasin_pg_connection_init(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_pool_t *pool, ngx_uint_t number)
{
    ngx_uint_t  i;

    connection->pool = pool;
    connection->number = number;

    connection->timer.handler = ngx_http_magasin_pg_connection_timer;
    connection->timer.data = connection;
    connection->timer.log = pool->log;
    connection->timer.cancelable = 1;

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_SLOTS; i++) {
        connection->slots[i].connection = connection;
    }
}


/* Start to connect to the next address; the result comes by events. */

void
ngx_http_magasin_pg_connection_open(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_http_magasin_pg_conf_t    *pcf;
    ngx_http_magasin_pg_target_t  *target;

    pcf = connection->pool->conf;
    target = pcf->targets->elts;
    target += connection->target;

    connection->head = 0;
    connection->tail = 0;
    connection->syncs = 0;
    connection->batch = 0;
    connection->missing = 0;
    connection->single = 0;
    connection->received = 0;
    connection->partial = 0;
    connection->reading = 0;
    connection->writes = 0;
    connection->heavy = 0;

    connection->state = NGX_HTTP_MAGASIN_PG_CONNECTING;
    connection->pg = PQconnectStartParams(target->keywords, target->values, 0);

    if (connection->pg == NULL || PQstatus(connection->pg) == CONNECTION_BAD) {
        ngx_http_magasin_pg_connection_lost(connection, NULL);
        return;
    }

    (void) PQsetNoticeProcessor(connection->pg,
                                ngx_http_magasin_pg_connection_notice,
                                connection);

    ngx_http_magasin_pg_connection_attach(connection);

    /* libpq asks to wait for "writable" before the first poll. */

    if (connection->connection == NULL
        || ngx_http_magasin_pg_connection_events(connection, 1) != NGX_OK)
    {
        ngx_http_magasin_pg_connection_lost(connection, "no event");
        return;
    }

    ngx_add_timer(&connection->timer, pcf->connect_timeout);
}


/* Close without a word to the jobs in flight; see _lost() for the other. */

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
    connection->syncs = 0;
    connection->batch = 0;
    connection->reading = 0;
    connection->writes = 0;
    connection->heavy = 0;

    ngx_http_magasin_pg_lane_end(connection);

    ngx_http_magasin_pg_connection_detach(connection);

    if (connection->pg) {
        PQfinish(connection->pg);
        connection->pg = NULL;
    }
}


/*
 * Send one job, or several that are merged (linked by `next`): a read joins
 * the open batch, the others are followed by a Sync of their own, and so is
 * all that has its turn in the lane.  `lock_wait`: milliseconds for a lock,
 * 0 for those of the session.
 *
 * NGX_OK, or NGX_ERROR: the jobs are not in flight, the connection is bad.
 */

ngx_int_t
ngx_http_magasin_pg_connection_send(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job, ngx_msec_t lock_wait)
{
    char                         keys[NGX_HTTP_MAGASIN_PG_KEYS];
    const char                  *name, *array;
    const char *const           *values;
    ngx_http_magasin_pg_sync_e   kind;

    if (lock_wait
        && ngx_http_magasin_pg_connection_lock_wait(connection, lock_wait, 1)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    name = ngx_http_magasin_pg_statement_name(job->statement);
    values = job->values;

    if (job->merge) {
        ngx_http_magasin_pg_connection_keys(keys, sizeof(keys), job);
        array = keys;
        values = &array;
    }

    if (PQsendQueryPrepared(connection->pg, name, (int) job->nvalues,
                            values, NULL, NULL, 0)
        == 0)
    {
        return NGX_ERROR;
    }

    ngx_http_magasin_pg_connection_sent(connection, job);

    if (job->class == NGX_HTTP_MAGASIN_PG_READ && connection->lane == NULL) {
        connection->batch++;
        return NGX_OK;
    }

    kind = NGX_HTTP_MAGASIN_PG_SYNC_LANE;

    if (job->class == NGX_HTTP_MAGASIN_PG_HEAVY) {
        kind = NGX_HTTP_MAGASIN_PG_SYNC_HEAVY;
        connection->heavy = 1;

    } else if (connection->lane == NULL) {
        kind = NGX_HTTP_MAGASIN_PG_SYNC_WRITE;
        connection->locks[connection->writes++]
            = ngx_http_magasin_pg_lane_key(job);
    }

    connection->pool->turn = connection->heavy;

    if (ngx_http_magasin_pg_connection_sync(connection, kind) != NGX_OK) {

        /* The job is in flight all the same: _lost() answers for it. */

        ngx_http_magasin_pg_connection_lost(connection, NULL);
    }

    return NGX_OK;
}


/* The jobs of a statement are in flight from now on. */

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

        if (next->resent == 0 && !next->contested) {
            ngx_http_magasin_observe(&connection->pool->counters->wait,
                                     now - next->submitted);

        } else {
            ngx_http_magasin_count(connection->pool->counters->resent);
        }
    }

    connection->connection->idle = 0;
}


/* A new slot, for the answer to a statement that nobody waits for yet. */

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
    slot->sync = 0;
    slot->prepare = 0;

    connection->tail++;

    return slot;
}


/*
 * Let what follows wait so many milliseconds for a lock: in this transaction
 * when `local`, else in the whole session.
 *
 * NGX_OK, or NGX_ERROR: the connection is bad.
 */

ngx_int_t
ngx_http_magasin_pg_connection_lock_wait(
    ngx_http_magasin_pg_connection_t *connection, ngx_msec_t wait,
    ngx_uint_t local)
{
    u_char        text[NGX_INT64_LEN + sizeof("ms")];
    const char   *name, *values[2];

    (void) ngx_sprintf(text, "%Mms%Z", wait);

    values[0] = (const char *) text;
    values[1] = local ? "true" : "false";

    name = ngx_http_magasin_pg_statement_name(
                                         NGX_HTTP_MAGASIN_SQL_LOCK_TIMEOUT);

    if (PQsendQueryPrepared(connection->pg, name, 2, values, NULL, NULL, 0)
        == 0)
    {
        return NGX_ERROR;
    }

    (void) ngx_http_magasin_pg_connection_slot(connection,
                                         NGX_HTTP_MAGASIN_SQL_LOCK_TIMEOUT);

    return NGX_OK;
}


/* "{1,2,3}": the keys of merged jobs as one array for PostgreSQL. */

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
 * End what was sent with a Sync.
 *
 * NGX_OK, or NGX_ERROR: the connection is bad.
 */

ngx_int_t
ngx_http_magasin_pg_connection_sync(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_sync_e kind)
{
    ngx_http_magasin_pg_slot_t  *slot;

    connection->batch = 0;

    if (PQpipelineSync(connection->pg) == 0) {
        return NGX_ERROR;
    }

    if (kind == NGX_HTTP_MAGASIN_PG_SYNC_READS) {
        connection->reading = ngx_max(ngx_current_msec, 1);
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
 * The connection failed, or could not be made: give its jobs back, close it
 * and plan the next attempt.  `why` NULL: libpq's own message tells.
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
 * A job timed out on this connection: if the server stays silent for
 * NGX_HTTP_MAGASIN_PG_SILENCE from now on, it is taken for dead.
 */

void
ngx_http_magasin_pg_connection_watch(
    ngx_http_magasin_pg_connection_t *connection)
{
    if (!connection->timer.timer_set) {
        connection->heard = 0;
        ngx_add_timer(&connection->timer, NGX_HTTP_MAGASIN_PG_SILENCE);
    }
}


static void
ngx_http_magasin_pg_connection_attach(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(PQsocket(connection->pg), connection->pool->log);
    if (c == NULL) {
        return;
    }

    c->data = connection;
    c->log = connection->pool->log;
    c->log_error = NGX_ERROR_ERR;

    c->read->handler = ngx_http_magasin_pg_connection_event;
    c->read->log = c->log;
    c->write->handler = ngx_http_magasin_pg_connection_event;
    c->write->log = c->log;

    connection->connection = c;
}


static void
ngx_http_magasin_pg_connection_detach(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_uint_t         flags;
    ngx_connection_t  *c;

    c = connection->connection;
    if (c == NULL) {
        return;
    }

    /* libpq closes its socket itself when it fails; the events went then. */

    flags = (PQsocket(connection->pg) == c->fd) ? 0 : NGX_CLOSE_EVENT;

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, flags);
    }

    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, flags);
    }

    /* The descriptor is libpq's to close. */

    c->shared = 1;
    c->idle = 0;

    ngx_close_connection(c);

    connection->connection = NULL;
}


/* Always read; write only while `writing`, or level triggering would spin. */

static ngx_int_t
ngx_http_magasin_pg_connection_events(
    ngx_http_magasin_pg_connection_t *connection, ngx_uint_t writing)
{
    ngx_connection_t  *c;

    c = connection->connection;

    if (c->fd != PQsocket(connection->pg)) {
        ngx_http_magasin_pg_connection_detach(connection);
        ngx_http_magasin_pg_connection_attach(connection);

        c = connection->connection;
        if (c == NULL) {
            return NGX_ERROR;
        }
    }

    if (!c->read->active
        && ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (writing && !c->write->active) {
        return ngx_add_event(c->write, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
    }

    if (!writing && c->write->active) {
        return ngx_del_event(c->write, NGX_WRITE_EVENT, 0);
    }

    return NGX_OK;
}


static void
ngx_http_magasin_pg_connection_event(ngx_event_t *ev)
{
    ngx_connection_t                  *c;
    ngx_http_magasin_pg_connection_t  *connection;

    c = ev->data;
    connection = c->data;

    if (c->close) {

        /*
         * The worker shuts down and this connection is idle; but there may
         * be jobs that wait for a lock, to run on it.
         */

        if (connection->pool->nwaiting) {
            c->close = 0;
            return;
        }

        ngx_http_magasin_pg_connection_close(connection);
        return;
    }

    if (connection->state == NGX_HTTP_MAGASIN_PG_CONNECTING) {
        ngx_http_magasin_pg_connection_poll(connection);
        return;
    }

    if (ev->write) {
        if (ngx_http_magasin_pg_connection_flush(connection) != NGX_OK) {
            ngx_http_magasin_pg_connection_lost(connection, NULL);
        }

        return;
    }

    ngx_http_magasin_pg_connection_input(connection);
}


static void
ngx_http_magasin_pg_connection_poll(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_int_t  rc;

    switch (PQconnectPoll(connection->pg)) {

    case PGRES_POLLING_READING:
        rc = ngx_http_magasin_pg_connection_events(connection, 0);
        break;

    case PGRES_POLLING_WRITING:
        rc = ngx_http_magasin_pg_connection_events(connection, 1);
        break;

    case PGRES_POLLING_OK:
        rc = ngx_http_magasin_pg_prepare(connection);
        break;

    default:
        rc = NGX_ERROR;
        break;
    }

    if (rc != NGX_OK) {
        ngx_http_magasin_pg_connection_lost(connection, NULL);
    }
}


static ngx_int_t
ngx_http_magasin_pg_connection_flush(
    ngx_http_magasin_pg_connection_t *connection)
{
    int  rc;

    rc = PQflush(connection->pg);

    if (rc < 0) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_pg_connection_events(connection, rc == 1);
}


static void
ngx_http_magasin_pg_connection_input(
    ngx_http_magasin_pg_connection_t *connection)
{
    int                               rc;
    size_t                            before;
    ngx_uint_t                        level;
    ngx_http_magasin_pg_job_t        *job;
    ngx_http_magasin_pg_connection_e  state;

    state = connection->state;

    before = ngx_http_magasin_pg_connection_pending(connection);
    rc = PQconsumeInput(connection->pg);

    if (rc
        && ngx_http_magasin_pg_connection_bounded(connection, before)
           != NGX_OK)
    {
        /* It would not be shorter elsewhere. */

        job = ngx_http_magasin_pg_in_flight(connection)
              ? ngx_http_magasin_pg_slot(connection, connection->head)->jobs
              : NULL;

        for ( /* void */ ; job; job = job->next) {
            job->resent = NGX_HTTP_MAGASIN_PG_RESENDS;
        }

        ngx_http_magasin_pg_connection_lost(connection,
                                            "an answer is too long");
        return;
    }

    /*
     * What came before the end of the connection is answered first: libpq
     * keeps it when PQconsumeInput() fails.
     */

    if (rc == 0) {
        (void) ngx_http_magasin_pg_results(connection);
        ngx_http_magasin_pg_connection_lost(connection, NULL);
        return;
    }

    if (ngx_http_magasin_pg_results(connection) != NGX_OK) {
        ngx_http_magasin_pg_connection_lost(connection, NULL);
        return;
    }

    if (connection->state == NGX_HTTP_MAGASIN_PG_CLOSED) {
        return;
    }

    if (state != NGX_HTTP_MAGASIN_PG_READY
        && connection->state == NGX_HTTP_MAGASIN_PG_READY)
    {
        if (connection->timer.timer_set) {
            ngx_del_timer(&connection->timer);
        }

        if (connection->pool->down) {
            level = connection->pool->conf->quiet ? NGX_LOG_INFO
                                                  : NGX_LOG_NOTICE;

            ngx_log_error(level, connection->pool->log, 0,
                          "magasin: PostgreSQL answers again");
        }

        connection->tried = 0;
        connection->backoff = 0;
        connection->pool->down = 0;
        connection->pool->ready++;

        ngx_http_magasin_count(connection->pool->counters->connects);
    }

    ngx_http_magasin_pg_gauge(connection->pool);

    if (ngx_http_magasin_pg_in_flight(connection) == 0) {

        if (ngx_exiting && connection->pool->nwaiting == 0) {
            ngx_http_magasin_pg_connection_close(connection);
            return;
        }

        connection->connection->idle = 1;
    }

    ngx_http_magasin_pg_wake(connection->pool);
}


/* Bytes that have come and were not read; 0 where that is not known. */

static size_t
ngx_http_magasin_pg_connection_pending(
    ngx_http_magasin_pg_connection_t *connection)
{
    int  n;

    if (ioctl(PQsocket(connection->pg), FIONREAD, &n) == -1 || n < 0) {
        return 0;
    }

    return n;
}


/*
 * libpq keeps an answer in memory until it is whole.  Of one that does not
 * come in one piece the bytes are counted; the notices between the pieces are
 * counted with them.
 *
 * NGX_OK, or NGX_ERROR: there are too many.
 */

static ngx_int_t
ngx_http_magasin_pg_connection_bounded(
    ngx_http_magasin_pg_connection_t *connection, size_t before)
{
    size_t  after, taken;

    if (!connection->partial) {
        connection->partial = 1;
        return NGX_OK;
    }

    /* While it was read more may have come: libpq takes 8 kB at least. */

    after = ngx_http_magasin_pg_connection_pending(connection);
    taken = before > after ? before - after : 0;

    connection->received += ngx_max(taken, ngx_min(before, 8192));

    return connection->received > NGX_HTTP_MAGASIN_PG_ANSWER ? NGX_ERROR
                                                             : NGX_OK;
}


static void
ngx_http_magasin_pg_connection_timer(ngx_event_t *ev)
{
    ngx_http_magasin_pg_connection_t  *connection;

    connection = ev->data;

    switch (connection->state) {

    case NGX_HTTP_MAGASIN_PG_CLOSED:
        ngx_http_magasin_pg_connection_open(connection);
        break;

    case NGX_HTTP_MAGASIN_PG_READY:
        if (!connection->heard
            && ngx_http_magasin_pg_in_flight(connection) != 0)
        {
            ngx_http_magasin_pg_connection_lost(connection, "it is silent");
        }

        break;

    default: /* connecting, preparing */
        ngx_http_magasin_pg_connection_lost(connection, "connect timed out");
        break;
    }
}


/*
 * Plan the next attempt.  All addresses are tried in turn without a pause;
 * after a round without success the pool is down, and the pause doubles up to
 * its bound, with jitter so that workers do not knock together.
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

    if (!was_ready) {
        connection->target = (connection->target + 1)
                             % pool->conf->targets->nelts;

        if (++connection->tried >= pool->conf->targets->nelts) {
            connection->tried = 0;

            if (pool->ready == 0) {
                pool->down = 1;
            }

            connection->backoff = connection->backoff
                ? ngx_min(connection->backoff * 2,
                          NGX_HTTP_MAGASIN_PG_BACKOFF_MAX)
                : NGX_HTTP_MAGASIN_PG_BACKOFF_MIN;

            pause = connection->backoff / 2
                    + ngx_random() % (connection->backoff / 2);
        }
    }

    ngx_add_timer(&connection->timer, pause);
}


/*
 * Collect the jobs that this connection owes an answer.  Reads that were not
 * resent too often go back to the queue; of a write it is not known whether
 * it was committed, so it fails.
 */

static void
ngx_http_magasin_pg_connection_take_back(
    ngx_http_magasin_pg_connection_t *connection, ngx_queue_t *failed)
{
    ngx_http_magasin_pg_job_t   *job;
    ngx_http_magasin_pg_slot_t  *slot;

    while (connection->tail != connection->head) {

        /* From the newest: each goes to the head of the queue. */

        connection->tail--;
        slot = ngx_http_magasin_pg_slot(connection, connection->tail);
        ngx_http_magasin_pg_clear(slot);

        while ((job = ngx_http_magasin_pg_take(slot)) != NULL) {

            if (job->class != NGX_HTTP_MAGASIN_PG_WRITE
                && job->resent < NGX_HTTP_MAGASIN_PG_RESENDS)
            {
                job->resent++;
                ngx_http_magasin_pg_requeue(job);
                continue;
            }

            ngx_http_magasin_pg_link(job, failed, 1);
        }
    }
}


/*
 * A failure is told once, to who must act: when the pool goes out of service
 * or a connection in service breaks.  Attempts that fail while it is known
 * to be down, or while there are other addresses to try, are for the curious.
 */

static void
ngx_http_magasin_pg_connection_log(
    ngx_http_magasin_pg_connection_t *connection, const char *why)
{
    u_char                        *p, buffer[512];
    const char                    *message;
    ngx_uint_t                     level;
    ngx_array_t                   *targets;
    ngx_http_magasin_pg_target_t  *target;

    targets = connection->pool->conf->targets;
    target = targets->elts;
    target += connection->target;

    if (connection->pool->conf->quiet
        || connection->pool->down || connection->backoff
        || (connection->state != NGX_HTTP_MAGASIN_PG_READY
            && connection->tried + 1 < targets->nelts))
    {
        level = NGX_LOG_INFO;

    } else if (connection->state == NGX_HTTP_MAGASIN_PG_READY
               || connection->pool->ready)
    {
        level = NGX_LOG_WARN;

    } else {
        level = NGX_LOG_ERR;
    }

    message = why ? why
                  : connection->pg ? PQerrorMessage(connection->pg)
                                   : "no memory";

    p = ngx_http_magasin_pg_escape(buffer, sizeof(buffer), message);

    ngx_log_error(level, connection->pool->log, 0,
                  "magasin: PostgreSQL at %V, connection %ui: %*s",
                  &target->name, connection->number, (size_t) (p - buffer),
                  buffer);
}


/*
 * What a server says that is not asked for goes to the log in one escaped
 * line, of those that come within a second only the first ones.
 */

void
ngx_http_magasin_pg_connection_complain(
    ngx_http_magasin_pg_connection_t *connection, ngx_uint_t level,
    const char *about, const char *message)
{
    u_char                      *p, buffer[256];
    ngx_http_magasin_pg_pool_t  *pool;

    pool = connection->pool;

    if (!ngx_http_magasin_pg_complains(pool)) {
        return;
    }

    p = ngx_http_magasin_pg_escape(buffer, sizeof(buffer), message);

    ngx_log_error(level, pool->log, 0,
                  "magasin: PostgreSQL says%s: %*s (%ui more before)", about,
                  (size_t) (p - buffer), buffer, pool->muted);

    pool->muted = 0;
}


/* May something be said of a server, or was enough said just now? */

ngx_uint_t
ngx_http_magasin_pg_complains(ngx_http_magasin_pg_pool_t *pool)
{
    if (ngx_current_msec - pool->complained >= NGX_HTTP_MAGASIN_PG_COMPLAINT)
    {
        pool->complained = ngx_current_msec;
        pool->complaints = 0;
    }

    if (pool->complaints == NGX_HTTP_MAGASIN_PG_COMPLAINTS) {
        pool->muted++;
        return 0;
    }

    pool->complaints++;

    return 1;
}


/* Without this libpq writes notices to the standard error. */

static void
ngx_http_magasin_pg_connection_notice(void *data, const char *message)
{
    ngx_http_magasin_pg_connection_complain(data, NGX_LOG_INFO, "", message);
}
