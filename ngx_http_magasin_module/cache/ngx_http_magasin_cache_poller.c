
/*
 * One worker of a node polls: it holds a lease in shared memory, which another
 * one takes when it is not renewed.  Every NGX_HTTP_MAGASIN_POLL_PERIOD it
 * reads what the journal shows that the snapshot of the poll before did not:
 * changes of other nodes, or made by hand, are raised here, and in Redis.
 * What this node has raised already, by itself or on a hint of Redis, is
 * passed over.
 *
 * Then everything is known up to the moment when the poll was sent: for
 * NGX_HTTP_MAGASIN_POLL_FRESH after it answers may be used, and not longer.
 * That is the bound of what another node's answers may be late, whatever
 * happens to Redis; it is less than a second.
 *
 * The poller has a connection to PostgreSQL of its own, so that no request is
 * in front of it, and listens to the hints of other nodes.
 */


#include "ngx_http_magasin_cache_poller_internal.h"
#include "ngx_http_magasin_log.h"

#include <ngx_md5.h>


/* More new rows in the journal than this, and everything has changed. */
#define NGX_HTTP_MAGASIN_POLL_ROWS     "5000"

/* Milliseconds: a poll that takes longer is given up. */
#define NGX_HTTP_MAGASIN_POLL_TIMEOUT  2000

/* Polls between two signs of life on the channel. */
#define NGX_HTTP_MAGASIN_POLL_BEAT     4


static void ngx_http_magasin_poller_tick(ngx_event_t *ev);
static void ngx_http_magasin_poller_start(ngx_http_magasin_poller_t *poller);
static void ngx_http_magasin_poller_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static ngx_int_t ngx_http_magasin_poller_take(
    ngx_http_magasin_poller_t *poller, PGresult *result);
static void ngx_http_magasin_poller_redis(ngx_http_magasin_poller_t *poller);
static void ngx_http_magasin_poller_anew(ngx_http_magasin_poller_t *poller,
    u_char *identity);
static void ngx_http_magasin_poller_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result);
static void ngx_http_magasin_poller_complain(
    ngx_http_magasin_poller_t *poller, PGresult *result);
static void ngx_http_magasin_poller_told(void *data, ngx_int_t rc);
static void ngx_http_magasin_poller_end(ngx_http_magasin_poller_t *poller,
    ngx_int_t rc);
static void ngx_http_magasin_poller_keep(ngx_http_magasin_poller_t *poller,
    u_char *identity);


/* The poller of this worker, which works when it has the lease. */

ngx_http_magasin_poller_t *
ngx_http_magasin_poller_create(ngx_cycle_t *cycle,
    ngx_http_magasin_cache_t *cache)
{
    ngx_http_magasin_pg_job_t  *job;
    ngx_http_magasin_poller_t  *poller;

    poller = ngx_pcalloc(cycle->pool, sizeof(ngx_http_magasin_poller_t));
    if (poller == NULL) {
        return NULL;
    }

    poller->cache = cache;
    poller->cycle = cycle;

    poller->conf = *cache->pg_conf;
    poller->conf.connections = 1;
    poller->conf.quiet = 1;
    poller->conf.timeout = NGX_HTTP_MAGASIN_POLL_TIMEOUT;

    poller->timer.handler = ngx_http_magasin_poller_tick;
    poller->timer.data = poller;
    poller->timer.log = cycle->log;
    poller->timer.cancelable = 1;

    job = &poller->job;

    job->statement = NGX_HTTP_MAGASIN_SQL_CACHE_POLL;
    job->class = NGX_HTTP_MAGASIN_PG_READ;
    job->nvalues = 2;
    job->ready = ngx_http_magasin_poller_ready;
    job->failed = ngx_http_magasin_poller_failed;
    job->data = poller;
    job->log = cycle->log;

    if (ngx_worker == 0) {

        /* Of a new configuration: the worker of the old one is leaving. */

        cache->shared->poller = ngx_pid;
        cache->shared->poller_until = ngx_http_magasin_cache_now()
                                      + NGX_HTTP_MAGASIN_POLL_LEASE;
    }

    ngx_add_timer(&poller->timer, 1);

    return poller;
}


/* For the exit of the worker: another one may go on at once. */

void
ngx_http_magasin_poller_destroy(ngx_http_magasin_poller_t *poller)
{
    (void) ngx_atomic_cmp_set(&poller->cache->shared->poller, ngx_pid, 0);

    if (poller->timer.timer_set) {
        ngx_del_timer(&poller->timer);
    }

    if (poller->telling) {
        ngx_http_magasin_cache_redis_untell(&poller->tell);
        poller->telling = 0;
    }

    poller->polling = 0;

    if (poller->pool) {
        ngx_http_magasin_pg_cancel(&poller->job);
        ngx_http_magasin_poller_disconnect(poller);
    }

    ngx_http_magasin_poller_unsubscribe(poller);
}


static void
ngx_http_magasin_poller_tick(ngx_event_t *ev)
{
    ngx_http_magasin_poller_t  *poller;

    poller = ev->data;

    if (ngx_exiting) {
        ngx_http_magasin_poller_destroy(poller);
        return;
    }

    ngx_add_timer(&poller->timer, NGX_HTTP_MAGASIN_POLL_PERIOD);

    if (!ngx_http_magasin_poller_lease(poller)) {

        if (poller->pool) {
            ngx_log_debug1(NGX_LOG_DEBUG_HTTP, poller->cache->log, 0,
                           "magasin cache: lease lost to %uA",
                           poller->cache->shared->poller);
        }

        /* Whoever has it listens and polls, and one is enough. */

        ngx_http_magasin_poller_unsubscribe(poller);

        if (poller->pool && !poller->polling) {
            ngx_http_magasin_poller_disconnect(poller);
        }

        return;
    }

    /* A poll may be slow; the lease is for those who are alive. */

    if (!poller->polling) {
        ngx_http_magasin_poller_start(poller);
    }
}


static void
ngx_http_magasin_poller_start(ngx_http_magasin_poller_t *poller)
{
    ngx_uint_t                        snapshot;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = poller->cache->shared;

    if (poller->pool == NULL
        && ngx_http_magasin_poller_connect(poller) != NGX_OK)
    {
        return;
    }

    snapshot = shared->snapshot;

    poller->job.values[0] = NULL;
    poller->job.values[1] = NGX_HTTP_MAGASIN_POLL_ROWS;

    if (snapshot && shared->database == poller->cache->database) {
        ngx_memcpy(poller->before, shared->snapshots[snapshot & 1],
                   NGX_HTTP_MAGASIN_SNAPSHOT);
        poller->job.values[0] = (char *) poller->before;
    }

    poller->started = ngx_http_magasin_cache_now();
    poller->number++;
    poller->polling = 1;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, poller->cache->log, 0,
                   "magasin cache: poll %ui sent, snapshot %d",
                   poller->number, poller->job.values[0] != NULL);

    if (ngx_http_magasin_pg_submit(poller->pool, &poller->job) != NGX_OK) {
        ngx_http_magasin_poller_failed(&poller->job,
                                       NGX_HTTP_MAGASIN_PG_UNAVAILABLE, NULL);
    }
}


static void
ngx_http_magasin_poller_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    ngx_int_t                         rc;
    ngx_http_magasin_poller_t        *poller;
    ngx_http_magasin_cache_shared_t  *shared;

    poller = job->data;
    shared = poller->cache->shared;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, poller->cache->log, 0,
                   "magasin cache: poll %ui has %d rows",
                   poller->number, PQntuples(result));

    ngx_http_magasin_count(shared->counters.polls);

    /* A worker that was stopped for long: somebody else has gone on. */

    if (shared->poller != (ngx_atomic_uint_t) ngx_pid
        || ngx_http_magasin_poller_take(poller, result) != NGX_OK)
    {
        poller->polling = 0;
        return;
    }

    poller->failed = 0;

    ngx_http_magasin_poller_subscribe(poller);

    rc = NGX_OK;

    /* Without tags it is a sign of life, for those who listen. */

    if (poller->tags.n || poller->paying
        || poller->number % NGX_HTTP_MAGASIN_POLL_BEAT == 0)
    {

        ngx_memzero(&poller->tell, sizeof(ngx_http_magasin_cache_tell_t));

        poller->tell.told = ngx_http_magasin_poller_told;
        poller->tell.data = poller;
        poller->tell.cache = poller->cache;
        poller->tell.tags = &poller->tags;
        poller->tell.all = poller->paying;

        rc = ngx_http_magasin_cache_redis_tell(&poller->tell);

        if (rc == NGX_AGAIN) {
            poller->telling = 1;
            return;
        }
    }

    ngx_http_magasin_poller_end(poller, rc);
}


/* What the poll says, into the poller: the result goes. */

static ngx_int_t
ngx_http_magasin_poller_take(ngx_http_magasin_poller_t *poller,
    PGresult *result)
{
    char                             *text;
    u_char                            identity[NGX_HTTP_MAGASIN_IDENTITY];
    ngx_md5_t                         md5;
    ngx_uint_t                        snapshot;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = poller->cache->shared;
    snapshot = shared->snapshot;

    if (PQntuples(result) == 0 || PQgetisnull(result, 0, POLL_IDENTITY)) {
        ngx_http_magasin_poller_complain(poller, NULL);
        return NGX_ERROR;
    }

    text = PQgetvalue(result, 0, POLL_SNAPSHOT);
    poller->snapshot_len = ngx_strlen(text);

    if (poller->snapshot_len >= NGX_HTTP_MAGASIN_SNAPSHOT) {
        ngx_http_magasin_poller_complain(poller, NULL);
        return NGX_ERROR;
    }

    ngx_memcpy(poller->after, text, poller->snapshot_len + 1);

    text = PQgetvalue(result, 0, POLL_IDENTITY);

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, text, ngx_strlen(text));
    ngx_md5_final(identity, &md5);

    ngx_http_magasin_poller_redis(poller);

    poller->tags.n = 0;
    poller->debt = shared->debt;

    /*
     * What Redis was not told is not known any more.  It is Redis's alone:
     * the writes have raised the generations of this node, and other nodes
     * find them by polls of their own.
     */

    poller->paying = (poller->debt != shared->debt_paid);

    poller->anew = (poller->job.values[0] == NULL
                    || snapshot == 0
                    || shared->database != poller->cache->database
                    || ngx_memcmp(identity, shared->identities[snapshot & 1],
                                  NGX_HTTP_MAGASIN_IDENTITY)
                       != 0);

    if (poller->anew) {
        ngx_http_magasin_poller_anew(poller, identity);
        return NGX_OK;
    }

    ngx_http_magasin_poller_changes(poller, result);

    return NGX_OK;
}


/*
 * The node uses the Redis of this worker.  When that is another one than
 * before it may hold answers from an earlier time, or from the time of others,
 * of which it was not told: they go first.
 */

static void
ngx_http_magasin_poller_redis(ngx_http_magasin_poller_t *poller)
{
    ngx_uint_t                        redis;
    ngx_http_magasin_cache_shared_t  *shared;

    if (poller->cache->redis == NULL) {
        return;
    }

    shared = poller->cache->shared;
    redis = ngx_http_magasin_cache_redis_id(poller->cache->redis);

    if (redis && redis != shared->redis) {
        ngx_log_debug2(NGX_LOG_DEBUG_HTTP, poller->cache->log, 0,
                       "magasin cache: redis %xi takes the place of %xA",
                       redis, shared->redis);

        (void) ngx_atomic_fetch_add(&shared->debt, 1);
        ngx_memory_barrier();

        shared->redis = redis;
    }
}


/*
 * The first poll of a zone, or another database, or another life of it, which
 * may have lost what was there: nothing that is stored is to be used.  Nobody
 * uses it from here on; the end of the poll lets them again.
 */

static void
ngx_http_magasin_poller_anew(ngx_http_magasin_poller_t *poller,
    u_char *identity)
{
    ngx_http_magasin_cache_shared_t  *shared;

    shared = poller->cache->shared;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, poller->cache->log, 0,
                   "magasin cache: anew, epoch %uA", shared->epoch);

    shared->fresh_until = 0;
    shared->database = poller->cache->database;
    ngx_memory_barrier();

    /* Nor is anybody to join flights to the database of before. */

    (void) ngx_atomic_fetch_add(&shared->epoch, 1);

    ngx_http_magasin_poller_keep(poller, identity);

    ngx_http_magasin_tags_add_slot(&poller->tags,
                                     NGX_HTTP_MAGASIN_TAG_ALL);
}


static void
ngx_http_magasin_poller_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    ngx_http_magasin_poller_t  *poller;

    poller = job->data;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, poller->cache->log, 0,
                   "magasin cache: poll %ui failed, %d",
                   poller->number, (int) failure);

    ngx_http_magasin_count(poller->cache->shared->counters.poll_failures);

    /* The pool tells of a server that is away. */

    if (failure == NGX_HTTP_MAGASIN_PG_ERROR) {
        ngx_http_magasin_poller_complain(poller, result);
    }

    poller->polling = 0;
}


/* Once, until a poll has succeeded. */

static void
ngx_http_magasin_poller_complain(ngx_http_magasin_poller_t *poller,
    PGresult *result)
{
    char        *message;
    u_char       text[NGX_HTTP_MAGASIN_LOG_TEXT];
    const char  *sqlstate;

    if (poller->failed) {
        return;
    }

    poller->failed = 1;

    sqlstate = result ? ngx_http_magasin_sqlstate(result) : NULL;
    message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    ngx_log_error(NGX_LOG_ERR, poller->cache->log, 0,
                  "magasin: changes in the journal cannot be followed, and "
                  "nothing is answered from the cache: %s%s%s",
                  sqlstate ? sqlstate : "", sqlstate ? ": " : "",
                  message ? ngx_http_magasin_log_text(text, sizeof(text),
                                                      message)
                          : "no such snapshot is known");
}


static void
ngx_http_magasin_poller_told(void *data, ngx_int_t rc)
{
    ngx_http_magasin_poller_t  *poller;

    poller = data;
    poller->telling = 0;

    ngx_http_magasin_poller_end(poller, rc);
}


/*
 * Redis knows, or it is a debt: now this node.  The snapshot is kept last, so
 * that what was found is found again by whoever goes on after a death here.
 */

static void
ngx_http_magasin_poller_end(ngx_http_magasin_poller_t *poller, ngx_int_t rc)
{
    ngx_http_magasin_cache_shared_t  *shared;

    shared = poller->cache->shared;
    poller->polling = 0;

    if (shared->poller != (ngx_atomic_uint_t) ngx_pid) {
        return;
    }

    if (poller->anew) {
        (void) ngx_atomic_fetch_add(&shared->epoch, 1);

    } else {
        ngx_http_magasin_tags_raise(shared, &poller->tags);

        ngx_http_magasin_poller_keep(poller,
                             shared->identities[shared->snapshot & 1]);
    }

    if (rc == NGX_OK && poller->paying) {
        shared->debt_paid = poller->debt;
    }

    ngx_memory_barrier();

    shared->fresh_until = poller->started + NGX_HTTP_MAGASIN_POLL_FRESH;

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, poller->cache->log, 0,
                   "magasin cache: poll %ui ends, %ui tags, debt paid %uA, "
                   "fresh until %uA",
                   poller->number, poller->tags.n, shared->debt_paid,
                   shared->fresh_until);
}


/* The next poll goes on from here: first the words, then that they count. */

static void
ngx_http_magasin_poller_keep(ngx_http_magasin_poller_t *poller,
    u_char *identity)
{
    ngx_uint_t                        next;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = poller->cache->shared;
    next = shared->snapshot + 1;

    ngx_memcpy(shared->identities[next & 1], identity,
               NGX_HTTP_MAGASIN_IDENTITY);
    ngx_memcpy(shared->snapshots[next & 1], poller->after,
               poller->snapshot_len + 1);
    ngx_memory_barrier();

    shared->snapshot = next;
}
