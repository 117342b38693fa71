
/*
 * What the files of the PostgreSQL room share and nobody else includes:
 * the pool and its scheduler (pg.c), one connection (pg_connection.c).
 */


#ifndef _NGX_HTTP_MAGASIN_PG_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_PG_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_pg.h"


/* Reads that share one Sync, and Syncs that may be unanswered. */
#define NGX_HTTP_MAGASIN_PG_BATCH     64
#define NGX_HTTP_MAGASIN_PG_BATCHES   2
#define NGX_HTTP_MAGASIN_PG_WRITES    2

/* A read is sent again so often: several connections may break in a row. */
#define NGX_HTTP_MAGASIN_PG_RESENDS   4

/* Milliseconds for which reads wait for those before them; see pg.c. */
#define NGX_HTTP_MAGASIN_PG_HOLD      2

/* A connection from which nothing came for so many ms is not given more. */
#define NGX_HTTP_MAGASIN_PG_STALL     100

/* The longest text of an array of as many keys. */
#define NGX_HTTP_MAGASIN_PG_KEYS                                              \
    (NGX_HTTP_MAGASIN_PG_BATCH * (NGX_INT64_LEN + 1) + 2)

/* Places for what is in flight: a power of two, over the sum of the above. */
#define NGX_HTTP_MAGASIN_PG_SLOTS     256

/* Milliseconds: the pauses between attempts stay under a second. */
#define NGX_HTTP_MAGASIN_PG_BACKOFF_MIN  50
#define NGX_HTTP_MAGASIN_PG_BACKOFF_MAX  500

/* A connection silent this long after a job timed out on it is given up. */
#define NGX_HTTP_MAGASIN_PG_SILENCE      1000


typedef struct ngx_http_magasin_pg_connection_s
    ngx_http_magasin_pg_connection_t;


typedef enum {
    NGX_HTTP_MAGASIN_PG_CLOSED = 0,
    NGX_HTTP_MAGASIN_PG_CONNECTING,
    NGX_HTTP_MAGASIN_PG_PREPARING,
    NGX_HTTP_MAGASIN_PG_READY
} ngx_http_magasin_pg_connection_e;


/*
 * One answer that is owed: a Sync, or that of a statement to its jobs; there
 * is none when their owners left, and several only when they were merged.
 * At the Sync of a write wait its jobs and its result, since only the answer
 * to the Sync says that it was committed; or its jobs alone, when it is to
 * run again.
 */
struct ngx_http_magasin_pg_slot_s {
    ngx_http_magasin_pg_job_t          *jobs;
    PGresult                           *result;
    ngx_http_magasin_pg_connection_t   *connection;
    ngx_http_magasin_statement_e        statement;
    uint64_t                            sent;        /* microseconds */
    unsigned                            sync:1;
    unsigned                            reads:1;     /* it ends a batch */
};


struct ngx_http_magasin_pg_connection_s {
    ngx_http_magasin_pg_pool_t         *pool;
    PGconn                             *pg;
    ngx_connection_t                   *connection;  /* wraps libpq's fd */
    ngx_http_magasin_pg_connection_e    state;
    ngx_uint_t                          number;      /* in the pool */

    ngx_uint_t                          target;      /* to try next */
    ngx_uint_t                          tried;       /* in this round */
    ngx_msec_t                          backoff;

    /* by state: pause, deadline of the connect, watch for silence */
    ngx_event_t                         timer;

    ngx_uint_t                          head;        /* oldest slot */
    ngx_uint_t                          tail;        /* next free slot */
    ngx_uint_t                          syncs;       /* in flight */
    ngx_uint_t                          batch;       /* reads since Sync */
    ngx_msec_t                          reading;     /* since when, or 0 */
    ngx_msec_t                          progress;    /* last sign of it */
    ngx_uint_t                          prepared;    /* answers seen */
    unsigned                            heavy:1;     /* a long read runs */
    unsigned                            heard:1;     /* since the timeout */

    ngx_http_magasin_pg_slot_t          slots[NGX_HTTP_MAGASIN_PG_SLOTS];
};


struct ngx_http_magasin_pg_pool_s {
    ngx_http_magasin_pg_conf_t         *conf;
    ngx_log_t                          *log;
    ngx_queue_t                         waiting[NGX_HTTP_MAGASIN_PG_CLASSES];
    ngx_uint_t                          nwaiting;
    ngx_event_t                         dispatch;    /* posted once a tick */
    ngx_event_t                         hold;        /* ends a wait of reads */
    ngx_uint_t                          ready;       /* connections */
    unsigned                            down:1;      /* a round failed */
    unsigned                            turn:1;      /* of the short ones */
    unsigned                            closed:1;    /* the worker exits */
    ngx_http_magasin_pg_connection_t   *connections;
    ngx_http_magasin_pg_counters_t     *counters;
    ngx_http_magasin_pg_gauges_t       *gauges;
};


#define ngx_http_magasin_pg_slot(connection, n)                               \
    (&(connection)->slots[(n) & (NGX_HTTP_MAGASIN_PG_SLOTS - 1)])

#define ngx_http_magasin_pg_in_flight(connection)                             \
    ((connection)->tail - (connection)->head)


/* pg_connection.c */
void ngx_http_magasin_pg_connection_init(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_pool_t *pool, ngx_uint_t number);
void ngx_http_magasin_pg_connection_open(
    ngx_http_magasin_pg_connection_t *connection);
void ngx_http_magasin_pg_connection_close(
    ngx_http_magasin_pg_connection_t *connection);
ngx_int_t ngx_http_magasin_pg_connection_send(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job);
ngx_int_t ngx_http_magasin_pg_connection_sync(
    ngx_http_magasin_pg_connection_t *connection, ngx_uint_t reads);
void ngx_http_magasin_pg_connection_lost(
    ngx_http_magasin_pg_connection_t *connection, const char *why);
void ngx_http_magasin_pg_connection_watch(
    ngx_http_magasin_pg_connection_t *connection);

/* pg_result.c */
ngx_int_t ngx_http_magasin_pg_results(
    ngx_http_magasin_pg_connection_t *connection);

/* pg.c */
void ngx_http_magasin_pg_wake(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_gauge(ngx_http_magasin_pg_pool_t *pool);
ngx_http_magasin_pg_job_t *ngx_http_magasin_pg_take(
    ngx_http_magasin_pg_slot_t *slot);
void ngx_http_magasin_pg_drop(ngx_http_magasin_pg_slot_t *slot);
void ngx_http_magasin_pg_requeue(ngx_http_magasin_pg_job_t *job);
void ngx_http_magasin_pg_finish(ngx_http_magasin_pg_job_t *job);
void ngx_http_magasin_pg_fail_queue(ngx_queue_t *queue);
void ngx_http_magasin_pg_fail_waiting(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_link(ngx_http_magasin_pg_job_t *job,
    ngx_queue_t *queue, ngx_uint_t first);


#endif /* _NGX_HTTP_MAGASIN_PG_INTERNAL_H_INCLUDED_ */
