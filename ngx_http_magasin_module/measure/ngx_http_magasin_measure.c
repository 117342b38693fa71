
/* Evaluation of histograms; see ngx_http_magasin_measure.h. */


#include "ngx_http_magasin_measure.h"


/* Upper bounds in microseconds.  A bucket includes its upper bound. */

const ngx_uint_t  ngx_http_magasin_bounds[NGX_HTTP_MAGASIN_BUCKETS - 1] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
    1000000, 2500000, 5000000, 10000000
};


/*
 * Adds a histogram to `sum`.  `sum` is private to the caller, so the addition
 * is not atomic.
 */

void
ngx_http_magasin_histogram_add(ngx_http_magasin_histogram_t *sum,
    const ngx_http_magasin_histogram_t *histogram)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_MAGASIN_BUCKETS; i++) {
        sum->buckets[i] += histogram->buckets[i];
    }

    sum->sum += histogram->sum;
}


/* Returns the number of observations: the sum of all buckets. */

uint64_t
ngx_http_magasin_histogram_count(const ngx_http_magasin_histogram_t *histogram)
{
    uint64_t    count;
    ngx_uint_t  i;

    count = 0;

    for (i = 0; i < NGX_HTTP_MAGASIN_BUCKETS; i++) {
        count += histogram->buckets[i];
    }

    return count;
}


/*
 * Returns a quantile in microseconds, or 0 if the histogram is empty.
 * `permille` is the quantile in thousandths.  The result is computed as by
 * Prometheus's histogram_quantile(): the observations of a bucket are assumed
 * to be spread evenly between its bounds, and those above the last bound are
 * assumed to be equal to it.
 */

uint64_t
ngx_http_magasin_histogram_quantile(
    const ngx_http_magasin_histogram_t *histogram, ngx_uint_t permille)
{
    double      rank, below;
    uint64_t    lower, n;
    ngx_uint_t  i;

    rank = ngx_http_magasin_histogram_count(histogram) * (permille / 1000.0);
    below = 0;
    lower = 0;

    if (rank == 0) {
        return 0;
    }

    for (i = 0; i < NGX_HTTP_MAGASIN_BUCKETS - 1; i++) {
        n = histogram->buckets[i];

        if (n && below + n >= rank) {
            return lower + (ngx_http_magasin_bounds[i] - lower)
                           * ((rank - below) / n);
        }

        below += n;
        lower = ngx_http_magasin_bounds[i];
    }

    return lower;
}
