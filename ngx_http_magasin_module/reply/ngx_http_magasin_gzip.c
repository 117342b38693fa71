
/*
 * The gzip form of an answer of the cache is made once, by the first request
 * that accepts it, and kept beside the answer.  A long answer is compressed in
 * slices, with other requests between them.
 *
 * A page with links has other links for other hosts, and shares its rows.  So
 * what is kept of it is the deflated text after the last link.  The text
 * before it, with the links, precedes it in a block of deflate that is not
 * compressed.  The checksum is combined from those of both parts.
 */


#include "ngx_http_magasin_reply.h"
#include "ngx_http_magasin_measure.h"

#include <zlib.h>


/* Bytes of input between looks at the clock, and of output that is appended
 * at a time. */
#define NGX_HTTP_MAGASIN_GZIP_SLICE   4096
#define NGX_HTTP_MAGASIN_GZIP_BUFFER  4096

/* Microseconds in one turn of the event loop, of all that are compressed. */
#define NGX_HTTP_MAGASIN_GZIP_TURN    1500

/* Long answers of a worker that are compressed at a time.  Each takes 256 kB
 * for zlib. */
#define NGX_HTTP_MAGASIN_GZIP_TOGETHER  8

/* Bytes of an answer that is compressed also where that saves nothing: its
 * client refuses it as it is. */
#define NGX_HTTP_MAGASIN_GZIP_TINY  1024

#define NGX_HTTP_MAGASIN_GZIP_TRAILER  8

/* A block that is not compressed: its header, and what fits in it. */
#define NGX_HTTP_MAGASIN_GZIP_STORED      5
#define NGX_HTTP_MAGASIN_GZIP_STORED_MAX  65535


typedef struct {
    ngx_http_magasin_ctx_t    *ctx;
    ngx_http_magasin_gzip_pt   done;
    z_stream                   zs;
    ngx_event_t                event;
    ngx_http_magasin_json_t    out;
    ngx_chain_t               *in;          /* the buffer that is read */
    u_char                    *pos;         /* in it */
    ngx_http_magasin_packed_t  packed;
    size_t                     whole;       /* bytes of the answer */
    unsigned                   open:1;      /* zlib has memory */
    unsigned                   pinned:1;    /* the answer is read by pieces */
    unsigned                   finishes:1;  /* all is read */
} ngx_http_magasin_packer_t;


static ngx_http_magasin_packer_t *ngx_http_magasin_gzip_open(
    ngx_http_magasin_ctx_t *ctx);
static ngx_int_t ngx_http_magasin_gzip_init(ngx_http_magasin_packer_t *packer,
    ngx_int_t level);
static void ngx_http_magasin_gzip_wake(ngx_event_t *ev);
static ngx_int_t ngx_http_magasin_gzip_turn(ngx_http_magasin_packer_t *packer);
static ngx_int_t ngx_http_magasin_gzip_read(ngx_http_magasin_packer_t *packer);
static ngx_int_t ngx_http_magasin_gzip_begin(
    ngx_http_magasin_packer_t *packer);
static ngx_int_t ngx_http_magasin_gzip_end(ngx_http_magasin_packer_t *packer);
static void ngx_http_magasin_gzip_use(ngx_http_magasin_packer_t *packer);
static void ngx_http_magasin_gzip_trailer(u_char *p,
    ngx_http_magasin_packed_t *packed);


/* Of gzip: deflate, no flags, no time, made on Unix. */

static const u_char  ngx_http_magasin_gzip_magic[] = {
    0x1f, 0x8b, Z_DEFLATED, 0, 0, 0, 0, 0, 0, 3
};


/* Of this worker. */

static ngx_uint_t  ngx_http_magasin_gzip_running;


/*
 * Replaces the answer in ctx by its gzip form, if this request is to make it.
 *
 * NGX_OK: the answer can be sent, in whatever form.  NGX_AGAIN: done() will be
 * called with NGX_OK or NGX_ERROR from the event loop, unless _close() comes
 * first.  NGX_ERROR: the answer is lost.
 */

ngx_int_t
ngx_http_magasin_gzip(ngx_http_magasin_ctx_t *ctx,
    ngx_http_magasin_gzip_pt done)
{
    ngx_int_t                   rc;
    ngx_http_magasin_packer_t  *packer;

    if (ctx->cached == NULL || !ngx_http_magasin_cache_packs(ctx->cached)) {
        return NGX_OK;
    }

    if (ctx->status != NGX_HTTP_OK || ctx->json.failed
        || !ngx_http_magasin_complete(ctx)
        || ngx_http_magasin_gzip_running >= NGX_HTTP_MAGASIN_GZIP_TOGETHER)
    {
        return NGX_OK;
    }

    packer = ngx_http_magasin_gzip_open(ctx);
    if (packer == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_magasin_gzip_turn(packer);

    if (rc != NGX_AGAIN) {
        ngx_http_magasin_gzip_close(ctx);
        return rc;
    }

    packer->done = done;

    return NGX_AGAIN;
}


/* Stops the compression of an answer, in any state. */

void
ngx_http_magasin_gzip_close(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_packer_t  *packer;

    packer = ctx->packer;

    if (packer == NULL) {
        return;
    }

    if (packer->event.timer_set) {
        ngx_del_timer(&packer->event);
    }

    if (packer->open) {
        (void) deflateEnd(&packer->zs);
        packer->open = 0;

        ngx_http_magasin_gzip_running--;
    }

    ctx->packer = NULL;
}


/* Returns NULL if the answer cannot be compressed; it is as it was then. */

static ngx_http_magasin_packer_t *
ngx_http_magasin_gzip_open(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_request_t                 *r;
    ngx_http_magasin_packer_t          *packer;
    ngx_http_magasin_reply_loc_conf_t  *rlcf;

    r = ctx->request;
    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_magasin_reply_module);

    packer = ngx_pcalloc(r->pool, sizeof(ngx_http_magasin_packer_t));
    if (packer == NULL) {
        return NULL;
    }

    packer->ctx = ctx;
    packer->whole = ctx->json.size + ctx->rest;
    packer->pinned = (ctx->rest != 0);

    packer->event.handler = ngx_http_magasin_gzip_wake;
    packer->event.data = packer;
    packer->event.log = r->connection->log;

    ngx_http_magasin_json_init(&packer->out, r->pool);

    if (ngx_http_magasin_gzip_init(packer, rlcf->gzip_comp_level) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "magasin: deflateInit2() failed");
        return NULL;
    }

    packer->open = 1;
    ngx_http_magasin_gzip_running++;

    ctx->packer = packer;

    return packer;
}


/*
 * Prepares zlib for an answer of packer->whole bytes: a short one needs little
 * memory.  NGX_OK or NGX_ERROR.
 */

static ngx_int_t
ngx_http_magasin_gzip_init(ngx_http_magasin_packer_t *packer, ngx_int_t level)
{
    int  wbits, memlevel;

    wbits = MAX_WBITS;
    memlevel = MAX_MEM_LEVEL - 1;

    /* As nginx does.  zlib has no window of 256 bytes. */

    while (wbits > 9 && packer->whole < (((size_t) 1 << (wbits - 1)) - 262)) {
        wbits--;
        memlevel--;
    }

    memlevel = ngx_max(memlevel, 1);

    return deflateInit2(&packer->zs, (int) level, Z_DEFLATED, -wbits, memlevel,
                        Z_DEFAULT_STRATEGY)
           == Z_OK
           ? NGX_OK : NGX_ERROR;
}


/* The next turn of the event loop. */

static void
ngx_http_magasin_gzip_wake(ngx_event_t *ev)
{
    ngx_int_t                   rc;
    ngx_http_magasin_ctx_t     *ctx;
    ngx_http_magasin_gzip_pt    done;
    ngx_http_magasin_packer_t  *packer;

    packer = ev->data;
    ctx = packer->ctx;
    done = packer->done;

    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);

    rc = ngx_http_magasin_gzip_turn(packer);

    if (rc == NGX_AGAIN) {
        return;
    }

    ngx_http_magasin_gzip_close(ctx);

    done(ctx, rc);
}


/*
 * Compresses for as long as one turn may take.  NGX_OK: the answer in ctx can
 * be sent.  NGX_AGAIN: the timer is set.  NGX_ERROR: the answer is lost.
 */

static ngx_int_t
ngx_http_magasin_gzip_turn(ngx_http_magasin_packer_t *packer)
{
    int        rc;
    u_char     buffer[NGX_HTTP_MAGASIN_GZIP_BUFFER];
    uint64_t   began;
    z_stream  *zs;

    zs = &packer->zs;
    began = ngx_http_magasin_clock();

    for ( ;; ) {

        if (zs->avail_in == 0 && !packer->finishes
            && ngx_http_magasin_gzip_read(packer) != NGX_OK)
        {
            return NGX_ERROR;
        }

        zs->next_out = buffer;
        zs->avail_out = sizeof(buffer);

        rc = deflate(zs, packer->finishes ? Z_FINISH : Z_NO_FLUSH);

        ngx_http_magasin_json_raw(&packer->out, buffer, zs->next_out - buffer);

        if (rc == Z_STREAM_END) {
            return ngx_http_magasin_gzip_end(packer);
        }

        if (rc != Z_OK) {
            ngx_log_error(NGX_LOG_ALERT, packer->event.log, 0,
                          "magasin: deflate() failed: %d", rc);
            return NGX_ERROR;
        }

        if (ngx_http_magasin_clock() - began
            > NGX_HTTP_MAGASIN_GZIP_TURN / ngx_http_magasin_gzip_running)
        {

            /*
             * A timer: a worker that shuts down waits for it.  One of 0 ms
             * would expire in this turn again.
             */

            ngx_add_timer(&packer->event, 1);
            return NGX_AGAIN;
        }
    }
}


/*
 * Hands the next bytes of the answer to zlib, or notes that there are none.
 * NGX_OK, or NGX_ERROR: the answer is lost.
 */

static ngx_int_t
ngx_http_magasin_gzip_read(ngx_http_magasin_packer_t *packer)
{
    size_t                   size;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = packer->ctx;

    if (packer->in == NULL && ngx_http_magasin_gzip_begin(packer) != NGX_OK) {
        return NGX_ERROR;
    }

    while (packer->pos == packer->in->buf->last) {

        if (packer->in != ctx->json.last) {
            packer->in = packer->in->next;

        } else if (ctx->rest) {

            if (ngx_http_magasin_reply_piece(ctx) != NGX_OK) {
                return NGX_ERROR;
            }

            packer->in = ctx->json.first;

        } else {
            packer->finishes = 1;
            return NGX_OK;
        }

        packer->pos = packer->in->buf->pos;
    }

    size = ngx_min(packer->in->buf->last - packer->pos,
                   NGX_HTTP_MAGASIN_GZIP_SLICE);

    packer->zs.next_in = packer->pos;
    packer->zs.avail_in = size;

    packer->packed.crc = crc32(packer->packed.crc, packer->pos, size);
    packer->packed.plain += size;
    packer->pos += size;

    return NGX_OK;
}


/*
 * Writes what precedes the deflated bytes.  NGX_OK, or NGX_ERROR: the answer
 * is lost.
 */

static ngx_int_t
ngx_http_magasin_gzip_begin(ngx_http_magasin_packer_t *packer)
{
    size_t                   front;
    u_char                  *p;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = packer->ctx;

    if (ctx->json.size == 0 && ngx_http_magasin_reply_piece(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    packer->in = ctx->json.first;
    packer->pos = packer->in->buf->pos;
    packer->packed.crc = crc32(0, NULL, 0);

    if (ctx->nlinks == 0) {
        ngx_http_magasin_json_raw(&packer->out, ngx_http_magasin_gzip_magic,
                                  sizeof(ngx_http_magasin_gzip_magic));
        return NGX_OK;
    }

    front = ctx->links[ctx->nlinks - 1].offset;

    p = ngx_http_magasin_json_front(&ctx->json, front);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_magasin_json_raw(&packer->out, p, front);

    packer->packed.front = front;
    packer->pos += front;

    return NGX_OK;
}


/*
 * All is compressed.  NGX_OK: the answer in ctx can be sent.  NGX_ERROR: it is
 * lost.
 */

static ngx_int_t
ngx_http_magasin_gzip_end(ngx_http_magasin_packer_t *packer)
{
    u_char                   trailer[NGX_HTTP_MAGASIN_GZIP_TRAILER];
    ngx_uint_t               useful;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = packer->ctx;

    if (ctx->nlinks) {
        packer->packed.shift = crc32_combine_gen(packer->packed.plain);
    }

    ngx_http_magasin_gzip_trailer(trailer, &packer->packed);
    ngx_http_magasin_json_raw(&packer->out, trailer, sizeof(trailer));

    useful = packer->out.size < packer->whole - packer->whole / 16
             || packer->whole < NGX_HTTP_MAGASIN_GZIP_TINY;

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, packer->event.log, 0,
                   "magasin gzip: %uz bytes of %uz, links %ui, useful %ui",
                   packer->out.size, packer->whole, ctx->nlinks, useful);

    if (!packer->pinned && (packer->out.failed || !useful)) {

        /* It is still here as it was. */

        ngx_http_magasin_cache_unpacked(ctx->cached);
        return NGX_OK;
    }

    if (packer->out.failed) {
        return NGX_ERROR;
    }

    if (!useful) {
        ngx_http_magasin_cache_unpacked(ctx->cached);
    }

    ngx_http_magasin_gzip_use(packer);

    return NGX_OK;
}


/* Replaces the answer in ctx by its gzip form, and keeps that. */

static void
ngx_http_magasin_gzip_use(ngx_http_magasin_packer_t *packer)
{
    ngx_http_magasin_ctx_t     *ctx;
    ngx_http_magasin_answer_t   answer;

    ctx = packer->ctx;

    ngx_http_magasin_json_free(&ctx->json);

    ctx->json = packer->out;
    ctx->packed = packer->packed;
    ctx->is_packed = 1;
    ctx->open = (ctx->nlinks != 0);

    answer.chain = ctx->json.first;
    answer.size = ctx->json.size;
    answer.packed = ctx->packed;

    ngx_http_magasin_cache_packed(ctx->cached, &answer);

    if (answer.reader.pin) {

        /* It is sent from the cache. */

        ctx->rest = answer.size;
        ngx_http_magasin_json_free(&ctx->json);
    }
}


/*
 * Returns how many bytes precede the text before the last link, which has
 * `front` bytes at most, in the gzip form of an answer.
 */

size_t
ngx_http_magasin_gzip_head_size(size_t front)
{
    return sizeof(ngx_http_magasin_gzip_magic)
           + NGX_HTTP_MAGASIN_GZIP_STORED
             * (front / NGX_HTTP_MAGASIN_GZIP_STORED_MAX + 1);
}


/*
 * Makes the beginning of a gzip file of this text, in place.  There are `room`
 * bytes before it, as many as _head_size() tells or more.  The checksum of ctx
 * is that of the whole answer afterwards.
 */

void
ngx_http_magasin_gzip_head(ngx_http_magasin_ctx_t *ctx, ngx_str_t *front,
    size_t room)
{
    size_t    size, left;
    u_char   *p, *text;
    uint32_t  crc;

    crc = crc32(crc32(0, NULL, 0), front->data, front->len);

    ctx->packed.crc = crc32_combine_op(crc, ctx->packed.crc,
                                       ctx->packed.shift);
    ctx->packed.plain += front->len;

    text = front->data;
    left = front->len;

    front->data -= room;
    p = ngx_cpymem(front->data, ngx_http_magasin_gzip_magic,
                   sizeof(ngx_http_magasin_gzip_magic));

    while (left) {
        size = ngx_min(left, NGX_HTTP_MAGASIN_GZIP_STORED_MAX);

        /* Not the last block, and stored. */

        *p++ = 0;
        *p++ = (u_char) size;
        *p++ = (u_char) (size >> 8);
        *p++ = (u_char) ~size;
        *p++ = (u_char) (~size >> 8);

        p = ngx_movemem(p, text, size);

        text += size;
        left -= size;
    }

    front->len = p - front->data;
}


/*
 * Writes the trailer to the end of a gzip form that has got its links, as far
 * as this end is in ctx->json.
 */

void
ngx_http_magasin_gzip_seal(ngx_http_magasin_ctx_t *ctx)
{
    size_t        i, len, after;
    u_char        trailer[NGX_HTTP_MAGASIN_GZIP_TRAILER];
    ngx_chain_t  *cl;

    if (ctx->nlinks) {
        return;
    }

    ngx_http_magasin_gzip_trailer(trailer, &ctx->packed);

    after = ctx->json.size + ctx->rest;

    for (cl = ctx->json.first; cl; cl = cl->next) {
        len = cl->buf->last - cl->buf->pos;
        after -= len;

        /* `i`: from the end of the answer. */

        for (i = after + 1;
             i <= sizeof(trailer) && i <= after + len;
             i++)
        {
            cl->buf->last[after - i] = trailer[sizeof(trailer) - i];
        }

        if (cl == ctx->json.last) {
            break;
        }
    }
}


static void
ngx_http_magasin_gzip_trailer(u_char *p, ngx_http_magasin_packed_t *packed)
{
    ngx_uint_t  i;

    for (i = 0; i < 4; i++) {
        p[i] = (u_char) (packed->crc >> (8 * i));
        p[4 + i] = (u_char) (packed->plain >> (8 * i));
    }
}
