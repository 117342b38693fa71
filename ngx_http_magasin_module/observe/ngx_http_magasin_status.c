
/*
 * /status: the current state of the node, for a person.  The answer is JSON, or
 * a page for a browser.  The page requests the JSON every two seconds.  It
 * includes its style and its script.  Its Content-Security-Policy contains
 * their digests, and the browser runs no other script.
 */


#include "ngx_http_magasin_metrics_text_internal.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_pages.h"

#include <openssl/sha.h>


#define NGX_HTTP_MAGASIN_STATUS_POLICY                                        \
    "default-src 'none'; connect-src 'self'; base-uri 'none'; "               \
    "form-action 'none'; frame-ancestors 'none'; "                            \
    "style-src 'sha256-%V'; script-src 'sha256-%V'"

/* Length of a SHA-256 in base64. */
#define NGX_HTTP_MAGASIN_STATUS_DIGEST  44

#define NGX_HTTP_MAGASIN_STATUS_LENGTH                                        \
    (sizeof(NGX_HTTP_MAGASIN_STATUS_POLICY)                                   \
     + 2 * NGX_HTTP_MAGASIN_STATUS_DIGEST)


static ngx_uint_t ngx_http_magasin_status_wants_page(ngx_http_request_t *r);
static ngx_int_t ngx_http_magasin_status_page(ngx_http_request_t *r);
static void ngx_http_magasin_status_digest(const char *text, u_char *digest);


typedef struct {
    const char  *name;
    const char  *text;
} ngx_http_magasin_page_t;


static ngx_http_magasin_page_t  ngx_http_magasin_pages[] = {
    NGX_HTTP_MAGASIN_PAGES
};

static u_char
    ngx_http_magasin_status_policy[NGX_HTTP_MAGASIN_STATUS_LENGTH];
static ngx_str_t  ngx_http_magasin_status_policy_text;


/*
 * Compute the Content-Security-Policy of the page.  Call it once per process.
 */

void
ngx_http_magasin_status_init(void)
{
    u_char     style[NGX_HTTP_MAGASIN_STATUS_DIGEST];
    u_char     script[NGX_HTTP_MAGASIN_STATUS_DIGEST];
    ngx_str_t  style_digest, script_digest;

    ngx_http_magasin_status_digest(
          ngx_http_magasin_pages[NGX_HTTP_MAGASIN_PAGE_CSS].text, style);
    ngx_http_magasin_status_digest(
          ngx_http_magasin_pages[NGX_HTTP_MAGASIN_PAGE_JS].text, script);

    style_digest.data = style;
    style_digest.len = sizeof(style);
    script_digest.data = script;
    script_digest.len = sizeof(script);

    ngx_http_magasin_status_policy_text.data = ngx_http_magasin_status_policy;
    ngx_http_magasin_status_policy_text.len =
        ngx_sprintf(ngx_http_magasin_status_policy,
                    NGX_HTTP_MAGASIN_STATUS_POLICY, &style_digest,
                    &script_digest)
        - ngx_http_magasin_status_policy;
}


static void
ngx_http_magasin_status_digest(const char *text, u_char *digest)
{
    u_char     sha256[SHA256_DIGEST_LENGTH];
    ngx_str_t  source, base64;

    (void) SHA256((const u_char *) text, ngx_strlen(text), sha256);

    source.data = sha256;
    source.len = sizeof(sha256);
    base64.data = digest;

    ngx_encode_base64(&base64, &source);
}


/*
 * The content handler of `magasin_status`.  Returns NGX_OK or the status of an
 * error.
 */

ngx_int_t
ngx_http_magasin_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_magasin_json_t  json;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_magasin_metrics_refuse(r);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_magasin_status_wants_page(r)) {
        return ngx_http_magasin_status_page(r);
    }

    ngx_http_magasin_json_init(&json, r->pool);

    if (ngx_http_magasin_status_json(&json, r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_magasin_metrics_send(r, "application/json", &json);
}


/*
 * Returns 1 if the client wants the page: its Accept contains text/html.  The
 * argument "format" overrides Accept.
 */

static ngx_uint_t
ngx_http_magasin_status_wants_page(ngx_http_request_t *r)
{
    ngx_str_t                    format, *accept;
    ngx_http_magasin_headers_t   headers;

    if (ngx_http_arg(r, (u_char *) "format", 6, &format) == NGX_OK) {
        return format.len == 4 && ngx_strncmp(format.data, "html", 4) == 0;
    }

    ngx_http_magasin_headers(r, NGX_HTTP_MAGASIN_HEADER_ACCEPT, &headers);

    while ((accept = ngx_http_magasin_headers_next(&headers)) != NULL) {

        if (ngx_strlcasestrn(accept->data, accept->data + accept->len,
                             (u_char *) "text/html", 9 - 1))
        {
            return 1;
        }
    }

    return 0;
}


/* Send the page.  The style and the script replace their placeholders. */

static ngx_int_t
ngx_http_magasin_status_page(ngx_http_request_t *r)
{
    const char               *p, *mark;
    ngx_uint_t                i;
    ngx_str_t                 options = ngx_string("nosniff");
    ngx_http_magasin_json_t   html;
    static struct {
        const char                *mark;
        ngx_http_magasin_page_e    page;
    } parts[] = {
        { "@STYLE@", NGX_HTTP_MAGASIN_PAGE_CSS },
        { "@SCRIPT@", NGX_HTTP_MAGASIN_PAGE_JS }
    };

    ngx_http_magasin_json_init(&html, r->pool);

    p = ngx_http_magasin_pages[NGX_HTTP_MAGASIN_PAGE_HTML].text;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        mark = strstr(p, parts[i].mark);

        ngx_http_magasin_json_raw(&html, p, mark - p);
        ngx_http_magasin_json_raw(&html,
                      ngx_http_magasin_pages[parts[i].page].text,
                      ngx_strlen(ngx_http_magasin_pages[parts[i].page].text));

        p = mark + ngx_strlen(parts[i].mark);
    }

    ngx_http_magasin_json_raw(&html, p, ngx_strlen(p));

    if (ngx_http_magasin_reply_header(r, "Content-Security-Policy",
                                      &ngx_http_magasin_status_policy_text)
        != NGX_OK
        || ngx_http_magasin_reply_header(r, "X-Content-Type-Options",
                                         &options)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_magasin_metrics_send(r, "text/html; charset=utf-8",
                                         &html);
}
