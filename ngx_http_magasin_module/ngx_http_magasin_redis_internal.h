
/*
 * What the files of the Redis room share and nobody else includes: the
 * connection and its commands (redis.c), the one that listens
 * (redis_channel.c), hiredis's events (redis_event.c).
 */


#ifndef _NGX_HTTP_MAGASIN_REDIS_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_REDIS_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_redis.h"


/* Commands whose reply is owed, those already given up included. */
#define NGX_HTTP_MAGASIN_REDIS_SLOTS        1024

/* Bytes that may wait to be written: a silent server must not eat memory. */
#define NGX_HTTP_MAGASIN_REDIS_UNSENT       (8 * 1024 * 1024)

/* Milliseconds: the pauses between rounds are half of these at least. */
#define NGX_HTTP_MAGASIN_REDIS_BACKOFF_MIN  100
#define NGX_HTTP_MAGASIN_REDIS_BACKOFF_MAX  500

/* Milliseconds: to connect and greet; between one PING and the next. */
#define NGX_HTTP_MAGASIN_REDIS_CONNECT      1000
#define NGX_HTTP_MAGASIN_REDIS_HEARTBEAT    1000

/* Milliseconds without a word on a channel. */
#define NGX_HTTP_MAGASIN_REDIS_SILENCE      3000


typedef enum {
    NGX_HTTP_MAGASIN_REDIS_CLOSED = 0,
    NGX_HTTP_MAGASIN_REDIS_CONNECTING,
    NGX_HTTP_MAGASIN_REDIS_READY
} ngx_http_magasin_redis_e;


/* One reply that is owed; command is NULL when nobody waits for it. */
struct ngx_http_magasin_redis_slot_s {
    ngx_http_magasin_redis_command_t  *command;
    ngx_http_magasin_redis_t          *redis;
    ngx_http_magasin_redis_slot_t     *next;        /* of the free ones */
};


struct ngx_http_magasin_redis_s {
    ngx_http_magasin_redis_conf_t     *conf;
    ngx_log_t                         *log;
    redisAsyncContext                 *context;
    ngx_connection_t                  *connection;  /* wraps hiredis's fd */
    ngx_http_magasin_redis_e           state;

    ngx_uint_t                         target;      /* to try next */
    ngx_uint_t                         tried;       /* in this round */
    ngx_msec_t                         backoff;

    /* by state: pause, deadline of the connect, heartbeat */
    ngx_event_t                        timer;
    ngx_event_t                        flush;       /* posted once a tick */

    ngx_msec_t                         heard;       /* when data came last */
    ngx_msec_t                         pinged;
    ngx_uint_t                         in_flight;
    ngx_queue_t                        failed;      /* commands to tell */
    ngx_http_magasin_redis_slot_t     *free;
    ngx_http_magasin_redis_slot_t     *slots;
    ngx_uint_t                         nslots;

    ngx_http_magasin_redis_counters_t *counters;
    ngx_http_magasin_redis_gauges_t   *gauges;

    const char                        *channel;     /* NULL: for commands */
    ngx_http_magasin_redis_message_pt  message;
    void                              *data;

    unsigned                           down:1;      /* and it was said */
    unsigned                           closed:1;    /* the worker exits */
    unsigned                           inside:1;    /* hiredis runs */
    unsigned                           writing:1;   /* it runs and writes */
    unsigned                           pinging:1;   /* PONG is owed */
    unsigned                           stalled:1;   /* a command timed out,
                                                       and not a byte since */
    unsigned                           complained:1;

    u_char                             run_id[NGX_HTTP_MAGASIN_REDIS_RUN_ID];
    size_t                             run_id_len;
    char                               why[160];    /* it was lost */
};


/* redis.c */
ngx_http_magasin_redis_t *ngx_http_magasin_redis_new(ngx_cycle_t *cycle,
    ngx_http_magasin_redis_conf_t *rcf);
void ngx_http_magasin_redis_open(ngx_http_magasin_redis_t *redis);
ngx_uint_t ngx_http_magasin_redis_granted(ngx_http_magasin_redis_t *redis,
    const char *name, redisReply *reply, int type);
void ngx_http_magasin_redis_close(ngx_http_magasin_redis_t *redis);
void ngx_http_magasin_redis_lost(ngx_http_magasin_redis_t *redis);

/* redis_channel.c */
ngx_int_t ngx_http_magasin_redis_listen(ngx_http_magasin_redis_t *redis);

/* redis_event.c */
void ngx_http_magasin_redis_hooks(ngx_http_magasin_redis_t *redis,
    redisAsyncContext *context);
ngx_int_t ngx_http_magasin_redis_attach(ngx_http_magasin_redis_t *redis);
void ngx_http_magasin_redis_flush(ngx_event_t *ev);


#endif /* _NGX_HTTP_MAGASIN_REDIS_INTERNAL_H_INCLUDED_ */
