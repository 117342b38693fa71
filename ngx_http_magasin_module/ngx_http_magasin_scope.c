
#include "ngx_http_magasin_scope.h"


static uint64_t ngx_http_magasin_scope_mix(uint64_t n);
static uint64_t ngx_http_magasin_scope_mark(ngx_uint_t slot, uint64_t xid,
    ngx_uint_t epoch);
static void ngx_http_magasin_scopes_disponibilite(
    ngx_http_magasin_scopes_t *scopes, int64_t produit);


/*
 * The slot of a scope.  Scopes without ids take 0 for them; ids of bigint are
 * over 0 as a rule, but any number will do.
 */

uint16_t
ngx_http_magasin_scope_slot(ngx_http_magasin_scope_e kind, int64_t first,
    int64_t second)
{
    uint64_t  hash;

    hash = ngx_http_magasin_scope_mix((uint64_t) kind);
    hash = ngx_http_magasin_scope_mix(hash ^ (uint64_t) first);
    hash = ngx_http_magasin_scope_mix(hash ^ (uint64_t) second);

    /* Not the slot of everything. */

    return (uint16_t) (1 + hash % (NGX_HTTP_MAGASIN_GENERATIONS - 1));
}


/*
 * The finalizer of MurmurHash3 (public domain, A. Appleby), moved off 0,
 * which it leaves where it is.
 */

static uint64_t
ngx_http_magasin_scope_mix(uint64_t n)
{
    n += 0x9e3779b97f4a7c15;
    n ^= n >> 33;
    n *= 0xff51afd7ed558ccd;
    n ^= n >> 33;
    n *= 0xc4ceb9fe1a85ec53;
    n ^= n >> 33;

    return n;
}


/* An id as PostgreSQL or the path writes it; NULL is 0. */

int64_t
ngx_http_magasin_scope_id(const char *text)
{
    return text ? strtoll(text, NULL, 10) : 0;
}


void
ngx_http_magasin_scopes_add(ngx_http_magasin_scopes_t *scopes,
    ngx_http_magasin_scope_e kind, int64_t first, int64_t second)
{
    ngx_http_magasin_scopes_add_slot(scopes,
                          ngx_http_magasin_scope_slot(kind, first, second));
}


void
ngx_http_magasin_scopes_add_slot(ngx_http_magasin_scopes_t *scopes,
    ngx_uint_t slot)
{
    ngx_uint_t  i;

    for (i = 0; i < scopes->n; i++) {
        if (scopes->slots[i] == slot
            || scopes->slots[i] == NGX_HTTP_MAGASIN_SCOPE_ALL)
        {
            return;
        }
    }

    if (slot == NGX_HTTP_MAGASIN_SCOPE_ALL
        || scopes->n == NGX_HTTP_MAGASIN_SCOPE_WRITES)
    {
        scopes->n = 1;
        scopes->slots[0] = NGX_HTTP_MAGASIN_SCOPE_ALL;
        return;
    }

    scopes->slots[scopes->n++] = (uint16_t) slot;
}


/* A quantity of a product in a store, which may have any number. */

void
ngx_http_magasin_scopes_stock(ngx_http_magasin_scopes_t *scopes,
    int64_t magasin, int64_t produit)
{
    ngx_http_magasin_scopes_disponibilite(scopes, produit);

    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_QUANTITE,
                                magasin, produit);
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_STOCK,
                                magasin, 0);
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_RAPPORTS,
                                0, 0);
}


/* A quantity of a product in the central stock. */

void
ngx_http_magasin_scopes_central(ngx_http_magasin_scopes_t *scopes,
    int64_t produit)
{
    ngx_http_magasin_scopes_disponibilite(scopes, produit);

    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_CENTRAL,
                                0, 0);
}


static void
ngx_http_magasin_scopes_disponibilite(ngx_http_magasin_scopes_t *scopes,
    int64_t produit)
{
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_DISPONIBILITE,
                                produit, 0);
}


/*
 * A product: what it shows; with `nom`, what others show of it; with
 * `presence`, that it is there at all.
 */

void
ngx_http_magasin_scopes_produit(ngx_http_magasin_scopes_t *scopes,
    int64_t produit, ngx_uint_t nom, ngx_uint_t presence)
{
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_PRODUIT,
                                produit, 0);
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_PRODUITS,
                                0, 0);

    if (nom) {
        ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_NOMS,
                                    0, 0);
        ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_RAPPORTS,
                                    0, 0);
    }

    if (presence) {
        ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_PRESENCE,
                                    produit, 0);
        ngx_http_magasin_scopes_central(scopes, produit);
    }
}


/* A sale and its lines; what they do to the stock comes beside. */

void
ngx_http_magasin_scopes_vente(ngx_http_magasin_scopes_t *scopes,
    int64_t magasin, int64_t vente)
{
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_VENTE,
                                vente, 0);
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_VENTES,
                                magasin, 0);
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_VENTES,
                                0, 0);
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_RAPPORTS,
                                0, 0);
}


void
ngx_http_magasin_scopes_demande(ngx_http_magasin_scopes_t *scopes,
    int64_t demande)
{
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_DEMANDE,
                                demande, 0);
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_DEMANDES,
                                0, 0);
}


void
ngx_http_magasin_scopes_magasin(ngx_http_magasin_scopes_t *scopes,
    int64_t magasin)
{
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_MAGASIN,
                                magasin, 0);
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_MAGASINS,
                                0, 0);
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_STOCK,
                                magasin, 0);
    ngx_http_magasin_scopes_add(scopes, NGX_HTTP_MAGASIN_SCOPE_RAPPORTS,
                                0, 0);
}


/* All that is stored of these scopes is invalid from here on. */

void
ngx_http_magasin_scopes_raise(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_scopes_t *scopes)
{
    ngx_uint_t  i;

    for (i = 0; i < scopes->n; i++) {
        (void) ngx_atomic_fetch_add(&shared->generations[scopes->slots[i]], 1);
    }

    (void) ngx_atomic_fetch_add(&shared->counters.invalidations, scopes->n);
}


/*
 * What stands for a scope of a transaction.  Another database, or another life
 * of it, gives the same numbers to other transactions: the epoch tells.
 */

static uint64_t
ngx_http_magasin_scope_mark(ngx_uint_t slot, uint64_t xid, ngx_uint_t epoch)
{
    uint64_t  hash;

    hash = ngx_http_magasin_scope_mix((uint64_t) epoch);

    return ngx_http_magasin_scope_mix(hash ^ ((xid << 16) | slot));
}


/*
 * Note what transaction `xid` has touched and what was raised for it, for the
 * poller to know when it finds it in the journal.  `epoch`: the one in which
 * it was heard of.  What does not find room is raised twice.
 */

void
ngx_http_magasin_scopes_handled(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_scopes_t *scopes, uint64_t xid, ngx_uint_t epoch)
{
    uint64_t    mark;
    ngx_uint_t  i;

    for (i = 0; i < scopes->n; i++) {
        mark = ngx_http_magasin_scope_mark(scopes->slots[i], xid, epoch);
        shared->handled[mark % NGX_HTTP_MAGASIN_HANDLED] = mark;
    }
}


ngx_uint_t
ngx_http_magasin_scope_handled(ngx_http_magasin_cache_shared_t *shared,
    ngx_uint_t slot, uint64_t xid)
{
    uint64_t  mark;

    mark = ngx_http_magasin_scope_mark(slot, xid, shared->epoch);

    return shared->handled[mark % NGX_HTTP_MAGASIN_HANDLED] == mark;
}
