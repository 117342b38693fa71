
/*
 * The stores that an asker is bound to.  THE table says which store a request
 * names or touches (.place); each kind is checked as soon as it is known: the
 * store of the path before the body is read, that of the body or the query
 * before the statement is sent, that of a row before it is rendered.  No
 * statement that changes anything is sent before, but those of documents whose
 * place only the database knows: their functions are told the asker's scopes
 * and stores (lieu_interdit() in 016_mouvements.sql).
 */


#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_tokens_internal.h"


static ngx_uint_t ngx_http_magasin_place_column(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, const char *name);
static ngx_int_t ngx_http_magasin_place_refused(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t all);


/*
 * Checks what is known from the path.  Called when the asker is authorised.
 * Returns NGX_OK, or NGX_DONE if the 403 is in ctx.
 */

ngx_int_t
ngx_http_magasin_place_path(ngx_http_magasin_ctx_t *ctx)
{
    if (!ctx->limited) {
        return NGX_OK;
    }

    switch (ctx->endpoint->place) {

    case NGX_HTTP_MAGASIN_PLACE_ALL:
        return ngx_http_magasin_place_refused(ctx, 1);

    case NGX_HTTP_MAGASIN_PLACE_PATH:
        return ngx_http_magasin_rights_have(&ctx->stores,
                                            (char *) ctx->ids[0].text.data)
               ? NGX_OK : ngx_http_magasin_place_refused(ctx, 0);

    default:
        return NGX_OK;
    }
}


/*
 * Checks the store that is the first parameter of the statement, or ctx->place
 * where bind has set it.  A list without a store is that of all of them.  It is
 * called after bind, which has removed leading zeros.  Returns NGX_OK, or
 * NGX_DONE if the 403 is in ctx.
 */

ngx_int_t
ngx_http_magasin_place_value(ngx_http_magasin_ctx_t *ctx)
{
    const char  *id;

    if (!ctx->limited || ctx->endpoint->place != NGX_HTTP_MAGASIN_PLACE_VALUE)
    {
        return NGX_OK;
    }

    id = ctx->place ? ctx->place : ctx->job.values[0];

    if (id && ngx_http_magasin_rights_have(&ctx->stores, id)) {
        return NGX_OK;
    }

    return ngx_http_magasin_place_refused(ctx, id == NULL || *id == '\0');
}


/*
 * Checks the store of the row that was read, which is in its column
 * magasin_id, or in vers_id where a row is of two stores.  Rows of a list are
 * all of one store.  The central stock, NULL, is none.  Without a row there is
 * nothing to hide.  Returns NGX_OK, or NGX_DONE if the 403 is in ctx.
 */

ngx_int_t
ngx_http_magasin_place_row(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    if (!ctx->limited || ctx->endpoint->place != NGX_HTTP_MAGASIN_PLACE_ROW
        || PQntuples(result) == 0)
    {
        return NGX_OK;
    }

    if (ngx_http_magasin_place_column(ctx, result, "magasin_id")
        || ngx_http_magasin_place_column(ctx, result, "vers_id"))
    {
        return NGX_OK;
    }

    return ngx_http_magasin_place_refused(ctx, 0);
}


/* Returns 1 if a column of the first row is a store of the asker, else 0. */

static ngx_uint_t
ngx_http_magasin_place_column(ngx_http_magasin_ctx_t *ctx, PGresult *result,
    const char *name)
{
    int  column;

    column = PQfnumber(result, name);

    return column >= 0
           && ngx_http_magasin_rights_have(&ctx->stores,
                                           PQgetvalue(result, 0, column));
}


static ngx_int_t
ngx_http_magasin_place_refused(ngx_http_magasin_ctx_t *ctx, ngx_uint_t all)
{
    static ngx_str_t  one = ngx_string("Vous n'avez pas accès à ce magasin.");
    static ngx_str_t  every =
                       ngx_string("Vous n'avez pas accès à tous les magasins "
                                  "et au stock central.");

    ngx_http_magasin_auth_count(ctx->request, NGX_HTTP_MAGASIN_REFUSED_STORE);

    return ngx_http_magasin_reply_detail(ctx, NGX_HTTP_FORBIDDEN,
                                         all ? &every : &one);
}
