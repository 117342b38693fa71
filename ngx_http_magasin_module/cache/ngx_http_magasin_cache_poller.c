
/*
 * The poller of the journal.  One worker of a node polls.  It holds a lease in
 * shared memory, which another worker takes when it is not renewed.  Every
 * NGX_HTTP_MAGASIN_POLL_PERIOD it reads the rows of the journal that the
 * snapshot of the poll before did not see.  The changes of other nodes, and
 * those made by hand, are invalidated here and in Redis.  Changes that this
 * node has invalidated already, by its own writes or on a hint, are skipped.
 *
 * After a poll all changes are known up to the moment when it was sent.
 * Answers may be used for NGX_HTTP_MAGASIN_POLL_FRESH after that moment.  This
 * bounds how late an answer of this node may be, whatever happens to Redis; it
 * is less than a second.
 *
 * The poller has a connection to PostgreSQL of its own, so that it does not
 * queue behind requests.  It also listens to the hints of other nodes.
 */


#include "ngx_http_magasin_cache_poller_internal.h"
#include "ngx_http_magasin_log.h"

#include <ngx_md5.h>


/* If there are more new rows than this, everything is invalidated. */
#define NGX_HTTP_MAGASIN_POLL_ROWS     "5000"

/* Milliseconds after which a poll is cancelled. */
#define NGX_HTTP_MAGASIN_POLL_TIMEOUT  2000

/* Polls between two heartbeats on the channel. */
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


/*
 * The poller of this worker, which polls when it has the lease; in the memory
 * of `cycle`.  NULL: no memory.
 */

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

        /* After a reload the lease is taken from the worker that exits. */

        cache->shared->poller = ngx_pid;
        cache->shared->poller_until = ngx_http_magasin_now()
                                      + NGX_HTTP_MAGASIN_POLL_LEASE;
    }

    ngx_add_timer(&poller->timer, 1);

    return poller;
}


/* End it: another worker can take the lease at once. */

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

        /* The worker with the lease polls and listens. */

        ngx_http_magasin_poller_unsubscribe(poller);

        if (poller->pool && !poller->polling) {
            ngx_http_magasin_poller_disconnect(poller);
        }

        return;
    }

    /* The lease is renewed also while a poll is slow. */

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

    if (poller->pool && poller->before_life) {
        poller->before_life = 0;
        ngx_http_magasin_poller_disconnect(poller);
    }

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

    ngx_http_magasin_pg_wal_ask(poller->pool, &poller->asked);
    poller->started = ngx_http_magasin_now();
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

    /* If this worker was stopped for long, another one has the lease. */

    if (shared->poller != (ngx_atomic_uint_t) ngx_pid
        || ngx_http_magasin_poller_take(poller, result) != NGX_OK)
    {
        poller->polling = 0;
        return;
    }

    poller->failed = 0;

    ngx_http_magasin_poller_subscribe(poller);

    rc = NGX_OK;

    /* Without tags the message is a heartbeat. */

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


/*
 * Take the result of a poll into the poller.  NGX_OK, or NGX_ERROR: it is not
 * usable, and that is logged.
 */

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

    /* Before any generation is raised: see pg_wal.c. */

    poller->asked.started = poller->started;

    ngx_http_magasin_pg_wal_told(poller->pool, &poller->asked,
                                 poller->job.life,
                                 PQgetvalue(result, 0, POLL_WAL));

    poller->tags.n = 0;
    poller->debt = shared->debt;

    /*
     * A debt does not say which tags it is of, so that Redis invalidates all
     * answers.  This node needs no more: its writes have raised its
     * generations, and other nodes poll the journal themselves.
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
 * The node uses the Redis that this worker is connected to.  If it is another
 * one than before it may hold invalid answers, of changes that it was not told
 * of.  That is a debt: all its answers are invalidated first.
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
 * The first poll of a zone, or of another database, or of a database that was
 * restored or failed over and may have lost changes: all stored answers are
 * invalid.  From here on no answer is used until the poll ends.
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

    /* No read may join a flight to the database of before. */

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

    /* The pool logs a server that is away. */

    if (failure == NGX_HTTP_MAGASIN_PG_ERROR) {
        ngx_http_magasin_poller_complain(poller, result);
    }

    poller->polling = 0;
}


/* Log a failure once, until a poll succeeds.  result: may be NULL. */

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
 * Redis was told, or it is a debt: now raise the generations of this node.  The
 * snapshot is stored last.  If this worker dies before, the next poller finds
 * the same changes again.
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

    /* Who was connected before a standby was promoted knows of no life. */

    poller->before_life = (poller->job.life == 0 && *poller->cache->life);

    shared->polled_life = poller->job.life;
    ngx_memory_barrier();

    shared->fresh_until = poller->started + NGX_HTTP_MAGASIN_POLL_FRESH;

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, poller->cache->log, 0,
                   "magasin cache: poll %ui ends, %ui tags, debt paid %uA, "
                   "fresh until %uA",
                   poller->number, poller->tags.n, shared->debt_paid,
                   shared->fresh_until);
}


/* Store the snapshot for the next poll; `snapshot` makes it valid. */

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
