
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


/* Writes a number in decimal.  Returns the position after the last digit. */

u_char *
ngx_http_magasin_number(u_char *p, uint64_t n)
{
    u_char  *q, *end, digits[NGX_INT64_LEN + 1];

    end = digits + sizeof(digits);

    for (q = end; n >= 100; n /= 100) {
        q -= 2;
        ngx_memcpy(q, &ngx_http_magasin_number_pairs[n % 100 * 2], 2);
    }

    if (n >= 10) {
        q -= 2;
        ngx_memcpy(q, &ngx_http_magasin_number_pairs[n * 2], 2);

    } else {
        *--q = (u_char) ('0' + n);
    }

    while (q < end) {
        *p++ = *q++;
    }

    return p;
}


/*
 * Writes milliseconds as seconds with three decimals.  Returns the position
 * after the last digit.
 */

u_char *
ngx_http_magasin_seconds(u_char *p, uint64_t ms)
{
    uint64_t  rest;

    p = ngx_http_magasin_number(p, ms / 1000);
    rest = ms % 1000;

    *p++ = '.';
    *p++ = (u_char) ('0' + rest / 100);

    return ngx_cpymem(p, &ngx_http_magasin_number_pairs[rest % 100 * 2], 2);
}
