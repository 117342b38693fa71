
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_number.h"


static ngx_str_t *ngx_http_magasin_reply_allow(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_reply_length(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_reply_etag(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_reply_links(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_reply_headers(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_reply_cache(ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_reply_output(ngx_http_magasin_ctx_t *ctx);


typedef struct {
    ngx_uint_t   status;
    ngx_str_t    text;
} ngx_http_magasin_status_text_t;


static ngx_http_magasin_status_text_t  ngx_http_magasin_status_texts[] = {
    { 400, ngx_string("Requête non valide.") },
    { 401, ngx_string("Informations d'authentification non valides.") },
    { 403, ngx_string("Vous n'avez pas la permission d'effectuer "
                      "cette action.") },
    { 404, ngx_string("Pas trouvé.") },
    { 405, ngx_string("Méthode non autorisée.") },
    { 406, ngx_string("L'en-tête « Accept » n'a pas pu être satisfaite.") },
    { 408, ngx_string("La requête n'est pas arrivée à temps.") },
    { 409, ngx_string("La demande est en conflit avec l'état actuel.") },
    { 410, ngx_string("Cette ressource n'existe plus.") },
    { 411, ngx_string("La longueur du corps doit être annoncée.") },
    { 412, ngx_string("La condition de la requête n'est pas remplie.") },
    { 413, ngx_string("Le corps de la requête est trop volumineux.") },
    { 414, ngx_string("L'adresse de la requête est trop longue.") },
    { 415, ngx_string("Type de média non supporté.") },
    { 421, ngx_string("La requête s'adresse à un autre serveur.") },
    { 422, ngx_string("La demande ne peut pas être traitée.") },
    { 429, ngx_string("Trop de requêtes : réessayez plus tard.") },
    { 431, ngx_string("Les en-têtes de la requête sont trop volumineux.") },
    { 494, ngx_string("Les en-têtes de la requête sont trop volumineux.") },
    { 500, ngx_string("Erreur interne du serveur.") },
    { 501, ngx_string("Fonction non disponible.") },
    { 502, ngx_string("Réponse non valide d'un serveur en amont.") },
    { 503, ngx_string("Service momentanément indisponible.") },
    { 504, ngx_string("Le délai de réponse est dépassé.") },
    { 505, ngx_string("Version du protocole non supportée.") },
    { 0, ngx_null_string }
};


/*
 * Returns the French text of a status.  A status without a text of its own
 * gets the text of 400 or of 500.
 */

ngx_str_t *
ngx_http_magasin_reply_text(ngx_uint_t status)
{
    ngx_http_magasin_status_text_t  *entry;

    for (entry = ngx_http_magasin_status_texts; entry->status; entry++) {
        if (entry->status == status) {
            return &entry->text;
        }
    }

    return ngx_http_magasin_reply_text(status < 500 ? 400 : 500);
}


/* Marks the answer as complete: no more rows follow those in ctx->json. */

void
ngx_http_magasin_reply_whole(ngx_http_magasin_ctx_t *ctx)
{
    ctx->answer = ngx_http_magasin_begun(ctx)
                  ? NGX_HTTP_MAGASIN_ANSWER_LAST
                  : NGX_HTTP_MAGASIN_ANSWER_WHOLE;
}


/* Discards the rendered answer and starts one with this status. */

void
ngx_http_magasin_reply_begin(ngx_http_magasin_ctx_t *ctx, ngx_uint_t status)
{
    if (ctx->json.first) {
        ngx_http_magasin_json_reset(&ctx->json);
        ctx->json.comma = 0;
    }

    ctx->status = status;
    ctx->rest = 0;
    ctx->is_packed = 0;
    ctx->open = 0;
    ngx_http_magasin_reply_whole(ctx);
    ctx->fields = 0;
    ngx_str_null(&ctx->detail);
    ngx_str_null(&ctx->members);
    ngx_str_null(&ctx->etag);
    ngx_str_null(&ctx->link);
    ctx->nlinks = 0;
}


/* Sets the answer {"detail": "..."} in ctx.  Always returns NGX_DONE. */

ngx_int_t
ngx_http_magasin_reply_detail(ngx_http_magasin_ctx_t *ctx, ngx_uint_t status,
    ngx_str_t *detail)
{
    ngx_str_t  none = ngx_null_string;

    return ngx_http_magasin_reply_members(ctx, status, detail, &none);
}


/*
 * The same with members after the detail: JSON text without braces, which has
 * to live as long as the request; or nothing.
 */

ngx_int_t
ngx_http_magasin_reply_members(ngx_http_magasin_ctx_t *ctx, ngx_uint_t status,
    ngx_str_t *detail, ngx_str_t *members)
{
    ngx_http_magasin_json_t  *json;

    ngx_http_magasin_reply_begin(ctx, status);

    ctx->detail = *detail;
    ctx->members = *members;

    json = &ctx->json;

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "detail");
    ngx_http_magasin_json_text(json, detail->data, detail->len);

    if (members->len) {
        ngx_http_magasin_json_literal(json, members->data, members->len);
    }

    ngx_http_magasin_json_close(json, '}');

    return NGX_DONE;
}


/* The same with the text of the status as the detail. */

ngx_int_t
ngx_http_magasin_reply_status(ngx_http_magasin_ctx_t *ctx, ngx_uint_t status)
{
    return ngx_http_magasin_reply_detail(ctx, status,
                                         ngx_http_magasin_reply_text(status));
}


/* Sets the body of a 401 or of a missing resource.  Returns NGX_DONE. */

ngx_int_t
ngx_http_magasin_reply_resource(ngx_http_magasin_ctx_t *ctx, ngx_uint_t status,
    ngx_str_t *message, ngx_str_t *path)
{
    u_char                   *p, now[sizeof("1970-01-01T00:00:00Z")];
    ngx_tm_t                  tm;
    ngx_http_magasin_json_t  *json;

    ngx_http_magasin_reply_begin(ctx, status);
    ctx->detail = *message;

    ngx_gmtime(ngx_time(), &tm);
    p = ngx_sprintf(now, "%4d-%02d-%02dT%02d:%02d:%02dZ",
                    tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                    tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);

    json = &ctx->json;

    ngx_http_magasin_json_open(json, '{');
    ngx_http_magasin_json_key(json, "timestamp");
    ngx_http_magasin_json_text(json, now, p - now);
    ngx_http_magasin_json_key(json, "status");
    ngx_http_magasin_json_integer(json, (int64_t) status);
    ngx_http_magasin_json_key(json, "error");

    if (status == NGX_HTTP_UNAUTHORIZED) {
        ngx_http_magasin_json_string(json, "Unauthorized");

    } else {
        ngx_http_magasin_json_string(json, "Not Found");
    }

    ngx_http_magasin_json_key(json, "message");
    ngx_http_magasin_json_text(json, message->data, message->len);
    ngx_http_magasin_json_key(json, "path");
    ngx_http_magasin_json_text(json, path->data, path->len);
    ngx_http_magasin_json_close(json, '}');

    return NGX_DONE;
}


/*
 * Sets a 404 with a message such as "Magasin avec ID 9 introuvable." and
 * returns NGX_DONE.  Returns NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_reply_missing(ngx_http_magasin_ctx_t *ctx, const char *what,
    ngx_http_magasin_id_t *id)
{
    u_char     *p;
    ngx_str_t   message, path;

    p = ngx_pnalloc(ctx->request->pool,
                    ngx_strlen(what) + id->text.len
                    + sizeof(" avec ID  introuvable."));
    if (p == NULL) {
        return NGX_ERROR;
    }

    message.data = p;
    message.len = ngx_sprintf(p, "%s avec ID %V introuvable.", what,
                              &id->text)
                  - p;

    if (ngx_http_magasin_public_path(ctx, &path) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_reply_resource(ctx, NGX_HTTP_NOT_FOUND, &message,
                                           &path);
}


/*
 * Sends the answer in ctx: all of it if the rows are rendered already, else
 * the part that is rendered.  The function is called again for each piece.
 *
 * Returns a code of ngx_http_output_filter() or the status of
 * ngx_http_send_header().  The caller passes it to
 * ngx_http_finalize_request().
 */

ngx_int_t
ngx_http_magasin_reply_send(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (ctx->json.failed) {
        return ngx_http_magasin_begun(ctx) ? NGX_ERROR
                                           : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!ngx_http_magasin_begun(ctx)) {

        if (ngx_http_magasin_reply_links(ctx) != NGX_OK
            || ngx_http_magasin_precondition(ctx) != NGX_OK
            || ngx_http_magasin_reply_headers(ctx) != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ctx->answer = ngx_http_magasin_complete(ctx) && ctx->rest == 0
                      ? NGX_HTTP_MAGASIN_ANSWER_LAST
                      : NGX_HTTP_MAGASIN_ANSWER_STREAMING;

        ngx_log_debug3(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "magasin reply: status %ui, %uz bytes, answer %d",
                       ctx->status, ctx->json.size + ctx->rest, ctx->answer);

        rc = ngx_http_send_header(r);

        if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
            ctx->answer = NGX_HTTP_MAGASIN_ANSWER_LAST;
            return rc;
        }
    }

    if (ctx->rest && ctx->json.size == 0
        && ngx_http_magasin_reply_piece(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->json.size == 0) {
        return ngx_http_magasin_complete(ctx)
               ? ngx_http_send_special(r, NGX_HTTP_LAST) : NGX_OK;
    }

    return ngx_http_magasin_reply_output(ctx);
}


/*
 * Inserts the links of this request.  If the answer is read from the cache
 * piece by piece, the first piece is read first, because it contains all
 * links.
 */

static ngx_int_t
ngx_http_magasin_reply_links(ngx_http_magasin_ctx_t *ctx)
{
    if (ctx->nlinks == 0) {
        return NGX_OK;
    }

    if (ctx->rest && ngx_http_magasin_reply_piece(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_links_render(ctx);
}


static ngx_int_t
ngx_http_magasin_reply_headers(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t           *type, control;
    ngx_table_elt_t     *header;
    ngx_http_request_t  *r;
    static ngx_str_t     retry = ngx_string("1");
    static ngx_str_t     scheme = ngx_string("Token");

    r = ctx->request;

    type = ngx_http_magasin_problem_type(ctx);

    if (ctx->json.failed) {
        return NGX_ERROR;
    }

    r->headers_out.status = ctx->status;
    ngx_http_clear_content_length(r);

    if (ctx->status == NGX_HTTP_MAGASIN_UNPROCESSABLE) {

        /* nginx has no phrase for it. */

        ngx_str_set(&r->headers_out.status_line, "422 Unprocessable Content");
    }

    if (ngx_http_magasin_complete(ctx)
        && ngx_http_magasin_reply_length(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->json.size || ctx->rest || ctx->live) {
        r->headers_out.content_type = *type;
        r->headers_out.content_type_len = type->len;
        r->headers_out.content_type_lowcase = NULL;
    }

    if (ngx_http_magasin_table_headers(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->route) {
        header = ngx_http_magasin_reply_element(r);
        if (header == NULL) {
            return NGX_ERROR;
        }

        ngx_str_set(&header->key, "Allow");
        header->value = *ngx_http_magasin_reply_allow(ctx);
    }

    if (ctx->status == NGX_HTTP_UNAUTHORIZED
        && ngx_http_magasin_reply_header(r, "WWW-Authenticate",
                                         ctx->challenge.len ? &ctx->challenge
                                                            : &scheme)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->status == NGX_HTTP_SERVICE_UNAVAILABLE
        && ngx_http_magasin_reply_header(r, "Retry-After", &retry) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /*
     * A client may reuse a stored answer only after it has revalidated it,
     * which is cheap with an ETag.  Answers to other methods, and errors, are
     * not stored.
     */

    if (ctx->status == NGX_HTTP_OK && !ctx->live
        && (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)))
    {
        ngx_str_set(&control, "no-cache");

        if (ctx->personal) {
            ngx_str_set(&control, "private, no-cache");
        }

        if (ngx_http_magasin_complete(ctx)
            && ngx_http_magasin_reply_validator(ctx) != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else {
        ngx_str_set(&control, "no-store");
        r->disable_not_modified = 1;
    }

    if (ngx_http_magasin_coding_headers(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->etag.len && ngx_http_magasin_reply_etag(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->link.len
        && ngx_http_magasin_reply_header(r, "Link", &ctx->link) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_magasin_reply_cache(ctx) != NGX_OK
        || ngx_http_magasin_server_timing(ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    header = ngx_http_magasin_reply_element(r);
    if (header == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&header->key, "Cache-Control");
    header->value = control;

    return NGX_OK;
}


/*
 * Adds X-Magasin-Cache, the source of the answer, if it is configured.  For an
 * answer that could not be checked it adds Age and the Warning of RFC 7234,
 * section 5.5.1.
 */

static ngx_int_t
ngx_http_magasin_reply_cache(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t            age, *name;
    ngx_http_request_t  *r;
    static ngx_str_t     warning = ngx_string("110 - \"Response is Stale\"");

    r = ctx->request;

    if (ctx->cache_state == NGX_HTTP_MAGASIN_CACHE_STALE) {

        age.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
        if (age.data == NULL) {
            return NGX_ERROR;
        }

        age.len = ngx_sprintf(age.data, "%T", ctx->age) - age.data;

        if (ngx_http_magasin_reply_header(r, "Age", &age) != NGX_OK
            || ngx_http_magasin_reply_header(r, "Warning", &warning)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    name = ngx_http_magasin_cache_name(ctx->cache_state);

    if (name == NULL || !ngx_http_magasin_cache_conf(r)->header) {
        return NGX_OK;
    }

    return ngx_http_magasin_reply_header(r, "X-Magasin-Cache", name);
}


/*
 * Returns the value of Allow.  OPTIONS, and methods that the reference does
 * not have, get all methods.  Other methods get exactly the list of the
 * recorded answers of the reference, which its clients expect.
 */

static ngx_str_t *
ngx_http_magasin_reply_allow(ngx_http_magasin_ctx_t *ctx)
{
    if (ctx->request->method == NGX_HTTP_OPTIONS
        || (ctx->endpoint && ctx->endpoint->extra))
    {
        return &ctx->route->allow;
    }

    return &ctx->route->reference_allow;
}


/*
 * Sets the length of the answer.  nginx would format the header by its number,
 * with ngx_sprintf().  Filters of nginx that change the length remove the
 * header.
 */

static ngx_int_t
ngx_http_magasin_reply_length(ngx_http_magasin_ctx_t *ctx)
{
    u_char              *p;
    ngx_table_elt_t     *header;
    ngx_http_request_t  *r;

    r = ctx->request;
    r->headers_out.content_length_n = ctx->json.size + ctx->rest;

    if (ctx->status == NGX_HTTP_NO_CONTENT) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_HTTP_MAGASIN_NUMBER_LEN);
    header = ngx_http_magasin_reply_element(r);

    if (p == NULL || header == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&header->key, "Content-Length");
    header->value.data = p;
    header->value.len = ngx_http_magasin_number(p,
                                          r->headers_out.content_length_n)
                        - p;

    r->headers_out.content_length = header;

    return NGX_OK;
}


/* nginx's not-modified filter compares If-None-Match with this header. */

static ngx_int_t
ngx_http_magasin_reply_etag(ngx_http_magasin_ctx_t *ctx)
{
    ngx_table_elt_t  *etag;

    etag = ngx_http_magasin_reply_element(ctx->request);
    if (etag == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&etag->key, "ETag");
    etag->value = ctx->etag;

    ctx->request->headers_out.etag = etag;

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_reply_output(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_buf_t    *last;
    ngx_uint_t    complete;
    ngx_chain_t  *rest;

    complete = ngx_http_magasin_complete(ctx);

    last = ctx->json.last->buf;
    last->last_buf = (complete && ctx->request == ctx->request->main);
    last->last_in_chain = complete;
    last->flush = !complete;

    /* Buffers that were kept from a larger piece are empty: unlink them. */

    rest = ctx->json.last->next;
    ctx->json.last->next = NULL;

    rc = ngx_http_output_filter(ctx->request, ctx->json.first);

    ctx->json.last->next = rest;

    return rc;
}
