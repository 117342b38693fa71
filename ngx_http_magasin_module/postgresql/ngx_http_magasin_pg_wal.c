
/*
 * How far a replica must have replayed the log of the primary, for its answer
 * to show what this node has promised to show.
 *
 * The node keeps one place in the log, `need`, which is past the commit of each
 * change that it knows of.  Its poll of the journal tells where the log ends,
 * with a snapshot: all that was committed before the poll is before that place.
 * Between two polls the node learns of changes by its own writes, and by the
 * hints of other nodes.  Where the commit of such a change is, nobody has said.
 * So each is given a number, and the primary is asked for the end of its log
 * after that: the answer covers all numbers that were given before it was
 * asked.  While a number is not covered, no replica is asked.
 *
 * A change gets its number before its generations are raised and before its
 * client is answered.  A read looks at the numbers after it has captured its
 * generations.  So an answer that is stored under generations which know of a
 * change is of a server that has replayed the change; docs/cache.md has the
 * whole of it.
 *
 * A place is of a timeline.  When another standby becomes the primary, the log
 * goes on from another place, perhaps an earlier one: the first place of the
 * new timeline takes the place of any other.  Records of the log begin at
 * multiples of 8 bytes, so a place and 12 bits of its life, which are others
 * for another timeline, are one number, which is changed at once.
 */


#include "ngx_http_magasin_pg_internal.h"


/*
 * Milliseconds since the poll that `need` is of, after which no replica is
 * asked.  Who joins a flight of that read may do so half a second later, and
 * both are less than the second that is promised; it is also less than the 0.4
 * seconds after which no answer may be older than one before.
 */
#define NGX_HTTP_MAGASIN_PG_WAL_AGE  350


static uint64_t ngx_http_magasin_pg_wal_life(uint64_t life);
static ngx_int_t ngx_http_magasin_pg_wal_raise(
    ngx_http_magasin_pg_pool_t *pool, uint64_t life, uint64_t end);
static void ngx_http_magasin_pg_wal_later(ngx_atomic_t *word, uint64_t value);
static void ngx_http_magasin_pg_wal_end(ngx_http_magasin_pg_pool_t *pool);


const ngx_http_magasin_zone_section_t  ngx_http_magasin_pg_wal_section = {
    .version = 1,
    .size = sizeof(ngx_http_magasin_pg_wal_t)
};


/*
 * Something was committed, at a place in the log that is not known.  Call it
 * before generations are raised and before anybody is told.
 */

void
ngx_http_magasin_pg_wal_changed(ngx_http_magasin_pg_pool_t *pool)
{
    if (pool == NULL || pool->wal == NULL) {
        return;
    }

    /* Also without replicas: the next configuration may have some. */

    (void) ngx_atomic_fetch_add(&pool->wal->changes, 1);

    if (pool->replicas) {
        ngx_http_magasin_pg_wal_end(pool);
    }
}


/* The end of the log will be asked for: note what the answer covers. */

void
ngx_http_magasin_pg_wal_ask(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_asked_t *asked)
{
    asked->change = pool->wal ? pool->wal->changes : 0;
    asked->started = 0;

    ngx_memory_barrier();
}


/*
 * The primary has told the end of its log, on a connection of `life`.
 * asked->started: all that was committed before is before that.
 */

void
ngx_http_magasin_pg_wal_told(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_asked_t *asked, uint64_t life, const char *end)
{
    if (pool->wal == NULL) {
        return;
    }

    if (ngx_http_magasin_pg_wal_raise(pool, life, strtoull(end, NULL, 10))
        != NGX_OK)
    {
        /* Generations are raised all the same, and nobody knows what for. */

        (void) ngx_atomic_fetch_add(&pool->wal->changes, 1);
        return;
    }

    ngx_memory_barrier();

    ngx_http_magasin_pg_wal_later(&pool->wal->covered, asked->change);
    ngx_http_magasin_pg_wal_later(&pool->wal->polled, asked->started);
}


/*
 * The bits of a life that are kept with a place.  Its upper half is the
 * identifier of the system: a dump that was restored has its timeline again.
 */

static uint64_t
ngx_http_magasin_pg_wal_life(uint64_t life)
{
    return (life ^ life >> 32) << NGX_HTTP_MAGASIN_PG_WAL_BITS;
}


/*
 * Raise `need` to a place of the present life.  NGX_OK, or NGX_DECLINED: the
 * place is of another life, or of one that is not known.
 */

static ngx_int_t
ngx_http_magasin_pg_wal_raise(ngx_http_magasin_pg_pool_t *pool, uint64_t life,
    uint64_t end)
{
    uint64_t  known, place;

    place = ngx_http_magasin_pg_wal_life(life)
            | ((end >> 3) & NGX_HTTP_MAGASIN_PG_WAL_PLACE);

    for ( ;; ) {
        known = pool->wal->need;

        ngx_memory_barrier();

        if (life == 0 || life != ngx_http_magasin_pg_life_of(pool)) {
            return NGX_DECLINED;
        }

        if ((known >> NGX_HTTP_MAGASIN_PG_WAL_BITS
             == place >> NGX_HTTP_MAGASIN_PG_WAL_BITS && known >= place)
            || ngx_atomic_cmp_set(&pool->wal->need, known, place))
        {
            return NGX_OK;
        }
    }
}


/* Set a word of shared memory to `value` if that is more. */

static void
ngx_http_magasin_pg_wal_later(ngx_atomic_t *word, uint64_t value)
{
    ngx_atomic_uint_t  known;

    do {
        known = *word;
    } while (known < value && !ngx_atomic_cmp_set(word, known, value));
}


/*
 * Set *need to what a replica must have replayed to answer a read that begins
 * now, in units of 8 bytes.  NGX_OK, or NGX_DECLINED: it is not known.
 */

ngx_int_t
ngx_http_magasin_pg_wal_need(ngx_http_magasin_pg_pool_t *pool, uint64_t *need)
{
    uint64_t                    life, place, changes;
    ngx_http_magasin_pg_wal_t  *wal;

    wal = pool->wal;

    changes = wal->changes;

    ngx_memory_barrier();

    if (wal->covered < changes
        || ngx_http_magasin_now() - wal->polled > NGX_HTTP_MAGASIN_PG_WAL_AGE)
    {
        return NGX_DECLINED;
    }

    ngx_memory_barrier();

    place = wal->need;
    life = ngx_http_magasin_pg_life_of(pool);

    if (life == 0
        || ngx_http_magasin_pg_wal_life(life)
           != (place & ~NGX_HTTP_MAGASIN_PG_WAL_PLACE))
    {
        return NGX_DECLINED;
    }

    *need = place & NGX_HTTP_MAGASIN_PG_WAL_PLACE;

    return NGX_OK;
}


/*
 * Returns 1 if a replica that has replayed so much shows all that was committed
 * before *since, which is set unless `since` is NULL; else 0.
 */

ngx_uint_t
ngx_http_magasin_pg_wal_past(ngx_http_magasin_pg_pool_t *pool,
    uint64_t replayed, uint64_t *since)
{
    if (since) {
        *since = pool->wal->polled;
        ngx_memory_barrier();
    }

    return replayed >= (pool->wal->need & NGX_HTTP_MAGASIN_PG_WAL_PLACE);
}


/* Ask for the end of the log; once more if it is being asked already. */

static void
ngx_http_magasin_pg_wal_end(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_http_magasin_pg_replicas_t  *replicas;

    replicas = pool->replicas;

    if (replicas->end.pool) {
        replicas->again = 1;
        return;
    }

    replicas->again = 0;

    ngx_http_magasin_pg_wal_ask(pool, &replicas->asked);

    /* If it cannot be sent, the next poll covers the change. */

    (void) ngx_http_magasin_pg_submit(pool, &replicas->end);
}


void
ngx_http_magasin_pg_wal_end_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    ngx_http_magasin_pg_replicas_t  *replicas;

    replicas = job->data;

    ngx_http_magasin_pg_wal_told(replicas->primary, &replicas->asked,
                                 job->life, PQgetvalue(result, 0, 0));

    if (replicas->again) {
        ngx_http_magasin_pg_wal_end(replicas->primary);
    }
}


void
ngx_http_magasin_pg_wal_end_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: the end of the log is not known, %d", failure);
}
