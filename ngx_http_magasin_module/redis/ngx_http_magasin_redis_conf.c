
/*
 * `magasin_redis`: addresses, password, database and timeout.  Names are
 * resolved at configuration: hiredis would block a worker for DNS.
 */


#include "ngx_http_magasin_redis.h"


#define NGX_HTTP_MAGASIN_REDIS_PORT  6379


static char *ngx_http_magasin_redis_conf_address(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf, ngx_str_t *address);
static char *ngx_http_magasin_redis_conf_target(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf, ngx_addr_t *addr);
static char *ngx_http_magasin_redis_conf_option(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf, ngx_str_t *option, u_char *equal);


/*
 * Fill `rcf` from the arguments of the directive.
 *
 * Returns NGX_CONF_OK, an error text for the directive, or NGX_CONF_ERROR if
 * the error is logged.  No error has the password.
 */

char *
ngx_http_magasin_redis_conf_parse(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf)
{
    char        *rv;
    u_char      *equal;
    ngx_str_t   *value;
    ngx_uint_t   i;

    rcf->targets = ngx_array_create(cf->pool, 2,
                                    sizeof(ngx_http_magasin_redis_target_t));
    if (rcf->targets == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        equal = NULL;

        /* A path may contain a "=". */

        if (value[i].len < 5 || ngx_strncmp(value[i].data, "unix:", 5) != 0) {
            equal = ngx_strlchr(value[i].data, value[i].data + value[i].len,
                                '=');
        }

        if (equal) {
            rv = ngx_http_magasin_redis_conf_option(cf, rcf, &value[i], equal);

        } else {
            rv = ngx_http_magasin_redis_conf_address(cf, rcf, &value[i]);
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (rcf->targets->nelts == 0) {
        return "needs an address before its options, as "
               "\"unix:/run/redis/redis.sock\" or \"127.0.0.1:6379\"";
    }

    return NGX_CONF_OK;
}


/* Parse an address.  A name may resolve to several addresses. */

static char *
ngx_http_magasin_redis_conf_address(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf, ngx_str_t *address)
{
    char        *rv;
    ngx_url_t    url;
    ngx_uint_t   i;

    /* A URI may contain a password: it is not logged. */

    if (ngx_strnstr(address->data, "://", address->len)
        || ngx_strlchr(address->data, address->data + address->len, '@'))
    {
        return "takes \"unix:/path\" or \"host:port\" and no URI; what a "
               "redis:// URI also says goes into \"password=\" and \"db=\"";
    }

    if (address->len >= 5 && ngx_strncmp(address->data, "unix:", 5) == 0
        && (address->len < 7 || address->data[5] != '/'))
    {
        return "needs an absolute path after \"unix:\", as "
               "\"unix:/run/redis/redis.sock\"";
    }

    ngx_memzero(&url, sizeof(ngx_url_t));

    url.url = *address;
    url.default_port = NGX_HTTP_MAGASIN_REDIS_PORT;

    if (ngx_parse_url(cf->pool, &url) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "address \"%V\" in \"magasin_redis\": %s; write "
                           "\"unix:/path\" or \"host:port\"",
                           address, url.err ? url.err : "cannot be resolved");
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < url.naddrs; i++) {
        rv = ngx_http_magasin_redis_conf_target(cf, rcf, &url.addrs[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_magasin_redis_conf_target(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf, ngx_addr_t *addr)
{
    size_t                            len;
    u_char                           *text;
    ngx_http_magasin_redis_target_t  *target;

    target = ngx_array_push(rcf->targets);
    if (target == NULL) {
        return NGX_CONF_ERROR;
    }

    text = ngx_pnalloc(cf->pool, NGX_SOCKADDR_STRLEN + 1);
    if (text == NULL) {
        return NGX_CONF_ERROR;
    }

    len = ngx_sock_ntop(addr->sockaddr, addr->socklen, text,
                        NGX_SOCKADDR_STRLEN, 0);
    text[len] = '\0';

    ngx_memzero(target, sizeof(ngx_http_magasin_redis_target_t));
    target->name = addr->name;

#if (NGX_HAVE_UNIX_DOMAIN)

    if (addr->sockaddr->sa_family == AF_UNIX) {
        target->path = (char *) text + sizeof("unix:") - 1;
        return NGX_CONF_OK;
    }

#endif

    target->host = (char *) text;
    target->port = ngx_inet_get_port(addr->sockaddr);

    return NGX_CONF_OK;
}


static char *
ngx_http_magasin_redis_conf_option(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf, ngx_str_t *option, u_char *equal)
{
    ngx_int_t  n;
    ngx_str_t  name, text;

    name.data = option->data;
    name.len = equal - option->data;
    text.data = equal + 1;
    text.len = option->len - name.len - 1;

    if (name.len == 8 && ngx_strncmp(name.data, "password", 8) == 0) {
        if (text.len == 0) {
            return "has an empty \"password=\": leave it out when Redis "
                   "wants none";
        }

        rcf->password = text;
        return NGX_CONF_OK;
    }

    if (name.len == 2 && ngx_strncmp(name.data, "db", 2) == 0) {
        n = ngx_atoi(text.data, text.len);

        if (n < 0 || n > 65535) {
            return "takes \"db\" as a number from 0, below the \"databases\" "
                   "of the server, which are 16 unless set";
        }

        rcf->db = n;
        return NGX_CONF_OK;
    }

    if (name.len == 7 && ngx_strncmp(name.data, "timeout", 7) == 0) {
        n = ngx_parse_time(&text, 0);

        if (n < 1 || n > 1000) {
            return "takes \"timeout\" as a time from 1ms to 1s, such as 50ms";
        }

        rcf->timeout = n;
        return NGX_CONF_OK;
    }

    /* Only the name: the value may be a secret. */

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"magasin_redis\" does not know \"%V=\": besides "
                       "addresses it takes password=, db= and timeout=",
                       &name);
    return NGX_CONF_ERROR;
}
