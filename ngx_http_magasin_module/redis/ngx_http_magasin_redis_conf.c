
/*
 * `magasin_redis`: addresses and options.  hiredis gets addresses only: it
 * would block a worker for DNS.
 */


#include "ngx_http_magasin_redis_conf_internal.h"


#define NGX_HTTP_MAGASIN_REDIS_PORT           6379
#define NGX_HTTP_MAGASIN_REDIS_SENTINEL_PORT  26379


/* An option that is a text. */
typedef struct {
    ngx_str_t    name;
    size_t       offset;
    char        *empty;     /* what is said of no text */
} ngx_http_magasin_redis_text_t;


static u_char *ngx_http_magasin_redis_conf_equal(ngx_str_t *value);
static char *ngx_http_magasin_redis_conf_address(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf, ngx_str_t *address);
static ngx_int_t ngx_http_magasin_redis_conf_place(ngx_conf_t *cf,
    ngx_http_magasin_redis_target_t *target, ngx_url_t *url);
static char *ngx_http_magasin_redis_conf_option(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf, ngx_str_t *option, u_char *equal);
static char *ngx_http_magasin_redis_conf_verify(
    ngx_http_magasin_redis_conf_t *rcf, ngx_str_t *text);
static char *ngx_http_magasin_redis_conf_check(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf);


static ngx_http_magasin_redis_text_t  ngx_http_magasin_redis_texts[] = {

    { ngx_string("user"),
      offsetof(ngx_http_magasin_redis_conf_t, user),
      "has an empty \"user=\": leave it out for the user \"default\"" },

    { ngx_string("password"),
      offsetof(ngx_http_magasin_redis_conf_t, password),
      "has an empty \"password=\": leave it out when Redis wants none" },

    { ngx_string("sentinel"),
      offsetof(ngx_http_magasin_redis_conf_t, sentinel),
      "needs the name of the primary after \"sentinel=\"" },

    { ngx_string("sentinel_user"),
      offsetof(ngx_http_magasin_redis_conf_t, sentinel_user),
      "has an empty \"sentinel_user=\": leave it out" },

    { ngx_string("sentinel_password"),
      offsetof(ngx_http_magasin_redis_conf_t, sentinel_password),
      "has an empty \"sentinel_password=\": leave it out when the "
      "Sentinels want none" },

    { ngx_string("tls_name"),
      offsetof(ngx_http_magasin_redis_conf_t, tls_name),
      "needs the name of the certificate after \"tls_name=\"" },

    { ngx_string("ca"),
      offsetof(ngx_http_magasin_redis_conf_t, ca),
      "needs a file after \"ca=\"" },

    { ngx_string("certificate"),
      offsetof(ngx_http_magasin_redis_conf_t, certificate),
      "needs a file after \"certificate=\"" },

    { ngx_string("key"),
      offsetof(ngx_http_magasin_redis_conf_t, key),
      "needs a file after \"key=\"" },

    { ngx_null_string, 0, NULL }
};


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

    rcf->places = ngx_array_create(cf->pool, 2,
                                   sizeof(ngx_http_magasin_redis_place_t));
    rcf->names = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_names_t));

    if (rcf->places == NULL || rcf->names == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        equal = ngx_http_magasin_redis_conf_equal(&value[i]);

        if (equal == NULL) {
            continue;
        }

        rv = ngx_http_magasin_redis_conf_option(cf, rcf, &value[i], equal);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    /* The port that an address has by default depends on the options. */

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_magasin_redis_conf_equal(&value[i])) {
            continue;
        }

        rv = ngx_http_magasin_redis_conf_address(cf, rcf, &value[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return ngx_http_magasin_redis_conf_check(cf, rcf);
}


/* What only all arguments together tell. */

static char *
ngx_http_magasin_redis_conf_check(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf)
{
    if (rcf->user.len && rcf->password.len == 0) {
        return "has \"user=\" and no \"password=\"";
    }

    if (rcf->sentinel.len == 0
        && (rcf->sentinel_user.len || rcf->sentinel_password.len))
    {
        return "has options of Sentinels and no \"sentinel=\"";
    }

    if (rcf->sentinel_user.len && rcf->sentinel_password.len == 0) {
        return "has \"sentinel_user=\" and no \"sentinel_password=\"";
    }

    if (rcf->places->nelts == 0) {
        return "needs an address before its options, as "
               "\"unix:/run/redis/redis.sock\" or \"127.0.0.1:6379\"";
    }

    if (ngx_http_magasin_redis_places_init(cf, rcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_magasin_redis_conf_tls(cf, rcf);
}


/*
 * Returns the "=" of an option; NULL if it is an address, whose path may
 * contain one.
 */

static u_char *
ngx_http_magasin_redis_conf_equal(ngx_str_t *value)
{
    if (value->len >= 5 && ngx_strncmp(value->data, "unix:", 5) == 0) {
        return NULL;
    }

    return ngx_strlchr(value->data, value->data + value->len, '=');
}


/* Parse an address.  A name has a place for each address it may have. */

static char *
ngx_http_magasin_redis_conf_address(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf, ngx_str_t *address)
{
    ngx_url_t                        url;
    ngx_uint_t                       i, n;
    ngx_http_magasin_name_t         *host;
    ngx_http_magasin_redis_place_t  *place;

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
    url.default_port = rcf->sentinel.len
                       ? NGX_HTTP_MAGASIN_REDIS_SENTINEL_PORT
                       : NGX_HTTP_MAGASIN_REDIS_PORT;
    url.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &url) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "address \"%V\" in \"magasin_redis\": %s; write "
                           "\"unix:/path\" or \"host:port\"",
                           address, url.err ? url.err : "is invalid");
        return NGX_CONF_ERROR;
    }

    host = NULL;

    if (url.naddrs == 0) {
        host = ngx_http_magasin_names_add(cf, rcf->names, &url.host);
        if (host == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    n = host ? NGX_HTTP_MAGASIN_NAMES_ADDRESSES : 1;

    for (i = 0; i < n; i++) {

        place = ngx_array_push(rcf->places);
        if (place == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(place, sizeof(ngx_http_magasin_redis_place_t));

        place->host = host;
        place->n = i;

        if (ngx_http_magasin_redis_conf_place(cf, &place->target, &url)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/*
 * Fill a target, but for the address of a name.  Returns NGX_OK, or NGX_ERROR
 * if memory is short.
 */

static ngx_int_t
ngx_http_magasin_redis_conf_place(ngx_conf_t *cf,
    ngx_http_magasin_redis_target_t *target, ngx_url_t *url)
{
    size_t   len;
    u_char  *text, *server;

    text = ngx_pnalloc(cf->pool, NGX_SOCKADDR_STRLEN + 1);
    server = ngx_pnalloc(cf->pool, url->host.len + 1);

    /* "name (address):port" */

    target->name.data = ngx_pnalloc(cf->pool, url->host.len
                                              + NGX_SOCKADDR_STRLEN
                                              + sizeof(" ():65535"));

    if (text == NULL || server == NULL || target->name.data == NULL) {
        return NGX_ERROR;
    }

    if (url->naddrs) {
        len = ngx_sock_ntop(url->addrs[0].sockaddr, url->addrs[0].socklen,
                            text, NGX_SOCKADDR_STRLEN, 0);
        text[len] = '\0';

        target->name = url->addrs[0].name;
        target->host = (char *) text;
    }

#if (NGX_HAVE_UNIX_DOMAIN)

    if (url->family == AF_UNIX) {
        target->path = (char *) text + sizeof("unix:") - 1;
        target->host = NULL;
        return NGX_OK;
    }

#endif

    /* The host as it was written, without the brackets of IPv6. */

    len = url->host.len;

    if (len > 2 && url->host.data[0] == '[') {
        (void) ngx_cpystrn(server, url->host.data + 1, len - 1);

    } else {
        (void) ngx_cpystrn(server, url->host.data, len + 1);
    }

    target->port = url->port;
    target->server = (char *) server;

    return NGX_OK;
}


/* An option: name=value. */

static char *
ngx_http_magasin_redis_conf_option(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf, ngx_str_t *option, u_char *equal)
{
    ngx_str_t                       name, text;
    ngx_http_magasin_redis_text_t  *known;

    name.data = option->data;
    name.len = equal - option->data;
    text.data = equal + 1;
    text.len = option->len - name.len - 1;

    for (known = ngx_http_magasin_redis_texts; known->name.len; known++) {

        if (name.len == known->name.len
            && ngx_strncmp(name.data, known->name.data, name.len) == 0)
        {
            if (text.len == 0) {
                return known->empty;
            }

            *(ngx_str_t *) ((u_char *) rcf + known->offset) = text;

            return NGX_CONF_OK;
        }
    }

    if (name.len == 2 && ngx_strncmp(name.data, "db", 2) == 0) {
        rcf->db = ngx_atoi(text.data, text.len);

        return rcf->db >= 0 && rcf->db <= 65535
               ? NGX_CONF_OK
               : "takes \"db\" as a number from 0, below the \"databases\" "
                 "of the server, which are 16 unless set";
    }

    if (name.len == 7 && ngx_strncmp(name.data, "timeout", 7) == 0) {
        rcf->timeout = ngx_parse_time(&text, 0);

        return rcf->timeout >= 1 && rcf->timeout <= 1000
               ? NGX_CONF_OK
               : "takes \"timeout\" as a time from 1ms to 1s, such as 50ms";
    }

    if (name.len == 3 && ngx_strncmp(name.data, "tls", 3) == 0) {
        return ngx_http_magasin_redis_conf_verify(rcf, &text);
    }

    /* Only the name: the value may be a secret. */

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"magasin_redis\" does not know \"%V=\": besides "
                       "addresses it takes user=, password=, db=, timeout=, "
                       "sentinel=, sentinel_user=, sentinel_password=, tls=, "
                       "tls_name=, ca=, certificate= and key=",
                       &name);
    return NGX_CONF_ERROR;
}


static char *
ngx_http_magasin_redis_conf_verify(ngx_http_magasin_redis_conf_t *rcf,
    ngx_str_t *text)
{
    if (text->len == 11 && ngx_strncmp(text->data, "verify-full", 11) == 0) {
        rcf->tls = NGX_HTTP_MAGASIN_REDIS_VERIFY_FULL;
        return NGX_CONF_OK;
    }

    if (text->len == 9 && ngx_strncmp(text->data, "verify-ca", 9) == 0) {
        rcf->tls = NGX_HTTP_MAGASIN_REDIS_VERIFY_CA;
        return NGX_CONF_OK;
    }

    return "takes \"tls=verify-full\" or, without the name of the server, "
           "\"tls=verify-ca\"";
}
