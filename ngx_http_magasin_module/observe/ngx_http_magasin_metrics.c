
/*
 * Counts requests.  A server that has a location with `magasin` counts all of
 * its requests.  A request for a path of the table of endpoints is counted
 * under the template of its path, even if another module answered it (a limit,
 * a body that is too large).  All other requests are counted as one path.
 *
 * The time starts when the header is complete, so that a slow client does not
 * add to the latency.  A request that fails before that has the start time of
 * nginx.
 */


#include "ngx_http_magasin_observe.h"
#include "ngx_http_magasin_exemplars_internal.h"
#include "ngx_http_magasin_log.h"


static ngx_uint_t ngx_http_magasin_metrics_known(ngx_uint_t method);
static ngx_uint_t ngx_http_magasin_metrics_route(ngx_http_request_t *r);
static uint64_t ngx_http_magasin_metrics_duration(ngx_http_request_t *r);
static void ngx_http_magasin_metrics_example(
    ngx_http_magasin_metrics_t *metrics, ngx_http_request_t *r,
    ngx_uint_t route, ngx_uint_t method, uint64_t us);
static void ngx_http_magasin_metrics_error(
    ngx_http_magasin_metrics_shared_t *shared, ngx_http_request_t *r,
    ngx_uint_t route, ngx_uint_t method, ngx_uint_t status);


typedef struct {
    ngx_uint_t   method;
    ngx_str_t    name;
} ngx_http_magasin_metrics_method_t;


/* The methods that are expected most often come first. */

static ngx_http_magasin_metrics_method_t  ngx_http_magasin_metrics_methods[] = {
    { NGX_HTTP_GET, ngx_string("GET") },
    { NGX_HTTP_POST, ngx_string("POST") },
    { NGX_HTTP_PUT, ngx_string("PUT") },
    { NGX_HTTP_PATCH, ngx_string("PATCH") },
    { NGX_HTTP_DELETE, ngx_string("DELETE") },
    { NGX_HTTP_HEAD, ngx_string("HEAD") },
    { NGX_HTTP_OPTIONS, ngx_string("OPTIONS") },
    { 0, ngx_string("other") }
};


/* The statuses of nginx and the API.  The last entry stands for all others. */

static const uint16_t  ngx_http_magasin_statuses[NGX_HTTP_MAGASIN_STATUSES] = {
    200, 201, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 405, 406, 408,
    409, 410, 411, 412, 413, 414, 415, 416, 421, 422, 429, 431, 444, 499, 500,
    501, 502, 503, 504, 505, 507, 0
};


/* The index of each status in the table above. */

static u_char  ngx_http_magasin_metrics_places[600];


/* Initialize the index of statuses.  Call it once per process. */

void
ngx_http_magasin_metrics_init(void)
{
    ngx_uint_t  i;

    ngx_memset(ngx_http_magasin_metrics_places,
               NGX_HTTP_MAGASIN_STATUSES - 1,
               sizeof(ngx_http_magasin_metrics_places));

    for (i = 0; i < NGX_HTTP_MAGASIN_STATUSES - 1; i++) {
        ngx_http_magasin_metrics_places[ngx_http_magasin_statuses[i]] =
            (u_char) i;
    }
}


/*
 * Create the metrics of this worker and clear its slot.  The slot has the
 * number of the process in the table of nginx; a worker and its successor have
 * the same number.
 *
 * Returns NULL if no memory is left.
 */

ngx_http_magasin_metrics_t *
ngx_http_magasin_metrics_create(ngx_cycle_t *cycle,
    ngx_http_magasin_zone_t *zone, ngx_http_magasin_metrics_shared_t *shared)
{
    ngx_uint_t                   slot, layout;
    ngx_process_t               *process;
    ngx_http_magasin_metrics_t  *metrics;

    metrics = ngx_pcalloc(cycle->pool, sizeof(ngx_http_magasin_metrics_t));
    if (metrics == NULL) {
        return NULL;
    }

    slot = (ngx_process == NGX_PROCESS_SINGLE) ? 0 : ngx_process_slot;

    metrics->zone = zone;
    metrics->shared = shared;
    metrics->stripe = &shared->stripes[ngx_worker
                                       % NGX_HTTP_MAGASIN_METRICS_STRIPES];
    metrics->slot = &shared->slots[slot
                                   & (NGX_HTTP_MAGASIN_METRICS_SLOTS - 1)];

    /* The counters belong to another table of endpoints: clear them. */

    layout = ngx_http_magasin_routes_layout();
    metrics->layout = layout;

    if (shared->layout != layout
        && ngx_atomic_cmp_set(&shared->layout, shared->layout, layout))
    {
        ngx_memzero(shared->stripes, sizeof(shared->stripes));
    }

    (void) ngx_atomic_cmp_set(&shared->started, 0, ngx_time());

    ngx_memzero(metrics->slot, sizeof(ngx_http_magasin_metrics_slot_t));

    metrics->slot->started = ngx_time();
    metrics->slot->pid = ngx_pid;

    /*
     * A worker died if the table of the master still has its entry as exited.
     * A slot at or after ngx_last_process is new.  It may contain an old worker
     * of an earlier reload, because the master frees the last slot by
     * decrementing ngx_last_process only.
     */

    process = &ngx_processes[slot];

    if (ngx_process == NGX_PROCESS_WORKER
        && (ngx_int_t) slot < ngx_last_process
        && process->exited && process->pid > 0)
    {
        ngx_http_magasin_count(shared->respawns);
    }

    ngx_http_magasin_metrics_watch(cycle, metrics);

    return metrics;
}


/*
 * Stop the timer and the query of this worker, and release its slot.  Call it
 * at the exit of the worker.
 */

void
ngx_http_magasin_metrics_destroy(ngx_http_magasin_metrics_t *metrics)
{
    if (metrics->business) {
        ngx_http_magasin_business_destroy(metrics->business);
    }

    if (metrics->timer.timer_set) {
        ngx_del_timer(&metrics->timer);
    }

    metrics->slot->pid = 0;
}


/* Returns the slot `i` if its worker runs, else NULL. */

ngx_http_magasin_metrics_slot_t *
ngx_http_magasin_metrics_worker(ngx_http_magasin_metrics_t *metrics,
    ngx_uint_t i)
{
    ngx_pid_t                         pid;
    ngx_http_magasin_metrics_slot_t  *slot;

    slot = &metrics->shared->slots[i];
    pid = (ngx_pid_t) slot->pid;

    /* An old worker that was killed has no successor that clears its slot. */

    if (pid == 0 || (kill(pid, 0) == -1 && ngx_errno == ESRCH)) {
        return NULL;
    }

    return slot;
}


/* Returns the name of a method by its index. */

ngx_str_t *
ngx_http_magasin_metrics_method(ngx_uint_t method)
{
    return &ngx_http_magasin_metrics_methods[method].name;
}


/* Returns the status of an entry, or 0 for the entry of all others. */

ngx_uint_t
ngx_http_magasin_metrics_status(ngx_uint_t status)
{
    return ngx_http_magasin_statuses[status];
}


static ngx_uint_t
ngx_http_magasin_metrics_known(ngx_uint_t method)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_MAGASIN_METRICS_METHODS - 1; i++) {
        if (ngx_http_magasin_metrics_methods[i].method == method) {
            break;
        }
    }

    return i;
}


/*
 * The handler of the post-read phase: the header is complete.  Notes the start
 * of the request and counts it as active.
 */

ngx_int_t
ngx_http_magasin_metrics_begin(ngx_http_request_t *r)
{
    ngx_uint_t                            method;
    ngx_http_magasin_metrics_t           *metrics;
    ngx_http_magasin_arrival_t           *arrival;
    ngx_http_magasin_request_srv_conf_t  *rscf;

    rscf = ngx_http_get_module_srv_conf(r, ngx_http_magasin_request_module);

    if (r != r->main) {
        return NGX_DECLINED;
    }

    if (rscf->api) {
        r->log_handler = ngx_http_magasin_log_request;
    }

    arrival = ngx_http_magasin_arrival_note(r);
    if (arrival == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    metrics = ngx_http_magasin_metrics_of(r);

    if (metrics) {
        method = ngx_http_magasin_metrics_known(r->method);

        /* No other worker writes to this slot. */

        arrival->active = rscf->api ? &metrics->slot->active[method]
                                    : &metrics->slot->others;
        (*arrival->active)++;
    }

    return NGX_DECLINED;
}


/* The handler of the log phase, which every request reaches. */

ngx_int_t
ngx_http_magasin_metrics_log(ngx_http_request_t *r)
{
    uint64_t                              us;
    ngx_uint_t                            route, method, status, place;
    ngx_http_magasin_ctx_t               *ctx;
    ngx_http_magasin_metrics_t           *metrics;
    ngx_http_magasin_metrics_stripe_t    *stripe;
    ngx_http_magasin_request_srv_conf_t  *rscf;

    metrics = ngx_http_magasin_metrics_of(r);
    rscf = ngx_http_get_module_srv_conf(r, ngx_http_magasin_request_module);

    if (metrics == NULL || !rscf->api || r != r->main) {
        return NGX_OK;
    }

    stripe = metrics->stripe;

    route = ngx_http_magasin_metrics_route(r);
    method = ngx_http_magasin_metrics_known(r->method);
    status = r->err_status ? r->err_status : r->headers_out.status;
    place = status < sizeof(ngx_http_magasin_metrics_places)
            ? ngx_http_magasin_metrics_places[status]
            : NGX_HTTP_MAGASIN_STATUSES - 1;

    ngx_http_magasin_count(stripe->requests[route][method][place]);

    /* How long a client listens is no latency. */

    ctx = ngx_http_magasin_get_ctx(r);

    if (ctx == NULL || !ctx->live) {
        us = ngx_http_magasin_metrics_duration(r);

        ngx_http_magasin_observe(&stripe->durations[route][method], us);

        /* Most requests have no trace, and their headers are known. */

        if (ctx == NULL || !ctx->collected
            || ctx->headers[NGX_HTTP_MAGASIN_HEADER_TRACEPARENT].n)
        {
            ngx_http_magasin_metrics_example(metrics, r, route, method, us);
        }
    }

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        ngx_http_magasin_metrics_error(metrics->shared, r, route, method,
                                       status);
    }

    return NGX_OK;
}


/* Returns the index of the path: 0 if the table has no such path. */

static ngx_uint_t
ngx_http_magasin_metrics_route(ngx_http_request_t *r)
{
    ngx_http_magasin_id_t      ids[NGX_HTTP_MAGASIN_MAX_IDS];
    ngx_http_magasin_ctx_t    *ctx;
    ngx_http_magasin_route_t  *route;

    ctx = ngx_http_magasin_get_ctx(r);

    if (r->uri.len == 0) {
        return 0;
    }

    /*
     * A request without a context was answered by another module, such as a
     * limit.
     */

    route = ctx ? ngx_http_magasin_route(ctx)
                : ngx_http_magasin_route_find(r->pool, &r->uri, ids);

    return route ? ngx_http_magasin_route_number(route) + 1 : 0;
}


/* Returns the duration of a request in microseconds. */

static uint64_t
ngx_http_magasin_metrics_duration(ngx_http_request_t *r)
{
    ngx_time_t                  *now;
    ngx_msec_int_t               ms;
    ngx_http_magasin_arrival_t  *arrival;

    arrival = ngx_http_magasin_arrival(r);

    if (arrival) {
        return ngx_http_magasin_clock() - arrival->started;
    }

    now = ngx_timeofday();
    ms = (ngx_msec_int_t) ((now->sec - r->start_sec) * 1000
                           + (now->msec - r->start_msec));

    return ms > 0 ? (uint64_t) ms * 1000 : 0;
}


/* Remember the trace of a request, if it came with one, for its bucket. */

static void
ngx_http_magasin_metrics_example(ngx_http_magasin_metrics_t *metrics,
    ngx_http_request_t *r, ngx_uint_t route, ngx_uint_t method, uint64_t us)
{
    ngx_str_t  id;

    if (ngx_http_magasin_trace_parent(r, &id) == NGX_OK) {
        ngx_http_magasin_exemplar_write(metrics, route, method, us, &id);
    }
}


/*
 * Store an error for /status.  It contains nothing that a client sent.  If a
 * worker is killed during the call, the number of the entry stays 0 and the
 * entry is not shown.
 */

static void
ngx_http_magasin_metrics_error(ngx_http_magasin_metrics_shared_t *shared,
    ngx_http_request_t *r, ngx_uint_t route, ngx_uint_t method,
    ngx_uint_t status)
{
    ngx_uint_t                         number;
    ngx_http_magasin_ctx_t            *ctx;
    ngx_http_magasin_metrics_error_t  *error;

    number = ngx_atomic_fetch_add(&shared->errors, 1) + 1;
    error = &shared->ring[number & (NGX_HTTP_MAGASIN_METRICS_ERRORS - 1)];

    error->number = 0;
    ngx_memory_barrier();

    error->time = ngx_time();
    error->route = (uint16_t) route;
    error->method = (uint16_t) method;
    error->status = (uint16_t) status;
    error->cause[0] = '\0';

    ctx = ngx_http_magasin_get_ctx(r);

    if (ctx) {
        ngx_memcpy(error->cause, ctx->cause, NGX_HTTP_MAGASIN_CAUSE);
    }

    ngx_memory_barrier();
    error->number = number;
}
