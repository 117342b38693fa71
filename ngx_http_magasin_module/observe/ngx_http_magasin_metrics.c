
/*
 * Counting requests.  A server in which `magasin` answers counts all of its
 * requests: those of THE table by the template of their path, whoever
 * answered them (a limit, a body too large), all others as one.  The clock
 * starts at the end of the header, so that a slow client is not our latency;
 * what fails before that has nginx's own time.
 */


#include "ngx_http_magasin_observe.h"
#include "ngx_http_magasin_log.h"


static ngx_uint_t ngx_http_magasin_metrics_known(ngx_uint_t method);
static ngx_uint_t ngx_http_magasin_metrics_route(ngx_http_request_t *r);
static uint64_t ngx_http_magasin_metrics_duration(ngx_http_request_t *r);
static void ngx_http_magasin_metrics_error(
    ngx_http_magasin_metrics_shared_t *shared, ngx_http_request_t *r,
    ngx_uint_t route, ngx_uint_t method, ngx_uint_t status);


typedef struct {
    ngx_uint_t   method;
    ngx_str_t    name;
} ngx_http_magasin_metrics_method_t;


/* In the order of how often they are expected. */

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


/* What nginx and the API answer with; the last one stands for all others. */

static const uint16_t  ngx_http_magasin_statuses[NGX_HTTP_MAGASIN_STATUSES] = {
    200, 201, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 405, 406, 408,
    409, 411, 412, 413, 414, 415, 416, 421, 422, 429, 431, 444, 499, 500, 501,
    502, 503, 504, 505, 507, 0
};


/* From a status to its place there. */

static u_char  ngx_http_magasin_metrics_places[600];


/* Once for a process. */

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
 * This worker's part in the metrics.  The slot is that of the process in
 * nginx's table, which a worker shares with the one whose place it takes.
 * NULL: memory.
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

    /* Another table than the one that the counters were made for? */

    layout = ngx_http_magasin_routes_layout();

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
     * The master's table still tells who was here before, if it died.  A slot
     * behind the last one is a new one: it may hold a worker of a reload long
     * ago, since the master frees the last slot by its number alone.
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


/* A worker that lives, by its slot; NULL: there is none. */

ngx_http_magasin_metrics_slot_t *
ngx_http_magasin_metrics_worker(ngx_http_magasin_metrics_t *metrics,
    ngx_uint_t i)
{
    ngx_pid_t                         pid;
    ngx_http_magasin_metrics_slot_t  *slot;

    slot = &metrics->shared->slots[i];
    pid = (ngx_pid_t) slot->pid;

    /* An old worker that was killed has no successor to tidy up. */

    if (pid == 0 || (kill(pid, 0) == -1 && ngx_errno == ESRCH)) {
        return NULL;
    }

    return slot;
}


ngx_str_t *
ngx_http_magasin_metrics_method(ngx_uint_t method)
{
    return &ngx_http_magasin_metrics_methods[method].name;
}


/* The status of a place; 0: the others. */

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


/* The header is there. */

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

        /* Nobody else writes there. */

        arrival->active = rscf->api ? &metrics->slot->active[method]
                                    : &metrics->slot->others;
        (*arrival->active)++;
    }

    return NGX_DECLINED;
}


/* The log phase, which every request reaches. */

ngx_int_t
ngx_http_magasin_metrics_log(ngx_http_request_t *r)
{
    ngx_uint_t                            route, method, status, place;
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
    ngx_http_magasin_observe(&stripe->durations[route][method],
                             ngx_http_magasin_metrics_duration(r));

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        ngx_http_magasin_metrics_error(metrics->shared, r, route, method,
                                       status);
    }

    return NGX_OK;
}


/* 0: no path of the table. */

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

    /* Without a context somebody else has answered, such as a limit. */

    route = ctx ? ngx_http_magasin_route(ctx)
                : ngx_http_magasin_route_find(r->pool, &r->uri, ids);

    return route ? ngx_http_magasin_route_number(route) + 1 : 0;
}


/* Microseconds. */

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


/*
 * Note what failed, for /status: nothing that a client has sent.  A worker
 * that is killed in between leaves an entry that nobody shows.
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
