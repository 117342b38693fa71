
/*
 * The module that runs the fuzzer: "fuzz HARNESS ARGUMENTS;" in the main
 * context hands the process over to libFuzzer, as soon as the worker is
 * ready.  Needs "master_process off".
 */


#include "fuzz.h"


extern int LLVMFuzzerRunDriver(int *argc, char ***argv,
    int (*one)(const uint8_t *data, size_t size));

extern ngx_module_t  ngx_http_magasin_module;
extern ngx_module_t  ngx_http_magasin_redis_module;
extern ngx_module_t  ngx_http_magasin_feed_module;
extern ngx_module_t  ngx_http_magasin_observe_module;


static void *fuzz_create_conf(ngx_cycle_t *cycle);
static char *fuzz_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t fuzz_init_process(ngx_cycle_t *cycle);
static int fuzz_one(const uint8_t *data, size_t size);
static void fuzz_nothing(ngx_event_t *ev);


typedef struct {
    fuzz_harness_t  *harness;
    int              argc;
    char           **argv;
} fuzz_conf_t;


static fuzz_harness_t  fuzz_harnesses[] = {
    { "json", fuzz_json_body },
    { "form", fuzz_form },
    { "multipart", fuzz_multipart },
    { "query", fuzz_query },
    { "cursor", fuzz_cursor },
    { "decimal", fuzz_decimal },
    { "tokens", fuzz_tokens },
    { "redis", fuzz_redis },
    { "talk", fuzz_talk },
    { "pg", fuzz_pg },
    { "http1", fuzz_http1 },
    { "http2", fuzz_http2 },
    { NULL, NULL }
};

static fuzz_harness_t  *fuzz_harness;


static ngx_command_t  fuzz_commands[] = {

    { ngx_string("fuzz"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_1MORE,
      fuzz_directive,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  fuzz_module_ctx = {
    ngx_string("fuzz"),
    fuzz_create_conf,
    NULL
};


static ngx_module_t  fuzz_module = {
    NGX_MODULE_V1,
    &fuzz_module_ctx,
    fuzz_commands,
    NGX_CORE_MODULE,
    NULL,
    NULL,
    fuzz_init_process,
    NULL,
    NULL,
    NULL,
    NULL,
    NGX_MODULE_V1_PADDING
};


/*
 * What nginx looks for in a shared object: the modules that `config` names, in
 * its order, and the fuzzer's last.
 */

ngx_module_t  *ngx_modules[] = {
    &ngx_http_magasin_module,
    &ngx_http_magasin_zone_module,
    &ngx_http_magasin_pg_module,
    &ngx_http_magasin_redis_module,
    &ngx_http_magasin_cache_module,
    &ngx_http_magasin_request_module,
    &ngx_http_magasin_reply_module,
    &ngx_http_magasin_checks_module,
    &ngx_http_magasin_feed_module,
    &ngx_http_magasin_observe_module,
    &fuzz_module,
    NULL
};

char  *ngx_module_names[] = {
    "ngx_http_magasin_module",
    "ngx_http_magasin_zone_module",
    "ngx_http_magasin_pg_module",
    "ngx_http_magasin_redis_module",
    "ngx_http_magasin_cache_module",
    "ngx_http_magasin_request_module",
    "ngx_http_magasin_reply_module",
    "ngx_http_magasin_checks_module",
    "ngx_http_magasin_feed_module",
    "ngx_http_magasin_observe_module",
    "fuzz_module",
    NULL
};

char  *ngx_module_order[] = {
    NULL
};


static void *
fuzz_create_conf(ngx_cycle_t *cycle)
{
    return ngx_pcalloc(cycle->pool, sizeof(fuzz_conf_t));
}


static char *
fuzz_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    fuzz_conf_t  *fcf = conf;

    ngx_str_t       *value;
    ngx_uint_t       i;
    fuzz_harness_t  *harness;

    value = cf->args->elts;

    for (harness = fuzz_harnesses; harness->name; harness++) {
        if (ngx_strcmp(harness->name, value[1].data) == 0) {
            break;
        }
    }

    if (harness->name == NULL) {
        return "names no harness";
    }

    fcf->harness = harness;
    fcf->argv = ngx_pcalloc(cf->pool,
                            (cf->args->nelts + 1) * sizeof(char *));
    if (fcf->argv == NULL) {
        return NGX_CONF_ERROR;
    }

    /* The name stands in the place of the program's. */

    for (i = 1; i < cf->args->nelts; i++) {
        fcf->argv[fcf->argc++] = (char *) value[i].data;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
fuzz_init_process(ngx_cycle_t *cycle)
{
    fuzz_conf_t  *fcf;

    fcf = (fuzz_conf_t *) ngx_get_conf(cycle->conf_ctx, fuzz_module);

    if (fcf->harness == NULL) {
        return NGX_OK;
    }

    fuzz_harness = fcf->harness;

    exit(LLVMFuzzerRunDriver(&fcf->argc, &fcf->argv, fuzz_one));
}


static int
fuzz_one(const uint8_t *data, size_t size)
{
    u_char      *copy;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    fuzz_assert(pool);

    /* Each allocation is one of malloc()'s, with its red zones around it. */

    pool->max = 0;

    copy = ngx_pnalloc(pool, size ? size : 1);
    fuzz_assert(copy);

    ngx_memcpy(copy, data, size);

    fuzz_harness->one(pool, copy, size);

    ngx_destroy_pool(pool);

    return 0;
}


void
fuzz_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "fuzz: %s does not hold (%s:%d)\n", condition, file, line);
    abort();
}


/* A request that came to the first server, with nothing in it. */

ngx_http_request_t *
fuzz_request(ngx_pool_t *pool)
{
    ngx_connection_t            *c;
    ngx_http_request_t          *r;
    ngx_http_conf_ctx_t         *http;
    ngx_http_core_srv_conf_t   **servers;
    ngx_http_core_main_conf_t   *cmcf;

    r = ngx_pcalloc(pool, sizeof(ngx_http_request_t));
    c = ngx_pcalloc(pool, sizeof(ngx_connection_t));
    fuzz_assert(r && c);

    http = (ngx_http_conf_ctx_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                                ngx_http_module);
    cmcf = http->main_conf[ngx_http_core_module.ctx_index];
    servers = cmcf->servers.elts;

    c->log = ngx_cycle->log;
    c->pool = pool;
    c->data = r;

    r->signature = NGX_HTTP_MODULE;
    r->connection = c;
    r->pool = pool;
    r->main = r;
    r->count = 1;
    r->main_conf = servers[0]->ctx->main_conf;
    r->srv_conf = servers[0]->ctx->srv_conf;
    r->loc_conf = servers[0]->ctx->loc_conf;
    r->http_version = NGX_HTTP_VERSION_11;
    r->method = NGX_HTTP_GET;
    ngx_str_set(&r->method_name, "GET");
    ngx_str_set(&r->uri, "/api/v1/products/");
    ngx_str_set(&r->headers_in.server, "magasin.example");

    r->ctx = ngx_pcalloc(pool, sizeof(void *) * ngx_http_max_module);
    r->variables = ngx_pcalloc(pool, (cmcf->variables.nelts + 1)
                                     * sizeof(ngx_http_variable_value_t));
    fuzz_assert(r->ctx && r->variables);

    fuzz_assert(ngx_list_init(&r->headers_in.headers, pool, 4,
                              sizeof(ngx_table_elt_t))
                == NGX_OK);
    fuzz_assert(ngx_list_init(&r->headers_out.headers, pool, 4,
                              sizeof(ngx_table_elt_t))
                == NGX_OK);
    fuzz_assert(ngx_list_init(&r->headers_out.trailers, pool, 4,
                              sizeof(ngx_table_elt_t))
                == NGX_OK);

    return r;
}


/* What a request with an empty query has, once its endpoint is known. */

ngx_http_magasin_ctx_t *
fuzz_endpoint(ngx_pool_t *pool, const char *path, ngx_uint_t method)
{
    ngx_http_request_t      *r;
    ngx_http_magasin_ctx_t  *ctx;

    r = fuzz_request(pool);

    r->method = method;
    r->uri.data = (u_char *) path;
    r->uri.len = ngx_strlen(path);

    ctx = ngx_http_magasin_ctx(r);
    fuzz_assert(ctx);

    ngx_http_magasin_json_init(&ctx->json, pool);

    ctx->route = ngx_http_magasin_route_find(pool, &r->uri, ctx->ids);
    fuzz_assert(ctx->route);

    ctx->endpoint = ngx_http_magasin_route_method(ctx->route, method);
    fuzz_assert(ctx->endpoint);

    ctx->query = ngx_array_create(pool, 1, sizeof(ngx_http_magasin_pair_t));
    fuzz_assert(ctx->query);

    return ctx;
}


/* Add a field, whose name is given in lower case. */

ngx_table_elt_t *
fuzz_header(ngx_http_request_t *r, const char *name, u_char *data, size_t len)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    fuzz_assert(h);

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->lowcase_key = h->key.data;
    h->value.data = data;
    h->value.len = len;

    return h;
}


/* The JSON writer and jansson agree on this text, which is UTF-8. */

void
fuzz_text(ngx_str_t *text)
{
    json_t                  *root, *value;
    ngx_pool_t              *pool;
    ngx_http_magasin_json_t  json;

    fuzz_assert(ngx_http_magasin_text_valid(text));

    pool = ngx_create_pool(4096, ngx_cycle->log);
    fuzz_assert(pool);

    ngx_http_magasin_json_init(&json, pool);
    ngx_http_magasin_json_open(&json, '[');
    ngx_http_magasin_json_text(&json, text->data, text->len);
    ngx_http_magasin_json_close(&json, ']');

    root = fuzz_json(&json);
    value = json_array_get(root, 0);

    fuzz_assert(json_string_length(value) == text->len);
    fuzz_assert(text->len == 0
                || ngx_memcmp(json_string_value(value), text->data, text->len)
                   == 0);

    json_decref(root);
    ngx_destroy_pool(pool);
}


/*
 * The links of the answer in ctx: what the cache keeps of them are the same
 * ones, and they find their place in it.
 */

void
fuzz_links(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t                text;
    ngx_uint_t               i, n;
    ngx_http_magasin_link_t  links[NGX_HTTP_MAGASIN_LINKS];

    n = ctx->nlinks;
    ngx_memcpy(links, ctx->links, sizeof(links));

    fuzz_assert(ngx_http_magasin_links_pack(ctx, &text) == NGX_OK);
    fuzz_assert(ngx_http_magasin_links_safe(&text));

    ngx_memzero(ctx->links, sizeof(links));

    fuzz_assert(ngx_http_magasin_links_unpack(ctx, &text, ctx->json.size)
                == NGX_OK);
    fuzz_assert(ctx->nlinks == n);

    for (i = 0; i < n; i++) {
        fuzz_assert(ctx->links[i].offset == links[i].offset
                    && ctx->links[i].header == links[i].header
                    && ctx->links[i].value.len == links[i].value.len
                    && ngx_memcmp(ctx->links[i].value.data,
                                  links[i].value.data, links[i].value.len)
                       == 0);
    }

    fuzz_assert(ngx_http_magasin_links_render(ctx) == NGX_OK);
    fuzz_assert(ctx->nlinks == 0 && !ctx->json.failed);
}


/* Copy what was written to where there is room for json->size bytes. */

u_char *
fuzz_bytes(u_char *p, ngx_http_magasin_json_t *json)
{
    u_char       *start;
    ngx_chain_t  *cl;

    fuzz_assert(!json->failed);

    start = p;

    for (cl = json->first; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);

        if (cl == json->last) {
            break;
        }
    }

    fuzz_assert((size_t) (p - start) == json->size);

    return p;
}


/* What was written is JSON, and UTF-8. */

json_t *
fuzz_json(ngx_http_magasin_json_t *json)
{
    char    *text;
    json_t  *root;

    text = malloc(json->size + 1);
    fuzz_assert(text);

    (void) fuzz_bytes((u_char *) text, json);

    root = fuzz_parse(text, json->size);

    free(text);

    return root;
}


/* The bytes are JSON.  They are changed. */

json_t *
fuzz_parse(char *text, size_t len)
{
    char          *p;
    json_t        *root;
    json_error_t   error;

    root = json_loadb(text, len, JSON_DECODE_ANY|JSON_ALLOW_NUL, &error);

    if (root == NULL
        && json_error_code(&error) == json_error_null_byte_in_key)
    {
        /* It is JSON all the same: with another character it passes. */

        for (p = text; p + 6 <= text + len; p++) {
            if (ngx_memcmp(p, "\\u0000", 6) == 0) {
                p[5] = '1';
            }
        }

        root = json_loadb(text, len, JSON_DECODE_ANY|JSON_ALLOW_NUL, &error);
    }

    if (root == NULL) {
        fprintf(stderr, "fuzz: %s: %.*s\n", error.text, (int) len, text);
    }

    fuzz_assert(root);

    return root;
}


/* After a bind: the answer in the context, when there is one, is whole. */

void
fuzz_errors(ngx_http_magasin_ctx_t *ctx, ngx_int_t rc)
{
    json_t  *root;

    fuzz_assert(rc == NGX_OK || rc == NGX_DONE);
    fuzz_assert(rc == NGX_OK || ctx->json.size);

    if (rc == NGX_DONE) {
        root = fuzz_json(&ctx->json);

        fuzz_assert(json_is_object(root));
        json_decref(root);
    }
}


/* A socket of ours beside those of nginx. */

int
fuzz_listen(const char *name)
{
    int                 fd;
    struct sockaddr_un  address;

    ngx_memzero(&address, sizeof(struct sockaddr_un));
    address.sun_family = AF_UNIX;
    (void) ngx_snprintf((u_char *) address.sun_path,
                        sizeof(address.sun_path), "%V%s%Z",
                        &ngx_cycle->prefix, name);

    fd = socket(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0);

    fuzz_assert(fd != -1);
    fuzz_assert(bind(fd, (struct sockaddr *) &address, sizeof(address)) == 0);
    fuzz_assert(listen(fd, 16) == 0);

    return fd;
}


/*
 * The `n` connections that were made just now, the first one first.  An input
 * of before may have been about to connect again.
 */

void
fuzz_accept(int listener, int *fds, ngx_uint_t n)
{
    int         fd;
    ngx_uint_t  i, accepted;

    accepted = 0;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1) {

        if (accepted++ >= n) {
            (void) close(fds[0]);

            for (i = 1; i < n; i++) {
                fds[i - 1] = fds[i];
            }
        }

        fds[ngx_min(accepted, n) - 1] = fd;
    }

    fuzz_assert(accepted >= n);
}


/* One turn of the event loop, that waits for nothing. */

void
fuzz_turn(void)
{
    static ngx_event_t  ev;

    ev.handler = fuzz_nothing;
    ev.log = ngx_cycle->log;

    ngx_post_event(&ev, &ngx_posted_next_events);

    ngx_process_events_and_timers((ngx_cycle_t *) ngx_cycle);
}


static void
fuzz_nothing(ngx_event_t *ev)
{
}
