
/*
 * A monotonic clock in microseconds, and histograms in shared memory for the
 * rooms that measure themselves.  Writers only add, with atomic operations and
 * without a lock.  Readers do not lock either, so a reading is not a
 * consistent snapshot.
 */


#ifndef _NGX_HTTP_MAGASIN_MEASURE_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_MEASURE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* The bounds are in measure.c; the last bucket has no upper bound. */
#define NGX_HTTP_MAGASIN_BUCKETS  15

#define ngx_http_magasin_count(counter)                                       \
    ((void) ngx_atomic_fetch_add(&(counter), 1))


/* A bucket counts only its own observations; readers compute the sums. */
typedef struct {
    ngx_atomic_t   buckets[NGX_HTTP_MAGASIN_BUCKETS];
    ngx_atomic_t   sum;            /* microseconds */
} ngx_http_magasin_histogram_t;


extern const ngx_uint_t
    ngx_http_magasin_bounds[NGX_HTTP_MAGASIN_BUCKETS - 1];


void ngx_http_magasin_histogram_add(ngx_http_magasin_histogram_t *sum,
    const ngx_http_magasin_histogram_t *histogram);
uint64_t ngx_http_magasin_histogram_count(
    const ngx_http_magasin_histogram_t *histogram);
uint64_t ngx_http_magasin_histogram_quantile(
    const ngx_http_magasin_histogram_t *histogram, ngx_uint_t permille);


/* Returns the current time of a monotonic clock, in microseconds. */

static ngx_inline uint64_t
ngx_http_magasin_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


/*
 * Milliseconds of a clock that all processes of this machine share and that
 * is read now: what nginx keeps is from the beginning of the event loop's
 * turn, and a worker may have been stopped since.  It goes on while the
 * machine sleeps, where there is such a clock.
 */

static ngx_inline uint64_t
ngx_http_magasin_now(void)
{
    struct timespec  ts;

#if defined(CLOCK_BOOTTIME)
    (void) clock_gettime(CLOCK_BOOTTIME, &ts);
#else
    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
#endif

    return (uint64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


/* Returns the bucket of a duration of `us` microseconds. */

static ngx_inline ngx_uint_t
ngx_http_magasin_bucket(uint64_t us)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_MAGASIN_BUCKETS - 1; i++) {
        if (us <= ngx_http_magasin_bounds[i]) {
            break;
        }
    }

    return i;
}


/* Records a duration of `us` microseconds. */

static ngx_inline void
ngx_http_magasin_observe(ngx_http_magasin_histogram_t *histogram, uint64_t us)
{
    ngx_http_magasin_count(histogram->buckets[ngx_http_magasin_bucket(us)]);
    (void) ngx_atomic_fetch_add(&histogram->sum, us);
}


#endif /* _NGX_HTTP_MAGASIN_MEASURE_H_INCLUDED_ */
