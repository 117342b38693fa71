
#include "ngx_http_magasin.h"
#include "ngx_http_magasin_text.h"
#include "ngx_http_magasin_query.h"


static ngx_int_t ngx_http_magasin_query_order(ngx_http_magasin_pair_t *one,
    ngx_http_magasin_pair_t *two);
static void ngx_http_magasin_query_parameters(u_char *p,
    ngx_http_magasin_pair_t **sorted, ngx_uint_t n,
    ngx_http_magasin_pair_t *page, ngx_http_magasin_address_t *address);
static ngx_int_t ngx_http_magasin_query_scheme(ngx_http_request_t *r,
    ngx_str_t *scheme);


/*
 * Splits "a=1&b=2" and decodes names and values as in a form.  Empty pieces
 * are skipped; "a" is read as "a=".  Parsing stops after `max` + 1 pairs, so
 * that the caller can detect and reject too many pairs.
 *
 * Returns an array of ngx_http_magasin_pair_t, or NULL if memory cannot be
 * allocated.
 */

ngx_array_t *
ngx_http_magasin_query_parse(ngx_pool_t *pool, ngx_str_t *text,
    ngx_uint_t max)
{
    u_char                   *p, *end, *stop, *equal;
    ngx_array_t              *pairs;
    ngx_http_magasin_pair_t  *pair;

    /* _sort() takes NULL for an error. */

    static ngx_http_magasin_pair_t  unused[1];
    static ngx_array_t              none = { .elts = unused };

    if (text->len == 0) {
        return &none;
    }

    pairs = ngx_array_create(pool, 4, sizeof(ngx_http_magasin_pair_t));
    if (pairs == NULL) {
        return NULL;
    }

    end = text->data + text->len;

    for (p = text->data; p < end && pairs->nelts <= max; p = stop + 1) {
        stop = ngx_strlchr(p, end, '&');
        if (stop == NULL) {
            stop = end;
        }

        if (stop == p) {
            continue;
        }

        equal = ngx_strlchr(p, stop, '=');
        if (equal == NULL) {
            equal = stop;
        }

        pair = ngx_array_push(pairs);
        if (pair == NULL) {
            return NULL;
        }

        pair->repeated = 0;
        pair->name.data = p;
        pair->name.len = equal - p;
        pair->value.data = ngx_min(equal + 1, stop);
        pair->value.len = stop - pair->value.data;

        if (ngx_http_magasin_text_decode(pool, &pair->name, 1) != NGX_OK
            || ngx_http_magasin_text_decode(pool, &pair->value, 1) != NGX_OK)
        {
            return NULL;
        }
    }

    return pairs;
}


/* Returns the last value of a name, or NULL if there is none. */

ngx_str_t *
ngx_http_magasin_query_last(ngx_array_t *pairs, const char *name, size_t len)
{
    ngx_uint_t                i;
    ngx_http_magasin_pair_t  *pair;

    pair = pairs->elts;

    for (i = pairs->nelts; i > 0; i--) {
        if (pair[i - 1].name.len == len
            && ngx_memcmp(pair[i - 1].name.data, name, len) == 0)
        {
            return &pair[i - 1].value;
        }
    }

    return NULL;
}


/*
 * Returns pointers to the pairs, sorted by name; pairs of one name keep their
 * order.  It is a merge sort, because a client chooses the number of pairs.
 * Returns NULL if memory cannot be allocated.
 */

ngx_http_magasin_pair_t **
ngx_http_magasin_query_sort(ngx_pool_t *pool, ngx_array_t *pairs)
{
    ngx_uint_t                 i, a, b, n, middle, end, width;
    ngx_http_magasin_pair_t   *pair, **from, **to, **swap;

    n = pairs->nelts;
    pair = pairs->elts;

    if (n == 0) {
        return (ngx_http_magasin_pair_t **) pairs->elts;
    }

    from = ngx_palloc(pool, 2 * n * sizeof(ngx_http_magasin_pair_t *));
    if (from == NULL) {
        return NULL;
    }

    to = from + n;

    for (i = 0; i < n; i++) {
        from[i] = &pair[i];
    }

    for (width = 1; width < n; width *= 2) {

        for (i = 0; i < n; /* void */ ) {
            middle = ngx_min(i + width, n);
            end = ngx_min(i + 2 * width, n);

            for (a = i, b = middle; i < end; i++) {
                to[i] = (b == end
                         || (a < middle
                             && ngx_http_magasin_query_order(from[a], from[b])
                                <= 0))
                        ? from[a++] : from[b++];
            }
        }

        swap = from;
        from = to;
        to = swap;
    }

    return from;
}


/*
 * Computes the common parts of all links to pages of a list: the absolute
 * address, and the parameters other than `name`.  The parameters are sorted by
 * name; those of one name keep their order.
 *
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_query_address(ngx_http_request_t *r, ngx_array_t *pairs,
    const char *name, ngx_http_magasin_address_t *address)
{
    size_t                     size;
    u_char                    *p;
    ngx_str_t                  host, scheme, path;
    ngx_uint_t                 i;
    ngx_http_magasin_pair_t    page, **sorted;

    sorted = ngx_http_magasin_query_sort(r->pool, pairs);

    if (sorted == NULL
        || ngx_http_magasin_authority(r, &host) != NGX_OK
        || ngx_http_magasin_query_scheme(r, &scheme) != NGX_OK
        || ngx_http_magasin_public_path(ngx_http_magasin_get_ctx(r), &path)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    page.name.data = (u_char *) name;
    page.name.len = ngx_strlen(name);

    size = scheme.len + host.len + path.len;

    for (i = 0; i < pairs->nelts; i++) {
        size += ngx_http_magasin_text_encoded_length(&sorted[i]->name)
                + ngx_http_magasin_text_encoded_length(&sorted[i]->value) + 2;
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    address->name = page.name;
    address->base.data = p;

    p = ngx_cpymem(p, scheme.data, scheme.len);
    p = ngx_cpymem(p, host.data, host.len);

    /* Paths of the table need no escapes. */

    p = ngx_cpymem(p, path.data, path.len);

    address->base.len = p - address->base.data;

    ngx_http_magasin_query_parameters(p, sorted, pairs->nelts, &page, address);

    return NGX_OK;
}


/*
 * Writes the parameters other than `page`: those before its position in the
 * order of names, and those after it.
 */

static void
ngx_http_magasin_query_parameters(u_char *p, ngx_http_magasin_pair_t **sorted,
    ngx_uint_t n, ngx_http_magasin_pair_t *page,
    ngx_http_magasin_address_t *address)
{
    ngx_int_t    order;
    ngx_str_t   *part;
    ngx_uint_t   i;

    part = &address->before;
    part->data = p;

    for (i = 0; i < n; i++) {
        order = ngx_http_magasin_query_order(sorted[i], page);

        if (order == 0) {
            continue;
        }

        if (order > 0 && part == &address->before) {
            part->len = p - part->data;
            part = &address->after;
            part->data = p;
        }

        *p++ = '&';
        p = ngx_http_magasin_text_encode(p, &sorted[i]->name);
        *p++ = '=';
        p = ngx_http_magasin_text_encode(p, &sorted[i]->value);
    }

    part->len = p - part->data;

    if (part == &address->before) {
        ngx_str_set(&address->after, "");
    }
}


/* Returns the bytes that ngx_http_magasin_query_link() writes at most. */

size_t
ngx_http_magasin_query_link_length(ngx_http_magasin_address_t *address,
    ngx_str_t *value)
{
    return address->base.len + address->before.len + 1 + address->name.len + 1
           + value->len + address->after.len;
}


/*
 * Writes a link to the page `value`, which needs no escapes.  If `value` is
 * empty, the link has no parameter of the page.  Returns the position after
 * the last byte written.
 */

u_char *
ngx_http_magasin_query_link(u_char *p, ngx_http_magasin_address_t *address,
    ngx_str_t *value)
{
    u_char  *query;

    p = ngx_cpymem(p, address->base.data, address->base.len);
    query = p;
    p = ngx_cpymem(p, address->before.data, address->before.len);

    if (value->len) {
        *p++ = '&';
        p = ngx_cpymem(p, address->name.data, address->name.len);
        *p++ = '=';
        p = ngx_cpymem(p, value->data, value->len);
    }

    p = ngx_cpymem(p, address->after.data, address->after.len);

    if (p > query) {
        *query = '?';
    }

    return p;
}


/*
 * Sets the scheme of the request.  If a proxy terminates TLS, only the proxy
 * knows the scheme, which a configured value then gives.  A value other than
 * "http" and "https" is ignored.
 */

static ngx_int_t
ngx_http_magasin_query_scheme(ngx_http_request_t *r, ngx_str_t *scheme)
{
    ngx_str_t                     value;
    ngx_uint_t                    secure;
    ngx_http_magasin_request_loc_conf_t  *rlcf;

    static ngx_str_t              names[] = {
        ngx_string("http://"),
        ngx_string("https://")
    };

    secure = 0;

#if (NGX_HTTP_SSL)
    secure = (r->connection->ssl != NULL);
#endif

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_request_module);

    if (rlcf->scheme) {

        if (ngx_http_complex_value(r, rlcf->scheme, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        if (value.len == 5
            && ngx_strncasecmp(value.data, (u_char *) "https", 5) == 0)
        {
            secure = 1;

        } else if (value.len == 4
                   && ngx_strncasecmp(value.data, (u_char *) "http", 4) == 0)
        {
            secure = 0;
        }
    }

    *scheme = names[secure];

    return NGX_OK;
}


/*
 * Compares the bytes of the names; for UTF-8 this is the order of code points.
 */

static ngx_int_t
ngx_http_magasin_query_order(ngx_http_magasin_pair_t *one,
    ngx_http_magasin_pair_t *two)
{
    ngx_int_t  rc;

    rc = ngx_memcmp(one->name.data, two->name.data,
                    ngx_min(one->name.len, two->name.len));
    if (rc != 0) {
        return rc;
    }

    return (one->name.len > two->name.len) - (one->name.len < two->name.len);
}
