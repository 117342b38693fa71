
#include "ngx_http_magasin_text.h"
#include "ngx_http_magasin_decimal.h"


/* The limits of an exponent: decimal's MAX_EMAX and MIN_ETINY on 64 bits. */
#define NGX_HTTP_MAGASIN_DECIMAL_LARGEST   999999999999999999LL
#define NGX_HTTP_MAGASIN_DECIMAL_SMALLEST  -1999999999999999997LL

/* An exponent beyond both limits; additions to it do not overflow. */
#define NGX_HTTP_MAGASIN_DECIMAL_PAST      4000000000000000000LL


static ngx_int_t ngx_http_magasin_decimal_exponent(u_char *p, u_char *end,
    int64_t *exponent);


/*
 * Parses a sign, digits with at most one point, and an exponent.  "_" is
 * skipped and digits of any script are accepted.  The caller has stripped the
 * text.
 *
 * Returns NGX_OK, NGX_DECLINED if the text is not a finite number, or
 * NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_decimal_parse(ngx_pool_t *pool,
    ngx_http_magasin_decimal_t *decimal, ngx_str_t *text)
{
    u_char      *p, *end, *out;
    int64_t      exponent;
    ngx_str_t    s;
    ngx_uint_t   point, seen;

    s = *text;

    if (ngx_http_magasin_text_digits(pool, &s) != NGX_OK) {
        return NGX_ERROR;
    }

    out = ngx_pnalloc(pool, s.len + 1);
    if (out == NULL) {
        return NGX_ERROR;
    }

    decimal->digits.data = out;
    decimal->exponent = 0;
    decimal->negative = 0;

    p = s.data;
    end = p + s.len;

    while (p < end && *p == '_') {
        p++;
    }

    if (p < end && (*p == '+' || *p == '-')) {
        decimal->negative = (*p++ == '-');
    }

    point = 0;
    seen = 0;

    for ( /* void */ ; p < end; p++) {

        if (*p >= '0' && *p <= '9') {
            seen = 1;
            decimal->exponent -= point;

            if (*p != '0' || out > decimal->digits.data) {
                *out++ = *p;
            }

        } else if (*p == '.' && !point) {
            point = 1;

        } else if (*p != '_') {
            break;
        }
    }

    if (!seen) {
        return NGX_DECLINED;
    }

    if (p < end) {
        if ((*p != 'e' && *p != 'E')
            || ngx_http_magasin_decimal_exponent(p + 1, end, &exponent)
               != NGX_OK)
        {
            return NGX_DECLINED;
        }

        decimal->exponent += exponent;
    }

    decimal->zero = (out == decimal->digits.data);

    if (decimal->zero) {
        *out++ = '0';
    }

    decimal->digits.len = out - decimal->digits.data;

    exponent = decimal->exponent + (int64_t) decimal->digits.len - 1;

    if (exponent > NGX_HTTP_MAGASIN_DECIMAL_LARGEST
        || decimal->exponent < NGX_HTTP_MAGASIN_DECIMAL_SMALLEST)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/*
 * Counts digits as the reference's validators do: all digits, those before the
 * point and those after it.  Trailing zeros count.
 */

void
ngx_http_magasin_decimal_digits(ngx_http_magasin_decimal_t *decimal,
    int64_t *total, int64_t *whole, int64_t *fraction)
{
    int64_t  n, e;

    n = (int64_t) decimal->digits.len;
    e = decimal->exponent;

    if (e >= 0) {
        *total = n + e;
        *whole = n + e;
        *fraction = 0;

    } else {
        *total = ngx_max(n, -e);
        *whole = ngx_max(n + e, 0);
        *fraction = -e;
    }
}


/*
 * Prints the number with an exponent, in a form that PostgreSQL's numeric
 * accepts.  Returns a NUL-terminated text of the pool, or NULL if memory
 * cannot be allocated.
 */

u_char *
ngx_http_magasin_decimal_print(ngx_pool_t *pool,
    ngx_http_magasin_decimal_t *decimal)
{
    u_char  *start, *p;

    start = ngx_pnalloc(pool, decimal->digits.len + NGX_INT64_LEN + 4);
    if (start == NULL) {
        return NULL;
    }

    p = ngx_sprintf(start, "%s%Ve%L%Z",
                    decimal->negative && !decimal->zero ? "-" : "",
                    &decimal->digits, decimal->exponent);
    (void) p;

    return start;
}


/*
 * Converts the number to an integer, truncated towards zero.
 *
 * Returns NGX_OK, or NGX_DECLINED if the integer has more than 18 digits.
 */

ngx_int_t
ngx_http_magasin_decimal_integer(ngx_http_magasin_decimal_t *decimal,
    int64_t *value)
{
    size_t   i;
    int64_t  total, whole, fraction, n;

    *value = 0;

    ngx_http_magasin_decimal_digits(decimal, &total, &whole, &fraction);

    if (decimal->zero) {
        return NGX_OK;
    }

    if (whole > 18) {
        return NGX_DECLINED;
    }

    n = 0;

    for (i = 0; (int64_t) i < whole; i++) {
        n = n * 10;

        if (i < decimal->digits.len) {
            n += decimal->digits.data[i] - '0';
        }
    }

    *value = decimal->negative ? -n : n;

    return NGX_OK;
}


/*
 * Returns 1 if the number is greater than `limit`, the digits of a positive
 * integer, else 0.
 */

ngx_uint_t
ngx_http_magasin_decimal_exceeds(ngx_http_magasin_decimal_t *decimal,
    ngx_str_t *limit)
{
    size_t   i;
    u_char   c;
    int64_t  total, whole, fraction;

    ngx_http_magasin_decimal_digits(decimal, &total, &whole, &fraction);

    if (decimal->zero || decimal->negative) {
        return 0;
    }

    if (whole != (int64_t) limit->len) {
        return whole > (int64_t) limit->len;
    }

    for (i = 0; i < limit->len; i++) {
        c = i < decimal->digits.len ? decimal->digits.data[i] : '0';

        if (c != limit->data[i]) {
            return c > limit->data[i];
        }
    }

    while (i < decimal->digits.len) {
        if (decimal->digits.data[i++] != '0') {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_magasin_decimal_exponent(u_char *p, u_char *end, int64_t *exponent)
{
    int64_t     n;
    ngx_uint_t  negative, seen;

    n = 0;
    seen = 0;
    negative = 0;

    while (p < end && *p == '_') {
        p++;
    }

    if (p < end && (*p == '+' || *p == '-')) {
        negative = (*p++ == '-');
    }

    for ( /* void */ ; p < end; p++) {

        if (*p == '_') {
            continue;
        }

        if (*p < '0' || *p > '9') {
            return NGX_DECLINED;
        }

        seen = 1;

        /* An exponent beyond the limit stays there and does not overflow. */

        n = (n > NGX_HTTP_MAGASIN_DECIMAL_PAST / 10 - 1)
            ? NGX_HTTP_MAGASIN_DECIMAL_PAST
            : n * 10 + (*p - '0');
    }

    if (!seen) {
        return NGX_DECLINED;
    }

    *exponent = negative ? -n : n;

    return NGX_OK;
}
