
/*
 * What the rooms share: the configuration, an endpoint, and the context of
 * one request on its way
 *
 *     route -> negotiate -> method -> authorise -> body -> bind -> statement
 *           -> rows -> render -> reply
 */


#ifndef _NGX_HTTP_MAGASIN_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_magasin_log.h"
#include "ngx_http_magasin_pg.h"
#include "ngx_http_magasin_redis.h"
#include "ngx_http_magasin_json.h"
#include "ngx_http_magasin_body.h"
#include "ngx_http_magasin_zone.h"
#include "ngx_http_magasin_cache.h"
#include "ngx_http_magasin_metrics.h"


#define NGX_HTTP_MAGASIN_MAX_IDS         2

/* To the next page and to the one before. */
#define NGX_HTTP_MAGASIN_LINKS           2

/* Bytes of the longest Allow. */
#define NGX_HTTP_MAGASIN_ALLOW           64

/* nginx has no names for them. */
#define NGX_HTTP_MAGASIN_NOT_ACCEPTABLE  406
#define NGX_HTTP_MAGASIN_UNPROCESSABLE   422


typedef struct ngx_http_magasin_ctx_s       ngx_http_magasin_ctx_t;
typedef struct ngx_http_magasin_endpoint_s  ngx_http_magasin_endpoint_t;
typedef struct ngx_http_magasin_tokens_s    ngx_http_magasin_tokens_t;
typedef struct ngx_http_magasin_maintenance_s
    ngx_http_magasin_maintenance_t;


typedef struct {
    ngx_http_magasin_pg_conf_t     pg;
    ngx_http_magasin_pg_pool_t    *pool;        /* of this worker */
    ngx_str_t                      database;    /* conninfo; may be secret */
    ngx_http_magasin_redis_conf_t  redis_conf;
    ngx_http_magasin_redis_t      *redis;       /* of this worker, or NULL */
    ngx_str_t                      tokens_file;
    ngx_array_t                   *tokens_list; /* of the configuration */
    ngx_http_magasin_tokens_t     *tokens;      /* of this worker */
    ngx_http_magasin_maintenance_t
                                  *maintenance; /* of this worker, or NULL */
    ngx_http_magasin_zone_t        zone;
    ngx_http_magasin_cache_t      *cache;       /* of this worker, or NULL */
    ngx_http_magasin_metrics_conf_t
                                   metrics_conf;
    ngx_http_magasin_metrics_t    *metrics;     /* of this worker, or NULL */
    const char                    *counted;     /* what shows the metrics */
    ngx_int_t                      trace_index; /* $magasin_trace_id */
    ngx_msec_t                     writable;    /* since /readyz asked, or 0 */
    unsigned                       handler:1;   /* some location answers */
    unsigned                       error_pages:1;   /* some location has */
} ngx_http_magasin_main_conf_t;


typedef struct {
    unsigned                       magasin:1;   /* some location answers */
} ngx_http_magasin_srv_conf_t;


typedef struct {
    ngx_flag_t                     json_errors;
    ngx_flag_t                     server_timing;
    ngx_flag_t                     demonstration;  /* its token, anywhere */
    ngx_array_t                   *cors;        /* origins; NULL: off */
    ngx_http_complex_value_t      *scheme;      /* NULL: of the connection */
    ngx_http_magasin_cache_conf_t  cache;
    ngx_http_handler_pt            handler;     /* of ours, or NULL */
    const char                    *directive;   /* that asked for it */
} ngx_http_magasin_loc_conf_t;


/* Request headers that the module reads; see negotiate.c. */
typedef enum {
    NGX_HTTP_MAGASIN_HEADER_ACCEPT = 0,
    NGX_HTTP_MAGASIN_HEADER_ORIGIN,
    NGX_HTTP_MAGASIN_HEADER_IF_MATCH,
    NGX_HTTP_MAGASIN_HEADER_TRACEPARENT,
    NGX_HTTP_MAGASIN_HEADER_CACHE_CONTROL,
    NGX_HTTP_MAGASIN_HEADER_IDEMPOTENCY_KEY,
    NGX_HTTP_MAGASIN_HEADER_REQUEST_METHOD,     /* of a preflight */
    NGX_HTTP_MAGASIN_HEADERS
} ngx_http_magasin_header_e;

/* Those of one kind: where to go on, and how many are still to come. */
typedef struct {
    ngx_list_part_t               *part;
    ngx_uint_t                     i;
    ngx_uint_t                     n;
} ngx_http_magasin_header_t;

typedef struct {
    ngx_http_magasin_header_t      at;
    ngx_http_magasin_header_e      which;
} ngx_http_magasin_headers_t;


/*
 * A link to another page, which is no part of what is stored: its place in
 * the body, and the page as a value of endpoint->page, empty for the page
 * that needs none.
 */
typedef struct {
    size_t                         offset;
    ngx_str_t                      value;
    ngx_uint_t                     header;      /* in Link, too */
} ngx_http_magasin_link_t;


/* An integer of the path, of any length, as "[0-9]+" takes it. */
typedef struct {
    ngx_str_t                      text;        /* no leading zeros; NUL */
    unsigned                       fits:1;      /* in PostgreSQL's bigint */
} ngx_http_magasin_id_t;


/*
 * What an endpoint does.  bind: from the request to parameters of the
 * statement; NGX_OK: run it, NGX_DONE: the answer is in ctx already,
 * NGX_ERROR.  render: from rows to the answer; NGX_OK: whole, NGX_AGAIN: the
 * parameters now ask for the next rows, NGX_ERROR.  failed, where it is set,
 * makes the answer when the statement had none.
 */
typedef ngx_int_t (*ngx_http_magasin_bind_pt)(ngx_http_magasin_ctx_t *ctx);
typedef ngx_int_t (*ngx_http_magasin_render_pt)(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* What a write that was answered has changed; `result` may be NULL. */
typedef void (*ngx_http_magasin_touch_pt)(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_scopes_t *scopes);


/* One row of THE table; see ngx_http_magasin_routes.c. */
struct ngx_http_magasin_endpoint_s {
    ngx_str_t                      name;        /* $magasin_route's method */
    ngx_uint_t                     method;
    ngx_str_t                      path;        /* {id}: digits */
    ngx_str_t                      title;       /* OPTIONS tells it */
    const char                    *scope;       /* NULL: for everybody */
    ngx_uint_t                     statement;
    ngx_http_magasin_pg_class_e    class;
    ngx_http_magasin_bind_pt       bind;
    ngx_http_magasin_render_pt     render;
    ngx_http_magasin_bind_pt       failed;
    const void                    *spec;        /* for bind and render */
    ngx_uint_t                     extra;       /* a method that a path of the
                                                   reference did not have */

    const char                    *page;        /* the parameter of links */

    /* the cache */
    ngx_http_magasin_scope_spec_t  reads[NGX_HTTP_MAGASIN_SCOPE_SPECS];
    ngx_http_magasin_touch_pt      touch;
    ngx_uint_t                     refusal;     /* may change something, too */
};


/*
 * A path of the table, with all that is asked about it before the method.
 * Its texts are its own: the table is the process's, and outlives the pool of
 * a configuration that was read and not taken.
 */
typedef struct {
    ngx_str_t                      path;
    ngx_str_t                      allow;       /* for the header */
    ngx_str_t                      reference_allow;    /* without extras */
    ngx_http_magasin_endpoint_t   *endpoints;   /* adjoining rows */
    ngx_uint_t                     nendpoints;
    u_char                         text[2][NGX_HTTP_MAGASIN_ALLOW];
} ngx_http_magasin_route_t;


struct ngx_http_magasin_ctx_s {
    ngx_http_request_t            *request;
    ngx_http_magasin_route_t      *route;       /* of uri; NULL: none */
    ngx_str_t                      uri;         /* NULL: not looked for yet */
    ngx_http_magasin_endpoint_t   *endpoint;

    ngx_http_magasin_id_t          ids[NGX_HTTP_MAGASIN_MAX_IDS];
    ngx_array_t                   *query;       /* pairs */
    ngx_http_magasin_header_t      headers[NGX_HTTP_MAGASIN_HEADERS];
    ngx_http_magasin_body_t        body;
    ngx_str_t                      token;       /* its id; NUL */
    ngx_str_t                      scopes;      /* of the token */
    ngx_http_magasin_refused_e     refused;     /* why there is no token */
    ngx_uint_t                     generation;  /* of the tokens; 0: not
                                                   looked for yet */
    const char                    *key;         /* Idempotency-Key, or NULL */
    const char                    *digest;      /* of the keyed request */
    ngx_str_t                      trace_id;

    ngx_http_magasin_pg_job_t      job;
    uint64_t                       started;     /* of the last statement */
    uint64_t                       database;    /* us in statements so far */
    uint64_t                       redis;       /* us in its commands */
    char                           cause[NGX_HTTP_MAGASIN_CAUSE];   /* NUL */

    ngx_http_magasin_json_t        json;        /* the answer's body */
    size_t                         rest;        /* bytes after it, which the
                                                   cache has */
    ngx_uint_t                     status;
    ngx_uint_t                     page;        /* the error whose error_page
                                                   this request became */
    ngx_str_t                      etag;        /* with its quotes */
    ngx_str_t                      link;        /* the header */
    ngx_http_magasin_link_t        links[NGX_HTTP_MAGASIN_LINKS];
    ngx_uint_t                     nlinks;      /* not in json yet */
    ngx_str_t                      detail;      /* of an error, in words */
    ngx_str_t                      members;     /* what an error adds */
    const char                    *field;       /* whose errors are open */
    ngx_uint_t                     rows;        /* rendered so far */
    void                          *state;       /* of the endpoint */

    ngx_http_magasin_cache_e       cache_state;
    ngx_http_magasin_cache_request_t
                                  *cached;      /* a read of the cache */
    ngx_http_magasin_cache_write_t
                                  *writing;     /* it is being told of it */
    ngx_msec_t                     valid_for;   /* 0: as configured */
    time_t                         age;         /* seconds, of a stale one */

    unsigned                       collected:1; /* headers */
    unsigned                       streaming:1; /* the header has left */
    unsigned                       gathering:1; /* pieces, to be one answer */
    unsigned                       complete:1;  /* no more rows */
    unsigned                       waiting:1;   /* a job runs */
    unsigned                       replied:1;   /* our answer, not nginx's */
    unsigned                       filtered:1;  /* errors.c replaces a body */
    unsigned                       fields:1;    /* an error by fields */
};


extern ngx_module_t  ngx_http_magasin_module;


/* module.c */
char *ngx_http_magasin_content(ngx_conf_t *cf, void *conf,
    const char *directive, ngx_http_handler_pt handler);

/* handler.c */
ngx_int_t ngx_http_magasin_handler(ngx_http_request_t *r);
ngx_http_magasin_ctx_t *ngx_http_magasin_ctx(ngx_http_request_t *r);

/* routes.c */
void ngx_http_magasin_routes_init(void);
ngx_http_magasin_route_t *ngx_http_magasin_route_find(ngx_pool_t *pool,
    ngx_str_t *path, ngx_http_magasin_id_t *ids);
ngx_http_magasin_route_t *ngx_http_magasin_route(ngx_http_magasin_ctx_t *ctx);
ngx_http_magasin_endpoint_t *ngx_http_magasin_route_method(
    ngx_http_magasin_route_t *route, ngx_uint_t method);
ngx_uint_t ngx_http_magasin_routes_count(void);
ngx_uint_t ngx_http_magasin_routes_layout(void);
ngx_uint_t ngx_http_magasin_route_number(ngx_http_magasin_route_t *route);
ngx_str_t *ngx_http_magasin_route_path(ngx_uint_t number);

/* negotiate.c */
ngx_uint_t ngx_http_magasin_acceptable(ngx_http_request_t *r);
ngx_uint_t ngx_http_magasin_wants_problem(ngx_http_request_t *r);
ngx_str_t *ngx_http_magasin_header(ngx_http_request_t *r,
    ngx_http_magasin_header_e which);
void ngx_http_magasin_headers(ngx_http_request_t *r,
    ngx_http_magasin_header_e which, ngx_http_magasin_headers_t *headers);
ngx_str_t *ngx_http_magasin_headers_next(ngx_http_magasin_headers_t *headers);

/* links.c */
void ngx_http_magasin_link_add(ngx_http_magasin_ctx_t *ctx, ngx_str_t *value,
    ngx_uint_t header);
ngx_int_t ngx_http_magasin_links_pack(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *text);
ngx_uint_t ngx_http_magasin_links_safe(ngx_str_t *text);
ngx_int_t ngx_http_magasin_links_unpack(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *text, size_t size);
ngx_int_t ngx_http_magasin_links_render(ngx_http_magasin_ctx_t *ctx);

/* conditions.c */
ngx_int_t ngx_http_magasin_if_match(ngx_http_magasin_ctx_t *ctx,
    const char **tags);
ngx_int_t ngx_http_magasin_idempotency(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *body);

/* tokens.c */
ngx_http_magasin_tokens_t *ngx_http_magasin_tokens_create(ngx_cycle_t *cycle,
    ngx_str_t *name, ngx_array_t *list,
    ngx_http_magasin_metrics_tokens_t *metrics);
char *ngx_http_magasin_tokens_check(ngx_conf_t *cf, ngx_str_t *name,
    ngx_array_t **list);
void ngx_http_magasin_tokens_destroy(ngx_http_magasin_tokens_t *tokens);

/* auth.c */
ngx_int_t ngx_http_magasin_identify(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_tokens_t *tokens);
ngx_int_t ngx_http_magasin_authorize(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_tokens_t *tokens);
ngx_uint_t ngx_http_magasin_allowed(ngx_http_magasin_ctx_t *ctx,
    const char *scope);

/* cors.c */
char *ngx_http_magasin_cors(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_http_magasin_cors_init(void);
ngx_int_t ngx_http_magasin_cors_preflight(ngx_http_magasin_ctx_t *ctx);

/* maintenance.c */
ngx_http_magasin_maintenance_t *ngx_http_magasin_maintenance_create(
    ngx_cycle_t *cycle, ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_maintenance_destroy(
    ngx_http_magasin_maintenance_t *maintenance);

/* timing.c */
ngx_int_t ngx_http_magasin_server_timing(ngx_http_magasin_ctx_t *ctx);

/* errors.c */
void ngx_http_magasin_errors_init(void);
ngx_int_t ngx_http_magasin_errors_phases(ngx_conf_t *cf);

/* variables.c */
ngx_int_t ngx_http_magasin_variables_init(ngx_conf_t *cf);

/* variables_text.c */
ngx_int_t ngx_http_magasin_variables_text(ngx_conf_t *cf);


#endif /* _NGX_HTTP_MAGASIN_H_INCLUDED_ */
