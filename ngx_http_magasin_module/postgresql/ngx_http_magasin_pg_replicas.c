
/*
 * Reads that a replica may answer: which replica is asked, and whether its
 * answer is used.
 *
 * A replica has a pool of its own.  Each batch of reads, and each long read,
 * begins with replica.sql, which tells how far the server has replayed the log
 * and which life of the database it shows.  What follows in the batch shows at
 * least that.  An answer is used only if the server had replayed what the node
 * needed when the read was submitted (pg_wal.c), of the life that the node is
 * of.  Otherwise, and whenever anything fails, the primary answers: the read is
 * submitted anew to its pool.
 *
 * A replica that was behind is asked again when a probe finds that it is not;
 * one where something timed out, when a probe is answered.  So a replica that
 * lags costs few reads a second round trip, and one that hangs few reads
 * NGX_HTTP_MAGASIN_PG_REPLICA_TIME.
 *
 * While there is no primary, a read that may be stale is answered by a replica
 * that has lately shown all that was known then, however far it is now.
 */


#include "ngx_http_magasin_pg_internal.h"


static ngx_int_t ngx_http_magasin_pg_replicas_submit(
    ngx_http_magasin_pg_replicas_t *replicas, ngx_http_magasin_pg_job_t *job);
static ngx_http_magasin_pg_replica_t *ngx_http_magasin_pg_replicas_choose(
    ngx_http_magasin_pg_replicas_t *replicas, ngx_uint_t *reason);
static ngx_int_t ngx_http_magasin_pg_replicas_primary(
    ngx_http_magasin_pg_replicas_t *replicas, ngx_http_magasin_pg_job_t *job);
static ngx_int_t ngx_http_magasin_pg_replicas_old(
    ngx_http_magasin_pg_replicas_t *replicas, ngx_http_magasin_pg_job_t *job);
static void ngx_http_magasin_pg_replicas_back(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_refused_e reason);
static void ngx_http_magasin_pg_replicas_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static void ngx_http_magasin_pg_replicas_failed(
    ngx_http_magasin_pg_job_t *job, ngx_http_magasin_pg_failure_e failure,
    PGresult *result);
static void ngx_http_magasin_pg_replicas_late(
    ngx_http_magasin_pg_replica_t *replica);
static void ngx_http_magasin_pg_replicas_old_ready(
    ngx_http_magasin_pg_job_t *job, PGresult *result);
static void ngx_http_magasin_pg_replicas_old_failed(
    ngx_http_magasin_pg_job_t *job, ngx_http_magasin_pg_failure_e failure,
    PGresult *result);
static void ngx_http_magasin_pg_replicas_primary_failed(
    ngx_http_magasin_pg_job_t *job, ngx_http_magasin_pg_failure_e failure,
    PGresult *result);
static void ngx_http_magasin_pg_replicas_restore(
    ngx_http_magasin_pg_job_t *job);


/*
 * Create the pools of the replicas of this worker, if there are any and there
 * is a zone.  NGX_OK or NGX_ERROR (memory).
 */

ngx_int_t
ngx_http_magasin_pg_replicas_create(ngx_cycle_t *cycle,
    ngx_http_magasin_pg_pool_t *primary,
    ngx_http_magasin_pg_replicas_conf_t *rcf)
{
    ngx_uint_t                       i;
    ngx_http_magasin_pg_replica_t   *replica;
    ngx_http_magasin_pg_replicas_t  *replicas;

    if (rcf->conninfos == NULL || primary->wal == NULL) {
        return NGX_OK;
    }

    replicas = ngx_pcalloc(cycle->pool,
                           sizeof(ngx_http_magasin_pg_replicas_t));
    if (replicas == NULL) {
        return NGX_ERROR;
    }

    replicas->primary = primary;
    replicas->wal = primary->wal;
    replicas->stale = rcf->stale;
    replicas->turn = ngx_worker;

    ngx_http_magasin_pg_own(&replicas->end, NGX_HTTP_MAGASIN_SQL_WAL,
                            ngx_http_magasin_pg_wal_end_ready,
                            ngx_http_magasin_pg_wal_end_failed, replicas,
                            cycle->log);

    for (i = 0; i < rcf->conninfos->nelts; i++) {
        replica = &replicas->replica[i];

        replica->replicas = replicas;
        replica->shared = &primary->wal->replicas[i];
        replica->pool = ngx_http_magasin_pg_create(cycle, &rcf->confs[i]);

        if (replica->pool == NULL) {
            return NGX_ERROR;
        }

        ngx_http_magasin_pg_replica_watch(replica);

        replicas->n++;
    }

    primary->replicas = replicas;

    return NGX_OK;
}


/* The worker exits: close the connections.  No callback is called. */

void
ngx_http_magasin_pg_replicas_destroy(ngx_http_magasin_pg_replicas_t *replicas)
{
    ngx_uint_t                      i;
    ngx_http_magasin_pg_replica_t  *replica;

    ngx_http_magasin_pg_cancel(&replicas->end);

    for (i = 0; i < replicas->n; i++) {
        replica = &replicas->replica[i];

        if (replica->timer.timer_set) {
            ngx_del_timer(&replica->timer);
        }

        ngx_http_magasin_pg_cancel(&replica->probe);
        ngx_http_magasin_pg_destroy(replica->pool);
    }
}


/*
 * Submit a read to a replica, if job->elsewhere allows it and one will do, else
 * to the pool, which is that of the primary.  The caller sets job->elsewhere,
 * job->stale_for, ready and failed each time.
 *
 * Returns the codes of ngx_http_magasin_pg_submit().  When ready() is called,
 * job->replica is the replica that has answered, or NULL; job->age is not 0 if
 * there is no primary and the answer may be as old as that.
 */

ngx_int_t
ngx_http_magasin_pg_submit_read(ngx_http_magasin_pg_pool_t *pool,
    ngx_http_magasin_pg_job_t *job)
{
    ngx_http_magasin_pg_replicas_t  *replicas;

    replicas = pool->replicas;

    job->replica = NULL;
    job->age = 0;

    if (replicas == NULL || !job->elsewhere) {
        return ngx_http_magasin_pg_submit(pool, job);
    }

    job->replicas = replicas;
    job->owner_ready = job->ready;
    job->owner_failed = job->failed;

    if (ngx_http_magasin_pg_replicas_submit(replicas, job) == NGX_OK) {
        return NGX_OK;
    }

    return ngx_http_magasin_pg_replicas_primary(replicas, job);
}


/* Submit a read to a replica.  NGX_OK, or NGX_DECLINED: none will do. */

static ngx_int_t
ngx_http_magasin_pg_replicas_submit(ngx_http_magasin_pg_replicas_t *replicas,
    ngx_http_magasin_pg_job_t *job)
{
    ngx_int_t                       rc;
    ngx_uint_t                      reason;
    ngx_http_magasin_pg_replica_t  *replica;

    /*
     * What has begun with the primary may have shown what a replica does not
     * show yet; so may a piece of another replica.
     */

    if (job->stays) {
        return NGX_DECLINED;
    }

    if (ngx_http_magasin_pg_wal_need(replicas->primary, &job->need) != NGX_OK)
    {
        ngx_http_magasin_count(
                 replicas->wal->refused[NGX_HTTP_MAGASIN_PG_REFUSED_UNKNOWN]);
        return NGX_DECLINED;
    }

    job->need = ngx_max(job->need, job->seen);

    replica = ngx_http_magasin_pg_replicas_choose(replicas, &reason);

    if (replica) {
        job->replica = replica;
        job->ready = ngx_http_magasin_pg_replicas_ready;
        job->failed = ngx_http_magasin_pg_replicas_failed;

        rc = ngx_http_magasin_pg_submit(replica->pool, job);

        if (rc == NGX_OK) {
            return NGX_OK;
        }

        reason = (rc == NGX_BUSY) ? NGX_HTTP_MAGASIN_PG_REFUSED_BUSY
                                  : NGX_HTTP_MAGASIN_PG_REFUSED_AWAY;
        job->replica = NULL;
    }

    ngx_http_magasin_count(replicas->wal->refused[reason]);

    return NGX_DECLINED;
}


/* The next replica in turn that may be asked; NULL: none, for *reason. */

static ngx_http_magasin_pg_replica_t *
ngx_http_magasin_pg_replicas_choose(ngx_http_magasin_pg_replicas_t *replicas,
    ngx_uint_t *reason)
{
    ngx_uint_t                      i;
    ngx_http_magasin_pg_replica_t  *replica;

    *reason = NGX_HTTP_MAGASIN_PG_REFUSED_AWAY;

    for (i = 0; i < replicas->n; i++) {
        replica = &replicas->replica[++replicas->turn % replicas->n];

        if (replica->pool->ready == 0 || replica->silent) {
            continue;
        }

        if (replica->behind) {
            *reason = NGX_HTTP_MAGASIN_PG_REFUSED_BEHIND;
            continue;
        }

        return replica;
    }

    return NULL;
}


/*
 * Submit a read to the primary.  Where the answer may be stale, a replica
 * answers if there is no primary.  Returns the codes of
 * ngx_http_magasin_pg_submit().
 */

static ngx_int_t
ngx_http_magasin_pg_replicas_primary(ngx_http_magasin_pg_replicas_t *replicas,
    ngx_http_magasin_pg_job_t *job)
{
    ngx_int_t  rc;

    ngx_http_magasin_pg_replicas_restore(job);

    job->replica = NULL;
    job->stays = 1;

    if (job->stale_for) {
        job->failed = ngx_http_magasin_pg_replicas_primary_failed;
    }

    rc = ngx_http_magasin_pg_submit(replicas->primary, job);

    if (rc == NGX_OK) {
        ngx_http_magasin_count(replicas->wal->answers);
        return NGX_OK;
    }

    if (rc == NGX_DECLINED
        && ngx_http_magasin_pg_replicas_old(replicas, job) == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_http_magasin_pg_replicas_restore(job);

    return rc;
}


/*
 * There is no primary: submit a read to the replica that was up to date last,
 * if that is not too long ago.  NGX_OK, or NGX_DECLINED.
 */

static ngx_int_t
ngx_http_magasin_pg_replicas_old(ngx_http_magasin_pg_replicas_t *replicas,
    ngx_http_magasin_pg_job_t *job)
{
    uint64_t                        since;
    ngx_uint_t                      i;
    ngx_http_magasin_pg_replica_t  *replica, *best;

    if (job->stale_for == 0) {
        return NGX_DECLINED;
    }

    best = NULL;
    since = ngx_http_magasin_now() - job->stale_for;

    for (i = 0; i < replicas->n; i++) {
        replica = &replicas->replica[i];

        if (replica->pool->ready && !replica->silent
            && replica->as_of >= since)
        {
            best = replica;
            since = replica->as_of;
        }
    }

    if (best == NULL) {
        return NGX_DECLINED;
    }

    job->replica = best;
    job->ready = ngx_http_magasin_pg_replicas_old_ready;
    job->failed = ngx_http_magasin_pg_replicas_old_failed;

    return ngx_http_magasin_pg_submit(best->pool, job) == NGX_OK
           ? NGX_OK : NGX_DECLINED;
}


/* A replica has not answered a read: the primary does. */

static void
ngx_http_magasin_pg_replicas_back(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_refused_e reason)
{
    ngx_int_t                        rc;
    ngx_http_magasin_pg_failure_e    failure;
    ngx_http_magasin_pg_replicas_t  *replicas;

    replicas = job->replicas;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, job->log, 0,
                   "magasin pg: read of statement %d to the primary, %d",
                   job->statement, reason);

    ngx_http_magasin_count(replicas->wal->refused[reason]);

    rc = ngx_http_magasin_pg_replicas_primary(replicas, job);

    if (rc != NGX_OK) {
        failure = (rc == NGX_BUSY) ? NGX_HTTP_MAGASIN_PG_LOCKED
                                   : NGX_HTTP_MAGASIN_PG_UNAVAILABLE;
        job->failed(job, failure, NULL);
    }
}


/* A replica has answered: is its answer new enough? */

static void
ngx_http_magasin_pg_replicas_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    ngx_http_magasin_pg_replica_t  *replica;

    replica = job->replica;

    ngx_http_magasin_pg_replica_note(replica, job);

    if (job->life == 0
        || job->life != ngx_http_magasin_pg_life_of(replica->pool))
    {
        ngx_http_magasin_pg_replica_behind(replica);
        ngx_http_magasin_pg_replicas_back(job,
                                          NGX_HTTP_MAGASIN_PG_REFUSED_LIFE);
        return;
    }

    if (job->replayed < job->need) {
        ngx_http_magasin_pg_replica_behind(replica);
        ngx_http_magasin_pg_replicas_back(job,
                                          NGX_HTTP_MAGASIN_PG_REFUSED_BEHIND);
        return;
    }

    job->seen = job->replayed;

    ngx_http_magasin_count(replica->shared->answers);

    ngx_http_magasin_pg_replicas_restore(job);
    job->ready(job, result);
}


static void
ngx_http_magasin_pg_replicas_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    ngx_http_magasin_pg_refused_e  reason;

    switch (failure) {

    case NGX_HTTP_MAGASIN_PG_UNAVAILABLE:
        reason = NGX_HTTP_MAGASIN_PG_REFUSED_AWAY;
        break;

    case NGX_HTTP_MAGASIN_PG_TIMEOUT:
        reason = NGX_HTTP_MAGASIN_PG_REFUSED_TIMEOUT;
        ngx_http_magasin_pg_replicas_late(job->replica);
        break;

    default:

        /* As of a conflict with what it replays: the primary has none. */

        reason = NGX_HTTP_MAGASIN_PG_REFUSED_ERROR;
        break;
    }

    ngx_http_magasin_pg_replicas_back(job, reason);
}


/*
 * A read of a replica has timed out.  It may have waited behind others: what
 * answers those is there.
 */

static void
ngx_http_magasin_pg_replicas_late(ngx_http_magasin_pg_replica_t *replica)
{
    if (ngx_current_msec - replica->pool->heard
        >= NGX_HTTP_MAGASIN_PG_REPLICA_TIME)
    {
        ngx_http_magasin_pg_replica_silent(replica);
    }
}


/* There is no primary, and a replica has answered. */

static void
ngx_http_magasin_pg_replicas_old_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    uint64_t                        age, as_of;
    ngx_http_magasin_pg_replica_t  *replica;

    replica = job->replica;

    ngx_http_magasin_pg_replica_note(replica, job);
    ngx_http_magasin_pg_replicas_restore(job);

    /*
     * Other connections to this replica may have seen it up to date.  A name
     * may have several servers: this one has to have come as far.
     */

    as_of = job->as_of;

    if (job->replayed >= replica->as_of_place) {
        as_of = ngx_max(as_of, replica->as_of);
    }

    age = ngx_http_magasin_now() - as_of;

    if (job->life == 0
        || job->life != ngx_http_magasin_pg_life_of(replica->pool)
        || age > job->stale_for)
    {
        job->failed(job, NGX_HTTP_MAGASIN_PG_UNAVAILABLE, NULL);
        return;
    }

    job->age = ngx_max(age, 1);

    ngx_http_magasin_count(replica->replicas->wal->stale);

    job->ready(job, result);
}


static void
ngx_http_magasin_pg_replicas_old_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    if (failure == NGX_HTTP_MAGASIN_PG_TIMEOUT) {
        ngx_http_magasin_pg_replicas_late(job->replica);
    }

    ngx_http_magasin_pg_replicas_restore(job);
    job->failed(job, NGX_HTTP_MAGASIN_PG_UNAVAILABLE, NULL);
}


/* The primary went away with a read that may be stale. */

static void
ngx_http_magasin_pg_replicas_primary_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    if (failure == NGX_HTTP_MAGASIN_PG_UNAVAILABLE
        && ngx_http_magasin_pg_replicas_old(job->replicas, job) == NGX_OK)
    {
        return;
    }

    ngx_http_magasin_pg_replicas_restore(job);
    job->failed(job, failure, result);
}


static void
ngx_http_magasin_pg_replicas_restore(ngx_http_magasin_pg_job_t *job)
{
    job->ready = job->owner_ready;
    job->failed = job->owner_failed;
}
