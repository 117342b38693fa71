
/*
 * The target of a request: the authority that it names, and the path below the
 * prefix of `magasin_base`.
 */


#include "ngx_http_magasin.h"
#include "ngx_http_magasin_text.h"


/* Where a byte may be in an authority: in a name, in an address of IPv6. */
#define NGX_HTTP_MAGASIN_IN_NAME     1
#define NGX_HTTP_MAGASIN_IN_ADDRESS  2


static ngx_uint_t ngx_http_magasin_authority_of_target(ngx_http_request_t *r,
    ngx_str_t *host);
static ngx_uint_t ngx_http_magasin_authority_name(ngx_str_t *host);


static const u_char  ngx_http_magasin_authority_bytes[256] = {
    ['-'] = 1, ['_'] = 1, ['.'] = 3, [':'] = 2,
    ['0'] = 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
    ['A'] = 3, 3, 3, 3, 3, 3,
    ['G'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['a'] = 3, 3, 3, 3, 3, 3,
    ['g'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
};


/*
 * Sets `host` to the authority of the request, with its port.  That of the
 * request target (absolute-form, or ":authority" of HTTP/3) precedes Host
 * (RFC 9112, section 3.2.2).  A request of HTTP/1.0 without both has the local
 * address.
 *
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_authority(ngx_http_request_t *r, ngx_str_t *host)
{
    if (ngx_http_magasin_authority_of_target(r, host)) {
        return ngx_http_magasin_text_repair(r->pool, host);
    }

    *host = r->headers_in.host ? r->headers_in.host->value
                               : r->headers_in.server;

    if (host->len) {
        return ngx_http_magasin_text_repair(r->pool, host);
    }

    host->len = NGX_SOCKADDR_STRLEN;
    host->data = ngx_pnalloc(r->pool, host->len);

    if (host->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_connection_local_sockaddr(r->connection, host, 1);
}


/*
 * Returns 1 if the authority of the target and Host, as far as the request has
 * them, are a name or an address with or without a port, else 0.
 */

ngx_uint_t
ngx_http_magasin_authority_valid(ngx_http_request_t *r)
{
    ngx_str_t  host;

    if (ngx_http_magasin_authority_of_target(r, &host)
        && !ngx_http_magasin_authority_name(&host))
    {
        return 0;
    }

    return r->headers_in.host == NULL
           || ngx_http_magasin_authority_name(&r->headers_in.host->value);
}


/*
 * Sets `host` to the authority of the request target and returns 1, or returns
 * 0 if the target has none.  In HTTP/1 nginx's mark ends before the port, which
 * is in the request line; in HTTP/3 it ends after the port.
 */

static ngx_uint_t
ngx_http_magasin_authority_of_target(ngx_http_request_t *r, ngx_str_t *host)
{
    u_char              *p, *end;
    ngx_http_request_t  *main;

    main = r->main;

    if (main->host_start == NULL || main->host_end <= main->host_start) {
        return 0;
    }

    p = main->host_end;
    end = main->request_line.data + main->request_line.len;

    if (p > main->request_line.data && p < end && *p == ':') {

        for (p++; p < end && *p >= '0' && *p <= '9'; p++) {
            /* void */
        }

        /* Without digits there is no port. */

        if (p == main->host_end + 1) {
            p--;
        }
    }

    host->data = main->host_start;
    host->len = p - main->host_start;

    return 1;
}


/* Checks for "name", "name:port", "1.2.3.4:port" and "[::1]:port". */

static ngx_uint_t
ngx_http_magasin_authority_name(ngx_str_t *host)
{
    u_char      *p, *end, mask;
    ngx_uint_t   address;

    p = host->data;
    end = p + host->len;
    address = (p < end && *p == '[');
    mask = address ? NGX_HTTP_MAGASIN_IN_ADDRESS : NGX_HTTP_MAGASIN_IN_NAME;

    for (p += address; p < end; p++) {
        if (!(ngx_http_magasin_authority_bytes[*p] & mask)) {
            break;
        }
    }

    if (address) {
        if (p == end || *p != ']' || p == host->data + 1) {
            return 0;
        }

        p++;

    } else if (p == host->data) {
        return 0;
    }

    if (p < end && *p == ':') {
        for (p++; p < end && *p >= '0' && *p <= '9'; p++) {
            /* void */
        }
    }

    return p == end;
}


/*
 * The directive `magasin_base`: a path without its last slash, of characters
 * that need no escapes in a link or in JSON.  "off" is no prefix.
 */

char *
ngx_http_magasin_base(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_request_loc_conf_t *rlcf = conf;

    u_char     *p, *end;
    ngx_str_t  *value;

    if (rlcf->base.data) {
        return "is duplicate";
    }

    value = cf->args->elts;
    rlcf->base = value[1];

    if (ngx_strcmp(rlcf->base.data, "off") == 0) {
        ngx_str_set(&rlcf->base, "");
        return NGX_CONF_OK;
    }

    p = rlcf->base.data;
    end = p + rlcf->base.len;

    if (*p != '/' || end[-1] == '/') {
        return "has to begin with a slash and end without one";
    }

    for ( /* void */ ; p < end; p++) {

        if (*p == '/' && p[1] == '/') {
            return "has an empty segment";
        }

        if (!((*p >= '0' && *p <= '9')
              || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')
              || *p == '/' || *p == '-' || *p == '_' || *p == '.'
              || *p == '~'))
        {
            return "has a character that is not a letter, a digit or one of "
                   "\"-._~/\"";
        }
    }

    return NGX_CONF_OK;
}


/*
 * Removes the prefix of the location from `path`.  Returns 1, or 0 if there is
 * no prefix or the path has another one.
 */

ngx_uint_t
ngx_http_magasin_base_strip(ngx_http_request_t *r, ngx_str_t *path)
{
    ngx_str_t                            *base;
    ngx_http_magasin_request_loc_conf_t  *rlcf;

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_request_module);
    base = &rlcf->base;

    if (base->len == 0
        || path->len <= base->len
        || path->data[base->len] != '/'
        || ngx_memcmp(path->data, base->data, base->len) != 0)
    {
        return 0;
    }

    path->data += base->len;
    path->len -= base->len;

    return 1;
}


/*
 * Sets `path` to a path of the table as a client sees it: with the prefix.
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_base_add(ngx_http_request_t *r, ngx_str_t *path)
{
    u_char                               *p;
    ngx_str_t                            *base;
    ngx_http_magasin_request_loc_conf_t  *rlcf;

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_request_module);
    base = &rlcf->base;

    if (base->len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, base->len + path->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_cpymem(p, base->data, base->len), path->data, path->len);

    path->data = p;
    path->len += base->len;

    return NGX_OK;
}


/*
 * Sets `path` to the path of the request as its client sees it.  Where a proxy
 * has removed the prefix it is added again.  Returns NGX_OK, or NGX_ERROR if
 * memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_public_path(ngx_http_magasin_ctx_t *ctx, ngx_str_t *path)
{
    (void) ngx_http_magasin_route(ctx);

    *path = ctx->request->uri;

    return ctx->stripped ? NGX_OK
                         : ngx_http_magasin_base_add(ctx->request, path);
}
