
/*
 * Which form of an answer a client prefers: a list as JSON or CSV, the metrics
 * in the one or the other format of text.  The reference ignores q, and so does
 * the check whether there is an acceptable form at all; here q counts.
 */


#include "ngx_http_magasin.h"


/* A qvalue in thousandths. */
#define NGX_HTTP_MAGASIN_PREFER_ONE   1000
#define NGX_HTTP_MAGASIN_PREFER_NONE  (-1)

/* How specific a range is: any type, any subtype, named, with its version. */
#define NGX_HTTP_MAGASIN_PREFER_ANY      1
#define NGX_HTTP_MAGASIN_PREFER_SUBTYPE  2
#define NGX_HTTP_MAGASIN_PREFER_NAMED    3
#define NGX_HTTP_MAGASIN_PREFER_VERSION  4

/* Ranges that match a form. */
#define NGX_HTTP_MAGASIN_PREFER_RANGES   4


/* A range without its parameters. */
typedef struct {
    ngx_str_t   text;           /* empty: the last one was before */
    ngx_uint_t  specific;
} ngx_http_magasin_range_t;


/* A form of an answer. */
typedef struct {
    ngx_http_magasin_range_t
                ranges[NGX_HTTP_MAGASIN_PREFER_RANGES];
    ngx_str_t   version;        /* a range with another one does not match;
                                   empty: all match */
} ngx_http_magasin_form_t;


/* What the most specific range that matches a form says. */
typedef struct {
    const ngx_http_magasin_form_t  *form;
    ngx_int_t                       q;      /* NGX_HTTP_MAGASIN_PREFER_NONE: no
                                               range */
    ngx_uint_t                      specific;
} ngx_http_magasin_preference_t;


static ngx_uint_t ngx_http_magasin_prefers(ngx_http_request_t *r,
    const ngx_http_magasin_form_t *usual, const ngx_http_magasin_form_t *other);
static void ngx_http_magasin_prefer_range(u_char *p, u_char *end,
    ngx_http_magasin_preference_t *usual, ngx_http_magasin_preference_t *other);
static void ngx_http_magasin_prefer_note(
    ngx_http_magasin_preference_t *preference, ngx_str_t *type,
    ngx_str_t *version, ngx_int_t q);
static ngx_int_t ngx_http_magasin_prefer_q(u_char *p, u_char *end,
    ngx_str_t *version);
static u_char *ngx_http_magasin_prefer_version(u_char *p, u_char *end,
    ngx_str_t *version);
static ngx_int_t ngx_http_magasin_prefer_thousandths(u_char *p, u_char *end);


static const ngx_http_magasin_form_t  ngx_http_magasin_form_json = {
    .ranges = {
        { ngx_string("application/json"), NGX_HTTP_MAGASIN_PREFER_NAMED },
        { ngx_string("application/*"), NGX_HTTP_MAGASIN_PREFER_SUBTYPE },
        { ngx_string("*/json"), NGX_HTTP_MAGASIN_PREFER_SUBTYPE },
        { ngx_string("*/*"), NGX_HTTP_MAGASIN_PREFER_ANY } }
};


static const ngx_http_magasin_form_t  ngx_http_magasin_form_csv = {
    .ranges = {
        { ngx_string("text/csv"), NGX_HTTP_MAGASIN_PREFER_NAMED },
        { ngx_string("text/*"), NGX_HTTP_MAGASIN_PREFER_SUBTYPE },
        { ngx_string("*/*"), NGX_HTTP_MAGASIN_PREFER_ANY } }
};


static const ngx_http_magasin_form_t  ngx_http_magasin_form_metrics = {
    .version = ngx_string("0.0.4"),
    .ranges = {
        { ngx_string("text/plain"), NGX_HTTP_MAGASIN_PREFER_NAMED },
        { ngx_string("text/*"), NGX_HTTP_MAGASIN_PREFER_SUBTYPE },
        { ngx_string("*/*"), NGX_HTTP_MAGASIN_PREFER_ANY } }
};


static const ngx_http_magasin_form_t  ngx_http_magasin_form_openmetrics = {
    .version = ngx_string("1.0.0"),
    .ranges = {
        { ngx_string("application/openmetrics-text"),
          NGX_HTTP_MAGASIN_PREFER_NAMED },
        { ngx_string("application/*"), NGX_HTTP_MAGASIN_PREFER_SUBTYPE },
        { ngx_string("*/*"), NGX_HTTP_MAGASIN_PREFER_ANY } }
};


/* Returns 1 if the client prefers text/csv to JSON, else 0. */

ngx_uint_t
ngx_http_magasin_prefers_csv(ngx_http_request_t *r)
{
    return ngx_http_magasin_prefers(r, &ngx_http_magasin_form_json,
                                    &ngx_http_magasin_form_csv);
}


/*
 * Returns 1 if the client prefers OpenMetrics 1.0.0 to the text format 0.0.4 of
 * Prometheus, else 0.
 */

ngx_uint_t
ngx_http_magasin_prefers_openmetrics(ngx_http_request_t *r)
{
    return ngx_http_magasin_prefers(r, &ngx_http_magasin_form_metrics,
                                    &ngx_http_magasin_form_openmetrics);
}


/*
 * Returns 1 if the client prefers the other form to the usual one, else 0.  The
 * other form has to be accepted with a higher q, or with the same q by a more
 * specific range: a named type goes before a wildcard.  If both are named, it
 * is the usual one.
 */

static ngx_uint_t
ngx_http_magasin_prefers(ngx_http_request_t *r,
    const ngx_http_magasin_form_t *usual, const ngx_http_magasin_form_t *other)
{
    u_char                         *p, *end, *next;
    ngx_str_t                      *value;
    ngx_http_magasin_headers_t      headers;
    ngx_http_magasin_preference_t   one, two;

    one.form = usual;
    one.q = NGX_HTTP_MAGASIN_PREFER_NONE;
    one.specific = 0;

    two = one;
    two.form = other;

    ngx_http_magasin_headers(r, NGX_HTTP_MAGASIN_HEADER_ACCEPT, &headers);

    while ((value = ngx_http_magasin_headers_next(&headers)) != NULL) {
        end = value->data + value->len;

        for (p = value->data; p < end; p = next + 1) {

            if (*p == ',' || *p == ' ' || *p == '\t') {
                next = p;
                continue;
            }

            next = ngx_strlchr(p, end, ',');
            next = next ? next : end;

            ngx_http_magasin_prefer_range(p, next, &one, &two);
        }
    }

    return two.q > 0
           && (two.q > one.q
               || (two.q == one.q && two.specific > one.specific));
}


/* Reads one range, which does not begin with a space. */

static void
ngx_http_magasin_prefer_range(u_char *p, u_char *end,
    ngx_http_magasin_preference_t *usual, ngx_http_magasin_preference_t *other)
{
    u_char     *stop;
    ngx_int_t   q;
    ngx_str_t   type, version;

    for (stop = p; stop < end; stop++) {
        if (*stop == ';' || *stop == ' ' || *stop == '\t') {
            break;
        }
    }

    type.data = p;
    type.len = stop - p;

    q = ngx_http_magasin_prefer_q(stop, end, &version);

    ngx_http_magasin_prefer_note(usual, &type, &version, q);
    ngx_http_magasin_prefer_note(other, &type, &version, q);
}


/*
 * Notes the q of a range if it matches the form.  A more specific range counts.
 */

static void
ngx_http_magasin_prefer_note(ngx_http_magasin_preference_t *preference,
    ngx_str_t *type, ngx_str_t *version, ngx_int_t q)
{
    ngx_uint_t                       i, specific;
    const ngx_http_magasin_form_t   *form;
    const ngx_http_magasin_range_t  *range;

    form = preference->form;

    for (i = 0; i < NGX_HTTP_MAGASIN_PREFER_RANGES; i++) {
        range = &form->ranges[i];

        if (range->text.len == type->len && type->len
            && ngx_strncasecmp(range->text.data, type->data, type->len) == 0)
        {
            break;
        }
    }

    if (i == NGX_HTTP_MAGASIN_PREFER_RANGES) {
        return;
    }

    specific = range->specific;

    if (form->version.len && version->len) {

        if (version->len != form->version.len
            || ngx_strncmp(version->data, form->version.data, version->len)
               != 0)
        {
            return;
        }

        specific = NGX_HTTP_MAGASIN_PREFER_VERSION;
    }

    if (specific > preference->specific) {
        preference->specific = specific;
        preference->q = q;
    }
}


/*
 * Returns the q among the parameters from `p`; without one it is 1.  Sets
 * `version` to the parameter of that name before q, or to nothing.
 */

static ngx_int_t
ngx_http_magasin_prefer_q(u_char *p, u_char *end, ngx_str_t *version)
{
    version->len = 0;

    while (p < end) {

        if (*p == ';' || *p == ' ' || *p == '\t') {
            p++;
            continue;
        }

        if ((*p | 0x20) == 'q' && p + 1 < end && p[1] == '=') {
            return ngx_http_magasin_prefer_thousandths(p + 2, end);
        }

        if ((*p | 0x20) == 'v') {
            p = ngx_http_magasin_prefer_version(p, end, version);
        }

        while (p < end && *p != ';') {
            p++;
        }
    }

    return NGX_HTTP_MAGASIN_PREFER_ONE;
}


/*
 * Reads a parameter if it is the version, which may be quoted.  Returns its
 * end, or `p` if it is another one.
 */

static u_char *
ngx_http_magasin_prefer_version(u_char *p, u_char *end, ngx_str_t *version)
{
    u_char  *stop;

    if (end - p < (ssize_t) sizeof("version=") - 1
        || ngx_strncasecmp(p, (u_char *) "version=", sizeof("version=") - 1)
           != 0)
    {
        return p;
    }

    p += sizeof("version=") - 1;

    if (p < end && *p == '"') {
        p++;
    }

    for (stop = p; stop < end; stop++) {
        if (*stop == ';' || *stop == ' ' || *stop == '\t' || *stop == '"') {
            break;
        }
    }

    version->data = p;
    version->len = stop - p;

    return stop;
}


/* Reads a qvalue; what is none counts as 1. */

static ngx_int_t
ngx_http_magasin_prefer_thousandths(u_char *p, u_char *end)
{
    ngx_int_t  q, unit;

    if (p == end || (*p != '0' && *p != '1')) {
        return NGX_HTTP_MAGASIN_PREFER_ONE;
    }

    unit = NGX_HTTP_MAGASIN_PREFER_ONE;
    q = (*p++ - '0') * unit;

    if (p < end && *p == '.') {
        for (p++; p < end && *p >= '0' && *p <= '9' && unit > 1; p++) {
            unit /= 10;
            q += (*p - '0') * unit;
        }
    }

    return ngx_min(q, NGX_HTTP_MAGASIN_PREFER_ONE);
}
