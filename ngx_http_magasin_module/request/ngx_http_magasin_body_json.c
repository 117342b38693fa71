
/*
 * JSON bodies, parsed by jansson with its limits: nesting up to 2048, valid
 * UTF-8, no NaN.  If a member is repeated, the last one is used, as in the
 * reference.
 *
 * Three things are valid by RFC 8259 and accepted by the reference, but
 * rejected by jansson: numbers beyond 64 bits or beyond a double, unpaired
 * surrogates, and NUL in a member name.  If jansson rejects a body, the body
 * is rewritten in a form that jansson accepts and parsed a second time.  The
 * check of the field then decides whether the value is accepted.
 *
 * The rewriting replaces a number by a string that starts with U+10FFFE.  It
 * replaces a surrogate by the character with the same index of the 2048 from
 * U+10F000, and a NUL in any string by U+10FFFD.  These code points are for
 * private use or not characters.
 *
 * jansson parses a whole body in one turn of the event loop, and what it takes
 * depends on the number of values more than on the length: 30,000 members fit
 * into 256 kB, and take 12 ms.  So the values are counted first.
 */


#include "ngx_http_magasin_text.h"
#include "ngx_http_magasin_body.h"

#include <math.h>


#define NGX_HTTP_MAGASIN_RESCUE_SURROGATE  0x10f000
#define NGX_HTTP_MAGASIN_RESCUE_NUL        0x10fffd
#define NGX_HTTP_MAGASIN_RESCUE_NUMBER     0x10fffe

/* Python, and so the reference, rejects integers with more digits. */
#define NGX_HTTP_MAGASIN_RESCUE_DIGITS     4300

/*
 * The most values in a body, twice parsed in less than 5 ms.  1000 lines of ten
 * members have 11,000.
 */
#define NGX_HTTP_MAGASIN_BODY_JSON_VALUES  12000

/* The largest growth: "1e400" becomes a string of nine bytes. */
#define NGX_HTTP_MAGASIN_RESCUE_GROWTH     2


static ngx_int_t ngx_http_magasin_body_json_error(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, json_error_t *error);
static void ngx_http_magasin_body_json_free(void *data);
static ngx_int_t ngx_http_magasin_rescue(ngx_http_request_t *r,
    ngx_str_t *text);
static u_char *ngx_http_magasin_rescue_number(u_char **p, u_char *end,
    u_char *out);
static u_char *ngx_http_magasin_rescue_escape(u_char **p, u_char *end,
    u_char *out);
static u_char *ngx_http_magasin_rescue_code(u_char *out, uint32_t code);


/*
 * Parses a JSON text into body->root.
 *
 * Returns NGX_OK, NGX_DECLINED if the text is malformed or has too many values
 * (body->error is set), or NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_body_json_parse(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, ngx_str_t *text)
{
    json_t              *root;
    json_error_t         error, ignored;
    ngx_pool_cleanup_t  *cln;

    if (ngx_http_magasin_body_json_values(text)
        > NGX_HTTP_MAGASIN_BODY_JSON_VALUES)
    {
        ngx_str_set(&body->error, "JSON parse error - more than 12000 values");
        return NGX_DECLINED;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    root = json_loadb((char *) text->data, text->len,
                      JSON_DECODE_ANY|JSON_ALLOW_NUL, &error);

    if (root == NULL
        && (json_error_code(&error) == json_error_numeric_overflow
            || json_error_code(&error) == json_error_null_byte_in_key
            || ngx_strstr(error.text, "invalid Unicode") != NULL))
    {
        if (ngx_http_magasin_rescue(r, text) != NGX_OK) {
            return NGX_ERROR;
        }

        root = json_loadb((char *) text->data, text->len,
                          JSON_DECODE_ANY|JSON_ALLOW_NUL, &ignored);
        body->rescued = 1;
    }

    if (root) {
        body->root = root;
        cln->handler = ngx_http_magasin_body_json_free;
        cln->data = root;
        return NGX_OK;
    }

    return ngx_http_magasin_body_json_error(r, body, &error);
}


/*
 * Restores a string that was rewritten.  A marked string becomes a number
 * again, and field->surrogate is set to the first unpaired surrogate.
 */

void
ngx_http_magasin_body_json_rescued(ngx_http_magasin_field_t *field)
{
    u_char    *p, *end, *out;
    uint32_t   code;

    out = field->text.data;
    end = out + field->text.len;

    for (p = out; p < end; /* void */ ) {

        if (*p != 0xf4) {
            *out++ = *p++;
            continue;
        }

        code = ngx_utf8_decode(&p, end - p);

        if (code == NGX_HTTP_MAGASIN_RESCUE_NUMBER) {
            field->type = NGX_HTTP_MAGASIN_FIELD_NUMBER;

        } else if (code == NGX_HTTP_MAGASIN_RESCUE_NUL) {
            *out++ = '\0';

        } else if (code - NGX_HTTP_MAGASIN_RESCUE_SURROGATE < 2048) {

            if (field->surrogate == 0) {
                field->surrogate = code - NGX_HTTP_MAGASIN_RESCUE_SURROGATE
                                   + 0xd800;
            }

            /* It counts as one character and is never stored. */

            *out++ = '?';

        } else {
            (void) ngx_memmove(out, p - 4, 4);
            out += 4;
        }
    }

    field->text.len = out - field->text.data;
}


/*
 * Returns an upper bound of the number of values in a JSON text: each but the
 * first one stands behind a comma or is the first of an array or an object.
 */

ngx_uint_t
ngx_http_magasin_body_json_values(ngx_str_t *text)
{
    u_char      *p, *end;
    ngx_uint_t   values;

    values = 1;
    end = text->data + text->len;

    for (p = text->data; p < end; p++) {

        switch (*p) {

        case ',':
        case '{':
        case '[':
            values++;
            break;

        case '"':
            for (p++; p < end && *p != '"'; p++) {
                p += (*p == '\\');
            }

            break;

        default:
            break;
        }
    }

    return values;
}


static ngx_int_t
ngx_http_magasin_body_json_error(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, json_error_t *error)
{
    u_char  *p;

    if (json_error_code(error) == json_error_out_of_memory) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool,
                    sizeof("JSON parse error - : line  column  (char )")
                    + ngx_strlen(error->text) + 3 * NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->error.data = p;

    p = ngx_sprintf(p, "JSON parse error - %s: line %d column %d (char %d)",
                    error->text, error->line, error->column, error->position);
    body->error.len = p - body->error.data;

    /* jansson quotes the text nearby, which may end within a character. */

    if (ngx_http_magasin_text_repair(r->pool, &body->error) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_DECLINED;
}


static void
ngx_http_magasin_body_json_free(void *data)
{
    json_decref(data);
}


/*
 * Rewrites the text in a copy; see the head of this file.  Returns NGX_OK, or
 * NGX_ERROR if memory cannot be allocated.
 */

static ngx_int_t
ngx_http_magasin_rescue(ngx_http_request_t *r, ngx_str_t *text)
{
    u_char      *p, *end, *out, *start;
    ngx_uint_t   quoted;

    start = ngx_palloc(r->pool, text->len * NGX_HTTP_MAGASIN_RESCUE_GROWTH);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = text->data;
    end = p + text->len;
    out = start;
    quoted = 0;

    while (p < end) {

        if (*p == '"') {
            quoted = !quoted;
            *out++ = *p++;

        } else if (quoted && *p == '\\' && end - p > 1) {
            out = ngx_http_magasin_rescue_escape(&p, end, out);

        } else if (!quoted && (*p == '-' || (*p >= '0' && *p <= '9'))) {
            out = ngx_http_magasin_rescue_number(&p, end, out);

        } else {
            *out++ = *p++;
        }
    }

    text->data = start;
    text->len = out - start;

    return NGX_OK;
}


/*
 * Copies a number.  A number by RFC 8259 that is too large for jansson becomes
 * a marked string.  Other numbers, and text that is not a number, are copied
 * unchanged.  Returns the position after the output.
 */

static u_char *
ngx_http_magasin_rescue_number(u_char **p, u_char *end, u_char *out)
{
    u_char      *start, *digits, *q;
    ngx_uint_t   real;

    start = *p;
    q = start;
    real = 0;

    q += (*q == '-');
    digits = q;

    while (q < end && *q >= '0' && *q <= '9') {
        q++;
    }

    if (q == digits || (*digits == '0' && q - digits > 1)) {
        *p = q;
        return ngx_cpymem(out, start, q - start);
    }

    while (q < end && ((*q >= '0' && *q <= '9') || *q == '.' || *q == '+'
                       || *q == '-' || *q == 'e' || *q == 'E'))
    {
        real = 1;
        q++;
    }

    *p = q;

    if (real) {
        u_char  number[64];

        /* jansson can parse a real that fits into a double. */

        if (q - start >= (ssize_t) sizeof(number)) {
            return ngx_cpymem(out, start, q - start);
        }

        (void) ngx_cpystrn(number, start, q - start + 1);

        if (!isinf(strtod((char *) number, NULL))) {
            return ngx_cpymem(out, start, q - start);
        }

    } else if (q - digits < 19
               || q - digits > NGX_HTTP_MAGASIN_RESCUE_DIGITS)
    {
        return ngx_cpymem(out, start, q - start);
    }

    *out++ = '"';
    out = ngx_http_magasin_rescue_code(out, NGX_HTTP_MAGASIN_RESCUE_NUMBER);

    if (real) {
        out = ngx_sprintf(out, "%sinf", *start == '-' ? "-" : "");

    } else {
        out = ngx_cpymem(out, start, q - start);
    }

    *out++ = '"';

    return out;
}


static u_char *
ngx_http_magasin_rescue_escape(u_char **p, u_char *end, u_char *out)
{
    u_char     *q;
    ngx_int_t   code, next;

    q = *p;

    code = (q[1] == 'u' && end - q >= 6) ? ngx_hextoi(q + 2, 4) : NGX_ERROR;

    if (code == 0) {
        *p = q + 6;
        return ngx_http_magasin_rescue_code(out, NGX_HTTP_MAGASIN_RESCUE_NUL);
    }

    if (code < 0xd800 || code > 0xdfff) {
        *p = q + 2;
        return ngx_cpymem(out, q, 2);
    }

    next = (end - q >= 12 && q[6] == '\\' && q[7] == 'u')
           ? ngx_hextoi(q + 8, 4) : NGX_ERROR;

    if (code < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) {
        *p = q + 12;
        return ngx_cpymem(out, q, 12);
    }

    *p = q + 6;

    return ngx_http_magasin_rescue_code(out,
                                        NGX_HTTP_MAGASIN_RESCUE_SURROGATE
                                        + (uint32_t) (code - 0xd800));
}


/* Writes the UTF-8 of a code point from U+100000 on. */

static u_char *
ngx_http_magasin_rescue_code(u_char *out, uint32_t code)
{
    *out++ = (u_char) (0xf0 | code >> 18);
    *out++ = (u_char) (0x80 | (code >> 12 & 0x3f));
    *out++ = (u_char) (0x80 | (code >> 6 & 0x3f));
    *out++ = (u_char) (0x80 | (code & 0x3f));

    return out;
}
