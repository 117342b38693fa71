
#include "ngx_http_magasin_text.h"


/* A word whose bytes are 1: times a byte it is a word of that byte. */
#define NGX_HTTP_MAGASIN_TEXT_BYTES  0x0101010101010101ull


static ngx_inline uint64_t ngx_http_magasin_text_special(uint64_t word);
static ngx_uint_t ngx_http_magasin_text_blank(uint32_t code);
static uint32_t ngx_http_magasin_text_code(u_char **p, u_char *end);
static uint32_t ngx_http_magasin_text_last(u_char *start, u_char *end,
    u_char **at);
static size_t ngx_http_magasin_text_sequence(u_char *p, u_char *end,
    ngx_uint_t *valid);


/*
 * The first digit of each run of ten decimal digits (general category Nd) in
 * Unicode 15, except ASCII's.  The mathematical digits are five runs.
 */

static uint32_t  ngx_http_magasin_text_zeros[] = {
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6,
    0x0c66, 0x0ce6, 0x0d66, 0x0de6, 0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090,
    0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450,
    0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50,
    0x11da0, 0x11f50, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2,
    0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e950, 0x1fbf0
};


/* Removes blanks, as Unicode defines them, from both ends of UTF-8 text. */

void
ngx_http_magasin_text_strip(ngx_str_t *text)
{
    u_char    *p, *end, *at;
    uint32_t   code;

    p = text->data;
    end = p + text->len;

    while (p < end) {
        at = p;
        code = ngx_http_magasin_text_code(&at, end);

        if (!ngx_http_magasin_text_blank(code)) {
            break;
        }

        p = at;
    }

    while (end > p) {
        code = ngx_http_magasin_text_last(p, end, &at);

        if (!ngx_http_magasin_text_blank(code)) {
            break;
        }

        end = at;
    }

    text->data = p;
    text->len = end - p;
}


/* Returns the number of code points of a UTF-8 text. */

ngx_uint_t
ngx_http_magasin_text_length(ngx_str_t *text)
{
    size_t      i;
    ngx_uint_t  n;

    n = 0;

    for (i = 0; i < text->len; i++) {
        n += (text->data[i] & 0xc0) != 0x80;
    }

    return n;
}


/*
 * Replaces decimal digits of other scripts by those of ASCII.  The text is
 * copied only if it contains such digits.  Returns NGX_OK, or NGX_ERROR if
 * memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_text_digits(ngx_pool_t *pool, ngx_str_t *text)
{
    u_char      *p, *end, *at, *out, *start;
    uint32_t     code;
    ngx_uint_t   i, n;

    p = text->data;
    end = p + text->len;

    while (p < end && *p < 0x80) {
        p++;
    }

    if (p == end) {
        return NGX_OK;
    }

    start = ngx_pnalloc(pool, text->len);
    if (start == NULL) {
        return NGX_ERROR;
    }

    n = sizeof(ngx_http_magasin_text_zeros) / sizeof(uint32_t);
    out = start;

    for (p = text->data; p < end; p = at) {
        at = p;
        code = ngx_http_magasin_text_code(&at, end);

        for (i = 0; i < n; i++) {
            if (code - ngx_http_magasin_text_zeros[i] < 10) {
                *out++ = (u_char) ('0' + code
                                   - ngx_http_magasin_text_zeros[i]);
                break;
            }
        }

        if (i == n) {
            at = ngx_max(at, p + 1);
            out = ngx_cpymem(out, p, at - p);
        }
    }

    text->data = start;
    text->len = out - start;

    return NGX_OK;
}


/*
 * Returns 1 if the text has only bytes from 0x20 to 0x7f, and neither a
 * quotation mark nor a backslash: it is valid UTF-8, and JSON needs no escapes.
 * Else 0.
 */

ngx_uint_t
ngx_http_magasin_text_plain(ngx_str_t *text)
{
    u_char    *p, *last;
    uint64_t   word, other;

    p = text->data;

    if (text->len < 8) {
        word = NGX_HTTP_MAGASIN_TEXT_BYTES * ' ';

        while (p < text->data + text->len) {
            word = word << 8 | *p++;
        }

        return ngx_http_magasin_text_special(word) == 0;
    }

    last = p + text->len - 8;

    for (other = 0; p < last; p += 8) {
        ngx_memcpy(&word, p, 8);
        other |= ngx_http_magasin_text_special(word);
    }

    /* The last eight bytes; some of them may have been tested already. */

    ngx_memcpy(&word, last, 8);

    return (other | ngx_http_magasin_text_special(word)) == 0;
}


/*
 * Returns 0 if all bytes of a word are plain.  The highest bit of a byte gets
 * set if the byte has it, is below 0x20, or is 0 after the XOR.  A borrow sets
 * that of the next byte, too, but then one is set anyway.
 */

static ngx_inline uint64_t
ngx_http_magasin_text_special(uint64_t word)
{
    uint64_t  quote, backslash;

    quote = word ^ (NGX_HTTP_MAGASIN_TEXT_BYTES * '"');
    backslash = word ^ (NGX_HTTP_MAGASIN_TEXT_BYTES * '\\');

    return (word
            | (word - NGX_HTTP_MAGASIN_TEXT_BYTES * 0x20)
            | (quote - NGX_HTTP_MAGASIN_TEXT_BYTES)
            | (backslash - NGX_HTTP_MAGASIN_TEXT_BYTES))
           & (NGX_HTTP_MAGASIN_TEXT_BYTES * 0x80);
}


/* Returns 1 if the whole text is valid UTF-8, else 0. */

ngx_uint_t
ngx_http_magasin_text_valid(ngx_str_t *text)
{
    u_char      *p, *end;
    ngx_uint_t   valid;

    end = text->data + text->len;
    valid = 1;

    for (p = text->data; p < end && valid; /* void */ ) {

        if (*p < 0x80) {
            p++;
            continue;
        }

        p += ngx_http_magasin_text_sequence(p, end, &valid);
    }

    return valid;
}


/*
 * Converts a text from ISO 8859-1 to UTF-8, in a copy.  Returns NGX_OK, or
 * NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_text_latin1(ngx_pool_t *pool, ngx_str_t *text)
{
    size_t   i;
    u_char  *p, *start;

    start = ngx_pnalloc(pool, text->len * 2);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = start;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] < 0x80) {
            *p++ = text->data[i];

        } else {
            *p++ = (u_char) (0xc0 | text->data[i] >> 6);
            *p++ = (u_char) (0x80 | (text->data[i] & 0x3f));
        }
    }

    text->data = start;
    text->len = p - start;

    return NGX_OK;
}


/*
 * Makes a text valid UTF-8.  Each maximal part of an invalid sequence is
 * replaced by one U+FFFD, as chapter 3.9 of the Unicode standard recommends.
 * The text is copied only if it is invalid.
 *
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_text_repair(ngx_pool_t *pool, ngx_str_t *text)
{
    size_t       n;
    u_char      *p, *end, *out, *start;
    ngx_uint_t   valid;

    if (ngx_http_magasin_text_valid(text)) {
        return NGX_OK;
    }

    end = text->data + text->len;

    start = ngx_pnalloc(pool, text->len * 3);
    if (start == NULL) {
        return NGX_ERROR;
    }

    out = start;

    for (p = text->data; p < end; p += n) {
        n = ngx_http_magasin_text_sequence(p, end, &valid);

        if (valid) {
            out = ngx_cpymem(out, p, n);

        } else {
            out = ngx_cpymem(out, "\xef\xbf\xbd", 3);
        }
    }

    text->data = start;
    text->len = out - start;

    return NGX_OK;
}


/*
 * Decodes percent-encoding.  The text is copied only if there is something to
 * decode.  Invalid escapes are kept.  If `form` is set, "+" is decoded to a
 * blank.  The result is valid UTF-8; see _repair().
 *
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_text_decode(ngx_pool_t *pool, ngx_str_t *text,
    ngx_uint_t form)
{
    u_char     *p, *end, *out, *start;
    ngx_int_t   n;

    end = text->data + text->len;

    for (p = text->data; p < end; p++) {
        if (*p == '%' || *p == '+' || *p >= 0x80) {
            break;
        }
    }

    if (p == end) {
        return NGX_OK;
    }

    start = ngx_pnalloc(pool, text->len + 1);
    if (start == NULL) {
        return NGX_ERROR;
    }

    out = ngx_cpymem(start, text->data, p - text->data);

    for ( /* void */ ; p < end; p++) {

        if (*p == '+' && form) {
            *out++ = ' ';
            continue;
        }

        if (*p == '%' && end - p > 2) {
            n = ngx_hextoi(p + 1, 2);

            if (n != NGX_ERROR) {
                *out++ = (u_char) n;
                p += 2;
                continue;
            }
        }

        *out++ = *p;
    }

    text->data = start;
    text->len = out - start;

    return ngx_http_magasin_text_repair(pool, text);
}


/* Returns the bytes that ngx_http_magasin_text_encode() writes at most. */

size_t
ngx_http_magasin_text_encoded_length(ngx_str_t *text)
{
    /* This is the worst case; links are short and allocated once. */

    return text->len * 3;
}


/*
 * Percent-encodes all bytes except letters, digits and "_.-~" for a query; a
 * blank becomes "+".  Returns the position after the last byte written.
 */

u_char *
ngx_http_magasin_text_encode(u_char *p, ngx_str_t *text)
{
    u_char           c;
    size_t           i;
    static u_char    hex[] = "0123456789ABCDEF";
    static uint32_t  plain[8] = {
        0x00000000,     /* none below a blank */
        0x03ff6000,     /* 0-9 - . */
        0x87fffffe,     /* A-Z _ */
        0x47fffffe,     /* a-z ~ */
        0, 0, 0, 0
    };

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (plain[c >> 5] & ((uint32_t) 1 << (c & 0x1f))) {
            *p++ = c;

        } else if (c == ' ') {
            *p++ = '+';

        } else {
            *p++ = '%';
            *p++ = hex[c >> 4];
            *p++ = hex[c & 0xf];
        }
    }

    return p;
}


static ngx_uint_t
ngx_http_magasin_text_blank(uint32_t code)
{
    switch (code) {

    case 0x20:
    case 0x85:
    case 0xa0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202f:
    case 0x205f:
    case 0x3000:
        return 1;

    default:
        return (code >= 0x09 && code <= 0x0d)
               || (code >= 0x1c && code <= 0x1f)
               || (code >= 0x2000 && code <= 0x200a);
    }
}


/*
 * Returns the code point at *p and advances *p.  This function exists because
 * nginx's decoder does not accept ASCII.
 */

static uint32_t
ngx_http_magasin_text_code(u_char **p, u_char *end)
{
    return **p < 0x80 ? *(*p)++ : ngx_utf8_decode(p, end - *p);
}


/* Returns the last code point of a non-empty text, and its position in *at. */

static uint32_t
ngx_http_magasin_text_last(u_char *start, u_char *end, u_char **at)
{
    u_char  *p;

    p = end - 1;

    while (p > start && (*p & 0xc0) == 0x80) {
        p--;
    }

    *at = p;

    return ngx_http_magasin_text_code(&p, end);
}


/*
 * Returns the length of the UTF-8 sequence at p.  If the sequence is invalid,
 * clears *valid and returns the length of the part that one U+FFFD replaces.
 */

static size_t
ngx_http_magasin_text_sequence(u_char *p, u_char *end, ngx_uint_t *valid)
{
    size_t  i, n;
    u_char  low, high;

    low = 0x80;
    high = 0xbf;
    *valid = 1;

    if (*p < 0x80) {
        return 1;

    } else if (*p >= 0xc2 && *p <= 0xdf) {
        n = 2;

    } else if (*p >= 0xe0 && *p <= 0xef) {
        n = 3;
        low = (*p == 0xe0) ? 0xa0 : 0x80;
        high = (*p == 0xed) ? 0x9f : 0xbf;

    } else if (*p >= 0xf0 && *p <= 0xf4) {
        n = 4;
        low = (*p == 0xf0) ? 0x90 : 0x80;
        high = (*p == 0xf4) ? 0x8f : 0xbf;

    } else {
        *valid = 0;
        return 1;
    }

    for (i = 1; i < n; i++) {
        if (p + i == end || p[i] < low || p[i] > high) {
            *valid = 0;
            return i;
        }

        low = 0x80;
        high = 0xbf;
    }

    return n;
}


/*
 * Returns a hash of 64 bits of the text, chained to `hash`.  It reads eight
 * bytes at a time.
 */

uint64_t
ngx_http_magasin_text_hash(uint64_t hash, ngx_str_t *text)
{
    size_t     left;
    u_char    *p;
    uint64_t   word;

    p = text->data;
    hash += text->len;

    for (left = text->len; left >= 8; left -= 8) {
        ngx_memcpy(&word, p, 8);

        hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 29;
        p += 8;
    }

    word = 0;

    while (left--) {
        word = word << 8 | *p++;
    }

    hash = (hash ^ word) * 0xbf58476d1ce4e5b9ull;

    return hash ^ hash >> 32;
}
