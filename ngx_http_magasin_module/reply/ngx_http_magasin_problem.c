
/*
 * Errors as problem details (RFC 9457) for clients that ask for them.  They
 * contain the same facts in other members.
 */


#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_text.h"


typedef struct {
    ngx_uint_t   status;
    ngx_str_t    title;
} ngx_http_magasin_title_t;


static void ngx_http_magasin_problem(ngx_http_magasin_ctx_t *ctx);
static ngx_str_t *ngx_http_magasin_problem_title(ngx_uint_t status);


/* The phrases of the IANA registry of status codes; 494 is nginx's own. */

static ngx_http_magasin_title_t  ngx_http_magasin_titles[] = {
    { 400, ngx_string("Bad Request") },
    { 401, ngx_string("Unauthorized") },
    { 402, ngx_string("Payment Required") },
    { 403, ngx_string("Forbidden") },
    { 404, ngx_string("Not Found") },
    { 405, ngx_string("Method Not Allowed") },
    { 406, ngx_string("Not Acceptable") },
    { 407, ngx_string("Proxy Authentication Required") },
    { 408, ngx_string("Request Timeout") },
    { 409, ngx_string("Conflict") },
    { 410, ngx_string("Gone") },
    { 411, ngx_string("Length Required") },
    { 412, ngx_string("Precondition Failed") },
    { 413, ngx_string("Content Too Large") },
    { 414, ngx_string("URI Too Long") },
    { 415, ngx_string("Unsupported Media Type") },
    { 416, ngx_string("Range Not Satisfiable") },
    { 417, ngx_string("Expectation Failed") },
    { 421, ngx_string("Misdirected Request") },
    { 422, ngx_string("Unprocessable Content") },
    { 423, ngx_string("Locked") },
    { 424, ngx_string("Failed Dependency") },
    { 425, ngx_string("Too Early") },
    { 426, ngx_string("Upgrade Required") },
    { 428, ngx_string("Precondition Required") },
    { 429, ngx_string("Too Many Requests") },
    { 431, ngx_string("Request Header Fields Too Large") },
    { 451, ngx_string("Unavailable For Legal Reasons") },
    { 494, ngx_string("Request Header Fields Too Large") },
    { 500, ngx_string("Internal Server Error") },
    { 501, ngx_string("Not Implemented") },
    { 502, ngx_string("Bad Gateway") },
    { 503, ngx_string("Service Unavailable") },
    { 504, ngx_string("Gateway Timeout") },
    { 505, ngx_string("HTTP Version Not Supported") },
    { 507, ngx_string("Insufficient Storage") },
    { 0, ngx_null_string }
};


/*
 * Returns the media type of the answer in ctx.  An error is rewritten as a
 * problem if the client asks for problems.  If memory cannot be allocated,
 * ctx->json.failed is set.
 */

ngx_str_t *
ngx_http_magasin_problem_type(ngx_http_magasin_ctx_t *ctx)
{
    static ngx_str_t  json = ngx_string("application/json");
    static ngx_str_t  problem = ngx_string("application/problem+json");
    static ngx_str_t  events = ngx_string("text/event-stream");
    static ngx_str_t  lines = ngx_string("application/x-ndjson");

    if (ctx->live && ctx->status == NGX_HTTP_OK) {
        return &events;
    }

    if (ctx->endpoint && ctx->endpoint->rows && ctx->status == NGX_HTTP_OK) {
        return &lines;
    }

    if (ctx->status < NGX_HTTP_BAD_REQUEST
        || !ngx_http_magasin_wants_problem(ctx->request))
    {
        return &json;
    }

    ngx_http_magasin_problem(ctx);

    return &problem;
}


/*
 * Replaces the error in ctx->json by a problem with the facts of ctx: the
 * status, the detail and the members.  For an error by fields the problem
 * contains the whole previous body as "erreurs".
 */

static void
ngx_http_magasin_problem(ngx_http_magasin_ctx_t *ctx)
{
    u_char                   *end;
    ngx_str_t                *title, detail, instance, path, fields, members;
    ngx_chain_t              *cl;
    ngx_http_request_t       *r;
    ngx_http_magasin_json_t  *json;

    r = ctx->request;
    json = &ctx->json;

    ngx_str_null(&fields);

    if (ctx->fields && !json->failed) {
        fields.data = ngx_pnalloc(r->pool, json->size);

        if (fields.data == NULL) {
            json->failed = 1;
            return;
        }

        for (cl = json->first; cl; cl = cl->next) {
            (void) ngx_cpymem(fields.data + fields.len, cl->buf->pos,
                              cl->buf->last - cl->buf->pos);
            fields.len += cl->buf->last - cl->buf->pos;
        }
    }

    title = ngx_http_magasin_problem_title(ctx->status);
    detail = ctx->detail.len ? ctx->detail
                             : *ngx_http_magasin_reply_text(ctx->status);
    members = ctx->members;

    /* The path as the client sent it, which is encoded already. */

    end = ngx_strlchr(r->unparsed_uri.data,
                      r->unparsed_uri.data + r->unparsed_uri.len, '?');
    instance = r->unparsed_uri;

    if (end) {
        instance.len = end - instance.data;
    }

    path = instance;

    if (ngx_http_magasin_text_repair(r->pool, &instance) != NGX_OK
        || (instance.len
            && !(ctx->route ? ctx->stripped
                            : ngx_http_magasin_base_strip(r, &path))
            && ngx_http_magasin_base_add(r, &instance) != NGX_OK))
    {
        json->failed = 1;
        return;
    }

    ngx_http_magasin_json_reset(json);
    json->comma = 0;

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "type");
    ngx_http_magasin_json_string(json, "about:blank");
    ngx_http_magasin_json_key(json, "title");
    ngx_http_magasin_json_text(json, title->data, title->len);
    ngx_http_magasin_json_key(json, "status");
    ngx_http_magasin_json_integer(json, (int64_t) ctx->status);
    ngx_http_magasin_json_key(json, "instance");
    ngx_http_magasin_json_text(json, instance.data, instance.len);
    ngx_http_magasin_json_key(json, "detail");
    ngx_http_magasin_json_text(json, detail.data, detail.len);

    if (members.len) {
        ngx_http_magasin_json_literal(json, members.data, members.len);
    }

    if (fields.len) {
        ngx_http_magasin_json_key(json, "erreurs");
        ngx_http_magasin_json_literal(json, fields.data, fields.len);
    }

    ngx_http_magasin_json_close(json, '}');
}


static ngx_str_t *
ngx_http_magasin_problem_title(ngx_uint_t status)
{
    ngx_http_magasin_title_t  *entry;

    for (entry = ngx_http_magasin_titles; entry->status; entry++) {
        if (entry->status == status) {
            return &entry->title;
        }
    }

    return ngx_http_magasin_problem_title(status < 500 ? 400 : 500);
}
