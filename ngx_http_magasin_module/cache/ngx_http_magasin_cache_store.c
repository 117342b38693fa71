
#include "ngx_http_magasin_cache_store.h"

#include <openssl/rand.h>


/* Milliseconds: after this, is the worker that opened a flight alive? */
#define NGX_HTTP_MAGASIN_STORE_DOUBT     100

/* Milliseconds: longer than this the others do not wait for a worker that may
 * have been stopped: one of them is sent as well. */
#define NGX_HTTP_MAGASIN_STORE_LOST      2000

/* Milliseconds: a flight that is younger may be joined also while changes of
 * others cannot be looked for. */
#define NGX_HTTP_MAGASIN_STORE_YOUNG     500

/* Milliseconds between looks for the dead when too much is pinned. */
#define NGX_HTTP_MAGASIN_STORE_SWEEP     1000

/* Milliseconds for which nobody waits for an answer that was too large. */
#define NGX_HTTP_MAGASIN_STORE_LARGE     10000

/* So many others may go to make room for one. */
#define NGX_HTTP_MAGASIN_STORE_EVICTIONS  512

/* Answers that a flush forgets under the lock, where it cannot forget all. */
#define NGX_HTTP_MAGASIN_STORE_FORGET     2048


/* An answer.  Its bytes follow: tag, links, body. */
typedef struct {
    ngx_http_magasin_pinned_t      pinned;      /* the first: see pin.c */
    uint64_t                       stored;
    uint64_t                       expires;
    uint64_t                       early;
    ngx_uint_t                     epoch;
    ngx_uint_t                     generations[NGX_HTTP_MAGASIN_TAG_READS];
    ngx_uint_t                     flight;      /* that brought it */
    ngx_uint_t                     direct;      /* from a statement */
    size_t                         etag_len;
    size_t                         links_len;
    size_t                         body_len;
} ngx_http_magasin_content_t;


/* What is known of one question.  The key follows. */
typedef struct {
    ngx_rbtree_node_t              node;        /* by hash */
    ngx_queue_t                    queue;
    ngx_http_magasin_content_t    *content;     /* NULL: none */

    ngx_uint_t                     flight;      /* 0: none is open */
    ngx_pid_t                      owner;
    uint64_t                       since;
    ngx_uint_t                     epoch;
    ngx_uint_t                     generations[NGX_HTTP_MAGASIN_TAG_READS];

    ngx_uint_t                     failed;      /* the last flight that did */
    ngx_uint_t                     status;      /* of its answer */

    uint64_t                       large_until;
    size_t                         key_len;
} ngx_http_magasin_entry_t;


#define ngx_http_magasin_entry_key(entry)      ((u_char *) ((entry) + 1))
#define ngx_http_magasin_content_data(content)  ((u_char *) ((content) + 1))


static ngx_int_t ngx_http_magasin_store_init(void *section, ngx_log_t *log);
static void ngx_http_magasin_store_reset(void *section);
static ngx_http_magasin_entry_t *ngx_http_magasin_store_lookup(
    ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_question_t *question);
static ngx_int_t ngx_http_magasin_store_compare(ngx_uint_t hash,
    ngx_str_t *key, ngx_http_magasin_entry_t *entry);
static void ngx_http_magasin_store_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_http_magasin_entry_t *ngx_http_magasin_store_create(
    ngx_http_magasin_store_t *store, ngx_http_magasin_question_t *question);
static void ngx_http_magasin_store_open(
    ngx_http_magasin_cache_shared_t *shared, ngx_http_magasin_entry_t *entry,
    ngx_http_magasin_question_t *question, uint64_t now);
static ngx_int_t ngx_http_magasin_store_renew(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_question_t *question,
    uint64_t now, ngx_pool_t *pool, ngx_http_magasin_answer_t *answer);
static ngx_uint_t ngx_http_magasin_store_dead(ngx_http_magasin_entry_t *entry,
    uint64_t now);
static ngx_uint_t ngx_http_magasin_store_current(
    ngx_http_magasin_store_t *store, ngx_http_magasin_question_t *question);
static ngx_uint_t ngx_http_magasin_store_same(
    ngx_http_magasin_question_t *question, ngx_uint_t epoch,
    ngx_uint_t *generations);
static void *ngx_http_magasin_store_alloc(ngx_http_magasin_store_t *store,
    size_t size, ngx_http_magasin_entry_t *keep);
static void ngx_http_magasin_store_forget(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry);
static void ngx_http_magasin_store_drop(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry);
static size_t ngx_http_magasin_content_size(
    ngx_http_magasin_content_t *content);
static ngx_int_t ngx_http_magasin_store_copy(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer);
static ngx_int_t ngx_http_magasin_store_pin(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_answer_t *answer);


const ngx_http_magasin_zone_section_t  ngx_http_magasin_cache_section = {
    .version = 1,
    .size = sizeof(ngx_http_magasin_cache_shared_t),
    .init = ngx_http_magasin_store_init,
    .reset = ngx_http_magasin_store_reset
};


/*
 * Milliseconds of a clock that all processes of this machine share and that
 * is read now: what nginx keeps is from the beginning of the event loop's
 * turn, and a worker may have been stopped since.  It goes on while the
 * machine sleeps, where there is such a clock.
 */

uint64_t
ngx_http_magasin_cache_now(void)
{
    struct timespec  ts;

#if defined(CLOCK_BOOTTIME)
    (void) clock_gettime(CLOCK_BOOTTIME, &ts);
#else
    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
#endif

    return (uint64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


/* Once for a zone.  NGX_OK or NGX_ERROR (no random bytes). */

static ngx_int_t
ngx_http_magasin_store_init(void *section, ngx_log_t *log)
{
    ngx_http_magasin_cache_shared_t *shared = section;

    shared->epoch = 1;

    /* 0 is no flight. */

    shared->flight = 1;

    /* No two nodes, nor two lives of one, may give out the same token. */

    if (RAND_bytes(shared->node, sizeof(shared->node)) != 1) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "magasin: no random bytes for the cache");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* The slab pool is empty: so is the cache. */

static void
ngx_http_magasin_store_reset(void *section)
{
    ngx_http_magasin_cache_shared_t *shared = section;

    ngx_rbtree_init(&shared->rbtree, &shared->sentinel,
                    ngx_http_magasin_store_insert);
    ngx_queue_init(&shared->queue);

    shared->entries = 0;
    shared->bytes = 0;

    /* Whoever reads in pieces finds that what it read is gone. */

    ngx_queue_init(&shared->pins);
    shared->pinned = 0;
    shared->life++;
}


/*
 * Forget the oldest answers one by one: what is being read stays until it was,
 * and the others, which are invalid as well, go when their memory is wanted.
 * NGX_DECLINED: nobody reads, so that the slab pool can be made anew, which
 * forgets all at once.  Under the lock.
 */

ngx_int_t
ngx_http_magasin_store_empty(ngx_http_magasin_store_t *store)
{
    ngx_uint_t                        n;
    ngx_queue_t                      *q, *next;
    ngx_http_magasin_entry_t         *entry;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;

    if (ngx_queue_empty(&shared->pins)) {
        return NGX_DECLINED;
    }

    for (q = ngx_queue_last(&shared->queue), n = 0;
         q != ngx_queue_sentinel(&shared->queue)
             && n < NGX_HTTP_MAGASIN_STORE_FORGET;
         q = next, n++)
    {
        next = ngx_queue_prev(q);
        entry = ngx_queue_data(q, ngx_http_magasin_entry_t, queue);

        ngx_http_magasin_store_forget(store, entry);
    }

    return NGX_OK;
}


/*
 * The number of the last flight that has begun: every statement of a later one
 * is sent after this call.
 */

ngx_uint_t
ngx_http_magasin_store_last(ngx_http_magasin_store_t *store)
{
    ngx_uint_t  last;

    last = store->shared->flight;

    ngx_memory_barrier();

    return last;
}


/* Note the generations of a question, before anybody is asked. */

void
ngx_http_magasin_store_capture(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question)
{
    ngx_uint_t                        i;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;

    question->captured = ngx_http_magasin_cache_now();
    question->epoch = shared->epoch;

    for (i = 0; i < question->nslots; i++) {
        question->generations[i] = shared->generations[question->slots[i]];
    }

    ngx_memory_barrier();
}


/*
 * Find an answer, or else who fetches it.  `fresh`: have changes been looked
 * for lately, so that answers may be used at all?
 *
 * NGX_OK: the answer, in memory of the pool; a long one is pinned, and the
 * caller owes answer->reader to _pin_read() or _pin_release().  NGX_AGAIN:
 * question->flight brings it.  NGX_DECLINED: the caller has to fetch it;
 * question->flight is its own flight now, which is ended by _fill() or
 * _close().  NGX_BUSY: the caller fetches it for itself alone.  NGX_ERROR: no
 * memory in the pool.
 */

ngx_int_t
ngx_http_magasin_store_find(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_http_magasin_store_e mode,
    ngx_uint_t fresh, ngx_pool_t *pool, ngx_http_magasin_answer_t *answer)
{
    uint64_t                          now;
    ngx_int_t                         rc;
    ngx_http_magasin_entry_t         *entry;
    ngx_http_magasin_content_t       *content;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;
    now = question->captured;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(shared, question);

    if (entry == NULL) {
        entry = ngx_http_magasin_store_create(store, question);

        if (entry == NULL) {
            ngx_http_magasin_zone_unlock(store->zone);
            return NGX_BUSY;
        }

        goto open;
    }

    ngx_queue_remove(&entry->queue);
    ngx_queue_insert_head(&shared->queue, &entry->queue);

    content = entry->content;

    if (mode == NGX_HTTP_MAGASIN_STORE_FIND
        && content
        && fresh
        && now < content->expires
        && ngx_http_magasin_store_same(question, content->epoch,
                                       content->generations)
        && (now < content->early || entry->flight))
    {
        rc = ngx_http_magasin_store_copy(store, entry, pool, answer);

        ngx_http_magasin_zone_unlock(store->zone);
        return rc;
    }

    if (now < entry->large_until) {
        ngx_http_magasin_zone_unlock(store->zone);
        return NGX_BUSY;
    }

    if (mode == NGX_HTTP_MAGASIN_STORE_FETCH) {
        rc = ngx_http_magasin_store_renew(store, entry, question, now, pool,
                                          answer);

        if (rc != NGX_DECLINED) {
            ngx_http_magasin_zone_unlock(store->zone);
            return rc;
        }

        goto open;
    }

    /* What it brings may be from when it began. */

    if (entry->flight
        && (fresh || now < entry->since + NGX_HTTP_MAGASIN_STORE_YOUNG)
        && ngx_http_magasin_store_same(question, entry->epoch,
                                       entry->generations)
        && !ngx_http_magasin_store_dead(entry, now))
    {
        question->flight = entry->flight;

        ngx_http_magasin_zone_unlock(store->zone);
        return NGX_AGAIN;
    }

open:

    ngx_http_magasin_store_open(shared, entry, question, now);

    ngx_http_magasin_zone_unlock(store->zone);

    return NGX_DECLINED;
}


/*
 * Somebody wants what no write of before can be missing in, whoever made it
 * and whatever this node has heard of it.  The statement of a flight that has
 * begun since shows that; one that was on its way already is waited for, so
 * that there is one at a time, and those who wait share the next one.
 * Generations do not matter here: they are about what was acknowledged before
 * the request came, and all of that is older than such a flight.
 *
 * NGX_OK: the answer.  NGX_AGAIN: question->flight is to be waited for, which
 * may be too old itself.  NGX_DECLINED: the next flight is the caller's.
 * NGX_BUSY: too much is being read.  NGX_ERROR: no memory in the pool.
 */

static ngx_int_t
ngx_http_magasin_store_renew(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_question_t *question,
    uint64_t now, ngx_pool_t *pool, ngx_http_magasin_answer_t *answer)
{
    if (entry->content
        && entry->content->direct
        && entry->content->flight > question->after)
    {
        return ngx_http_magasin_store_copy(store, entry, pool, answer);
    }

    if (entry->flight && !ngx_http_magasin_store_dead(entry, now)) {
        question->flight = entry->flight;
        return NGX_AGAIN;
    }

    return NGX_DECLINED;
}


/* Is question->flight on its way still? */

ngx_uint_t
ngx_http_magasin_store_flying(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question)
{
    ngx_uint_t                 flying;
    ngx_http_magasin_entry_t  *entry;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, question);

    flying = entry && entry->flight == question->flight
             && !ngx_http_magasin_store_dead(entry,
                                             ngx_http_magasin_cache_now());

    ngx_http_magasin_zone_unlock(store->zone);

    return flying;
}


/*
 * What question->flight has brought.  Its answer is right for whoever joined
 * it, also when a write has made it invalid for others since; that of a later
 * flight is, too.  For whom only later flights will do, it has to be from a
 * statement.
 *
 * NGX_OK: the answer, as _find() gives it.  NGX_DECLINED: nothing.  NGX_BUSY:
 * too much is being read.  NGX_ERROR: no memory in the pool.
 */

ngx_int_t
ngx_http_magasin_store_wait(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer)
{
    ngx_int_t                  rc;
    ngx_http_magasin_entry_t  *entry;

    rc = NGX_DECLINED;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, question);

    if (entry && entry->content
        && entry->content->flight >= question->flight
        && (question->after == 0
            || (entry->content->direct
                && entry->content->flight > question->after)))
    {
        rc = ngx_http_magasin_store_copy(store, entry, pool, answer);
    }

    ngx_http_magasin_zone_unlock(store->zone);

    return rc;
}


/*
 * An answer that nobody could check lately, or whose time is over, but which
 * no write that this node knows of has changed.  `age`: for how long after
 * its time, in milliseconds.
 *
 * NGX_OK, NGX_DECLINED: there is none, NGX_BUSY, NGX_ERROR: as _wait().
 */

ngx_int_t
ngx_http_magasin_store_stale(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_msec_t age, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer)
{
    uint64_t                   now;
    ngx_int_t                  rc;
    ngx_http_magasin_entry_t  *entry;

    rc = NGX_DECLINED;
    now = question->captured;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, question);

    if (entry && entry->content
        && now < entry->content->expires + age
        && ngx_http_magasin_store_same(question, entry->content->epoch,
                                       entry->content->generations))
    {
        rc = ngx_http_magasin_store_copy(store, entry, pool, answer);
    }

    ngx_http_magasin_zone_unlock(store->zone);

    return rc;
}


/*
 * Store an answer under the generations of its question, and end its flight.
 * It is stored even when these are not current any more: there may be others
 * who joined the flight in time.
 *
 * A long body is pinned for the caller, in answer->reader; it is the caller's
 * own still when there is no pin.
 */

void
ngx_http_magasin_store_fill(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_http_magasin_answer_t *answer)
{
    u_char                           *p;
    ngx_chain_t                      *cl;
    ngx_http_magasin_entry_t         *entry;
    ngx_http_magasin_content_t       *content;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;
    answer->reader.pin = NULL;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(shared, question);

    if (entry == NULL) {
        entry = ngx_http_magasin_store_create(store, question);
    }

    if (entry == NULL
        || (entry->content && entry->content->flight > question->flight))
    {
        goto done;
    }

    ngx_http_magasin_store_drop(store, entry);

    content = ngx_http_magasin_store_alloc(store,
                  sizeof(ngx_http_magasin_content_t) + answer->etag.len
                  + answer->links.len + answer->size, entry);

    if (content == NULL) {
        goto done;
    }

    ngx_memzero(&content->pinned, sizeof(ngx_http_magasin_pinned_t));

    content->stored = answer->stored;
    content->expires = answer->expires;
    content->early = answer->expires
                     - (answer->expires - answer->stored)
                       / NGX_HTTP_MAGASIN_STORE_EARLY;
    content->epoch = question->epoch;
    ngx_memcpy(content->generations, question->generations,
               sizeof(content->generations));
    content->flight = question->flight;
    content->direct = answer->direct;
    content->etag_len = answer->etag.len;
    content->links_len = answer->links.len;
    content->body_len = answer->size;

    p = ngx_http_magasin_content_data(content);
    p = ngx_cpymem(p, answer->etag.data, answer->etag.len);
    p = ngx_cpymem(p, answer->links.data, answer->links.len);

    for (cl = answer->chain; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    entry->content = content;
    entry->failed = 0;
    entry->large_until = 0;
    content->pinned.size = ngx_http_magasin_content_size(content);
    shared->bytes += content->pinned.size;

    if (answer->size > NGX_HTTP_MAGASIN_PIN_SHORT) {
        (void) ngx_http_magasin_store_pin(store, entry, answer);
    }

done:

    if (entry && entry->flight == question->flight) {
        entry->flight = 0;
    }

    ngx_http_magasin_zone_unlock(store->zone);

    ngx_http_magasin_count(shared->counters.stored);

    if (!ngx_http_magasin_store_current(store, question)) {
        ngx_http_magasin_count(shared->counters.late);
    }
}


/*
 * End our flight without an answer; with `too_large`, let nobody wait for one
 * of this question for a while.
 */

void
ngx_http_magasin_store_close(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question, ngx_uint_t too_large,
    ngx_uint_t status)
{
    ngx_http_magasin_entry_t  *entry;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, question);

    if (entry && entry->flight == question->flight) {
        entry->flight = 0;

        if (too_large) {
            entry->large_until = ngx_http_magasin_cache_now()
                                 + NGX_HTTP_MAGASIN_STORE_LARGE;

        } else if (status) {
            entry->failed = question->flight;
            entry->status = status;

        } else if (entry->content == NULL) {
            ngx_http_magasin_store_forget(store, entry);
        }
    }

    ngx_http_magasin_zone_unlock(store->zone);
}


/*
 * How question->flight, of whatever worker, has failed: the status of its
 * answer.  0: it did not, or that is not known any more.
 */

ngx_uint_t
ngx_http_magasin_store_failed(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question)
{
    ngx_uint_t                 status;
    ngx_http_magasin_entry_t  *entry;

    status = 0;

    ngx_http_magasin_zone_lock(store->zone);

    entry = ngx_http_magasin_store_lookup(store->shared, question);

    if (entry && entry->failed == question->flight) {
        status = entry->status;
    }

    ngx_http_magasin_zone_unlock(store->zone);

    return status;
}


/* Are the generations of a question current still? */

static ngx_uint_t
ngx_http_magasin_store_current(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question)
{
    ngx_http_magasin_question_t  now;

    now.nslots = question->nslots;
    ngx_memcpy(now.slots, question->slots, sizeof(now.slots));

    ngx_http_magasin_store_capture(store, &now);

    return ngx_http_magasin_store_same(&now, question->epoch,
                                       question->generations);
}


static ngx_uint_t
ngx_http_magasin_store_same(ngx_http_magasin_question_t *question,
    ngx_uint_t epoch, ngx_uint_t *generations)
{
    ngx_uint_t  i;

    if (question->epoch != epoch) {
        return 0;
    }

    for (i = 0; i < question->nslots; i++) {
        if (question->generations[i] != generations[i]) {
            return 0;
        }
    }

    return 1;
}


static ngx_http_magasin_entry_t *
ngx_http_magasin_store_lookup(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_question_t *question)
{
    ngx_int_t                  rc;
    ngx_rbtree_node_t         *node;
    ngx_http_magasin_entry_t  *entry;

    node = shared->rbtree.root;

    while (node != &shared->sentinel) {
        entry = (ngx_http_magasin_entry_t *) node;

        rc = ngx_http_magasin_store_compare(question->hash, &question->key,
                                            entry);
        if (rc == 0) {
            return entry;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    return NULL;
}


/* By hash, then by key: less than 0 when the entry comes after. */

static ngx_int_t
ngx_http_magasin_store_compare(ngx_uint_t hash, ngx_str_t *key,
    ngx_http_magasin_entry_t *entry)
{
    if (hash != entry->node.key) {
        return hash < entry->node.key ? -1 : 1;
    }

    if (key->len != entry->key_len) {
        return key->len < entry->key_len ? -1 : 1;
    }

    return ngx_memcmp(key->data, ngx_http_magasin_entry_key(entry), key->len);
}


static void
ngx_http_magasin_store_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_str_t                  key;
    ngx_rbtree_node_t        **p;
    ngx_http_magasin_entry_t  *entry;

    entry = (ngx_http_magasin_entry_t *) node;

    key.len = entry->key_len;
    key.data = ngx_http_magasin_entry_key(entry);

    for ( ;; ) {
        p = ngx_http_magasin_store_compare(node->key, &key,
                                           (ngx_http_magasin_entry_t *) temp)
            < 0
            ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


static ngx_http_magasin_entry_t *
ngx_http_magasin_store_create(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question)
{
    ngx_http_magasin_entry_t         *entry;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;

    entry = ngx_http_magasin_store_alloc(store,
                     sizeof(ngx_http_magasin_entry_t) + question->key.len,
                     NULL);
    if (entry == NULL) {
        return NULL;
    }

    ngx_memzero(entry, sizeof(ngx_http_magasin_entry_t));

    entry->node.key = question->hash;
    entry->key_len = question->key.len;
    ngx_memcpy(ngx_http_magasin_entry_key(entry), question->key.data,
               question->key.len);

    ngx_rbtree_insert(&shared->rbtree, &entry->node);
    ngx_queue_insert_head(&shared->queue, &entry->queue);

    shared->entries++;

    return entry;
}


static void
ngx_http_magasin_store_open(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_question_t *question,
    uint64_t now)
{
    question->flight = ngx_atomic_fetch_add(&shared->flight, 1) + 1;

    entry->flight = question->flight;
    entry->owner = ngx_pid;
    entry->since = now;
    entry->epoch = question->epoch;
    ngx_memcpy(entry->generations, question->generations,
               sizeof(entry->generations));
}


/* Has this flight of another worker little hope of landing? */

static ngx_uint_t
ngx_http_magasin_store_dead(ngx_http_magasin_entry_t *entry, uint64_t now)
{
    if (now < entry->since + NGX_HTTP_MAGASIN_STORE_DOUBT
        || entry->owner == ngx_pid)
    {
        return 0;
    }

    return now > entry->since + NGX_HTTP_MAGASIN_STORE_LOST
           || (kill(entry->owner, 0) == -1 && ngx_errno == ESRCH);
}


/*
 * Memory from the slab pool; what was not used for longest makes room.
 * `keep` stays, and so do entries with a flight, which will be used soon.
 */

static void *
ngx_http_magasin_store_alloc(ngx_http_magasin_store_t *store, size_t size,
    ngx_http_magasin_entry_t *keep)
{
    void                             *p;
    ngx_uint_t                        n;
    ngx_queue_t                      *q, *prev;
    ngx_http_magasin_entry_t         *entry;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;

    p = ngx_slab_alloc_locked(store->zone->slab, size);

    q = ngx_queue_last(&shared->queue);

    for (n = 0;
         p == NULL && n < NGX_HTTP_MAGASIN_STORE_EVICTIONS
         && q != ngx_queue_sentinel(&shared->queue);
         n++)
    {
        prev = ngx_queue_prev(q);
        entry = ngx_queue_data(q, ngx_http_magasin_entry_t, queue);
        q = prev;

        if (entry == keep) {
            continue;
        }

        if (entry->content && entry->content->pinned.pins) {

            /* It is in use, and would give no memory. */

            ngx_queue_remove(&entry->queue);
            ngx_queue_insert_head(&shared->queue, &entry->queue);
            continue;
        }

        if (entry->flight) {
            ngx_http_magasin_store_drop(store, entry);

        } else {
            ngx_http_magasin_store_forget(store, entry);
        }

        ngx_http_magasin_count(shared->counters.evicted);

        p = ngx_slab_alloc_locked(store->zone->slab, size);
    }

    return p;
}


static void
ngx_http_magasin_store_forget(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry)
{
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;

    ngx_http_magasin_store_drop(store, entry);

    ngx_rbtree_delete(&shared->rbtree, &entry->node);
    ngx_queue_remove(&entry->queue);

    shared->entries--;

    ngx_slab_free_locked(store->zone->slab, entry);
}


/* Drop the answer of an entry, if it has one. */

static void
ngx_http_magasin_store_drop(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry)
{
    if (entry->content == NULL) {
        return;
    }

    store->shared->bytes -= entry->content->pinned.size;

    if (!ngx_http_magasin_pin_detach(store, &entry->content->pinned)) {
        ngx_slab_free_locked(store->zone->slab, entry->content);
    }

    entry->content = NULL;
}


static size_t
ngx_http_magasin_content_size(ngx_http_magasin_content_t *content)
{
    return sizeof(ngx_http_magasin_content_t) + content->etag_len
           + content->links_len + content->body_len;
}


/*
 * The answer of an entry: a short one as a whole, a long one pinned, or as a
 * whole where that cannot be and there is room for it.
 *
 * NGX_OK, NGX_BUSY (no room) or NGX_ERROR (no memory in the pool).
 */

static ngx_int_t
ngx_http_magasin_store_copy(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer)
{
    size_t                       size;
    u_char                      *p, *data;
    ngx_uint_t                   whole;
    ngx_http_magasin_content_t  *content;

    content = entry->content;
    data = ngx_http_magasin_content_data(content);
    size = content->etag_len + content->links_len;
    whole = content->body_len <= NGX_HTTP_MAGASIN_PIN_SHORT;

    p = ngx_pnalloc(pool, size + (whole ? content->body_len : 0));
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, data, size + (whole ? content->body_len : 0));

    answer->etag.data = p;
    answer->etag.len = content->etag_len;
    answer->links.data = p + content->etag_len;
    answer->links.len = content->links_len;
    answer->body.data = whole ? p + size : NULL;
    answer->body.len = content->body_len;
    answer->stored = content->stored;
    answer->expires = content->expires;
    answer->reader.pin = NULL;

    if (whole || answer->head
        || ngx_http_magasin_store_pin(store, entry, answer) == NGX_OK)
    {
        return NGX_OK;
    }

    if (content->body_len > answer->room) {
        return NGX_BUSY;
    }

    answer->body.data = ngx_pnalloc(pool, content->body_len);
    if (answer->body.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(answer->body.data, data + size, content->body_len);

    return NGX_OK;
}


/* NGX_OK, or NGX_DECLINED: too much is pinned, or there is no memory. */

static ngx_int_t
ngx_http_magasin_store_pin(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_answer_t *answer)
{
    u_char                           *p;
    uint64_t                          now;
    ngx_http_magasin_pin_t           *pin;
    ngx_http_magasin_content_t       *content;
    ngx_http_magasin_cache_shared_t  *shared;

    content = entry->content;
    shared = store->shared;

    if (!ngx_http_magasin_pin_room(store, &content->pinned)) {

        now = ngx_http_magasin_cache_now();

        if (now >= shared->swept + NGX_HTTP_MAGASIN_STORE_SWEEP) {
            shared->swept = now;
            ngx_http_magasin_pin_sweep(store, 0);
        }

        if (!ngx_http_magasin_pin_room(store, &content->pinned)) {
            return NGX_DECLINED;
        }
    }

    pin = ngx_http_magasin_store_alloc(store, sizeof(ngx_http_magasin_pin_t),
                                       entry);
    if (pin == NULL) {
        return NGX_DECLINED;
    }

    p = ngx_http_magasin_content_data(content);
    p += content->etag_len + content->links_len;

    ngx_http_magasin_pin_take(store, pin, &content->pinned, p,
                              &answer->reader);

    return NGX_OK;
}
