
/* What rows of the journal invalidate. */


#include "ngx_http_magasin_cache_poller_internal.h"


static void ngx_http_magasin_poller_row(PGresult *result, int row,
    ngx_http_magasin_tags_t *tags);


/* Changes that were not dealt with yet. */

void
ngx_http_magasin_poller_changes(ngx_http_magasin_poller_t *poller,
    PGresult *result)
{
    int                               row, rows;
    uint64_t                          xid;
    ngx_uint_t                        i, found;
    ngx_http_magasin_tags_t         tags;
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

        tags.n = 0;
        ngx_http_magasin_poller_row(result, row, &tags);

        found = 0;

        for (i = 0; i < tags.n; i++) {
            if (!ngx_http_magasin_tag_handled(shared, tags.slots[i], xid))
            {
                ngx_http_magasin_tags_add_slot(&poller->tags,
                                                 tags.slots[i]);
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


/* Which tags a change is in: see the statement for the letters. */

static void
ngx_http_magasin_poller_row(PGresult *result, int row,
    ngx_http_magasin_tags_t *tags)
{
    int64_t  magasin, produit, objet;

    magasin = ngx_http_magasin_tag_id(PQgetvalue(result, row,
                                                   POLL_MAGASIN));
    produit = ngx_http_magasin_tag_id(PQgetvalue(result, row,
                                                   POLL_PRODUIT));
    objet = ngx_http_magasin_tag_id(PQgetvalue(result, row, POLL_OBJET));

    switch (*PQgetvalue(result, row, POLL_GENRE)) {

    case 's':
        if (PQgetisnull(result, row, POLL_MAGASIN)) {
            ngx_http_magasin_tags_central(tags, produit);

        } else {
            ngx_http_magasin_tags_stock(tags, magasin, produit);
        }

        return;

    case 'p':
        ngx_http_magasin_tags_produit(tags, produit,
                          *PQgetvalue(result, row, POLL_NOM) == 't',
                          *PQgetvalue(result, row, POLL_PRESENCE) == 't');
        return;

    case 'm':
        ngx_http_magasin_tags_magasin(tags, magasin);
        return;

    case 'd':
        ngx_http_magasin_tags_demande(tags, objet);
        return;

    case 'v':
        ngx_http_magasin_tags_vente(tags, magasin, objet);
        return;

    default:
        ngx_http_magasin_tags_add_slot(tags, NGX_HTTP_MAGASIN_TAG_ALL);
    }
}
