
/*
 * The ring of events in shared memory, and batches of it in the memory of a
 * worker.  The worker with the lease writes; all workers read.  The ring begins
 * after the place `base`, and has all rows of the journal from there to `last`.
 */


#include "ngx_http_magasin_feed_internal.h"


static void ngx_http_magasin_feed_lock(ngx_http_magasin_feed_t *feed);
static void ngx_http_magasin_feed_unlock(ngx_http_magasin_feed_t *feed);
static void ngx_http_magasin_feed_copy(
    ngx_http_magasin_feed_shared_t *shared, size_t len, ngx_chain_t **cl,
    u_char **pos);
static void ngx_http_magasin_feed_put(ngx_http_magasin_feed_shared_t *shared,
    u_char *p, size_t len);
static void ngx_http_magasin_feed_get(ngx_http_magasin_feed_shared_t *shared,
    uint64_t offset, void *p, size_t len);
static void ngx_http_magasin_feed_make_room(
    ngx_http_magasin_feed_shared_t *shared, size_t size);
static ngx_http_magasin_feed_batch_t *ngx_http_magasin_feed_batch_create(
    ngx_http_magasin_feed_t *feed, uint64_t offset);
static ngx_int_t ngx_http_magasin_feed_batch_fill(
    ngx_http_magasin_feed_shared_t *shared,
    ngx_http_magasin_feed_batch_t *batch, size_t room, ngx_uint_t max);


static void
ngx_http_magasin_feed_lock(ngx_http_magasin_feed_t *feed)
{
    if (feed->zone) {
        ngx_http_magasin_zone_lock(feed->zone);
    }
}


static void
ngx_http_magasin_feed_unlock(ngx_http_magasin_feed_t *feed)
{
    if (feed->zone) {
        ngx_http_magasin_zone_unlock(feed->zone);
    }
}


/*
 * Begin an empty ring after `place`.  Offsets of before are not valid any more.
 * NGX_OK, or NGX_DECLINED: another worker has the lease.
 */

ngx_int_t
ngx_http_magasin_feed_begin(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_feed_place_t *place)
{
    ngx_int_t                        rc;
    ngx_http_magasin_feed_shared_t  *shared;

    shared = feed->shared;
    rc = NGX_DECLINED;

    ngx_http_magasin_feed_lock(feed);

    if (shared->holder == (ngx_atomic_uint_t) ngx_pid) {

        /* Nobody has read up to the new head. */

        shared->head += NGX_HTTP_MAGASIN_FEED_RING;
        shared->tail = shared->head;
        shared->base = *place;
        shared->last = *place;
        shared->valid = 1;

        rc = NGX_OK;
    }

    ngx_http_magasin_feed_unlock(feed);

    return rc;
}


/* The ring is out of date. */

void
ngx_http_magasin_feed_spoil(ngx_http_magasin_feed_t *feed)
{
    ngx_http_magasin_feed_lock(feed);
    feed->shared->valid = 0;
    ngx_http_magasin_feed_unlock(feed);
}


/*
 * Append `n` events, whose texts follow each other in `text`.  They are the
 * rows of the journal after feed->asked.  If one is too long for the ring, the
 * ring begins anew behind it, and listeners read it by their own pages.
 *
 * NGX_OK, or NGX_DECLINED: another worker has the lease, or had it meanwhile.
 */

ngx_int_t
ngx_http_magasin_feed_append(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_feed_record_t *records, ngx_uint_t n,
    ngx_http_magasin_json_t *text)
{
    u_char                          *pos;
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    ngx_chain_t                     *cl;
    ngx_http_magasin_feed_shared_t  *shared;

    shared = feed->shared;
    rc = NGX_DECLINED;
    cl = text->first;
    pos = cl->buf->pos;

    ngx_http_magasin_feed_lock(feed);

    if (shared->holder != (ngx_atomic_uint_t) ngx_pid
        || !shared->valid
        || ngx_http_magasin_feed_compare(&shared->last, &feed->asked) != 0)
    {
        goto done;
    }

    for (i = 0; i < n; i++) {

        if (records[i].len <= NGX_HTTP_MAGASIN_FEED_BATCH) {
            ngx_http_magasin_feed_make_room(shared,
                      sizeof(ngx_http_magasin_feed_record_t) + records[i].len);
            ngx_http_magasin_feed_put(shared, (u_char *) &records[i],
                                      sizeof(ngx_http_magasin_feed_record_t));
            ngx_http_magasin_feed_copy(shared, records[i].len, &cl, &pos);

        } else {
            ngx_http_magasin_feed_copy(NULL, records[i].len, &cl, &pos);

            shared->head += NGX_HTTP_MAGASIN_FEED_RING;
            shared->tail = shared->head;
            shared->base = records[i].place;
        }

        shared->last = records[i].place;
    }

    rc = NGX_OK;

done:

    ngx_http_magasin_feed_unlock(feed);

    return rc;
}


/* Take `len` bytes of the text, to the ring unless it is NULL. */

static void
ngx_http_magasin_feed_copy(ngx_http_magasin_feed_shared_t *shared, size_t len,
    ngx_chain_t **cl, u_char **pos)
{
    size_t  n;

    for ( /* void */ ; len; len -= n) {

        while (*pos == (*cl)->buf->last) {
            *cl = (*cl)->next;
            *pos = (*cl)->buf->pos;
        }

        n = ngx_min(len, (size_t) ((*cl)->buf->last - *pos));

        if (shared) {
            ngx_http_magasin_feed_put(shared, *pos, n);
        }

        *pos += n;
    }
}


static void
ngx_http_magasin_feed_put(ngx_http_magasin_feed_shared_t *shared, u_char *p,
    size_t len)
{
    size_t  at, first;

    at = shared->head % NGX_HTTP_MAGASIN_FEED_RING;
    first = ngx_min(len, NGX_HTTP_MAGASIN_FEED_RING - at);

    ngx_memcpy(shared->ring + at, p, first);
    ngx_memcpy(shared->ring, p + first, len - first);

    shared->head += len;
}


static void
ngx_http_magasin_feed_get(ngx_http_magasin_feed_shared_t *shared,
    uint64_t offset, void *p, size_t len)
{
    size_t  at, first;

    at = offset % NGX_HTTP_MAGASIN_FEED_RING;
    first = ngx_min(len, NGX_HTTP_MAGASIN_FEED_RING - at);

    ngx_memcpy(p, shared->ring + at, first);
    ngx_memcpy((u_char *) p + first, shared->ring, len - first);
}


/* Remove the oldest records until `size` bytes fit. */

static void
ngx_http_magasin_feed_make_room(ngx_http_magasin_feed_shared_t *shared,
    size_t size)
{
    ngx_http_magasin_feed_record_t  record;

    while (shared->head + size - shared->tail > NGX_HTTP_MAGASIN_FEED_RING) {

        ngx_http_magasin_feed_get(shared, shared->tail, &record,
                                  sizeof(ngx_http_magasin_feed_record_t));

        shared->base = record.place;
        shared->tail += sizeof(ngx_http_magasin_feed_record_t) + record.len;
    }
}


/* The last place of the ring.  NGX_OK, or NGX_DECLINED: there is no ring. */

ngx_int_t
ngx_http_magasin_feed_last(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_feed_place_t *last)
{
    ngx_uint_t  valid;

    ngx_http_magasin_feed_lock(feed);

    valid = feed->shared->valid;
    *last = feed->shared->last;

    ngx_http_magasin_feed_unlock(feed);

    return valid ? NGX_OK : NGX_DECLINED;
}


/*
 * Find the offset of the first row after `place`.
 *
 * NGX_OK.  NGX_DECLINED: the ring begins later.  NGX_AGAIN: there is no ring.
 */

ngx_int_t
ngx_http_magasin_feed_find(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_feed_place_t *place, uint64_t *offset)
{
    uint64_t                         at;
    ngx_int_t                        rc;
    ngx_http_magasin_feed_record_t   record;
    ngx_http_magasin_feed_shared_t  *shared;

    shared = feed->shared;

    ngx_http_magasin_feed_lock(feed);

    if (!shared->valid) {
        rc = NGX_AGAIN;

    } else if (ngx_http_magasin_feed_compare(place, &shared->base) < 0) {
        rc = NGX_DECLINED;

    } else if (ngx_http_magasin_feed_compare(place, &shared->last) >= 0) {
        *offset = shared->head;
        rc = NGX_OK;

    } else {

        for (at = shared->tail; at < shared->head; /* void */ ) {

            ngx_http_magasin_feed_get(shared, at, &record,
                                      sizeof(ngx_http_magasin_feed_record_t));

            if (ngx_http_magasin_feed_compare(&record.place, place) > 0) {
                break;
            }

            at += sizeof(ngx_http_magasin_feed_record_t) + record.len;
        }

        *offset = at;
        rc = NGX_OK;
    }

    ngx_http_magasin_feed_unlock(feed);

    return rc;
}


/*
 * A batch that starts at `offset`; the caller owes a _release().
 *
 * NGX_OK.  NGX_AGAIN: there is nothing yet.  NGX_DECLINED: the ring begins
 * later.  NGX_ERROR: no memory.
 */

ngx_int_t
ngx_http_magasin_feed_batch(ngx_http_magasin_feed_t *feed, uint64_t offset,
    ngx_http_magasin_feed_batch_t **batch)
{
    ngx_queue_t                    *q;
    ngx_http_magasin_feed_batch_t  *b;

    /* Most listeners are at the same place. */

    for (q = ngx_queue_last(&feed->batches);
         q != ngx_queue_sentinel(&feed->batches);
         q = ngx_queue_prev(q))
    {
        b = ngx_queue_data(q, ngx_http_magasin_feed_batch_t, queue);

        if (b->start == offset) {
            b->refs++;
            *batch = b;
            return NGX_OK;
        }
    }

    if (offset == feed->shared->head) {
        return NGX_AGAIN;
    }

    b = ngx_http_magasin_feed_batch_create(feed, offset);

    if (b == NULL) {
        return NGX_ERROR;
    }

    if (b->nevents == 0) {
        ngx_free(b);
        return NGX_DECLINED;
    }

    ngx_queue_insert_tail(&feed->batches, &b->queue);
    feed->held += b->size;

    /* One for the caller, and one until there is a newer one. */

    b->refs = 2;

    if (feed->recent) {
        ngx_http_magasin_feed_release(feed, feed->recent);
    }

    feed->recent = b;
    *batch = b;

    return NGX_OK;
}


/* Copy what follows `offset`; without events if that is not in the ring. */

static ngx_http_magasin_feed_batch_t *
ngx_http_magasin_feed_batch_create(ngx_http_magasin_feed_t *feed,
    uint64_t offset)
{
    size_t                          room, size;
    uint64_t                        behind;
    ngx_uint_t                      max;
    ngx_http_magasin_feed_batch_t  *batch;

    behind = feed->shared->head - offset;
    room = ngx_min(behind, 2 * NGX_HTTP_MAGASIN_FEED_BATCH);
    max = room / sizeof(ngx_http_magasin_feed_record_t);

    size = sizeof(ngx_http_magasin_feed_batch_t)
           + max * sizeof(ngx_http_magasin_feed_event_t) + room;

    batch = ngx_alloc(size, feed->log);
    if (batch == NULL) {
        return NULL;
    }

    ngx_memzero(batch, sizeof(ngx_http_magasin_feed_batch_t));

    batch->start = offset;
    batch->end = offset;
    batch->size = size;
    batch->events = (ngx_http_magasin_feed_event_t *) (batch + 1);
    batch->text = (u_char *) (batch->events + max);

    ngx_http_magasin_feed_lock(feed);

    batch->nevents = ngx_http_magasin_feed_batch_fill(feed->shared, batch,
                                                      room, max);
    ngx_http_magasin_feed_unlock(feed);

    return batch;
}


/* Returns the number of events; see above. */

static ngx_int_t
ngx_http_magasin_feed_batch_fill(ngx_http_magasin_feed_shared_t *shared,
    ngx_http_magasin_feed_batch_t *batch, size_t room, ngx_uint_t max)
{
    size_t                           text;
    ngx_uint_t                       n;
    ngx_http_magasin_feed_event_t   *event;

    if (!shared->valid || batch->start < shared->tail) {
        return 0;
    }

    text = 0;

    for (n = 0; n < max && batch->end < shared->head; n++) {

        if (text >= NGX_HTTP_MAGASIN_FEED_BATCH) {
            break;
        }

        event = &batch->events[n];

        ngx_http_magasin_feed_get(shared, batch->end, &event->record,
                                  sizeof(ngx_http_magasin_feed_record_t));

        if (event->record.len > room - text) {
            break;
        }

        ngx_http_magasin_feed_get(shared,
                    batch->end + sizeof(ngx_http_magasin_feed_record_t),
                    batch->text + text, event->record.len);

        event->text = text;
        text += event->record.len;

        batch->last = event->record.place;
        batch->end += sizeof(ngx_http_magasin_feed_record_t)
                      + event->record.len;
    }

    return n;
}


/* The caller needs the batch no longer. */

void
ngx_http_magasin_feed_release(ngx_http_magasin_feed_t *feed,
    ngx_http_magasin_feed_batch_t *batch)
{
    if (--batch->refs) {
        return;
    }

    ngx_queue_remove(&batch->queue);
    feed->held -= batch->size;

    ngx_free(batch);
}
