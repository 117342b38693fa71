
/* Texts in any bytes, and numbers in them. */


#include "../fuzz.h"
#include "ngx_http_magasin_decimal.h"


static void fuzz_number(ngx_pool_t *pool, ngx_str_t *text);


void
fuzz_decimal(ngx_pool_t *pool, u_char *data, size_t size)
{
    ngx_str_t  text, other, encoded;

    text.data = data;
    text.len = size;

    other = text;
    fuzz_assert(ngx_http_magasin_text_latin1(pool, &other) == NGX_OK);
    fuzz_assert(size == 0 || ngx_http_magasin_text_valid(&other));
    fuzz_assert(ngx_http_magasin_text_length(&other) == size);

    other = text;
    fuzz_assert(ngx_http_magasin_text_decode(pool, &other, 0) == NGX_OK);
    fuzz_text(&other);

    fuzz_assert(ngx_http_magasin_text_repair(pool, &text) == NGX_OK);
    fuzz_text(&text);

    encoded.data = ngx_pnalloc(pool,
                      ngx_max(ngx_http_magasin_text_encoded_length(&text), 1));
    fuzz_assert(encoded.data);
    encoded.len = ngx_http_magasin_text_encode(encoded.data, &text)
                  - encoded.data;

    fuzz_assert(ngx_http_magasin_text_decode(pool, &encoded, 1) == NGX_OK);
    fuzz_assert(encoded.len == text.len
                && ngx_memcmp(encoded.data, text.data, text.len) == 0);

    ngx_http_magasin_text_strip(&text);
    fuzz_text(&text);

    other = text;
    ngx_http_magasin_text_strip(&other);
    fuzz_assert(other.len == text.len && other.data == text.data);

    fuzz_number(pool, &text);
}


/* What is printed reads back as the same number. */

static void
fuzz_number(ngx_pool_t *pool, ngx_str_t *text)
{
    u_char                      *p;
    int64_t                      total, whole, fraction, n;
    ngx_int_t                    rc;
    ngx_str_t                    printed;
    ngx_http_magasin_decimal_t   number, again;

    fuzz_assert(ngx_http_magasin_text_digits(pool, text) == NGX_OK);
    fuzz_text(text);

    rc = ngx_http_magasin_decimal_parse(pool, &number, text);
    fuzz_assert(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc != NGX_OK) {
        return;
    }

    ngx_http_magasin_decimal_digits(&number, &total, &whole, &fraction);
    fuzz_assert(total >= 0 && whole >= 0 && fraction >= 0);

    rc = ngx_http_magasin_decimal_integer(&number, &n);
    fuzz_assert(rc == NGX_OK || rc == NGX_DECLINED);
    fuzz_assert(rc != NGX_OK || n == 0 || (n < 0) == number.negative);

    p = ngx_http_magasin_decimal_print(pool, &number);
    fuzz_assert(p);

    printed.data = p;
    printed.len = ngx_strlen(p);

    fuzz_assert(ngx_http_magasin_decimal_parse(pool, &again, &printed)
                == NGX_OK);
    fuzz_assert(again.exponent == number.exponent
                && again.zero == number.zero
                && again.digits.len == number.digits.len
                && ngx_memcmp(again.digits.data, number.digits.data,
                              number.digits.len)
                   == 0
                && (again.zero || again.negative == number.negative));
}
