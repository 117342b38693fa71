
/*
 * A request on its way, and what an endpoint is:
 *
 *     route -> negotiate -> method -> authorise -> body -> bind -> statement
 *           -> rows -> render -> reply
 *
 * The functions here are of the request room: what a client says.
 */


#ifndef _NGX_HTTP_MAGASIN_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_magasin_json.h"
#include "ngx_http_magasin_pg.h"
#include "ngx_http_magasin_cache.h"
#include "ngx_http_magasin_body.h"


#define NGX_HTTP_MAGASIN_MAX_IDS         2

/* To the next page and to the one before. */
#define NGX_HTTP_MAGASIN_LINKS           2

/* Bytes of the longest Allow. */
#define NGX_HTTP_MAGASIN_ALLOW           64

/* Bytes of why a request failed: a SQLSTATE, or a word of ours. */
#define NGX_HTTP_MAGASIN_CAUSE           16

/* Tags of a read; all that is cached has one more, that of everything. */
#define NGX_HTTP_MAGASIN_ENDPOINT_TAGS   (NGX_HTTP_MAGASIN_TAG_READS - 1)

/* nginx has no names for them. */
#define NGX_HTTP_MAGASIN_NOT_ACCEPTABLE  406
#define NGX_HTTP_MAGASIN_UNPROCESSABLE   422


typedef struct ngx_http_magasin_ctx_s       ngx_http_magasin_ctx_t;
typedef struct ngx_http_magasin_endpoint_s  ngx_http_magasin_endpoint_t;


typedef struct {
    ngx_int_t                      trace_index; /* of $magasin_trace_id */
    ngx_http_handler_pt            api;         /* the API's content handler;
                                                   NULL: no location has it */
} ngx_http_magasin_request_main_conf_t;


typedef struct {
    unsigned                       api:1;       /* some location answers */
} ngx_http_magasin_request_srv_conf_t;


typedef struct {
    ngx_http_complex_value_t      *scheme;      /* NULL: of the connection */
    ngx_http_handler_pt            handler;     /* of ours, or NULL */
    const char                    *directive;   /* that asked for it */
} ngx_http_magasin_request_loc_conf_t;


/* Why a token was refused. */
typedef enum {
    NGX_HTTP_MAGASIN_REFUSED_MISSING = 0,
    NGX_HTTP_MAGASIN_REFUSED_MALFORMED,
    NGX_HTTP_MAGASIN_REFUSED_UNKNOWN,
    NGX_HTTP_MAGASIN_REFUSED_SCOPE,
    NGX_HTTP_MAGASIN_REFUSED_DEMONSTRATION,
    NGX_HTTP_MAGASIN_REFUSED
} ngx_http_magasin_refused_e;


/* What a request was when its header had arrived; see arrival.c. */
typedef struct {
    uint64_t                       started;     /* microseconds */
    ngx_atomic_t                  *active;      /* one less at its end, or
                                                   NULL */
} ngx_http_magasin_arrival_t;


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
    uint32_t                       i;
    uint32_t                       n;
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
    PGresult *result, ngx_http_magasin_tags_t *tags);


/* A tag that an answer depends on, by the ids that its request names. */
typedef enum {
    NGX_HTTP_MAGASIN_TAG_NO_ID = 0,
    NGX_HTTP_MAGASIN_TAG_FIRST_ID,              /* of the path */
    NGX_HTTP_MAGASIN_TAG_SECOND_ID,
    NGX_HTTP_MAGASIN_TAG_FIRST_VALUE            /* of the statement; may be
                                                   NULL */
} ngx_http_magasin_tag_id_e;

typedef struct {
    ngx_http_magasin_tag_e         kind;
    ngx_http_magasin_tag_id_e      first;
    ngx_http_magasin_tag_id_e      second;
} ngx_http_magasin_tag_spec_t;


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
    ngx_http_magasin_tag_spec_t    reads[NGX_HTTP_MAGASIN_ENDPOINT_TAGS];
    ngx_http_magasin_touch_pt      touch;
    ngx_uint_t                     refusal;     /* may change something, too */
};


/*
 * A path of the table, with all that is asked about it before the method.
 * Its texts are its own: the table is the process's, and outlives the pool of
 * a configuration that was read and not taken.
 */
typedef struct ngx_http_magasin_route_s  ngx_http_magasin_route_t;

struct ngx_http_magasin_route_s {
    ngx_str_t                      path;
    ngx_http_magasin_route_t      *next;        /* of this first segment */
    size_t                         segment;     /* where that ends */
    ngx_str_t                      allow;       /* for the header */
    ngx_str_t                      reference_allow;    /* without extras */
    ngx_http_magasin_endpoint_t   *endpoints;   /* adjoining rows */
    ngx_uint_t                     nendpoints;
    u_char                         text[2][NGX_HTTP_MAGASIN_ALLOW];
};


/*
 * How far the answer of a request is.
 *
 *     OPEN ------> WHOLE ------> LAST            it is sent at once
 *      |  \         ^  \           ^
 *      |   GATHERING   STREAMING --+             piece by piece
 *      +--------------->
 *
 * OPEN to GATHERING: the first rows are rendered, more follow, and the cache
 * wants all of them (read.c).  Back to OPEN: the answer has grown too large for
 * the cache.  OPEN or GATHERING to WHOLE: the last rows are rendered, or
 * reply_begin() has replaced the answer.  OPEN or WHOLE to STREAMING or LAST:
 * reply_send() sends the header.  STREAMING to LAST: ctx->json holds the last
 * bytes.  REPLACING and REPLACED: nginx made an error page, also in the place
 * of an answer (416), and errors.c sends another body instead.
 */
typedef enum {
    NGX_HTTP_MAGASIN_ANSWER_OPEN = 0,           /* rows are to come */
    NGX_HTTP_MAGASIN_ANSWER_GATHERING,          /* rows are here, and to come */
    NGX_HTTP_MAGASIN_ANSWER_WHOLE,              /* all of it is known */
    NGX_HTTP_MAGASIN_ANSWER_STREAMING,          /* the header has left */
    NGX_HTTP_MAGASIN_ANSWER_LAST,               /* and the rest is leaving */
    NGX_HTTP_MAGASIN_ANSWER_REPLACING,
    NGX_HTTP_MAGASIN_ANSWER_REPLACED
} ngx_http_magasin_answer_e;


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
    ngx_http_magasin_cache_read_t *cached;      /* a read of the cache */
    ngx_http_magasin_cache_write_t
                                  *writing;     /* it is being told of it */
    ngx_msec_t                     valid_for;   /* 0: as configured */
    time_t                         age;         /* seconds, of a stale one */

    ngx_http_magasin_answer_e      answer;

    unsigned                       collected:1; /* headers */
    unsigned                       fields:1;    /* an error by fields */
};


/* The header of the answer has left. */

#define ngx_http_magasin_begun(ctx)                                           \
    ((ctx)->answer == NGX_HTTP_MAGASIN_ANSWER_STREAMING                       \
     || (ctx)->answer == NGX_HTTP_MAGASIN_ANSWER_LAST)


/* No more rows come. */

#define ngx_http_magasin_complete(ctx)                                        \
    ((ctx)->answer == NGX_HTTP_MAGASIN_ANSWER_WHOLE                           \
     || (ctx)->answer == NGX_HTTP_MAGASIN_ANSWER_LAST)


extern ngx_module_t  ngx_http_magasin_request_module;


/* request.c */
ngx_http_magasin_ctx_t *ngx_http_magasin_ctx(ngx_http_request_t *r);
ngx_uint_t ngx_http_magasin_is_api(ngx_http_request_t *r);
char *ngx_http_magasin_content(ngx_conf_t *cf, const char *directive,
    ngx_http_handler_pt handler);
char *ngx_http_magasin_content_api(ngx_conf_t *cf, const char *directive,
    ngx_http_handler_pt handler);
ngx_uint_t ngx_http_magasin_location_is_api(ngx_conf_t *cf);

#define ngx_http_magasin_get_ctx(r)                                           \
    ngx_http_get_module_ctx(r, ngx_http_magasin_request_module)

/* arrival.c */
ngx_http_magasin_arrival_t *ngx_http_magasin_arrival_note(
    ngx_http_request_t *r);
ngx_http_magasin_arrival_t *ngx_http_magasin_arrival(ngx_http_request_t *r);

/* route.c */
void ngx_http_magasin_routes_gather(ngx_http_magasin_endpoint_t *endpoints,
    ngx_uint_t nendpoints, ngx_http_magasin_route_t *routes);
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
ngx_uint_t ngx_http_magasin_wants_fresh(ngx_http_request_t *r);
ngx_str_t *ngx_http_magasin_header(ngx_http_request_t *r,
    ngx_http_magasin_header_e which);
void ngx_http_magasin_headers(ngx_http_request_t *r,
    ngx_http_magasin_header_e which, ngx_http_magasin_headers_t *headers);
ngx_str_t *ngx_http_magasin_headers_next(ngx_http_magasin_headers_t *headers);

/* trace.c */
ngx_int_t ngx_http_magasin_trace_init(ngx_conf_t *cf);
ngx_http_variable_value_t *ngx_http_magasin_trace_id(ngx_http_request_t *r);


#endif /* _NGX_HTTP_MAGASIN_H_INCLUDED_ */
