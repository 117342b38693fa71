
/* The context of TLS to Redis, from the options of `magasin_redis`. */


#include "ngx_http_magasin_redis_conf_internal.h"

#include <openssl/err.h>


static char *ngx_http_magasin_redis_tls_files(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf);
static char *ngx_http_magasin_redis_tls_file(ngx_conf_t *cf,
    ngx_str_t *file);
static void ngx_http_magasin_redis_tls_done(void *data);


/*
 * Create rcf->ssl if TLS is wanted.  It is freed with the configuration.
 *
 * Returns NGX_CONF_OK, an error text for the directive, or NGX_CONF_ERROR if
 * the error is logged.
 */

char *
ngx_http_magasin_redis_conf_tls(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf)
{
    ngx_uint_t                        i;
    ngx_pool_cleanup_t               *cln;
    ngx_http_magasin_redis_target_t  *target;

    if (rcf->tls == NGX_HTTP_MAGASIN_REDIS_PLAIN) {
        return rcf->ca.len || rcf->certificate.len || rcf->key.len
               || rcf->tls_name.len
               ? "has options of TLS and no \"tls=\"" : NGX_CONF_OK;
    }

    if ((rcf->certificate.len == 0) != (rcf->key.len == 0)) {
        return "needs \"certificate=\" and \"key=\" together";
    }

    target = rcf->targets->elts;

    for (i = 0; i < rcf->targets->nelts; i++) {
        if (target[i].path) {
            return "has \"tls=\" and a Unix socket, which has no TLS";
        }
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    ERR_clear_error();

    rcf->ssl = SSL_CTX_new(TLS_client_method());
    if (rcf->ssl == NULL) {
        return "gets no context from OpenSSL";
    }

    cln->handler = ngx_http_magasin_redis_tls_done;
    cln->data = rcf->ssl;

    if (SSL_CTX_set_min_proto_version(rcf->ssl, TLS1_2_VERSION) != 1) {
        return "needs an OpenSSL with TLS 1.2";
    }

    (void) SSL_CTX_set_options(rcf->ssl, SSL_OP_NO_RENEGOTIATION);
    (void) SSL_CTX_set_mode(rcf->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE
                                      |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                      |SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(rcf->ssl, SSL_VERIFY_PEER, NULL);

    return ngx_http_magasin_redis_tls_files(cf, rcf);
}


static char *
ngx_http_magasin_redis_tls_files(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf)
{
    char  *ca, *certificate, *key;

    if (ngx_http_magasin_redis_tls_file(cf, &rcf->ca) != NGX_CONF_OK
        || ngx_http_magasin_redis_tls_file(cf, &rcf->certificate)
           != NGX_CONF_OK
        || ngx_http_magasin_redis_tls_file(cf, &rcf->key) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    ca = (char *) rcf->ca.data;
    certificate = (char *) rcf->certificate.data;
    key = (char *) rcf->key.data;

    if (rcf->ca.len
        ? SSL_CTX_load_verify_locations(rcf->ssl, ca, NULL) != 1
        : SSL_CTX_set_default_verify_paths(rcf->ssl) != 1)
    {
        ERR_clear_error();
        return "cannot read the certificates of \"ca=\" or of the system";
    }

    if (rcf->certificate.len == 0) {
        return NGX_CONF_OK;
    }

    if (SSL_CTX_use_certificate_chain_file(rcf->ssl, certificate) != 1) {
        ERR_clear_error();
        return "cannot read the file of \"certificate=\"";
    }

    if (SSL_CTX_use_PrivateKey_file(rcf->ssl, key, SSL_FILETYPE_PEM) != 1
        || SSL_CTX_check_private_key(rcf->ssl) != 1)
    {
        ERR_clear_error();
        return "cannot read the file of \"key=\", or the key is not the one "
               "of the certificate";
    }

    return NGX_CONF_OK;
}


/* The complete path of a file, as for nginx's own directives. */

static char *
ngx_http_magasin_redis_tls_file(ngx_conf_t *cf, ngx_str_t *file)
{
    if (file->len == 0) {
        return NGX_CONF_OK;
    }

    return ngx_conf_full_name(cf->cycle, file, 1) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static void
ngx_http_magasin_redis_tls_done(void *data)
{
    SSL_CTX_free(data);
}
