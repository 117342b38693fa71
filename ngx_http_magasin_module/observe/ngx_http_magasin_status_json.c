
/* /status as JSON.  Times are in seconds.  Quantiles are interpolated. */


#include "ngx_http_magasin_metrics_text_internal.h"
#include "ngx_http_magasin_counters_internal.h"
#include "ngx_http_magasin_version.h"


static void ngx_http_magasin_status_requests(ngx_http_magasin_json_t *json,
    ngx_http_magasin_metrics_shared_t *shared,
    ngx_http_magasin_metrics_gauges_t *gauges);
static uint64_t ngx_http_magasin_status_endpoint(
    ngx_http_magasin_json_t *json, ngx_http_magasin_metrics_shared_t *shared,
    ngx_uint_t route, ngx_uint_t method,
    const ngx_http_magasin_histogram_t *durations);
static void ngx_http_magasin_status_labels(ngx_http_magasin_json_t *json,
    ngx_uint_t route, ngx_uint_t method);
static void ngx_http_magasin_status_workers(ngx_http_magasin_json_t *json,
    ngx_http_magasin_metrics_t *metrics);
static void ngx_http_magasin_status_connections(
    ngx_http_magasin_json_t *json, ngx_http_magasin_metrics_gauges_t *gauges);
static void ngx_http_magasin_status_pg(ngx_http_magasin_json_t *json,
    ngx_http_magasin_pg_counters_t *counters,
    ngx_http_magasin_pg_gauges_t *gauges);
static void ngx_http_magasin_status_batches(ngx_http_magasin_json_t *json,
    ngx_http_magasin_pg_counters_t *counters);
static void ngx_http_magasin_status_classes(ngx_http_magasin_json_t *json,
    ngx_http_magasin_pg_counters_t *counters,
    ngx_http_magasin_pg_gauges_t *gauges);
static void ngx_http_magasin_status_statements(ngx_http_magasin_json_t *json,
    ngx_http_magasin_pg_counters_t *counters);
static void ngx_http_magasin_status_redis(ngx_http_magasin_json_t *json,
    ngx_http_magasin_redis_counters_t *counters, ngx_uint_t connections);
static void ngx_http_magasin_status_cache(ngx_http_magasin_json_t *json,
    ngx_http_magasin_zone_t *zone);
static void ngx_http_magasin_status_business(ngx_http_magasin_json_t *json,
    ngx_http_magasin_metrics_business_t *business);
static void ngx_http_magasin_status_errors(ngx_http_magasin_json_t *json,
    ngx_http_magasin_metrics_shared_t *shared);

static void ngx_http_magasin_status_text(ngx_http_magasin_json_t *json,
    const char *text);
static void ngx_http_magasin_status_number(ngx_http_magasin_json_t *json,
    const char *name, uint64_t n);
static void ngx_http_magasin_status_seconds(ngx_http_magasin_json_t *json,
    const char *name, uint64_t us);
static void ngx_http_magasin_status_quantiles(ngx_http_magasin_json_t *json,
    const ngx_http_magasin_histogram_t *histogram);


/*
 * Write the state of the node.  Returns NGX_OK, or NGX_ERROR if no memory is
 * left.
 */

ngx_int_t
ngx_http_magasin_status_json(ngx_http_magasin_json_t *json,
    ngx_http_request_t *r)
{
    ngx_http_magasin_metrics_t           *metrics;
    ngx_http_magasin_metrics_gauges_t     gauges;
    ngx_http_magasin_metrics_business_t  *business;

    metrics = ngx_http_magasin_metrics_of(r);

    /*
     * Read the gauges before a query of the business numbers may start, so that
     * they do not include this query.
     */

    ngx_http_magasin_metrics_gauges(metrics, &gauges);

    business = ngx_http_magasin_business_get(metrics, json->pool);
    if (business == NULL) {
        return NGX_ERROR;
    }

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "version");
    ngx_http_magasin_json_string(json, NGX_HTTP_MAGASIN_VERSION);
    ngx_http_magasin_json_key(json, "nginx");
    ngx_http_magasin_json_string(json, NGINX_VERSION);
    ngx_http_magasin_status_number(json, "time", ngx_time());
    ngx_http_magasin_status_seconds(json, "clock", ngx_http_magasin_clock());
    ngx_http_magasin_status_number(json, "started", metrics->shared->started);
    ngx_http_magasin_status_number(json, "worker_respawns",
                                   metrics->shared->respawns);

    ngx_http_magasin_status_workers(json, metrics);
    ngx_http_magasin_status_connections(json, &gauges);
    ngx_http_magasin_status_requests(json, metrics->shared, &gauges);
    ngx_http_magasin_status_pg(json, &metrics->shared->pg, &gauges.pg);

    if (ngx_http_magasin_has_redis(r)) {
        ngx_http_magasin_status_redis(json, &metrics->shared->redis,
                                      gauges.redis);
    }

    ngx_http_magasin_status_cache(json, metrics->zone);

    if (business->time) {
        ngx_http_magasin_status_business(json, business);
    }

    ngx_http_magasin_status_errors(json, metrics->shared);
    ngx_http_magasin_json_close(json, '}');

    return NGX_OK;
}


static void
ngx_http_magasin_status_workers(ngx_http_magasin_json_t *json,
    ngx_http_magasin_metrics_t *metrics)
{
    ngx_uint_t                        i, k, active;
    ngx_http_magasin_metrics_slot_t  *slot;

    ngx_http_magasin_json_key(json, "workers");
    ngx_http_magasin_json_open(json, '[');

    for (i = 0; i < NGX_HTTP_MAGASIN_METRICS_SLOTS; i++) {
        slot = ngx_http_magasin_metrics_worker(metrics, i);

        if (slot == NULL) {
            continue;
        }

        active = 0;

        for (k = 0; k < NGX_HTTP_MAGASIN_METRICS_METHODS; k++) {
            active += slot->active[k];
        }

        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_status_number(json, "pid", slot->pid);
        ngx_http_magasin_status_number(json, "started", slot->started);
        ngx_http_magasin_status_number(json, "active", active);
        ngx_http_magasin_status_number(json, "ready", slot->pg.ready);
        ngx_http_magasin_status_number(json, "busy", slot->pg.busy);
        ngx_http_magasin_status_number(json, "waiting", slot->pg.waiting);
        ngx_http_magasin_status_number(json, "redis", slot->redis.ready);
        ngx_http_magasin_json_close(json, '}');
    }

    ngx_http_magasin_json_close(json, ']');
}


static void
ngx_http_magasin_status_connections(ngx_http_magasin_json_t *json,
    ngx_http_magasin_metrics_gauges_t *gauges)
{
    ngx_http_magasin_json_key(json, "connections");
    ngx_http_magasin_json_open(json, '{');

#if (NGX_STAT_STUB)
    ngx_http_magasin_status_number(json, "accepted", *ngx_stat_accepted);
    ngx_http_magasin_status_number(json, "handled", *ngx_stat_handled);
#endif

    ngx_http_magasin_status_number(json, "active", gauges->clients);
    ngx_http_magasin_status_number(json, "reading", gauges->reading);
    ngx_http_magasin_status_number(json, "writing", gauges->writing);
    ngx_http_magasin_status_number(json, "waiting", gauges->waiting);
    ngx_http_magasin_json_close(json, '}');
}


static void
ngx_http_magasin_status_requests(ngx_http_magasin_json_t *json,
    ngx_http_magasin_metrics_shared_t *shared,
    ngx_http_magasin_metrics_gauges_t *gauges)
{
    uint64_t                      errors;
    ngx_uint_t                    route, method, active;
    ngx_http_magasin_histogram_t  all, one;

    ngx_memzero(&all, sizeof(ngx_http_magasin_histogram_t));
    errors = 0;
    active = 0;

    ngx_http_magasin_json_key(json, "requests");
    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "endpoints");
    ngx_http_magasin_json_open(json, '[');

    for (route = 0; route <= ngx_http_magasin_routes_count(); route++) {
        for (method = 0; method < NGX_HTTP_MAGASIN_METRICS_METHODS; method++) {

            ngx_memzero(&one, sizeof(ngx_http_magasin_histogram_t));
            ngx_http_magasin_metrics_durations(shared, route, method, &one);

            if (ngx_http_magasin_histogram_count(&one)) {
                ngx_http_magasin_histogram_add(&all, &one);

                errors += ngx_http_magasin_status_endpoint(json, shared,
                                                           route, method,
                                                           &one);
            }
        }
    }

    for (method = 0; method < NGX_HTTP_MAGASIN_METRICS_METHODS; method++) {
        active += gauges->active[method];
    }

    ngx_http_magasin_json_close(json, ']');
    ngx_http_magasin_status_number(json, "active", active);
    ngx_http_magasin_status_number(json, "server_errors", errors);
    ngx_http_magasin_status_quantiles(json, &all);
    ngx_http_magasin_json_close(json, '}');
}


/* Write the numbers of one endpoint.  Returns its number of server errors. */

static uint64_t
ngx_http_magasin_status_endpoint(ngx_http_magasin_json_t *json,
    ngx_http_magasin_metrics_shared_t *shared, ngx_uint_t route,
    ngx_uint_t method, const ngx_http_magasin_histogram_t *durations)
{
    uint64_t    n, client, server;
    ngx_uint_t  place, status;

    client = 0;
    server = 0;

    for (place = 0; place < NGX_HTTP_MAGASIN_STATUSES; place++) {
        n = ngx_http_magasin_metrics_requests(shared, route, method, place);
        status = ngx_http_magasin_metrics_status(place);

        if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
            server += n;

        } else if (status >= NGX_HTTP_BAD_REQUEST) {
            client += n;
        }
    }

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_status_labels(json, route, method);
    ngx_http_magasin_status_number(json, "client_errors", client);
    ngx_http_magasin_status_number(json, "server_errors", server);
    ngx_http_magasin_status_quantiles(json, durations);
    ngx_http_magasin_json_close(json, '}');

    return server;
}


static void
ngx_http_magasin_status_labels(ngx_http_magasin_json_t *json,
    ngx_uint_t route, ngx_uint_t method)
{
    ngx_str_t  *text;

    text = ngx_http_magasin_metrics_method(method);
    ngx_http_magasin_json_key(json, "method");
    ngx_http_magasin_json_text(json, text->data, text->len);

    text = ngx_http_magasin_metrics_endpoint(route);
    ngx_http_magasin_json_key(json, "endpoint");
    ngx_http_magasin_json_text(json, text->data, text->len);
}


static void
ngx_http_magasin_status_pg(ngx_http_magasin_json_t *json,
    ngx_http_magasin_pg_counters_t *counters,
    ngx_http_magasin_pg_gauges_t *gauges)
{
    ngx_uint_t  i;

    ngx_http_magasin_json_key(json, "postgresql");
    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_status_number(json, "connections", gauges->connections);
    ngx_http_magasin_status_number(json, "ready", gauges->ready);
    ngx_http_magasin_status_number(json, "busy", gauges->busy);
    ngx_http_magasin_status_number(json, "waiting", gauges->waiting);
    ngx_http_magasin_status_number(json, "locked", gauges->locked);
    ngx_http_magasin_counters_json(json, ngx_http_magasin_pg_samples,
                                   counters);
    ngx_http_magasin_status_batches(json, counters);
    ngx_http_magasin_status_classes(json, counters, gauges);
    ngx_http_magasin_status_seconds(json, "wait_p99",
                 ngx_http_magasin_histogram_quantile(&counters->wait, 990));

    ngx_http_magasin_json_key(json, "errors");
    ngx_http_magasin_json_open(json, '{');

    for (i = 0; i < NGX_HTTP_MAGASIN_SQLSTATE_CLASSES; i++) {
        if (counters->errors[i]) {
            ngx_http_magasin_status_number(json,
                                      ngx_http_magasin_sqlstate_class_name(i),
                                           counters->errors[i]);
        }
    }

    ngx_http_magasin_json_close(json, '}');
    ngx_http_magasin_status_statements(json, counters);
    ngx_http_magasin_json_close(json, '}');
}


/* How many batches of writes there were, and how many writes in them. */

static void
ngx_http_magasin_status_batches(ngx_http_magasin_json_t *json,
    ngx_http_magasin_pg_counters_t *counters)
{
    uint64_t    n;
    ngx_uint_t  i;

    n = 0;

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_SIZES; i++) {
        n += counters->sizes[i];
    }

    ngx_http_magasin_status_number(json, "batches", n);
    ngx_http_magasin_status_number(json, "batched", counters->gathered);
}


static void
ngx_http_magasin_status_classes(ngx_http_magasin_json_t *json,
    ngx_http_magasin_pg_counters_t *counters,
    ngx_http_magasin_pg_gauges_t *gauges)
{
    ngx_uint_t   i;
    const char  *name;

    ngx_http_magasin_json_key(json, "classes");
    ngx_http_magasin_json_open(json, '{');

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_CLASSES; i++) {
        name = ngx_http_magasin_pg_class_name(i);

        ngx_http_magasin_json_name(json, name, ngx_strlen(name));
        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_status_number(json, "waiting", gauges->queues[i]);
        ngx_http_magasin_status_number(json, "refused", counters->refused[i]);
        ngx_http_magasin_json_close(json, '}');
    }

    ngx_http_magasin_json_close(json, '}');
}


static void
ngx_http_magasin_status_statements(ngx_http_magasin_json_t *json,
    ngx_http_magasin_pg_counters_t *counters)
{
    uint64_t    runs;
    ngx_uint_t  i;

    ngx_http_magasin_json_key(json, "statements");
    ngx_http_magasin_json_open(json, '[');

    for (i = 0; i < NGX_HTTP_MAGASIN_SQL_COUNT; i++) {
        runs = counters->statements[i].runs;

        if (runs == 0) {
            continue;
        }

        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_json_key(json, "name");
        ngx_http_magasin_status_text(json,
                                     ngx_http_magasin_pg_statement_name(i));
        ngx_http_magasin_status_number(json, "count", runs);
        ngx_http_magasin_status_seconds(json, "mean",
                                        counters->statements[i].time / runs);
        ngx_http_magasin_json_close(json, '}');
    }

    ngx_http_magasin_json_close(json, ']');
}


static void
ngx_http_magasin_status_redis(ngx_http_magasin_json_t *json,
    ngx_http_magasin_redis_counters_t *counters, ngx_uint_t connections)
{
    ngx_http_magasin_json_key(json, "redis");
    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_status_number(json, "connections", connections);
    ngx_http_magasin_status_number(json, "replies",
                        ngx_http_magasin_histogram_count(&counters->replies));
    ngx_http_magasin_counters_json(json, ngx_http_magasin_redis_samples,
                                   counters);
    ngx_http_magasin_status_quantiles(json, &counters->replies);
    ngx_http_magasin_json_close(json, '}');
}


static void
ngx_http_magasin_status_cache(ngx_http_magasin_json_t *json,
    ngx_http_magasin_zone_t *zone)
{
    uint64_t                            changes;
    ngx_http_magasin_zone_numbers_t     memory;
    ngx_http_magasin_cache_numbers_t    numbers;
    ngx_http_magasin_cache_counters_t  *counters;

    ngx_http_magasin_zone_numbers(zone, &memory);
    ngx_http_magasin_cache_numbers(zone, &numbers);

    counters = numbers.counters;
    changes = ngx_max(counters->lag_count, 1);

    ngx_http_magasin_json_key(json, "cache");
    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_status_number(json, "entries", numbers.entries);
    ngx_http_magasin_status_number(json, "bytes", numbers.bytes);
    ngx_http_magasin_counters_json(json, ngx_http_magasin_cache_samples,
                                   counters);
    ngx_http_magasin_status_seconds(json, "lag",
                                    counters->lag_sum / changes);
    ngx_http_magasin_json_close(json, '}');

    ngx_http_magasin_json_key(json, "zone");
    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_status_number(json, "size", memory.size);
    ngx_http_magasin_status_number(json, "free", memory.free);
    ngx_http_magasin_status_number(json, "rebuilds", memory.rebuilds);
    ngx_http_magasin_json_close(json, '}');
}


static void
ngx_http_magasin_status_business(ngx_http_magasin_json_t *json,
    ngx_http_magasin_metrics_business_t *business)
{
    u_char                            *p;
    int64_t                            ruptures, surstock;
    ngx_str_t                          name;
    ngx_uint_t                         i;
    ngx_http_magasin_metrics_store_t   store;

    p = business->records;
    ruptures = business->ruptures;
    surstock = business->surstock;

    for (i = 0; i < business->nstores; i++) {
        p = ngx_http_magasin_business_next(p, &store, &name);

        ruptures += store.ruptures;
        surstock += store.surstock;
    }

    ngx_http_magasin_json_key(json, "business");
    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_status_number(json, "time", business->time);
    ngx_http_magasin_status_seconds(json, "took", business->took);
    ngx_http_magasin_status_number(json, "unites_vendues", business->unites);
    ngx_http_magasin_json_key(json, "chiffre_affaires");
    ngx_http_magasin_status_text(json, business->chiffre_affaires);
    ngx_http_magasin_status_number(json, "retours", business->retours);
    ngx_http_magasin_status_number(json, "unites_rendues", business->rendues);
    ngx_http_magasin_json_key(json, "remboursements");
    ngx_http_magasin_status_text(json, business->remboursements);
    ngx_http_magasin_status_number(json, "magasins",
                                   business->nstores + business->others);
    ngx_http_magasin_status_number(json, "ruptures", ruptures);
    ngx_http_magasin_status_number(json, "surstock", surstock);
    ngx_http_magasin_status_number(json, "demandes_en_attente",
                                   business->en_attente);
    ngx_http_magasin_json_close(json, '}');
}


/* Write the errors, the newest first. */

static void
ngx_http_magasin_status_errors(ngx_http_magasin_json_t *json,
    ngx_http_magasin_metrics_shared_t *shared)
{
    ngx_uint_t                         i, number;
    ngx_http_magasin_metrics_error_t  *entry, error;

    ngx_http_magasin_json_key(json, "errors");
    ngx_http_magasin_json_open(json, '[');

    number = shared->errors;

    for (i = 0; i < NGX_HTTP_MAGASIN_METRICS_ERRORS && number; i++, number--) {
        entry = &shared->ring[number & (NGX_HTTP_MAGASIN_METRICS_ERRORS - 1)];

        error = *entry;
        ngx_memory_barrier();

        if (error.number != number || entry->number != number
            || error.route > ngx_http_magasin_routes_count())
        {
            continue;
        }

        error.cause[NGX_HTTP_MAGASIN_CAUSE - 1] = '\0';

        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_status_number(json, "time", error.time);

        ngx_http_magasin_status_labels(json, error.route, error.method);
        ngx_http_magasin_status_number(json, "status", error.status);
        ngx_http_magasin_json_key(json, "cause");
        ngx_http_magasin_status_text(json, error.cause);
        ngx_http_magasin_json_close(json, '}');
    }

    ngx_http_magasin_json_close(json, ']');
}


static void
ngx_http_magasin_status_text(ngx_http_magasin_json_t *json, const char *text)
{
    ngx_http_magasin_json_text(json, text, ngx_strlen(text));
}


static void
ngx_http_magasin_status_number(ngx_http_magasin_json_t *json,
    const char *name, uint64_t n)
{
    ngx_http_magasin_json_member(json, name, ngx_strlen(name));
    ngx_http_magasin_json_integer(json, (int64_t) n);
}


static void
ngx_http_magasin_status_seconds(ngx_http_magasin_json_t *json,
    const char *name, uint64_t us)
{
    u_char  *p, text[NGX_INT64_LEN + 8];

    p = ngx_sprintf(text, "%uL.%06uL", us / 1000000, us % 1000000);

    ngx_http_magasin_json_member(json, name, ngx_strlen(name));
    ngx_http_magasin_json_literal(json, text, p - text);
}


static void
ngx_http_magasin_status_quantiles(ngx_http_magasin_json_t *json,
    const ngx_http_magasin_histogram_t *histogram)
{
    uint64_t  count;

    count = ngx_http_magasin_histogram_count(histogram);

    ngx_http_magasin_status_number(json, "count", count);
    ngx_http_magasin_status_seconds(json, "mean",
                                    histogram->sum / ngx_max(count, 1));
    ngx_http_magasin_status_seconds(json, "p50",
                        ngx_http_magasin_histogram_quantile(histogram, 500));
    ngx_http_magasin_status_seconds(json, "p95",
                        ngx_http_magasin_histogram_quantile(histogram, 950));
    ngx_http_magasin_status_seconds(json, "p99",
                        ngx_http_magasin_histogram_quantile(histogram, 990));
}
