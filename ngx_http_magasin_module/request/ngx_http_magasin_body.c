
#include "ngx_http_magasin_text.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_body.h"

#include <float.h>
#include <math.h>


static ngx_uint_t ngx_http_magasin_body_latin1(ngx_http_request_t *r);
static int ngx_http_magasin_body_digits(double value, char *buffer,
    size_t size);
static ngx_int_t ngx_http_magasin_body_real(ngx_http_request_t *r,
    double value, ngx_str_t *text);


typedef struct {
    ngx_str_t                 main;
    ngx_str_t                 sub;
    ngx_http_magasin_body_e   type;
} ngx_http_magasin_media_t;


/* In the order in which the reference tries its parsers. */

static ngx_http_magasin_media_t  ngx_http_magasin_media[] = {

    { ngx_string("application"), ngx_string("json"),
      NGX_HTTP_MAGASIN_BODY_JSON },

    { ngx_string("application"), ngx_string("x-www-form-urlencoded"),
      NGX_HTTP_MAGASIN_BODY_FORM },

    { ngx_string("multipart"), ngx_string("form-data"),
      NGX_HTTP_MAGASIN_BODY_MULTIPART },

    { ngx_string("text"), ngx_string("csv"), NGX_HTTP_MAGASIN_BODY_CSV },

    { ngx_string("application"), ngx_string("x-ndjson"),
      NGX_HTTP_MAGASIN_BODY_NDJSON },

    { ngx_null_string, ngx_null_string, NGX_HTTP_MAGASIN_BODY_UNKNOWN }
};


/*
 * Returns the type of the body by Content-Type.  An empty body is _NONE
 * whatever its Content-Type.  Content-Length and the chunked coding tell
 * whether the body is empty before it is read.
 */

ngx_http_magasin_body_e
ngx_http_magasin_body_type(ngx_http_request_t *r)
{
    u_char                    *p, *end, *slash;
    ngx_str_t                  type, main, sub;
    ngx_http_magasin_media_t  *media;

    if (r->headers_in.content_length_n <= 0 && !r->headers_in.chunked) {
        return NGX_HTTP_MAGASIN_BODY_NONE;
    }

    if (r->headers_in.content_type == NULL) {
        return NGX_HTTP_MAGASIN_BODY_UNKNOWN;
    }

    type = r->headers_in.content_type->value;

    p = type.data;
    end = ngx_strlchr(p, p + type.len, ';');

    if (end) {
        type.len = end - p;
    }

    while (type.len && type.data[type.len - 1] == ' ') {
        type.len--;
    }

    end = p + type.len;
    slash = ngx_strlchr(p, end, '/');

    if (slash == NULL) {
        return NGX_HTTP_MAGASIN_BODY_UNKNOWN;
    }

    main.data = p;
    main.len = slash - p;
    sub.data = slash + 1;
    sub.len = end - sub.data;

    for (media = ngx_http_magasin_media; media->main.len; media++) {

        if (((main.len == 1 && *main.data == '*')
             || (main.len == media->main.len
                 && ngx_strncasecmp(main.data, media->main.data, main.len)
                    == 0))
            && ((sub.len == 1 && *sub.data == '*')
                || (sub.len == media->sub.len
                    && ngx_strncasecmp(sub.data, media->sub.data, sub.len)
                       == 0)))
        {
            return media->type;
        }
    }

    return NGX_HTTP_MAGASIN_BODY_UNKNOWN;
}


/*
 * Parses the body that ngx_http_magasin_body_read() has returned, by
 * body->type.  The text that `raw` points to is not changed.
 *
 * Returns NGX_OK, NGX_DECLINED if the body is malformed (body->error is set),
 * or NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_body_parse(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, ngx_str_t *raw)
{
    ngx_str_t  text;

    text = *raw;

    if (text.len == 0) {
        body->type = NGX_HTTP_MAGASIN_BODY_NONE;
        return NGX_OK;
    }

    switch (body->type) {

    case NGX_HTTP_MAGASIN_BODY_JSON:
        if (ngx_http_magasin_body_latin1(r)
            && ngx_http_magasin_text_latin1(r->pool, &text) != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_magasin_body_json_parse(r, body, &text);

    case NGX_HTTP_MAGASIN_BODY_FORM:

        /* The reference decodes bytes that are not UTF-8 as latin-1. */

        if (!ngx_http_magasin_text_valid(&text)
            && ngx_http_magasin_text_latin1(r->pool, &text) != NGX_OK)
        {
            return NGX_ERROR;
        }

        body->pairs = ngx_http_magasin_query_parse(r->pool, &text,
                                                NGX_HTTP_MAGASIN_FORM_PAIRS);

        if (body->pairs == NULL) {
            return NGX_ERROR;
        }

        if (body->pairs->nelts > NGX_HTTP_MAGASIN_FORM_PAIRS) {
            ngx_str_set(&body->error, "Form parse error - too many fields");
            return NGX_DECLINED;
        }

        return NGX_OK;

    default: /* NGX_HTTP_MAGASIN_BODY_MULTIPART */
        return ngx_http_magasin_multipart_parse(r, body, &text);
    }
}


/*
 * Looks up one field.  An empty value in a form counts as absent, unless
 * `blank` allows it.
 *
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_body_field(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, const char *name, ngx_uint_t blank,
    ngx_http_magasin_field_t *field)
{
    json_t      *value;
    ngx_str_t   *text, *file;
    ngx_uint_t   i;

    ngx_memzero(field, sizeof(ngx_http_magasin_field_t));

    if (body->root) {
        value = json_object_get(body->root, name);

        return value ? ngx_http_magasin_body_value(r, body, value, field)
                     : NGX_OK;
    }

    if (body->files) {
        file = body->files->elts;

        for (i = 0; i < body->files->nelts; i++) {
            if (file[i].len == ngx_strlen(name)
                && ngx_memcmp(file[i].data, name, file[i].len) == 0)
            {
                field->type = NGX_HTTP_MAGASIN_FIELD_OTHER;
                return NGX_OK;
            }
        }
    }

    if (body->pairs) {
        text = ngx_http_magasin_query_last(body->pairs, name,
                                           ngx_strlen(name));

        if (text && (text->len || blank)) {
            field->type = NGX_HTTP_MAGASIN_FIELD_TEXT;
            field->text = *text;
        }
    }

    return NGX_OK;
}


/* Returns 1 if Content-Type declares ISO 8859-1, and 0 for UTF-8. */

static ngx_uint_t
ngx_http_magasin_body_latin1(ngx_http_request_t *r)
{
    u_char            *p, *end;
    ngx_str_t          type;
    ngx_uint_t         i;
    static ngx_str_t   names[] = {
        ngx_string("iso-8859-1"),
        ngx_string("latin-1"),
        ngx_string("latin1"),
        ngx_null_string
    };

    type = r->headers_in.content_type->value;
    end = type.data + type.len;

    p = ngx_strlcasestrn(type.data, end, (u_char *) "charset=",
                         sizeof("charset=") - 2);
    if (p == NULL) {
        return 0;
    }

    p += sizeof("charset=") - 1;
    p += (p < end && *p == '"');

    for (i = 0; names[i].len; i++) {
        if ((size_t) (end - p) >= names[i].len
            && ngx_strncasecmp(p, names[i].data, names[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Reads the whole body as one text, from its buffers or its temporary file.
 * Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_body_read(ngx_http_request_t *r, ngx_str_t *text)
{
    off_t         size;
    u_char       *p;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    ngx_str_null(text);

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    cl = r->request_body->bufs;

    if (cl->next == NULL && !cl->buf->in_file) {
        text->data = cl->buf->pos;
        text->len = cl->buf->last - cl->buf->pos;
        return NGX_OK;
    }

    size = 0;

    for ( /* void */ ; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    p = ngx_pnalloc(r->pool, (size_t) size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (b->in_file) {
            n = ngx_read_file(b->file, p, (size_t) (b->file_last - b->file_pos),
                              b->file_pos);

            if (n != (ssize_t) (b->file_last - b->file_pos)) {
                return NGX_ERROR;
            }

            p += n;

        } else if (b->last > b->pos) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
        }
    }

    text->len = p - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_magasin_body_value(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, json_t *value,
    ngx_http_magasin_field_t *field)
{
    switch (json_typeof(value)) {

    case JSON_NULL:
        field->type = NGX_HTTP_MAGASIN_FIELD_NULL;
        return NGX_OK;

    case JSON_STRING:
        field->type = NGX_HTTP_MAGASIN_FIELD_TEXT;
        field->text.data = (u_char *) json_string_value(value);
        field->text.len = json_string_length(value);

        if (body->rescued) {
            ngx_http_magasin_body_json_rescued(field);
        }

        return NGX_OK;

    case JSON_INTEGER:
        field->type = NGX_HTTP_MAGASIN_FIELD_NUMBER;
        field->text.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);

        if (field->text.data == NULL) {
            return NGX_ERROR;
        }

        field->text.len = ngx_sprintf(field->text.data, "%L",
                                      (int64_t) json_integer_value(value))
                          - field->text.data;
        return NGX_OK;

    case JSON_REAL:
        field->type = NGX_HTTP_MAGASIN_FIELD_NUMBER;
        return ngx_http_magasin_body_real(r, json_real_value(value),
                                          &field->text);

    case JSON_TRUE:
        field->type = NGX_HTTP_MAGASIN_FIELD_OTHER;
        ngx_str_set(&field->text, "true");
        return NGX_OK;

    case JSON_FALSE:
        field->type = NGX_HTTP_MAGASIN_FIELD_OTHER;
        ngx_str_set(&field->text, "false");
        return NGX_OK;

    default:
        field->type = NGX_HTTP_MAGASIN_FIELD_OTHER;
        return NGX_OK;
    }
}


/*
 * Writes a double as "d.ddde+xx" with the fewest digits that are read back as
 * the same double, and returns their number.  A decimal of up to 15 digits
 * survives the conversion to a double that is not subnormal.  Its digits are
 * therefore the first 15 without trailing zeros.
 */

static int
ngx_http_magasin_body_digits(double value, char *buffer, size_t size)
{
    int   digits;
    char  *e;

    digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG;

    for ( /* void */ ; digits < 17; digits++) {
        (void) snprintf(buffer, size, "%.*e", digits - 1, value);

        if (strtod(buffer, NULL) == value) {
            break;
        }
    }

    if (digits == DBL_DIG) {
        for (e = strchr(buffer, 'e') - 1; *e == '0' && digits > 1; e--) {
            digits--;
        }
    }

    (void) snprintf(buffer, size, "%.*e", digits - 1, value);

    return digits;
}


/*
 * Writes the shortest decimal that is read back as the same double, in the
 * form that Python, the language of the reference, prints it.  Numbers of
 * 10^16 or more and those below 0.0001 have an exponent; others have a point.
 */

static ngx_int_t
ngx_http_magasin_body_real(ngx_http_request_t *r, double value,
    ngx_str_t *text)
{
    int      digits, exponent, i;
    char     buffer[32], *mantissa, *e;
    u_char  *p;

    digits = ngx_http_magasin_body_digits(value, buffer, sizeof(buffer));

    p = ngx_pnalloc(r->pool, 64);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    mantissa = buffer;

    if (*mantissa == '-') {
        *p++ = '-';
        mantissa++;
    }

    e = strchr(mantissa, 'e');
    exponent = (int) strtol(e + 1, NULL, 10);
    *e = '\0';

    /* "d.ddd" becomes "dddd". */

    if (mantissa[1] == '.') {
        mantissa[1] = mantissa[0];
        mantissa++;
    }

    if (exponent >= 16 || exponent < -4) {
        *p++ = (u_char) mantissa[0];

        if (digits > 1) {
            p = ngx_sprintf(p, ".%s", mantissa + 1);
        }

        p = ngx_sprintf(p, "e%s%02d", exponent < 0 ? "-" : "+",
                        ngx_abs(exponent));

    } else if (exponent < 0) {
        *p++ = '0';
        *p++ = '.';

        for (i = -1; i > exponent; i--) {
            *p++ = '0';
        }

        p = ngx_sprintf(p, "%s", mantissa);

    } else {
        for (i = 0; i <= exponent || i < digits; i++) {
            if (i == exponent + 1) {
                *p++ = '.';
            }

            *p++ = (i < digits) ? (u_char) mantissa[i] : '0';
        }

        if (digits <= exponent + 1) {
            *p++ = '.';
            *p++ = '0';
        }
    }

    text->len = p - text->data;

    return NGX_OK;
}
