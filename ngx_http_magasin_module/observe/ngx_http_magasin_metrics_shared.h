
/*
 * What the metrics keep in the fixed part of the zone.  Counters are added to
 * by all workers; what a worker is at stands in a slot of its own, which its
 * successor makes empty, so that nothing of a killed one stays.
 */


#ifndef _NGX_HTTP_MAGASIN_METRICS_SHARED_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_METRICS_SHARED_H_INCLUDED_


#include "ngx_http_magasin_measure.h"
#include "ngx_http_magasin_pg.h"
#include "ngx_http_magasin_redis.h"
#include "ngx_http_magasin_checks.h"


/* Paths of THE table, and one more for all others; routes.c checks it. */
#define NGX_HTTP_MAGASIN_METRICS_ROUTES    32

/* Methods and statuses that are told apart; the last ones are the others. */
#define NGX_HTTP_MAGASIN_METRICS_METHODS   8
#define NGX_HTTP_MAGASIN_STATUSES          36

/* Copies of what every request adds to, so that workers do not collide. */
#define NGX_HTTP_MAGASIN_METRICS_STRIPES   4

/* Processes of nginx, old workers of a reload included; a power of 2. */
#define NGX_HTTP_MAGASIN_METRICS_SLOTS     256

/* Errors that /status shows; a power of 2. */
#define NGX_HTTP_MAGASIN_METRICS_ERRORS    32

/* Stores that can have series of their own. */
#define NGX_HTTP_MAGASIN_METRICS_STORES    4096

/* Bytes of an exact decimal number. */
#define NGX_HTTP_MAGASIN_METRICS_DECIMAL   48


typedef struct {
    ngx_atomic_t   requests[NGX_HTTP_MAGASIN_METRICS_ROUTES]
                           [NGX_HTTP_MAGASIN_METRICS_METHODS]
                           [NGX_HTTP_MAGASIN_STATUSES];
    ngx_http_magasin_histogram_t
                   durations[NGX_HTTP_MAGASIN_METRICS_ROUTES]
                            [NGX_HTTP_MAGASIN_METRICS_METHODS];
} ngx_http_magasin_metrics_stripe_t;


/* One worker. */
typedef struct {
    ngx_atomic_t                       pid;       /* 0: nobody */
    ngx_atomic_t                       started;   /* seconds since 1970 */
    ngx_atomic_t
                    active[NGX_HTTP_MAGASIN_METRICS_METHODS];
    ngx_http_magasin_pg_gauges_t       pg;
    ngx_http_magasin_redis_gauges_t    redis;

    /* connections of clients, and requests that are none of the API's */
    ngx_atomic_t                       clients;
    ngx_atomic_t                       reading;
    ngx_atomic_t                       waiting;
    ngx_atomic_t                       others;

    u_char                             pad[8];    /* to whole cache lines */
} ngx_http_magasin_metrics_slot_t;


/* `number` is that of the entry since the zone was made; 0: in the making. */
typedef struct {
    ngx_atomic_t                       number;
    time_t                             time;
    uint16_t                           route;
    uint16_t                           method;
    uint16_t                           status;
    char                               cause[NGX_HTTP_MAGASIN_CAUSE];
} ngx_http_magasin_metrics_error_t;


typedef struct {
    int64_t                            id;
    uint32_t                           ruptures;
    uint32_t                           surstock;
} ngx_http_magasin_metrics_store_t;


/* What the database said last. */
typedef struct {
    time_t                             time;      /* 0: nothing yet */
    uint64_t                           took;      /* microseconds */
    int64_t                            unites;    /* sold, of all time */
    char
                    chiffre_affaires[NGX_HTTP_MAGASIN_METRICS_DECIMAL];
    int64_t                            en_attente;
    ngx_uint_t                         others;    /* stores summed up: */
    int64_t                            ruptures;
    int64_t                            surstock;
    ngx_uint_t                         nstores;
    ngx_http_magasin_metrics_store_t
                    stores[NGX_HTTP_MAGASIN_METRICS_STORES];
} ngx_http_magasin_metrics_business_t;


typedef struct {
    ngx_atomic_t                       started;   /* seconds since 1970 */
    ngx_atomic_t                       layout;    /* of the routes: a digest */
    ngx_atomic_t                       respawns;
    ngx_atomic_t                       errors;    /* entries so far */

    ngx_http_magasin_pg_counters_t     pg;
    ngx_http_magasin_redis_counters_t  redis;
    ngx_http_magasin_checks_counters_t checks;

    /*
     * Two, of which (generation & 1) is the one to read; the other is for the
     * worker that asks, until when nobody else should.  Milliseconds of the
     * clock.
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
} ngx_http_magasin_metrics_shared_t;


#endif /* _NGX_HTTP_MAGASIN_METRICS_SHARED_H_INCLUDED_ */
