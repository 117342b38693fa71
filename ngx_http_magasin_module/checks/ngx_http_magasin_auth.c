
/*
 * Authorisation: the token of a request, and what its scopes allow.
 * ngx_http_magasin_tokens.c keeps the list of tokens.
 */


#include "ngx_http_magasin_tokens_internal.h"

#include <openssl/crypto.h>


static ngx_http_magasin_checks_main_conf_t *ngx_http_magasin_auth_conf(
    ngx_http_request_t *r);
static ngx_uint_t ngx_http_magasin_has_token(ngx_http_request_t *r);
static ngx_int_t ngx_http_magasin_take_token(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_token_t *token);
static ngx_http_magasin_token_t *ngx_http_magasin_tokens_find(
    ngx_http_magasin_tokens_t *tokens, ngx_str_t *secret);
static ngx_int_t ngx_http_magasin_ambient(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_unauthorized(ngx_http_magasin_ctx_t *ctx);
static ngx_uint_t ngx_http_magasin_demonstrated(ngx_http_request_t *r);
static ngx_uint_t ngx_http_magasin_loopback(struct sockaddr *sa);
static void ngx_http_magasin_demonstration_refused(
    ngx_http_magasin_tokens_t *tokens);
static ngx_uint_t ngx_http_magasin_stray_blank(ngx_http_request_t *r,
    ngx_str_t *value);


/*
 * Looks up the token of the request.  The header is compared as by the
 * reference: exactly "Token", one blank and the secret.  ctx->token, scopes,
 * stores and expires are set to those of a valid token, else they are empty.
 * They are copies, because the list may be replaced before the log phase.
 *
 * Returns NGX_OK if the token is valid, NGX_DECLINED if there is no valid
 * token (ctx->refused is the reason), or NGX_ERROR if memory cannot be
 * allocated.
 */

ngx_int_t
ngx_http_magasin_identify(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t                   secret;
    ngx_table_elt_t            *header;
    ngx_http_magasin_token_t   *token;
    ngx_http_magasin_tokens_t  *tokens;

    tokens = ngx_http_magasin_auth_conf(ctx->request)->tokens;

    ngx_http_magasin_nobody(ctx);
    header = ctx->request->headers_in.authorization;
    ctx->refused = header ? NGX_HTTP_MAGASIN_REFUSED_MALFORMED
                          : NGX_HTTP_MAGASIN_REFUSED_MISSING;

    if (tokens) {
        ctx->generation = tokens->generation;
    }

    if (header == NULL
        || header->value.len <= sizeof("Token ") - 1
        || ngx_strncmp(header->value.data, "Token ", sizeof("Token ") - 1)
           != 0
        || ngx_http_magasin_stray_blank(ctx->request, &header->value))
    {
        return NGX_DECLINED;
    }

    ctx->refused = NGX_HTTP_MAGASIN_REFUSED_UNKNOWN;

    if (tokens == NULL || tokens->list == NULL) {
        return NGX_DECLINED;
    }

    secret.data = header->value.data + sizeof("Token ") - 1;
    secret.len = header->value.len - (sizeof("Token ") - 1);

    token = ngx_http_magasin_tokens_find(tokens, &secret);

    if (token == NULL) {
        return NGX_DECLINED;
    }

    if (token->demonstration && !ngx_http_magasin_demonstrated(ctx->request)) {
        ctx->refused = NGX_HTTP_MAGASIN_REFUSED_DEMONSTRATION;
        return NGX_DECLINED;
    }

    if (token->expires && ngx_time() >= token->expires) {
        ctx->refused = NGX_HTTP_MAGASIN_REFUSED_EXPIRED;
        return NGX_DECLINED;
    }

    return ngx_http_magasin_take_token(ctx, token);
}


/* Forgets who asks. */

void
ngx_http_magasin_nobody(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_null(&ctx->token);
    ngx_str_null(&ctx->scopes);
    ngx_str_null(&ctx->stores);
    ctx->expires = 0;
    ctx->bound = 0;
    ctx->identity = 0;
}


static ngx_int_t
ngx_http_magasin_take_token(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_token_t *token)
{
    ngx_pool_t  *pool;

    pool = ctx->request->pool;

    ctx->token.data = ngx_pnalloc(pool, token->id.len + 1);
    ctx->scopes.data = ngx_pstrdup(pool, &token->scopes);

    if (ctx->token.data == NULL || ctx->scopes.data == NULL) {
        return NGX_ERROR;
    }

    if (token->bound) {
        ctx->stores.data = ngx_pstrdup(pool, &token->stores);

        if (ctx->stores.data == NULL) {
            return NGX_ERROR;
        }

        ctx->stores.len = token->stores.len;
        ctx->bound = 1;
    }

    (void) ngx_cpystrn(ctx->token.data, token->id.data, token->id.len + 1);
    ctx->token.len = token->id.len;
    ctx->scopes.len = token->scopes.len;
    ctx->expires = token->expires;

    return NGX_OK;
}


/*
 * Returns 1 if this request needs to be authorised.  Without magasin_read that
 * is known from the table alone, and nothing about the asker is looked at.
 */

ngx_uint_t
ngx_http_magasin_guarded(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_checks_loc_conf_t  *clcf;

    if (ctx->endpoint->scope) {
        return 1;
    }

    clcf = ngx_http_get_module_loc_conf(ctx->request,
                                        ngx_http_magasin_checks_module);

    return clcf->read && !ctx->endpoint->open;
}


/*
 * Checks that the asker has the scope of the endpoint, and that the stores of
 * the asker include that of the path.  A token in the request decides alone;
 * without one nginx is asked (magasin_identity).  If a variable has looked up
 * the token before, that result is used unless the list of tokens has changed.
 *
 * Returns NGX_OK, NGX_DONE if the 401 or 403 is in ctx, or NGX_ERROR if memory
 * cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_authorize(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t                            rc;
    const char                          *scope;
    ngx_http_magasin_tokens_t           *tokens;
    ngx_http_magasin_checks_loc_conf_t  *clcf;

    rc = NGX_OK;
    scope = ctx->endpoint->scope ? ctx->endpoint->scope : "lecture";
    tokens = ngx_http_magasin_auth_conf(ctx->request)->tokens;
    clcf = ngx_http_get_module_loc_conf(ctx->request,
                                        ngx_http_magasin_checks_module);

    if (clcf->identity && !ngx_http_magasin_has_token(ctx->request)) {
        rc = ngx_http_magasin_identity_ask(ctx, clcf->identity);

        if (rc == NGX_OK) {
            rc = ngx_http_magasin_ambient(ctx);
        }

    } else if (tokens == NULL || tokens->list == NULL
               || ctx->generation != tokens->generation)
    {
        rc = ngx_http_magasin_identify(ctx);
    }

    if (rc == NGX_ERROR || rc == NGX_DONE) {
        return rc;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                   "magasin token \"%V\" for scope \"%s\"", &ctx->token,
                   scope);

    if (ctx->token.len == 0) {
        return ngx_http_magasin_unauthorized(ctx);
    }

    if (*scope
        && !ngx_http_magasin_allowed(ctx, scope)
        && !(ctx->endpoint->other
             && ngx_http_magasin_allowed(ctx, ctx->endpoint->other)))
    {
        ngx_http_magasin_auth_count(ctx->request,
                                    NGX_HTTP_MAGASIN_REFUSED_SCOPE);

        return ngx_http_magasin_reply_status(ctx, NGX_HTTP_FORBIDDEN);
    }

    ctx->limited = ctx->bound;
    ctx->personal = 1;

    return ngx_http_magasin_place_path(ctx);
}


/* Returns 1 if the accepted token has this scope, else 0. */

ngx_uint_t
ngx_http_magasin_allowed(ngx_http_magasin_ctx_t *ctx, const char *scope)
{
    return ngx_http_magasin_rights_have(&ctx->scopes, scope);
}


/*
 * Returns 1 if who was let in long ago has to ask again, else 0: the last day
 * of the token is over, or the list of tokens is another one.
 */

ngx_uint_t
ngx_http_magasin_outdated(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_tokens_t  *tokens;

    if (ctx->token.len == 0) {
        return 0;
    }

    if (ctx->expires && ngx_time() >= ctx->expires) {
        return 1;
    }

    tokens = ngx_http_magasin_auth_conf(ctx->request)->tokens;

    return !ctx->identity && tokens && tokens->generation != ctx->generation;
}


/* Returns 1 if the request has a token, in whatever form, right or wrong. */

static ngx_uint_t
ngx_http_magasin_has_token(ngx_http_request_t *r)
{
    ngx_str_t  *value;

    if (r->headers_in.authorization == NULL) {
        return 0;
    }

    value = &r->headers_in.authorization->value;

    return value->len >= sizeof("Token") - 1
           && ngx_strncasecmp(value->data, (u_char *) "Token",
                              sizeof("Token") - 1)
              == 0
           && (value->len == sizeof("Token") - 1
               || value->data[sizeof("Token") - 1] == ' '
               || value->data[sizeof("Token") - 1] == '\t');
}


/*
 * Refuses a write that a page of another origin has made a browser send: its
 * certificates and cookies go with whatever any page asks of it, and forms ask
 * without a preflight.  A token is sent by nobody but who knows it.
 *
 * Returns NGX_OK, NGX_DONE if the 403 is in ctx, or NGX_ERROR if memory cannot
 * be allocated.
 */

static ngx_int_t
ngx_http_magasin_ambient(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t         rc;
    static ngx_str_t  detail =
                       ngx_string("Une page d'une autre origine ne peut agir "
                                  "avec votre identité.");

    if (ctx->endpoint->method == NGX_HTTP_GET) {
        return NGX_OK;
    }

    rc = ngx_http_magasin_cors_foreign(ctx->request);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    ngx_http_magasin_auth_count(ctx->request,
                                NGX_HTTP_MAGASIN_REFUSED_IDENTITY);

    return ngx_http_magasin_reply_detail(ctx, NGX_HTTP_FORBIDDEN, &detail);
}


static ngx_int_t
ngx_http_magasin_unauthorized(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t         path, *message;
    static ngx_str_t  invalid =
                      ngx_string("Token d'accès invalide ou manquant.");
    static ngx_str_t  expired = ngx_string("Token d'accès expiré.");
    static ngx_str_t  demonstration =
                      ngx_string("Le token de démonstration n'est accepté "
                                 "que sur la machine elle-même.");

    message = &invalid;

    if (ctx->refused == NGX_HTTP_MAGASIN_REFUSED_EXPIRED) {
        message = &expired;

        /* RFC 6750, section 3. */

        ngx_str_set(&ctx->challenge,
                    "Token error=\"invalid_token\", "
                    "error_description=\"The token has expired\"");
    }

    if (ctx->refused == NGX_HTTP_MAGASIN_REFUSED_DEMONSTRATION) {
        ngx_http_magasin_demonstration_refused(
                           ngx_http_magasin_auth_conf(ctx->request)->tokens);
        message = &demonstration;
    }

    ngx_http_magasin_auth_count(ctx->request, ctx->refused);

    if (ngx_http_magasin_public_path(ctx, &path) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_reply_resource(ctx, NGX_HTTP_UNAUTHORIZED,
                                           message, &path);
}


static ngx_http_magasin_checks_main_conf_t *
ngx_http_magasin_auth_conf(ngx_http_request_t *r)
{
    return ngx_http_get_module_main_conf(r, ngx_http_magasin_checks_module);
}


/* Counts a refused request for /metrics. */

void
ngx_http_magasin_auth_count(ngx_http_request_t *r,
    ngx_http_magasin_refused_e reason)
{
    ngx_http_magasin_checks_counters_t  *counters;

    counters = ngx_http_magasin_auth_conf(r)->counters;

    if (counters) {
        ngx_http_magasin_count(counters->refused[reason]);
    }
}


/*
 * Returns 1 if the token of the demonstration is accepted for this request.
 * Everybody knows this token, so by default it is accepted only on the machine
 * itself.  Both addresses of the connection have to be loopback addresses.
 * Behind a trusted proxy (set_real_ip_from) the address of the client has to
 * be one, too.
 */

static ngx_uint_t
ngx_http_magasin_demonstrated(ngx_http_request_t *r)
{
    ngx_http_magasin_checks_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_checks_module);

    if (clcf->demonstration == 1) {
        return 1;
    }

    if (ngx_connection_local_sockaddr(r->connection, NULL, 0) != NGX_OK) {
        return 0;
    }

    return ngx_http_magasin_loopback(r->connection->local_sockaddr)
           && ngx_http_magasin_loopback(r->connection->sockaddr);
}


static ngx_uint_t
ngx_http_magasin_loopback(struct sockaddr *sa)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    switch (sa->sa_family) {

    case AF_INET:
        sin = (struct sockaddr_in *) sa;
        return (ntohl(sin->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sa;

        if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
            return sin6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
        }

        return IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr) ? 1 : 0;
#endif

#if (NGX_HAVE_UNIX_DOMAIN)
    case AF_UNIX:
        return 1;
#endif

    default:
        return 0;
    }
}


/*
 * Logs a rejected token of the demonstration.  Anybody can cause this message,
 * so each worker logs it at most once a minute.
 */

static void
ngx_http_magasin_demonstration_refused(ngx_http_magasin_tokens_t *tokens)
{
    if (tokens->told && ngx_time() - tokens->told < 60) {
        return;
    }

    tokens->told = ngx_time();

    ngx_log_error(NGX_LOG_ERR, tokens->log, 0,
                  "magasin: the token of the demonstration was refused "
                  "to a client of another machine: everybody knows it. "
                  "Take it out of \"%V\", or say \"magasin_demonstration on\"",
                  &tokens->file);
}


/*
 * Returns 1 if there was a blank around the value of the header.  nginx
 * strips blanks from both ends of a value, but the reference rejects a token
 * with such a blank.  One blank after the colon is not a part of the value.
 * nginx's parser overwrites the first byte after the value with NUL: it
 * overwrites CR if there is no blank.
 */

static ngx_uint_t
ngx_http_magasin_stray_blank(ngx_http_request_t *r, ngx_str_t *value)
{
    u_char     *next;
    ngx_buf_t  *b;

    next = value->data + value->len + 1;
    b = r->header_in;

#if (NGX_HTTP_V2)
    if (r->stream) {
        return 0;
    }
#endif

    if (b == NULL || value->data < b->start || next >= b->last) {
        return 0;
    }

    if (value->data[-1] == ' ' && value->data[-2] == ' ') {
        return 1;
    }

    return *next == ' ' || *next == '\t' || *next == CR;
}


/*
 * Looks up a token by its secret.  All entries are compared, each in constant
 * time, so that the duration reveals nothing about the digests.  Returns NULL
 * if there is no such token.
 */

static ngx_http_magasin_token_t *
ngx_http_magasin_tokens_find(ngx_http_magasin_tokens_t *tokens,
    ngx_str_t *secret)
{
    u_char                     digest[NGX_HTTP_MAGASIN_DIGEST];
    ngx_uint_t                 i;
    ngx_http_magasin_token_t  *token, *found;

    if (EVP_DigestInit_ex(tokens->context, tokens->sha256, NULL) == 0
        || EVP_DigestUpdate(tokens->context, secret->data, secret->len) == 0
        || EVP_DigestFinal_ex(tokens->context, digest, NULL) == 0)
    {
        return NULL;
    }

    found = NULL;
    token = tokens->list->elts;

    for (i = 0; i < tokens->list->nelts; i++) {
        if (CRYPTO_memcmp(digest, token[i].digest, sizeof(digest)) == 0) {
            found = &token[i];
        }
    }

    return found;
}
