
/*
 * $magasin_address: the key of limits for each client.  It is empty for those
 * that speak for many, as proxies do; nginx does not count an empty key.
 */


#include "ngx_http_magasin.h"


static ngx_int_t ngx_http_magasin_address_get(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


/*
 * Adds the variable.  It is changeable: a map of that name, in an older
 * configuration, overrides it.  Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_address_init(ngx_conf_t *cf)
{
    ngx_http_variable_t  *variable;
    static ngx_str_t      name = ngx_string("magasin_address");

    variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_CHANGEABLE);
    if (variable == NULL) {
        return NGX_ERROR;
    }

    variable->get_handler = ngx_http_magasin_address_get;

    return NGX_OK;
}


/* magasin_exempt address ...; */

char *
ngx_http_magasin_exempt(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_request_main_conf_t *rmcf = conf;

    ngx_int_t    rc;
    ngx_str_t   *value;
    ngx_uint_t   i;
    ngx_cidr_t  *cidr;

    if (rmcf->exempt == NULL) {
        rmcf->exempt = ngx_array_create(cf->pool, 4, sizeof(ngx_cidr_t));
        if (rmcf->exempt == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        cidr = ngx_array_push(rmcf->exempt);
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }

        rc = ngx_ptocidr(&value[i], cidr);

        if (rc == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"magasin_exempt\" takes addresses and "
                               "networks, as 10.0.0.0/8; \"%V\" is none",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "low address bits of %V are meaningless",
                               &value[i]);
        }
    }

    return NGX_CONF_OK;
}


/*
 * Evaluates the variable: the 4 or 16 bytes of the client's address.  A client
 * of a Unix socket has none.
 */

static ngx_int_t
ngx_http_magasin_address_get(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    struct sockaddr                       *sa;
    ngx_http_magasin_request_main_conf_t  *rmcf;

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_magasin_request_module);
    sa = r->connection->sockaddr;

    v->data = (u_char *) "";
    v->len = 0;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    if (rmcf->exempt && ngx_cidr_match(sa, rmcf->exempt) == NGX_OK) {
        return NGX_OK;
    }

    switch (sa->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        v->data = ((struct sockaddr_in6 *) sa)->sin6_addr.s6_addr;
        v->len = sizeof(struct in6_addr);
        break;
#endif

    case AF_INET:
        v->data = (u_char *) &((struct sockaddr_in *) sa)->sin_addr;
        v->len = sizeof(in_addr_t);
        break;

    default:
        break;
    }

    return NGX_OK;
}
