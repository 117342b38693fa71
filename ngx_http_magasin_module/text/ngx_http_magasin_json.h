
/*
 * An append-only JSON writer into a growing chain of buffers.
 *
 * The functions that write return no error.  If memory cannot be allocated,
 * the writer sets json->failed and ignores all further writes.  The caller
 * checks json->failed once, after the last write.
 */


#ifndef _NGX_HTTP_MAGASIN_JSON_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_pool_t    *pool;
    ngx_chain_t   *first;
    ngx_chain_t   *last;        /* the link that is written to */
    size_t         size;        /* bytes written since the last reset */
    unsigned       failed:1;
    unsigned       comma:1;     /* a value precedes */
} ngx_http_magasin_json_t;


void ngx_http_magasin_json_init(ngx_http_magasin_json_t *json,
    ngx_pool_t *pool);
void ngx_http_magasin_json_reset(ngx_http_magasin_json_t *json);
void ngx_http_magasin_json_trim(ngx_http_magasin_json_t *json, size_t size);
void ngx_http_magasin_json_free(ngx_http_magasin_json_t *json);

void ngx_http_magasin_json_take(ngx_http_magasin_json_t *json,
    ngx_str_t *text);
u_char *ngx_http_magasin_json_front(ngx_http_magasin_json_t *json, size_t len);
void ngx_http_magasin_json_replace(ngx_http_magasin_json_t *json, size_t len,
    ngx_str_t *front);
ngx_uint_t ngx_http_magasin_json_is_plain(ngx_str_t *text);
u_char *ngx_http_magasin_json_write(u_char *p, ngx_str_t *text,
    ngx_uint_t plain);
void ngx_http_magasin_json_raw(ngx_http_magasin_json_t *json,
    const void *data, size_t len);
void ngx_http_magasin_json_open(ngx_http_magasin_json_t *json, u_char bracket);
void ngx_http_magasin_json_close(ngx_http_magasin_json_t *json,
    u_char bracket);
void ngx_http_magasin_json_quoted(ngx_http_magasin_json_t *json,
    const char *name, size_t len);
void ngx_http_magasin_json_member(ngx_http_magasin_json_t *json,
    const char *name, size_t len);
void ngx_http_magasin_json_name(ngx_http_magasin_json_t *json,
    const void *data, size_t len);
void ngx_http_magasin_json_text(ngx_http_magasin_json_t *json,
    const void *data, size_t len);
void ngx_http_magasin_json_literal(ngx_http_magasin_json_t *json,
    const void *data, size_t len);
void ngx_http_magasin_json_integer(ngx_http_magasin_json_t *json, int64_t n);


/* A member name or a value that is a string literal of C. */

#define ngx_http_magasin_json_key(json, name)                                 \
    ngx_http_magasin_json_quoted(json, "\"" name "\":", sizeof(name) + 2)

#define ngx_http_magasin_json_string(json, text)                              \
    ngx_http_magasin_json_text(json, text, sizeof(text) - 1)


#endif /* _NGX_HTTP_MAGASIN_JSON_H_INCLUDED_ */
