
/*
 * What the files of the cache share and nobody else includes: the way of a
 * read up to its statement (cache.c) and after it (cache_fill.c), those who
 * wait for another's answer (cache_flight.c), level 1 (cache_store.c), level 2
 * (cache_redis.c), writes (cache_write.c), and the journal's poller
 * (cache_poller.c).
 */


#ifndef _NGX_HTTP_MAGASIN_CACHE_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_pg.h"
#include "ngx_http_magasin_redis.h"
#include "ngx_http_magasin_cache_store_internal.h"


/*
 * The number changes with the format of answers in the API or in Redis.
 * Answers of another format are not found: those in shared memory survive a
 * reload with a new module, and those in Redis are of any node.
 */
#define NGX_HTTP_MAGASIN_CACHE_FORMAT       3
#define NGX_HTTP_MAGASIN_CACHE_FORMAT_TEXT                                    \
    ngx_value(NGX_HTTP_MAGASIN_CACHE_FORMAT)

/* Milliseconds: between polls, of answers that may be used after the start of
 * a poll, and of a lease; see cache_poller.c. */
#define NGX_HTTP_MAGASIN_POLL_PERIOD  250
#define NGX_HTTP_MAGASIN_POLL_FRESH   900
#define NGX_HTTP_MAGASIN_POLL_LEASE   500

/* Milliseconds between checks of the flights of other workers. */
#define NGX_HTTP_MAGASIN_FLIGHT_LOOK  2

/* Flights that a read waits for before it runs the statement itself. */
#define NGX_HTTP_MAGASIN_CACHE_ROUNDS  4

/* Milliseconds after which a read fails when a flight brought nothing. */
#define NGX_HTTP_MAGASIN_CACHE_PATIENCE  3000

/* Bytes at most of long answers in a worker's own memory: those that are
 * gathered, and those that could not be pinned. */
#define NGX_HTTP_MAGASIN_CACHE_HELD  (8 * 1024 * 1024)

/* Answers of a worker that are streamed at a time for lack of that room. */
#define NGX_HTTP_MAGASIN_CACHE_STREAMS  32

/* Hexadecimal digits of a namespace in Redis. */
#define NGX_HTTP_MAGASIN_NAMESPACE  16


/* Bytes of the name of a channel. */
#define NGX_HTTP_MAGASIN_CHANNEL  (8 + NGX_HTTP_MAGASIN_NAMESPACE)


typedef struct ngx_http_magasin_poller_s        ngx_http_magasin_poller_t;
typedef struct ngx_http_magasin_cache_stored_s  ngx_http_magasin_cache_stored_t;


/* Redis was asked.  NGX_OK: `answer` is valid; NGX_DECLINED: there is none. */
typedef void (*ngx_http_magasin_cache_redis_pt)(
    ngx_http_magasin_cache_read_t *cr, ngx_int_t rc,
    ngx_http_magasin_answer_t *answer);

/* NGX_OK: Redis has invalidated and published it; NGX_ERROR: perhaps not. */
typedef void (*ngx_http_magasin_cache_told_pt)(void *data, ngx_int_t rc);


/*
 * What is told to Redis.  The caller zeroes it before each use, and keeps it
 * and the tags until told() was called or _untell() cancelled it.
 */
typedef struct {
    ngx_http_magasin_cache_told_pt     told;
    void                              *data;
    ngx_http_magasin_cache_t          *cache;
    ngx_http_magasin_tags_t           *tags;
    uint64_t                           xid;         /* 0: not known */
    ngx_http_magasin_redis_command_t   command;
    unsigned                           all:1;       /* Redis forgets all; the
                                                       nodes hear of tags */
    unsigned                           evaluated:1; /* the script was sent */
} ngx_http_magasin_cache_tell_t;


/* What is asked of Redis for a read; see cache_redis_read.c. */
typedef struct {
    ngx_http_magasin_redis_command_t   ttl;
    ngx_http_magasin_redis_command_t   tokens;
    ngx_http_magasin_redis_command_t   answer;      /* or the script */
    int64_t                            left;        /* milliseconds to live */
    unsigned                           missing:1;   /* a generation */
    unsigned                           evaluated:1; /* the script was sent */
} ngx_http_magasin_cache_asked_t;


/* The reads of this worker that wait for one flight. */
typedef struct {
    ngx_queue_t                        queue;       /* of the worker's */
    ngx_queue_t                        waiters;
    ngx_uint_t                         number;
    ngx_http_magasin_cache_t          *cache;
    ngx_event_t                        wake;
    ngx_int_t                          rc;          /* once it is over */
    ngx_uint_t                         status;      /* of a failure */
    unsigned                           over:1;
    unsigned                           waking:1;    /* they are being told */
} ngx_http_magasin_flight_t;


struct ngx_http_magasin_cache_s {
    ngx_http_magasin_store_t           store;
    ngx_http_magasin_cache_shared_t   *shared;
    ngx_atomic_t                      *life;        /* the highest seen */
    ngx_http_magasin_redis_t          *redis;       /* NULL: none */
    ngx_http_magasin_redis_conf_t     *redis_conf;
    ngx_http_magasin_pg_conf_t        *pg_conf;
    ngx_log_t                         *log;
    ngx_uint_t                         database;    /* digest of conninfo */
    ngx_uint_t                         streams;     /* for lack of room */

    ngx_queue_t                        flights;
    ngx_event_t                        timer;       /* looks at them */

    ngx_queue_t                        notices;     /* not yet invalid */
    ngx_event_t                        notify;      /* tells Redis of them */

    size_t                             held;        /* by long answers that
                                                       are not pinned */

    ngx_http_magasin_poller_t         *poller;
    ngx_http_magasin_cache_stored_t   *stored;      /* to be used again */
};


struct ngx_http_magasin_cache_read_s {
    ngx_http_magasin_cache_t          *cache;
    ngx_http_magasin_cache_conf_t     *conf;
    const ngx_http_magasin_cache_client_t
                                      *client;
    void                              *data;        /* for the client */
    ngx_pool_t                        *pool;        /* lives as long as it */
    ngx_log_t                         *log;
    uint64_t                          *spent;       /* microseconds in Redis */

    ngx_http_magasin_question_t        question;
    ngx_http_magasin_cache_redis_pt    redis_done;
    ngx_uint_t                         rounds;
    ngx_msec_t                         began;       /* to wait for flights */

    ngx_queue_t                        queue;       /* of those waiting */
    ngx_http_magasin_flight_t         *waits;       /* NULL: for nobody */
    uint64_t                           joined_at;   /* microseconds */
    uint64_t                           waited;      /* before, microseconds */

    ngx_http_magasin_cache_asked_t    *asked;       /* NULL: never */
    ngx_str_t                          generations; /* Redis's */

    ngx_http_magasin_reader_t          reader;      /* of a long answer */
    size_t                             held;        /* of it in this process */
    size_t                             gzip;        /* bodies of so many bytes
                                                       are preferred in their
                                                       gzip form; 0: none */
    ngx_uint_t                         pack;        /* see answer->pack */

    unsigned                           crowded:1;   /* no room to keep it */
    unsigned                           streams:1;   /* it counts as one */
    unsigned                           head:1;      /* lengths will do */
    unsigned                           fetch:1;     /* no old answer will do */
    unsigned                           leads:1;     /* a flight is ours */
    unsigned                           joined:1;    /* it has fragments */
    unsigned                           replica:1;   /* has answered */
    unsigned                           past:1;      /* without a primary */
    unsigned                           asking:1;    /* Redis */
};


/*
 * What one transaction has changed, of all its writes that were answered in one
 * turn of the event loop.
 */
typedef struct {
    ngx_queue_t                        queue;       /* of the worker's */
    ngx_queue_t                        writes;      /* that wait for it */
    ngx_http_magasin_tags_t            tags;
    ngx_http_magasin_cache_tell_t      tell;
    uint64_t                           spent;       /* microseconds in Redis */
    ngx_uint_t                         epoch;       /* when it was answered */
    unsigned                           telling:1;
} ngx_http_magasin_cache_notice_t;


struct ngx_http_magasin_cache_write_s {
    ngx_queue_t                        queue;       /* of a notice */
    ngx_http_magasin_cache_written_pt  done;
    void                              *data;
    uint64_t                          *spent;
    unsigned                           waits:1;
};


/* cache.c */
ngx_http_magasin_cache_t *ngx_http_magasin_cache_create(ngx_cycle_t *cycle,
    ngx_http_magasin_zone_t *zone);
void ngx_http_magasin_cache_destroy(ngx_http_magasin_cache_t *cache);
ngx_uint_t ngx_http_magasin_cache_fresh(ngx_http_magasin_cache_t *cache);
void ngx_http_magasin_cache_answer(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer, ngx_http_magasin_cache_e state);
void ngx_http_magasin_cache_want(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_answer_t *answer);
void ngx_http_magasin_cache_retry(ngx_http_magasin_cache_read_t *cr);

/* cache_fill.c */
void ngx_http_magasin_cache_life(ngx_http_magasin_cache_read_t *cr,
    ngx_http_magasin_question_t *question, ngx_http_magasin_answer_t *answer,
    ngx_msec_t valid_for);
ngx_uint_t ngx_http_magasin_cache_full(ngx_http_magasin_cache_read_t *cr);
void ngx_http_magasin_cache_end(ngx_http_magasin_cache_read_t *cr,
    ngx_int_t rc, ngx_uint_t status);

/* cache_write.c */
void ngx_http_magasin_cache_write_init(ngx_http_magasin_cache_t *cache);
void ngx_http_magasin_cache_write_destroy(ngx_http_magasin_cache_t *cache);

/* cache_flight.c */
ngx_int_t ngx_http_magasin_flight_join(ngx_http_magasin_cache_read_t *cr);
void ngx_http_magasin_flight_leave(ngx_http_magasin_cache_read_t *cr);
void ngx_http_magasin_flight_over(ngx_http_magasin_cache_t *cache,
    ngx_uint_t number, ngx_int_t rc, ngx_uint_t status);
void ngx_http_magasin_flight_look(ngx_event_t *ev);


#endif /* _NGX_HTTP_MAGASIN_CACHE_INTERNAL_H_INCLUDED_ */
