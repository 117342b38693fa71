
/* What the cache keeps in the fixed part of the zone. */


#ifndef _NGX_HTTP_MAGASIN_CACHE_SHARED_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_SHARED_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_cache.h"
#include "ngx_http_magasin_measure.h"


/* Tags are hashed to this many generations; a power of 2. */
#define NGX_HTTP_MAGASIN_GENERATIONS   65536

/* Tags in a word of the bits of absent generations. */
#define NGX_HTTP_MAGASIN_ABSENT_BITS   (8 * sizeof(ngx_atomic_t))

/* Notes of changes that were invalidated already; a power of 2. */
#define NGX_HTTP_MAGASIN_HANDLED       16384

/* A snapshot of PostgreSQL as text: some 20 bytes for each running write. */
#define NGX_HTTP_MAGASIN_SNAPSHOT      16384

/* Bytes of a digest that identifies a database and its timeline. */
#define NGX_HTTP_MAGASIN_IDENTITY      16


typedef struct {
    /* Raised by whoever changes a tag: see ngx_http_magasin_tags.h. */
    ngx_atomic_t         generations[NGX_HTTP_MAGASIN_GENERATIONS];

    /* Raised when all stored answers may be invalid. */
    ngx_atomic_t         epoch;

    /* Milliseconds of ngx_http_magasin_now(): until then answers may be
       used without another poll. */
    ngx_atomic_t         fresh_until;

    /* A digest of the conninfo that fresh_until and identities belong to. */
    ngx_atomic_t         database;

    /* The life of the database that the last poll was of: see pg_life.c. */
    ngx_atomic_t         polled_life;

    /* A digest of a run_id: the Redis that all workers of the node use. */
    ngx_atomic_t         redis;

    /* Failures to tell Redis, and how many of them the poller has paid. */
    ngx_atomic_t         debt;
    ngx_atomic_t         debt_paid;

    /* The lease of the poller: its process, and until when it holds. */
    ngx_atomic_t         poller;
    ngx_atomic_t         poller_until;

    /* Bytes of the slab pool that are pinned: see cache_pin.c. */
    ngx_atomic_t         pinned;

    /* Of the last poll; snapshot & 1 is the place in use. */
    ngx_atomic_t         snapshot;
    u_char               snapshots[2][NGX_HTTP_MAGASIN_SNAPSHOT];
    u_char               identities[2][NGX_HTTP_MAGASIN_IDENTITY];

    ngx_atomic_t         handled[NGX_HTTP_MAGASIN_HANDLED];

    ngx_atomic_t         flight;        /* number of the last one */
    ngx_atomic_t         token;         /* number of the last one */
    u_char               node[8];       /* at random: whose tokens */

    /* Under the lock, as all that is in the slab pool. */
    ngx_rbtree_t         rbtree;
    ngx_rbtree_node_t    sentinel;
    ngx_queue_t          queue;         /* the most recently used first */
    ngx_uint_t           entries;
    size_t               bytes;

    /* Who reads long answers piece by piece: see cache_pin.c. */
    ngx_queue_t          pins;
    ngx_uint_t           life;          /* how often the pool was emptied */
    uint64_t             swept;         /* when the dead were looked for */

    /* A bit for each tag: it was raised, so Redis may have no generation of
       it.  A bit that is wrong costs one more command. */
    ngx_atomic_t         absent[NGX_HTTP_MAGASIN_GENERATIONS
                                / NGX_HTTP_MAGASIN_ABSENT_BITS];

    ngx_http_magasin_cache_counters_t  counters;
} ngx_http_magasin_cache_shared_t;


/* Level 1: the zone, and the section of it that is the cache's. */
typedef struct {
    ngx_http_magasin_zone_t           *zone;
    ngx_http_magasin_cache_shared_t   *shared;
} ngx_http_magasin_store_t;


/* cache_entry.c */
extern const ngx_http_magasin_zone_section_t
    ngx_http_magasin_cache_section;

/* tags.c: which changes have been dealt with already */
void ngx_http_magasin_tags_raise(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_tags_t *tags);
void ngx_http_magasin_tags_handled(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_tags_t *tags, uint64_t xid, ngx_uint_t epoch);
void ngx_http_magasin_tags_present(ngx_http_magasin_cache_shared_t *shared,
    uint16_t *slots, ngx_uint_t n);
ngx_uint_t ngx_http_magasin_tags_absent(
    ngx_http_magasin_cache_shared_t *shared, uint16_t *slots, ngx_uint_t n);
ngx_uint_t ngx_http_magasin_tag_handled(
    ngx_http_magasin_cache_shared_t *shared, ngx_uint_t slot, uint64_t xid);


#endif /* _NGX_HTTP_MAGASIN_CACHE_SHARED_INTERNAL_H_INCLUDED_ */
