
/*
 * /api/v1/reservations/: units that a store holds for somebody until an
 * instant.  A new reservation and a claim share the runs of the sales.
 */


#include "ngx_http_magasin_movements_internal.h"
#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_writes_internal.h"


/* The members of a new reservation, in the order of the table below. */
enum {
    RESERVATION_MAGASIN = 0,
    RESERVATION_LIGNES,
    RESERVATION_DUREE,
    RESERVATION_REFERENCE
};


/* The first parameters of reservations.sql and of reservations_*.sql. */
enum {
    RESERVATIONS_MAGASIN = 0,
    RESERVATIONS_REFERENCE
};


/* Parameters of reservation_release.sql. */
enum {
    RELEASE_ID = 0,
    RELEASE_STORES,
    RELEASE_ACTEUR,
    RELEASE_KEY,
    RELEASE_DIGEST,
    RELEASE_VALUES
};


/* The member of a line after those that all movements have. */
#define RESERVATION_CODE  (MOVED_QUANTITE + 1)

/* Seconds that a reservation lasts whose body does not say it. */
#define NGX_HTTP_MAGASIN_RESERVATION_DUREE  "900"


static ngx_int_t ngx_http_magasin_reservation_bind(
    ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_reservation_act(
    ngx_http_magasin_ctx_t *ctx);


static const ngx_http_magasin_member_t  ngx_http_magasin_reserves_params[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID },
    { .name = "reference", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_reserve_members[] = {
    { .name = "magasin", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1 },
    { .name = "lignes", .type = NGX_HTTP_MAGASIN_MEMBER_OTHER, .required = 1 },
    { .name = "duree", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 30,
      .max = 86400 },
    { .name = "reference", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 100 },
    { .name = NULL }
};

static const ngx_http_magasin_member_t  ngx_http_magasin_reserve_lines[] = {
    { .name = "produit", .type = NGX_HTTP_MAGASIN_MEMBER_ID, .required = 1,
      .instead = "code" },
    { .name = "quantite", .type = NGX_HTTP_MAGASIN_MEMBER_INTEGER, .min = 1,
      .max = NGX_MAX_INT32_VALUE, .required = 1 },
    { .name = "code", .type = NGX_HTTP_MAGASIN_MEMBER_TEXT, .max = 64 },
    { .name = NULL }
};

static const ngx_http_magasin_movement_t  ngx_http_magasin_reserve_movement = {
    .members = ngx_http_magasin_reserve_members,
    .lines = ngx_http_magasin_reserve_lines,
    .code = RESERVATION_CODE,
    .store = 1,
    .bind = ngx_http_magasin_reservation_bind
};

static const ngx_http_magasin_member_t  ngx_http_magasin_reserve_nothing[] = {
    { .name = NULL }
};

static const ngx_http_magasin_column_t  ngx_http_magasin_reserve_columns[] = {
    { "", NGX_HTTP_MAGASIN_COLUMN_OBJECT },
    { .name = NULL }
};


const ngx_http_magasin_list_spec_t  ngx_http_magasin_reservations_spec = {
    .params = ngx_http_magasin_reserves_params,
    .nkeys = 1,
    .keys = { NGX_HTTP_MAGASIN_KEY_INTEGER, NGX_HTTP_MAGASIN_KEY_INTEGER },
    .columns = ngx_http_magasin_reserve_columns
};

const ngx_http_magasin_item_spec_t  ngx_http_magasin_reservation_spec = {
    .what = "Réservation",
    .columns = ngx_http_magasin_reserve_columns
};


/* GET of the list.  A store, a reference, and both have an index each. */

ngx_int_t
ngx_http_magasin_reservations_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_list_bind(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->job.values[RESERVATIONS_MAGASIN]) {
        ctx->job.statement = ctx->job.values[RESERVATIONS_REFERENCE]
                             ? NGX_HTTP_MAGASIN_SQL_RESERVATIONS_STORE_REFERENCE
                             : NGX_HTTP_MAGASIN_SQL_RESERVATIONS_STORE;

    } else if (ctx->job.values[RESERVATIONS_REFERENCE]) {
        ctx->job.statement = NGX_HTTP_MAGASIN_SQL_RESERVATIONS_REFERENCE;
    }

    return NGX_OK;
}


/* POST. */

ngx_int_t
ngx_http_magasin_reservation_create_bind(ngx_http_magasin_ctx_t *ctx)
{
    return ngx_http_magasin_movement_post(ctx,
                                          &ngx_http_magasin_reserve_movement);
}


/* Bind writes_batch.sql. */

static ngx_int_t
ngx_http_magasin_reservation_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_pool_t                         *pool;
    const char                        **values;
    ngx_http_magasin_movement_body_t   *body;

    body = ctx->state;
    pool = ctx->request->pool;
    values = ctx->job.values;

    ngx_http_magasin_writes_bind(ctx, "reservation", body->lines.n);

    values[WRITES_MAGASIN] = body->members[RESERVATION_MAGASIN];
    values[WRITES_MOTIF] = body->members[RESERVATION_REFERENCE];
    values[WRITES_ATTENDU] = body->members[RESERVATION_DUREE];

    if (values[WRITES_ATTENDU] == NULL) {
        values[WRITES_ATTENDU] = NGX_HTTP_MAGASIN_RESERVATION_DUREE;
    }

    values[WRITES_PRODUITS] = ngx_http_magasin_lines_list(pool, &body->lines,
                                                          MOVED_PRODUIT);
    values[WRITES_QUANTITES] = ngx_http_magasin_lines_list(pool, &body->lines,
                                                           MOVED_QUANTITE);

    if (values[WRITES_PRODUITS] == NULL || values[WRITES_QUANTITES] == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_magasin_movement_locks(ctx, values[WRITES_MAGASIN],
                                           &body->lines);
}


/* Units are held: the quantities stay. */

void
ngx_http_magasin_reservation_create_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    char        *end;
    int64_t      magasin;
    const char  *p;

    magasin = ngx_http_magasin_tag_id(ctx->job.values[WRITES_MAGASIN]);

    ngx_http_magasin_tags_reservation(tags,
                                    ngx_http_magasin_written_id(ctx, result));

    for (p = ctx->job.values[WRITES_PRODUITS]; ; p = end + 1) {
        ngx_http_magasin_tags_retenue(tags, magasin, strtoll(p, &end, 10));

        if (*end != ',') {
            return;
        }
    }
}


/*
 * Read what all actions on a reservation have in common: a body without
 * members, if there is one, and the id of the path.
 *
 * Returns NGX_OK; NGX_DONE with an error in ctx; NGX_ERROR if no memory is
 * left.
 */

static ngx_int_t
ngx_http_magasin_reservation_act(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_magasin_members_bind(ctx, ngx_http_magasin_reserve_nothing,
                                       ctx->job.values);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->ids[0].fits) {
        return ngx_http_magasin_reply_missing(ctx, "Réservation",
                                              &ctx->ids[0]);
    }

    return NGX_OK;
}


/* POST /api/v1/reservations/{id}/claim/: bind writes_batch.sql. */

ngx_int_t
ngx_http_magasin_reservation_claim_bind(ngx_http_magasin_ctx_t *ctx)
{
    uint64_t     *locks;
    ngx_int_t     rc;
    const char  **values;

    rc = ngx_http_magasin_reservation_act(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_magasin_writes_bind(ctx, "reclamation", 1);

    values = ctx->job.values;
    values[WRITES_PRODUITS] = (const char *) ctx->ids[0].text.data;

    locks = ngx_http_magasin_locks(ctx, 1);
    if (locks == NULL) {
        return NGX_ERROR;
    }

    locks[0] = ngx_http_magasin_pg_lock("reservation",
                                        values[WRITES_PRODUITS]);

    return ngx_http_magasin_asker_stores(ctx, &values[WRITES_MOTIF]);
}


/*
 * A claim changes what a sale does, and the reservation.  A replayed answer
 * does not say of which store and products it is.
 */

void
ngx_http_magasin_reservation_claim_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    int       row;
    char     *p;
    int64_t   magasin;

    row = ctx->job.row;

    if (PQgetisnull(result, row, WRITES_RECLAME_MAGASIN)) {
        ngx_http_magasin_tags_add_slot(tags, NGX_HTTP_MAGASIN_TAG_ALL);
        return;
    }

    magasin = ngx_http_magasin_tag_id(PQgetvalue(result, row,
                                                 WRITES_RECLAME_MAGASIN));

    ngx_http_magasin_tags_reservation(tags,
                  ngx_http_magasin_tag_id(ctx->job.values[WRITES_PRODUITS]));
    ngx_http_magasin_tags_vente(tags, magasin,
                                ngx_http_magasin_written_id(ctx, result));

    p = PQgetvalue(result, row, WRITES_RECLAME_PRODUITS);

    for ( ;; ) {
        ngx_http_magasin_tags_stock(tags, magasin, strtoll(p, &p, 10));

        if (*p++ != ',') {
            return;
        }
    }
}


/* POST /api/v1/reservations/{id}/release/: bind reservation_release.sql. */

ngx_int_t
ngx_http_magasin_reservation_release_bind(ngx_http_magasin_ctx_t *ctx)
{
    ngx_int_t     rc;
    const char  **values;

    rc = ngx_http_magasin_reservation_act(ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    values = ctx->job.values;

    values[RELEASE_ID] = (const char *) ctx->ids[0].text.data;
    values[RELEASE_ACTEUR] = (const char *) ctx->token.data;
    values[RELEASE_KEY] = ctx->key;
    values[RELEASE_DIGEST] = ctx->digest;
    ctx->job.nvalues = RELEASE_VALUES;

    return ngx_http_magasin_asker_stores(ctx, &values[RELEASE_STORES]);
}


/* Without products only the function has seen the reservation. */

void
ngx_http_magasin_reservation_release_touch(ngx_http_magasin_ctx_t *ctx,
    PGresult *result, ngx_http_magasin_tags_t *tags)
{
    char     *p, *end;
    int64_t   magasin;

    ngx_http_magasin_tags_reservation(tags,
                       ngx_http_magasin_tag_id(ctx->job.values[RELEASE_ID]));

    if (PQgetisnull(result, 0, PQfnumber(result, "produits"))) {
        ngx_http_magasin_tags_add_slot(tags, NGX_HTTP_MAGASIN_TAG_ALL);
        return;
    }

    magasin = ngx_http_magasin_tag_id(PQgetvalue(result, 0,
                                                 PQfnumber(result, "lieu")));

    for (p = PQgetvalue(result, 0, PQfnumber(result, "produits"));
         *p && *p != '}';
         p = end)
    {
        ngx_http_magasin_tags_retenue(tags, magasin, strtoll(p + 1, &end, 10));
    }
}
