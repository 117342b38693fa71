
/* Entries and answers in the slab pool: for cache_store.c, cache_entry.c. */


#ifndef _NGX_HTTP_MAGASIN_CACHE_ENTRY_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_ENTRY_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_cache_store_internal.h"


/* The gzip form of an answer, in blocks.  Its bytes follow. */
typedef struct {
    ngx_http_magasin_pinned_t      pinned;      /* the first: see pin.c */
    ngx_http_magasin_packed_t      about;
    size_t                         len;
} ngx_http_magasin_form_t;


/* An answer in blocks.  Its bytes follow: entity tag, links, body. */
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
    ngx_http_magasin_form_t       *form;        /* NULL: none */
    uint64_t                       pack_after;  /* until then nobody makes
                                                   one: somebody does, or it
                                                   is of no use */
} ngx_http_magasin_content_t;


/* The entry of one question, in blocks.  The key follows. */
typedef struct {
    ngx_rbtree_node_t              node;        /* by hash */
    ngx_queue_t                    queue;
    ngx_http_magasin_block_t      *next;        /* NULL: one block */
    ngx_http_magasin_content_t    *content;     /* NULL: none */

    ngx_uint_t                     flight;      /* 0: none is open */
    ngx_pid_t                      owner;
    uint64_t                       since;
    ngx_uint_t                     epoch;
    ngx_uint_t                     generations[NGX_HTTP_MAGASIN_TAG_READS];

    ngx_uint_t                     failed;      /* the last flight that did */
    ngx_uint_t                     status;      /* with which it failed */

    uint64_t                       large_until;
    size_t                         key_len;
} ngx_http_magasin_entry_t;


/* cache_entry.c; all under the lock */
ngx_http_magasin_entry_t *ngx_http_magasin_store_lookup(
    ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_question_t *question);
ngx_http_magasin_entry_t *ngx_http_magasin_store_create(
    ngx_http_magasin_store_t *store, ngx_http_magasin_question_t *question);
void ngx_http_magasin_store_open(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_question_t *question,
    uint64_t now);
ngx_uint_t ngx_http_magasin_store_dead(ngx_http_magasin_entry_t *entry,
    uint64_t now);
void *ngx_http_magasin_store_block(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *keep);
void *ngx_http_magasin_store_alloc(ngx_http_magasin_store_t *store,
    size_t size, ngx_http_magasin_entry_t *keep,
    ngx_http_magasin_block_t **next);
void ngx_http_magasin_store_forget(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry);
void ngx_http_magasin_store_drop(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry);

/* cache_content.c; under the lock */
ngx_int_t ngx_http_magasin_store_put(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_question_t *question,
    ngx_http_magasin_answer_t *answer);
void ngx_http_magasin_content_begin(ngx_http_magasin_content_t *content,
    ngx_http_magasin_cursor_t *cursor);
ngx_int_t ngx_http_magasin_store_copy(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_pool_t *pool,
    ngx_http_magasin_answer_t *answer);
ngx_int_t ngx_http_magasin_store_pin(ngx_http_magasin_store_t *store,
    ngx_http_magasin_entry_t *entry, ngx_http_magasin_pinned_t *pinned,
    ngx_http_magasin_answer_t *answer);

/* cache_form.c; under the lock */
ngx_uint_t ngx_http_magasin_form_wanted(ngx_http_magasin_content_t *content,
    ngx_http_magasin_answer_t *answer);
void ngx_http_magasin_form_claim(ngx_http_magasin_content_t *content,
    ngx_http_magasin_answer_t *answer);
void ngx_http_magasin_form_begin(ngx_http_magasin_form_t *form,
    ngx_http_magasin_cursor_t *cursor);
void ngx_http_magasin_form_drop(ngx_http_magasin_store_t *store,
    ngx_http_magasin_content_t *content);


#endif /* _NGX_HTTP_MAGASIN_CACHE_ENTRY_INTERNAL_H_INCLUDED_ */
