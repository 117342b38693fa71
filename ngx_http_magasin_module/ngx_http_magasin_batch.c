
/*
 * A request whose body is a batch of rows.  nginx has read the body, into a
 * file if it is long.  This file reads it twice, turn by turn: once for a
 * digest and the number of the rows, so that what is wrong with the whole is
 * known before anything is done; then for the rows, which are staged in
 * PostgreSQL piece by piece.  A line of the answer tells how many are staged.
 *
 * The event of the next turn belongs to the request, and is removed by a
 * cleanup handler of its pool.
 */


#include "ngx_http_magasin_handler.h"
#include "ngx_http_magasin_lot.h"

#include <openssl/evp.h>


/*
 * In one turn of the event loop: bytes that are counted, bytes that are read
 * for rows, and rows.  Many rows fit into few bytes, and a row may take many.
 */
#define NGX_HTTP_MAGASIN_BATCH_COUNT  65536
#define NGX_HTTP_MAGASIN_BATCH_READ   32768
#define NGX_HTTP_MAGASIN_BATCH_ROWS   200

/* Bytes of a piece after which it is sent, and of its rows in one turn. */
#define NGX_HTTP_MAGASIN_BATCH_PIECE  262144
#define NGX_HTTP_MAGASIN_BATCH_TURN   65536

/* A line of progress is for that many rows.  021_lots.sql knows it, too. */
#define NGX_HTTP_MAGASIN_BATCH_LINE   5000


typedef struct {
    ngx_http_magasin_ctx_t  *ctx;
    ngx_http_magasin_lot_t   lot;       /* is ctx->state */
    ngx_event_t              event;
    EVP_MD_CTX              *md;        /* while the rows are counted */
    ngx_str_t                digest;
    ngx_uint_t               told;      /* rows, by the last line */
    unsigned                 counted:1;
} ngx_http_magasin_batch_t;


static void ngx_http_magasin_batch_turn(ngx_event_t *ev);
static ngx_int_t ngx_http_magasin_batch_count(ngx_http_magasin_batch_t *batch);
static ngx_int_t ngx_http_magasin_batch_counted(
    ngx_http_magasin_batch_t *batch);
static ngx_int_t ngx_http_magasin_batch_rows(ngx_http_magasin_batch_t *batch);
static ngx_int_t ngx_http_magasin_batch_tell(ngx_http_magasin_batch_t *batch);
static ngx_int_t ngx_http_magasin_batch_post(ngx_http_magasin_batch_t *batch);
static void ngx_http_magasin_batch_cleanup(void *data);


/*
 * Starts to read the rows of a body.
 *
 * Returns NGX_DONE if the request waits.  Otherwise the caller passes the
 * result to ngx_http_finalize_request().
 */

ngx_int_t
ngx_http_magasin_batch(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_cleanup_t        *cln;
    ngx_http_magasin_batch_t  *batch;

    batch = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_magasin_batch_t));
    cln = ngx_http_cleanup_add(ctx->request, 0);

    if (batch == NULL || cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_magasin_batch_cleanup;
    cln->data = batch;

    batch->ctx = ctx;
    batch->event.handler = ngx_http_magasin_batch_turn;
    batch->event.data = batch;
    batch->event.log = ctx->request->connection->log;
    batch->md = EVP_MD_CTX_new();

    ctx->state = &batch->lot;
    ctx->batch = batch;

    ngx_http_magasin_json_init(&batch->lot.piece, ctx->request->pool);

    if (batch->md == NULL
        || !EVP_DigestInit_ex(batch->md, EVP_sha256(), NULL)
        || ngx_http_magasin_records_open(&batch->lot.records, ctx->request,
                              ctx->body.type == NGX_HTTP_MAGASIN_BODY_CSV)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_magasin_batch_post(batch);
}


/*
 * Goes on when a statement is done: PostgreSQL has given the batch a number, or
 * has the last piece.  Returns the codes of ngx_http_magasin_batch().
 */

ngx_int_t
ngx_http_magasin_batch_go_on(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_batch_t  *batch;

    batch = ctx->batch;

    if (batch->lot.text) {
        ngx_free(batch->lot.text);
        batch->lot.text = NULL;

        if (ngx_http_magasin_batch_tell(batch) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_magasin_batch_post(batch);
}


/* A turn of the event loop. */

static void
ngx_http_magasin_batch_turn(ngx_event_t *ev)
{
    ngx_int_t                  rc;
    ngx_http_magasin_ctx_t    *ctx;
    ngx_http_magasin_batch_t  *batch;

    batch = ev->data;
    ctx = batch->ctx;

    /* After a long pause of the process its timer comes before its turn. */

    if (ev->posted) {
        ngx_delete_posted_event(ev);
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    rc = batch->counted ? ngx_http_magasin_batch_rows(batch)
                        : ngx_http_magasin_batch_count(batch);

    /* NGX_AGAIN is of an answer that was not sent at once. */

    if (rc == NGX_BUSY) {
        rc = ngx_http_magasin_batch_post(batch);

    } else if (rc == NGX_ERROR && !ngx_http_magasin_begun(ctx)) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_magasin_finalize(ctx, rc);
}


/*
 * Counts rows.  Returns NGX_BUSY if there are more, or else the codes of
 * ngx_http_magasin_batch().
 */

static ngx_int_t
ngx_http_magasin_batch_count(ngx_http_magasin_batch_t *batch)
{
    size_t                   done;
    ngx_int_t                rc, end;
    ngx_str_t                piece, record;
    ngx_http_magasin_ctx_t  *ctx;
    ngx_http_magasin_lot_t  *lot;

    ctx = batch->ctx;
    lot = &batch->lot;

    for (done = 0; done < NGX_HTTP_MAGASIN_BATCH_COUNT; done += piece.len) {

        end = ngx_http_magasin_records_fill(&lot->records, &piece);

        if (end == NGX_ERROR
            || (end == NGX_OK
                && !EVP_DigestUpdate(batch->md, piece.data, piece.len)))
        {
            return NGX_ERROR;
        }

        while ((rc = ngx_http_magasin_records_next(&lot->records, &record))
               == NGX_OK)
        {
            if (lot->records.csv && lot->ncolumns == 0
                && lot->unknown.data == NULL)
            {
                if (ngx_http_magasin_lot_header(ctx, &record) != NGX_OK) {
                    return NGX_ERROR;
                }

                continue;
            }

            lot->total++;
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (end == NGX_DONE) {
            return ngx_http_magasin_batch_counted(batch);
        }
    }

    return NGX_BUSY;
}


/*
 * The whole is known: checks the request, and has PostgreSQL look for its key.
 * The digest covers the parameters and the type of the body, too.
 */

static ngx_int_t
ngx_http_magasin_batch_counted(ngx_http_magasin_batch_t *batch)
{
    u_char                  *p, digest[EVP_MAX_MD_SIZE];
    unsigned int             len;
    ngx_http_request_t      *r;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = batch->ctx;
    r = ctx->request;
    len = 0;

    p = ngx_pnalloc(r->pool, 2 * EVP_MAX_MD_SIZE + 2 + r->args.len);

    if (p == NULL || !EVP_DigestFinal_ex(batch->md, digest, &len)
        || ngx_http_magasin_records_open(&batch->lot.records, r,
                                         batch->lot.records.csv)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    batch->counted = 1;
    batch->digest.data = p;

    p = ngx_hex_dump(p, digest, len);
    *p++ = batch->lot.records.csv ? 'c' : 'n';

    if (r->args.len) {
        p = ngx_cpymem(p, r->args.data, r->args.len);
    }

    batch->digest.len = p - batch->digest.data;

    return ngx_http_magasin_run(ctx, &batch->digest);
}


/*
 * Reads rows until there is a piece of them.  Returns NGX_BUSY if the turn is
 * over before, or else the codes of ngx_http_magasin_batch().
 */

static ngx_int_t
ngx_http_magasin_batch_rows(ngx_http_magasin_batch_t *batch)
{
    size_t                       begun, read;
    ngx_int_t                    rc, end;
    ngx_str_t                    piece, record;
    ngx_uint_t                   n;
    ngx_http_magasin_ctx_t      *ctx;
    ngx_http_magasin_lot_t      *lot;
    ngx_http_magasin_records_t  *records;

    ctx = batch->ctx;
    lot = &batch->lot;
    records = &lot->records;
    begun = lot->piece.size;
    end = NGX_OK;
    read = 0;
    n = 0;

    while (lot->rows < NGX_HTTP_MAGASIN_LOT_PIECE
           && lot->piece.size < NGX_HTTP_MAGASIN_BATCH_PIECE)
    {
        if (n == NGX_HTTP_MAGASIN_BATCH_ROWS
            || lot->piece.size - begun > NGX_HTTP_MAGASIN_BATCH_TURN)
        {
            return NGX_BUSY;
        }

        rc = ngx_http_magasin_records_next(records, &record);

        if (rc == NGX_AGAIN && end == NGX_OK) {

            if (read >= NGX_HTTP_MAGASIN_BATCH_READ) {
                return NGX_BUSY;
            }

            end = ngx_http_magasin_records_fill(records, &piece);

            if (end == NGX_ERROR) {
                return NGX_ERROR;
            }

            read += (end == NGX_OK) ? piece.len : 0;
            continue;
        }

        if (rc != NGX_OK) {
            break;
        }

        n++;

        if (records->csv && !lot->headed) {
            lot->headed = 1;

        } else if (ngx_http_magasin_lot_row(ctx, &record) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    rc = lot->rows ? ngx_http_magasin_lot_stage(ctx)
                   : ngx_http_magasin_lot_decide(ctx);

    return rc == NGX_OK ? ngx_http_magasin_submit(ctx) : NGX_ERROR;
}


/*
 * Sends the lines of progress that are due.  They are few and short, so that a
 * client that does not read holds up nothing.  Each has a buffer of its own,
 * which may wait to be sent.  Returns NGX_OK or NGX_ERROR.
 */

static ngx_int_t
ngx_http_magasin_batch_tell(ngx_http_magasin_batch_t *batch)
{
    ngx_int_t                rc;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = batch->ctx;

    if (batch->told + NGX_HTTP_MAGASIN_BATCH_LINE > batch->lot.staged) {
        return NGX_OK;
    }

    ngx_http_magasin_json_init(&ctx->json, ctx->request->pool);

    while (batch->told + NGX_HTTP_MAGASIN_BATCH_LINE <= batch->lot.staged) {
        batch->told += NGX_HTTP_MAGASIN_BATCH_LINE;

        ngx_http_magasin_json_raw(&ctx->json, "{\"lues\":",
                                  sizeof("{\"lues\":") - 1);
        ctx->json.comma = 0;
        ngx_http_magasin_json_integer(&ctx->json, (int64_t) batch->told);
        ngx_http_magasin_json_raw(&ctx->json, "}\n", 2);
    }

    rc = ngx_http_magasin_reply_send(ctx);

    ngx_http_magasin_json_init(&ctx->json, ctx->request->pool);

    return rc == NGX_OK || rc == NGX_AGAIN ? NGX_OK : NGX_ERROR;
}


/*
 * Has the next turn come soon.  A timer is set, too: a worker that shuts down
 * waits for timers, but not for posted events.  Returns NGX_DONE.
 */

static ngx_int_t
ngx_http_magasin_batch_post(ngx_http_magasin_batch_t *batch)
{
    ngx_http_magasin_wait(batch->ctx);

    ngx_post_event(&batch->event, &ngx_posted_next_events);
    ngx_add_timer(&batch->event, 1000);

    return NGX_DONE;
}


static void
ngx_http_magasin_batch_cleanup(void *data)
{
    ngx_http_magasin_batch_t  *batch = data;

    if (batch->event.timer_set) {
        ngx_del_timer(&batch->event);
    }

    if (batch->event.posted) {
        ngx_delete_posted_event(&batch->event);
    }

    if (batch->md) {
        EVP_MD_CTX_free(batch->md);
    }

    if (batch->lot.text) {

        /* A job that is under way has it no more: libpq copied it. */

        ngx_free(batch->lot.text);
    }
}
