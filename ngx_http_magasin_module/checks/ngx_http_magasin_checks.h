
/*
 * The checks of a request before its statement is sent: who asks (a token, or
 * an identity that nginx has established), which stores it touches, its origin,
 * its conditions (If-Match), and whether it was executed before
 * (Idempotency-Key).
 */


#ifndef _NGX_HTTP_MAGASIN_CHECKS_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CHECKS_H_INCLUDED_


#include "ngx_http_magasin_reply.h"


/* Before the name of an identity; an id of a token has no colon. */
#define NGX_HTTP_MAGASIN_IDENTITY_PREFIX  "identite:"


typedef struct ngx_http_magasin_tokens_s  ngx_http_magasin_tokens_t;


/*
 * Counters of a node for /metrics.  The state of the tokens is that of one
 * worker; the rejected requests are counted by all workers.
 */
typedef struct {
    ngx_atomic_t   rejected;        /* 1: the file is invalid now */
    ngx_atomic_t   number;          /* of valid tokens */
    ngx_atomic_t   loaded;          /* seconds since 1970 */
    ngx_atomic_t   refused[NGX_HTTP_MAGASIN_REFUSED];
} ngx_http_magasin_checks_counters_t;


typedef struct {
    ngx_str_t                            file;      /* the file of tokens */
    ngx_array_t                         *list;      /* as read with the
                                                       configuration */
    ngx_http_magasin_tokens_t           *tokens;    /* of this worker */
    ngx_http_magasin_checks_counters_t  *counters;  /* NULL: no zone */
    unsigned                             identities:1;  /* of some location */
} ngx_http_magasin_checks_main_conf_t;


typedef struct ngx_http_magasin_identity_s  ngx_http_magasin_identity_t;


typedef struct {
    ngx_flag_t                     demonstration;   /* its token is valid
                                                       anywhere */
    ngx_flag_t                     read;        /* reads need "lecture" */
    ngx_http_magasin_identity_t   *identity;    /* NULL: none */
    ngx_array_t                   *cors;        /* origins; NULL: off */
} ngx_http_magasin_checks_loc_conf_t;


extern ngx_module_t  ngx_http_magasin_checks_module;


/* checks_module.c */
ngx_int_t ngx_http_magasin_checks_start(ngx_cycle_t *cycle,
    ngx_http_magasin_checks_counters_t *counters);
void ngx_http_magasin_checks_stop(ngx_cycle_t *cycle);
ngx_uint_t ngx_http_magasin_askers_configured(ngx_conf_t *cf);
ngx_uint_t ngx_http_magasin_has_tokens(ngx_http_request_t *r);

/* auth.c */
ngx_int_t ngx_http_magasin_identify(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_authorize(ngx_http_magasin_ctx_t *ctx);
ngx_uint_t ngx_http_magasin_guarded(ngx_http_magasin_ctx_t *ctx);
ngx_uint_t ngx_http_magasin_allowed(ngx_http_magasin_ctx_t *ctx,
    const char *scope);
ngx_uint_t ngx_http_magasin_outdated(ngx_http_magasin_ctx_t *ctx);

/* places.c */
ngx_int_t ngx_http_magasin_place_path(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_place_value(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_place_row(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* cors.c */
char *ngx_http_magasin_cors(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_http_magasin_cors_init(void);
ngx_int_t ngx_http_magasin_cors_preflight(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_cors_foreign(ngx_http_request_t *r);

/* conditions.c */
ngx_int_t ngx_http_magasin_if_match(ngx_http_magasin_ctx_t *ctx,
    const char **tags);
ngx_int_t ngx_http_magasin_if_none_match(ngx_http_magasin_ctx_t *ctx,
    const char **tags);
ngx_int_t ngx_http_magasin_unconditional(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_idempotency(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *body);


#endif /* _NGX_HTTP_MAGASIN_CHECKS_H_INCLUDED_ */
