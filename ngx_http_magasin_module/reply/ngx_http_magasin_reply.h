
/* Status, headers and the bodies of errors. */


#ifndef _NGX_HTTP_MAGASIN_REPLY_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_REPLY_H_INCLUDED_


#include "ngx_http_magasin.h"


typedef struct {
    unsigned                       error_pages:1;   /* of some location */
    unsigned                       headers:1;       /* of some location */
} ngx_http_magasin_reply_main_conf_t;


typedef struct {
    ngx_flag_t                     json_errors;
    ngx_flag_t                     server_timing;
    ngx_flag_t                     gzip;
    size_t                         gzip_min_length;
    ngx_int_t                      gzip_comp_level;
    ngx_array_t                   *headers;     /* of ngx_table_elt_t, to be
                                                   copied; or NULL */
    ngx_array_t                   *header_values;   /* which depend on the
                                                   request; see headers.c */
} ngx_http_magasin_reply_loc_conf_t;


/* The gzip form was made, or there will be none. */
typedef void (*ngx_http_magasin_gzip_pt)(ngx_http_magasin_ctx_t *ctx,
    ngx_int_t rc);


extern ngx_module_t  ngx_http_magasin_reply_module;


ngx_int_t ngx_http_magasin_reply_send(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_reply_detail(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status, ngx_str_t *detail);
ngx_int_t ngx_http_magasin_reply_members(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status, ngx_str_t *detail, ngx_str_t *members);
ngx_int_t ngx_http_magasin_reply_status(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status);
ngx_int_t ngx_http_magasin_reply_resource(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status, ngx_str_t *message, ngx_str_t *path);
void ngx_http_magasin_reply_whole(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_reply_begin(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status);

ngx_int_t ngx_http_magasin_reply_missing(ngx_http_magasin_ctx_t *ctx,
    const char *what, ngx_http_magasin_id_t *id);

ngx_str_t *ngx_http_magasin_reply_text(ngx_uint_t status);

/* links.c */
void ngx_http_magasin_link_add(ngx_http_magasin_ctx_t *ctx, ngx_str_t *value,
    ngx_uint_t header);
ngx_int_t ngx_http_magasin_links_pack(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *text);
ngx_uint_t ngx_http_magasin_links_safe(ngx_str_t *text);
ngx_int_t ngx_http_magasin_links_unpack(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *text, size_t size);
ngx_int_t ngx_http_magasin_links_render(ngx_http_magasin_ctx_t *ctx);

/* validator.c */
ngx_int_t ngx_http_magasin_reply_validator(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_reply_tag(ngx_http_magasin_ctx_t *ctx,
    u_char *digest);

/* pieces.c */
ngx_int_t ngx_http_magasin_reply_piece(ngx_http_magasin_ctx_t *ctx);

/* coding.c */
size_t ngx_http_magasin_gzip_from(ngx_http_request_t *r);
ngx_int_t ngx_http_magasin_coding_headers(ngx_http_magasin_ctx_t *ctx);
size_t ngx_http_magasin_etag_suffix(u_char *p, u_char *end);

/* gzip.c */
ngx_int_t ngx_http_magasin_gzip(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_gzip_pt done);
void ngx_http_magasin_gzip_close(ngx_http_magasin_ctx_t *ctx);
size_t ngx_http_magasin_gzip_head_size(size_t front);
void ngx_http_magasin_gzip_head(ngx_http_magasin_ctx_t *ctx, ngx_str_t *front,
    size_t room);
void ngx_http_magasin_gzip_seal(ngx_http_magasin_ctx_t *ctx);

/* table.c */
ngx_int_t ngx_http_magasin_table_begin(ngx_http_magasin_ctx_t *ctx,
    const char *names);
void ngx_http_magasin_table_open(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_table_close(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_table_headers(ngx_http_magasin_ctx_t *ctx);

/* timing.c */
ngx_int_t ngx_http_magasin_server_timing(ngx_http_magasin_ctx_t *ctx);

/* headers.c */
ngx_table_elt_t *ngx_http_magasin_reply_element(ngx_http_request_t *r);
ngx_int_t ngx_http_magasin_reply_header(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);
char *ngx_http_magasin_header_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
void ngx_http_magasin_headers_init(void);

/* errors.c */
void ngx_http_magasin_errors_init(void);
ngx_int_t ngx_http_magasin_errors_phases(ngx_conf_t *cf);

/* precondition.c */
ngx_int_t ngx_http_magasin_precondition(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_undated(ngx_http_request_t *r);

/* problem.c */
ngx_str_t *ngx_http_magasin_problem_type(ngx_http_magasin_ctx_t *ctx);


#endif /* _NGX_HTTP_MAGASIN_REPLY_H_INCLUDED_ */
