"""The four golden signals, latency, traffic, errors and saturation: what
clients see, and what will bother them next.

For whoever is on duty; in English, as the alerts are.
"""

from panels import board, heat, lines, number, rate, target, variable, \
    where

NODES = 'job="$job", instance=~"$instance"'
OF_API = 'endpoint=~"/api/.*"'
ALL = where(NODES)
API = where(NODES, OF_API)
READS = where(NODES, OF_API, 'method=~"GET|HEAD"')
WRITES = where(NODES, OF_API, 'method=~"POST|PUT|PATCH|DELETE"')
REQUESTS = "magasin_http_requests_total"
DURATION = "magasin_http_request_duration_seconds"

INSTANCE = variable("instance", "Node",
                    'label_values(magasin_build_info{job="$job"}, instance)',
                    several=True)
BURN = [("green", None), ("yellow", 1), ("orange", 6), ("red", 14.4)]


def quantiles(selector):
    return [target(f"""histogram_quantile({share}, sum by (le) (
                       {rate(DURATION + '_bucket', selector)}))""", name)
            for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))]


def share_of_errors(by):
    every = f"sum by ({by}) ({rate(REQUESTS, API)})"
    failed = where(NODES, OF_API, 'status=~"5.."')
    bad = f"sum by ({by}) ({rate(REQUESTS, failed)})"
    return f"({bad} or 0 * {every}) / ({every} > 0)"


def burn(slo, name):
    return number(
        f"{name} burn, 1 h",
        f"How many times faster than it lasts the month's budget of {slo} is "
        "used up, over the last hour; of all nodes. 1 is just enough, 14.4 "
        "wakes somebody.", "none",
        f'job_slo:magasin_budget_burn:ratio_rate1h{{job="$job", slo="{slo}"}}',
        steps=BURN, width=6, decimals=2)


def overview():
    every = f"sum({rate(REQUESTS, API)})"
    failed = where(NODES, OF_API, 'status=~"5.."')
    return "Overview", [
        number("p99 of reads",
               "99 of 100 reads of the API were faster; the objective is "
               "25 ms.", "s",
               f"""histogram_quantile(0.99, sum by (le) (
                   {rate(DURATION + '_bucket', READS)}))""",
               steps=[("green", None), ("yellow", 0.025), ("red", 0.1)],
               width=6),
        number("Requests", "All that was answered, per second.", "reqps",
               f"sum({rate(REQUESTS, ALL)})", width=6),
        number("5xx of the API", "Of the requests to the API.",
               "percentunit",
               f"""(sum({rate(REQUESTS, failed)}) or 0 * {every})
                   / ({every} > 0)""",
               steps=[("green", None), ("orange", 0.001), ("red", 0.01)],
               width=6, decimals=2),
        number("Busiest pool",
               "Connections to PostgreSQL that owe an answer, of those in "
               "service; of the node with the most.", "percentunit",
               "max(job_instance:magasin_postgresql_connections_busy:ratio"
               f"{ALL})",
               steps=[("green", None), ("orange", 0.8), ("red", 0.9)],
               width=6),
        burn("availability", "Availability"),
        burn("latency", "Latency"),
        number("Firing alerts",
               "Alerts of prometheus/rules/alerts.yml that fire now; each has "
               "a section in docs/operations.md.", "none",
               'count(ALERTS{alertname=~"Magasin.*", alertstate="firing"}) '
               "or vector(0)",
               steps=[("green", None), ("red", 1)], width=6),
        number("Nodes up", "Nodes whose /metrics could be read.", "none",
               'sum(up{job="$job"})',
               steps=[("red", None), ("green", 1)], width=6)]


def latency():
    slow = [("green", None), ("orange", 0.025)]
    return "Latency", [
        lines("Reads", "GET and HEAD of the API. The line is 25 ms.", "s",
              quantiles(READS), steps=slow),
        lines("Writes", "POST, PUT, PATCH and DELETE of the API.", "s",
              quantiles(WRITES)),
        lines("p95 by endpoint", "All methods.", "s",
              [target(f"""histogram_quantile(0.95, sum by (endpoint, le) (
                          {rate(DURATION + '_bucket', API)}))""",
                      "{{endpoint}}")], steps=slow),
        heat("How long answers took",
             "Requests to the API by how long they took: colour is how many.",
             "s", f"""sum by (le) (increase({DURATION}_bucket{API}
                      [$__rate_interval]))""")]


def traffic():
    return "Traffic", [
        lines("Requests by endpoint",
              "By the template of the path; other is every path that is not "
              "Magasin's.", "reqps",
              [target(f"sum by (endpoint) ({rate(REQUESTS, ALL)})",
                      "{{endpoint}}")], stacked=True),
        lines("Requests by method", "Methods that HTTP does not have are "
              "other.", "reqps",
              [target(f"sum by (method) ({rate(REQUESTS, ALL)})",
                      "{{method}}")], stacked=True, width=6),
        lines("Being answered",
              "Requests that a worker is at, when it was asked.", "none",
              [target(f"sum by (method) (magasin_http_requests_active{ALL})",
                      "{{method}}")], width=6)]


def errors():
    bad = where(NODES, 'status=~"4..|5..|other"')
    return "Errors", [
        lines("Refusals and errors by status",
              "4xx: the client was wrong; 5xx: we were, 503 of a full queue "
              "included.", "reqps",
              [target(f"sum by (status) ({rate(REQUESTS, bad)})",
                      "{{status}}")], stacked=True, width=8),
        lines("5xx of the API by endpoint",
              "Of the requests to that endpoint. The line is the objective.",
              "percentunit",
              [target(share_of_errors("endpoint"), "{{endpoint}}")],
              steps=[("green", None), ("red", 0.001)], width=8),
        lines("Objectives, bad of all over 1 h",
              "What the alerts are made of: requests that failed, and reads "
              "over 25 ms; of all nodes. 0.1 % and 1 % are allowed.",
              "percentunit",
              [target('job_slo:magasin_errors:ratio_rate1h{job="$job"}',
                      "{{slo}}")],
              steps=[("green", None), ("orange", 0.001), ("red", 0.01)],
              width=8)]


def saturation():
    full = [("green", None), ("orange", 0.8), ("red", 0.9)]
    return "Saturation", [
        lines("PostgreSQL connections that owe an answer",
              "Of those in service. Above the line statements begin to wait.",
              "percentunit",
              [target("job_instance:magasin_postgresql_connections_busy:ratio"
                      + ALL, "{{instance}}")], steps=full, top=1, width=8),
        lines("Statements that wait", "For a connection of the pool.", "none",
              [target(f"sum by (instance) (magasin_postgresql_waiting{ALL})",
                      "{{instance}}")], width=8),
        lines("Shared memory in use",
              "Whole pages of magasin_zone. Full is no error: the cache makes "
              "room.", "percentunit",
              [target(f"job_instance:magasin_zone_used:ratio{ALL}",
                      "{{instance}}")], top=1, width=8),
        lines("Connections of clients",
              "Of all nginx; waiting is kept alive without a request.", "none",
              [target(f"sum by (state) (magasin_connections{ALL})",
                      "{{state}}")], stacked=True, width=8),
        lines("Connections turned away",
              "Accepted and closed at once, since worker_connections are used "
              "up.", "cps",
              [target(f"""sum by (instance) (
                          {rate('magasin_connections_accepted_total', ALL)}
                          - {rate('magasin_connections_handled_total', ALL)}
                          )""", "{{instance}}")],
              steps=[("green", None), ("red", 0.001)], width=8),
        lines("Statements refused",
              "503 to their clients: too many waited, or no server answered.",
              "ops",
              [target(f"""sum by (reason) (
                          {rate('magasin_postgresql_refused_total', ALL)})""",
                      "{{reason}}")],
              steps=[("green", None), ("red", 0.001)], width=8)]


def dashboard():
    return board(
        "magasin-signals", "Magasin: golden signals",
        "Latency, traffic, errors and saturation of all nodes that share a "
        "database.", "en", variables=[INSTANCE], tags=["operations"],
        period="1h",
        rows=[part() for part in (overview, latency, traffic, errors,
                                  saturation)])
