
/*
 * Exemplars: for a bucket of a path's durations, the trace of the last request
 * that fell into it.  Most buckets never have one, so they share a table.
 * Where two buckets have the same place in it, the last one is there, with its
 * key.
 *
 * A writer holds a place by its process id, without waiting: if somebody else
 * writes there, its exemplar is lost.  A place that a killed worker holds is
 * taken from it.  A reader shows a place only if its version was the same
 * before and after the reading.
 */


#include "ngx_http_magasin_observe.h"
#include "ngx_http_magasin_exemplars_internal.h"


/* Trace ids are this long in hexadecimal. */
#define NGX_HTTP_MAGASIN_TRACE_HEX  32


static uint64_t ngx_http_magasin_exemplar_key(ngx_uint_t layout,
    ngx_uint_t route, ngx_uint_t method, ngx_uint_t bucket);
static ngx_http_magasin_exemplar_place_t *ngx_http_magasin_exemplar_place(
    ngx_http_magasin_metrics_shared_t *shared, uint64_t key);
static ngx_int_t ngx_http_magasin_exemplar_hold(
    ngx_http_magasin_exemplar_place_t *place, ngx_atomic_uint_t *version);
static void ngx_http_magasin_exemplar_trace(ngx_str_t *id, uint64_t *trace);


/*
 * Remember the trace `id` for the bucket that a duration of `us` microseconds
 * falls into.  `id` has 32 lower-case hexadecimal digits.
 */

void
ngx_http_magasin_exemplar_write(ngx_http_magasin_metrics_t *metrics,
    ngx_uint_t route, ngx_uint_t method, uint64_t us, ngx_str_t *id)
{
    uint64_t                            key;
    ngx_time_t                         *now;
    ngx_atomic_uint_t                   version;
    ngx_http_magasin_exemplar_place_t  *place;

    if (id->len != NGX_HTTP_MAGASIN_TRACE_HEX) {
        return;
    }

    key = ngx_http_magasin_exemplar_key(metrics->layout, route, method,
                                        ngx_http_magasin_bucket(us));
    place = ngx_http_magasin_exemplar_place(metrics->shared, key);

    if (ngx_http_magasin_exemplar_hold(place, &version) != NGX_OK) {
        return;
    }

    now = ngx_timeofday();

    place->key = key;
    place->exemplar.us = us;
    place->exemplar.time = (uint64_t) now->sec * 1000 + now->msec;
    ngx_http_magasin_exemplar_trace(id, place->exemplar.trace);

    ngx_memory_barrier();
    place->version = version;
}


/*
 * Set `exemplars` to those of the buckets of a path and a method.  The time of
 * one that is not known, or is being written, is 0.
 */

void
ngx_http_magasin_exemplars_read(ngx_http_magasin_metrics_t *metrics,
    ngx_uint_t route, ngx_uint_t method,
    ngx_http_magasin_exemplar_t *exemplars)
{
    uint64_t                            key, found;
    ngx_uint_t                          i;
    ngx_atomic_uint_t                   version;
    ngx_http_magasin_exemplar_place_t  *place;

    for (i = 0; i < NGX_HTTP_MAGASIN_BUCKETS; i++) {
        key = ngx_http_magasin_exemplar_key(metrics->layout, route, method, i);
        place = ngx_http_magasin_exemplar_place(metrics->shared, key);

        version = place->version;
        ngx_memory_barrier();

        found = place->key;
        exemplars[i] = place->exemplar;

        ngx_memory_barrier();

        if (found != key || (version & 1) || place->version != version) {
            exemplars[i].time = 0;
        }
    }
}


/*
 * The key of a bucket is never 0.  It contains the digest of the table of
 * endpoints: a number of a path has another meaning in another table, and old
 * workers go on writing after a reload.
 */

static uint64_t
ngx_http_magasin_exemplar_key(ngx_uint_t layout, ngx_uint_t route,
    ngx_uint_t method, ngx_uint_t bucket)
{
    return ((uint64_t) layout * NGX_HTTP_MAGASIN_METRICS_ROUTES + route)
           * (NGX_HTTP_MAGASIN_METRICS_METHODS * 16) + method * 16 + bucket;
}


static ngx_http_magasin_exemplar_place_t *
ngx_http_magasin_exemplar_place(ngx_http_magasin_metrics_shared_t *shared,
    uint64_t key)
{
    uint32_t  hash;

    /* Knuth's multiplier; its product has the best bits at its top. */

    hash = (uint32_t) key * 2654435761u;

    return &shared->exemplars[hash >> (32 - NGX_HTTP_MAGASIN_EXEMPLARS_BITS)];
}


/*
 * Hold a place.  NGX_OK: `version` is to be stored when it is written.
 * NGX_BUSY: another worker writes there.
 *
 * An odd version contains the process that writes.  If it was killed, the
 * version before is not known: the clock is another one for sure.
 */

static ngx_int_t
ngx_http_magasin_exemplar_hold(ngx_http_magasin_exemplar_place_t *place,
    ngx_atomic_uint_t *version)
{
    ngx_atomic_uint_t  old;

    old = place->version;
    *version = old + 2;

    if (old & 1) {
        if (kill((ngx_pid_t) (old >> 1), 0) == 0 || ngx_errno != ESRCH) {
            return NGX_BUSY;
        }

        *version = (ngx_atomic_uint_t) ngx_http_magasin_clock() << 1;
    }

    return ngx_atomic_cmp_set(&place->version, old,
                              (ngx_atomic_uint_t) ngx_pid << 1 | 1)
           ? NGX_OK : NGX_BUSY;
}


/* Set `trace` to the bytes of an id. */

static void
ngx_http_magasin_exemplar_trace(ngx_str_t *id, uint64_t *trace)
{
    u_char      c, *bytes;
    ngx_uint_t  i;

    bytes = (u_char *) trace;

    for (i = 0; i < NGX_HTTP_MAGASIN_TRACE_HEX; i += 2) {
        c = id->data[i];
        bytes[i / 2] = (u_char) ((c <= '9' ? c - '0' : c - 'a' + 10) << 4);

        c = id->data[i + 1];
        bytes[i / 2] |= (u_char) (c <= '9' ? c - '0' : c - 'a' + 10);
    }
}
