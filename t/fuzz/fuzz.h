
/*
 * A fuzzer inside nginx: the module under test and libFuzzer are one shared
 * object, which the installed nginx loads.  A harness so has real
 * configurations, pools and events under it, and none of nginx is imitated.
 */


#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_members.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_text.h"

#include <sys/un.h>


/* One input.  The pool is destroyed afterwards; the data is a copy of its. */
typedef void (*fuzz_one_pt)(ngx_pool_t *pool, u_char *data, size_t size);


typedef struct {
    const char   *name;
    fuzz_one_pt   one;
} fuzz_harness_t;


/* What has to be so; libFuzzer keeps the input and ends. */

#define fuzz_assert(condition)                                                \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fuzz_failed(#condition, __FILE__, __LINE__);                      \
        }                                                                     \
    } while (0)


/* fuzz.c */
void fuzz_failed(const char *condition, const char *file, int line);
ngx_http_request_t *fuzz_request(ngx_pool_t *pool);
ngx_http_magasin_ctx_t *fuzz_endpoint(ngx_pool_t *pool, const char *path,
    ngx_uint_t method);
ngx_table_elt_t *fuzz_header(ngx_http_request_t *r, const char *name,
    u_char *data, size_t len);
void fuzz_text(ngx_str_t *text);
void fuzz_links(ngx_http_magasin_ctx_t *ctx);
u_char *fuzz_bytes(u_char *p, ngx_http_magasin_json_t *json);
json_t *fuzz_json(ngx_http_magasin_json_t *json);
json_t *fuzz_parse(char *text, size_t len);
void fuzz_errors(ngx_http_magasin_ctx_t *ctx, ngx_int_t rc);
int fuzz_listen(const char *name);
void fuzz_accept(int listener, int *fds, ngx_uint_t n);
void fuzz_turn(void);

/* harness/ */
void fuzz_json_body(ngx_pool_t *pool, u_char *data, size_t size);
void fuzz_form(ngx_pool_t *pool, u_char *data, size_t size);
void fuzz_multipart(ngx_pool_t *pool, u_char *data, size_t size);
void fuzz_query(ngx_pool_t *pool, u_char *data, size_t size);
void fuzz_cursor(ngx_pool_t *pool, u_char *data, size_t size);
void fuzz_decimal(ngx_pool_t *pool, u_char *data, size_t size);
void fuzz_tokens(ngx_pool_t *pool, u_char *data, size_t size);
void fuzz_redis(ngx_pool_t *pool, u_char *data, size_t size);
void fuzz_talk(ngx_pool_t *pool, u_char *data, size_t size);
void fuzz_pg(ngx_pool_t *pool, u_char *data, size_t size);
void fuzz_http1(ngx_pool_t *pool, u_char *data, size_t size);
void fuzz_http2(ngx_pool_t *pool, u_char *data, size_t size);


#endif /* _FUZZ_H_INCLUDED_ */
