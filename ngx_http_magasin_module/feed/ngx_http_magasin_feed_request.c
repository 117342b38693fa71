
/*
 * GET /api/v1/journal/stream/.  The statement of the request finds the end of
 * the journal: a stream begins there, or after the row of the cursor that the
 * client gives.  A cursor that is no row, or is after the end, is of a history
 * that the database has lost.
 */


#include "ngx_http_magasin_feed_internal.h"
#include "ngx_http_magasin_members.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_text.h"


static const ngx_http_magasin_member_t  ngx_http_magasin_feed_filters[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "type", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = NULL }
};


static ngx_int_t ngx_http_magasin_feed_resume(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_feed_listener_t *listener);
static ngx_int_t ngx_http_magasin_feed_header(ngx_http_request_t *r);
static void ngx_http_magasin_feed_socket(ngx_http_request_t *r);


/* Read the filters, and the cursor after which the stream begins. */

ngx_int_t
ngx_http_magasin_feed_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_str_t                          type;
    const char                       **values;
    ngx_http_magasin_feed_listener_t  *listener;

    listener = ngx_pcalloc(ctx->request->pool,
                           sizeof(ngx_http_magasin_feed_listener_t));
    if (listener == NULL) {
        return NGX_ERROR;
    }

    listener->ctx = ctx;
    listener->feed = ngx_http_magasin_feed_of(ctx->request);
    listener->retry = ngx_current_msec;
    ctx->state = listener;

    values = listener->filters;

    if (ngx_http_magasin_query_read(ctx, ngx_http_magasin_feed_filters, values)
           != NGX_OK
        || ngx_http_magasin_feed_resume(ctx, listener) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* The first value of the statement is no store. */

    ctx->place = values[0] ? values[0] : "";

    listener->magasin = ngx_http_magasin_tag_id(values[0]);
    listener->produit = ngx_http_magasin_tag_id(values[1]);

    if (values[2]) {
        type.data = (u_char *) values[2];
        type.len = ngx_strlen(values[2]);

        listener->type = ngx_http_magasin_text_hash(0, &type);
    }

    return ngx_http_magasin_members_end(ctx);
}


/* Last-Event-ID, or else the parameter `cursor`.  NGX_OK or NGX_ERROR. */

static ngx_int_t
ngx_http_magasin_feed_resume(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_feed_listener_t *listener)
{
    ngx_int_t          rc;
    ngx_str_t         *cursor;
    ngx_uint_t         i;
    const char        *name, **keys;
    static ngx_str_t   list = ngx_string("journal");

    keys = ctx->job.values;
    ctx->job.nvalues = NGX_HTTP_MAGASIN_LIST_KEYS;

    name = "Last-Event-ID";
    cursor = ngx_http_magasin_header(ctx->request,
                                     NGX_HTTP_MAGASIN_HEADER_LAST_EVENT_ID);

    if (cursor == NULL || cursor->len == 0) {
        name = "cursor";
        cursor = ngx_http_magasin_query_value(ctx->query, "cursor");
    }

    if (cursor == NULL || cursor->len == 0) {
        return NGX_OK;
    }

    rc = ngx_http_magasin_cursor_read(ctx->request->pool, &list,
                                      &ngx_http_magasin_journal_spec, cursor,
                                      keys);

    if (rc == NGX_DECLINED) {
        ngx_http_magasin_members_error(ctx, name, "Curseur non valide.");
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_MAGASIN_LIST_KEYS; i++) {
        listener->place.keys[i] = (int64_t) strtoll(keys[i], NULL, 10);
    }

    ngx_http_magasin_feed_params(&listener->place, listener->keys, keys);

    listener->given = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_magasin_feed_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    ngx_http_magasin_feed_place_t      end;
    ngx_http_magasin_feed_listener_t  *listener;
    static ngx_str_t                   gone =
                     ngx_string("Ce curseur appartient à un historique perdu. "
                                "Relisez l'état, puis recommencez sans "
                                "curseur.");

    listener = ctx->state;

    ngx_http_magasin_feed_place(&end, result, 0);

    if (!listener->given) {
        listener->place = end;

    } else if (*PQgetvalue(result, 0, NGX_HTTP_MAGASIN_FEED_KNOWN) == 'f'
               || ngx_http_magasin_feed_compare(&listener->place, &end) > 0)
    {
        (void) ngx_http_magasin_reply_detail(ctx, NGX_HTTP_MAGASIN_GONE,
                                             &gone);
    }

    return NGX_OK;
}


/*
 * Send the header, and begin to listen.  Called in the place of an answer that
 * ends.
 *
 * Returns NGX_DONE if the request waits.  Otherwise the caller passes the
 * result to ngx_http_finalize_request().
 */

ngx_int_t
ngx_http_magasin_feed_follow(ngx_http_magasin_ctx_t *ctx)
{
    u_char                             line[sizeof("retry: ") + NGX_INT_T_LEN];
    ngx_int_t                          rc;
    ngx_http_request_t                *r;
    ngx_http_magasin_feed_listener_t  *listener;

    r = ctx->request;
    listener = ctx->state;
    ctx->live = 1;

    if (ngx_http_magasin_feed_header(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_magasin_reply_send(ctx);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only
        || ctx->answer == NGX_HTTP_MAGASIN_ANSWER_LAST)
    {
        return rc;
    }

    (void) ngx_sprintf(line, "retry: %ui%Z",
                       (ngx_uint_t) (1000 + ngx_random() % 2000));

    /* A subrequest would keep its parent from ending. */

    if (r != r->main) {
        return ngx_http_magasin_feed_note(listener, (char *) line, 1);
    }

    ngx_http_magasin_feed_socket(r);

    if (ngx_http_magasin_feed_note(listener, (char *) line, 0) != NGX_OK
        || ngx_http_magasin_feed_listen(listener) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


/* NGX_OK or NGX_ERROR (no memory). */

static ngx_int_t
ngx_http_magasin_feed_header(ngx_http_request_t *r)
{
    static ngx_str_t  no = ngx_string("no");

    /* Neither gzip nor a proxy of nginx may hold events back. */

    r->gzip_tested = 1;
    r->gzip_ok = 0;

    return ngx_http_magasin_reply_header(r, "X-Accel-Buffering", &no);
}


/*
 * Events leave at once, and the kernel keeps a bounded part of them: a client
 * that does not read is noticed soon, and costs little memory.
 */

static void
ngx_http_magasin_feed_socket(ngx_http_request_t *r)
{
    int                        size;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->tcp_nodelay) {
        (void) ngx_tcp_nodelay(r->connection);
    }

#if (NGX_HTTP_V2)
    if (r->stream) {
        return;
    }
#endif

    size = NGX_HTTP_MAGASIN_FEED_SNDBUF;

    if (setsockopt(r->connection->fd, SOL_SOCKET, SO_SNDBUF,
                   (const void *) &size, sizeof(int))
        == -1)
    {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, ngx_socket_errno,
                      "setsockopt(SO_SNDBUF) failed, ignored");
    }
}
