
#include "ngx_http_magasin_cache_shared_internal.h"


static uint64_t ngx_http_magasin_tag_mix(uint64_t n);
static uint64_t ngx_http_magasin_tag_mark(ngx_uint_t slot, uint64_t xid,
    ngx_uint_t epoch);
static void ngx_http_magasin_tags_disponibilite(
    ngx_http_magasin_tags_t *tags, int64_t produit);


/*
 * The slot of a tag.  Tags without ids take 0 for them; ids of bigint are
 * over 0 as a rule, but any number will do.
 */

uint16_t
ngx_http_magasin_tag_slot(ngx_http_magasin_tag_e kind, int64_t first,
    int64_t second)
{
    uint64_t  hash;

    hash = ngx_http_magasin_tag_mix((uint64_t) kind);
    hash = ngx_http_magasin_tag_mix(hash ^ (uint64_t) first);
    hash = ngx_http_magasin_tag_mix(hash ^ (uint64_t) second);

    /* Not the slot of everything. */

    return (uint16_t) (1 + hash % (NGX_HTTP_MAGASIN_GENERATIONS - 1));
}


/*
 * The finalizer of MurmurHash3 (public domain, A. Appleby), moved off 0,
 * which it leaves where it is.
 */

static uint64_t
ngx_http_magasin_tag_mix(uint64_t n)
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
ngx_http_magasin_tag_id(const char *text)
{
    return text ? strtoll(text, NULL, 10) : 0;
}


void
ngx_http_magasin_tags_add(ngx_http_magasin_tags_t *tags,
    ngx_http_magasin_tag_e kind, int64_t first, int64_t second)
{
    ngx_http_magasin_tags_add_slot(tags,
                          ngx_http_magasin_tag_slot(kind, first, second));
}


void
ngx_http_magasin_tags_add_slot(ngx_http_magasin_tags_t *tags,
    ngx_uint_t slot)
{
    ngx_uint_t  i;

    for (i = 0; i < tags->n; i++) {
        if (tags->slots[i] == slot
            || tags->slots[i] == NGX_HTTP_MAGASIN_TAG_ALL)
        {
            return;
        }
    }

    if (slot == NGX_HTTP_MAGASIN_TAG_ALL
        || tags->n == NGX_HTTP_MAGASIN_TAG_WRITES)
    {
        tags->n = 1;
        tags->slots[0] = NGX_HTTP_MAGASIN_TAG_ALL;
        return;
    }

    tags->slots[tags->n++] = (uint16_t) slot;
}


/* A quantity of a product in a store, which may have any number. */

void
ngx_http_magasin_tags_stock(ngx_http_magasin_tags_t *tags,
    int64_t magasin, int64_t produit)
{
    ngx_http_magasin_tags_disponibilite(tags, produit);

    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_QUANTITE,
                                magasin, produit);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_STOCK,
                                magasin, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_RAPPORTS,
                                0, 0);
}


/* A quantity of a product in the central stock. */

void
ngx_http_magasin_tags_central(ngx_http_magasin_tags_t *tags,
    int64_t produit)
{
    ngx_http_magasin_tags_disponibilite(tags, produit);

    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_CENTRAL,
                                0, 0);
}


static void
ngx_http_magasin_tags_disponibilite(ngx_http_magasin_tags_t *tags,
    int64_t produit)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_DISPONIBILITE,
                                produit, 0);
}


/*
 * A product: what it shows; with `nom`, what others show of it; with
 * `presence`, that it is there at all.
 */

void
ngx_http_magasin_tags_produit(ngx_http_magasin_tags_t *tags,
    int64_t produit, ngx_uint_t nom, ngx_uint_t presence)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_PRODUIT,
                                produit, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_PRODUITS,
                                0, 0);

    if (nom) {
        ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_NOMS,
                                    0, 0);
        ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_RAPPORTS,
                                    0, 0);
    }

    if (presence) {
        ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_PRESENCE,
                                    produit, 0);
        ngx_http_magasin_tags_central(tags, produit);
    }
}


/* A sale and its lines; what they do to the stock comes beside. */

void
ngx_http_magasin_tags_vente(ngx_http_magasin_tags_t *tags,
    int64_t magasin, int64_t vente)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_VENTE,
                                vente, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_VENTES,
                                magasin, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_VENTES,
                                0, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_RAPPORTS,
                                0, 0);
}


void
ngx_http_magasin_tags_demande(ngx_http_magasin_tags_t *tags,
    int64_t demande)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_DEMANDE,
                                demande, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_DEMANDES,
                                0, 0);
}


void
ngx_http_magasin_tags_magasin(ngx_http_magasin_tags_t *tags,
    int64_t magasin)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_MAGASIN,
                                magasin, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_MAGASINS,
                                0, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_STOCK,
                                magasin, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_RAPPORTS,
                                0, 0);
}


/* All that is stored of these tags is invalid from here on. */

void
ngx_http_magasin_tags_raise(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_tags_t *tags)
{
    ngx_uint_t  i;

    for (i = 0; i < tags->n; i++) {
        (void) ngx_atomic_fetch_add(&shared->generations[tags->slots[i]], 1);
    }

    (void) ngx_atomic_fetch_add(&shared->counters.invalidations, tags->n);
}


/*
 * What stands for a tag of a transaction.  Another database, or another life
 * of it, gives the same numbers to other transactions: the epoch tells.
 */

static uint64_t
ngx_http_magasin_tag_mark(ngx_uint_t slot, uint64_t xid, ngx_uint_t epoch)
{
    uint64_t  hash;

    hash = ngx_http_magasin_tag_mix((uint64_t) epoch);

    return ngx_http_magasin_tag_mix(hash ^ ((xid << 16) | slot));
}


/*
 * Note what transaction `xid` has touched and what was raised for it, for the
 * poller to know when it finds it in the journal.  `epoch`: the one in which
 * it was heard of.  What does not find room is raised twice.
 */

void
ngx_http_magasin_tags_handled(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_tags_t *tags, uint64_t xid, ngx_uint_t epoch)
{
    uint64_t    mark;
    ngx_uint_t  i;

    for (i = 0; i < tags->n; i++) {
        mark = ngx_http_magasin_tag_mark(tags->slots[i], xid, epoch);
        shared->handled[mark % NGX_HTTP_MAGASIN_HANDLED] = mark;
    }
}


ngx_uint_t
ngx_http_magasin_tag_handled(ngx_http_magasin_cache_shared_t *shared,
    ngx_uint_t slot, uint64_t xid)
{
    uint64_t  mark;

    mark = ngx_http_magasin_tag_mark(slot, xid, shared->epoch);

    return shared->handled[mark % NGX_HTTP_MAGASIN_HANDLED] == mark;
}
