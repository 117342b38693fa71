
/*
 * Rights as text: scopes, stores and a last day, as the file of tokens and
 * the variables of an identity have them.
 */


#include "ngx_http_magasin_tokens_internal.h"


#define NGX_HTTP_MAGASIN_RIGHTS_STORE  18       /* digits; fits a bigint */
#define NGX_HTTP_MAGASIN_RIGHTS_DAY    (24 * 60 * 60)       /* seconds */


static ngx_uint_t ngx_http_magasin_rights_scope(u_char *p, size_t len);


static ngx_str_t  ngx_http_magasin_rights_names[] = {
    ngx_string("ventes"),
    ngx_string("retours"),
    ngx_string("prix"),
    ngx_string("stock"),
    ngx_string("reapprovisionnement"),
    ngx_string("inventaire"),
    ngx_string("produits"),
    ngx_string("magasins"),
    ngx_string("lecture"),
    ngx_string("admin"),
    ngx_null_string
};


/*
 * Checks scopes with commas between them.  An empty text has none and is
 * right.  Returns NULL, or what is wrong, as it follows "line 7" in a message.
 */

const char *
ngx_http_magasin_rights_scopes(ngx_str_t *scopes)
{
    u_char      *p, *end, *comma;
    ngx_uint_t   i, seen;

    seen = 0;
    end = scopes->data + scopes->len;

    /* A token without scopes may not write, but it identifies a client. */

    if (scopes->len == 0) {
        return NULL;
    }

    for (p = scopes->data; p <= end; p = comma + 1) {
        comma = ngx_strlchr(p, end, ',');
        comma = comma ? comma : end;

        i = ngx_http_magasin_rights_scope(p, comma - p);

        if (ngx_http_magasin_rights_names[i].len == 0) {
            return "has a scope that is unknown or empty: there are "
                   "ventes, retours, prix, stock, reapprovisionnement, "
                   "inventaire, produits, magasins, lecture and admin, with "
                   "commas between them";
        }

        if (seen & (1 << i)) {
            return "has a scope twice";
        }

        seen |= 1 << i;
    }

    return NULL;
}


/* Returns the number of a scope; that of the empty name if it is unknown. */

static ngx_uint_t
ngx_http_magasin_rights_scope(u_char *p, size_t len)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    name = ngx_http_magasin_rights_names;

    for (i = 0; name[i].len; i++) {
        if (name[i].len == len && ngx_memcmp(name[i].data, p, len) == 0) {
            break;
        }
    }

    return i;
}


/*
 * Checks ids of stores with commas between them; there has to be one.  Returns
 * NULL, or what is wrong, as it follows "line 7" in a message.
 */

const char *
ngx_http_magasin_rights_stores(ngx_str_t *stores)
{
    u_char  *p, *end, *comma;

    end = stores->data + stores->len;

    for (p = stores->data; p <= end; p = comma + 1) {
        comma = ngx_strlchr(p, end, ',');
        comma = comma ? comma : end;

        if (comma - p > NGX_HTTP_MAGASIN_RIGHTS_STORE
            || comma == p || *p == '0'
            || ngx_atoi(p, comma - p) == NGX_ERROR)
        {
            return "has a store that is no id: ids have commas between them";
        }
    }

    return NULL;
}


/*
 * Reads the last day on which a token is valid, YYYY-MM-DD in UTC.  Sets
 * `expires` to the second after it.  Returns NULL, or what is wrong, as it
 * follows "line 7" in a message.
 */

const char *
ngx_http_magasin_rights_expire(ngx_str_t *day, time_t *expires)
{
    u_char       *p;
    ngx_int_t     y, m, d, days;
    static const u_char  lengths[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    p = day->data;

    if (day->len != sizeof("1970-01-01") - 1 || p[4] != '-' || p[7] != '-') {
        goto invalid;
    }

    y = ngx_atoi(p, 4);
    m = ngx_atoi(p + 5, 2);
    d = ngx_atoi(p + 8, 2);

    if (y < 1970 || m < 1 || m > 12 || d < 1) {
        goto invalid;
    }

    days = lengths[m - 1];

    if (m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)) {
        days++;
    }

    if (d > days) {
        goto invalid;
    }

    /* Days since March 1st of the year 0, so that a leap day is the last. */

    if (m < 3) {
        y--;
        m += 12;
    }

    days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 - 914) / 10 + d - 1;

    *expires = (time_t) (days - 719468 + 1) * NGX_HTTP_MAGASIN_RIGHTS_DAY;

    return NULL;

invalid:

    return "has a last day that is none: write expire=2027-01-31";
}


/* Returns 1 if a list with commas has this item, else 0. */

ngx_uint_t
ngx_http_magasin_rights_have(ngx_str_t *list, const char *item)
{
    size_t   len;
    u_char  *p, *end, *comma;

    len = ngx_strlen(item);
    end = list->data + list->len;

    for (p = list->data; p < end; p = comma + 1) {
        comma = ngx_strlchr(p, end, ',');
        comma = comma ? comma : end;

        if ((size_t) (comma - p) == len && ngx_memcmp(p, item, len) == 0) {
            return 1;
        }
    }

    return 0;
}
