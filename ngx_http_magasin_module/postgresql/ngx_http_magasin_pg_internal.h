
/*
 * What the files of the PostgreSQL room share; no other room includes it: the
 * pool (pg.c), what is sent where (pg_schedule.c), jobs that wait for locks
 * (pg_lane.c), writes that share a run (pg_batch.c), a connection
 * (pg_connection.c), its socket (pg_event.c), what it sends (pg_send.c), its
 * statements (pg_prepare.c), its settings (pg_settings.c), its results
 * (pg_result.c) and their columns (pg_expect.c), the log (pg_log.c),
 * connections that are kept free (pg_reserve.c), former primaries (pg_life.c),
 * commits that do not return (pg_stuck.c), reads for replicas (pg_replicas.c;
 * one replica in pg_replica.c, the directives in pg_replicas_conf.c) and how
 * far they must have come (pg_wal.c).
 */


#ifndef _NGX_HTTP_MAGASIN_PG_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_PG_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_pg.h"
#include "ngx_http_magasin_event.h"
#include "ngx_http_magasin_zone.h"


/* Reads that share one Sync; batches and writes in flight on a connection. */
#define NGX_HTTP_MAGASIN_PG_BATCH     64
#define NGX_HTTP_MAGASIN_PG_BATCHES   2
#define NGX_HTTP_MAGASIN_PG_WRITES    2

/*
 * Jobs of a batch of writes, their bytes and their lines: its answers are
 * rendered in one turn of the event loop, and who comes next waits for it.
 */
#define NGX_HTTP_MAGASIN_PG_GATHER        64
#define NGX_HTTP_MAGASIN_PG_GATHER_BYTES  65536
#define NGX_HTTP_MAGASIN_PG_GATHER_LINES  256

/* Milliseconds for which writes wait for the batch before them. */
#define NGX_HTTP_MAGASIN_PG_GATHER_HOLD   100

/*
 * After a batch of so many jobs the next one waits for those who got their
 * answers: for this part of the time that the batch took, and no longer than so
 * many milliseconds.
 */
#define NGX_HTTP_MAGASIN_PG_LINGER_JOBS   8
#define NGX_HTTP_MAGASIN_PG_LINGER_PART   4
#define NGX_HTTP_MAGASIN_PG_LINGER        2

/* A job with `commit` has so many times the timeout. */
#define NGX_HTTP_MAGASIN_PG_LONGER    6

/* How often a job is resent: several connections may fail in a row. */
#define NGX_HTTP_MAGASIN_PG_RESENDS   4

/* Milliseconds for which reads wait for the batch before them. */
#define NGX_HTTP_MAGASIN_PG_HOLD      2

/* Milliseconds without an answer after which nothing more is sent. */
#define NGX_HTTP_MAGASIN_PG_STALL     100

/*
 * Milliseconds: the lock_timeout in service, the one of a turn of the lane, and
 * the shortest pause between the turns of a block.
 */
#define NGX_HTTP_MAGASIN_PG_LOCK_WAIT    20
#define NGX_HTTP_MAGASIN_PG_LOCK_TURN    40
#define NGX_HTTP_MAGASIN_PG_LOCK_PAUSE   10
#define NGX_HTTP_MAGASIN_PG_LOCK_PAUSES  4     /* the longest: 2 to the 4th */

/*
 * A block has at most this fraction of the queue of a class, and all blocks
 * have twice that: jobs that wait for locks leave room for others.
 */
#define NGX_HTTP_MAGASIN_PG_BLOCK_SHARE  4

/* Blocks of a pool; a job that needs one more is rejected. */
#define NGX_HTTP_MAGASIN_PG_BLOCKS       64

/* Reads that took longer, in microseconds, are heavy the next time. */
#define NGX_HTTP_MAGASIN_PG_LONG         20000
#define NGX_HTTP_MAGASIN_PG_WEIGHTS      256

/* Bytes of one answer; lines about a server in so many milliseconds. */
#define NGX_HTTP_MAGASIN_PG_ANSWER       (64 * 1024 * 1024)

/* Milliseconds for which the size of the address space is taken for known. */
#define NGX_HTTP_MAGASIN_PG_MAPPED       100
#define NGX_HTTP_MAGASIN_PG_COMPLAINT    1000
#define NGX_HTTP_MAGASIN_PG_COMPLAINTS   8

/* The longest text of an array of as many keys. */
#define NGX_HTTP_MAGASIN_PG_KEYS                                              \
    (NGX_HTTP_MAGASIN_PG_BATCH * (NGX_INT64_LEN + 1) + 2)

/* Bytes of a server's name in the log. */
#define NGX_HTTP_MAGASIN_PG_AT  128

/* Slots of a connection: a power of two, over the sum of the above. */
#define NGX_HTTP_MAGASIN_PG_SLOTS     512

/* Milliseconds: the bounds of the pauses between rounds of attempts. */
#define NGX_HTTP_MAGASIN_PG_BACKOFF_MIN  50
#define NGX_HTTP_MAGASIN_PG_BACKOFF_MAX  500

/* The same for replicas: one that was promoted is asked again and again. */
#define NGX_HTTP_MAGASIN_PG_REPLICA_MAX  5000

/* Milliseconds for which a replica has to answer a short read. */
#define NGX_HTTP_MAGASIN_PG_REPLICA_TIME  500

/* A place in the log, and above it bits of its timeline; see pg_wal.c. */
#define NGX_HTTP_MAGASIN_PG_WAL_BITS  52
#define NGX_HTTP_MAGASIN_PG_WAL_PLACE                                         \
    (((uint64_t) 1 << NGX_HTTP_MAGASIN_PG_WAL_BITS) - 1)

/* Why a connection to a former primary is lost. */
#define NGX_HTTP_MAGASIN_PG_PASSED                                            \
    "its database has been replaced: it is a former primary"

/* Why a connection is lost that gets the sessions of others. */
#define NGX_HTTP_MAGASIN_PG_SHARED                                            \
    "a pooler gives it sessions with the prepared statements of others: it "  \
    "takes pool_mode=session, or max_prepared_statements of PgBouncer 1.21"

/* Milliseconds for which a pooler that did that is not used. */
#define NGX_HTTP_MAGASIN_PG_SHARED_PAUSE  10000

/* Milliseconds without a result after a job timed out: it is lost. */
#define NGX_HTTP_MAGASIN_PG_SILENCE      1000


typedef struct ngx_http_magasin_pg_connection_s
    ngx_http_magasin_pg_connection_t;


typedef enum {
    NGX_HTTP_MAGASIN_PG_CLOSED = 0,
    NGX_HTTP_MAGASIN_PG_CONNECTING,
    NGX_HTTP_MAGASIN_PG_PREPARING,
    NGX_HTTP_MAGASIN_PG_READY
} ngx_http_magasin_pg_connection_e;


/* What a Sync is sent after. */
typedef enum {
    NGX_HTTP_MAGASIN_PG_SYNC_OTHER = 0,
    NGX_HTTP_MAGASIN_PG_SYNC_READS,       /* a batch */
    NGX_HTTP_MAGASIN_PG_SYNC_WRITE,
    NGX_HTTP_MAGASIN_PG_SYNC_GATHER,      /* a batch of writes */
    NGX_HTTP_MAGASIN_PG_SYNC_HEAVY,
    NGX_HTTP_MAGASIN_PG_SYNC_COMMIT,      /* a long write */
    NGX_HTTP_MAGASIN_PG_SYNC_LANE         /* one that waits for a lock */
} ngx_http_magasin_pg_sync_e;


/*
 * Something that is locked, by its hash, and the jobs that wait for it.  Owned
 * by the pool, and always in its queue `blocks` or `spare`.
 */
struct ngx_http_magasin_pg_block_s {
    ngx_queue_t                         queue;       /* in pool->blocks */
    ngx_queue_t                         jobs;
    uint64_t                            key;
    ngx_msec_t                          next;        /* turn not before */
    ngx_uint_t                          misses;
    ngx_uint_t                          njobs;       /* that wait */
    unsigned                            busy:1;      /* its turn runs */
    unsigned                            missed:1;    /* without the lock */
};


/*
 * One answer that is owed: to a Sync, or to a statement.  A statement has
 * several jobs if they were merged or share it, and none if they were
 * cancelled.  The slot of the Sync of a write holds its jobs and its result,
 * since only the answer to the Sync confirms the commit; or its jobs alone, if
 * they are to run again.  What becomes of the jobs of a batch is decided then,
 * one by one.
 */
struct ngx_http_magasin_pg_slot_s {
    ngx_http_magasin_pg_job_t          *jobs;
    PGresult                           *result;
    ngx_http_magasin_pg_connection_t   *connection;
    ngx_http_magasin_statement_e        statement;
    uint64_t                            sent;        /* microseconds */
    uint64_t                            weight;      /* of a job, or 0 */
    ngx_uint_t                          count;       /* of jobs, when sent */
    ngx_http_magasin_pg_sync_e          kind;        /* of a Sync */
    unsigned                            sync:1;
    unsigned                            prepare:1;   /* of `statement` */
    unsigned                            undone:1;    /* the session ended */
};


/* The section of the zone; see pg_life.c. */
typedef struct {
    ngx_atomic_t                        database;    /* of a configuration */
    ngx_atomic_t                        life;        /* the highest seen */
} ngx_http_magasin_pg_life_t;


struct ngx_http_magasin_pg_connection_s {
    ngx_http_magasin_pg_pool_t         *pool;
    PGconn                             *pg;
    ngx_connection_t                   *connection;  /* wraps libpq's fd */
    ngx_http_magasin_pg_connection_e    state;
    ngx_uint_t                          number;      /* in the pool */

    ngx_http_magasin_retry_t            retry;

    /* its server, for the log */
    u_char                              at[NGX_HTTP_MAGASIN_PG_AT];

    /* by state: pause, connect timeout, watch for a result */
    ngx_event_t                         timer;

    ngx_uint_t                          head;        /* oldest slot */
    ngx_uint_t                          tail;        /* next free slot */
    ngx_uint_t                          syncs;       /* in flight */
    ngx_uint_t                          batch;       /* reads since Sync */
    ngx_msec_t                          reading;     /* since when, or 0 */
    ngx_msec_t                          gathering;   /* the same of writes */
    ngx_uint_t                          gathered;    /* jobs of that batch */
    ngx_queue_t                         unknown;     /* jobs for when it is in
                                                        service again */
    ngx_msec_t                          progress;    /* last answered Sync */
    ngx_msec_t                          watched;     /* for a result since */
    uint64_t                            locks[NGX_HTTP_MAGASIN_PG_WRITES];
    ngx_uint_t                          writes;      /* in flight */
    ngx_http_magasin_pg_block_t        *lane;        /* its turn runs here */
    ngx_uint_t                          nmissing;    /* statements */
    u_char                              missing[NGX_HTTP_MAGASIN_SQL_COUNT];
    size_t                              received;    /* since a result */
    ngx_uint_t                          notices;     /* since it is open */
    uint64_t                            life;        /* 0: not known */
    uint64_t                            replayed;    /* of a replica */
    uint64_t                            shown;       /* life; of a replica */
    uint64_t                            as_of;       /* ms: it showed all that
                                                        was known then, or 0 */
    const char                         *why;         /* it is refused */
    int                                 process;     /* that answered last */
    unsigned                            greeted:1;   /* it is a replica */
    unsigned                            single:1;    /* prepared one by one */
    unsigned                            failed:1;    /* to prepare, some */
    unsigned                            heavy:1;     /* a long read runs */
    unsigned                            heard:1;     /* since the timeout */
    unsigned                            partial:1;   /* an answer came so */
    unsigned                            stuck:1;     /* a commit is */
    unsigned                            unreplicated:1;  /* a commit is */
    unsigned                            primary:1;   /* and no replica */
    unsigned                            pooled:1;    /* a pooler is between */
    unsigned                            renamed:1;   /* its statements are, by
                                                        the pooler */
    unsigned                            isolate:1;   /* the role's default is
                                                        another isolation */
    unsigned                            asked:1;     /* it told its life */
    unsigned                            options:1;   /* it was made with some */

    ngx_http_magasin_pg_slot_t          slots[NGX_HTTP_MAGASIN_PG_SLOTS];
};


struct ngx_http_magasin_pg_pool_s {
    ngx_http_magasin_pg_conf_t         *conf;
    ngx_log_t                          *log;
    ngx_queue_t                         waiting[NGX_HTTP_MAGASIN_PG_CLASSES];
    ngx_uint_t                          queued[NGX_HTTP_MAGASIN_PG_CLASSES];
    ngx_uint_t                          nwaiting;
    ngx_event_t                         dispatch;    /* posted once a tick */
    ngx_event_t                         hold;        /* ends a wait of reads */
    ngx_event_t                         gather;      /* and one of writes */
    ngx_msec_t                          linger;      /* until when, or 0 */
    ngx_uint_t                          lingers;     /* for so many writes */
    ngx_uint_t                          ready;       /* connections */

    ngx_queue_t                         blocks;      /* in turn */
    ngx_queue_t                         spare;       /* blocks */
    ngx_uint_t                          nblocks;     /* in use */
    ngx_uint_t                          nlocked;     /* jobs in them */
    ngx_uint_t                          collations;  /* outdated ones */
    ngx_event_t                         pause;       /* of blocks */
    unsigned                            lane:1;      /* a turn runs */
    unsigned                            writes:1;    /* they begin */
    unsigned                            reads:1;     /* they do */
    ngx_http_magasin_pg_block_t         block[NGX_HTTP_MAGASIN_PG_BLOCKS];

    ngx_http_magasin_pg_life_t         *life;        /* of all workers */
    ngx_http_magasin_pg_life_t          lonely;      /* without a zone */

    ngx_http_magasin_pg_wal_t          *wal;         /* NULL: without a zone */
    ngx_http_magasin_pg_replicas_t     *replicas;    /* or NULL: none */

    uint64_t                            weights[NGX_HTTP_MAGASIN_PG_WEIGHTS];
    ngx_http_magasin_pg_slot_t         *shared[NGX_HTTP_MAGASIN_SQL_COUNT];
    ngx_http_magasin_pg_job_t           probe;       /* see pg_stuck.c */
    ngx_msec_t                          heard;       /* last result */
    ngx_msec_t                          prepared;    /* missing statements */
    ngx_msec_t                          mixed;       /* sessions, or 0 */
    ngx_msec_t                          complained;  /* of a server */
    ngx_uint_t                          complaints;  /* since then */
    ngx_uint_t                          muted;       /* and not logged */
    unsigned                            down:1;      /* a round failed */
    unsigned                            turn:1;      /* of the short ones */
    unsigned                            closed:1;    /* the worker exits */
    ngx_http_magasin_pg_connection_t   *connections;
    ngx_http_magasin_pg_counters_t     *counters;
    ngx_http_magasin_pg_gauges_t       *gauges;
};


/* A replica; see pg_replica.c. */
struct ngx_http_magasin_pg_replica_s {
    ngx_http_magasin_pg_replicas_t     *replicas;
    ngx_http_magasin_pg_replica_shared_t
                                       *shared;
    ngx_http_magasin_pg_pool_t         *pool;
    ngx_http_magasin_pg_job_t           probe;
    ngx_event_t                         timer;
    uint64_t                            as_of;       /* ms: it showed all that
                                                        was known then, or 0 */
    uint64_t                            as_of_place; /* where it was then */
    ngx_msec_t                          pause;       /* between two probes */
    unsigned                            behind:1;    /* as last seen */
    unsigned                            silent:1;    /* something timed out */
};

/* The replicas of a worker. */
struct ngx_http_magasin_pg_replicas_s {
    ngx_http_magasin_pg_pool_t         *primary;
    ngx_http_magasin_pg_wal_t          *wal;
    ngx_msec_t                          stale;       /* or 0: not at all */
    ngx_uint_t                          turn;
    ngx_uint_t                          n;
    ngx_http_magasin_pg_replica_t       replica[NGX_HTTP_MAGASIN_PG_REPLICAS];

    ngx_http_magasin_pg_job_t           end;         /* asks for wal.sql */
    ngx_http_magasin_pg_asked_t         asked;
    unsigned                            again:1;     /* after it */
};

/* `magasin_database_replicas` and `magasin_database_replicas_stale`. */
typedef struct {
    ngx_array_t                        *conninfos;   /* of ngx_str_t */
    ngx_http_magasin_pg_conf_t         *confs;       /* one for each */
    ngx_msec_t                          stale;
} ngx_http_magasin_pg_replicas_conf_t;


extern const ngx_http_magasin_zone_section_t  ngx_http_magasin_pg_section;
extern const ngx_http_magasin_zone_section_t  ngx_http_magasin_pg_wal_section;


#define ngx_http_magasin_pg_slot(connection, n)                               \
    (&(connection)->slots[(n) & (NGX_HTTP_MAGASIN_PG_SLOTS - 1)])


#define ngx_http_magasin_pg_in_flight(connection)                             \
    ((connection)->tail - (connection)->head)


/* pg_place.c */
ngx_int_t ngx_http_magasin_pg_places_init(ngx_conf_t *cf,
    ngx_http_magasin_pg_conf_t *pcf);
void ngx_http_magasin_pg_place_name(ngx_http_magasin_pg_place_t *place,
    ngx_str_t *address);
ngx_http_magasin_pg_target_t *ngx_http_magasin_pg_target(
    ngx_http_magasin_pg_connection_t *connection);

/* pg_connection.c */
void ngx_http_magasin_pg_connection_init(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_pool_t *pool, ngx_uint_t number);
void ngx_http_magasin_pg_connection_open(
    ngx_http_magasin_pg_connection_t *connection);
void ngx_http_magasin_pg_connection_ready(
    ngx_http_magasin_pg_connection_t *connection);
void ngx_http_magasin_pg_connection_close(
    ngx_http_magasin_pg_connection_t *connection);
void ngx_http_magasin_pg_connection_lost(
    ngx_http_magasin_pg_connection_t *connection, const char *why);
void ngx_http_magasin_pg_connection_ended(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result);
void ngx_http_magasin_pg_connection_resume(
    ngx_http_magasin_pg_connection_t *connection);
void ngx_http_magasin_pg_connection_watch(
    ngx_http_magasin_pg_connection_t *connection);

/* pg_event.c */
ngx_int_t ngx_http_magasin_pg_connection_attach(
    ngx_http_magasin_pg_connection_t *connection);
void ngx_http_magasin_pg_connection_detach(
    ngx_http_magasin_pg_connection_t *connection);
ngx_int_t ngx_http_magasin_pg_connection_flush(
    ngx_http_magasin_pg_connection_t *connection);

/* pg_send.c */
ngx_int_t ngx_http_magasin_pg_connection_send(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job, ngx_msec_t lock_wait);
ngx_int_t ngx_http_magasin_pg_connection_sync(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_sync_e kind);
ngx_int_t ngx_http_magasin_pg_connection_ask(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_statement_e statement, int n, const char *const *values);
ngx_http_magasin_pg_slot_t *ngx_http_magasin_pg_connection_slot(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_statement_e statement);
uint64_t ngx_http_magasin_pg_lane_key(ngx_http_magasin_pg_job_t *job);
uint64_t ngx_http_magasin_pg_weight(ngx_http_magasin_pg_job_t *job);
ngx_uint_t ngx_http_magasin_pg_weighs(ngx_http_magasin_pg_pool_t *pool,
    uint64_t weight);
void ngx_http_magasin_pg_weigh(ngx_http_magasin_pg_pool_t *pool,
    uint64_t weight, uint64_t time);

/* pg_begin.c */
ngx_int_t ngx_http_magasin_pg_begin(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job, ngx_msec_t lock_wait);
ngx_int_t ngx_http_magasin_pg_begun(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot, PGresult *result);

/* pg_log.c */
void ngx_http_magasin_pg_connection_log(
    ngx_http_magasin_pg_connection_t *connection, const char *why);
void ngx_http_magasin_pg_connection_complain(
    ngx_http_magasin_pg_connection_t *connection, ngx_uint_t level,
    const char *about, const char *message);
void ngx_http_magasin_pg_connection_notice(void *data,
    const PGresult *notice);
void ngx_http_magasin_pg_connection_noticed(
    ngx_http_magasin_pg_connection_t *connection);

/* pg_life.c */
void ngx_http_magasin_pg_life_init(ngx_http_magasin_pg_pool_t *pool,
    ngx_cycle_t *cycle);
ngx_int_t ngx_http_magasin_pg_life_ask(
    ngx_http_magasin_pg_connection_t *connection);
ngx_int_t ngx_http_magasin_pg_life_take(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result);
ngx_uint_t ngx_http_magasin_pg_life_passed(
    ngx_http_magasin_pg_connection_t *connection);
void ngx_http_magasin_pg_life_check(ngx_http_magasin_pg_pool_t *pool);
uint64_t ngx_http_magasin_pg_life_of(ngx_http_magasin_pg_pool_t *pool);

/* pg_settings.c */
ngx_int_t ngx_http_magasin_pg_settings_init(ngx_conf_t *cf,
    ngx_http_magasin_pg_conf_t *pcf, const char *options);
ngx_int_t ngx_http_magasin_pg_settings_send(
    ngx_http_magasin_pg_connection_t *connection, ngx_msec_t wait);
ngx_int_t ngx_http_magasin_pg_settings_take(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result);
void ngx_http_magasin_pg_settings_shared(
    ngx_http_magasin_pg_connection_t *connection);
void ngx_http_magasin_pg_settings_check(ngx_http_magasin_pg_pool_t *pool);

/* pg_wal.c */
ngx_int_t ngx_http_magasin_pg_wal_need(ngx_http_magasin_pg_pool_t *pool,
    uint64_t *need);
ngx_uint_t ngx_http_magasin_pg_wal_past(ngx_http_magasin_pg_pool_t *pool,
    uint64_t replayed, uint64_t *since);
void ngx_http_magasin_pg_wal_end_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
void ngx_http_magasin_pg_wal_end_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result);

/* pg_replicas.c */
ngx_int_t ngx_http_magasin_pg_replicas_create(ngx_cycle_t *cycle,
    ngx_http_magasin_pg_pool_t *primary,
    ngx_http_magasin_pg_replicas_conf_t *rcf);
void ngx_http_magasin_pg_replicas_destroy(
    ngx_http_magasin_pg_replicas_t *replicas);

/* pg_replica.c */
void ngx_http_magasin_pg_replica_watch(
    ngx_http_magasin_pg_replica_t *replica);
void ngx_http_magasin_pg_replica_note(ngx_http_magasin_pg_replica_t *replica,
    ngx_http_magasin_pg_job_t *job);
void ngx_http_magasin_pg_replica_behind(
    ngx_http_magasin_pg_replica_t *replica);
void ngx_http_magasin_pg_replica_silent(
    ngx_http_magasin_pg_replica_t *replica);
ngx_int_t ngx_http_magasin_pg_replica_session(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result);
ngx_int_t ngx_http_magasin_pg_replica_take(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result);

/* pg_replicas_conf.c */
char *ngx_http_magasin_pg_replicas_directive(ngx_conf_t *cf,
    ngx_http_magasin_pg_replicas_conf_t *rcf);
char *ngx_http_magasin_pg_replicas_stale_directive(ngx_conf_t *cf,
    ngx_http_magasin_pg_replicas_conf_t *rcf);
ngx_int_t ngx_http_magasin_pg_replicas_conf_init(ngx_conf_t *cf,
    ngx_http_magasin_pg_replicas_conf_t *rcf,
    ngx_http_magasin_pg_conf_t *pcf, ngx_resolver_t *resolver);

/* pg_prepare.c */
ngx_int_t ngx_http_magasin_pg_prepare(
    ngx_http_magasin_pg_connection_t *connection);
ngx_int_t ngx_http_magasin_pg_prepared(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result);
ngx_uint_t ngx_http_magasin_pg_lacks(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_statement_e statement);
ngx_uint_t ngx_http_magasin_pg_lacks_writes(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_prepare_missing(ngx_http_magasin_pg_pool_t *pool);

/* pg_result.c */
ngx_int_t ngx_http_magasin_pg_results(
    ngx_http_magasin_pg_connection_t *connection);
void ngx_http_magasin_pg_again(ngx_http_magasin_pg_job_t *job);
void ngx_http_magasin_pg_deliver(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *job, PGresult *result);

/* sqlstate.c */
ngx_uint_t ngx_http_magasin_pg_ending(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result);
ngx_uint_t ngx_http_magasin_pg_undone(PGresult *result);
ngx_uint_t ngx_http_magasin_pg_missed(PGresult *result);
ngx_uint_t ngx_http_magasin_pg_shared(PGresult *result);
ngx_uint_t ngx_http_magasin_pg_broken(PGresult *result);

/* pg_expect.c */
ngx_int_t ngx_http_magasin_pg_expected(
    ngx_http_magasin_statement_e statement, PGresult *result);

/* pg_reserve.c */
ngx_uint_t ngx_http_magasin_pg_spares(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_connection_t *reserved);
ngx_uint_t ngx_http_magasin_pg_stalled(
    ngx_http_magasin_pg_connection_t *connection);
ngx_http_magasin_pg_connection_t *ngx_http_magasin_pg_reserved(
    ngx_http_magasin_pg_pool_t *pool);
ngx_uint_t ngx_http_magasin_pg_alone(
    ngx_http_magasin_pg_connection_t *connection);

/* pg_schedule.c */
void ngx_http_magasin_pg_dispatch(ngx_event_t *ev);
void ngx_http_magasin_pg_fail_jobs(ngx_http_magasin_pg_job_t *jobs);
void ngx_http_magasin_pg_return(ngx_http_magasin_pg_job_t *jobs);
ngx_http_magasin_pg_job_t *ngx_http_magasin_pg_reverse(
    ngx_http_magasin_pg_job_t *jobs);
ngx_http_magasin_pg_job_t *ngx_http_magasin_pg_next(ngx_queue_t *q);
ngx_http_magasin_pg_connection_t *ngx_http_magasin_pg_choose(
    ngx_http_magasin_pg_pool_t *pool, ngx_http_magasin_pg_job_t *job);

/* pg_stuck.c */
void ngx_http_magasin_pg_stuck_init(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_stuck_end(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_stuck_probe(
    ngx_http_magasin_pg_connection_t *connection);
ngx_uint_t ngx_http_magasin_pg_stuck(
    ngx_http_magasin_pg_connection_t *connection);
ngx_uint_t ngx_http_magasin_pg_stuck_writes(ngx_http_magasin_pg_pool_t *pool);
ngx_uint_t ngx_http_magasin_pg_stuck_count(ngx_http_magasin_pg_pool_t *pool);
ngx_uint_t ngx_http_magasin_pg_unreplicated(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_slot_t *slot);

/* pg_batch.c */
void ngx_http_magasin_pg_batch_weigh(ngx_http_magasin_pg_job_t *job);
void ngx_http_magasin_pg_batch_answered(
    ngx_http_magasin_pg_connection_t *connection);
ngx_uint_t ngx_http_magasin_pg_batch_held(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_batch_gather(ngx_http_magasin_pg_job_t *first,
    ngx_http_magasin_pg_block_t *block);
u_char *ngx_http_magasin_pg_batch_values(
    ngx_http_magasin_pg_connection_t *connection,
    ngx_http_magasin_pg_job_t *jobs, const char **values);
void ngx_http_magasin_pg_batch_count(ngx_http_magasin_pg_pool_t *pool,
    ngx_uint_t n);
void ngx_http_magasin_pg_batch_again(ngx_http_magasin_pg_slot_t *slot,
    PGresult *result);
ngx_int_t ngx_http_magasin_pg_batch_row(ngx_http_magasin_pg_job_t *job,
    PGresult *result);

/* pg_lane.c */
void ngx_http_magasin_pg_lane_init(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_locked(ngx_http_magasin_pg_job_t *job);
ngx_uint_t ngx_http_magasin_pg_lane_waits(ngx_http_magasin_pg_job_t *job);
ngx_uint_t ngx_http_magasin_pg_lane_blocks(ngx_http_magasin_pg_job_t *job);
ngx_int_t ngx_http_magasin_pg_lane_add(ngx_http_magasin_pg_job_t *job,
    ngx_uint_t first);
ngx_int_t ngx_http_magasin_pg_lane_join(ngx_http_magasin_pg_job_t *job);
void ngx_http_magasin_pg_lane_dispatch(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_lane_end(
    ngx_http_magasin_pg_connection_t *connection);
void ngx_http_magasin_pg_lane_free(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_block_t *block);
void ngx_http_magasin_pg_lane_empty(ngx_http_magasin_pg_pool_t *pool);

/* pg.c */
void ngx_http_magasin_pg_wake(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_gauge(ngx_http_magasin_pg_pool_t *pool);
ngx_http_magasin_pg_job_t *ngx_http_magasin_pg_take(
    ngx_http_magasin_pg_slot_t *slot);
void ngx_http_magasin_pg_drop(ngx_http_magasin_pg_slot_t *slot);
void ngx_http_magasin_pg_clear(ngx_http_magasin_pg_slot_t *slot);
void ngx_http_magasin_pg_requeue(ngx_http_magasin_pg_job_t *job);
void ngx_http_magasin_pg_leave(ngx_http_magasin_pg_job_t *job);
void ngx_http_magasin_pg_finish(ngx_http_magasin_pg_job_t *job);
void ngx_http_magasin_pg_fail_queue(ngx_queue_t *queue);
void ngx_http_magasin_pg_fail_waiting(ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_pg_link(ngx_http_magasin_pg_job_t *job,
    ngx_queue_t *queue, ngx_uint_t first);
void ngx_http_magasin_pg_unlink(ngx_http_magasin_pg_job_t *job);


#endif /* _NGX_HTTP_MAGASIN_PG_INTERNAL_H_INCLUDED_ */
