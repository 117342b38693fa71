
/* What receipts and transfers have in common. */


#include "ngx_http_magasin_movements_internal.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"


/* Parameters of receipt_cancel.sql and transfer_cancel.sql. */
enum {
    CANCEL_ID = 0,
    CANCEL_MOTIF,
    CANCEL_SCOPES
};


static const ngx_http_magasin_member_t  ngx_http_magasin_cancel_members[] = {
    { .name = "motif", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 200,
      .blank = 1 },
    { .name = NULL }
};


/* Returns a place from the value of a member: NULL if the member is null. */

const char *
ngx_http_magasin_movement_place(const char *value)
{
    return value == ngx_http_magasin_value_null ? NULL : value;
}


/*
 * Check that the asker may change the stock of a place: a store needs the
 * scope "stock", the central stock "reapprovisionnement".  The stores of the
 * asker are checked elsewhere.
 *
 * Returns NGX_OK, NGX_DONE if the 403 is in ctx, or NGX_ERROR if no memory is
 * left.
 */

ngx_int_t
ngx_http_magasin_movement_allowed(ngx_http_magasin_ctx_t *ctx,
    const char *place)
{
    return ngx_http_magasin_allowed(ctx,
                                    place ? "stock" : "reapprovisionnement")
           ? NGX_OK
           : ngx_http_magasin_reply_status(ctx, NGX_HTTP_FORBIDDEN);
}


/*
 * Name the stock rows that a new document locks.  Returns NGX_OK, or NGX_ERROR
 * if no memory is left.
 */

ngx_int_t
ngx_http_magasin_movement_locks(ngx_http_magasin_ctx_t *ctx,
    const char *place, ngx_http_magasin_lines_t *lines)
{
    uint64_t    *locks;
    ngx_uint_t   i;

    locks = ngx_http_magasin_locks(ctx, lines->n);
    if (locks == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < lines->n; i++) {
        locks[i] = ngx_http_magasin_pg_lock(place ? place : "",
                                     lines->elts[i].values[MOVED_PRODUIT]);
    }

    return NGX_OK;
}


/*
 * Bind receipt_cancel.sql or transfer_cancel.sql.  A body is optional.  `what`
 * is the name of the document in its 404.
 */

ngx_int_t
ngx_http_magasin_movement_cancel(ngx_http_magasin_ctx_t *ctx,
    const char *what)
{
    ngx_int_t                     rc;
    ngx_http_magasin_movement_t   movement;

    rc = ngx_http_magasin_members_bind(ctx, ngx_http_magasin_cancel_members,
                                       &ctx->job.values[CANCEL_MOTIF]);
    if (rc != NGX_OK) {
        return rc;
    }

    movement.what = what;
    movement.scopes = CANCEL_SCOPES;

    return ngx_http_magasin_movement_act(ctx, &movement);
}


/*
 * Bind what all actions on a document have in common: the id of the path, and
 * who asks.
 *
 * Returns NGX_OK; NGX_DONE with a 404 in ctx if the id is out of range;
 * NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_movement_act(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_movement_t *movement)
{
    ngx_pool_t   *pool;
    const char  **values;

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, movement->what,
                                              &ctx->ids[0]);
    }

    pool = ctx->request->pool;

    ctx->job.values[0] = (const char *) ctx->ids[0].text.data;

    values = &ctx->job.values[movement->scopes];

    values[0] = (const char *) ngx_http_magasin_value_copy(pool,
                                                           &ctx->scopes);
    values[1] = NULL;
    values[2] = (const char *) ctx->token.data;
    values[3] = ctx->key;
    values[4] = ctx->digest;

    if (ctx->limited) {
        values[1] = (const char *) ngx_http_magasin_value_copy(pool,
                                                               &ctx->stores);
    }

    ctx->job.nvalues = movement->scopes + 5;

    return values[0] && (values[1] || !ctx->limited) ? NGX_OK : NGX_ERROR;
}


/*
 * Bind codes.sql if lines have codes, or else the statement of the endpoint.
 * Returns the codes of body->bind().
 */

ngx_int_t
ngx_http_magasin_movement_bind(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_movement_body_t *body)
{
    ngx_int_t  rc;

    ctx->state = body;

    rc = ngx_http_magasin_codes_of_lines(ctx, &body->lines, body->code);

    return rc == NGX_DECLINED ? body->bind(ctx) : rc;
}


/*
 * Write the answer; or, when the ids of products are there, go on with the
 * movement (NGX_DECLINED).
 */

ngx_int_t
ngx_http_magasin_movement_render(ngx_http_magasin_ctx_t *ctx,
    PGresult *result)
{
    ngx_int_t                          rc;
    ngx_http_magasin_movement_body_t  *body;

    if (!ngx_http_magasin_codes_asked(ctx)) {
        return ngx_http_magasin_written_render(ctx, result);
    }

    body = ctx->state;

    rc = ngx_http_magasin_codes_into_lines(ctx, result, &body->lines,
                                           MOVED_PRODUIT, body->code);

    if (rc == NGX_OK) {
        rc = body->bind(ctx);

        return rc == NGX_OK ? NGX_DECLINED : NGX_ERROR;
    }

    return rc == NGX_DONE ? NGX_OK : NGX_ERROR;
}


/*
 * Add the tags of the stock that was moved.  `products` is an array of
 * PostgreSQL: "{4,7}".
 */

void
ngx_http_magasin_movement_made(ngx_http_magasin_tags_t *tags,
    const char *place, const char *products)
{
    char        *end;
    int64_t      magasin, produit;
    const char  *p;

    magasin = ngx_http_magasin_tag_id(place);

    for (p = products; *p && *p != '}'; p = end) {
        produit = strtoll(p + 1, &end, 10);

        if (place) {
            ngx_http_magasin_tags_stock(tags, magasin, produit);

        } else {
            ngx_http_magasin_tags_central(tags, produit);
        }
    }
}


/*
 * Add the tags of the stock that an action on a document has moved, from the
 * columns lieu and produits.  Without products only the function has seen the
 * document, so its stock is not known.
 */

void
ngx_http_magasin_movement_done(PGresult *result,
    ngx_http_magasin_tags_t *tags)
{
    int  place, products;

    place = PQfnumber(result, "lieu");
    products = PQfnumber(result, "produits");

    if (PQgetisnull(result, 0, products)) {
        ngx_http_magasin_tags_add_slot(tags, NGX_HTTP_MAGASIN_TAG_ALL);
        return;
    }

    ngx_http_magasin_movement_made(tags,
                                   PQgetisnull(result, 0, place)
                                   ? NULL : PQgetvalue(result, 0, place),
                                   PQgetvalue(result, 0, products));
}
