
/*
 * PostgreSQL on the event loop of nginx: a pool of pipelined connections in
 * each worker.  A job is one prepared statement with its parameters.  When it
 * is accepted, exactly one of its two callbacks is called once, from the event
 * loop and never from inside ngx_http_magasin_pg_submit().
 */


#ifndef _NGX_HTTP_MAGASIN_PG_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_PG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include <libpq-fe.h>

#include "ngx_http_magasin_measure.h"
#include "ngx_http_magasin_names.h"
#include "ngx_http_magasin_statements.h"
#include "ngx_http_magasin_zone.h"


#define NGX_HTTP_MAGASIN_PG_MAX_PARAMS  18

/* Buckets of sizes of batches: 1, 2, 4, ... 64, and more. */
#define NGX_HTTP_MAGASIN_PG_SIZES       8

#define NGX_HTTP_MAGASIN_PG_REPLICAS    8


typedef struct ngx_http_magasin_pg_job_s   ngx_http_magasin_pg_job_t;
typedef struct ngx_http_magasin_pg_pool_s  ngx_http_magasin_pg_pool_t;
typedef struct ngx_http_magasin_pg_slot_s  ngx_http_magasin_pg_slot_t;
typedef struct ngx_http_magasin_pg_block_s  ngx_http_magasin_pg_block_t;
typedef struct ngx_http_magasin_pg_replica_s  ngx_http_magasin_pg_replica_t;
typedef struct ngx_http_magasin_pg_replicas_s  ngx_http_magasin_pg_replicas_t;


/* Why a job has no rows. */
typedef enum {
    NGX_HTTP_MAGASIN_PG_UNAVAILABLE = 1,  /* no server, or it went away */
    NGX_HTTP_MAGASIN_PG_TIMEOUT,          /* no answer in time */
    NGX_HTTP_MAGASIN_PG_LOCKED,           /* a lock, or all connections, were
                                             not free in time; not done */
    NGX_HTTP_MAGASIN_PG_ERROR             /* the server rejected: see result */
} ngx_http_magasin_pg_failure_e;


/* The class of a statement for the scheduler. */
typedef enum {
    NGX_HTTP_MAGASIN_PG_READ = 0,   /* short; shares a Sync; may be resent */
    NGX_HTTP_MAGASIN_PG_WRITE,      /* a Sync of its own; resent only
                                       when it was rolled back */
    NGX_HTTP_MAGASIN_PG_HEAVY,      /* a long read; a connection of its own */
    NGX_HTTP_MAGASIN_PG_CLASSES
} ngx_http_magasin_pg_class_e;


/* What one run for several jobs makes of one of their parameters. */
typedef enum {
    NGX_HTTP_MAGASIN_PG_EACH = 0,   /* an array: one element of each job */
    NGX_HTTP_MAGASIN_PG_LINES,      /* an array: `nlines` elements of each */
    NGX_HTTP_MAGASIN_PG_NUMBERS,    /* an array: of each line, the number of
                                       its job in the run, from 1 */
    NGX_HTTP_MAGASIN_PG_WAITS       /* a boolean: may it wait for locks? */
} ngx_http_magasin_pg_part_e;

/*
 * A statement that does the writes of several jobs in one run; see pg_batch.c.
 * Its result has one row for each job, in their order.
 */
typedef struct {
    const ngx_http_magasin_pg_part_e  *parts;      /* of its parameters */
    int                                number;     /* column: of the job */
    int                                missed;     /* column: true: a lock was
                                                      not free; not done */
} ngx_http_magasin_pg_gather_t;


typedef void (*ngx_http_magasin_pg_ready_pt)(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
typedef void (*ngx_http_magasin_pg_failed_pt)(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result);


/*
 * The caller owns the memory of a job and of its parameters, and keeps both
 * until a callback is called or until ngx_http_magasin_pg_cancel().
 */
struct ngx_http_magasin_pg_job_s {
    /* filled in by the caller */
    ngx_http_magasin_statement_e     statement;
    ngx_http_magasin_pg_class_e      class;
    ngx_uint_t                       nvalues;
    const char                      *values[NGX_HTTP_MAGASIN_PG_MAX_PARAMS];
    ngx_http_magasin_pg_ready_pt     ready;
    ngx_http_magasin_pg_failed_pt    failed;
    void                            *data;
    const uint64_t                  *locks;        /* hashes of rows */
    ngx_uint_t                       nlocks;       /* 0: see pg_lane.c */
    const ngx_http_magasin_pg_gather_t
                                    *gather;       /* NULL: a run of its own */
    ngx_uint_t                       nlines;       /* of a job that gathers */
    uint64_t                         once;         /* a hash: such a job takes
                                                      effect once, however
                                                      often it runs; 0: no */
    unsigned                         merge:1;      /* see pg_schedule.c */
    unsigned                         share:1;      /* answer in flight */
    unsigned                         weigh:1;      /* heavy if it was long */
    unsigned                         admitted:1;   /* to a full queue, too */
    unsigned                         commit:1;     /* heavy: it writes, much;
                                                      answered when committed */
    unsigned                         elsewhere:1;  /* a replica may answer it:
                                                      see pg_replicas.c */
    ngx_msec_t                       stale_for;    /* how old its answer may be
                                                      without a primary */
    ngx_log_t                       *log;

    /*
     * Set before ready() is called: the first row of this job in the result
     * and the number of its rows.  Only jobs that were merged or gathered do
     * not have all rows.
     */
    int                              row;
    int                              rows;

    /*
     * Set before ready() is called: the life of the database of the connection,
     * or 0, and how old the rows may be, in milliseconds, if there is no
     * primary and so nothing else is promised; else 0.
     */
    uint64_t                         life;
    ngx_msec_t                       age;

    /* of pg_replicas.c; zeroed by the caller before the first submit */
    ngx_http_magasin_pg_replica_t   *replica;      /* it has it, or answered */
    ngx_http_magasin_pg_replicas_t  *replicas;
    ngx_http_magasin_pg_ready_pt     owner_ready;
    ngx_http_magasin_pg_failed_pt    owner_failed;
    uint64_t                         replayed;     /* by the server, or 0 */
    uint64_t                         as_of;        /* ms, or 0 */
    uint64_t                         need;         /* it must have replayed */
    uint64_t                         seen;         /* in a piece before */
    unsigned                         stays:1;      /* with the primary */

    /* the pool's own; zeroed by the caller before the first submit */
    ngx_queue_t                      queue;
    ngx_event_t                      timer;
    uint64_t                         submitted;    /* microseconds */
    ngx_http_magasin_pg_pool_t      *pool;
    ngx_http_magasin_pg_slot_t      *slot;
    ngx_http_magasin_pg_job_t       *next;         /* of those in one run */
    int                              place;        /* in a batch, from 0 */
    size_t                           size;         /* bytes of its values */
    ngx_http_magasin_pg_block_t     *block;        /* it waits there */
    ngx_msec_t                       deadline;     /* of the job */
    ngx_msec_t                       until;        /* it waits for locks */
    unsigned                         contested:1;  /* `until` is set */
    unsigned                         missed:1;     /* to the lane with it */
    unsigned                         second:1;     /* a batch missed a lock of
                                                      it already */
    unsigned                         alone:1;      /* in a run of its own */
    unsigned                         unknown:1;    /* an earlier run of it may
                                                      have been committed, or
                                                      end only now */
    unsigned                         queued:1;
    unsigned                         resent:3;     /* how many times */
};


/* The configuration of `magasin_database`; the same in all workers. */
typedef struct {
    ngx_array_t                     *targets;      /* of target_t, one at
                                                      least */
    ngx_array_t                     *places;       /* of place_t */
    ngx_http_magasin_names_t        *names;        /* that the hosts have */
    ngx_uint_t                       connections;  /* per worker */
    ngx_uint_t                       queue[NGX_HTTP_MAGASIN_PG_CLASSES];
    ngx_uint_t                       queues;       /* of those without one */
    ngx_msec_t                       timeout;      /* of one job */
    ngx_msec_t                       lock_timeout; /* of all its waits */
    ngx_msec_t                       connect_timeout;
    ngx_atomic_uint_t                database;     /* a hash of the conninfo */
    const char                      *options;      /* of each session */
    const char                      *setting_names;   /* as an array of
                                                         PostgreSQL */
    const char                      *setting_values;  /* the same */
    ngx_str_t                        directive;
    unsigned                         primary:1;    /* no other server will do */
    unsigned                         replica:1;    /* only a standby will */
    unsigned                         quiet:1;      /* failures are "info" */
} ngx_http_magasin_pg_conf_t;


/* One address of one host: libpq gets one per attempt. */
typedef struct {
    const char                     **keywords;     /* NULL terminated */
    const char                     **values;
    const char                     **options;      /* of values */
    ngx_str_t                        name;         /* for the log: no secret */
    unsigned                         absent:1;     /* it has no address yet */
} ngx_http_magasin_pg_target_t;


/* What can be a target: an address of a name is one while the name has it. */
typedef struct {
    ngx_http_magasin_pg_target_t     target;
    ngx_http_magasin_name_t         *name;         /* NULL: always */
    ngx_uint_t                       n;            /* the address of it */
    const char                     **address;      /* of target.values */
    ngx_str_t                        host;         /* as it was written */
    ngx_str_t                        port;
} ngx_http_magasin_pg_place_t;


/* Classes of SQLSTATE, and one more for unknown ones. */
#define NGX_HTTP_MAGASIN_SQLSTATE_CLASSES  24

/* The state of the pool of a worker, which alone writes it. */
typedef struct {
    ngx_atomic_t                     connections;  /* configured */
    ngx_atomic_t                     ready;
    ngx_atomic_t                     busy;         /* with jobs in flight */
    ngx_atomic_t                     waiting;      /* jobs in the queues */
    ngx_atomic_t                     queues[NGX_HTTP_MAGASIN_PG_CLASSES];
    ngx_atomic_t                     locked;       /* jobs behind locks */
    ngx_atomic_t                     collations;   /* outdated; only of the
                                                      first worker */
} ngx_http_magasin_pg_gauges_t;

/* Runs of one statement, from its sending to its answer. */
typedef struct {
    ngx_atomic_t                     runs;
    ngx_atomic_t                     time;         /* microseconds */
} ngx_http_magasin_pg_runs_t;

/* The counters of the pools of all workers; none of them decreases. */
typedef struct {
    ngx_atomic_t                     connects;
    ngx_atomic_t                     connect_failures;
    ngx_atomic_t                     lost;         /* while in service */
    ngx_atomic_t                     timeouts;     /* of jobs */
    ngx_atomic_t                     full;         /* rejected: queue full */
    ngx_atomic_t                     refused[NGX_HTTP_MAGASIN_PG_CLASSES];
    ngx_atomic_t                     missed;       /* a lock, and resent */
    ngx_atomic_t                     locked;       /* a lock, and failed */
    ngx_atomic_t                     down;         /* rejected: no server */
    ngx_atomic_t                     resent;
    ngx_atomic_t                     rejected;     /* batches; sent singly */
    ngx_atomic_t                     sizes[NGX_HTTP_MAGASIN_PG_SIZES];
    ngx_atomic_t                     gathered;     /* jobs in batches */
    ngx_atomic_t                     errors[NGX_HTTP_MAGASIN_SQLSTATE_CLASSES];
    ngx_http_magasin_histogram_t     wait;         /* until being sent */
    ngx_http_magasin_pg_runs_t       statements[NGX_HTTP_MAGASIN_SQL_COUNT];
} ngx_http_magasin_pg_counters_t;


/* Why a read that a replica may answer went to the primary. */
typedef enum {
    NGX_HTTP_MAGASIN_PG_REFUSED_AWAY = 0,    /* none is in service */
    NGX_HTTP_MAGASIN_PG_REFUSED_BEHIND,      /* it had not replayed enough */
    NGX_HTTP_MAGASIN_PG_REFUSED_UNKNOWN,     /* how much that is */
    NGX_HTTP_MAGASIN_PG_REFUSED_LIFE,        /* it shows another timeline */
    NGX_HTTP_MAGASIN_PG_REFUSED_BUSY,        /* its queue was full */
    NGX_HTTP_MAGASIN_PG_REFUSED_TIMEOUT,
    NGX_HTTP_MAGASIN_PG_REFUSED_ERROR,
    NGX_HTTP_MAGASIN_PG_REFUSED_REASONS
} ngx_http_magasin_pg_refused_e;


/* What a node knows of a replica. */
typedef struct {
    ngx_atomic_t                     replayed;     /* in units of 8 bytes */
    ngx_atomic_t                     as_of;        /* ms: it showed all that was
                                                      committed before */
    ngx_atomic_t                     answers;
} ngx_http_magasin_pg_replica_shared_t;

/* The section of the zone of pg_wal.c and pg_replicas.c; counters grow. */
typedef struct {
    ngx_atomic_t                     need;         /* timeline and place */
    ngx_atomic_t                     changes;      /* number of the last one */
    ngx_atomic_t                     covered;      /* up to it: `need` is past
                                                      their commits */
    ngx_atomic_t                     polled;       /* ms: `need` is past all
                                                      commits before */
    ngx_atomic_t                     answers;      /* of the primary */
    ngx_atomic_t                     stale;        /* of replicas, without it */
    ngx_atomic_t             refused[NGX_HTTP_MAGASIN_PG_REFUSED_REASONS];
    ngx_http_magasin_pg_replica_shared_t
                                     replicas[NGX_HTTP_MAGASIN_PG_REPLICAS];
} ngx_http_magasin_pg_wal_t;

/* What was known when the end of the log was asked for. */
typedef struct {
    uint64_t                         change;
    uint64_t                         started;      /* ms: all that was committed
                                                      before; 0: not known */
} ngx_http_magasin_pg_asked_t;

/* A replica for /metrics and /readyz. */
typedef struct {
    uint64_t                         lag;          /* bytes */
    uint64_t                         lag_time;     /* milliseconds */
    uint64_t                         answers;
    ngx_uint_t                       known;        /* the lag is */
} ngx_http_magasin_pg_lag_t;


/* The state of a pool for /readyz. */
typedef struct {
    ngx_uint_t                       ready;        /* connections */
    ngx_uint_t                       locked;       /* jobs behind locks */
    ngx_uint_t                       collations;   /* outdated ones */
    unsigned                         full:1;       /* the queue of writes */
    unsigned                         missing:1;    /* the schema is another */
    unsigned                         stuck:1;      /* no commit returns */
} ngx_http_magasin_pg_state_t;


extern ngx_module_t  ngx_http_magasin_pg_module;


/* pg_module.c */
ngx_uint_t ngx_http_magasin_pg_configured(ngx_conf_t *cf);
ngx_int_t ngx_http_magasin_pg_start(ngx_cycle_t *cycle);
void ngx_http_magasin_pg_stop(ngx_cycle_t *cycle);
ngx_http_magasin_pg_pool_t *ngx_http_magasin_pg_pool(ngx_http_request_t *r);
ngx_http_magasin_pg_pool_t *ngx_http_magasin_pg_pool_of(ngx_cycle_t *cycle);
ngx_http_magasin_pg_conf_t *ngx_http_magasin_pg_conf_of(ngx_cycle_t *cycle);
ngx_str_t *ngx_http_magasin_pg_database_of(ngx_cycle_t *cycle);

char *ngx_http_magasin_pg_conf_queue(ngx_conf_t *cf,
    ngx_http_magasin_pg_conf_t *pcf, ngx_str_t *name, ngx_str_t *value);
char *ngx_http_magasin_pg_conf_finish(ngx_conf_t *cf,
    ngx_http_magasin_pg_conf_t *pcf);
char *ngx_http_magasin_pg_conf_parse(ngx_conf_t *cf,
    ngx_http_magasin_pg_conf_t *pcf, ngx_str_t *conninfo);

ngx_http_magasin_pg_pool_t *ngx_http_magasin_pg_create(ngx_cycle_t *cycle,
    ngx_http_magasin_pg_conf_t *pcf);
void ngx_http_magasin_pg_destroy(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_measure(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_counters_t *counters,
    ngx_http_magasin_pg_gauges_t *gauges);

void ngx_http_magasin_pg_own(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_statement_e statement,
    ngx_http_magasin_pg_ready_pt ready, ngx_http_magasin_pg_failed_pt failed,
    void *data, ngx_log_t *log);
ngx_int_t ngx_http_magasin_pg_submit(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_job_t *job);
void ngx_http_magasin_pg_cancel(ngx_http_magasin_pg_job_t *job);
void ngx_http_magasin_pg_state(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_state_t *state);
uint64_t ngx_http_magasin_pg_lock(const char *owner, const char *row);
const char *ngx_http_magasin_pg_class_name(ngx_uint_t class);

const char *ngx_http_magasin_pg_statement_name(
    ngx_http_magasin_statement_e statement);

/* pg_replicas.c: reads that a replica may answer */
ngx_int_t ngx_http_magasin_pg_submit_read(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_job_t *job);
ngx_uint_t ngx_http_magasin_pg_replicas_count(
    ngx_http_magasin_pg_pool_t *pool);
ngx_msec_t ngx_http_magasin_pg_replicas_stale(
    ngx_http_magasin_pg_pool_t *pool);
ngx_http_magasin_pg_wal_t *ngx_http_magasin_pg_replicas_numbers(
    ngx_http_magasin_pg_pool_t *pool, ngx_uint_t n,
    ngx_http_magasin_pg_lag_t *lag);
const char *ngx_http_magasin_pg_refused_name(ngx_uint_t reason);
const char *ngx_http_magasin_pg_replicas_state(
    ngx_http_magasin_pg_pool_t *pool);

/* pg_life.c: the highest life that a worker of a node has seen */
ngx_atomic_t *ngx_http_magasin_pg_life_seen(ngx_http_magasin_zone_t *zone);

/* pg_wal.c: how far a replica must have come */
void ngx_http_magasin_pg_wal_changed(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_wal_ask(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_asked_t *asked);
void ngx_http_magasin_pg_wal_told(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_asked_t *asked, uint64_t life, const char *end);

ngx_uint_t ngx_http_magasin_pg_complains(ngx_http_magasin_pg_pool_t *pool);

const char *ngx_http_magasin_sqlstate(PGresult *result);
u_char *ngx_http_magasin_pg_escape(u_char *buffer, size_t size,
    const char *message);
const char *ngx_http_magasin_sqlstate_message(PGresult *result);
ngx_uint_t ngx_http_magasin_sqlstate_status(const char *sqlstate);
ngx_uint_t ngx_http_magasin_sqlstate_result(PGresult *result);
ngx_uint_t ngx_http_magasin_sqlstate_class(const char *sqlstate);
const char *ngx_http_magasin_sqlstate_class_name(ngx_uint_t class);


#endif /* _NGX_HTTP_MAGASIN_PG_H_INCLUDED_ */
