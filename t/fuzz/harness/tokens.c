
/*
 * The file of tokens.  A file that is taken, with one more line for a token
 * of ours, lets that token in.
 */


#include "../fuzz.h"
#include "ngx_http_magasin_tokens_internal.h"

#include <sys/mman.h>


/* SHA-256 of the token. */
#define FUZZ_TOKEN  "0123456789"


static void fuzz_tokens_ask(ngx_pool_t *pool);
static ngx_http_magasin_ctx_t *fuzz_tokens_show(ngx_pool_t *pool,
    const char *field);


static char  fuzz_line[] = "\nfuzz:"
    "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
    ":produits,ventes\n";


void
fuzz_tokens(ngx_pool_t *pool, u_char *data, size_t size)
{
    int                                   fd;
    u_char                                path[64];
    ngx_str_t                             file;
    ngx_conf_t                            cf;
    ngx_log_t                             log;
    ngx_cycle_t                           cycle;
    ngx_http_magasin_tokens_t            *tokens;
    ngx_http_magasin_checks_main_conf_t   conf, *cmcf;

    /* Nothing of it may be told: lines are secrets, and errors are many. */

    ngx_memzero(&log, sizeof(ngx_log_t));
    ngx_memzero(&cf, sizeof(ngx_conf_t));
    ngx_memzero(&cycle, sizeof(ngx_cycle_t));
    ngx_memzero(&conf, sizeof(ngx_http_magasin_checks_main_conf_t));

    cf.pool = pool;
    cf.temp_pool = pool;
    cf.cycle = &cycle;
    cf.log = &log;
    cycle.log = &log;
    cycle.pool = pool;

    fd = memfd_create("tokens", 0);
    fuzz_assert(fd != -1);

    fuzz_assert(fchmod(fd, 0600) == 0);
    fuzz_assert(write(fd, data, size) == (ssize_t) size);
    fuzz_assert(write(fd, fuzz_line, sizeof(fuzz_line) - 1)
                == sizeof(fuzz_line) - 1);

    file.data = path;
    file.len = ngx_sprintf(path, "/proc/self/fd/%d%Z", fd) - path - 1;

    conf.file = file;

    if (ngx_http_magasin_tokens_check(&cf, &file, &conf.list)
        != NGX_CONF_OK)
    {
        (void) close(fd);
        return;
    }

    conf.tokens = ngx_http_magasin_tokens_create(&cycle, &conf);
    fuzz_assert(conf.tokens);

    /* They take the place of those of the worker. */

    cmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                              ngx_http_magasin_checks_module);
    tokens = cmcf->tokens;
    cmcf->tokens = conf.tokens;

    fuzz_tokens_ask(pool);

    cmcf->tokens = tokens;

    ngx_http_magasin_tokens_destroy(conf.tokens);
    (void) close(fd);
}


static void
fuzz_tokens_ask(ngx_pool_t *pool)
{
    ngx_int_t                rc;
    ngx_http_magasin_ctx_t  *ctx;

    /* A file in which another line had our id or token was refused. */

    ctx = fuzz_tokens_show(pool, "Token " FUZZ_TOKEN);
    rc = ngx_http_magasin_authorize(ctx);

    fuzz_assert(rc == NGX_OK && ctx->token.len == 4
                && ngx_strcmp(ctx->token.data, "fuzz") == 0);
    fuzz_assert(ngx_http_magasin_allowed(ctx, "ventes")
                && !ngx_http_magasin_allowed(ctx, "admin"));

    ctx = fuzz_tokens_show(pool, "Token " FUZZ_TOKEN "0");
    rc = ngx_http_magasin_authorize(ctx);
    fuzz_errors(ctx, rc);

    fuzz_assert(rc == NGX_DONE && ctx->status == NGX_HTTP_UNAUTHORIZED
                && ctx->token.len == 0);
}


static ngx_http_magasin_ctx_t *
fuzz_tokens_show(ngx_pool_t *pool, const char *field)
{
    ngx_http_request_t      *r;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = fuzz_endpoint(pool, "/api/v1/products/", NGX_HTTP_POST);
    fuzz_assert(ctx->endpoint->scope);

    r = ctx->request;
    r->headers_in.authorization = fuzz_header(r, "authorization",
                                              (u_char *) field,
                                              ngx_strlen(field));
    return ctx;
}
