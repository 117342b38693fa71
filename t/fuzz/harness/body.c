
/*
 * Bodies: JSON, forms, multipart.  The first line of an input is
 * Content-Type's parameters, the rest is the body.
 */


#include "../fuzz.h"


static ngx_http_magasin_ctx_t *fuzz_body(ngx_pool_t *pool, const char *type,
    u_char *data, size_t size);
static void fuzz_pairs(ngx_http_magasin_ctx_t *ctx);
static void fuzz_values(ngx_http_magasin_ctx_t *ctx);
static void fuzz_value_set(const char *value, const char *set);


static const char *const  fuzz_choices[] = { "un", "deux", NULL };

/* One member of each type. */

static const ngx_http_magasin_member_t  fuzz_members[] = {
    { .name = "nom", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 20,
      .required = 1 },
    { .name = "description", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT,
      .blank = 1 },
    { .name = "prix", .type = NGX_HTTP_MAGASIN_MEMBER_PRICE },
    { .name = "n", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = -5,
      .max = 1000 },
    { .name = "id", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .instead = "code" },
    { .name = "actif", .type = NGX_HTTP_MAGASIN_MEMBER_BOOLEAN },
    { .name = "instant", .type = NGX_HTTP_MAGASIN_MEMBER_INSTANT },
    { .name = "jour", .type = NGX_HTTP_MAGASIN_MEMBER_DATE },
    { .name = "choix", .type = NGX_HTTP_MAGASIN_MEMBER_CHOICE,
      .choices = fuzz_choices },
    { .name = NULL }
};


void
fuzz_json_body(ngx_pool_t *pool, u_char *data, size_t size)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = fuzz_body(pool, "application/json", data, size);

    if (ctx) {
        fuzz_values(ctx);
    }
}


void
fuzz_form(ngx_pool_t *pool, u_char *data, size_t size)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = fuzz_body(pool, "application/x-www-form-urlencoded", data, size);

    if (ctx) {
        fuzz_pairs(ctx);
        fuzz_values(ctx);
    }
}


void
fuzz_multipart(ngx_pool_t *pool, u_char *data, size_t size)
{
    ngx_http_magasin_ctx_t  *ctx;

    ctx = fuzz_body(pool, "multipart/form-data", data, size);

    if (ctx) {
        fuzz_pairs(ctx);
        fuzz_values(ctx);
    }
}


/* Parse; NULL: it was refused, as it should be. */

static ngx_http_magasin_ctx_t *
fuzz_body(ngx_pool_t *pool, const char *type, u_char *data, size_t size)
{
    u_char                  *p;
    size_t                   len;
    ngx_int_t                rc;
    ngx_str_t                text;
    ngx_http_request_t      *r;
    ngx_http_magasin_ctx_t  *ctx;

    p = ngx_strlchr(data, data + size, LF);

    if (p == NULL) {
        return NULL;
    }

    r = fuzz_request(pool);

    /* As nginx gives it: with a NUL behind. */

    len = ngx_strlen(type) + 1 + (p - data);

    r->headers_in.content_type = fuzz_header(r, "content-type",
                                             ngx_pnalloc(pool, len + 1), len);
    (void) ngx_sprintf(r->headers_in.content_type->value.data, "%s;%*s%Z",
                       type, (size_t) (p - data), data);

    p++;
    text.len = data + size - p;
    text.data = ngx_pnalloc(pool, ngx_max(text.len, 1));
    fuzz_assert(text.data);
    ngx_memcpy(text.data, p, text.len);

    r->headers_in.content_length_n = text.len;

    ctx = ngx_http_magasin_ctx(r);
    fuzz_assert(ctx);

    ngx_http_magasin_json_init(&ctx->json, pool);

    ctx->body.type = ngx_http_magasin_body_type(r);

    if (ctx->body.type == NGX_HTTP_MAGASIN_BODY_UNKNOWN) {
        return NULL;
    }

    rc = ngx_http_magasin_body_parse(r, &ctx->body, &text);

    fuzz_assert(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_DECLINED) {
        fuzz_assert(ctx->body.error.len);
        fuzz_text(&ctx->body.error);
        return NULL;
    }

    return ctx;
}


/* Names and values are texts, and survive an encoding. */

static void
fuzz_pairs(ngx_http_magasin_ctx_t *ctx)
{
    u_char                   *p;
    ngx_str_t                 text, *file;
    ngx_uint_t                i;
    ngx_array_t              *again;
    ngx_http_magasin_pair_t  *pair, *other;

    if (ctx->body.files) {
        file = ctx->body.files->elts;

        for (i = 0; i < ctx->body.files->nelts; i++) {
            fuzz_text(&file[i]);
        }
    }

    if (ctx->body.pairs == NULL) {
        return;
    }

    pair = ctx->body.pairs->elts;

    for (i = 0; i < ctx->body.pairs->nelts; i++) {
        fuzz_text(&pair[i].name);
        fuzz_text(&pair[i].value);

        text.len = ngx_http_magasin_text_encoded_length(&pair[i].name)
                   + ngx_http_magasin_text_encoded_length(&pair[i].value) + 1;
        text.data = ngx_pnalloc(ctx->request->pool, text.len);
        fuzz_assert(text.data);

        p = ngx_http_magasin_text_encode(text.data, &pair[i].name);
        *p++ = '=';
        p = ngx_http_magasin_text_encode(p, &pair[i].value);

        text.len = p - text.data;

        again = ngx_http_magasin_query_parse(ctx->request->pool, &text,
                                             NGX_HTTP_MAGASIN_QUERY_PAIRS);
        fuzz_assert(again && again->nelts == 1);

        other = again->elts;

        fuzz_assert(other->name.len == pair[i].name.len
                    && ngx_memcmp(other->name.data, pair[i].name.data,
                                  other->name.len)
                       == 0);
        fuzz_assert(other->value.len == pair[i].value.len
                    && ngx_memcmp(other->value.data, pair[i].value.data,
                                  other->value.len)
                       == 0);
    }
}


/* What passes the checks is fit to be a parameter. */

static void
fuzz_values(ngx_http_magasin_ctx_t *ctx)
{
    int64_t      n;
    ngx_int_t    rc;
    ngx_str_t    text;
    ngx_uint_t   i;
    const char  *values[sizeof(fuzz_members) / sizeof(fuzz_members[0])];

    ngx_memzero(values, sizeof(values));

    rc = ngx_http_magasin_members_bind(ctx, fuzz_members, values);

    fuzz_errors(ctx, rc);

    if (rc != NGX_OK) {
        return;
    }

    fuzz_assert(values[0]);

    for (i = 0; i < 2 && values[i]; i++) {
        text.data = (u_char *) values[i];
        text.len = ngx_strlen(values[i]);
        fuzz_text(&text);

        fuzz_assert(i || (text.len && ngx_http_magasin_text_length(&text)
                                      <= 20));
    }

    if (values[2]) {
        fuzz_value_set(values[2], "0123456789e-");
    }

    if (values[3]) {
        n = strtoll(values[3], NULL, 10);
        fuzz_assert(n >= -5 && n <= 1000);
        fuzz_value_set(values[3], "0123456789-");
    }

    if (values[4]) {
        fuzz_assert(strtoll(values[4], NULL, 10) > 0);
        fuzz_value_set(values[4], "0123456789");
    }

    fuzz_assert(values[5] == NULL || ngx_strcmp(values[5], "true") == 0
                || ngx_strcmp(values[5], "false") == 0);

    if (values[6]) {
        fuzz_value_set(values[6], "0123456789Tt:.+-Zz ");
    }

    fuzz_assert(values[7] == NULL || values[7] == fuzz_choices[0]
                || values[7] == fuzz_choices[1]);
}


static void
fuzz_value_set(const char *value, const char *set)
{
    fuzz_assert(*value && value[strspn(value, set)] == '\0');
}
