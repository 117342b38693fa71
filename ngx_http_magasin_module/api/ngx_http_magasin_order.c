
/*
 * Lists as CSV in an order that has no index.  One statement computes the
 * order and gives the ids of up to 100,000 rows, and another one looks up 2000
 * of them for each piece.  No connection is held while the client reads, and a
 * piece costs its rows.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_reply.h"


/* Of the statement of an order: its rows, and the ids in all of them. */
#define NGX_HTTP_MAGASIN_ORDER_PIECES  50
#define NGX_HTTP_MAGASIN_ORDER_IDS     "100000"


/* ctx->state.  A piece is the text of an array. */
typedef struct {
    const ngx_http_magasin_order_spec_t  *spec;
    const char      *values[NGX_HTTP_MAGASIN_PG_MAX_PARAMS];
    const char      *pieces[NGX_HTTP_MAGASIN_ORDER_PIECES];
    ngx_uint_t       npieces;
    ngx_uint_t       piece;       /* the one that is looked up */
    unsigned         open:1;      /* the list has begun */
} ngx_http_magasin_order_t;


/* Parameters of a statement that looks up rows. */
enum {
    ORDER_STORE = 0,
    ORDER_IDS,
    ORDER_VALUES
};


static ngx_int_t ngx_http_magasin_order_take(ngx_http_magasin_ctx_t *ctx,
    PGresult *result);
static ngx_int_t ngx_http_magasin_order_next(ngx_http_magasin_ctx_t *ctx);
static void ngx_http_magasin_order_open(ngx_http_magasin_ctx_t *ctx);


/*
 * Call it when the parameters of the order are bound.  It replaces ctx->state.
 * Returns NGX_OK, or NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_order_bind(ngx_http_magasin_ctx_t *ctx,
    const ngx_http_magasin_order_spec_t *spec)
{
    ngx_http_magasin_order_t  *order;

    order = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_magasin_order_t));
    if (order == NULL) {
        return NGX_ERROR;
    }

    order->spec = spec;

    ctx->job.values[spec->limit] = NGX_HTTP_MAGASIN_ORDER_IDS;
    ctx->job.statement = spec->order;
    ctx->job.nvalues = spec->nvalues;

    ngx_memcpy(order->values, ctx->job.values,
               spec->nvalues * sizeof(const char *));

    ctx->state = order;

    return NGX_OK;
}


/*
 * Render the rows of a piece.  Returns NGX_OK at the end, also with a 404 in
 * ctx; NGX_AGAIN if there is another piece; NGX_DECLINED if the job was changed
 * and nothing was rendered; NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_order_render(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                        row, rows;
    ngx_int_t                  rc;
    ngx_http_magasin_order_t  *order;

    order = ctx->state;

    if (ctx->job.statement == order->spec->order) {
        return ngx_http_magasin_order_take(ctx, result);
    }

    rows = PQntuples(result);

    ngx_http_magasin_order_open(ctx);

    for (row = 0; row < rows; row++) {
        ngx_http_magasin_row(&ctx->json, order->spec->columns, result, row, 0);
    }

    ctx->rows += rows;

    rc = ngx_http_magasin_order_next(ctx);

    /* All of them may have been deleted since the order was computed. */

    return (rc == NGX_AGAIN && rows == 0) ? NGX_DECLINED : rc;
}


/*
 * Keep the ids of an order, and ask for the first piece.  Without a row there
 * is no such thing as that whose list it is.
 */

static ngx_int_t
ngx_http_magasin_order_take(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    int                                   rows;
    ngx_uint_t                            i;
    ngx_pool_t                           *pool;
    ngx_http_magasin_order_t             *order;
    const ngx_http_magasin_order_spec_t  *spec;

    order = ctx->state;
    spec = order->spec;
    pool = ctx->request->pool;
    rows = PQntuples(result);

    if (spec->what && rows == 0 && !order->open) {
        return ngx_http_magasin_reply_missing(ctx, spec->what, &ctx->ids[0])
               == NGX_DONE
               ? NGX_OK : NGX_ERROR;
    }

    if (rows == 0 || PQgetisnull(result, 0, 0)) {
        ngx_http_magasin_order_open(ctx);
        ngx_http_magasin_json_close(&ctx->json, ']');
        return NGX_OK;
    }

    order->npieces = ngx_min(rows, NGX_HTTP_MAGASIN_ORDER_PIECES);
    order->piece = 0;

    for (i = 0; i < order->npieces; i++) {
        order->pieces[i] = ngx_http_magasin_column_copy(pool, result, (int) i,
                                                        0);
        if (order->pieces[i] == NULL) {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < spec->nkeys; i++) {
        order->values[spec->keys + i] =
                ngx_http_magasin_column_copy(pool, result,
                                             (int) order->npieces - 1,
                                             (int) i + 1);

        if (order->values[spec->keys + i] == NULL) {
            return NGX_ERROR;
        }
    }

    ctx->job.statement = spec->rows;
    ctx->job.nvalues = ORDER_VALUES;
    ctx->job.values[ORDER_STORE] = (const char *) ctx->ids[0].text.data;
    ctx->job.values[ORDER_IDS] = order->pieces[0];

    return NGX_DECLINED;
}


/* Ask for the next piece, or for more of the order, or end the list. */

static ngx_int_t
ngx_http_magasin_order_next(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_order_t  *order;

    order = ctx->state;

    (void) ngx_pfree(ctx->request->pool,
                     (void *) order->pieces[order->piece]);

    order->piece++;

    if (order->piece < order->npieces) {
        ctx->job.values[ORDER_IDS] = order->pieces[order->piece];
        return NGX_AGAIN;
    }

    if (order->npieces < NGX_HTTP_MAGASIN_ORDER_PIECES) {
        ngx_http_magasin_json_close(&ctx->json, ']');
        return NGX_OK;
    }

    ctx->job.statement = order->spec->order;
    ctx->job.nvalues = order->spec->nvalues;

    ngx_memcpy(ctx->job.values, order->values,
               order->spec->nvalues * sizeof(const char *));

    return NGX_AGAIN;
}


static void
ngx_http_magasin_order_open(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_order_t  *order;

    order = ctx->state;

    if (!order->open) {
        order->open = 1;
        ngx_http_magasin_json_open(&ctx->json, '[');
    }
}
