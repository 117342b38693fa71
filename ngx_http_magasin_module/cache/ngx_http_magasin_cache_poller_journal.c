
/* The rows of a poll: from the journal to tags. */


#include "ngx_http_magasin_cache_poller_internal.h"


static void ngx_http_magasin_poller_row(PGresult *result, int row,
    ngx_http_magasin_change_t *change);


/*
 * Add to poller->tags what the rows of a poll invalidate and this node has not
 * invalidated yet.  Such a change is counted with its lag.
 */

void
ngx_http_magasin_poller_changes(ngx_http_magasin_poller_t *poller,
    PGresult *result)
{
    int                               row, rows;
    uint64_t                          xid;
    ngx_uint_t                        i, found;
    ngx_http_magasin_tags_t           tags;
    ngx_http_magasin_change_t         change;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = poller->cache->shared;
    rows = PQntuples(result);

    if (*PQgetvalue(result, 0, POLL_TROP) == 't') {
        ngx_http_magasin_tags_add_slot(&poller->tags,
                                       NGX_HTTP_MAGASIN_TAG_ALL);
        return;
    }

    for (row = 0; row < rows; row++) {

        if (PQgetisnull(result, row, POLL_XID)) {
            continue;
        }

        xid = strtoull(PQgetvalue(result, row, POLL_XID), NULL, 10);

        ngx_http_magasin_poller_row(result, row, &change);

        /* The API has told whether another product has the name. */

        if (change.kind == NGX_HTTP_MAGASIN_CHANGE_CREATION
            && ngx_http_magasin_tag_handled(shared,
                   ngx_http_magasin_tag_slot(NGX_HTTP_MAGASIN_TAG_PRODUIT,
                                             change.produit, 0), xid))
        {
            continue;
        }

        tags.n = 0;
        ngx_http_magasin_tags_change(&tags, &change);

        found = 0;

        for (i = 0; i < tags.n; i++) {
            if (!ngx_http_magasin_tag_handled(shared, tags.slots[i], xid)) {
                ngx_http_magasin_tags_add_slot(&poller->tags, tags.slots[i]);
                found = 1;
            }
        }

        if (found) {
            ngx_http_magasin_count(shared->counters.poll_changes);
            ngx_http_magasin_count(shared->counters.lag_count);
            (void) ngx_atomic_fetch_add(&shared->counters.lag_sum,
                       strtoull(PQgetvalue(result, row, POLL_AGE), NULL, 10));
        }
    }
}


/* A row of the journal as a change; tags.c says what that invalidates. */

static void
ngx_http_magasin_poller_row(PGresult *result, int row,
    ngx_http_magasin_change_t *change)
{
    change->kind = (u_char) *PQgetvalue(result, row, POLL_GENRE);
    change->magasin = ngx_http_magasin_tag_id(PQgetvalue(result, row,
                                                         POLL_MAGASIN));
    change->produit = ngx_http_magasin_tag_id(PQgetvalue(result, row,
                                                         POLL_PRODUIT));
    change->objet = ngx_http_magasin_tag_id(PQgetvalue(result, row,
                                                       POLL_OBJET));
    change->central = PQgetisnull(result, row, POLL_MAGASIN);
    change->nom = *PQgetvalue(result, row, POLL_NOM) == 't';
    change->presence = *PQgetvalue(result, row, POLL_PRESENCE) == 't';
}
