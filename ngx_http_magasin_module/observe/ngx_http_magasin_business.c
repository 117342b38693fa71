
/*
 * The business numbers in /metrics and /status, which come from the database.
 * A request for them gets the stored numbers immediately.  If these are older
 * than the interval and no worker of this node has a query in flight, the
 * request also starts a query, for later requests.
 *
 * The query reads some rows for each store.  To limit the load on PostgreSQL
 * where there are many, the pause after a query is a hundred times the duration
 * of the query, but at most five minutes.
 */


#include "ngx_http_magasin_observe.h"
#include "ngx_http_magasin_log.h"


/*
 * The pause between queries: a multiple of the duration of a query, and its
 * maximum in milliseconds.
 */
#define NGX_HTTP_MAGASIN_BUSINESS_SHARE  100
#define NGX_HTTP_MAGASIN_BUSINESS_PAUSE  300000

/*
 * The time after which a worker with a query in flight is considered dead, in
 * milliseconds.
 */
#define NGX_HTTP_MAGASIN_BUSINESS_LEASE  60000


/* Columns of sql/statements/metrics.sql. */
typedef enum {
    BUSINESS_ID = 0,
    BUSINESS_RUPTURES,
    BUSINESS_SURSTOCK,
    BUSINESS_AUTRES,
    BUSINESS_UNITES,
    BUSINESS_CHIFFRE_AFFAIRES,
    BUSINESS_EN_ATTENTE,
    BUSINESS_PARTIES,
    BUSINESS_RETOURS,
    BUSINESS_UNITES_RENDUES,
    BUSINESS_REMBOURSEMENTS,
    BUSINESS_NOM
} ngx_http_magasin_business_column_e;


struct ngx_http_magasin_business_s {
    ngx_http_magasin_metrics_shared_t  *shared;
    ngx_http_magasin_metrics_conf_t    *conf;
    ngx_http_magasin_pg_pool_t         *pool;
    ngx_http_magasin_pg_job_t           job;
    uint64_t                            asked;     /* microseconds */
    u_char                              stores[NGX_INT_T_LEN + 1];
    unsigned                            failed:1;  /* and it was logged */
};


static void ngx_http_magasin_business_ask(
    ngx_http_magasin_business_t *business);
static void ngx_http_magasin_business_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result);
static void ngx_http_magasin_business_totals(
    ngx_http_magasin_metrics_business_t *next, PGresult *result, int row);
static void ngx_http_magasin_business_store(
    ngx_http_magasin_metrics_business_t *next, PGresult *result, int row);
static void ngx_http_magasin_business_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result);
static void ngx_http_magasin_business_pause(
    ngx_http_magasin_business_t *business);
static int64_t ngx_http_magasin_business_number(PGresult *result, int row,
    ngx_http_magasin_business_column_e column);


/*
 * Create the state of this worker.  `shared`, `pool` and `conf` must live as
 * long as the worker.
 *
 * Returns NULL if no memory is left.
 */

ngx_http_magasin_business_t *
ngx_http_magasin_business_create(ngx_cycle_t *cycle,
    ngx_http_magasin_metrics_shared_t *shared,
    ngx_http_magasin_pg_pool_t *pool, ngx_http_magasin_metrics_conf_t *conf)
{
    ngx_http_magasin_pg_job_t    *job;
    ngx_http_magasin_business_t  *business;

    business = ngx_pcalloc(cycle->pool, sizeof(ngx_http_magasin_business_t));
    if (business == NULL) {
        return NULL;
    }

    business->shared = shared;
    business->conf = conf;
    business->pool = pool;

    (void) ngx_sprintf(business->stores, "%ui%Z", conf->stores);

    job = &business->job;

    job->statement = NGX_HTTP_MAGASIN_SQL_METRICS;
    job->class = NGX_HTTP_MAGASIN_PG_HEAVY;
    job->nvalues = 1;
    job->values[0] = (char *) business->stores;
    job->ready = ngx_http_magasin_business_ready;
    job->failed = ngx_http_magasin_business_failed;
    job->data = business;
    job->log = cycle->log;

    return business;
}


/*
 * Cancel the query in flight.  Call it at the exit of the worker, before its
 * pool of connections is destroyed.
 */

void
ngx_http_magasin_business_destroy(ngx_http_magasin_business_t *business)
{
    if (business->job.pool) {
        ngx_http_magasin_pg_cancel(&business->job);

        business->shared->asking_until = 0;
    }
}


/*
 * Start a query if one is due, and copy the last answer of the database to
 * `pool`.  The `time` of the copy is 0 if there is no answer yet.
 *
 * Returns NULL if no memory is left.
 */

ngx_http_magasin_metrics_business_t *
ngx_http_magasin_business_get(ngx_http_magasin_metrics_t *metrics,
    ngx_pool_t *pool)
{
    size_t                                size;
    ngx_uint_t                            generation;
    ngx_http_magasin_metrics_shared_t    *shared;
    ngx_http_magasin_metrics_business_t  *copy, *current;

    shared = metrics->shared;

    if (metrics->business) {
        ngx_http_magasin_business_ask(metrics->business);
    }

    for ( ;; ) {
        generation = shared->generation;
        ngx_memory_barrier();

        current = &shared->business[generation & 1];

        size = offsetof(ngx_http_magasin_metrics_business_t, records)
               + ngx_min(current->size, NGX_HTTP_MAGASIN_METRICS_RECORDS);

        copy = ngx_palloc(pool, size);
        if (copy == NULL) {
            return NULL;
        }

        ngx_memcpy(copy, current, size);

        ngx_memory_barrier();

        /*
         * The copy is consistent: this buffer is written again only after the
         * next change of the generation.
         */

        if (shared->generation == generation) {
            return copy;
        }
    }
}


/*
 * Take the record at `p`, which is business->records or what this returned, of
 * business->nstores records.  `name` is empty if there was no room for it.
 */

u_char *
ngx_http_magasin_business_next(u_char *p,
    ngx_http_magasin_metrics_store_t *store, ngx_str_t *name)
{
    uint16_t  len;

    ngx_memcpy(store, p, sizeof(ngx_http_magasin_metrics_store_t));
    p += sizeof(ngx_http_magasin_metrics_store_t);

    ngx_memcpy(&len, p, sizeof(len));
    p += sizeof(len);

    name->len = len;
    name->data = p;

    return p + len;
}


/*
 * Submit the query, if it is due and no other worker has one in flight.
 * Winning the compare-and-set on asking_until is the right to write the next
 * buffer, until the lease expires.
 */

static void
ngx_http_magasin_business_ask(ngx_http_magasin_business_t *business)
{
    uint64_t           now;
    ngx_atomic_uint_t  until;

    if (business->job.pool || ngx_exiting) {
        return;
    }

    business->asked = ngx_http_magasin_clock();

    now = business->asked / 1000;
    until = business->shared->asking_until;

    if (now < until
        || !ngx_atomic_cmp_set(&business->shared->asking_until, until,
                               now + NGX_HTTP_MAGASIN_BUSINESS_LEASE))
    {
        return;
    }

    if (ngx_http_magasin_pg_submit(business->pool, &business->job) != NGX_OK) {
        ngx_http_magasin_count(business->shared->business_failures);
        ngx_http_magasin_business_pause(business);
    }
}


static void
ngx_http_magasin_business_ready(ngx_http_magasin_pg_job_t *job,
    PGresult *result)
{
    int                                   row;
    ngx_http_magasin_business_t          *business;
    ngx_http_magasin_metrics_business_t  *next;

    business = job->data;
    business->failed = 0;

    next = &business->shared->business[(business->shared->generation + 1) & 1];
    next->nstores = 0;
    next->size = 0;

    for (row = 0; row < PQntuples(result); row++) {

        if (PQgetisnull(result, row, BUSINESS_ID)) {
            ngx_http_magasin_business_totals(next, result, row);

        } else if (next->nstores < NGX_HTTP_MAGASIN_METRICS_STORES) {
            ngx_http_magasin_business_store(next, result, row);
        }
    }

    next->time = ngx_time();
    next->took = ngx_http_magasin_clock() - business->asked;

    ngx_memory_barrier();
    ngx_http_magasin_count(business->shared->generation);

    ngx_http_magasin_business_pause(business);
}


/* Take the row that is of no store. */

static void
ngx_http_magasin_business_totals(ngx_http_magasin_metrics_business_t *next,
    PGresult *result, int row)
{
    next->others = ngx_http_magasin_business_number(result, row,
                                                    BUSINESS_AUTRES);
    next->ruptures = ngx_http_magasin_business_number(result, row,
                                                      BUSINESS_RUPTURES);
    next->surstock = ngx_http_magasin_business_number(result, row,
                                                      BUSINESS_SURSTOCK);
    next->unites = ngx_http_magasin_business_number(result, row,
                                                    BUSINESS_UNITES);
    next->en_attente = ngx_http_magasin_business_number(result, row,
                                                        BUSINESS_EN_ATTENTE);
    next->parties = ngx_http_magasin_business_number(result, row,
                                                     BUSINESS_PARTIES);

    (void) ngx_cpystrn((u_char *) next->chiffre_affaires,
                       (u_char *) PQgetvalue(result, row,
                                             BUSINESS_CHIFFRE_AFFAIRES),
                       NGX_HTTP_MAGASIN_METRICS_DECIMAL);

    next->retours = ngx_http_magasin_business_number(result, row,
                                                     BUSINESS_RETOURS);
    next->rendues = ngx_http_magasin_business_number(result, row,
                                                     BUSINESS_UNITES_RENDUES);

    (void) ngx_cpystrn((u_char *) next->remboursements,
                       (u_char *) PQgetvalue(result, row,
                                             BUSINESS_REMBOURSEMENTS),
                       NGX_HTTP_MAGASIN_METRICS_DECIMAL);
}


/*
 * Take the row of a store.  Its name is left out if it finds no room besides
 * the records of the stores that follow.
 */

static void
ngx_http_magasin_business_store(ngx_http_magasin_metrics_business_t *next,
    PGresult *result, int row)
{
    size_t                             left, rows, size;
    u_char                            *p;
    uint16_t                           len;
    ngx_http_magasin_metrics_store_t   store;

    store.id = ngx_http_magasin_business_number(result, row, BUSINESS_ID);
    store.ruptures = ngx_http_magasin_business_number(result, row,
                                                      BUSINESS_RUPTURES);
    store.surstock = ngx_http_magasin_business_number(result, row,
                                                      BUSINESS_SURSTOCK);

    /* There is one row more than stores. */

    rows = ngx_min(PQntuples(result), NGX_HTTP_MAGASIN_METRICS_STORES);
    left = NGX_HTTP_MAGASIN_METRICS_RECORDS - next->size
           - (rows - next->nstores) * NGX_HTTP_MAGASIN_METRICS_RECORD;

    size = (size_t) PQgetlength(result, row, BUSINESS_NOM);

    /* The table of stores has no names of more bytes. */

    len = size <= left && size <= 0xffff ? (uint16_t) size : 0;

    p = &next->records[next->size];
    p = ngx_cpymem(p, &store, sizeof(store));
    p = ngx_cpymem(p, &len, sizeof(len));
    p = ngx_cpymem(p, PQgetvalue(result, row, BUSINESS_NOM), len);

    next->size = p - next->records;
    next->nstores++;
}


/*
 * The pool logs that the server is not available.  Only an error that the
 * server reports is logged here, once until the next success.
 */

static void
ngx_http_magasin_business_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    u_char                        text[NGX_HTTP_MAGASIN_LOG_TEXT];
    ngx_http_magasin_business_t  *business;

    business = job->data;

    if (failure == NGX_HTTP_MAGASIN_PG_ERROR && !business->failed) {
        business->failed = 1;

        ngx_log_error(NGX_LOG_WARN, job->log, 0,
                      "magasin: no numbers of the business for the metrics: "
                      "SQLSTATE %s: %s", ngx_http_magasin_sqlstate(result),
                      ngx_http_magasin_log_text(text, sizeof(text),
                                  ngx_http_magasin_sqlstate_message(result)));
    }

    ngx_http_magasin_count(business->shared->business_failures);
    ngx_http_magasin_business_pause(business);
}


/*
 * Set the time before which no worker of this node sends the query again.  It
 * also ends the lease of this worker.
 */

static void
ngx_http_magasin_business_pause(ngx_http_magasin_business_t *business)
{
    uint64_t  now, pause;

    now = ngx_http_magasin_clock();

    pause = (now - business->asked) / 1000 * NGX_HTTP_MAGASIN_BUSINESS_SHARE;
    pause = ngx_min(pause, NGX_HTTP_MAGASIN_BUSINESS_PAUSE);
    pause = ngx_max(pause, business->conf->interval);

    business->shared->asking_until = now / 1000 + pause;
}


static int64_t
ngx_http_magasin_business_number(PGresult *result, int row,
    ngx_http_magasin_business_column_e column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}
