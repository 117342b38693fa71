
/* The part of /metrics about PostgreSQL, Redis, the cache and the business. */


#include "ngx_http_magasin_metrics_text_internal.h"
#include "ngx_http_magasin_counters_internal.h"
#include "ngx_http_magasin_feed.h"
#include "ngx_http_magasin_zone.h"


static void ngx_http_magasin_metrics_batches(
    ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_pg_counters_t *counters);
static void ngx_http_magasin_metrics_names(
    ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_business_t *business);
static void ngx_http_magasin_metrics_stores(
    ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_business_t *business);


/* Write the families of PostgreSQL.  `gauges` are the sums of all workers. */

void
ngx_http_magasin_metrics_pg(ngx_http_magasin_exposition_t *text,
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

    ngx_http_magasin_single(text, "magasin_postgresql_collations_outdated",
                            "gauge",
                            "Collations whose version is not the one that "
                            "the indexes were built with.",
                            gauges->collations);

    ngx_http_magasin_counters_text(text, ngx_http_magasin_pg_samples,
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

    ngx_http_magasin_metrics_batches(text, counters);

    ngx_http_magasin_family(text, "magasin_postgresql_wait_seconds",
                            "histogram", "How long statements waited until "
                            "they were sent.");
    ngx_http_magasin_histogram(text, "magasin_postgresql_wait_seconds", "",
                               &counters->wait, NULL);

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


/* Write how many writes shared a run of their statement. */

static void
ngx_http_magasin_metrics_batches(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_pg_counters_t *counters)
{
    uint64_t     n;
    ngx_uint_t   i;
    const char  *fraction;

    ngx_http_magasin_family(text, "magasin_postgresql_batch_writes",
                            "histogram", "Writes that shared one run of a "
                            "statement.");

    n = 0;
    fraction = text->openmetrics ? ".0" : "";

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_SIZES - 1; i++) {
        n += counters->sizes[i];

        ngx_http_magasin_line(text, "magasin_postgresql_batch_writes_bucket{"
                              "le=\"%ui%s\"} %uL", (ngx_uint_t) 1 << i,
                              fraction, n);
    }

    n += counters->sizes[i];

    ngx_http_magasin_line(text, "magasin_postgresql_batch_writes_bucket{"
                          "le=\"+Inf\"} %uL", n);
    ngx_http_magasin_line(text, "magasin_postgresql_batch_writes_sum %uL",
                          (uint64_t) counters->gathered);
    ngx_http_magasin_line(text, "magasin_postgresql_batch_writes_count %uL",
                          n);
}


/*
 * Write the families of the replicas of a pool; none without replicas.  A
 * replica is known by its number in the directive.  `pool` may be NULL.
 */

void
ngx_http_magasin_metrics_replicas(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t                  i, n;
    ngx_http_magasin_pg_lag_t   lag[NGX_HTTP_MAGASIN_PG_REPLICAS];
    ngx_http_magasin_pg_wal_t  *wal;

    n = pool ? ngx_http_magasin_pg_replicas_count(pool) : 0;

    if (n == 0) {
        return;
    }

    wal = ngx_http_magasin_pg_replicas_numbers(pool, 0, &lag[0]);

    for (i = 1; i < n; i++) {
        (void) ngx_http_magasin_pg_replicas_numbers(pool, i, &lag[i]);
    }

    ngx_http_magasin_family(text, "magasin_replica_reads_total", "counter",
                            "Reads that a replica may answer, by who did; "
                            "replica is its number, or empty.");
    ngx_http_magasin_line(text, "magasin_replica_reads_total{"
                          "server=\"primary\",replica=\"\"} %uA",
                          wal->answers);
    ngx_http_magasin_line(text, "magasin_replica_reads_total{"
                          "server=\"stale\",replica=\"\"} %uA", wal->stale);

    for (i = 0; i < n; i++) {
        ngx_http_magasin_line(text, "magasin_replica_reads_total{"
                              "server=\"replica\",replica=\"%ui\"} %uL",
                              i + 1, lag[i].answers);
    }

    ngx_http_magasin_family(text, "magasin_replica_refused_total", "counter",
                            "Times that such a read went to the primary, by "
                            "the reason.");

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_REFUSED_REASONS; i++) {
        ngx_http_magasin_line(text, "magasin_replica_refused_total{"
                              "reason=\"%s\"} %uA",
                              ngx_http_magasin_pg_refused_name(i),
                              wal->refused[i]);
    }

    ngx_http_magasin_family(text, "magasin_replica_lag_bytes", "gauge",
                            "Bytes of the log that a replica had not "
                            "replayed when it was last asked.");

    for (i = 0; i < n; i++) {

        /* Nothing is known of a replica that has never answered. */

        if (!lag[i].known) {
            continue;
        }

        ngx_http_magasin_line(text, "magasin_replica_lag_bytes{"
                              "replica=\"%ui\"} %uL", i + 1, lag[i].lag);
    }

    ngx_http_magasin_family(text, "magasin_replica_lag_seconds", "gauge",
                            "Seconds since a replica showed all that the "
                            "node knew then; 0: it does.");

    for (i = 0; i < n; i++) {

        if (!lag[i].known) {
            continue;
        }

        ngx_http_magasin_line(text, "magasin_replica_lag_seconds{"
                              "replica=\"%ui\"} %uL.%03uL", i + 1,
                              lag[i].lag_time / 1000, lag[i].lag_time % 1000);
    }
}


/*
 * Write the families of Redis.  `connections` is the number of connections in
 * service, of all workers.
 */

void
ngx_http_magasin_metrics_redis(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_redis_counters_t *counters, ngx_uint_t connections)
{
    ngx_http_magasin_single(text, "magasin_redis_up", "gauge",
                            "1: Redis answers some worker.",
                            connections != 0);
    ngx_http_magasin_single(text, "magasin_redis_connections", "gauge",
                            "Workers that Redis answers.", connections);

    ngx_http_magasin_counters_text(text, ngx_http_magasin_redis_samples,
                                   counters);

    ngx_http_magasin_family(text, "magasin_redis_reply_seconds", "histogram",
                            "From a command to its reply, errors included.");
    ngx_http_magasin_histogram(text, "magasin_redis_reply_seconds", "",
                               &counters->replies, NULL);
}


/* Write the families of the cache. */

void
ngx_http_magasin_metrics_cache(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_zone_t *zone)
{
    ngx_http_magasin_cache_numbers_t    numbers;
    ngx_http_magasin_cache_counters_t  *counters;

    ngx_http_magasin_cache_numbers(zone, &numbers);

    counters = numbers.counters;

    ngx_http_magasin_counters_text(text, ngx_http_magasin_cache_samples,
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


/* Write the families of the journal's stream. */

void
ngx_http_magasin_metrics_feed(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_zone_t *zone, ngx_uint_t listeners)
{
    ngx_http_magasin_single(text, "magasin_stream_listeners", "gauge",
                            "Clients that listen to the journal.", listeners);
    ngx_http_magasin_counters_text(text, ngx_http_magasin_feed_samples,
                                   ngx_http_magasin_feed_numbers(zone));
}


/* Write the families of the zone of shared memory. */

void
ngx_http_magasin_metrics_zone(ngx_http_magasin_exposition_t *text,
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


/*
 * Write the business numbers.  Before the first answer of the database there
 * are none.
 */

void
ngx_http_magasin_metrics_business(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_shared_t *shared,
    ngx_http_magasin_metrics_business_t *business)
{
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
    ngx_http_magasin_single(text, "magasin_returns_total", "counter",
                            "Returns of goods that were sold, of all time.",
                            business->retours);
    ngx_http_magasin_single(text, "magasin_unites_rendues_total", "counter",
                            "Units that were returned, of all time.",
                            business->rendues);
    ngx_http_magasin_family(text, "magasin_remboursements_total", "counter",
                            "What was paid for them.");
    ngx_http_magasin_line(text, "magasin_remboursements_total %s",
                          business->remboursements);
    ngx_http_magasin_single(text, "magasin_demandes_en_attente", "gauge",
                            "Replenishments that nobody has decided.",
                            business->en_attente);
    ngx_http_magasin_single(text, "magasin_journal_partitions_ahead", "gauge",
                            "Partitions of the journal behind the one that is "
                            "written.", business->parties);

    ngx_http_magasin_metrics_names(text, business);
    ngx_http_magasin_metrics_stores(text, business);
}


/* Write the names of the stores that have series of their own. */

static void
ngx_http_magasin_metrics_names(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_business_t *business)
{
    u_char                            *p, *end, line[128];
    ngx_str_t                          name;
    ngx_uint_t                         i;
    ngx_http_magasin_metrics_store_t   store;

    ngx_http_magasin_family(text, "magasin_store_info", "info",
                            "The name of a store, whose id is magasin; "
                            "always 1.");

    p = business->records;

    for (i = 0; i < business->nstores; i++) {
        p = ngx_http_magasin_business_next(p, &store, &name);

        if (name.len == 0) {
            continue;
        }

        end = ngx_snprintf(line, sizeof(line),
                           "magasin_store_info{magasin=\"%L\",nom=\"",
                           store.id);

        ngx_http_magasin_json_raw(&text->json, line, end - line);
        ngx_http_magasin_label(text, &name);
        ngx_http_magasin_line(text, "\"} 1");
    }
}


/* Write what is counted for each store. */

static void
ngx_http_magasin_metrics_stores(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_business_t *business)
{
    u_char                            *p;
    ngx_str_t                          name;
    ngx_uint_t                         i;
    ngx_http_magasin_metrics_store_t   store;

    ngx_http_magasin_family(text, "magasin_ruptures", "gauge",
                            "Products that a store has none of; magasin is "
                            "its id, or autres for those without a series of "
                            "their own.");

    p = business->records;

    for (i = 0; i < business->nstores; i++) {
        p = ngx_http_magasin_business_next(p, &store, &name);

        ngx_http_magasin_line(text, "magasin_ruptures{magasin=\"%L\"} %uD",
                              store.id, store.ruptures);
    }

    if (business->others) {
        ngx_http_magasin_line(text, "magasin_ruptures{magasin=\"autres\"} %L",
                              business->ruptures);
    }

    ngx_http_magasin_family(text, "magasin_surstock", "gauge",
                            "Products that a store has more than ten of.");

    p = business->records;

    for (i = 0; i < business->nstores; i++) {
        p = ngx_http_magasin_business_next(p, &store, &name);

        ngx_http_magasin_line(text, "magasin_surstock{magasin=\"%L\"} %uD",
                              store.id, store.surstock);
    }

    if (business->others) {
        ngx_http_magasin_line(text, "magasin_surstock{magasin=\"autres\"} %L",
                              business->surstock);
    }
}
