
/*
 * What the files of the feed share: the ring (feed_ring.c), the poll
 * (feed_poll.c), the text of events (feed_event.c), the listeners of a worker
 * (feed_listener.c), and pages of the journal (feed_page.c).
 */


#ifndef _NGX_HTTP_MAGASIN_FEED_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_FEED_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_feed.h"
#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"


/* Bytes of events that the node keeps. */
#define NGX_HTTP_MAGASIN_FEED_RING      (256 * 1024)

/* Bytes of events in one batch, unless a single event is longer. */
#define NGX_HTTP_MAGASIN_FEED_BATCH     (64 * 1024)

/* Bytes of batches that a worker holds for clients that read slowly. */
#define NGX_HTTP_MAGASIN_FEED_HELD      (4 * 1024 * 1024)

/* Listeners that are dropped at a time to make room. */
#define NGX_HTTP_MAGASIN_FEED_RELIEF    16

/* Runs of events of one batch that are sent at a time. */
#define NGX_HTTP_MAGASIN_FEED_RUNS      8

/* Milliseconds: between looks at the ring, between polls, before a poll is
 * repeated since rows are held back, of the lease, until a ring that nobody
 * has polled is out of date, between comments to a silent client. */
#define NGX_HTTP_MAGASIN_FEED_LOOK      20
#define NGX_HTTP_MAGASIN_FEED_PERIOD    200
#define NGX_HTTP_MAGASIN_FEED_SETTLE    20
#define NGX_HTTP_MAGASIN_FEED_LEASE     500
#define NGX_HTTP_MAGASIN_FEED_STALE     5000
#define NGX_HTTP_MAGASIN_FEED_SILENCE   15000

/* Milliseconds after which all listeners are looked at; after which a page that
 * failed is asked for again. */
#define NGX_HTTP_MAGASIN_FEED_SWEEP     1000

/* Microseconds of a turn of the event loop. */
#define NGX_HTTP_MAGASIN_FEED_TURN      2000

/* Bytes of the line "retry", of a comment and of an id. */
#define NGX_HTTP_MAGASIN_FEED_LINES     (64 + NGX_HTTP_MAGASIN_FEED_CURSOR)

/* Bytes that the kernel may keep for a client. */
#define NGX_HTTP_MAGASIN_FEED_SNDBUF    131072

/* Polls in a row that are made since rows are held back. */
#define NGX_HTTP_MAGASIN_FEED_SETTLES   3

/* magasin, produit and type: the first parameters of the journal. */
#define NGX_HTTP_MAGASIN_FEED_FILTERS   3

/* Rows of a poll, and of a page of a listener. */
#define NGX_HTTP_MAGASIN_FEED_ROWS      500
#define NGX_HTTP_MAGASIN_FEED_PAGE      200

/* Pages of listeners that a worker asks for at a time. */
#define NGX_HTTP_MAGASIN_FEED_PAGES     2

/* Columns of sql/statements/journal_end.sql after the keys. */
enum {
    NGX_HTTP_MAGASIN_FEED_HELD_BACK = NGX_HTTP_MAGASIN_LIST_KEYS,
    NGX_HTTP_MAGASIN_FEED_KNOWN
};

/* Digits of a key, with the NUL; bytes of a cursor. */
#define NGX_HTTP_MAGASIN_FEED_KEY       24
#define NGX_HTTP_MAGASIN_FEED_KEYS                                            \
    (NGX_HTTP_MAGASIN_LIST_KEYS * NGX_HTTP_MAGASIN_FEED_KEY                   \
     + NGX_HTTP_MAGASIN_CURSOR_EXTRA)
#define NGX_HTTP_MAGASIN_FEED_CURSOR                                          \
    ngx_base64_encoded_length(NGX_HTTP_MAGASIN_FEED_KEYS)


/* A place in the journal: the keys of a row. */
typedef struct {
    int64_t                            keys[NGX_HTTP_MAGASIN_LIST_KEYS];
} ngx_http_magasin_feed_place_t;


/* What precedes the text of an event in the ring, and what filters look at. */
typedef struct {
    ngx_http_magasin_feed_place_t      place;
    int64_t                            magasin;     /* 0: none */
    int64_t                            produit;
    uint64_t                           type;        /* a hash */
    size_t                             len;         /* of the text */
} ngx_http_magasin_feed_record_t;


/*
 * The section of the zone.  The ring and what describes it are accessed under
 * the zone's lock.  Offsets only grow: the byte at offset n is ring[n % size].
 */
typedef struct {
    ngx_atomic_t                       holder;      /* of the lease: a pid */
    ngx_atomic_t                       until;       /* milliseconds */
    ngx_atomic_t                       round;       /* raised when listeners
                                                       are to be served */
    ngx_atomic_t                       lost;        /* histories that ended */
    ngx_http_magasin_feed_counters_t   counters;

    ngx_uint_t                         valid;
    uint64_t                           tail;        /* of the oldest record */
    uint64_t                           head;        /* after the newest one */
    ngx_http_magasin_feed_place_t      base;        /* of the row before it */
    ngx_http_magasin_feed_place_t      last;        /* of the newest row */
    u_char                             ring[NGX_HTTP_MAGASIN_FEED_RING];
} ngx_http_magasin_feed_shared_t;


/* An event of a batch; `text` is its offset in the text of the batch. */
typedef struct {
    ngx_http_magasin_feed_record_t     record;
    size_t                             text;
} ngx_http_magasin_feed_event_t;


/*
 * A part of the ring in the memory of a worker, which its listeners share.  The
 * last one who needs it frees it.
 */
typedef struct {
    ngx_queue_t                        queue;       /* the oldest first */
    uint64_t                           start;       /* offsets in the ring */
    uint64_t                           end;
    ngx_http_magasin_feed_place_t      last;
    ngx_uint_t                         refs;
    ngx_uint_t                         nevents;
    ngx_http_magasin_feed_event_t     *events;
    u_char                            *text;
    size_t                             size;        /* of its memory */
} ngx_http_magasin_feed_batch_t;


/* The feed of a worker. */
typedef struct {
    ngx_cycle_t                       *cycle;
    ngx_log_t                         *log;
    ngx_http_magasin_zone_t           *zone;        /* NULL: there is none */
    ngx_http_magasin_feed_shared_t    *shared;
    ngx_http_magasin_pg_pool_t        *pool;
    ngx_atomic_t                      *gauge;       /* of listeners; or NULL */

    ngx_queue_t                        todo;        /* listeners to serve */
    ngx_queue_t                        served;
    ngx_queue_t                        pagers;      /* wait for a page */
    ngx_queue_t                        silent;      /* the most silent first */
    ngx_queue_t                        batches;
    ngx_http_magasin_feed_batch_t     *recent;      /* the last one, or NULL */
    ngx_uint_t                         nlisteners;
    ngx_uint_t                         pages;       /* that are asked for */
    size_t                             held;        /* by batches */
    ngx_uint_t                         round;       /* that was served */
    ngx_uint_t                         lost;        /* that was seen */
    ngx_msec_t                         swept;       /* all were served */
    ngx_event_t                        look;
    ngx_event_t                        serve;

    ngx_http_magasin_pg_job_t          rows;
    ngx_http_magasin_pg_job_t          end;
    char                               keys[NGX_HTTP_MAGASIN_LIST_KEYS]
                                           [NGX_HTTP_MAGASIN_FEED_KEY];
    ngx_http_magasin_feed_place_t      asked;       /* rows after it */
    ngx_msec_t                         polled;      /* the last poll began */
    ngx_msec_t                         next;        /* poll */
    ngx_uint_t                         pending;     /* jobs of the poll */
    ngx_uint_t                         settles;
    unsigned                           asking:1;    /* `asked` is valid */
    unsigned                           full:1;      /* there are more rows */
    unsigned                           waiting:1;   /* rows are held back */
    unsigned                           stuck:1;     /* and for long */
    unsigned                           fresh:1;     /* rows for a round */
    unsigned                           failed:1;
    unsigned                           ending:1;    /* all listeners end */
} ngx_http_magasin_feed_t;


/* A client that listens: ctx->state. */
typedef struct {
    ngx_http_magasin_ctx_t            *ctx;
    ngx_http_magasin_feed_t           *feed;
    ngx_queue_t                        queue;       /* todo or served */
    ngx_queue_t                        silent;
    ngx_msec_t                         sent;        /* when something was */
    ngx_msec_t                         retry;       /* not before: a page */

    ngx_http_magasin_feed_place_t      place;       /* of the last row */
    ngx_http_magasin_feed_place_t      horizon;     /* of the ring when the
                                                       page was asked for */
    uint64_t                           offset;      /* in the ring */

    const char                        *filters[NGX_HTTP_MAGASIN_FEED_FILTERS];
    int64_t                            magasin;     /* the same; 0: none */
    int64_t                            produit;
    uint64_t                           type;

    ngx_http_magasin_feed_batch_t     *batch;       /* being sent, or NULL */
    ngx_uint_t                         event;       /* the next of it */
    ngx_uint_t                         nruns;
    ngx_buf_t                         *bufs;        /* `nruns` of them */
    ngx_chain_t                       *links;
    ngx_buf_t                          note;        /* of `lines` */
    u_char                             lines[NGX_HTTP_MAGASIN_FEED_LINES];
    char                               keys[NGX_HTTP_MAGASIN_LIST_KEYS]
                                           [NGX_HTTP_MAGASIN_FEED_KEY];
    unsigned                           given:1;     /* the client gave it */
    unsigned                           listens:1;   /* it is in the queues */
    unsigned                           attached:1;  /* `offset` is valid */
    unsigned                           paging:1;    /* a page is asked for */
} ngx_http_magasin_feed_listener_t;


#define ngx_http_magasin_feed_now()                                           \
    ((ngx_uint_t) (ngx_http_magasin_clock() / 1000))


/* feed_module.c */
ngx_http_magasin_feed_t *ngx_http_magasin_feed_of(ngx_http_request_t *r);
extern const ngx_http_magasin_zone_section_t  ngx_http_magasin_feed_section;

/* feed_ring.c */
void ngx_http_magasin_feed_spoil(ngx_http_magasin_feed_t *feed);
ngx_int_t ngx_http_magasin_feed_begin(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_feed_place_t *place);
ngx_int_t ngx_http_magasin_feed_append(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_feed_record_t *records, ngx_uint_t n,
    ngx_http_magasin_json_t *text);
ngx_int_t ngx_http_magasin_feed_last(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_feed_place_t *last);
ngx_int_t ngx_http_magasin_feed_find(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_feed_place_t *place, uint64_t *offset);
ngx_int_t ngx_http_magasin_feed_batch(ngx_http_magasin_feed_t *feed,
    uint64_t offset, ngx_http_magasin_feed_batch_t **batch);
void ngx_http_magasin_feed_release(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_feed_batch_t *batch);

/* feed_poll.c */
void ngx_http_magasin_feed_poll_init(ngx_http_magasin_feed_t *feed);
void ngx_http_magasin_feed_poll(ngx_http_magasin_feed_t *feed);
void ngx_http_magasin_feed_poll_stop(ngx_http_magasin_feed_t *feed);

/* feed_event.c */
ngx_int_t ngx_http_magasin_feed_compare(ngx_http_magasin_feed_place_t *one,
    ngx_http_magasin_feed_place_t *two);
void ngx_http_magasin_feed_place(ngx_http_magasin_feed_place_t *place,
    PGresult *result, int row);
void ngx_http_magasin_feed_keys(ngx_http_magasin_feed_place_t *place,
    char keys[][NGX_HTTP_MAGASIN_FEED_KEY], const char **values);
void ngx_http_magasin_feed_params(ngx_http_magasin_feed_place_t *place,
    char keys[][NGX_HTTP_MAGASIN_FEED_KEY], const char **values);
void ngx_http_magasin_feed_cursor(ngx_http_magasin_feed_place_t *place,
    ngx_str_t *cursor);
void ngx_http_magasin_feed_write(ngx_http_magasin_json_t *json,
    PGresult *result, int row, ngx_http_magasin_feed_record_t *record);

/* feed_listener.c */
void ngx_http_magasin_feed_look(ngx_event_t *ev);
void ngx_http_magasin_feed_serve(ngx_event_t *ev);
ngx_int_t ngx_http_magasin_feed_listen(
    ngx_http_magasin_feed_listener_t *listener);
void ngx_http_magasin_feed_farewell(
    ngx_http_magasin_feed_listener_t *listener);

/* feed_deliver.c */
ngx_int_t ngx_http_magasin_feed_deliver(
    ngx_http_magasin_feed_listener_t *listener);
ngx_uint_t ngx_http_magasin_feed_busy(
    ngx_http_magasin_feed_listener_t *listener);
ngx_int_t ngx_http_magasin_feed_wait(
    ngx_http_magasin_feed_listener_t *listener);
ngx_int_t ngx_http_magasin_feed_note(
    ngx_http_magasin_feed_listener_t *listener, const char *line,
    ngx_uint_t last);
void ngx_http_magasin_feed_end(ngx_http_magasin_feed_listener_t *listener,
    ngx_int_t rc);

/* feed_page.c */
ngx_int_t ngx_http_magasin_feed_page(
    ngx_http_magasin_feed_listener_t *listener);
void ngx_http_magasin_feed_page_over(
    ngx_http_magasin_feed_listener_t *listener);


#endif /* _NGX_HTTP_MAGASIN_FEED_INTERNAL_H_INCLUDED_ */
