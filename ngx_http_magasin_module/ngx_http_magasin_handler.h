
/*
 * The path of a request through the files: handler.c (checks, body, bind),
 * dispatch.c (route, representation, method), read.c (the cache, before and
 * after the statement), statement.c (the statement and its rows), write.c
 * (invalidation by writes), stream.c (the answer, piece by piece).
 */


#ifndef _NGX_HTTP_MAGASIN_HANDLER_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_HANDLER_H_INCLUDED_


#include "ngx_http_magasin_reply.h"


/* handler.c */
ngx_int_t ngx_http_magasin_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_magasin_run(ngx_http_magasin_ctx_t *ctx, ngx_str_t *body);

/* batch.c */
ngx_int_t ngx_http_magasin_batch(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_batch_go_on(ngx_http_magasin_ctx_t *ctx);

/* routes.c */
ngx_int_t ngx_http_magasin_routes_init(ngx_log_t *log);

/* dispatch.c */
ngx_int_t ngx_http_magasin_dispatch(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_media_refused(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_encoding_refused(ngx_http_magasin_ctx_t *ctx);

/* read.c */
ngx_int_t ngx_http_magasin_read(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_gather(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_read_failed(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status);

/* statement.c */
ngx_int_t ngx_http_magasin_submit(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_unavailable(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t status);

/* write.c */
ngx_int_t ngx_http_magasin_written(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);

/* stream.c */
ngx_int_t ngx_http_magasin_stream(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_wait(ngx_http_magasin_ctx_t *ctx);
void ngx_http_magasin_finalize(ngx_http_magasin_ctx_t *ctx, ngx_int_t rc);


#endif /* _NGX_HTTP_MAGASIN_HANDLER_H_INCLUDED_ */
