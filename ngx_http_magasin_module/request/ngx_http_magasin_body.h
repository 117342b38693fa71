
/* Request bodies (JSON, form or multipart) as one set of named fields. */


#ifndef _NGX_HTTP_MAGASIN_BODY_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_BODY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <jansson.h>


typedef enum {
    NGX_HTTP_MAGASIN_FIELD_ABSENT = 0,
    NGX_HTTP_MAGASIN_FIELD_NULL,
    NGX_HTTP_MAGASIN_FIELD_TEXT,        /* text: UTF-8; may contain NUL */
    NGX_HTTP_MAGASIN_FIELD_NUMBER,      /* text: its shortest decimal */
    NGX_HTTP_MAGASIN_FIELD_OTHER        /* list, object or file; true and
                                           false with these words as text */
} ngx_http_magasin_field_e;


typedef struct {
    ngx_http_magasin_field_e   type;
    ngx_str_t                  text;
    uint32_t                   surrogate;   /* the first unpaired one, or 0 */
} ngx_http_magasin_field_t;


typedef enum {
    NGX_HTTP_MAGASIN_BODY_NONE = 0,     /* empty; read as an empty object */
    NGX_HTTP_MAGASIN_BODY_JSON,
    NGX_HTTP_MAGASIN_BODY_FORM,
    NGX_HTTP_MAGASIN_BODY_MULTIPART,
    NGX_HTTP_MAGASIN_BODY_CSV,          /* these two: rows of a batch */
    NGX_HTTP_MAGASIN_BODY_NDJSON,
    NGX_HTTP_MAGASIN_BODY_UNKNOWN
} ngx_http_magasin_body_e;


typedef struct {
    ngx_http_magasin_body_e    type;
    json_t                    *root;    /* of a JSON body; freed by the pool */
    ngx_array_t               *pairs;   /* of a form: text fields */
    ngx_array_t               *files;   /* of a form: names of file parts */
    ngx_str_t                  error;   /* why parsing failed */
    unsigned                   rescued:1;   /* see body_json.c */
} ngx_http_magasin_body_t;


ngx_http_magasin_body_e ngx_http_magasin_body_type(ngx_http_request_t *r);
ngx_int_t ngx_http_magasin_body_read(ngx_http_request_t *r, ngx_str_t *text);
ngx_int_t ngx_http_magasin_body_parse(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, ngx_str_t *text);
ngx_int_t ngx_http_magasin_body_field(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, const char *name, ngx_uint_t blank,
    ngx_http_magasin_field_t *field);
ngx_int_t ngx_http_magasin_body_value(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, json_t *value,
    ngx_http_magasin_field_t *field);

/* body_json.c */
ngx_int_t ngx_http_magasin_body_json_parse(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, ngx_str_t *text);
ngx_uint_t ngx_http_magasin_body_json_values(ngx_str_t *text);
void ngx_http_magasin_body_json_rescued(ngx_http_magasin_field_t *field);

/* multipart.c */
ngx_int_t ngx_http_magasin_multipart_parse(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, ngx_str_t *text);


#endif /* _NGX_HTTP_MAGASIN_BODY_H_INCLUDED_ */
