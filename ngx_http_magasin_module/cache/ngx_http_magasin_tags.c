
/*
 * Tags: their slots, what a change invalidates, and which changes this node
 * has invalidated already.
 */


#include "ngx_http_magasin_cache_shared_internal.h"


static uint64_t ngx_http_magasin_tag_mix(uint64_t n);
static uint64_t ngx_http_magasin_tag_mark(ngx_uint_t slot, uint64_t xid,
    ngx_uint_t epoch);
static void ngx_http_magasin_tags_add(ngx_http_magasin_tags_t *tags,
    ngx_http_magasin_tag_e kind, int64_t first, int64_t second);
static void ngx_http_magasin_tags_disponibilite(
    ngx_http_magasin_tags_t *tags, int64_t produit);


/*
 * The slot of a tag, from 1 to NGX_HTTP_MAGASIN_GENERATIONS - 1.  `first` and
 * `second` are its ids; an id that the tag does not have is 0.  Any number is
 * a valid id.
 */

uint16_t
ngx_http_magasin_tag_slot(ngx_http_magasin_tag_e kind, int64_t first,
    int64_t second)
{
    uint64_t  hash;

    hash = ngx_http_magasin_tag_mix((uint64_t) kind);
    hash = ngx_http_magasin_tag_mix(hash ^ (uint64_t) first);
    hash = ngx_http_magasin_tag_mix(hash ^ (uint64_t) second);

    /* Slot 0 is NGX_HTTP_MAGASIN_TAG_ALL. */

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


/* An id from the text of PostgreSQL or of the path.  NULL gives 0. */

int64_t
ngx_http_magasin_tag_id(const char *text)
{
    int64_t      n;
    const char  *p;

    if (text == NULL) {
        return 0;
    }

    /* Most ids are short, and the hot path has one or two of them. */

    n = 0;

    for (p = text; *p >= '0' && *p <= '9' && p < text + 18; p++) {
        n = n * 10 + (*p - '0');
    }

    return *p == '\0' ? n : strtoll(text, NULL, 10);
}


/* Add the slot of one tag. */

static void
ngx_http_magasin_tags_add(ngx_http_magasin_tags_t *tags,
    ngx_http_magasin_tag_e kind, int64_t first, int64_t second)
{
    ngx_http_magasin_tags_add_slot(tags,
                              ngx_http_magasin_tag_slot(kind, first, second));
}


/*
 * Add one slot, unless it is there already.  When there is no room for it,
 * NGX_HTTP_MAGASIN_TAG_ALL replaces all slots.
 */

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


/*
 * What a change invalidates: the functions from here to _change() are the one
 * place that says it.  A write of the API calls the function of its change, the
 * poller calls _change() for a row of the journal.
 */


/*
 * One change of the journal.  A kind that is not known invalidates everything,
 * so that a journal row of a newer version is safe.
 */

void
ngx_http_magasin_tags_change(ngx_http_magasin_tags_t *tags,
    ngx_http_magasin_change_t *change)
{
    switch (change->kind) {

    case NGX_HTTP_MAGASIN_CHANGE_STOCK:
        if (change->central) {
            ngx_http_magasin_tags_central(tags, change->produit);

        } else {
            ngx_http_magasin_tags_stock(tags, change->magasin,
                                        change->produit);
        }

        return;

    case NGX_HTTP_MAGASIN_CHANGE_PRODUIT:
        ngx_http_magasin_tags_produit(tags, change->produit, change->nom,
                                      change->presence);
        return;

    case NGX_HTTP_MAGASIN_CHANGE_CREATION:

        /* Another product may have the name, and answers show both as one. */

        ngx_http_magasin_tags_produit(tags, change->produit, 1, 0);
        return;

    case NGX_HTTP_MAGASIN_CHANGE_MAGASIN:
        ngx_http_magasin_tags_magasin(tags, change->magasin);
        return;

    case NGX_HTTP_MAGASIN_CHANGE_SEUIL:
        ngx_http_magasin_tags_seuils(tags, change->magasin);
        return;

    case NGX_HTTP_MAGASIN_CHANGE_DEMANDE:
        ngx_http_magasin_tags_demande(tags, change->objet);
        return;

    case NGX_HTTP_MAGASIN_CHANGE_VENTE:
        ngx_http_magasin_tags_vente(tags, change->magasin, change->objet);
        return;

    case NGX_HTTP_MAGASIN_CHANGE_RECEPTION:
        ngx_http_magasin_tags_reception(tags, change->objet);
        return;

    case NGX_HTTP_MAGASIN_CHANGE_TRANSFERT:
        ngx_http_magasin_tags_transfert(tags, change->objet);
        return;

    case NGX_HTTP_MAGASIN_CHANGE_RETENUE:
        ngx_http_magasin_tags_reservation(tags, change->objet);

        /* The row of a claim, whose products have rows of their own. */

        if (change->produit) {
            ngx_http_magasin_tags_retenue(tags, change->magasin,
                                          change->produit);
        }

        return;

    case NGX_HTTP_MAGASIN_CHANGE_COMPTAGE:
        ngx_http_magasin_tags_comptage(tags, change->objet);
        return;

    default:
        ngx_http_magasin_tags_add_slot(tags, NGX_HTTP_MAGASIN_TAG_ALL);
    }
}


/* The quantity of a product in a store. */

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


/*
 * What is held of a product in a store: its quantity stays.  Reports do not
 * show what is held.
 */

void
ngx_http_magasin_tags_retenue(ngx_http_magasin_tags_t *tags,
    int64_t magasin, int64_t produit)
{
    ngx_http_magasin_tags_disponibilite(tags, produit);

    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_QUANTITE,
                              magasin, produit);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_STOCK,
                              magasin, 0);
}


/* The quantity of a product in the central stock. */

void
ngx_http_magasin_tags_central(ngx_http_magasin_tags_t *tags,
    int64_t produit)
{
    ngx_http_magasin_tags_disponibilite(tags, produit);

    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_CENTRAL,
                              0, 0);
}


/* Any quantity of a product: who has it. */

static void
ngx_http_magasin_tags_disponibilite(ngx_http_magasin_tags_t *tags,
    int64_t produit)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_DISPONIBILITE,
                              produit, 0);
}


/*
 * The members of a product.  nom: its name has changed, which other resources
 * show.  presence: it was archived or deleted; its name is gone as well, so
 * the caller sets `nom`, too.
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


/*
 * A sale and its lines.  The stock that it moves is a change of its own: the
 * caller adds _stock() for each product.
 */

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


/* A replenishment request. */

void
ngx_http_magasin_tags_demande(ngx_http_magasin_tags_t *tags,
    int64_t demande)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_DEMANDE,
                              demande, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_DEMANDES,
                              0, 0);
}


/* The thresholds of a store. */

void
ngx_http_magasin_tags_seuils(ngx_http_magasin_tags_t *tags,
    int64_t magasin)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_SEUILS,
                              magasin, 0);
}


/* A receipt.  The stock that it moves is a change of its own, as of a sale. */

void
ngx_http_magasin_tags_reception(ngx_http_magasin_tags_t *tags,
    int64_t reception)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_RECEPTION,
                              reception, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_RECEPTIONS,
                              0, 0);
}


/* A transfer, likewise. */

void
ngx_http_magasin_tags_transfert(ngx_http_magasin_tags_t *tags,
    int64_t transfert)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_TRANSFERT,
                              transfert, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_TRANSFERTS,
                              0, 0);
}


/* A reservation.  What it holds is a change of its own. */

void
ngx_http_magasin_tags_reservation(ngx_http_magasin_tags_t *tags,
    int64_t reservation)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_RESERVATION,
                              reservation, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_RESERVATIONS,
                              0, 0);
}


/* A stock-take, likewise. */

void
ngx_http_magasin_tags_comptage(ngx_http_magasin_tags_t *tags,
    int64_t comptage)
{
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_COMPTAGE,
                              comptage, 0);
    ngx_http_magasin_tags_add(tags, NGX_HTTP_MAGASIN_TAG_COMPTAGES,
                              0, 0);
}


/* The members of a store. */

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


/* Raise the generations of these tags: all answers with them are invalid. */

void
ngx_http_magasin_tags_raise(ngx_http_magasin_cache_shared_t *shared,
    ngx_http_magasin_tags_t *tags)
{
    ngx_uint_t  i, slot;

    for (i = 0; i < tags->n; i++) {
        slot = tags->slots[i];

        shared->absent[slot / NGX_HTTP_MAGASIN_ABSENT_BITS]
            |= (ngx_atomic_uint_t) 1 << slot % NGX_HTTP_MAGASIN_ABSENT_BITS;

        (void) ngx_atomic_fetch_add(&shared->generations[slot], 1);
    }

    (void) ngx_atomic_fetch_add(&shared->counters.invalidations, tags->n);
}


/*
 * Note that Redis has generations of these tags.  Workers may overwrite each
 * other's bits.
 */

void
ngx_http_magasin_tags_present(ngx_http_magasin_cache_shared_t *shared,
    uint16_t *slots, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        shared->absent[slots[i] / NGX_HTTP_MAGASIN_ABSENT_BITS]
            &= ~((ngx_atomic_uint_t) 1
                 << slots[i] % NGX_HTTP_MAGASIN_ABSENT_BITS);
    }
}


/* Has Redis probably no generation of one of these tags?  1 or 0. */

ngx_uint_t
ngx_http_magasin_tags_absent(ngx_http_magasin_cache_shared_t *shared,
    uint16_t *slots, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (shared->absent[slots[i] / NGX_HTTP_MAGASIN_ABSENT_BITS]
            >> slots[i] % NGX_HTTP_MAGASIN_ABSENT_BITS & 1)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * A digest of a slot and a transaction.  Another database, or another life of
 * it, gives the same numbers to other transactions: the epoch tells them apart.
 */

static uint64_t
ngx_http_magasin_tag_mark(ngx_uint_t slot, uint64_t xid, ngx_uint_t epoch)
{
    uint64_t  hash;

    hash = ngx_http_magasin_tag_mix((uint64_t) epoch);

    return ngx_http_magasin_tag_mix(hash ^ ((xid << 16) | slot));
}


/*
 * Note that the tags of transaction `xid` were raised, so that the poller does
 * not raise them again when it reads the journal.  epoch: that of the moment
 * when the change was reported.  A note may be overwritten by another one;
 * then the tag is raised twice, which costs a miss.
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


/* Was this tag of transaction `xid` raised already?  1 or 0. */

ngx_uint_t
ngx_http_magasin_tag_handled(ngx_http_magasin_cache_shared_t *shared,
    ngx_uint_t slot, uint64_t xid)
{
    uint64_t  mark;

    mark = ngx_http_magasin_tag_mark(slot, xid, shared->epoch);

    return shared->handled[mark % NGX_HTTP_MAGASIN_HANDLED] == mark;
}
