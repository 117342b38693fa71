
/*
 * Converts members of a body and parameters of a query into typed and
 * validated parameters of a statement, and reports errors by field.
 */


#ifndef _NGX_HTTP_MAGASIN_MEMBERS_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_MEMBERS_H_INCLUDED_


#include "ngx_http_magasin.h"


typedef enum {
    NGX_HTTP_MAGASIN_MEMBER_TEXT = 0,
    NGX_HTTP_MAGASIN_MEMBER_PRICE,      /* numeric(10,2), not negative */
    NGX_HTTP_MAGASIN_MEMBER_INTEGER,    /* from min to max */
    NGX_HTTP_MAGASIN_MEMBER_ID,         /* a bigint greater than 0 */
    NGX_HTTP_MAGASIN_MEMBER_BOOLEAN,
    NGX_HTTP_MAGASIN_MEMBER_INSTANT,    /* only of a query */
    NGX_HTTP_MAGASIN_MEMBER_DATE,
    NGX_HTTP_MAGASIN_MEMBER_CHOICE,     /* only of a query */
    NGX_HTTP_MAGASIN_MEMBER_OTHER       /* parsed by the endpoint */
} ngx_http_magasin_member_e;


/* Tables of members end with a NULL name. */
typedef struct {
    const char                 *name;
    ngx_http_magasin_member_e   type;
    int64_t                     min;
    int64_t                     max;        /* of a text: code points; 0: any */
    const char *const          *choices;    /* NULL terminated */
    const char                 *instead;    /* a member that may stand in its
                                               place; never both.  NULL */
    unsigned                    required:1;
    unsigned                    blank:1;    /* a text may be "" */
    unsigned                    null:1;     /* null is _value_null */
} ngx_http_magasin_member_t;


typedef void (*ngx_http_magasin_complain_pt)(void *data, const char *name,
    const char *message);


/* members.c */
ngx_int_t ngx_http_magasin_members_root(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_members_read(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, const char **values);
ngx_int_t ngx_http_magasin_members_of(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, const ngx_http_magasin_member_t *members,
    const char **values, ngx_http_magasin_complain_pt complain, void *data);
ngx_uint_t ngx_http_magasin_members_known(
    const ngx_http_magasin_member_t *members, const char *name, size_t len);
ngx_int_t ngx_http_magasin_members_bind(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, const char **values);
void ngx_http_magasin_members_unknown(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members);
ngx_int_t ngx_http_magasin_members_end(ngx_http_magasin_ctx_t *ctx);
ngx_int_t ngx_http_magasin_query_read(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_member_t *members, const char **values);
void ngx_http_magasin_members_error(ngx_http_magasin_ctx_t *ctx,
    const char *name, const char *message);
void ngx_http_magasin_members_complain(void *data, const char *name,
    const char *message);
void ngx_http_magasin_members_open(ngx_http_magasin_ctx_t *ctx,
    const char *name, size_t len);

/* texts.c */
ngx_int_t ngx_http_magasin_texts_read(ngx_http_magasin_ctx_t *ctx,
    const char *name, ngx_uint_t most, ngx_uint_t length, const char **value);
const char *ngx_http_magasin_array(ngx_pool_t *pool, const char **values,
    ngx_uint_t n);

/* values.c */
extern const char  ngx_http_magasin_value_null[];

ngx_int_t ngx_http_magasin_value(ngx_http_request_t *r,
    const ngx_http_magasin_member_t *member, ngx_http_magasin_field_t *field,
    const char **value, ngx_http_magasin_complain_pt complain, void *data);
u_char *ngx_http_magasin_value_copy(ngx_pool_t *pool, ngx_str_t *text);
ngx_uint_t ngx_http_magasin_instant_valid(u_char *p, u_char *end);


#endif /* _NGX_HTTP_MAGASIN_MEMBERS_H_INCLUDED_ */
