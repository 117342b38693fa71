
/* What receipts, transfers and stock-takes have in common. */


#include "ngx_http_magasin_movements_internal.h"
#include "ngx_http_magasin_checks.h"
#include "ngx_http_magasin_reply.h"


/* The first parameters of a statement that takes a document back. */
enum {
    CANCEL_ID = 0,
    CANCEL_MOTIF,
    CANCEL_WHO                  /* the scopes, or the stores */
};


static ngx_int_t ngx_http_magasin_movement_allowed(
    ngx_http_magasin_ctx_t *ctx, const char *place);
static ngx_int_t ngx_http_magasin_movement_read(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_movement_t *spec,
    ngx_http_magasin_movement_body_t *body);


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

static ngx_int_t
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
 * Bind a POST with lines: codes.sql if lines have codes, or else the statement
 * of the endpoint.  All members are checked before the errors are answered.
 * For a new document it checks that the asker may change the stock of its
 * place; an action is checked by the database, which knows the place.
 *
 * Returns the codes of spec->bind().
 */

ngx_int_t
ngx_http_magasin_movement_post(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_movement_t *spec)
{
    ngx_int_t                          rc;
    ngx_http_magasin_movement_body_t  *body;

    body = ngx_pcalloc(ctx->request->pool,
                       sizeof(ngx_http_magasin_movement_body_t));
    if (body == NULL) {
        return NGX_ERROR;
    }

    body->spec = spec;
    ctx->state = body;

    rc = ngx_http_magasin_movement_read(ctx, spec, body);
    if (rc != NGX_OK) {
        return rc;
    }

    if (spec->what) {
        if (!ctx->ids[0].fits) {
            return ngx_http_magasin_reply_missing(ctx, spec->what,
                                                  &ctx->ids[0]);
        }

    } else if (spec->store) {
        ctx->place = body->members[0];

    } else {
        body->members[0] = ngx_http_magasin_movement_place(body->members[0]);

        rc = ngx_http_magasin_movement_allowed(ctx, body->members[0]);
        if (rc != NGX_OK) {
            return rc;
        }

        ctx->place = body->members[0] ? body->members[0] : "";
    }

    rc = ngx_http_magasin_codes_of_lines(ctx, &body->lines, spec->code);

    return rc == NGX_DECLINED ? spec->bind(ctx) : rc;
}


/*
 * Read the members and the lines.  Returns NGX_OK; NGX_DONE with an error in
 * ctx; NGX_ERROR if no memory is left.
 */

static ngx_int_t
ngx_http_magasin_movement_read(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_movement_t *spec,
    ngx_http_magasin_movement_body_t *body)
{
    ngx_int_t                 rc;
    ngx_http_magasin_field_t  field;

    rc = ngx_http_magasin_members_read(ctx, spec->members, body->members);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_magasin_body_field(ctx->request, &ctx->body, "lignes", 1,
                                    &field)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((field.type != NGX_HTTP_MAGASIN_FIELD_ABSENT || !spec->optional)
        && ngx_http_magasin_lines_read(ctx, spec->lines, &body->lines)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_magasin_members_unknown(ctx, spec->members);

    return ngx_http_magasin_members_end(ctx);
}


/*
 * Set the parameters `produits` and the next one to the products and the
 * quantities of the lines.  Returns NGX_OK, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_movement_lines(ngx_http_magasin_ctx_t *ctx,
    ngx_uint_t produits)
{
    ngx_pool_t                         *pool;
    const char                        **values;
    ngx_http_magasin_movement_body_t   *body;

    body = ctx->state;
    pool = ctx->request->pool;
    values = &ctx->job.values[produits];

    values[0] = ngx_http_magasin_lines_array(pool, &body->lines,
                                             MOVED_PRODUIT);
    values[1] = ngx_http_magasin_lines_array(pool, &body->lines,
                                             MOVED_QUANTITE);

    return values[0] && values[1] ? NGX_OK : NGX_ERROR;
}


/*
 * Bind a statement that takes a document back, and is told the asker's scopes.
 * A body is optional.  `what` is the name of the document in its 404.  Returns
 * the codes of _movement_act().
 */

ngx_int_t
ngx_http_magasin_movement_cancel(ngx_http_magasin_ctx_t *ctx,
    const char *what)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_movement_motif(ctx);

    return rc == NGX_OK ? ngx_http_magasin_movement_act(ctx, what, CANCEL_WHO)
                        : rc;
}


/*
 * Bind the motif, which alone a body without more than that may have.
 *
 * Returns NGX_OK; NGX_DONE with an error in ctx; NGX_ERROR if no memory is
 * left.
 */

ngx_int_t
ngx_http_magasin_movement_motif(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_members_bind(ctx, ngx_http_magasin_cancel_members,
                                         &ctx->job.values[CANCEL_MOTIF]);
}


/*
 * Bind what all actions on a document have in common: the id of the path, and
 * from the parameter `n` on the scopes of who asks, and who that is.
 *
 * Returns NGX_OK; NGX_DONE with a 404 in ctx if the id is out of range;
 * NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_movement_act(ngx_http_magasin_ctx_t *ctx, const char *what,
    ngx_uint_t n)
{
    const char  *scopes;

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, what, &ctx->ids[0]);
    }

    scopes = (const char *) ngx_http_magasin_value_copy(ctx->request->pool,
                                                        &ctx->scopes);
    if (scopes == NULL) {
        return NGX_ERROR;
    }

    ctx->job.values[n] = scopes;

    return ngx_http_magasin_movement_who(ctx, n + 1);
}


/*
 * Bind the id of the path, which is in range, and from the parameter `n` on the
 * stores of who asks (NULL: all), the actor, the key and the digest of the
 * request.  These are the last parameters.
 *
 * Returns NGX_OK, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_movement_who(ngx_http_magasin_ctx_t *ctx, ngx_uint_t n)
{
    const char  **values;

    ctx->job.values[0] = (const char *) ctx->ids[0].text.data;

    values = &ctx->job.values[n];

    values[1] = (const char *) ctx->token.data;
    values[2] = ctx->key;
    values[3] = ctx->digest;

    ctx->job.nvalues = n + 4;

    return ngx_http_magasin_asker_stores(ctx, &values[0]);
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
                                           MOVED_PRODUIT, body->spec->code);

    if (rc == NGX_OK) {
        rc = body->spec->bind(ctx);

        return rc == NGX_OK ? NGX_DECLINED : NGX_ERROR;
    }

    return rc == NGX_DONE ? NGX_OK : NGX_ERROR;
}


/*
 * Add the tags of the stock that was moved.  `products` is an array of
 * PostgreSQL: "{4,7}", or "{}".
 */

void
ngx_http_magasin_movement_made(ngx_http_magasin_tags_t *tags,
    const char *place, const char *products)
{
    char        *end;
    int64_t      magasin, produit;
    const char  *p;

    magasin = ngx_http_magasin_tag_id(place);
    p = products[1] == '}' ? "" : products;

    for ( /* void */ ; *p && *p != '}'; p = end) {
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
