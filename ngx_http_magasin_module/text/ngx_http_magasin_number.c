
/*
 * Writes numbers two digits at a time.  ngx_sprintf() takes ten times as many
 * instructions, most of them to read its format.
 */


#include "ngx_http_magasin_number.h"


static const char  ngx_http_magasin_number_pairs[] =
    "00010203040506070809"
    "10111213141516171819"
    "20212223242526272829"
    "30313233343536373839"
    "40414243444546474849"
    "50515253545556575859"
    "60616263646566676869"
    "70717273747576777879"
    "80818283848586878889"
    "90919293949596979899";


/*
 * Writes a number in decimal.  Returns the position after the last digit.
 * There is room for NGX_HTTP_MAGASIN_NUMBER_LEN bytes at `p`.
 */

u_char *
ngx_http_magasin_number(u_char *p, uint64_t n)
{
    /* Most of them are short: a status, a length, a count. */

    if (n < 10) {
        *p++ = (u_char) ('0' + n);
        return p;
    }

    if (n < 100) {
        return ngx_cpymem(p, &ngx_http_magasin_number_pairs[n * 2], 2);
    }

    if (n < 1000) {
        return ngx_http_magasin_number_three(p, (ngx_uint_t) n);
    }

    if (n >= 10000) {
        p = ngx_http_magasin_number(p, n / 10000);
        n %= 10000;
    }

    p = ngx_cpymem(p, &ngx_http_magasin_number_pairs[n / 100 * 2], 2);

    return ngx_cpymem(p, &ngx_http_magasin_number_pairs[n % 100 * 2], 2);
}


/*
 * Writes milliseconds as seconds with three decimals.  Returns the position
 * after the last digit.  There is room for NGX_HTTP_MAGASIN_SECONDS_LEN bytes
 * at `p`.
 */

u_char *
ngx_http_magasin_seconds(u_char *p, uint64_t ms)
{
    p = ngx_http_magasin_number(p, ms / 1000);
    *p++ = '.';

    return ngx_http_magasin_number_three(p, (ngx_uint_t) (ms % 1000));
}


/*
 * Writes a number below 1000 with three digits.  Returns the position after
 * them.
 */

u_char *
ngx_http_magasin_number_three(u_char *p, ngx_uint_t n)
{
    *p++ = (u_char) ('0' + n / 100);

    return ngx_cpymem(p, &ngx_http_magasin_number_pairs[n % 100 * 2], 2);
}


/*
 * Writes 64 bits as 16 hexadecimal digits: the lower halves of the bytes, from
 * the lowest byte, then the upper halves.  What has no order needs no other
 * one, and this one is found with the fewest instructions.  Returns the
 * position after the digits.
 */

u_char *
ngx_http_magasin_hex(u_char *p, uint64_t bits)
{
    uint64_t    word, letters;
    ngx_uint_t  i;

    for (i = 0; i < 2; i++) {

        /* One digit a byte, as a number. */

        word = bits & 0x0f0f0f0f0f0f0f0full;

        letters = (word + 0x0606060606060606ull) >> 4
                  & 0x0101010101010101ull;
        word += 0x3030303030303030ull + letters * ('a' - '0' - 10);

        p = ngx_cpymem(p, &word, 8);
        bits >>= 4;
    }

    return p;
}
