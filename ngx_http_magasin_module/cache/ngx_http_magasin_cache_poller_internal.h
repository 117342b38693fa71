
/* The poller of the journal: it finds the changes that hints do not. */


#ifndef _NGX_HTTP_MAGASIN_CACHE_POLLER_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_CACHE_POLLER_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_cache_redis_internal.h"


/* Columns of sql/statements/cache_poll.sql. */
enum {
    POLL_SNAPSHOT = 0,
    POLL_IDENTITY,
    POLL_TROP,
    POLL_XID,
    POLL_GENRE,
    POLL_MAGASIN,
    POLL_PRODUIT,
    POLL_OBJET,
    POLL_NOM,
    POLL_PRESENCE,
    POLL_AGE,
    POLL_WAL
};


struct ngx_http_magasin_poller_s {
    ngx_http_magasin_cache_t        *cache;
    ngx_cycle_t                     *cycle;
    ngx_http_magasin_pg_conf_t       conf;
    ngx_http_magasin_pg_pool_t      *pool;      /* NULL: no lease */
    ngx_pool_t                      *lease;     /* its memory */
    ngx_http_magasin_pg_job_t        job;
    ngx_event_t                      timer;

    uint64_t                         started;   /* of this poll */
    ngx_http_magasin_pg_asked_t      asked;     /* what it will tell of */
    ngx_uint_t                       number;    /* of polls */
    ngx_uint_t                       debt;      /* that this one pays */
    ngx_http_magasin_tags_t          tags;
    ngx_http_magasin_cache_tell_t    tell;

    ngx_http_magasin_redis_t        *subscriber;
    u_char                           channel[NGX_HTTP_MAGASIN_CHANNEL + 1];

    size_t                           snapshot_len;
    u_char                           before[NGX_HTTP_MAGASIN_SNAPSHOT];
    u_char                           after[NGX_HTTP_MAGASIN_SNAPSHOT];

    unsigned                         polling:1;
    unsigned                         telling:1;
    unsigned                         anew:1;    /* all is invalid before it */
    unsigned                         paying:1;  /* Redis invalidates all */
    unsigned                         failed:1;  /* and it was logged */
    unsigned                         before_life:1; /* as a standby's */
};


/* cache_poller.c */
ngx_http_magasin_poller_t *ngx_http_magasin_poller_create(ngx_cycle_t *cycle,
    ngx_http_magasin_cache_t *cache);
void ngx_http_magasin_poller_destroy(ngx_http_magasin_poller_t *poller);

/* cache_poller_lease.c */
ngx_uint_t ngx_http_magasin_poller_lease(ngx_http_magasin_poller_t *poller);
ngx_int_t ngx_http_magasin_poller_connect(ngx_http_magasin_poller_t *poller);
void ngx_http_magasin_poller_disconnect(ngx_http_magasin_poller_t *poller);
void ngx_http_magasin_poller_subscribe(ngx_http_magasin_poller_t *poller);
void ngx_http_magasin_poller_unsubscribe(ngx_http_magasin_poller_t *poller);

/* cache_poller_journal.c */
void ngx_http_magasin_poller_changes(ngx_http_magasin_poller_t *poller,
    PGresult *result);


#endif /* _NGX_HTTP_MAGASIN_CACHE_POLLER_INTERNAL_H_INCLUDED_ */
