
/*
 * Entries and answers in the slab pool: the tree of entries, the queue that
 * orders them by their last use, and their memory.  All functions are called
 * under the zone's lock, but _init() and _now().
 */


#include "ngx_http_magasin_cache_entry_internal.h"

#include <openssl/rand.h>


/* Milliseconds after which it is checked that the worker of a flight lives. */
#define NGX_HTTP_MAGASIN_STORE_DOUBT     100

/* Milliseconds after which the others do not wait for a flight: its worker may
 * be stopped.  One of them opens another one. */
#define NGX_HTTP_MAGASIN_STORE_LOST      2000

/* Entries that may be evicted to make room for one block. */
#define NGX_HTTP_MAGASIN_STORE_EVICTIONS  512

/* Entries that a flush removes at most while some are pinned. */
#define NGX_HTTP_MAGASIN_STORE_FORGET     2048


static ngx_int_t ngx_http_magasin_store_init(void *section, ngx_log_t *log);
static void ngx_http_magasin_store_reset(void *section);
static ngx_int_t ngx_http_magasin_store_compare(ngx_uint_t hash,
    ngx_str_t *key, ngx_http_magasin_entry_t *entry);
static ngx_int_t ngx_http_magasin_store_order(ngx_http_magasin_entry_t *new,
    ngx_http_magasin_entry_t *entry);
static void ngx_http_magasin_entry_begin(ngx_http_magasin_entry_t *entry,
    ngx_http_magasin_cursor_t *cursor);
static void ngx_http_magasin_store_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);


const ngx_http_magasin_zone_section_t  ngx_http_magasin_cache_section = {
    .version = 4,
    .size = sizeof(ngx_http_magasin_cache_shared_t),
    .init = ngx_http_magasin_store_init,
    .reset = ngx_http_magasin_store_reset
};


/* Once for a zone.  NGX_OK or NGX_ERROR (no random bytes). */

static ngx_int_t
ngx_http_magasin_store_init(void *section, ngx_log_t *log)
{
    ngx_http_magasin_cache_shared_t *shared = section;

    shared->epoch = 1;

    /* 0 means no flight. */

    shared->flight = 1;

    /* No two nodes, nor two zones of one, may give out the same token. */

    if (RAND_bytes(shared->node, sizeof(shared->node)) != 1) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "magasin: no random bytes for the cache");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* The slab pool was emptied, and the cache with it. */

static void
ngx_http_magasin_store_reset(void *section)
{
    ngx_http_magasin_cache_shared_t *shared = section;

    ngx_rbtree_init(&shared->rbtree, &shared->sentinel,
                    ngx_http_magasin_store_insert);
    ngx_queue_init(&shared->queue);

    shared->entries = 0;
    shared->bytes = 0;

    /* Readers of pinned answers notice it by `life`. */

    ngx_queue_init(&shared->pins);
    shared->pinned = 0;
    shared->life++;
}


/* The entry of a question, or NULL. */

ngx_http_magasin_entry_t *
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


/*
 * Compare by hash, by length, then by key; less than 0: the entry comes after.
 */

static ngx_int_t
ngx_http_magasin_store_compare(ngx_uint_t hash, ngx_str_t *key,
    ngx_http_magasin_entry_t *entry)
{
    ngx_http_magasin_cursor_t  cursor;

    if (hash != entry->node.key) {
        return hash < entry->node.key ? -1 : 1;
    }

    if (key->len != entry->key_len) {
        return key->len < entry->key_len ? -1 : 1;
    }

    ngx_http_magasin_entry_begin(entry, &cursor);

    return ngx_http_magasin_blocks_compare(&cursor, key->data, key->len);
}


/* The same for a new entry. */

static ngx_int_t
ngx_http_magasin_store_order(ngx_http_magasin_entry_t *new,
    ngx_http_magasin_entry_t *entry)
{
    ngx_http_magasin_cursor_t  cursor, other;

    if (new->node.key != entry->node.key) {
        return new->node.key < entry->node.key ? -1 : 1;
    }

    if (new->key_len != entry->key_len) {
        return new->key_len < entry->key_len ? -1 : 1;
    }

    ngx_http_magasin_entry_begin(new, &cursor);
    ngx_http_magasin_entry_begin(entry, &other);

    return ngx_http_magasin_blocks_order(&cursor, &other, new->key_len);
}


/* The cursor at the first byte of a key. */

static void
ngx_http_magasin_entry_begin(ngx_http_magasin_entry_t *entry,
    ngx_http_magasin_cursor_t *cursor)
{
    ngx_http_magasin_blocks_begin(cursor, entry,
                                  sizeof(ngx_http_magasin_entry_t),
                                  entry->next);
}


static void
ngx_http_magasin_store_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t  **p;

    for ( ;; ) {
        p = ngx_http_magasin_store_order((ngx_http_magasin_entry_t *) node,
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


/* A new entry for a question; NULL: there is no room. */

ngx_http_magasin_entry_t *
ngx_http_magasin_store_create(ngx_http_magasin_store_t *store,
    ngx_http_magasin_question_t *question)
{
    ngx_http_magasin_block_t         *next;
    ngx_http_magasin_entry_t         *entry;
    ngx_http_magasin_cursor_t         cursor;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;

    entry = ngx_http_magasin_store_alloc(store,
                     sizeof(ngx_http_magasin_entry_t) + question->key.len,
                     NULL, &next);
    if (entry == NULL) {
        return NULL;
    }

    ngx_memzero(entry, sizeof(ngx_http_magasin_entry_t));

    entry->node.key = question->hash;
    entry->next = next;
    entry->key_len = question->key.len;

    ngx_http_magasin_entry_begin(entry, &cursor);
    ngx_http_magasin_blocks_write(&cursor, question->key.data,
                                  question->key.len);

    ngx_rbtree_insert(&shared->rbtree, &entry->node);
    ngx_queue_insert_head(&shared->queue, &entry->queue);

    shared->entries++;

    return entry;
}


/* Open a flight of this worker; question->flight is its number. */

void
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


/* Is the worker of this flight dead, or stopped for too long?  1 or 0. */

ngx_uint_t
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
 * A block of the slab pool.  Entries that were not used for longest are
 * evicted to make room, but not `keep`; an entry with a flight loses its answer
 * alone.  NULL: there is no room.
 */

void *
ngx_http_magasin_store_block(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *keep)
{
    void                             *p;
    ngx_uint_t                        n;
    ngx_queue_t                      *q, *prev;
    ngx_http_magasin_entry_t         *entry;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;

    p = ngx_slab_alloc_locked(store->zone->slab, NGX_HTTP_MAGASIN_BLOCK);

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

            /* It is pinned: its memory would not be freed. */

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

        p = ngx_slab_alloc_locked(store->zone->slab, NGX_HTTP_MAGASIN_BLOCK);
    }

    return p;
}


/*
 * Memory for `size` bytes: the first block, and at `next` the blocks after it.
 * Entries are evicted as by _block().  NULL: there is no room, or this would
 * take too much of it, and then nothing is evicted.
 */

void *
ngx_http_magasin_store_alloc(ngx_http_magasin_store_t *store, size_t size,
    ngx_http_magasin_entry_t *keep, ngx_http_magasin_block_t **next)
{
    void                      *first;
    size_t                     room;
    ngx_http_magasin_block_t  *block;

    *next = NULL;

    if (size > ngx_http_magasin_store_largest(store)) {
        return NULL;
    }

    first = ngx_http_magasin_store_block(store, keep);
    if (first == NULL) {
        return NULL;
    }

    for (room = NGX_HTTP_MAGASIN_BLOCK;
         room < size;
         room += NGX_HTTP_MAGASIN_BLOCK - sizeof(ngx_http_magasin_block_t))
    {
        block = ngx_http_magasin_store_block(store, keep);
        if (block == NULL) {
            ngx_http_magasin_blocks_free(store->zone->slab, first, *next);
            return NULL;
        }

        block->next = *next;
        *next = block;
    }

    return first;
}


/* Remove an entry and its answer. */

void
ngx_http_magasin_store_forget(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry)
{
    ngx_http_magasin_cache_shared_t  *shared;

    shared = store->shared;

    ngx_http_magasin_store_drop(store, entry);

    ngx_rbtree_delete(&shared->rbtree, &entry->node);
    ngx_queue_remove(&entry->queue);

    shared->entries--;

    ngx_http_magasin_blocks_free(store->zone->slab, entry, entry->next);
}


/* Remove the answer of an entry, if it has one. */

void
ngx_http_magasin_store_drop(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry)
{
    if (entry->content == NULL) {
        return;
    }

    store->shared->bytes -= entry->content->pinned.size;

    ngx_http_magasin_form_drop(store, entry->content);

    if (!ngx_http_magasin_pin_detach(store, &entry->content->pinned)) {
        ngx_http_magasin_blocks_free(store->zone->slab, entry->content,
                                     entry->content->pinned.next);
    }

    entry->content = NULL;
}


/*
 * A flush while answers are pinned: it removes the entries that were not used
 * for longest, one by one.  Pinned answers stay until their readers have
 * finished.  NGX_OK: done.  NGX_DECLINED: nothing is pinned, and the caller can
 * reset the slab pool instead.
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
