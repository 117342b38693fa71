
/*
 * The content coding of an answer: which one the client accepts, and what the
 * header says of it.  The only coding is gzip.
 */


#include "ngx_http_magasin_reply.h"


/* A qvalue in thousandths. */
#define NGX_HTTP_MAGASIN_Q_ONE    1000
#define NGX_HTTP_MAGASIN_Q_NONE   0
#define NGX_HTTP_MAGASIN_Q_UNSET  (-1)


/* What Accept-Encoding says of the codings that matter here. */
typedef struct {
    ngx_int_t  gzip;
    ngx_int_t  identity;
    ngx_int_t  others;          /* "*" */
} ngx_http_magasin_codings_t;


static void ngx_http_magasin_codings(ngx_http_request_t *r,
    ngx_http_magasin_codings_t *codings);
static void ngx_http_magasin_coding(ngx_http_magasin_codings_t *codings,
    u_char *p, u_char *end);
static ngx_int_t ngx_http_magasin_coding_q(u_char *p, u_char *end);
static ngx_uint_t ngx_http_magasin_coding_allowed(ngx_http_request_t *r);
static ngx_int_t ngx_http_magasin_coding_etag(ngx_http_magasin_ctx_t *ctx);


/*
 * Returns the size in bytes from which this request prefers bodies in their
 * gzip form.  Returns 0 if it prefers none, or if the configuration, which
 * includes nginx's directives on gzip, forbids it.
 */

size_t
ngx_http_magasin_gzip_from(ngx_http_request_t *r)
{
    ngx_int_t                           q;
    ngx_http_magasin_codings_t          codings;
    ngx_http_magasin_reply_loc_conf_t  *rlcf;

    if (r->headers_in.accept_encoding == NULL || r != r->main) {
        return 0;
    }

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_reply_module);

    if (!rlcf->gzip) {
        return 0;
    }

    ngx_http_magasin_codings(r, &codings);

    q = codings.gzip == NGX_HTTP_MAGASIN_Q_UNSET ? codings.others
                                                 : codings.gzip;

    /* A coding that is not named is the least preferred one. */

    if (q <= NGX_HTTP_MAGASIN_Q_NONE || q < codings.identity
        || !ngx_http_magasin_coding_allowed(r))
    {
        return 0;
    }

    if (codings.identity == NGX_HTTP_MAGASIN_Q_NONE
        || (codings.identity == NGX_HTTP_MAGASIN_Q_UNSET
            && codings.others == NGX_HTTP_MAGASIN_Q_NONE))
    {
        return 1;
    }

    return ngx_max(rlcf->gzip_min_length, 1);
}


/* Reads all Accept-Encoding headers. */

static void
ngx_http_magasin_codings(ngx_http_request_t *r,
    ngx_http_magasin_codings_t *codings)
{
    u_char                      *p, *end, *next;
    ngx_str_t                   *value;
    ngx_http_magasin_headers_t   headers;

    codings->gzip = NGX_HTTP_MAGASIN_Q_UNSET;
    codings->identity = NGX_HTTP_MAGASIN_Q_UNSET;
    codings->others = NGX_HTTP_MAGASIN_Q_UNSET;

    ngx_http_magasin_headers(r, NGX_HTTP_MAGASIN_HEADER_ACCEPT_ENCODING,
                             &headers);

    while ((value = ngx_http_magasin_headers_next(&headers)) != NULL) {
        end = value->data + value->len;

        for (p = value->data; p < end; p = next + 1) {

            if (*p == ',' || *p == ' ' || *p == '\t') {
                next = p;
                continue;
            }

            next = ngx_strlchr(p, end, ',');
            next = next ? next : end;

            ngx_http_magasin_coding(codings, p, next);
        }
    }
}


/* Reads one element, which does not begin with a space. */

static void
ngx_http_magasin_coding(ngx_http_magasin_codings_t *codings, u_char *p,
    u_char *end)
{
    size_t      len;
    u_char     *stop;
    ngx_int_t   q;

    for (stop = p; stop < end; stop++) {
        if (*stop == ';' || *stop == ' ' || *stop == '\t') {
            break;
        }
    }

    len = stop - p;

    if (len == 1 && *p == '*') {
        codings->others = ngx_http_magasin_coding_q(stop, end);

    } else if ((len == 4 && ngx_strncasecmp(p, (u_char *) "gzip", 4) == 0)
               || (len == 6 && ngx_strncasecmp(p, (u_char *) "x-gzip", 6)
                               == 0))
    {
        q = ngx_http_magasin_coding_q(stop, end);
        codings->gzip = ngx_max(codings->gzip, q);

    } else if (len == 8 && ngx_strncasecmp(p, (u_char *) "identity", 8) == 0) {
        codings->identity = ngx_http_magasin_coding_q(stop, end);
    }
}


/*
 * Returns the weight after a coding in thousandths.  Without one it is 1.  An
 * invalid one counts as 0, so that it selects nothing.
 */

static ngx_int_t
ngx_http_magasin_coding_q(u_char *p, u_char *end)
{
    ngx_int_t  q, digit;

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    if (p == end) {
        return NGX_HTTP_MAGASIN_Q_ONE;
    }

    if (*p++ != ';') {
        return NGX_HTTP_MAGASIN_Q_NONE;
    }

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    if (end - p < 3 || (*p | 0x20) != 'q' || p[1] != '='
        || (p[2] != '0' && p[2] != '1'))
    {
        return NGX_HTTP_MAGASIN_Q_NONE;
    }

    q = (p[2] - '0') * NGX_HTTP_MAGASIN_Q_ONE;
    p += 3;

    if (p < end && *p == '.') {
        p++;

        for (digit = 100; p < end && *p >= '0' && *p <= '9'; p++) {
            q += (*p - '0') * digit;
            digit /= 10;
        }
    }

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    return p == end && q <= NGX_HTTP_MAGASIN_Q_ONE ? q
                                                   : NGX_HTTP_MAGASIN_Q_NONE;
}


/*
 * Do gzip_http_version, gzip_proxied and gzip_disable allow gzip?  1 or 0.
 * nginx knows no "*", so it is asked about a client that names gzip.
 */

static ngx_uint_t
ngx_http_magasin_coding_allowed(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_table_elt_t        *accepted;
    static ngx_table_elt_t  gzip = { .value = ngx_string("gzip") };

    if (r->gzip_tested) {
        return r->gzip_ok;
    }

    accepted = r->headers_in.accept_encoding;

    r->headers_in.accept_encoding = &gzip;
    rc = ngx_http_gzip_ok(r);
    r->headers_in.accept_encoding = accepted;

    return rc == NGX_OK;
}


/*
 * Adds the headers of the coding: Content-Encoding, and Vary to every answer
 * of which the cache may have both forms.  The entity tag of a gzip form is
 * that of the answer with a suffix.  Returns NGX_OK, or NGX_ERROR if memory
 * cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_coding_headers(ngx_http_magasin_ctx_t *ctx)
{
    ngx_table_elt_t                    *header;
    ngx_http_request_t                 *r;
    ngx_http_core_loc_conf_t           *clcf;
    ngx_http_magasin_reply_loc_conf_t  *rlcf;
    static ngx_str_t                    vary = ngx_string("Accept-Encoding");

    if (ctx->cached == NULL || ctx->status != NGX_HTTP_OK) {
        return NGX_OK;
    }

    r = ctx->request;
    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_reply_module);

    if (!rlcf->gzip
        || (!ctx->is_packed
            && ctx->json.size + ctx->rest < rlcf->gzip_min_length))
    {
        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->gzip_vary) {

        /* nginx adds it, once, also where its filter compresses. */

        r->gzip_vary = 1;

    } else if (ngx_http_magasin_reply_header(r, "Vary", &vary) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ctx->is_packed) {
        return NGX_OK;
    }

    header = ngx_list_push(&r->headers_out.headers);
    if (header == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(header, sizeof(ngx_table_elt_t));

    header->hash = 1;
    ngx_str_set(&header->key, "Content-Encoding");
    ngx_str_set(&header->value, "gzip");

    r->headers_out.content_encoding = header;

    return ngx_http_magasin_coding_etag(ctx);
}


/*
 * Returns the length of the suffix of the tag from `p` to `end`, which has no
 * closing mark: 0 if it is not that of a gzip form.
 */

size_t
ngx_http_magasin_etag_suffix(u_char *p, u_char *end)
{
    return (size_t) (end - p) > NGX_HTTP_MAGASIN_ETAG_GZIP_LEN
           && ngx_memcmp(end - NGX_HTTP_MAGASIN_ETAG_GZIP_LEN,
                         NGX_HTTP_MAGASIN_ETAG_GZIP,
                         NGX_HTTP_MAGASIN_ETAG_GZIP_LEN)
              == 0
           ? NGX_HTTP_MAGASIN_ETAG_GZIP_LEN : 0;
}


/*
 * Makes the entity tag of the gzip form of that of the answer.  Returns
 * NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

static ngx_int_t
ngx_http_magasin_coding_etag(ngx_http_magasin_ctx_t *ctx)
{
    u_char  *p;

    p = ngx_pnalloc(ctx->request->pool,
                    ctx->etag.len + NGX_HTTP_MAGASIN_ETAG_GZIP_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, ctx->etag.data, ctx->etag.len - 1);
    ngx_memcpy(p + ctx->etag.len - 1, NGX_HTTP_MAGASIN_ETAG_GZIP "\"",
               NGX_HTTP_MAGASIN_ETAG_GZIP_LEN + 1);

    ctx->etag.data = p;
    ctx->etag.len += NGX_HTTP_MAGASIN_ETAG_GZIP_LEN;

    return NGX_OK;
}
