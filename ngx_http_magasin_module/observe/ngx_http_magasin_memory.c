
/*
 * What many connections took of the heap is given back to the system when they
 * are closed.  The C library does so by itself only where the end of the heap
 * is free, and one connection that stays is enough to hold all before it.
 *
 * malloc_trim() gives back the free pages in between, all of them in one call:
 * a millisecond of processor time for the memory of some 400 connections.  So
 * that no turn of the event loop has to give back what thousands took, the
 * connections are counted after each turn.  A turn closes as many at most as
 * the events that it takes from the system, 512 by default.
 */


#include "ngx_http_magasin_observe.h"

#include <ngx_event.h>

#if (defined __GLIBC__)
#include <malloc.h>
#endif


/* So many connections less than there were: then it is worth it. */
#define NGX_HTTP_MAGASIN_MEMORY_CONNECTIONS  256


static ngx_int_t ngx_http_magasin_memory_events(ngx_cycle_t *cycle,
    ngx_msec_t timer, ngx_uint_t flags);
static void ngx_http_magasin_memory_release(ngx_uint_t used);


/* The events of nginx's own method, of this worker. */
static ngx_int_t  (*ngx_http_magasin_memory_next)(ngx_cycle_t *cycle,
    ngx_msec_t timer, ngx_uint_t flags);

/* The most connections that were open since memory was given back. */
static ngx_uint_t   ngx_http_magasin_memory_most;


/*
 * Looks at the number of connections after each turn of the event loop of this
 * worker.  nginx has chosen its method of events before.
 */

void
ngx_http_magasin_memory_watch(void)
{
    ngx_http_magasin_memory_most = 0;

    if (ngx_process_events != ngx_http_magasin_memory_events) {
        ngx_http_magasin_memory_next = ngx_process_events;
        ngx_process_events = ngx_http_magasin_memory_events;
    }
}


/*
 * The events of a turn.  What they, and the timers of the turn before, have
 * closed is counted afterwards.  Returns the code of nginx's method.
 */

static ngx_int_t
ngx_http_magasin_memory_events(ngx_cycle_t *cycle, ngx_msec_t timer,
    ngx_uint_t flags)
{
    ngx_int_t   rc;
    ngx_uint_t  used;

    rc = ngx_http_magasin_memory_next(cycle, timer, flags);

    used = ngx_cycle->connection_n - ngx_cycle->free_connection_n;

    if (used > ngx_http_magasin_memory_most) {
        ngx_http_magasin_memory_most = used;

    } else if (used + NGX_HTTP_MAGASIN_MEMORY_CONNECTIONS
               <= ngx_http_magasin_memory_most)
    {
        ngx_http_magasin_memory_release(used);
    }

    return rc;
}


static void
ngx_http_magasin_memory_release(ngx_uint_t used)
{
    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, ngx_cycle->log, 0,
                   "magasin memory: %ui connections less, %ui stay",
                   ngx_http_magasin_memory_most - used, used);

    ngx_http_magasin_memory_most = used;

#if (defined __GLIBC__)
    (void) malloc_trim(0);
#endif
}
