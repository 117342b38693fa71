
/*
 * Redis on the event loop of nginx: one connection in each worker.  It is a
 * cache: a request is answered without it, too.  A command has a timeout of
 * milliseconds; a failure is a miss.  When a command is accepted, its callback
 * is called exactly once, from the event loop and never from inside
 * ngx_http_magasin_redis_command().
 */


#ifndef _NGX_HTTP_MAGASIN_REDIS_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

/* pkg-config gives the directory of the header itself. */
#include <hiredis.h>
#include <openssl/ssl.h>

#include "ngx_http_magasin_measure.h"
#include "ngx_http_magasin_names.h"


/* The run_id of INFO: it changes with each start of a server. */
#define NGX_HTTP_MAGASIN_REDIS_RUN_ID  40

/* Bytes of one reply; a longer one ends the connection. */
#define NGX_HTTP_MAGASIN_REDIS_REPLY   (4 * 1024 * 1024)


typedef struct ngx_http_magasin_redis_s          ngx_http_magasin_redis_t;
typedef struct ngx_http_magasin_redis_command_s
    ngx_http_magasin_redis_command_t;
typedef struct ngx_http_magasin_redis_slot_s     ngx_http_magasin_redis_slot_t;


/* Why a command has no reply. */
typedef enum {
    NGX_HTTP_MAGASIN_REDIS_UNAVAILABLE = 1,  /* the connection broke */
    NGX_HTTP_MAGASIN_REDIS_TIMEOUT,          /* no reply in time */
    NGX_HTTP_MAGASIN_REDIS_ERROR             /* Redis rejected: see error */
} ngx_http_magasin_redis_failure_e;


/*
 * The reply is valid until the callback returns.  NULL: a miss;
 * command->failure is the reason.
 */
typedef void (*ngx_http_magasin_redis_done_pt)(
    ngx_http_magasin_redis_command_t *command, redisReply *reply);


/* A message of a channel; it is valid until the callback returns. */
typedef void (*ngx_http_magasin_redis_message_pt)(void *data,
    const char *message);


/*
 * The caller owns the memory of a command, and keeps it until the callback is
 * called or until ngx_http_magasin_redis_cancel().
 */
struct ngx_http_magasin_redis_command_s {
    /* filled in by the caller */
    ngx_http_magasin_redis_done_pt    done;
    void                             *data;
    ngx_log_t                        *log;
    ngx_msec_t                        timeout;   /* 0: as configured */
    int                               expects;   /* the type of a reply that
                                                    is no error; 0: any */
    uint64_t                         *spent;     /* or NULL: its microseconds
                                                    are added there */

    /* for the callback */
    ngx_http_magasin_redis_failure_e  failure;   /* 0: there is a reply */
    ngx_str_t                         error;     /* message of Redis */

    /* the room's own; zeroed by the caller before the first use */
    ngx_queue_t                       queue;
    ngx_event_t                       timer;
    ngx_msec_t                        sent;
    uint64_t                          started;   /* microseconds */
    ngx_http_magasin_redis_t         *redis;
    ngx_http_magasin_redis_slot_t    *slot;
    unsigned                          failed:1;  /* in queue */
};


/* How the server of a TLS connection is checked. */
typedef enum {
    NGX_HTTP_MAGASIN_REDIS_PLAIN = 0,            /* no TLS */
    NGX_HTTP_MAGASIN_REDIS_VERIFY_CA,            /* its chain */
    NGX_HTTP_MAGASIN_REDIS_VERIFY_FULL           /* its name, too */
} ngx_http_magasin_redis_tls_e;


/* The configuration of `magasin_redis`; the same in all workers. */
typedef struct {
    ngx_array_t                      *targets;   /* NULL: no directive */
    ngx_array_t                      *places;    /* of place_t */
    ngx_http_magasin_names_t         *names;     /* that the hosts have */
    ngx_str_t                         user;      /* empty: "default" */
    ngx_str_t                         password;
    ngx_str_t                         sentinel;  /* the name of the primary;
                                                    the targets are Sentinels;
                                                    empty: they are Redis */
    ngx_str_t                         sentinel_user;
    ngx_str_t                         sentinel_password;
    ngx_http_magasin_redis_tls_e      tls;
    ngx_str_t                         tls_name;  /* empty: as the address */
    ngx_str_t                         ca;        /* files; empty: the ones */
    ngx_str_t                         certificate;  /* of the system, none */
    ngx_str_t                         key;
    SSL_CTX                          *ssl;       /* NULL: no TLS */
    ngx_int_t                         db;
    ngx_msec_t                        timeout;   /* of one command */
} ngx_http_magasin_redis_conf_t;


/* One address: they are tried in turn. */
typedef struct {
    const char                       *path;      /* of a Unix socket, or */
    const char                       *host;      /* an address in digits */
    in_port_t                         port;
    ngx_str_t                         name;      /* for the log */
    const char                       *server;    /* that its certificate must
                                                    name */
    unsigned                          absent:1;  /* it has no address yet */
} ngx_http_magasin_redis_target_t;


/* What can be a target: an address of a name is one while the name has it. */
typedef struct {
    ngx_http_magasin_redis_target_t   target;
    ngx_http_magasin_name_t          *host;      /* NULL: always */
    ngx_uint_t                        n;         /* the address of it */
} ngx_http_magasin_redis_place_t;


/* The state of the connection of a worker, which alone writes it. */
typedef struct {
    ngx_atomic_t                      ready;
} ngx_http_magasin_redis_gauges_t;

/* The counters of all workers; none of them decreases. */
typedef struct {
    ngx_atomic_t                      connects;
    ngx_atomic_t                      lost;      /* while in service */
    ngx_atomic_t                      unsound;   /* protocol errors */
    ngx_atomic_t                      refused;   /* too many in flight */
    ngx_atomic_t                      failures[NGX_HTTP_MAGASIN_REDIS_ERROR];
    ngx_http_magasin_histogram_t      replies;
} ngx_http_magasin_redis_counters_t;


/* The state of a connection for /readyz. */
typedef struct {
    ngx_uint_t                        ready;     /* 1: commands are taken */
    ngx_uint_t                        in_flight; /* and timed out */
    ngx_str_t                         run_id;    /* of the present server */
} ngx_http_magasin_redis_state_t;


extern ngx_module_t  ngx_http_magasin_redis_module;


/* redis_module.c */
ngx_int_t ngx_http_magasin_redis_start(ngx_cycle_t *cycle);
void ngx_http_magasin_redis_stop(ngx_cycle_t *cycle);
ngx_http_magasin_redis_t *ngx_http_magasin_redis_of(ngx_cycle_t *cycle);
ngx_http_magasin_redis_t *ngx_http_magasin_redis(ngx_http_request_t *r);
ngx_uint_t ngx_http_magasin_has_redis(ngx_http_request_t *r);
ngx_http_magasin_redis_conf_t *ngx_http_magasin_redis_conf_of(
    ngx_cycle_t *cycle);

char *ngx_http_magasin_redis_conf_parse(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf);

ngx_http_magasin_redis_t *ngx_http_magasin_redis_create(ngx_cycle_t *cycle,
    ngx_http_magasin_redis_conf_t *rcf);
ngx_http_magasin_redis_t *ngx_http_magasin_redis_subscribe(
    ngx_cycle_t *cycle, ngx_http_magasin_redis_conf_t *rcf,
    const char *channel, ngx_http_magasin_redis_message_pt message,
    void *data);
void ngx_http_magasin_redis_destroy(ngx_http_magasin_redis_t *redis);
void ngx_http_magasin_redis_measure(ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_counters_t *counters,
    ngx_http_magasin_redis_gauges_t *gauges);

ngx_int_t ngx_http_magasin_redis_command(ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_command_t *command, ngx_uint_t argc,
    const char **argv, const size_t *argvlen);
void ngx_http_magasin_redis_cancel(ngx_http_magasin_redis_command_t *command);
void ngx_http_magasin_redis_state(ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_state_t *state);


#endif /* _NGX_HTTP_MAGASIN_REDIS_H_INCLUDED_ */
