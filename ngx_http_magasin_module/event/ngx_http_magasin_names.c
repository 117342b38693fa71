
/*
 * Names are resolved when the configuration is read, by the system, and again
 * by nginx's resolver after a connection has failed: no worker waits for DNS.
 * A connection in service is left alone, whatever its name says now.
 */


#include "ngx_http_magasin_names.h"


static void ngx_http_magasin_names_resolved(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_names_take(ngx_http_magasin_name_t *name,
    struct sockaddr *sockaddr, socklen_t socklen);
static int ngx_libc_cdecl ngx_http_magasin_names_compare(const void *one,
    const void *two);


/*
 * Resolve `host`, as the configuration is read.  A name that has no address is
 * kept without one: ngx_http_magasin_names_resolver() says whether that will
 * do.
 *
 * Returns the name, or NULL if memory is short.
 */

ngx_http_magasin_name_t *
ngx_http_magasin_names_add(ngx_conf_t *cf, ngx_http_magasin_names_t *names,
    ngx_str_t *host)
{
    ngx_url_t                  url;
    ngx_uint_t                 i;
    ngx_http_magasin_name_t   *name, **place;

    if (names->list.elts == NULL
        && ngx_array_init(&names->list, cf->pool, 2,
                          sizeof(ngx_http_magasin_name_t *))
           != NGX_OK)
    {
        return NULL;
    }

    place = ngx_array_push(&names->list);
    if (place == NULL) {
        return NULL;
    }

    name = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_name_t));
    if (name == NULL) {
        return NULL;
    }

    *place = name;

    name->names = names;
    name->name = *host;

    ngx_memzero(&url, sizeof(ngx_url_t));

    url.url = *host;
    url.default_port = 1;

    if (ngx_parse_url(cf->pool, &url) != NGX_OK) {
        return name;
    }

    for (i = 0; i < url.naddrs; i++) {
        if (ngx_http_magasin_names_take(name, url.addrs[i].sockaddr,
                                        url.addrs[i].socklen)
            != NGX_OK)
        {
            break;
        }
    }

    return name;
}


/*
 * The configuration is read: `resolver` is that of the block "http", which
 * nginx makes without a server if none is configured.
 *
 * Returns NGX_OK, or NGX_ERROR if a name has no address and nobody to ask; it
 * is logged, with `directive`.
 */

ngx_int_t
ngx_http_magasin_names_resolver(ngx_conf_t *cf,
    ngx_http_magasin_names_t *names, ngx_resolver_t *resolver,
    const char *directive)
{
    ngx_uint_t                 i;
    ngx_http_magasin_name_t  **name;

    if (resolver && resolver->connections.nelts) {
        names->resolver = resolver;
    }

    name = names->list.elts;

    for (i = 0; i < names->list.nelts; i++) {

        if (name[i]->naddresses) {
            continue;
        }

        if (names->resolver == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "host \"%V\" in \"%s\" cannot be resolved; with a "
                          "\"resolver\" in the block \"http\", nginx starts "
                          "and asks that", &name[i]->name, directive);
            return NGX_ERROR;
        }

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "host \"%V\" in \"%s\" cannot be resolved yet",
                      &name[i]->name, directive);
    }

    return NGX_OK;
}


/*
 * Ask for all names, once a second at most; nothing is done without a
 * resolver.  names->changed() is called for a name that has other addresses
 * now; it must not end a connection.
 */

void
ngx_http_magasin_names_follow(ngx_http_magasin_names_t *names)
{
    ngx_uint_t                 i;
    ngx_resolver_ctx_t        *ctx;
    ngx_http_magasin_name_t  **name;

    if (names->resolver == NULL || names->pending
        || (names->begun
            && ngx_current_msec - names->asked < NGX_HTTP_MAGASIN_NAMES_PAUSE))
    {
        return;
    }

    names->begun = 1;
    names->asked = ngx_current_msec;

    name = names->list.elts;

    for (i = 0; i < names->list.nelts; i++) {

        ctx = ngx_resolve_start(names->resolver, NULL);
        if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
            return;
        }

        ctx->name = name[i]->name;
        ctx->handler = ngx_http_magasin_names_resolved;
        ctx->data = name[i];
        ctx->timeout = NGX_HTTP_MAGASIN_NAMES_TIMEOUT;
        ctx->cancelable = 1;

        /* The handler may be called before it returns; it frees ctx if not. */

        names->pending++;

        if (ngx_resolve_name(ctx) != NGX_OK) {
            names->pending--;
        }
    }
}


static void
ngx_http_magasin_names_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t                i;
    ngx_http_magasin_name_t  *name, now;

    name = ctx->data;
    name->names->pending--;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, ngx_cycle->log, 0,
                   "magasin names: %V is resolved, state:%i addresses:%ui",
                   &name->name, ctx->state, ctx->naddrs);

    ngx_memzero(&now, sizeof(ngx_http_magasin_name_t));

    if (ctx->state == NGX_OK) {

        for (i = 0; i < ctx->naddrs; i++) {
            if (ngx_http_magasin_names_take(&now, ctx->addrs[i].sockaddr,
                                            ctx->addrs[i].socklen)
                != NGX_OK)
            {
                break;
            }
        }
    }

    ngx_resolve_name_done(ctx);

    /* An answer without an address takes nothing away: it may be an error. */

    if (now.naddresses == 0
        || (now.naddresses == name->naddresses
            && ngx_memcmp(now.addresses, name->addresses,
                          sizeof(now.addresses))
               == 0))
    {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "magasin: \"%V\" has %ui addresses now, the first is %s",
                  &name->name, now.naddresses, now.addresses[0]);

    name->naddresses = now.naddresses;
    ngx_memcpy(name->addresses, now.addresses, sizeof(now.addresses));

    name->names->changed(name->names->data);
}


/*
 * Add an address, and keep them in order, since servers of DNS turn them
 * around.
 *
 * Returns NGX_OK, or NGX_DECLINED if there is no place for another one.
 */

static ngx_int_t
ngx_http_magasin_names_take(ngx_http_magasin_name_t *name,
    struct sockaddr *sockaddr, socklen_t socklen)
{
    size_t  len;
    char   *address;

    if (name->naddresses == NGX_HTTP_MAGASIN_NAMES_ADDRESSES) {
        return NGX_DECLINED;
    }

    address = name->addresses[name->naddresses];

    len = ngx_sock_ntop(sockaddr, socklen, (u_char *) address,
                        sizeof(ngx_http_magasin_names_address_t) - 1, 0);
    address[len] = '\0';

    name->naddresses++;

    ngx_qsort(name->addresses, name->naddresses,
              sizeof(ngx_http_magasin_names_address_t),
              ngx_http_magasin_names_compare);

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_magasin_names_compare(const void *one, const void *two)
{
    return ngx_strcmp((const char *) one, (const char *) two);
}
