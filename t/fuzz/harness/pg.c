
/*
 * A PostgreSQL that says anything, to a pool of two connections: a long read
 * is given no last one.  Its greetings and its answers to what is prepared are
 * right; then jobs are sent, and the input is what comes back on the first
 * connection that owes something.  What the pool hands out is rendered by the
 * endpoint that has asked for it, and sent as far as its links.
 *
 * Writes that may share a run do.
 *
 * The first byte: 1, the greeting is the input's, too; 2, a callback cancels
 * the other jobs; 4, all of it is destroyed while answers are owed, else the
 * server closes.  The next three choose the endpoints, the fifth is how many
 * bytes are sent at once (0: all).
 */


#include "../fuzz.h"
#include "ngx_http_magasin_pg_internal.h"
#include "ngx_http_magasin_writes_internal.h"


#define FUZZ_JOBS   3

#define FUZZ_CONNECTIONS  2

/* Bytes before those of the server. */
#define FUZZ_HEAD   (1 + FUZZ_JOBS + 1)

/* Turns of the event loop in which nothing is sent any more. */
#define FUZZ_QUIET  4

/* Pieces of one answer. */
#define FUZZ_PIECES 3


typedef struct {
    ngx_uint_t   method;
    const char  *path;
} fuzz_question_t;


typedef struct fuzz_pg_s  fuzz_pg_t;

/* NULL: its callback came, or it was cancelled. */
typedef struct {
    fuzz_pg_t               *pg;
    ngx_http_magasin_ctx_t  *ctx;
    ngx_uint_t               pieces;
} fuzz_job_t;


struct fuzz_pg_s {
    ngx_http_magasin_pg_pool_t  *pool;
    int                          fds[FUZZ_CONNECTIONS];
    ngx_uint_t                   cancels;
    fuzz_job_t                   jobs[FUZZ_JOBS];
};


static void fuzz_pg_open(fuzz_pg_t *pg, ngx_pool_t *pool,
    ngx_http_magasin_pg_conf_t *pcf);
static void fuzz_pg_greet(fuzz_pg_t *pg);
static void fuzz_pg_say(int fd, const void *data, size_t size);
static void fuzz_pg_serve(fuzz_pg_t *pg, u_char *data, size_t size,
    size_t piece);
static int fuzz_pg_busy(fuzz_pg_t *pg);
static void fuzz_pg_check(fuzz_pg_t *pg);
static void fuzz_pg_ask(fuzz_pg_t *pg, ngx_pool_t *pool, ngx_uint_t n,
    const fuzz_question_t *question);
static void fuzz_pg_ready(ngx_http_magasin_pg_job_t *job, PGresult *result);
static void fuzz_pg_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result);
static void fuzz_pg_send(ngx_http_magasin_ctx_t *ctx, PGresult *result);
static void fuzz_pg_over(fuzz_job_t *job);
static void fuzz_pg_forget(fuzz_job_t *job);


static const fuzz_question_t  fuzz_questions[] = {
    { NGX_HTTP_GET, "/api/v1/products/" },
    { NGX_HTTP_GET, "/api/v1/products/1/" },
    { NGX_HTTP_GET, "/api/v1/products/1/availability/" },
    { NGX_HTTP_GET, "/api/v1/stores/" },
    { NGX_HTTP_GET, "/api/v1/stores/1/" },
    { NGX_HTTP_GET, "/api/v1/stores/1/stock/" },
    { NGX_HTTP_GET, "/api/v1/stores/1/stock/list/" },
    { NGX_HTTP_GET, "/api/v1/stores/1/stock/2/" },
    { NGX_HTTP_GET, "/api/v1/stock/central/" },
    { NGX_HTTP_GET, "/api/v1/sales/" },
    { NGX_HTTP_GET, "/api/v1/sales/1/" },
    { NGX_HTTP_GET, "/api/v1/replenishments/" },
    { NGX_HTTP_GET, "/api/v1/journal/" },
    { NGX_HTTP_GET, "/api/v1/reports/" },
    { NGX_HTTP_GET, "/api/v1/dashboard/" },
    { NGX_HTTP_GET, "/readyz" },
    { NGX_HTTP_POST, "/api/v1/products/" },
    { NGX_HTTP_POST, "/api/v1/sales/" },
    { NGX_HTTP_POST, "/api/v1/replenishments/1/approve/" },
    { NGX_HTTP_PATCH, "/api/v1/products/1/" },
    { NGX_HTTP_DELETE, "/api/v1/products/1/" }
};

#define FUZZ_QUESTIONS  (sizeof(fuzz_questions) / sizeof(fuzz_question_t))


/* AuthenticationOk, ReadyForQuery. */

static u_char  fuzz_pg_hello[] = "R\0\0\0\10\0\0\0\0" "Z\0\0\0\5I";

/* Of the settings: bound, a row of five columns, complete. */

#define FUZZ_PG_BOOL                                                          \
    "c\0\0\0\0\0\0\0\0\0\0\20\377\377\377\377\377\377\0\0"
#define FUZZ_PG_INT4                                                          \
    "c\0\0\0\0\0\0\0\0\0\0\27\377\377\377\377\377\377\0\0"

static u_char  fuzz_pg_settings[] =
    "2\0\0\0\4" "T\0\0\0\152\0\5"
    FUZZ_PG_BOOL FUZZ_PG_INT4 FUZZ_PG_BOOL FUZZ_PG_BOOL FUZZ_PG_BOOL
    "D\0\0\0\36\0\5" "\0\0\0\1" "f" "\0\0\0\1" "1" "\377\377\377\377"
    "\0\0\0\1" "f" "\0\0\0\1" "f" "C\0\0\0\15SELECT 1\0";

static u_char  fuzz_pg_sync[] = "Z\0\0\0\5I";

static u_char  fuzz_pg_parsed[] = "1\0\0\0\4";

/* The role may not ask which life of the database this is. */
static u_char  fuzz_pg_lifeless[] =
    "1\0\0\0\4" "E\0\0\0\27SERROR\0C42501\0Mno\0\0" "Z\0\0\0\5I";


void
fuzz_pg(ngx_pool_t *pool, u_char *data, size_t size)
{
    ngx_uint_t                  i;
    fuzz_pg_t                   pg;
    ngx_http_magasin_pg_conf_t  pcf;

    static int                  listener = -1;

    if (size < FUZZ_HEAD) {
        return;
    }

    if (listener == -1) {
        listener = fuzz_listen(".s.PGSQL.5432");
    }

    ngx_memzero(&pg, sizeof(fuzz_pg_t));
    ngx_memzero(&pcf, sizeof(ngx_http_magasin_pg_conf_t));

    pg.cancels = data[0] & 2;

    fuzz_pg_open(&pg, pool, &pcf);

    fuzz_accept(listener, pg.fds, FUZZ_CONNECTIONS);

    if (!(data[0] & 1)) {
        fuzz_pg_greet(&pg);
    }

    for (i = 0; i < FUZZ_JOBS; i++) {
        if (data[1 + i] < 0x80) {
            fuzz_pg_ask(&pg, pool, i,
                        &fuzz_questions[data[1 + i] % FUZZ_QUESTIONS]);
        }
    }

    fuzz_pg_serve(&pg, data + FUZZ_HEAD, size - FUZZ_HEAD,
                  data[FUZZ_HEAD - 1] ? data[FUZZ_HEAD - 1] : size);

    if (!(data[0] & 4)) {
        for (i = 0; i < FUZZ_CONNECTIONS; i++) {
            (void) close(pg.fds[i]);
        }

        fuzz_turn();
        fuzz_pg_check(&pg);
    }

    /* As requests do that end; then the worker does. */

    for (i = 0; i < FUZZ_JOBS; i++) {
        fuzz_pg_forget(&pg.jobs[i]);
    }

    ngx_http_magasin_pg_destroy(pg.pool);

    for (i = 0; (data[0] & 4) && i < FUZZ_CONNECTIONS; i++) {
        (void) close(pg.fds[i]);
    }
}


static void
fuzz_pg_open(fuzz_pg_t *pg, ngx_pool_t *pool, ngx_http_magasin_pg_conf_t *pcf)
{
    ngx_cycle_t  cycle;

    static char                          host[NGX_MAX_PATH];
    static ngx_array_t                   targets;
    static ngx_http_magasin_names_t      names;     /* none */
    static ngx_http_magasin_pg_target_t  target;

    static const char                   *keywords[] = {
        "host", "port", "user", "password", "dbname", "sslmode", "gssencmode",
        "client_encoding", "options", NULL
    };

    static const char                   *values[] = {
        host, "5432", "f", "f", "f", "disable", "disable", "UTF8", "", NULL
    };

    (void) ngx_snprintf((u_char *) host, sizeof(host), "%V%Z",
                        &ngx_cycle->prefix);

    target.keywords = keywords;
    target.values = values;
    target.options = &values[8];
    ngx_str_set(&target.name, "fuzz");

    targets.elts = &target;
    targets.nelts = 1;

    pcf->targets = &targets;
    pcf->names = &names;
    pcf->connections = FUZZ_CONNECTIONS;
    pcf->queue[NGX_HTTP_MAGASIN_PG_READ] = 16;
    pcf->queue[NGX_HTTP_MAGASIN_PG_WRITE] = 16;
    pcf->queue[NGX_HTTP_MAGASIN_PG_HEAVY] = 16;
    pcf->setting_names = "{}";
    pcf->setting_values = "{}";
    pcf->timeout = 60000;
    pcf->lock_timeout = 60000;
    pcf->connect_timeout = 60000;
    pcf->quiet = 1;

    ngx_memzero(&cycle, sizeof(ngx_cycle_t));
    cycle.pool = pool;
    cycle.log = ngx_cycle->log;

    /* No zone is configured. */

    cycle.conf_ctx = ngx_pcalloc(pool, (ngx_http_module.index + 1)
                                       * sizeof(void *));
    fuzz_assert(cycle.conf_ctx);

    pg->pool = ngx_http_magasin_pg_create(&cycle, pcf);
    fuzz_assert(pg->pool);
}


/* They come into service. */

static void
fuzz_pg_greet(fuzz_pg_t *pg)
{
    u_char      *p;
    ngx_uint_t   i;

    static u_char  all[NGX_HTTP_MAGASIN_SQL_COUNT * sizeof(fuzz_pg_parsed)
                       + 3 * sizeof(fuzz_pg_settings)
                       + 2 * sizeof(fuzz_pg_sync) + sizeof(fuzz_pg_lifeless)];

    fuzz_turn();

    for (i = 0; i < FUZZ_CONNECTIONS; i++) {
        fuzz_pg_say(pg->fds[i], fuzz_pg_hello, sizeof(fuzz_pg_hello) - 1);
    }

    fuzz_turn();

    /* The settings and the life, each with a Sync. */

    p = ngx_cpymem(all, fuzz_pg_parsed, sizeof(fuzz_pg_parsed) - 1);
    p = ngx_cpymem(p, fuzz_pg_settings, sizeof(fuzz_pg_settings) - 1);
    p = ngx_cpymem(p, fuzz_pg_sync, sizeof(fuzz_pg_sync) - 1);
    p = ngx_cpymem(p, fuzz_pg_lifeless, sizeof(fuzz_pg_lifeless) - 1);

    /* How long it waits for locks, all other statements, and that again. */

    p = ngx_cpymem(p, fuzz_pg_settings, sizeof(fuzz_pg_settings) - 1);

    for (i = 0; i < NGX_HTTP_MAGASIN_SQL_COUNT - 2; i++) {
        p = ngx_cpymem(p, fuzz_pg_parsed, sizeof(fuzz_pg_parsed) - 1);
    }

    p = ngx_cpymem(p, fuzz_pg_settings, sizeof(fuzz_pg_settings) - 1);
    p = ngx_cpymem(p, fuzz_pg_sync, sizeof(fuzz_pg_sync) - 1);

    for (i = 0; i < FUZZ_CONNECTIONS; i++) {
        fuzz_pg_say(pg->fds[i], all, p - all);
    }

    for (i = 0; i < 8 && pg->pool->ready < FUZZ_CONNECTIONS; i++) {
        fuzz_turn();
    }

    fuzz_assert(pg->pool->ready == FUZZ_CONNECTIONS);
}


static void
fuzz_pg_say(int fd, const void *data, size_t size)
{
    fuzz_assert(send(fd, data, size, MSG_NOSIGNAL) == (ssize_t) size);
}


/* Say all of it, in pieces, as long as somebody listens. */

static void
fuzz_pg_serve(fuzz_pg_t *pg, u_char *data, size_t size, size_t piece)
{
    int         fd;
    u_char      rest[4096];
    size_t      sent;
    ssize_t     n;
    ngx_uint_t  i, quiet;

    /* The jobs are under way before anything is answered. */

    fuzz_turn();

    /* Not in as many turns as there are bytes. */

    piece = ngx_max(piece, size / 64 + 1);
    sent = 0;

    for (quiet = 0; quiet < FUZZ_QUIET; quiet += (sent == size)) {

        fd = fuzz_pg_busy(pg);

        if (fd == -1) {
            return;
        }

        if (sent < size) {
            n = send(fd, data + sent, ngx_min(piece, size - sent),
                     MSG_NOSIGNAL);
            sent = (n > 0) ? sent + n : size;
        }

        fuzz_turn();
        fuzz_pg_check(pg);

        for (i = 0; i < FUZZ_CONNECTIONS; i++) {
            while (recv(pg->fds[i], rest, sizeof(rest), 0) > 0) {
                /* void */
            }
        }
    }
}


/* The first connection that waits for something; -1: nobody listens. */

static int
fuzz_pg_busy(fuzz_pg_t *pg)
{
    int                                fd;
    ngx_uint_t                         i;
    ngx_http_magasin_pg_connection_t  *c;

    fd = -1;

    for (i = FUZZ_CONNECTIONS; i > 0; i--) {
        c = &pg->pool->connections[i - 1];

        if (c->state == NGX_HTTP_MAGASIN_PG_CLOSED) {
            continue;
        }

        if (fd == -1 || ngx_http_magasin_pg_in_flight(c)) {
            fd = pg->fds[i - 1];
        }
    }

    return fd;
}


static void
fuzz_pg_check(fuzz_pg_t *pg)
{
    ngx_uint_t                         i, ready;
    ngx_http_magasin_pg_pool_t        *pool;
    ngx_http_magasin_pg_connection_t  *c;

    pool = pg->pool;
    ready = 0;

    for (i = 0; i < FUZZ_CONNECTIONS; i++) {
        c = &pool->connections[i];
        ready += (c->state == NGX_HTTP_MAGASIN_PG_READY);

        fuzz_assert((c->pg == NULL)
                    == (c->state == NGX_HTTP_MAGASIN_PG_CLOSED));
        fuzz_assert(ngx_http_magasin_pg_in_flight(c)
                    <= NGX_HTTP_MAGASIN_PG_SLOTS);
        fuzz_assert(c->syncs <= ngx_http_magasin_pg_in_flight(c));
        fuzz_assert(c->writes <= NGX_HTTP_MAGASIN_PG_WRITES);
        fuzz_assert(c->pg || (ngx_http_magasin_pg_in_flight(c) == 0
                              && c->connection == NULL && c->syncs == 0));
    }

    fuzz_assert(pool->ready == ready);

    /* A job is in a queue or in flight, and with its owner until then. */

    for (i = 0; i < FUZZ_JOBS; i++) {
        fuzz_assert(pg->jobs[i].ctx == NULL
                    || pg->jobs[i].ctx->job.pool == pool);
    }
}


/* What the handler does before it submits a job. */

static void
fuzz_pg_ask(fuzz_pg_t *pg, ngx_pool_t *pool, ngx_uint_t n,
    const fuzz_question_t *question)
{
    ngx_uint_t               i;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = fuzz_endpoint(pool, question->path, question->method);

    ctx->status = NGX_HTTP_OK;
    ctx->job.statement = ctx->endpoint->statement;
    ctx->job.class = ctx->endpoint->class;

    if (question->method == NGX_HTTP_GET) {
        fuzz_assert(ctx->endpoint->bind(ctx) == NGX_OK);

    } else {

        /* Nobody looks at what it is asked, but for what it has changed. */

        for (i = 0; i < NGX_HTTP_MAGASIN_PG_MAX_PARAMS; i++) {
            ctx->job.values[i] = (i == 1) ? "true" : "{1,2}";
        }

        ctx->job.nvalues = 1;

        /* Those of several jobs are one run; one of them takes effect once. */

        if (ctx->endpoint->statement == NGX_HTTP_MAGASIN_SQL_WRITES_BATCH) {
            ctx->key = (n == 1) ? "k" : NULL;
            ctx->token.data = (u_char *) "f";
            ctx->token.len = 1;

            ngx_http_magasin_writes_bind(ctx, "vente", 2);
        }
    }

    ctx->job.ready = fuzz_pg_ready;
    ctx->job.failed = fuzz_pg_failed;
    ctx->job.data = &pg->jobs[n];
    ctx->job.log = ngx_cycle->log;

    pg->jobs[n].pg = pg;
    pg->jobs[n].pieces = FUZZ_PIECES;

    if (ngx_http_magasin_pg_submit(pg->pool, &ctx->job) == NGX_OK) {
        pg->jobs[n].ctx = ctx;
    }
}


static void
fuzz_pg_ready(ngx_http_magasin_pg_job_t *job, PGresult *result)
{
    ngx_int_t                rc;
    fuzz_job_t              *owner;
    ngx_http_magasin_ctx_t  *ctx;

    owner = job->data;
    ctx = owner->ctx;

    fuzz_assert(ctx && result && job->pool == NULL && !job->timer.timer_set);

    rc = ctx->endpoint->render(ctx, result);

    fuzz_assert(rc == NGX_OK || rc == NGX_AGAIN || rc == NGX_ERROR);

    if (rc == NGX_AGAIN && --owner->pieces) {
        ngx_http_magasin_json_reset(&ctx->json);
        ctx->nlinks = 0;
        ctx->job.admitted = 1;

        if (ngx_http_magasin_pg_submit(owner->pg->pool, job) == NGX_OK) {
            return;
        }
    }

    if (rc == NGX_OK) {
        fuzz_pg_send(ctx, result);
    }

    fuzz_pg_over(owner);
}


static void
fuzz_pg_failed(ngx_http_magasin_pg_job_t *job,
    ngx_http_magasin_pg_failure_e failure, PGresult *result)
{
    fuzz_job_t              *owner;
    ngx_http_magasin_ctx_t  *ctx;

    owner = job->data;
    ctx = owner->ctx;

    fuzz_assert(ctx && job->pool == NULL && !job->timer.timer_set);
    fuzz_assert((result != NULL) == (failure == NGX_HTTP_MAGASIN_PG_ERROR));

    if (result) {
        (void) ngx_http_magasin_sqlstate_status(
                                          ngx_http_magasin_sqlstate(result));
        (void) ngx_http_magasin_sqlstate_message(result);
    }

    if (ctx->endpoint->failed) {
        fuzz_errors(ctx, ctx->endpoint->failed(ctx));
    }

    fuzz_pg_over(owner);
}


/*
 * The answer as it would leave.  Whether it is JSON, who wrote the columns
 * that are JSON knows.
 */

static void
fuzz_pg_send(ngx_http_magasin_ctx_t *ctx, PGresult *result)
{
    u_char                   *text;
    size_t                    size;
    ngx_http_magasin_tags_t   tags;

    fuzz_assert(!ctx->json.failed);

    tags.n = 0;

    if (ctx->endpoint->touch
        && (ctx->status < NGX_HTTP_BAD_REQUEST || ctx->endpoint->refusal))
    {
        ctx->endpoint->touch(ctx, result, &tags);
        fuzz_assert(tags.n <= NGX_HTTP_MAGASIN_TAG_WRITES);
    }

    ctx->answer = NGX_HTTP_MAGASIN_ANSWER_WHOLE;

    fuzz_assert(ngx_http_magasin_links_render(ctx) == NGX_OK);

    size = ctx->json.size;
    text = malloc(size + 1);
    fuzz_assert(text);

    fuzz_assert(fuzz_bytes(text, &ctx->json) == text + size);

    free(text);
}


/* A request ends in its callback, and perhaps others with it. */

static void
fuzz_pg_over(fuzz_job_t *job)
{
    ngx_uint_t   i;
    fuzz_pg_t   *pg;

    pg = job->pg;

    fuzz_pg_forget(job);

    for (i = 0; pg->cancels && i < FUZZ_JOBS; i++) {
        fuzz_pg_forget(&pg->jobs[i]);
    }
}


/* The memory goes with the request. */

static void
fuzz_pg_forget(fuzz_job_t *job)
{
    ngx_pool_t              *pool;
    ngx_http_magasin_ctx_t  *ctx;

    ctx = job->ctx;

    if (ctx == NULL) {
        return;
    }

    ngx_http_magasin_pg_cancel(&ctx->job);
    fuzz_assert(ctx->job.pool == NULL && !ctx->job.timer.timer_set);

    job->ctx = NULL;
    pool = ctx->request->pool;

    fuzz_assert(ngx_pfree(pool, ctx) == NGX_OK);
}
