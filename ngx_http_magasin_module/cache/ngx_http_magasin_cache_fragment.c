
/*
 * Fragments: texts that are parts of a larger answer, each with a key and tags
 * of its own.  A write makes one of them new, and the answer is joined from the
 * others as they are.  They are in level 1 alone.
 *
 * A fragment is used where an answer of level 1 would be: the journal is polled
 * up to date, and its generations are current.  An answer that has one may lack
 * a write of another node that this node has not heard of yet.  So it is not
 * stored in Redis, whose generations may include that write already, and it is
 * no answer for requests that ask for one newer than themselves.
 */


#include "ngx_http_magasin_cache_internal.h"
#include "ngx_http_magasin_cache_entry_internal.h"
#include "ngx_http_magasin_text.h"


struct ngx_http_magasin_cache_fragment_s {
    ngx_http_magasin_cache_read_t  *cr;
    ngx_http_magasin_question_t     question;
};


/*
 * A fragment of the answer to a read; _fragment_tag() completes it.  The key is
 * not copied: it has to live as long as the read.  NULL: no memory.
 */

ngx_http_magasin_cache_fragment_t *
ngx_http_magasin_cache_fragment_create(ngx_http_magasin_cache_read_t *cr,
    ngx_str_t *key)
{
    ngx_http_magasin_cache_fragment_t  *fragment;

    fragment = ngx_pcalloc(cr->pool,
                           sizeof(ngx_http_magasin_cache_fragment_t));
    if (fragment == NULL) {
        return NULL;
    }

    fragment->cr = cr;
    fragment->question.key = *key;
    fragment->question.hash = (ngx_uint_t) ngx_http_magasin_text_hash(0, key);
    fragment->question.slots[0] = NGX_HTTP_MAGASIN_TAG_ALL;
    fragment->question.nslots = 1;

    return fragment;
}


/* Add a tag that the fragment depends on, as ..._read_tag() does. */

void
ngx_http_magasin_cache_fragment_tag(
    ngx_http_magasin_cache_fragment_t *fragment, ngx_http_magasin_tag_e kind,
    int64_t first, int64_t second)
{
    ngx_http_magasin_question_t  *question;

    question = &fragment->question;

    question->slots[question->nslots++] =
        ngx_http_magasin_tag_slot(kind, first, second);
}


/*
 * Look for a fragment.  Its generations are captured here, so this has to be
 * called before the statement that would fetch it is sent.  It takes the zone's
 * lock.
 *
 * NGX_OK: `text` is in the pool of the read; valid_for: milliseconds that it
 * remains valid, or 0: until a write.  NGX_DECLINED: there is none.  NGX_ERROR:
 * no memory.
 */

ngx_int_t
ngx_http_magasin_cache_fragment_find(
    ngx_http_magasin_cache_fragment_t *fragment, ngx_str_t *text,
    ngx_msec_t *valid_for)
{
    uint64_t                        until;
    ngx_int_t                       rc;
    ngx_uint_t                      fresh;
    ngx_http_magasin_cache_t       *cache;
    ngx_http_magasin_answer_t       answer;
    ngx_http_magasin_question_t    *question;
    ngx_http_magasin_cache_read_t  *cr;

    cr = fragment->cr;
    cache = cr->cache;
    question = &fragment->question;

    fresh = ngx_http_magasin_cache_fresh(cache);

    ngx_http_magasin_store_capture(&cache->store, question);

    if (cr->fetch
        || !(cr->conf->levels & NGX_HTTP_MAGASIN_CACHE_L1)
        || !fresh)
    {
        return NGX_DECLINED;
    }

    ngx_http_magasin_cache_want(cr, &answer);
    answer.head = 0;
    answer.gzip = 0;

    rc = ngx_http_magasin_store_peek(&cache->store, question, cr->pool,
                                     &answer);

    if (rc != NGX_OK) {
        return rc == NGX_BUSY ? NGX_DECLINED : rc;
    }

    if (answer.body.data == NULL || answer.links.len != sizeof(uint64_t)) {

        /* It is too long for a fragment. */

        ngx_http_magasin_pin_release(&cache->store, &answer.reader);
        return NGX_DECLINED;
    }

    ngx_memcpy(&until, answer.links.data, sizeof(uint64_t));

    *valid_for = until ? (ngx_msec_t) (until - question->captured) : 0;
    *text = answer.body;

    cr->joined = 1;

    return NGX_OK;
}


/*
 * Store a fragment that a statement has brought, sent after _fragment_find().
 * valid_for: milliseconds from then that it is valid at most; 0: as configured.
 * It takes the zone's lock.
 */

void
ngx_http_magasin_cache_fragment_store(
    ngx_http_magasin_cache_fragment_t *fragment, ngx_str_t *text,
    ngx_msec_t valid_for)
{
    uint64_t                        until;
    ngx_buf_t                       b;
    ngx_chain_t                     cl;
    ngx_http_magasin_answer_t       answer;
    ngx_http_magasin_question_t    *question;
    ngx_http_magasin_cache_read_t  *cr;

    cr = fragment->cr;
    question = &fragment->question;

    if (cr->past
        || !(cr->conf->levels & NGX_HTTP_MAGASIN_CACHE_L1)
        || text->len > NGX_HTTP_MAGASIN_PIN_SHORT)
    {
        return;
    }

    until = valid_for ? question->captured + valid_for : 0;

    ngx_memzero(&answer, sizeof(ngx_http_magasin_answer_t));
    ngx_memzero(&b, sizeof(ngx_buf_t));

    b.pos = text->data;
    b.last = text->data + text->len;

    cl.buf = &b;
    cl.next = NULL;

    /* The place of the links holds the time: a fragment has no links. */

    answer.links.data = (u_char *) &until;
    answer.links.len = sizeof(uint64_t);
    answer.chain = &cl;
    answer.size = text->len;

    ngx_http_magasin_cache_life(cr, question, &answer, valid_for);

    ngx_http_magasin_store_fill(&cr->cache->store, question, &answer);
}
