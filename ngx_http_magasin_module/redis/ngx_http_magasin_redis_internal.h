
/*
 * What the files of the Redis room share; no other room includes it: a
 * connection (redis.c), its socket (redis_event.c) and TLS (redis_tls.c), the
 * commands of others (redis_command.c) and its own (redis_greet.c,
 * redis_sentinel.c), a connection that listens (redis_channel.c), the bounds
 * of a reply (redis_frame.c).
 */


#ifndef _NGX_HTTP_MAGASIN_REDIS_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_REDIS_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_redis.h"
#include "ngx_http_magasin_redis_frame_internal.h"
#include "ngx_http_magasin_event.h"
#include "ngx_http_magasin_log.h"


/* Commands in flight, including those that timed out.  A read takes three. */
#define NGX_HTTP_MAGASIN_REDIS_SLOTS        3072

/* Slots for the commands of a connection's own. */
#define NGX_HTTP_MAGASIN_REDIS_OWN          8

/* Bytes of one reply on a connection that gets no stored answers. */
#define NGX_HTTP_MAGASIN_REDIS_WORDS        (64 * 1024)

/* Bytes of the output buffer: a bound while a server does not read. */
#define NGX_HTTP_MAGASIN_REDIS_UNSENT       (8 * 1024 * 1024)

/* Bytes of a server's name in the log. */
#define NGX_HTTP_MAGASIN_REDIS_AT           128

/* Milliseconds: the bounds of the pauses between rounds of attempts. */
#define NGX_HTTP_MAGASIN_REDIS_BACKOFF_MIN  100
#define NGX_HTTP_MAGASIN_REDIS_BACKOFF_MAX  500

/* Milliseconds: to connect and greet; between one PING and the next. */
#define NGX_HTTP_MAGASIN_REDIS_CONNECT      1000
#define NGX_HTTP_MAGASIN_REDIS_HEARTBEAT    1000

/* Milliseconds for a PONG behind other replies. */
#define NGX_HTTP_MAGASIN_REDIS_BEHIND       5000

/* Milliseconds without a message on a channel, or for one reply. */
#define NGX_HTTP_MAGASIN_REDIS_SILENCE      3000


typedef enum {
    NGX_HTTP_MAGASIN_REDIS_CLOSED = 0,
    NGX_HTTP_MAGASIN_REDIS_CONNECTING,
    NGX_HTTP_MAGASIN_REDIS_READY
} ngx_http_magasin_redis_e;


/* Handles the reply to a command of the connection's own. */
typedef void (*ngx_http_magasin_redis_handler_pt)(
    ngx_http_magasin_redis_t *redis, redisReply *reply);


/* One reply that is owed; command is NULL if it was cancelled. */
struct ngx_http_magasin_redis_slot_s {
    ngx_http_magasin_redis_handler_pt  handler;     /* NULL: see command */
    ngx_http_magasin_redis_command_t  *command;
    ngx_http_magasin_redis_t          *redis;
    int                                expects;     /* type; 0: any */
};


struct ngx_http_magasin_redis_s {
    ngx_http_magasin_redis_conf_t     *conf;
    ngx_log_t                         *log;
    ngx_pool_t                        *pool;        /* NULL: the cycle's */
    redisContext                      *context;
    ngx_connection_t                  *connection;  /* wraps hiredis's fd */
    ngx_http_magasin_redis_e           state;
    SSL                               *ssl;         /* NULL: no TLS */

    ngx_http_magasin_retry_t           retry;

    /* of this attempt: the targets may change meanwhile */
    const char                        *server;      /* see target_t */
    u_char                             at[NGX_HTTP_MAGASIN_REDIS_AT];

    /* what a Sentinel has named, in the memory below */
    ngx_http_magasin_redis_target_t    primary;
    char                               address[NGX_SOCKADDR_STRLEN];
    u_char                             label[NGX_SOCKADDR_STRLEN + 8];

    /* by state: pause, connect timeout, heartbeat */
    ngx_event_t                        timer;
    ngx_event_t                        flush;       /* posted once a tick */

    ngx_msec_t                         heard;       /* when data came last */
    ngx_msec_t                         pinged;
    ngx_msec_t                         asked;       /* PING was sent */
    ngx_msec_t                         begun;       /* this reply */
    ngx_uint_t                         pings;       /* sent so far */
    ngx_uint_t                         in_flight;   /* of `owed`, commands */
    ngx_queue_t                        failed;      /* commands to fail */

    /* a ring: the replies of `owed` slots from `first` on are owed */
    ngx_http_magasin_redis_slot_t     *slots;
    ngx_uint_t                         nslots;
    ngx_uint_t                         first;
    ngx_uint_t                         owed;

    ngx_http_magasin_redis_frame_t     frame;       /* of what arrives */

    ngx_http_magasin_redis_counters_t *counters;
    ngx_http_magasin_redis_gauges_t   *gauges;

    const char                        *channel;     /* NULL: for commands */
    ngx_http_magasin_redis_message_pt  message;
    void                              *data;

    unsigned                           down:1;      /* and it is logged */
    unsigned                           closed:1;    /* the worker exits */
    unsigned                           named:1;     /* see `primary` */
    unsigned                           open:1;      /* the socket is */
    unsigned                           connected:1; /* and TLS is, if any */
    unsigned                           listening:1; /* SUBSCRIBE was granted */
    unsigned                           pinging:1;   /* PONG is owed */
    unsigned                           stalled:1;   /* a command timed out,
                                                       and not a byte since */
    unsigned                           complained:1;

    u_char                             run_id[NGX_HTTP_MAGASIN_REDIS_RUN_ID];
    size_t                             run_id_len;
    char                               why[160];    /* it was lost */
};


/* redis.c */
ngx_http_magasin_redis_t *ngx_http_magasin_redis_new(ngx_pool_t *pool,
    ngx_log_t *log, ngx_http_magasin_redis_conf_t *rcf, ngx_uint_t n);
void ngx_http_magasin_redis_open(ngx_http_magasin_redis_t *redis);
void ngx_http_magasin_redis_close(ngx_http_magasin_redis_t *redis);
void ngx_http_magasin_redis_drop(ngx_http_magasin_redis_t *redis,
    const char *why);

/* redis_command.c */
ngx_http_magasin_redis_slot_t *ngx_http_magasin_redis_send(
    ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_handler_pt handler, ngx_uint_t argc,
    const char **argv, const size_t *argvlen);
void ngx_http_magasin_redis_reply(ngx_http_magasin_redis_t *redis,
    redisReply *reply);
void ngx_http_magasin_redis_fail_all(ngx_http_magasin_redis_t *redis);

/* redis_greet.c */
ngx_int_t ngx_http_magasin_redis_greet(ngx_http_magasin_redis_t *redis);
ngx_int_t ngx_http_magasin_redis_ping(ngx_http_magasin_redis_t *redis);
ngx_uint_t ngx_http_magasin_redis_granted(ngx_http_magasin_redis_t *redis,
    const char *name, redisReply *reply, int type);

/* redis_sentinel.c */
ngx_http_magasin_redis_target_t *ngx_http_magasin_redis_target(
    ngx_http_magasin_redis_t *redis);
ngx_uint_t ngx_http_magasin_redis_asks(ngx_http_magasin_redis_t *redis);
ngx_int_t ngx_http_magasin_redis_ask(ngx_http_magasin_redis_t *redis);

/* redis_tls.c */
ngx_int_t ngx_http_magasin_redis_tls_create(ngx_http_magasin_redis_t *redis);
const char *ngx_http_magasin_redis_tls_server(
    ngx_http_magasin_redis_t *redis);
void ngx_http_magasin_redis_tls_free(ngx_http_magasin_redis_t *redis);
ngx_int_t ngx_http_magasin_redis_tls_handshake(
    ngx_http_magasin_redis_t *redis);
ssize_t ngx_http_magasin_redis_tls_read(ngx_http_magasin_redis_t *redis,
    u_char *data, size_t size);
ngx_int_t ngx_http_magasin_redis_tls_write(ngx_http_magasin_redis_t *redis);

/* redis_channel.c */
ngx_int_t ngx_http_magasin_redis_listen(ngx_http_magasin_redis_t *redis);
void ngx_http_magasin_redis_said(ngx_http_magasin_redis_t *redis,
    redisReply *reply);

/* redis_event.c */
ngx_int_t ngx_http_magasin_redis_attach(ngx_http_magasin_redis_t *redis);
void ngx_http_magasin_redis_detach(ngx_http_magasin_redis_t *redis);
void ngx_http_magasin_redis_want_write(ngx_http_magasin_redis_t *redis);
void ngx_http_magasin_redis_flush(ngx_event_t *ev);


#endif /* _NGX_HTTP_MAGASIN_REDIS_INTERNAL_H_INCLUDED_ */
