
/* /metrics: what PostgreSQL, Redis, the cache and the business have. */


#include "ngx_http_magasin_metrics_text.h"
#include "ngx_http_magasin_zone.h"


typedef struct {
    const char  *name;
    const char  *label;         /* NULL: the family has one sample */
    const char  *help;          /* NULL: of the family before */
    size_t       offset;        /* of the counter */
} ngx_http_magasin_sample_t;


static void ngx_http_magasin_metrics_counters(ngx_http_magasin_json_t *text,
    const ngx_http_magasin_sample_t *counter, void *counters);


/* A counter by its name, all of them in structures of ngx_atomic_t. */

#define PG(member)     offsetof(ngx_http_magasin_pg_counters_t, member)
#define REDIS(member)  offsetof(ngx_http_magasin_redis_counters_t, member)
#define CACHE(member)  offsetof(ngx_http_magasin_cache_counters_t, member)


static const ngx_http_magasin_sample_t  ngx_http_magasin_pg_samples[] = {

    { "magasin_postgresql_connects_total", "result=\"ok\"",
      "Attempts to connect to PostgreSQL.", PG(connects) },
    { "magasin_postgresql_connects_total", "result=\"failed\"", NULL,
      PG(connect_failures) },
    { "magasin_postgresql_connections_lost_total", NULL,
      "Connections to PostgreSQL that broke while in service.", PG(lost) },
    { "magasin_postgresql_timeouts_total", NULL,
      "Statements that were given up: no answer in time.", PG(timeouts) },
    { "magasin_postgresql_refused_total", "reason=\"queue\"",
      "Statements that were not taken: too many waited, or no server "
      "answered.", PG(full) },
    { "magasin_postgresql_refused_total", "reason=\"down\"", NULL, PG(down) },
    { "magasin_postgresql_resent_total", NULL,
      "Statements that were sent again, after a connection broke or a "
      "transaction lost against others.", PG(resent) },
    { "magasin_postgresql_class_refused_total", "class=\"read\"",
      "Statements that were not taken since too many of their class waited.",
      PG(refused[NGX_HTTP_MAGASIN_PG_READ]) },
    { "magasin_postgresql_class_refused_total", "class=\"write\"", NULL,
      PG(refused[NGX_HTTP_MAGASIN_PG_WRITE]) },
    { "magasin_postgresql_class_refused_total", "class=\"heavy\"", NULL,
      PG(refused[NGX_HTTP_MAGASIN_PG_HEAVY]) },
    { "magasin_postgresql_locks_total", "result=\"missed\"",
      "Statements that met somebody's lock: rolled back to wait and run "
      "again, or given up.", PG(missed) },
    { "magasin_postgresql_locks_total", "result=\"refused\"", NULL,
      PG(locked) },
    { NULL, NULL, NULL, 0 }
};


static const ngx_http_magasin_sample_t  ngx_http_magasin_redis_samples[] = {

    { "magasin_redis_connects_total", NULL,
      "Connections to Redis that came into service.", REDIS(connects) },
    { "magasin_redis_connections_lost_total", NULL,
      "Connections to Redis that broke while in service.", REDIS(lost) },
    { "magasin_redis_protocol_errors_total", NULL,
      "Connections to Redis that were closed, since what came was no reply "
      "to what was sent.", REDIS(unsound) },
    { "magasin_redis_failures_total", "reason=\"unavailable\"",
      "Commands without a reply of use: the connection broke, none came in "
      "time, Redis refused (a script it does not know yet is none), or too "
      "many were in flight.",
      REDIS(failures[NGX_HTTP_MAGASIN_REDIS_UNAVAILABLE - 1]) },
    { "magasin_redis_failures_total", "reason=\"timeout\"", NULL,
      REDIS(failures[NGX_HTTP_MAGASIN_REDIS_TIMEOUT - 1]) },
    { "magasin_redis_failures_total", "reason=\"refused\"", NULL,
      REDIS(failures[NGX_HTTP_MAGASIN_REDIS_ERROR - 1]) },
    { "magasin_redis_failures_total", "reason=\"busy\"", NULL,
      REDIS(refused) },
    { NULL, NULL, NULL, 0 }
};


static const ngx_http_magasin_sample_t  ngx_http_magasin_cache_samples[] = {

    { "magasin_cache_requests_total", "result=\"hit\"",
      "Reads by where their answer came from: shared memory, Redis, the "
      "database, another request's statement, the database because the "
      "client wanted it so, or what could not be checked.", CACHE(hits) },
    { "magasin_cache_requests_total", "result=\"redis\"", NULL,
      CACHE(redis_hits) },
    { "magasin_cache_requests_total", "result=\"miss\"", NULL,
      CACHE(misses) },
    { "magasin_cache_requests_total", "result=\"coalesced\"", NULL,
      CACHE(coalesced) },
    { "magasin_cache_requests_total", "result=\"bypass\"", NULL,
      CACHE(bypassed) },
    { "magasin_cache_requests_total", "result=\"stale\"", NULL,
      CACHE(stale) },
    { "magasin_cache_stored_total", NULL,
      "Answers that were put into shared memory.", CACHE(stored) },
    { "magasin_cache_stored_late_total", NULL,
      "Those of them that were invalid by then.", CACHE(late) },
    { "magasin_cache_too_large_total", NULL,
      "Answers that were too large to be kept.", CACHE(too_large) },
    { "magasin_cache_evictions_total", NULL,
      "Answers that made room for others.", CACHE(evicted) },
    { "magasin_cache_flushes_total", NULL,
      "Times that all of it was thrown away.", CACHE(flushed) },
    { "magasin_cache_invalidations_total", NULL,
      "Scopes that became invalid.", CACHE(invalidations) },
    { "magasin_cache_hints_total", NULL,
      "Messages of other nodes about what they changed.", CACHE(hints) },
    { "magasin_cache_unpublished_total", NULL,
      "Changes that Redis could not be told of at once.",
      CACHE(unpublished) },
    { "magasin_cache_polls_total", NULL,
      "Looks into the journal.", CACHE(polls) },
    { "magasin_cache_poll_failures_total", NULL,
      "Looks into the journal that failed.", CACHE(poll_failures) },
    { "magasin_cache_poll_changes_total", NULL,
      "Changes that were found there, and nowhere before.",
      CACHE(poll_changes) },
    { NULL, NULL, NULL, 0 }
};


static void
ngx_http_magasin_metrics_counters(ngx_http_magasin_json_t *text,
    const ngx_http_magasin_sample_t *counter, void *counters)
{
    uint64_t  value;

    for ( /* void */ ; counter->name; counter++) {

        value = *(ngx_atomic_t *) ((u_char *) counters + counter->offset);

        if (counter->help) {
            ngx_http_magasin_family(text, counter->name, "counter",
                                    counter->help);
        }

        if (counter->label) {
            ngx_http_magasin_line(text, "%s{%s} %uL", counter->name,
                                  counter->label, value);

        } else {
            ngx_http_magasin_line(text, "%s %uL", counter->name, value);
        }
    }
}


void
ngx_http_magasin_metrics_pg(ngx_http_magasin_json_t *text,
    ngx_http_magasin_pg_counters_t *counters,
    ngx_http_magasin_pg_gauges_t *gauges)
{
    u_char                       labels[128];
    uint64_t                     n;
    ngx_uint_t                   i;
    ngx_http_magasin_pg_runs_t  *runs;

    ngx_http_magasin_family(text, "magasin_postgresql_connections", "gauge",
                            "The pool's connections: nothing to do, owing an "
                            "answer, not in service.");
    ngx_http_magasin_line(text, "magasin_postgresql_connections{"
                          "state=\"idle\"} %uA",
                          gauges->ready - ngx_min(gauges->busy,
                                                  gauges->ready));
    ngx_http_magasin_line(text, "magasin_postgresql_connections{"
                          "state=\"busy\"} %uA", gauges->busy);
    ngx_http_magasin_line(text, "magasin_postgresql_connections{"
                          "state=\"down\"} %uA",
                          gauges->connections - ngx_min(gauges->ready,
                                                       gauges->connections));

    ngx_http_magasin_single(text, "magasin_postgresql_waiting", "gauge",
                            "Statements that wait for a connection.",
                            gauges->waiting);

    ngx_http_magasin_family(text, "magasin_postgresql_class_waiting", "gauge",
                            "Those by their class.");

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_CLASSES; i++) {
        ngx_http_magasin_line(text, "magasin_postgresql_class_waiting{"
                              "class=\"%s\"} %uA",
                              ngx_http_magasin_pg_class_name(i),
                              gauges->queues[i]);
    }

    ngx_http_magasin_single(text, "magasin_postgresql_locked", "gauge",
                            "Those that wait for somebody's lock.",
                            gauges->locked);

    ngx_http_magasin_metrics_counters(text, ngx_http_magasin_pg_samples,
                                      counters);

    ngx_http_magasin_family(text, "magasin_postgresql_errors_total",
                            "counter", "Errors of the server by the class of "
                            "their SQLSTATE.");

    for (i = 0; i < NGX_HTTP_MAGASIN_SQLSTATE_CLASSES; i++) {
        n = counters->errors[i];

        if (n) {
            ngx_http_magasin_line(text, "magasin_postgresql_errors_total{"
                                  "sqlstate_class=\"%s\"} %uL",
                                  ngx_http_magasin_sqlstate_class_name(i), n);
        }
    }

    ngx_http_magasin_family(text, "magasin_postgresql_wait_seconds",
                            "histogram", "How long statements waited until "
                            "they were sent.");
    ngx_http_magasin_histogram(text, "magasin_postgresql_wait_seconds", "",
                               &counters->wait);

    ngx_http_magasin_family(text, "magasin_postgresql_statement_seconds",
                            "summary", "Runs of each statement, from being "
                            "sent to being answered, those before it on the "
                            "connection included.");

    for (i = 0; i < NGX_HTTP_MAGASIN_SQL_COUNT; i++) {
        runs = &counters->statements[i];
        n = runs->runs;

        if (n == 0) {
            continue;
        }

        (void) ngx_snprintf(labels, sizeof(labels), "statement=\"%s\"%Z",
                            ngx_http_magasin_pg_statement_name(i));

        ngx_http_magasin_summary(text, "magasin_postgresql_statement_seconds",
                                 (char *) labels, n, runs->time);
    }
}


void
ngx_http_magasin_metrics_redis(ngx_http_magasin_json_t *text,
    ngx_http_magasin_redis_counters_t *counters, ngx_uint_t connections)
{
    ngx_http_magasin_single(text, "magasin_redis_up", "gauge",
                            "1: Redis answers some worker.",
                            connections != 0);
    ngx_http_magasin_single(text, "magasin_redis_connections", "gauge",
                            "Workers that Redis answers.", connections);

    ngx_http_magasin_metrics_counters(text, ngx_http_magasin_redis_samples,
                                      counters);

    ngx_http_magasin_family(text, "magasin_redis_reply_seconds", "histogram",
                            "From a command to its reply, errors included.");
    ngx_http_magasin_histogram(text, "magasin_redis_reply_seconds", "",
                               &counters->replies);
}


void
ngx_http_magasin_metrics_cache(ngx_http_magasin_json_t *text,
    ngx_http_magasin_zone_t *zone)
{
    ngx_http_magasin_cache_numbers_t    numbers;
    ngx_http_magasin_cache_counters_t  *counters;

    ngx_http_magasin_cache_numbers(zone, &numbers);

    counters = numbers.counters;

    ngx_http_magasin_metrics_counters(text, ngx_http_magasin_cache_samples,
                                      counters);

    ngx_http_magasin_single(text, "magasin_cache_entries", "gauge",
                            "Answers in shared memory.", numbers.entries);
    ngx_http_magasin_single(text, "magasin_cache_size_bytes", "gauge",
                            "Their size.", numbers.bytes);
    ngx_http_magasin_single(text, "magasin_cache_fresh", "gauge",
                            "1: the changes of others were looked for "
                            "lately, so that answers may be used.",
                            numbers.fresh);

    ngx_http_magasin_family(text, "magasin_cache_invalidation_lag_seconds",
                            "summary", "From a change that was found in the "
                            "journal to finding it.");
    ngx_http_magasin_summary(text, "magasin_cache_invalidation_lag_seconds",
                             "", counters->lag_count, counters->lag_sum);
}


void
ngx_http_magasin_metrics_zone(ngx_http_magasin_json_t *text,
    ngx_http_magasin_zone_t *zone)
{
    ngx_http_magasin_zone_numbers_t  numbers;

    ngx_http_magasin_zone_numbers(zone, &numbers);

    ngx_http_magasin_single(text, "magasin_zone_size_bytes", "gauge",
                            "Shared memory.", numbers.size);
    ngx_http_magasin_single(text, "magasin_zone_free_bytes", "gauge",
                            "Whole pages of it that are free.",
                            numbers.free);
    ngx_http_magasin_single(text, "magasin_zone_rebuilds_total", "counter",
                            "Times that a worker was killed while it changed "
                            "the cache, which was emptied then.",
                            numbers.rebuilds);
}


/* There is nothing before the database has answered the first time. */

void
ngx_http_magasin_metrics_business(ngx_http_magasin_json_t *text,
    ngx_http_magasin_metrics_shared_t *shared,
    ngx_http_magasin_metrics_business_t *business)
{
    ngx_uint_t                         i;
    ngx_http_magasin_metrics_store_t  *store;

    ngx_http_magasin_single(text, "magasin_business_failures_total",
                            "counter", "Times that the database did not say "
                            "the numbers that follow.",
                            shared->business_failures);

    if (business->time == 0) {
        return;
    }

    ngx_http_magasin_single(text, "magasin_business_timestamp_seconds",
                            "gauge", "When it said them, in seconds since "
                            "1970.", business->time);

    ngx_http_magasin_single(text, "magasin_unites_vendues_total", "counter",
                            "Units sold, of all time.", business->unites);
    ngx_http_magasin_family(text, "magasin_chiffre_affaires_total", "counter",
                            "Revenue, of all time.");
    ngx_http_magasin_line(text, "magasin_chiffre_affaires_total %s",
                          business->chiffre_affaires);
    ngx_http_magasin_single(text, "magasin_demandes_en_attente", "gauge",
                            "Replenishments that nobody has decided.",
                            business->en_attente);

    ngx_http_magasin_family(text, "magasin_ruptures", "gauge",
                            "Products that a store has none of; magasin is "
                            "its id, or autres for those without a series of "
                            "their own.");

    for (i = 0; i < business->nstores; i++) {
        store = &business->stores[i];

        ngx_http_magasin_line(text, "magasin_ruptures{magasin=\"%L\"} %uD",
                              store->id, store->ruptures);
    }

    if (business->others) {
        ngx_http_magasin_line(text, "magasin_ruptures{magasin=\"autres\"} %L",
                              business->ruptures);
    }

    ngx_http_magasin_family(text, "magasin_surstock", "gauge",
                            "Products that a store has more than ten of.");

    for (i = 0; i < business->nstores; i++) {
        store = &business->stores[i];

        ngx_http_magasin_line(text, "magasin_surstock{magasin=\"%L\"} %uD",
                              store->id, store->surstock);
    }

    if (business->others) {
        ngx_http_magasin_line(text, "magasin_surstock{magasin=\"autres\"} %L",
                              business->surstock);
    }
}
