
/* The feed of a worker, and its section of the zone. */


#include "ngx_http_magasin_feed_internal.h"


typedef struct {
    ngx_http_magasin_feed_t  *feed;         /* of this worker, or NULL */
} ngx_http_magasin_feed_main_conf_t;


static ngx_int_t ngx_http_magasin_feed_init(ngx_conf_t *cf);
static void *ngx_http_magasin_feed_create_main_conf(ngx_conf_t *cf);
static void ngx_http_magasin_feed_reset(void *section);


const ngx_http_magasin_zone_section_t  ngx_http_magasin_feed_section = {
    .version = 1,
    .size = sizeof(ngx_http_magasin_feed_shared_t),
    .reset = ngx_http_magasin_feed_reset
};


static ngx_http_module_t  ngx_http_magasin_feed_module_ctx = {
    .postconfiguration = ngx_http_magasin_feed_init,
    .create_main_conf = ngx_http_magasin_feed_create_main_conf
};


ngx_module_t  ngx_http_magasin_feed_module = {
    NGX_MODULE_V1,
    &ngx_http_magasin_feed_module_ctx,     /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_magasin_feed_init(ngx_conf_t *cf)
{
    return ngx_http_magasin_zone_add(cf, &ngx_http_magasin_feed_section);
}


static void *
ngx_http_magasin_feed_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_feed_main_conf_t));
}


/* A worker was killed under the lock, so that the ring may be incomplete. */

static void
ngx_http_magasin_feed_reset(void *section)
{
    ngx_http_magasin_feed_shared_t  *shared = section;

    shared->valid = 0;
}


/*
 * Start the feed of this worker.  PostgreSQL has to be started before.  Without
 * a zone the worker has a ring of its own, and polls for itself.  NGX_OK or
 * NGX_ERROR (no memory).
 */

ngx_int_t
ngx_http_magasin_feed_start(ngx_cycle_t *cycle)
{
    ngx_http_magasin_feed_t            *feed;
    ngx_http_magasin_feed_main_conf_t  *fmcf;

    feed = ngx_pcalloc(cycle->pool, sizeof(ngx_http_magasin_feed_t));
    if (feed == NULL) {
        return NGX_ERROR;
    }

    feed->cycle = cycle;
    feed->log = cycle->log;
    feed->pool = ngx_http_magasin_pg_pool_of(cycle);
    feed->zone = ngx_http_magasin_zone_of(cycle);

    if (feed->zone) {
        feed->shared = ngx_http_magasin_zone_section(feed->zone,
                                               &ngx_http_magasin_feed_section);

    } else {
        feed->shared = ngx_pcalloc(cycle->pool,
                                   sizeof(ngx_http_magasin_feed_shared_t));
    }

    if (feed->shared == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&feed->todo);
    ngx_queue_init(&feed->served);
    ngx_queue_init(&feed->pagers);
    ngx_queue_init(&feed->silent);
    ngx_queue_init(&feed->batches);

    feed->look.handler = ngx_http_magasin_feed_look;
    feed->look.data = feed;
    feed->look.log = cycle->log;

    feed->serve.handler = ngx_http_magasin_feed_serve;
    feed->serve.data = feed;
    feed->serve.log = cycle->log;

    ngx_http_magasin_feed_poll_init(feed);

    fmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_feed_module);
    fmcf->feed = feed;

    return NGX_OK;
}


/* Stop the feed of this worker, before PostgreSQL. */

void
ngx_http_magasin_feed_stop(ngx_cycle_t *cycle)
{
    ngx_http_magasin_feed_t            *feed;
    ngx_http_magasin_feed_main_conf_t  *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_feed_module);
    feed = fmcf->feed;

    if (feed == NULL) {
        return;
    }

    if (feed->look.timer_set) {
        ngx_del_timer(&feed->look);
    }

    if (feed->serve.posted) {
        ngx_delete_posted_event(&feed->serve);
    }

    ngx_http_magasin_feed_poll_stop(feed);

    feed->gauge = NULL;
    fmcf->feed = NULL;
}


/* Show the number of listeners of this worker in `gauge`. */

void
ngx_http_magasin_feed_measure(ngx_cycle_t *cycle, ngx_atomic_t *gauge)
{
    ngx_http_magasin_feed_main_conf_t  *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_magasin_feed_module);
    if (fmcf->feed) {
        fmcf->feed->gauge = gauge;
    }
}


/* Returns the counters of the node. */

ngx_http_magasin_feed_counters_t *
ngx_http_magasin_feed_numbers(ngx_http_magasin_zone_t *zone)
{
    ngx_http_magasin_feed_shared_t  *shared;

    shared = ngx_http_magasin_zone_section(zone,
                                           &ngx_http_magasin_feed_section);
    return &shared->counters;
}


/* Returns the feed of this worker. */

ngx_http_magasin_feed_t *
ngx_http_magasin_feed_of(ngx_http_request_t *r)
{
    ngx_http_magasin_feed_main_conf_t  *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_feed_module);

    return fmcf->feed;
}
