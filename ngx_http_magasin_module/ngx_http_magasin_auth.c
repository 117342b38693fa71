
/*
 * Tokens: a file of lines `id:sha256-of-token:scopes`, re-read by each worker
 * within a second of a change.  A file that cannot be read or has a wrong
 * line leaves the tokens as they were, and is reported once by one worker.
 */


#include "ngx_http_magasin_reply.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>


#define NGX_HTTP_MAGASIN_DIGEST      32
#define NGX_HTTP_MAGASIN_TOKENS_MAX  (1024 * 1024)  /* bytes of the file */
#define NGX_HTTP_MAGASIN_TOKENS_POLL 1000           /* ms */


typedef struct {
    ngx_str_t                    id;
    ngx_str_t                    scopes;    /* "a,b,c" */
    u_char                       digest[NGX_HTTP_MAGASIN_DIGEST];
} ngx_http_magasin_token_t;


struct ngx_http_magasin_tokens_s {
    ngx_str_t                    file;
    ngx_pool_t                  *pool;      /* of the present list */
    ngx_array_t                 *list;      /* of token_t */
    EVP_MD                      *sha256;    /* fetched once: it is dear */
    EVP_MD_CTX                  *context;
    ngx_log_t                   *log;
    ngx_event_t                  timer;
    ngx_file_uniq_t              uniq;      /* what was read last */
    time_t                       mtime;
    long                         nsec;
    off_t                        size;
    unsigned                     seen:1;
};


static void ngx_http_magasin_tokens_timer(ngx_event_t *ev);
static void ngx_http_magasin_tokens_refresh(
    ngx_http_magasin_tokens_t *tokens);
static ngx_array_t *ngx_http_magasin_tokens_read(ngx_pool_t *pool,
    ngx_str_t *file, u_char *error, size_t len);
static ngx_array_t *ngx_http_magasin_tokens_parse(ngx_pool_t *pool,
    u_char *p, u_char *end, u_char *error, size_t len);
static ngx_int_t ngx_http_magasin_tokens_line(ngx_str_t *line,
    ngx_http_magasin_token_t *token);
static ngx_http_magasin_token_t *ngx_http_magasin_tokens_find(
    ngx_http_magasin_tokens_t *tokens, ngx_str_t *secret);
static ngx_uint_t ngx_http_magasin_scope(ngx_str_t *scopes,
    const char *scope);
static ngx_int_t ngx_http_magasin_unauthorized(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_refused_e reason);
static ngx_uint_t ngx_http_magasin_stray_blank(ngx_http_request_t *r,
    ngx_str_t *value);


/* At configuration: can the file be read?  NGX_CONF_OK or an error. */

char *
ngx_http_magasin_tokens_check(ngx_conf_t *cf, ngx_str_t *file)
{
    u_char  error[NGX_MAX_ERROR_STR];

    if (ngx_http_magasin_tokens_read(cf->temp_pool, file, error,
                                     sizeof(error))
        == NULL)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"magasin_tokens\": %s",
                           error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* The tokens of a worker, kept fresh by a timer.  NULL: memory. */

ngx_http_magasin_tokens_t *
ngx_http_magasin_tokens_create(ngx_cycle_t *cycle, ngx_str_t *file)
{
    ngx_http_magasin_tokens_t  *tokens;

    tokens = ngx_pcalloc(cycle->pool, sizeof(ngx_http_magasin_tokens_t));
    if (tokens == NULL) {
        return NULL;
    }

    tokens->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    tokens->context = EVP_MD_CTX_new();

    if (tokens->sha256 == NULL || tokens->context == NULL) {
        EVP_MD_CTX_free(tokens->context);
        EVP_MD_free(tokens->sha256);
        return NULL;
    }

    tokens->file = *file;
    tokens->log = cycle->log;

    tokens->timer.handler = ngx_http_magasin_tokens_timer;
    tokens->timer.data = tokens;
    tokens->timer.log = cycle->log;
    tokens->timer.cancelable = 1;

    ngx_http_magasin_tokens_refresh(tokens);
    ngx_add_timer(&tokens->timer, NGX_HTTP_MAGASIN_TOKENS_POLL);

    return tokens;
}


void
ngx_http_magasin_tokens_destroy(ngx_http_magasin_tokens_t *tokens)
{
    if (tokens->timer.timer_set) {
        ngx_del_timer(&tokens->timer);
    }

    if (tokens->pool) {
        ngx_destroy_pool(tokens->pool);
        tokens->pool = NULL;
        tokens->list = NULL;
    }

    EVP_MD_CTX_free(tokens->context);
    EVP_MD_free(tokens->sha256);
}


/*
 * Does the request's token have the endpoint's scope?  The field is compared
 * as the reference does it: exactly "Token", one blank and the secret.
 *
 * NGX_OK; NGX_DONE: the 401 or 403 is in ctx; NGX_ERROR: memory.
 */

ngx_int_t
ngx_http_magasin_authorize(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_tokens_t *tokens)
{
    ngx_str_t                  secret;
    ngx_table_elt_t           *header;
    ngx_http_magasin_token_t  *token;

    header = ctx->request->headers_in.authorization;

    if (tokens == NULL || tokens->list == NULL || header == NULL
        || header->value.len <= sizeof("Token ") - 1
        || ngx_strncmp(header->value.data, "Token ", sizeof("Token ") - 1)
           != 0
        || ngx_http_magasin_stray_blank(ctx->request, &header->value))
    {
        return ngx_http_magasin_unauthorized(ctx,
                                 header ? NGX_HTTP_MAGASIN_REFUSED_MALFORMED
                                        : NGX_HTTP_MAGASIN_REFUSED_MISSING);
    }

    secret.data = header->value.data + sizeof("Token ") - 1;
    secret.len = header->value.len - (sizeof("Token ") - 1);

    token = ngx_http_magasin_tokens_find(tokens, &secret);

    if (token == NULL) {
        return ngx_http_magasin_unauthorized(ctx,
                                          NGX_HTTP_MAGASIN_REFUSED_UNKNOWN);
    }

    /* Copies: the list may be replaced before the log phase. */

    ctx->token.data = ngx_pnalloc(ctx->request->pool, token->id.len + 1);
    ctx->scopes.data = ngx_pstrdup(ctx->request->pool, &token->scopes);

    if (ctx->token.data == NULL || ctx->scopes.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(ctx->token.data, token->id.data, token->id.len + 1);
    ctx->token.len = token->id.len;
    ctx->scopes.len = token->scopes.len;

    if (!ngx_http_magasin_allowed(ctx, ctx->endpoint->scope)) {
        ngx_http_magasin_metrics_refused(ctx->request,
                                         NGX_HTTP_MAGASIN_REFUSED_SCOPE);

        return ngx_http_magasin_reply_status(ctx, NGX_HTTP_FORBIDDEN);
    }

    return NGX_OK;
}


/* Does the token that was accepted have this scope? */

ngx_uint_t
ngx_http_magasin_allowed(ngx_http_magasin_ctx_t *ctx, const char *scope)
{
    return ngx_http_magasin_scope(&ctx->scopes, scope);
}


static ngx_int_t
ngx_http_magasin_unauthorized(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_refused_e reason)
{
    ngx_str_t         path;
    static ngx_str_t  message =
                      ngx_string("Token d'accès invalide ou manquant.");

    ngx_http_magasin_metrics_refused(ctx->request, reason);

    path = ctx->request->uri;

    return ngx_http_magasin_reply_resource(ctx, NGX_HTTP_UNAUTHORIZED,
                                           &message, &path);
}


/*
 * nginx takes blanks off both ends of a field, and the reference refuses a
 * token with one.  One blank after the colon is no part of the field; and
 * the parser ends the value with a NUL in the place of the first byte after
 * it: of CR when nothing else stood there.
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


/* Each entry is compared in constant time, and all are. */

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


static ngx_uint_t
ngx_http_magasin_scope(ngx_str_t *scopes, const char *scope)
{
    size_t   len;
    u_char  *p, *end, *comma;

    len = ngx_strlen(scope);
    end = scopes->data + scopes->len;

    for (p = scopes->data; p < end; p = comma + 1) {
        comma = ngx_strlchr(p, end, ',');
        comma = comma ? comma : end;

        if ((size_t) (comma - p) == len && ngx_memcmp(p, scope, len) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_magasin_tokens_timer(ngx_event_t *ev)
{
    ngx_http_magasin_tokens_t  *tokens = ev->data;

    ngx_http_magasin_tokens_refresh(tokens);

    if (!ngx_exiting) {
        ngx_add_timer(ev, NGX_HTTP_MAGASIN_TOKENS_POLL);
    }
}


static void
ngx_http_magasin_tokens_refresh(ngx_http_magasin_tokens_t *tokens)
{
    u_char            error[NGX_MAX_ERROR_STR];
    ngx_pool_t       *pool;
    ngx_array_t      *list;
    ngx_file_info_t   fi;

    if (ngx_file_info(tokens->file.data, &fi) == NGX_FILE_ERROR) {
        ngx_memzero(&fi, sizeof(ngx_file_info_t));
    }

    if (tokens->seen
        && ngx_file_uniq(&fi) == tokens->uniq
        && ngx_file_mtime(&fi) == tokens->mtime
        && fi.st_mtim.tv_nsec == tokens->nsec
        && ngx_file_size(&fi) == tokens->size)
    {
        return;
    }

    tokens->seen = 1;
    tokens->uniq = ngx_file_uniq(&fi);
    tokens->mtime = ngx_file_mtime(&fi);
    tokens->nsec = fi.st_mtim.tv_nsec;
    tokens->size = ngx_file_size(&fi);

    pool = ngx_create_pool(4096, tokens->log);
    if (pool == NULL) {
        return;
    }

    list = ngx_http_magasin_tokens_read(pool, &tokens->file, error,
                                        sizeof(error));

    if (list == NULL) {
        ngx_destroy_pool(pool);

        if (ngx_worker == 0) {
            ngx_log_error(NGX_LOG_ERR, tokens->log, 0,
                          "magasin: the tokens stay as they were: %s", error);
        }

        return;
    }

    if (tokens->pool) {
        ngx_destroy_pool(tokens->pool);
    }

    tokens->pool = pool;
    tokens->list = list;
}


/* Read and parse; NULL: `error` (NUL terminated) says why. */

static ngx_array_t *
ngx_http_magasin_tokens_read(ngx_pool_t *pool, ngx_str_t *file, u_char *error,
    size_t len)
{
    u_char           *p;
    ssize_t           n;
    ngx_fd_t          fd;
    ngx_array_t      *list;
    ngx_file_info_t   fi;

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        (void) ngx_snprintf(error, len, "\"%V\" cannot be opened (%d)%Z",
                            file, ngx_errno);
        return NULL;
    }

    list = NULL;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR
        || ngx_file_size(&fi) > NGX_HTTP_MAGASIN_TOKENS_MAX
        || (p = ngx_pnalloc(pool, ngx_file_size(&fi) + 1)) == NULL)
    {
        (void) ngx_snprintf(error, len, "\"%V\" is no file under 1 MB%Z",
                            file);
        goto done;
    }

    n = ngx_read_fd(fd, p, (size_t) ngx_file_size(&fi));

    if (n != (ssize_t) ngx_file_size(&fi)) {
        (void) ngx_snprintf(error, len, "\"%V\" changed while it was read%Z",
                            file);
        goto done;
    }

    list = ngx_http_magasin_tokens_parse(pool, p, p + n, error, len);

done:

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, pool->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", file);
    }

    return list;
}


static ngx_array_t *
ngx_http_magasin_tokens_parse(ngx_pool_t *pool, u_char *p, u_char *end,
    u_char *error, size_t len)
{
    u_char                    *stop;
    ngx_str_t                  line;
    ngx_uint_t                 number;
    ngx_array_t               *list;
    ngx_http_magasin_token_t  *token;

    list = ngx_array_create(pool, 8, sizeof(ngx_http_magasin_token_t));

    for (number = 1; list && p < end; number++, p = stop + 1) {
        stop = ngx_strlchr(p, end, LF);
        stop = stop ? stop : end;

        line.data = p;
        line.len = stop - p;

        while (line.len && (line.data[line.len - 1] == CR
                            || line.data[line.len - 1] == ' '))
        {
            line.len--;
        }

        if (line.len == 0 || line.data[0] == '#') {
            continue;
        }

        token = ngx_array_push(list);

        if (token == NULL) {
            list = NULL;
            break;
        }

        if (ngx_http_magasin_tokens_line(&line, token) != NGX_OK) {

            /* The line itself is not shown: it may be a secret. */

            (void) ngx_snprintf(error, len, "line %ui is not "
                                "\"id:sha256 in 64 hex digits:scopes\"%Z",
                                number);
            return NULL;
        }
    }

    if (list == NULL) {
        (void) ngx_snprintf(error, len, "no memory%Z");
    }

    return list;
}


static ngx_int_t
ngx_http_magasin_tokens_line(ngx_str_t *line, ngx_http_magasin_token_t *token)
{
    u_char     *p, *end;
    ngx_int_t   n;
    ngx_uint_t  i;

    end = line->data + line->len;

    p = ngx_strlchr(line->data, end, ':');

    if (p == NULL || p == line->data) {
        return NGX_ERROR;
    }

    token->id.data = line->data;
    token->id.len = p - line->data;

    p++;

    if (end - p <= 2 * NGX_HTTP_MAGASIN_DIGEST
        || p[2 * NGX_HTTP_MAGASIN_DIGEST] != ':')
    {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_MAGASIN_DIGEST; i++) {
        n = ngx_hextoi(p, 2);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        token->digest[i] = (u_char) n;
        p += 2;
    }

    token->scopes.data = p + 1;
    token->scopes.len = end - token->scopes.data;

    return NGX_OK;
}
