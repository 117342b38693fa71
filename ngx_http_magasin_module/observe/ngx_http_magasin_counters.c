
/*
 * The counters of other rooms.  Each is described once: by its name in /metrics
 * and, if /status shows it, its name there.
 */


#include "ngx_http_magasin_counters_internal.h"
#include "ngx_http_magasin_feed.h"


/*
 * The offset of a counter by its name.  All of these structures consist of
 * ngx_atomic_t.
 */

#define PG(member)     offsetof(ngx_http_magasin_pg_counters_t, member)
#define REDIS(member)  offsetof(ngx_http_magasin_redis_counters_t, member)
#define CACHE(member)  offsetof(ngx_http_magasin_cache_counters_t, member)
#define FEED(member)   offsetof(ngx_http_magasin_feed_counters_t, member)


const ngx_http_magasin_sample_t  ngx_http_magasin_pg_samples[] = {

    { .name = "magasin_postgresql_connects_total",
      .label = "result=\"ok\"",
      .help = "Attempts to connect to PostgreSQL.",
      .status = "connects",
      .offset = PG(connects) },

    { .name = "magasin_postgresql_connects_total",
      .label = "result=\"failed\"",
      .status = "connect_failures",
      .offset = PG(connect_failures) },

    { .name = "magasin_postgresql_connections_lost_total",
      .help = "Connections to PostgreSQL that broke while in service.",
      .status = "lost",
      .offset = PG(lost) },

    { .name = "magasin_postgresql_timeouts_total",
      .help = "Statements that were given up: no answer in time.",
      .status = "timeouts",
      .offset = PG(timeouts) },

    { .name = "magasin_postgresql_refused_total",
      .label = "reason=\"queue\"",
      .help = "Statements that were not taken: too many waited, or no "
              "server answered.",
      .status = "refused_queue",
      .offset = PG(full) },

    { .name = "magasin_postgresql_refused_total",
      .label = "reason=\"down\"",
      .status = "refused_down",
      .offset = PG(down) },

    { .name = "magasin_postgresql_resent_total",
      .help = "Statements that were sent again, after a connection broke "
              "or a transaction lost against others.",
      .status = "resent",
      .offset = PG(resent) },

    { .name = "magasin_postgresql_batches_rejected_total",
      .help = "Batches of writes that the server rejected as a whole; their "
              "writes were sent again one by one.",
      .status = "batches_rejected",
      .offset = PG(rejected) },

    { .name = "magasin_postgresql_class_refused_total",
      .label = "class=\"read\"",
      .help = "Statements that were not taken since too many of their "
              "class waited.",
      .offset = PG(refused[NGX_HTTP_MAGASIN_PG_READ]) },

    { .name = "magasin_postgresql_class_refused_total",
      .label = "class=\"write\"",
      .offset = PG(refused[NGX_HTTP_MAGASIN_PG_WRITE]) },

    { .name = "magasin_postgresql_class_refused_total",
      .label = "class=\"heavy\"",
      .offset = PG(refused[NGX_HTTP_MAGASIN_PG_HEAVY]) },

    { .name = "magasin_postgresql_locks_total",
      .label = "result=\"missed\"",
      .help = "Statements that met somebody's lock: rolled back to wait "
              "and run again, or given up.",
      .status = "lock_missed",
      .offset = PG(missed) },

    { .name = "magasin_postgresql_locks_total",
      .label = "result=\"refused\"",
      .status = "lock_refused",
      .offset = PG(locked) },

    { .name = NULL }
};


const ngx_http_magasin_sample_t  ngx_http_magasin_redis_samples[] = {

    { .name = "magasin_redis_connects_total",
      .help = "Connections to Redis that came into service.",
      .offset = REDIS(connects) },

    { .name = "magasin_redis_connections_lost_total",
      .help = "Connections to Redis that broke while in service.",
      .status = "lost",
      .offset = REDIS(lost) },

    { .name = "magasin_redis_protocol_errors_total",
      .help = "Connections to Redis that were closed, since what came was "
              "no reply to what was sent.",
      .offset = REDIS(unsound) },

    { .name = "magasin_redis_failures_total",
      .label = "reason=\"unavailable\"",
      .help = "Commands without a reply of use: the connection broke, "
              "none came in time, Redis refused (a script it does not "
              "know yet is none), or too many were in flight.",
      .status = "unavailable",
      .offset = REDIS(failures[NGX_HTTP_MAGASIN_REDIS_UNAVAILABLE - 1]) },

    { .name = "magasin_redis_failures_total",
      .label = "reason=\"timeout\"",
      .status = "timeouts",
      .offset = REDIS(failures[NGX_HTTP_MAGASIN_REDIS_TIMEOUT - 1]) },

    { .name = "magasin_redis_failures_total",
      .label = "reason=\"refused\"",
      .status = "refused",
      .offset = REDIS(failures[NGX_HTTP_MAGASIN_REDIS_ERROR - 1]) },

    { .name = "magasin_redis_failures_total",
      .label = "reason=\"busy\"",
      .offset = REDIS(refused) },

    { .name = NULL }
};


const ngx_http_magasin_sample_t  ngx_http_magasin_cache_samples[] = {

    { .name = "magasin_cache_requests_total",
      .label = "result=\"hit\"",
      .help = "Reads by where their answer came from: shared memory, "
              "Redis, the database, another request's statement, the "
              "database because the client wanted it so, or what could "
              "not be checked.",
      .status = "hits",
      .offset = CACHE(hits) },

    { .name = "magasin_cache_requests_total",
      .label = "result=\"redis\"",
      .status = "redis_hits",
      .offset = CACHE(redis_hits) },

    { .name = "magasin_cache_requests_total",
      .label = "result=\"miss\"",
      .status = "misses",
      .offset = CACHE(misses) },

    { .name = "magasin_cache_requests_total",
      .label = "result=\"coalesced\"",
      .status = "coalesced",
      .offset = CACHE(coalesced) },

    { .name = "magasin_cache_requests_total",
      .label = "result=\"bypass\"",
      .status = "bypassed",
      .offset = CACHE(bypassed) },

    { .name = "magasin_cache_requests_total",
      .label = "result=\"stale\"",
      .status = "stale",
      .offset = CACHE(stale) },

    { .name = "magasin_cache_stored_total",
      .help = "Answers that were put into shared memory.",
      .offset = CACHE(stored) },

    { .name = "magasin_cache_stored_late_total",
      .help = "Answers that were invalid when they were stored.",
      .offset = CACHE(late) },

    { .name = "magasin_cache_too_large_total",
      .help = "Answers that were too large to store.",
      .offset = CACHE(too_large) },

    { .name = "magasin_cache_compressed_total",
      .help = "Gzip forms of answers that were made.",
      .status = "compressed",
      .offset = CACHE(compressed) },

    { .name = "magasin_cache_evictions_total",
      .help = "Answers that were evicted to make room.",
      .status = "evictions",
      .offset = CACHE(evicted) },

    { .name = "magasin_cache_flushes_total",
      .help = "Times that the cache was emptied on request.",
      .offset = CACHE(flushed) },

    { .name = "magasin_cache_invalidations_total",
      .help = "Tags that were invalidated.",
      .status = "invalidations",
      .offset = CACHE(invalidations) },

    { .name = "magasin_cache_hints_total",
      .help = "Messages of other nodes about their changes.",
      .offset = CACHE(hints) },

    { .name = "magasin_cache_unpublished_total",
      .help = "Changes that Redis did not take at once.",
      .offset = CACHE(unpublished) },

    { .name = "magasin_cache_polls_total",
      .help = "Polls of the journal.",
      .offset = CACHE(polls) },

    { .name = "magasin_cache_poll_failures_total",
      .help = "Polls of the journal that failed.",
      .offset = CACHE(poll_failures) },

    { .name = "magasin_cache_poll_changes_total",
      .help = "Changes that only a poll of the journal found.",
      .offset = CACHE(poll_changes) },

    { .name = NULL }
};


const ngx_http_magasin_sample_t  ngx_http_magasin_feed_samples[] = {

    { .name = "magasin_stream_events_total",
      .help = "Events that were sent to those who listen to the journal.",
      .status = "events",
      .offset = FEED(events) },

    { .name = "magasin_stream_ended_total",
      .label = "reason=\"slow\"",
      .help = "Streams of the journal that this server ended: the client did "
              "not read, or it may come back, after a reload or when the "
              "database lost history.",
      .status = "dropped",
      .offset = FEED(dropped) },

    { .name = "magasin_stream_ended_total",
      .label = "reason=\"retry\"",
      .offset = FEED(ended) },

    { .name = "magasin_stream_pages_total",
      .help = "Pages of the journal that were read for clients that the "
              "events in memory do not reach back to.",
      .offset = FEED(pages) },

    { .name = "magasin_stream_polls_total",
      .help = "Polls of the journal while somebody listens.",
      .offset = FEED(polls) },

    { .name = "magasin_stream_poll_failures_total",
      .help = "Such polls that failed.",
      .offset = FEED(poll_failures) },

    { .name = NULL }
};


/*
 * Write all counters of a table in the format of Prometheus.  `counters` is the
 * structure that the offsets of the table refer to.
 */

void
ngx_http_magasin_counters_text(ngx_http_magasin_exposition_t *text,
    const ngx_http_magasin_sample_t *sample, void *counters)
{
    uint64_t  value;

    for ( /* void */ ; sample->name; sample++) {

        value = *(ngx_atomic_t *) ((u_char *) counters + sample->offset);

        if (sample->help) {
            ngx_http_magasin_family(text, sample->name, "counter",
                                    sample->help);
        }

        if (sample->label) {
            ngx_http_magasin_line(text, "%s{%s} %uL", sample->name,
                                  sample->label, value);

        } else {
            ngx_http_magasin_line(text, "%s %uL", sample->name, value);
        }
    }
}


/*
 * Write the counters that /status shows, as members of the open object.
 * `counters` is the structure that the offsets of the table refer to.
 */

void
ngx_http_magasin_counters_json(ngx_http_magasin_json_t *json,
    const ngx_http_magasin_sample_t *sample, void *counters)
{
    uint64_t  value;

    for ( /* void */ ; sample->name; sample++) {

        if (sample->status == NULL) {
            continue;
        }

        value = *(ngx_atomic_t *) ((u_char *) counters + sample->offset);

        ngx_http_magasin_json_name(json, sample->status,
                                   ngx_strlen(sample->status));
        ngx_http_magasin_json_integer(json, (int64_t) value);
    }
}
