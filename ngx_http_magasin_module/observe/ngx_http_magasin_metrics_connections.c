
/*
 * Connections of clients.  nginx's own counters are shared by all workers, and
 * what a killed one had added to them stays for ever.  So each worker says in
 * its slot, once a second, what it has; of a dead one nothing is counted.
 *
 * "Waiting" is what nginx may close when it runs short, as in stub_status.
 * "Writing" is not looked for: requests are counted when their header is
 * there, also the streams of HTTP/2.
 */


#include "ngx_http_magasin_observe.h"


/* Milliseconds. */
#define NGX_HTTP_MAGASIN_METRICS_LOOK  1000


static void ngx_http_magasin_metrics_timer(ngx_event_t *ev);
static ngx_uint_t ngx_http_magasin_metrics_client(ngx_connection_t *c);


/* Begin to look, once a second.  `metrics` is kept by the caller. */

void
ngx_http_magasin_metrics_watch(ngx_cycle_t *cycle,
    ngx_http_magasin_metrics_t *metrics)
{
    metrics->timer.handler = ngx_http_magasin_metrics_timer;
    metrics->timer.data = metrics;
    metrics->timer.log = cycle->log;
    metrics->timer.cancelable = 1;

    ngx_add_timer(&metrics->timer, NGX_HTTP_MAGASIN_METRICS_LOOK);
}


static void
ngx_http_magasin_metrics_timer(ngx_event_t *ev)
{
    ngx_http_magasin_metrics_look(ev->data);

    ngx_add_timer(ev, NGX_HTTP_MAGASIN_METRICS_LOOK);
}


/* What this worker has now. */

void
ngx_http_magasin_metrics_look(ngx_http_magasin_metrics_t *metrics)
{
    ngx_uint_t                        i, clients, reading;
    ngx_connection_t                 *c;
    ngx_http_log_ctx_t               *ctx;
    ngx_http_magasin_metrics_slot_t  *slot;

    clients = 0;
    reading = 0;

    c = (ngx_connection_t *) ngx_cycle->connections;

    for (i = 0; i < ngx_cycle->connection_n; i++) {

        if (c[i].fd == (ngx_socket_t) -1
            || !ngx_http_magasin_metrics_client(&c[i]))
        {
            continue;
        }

        clients++;

        /* HTTP/2 has its streams instead of a request. */

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


/* Of HTTP, and no listening socket: its log is that of its client. */

static ngx_uint_t
ngx_http_magasin_metrics_client(ngx_connection_t *c)
{
    return c->listening != NULL
           && c->fd != c->listening->fd
           && c->listening->handler == ngx_http_init_connection
           && c->pool != NULL;
}
