
/*
 * Connections of clients.  The counters of nginx are shared by all workers, and
 * what a killed worker has added to them is never subtracted.  So each worker
 * writes its own numbers to its slot once a second, and slots of dead workers
 * are not counted.
 *
 * "Waiting" connections are those that nginx may close when it runs out of
 * connections, as in stub_status.  "Writing" is not determined here: requests
 * are counted when their header is complete, including the streams of HTTP/2.
 */


#include "ngx_http_magasin_observe.h"


/* Milliseconds between two updates. */
#define NGX_HTTP_MAGASIN_METRICS_LOOK  1000


static void ngx_http_magasin_metrics_timer(ngx_event_t *ev);
static ngx_uint_t ngx_http_magasin_metrics_client(ngx_connection_t *c);


/*
 * Start the timer that updates the numbers once a second, and give back the
 * memory of connections that are closed.  `metrics` must live as long as the
 * worker.
 */

void
ngx_http_magasin_metrics_watch(ngx_cycle_t *cycle,
    ngx_http_magasin_metrics_t *metrics)
{
    metrics->timer.handler = ngx_http_magasin_metrics_timer;
    metrics->timer.data = metrics;
    metrics->timer.log = cycle->log;
    metrics->timer.cancelable = 1;

    ngx_add_timer(&metrics->timer, NGX_HTTP_MAGASIN_METRICS_LOOK);

    ngx_http_magasin_memory_watch();
}


static void
ngx_http_magasin_metrics_timer(ngx_event_t *ev)
{
    ngx_http_magasin_metrics_t  *metrics;

    metrics = ev->data;

    ngx_http_magasin_metrics_look(metrics);

    ngx_add_timer(ev, NGX_HTTP_MAGASIN_METRICS_LOOK);
}


/* Update the numbers of this worker in its slot. */

void
ngx_http_magasin_metrics_look(ngx_http_magasin_metrics_t *metrics)
{
    ngx_uint_t                        i, used, clients, reading;
    ngx_connection_t                 *c;
    ngx_http_log_ctx_t               *ctx;
    ngx_http_magasin_metrics_slot_t  *slot;

    clients = 0;
    reading = 0;

    c = (ngx_connection_t *) ngx_cycle->connections;

    if (c == NULL) {

        /* A single process has read its configuration again. */

        return;
    }

    /* nginx takes the first ones first, so most often few are looked at. */

    used = ngx_cycle->connection_n - ngx_cycle->free_connection_n;

    for (i = 0; used && i < ngx_cycle->connection_n; i++) {

        if (c[i].fd == (ngx_socket_t) -1) {
            continue;
        }

        used--;

        if (!ngx_http_magasin_metrics_client(&c[i])) {
            continue;
        }

        clients++;

        /* A connection with HTTP/2 has streams instead of a request. */

        ctx = c[i].log->data;

        if (ctx && ctx->request && ctx->request->stat_reading) {
            reading++;
        }
    }

    slot = metrics->slot;

    slot->clients = clients;
    slot->reading = reading;
    slot->waiting = ngx_cycle->reusable_connections_n;
}


/*
 * Returns 1 if this is an HTTP connection of a client, else 0.  The log of such
 * a connection, unlike that of a listening socket, is its own.
 */

static ngx_uint_t
ngx_http_magasin_metrics_client(ngx_connection_t *c)
{
    return c->listening != NULL
           && c->fd != c->listening->fd
           && c->listening->handler == ngx_http_init_connection
           && c->pool != NULL;
}
