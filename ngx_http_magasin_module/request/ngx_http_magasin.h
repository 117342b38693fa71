
/*
 * The context of a request, and the definition of an endpoint:
 *
 *     route -> negotiate -> method -> authorise -> body -> bind -> statement
 *           -> rows -> render -> reply
 *
 * The functions declared here are those of the request room, which reads what
 * the client has sent.
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

/* Links of a page: to the next page and to the previous one. */
#define NGX_HTTP_MAGASIN_LINKS           2

/* The limit of an Allow header, in bytes. */
#define NGX_HTTP_MAGASIN_ALLOW           64

/* The limit of the cause of a failure, in bytes: a SQLSTATE or a word. */
#define NGX_HTTP_MAGASIN_CAUSE           16

/* Tags of a read.  Each cached answer has one more, the tag of everything. */
#define NGX_HTTP_MAGASIN_ENDPOINT_TAGS   (NGX_HTTP_MAGASIN_TAG_READS - 1)

/* The media types that some Accept header allows. */
#define NGX_HTTP_MAGASIN_ACCEPT_JSON     1
#define NGX_HTTP_MAGASIN_ACCEPT_PROBLEM  2
#define NGX_HTTP_MAGASIN_ACCEPT_EVENTS   4
#define NGX_HTTP_MAGASIN_ACCEPT_LINES    8

/* nginx has no names for these status codes. */
#define NGX_HTTP_MAGASIN_NOT_ACCEPTABLE  406
#define NGX_HTTP_MAGASIN_GONE            410
#define NGX_HTTP_MAGASIN_UNPROCESSABLE   422


typedef struct ngx_http_magasin_ctx_s       ngx_http_magasin_ctx_t;
typedef struct ngx_http_magasin_endpoint_s  ngx_http_magasin_endpoint_t;


typedef struct {
    ngx_int_t                      trace_index; /* of $magasin_trace_id */
    ngx_int_t                      request_id_index;
    ngx_array_t                   *exempt;      /* of ngx_cidr_t; or NULL */
    ngx_http_handler_pt            api;         /* the API's content handler;
                                                   NULL: no location has it */
} ngx_http_magasin_request_main_conf_t;


typedef struct {
    unsigned                       api:1;       /* a location has `magasin` */
} ngx_http_magasin_request_srv_conf_t;


typedef struct {
    ngx_http_complex_value_t      *scheme;      /* NULL: of the connection */
    ngx_str_t                      base;        /* prefix of all paths; data
                                                   NULL: not set */
    ngx_http_handler_pt            handler;     /* of the module, or NULL */
    const char                    *directive;   /* that set the handler */
} ngx_http_magasin_request_loc_conf_t;


/* What the entity tag of a gzip form ends with, inside its quotation marks. */
#define NGX_HTTP_MAGASIN_ETAG_GZIP      "-gzip"
#define NGX_HTTP_MAGASIN_ETAG_GZIP_LEN  (sizeof("-gzip") - 1)


/* Why a token was rejected. */
typedef enum {
    NGX_HTTP_MAGASIN_REFUSED_MISSING = 0,
    NGX_HTTP_MAGASIN_REFUSED_MALFORMED,
    NGX_HTTP_MAGASIN_REFUSED_UNKNOWN,
    NGX_HTTP_MAGASIN_REFUSED_SCOPE,
    NGX_HTTP_MAGASIN_REFUSED_DEMONSTRATION,
    NGX_HTTP_MAGASIN_REFUSED_EXPIRED,
    NGX_HTTP_MAGASIN_REFUSED_STORE,
    NGX_HTTP_MAGASIN_REFUSED_IDENTITY,
    NGX_HTTP_MAGASIN_REFUSED
} ngx_http_magasin_refused_e;


/* The state of a request when its header had arrived; see arrival.c. */
typedef struct {
    uint64_t                       started;     /* microseconds */
    ngx_atomic_t                  *active;      /* decremented at the end of
                                                   the request; or NULL */
} ngx_http_magasin_arrival_t;


/* Request headers that the module reads; see negotiate.c. */
typedef enum {
    NGX_HTTP_MAGASIN_HEADER_ACCEPT = 0,
    NGX_HTTP_MAGASIN_HEADER_ORIGIN,
    NGX_HTTP_MAGASIN_HEADER_IF_MATCH,
    NGX_HTTP_MAGASIN_HEADER_IF_NONE_MATCH,
    NGX_HTTP_MAGASIN_HEADER_CONTENT_ENCODING,
    NGX_HTTP_MAGASIN_HEADER_TRACEPARENT,
    NGX_HTTP_MAGASIN_HEADER_REQUEST_ID,
    NGX_HTTP_MAGASIN_HEADER_CACHE_CONTROL,
    NGX_HTTP_MAGASIN_HEADER_IDEMPOTENCY_KEY,
    NGX_HTTP_MAGASIN_HEADER_REQUEST_METHOD,     /* of a preflight */
    NGX_HTTP_MAGASIN_HEADER_FETCH_SITE,
    NGX_HTTP_MAGASIN_HEADER_ACCEPT_ENCODING,
    NGX_HTTP_MAGASIN_HEADER_LAST_EVENT_ID,
    NGX_HTTP_MAGASIN_HEADERS
} ngx_http_magasin_header_e;

/* The headers of one kind: the next one, and how many are left. */
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
 * A link to another page.  The cache does not store the text of a link.
 * `offset` is its position in the body, in bytes.  `value` is the page as a
 * value of the parameter endpoint->page; it is empty for the page that needs
 * no parameter.
 */
typedef struct {
    size_t                         offset;
    ngx_str_t                      value;
    ngx_uint_t                     header;      /* in the header Link, too */
} ngx_http_magasin_link_t;


/* An integer of the path, of any length, as "[0-9]+" matches it. */
typedef struct {
    ngx_str_t                      text;        /* no leading zeros;
                                                   NUL-terminated */
    unsigned                       fits:1;      /* in PostgreSQL's bigint */
} ngx_http_magasin_id_t;


/*
 * The callbacks of an endpoint.
 *
 * bind: makes the parameters of the statement from the request.  NGX_OK: run
 * the statement.  NGX_DONE: the answer is in ctx already.  NGX_ERROR: the
 * request fails with 500.
 *
 * render: makes the answer from rows.  NGX_OK: the answer is complete.
 * NGX_AGAIN: the parameters now select the next rows, so run the statement
 * again.  NGX_DECLINED: nothing was rendered, and the job was changed, so run
 * it in place of the first one.  NGX_BUSY: nothing was rendered, and a batch
 * goes on with its rows.  NGX_ERROR: the request fails.
 *
 * failed: makes the answer if the statement failed.  It may be NULL.
 */
typedef ngx_int_t (*ngx_http_magasin_bind_pt)(ngx_http_magasin_ctx_t *ctx);
typedef ngx_int_t (*ngx_http_magasin_render_pt)(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* Adds the tags that an answered write has changed.  `result` may be NULL. */
typedef void (*ngx_http_magasin_touch_pt)(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags);


/* The source of an id in a tag that an answer depends on. */
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


/*
 * The stores that a request names or touches.  An asker who is bound to stores
 * gets 403 where the place is another one.  A row that says nothing touches
 * all of them.
 */
typedef enum {
    NGX_HTTP_MAGASIN_PLACE_ALL = 0,             /* all stores, or the centre */
    NGX_HTTP_MAGASIN_PLACE_NONE,                /* no store at all */
    NGX_HTTP_MAGASIN_PLACE_PATH,                /* the first id of the path */
    NGX_HTTP_MAGASIN_PLACE_VALUE,               /* ctx->place, or else the first
                                                   parameter of the statement;
                                                   NULL: all */
    NGX_HTTP_MAGASIN_PLACE_ROW,                 /* the column magasin_id, or
                                                   vers_id, of the row that
                                                   was read */
    NGX_HTTP_MAGASIN_PLACE_FUNCTION             /* the statement's function
                                                   checks it */
} ngx_http_magasin_place_e;


/* One row of THE table; see ngx_http_magasin_routes.c. */
struct ngx_http_magasin_endpoint_s {
    ngx_str_t                      name;        /* in logs and cache keys */
    ngx_uint_t                     method;
    ngx_str_t                      path;        /* {id}: digits */
    ngx_str_t                      title;       /* the name OPTIONS returns */
    const char                    *scope;       /* NULL: no token is needed,
                                                   or "lecture" where
                                                   magasin_read is on; "":
                                                   any token */
    const char                    *other;       /* a scope that does instead,
                                                   where the place needs it:
                                                   bind or the function
                                                   checks; or NULL */
    ngx_http_magasin_place_e       place;
    ngx_uint_t                     open;        /* 1: also there */
    ngx_uint_t                     statement;
    ngx_http_magasin_pg_class_e    class;
    ngx_http_magasin_bind_pt       bind;
    ngx_http_magasin_render_pt     render;
    ngx_http_magasin_bind_pt       failed;
    const void                    *spec;        /* for bind and render */
    ngx_uint_t                     live;        /* 1: a 200 has no end: see
                                                   feed/ */
    ngx_uint_t                     rows;        /* 1: the body is a batch of
                                                   rows; so is a 200 */
    const char                    *table;       /* a list: its columns as CSV,
                                                   with commas; or NULL */
    ngx_uint_t                     extra;       /* 1: the reference does not
                                                   have this method here */

    const char                    *page;        /* the parameter in links */

    /* the cache */
    ngx_http_magasin_tag_spec_t    reads[NGX_HTTP_MAGASIN_ENDPOINT_TAGS];
    ngx_http_magasin_touch_pt      touch;
    ngx_uint_t                     refusal;     /* 1: rejected writes call
                                                   touch, too */
};


/*
 * A path of the table with everything that is needed before the method is
 * known.  It owns its texts: the table belongs to the process, and outlives
 * the pool of a configuration that was read but not applied.
 */
typedef struct ngx_http_magasin_route_s  ngx_http_magasin_route_t;

struct ngx_http_magasin_route_s {
    ngx_str_t                      path;
    ngx_http_magasin_route_t      *next;        /* in the same bucket */
    size_t                         segment;     /* bytes up to the end of the
                                                   first segment */
    ngx_uint_t                     again;       /* 1: so far the same as the
                                                   route before it */
    ngx_str_t                      allow;       /* the value of the header */
    ngx_str_t                      reference_allow;    /* without .extra */
    ngx_http_magasin_endpoint_t   *endpoints;   /* adjacent rows */
    ngx_uint_t                     nendpoints;
    u_char                         text[2][NGX_HTTP_MAGASIN_ALLOW];
};


/*
 * The progress of the answer to a request.
 *
 *     OPEN ------> WHOLE ------> LAST            it is sent at once
 *      |  \         ^  \           ^
 *      |   GATHERING   STREAMING --+             piece by piece
 *      +--------------->
 *
 * OPEN to GATHERING: the first rows are rendered, more follow, and the cache
 * needs all of them (read.c).
 *
 * GATHERING to OPEN: the answer has become too large for the cache.
 *
 * OPEN or GATHERING to WHOLE: the last rows are rendered, or reply_begin() has
 * replaced the answer.
 *
 * OPEN or WHOLE to STREAMING or LAST: reply_send() sends the header.
 *
 * STREAMING to LAST: ctx->json contains the last bytes.
 *
 * REPLACING and REPLACED: nginx has made an error page, possibly instead of an
 * answer of the API (416).  errors.c sends another body in its place.
 */
typedef enum {
    NGX_HTTP_MAGASIN_ANSWER_OPEN = 0,           /* rows will follow */
    NGX_HTTP_MAGASIN_ANSWER_GATHERING,          /* some rows are rendered */
    NGX_HTTP_MAGASIN_ANSWER_WHOLE,              /* all rows are rendered */
    NGX_HTTP_MAGASIN_ANSWER_STREAMING,          /* the header was sent */
    NGX_HTTP_MAGASIN_ANSWER_LAST,               /* the last bytes are sent */
    NGX_HTTP_MAGASIN_ANSWER_REPLACING,
    NGX_HTTP_MAGASIN_ANSWER_REPLACED
} ngx_http_magasin_answer_e;


struct ngx_http_magasin_ctx_s {
    ngx_http_request_t            *request;
    ngx_http_magasin_route_t      *route;       /* of `uri`; NULL: none */
    ngx_str_t                      uri;         /* data NULL: not yet routed */
    ngx_str_t                      path;        /* of `uri`, without the prefix
                                                   of the location */
    ngx_http_magasin_endpoint_t   *endpoint;

    ngx_http_magasin_id_t          ids[NGX_HTTP_MAGASIN_MAX_IDS];
    ngx_array_t                   *query;       /* of pair_t */
    ngx_http_magasin_header_t      headers[NGX_HTTP_MAGASIN_HEADERS];
    ngx_http_magasin_body_t        body;
    ngx_str_t                      token;       /* its id; NUL-terminated */
    ngx_str_t                      scopes;      /* of the token */
    ngx_str_t                      stores;      /* of the token, if bound */
    time_t                         expires;     /* of the token; 0: never */
    ngx_str_t                      challenge;   /* of a 401; empty: "Token" */
    ngx_http_magasin_refused_e     refused;     /* why no token was accepted */
    ngx_uint_t                     generation;  /* of the list of tokens; 0:
                                                   not looked up yet */
    const char                    *place;       /* a store that is not the first
                                                   value; "": all; or NULL */
    const char                    *key;         /* Idempotency-Key, or NULL */
    const char                    *digest;      /* of the keyed request */

    ngx_http_magasin_pg_job_t      job;
    uint64_t                       started;     /* us, of the last statement */
    uint64_t                       database;    /* us in statements so far */
    uint64_t                       redis;       /* us in Redis commands */
    char                           cause[NGX_HTTP_MAGASIN_CAUSE];   /* NUL */

    ngx_http_magasin_json_t        json;        /* the body of the answer */
    size_t                         rest;        /* bytes after json, which are
                                                   in the cache */
    ngx_http_magasin_packed_t      packed;      /* of the gzip form */
    void                          *packer;      /* makes it; see gzip.c */
    ngx_uint_t                     status;
    ngx_uint_t                     page;        /* the status whose error_page
                                                   this request is */
    ngx_str_t                      etag;        /* with its quotation marks */
    ngx_str_t                      link;        /* the value of the header */
    ngx_http_magasin_link_t        links[NGX_HTTP_MAGASIN_LINKS];
    ngx_uint_t                     nlinks;      /* not inserted yet */
    ngx_str_t                      detail;      /* the text of an error */
    ngx_str_t                      members;     /* further ones of an error */
    const char                    *field;       /* the name whose errors are
                                                   being written */
    ngx_uint_t                     rows;        /* rendered so far */
    void                          *state;       /* of the endpoint */
    void                          *table;       /* makes CSV; see table.c */
    void                          *batch;       /* reads rows; see batch.c */

    ngx_http_magasin_cache_e       cache_state;
    ngx_http_magasin_cache_read_t *cached;      /* a read of the cache */
    ngx_http_magasin_cache_write_t
                                  *writing;     /* the invalidation running */
    ngx_msec_t                     valid_for;   /* 0: as configured */
    time_t                         age;         /* seconds; of a stale one */

    ngx_http_magasin_answer_e      answer;

    unsigned                       collected:1; /* `headers` is set */
    unsigned                       stripped:1;  /* `path` is shorter */
    unsigned                       conditional:1;   /* bind took conditions */
    unsigned                       fields:1;    /* the error is by fields */
    unsigned                       bound:1;     /* the asker has `stores` */
    unsigned                       limited:1;   /* and they count here */
    unsigned                       uncached:1;  /* bind: the answer depends on
                                                   more than its tags */
    unsigned                       personal:1;  /* no shared cache may keep
                                                   the answer */
    unsigned                       identity:1;  /* `token` is an identity */
    unsigned                       is_packed:1; /* the body is the gzip form */
    unsigned                       open:1;      /* and lacks its trailer */
    unsigned                       live:1;      /* the answer has no end */
};


/* The header of the answer was sent. */

#define ngx_http_magasin_begun(ctx)                                           \
    ((ctx)->answer == NGX_HTTP_MAGASIN_ANSWER_STREAMING                       \
     || (ctx)->answer == NGX_HTTP_MAGASIN_ANSWER_LAST)


/* No more rows will follow. */

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

/* target.c */
ngx_int_t ngx_http_magasin_authority(ngx_http_request_t *r, ngx_str_t *host);
ngx_uint_t ngx_http_magasin_authority_valid(ngx_http_request_t *r);
char *ngx_http_magasin_base(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_uint_t ngx_http_magasin_base_strip(ngx_http_request_t *r,
    ngx_str_t *path);
ngx_int_t ngx_http_magasin_base_add(ngx_http_request_t *r, ngx_str_t *path);
ngx_int_t ngx_http_magasin_public_path(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *path);

/* negotiate.c */
ngx_uint_t ngx_http_magasin_acceptable(ngx_http_request_t *r,
    ngx_uint_t also);
ngx_uint_t ngx_http_magasin_wants_problem(ngx_http_request_t *r);
ngx_uint_t ngx_http_magasin_wants_fresh(ngx_http_request_t *r);
ngx_str_t *ngx_http_magasin_content_coding(ngx_http_request_t *r);
ngx_str_t *ngx_http_magasin_header(ngx_http_request_t *r,
    ngx_http_magasin_header_e which);
void ngx_http_magasin_headers(ngx_http_request_t *r,
    ngx_http_magasin_header_e which, ngx_http_magasin_headers_t *headers);
ngx_str_t *ngx_http_magasin_headers_next(ngx_http_magasin_headers_t *headers);

/* prefer.c */
ngx_uint_t ngx_http_magasin_prefers_csv(ngx_http_request_t *r);
ngx_uint_t ngx_http_magasin_prefers_openmetrics(ngx_http_request_t *r);

/* trace.c */
ngx_int_t ngx_http_magasin_trace_init(ngx_conf_t *cf);
ngx_int_t ngx_http_magasin_trace_parent(ngx_http_request_t *r,
    ngx_str_t *id);
ngx_http_variable_value_t *ngx_http_magasin_trace_id(ngx_http_request_t *r);

/* address.c */
ngx_int_t ngx_http_magasin_address_init(ngx_conf_t *cf);
char *ngx_http_magasin_exempt(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* request_id.c */
ngx_int_t ngx_http_magasin_request_id_init(ngx_conf_t *cf);
ngx_http_variable_value_t *ngx_http_magasin_request_id(ngx_http_request_t *r);


#endif /* _NGX_HTTP_MAGASIN_H_INCLUDED_ */
