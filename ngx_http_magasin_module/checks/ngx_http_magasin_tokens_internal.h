
/*
 * The tokens of a worker.  tokens_file.c reads a file of tokens, rights.c what
 * a token may, tokens.c keeps the list of a worker up to date, auth.c looks up
 * tokens, identity.c asks nginx who it is.
 */


#ifndef _NGX_HTTP_MAGASIN_TOKENS_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_TOKENS_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_checks.h"

#include <openssl/evp.h>


#define NGX_HTTP_MAGASIN_DIGEST        32

/*
 * The limit of the reason why a file is rejected, in bytes.  It includes a NUL
 * and does not include the name of the file.
 */
#define NGX_HTTP_MAGASIN_TOKENS_ERROR  256


typedef struct {
    ngx_str_t                            id;
    ngx_str_t                            scopes;    /* "a,b,c" */
    ngx_str_t                            stores;    /* "1,4"; if bound */
    time_t                               expires;   /* the second after the
                                                       last one; 0: none */
    ngx_uint_t                           line;      /* of the file */
    u_char                               digest[NGX_HTTP_MAGASIN_DIGEST];
    unsigned                             demonstration:1;
    unsigned                             bound:1;   /* to `stores` */
} ngx_http_magasin_token_t;


/* The attributes that distinguish two versions of a file. */
typedef struct {
    dev_t                                device;
    ngx_file_uniq_t                      uniq;
    off_t                                size;
    mode_t                               mode;
    struct timespec                      modified;
    struct timespec                      changed;
} ngx_http_magasin_tokens_version_t;


/* A file that was read.  Its texts are in the pool that it was read into. */
typedef struct {
    ngx_str_t                            text;
    ngx_array_t                         *list;      /* of token_t */
    ngx_http_magasin_tokens_version_t    version;
    u_char                               error[NGX_HTTP_MAGASIN_TOKENS_ERROR];
} ngx_http_magasin_tokens_file_t;


struct ngx_http_magasin_tokens_s {
    ngx_str_t                            file;
    ngx_pool_t                          *pool;      /* of the current list */
    ngx_str_t                            text;      /* source of the list */
    ngx_array_t                         *list;      /* NULL: never read */
    ngx_uint_t                           generation;    /* of the list */
    time_t                               loaded;    /* 0: never */
    EVP_MD                              *sha256;    /* fetched once, because
                                                       that is slow */
    EVP_MD_CTX                          *context;
    ngx_log_t                           *log;
    ngx_event_t                          timer;
    ngx_http_magasin_checks_counters_t  *counters;  /* NULL: no zone */
    time_t                               told;      /* last message about the
                                                       demonstration's token */
    ngx_http_magasin_tokens_version_t    version;   /* if settled */
    u_char                               error[NGX_HTTP_MAGASIN_TOKENS_ERROR];
    unsigned                             settled:1; /* the version is final;
                                                       see TOKENS_SETTLE */
};


/* auth.c */
void ngx_http_magasin_nobody(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_auth_count(ngx_http_request_t *r,
    ngx_http_magasin_refused_e reason);

/* identity.c */
char *ngx_http_magasin_identity(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_magasin_identity_ask(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_identity_t *identity);

/* tokens_line.c */
const char *ngx_http_magasin_tokens_line(ngx_str_t *line,
    ngx_http_magasin_token_t *token);

/* rights.c */
const char *ngx_http_magasin_rights_scopes(ngx_str_t *scopes);
const char *ngx_http_magasin_rights_stores(ngx_str_t *stores);
const char *ngx_http_magasin_rights_expire(ngx_str_t *day, time_t *expires);
ngx_uint_t ngx_http_magasin_rights_have(ngx_str_t *list, const char *item);

/* tokens.c */
ngx_http_magasin_tokens_t *ngx_http_magasin_tokens_create(ngx_cycle_t *cycle,
    ngx_http_magasin_checks_main_conf_t *cmcf);
char *ngx_http_magasin_tokens_check(ngx_conf_t *cf, ngx_str_t *name,
    ngx_array_t **list);
void ngx_http_magasin_tokens_destroy(ngx_http_magasin_tokens_t *tokens);

/* tokens_file.c */
void ngx_http_magasin_tokens_version(ngx_http_magasin_tokens_version_t *version,
    ngx_file_info_t *fi);
ngx_int_t ngx_http_magasin_tokens_read(ngx_pool_t *pool, ngx_str_t *name,
    ngx_http_magasin_tokens_file_t *file);
ngx_int_t ngx_http_magasin_tokens_parse(ngx_pool_t *pool,
    ngx_http_magasin_tokens_file_t *file);


#endif /* _NGX_HTTP_MAGASIN_TOKENS_INTERNAL_H_INCLUDED_ */
