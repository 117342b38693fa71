
/*
 * The socket of a connection.  libpq owns it: it reads, writes and closes it.
 * The room event/ reports when it is readable or writable.
 */


#include "ngx_http_magasin_pg_internal.h"

#include <sys/ioctl.h>


static ngx_int_t ngx_http_magasin_pg_connection_events(
    ngx_http_magasin_pg_connection_t *connection, ngx_uint_t writing);
static void ngx_http_magasin_pg_connection_event(ngx_event_t *ev);
static void ngx_http_magasin_pg_connection_poll(
    ngx_http_magasin_pg_connection_t *connection);
static ngx_uint_t ngx_http_magasin_pg_connection_plain(
    ngx_http_magasin_pg_connection_t *connection);
static void ngx_http_magasin_pg_connection_input(
    ngx_http_magasin_pg_connection_t *connection);
static ngx_int_t ngx_http_magasin_pg_connection_consume(
    ngx_http_magasin_pg_connection_t *connection);
static size_t ngx_http_magasin_pg_connection_pending(
    ngx_http_magasin_pg_connection_t *connection);
static ngx_int_t ngx_http_magasin_pg_connection_bounded(
    ngx_http_magasin_pg_connection_t *connection, size_t before);
static ngx_uint_t ngx_http_magasin_pg_connection_announced(
    ngx_http_magasin_pg_connection_t *connection);
static void ngx_http_magasin_pg_mapped_look(void);
static size_t ngx_http_magasin_pg_mapped(void);
static void ngx_http_magasin_pg_connection_oversized(
    ngx_http_magasin_pg_connection_t *connection);


/* Bytes that the process had mapped, and when that was looked at. */

static size_t      ngx_http_magasin_pg_mapped_before;
static ngx_msec_t  ngx_http_magasin_pg_mapped_at;


/*
 * Wrap the socket of a connection that libpq has started to make.
 *
 * Returns NGX_OK, or NGX_ERROR if nginx has no connection left or an event
 * could not be armed.
 */

ngx_int_t
ngx_http_magasin_pg_connection_attach(
    ngx_http_magasin_pg_connection_t *connection)
{
    /* libpq requires a writable socket before the first PQconnectPoll(). */

    return ngx_http_magasin_pg_connection_events(connection, 1);
}


/* Remove the events of the socket, and free what wraps it. */

void
ngx_http_magasin_pg_connection_detach(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_connection_t  *c;

    c = connection->connection;
    if (c == NULL) {
        return;
    }

    /* libpq closes its socket itself if it fails. */

    ngx_http_magasin_event_unwrap(c, PQsocket(connection->pg) != c->fd);

    connection->connection = NULL;
}


/*
 * Arm the events of the socket: always reading, and writing if `writing` is 1.
 * libpq may have replaced its socket.
 *
 * Returns NGX_OK or NGX_ERROR.
 */

static ngx_int_t
ngx_http_magasin_pg_connection_events(
    ngx_http_magasin_pg_connection_t *connection, ngx_uint_t writing)
{
    ngx_socket_t  fd;

    fd = PQsocket(connection->pg);

    if (connection->connection && connection->connection->fd != fd) {
        ngx_http_magasin_pg_connection_detach(connection);
    }

    if (connection->connection == NULL) {
        connection->connection = ngx_http_magasin_event_wrap(fd,
                                     ngx_http_magasin_pg_connection_event,
                                     connection, connection->pool->log);
        if (connection->connection == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_magasin_event_read(connection->connection) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_event_write(connection->connection, writing);
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
         * The worker shuts down and this connection is idle.  It is kept if
         * jobs wait: they may run on it once they have their lock.
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
    ngx_int_t                  rc;
    PostgresPollingStatusType  status;

    status = PQconnectPoll(connection->pg);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: connection %ui polled, status:%d",
                   connection->number, status);

    switch (status) {

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
        if (ngx_http_magasin_pg_connection_plain(connection)) {
            return;
        }

        rc = NGX_ERROR;
        break;
    }

    if (rc != NGX_OK) {
        ngx_http_magasin_pg_connection_lost(connection, NULL);
    }
}


/*
 * A pooler may take no options: then the settings are those of settings.sql
 * alone, and the connection is made anew.  Returns 1 if that is so.
 */

static ngx_uint_t
ngx_http_magasin_pg_connection_plain(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_http_magasin_pg_target_t  *target;

    if (!connection->options
        || strstr(PQerrorMessage(connection->pg),
                  "unsupported startup parameter") == NULL)
    {
        return 0;
    }

    target = ngx_http_magasin_pg_target(connection);

    if (**target->options) {
        ngx_log_error(NGX_LOG_NOTICE, connection->pool->log, 0,
                      "magasin: PostgreSQL at %s is behind a pooler that takes "
                      "no options", connection->at);
    }

    *target->options = "";

    ngx_http_magasin_pg_connection_close(connection);
    ngx_http_magasin_pg_connection_open(connection);

    return 1;
}


/*
 * Send what libpq has buffered.  The write event is armed if some of it is
 * left.
 *
 * Returns NGX_OK, or NGX_ERROR if the connection is unusable.
 */

ngx_int_t
ngx_http_magasin_pg_connection_flush(
    ngx_http_magasin_pg_connection_t *connection)
{
    int  rc;

    rc = PQflush(connection->pg);

    if (rc < 0) {
        return NGX_ERROR;
    }

    /* Now, while the server works, and not when its answer is there. */

    ngx_http_magasin_pg_mapped_look();

    return ngx_http_magasin_pg_connection_events(connection, rc == 1);
}


/* The socket is readable. */

static void
ngx_http_magasin_pg_connection_input(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_http_magasin_pg_pool_t       *pool;
    ngx_http_magasin_pg_connection_e  state;

    pool = connection->pool;
    state = connection->state;

    if (ngx_http_magasin_pg_connection_consume(connection) != NGX_OK
        || connection->state == NGX_HTTP_MAGASIN_PG_CLOSED)
    {
        return;
    }

    if (state != NGX_HTTP_MAGASIN_PG_READY
        && connection->state == NGX_HTTP_MAGASIN_PG_READY)
    {
        ngx_http_magasin_pg_connection_ready(connection);
    }

    ngx_http_magasin_pg_gauge(pool);

    if (ngx_http_magasin_pg_in_flight(connection) == 0) {

        if (ngx_exiting && pool->nwaiting == 0) {
            ngx_http_magasin_pg_connection_close(connection);
            return;
        }

        connection->connection->idle = 1;
    }

    ngx_http_magasin_pg_wake(pool);
}


/*
 * Read from the socket and handle the results.
 *
 * Returns NGX_OK, or NGX_ERROR if the connection was lost.  A callback may
 * have closed the connection in the meantime: its state tells.
 */

static ngx_int_t
ngx_http_magasin_pg_connection_consume(
    ngx_http_magasin_pg_connection_t *connection)
{
    int        ok;
    size_t     before;
    ngx_int_t  rc;

    ngx_http_magasin_pg_mapped_look();

    /* The first piece of an answer is not counted. */

    before = connection->partial
             ? ngx_http_magasin_pg_connection_pending(connection) : 0;

    ok = PQconsumeInput(connection->pg);

    if (ok
        && ngx_http_magasin_pg_connection_bounded(connection, before)
           != NGX_OK)
    {
        ngx_http_magasin_pg_connection_oversized(connection);
        return NGX_ERROR;
    }

    if (ngx_http_magasin_pg_life_passed(connection)) {
        ngx_http_magasin_pg_connection_lost(connection,
                                            NGX_HTTP_MAGASIN_PG_PASSED);
        return NGX_ERROR;
    }

    /*
     * libpq keeps what arrived before the end of the connection if
     * PQconsumeInput() fails: these results are handled first.
     */

    rc = ngx_http_magasin_pg_results(connection);

    if (!ok || rc != NGX_OK) {
        ngx_http_magasin_pg_connection_lost(connection, NULL);
        return NGX_ERROR;
    }

    if (ngx_http_magasin_pg_connection_announced(connection)) {
        ngx_http_magasin_pg_connection_oversized(connection);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * The oldest answer is too long: give the connection up.  Its jobs are not
 * sent again, since the answer would be as long on another connection.
 */

static void
ngx_http_magasin_pg_connection_oversized(
    ngx_http_magasin_pg_connection_t *connection)
{
    ngx_http_magasin_pg_job_t   *job;
    ngx_http_magasin_pg_slot_t  *slot;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, connection->pool->log, 0,
                   "magasin pg: answer on connection %ui has %uz bytes or "
                   "more", connection->number, connection->received);

    if (ngx_http_magasin_pg_in_flight(connection)) {
        slot = ngx_http_magasin_pg_slot(connection, connection->head);

        for (job = slot->jobs; job; job = job->next) {
            job->resent = NGX_HTTP_MAGASIN_PG_RESENDS;
        }
    }

    ngx_http_magasin_pg_connection_lost(connection, "an answer is too long");
}


/* Returns the bytes that the socket has received; 0 if that is unknown. */

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
 * Bound the size of an answer: libpq keeps it in memory until it is complete.
 * The bytes of an answer that arrives in several pieces are counted, those of
 * notices between the pieces too.  `before` is the number of bytes that the
 * socket had received before libpq read.
 *
 * Returns NGX_OK, or NGX_ERROR if NGX_HTTP_MAGASIN_PG_ANSWER is exceeded.
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

    /* More bytes may have arrived meanwhile: libpq reads 8 kB at least. */

    after = ngx_http_magasin_pg_connection_pending(connection);
    taken = before > after ? before - after : 0;

    connection->received += ngx_max(taken, ngx_min(before, 8192));

    return connection->received > NGX_HTTP_MAGASIN_PG_ANSWER ? NGX_ERROR
                                                             : NGX_OK;
}


/*
 * Has the server announced a message that is too long?  libpq makes room for
 * all of a message when it has read its header, and then reads until the socket
 * is empty: a server that sends as fast as libpq reads would fill that room in
 * one call.  The room is address space at first, and shows there.
 */

static ngx_uint_t
ngx_http_magasin_pg_connection_announced(
    ngx_http_magasin_pg_connection_t *connection)
{
    size_t  before;

    before = ngx_http_magasin_pg_mapped_before;

    return before && ngx_http_magasin_pg_in_flight(connection) != 0
           && ngx_http_magasin_pg_mapped()
              > before + NGX_HTTP_MAGASIN_PG_ANSWER;
}


/* Notes what the process has mapped, unless it was noted a moment ago. */

static void
ngx_http_magasin_pg_mapped_look(void)
{
    if (ngx_http_magasin_pg_mapped_before == 0
        || ngx_current_msec - ngx_http_magasin_pg_mapped_at
           > NGX_HTTP_MAGASIN_PG_MAPPED)
    {
        ngx_http_magasin_pg_mapped_before = ngx_http_magasin_pg_mapped();
        ngx_http_magasin_pg_mapped_at = ngx_current_msec;
    }
}


/*
 * Returns the bytes of address space of the process; 0 if that is unknown.
 * It is one system call, on a descriptor that stays open.
 */

static size_t
ngx_http_magasin_pg_mapped(void)
{
    char              text[32];
    ssize_t           n;
    static ngx_fd_t   fd = NGX_INVALID_FILE;
    static ngx_pid_t  pid;

    if (pid != ngx_pid) {
        fd = open("/proc/self/statm", O_RDONLY|O_CLOEXEC);
        pid = ngx_pid;
    }

    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    n = pread(fd, text, sizeof(text) - 1, 0);

    if (n <= 0) {
        return 0;
    }

    text[n] = '\0';

    /* The first number, in pages; see proc(5). */

    return strtoul(text, NULL, 10) * ngx_pagesize;
}
