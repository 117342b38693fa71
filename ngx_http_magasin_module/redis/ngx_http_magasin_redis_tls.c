
/*
 * TLS to Redis.  OpenSSL works on the socket of hiredis, and the room's own
 * events tell when it can go on: hiredis has TLS only from 1.0 on, and nginx's
 * functions want edge-triggered events, which this room has not.
 *
 * The chunk that is read at once is as long as the longest record.  So OpenSSL
 * holds nothing back that the socket would not report.
 *
 * OpenSSL's queue of errors is shared with nginx's connections: it is empty
 * before and after each call.
 */


#include "ngx_http_magasin_redis_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>


/* Bytes that one turn of the event loop encrypts. */
#define NGX_HTTP_MAGASIN_REDIS_TURN  (1024 * 1024)


static ngx_int_t ngx_http_magasin_redis_tls_check(
    ngx_http_magasin_redis_t *redis);
static ngx_int_t ngx_http_magasin_redis_tls_again(
    ngx_http_magasin_redis_t *redis, int n, ngx_uint_t *writes);
static void ngx_http_magasin_redis_tls_error(ngx_http_magasin_redis_t *redis,
    const char *what);


/*
 * Prepare TLS for a socket that is connected.  ngx_http_magasin_redis_close()
 * frees it.
 *
 * Returns NGX_OK, or NGX_ERROR if memory is short.
 */

ngx_int_t
ngx_http_magasin_redis_tls_create(ngx_http_magasin_redis_t *redis)
{
    u_char       sin6[16];
    size_t       len;
    const char  *server;

    ERR_clear_error();

    redis->ssl = SSL_new(redis->conf->ssl);

    if (redis->ssl == NULL
        || SSL_set_fd(redis->ssl, redis->context->fd) != 1)
    {
        ERR_clear_error();
        return NGX_ERROR;
    }

    SSL_set_connect_state(redis->ssl);

    /* An address is no name for the extension of the greeting (RFC 6066). */

    server = ngx_http_magasin_redis_tls_server(redis);
    len = ngx_strlen(server);

    if (ngx_inet_addr((u_char *) server, len) == INADDR_NONE
        && ngx_inet6_addr((u_char *) server, len, sin6) != NGX_OK
        && SSL_set_tlsext_host_name(redis->ssl, server) != 1)
    {
        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Returns the name or address that the certificate of the server must have. */

const char *
ngx_http_magasin_redis_tls_server(ngx_http_magasin_redis_t *redis)
{
    /* The configuration ends it with a NUL. */

    return redis->conf->tls_name.len
           ? (const char *) redis->conf->tls_name.data : redis->server;
}


/* Free what _create() has made.  The socket stays open. */

void
ngx_http_magasin_redis_tls_free(ngx_http_magasin_redis_t *redis)
{
    if (redis->ssl) {
        SSL_free(redis->ssl);
        redis->ssl = NULL;
        ERR_clear_error();
    }
}


/*
 * Go on with the handshake.
 *
 * Returns NGX_OK if it is done and the server is who it should be; NGX_AGAIN
 * if an event continues it; NGX_ERROR if the connection was given up.
 */

ngx_int_t
ngx_http_magasin_redis_tls_handshake(ngx_http_magasin_redis_t *redis)
{
    int         n;
    ngx_int_t   rc;
    ngx_uint_t  writes;

    ERR_clear_error();

    n = SSL_do_handshake(redis->ssl);

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, redis->log, 0,
                   "magasin redis: SSL_do_handshake %d", n);

    if (n == 1) {

        if (ngx_http_magasin_redis_tls_check(redis) != NGX_OK) {
            return NGX_ERROR;
        }

        /* The greeting waits in the output buffer. */

        return ngx_http_magasin_event_write(redis->connection, 1);
    }

    rc = ngx_http_magasin_redis_tls_again(redis, n, &writes);

    if (rc == NGX_AGAIN) {
        (void) ngx_http_magasin_event_write(redis->connection, writes);
        return NGX_AGAIN;
    }

    ngx_http_magasin_redis_tls_error(redis, "no TLS");

    return NGX_ERROR;
}


/*
 * The name is checked by hand, since an address is in another field of a
 * certificate (RFC 9525).  The chain was checked in the handshake.
 */

static ngx_int_t
ngx_http_magasin_redis_tls_check(ngx_http_magasin_redis_t *redis)
{
    int          ok;
    X509        *certificate;
    const char  *server;

    if (redis->conf->tls != NGX_HTTP_MAGASIN_REDIS_VERIFY_FULL) {
        return NGX_OK;
    }

    ok = 0;
    certificate = SSL_get_peer_certificate(redis->ssl);

    if (certificate) {
        server = ngx_http_magasin_redis_tls_server(redis);

        ok = (X509_check_ip_asc(certificate, server, 0) == 1
              || X509_check_host(certificate, server, 0, 0, NULL) == 1);

        X509_free(certificate);
    }

    ERR_clear_error();

    if (!ok) {
        ngx_http_magasin_redis_drop(redis,
                                    "its certificate is for another name");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Read up to `size` bytes.
 *
 * Returns their number; 0 at the end of the connection; NGX_AGAIN; or
 * NGX_ERROR if the connection was given up.
 */

ssize_t
ngx_http_magasin_redis_tls_read(ngx_http_magasin_redis_t *redis, u_char *data,
    size_t size)
{
    int         n;
    ngx_int_t   rc;
    ngx_uint_t  writes;

    ERR_clear_error();

    n = SSL_read(redis->ssl, data, (int) size);

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, redis->log, 0,
                   "magasin redis: SSL_read %d", n);

    if (n > 0) {
        return n;
    }

    rc = ngx_http_magasin_redis_tls_again(redis, n, &writes);

    if (rc == NGX_ERROR) {
        ngx_http_magasin_redis_tls_error(redis, "TLS failed");
    }

    return rc == NGX_DONE ? 0 : rc;
}


/*
 * Write what is in the output buffer, or NGX_HTTP_MAGASIN_REDIS_TURN bytes of
 * it: to encrypt them takes a turn's time.
 *
 * Returns NGX_OK if that is all; NGX_AGAIN if the write event continues it; or
 * NGX_ERROR if the connection was given up.
 */

ngx_int_t
ngx_http_magasin_redis_tls_write(ngx_http_magasin_redis_t *redis)
{
    int         n;
    size_t      len, done;
    ngx_int_t   rc;
    ngx_uint_t  writes;

    n = 1;
    done = 0;
    len = sdslen(redis->context->obuf);

    while (done < len && done < NGX_HTTP_MAGASIN_REDIS_TURN) {

        ERR_clear_error();

        n = SSL_write(redis->ssl, redis->context->obuf + done,
                      (int) (len - done));

        ngx_log_debug1(NGX_LOG_DEBUG_EVENT, redis->log, 0,
                       "magasin redis: SSL_write %d", n);

        if (n <= 0) {
            break;
        }

        done += n;
    }

    rc = (n > 0) ? NGX_AGAIN
                 : ngx_http_magasin_redis_tls_again(redis, n, &writes);

    if (rc != NGX_AGAIN) {
        ngx_http_magasin_redis_tls_error(redis, "TLS failed");
        return NGX_ERROR;
    }

    if (done == len) {
        sdsclear(redis->context->obuf);
        return NGX_OK;
    }

    /* Before hiredis 1.0 it returns nothing. */

    (void) sdsrange(redis->context->obuf, done, -1);

    return NGX_AGAIN;
}


/*
 * A call has done nothing.  Returns NGX_AGAIN if an event continues it, and
 * then *writes is 1 if it waits to write; NGX_DONE if the server has closed;
 * NGX_ERROR otherwise.
 */

static ngx_int_t
ngx_http_magasin_redis_tls_again(ngx_http_magasin_redis_t *redis, int n,
    ngx_uint_t *writes)
{
    *writes = 0;

    switch (SSL_get_error(redis->ssl, n)) {

    case SSL_ERROR_WANT_READ:
        return NGX_AGAIN;

    case SSL_ERROR_WANT_WRITE:
        *writes = 1;
        return NGX_AGAIN;

    case SSL_ERROR_ZERO_RETURN:
        return NGX_DONE;

    default:
        return NGX_ERROR;
    }
}


/* Give the connection up, with what OpenSSL and the check of the chain say. */

static void
ngx_http_magasin_redis_tls_error(ngx_http_magasin_redis_t *redis,
    const char *what)
{
    long           verified;
    u_char         why[160];
    const char    *reason;
    unsigned long  error;

    error = ERR_peek_error();
    verified = SSL_get_verify_result(redis->ssl);

    reason = error ? ERR_reason_error_string(error) : NULL;

    if (verified != X509_V_OK) {
        reason = X509_verify_cert_error_string(verified);
    }

    (void) ngx_snprintf(why, sizeof(why), "%s: %s%Z", what,
                        reason ? reason : "the server closed the connection");

    ERR_clear_error();

    ngx_http_magasin_redis_drop(redis, (char *) why);
}
