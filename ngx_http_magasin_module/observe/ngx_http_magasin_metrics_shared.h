
/*
 * The metrics in the fixed part of the zone.  All workers add to the same
 * counters.  The state of a worker is in its own slot.  The next worker in the
 * slot clears the slot, so no state of a killed worker remains.
 */


#ifndef _NGX_HTTP_MAGASIN_METRICS_SHARED_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_METRICS_SHARED_H_INCLUDED_


#include "ngx_http_magasin_measure.h"
#include "ngx_http_magasin_pg.h"
#include "ngx_http_magasin_redis.h"
#include "ngx_http_magasin_checks.h"


/*
 * The paths of the table of endpoints, and one entry for all other paths.
 * routes.c checks the number.
 */
#define NGX_HTTP_MAGASIN_METRICS_ROUTES    64

/*
 * Methods and statuses that are counted separately.  The last entry stands for
 * all others.
 */
#define NGX_HTTP_MAGASIN_METRICS_METHODS   8
#define NGX_HTTP_MAGASIN_STATUSES          37

/*
 * Copies of the counters that each request increments, to reduce contention
 * between workers.
 */
#define NGX_HTTP_MAGASIN_METRICS_STRIPES   4

/* Processes of nginx, including old workers of a reload; a power of 2. */
#define NGX_HTTP_MAGASIN_METRICS_SLOTS     256

/* Errors that /status shows; a power of 2. */
#define NGX_HTTP_MAGASIN_METRICS_ERRORS    32

/* Stores that can have their own series. */
#define NGX_HTTP_MAGASIN_METRICS_STORES    4096

/* Places for exemplars, as a power of 2. */
#define NGX_HTTP_MAGASIN_EXEMPLARS_BITS    8

/*
 * Bytes of their records: a store, the length of its name in 2 bytes, the name.
 * All of them find room.  Names have what is left: 55 bytes each of 1000
 * stores, and nothing if there are 4096.
 */
#define NGX_HTTP_MAGASIN_METRICS_RECORD                                       \
    (sizeof(ngx_http_magasin_metrics_store_t) + sizeof(uint16_t))
#define NGX_HTTP_MAGASIN_METRICS_RECORDS                                      \
    (NGX_HTTP_MAGASIN_METRICS_STORES * NGX_HTTP_MAGASIN_METRICS_RECORD)

/* Bytes of an exact decimal number, including the NUL. */
#define NGX_HTTP_MAGASIN_METRICS_DECIMAL   48


typedef struct {
    ngx_atomic_t   requests[NGX_HTTP_MAGASIN_METRICS_ROUTES]
                           [NGX_HTTP_MAGASIN_METRICS_METHODS]
                           [NGX_HTTP_MAGASIN_STATUSES];
    ngx_http_magasin_histogram_t
                   durations[NGX_HTTP_MAGASIN_METRICS_ROUTES]
                            [NGX_HTTP_MAGASIN_METRICS_METHODS];
} ngx_http_magasin_metrics_stripe_t;


/* The state of one worker. */
typedef struct {
    ngx_atomic_t                       pid;       /* 0: no worker */
    ngx_atomic_t                       started;   /* seconds since 1970 */
    ngx_atomic_t
                    active[NGX_HTTP_MAGASIN_METRICS_METHODS];
    ngx_http_magasin_pg_gauges_t       pg;
    ngx_http_magasin_redis_gauges_t    redis;

    /* connections of clients, and requests outside of the API */
    ngx_atomic_t                       clients;
    ngx_atomic_t                       reading;
    ngx_atomic_t                       waiting;
    ngx_atomic_t                       others;

    ngx_atomic_t                       listeners; /* it fills the cache
                                                     line */
} ngx_http_magasin_metrics_slot_t;


/*
 * `number` counts the entries since the zone was created.  0: the entry is
 * being written.
 */
typedef struct {
    ngx_atomic_t                       number;
    time_t                             time;
    uint16_t                           route;
    uint16_t                           method;
    uint16_t                           status;
    char                               cause[NGX_HTTP_MAGASIN_CAUSE];
} ngx_http_magasin_metrics_error_t;


/* The request that is shown for a bucket of a histogram. */
typedef struct {
    uint64_t                           trace[2];  /* the bytes of its id */
    uint64_t                           us;        /* its duration */
    uint64_t                           time;      /* milliseconds since 1970;
                                                     0: none */
} ngx_http_magasin_exemplar_t;


/* A place for exemplars; see exemplars.c. */
typedef struct {
    ngx_atomic_t                       version;   /* odd: being written */
    uint64_t                           key;       /* of the bucket; 0: none */
    ngx_http_magasin_exemplar_t        exemplar;
} ngx_http_magasin_exemplar_place_t;


typedef struct {
    int64_t                            id;
    uint32_t                           ruptures;
    uint32_t                           surstock;
} ngx_http_magasin_metrics_store_t;


/* The last answer of the database. */
typedef struct {
    time_t                             time;      /* 0: no answer yet */
    uint64_t                           took;      /* microseconds */
    int64_t                            unites;    /* sold, of all sales */
    char
                    chiffre_affaires[NGX_HTTP_MAGASIN_METRICS_DECIMAL];
    int64_t                            retours;   /* returns */
    int64_t                            rendues;   /* their units */
    char
                    remboursements[NGX_HTTP_MAGASIN_METRICS_DECIMAL];
    int64_t                            en_attente;
    int64_t                            parties;   /* of the journal, ahead */
    ngx_uint_t                         others;    /* summed stores: */
    int64_t                            ruptures;
    int64_t                            surstock;
    ngx_uint_t                         nstores;
    size_t                             size;      /* of their records */
    u_char
                    records[NGX_HTTP_MAGASIN_METRICS_RECORDS];
} ngx_http_magasin_metrics_business_t;


typedef struct {
    ngx_atomic_t                       started;   /* seconds since 1970 */
    ngx_atomic_t                       layout;    /* digest of the routes */
    ngx_atomic_t                       respawns;
    ngx_atomic_t                       errors;    /* entries written */

    ngx_http_magasin_pg_counters_t     pg;
    ngx_http_magasin_redis_counters_t  redis;
    ngx_http_magasin_checks_counters_t checks;

    /*
     * business[generation & 1] is the current copy; readers use only that one.
     * The other one is written by the worker that queries the database.  No
     * worker of the node sends the next query before `asking_until`, in
     * milliseconds of ngx_http_magasin_clock().
     */
    ngx_atomic_t                       generation;
    ngx_atomic_t                       asking_until;
    ngx_atomic_t                       business_failures;
    ngx_http_magasin_metrics_business_t
                                       business[2];

    ngx_http_magasin_metrics_error_t   ring[NGX_HTTP_MAGASIN_METRICS_ERRORS];
    ngx_http_magasin_metrics_slot_t    slots[NGX_HTTP_MAGASIN_METRICS_SLOTS];
    ngx_http_magasin_metrics_stripe_t
                                stripes[NGX_HTTP_MAGASIN_METRICS_STRIPES];
    ngx_http_magasin_exemplar_place_t
                        exemplars[1 << NGX_HTTP_MAGASIN_EXEMPLARS_BITS];
} ngx_http_magasin_metrics_shared_t;


#endif /* _NGX_HTTP_MAGASIN_METRICS_SHARED_H_INCLUDED_ */
