
/* What is made of histograms; see ngx_http_magasin_measure.h. */


#include "ngx_http_magasin_measure.h"


/* Microseconds: what is up to a bound is in its bucket. */

const ngx_uint_t  ngx_http_magasin_bounds[NGX_HTTP_MAGASIN_BUCKETS - 1] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
    1000000, 2500000, 5000000, 10000000
};


/* `sum` is the caller's own. */

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
 * A quantile as Prometheus's histogram_quantile() has it: what is in a bucket
 * is taken as spread evenly between its bounds, and what is over the last one
 * as being there.  Microseconds; 0 when nothing was observed.
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
