
/* /metrics: the current state of the node, for Prometheus. */


#include "ngx_http_magasin_metrics_text_internal.h"
#include "ngx_http_magasin_exemplars_internal.h"
#include "ngx_http_magasin_version.h"
#include "ngx_http_magasin_reply.h"


static void ngx_http_magasin_metrics_node(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_shared_t *shared,
    ngx_http_magasin_metrics_gauges_t *gauges);
static void ngx_http_magasin_metrics_tokens(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_checks_counters_t *checks);
static void ngx_http_magasin_metrics_connections(
    ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_gauges_t *gauges);
static void ngx_http_magasin_metrics_refusals(
    ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_shared_t *shared);
static void ngx_http_magasin_metrics_http(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_t *metrics,
    ngx_http_magasin_metrics_gauges_t *gauges);
static void ngx_http_magasin_metrics_http_requests(
    ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_shared_t *shared);
static void ngx_http_magasin_metrics_http_durations(
    ngx_http_magasin_exposition_t *text, ngx_http_magasin_metrics_t *metrics);


/*
 * The content handler of `magasin_metrics`.  Returns NGX_OK or the status of an
 * error.
 */

ngx_int_t
ngx_http_magasin_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                             rc;
    ngx_http_magasin_exposition_t         text;
    ngx_http_magasin_metrics_t           *metrics;
    ngx_http_magasin_metrics_gauges_t     gauges;
    ngx_http_magasin_metrics_business_t  *business;
    static ngx_str_t                      vary = ngx_string("Accept");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_magasin_metrics_refuse(r);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    metrics = ngx_http_magasin_metrics_of(r);

    /*
     * Read the gauges before a query of the business numbers may start, so that
     * they do not include this query.
     */

    ngx_http_magasin_metrics_gauges(metrics, &gauges);

    business = ngx_http_magasin_business_get(metrics, r->pool);
    if (business == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_magasin_json_init(&text.json, r->pool);
    text.openmetrics = ngx_http_magasin_prefers_openmetrics(r);

    ngx_http_magasin_metrics_node(&text, metrics->shared, &gauges);

    if (ngx_http_magasin_has_tokens(r)) {
        ngx_http_magasin_metrics_tokens(&text, &metrics->shared->checks);
    }

    ngx_http_magasin_metrics_connections(&text, &gauges);
    ngx_http_magasin_metrics_http(&text, metrics, &gauges);
    ngx_http_magasin_metrics_refusals(&text, metrics->shared);
    ngx_http_magasin_metrics_pg(&text, &metrics->shared->pg, &gauges.pg);
    ngx_http_magasin_metrics_replicas(&text, ngx_http_magasin_pg_pool(r));

    if (ngx_http_magasin_has_redis(r)) {
        ngx_http_magasin_metrics_redis(&text, &metrics->shared->redis,
                                       gauges.redis);
    }

    ngx_http_magasin_metrics_cache(&text, metrics->zone);
    ngx_http_magasin_metrics_feed(&text, metrics->zone, gauges.listeners);
    ngx_http_magasin_metrics_zone(&text, metrics->zone);
    ngx_http_magasin_metrics_business(&text, metrics->shared, business);

    if (text.openmetrics) {
        ngx_http_magasin_line(&text, "# EOF");
    }

    if (ngx_http_magasin_reply_header(r, "Vary", &vary) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_magasin_metrics_send(r, text.openmetrics
                     ? "application/openmetrics-text; version=1.0.0; "
                       "charset=utf-8"
                     : "text/plain; version=0.0.4; charset=utf-8",
                                         &text.json);
}


/* Refuse a method of /metrics or /status.  Returns 405, or 500. */

ngx_int_t
ngx_http_magasin_metrics_refuse(ngx_http_request_t *r)
{
    static ngx_str_t  allow = ngx_string("GET, HEAD");

    return ngx_http_magasin_reply_header(r, "Allow", &allow) == NGX_OK
           ? NGX_HTTP_NOT_ALLOWED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/*
 * Send a complete answer of /metrics or /status.  Caches must not store it.
 *
 * Returns the result of the output filters, or 500 if no memory is left.
 */

ngx_int_t
ngx_http_magasin_metrics_send(ngx_http_request_t *r, const char *type,
    ngx_http_magasin_json_t *json)
{
    ngx_int_t         rc;
    static ngx_str_t  control = ngx_string("no-store");

    if (json->failed
        || ngx_http_magasin_reply_header(r, "Cache-Control", &control)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_magasin_undated(r);

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = json->size;
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    json->last->buf->last_buf = (r == r->main);
    json->last->buf->last_in_chain = 1;

    return ngx_http_output_filter(r, json->first);
}


/* Set `gauges` to the sums of the gauges of all running workers. */

void
ngx_http_magasin_metrics_gauges(ngx_http_magasin_metrics_t *metrics,
    ngx_http_magasin_metrics_gauges_t *gauges)
{
    ngx_uint_t                        i, k;
    ngx_http_magasin_metrics_slot_t  *slot;

    ngx_memzero(gauges, sizeof(ngx_http_magasin_metrics_gauges_t));

    /*
     * The numbers of this worker are current.  Those of the others are up to a
     * second old.
     */

    ngx_http_magasin_metrics_look(metrics);

    for (i = 0; i < NGX_HTTP_MAGASIN_METRICS_SLOTS; i++) {
        slot = ngx_http_magasin_metrics_worker(metrics, i);

        if (slot == NULL) {
            continue;
        }

        gauges->workers++;

        for (k = 0; k < NGX_HTTP_MAGASIN_METRICS_METHODS; k++) {
            gauges->active[k] += slot->active[k];
            gauges->writing += slot->active[k];
        }

        gauges->writing += slot->others;
        gauges->clients += slot->clients;
        gauges->reading += slot->reading;
        gauges->waiting += slot->waiting;
        gauges->listeners += slot->listeners;

        gauges->pg.connections += slot->pg.connections;
        gauges->pg.ready += slot->pg.ready;
        gauges->pg.busy += slot->pg.busy;
        gauges->pg.waiting += slot->pg.waiting;
        gauges->pg.locked += slot->pg.locked;
        gauges->pg.collations += slot->pg.collations;

        for (k = 0; k < NGX_HTTP_MAGASIN_PG_CLASSES; k++) {
            gauges->pg.queues[k] += slot->pg.queues[k];
        }

        gauges->redis += slot->redis.ready;
    }
}


/* Returns a counter of requests, summed over all stripes. */

uint64_t
ngx_http_magasin_metrics_requests(ngx_http_magasin_metrics_shared_t *shared,
    ngx_uint_t route, ngx_uint_t method, ngx_uint_t status)
{
    uint64_t    n;
    ngx_uint_t  i;

    n = 0;

    for (i = 0; i < NGX_HTTP_MAGASIN_METRICS_STRIPES; i++) {
        n += shared->stripes[i].requests[route][method][status];
    }

    return n;
}


/* Add the durations of all stripes to `sum`. */

void
ngx_http_magasin_metrics_durations(ngx_http_magasin_metrics_shared_t *shared,
    ngx_uint_t route, ngx_uint_t method, ngx_http_magasin_histogram_t *sum)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_MAGASIN_METRICS_STRIPES; i++) {
        ngx_http_magasin_histogram_add(sum,
                                 &shared->stripes[i].durations[route][method]);
    }
}


/*
 * Returns the label of a path, which is its template.  `route` 0 stands for all
 * paths that the table does not have.
 */

ngx_str_t *
ngx_http_magasin_metrics_endpoint(ngx_uint_t route)
{
    static ngx_str_t  other = ngx_string("other");

    return route ? ngx_http_magasin_route_path(route - 1) : &other;
}


static void
ngx_http_magasin_metrics_node(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_shared_t *shared,
    ngx_http_magasin_metrics_gauges_t *gauges)
{
    ngx_http_magasin_family(text, "magasin_build_info", "info",
                            "What runs here; always 1.");
    ngx_http_magasin_line(text, "magasin_build_info{version=\"%s\",nginx="
                          "\"%s\",libpq=\"%d\",hiredis=\"%d.%d.%d\","
                          "commit=\"%s\"} 1",
                          NGX_HTTP_MAGASIN_VERSION, NGINX_VERSION,
                          PQlibVersion(), HIREDIS_MAJOR, HIREDIS_MINOR,
                          HIREDIS_PATCH, NGX_HTTP_MAGASIN_COMMIT);

    ngx_http_magasin_single(text, "magasin_start_time_seconds", "gauge",
                            "When these counters began at 0, in seconds "
                            "since 1970.", shared->started);
    ngx_http_magasin_single(text, "magasin_workers", "gauge",
                            "Worker processes that live, those of an older "
                            "configuration included.", gauges->workers);
    ngx_http_magasin_single(text, "magasin_worker_respawns_total", "counter",
                            "Workers that took the place of one that had "
                            "ended by itself.", shared->respawns);
}


static void
ngx_http_magasin_metrics_tokens(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_checks_counters_t *checks)
{
    ngx_http_magasin_single(text, "magasin_tokens_file_ok", "gauge",
                            "1: the file of tokens was read as it is now. 0: "
                            "it was refused, and older tokens count.",
                            !checks->rejected);
    ngx_http_magasin_single(text, "magasin_tokens_loaded", "gauge",
                            "Tokens that count.", checks->number);
    ngx_http_magasin_single(text, "magasin_tokens_load_timestamp_seconds",
                            "gauge", "When they were read, in seconds since "
                            "1970; 0: never.", checks->loaded);
}


/*
 * Connections of all servers of this nginx, not only of the API.  Only running
 * workers are counted.
 */

static void
ngx_http_magasin_metrics_connections(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_gauges_t *gauges)
{
#if (NGX_STAT_STUB)

    ngx_http_magasin_single(text, "magasin_connections_accepted_total",
                            "counter", "Connections of clients.",
                            *ngx_stat_accepted);
    ngx_http_magasin_single(text, "magasin_connections_handled_total",
                            "counter", "Those of them that there was room "
                            "for.", *ngx_stat_handled);

#endif

    ngx_http_magasin_family(text, "magasin_connections", "gauge",
                            "Connections of clients by what they are at; "
                            "of HTTP/2, its requests.");
    ngx_http_magasin_line(text, "magasin_connections{state=\"reading\"} %ui",
                          gauges->reading);
    ngx_http_magasin_line(text, "magasin_connections{state=\"writing\"} %ui",
                          gauges->writing);
    ngx_http_magasin_line(text, "magasin_connections{state=\"waiting\"} %ui",
                          gauges->waiting);
}


static void
ngx_http_magasin_metrics_refusals(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_shared_t *shared)
{
    ngx_uint_t          i;
    static const char  *reasons[] = {
        "missing", "malformed", "unknown", "scope", "demonstration",
        "expired", "store", "identity"
    };

    ngx_http_magasin_family(text, "magasin_tokens_refused_total", "counter",
                            "Requests that were refused for their token: "
                            "there was none, it had another form, nobody has "
                            "it, it may not do this, it is that of the "
                            "demonstration, its last day is over, it is "
                            "bound to other stores; or an identity that "
                            "cannot be.");

    for (i = 0; i < NGX_HTTP_MAGASIN_REFUSED; i++) {
        ngx_http_magasin_line(text,
                           "magasin_tokens_refused_total{reason=\"%s\"} %uA",
                           reasons[i], shared->checks.refused[i]);
    }
}


static void
ngx_http_magasin_metrics_http(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_t *metrics,
    ngx_http_magasin_metrics_gauges_t *gauges)
{
    ngx_uint_t  method;

    ngx_http_magasin_family(text, "magasin_http_requests_active", "gauge",
                            "Requests that are being answered.");

    for (method = 0; method < NGX_HTTP_MAGASIN_METRICS_METHODS; method++) {
        ngx_http_magasin_line(text,
                         "magasin_http_requests_active{method=\"%V\"} %ui",
                         ngx_http_magasin_metrics_method(method),
                         gauges->active[method]);
    }

    ngx_http_magasin_metrics_http_requests(text, metrics->shared);
    ngx_http_magasin_metrics_http_durations(text, metrics);
}


/*
 * A series exists only after its first request.  Most combinations never occur.
 */

static void
ngx_http_magasin_metrics_http_requests(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_shared_t *shared)
{
    u_char      *p, code[NGX_INT_T_LEN];
    uint64_t     n;
    ngx_str_t    status;
    ngx_uint_t   route, method, place;

    ngx_http_magasin_family(text, "magasin_http_requests_total", "counter",
                            "Requests that were answered, by method, template "
                            "of the path and status.");

    status.data = code;

    for (route = 0; route <= ngx_http_magasin_routes_count(); route++) {
        for (method = 0; method < NGX_HTTP_MAGASIN_METRICS_METHODS; method++) {
            for (place = 0; place < NGX_HTTP_MAGASIN_STATUSES;
                 place++)
            {
                n = ngx_http_magasin_metrics_requests(shared, route, method,
                                                      place);
                if (n == 0) {
                    continue;
                }

                p = (place == NGX_HTTP_MAGASIN_STATUSES - 1)
                    ? ngx_cpymem(code, "other", 5)
                    : ngx_sprintf(code, "%ui",
                                  ngx_http_magasin_metrics_status(place));
                status.len = p - code;

                ngx_http_magasin_line(text, "magasin_http_requests_total{"
                                 "method=\"%V\",endpoint=\"%V\",status=\"%V\"}"
                                 " %uL",
                                 ngx_http_magasin_metrics_method(method),
                                 ngx_http_magasin_metrics_endpoint(route),
                                 &status, n);
            }
        }
    }
}


static void
ngx_http_magasin_metrics_http_durations(ngx_http_magasin_exposition_t *text,
    ngx_http_magasin_metrics_t *metrics)
{
    u_char                        labels[256];
    ngx_uint_t                    route, method;
    ngx_http_magasin_exemplar_t   exemplars[NGX_HTTP_MAGASIN_BUCKETS];
    ngx_http_magasin_histogram_t  sum;

    ngx_http_magasin_family(text, "magasin_http_request_duration_seconds",
                            "histogram", "From the end of a request's header "
                            "to the end of its answer.");

    for (route = 0; route <= ngx_http_magasin_routes_count(); route++) {
        for (method = 0; method < NGX_HTTP_MAGASIN_METRICS_METHODS; method++) {

            ngx_memzero(&sum, sizeof(ngx_http_magasin_histogram_t));
            ngx_http_magasin_metrics_durations(metrics->shared, route, method,
                                               &sum);

            if (ngx_http_magasin_histogram_count(&sum) == 0) {
                continue;
            }

            if (text->openmetrics) {
                ngx_http_magasin_exemplars_read(metrics, route, method,
                                                exemplars);
            }

            (void) ngx_snprintf(labels, sizeof(labels),
                                "method=\"%V\",endpoint=\"%V\"%Z",
                                ngx_http_magasin_metrics_method(method),
                                ngx_http_magasin_metrics_endpoint(route));

            ngx_http_magasin_histogram(text,
                                       "magasin_http_request_duration_seconds",
                                       (char *) labels, &sum, exemplars);
        }
    }
}
