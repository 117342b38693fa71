"""The components behind the answers: the cache, Redis, PostgreSQL, the workers."""

from panels import QUIET, board, lines, number, rate, table, target, where
from signals import ALL, INSTANCE, NODES


def total(name, by):
    return f"sum by ({by}) ({rate(name, ALL)})"


def kinds(pairs):
    """A line for each counter: (what it is called, its name)."""
    return [target(f"sum({rate(name, ALL)})", legend)
            for legend, name in pairs]


def cache():
    requests = "magasin_cache_requests_total"
    lag = "magasin_cache_invalidation_lag_seconds"

    def share(result):
        of_it = where(NODES, f'result="{result}"')
        return f"sum({rate(requests, of_it)}) / " \
            f"(sum({rate(requests, ALL)}) > 0)"

    return "Cache", [
        lines("Reads by where their answer came from",
              "hit: shared memory; coalesced: another request's statement; "
              "bypass: the client wanted it from the database; stale: could "
              "not be checked.", "reqps",
              [target(total(requests, "result"), "{{result}}")],
              stacked=True, width=8),
        lines("Hits by level", "Of all reads that could be one.",
              "percentunit",
              [target(share("hit"), "shared memory"),
               target(share("redis"), "Redis"),
               target(share("coalesced"), "coalesced")], top=1, width=8),
        lines("Invalidation lag",
              "From a change that nobody told of, by psql or another node, to "
              "finding it in the journal. It is looked at every 250 ms.", "s",
              [target(f"{total(lag + '_sum', 'instance')} / "
                      f"({total(lag + '_count', 'instance')} > 0)",
                      "{{instance}}")],
              steps=[("green", None), ("red", 0.5)], width=8),
        lines("Answers kept, and thrown away",
              "late: invalid by the time they came; too large: over "
              "magasin_cache_max_size; evicted: for want of room.", "ops",
              kinds([("stored", "magasin_cache_stored_total"),
                     ("late", "magasin_cache_stored_late_total"),
                     ("too large", "magasin_cache_too_large_total"),
                     ("evicted", "magasin_cache_evictions_total")]), width=8),
        lines("Changes",
              "Tags that became invalid; messages of other nodes; changes "
              "that only the journal told of; those that Redis could not be "
              "told of.", "ops",
              kinds([("invalidated", "magasin_cache_invalidations_total"),
                     ("hints", "magasin_cache_hints_total"),
                     ("from the journal", "magasin_cache_poll_changes_total"),
                     ("unpublished", "magasin_cache_unpublished_total")]),
              width=8),
        lines("Polls of the journal",
              "Four per second and node; none may fail for long.", "ops",
              kinds([("done", "magasin_cache_polls_total"),
                     ("failed", "magasin_cache_poll_failures_total")]),
              width=8),
        lines("Answers in shared memory", "Of each node.", "none",
              [target(f"sum by (instance) (magasin_cache_entries{ALL})",
                      "{{instance}}")], width=8),
        lines("Their size", "Of what magasin_zone has.", "bytes",
              [target(f"sum by (instance) (magasin_cache_size_bytes{ALL})",
                      "{{instance}}"),
               target(f"max(magasin_zone_size_bytes{ALL})", "magasin_zone")],
              width=8),
        lines("May be used",
              "1: the journal was looked at lately; 0: all is answered from "
              "PostgreSQL.", "none",
              [target(f"min by (instance) (magasin_cache_fresh{ALL})",
                      "{{instance}}")],
              steps=[("red", None), ("green", 1)], top=1, width=8)]


def redis():
    reply = total("magasin_redis_reply_seconds_bucket", "le")
    return "Redis", [
        lines("Workers that it answers", "0: it is down, or out of reach.",
              "none",
              [target(f"sum by (instance) (magasin_redis_connections{ALL})",
                      "{{instance}}")], width=8),
        lines("From a command to its reply", "Errors included.", "s",
              [target(f"histogram_quantile({share}, {reply})", name)
               for share, name in ((0.5, "p50"), (0.95, "p95"),
                                   (0.99, "p99"))], width=8),
        lines("Commands without a reply of use",
              "The answer came from PostgreSQL then.", "ops",
              [target(total("magasin_redis_failures_total", "reason"),
                      "{{reason}}")],
              steps=[("green", None), ("orange", 0.1)], width=8)]


def postgresql():
    statement = "magasin_postgresql_statement_seconds"
    wait = total("magasin_postgresql_wait_seconds_bucket", "le")
    errors = rate("magasin_postgresql_errors_total", ALL)
    batch_sum = rate("magasin_postgresql_batch_writes_sum", ALL)
    batch_count = rate("magasin_postgresql_batch_writes_count", ALL)
    return "PostgreSQL", [
        lines("Connections of the pool",
              "busy: owes an answer; down: not in service.", "none",
              [target("sum by (state) (magasin_postgresql_connections"
                      f"{ALL})", "{{state}}")], stacked=True, width=8),
        lines("How long statements waited", "Until they were sent.", "s",
              [target(f"histogram_quantile({share}, {wait})", name)
               for share, name in ((0.5, "p50"), (0.95, "p95"),
                                   (0.99, "p99"))],
              steps=[("green", None), ("orange", 0.1)], width=8),
        lines("Errors by class of SQLSTATE",
              "Of the server; 23 and those of our own are refusals of what a "
              "client wanted, 40 lost against another transaction, 53 to 58 "
              "are its own.", "ops",
              [target(f"sum by (sqlstate_class) ({errors}) or vector(0)",
                      "{{sqlstate_class}}")], width=8),
        lines("Writes that shared a run",
              "Sales, adjustments and changes of products, on average: 1 is "
              "one alone.", "none",
              [target(f"sum({batch_sum}) / (sum({batch_count}) > 0)",
                      "writes")]),
        lines("Runs of several that were rejected",
              "A fault: all are rolled back and sent again one by one. The "
              "error log has the reason.", "ops",
              kinds([("rejected",
                      "magasin_postgresql_batches_rejected_total")]),
              steps=[("green", None), ("orange", 0.01)]),
        lines("Statements, the ten most frequent",
              "By the name of their file in sql/statements.", "ops",
              [target(f"topk(10, {total(statement + '_count', 'statement')})",
                      "{{statement}}")]),
        lines("Their time, the ten slowest",
              "From being sent to being answered, on average; those before it "
              "on the connection included.", "s",
              [target(f"topk(10, {total(statement + '_sum', 'statement')} / "
                      f"({total(statement + '_count', 'statement')} > 0))",
                      "{{statement}}")]),
        lines("Connections and statements lost",
              "resent: a statement was sent again, since its connection broke "
              "or its transaction lost; given up: no answer in time.", "ops",
              kinds([("lost", "magasin_postgresql_connections_lost_total"),
                     ("resent", "magasin_postgresql_resent_total"),
                     ("given up", "magasin_postgresql_timeouts_total")])),
        lines("Attempts to connect", "To PostgreSQL; failed ones are made "
              "again after a pause that grows.", "ops",
              [target(total("magasin_postgresql_connects_total", "result"),
                      "{{result}}")])]


def replicas():
    reads = "magasin_replica_reads_total"
    refused = "magasin_replica_refused_total"
    return "Replicas", [
        lines("Reads by who answered",
              "Of those that a replica may answer; stale: there was no "
              "primary. Nothing without magasin_database_replicas.", "reqps",
              [target(f"{total(reads, 'server')} or vector(0)",
                      "{{server}}")], stacked=True, width=8),
        lines("Lag", "Of the node that sees the most of it. A replica that "
              "lags answers no reads that would miss something.", "s",
              [target("max by (replica) (magasin_replica_lag_seconds"
                      f"{ALL}) or vector(0)", "{{replica}}")],
              steps=[("green", None), ("orange", 1)], width=8),
        lines("Reads that went to the primary, by reason",
              "behind: the replica had not replayed enough; unknown: a write "
              "was just done; away: none was in service.", "ops",
              [target(f"{total(refused, 'reason')} or vector(0)",
                      "{{reason}}")], width=8)]


def workers():
    return "Workers", [
        number("Versions", "Versions of Magasin that run; two while one is "
               "rolled out.", "none",
               f"count(count by (version) (magasin_build_info{ALL}))",
               steps=[("green", None), ("yellow", 2)], trend=False),
        number("Crashes", "Workers that ended by themselves, in the time "
               "shown.", "none",
               "sum(increase(magasin_worker_respawns_total"
               f"{ALL}[$__range]))", steps=[("green", None), ("red", 1)],
               trend=False, decimals=0),
        number("Memory rebuilt",
               "Times that a worker was killed while it changed the cache.",
               "none",
               f"sum(increase(magasin_zone_rebuilds_total{ALL}[$__range]))",
               steps=[("green", None), ("orange", 1)], trend=False,
               decimals=0),
        table("Nodes", "What each is made of.",
              [("workers", "none",
                f"sum by (instance) (magasin_workers{ALL})", QUIET),
               ("counted since", "dateTimeAsIso",
                "1000 * max by (instance) (magasin_start_time_seconds"
                f"{ALL})", QUIET),
               ("shared memory", "bytes",
                f"max by (instance) (magasin_zone_size_bytes{ALL})",
                QUIET)], by="instance", height=6)]


def dashboard():
    return board(
        "magasin-components", "Magasin: cache, Redis, PostgreSQL",
        "What is behind the answers: for the question why.", "en",
        variables=[INSTANCE], tags=["operations"], period="1h",
        rows=[part() for part in (cache, redis, postgresql, replicas,
                                  workers)])
