
/*
 * magasin_identity: who it is, what it may and in which stores, from variables
 * of nginx, where nginx itself has established that: a client certificate,
 * auth_request, a JWT that njs has verified.  The variables are evaluated when
 * a request has to be authorised, after nginx's access phase, and never
 * before: a map keeps the value that it had first.
 */


#include "ngx_http_magasin_tokens_internal.h"
#include "ngx_http_magasin_log.h"


#define NGX_HTTP_MAGASIN_IDENTITY_NAME  64          /* characters */
#define NGX_HTTP_MAGASIN_IDENTITY_LOG   256         /* bytes */


struct ngx_http_magasin_identity_s {
    ngx_http_complex_value_t   *name;
    ngx_http_complex_value_t   *scopes;     /* NULL: none */
    ngx_http_complex_value_t   *stores;     /* NULL: all */
    ngx_int_t                   verify;     /* index of $ssl_client_verify,
                                               which has to be SUCCESS; or
                                               NGX_ERROR */
};


static char *ngx_http_magasin_identity_value(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_magasin_identity_t *identity, ngx_http_complex_value_t **value);
static char *ngx_http_magasin_identity_variables(ngx_conf_t *cf,
    ngx_str_t *text, ngx_http_magasin_identity_t *identity);
static ngx_uint_t ngx_http_magasin_identity_foreign(ngx_str_t *name);
static ngx_int_t ngx_http_magasin_identity_absent(
    ngx_http_magasin_ctx_t *ctx);
static const char *ngx_http_magasin_identity_read(
    ngx_http_magasin_ctx_t *ctx, ngx_http_magasin_identity_t *identity,
    ngx_str_t *name);
static const char *ngx_http_magasin_identity_scopes(
    ngx_http_magasin_ctx_t *ctx, ngx_http_magasin_identity_t *identity);
static const char *ngx_http_magasin_identity_stores(
    ngx_http_magasin_ctx_t *ctx, ngx_http_magasin_identity_t *identity);
static const char *ngx_http_magasin_identity_name(ngx_str_t *name);
static ngx_uint_t ngx_http_magasin_identity_unseen(uint32_t code);
static ngx_int_t ngx_http_magasin_identity_list(ngx_http_request_t *r,
    ngx_http_complex_value_t *value, ngx_str_t *list);
static ngx_int_t ngx_http_magasin_identity_refused(
    ngx_http_magasin_ctx_t *ctx, ngx_str_t *name, const char *is);


/*
 * The variables whose value a client writes or chooses, or has a part in, or
 * a proxy instead of who asks.  A name that ends with "*" stands for all that
 * begin so.
 */

static const char  *ngx_http_magasin_identity_clients[] = {
    "http_*", "arg_*", "cookie_*", "request*", "args", "is_args",
    "query_string", "uri", "document_uri", "host", "remote_user",
    "content_type", "content_length", "server_protocol", "ssl_server_name",
    "ssl_session_*", "ssl_cipher*", "ssl_curve*", "ssl_alpn_*",
    "proxy_add_*", "proxy_protocol_*", "realip_remote_*", "fastcgi_*",
    "uid_*", "magasin_*", NULL
};


/* Is returned in the place of what is wrong: memory cannot be allocated. */

static const char  ngx_http_magasin_identity_memory[] = "";


/* magasin_identity off | $name [scopes=$variable] [stores=$variable]; */

char *
ngx_http_magasin_identity(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_checks_loc_conf_t *clcf = conf;

    char                                 *rc;
    ngx_str_t                            *value, text;
    ngx_uint_t                            i;
    ngx_http_complex_value_t            **part;
    ngx_http_magasin_identity_t          *identity;
    ngx_http_magasin_checks_main_conf_t  *cmcf;

    if (clcf->identity != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        clcf->identity = NULL;
        return NGX_CONF_OK;
    }

    if (value[1].len < 2 || value[1].data[0] != '$') {
        return "needs a variable that says who it is, or \"off\"";
    }

    identity = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_identity_t));
    if (identity == NULL) {
        return NGX_CONF_ERROR;
    }

    identity->verify = NGX_ERROR;

    rc = ngx_http_magasin_identity_value(cf, &value[1], identity,
                                         &identity->name);

    for (i = 2; rc == NGX_CONF_OK && i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "scopes=", 7) != 0
            && ngx_strncmp(value[i].data, "stores=", 7) != 0)
        {
            return "takes scopes= and stores= besides the name";
        }

        part = value[i].data[1] == 'c' ? &identity->scopes
                                       : &identity->stores;
        text.data = value[i].data + 7;
        text.len = value[i].len - 7;

        if (*part) {
            return "has a parameter twice";
        }

        if (text.len == 0) {
            return "has a parameter without a value";
        }

        rc = ngx_http_magasin_identity_value(cf, &text, identity, part);
    }

    clcf->identity = identity;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_magasin_checks_module);
    cmcf->identities = 1;

    return rc;
}


/* Returns NGX_CONF_OK or an error text. */

static char *
ngx_http_magasin_identity_value(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_magasin_identity_t *identity, ngx_http_complex_value_t **value)
{
    char                              *rc;
    ngx_http_compile_complex_value_t   ccv;

    rc = ngx_http_magasin_identity_variables(cf, text, identity);
    if (rc != NGX_CONF_OK) {
        return rc;
    }

    *value = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (*value == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = *value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


/*
 * Refuses variables that a client writes.  With a name that is taken from the
 * certificate itself the certificate has to be verified, too: that of
 * "ssl_verify_client optional_no_ca" may be anybody's.
 */

static char *
ngx_http_magasin_identity_variables(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_magasin_identity_t *identity)
{
    u_char            *p, *end;
    ngx_str_t          name;
    static ngx_str_t   verify = ngx_string("ssl_client_verify");

    end = text->data + text->len;

    for (p = text->data; p < end; /* void */ ) {

        if (*p++ != '$') {
            continue;
        }

        if (p < end && *p == '{') {
            p++;
        }

        for (name.data = p;
             p < end && ((*p >= '0' && *p <= '9') || *p == '_'
                         || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'));
             p++)
        {
            /* void */
        }

        name.len = p - name.data;

        if (ngx_http_magasin_identity_foreign(&name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"magasin_identity\": a client writes what "
                               "\"$%V\" has: take a variable that nginx sets "
                               "itself", &name);
            return NGX_CONF_ERROR;
        }

        if (name.len > sizeof("ssl_client_") - 1
            && ngx_strncasecmp(name.data, (u_char *) "ssl_client_",
                               sizeof("ssl_client_") - 1)
               == 0
            && identity->verify == NGX_ERROR)
        {
            identity->verify = ngx_http_get_variable_index(cf, &verify);

            if (identity->verify == NGX_ERROR) {
                return NGX_CONF_ERROR;
            }
        }
    }

    return NGX_CONF_OK;
}


/* nginx takes the names of variables without regard to case. */

static ngx_uint_t
ngx_http_magasin_identity_foreign(ngx_str_t *name)
{
    size_t        len;
    const char  **client;

    /* A part of what a regular expression matched. */

    if (name->len && name->data[0] >= '0' && name->data[0] <= '9') {
        return 1;
    }

    for (client = ngx_http_magasin_identity_clients; *client; client++) {
        len = ngx_strlen(*client);

        if ((*client)[len - 1] == '*') {
            len--;

            if (name->len < len) {
                continue;
            }

        } else if (name->len != len) {
            continue;
        }

        if (ngx_strncasecmp(name->data, (u_char *) *client, len) == 0) {
            return 1;
        }
    }

    return 0;
}


/*
 * Asks nginx who it is.  Sets ctx->token to "identite:NAME", and ctx->scopes
 * and ctx->stores.
 *
 * Returns NGX_OK, NGX_DECLINED if it is nobody, NGX_DONE if the 403 is in ctx,
 * or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_identity_ask(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_identity_t *identity)
{
    u_char                     *p;
    ngx_str_t                   name;
    const char                 *is;
    ngx_http_request_t         *r;
    ngx_http_variable_value_t  *verify;

    r = ctx->request;

    ngx_http_magasin_nobody(ctx);
    ctx->refused = NGX_HTTP_MAGASIN_REFUSED_MISSING;

    if (ngx_http_complex_value(r, identity->name, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    if (name.len == 0) {
        return ngx_http_magasin_identity_absent(ctx);
    }

    if (identity->verify != NGX_ERROR) {
        verify = ngx_http_get_indexed_variable(r, identity->verify);

        if (verify == NULL || verify->not_found
            || verify->len != sizeof("SUCCESS") - 1
            || ngx_memcmp(verify->data, "SUCCESS", verify->len) != 0)
        {
            return ngx_http_magasin_identity_absent(ctx);
        }
    }

    is = ngx_http_magasin_identity_read(ctx, identity, &name);

    if (is == ngx_http_magasin_identity_memory) {
        return NGX_ERROR;
    }

    if (is) {
        return ngx_http_magasin_identity_refused(ctx, &name, is);
    }

    p = ngx_pnalloc(r->pool,
                    sizeof(NGX_HTTP_MAGASIN_IDENTITY_PREFIX) + name.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->token.data = p;
    p = ngx_cpymem(p, NGX_HTTP_MAGASIN_IDENTITY_PREFIX,
                   sizeof(NGX_HTTP_MAGASIN_IDENTITY_PREFIX) - 1);
    p = ngx_cpymem(p, name.data, name.len);
    *p = '\0';
    ctx->token.len = p - ctx->token.data;
    ctx->identity = 1;

    return NGX_OK;
}


/*
 * Nobody was recognised.  The challenge is that of RFC 6750, section 3, where
 * the client sent what that is about.  Always returns NGX_DECLINED.
 */

static ngx_int_t
ngx_http_magasin_identity_absent(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t        *value;
    ngx_table_elt_t  *header;

    header = ctx->request->headers_in.authorization;

    if (header == NULL) {
        return NGX_DECLINED;
    }

    value = &header->value;

    if (value->len >= sizeof("Bearer ") - 1
        && ngx_strncasecmp(value->data, (u_char *) "Bearer ",
                           sizeof("Bearer ") - 1)
           == 0)
    {
        ctx->refused = NGX_HTTP_MAGASIN_REFUSED_UNKNOWN;
        ngx_str_set(&ctx->challenge, "Bearer error=\"invalid_token\"");
    }

    return NGX_DECLINED;
}


/*
 * Checks the name, and reads scopes and stores.  Returns NULL, what is wrong,
 * or ngx_http_magasin_identity_memory.
 */

static const char *
ngx_http_magasin_identity_read(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_identity_t *identity, ngx_str_t *name)
{
    const char  *is;

    is = ngx_http_magasin_identity_name(name);

    if (is == NULL && identity->scopes) {
        is = ngx_http_magasin_identity_scopes(ctx, identity);
    }

    if (is == NULL && identity->stores) {
        is = ngx_http_magasin_identity_stores(ctx, identity);
    }

    return is;
}


static const char *
ngx_http_magasin_identity_scopes(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_identity_t *identity)
{
    if (ngx_http_magasin_identity_list(ctx->request, identity->scopes,
                                       &ctx->scopes)
        != NGX_OK)
    {
        return ngx_http_magasin_identity_memory;
    }

    return ngx_http_magasin_rights_scopes(&ctx->scopes);
}


/* "*" is all stores; an empty text is none of them. */

static const char *
ngx_http_magasin_identity_stores(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_identity_t *identity)
{
    if (ngx_http_magasin_identity_list(ctx->request, identity->stores,
                                       &ctx->stores)
        != NGX_OK)
    {
        return ngx_http_magasin_identity_memory;
    }

    if (ctx->stores.len == 1 && ctx->stores.data[0] == '*') {
        ngx_str_null(&ctx->stores);
        return NULL;
    }

    ctx->bound = 1;

    return ctx->stores.len ? ngx_http_magasin_rights_stores(&ctx->stores)
                           : NULL;
}


/*
 * Evaluates a list.  Blanks may stand for the commas in it, as in the claim
 * "scope" of OAuth.  Returns NGX_OK, or NGX_ERROR if memory cannot be
 * allocated.
 */

static ngx_int_t
ngx_http_magasin_identity_list(ngx_http_request_t *r,
    ngx_http_complex_value_t *value, ngx_str_t *list)
{
    u_char     *p, *end, *out;
    ngx_str_t   text;

    if (ngx_http_complex_value(r, value, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    out = ngx_pnalloc(r->pool, text.len + 1);
    if (out == NULL) {
        return NGX_ERROR;
    }

    list->data = out;
    end = text.data + text.len;

    for (p = text.data; p < end; p++) {

        if (*p != ' ') {
            *out++ = *p;

        } else if (out > list->data && p + 1 < end && p[1] != ' ') {
            *out++ = ',';
        }
    }

    list->len = out - list->data;

    return NGX_OK;
}


/*
 * Checks a name, which is written to logs and to PostgreSQL as text.  Returns
 * NULL, or what is wrong.
 */

static const char *
ngx_http_magasin_identity_name(ngx_str_t *name)
{
    u_char      *p, *end;
    uint32_t     code;
    ngx_uint_t   n;

    p = name->data;
    end = p + name->len;

    for (n = 0; p < end; n++) {
        code = *p < 0x80 ? *p++ : ngx_utf8_decode(&p, end - p);

        if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)
            || ngx_http_magasin_identity_unseen(code))
        {
            return "has a control character, or is not UTF-8";
        }
    }

    if (n > NGX_HTTP_MAGASIN_IDENTITY_NAME) {
        return "has more than 64 characters";
    }

    /* What js_set gives when its function has to wait, or has nothing. */

    if ((name->len == 9 && ngx_memcmp(name->data, "undefined", 9) == 0)
        || (name->len == 4 && ngx_memcmp(name->data, "null", 4) == 0)
        || (name->len > 8 && ngx_memcmp(name->data, "[object ", 8) == 0))
    {
        return "is what a script says that has not done its work";
    }

    return NULL;
}


/*
 * Returns 1 for what nobody sees, so that two names would look the same, or
 * what changes how the text after it is shown: control characters, characters
 * of no width, and those that set the direction or end a line.
 */

static ngx_uint_t
ngx_http_magasin_identity_unseen(uint32_t code)
{
    return code < 0x20
           || (code >= 0x7f && code < 0xa0)
           || (code >= 0x200b && code <= 0x200f)
           || (code >= 0x2028 && code <= 0x202e)
           || (code >= 0x2060 && code <= 0x2069)
           || code == 0xfeff;
}


/* Logs an identity that cannot be, and answers 403.  Returns NGX_DONE. */

static ngx_int_t
ngx_http_magasin_identity_refused(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *name, const char *is)
{
    size_t  len;
    u_char  text[NGX_HTTP_MAGASIN_IDENTITY_LOG + 1];
    u_char  shown[NGX_HTTP_MAGASIN_LOG_TEXT];

    len = ngx_min(name->len, NGX_HTTP_MAGASIN_IDENTITY_LOG);
    (void) ngx_cpystrn(text, name->data, len + 1);

    ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                  "magasin: the identity \"%s\" %s",
                  ngx_http_magasin_log_text(shown, sizeof(shown),
                                            (char *) text), is);

    ngx_http_magasin_nobody(ctx);
    ngx_http_magasin_auth_count(ctx->request,
                                NGX_HTTP_MAGASIN_REFUSED_IDENTITY);

    return ngx_http_magasin_reply_status(ctx, NGX_HTTP_FORBIDDEN);
}
