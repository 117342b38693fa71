
/*
 * One connection to Redis: connect, greet, send, lose, try again.
 *
 * hiredis owns the socket; an ngx_connection_t wraps it for its events.  These
 * are level-triggered: hiredis reads 16 KB at once and no more, and an edge
 * would not come back for the rest.
 *
 * hiredis frees its context whenever it finds it broken, from inside the
 * functions that we call for an event; before that it gives NULL to all that
 * waits.  Callbacks of ours are not called from there: they are collected,
 * and called when hiredis has returned and the context is known to be gone.
 */


#include "ngx_http_magasin_redis_internal.h"


static void ngx_http_magasin_redis_drop(ngx_http_magasin_redis_t *redis,
    const char *why);
static void ngx_http_magasin_redis_again(ngx_http_magasin_redis_t *redis,
    ngx_uint_t was_ready);
static void ngx_http_magasin_redis_log(ngx_http_magasin_redis_t *redis,
    ngx_uint_t was_ready);
static void ngx_http_magasin_redis_timer(ngx_event_t *ev);

static ngx_int_t ngx_http_magasin_redis_greet(ngx_http_magasin_redis_t *redis);
static void ngx_http_magasin_redis_auth(redisAsyncContext *context,
    void *reply, void *data);
static void ngx_http_magasin_redis_select(redisAsyncContext *context,
    void *reply, void *data);
static void ngx_http_magasin_redis_info(redisAsyncContext *context,
    void *reply, void *data);
static void ngx_http_magasin_redis_pong(redisAsyncContext *context,
    void *reply, void *data);
static ngx_int_t ngx_http_magasin_redis_ping(ngx_http_magasin_redis_t *redis);

static void ngx_http_magasin_redis_reply(redisAsyncContext *context,
    void *reply, void *data);
static void ngx_http_magasin_redis_timeout(ngx_event_t *ev);
static void ngx_http_magasin_redis_fail(
    ngx_http_magasin_redis_command_t *command,
    ngx_http_magasin_redis_failure_e failure);
static void ngx_http_magasin_redis_finish(
    ngx_http_magasin_redis_command_t *command);
static void ngx_http_magasin_redis_release(
    ngx_http_magasin_redis_slot_t *slot);
static void ngx_http_magasin_redis_refused(ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_command_t *command, redisReply *reply);


/*
 * Make the worker's connection and start to connect.  A server that is not
 * there is no error: it goes on trying.
 *
 * Returns NULL only when memory is short.
 */

ngx_http_magasin_redis_t *
ngx_http_magasin_redis_create(ngx_cycle_t *cycle,
    ngx_http_magasin_redis_conf_t *rcf)
{
    ngx_uint_t                      i;
    ngx_http_magasin_redis_t       *redis;
    ngx_http_magasin_redis_slot_t  *slot;

    redis = ngx_http_magasin_redis_new(cycle, rcf);
    if (redis == NULL) {
        return NULL;
    }

    redis->slots = ngx_pcalloc(cycle->pool, NGX_HTTP_MAGASIN_REDIS_SLOTS
                                    * sizeof(ngx_http_magasin_redis_slot_t));
    if (redis->slots == NULL) {
        return NULL;
    }

    redis->nslots = NGX_HTTP_MAGASIN_REDIS_SLOTS;

    for (i = 0; i < redis->nslots; i++) {
        slot = &redis->slots[i];
        slot->redis = redis;
        slot->next = redis->free;
        redis->free = slot;
    }

    ngx_http_magasin_redis_open(redis);

    return redis;
}


/* A connection that is not opened yet.  NULL: memory. */

ngx_http_magasin_redis_t *
ngx_http_magasin_redis_new(ngx_cycle_t *cycle,
    ngx_http_magasin_redis_conf_t *rcf)
{
    ngx_http_magasin_redis_t  *redis;

    redis = ngx_pcalloc(cycle->pool, sizeof(ngx_http_magasin_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    /* Its own, until somebody wants to know: see _measure(). */

    redis->counters = ngx_pcalloc(cycle->pool,
                                  sizeof(ngx_http_magasin_redis_counters_t)
                                  + sizeof(ngx_http_magasin_redis_gauges_t));
    if (redis->counters == NULL) {
        return NULL;
    }

    redis->gauges = (ngx_http_magasin_redis_gauges_t *) (redis->counters + 1);

    redis->conf = rcf;
    redis->log = cycle->log;

    ngx_queue_init(&redis->failed);

    redis->timer.handler = ngx_http_magasin_redis_timer;
    redis->timer.data = redis;
    redis->timer.log = cycle->log;
    redis->timer.cancelable = 1;

    redis->flush.handler = ngx_http_magasin_redis_flush;
    redis->flush.data = redis;
    redis->flush.log = cycle->log;

    return redis;
}


/* Count there from now on. */

void
ngx_http_magasin_redis_measure(ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_counters_t *counters,
    ngx_http_magasin_redis_gauges_t *gauges)
{
    redis->counters = counters;
    redis->gauges = gauges;

    gauges->ready = (redis->state == NGX_HTTP_MAGASIN_REDIS_READY);
}


/*
 * Close the connection, for the exit of the worker.  No callback is called:
 * the requests are gone, or go with the process.
 */

void
ngx_http_magasin_redis_destroy(ngx_http_magasin_redis_t *redis)
{
    ngx_uint_t  i;

    redis->closed = 1;

    for (i = 0; i < redis->nslots; i++) {
        if (redis->slots[i].command) {
            ngx_http_magasin_redis_cancel(redis->slots[i].command);
        }
    }

    ngx_http_magasin_redis_close(redis);
}


/*
 * Send a command.  The arguments are copied; argvlen may be NULL when they
 * are strings.  Of the commands that Redis has, those that change what a
 * connection is for (SUBSCRIBE, MONITOR, SELECT, ...) or wait (BLPOP, ...)
 * are not for this one.
 *
 * NGX_OK: the callback will follow.  NGX_BUSY: too many are in flight.
 * NGX_DECLINED: Redis does not answer.  In these two cases no callback
 * follows.
 */

ngx_int_t
ngx_http_magasin_redis_command(ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_command_t *command, ngx_uint_t argc,
    const char **argv, const size_t *argvlen)
{
    ngx_msec_t                      timeout;
    ngx_http_magasin_redis_slot_t  *slot;

    if (redis->state != NGX_HTTP_MAGASIN_REDIS_READY
        || redis->context == NULL || redis->stalled)
    {
        return NGX_DECLINED;
    }

    slot = redis->free;

    if (slot == NULL
        || sdslen(redis->context->c.obuf) > NGX_HTTP_MAGASIN_REDIS_UNSENT)
    {
        ngx_http_magasin_count(redis->counters->refused);
        return NGX_BUSY;
    }

    if (redisAsyncCommandArgv(redis->context, ngx_http_magasin_redis_reply,
                              slot, (int) argc, argv, argvlen)
        != REDIS_OK)
    {
        return NGX_DECLINED;
    }

    redis->free = slot->next;
    redis->in_flight++;
    redis->connection->idle = 0;

    slot->command = command;

    command->redis = redis;
    command->slot = slot;
    command->sent = ngx_current_msec;
    command->started = ngx_http_magasin_clock();
    command->failure = 0;
    ngx_str_null(&command->error);

    command->timer.handler = ngx_http_magasin_redis_timeout;
    command->timer.data = command;
    command->timer.log = command->log;

    timeout = command->timeout ? command->timeout : redis->conf->timeout;

    ngx_add_timer(&command->timer, timeout);

    return NGX_OK;
}


/*
 * Forget a command whose owner goes away, at any time: one that is not in
 * flight is left alone.  Its reply is dropped when it comes.
 */

void
ngx_http_magasin_redis_cancel(ngx_http_magasin_redis_command_t *command)
{
    if (command->redis) {
        ngx_http_magasin_redis_finish(command);
    }
}


void
ngx_http_magasin_redis_state(ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_state_t *state)
{
    state->ready = (redis->state == NGX_HTTP_MAGASIN_REDIS_READY
                    && redis->context != NULL && !redis->stalled);
    state->in_flight = redis->in_flight;
    state->run_id.data = redis->run_id;
    state->run_id.len = redis->run_id_len;
}


/* Start to connect to the next address; the result comes by events. */

void
ngx_http_magasin_redis_open(ngx_http_magasin_redis_t *redis)
{
    redisAsyncContext                *context;
    ngx_http_magasin_redis_target_t  *target;

    target = redis->conf->targets->elts;
    target += redis->target;

    redis->state = NGX_HTTP_MAGASIN_REDIS_CONNECTING;
    redis->run_id_len = 0;
    redis->pinging = 0;
    redis->stalled = 0;
    redis->complained = 0;
    redis->why[0] = '\0';

    /* An address in digits: getaddrinfo() asks nobody about it. */

    context = target->path ? redisAsyncConnectUnix(target->path)
                           : redisAsyncConnect(target->host, target->port);

    if (context == NULL) {
        ngx_cpystrn((u_char *) redis->why, (u_char *) "no memory",
                    sizeof(redis->why));
        ngx_http_magasin_redis_lost(redis);
        return;
    }

    redis->context = context;

    context->data = redis;
    ngx_http_magasin_redis_hooks(redis, context);

    if (context->err) {
        ngx_http_magasin_redis_drop(redis, NULL);
        return;
    }

    if (ngx_http_magasin_redis_attach(redis) != NGX_OK
        || ngx_http_magasin_redis_greet(redis) != NGX_OK)
    {
        ngx_http_magasin_redis_drop(redis, "no memory or no connection");
        return;
    }

    ngx_add_timer(&redis->timer, NGX_HTTP_MAGASIN_REDIS_CONNECT);
}


/* Close without a word; see _drop() for the other. */

void
ngx_http_magasin_redis_close(ngx_http_magasin_redis_t *redis)
{
    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    redis->state = NGX_HTTP_MAGASIN_REDIS_CLOSED;

    if (redis->context) {
        redisAsyncFree(redis->context);
    }
}


/*
 * Give the connection up.  hiredis, when it called us, frees its context
 * after we have returned to it.  `why` NULL: hiredis's own message tells.
 */

static void
ngx_http_magasin_redis_drop(ngx_http_magasin_redis_t *redis, const char *why)
{
    if (why) {
        ngx_cpystrn((u_char *) redis->why, (u_char *) why,
                    sizeof(redis->why));
    }

    redisAsyncFree(redis->context);

    if (!redis->inside) {
        ngx_http_magasin_redis_lost(redis);
    }
}


/*
 * The context is gone: plan the next attempt, then tell the commands that it
 * took with it.  A callback may end other requests, and so cancel commands
 * of this very queue: it is read anew each time.
 */

void
ngx_http_magasin_redis_lost(ngx_http_magasin_redis_t *redis)
{
    ngx_uint_t                         was_ready;
    ngx_queue_t                       *q;
    ngx_http_magasin_redis_command_t  *command;

    was_ready = (redis->state == NGX_HTTP_MAGASIN_REDIS_READY);

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    redis->state = NGX_HTTP_MAGASIN_REDIS_CLOSED;
    redis->gauges->ready = 0;

    if (was_ready) {
        ngx_http_magasin_count(redis->counters->lost);
    }

    ngx_http_magasin_redis_log(redis, was_ready);
    ngx_http_magasin_redis_again(redis, was_ready);

    while (!ngx_queue_empty(&redis->failed)) {
        q = ngx_queue_head(&redis->failed);
        command = ngx_queue_data(q, ngx_http_magasin_redis_command_t, queue);

        ngx_http_magasin_redis_fail(command,
                                    NGX_HTTP_MAGASIN_REDIS_UNAVAILABLE);
    }
}


/*
 * Plan the next attempt.  All addresses are tried in turn without a pause,
 * first the one that was in service; the pause after each round doubles up to
 * its bound, with jitter so that workers do not knock together.
 */

static void
ngx_http_magasin_redis_again(ngx_http_magasin_redis_t *redis,
    ngx_uint_t was_ready)
{
    ngx_msec_t  pause;

    if (redis->closed || ngx_exiting) {
        return;
    }

    pause = 1;

    if (was_ready) {
        redis->tried = 0;

    } else {
        redis->target = (redis->target + 1) % redis->conf->targets->nelts;
        redis->tried = (redis->tried + 1) % redis->conf->targets->nelts;
    }

    if (redis->tried == 0) {
        redis->down = 1;

        redis->backoff = redis->backoff
            ? ngx_min(redis->backoff * 2, NGX_HTTP_MAGASIN_REDIS_BACKOFF_MAX)
            : NGX_HTTP_MAGASIN_REDIS_BACKOFF_MIN;

        pause = redis->backoff / 2 + ngx_random() % (redis->backoff / 2);
    }

    ngx_add_timer(&redis->timer, pause);
}


/*
 * A failure is told once, when Redis goes out of service.  Attempts that fail
 * while it is known to be down, or while there are other addresses to try,
 * are for the curious.
 */

static void
ngx_http_magasin_redis_log(ngx_http_magasin_redis_t *redis,
    ngx_uint_t was_ready)
{
    char                             *p;
    ngx_uint_t                        level;
    ngx_array_t                      *targets;
    ngx_http_magasin_redis_target_t  *target;

    targets = redis->conf->targets;
    target = targets->elts;
    target += redis->target;

    /* Of a channel's connection too: the one for commands tells. */

    if (redis->channel || redis->down
        || (!was_ready && redis->tried + 1 < targets->nelts))
    {
        level = NGX_LOG_INFO;

    } else {
        level = NGX_LOG_WARN;
    }

    for (p = redis->why; *p; p++) {
        if ((u_char) *p < ' ') {
            *p = ' ';
        }
    }

    ngx_log_error(level, redis->log, 0,
                  "magasin: no cache from Redis at %V: %s", &target->name,
                  redis->why);
}


static void
ngx_http_magasin_redis_timer(ngx_event_t *ev)
{
    ngx_http_magasin_redis_t  *redis;

    redis = ev->data;

    switch (redis->state) {

    case NGX_HTTP_MAGASIN_REDIS_CLOSED:
        ngx_http_magasin_redis_open(redis);
        return;

    case NGX_HTTP_MAGASIN_REDIS_CONNECTING:
        ngx_http_magasin_redis_drop(redis, "connect timed out");
        return;

    default: /* NGX_HTTP_MAGASIN_REDIS_READY */
        break;
    }

    if (redis->channel) {

        if ((ngx_msec_int_t) (ngx_current_msec - redis->heard)
            > NGX_HTTP_MAGASIN_REDIS_SILENCE)
        {
            ngx_http_magasin_redis_drop(redis, "nothing is said");
            return;
        }

    } else if (!redis->pinging) {
        if (ngx_http_magasin_redis_ping(redis) != NGX_OK) {
            ngx_http_magasin_redis_drop(redis, NULL);
            return;
        }

    } else if ((ngx_msec_int_t) (redis->heard - redis->pinged) < 0) {
        ngx_http_magasin_redis_drop(redis, "it is silent");
        return;

    } else {

        /* Any byte will do: PONG may be behind long replies. */

        redis->pinged = ngx_current_msec;
    }

    ngx_add_timer(&redis->timer, NGX_HTTP_MAGASIN_REDIS_HEARTBEAT);
}


/*
 * The first commands of a connection leave together, as soon as it stands.
 * With the PONG it is in service.
 */

static ngx_int_t
ngx_http_magasin_redis_greet(ngx_http_magasin_redis_t *redis)
{
    u_char                          db[NGX_INT_T_LEN + 1];
    size_t                          argvlen[2];
    const char                     *argv[2];
    redisAsyncContext              *context;
    ngx_http_magasin_redis_conf_t  *rcf;

    rcf = redis->conf;
    context = redis->context;

    if (rcf->password.len) {
        argv[0] = "AUTH";
        argvlen[0] = sizeof("AUTH") - 1;
        argv[1] = (const char *) rcf->password.data;
        argvlen[1] = rcf->password.len;

        if (redisAsyncCommandArgv(context, ngx_http_magasin_redis_auth, redis,
                                  2, argv, argvlen)
            != REDIS_OK)
        {
            return NGX_ERROR;
        }
    }

    if (rcf->db) {
        argv[0] = "SELECT";
        argvlen[0] = sizeof("SELECT") - 1;
        argv[1] = (const char *) db;
        argvlen[1] = ngx_sprintf(db, "%i", rcf->db) - db;

        if (redisAsyncCommandArgv(context, ngx_http_magasin_redis_select,
                                  redis, 2, argv, argvlen)
            != REDIS_OK)
        {
            return NGX_ERROR;
        }
    }

    argv[0] = "INFO";
    argvlen[0] = sizeof("INFO") - 1;
    argv[1] = "server";
    argvlen[1] = sizeof("server") - 1;

    if (redisAsyncCommandArgv(context, ngx_http_magasin_redis_info, redis, 2,
                              argv, argvlen)
        != REDIS_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_redis_ping(redis);
}


/*
 * Was one of our own commands granted?  If not, the connection is given up.
 * Of an error only the first word is told: the rest may repeat what was sent.
 */

ngx_uint_t
ngx_http_magasin_redis_granted(ngx_http_magasin_redis_t *redis,
    const char *name, redisReply *reply, int type)
{
    size_t  len;
    u_char  why[128];

    /* NULL: the connection goes already. */

    if (reply == NULL || reply->type == type) {
        return reply != NULL;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        len = strcspn(reply->str, " ");

        (void) ngx_snprintf(why, sizeof(why), "%s was refused (%*s)%Z", name,
                            ngx_min(len, 32), reply->str);

    } else {
        (void) ngx_snprintf(why, sizeof(why), "%s has a strange reply%Z",
                            name);
    }

    ngx_http_magasin_redis_drop(redis, (char *) why);

    return 0;
}


static void
ngx_http_magasin_redis_auth(redisAsyncContext *context, void *reply,
    void *data)
{
    (void) ngx_http_magasin_redis_granted(data, "AUTH", reply,
                                          REDIS_REPLY_STATUS);
}


static void
ngx_http_magasin_redis_select(redisAsyncContext *context, void *reply,
    void *data)
{
    (void) ngx_http_magasin_redis_granted(data, "SELECT", reply,
                                          REDIS_REPLY_STATUS);
}


/* "run_id:" is at the beginning of a line; lines end with CRLF. */

static void
ngx_http_magasin_redis_info(redisAsyncContext *context, void *reply,
    void *data)
{
    redisReply                *info = reply;
    ngx_http_magasin_redis_t  *redis = data;

    size_t   len;
    char    *p;

    if (!ngx_http_magasin_redis_granted(redis, "INFO", info,
                                        REDIS_REPLY_STRING))
    {
        return;
    }

    p = strstr(info->str, "\nrun_id:");

    if (p) {
        p += sizeof("\nrun_id:") - 1;
        len = strcspn(p, "\r\n");

        redis->run_id_len = ngx_min(len, NGX_HTTP_MAGASIN_REDIS_RUN_ID);
        ngx_memcpy(redis->run_id, p, redis->run_id_len);
    }
}


/* The end of the greeting, or a beat of the heart. */

static void
ngx_http_magasin_redis_pong(redisAsyncContext *context, void *reply,
    void *data)
{
    ngx_http_magasin_redis_t  *redis = data;

    ngx_http_magasin_redis_target_t  *target;

    if (!ngx_http_magasin_redis_granted(redis, "PING", reply,
                                        REDIS_REPLY_STATUS))
    {
        return;
    }

    redis->pinging = 0;

    if (redis->state == NGX_HTTP_MAGASIN_REDIS_READY) {

        /* It has lasted: the next failure is a new one. */

        redis->backoff = 0;
        return;
    }

    if (redis->channel
        && ngx_http_magasin_redis_listen(redis) != NGX_OK)
    {
        ngx_http_magasin_redis_drop(redis, NULL);
        return;
    }

    if (redis->down && redis->channel == NULL) {
        target = redis->conf->targets->elts;
        target += redis->target;

        ngx_log_error(NGX_LOG_NOTICE, redis->log, 0,
                      "magasin: Redis at %V answers again", &target->name);
    }

    redis->state = NGX_HTTP_MAGASIN_REDIS_READY;
    redis->tried = 0;
    redis->down = 0;
    redis->gauges->ready = 1;

    ngx_http_magasin_count(redis->counters->connects);

    ngx_add_timer(&redis->timer, NGX_HTTP_MAGASIN_REDIS_HEARTBEAT);
}


static ngx_int_t
ngx_http_magasin_redis_ping(ngx_http_magasin_redis_t *redis)
{
    size_t       len;
    const char  *ping;

    ping = "PING";
    len = sizeof("PING") - 1;

    if (redisAsyncCommandArgv(redis->context, ngx_http_magasin_redis_pong,
                              redis, 1, &ping, &len)
        != REDIS_OK)
    {
        return NGX_ERROR;
    }

    redis->pinging = 1;
    redis->pinged = ngx_current_msec;

    return NGX_OK;
}


/* hiredis has a reply to a command, or NULL because its context goes. */

static void
ngx_http_magasin_redis_reply(redisAsyncContext *context, void *reply,
    void *data)
{
    redisReply                        *rp = reply;
    ngx_http_magasin_redis_slot_t     *slot = data;

    ngx_http_magasin_redis_t          *redis;
    ngx_http_magasin_redis_command_t  *command;

    redis = slot->redis;
    command = slot->command;

    ngx_http_magasin_redis_release(slot);

    if (command == NULL) {
        return;
    }

    if (rp == NULL) {
        command->slot = NULL;
        command->failed = 1;
        ngx_queue_insert_tail(&redis->failed, &command->queue);
        return;
    }

    ngx_http_magasin_observe(&redis->counters->replies,
                             ngx_http_magasin_clock() - command->started);

    ngx_http_magasin_redis_finish(command);

    if (rp->type == REDIS_REPLY_ERROR) {
        ngx_http_magasin_redis_refused(redis, command, rp);
        rp = NULL;
    }

    command->done(command, rp);
}


static void
ngx_http_magasin_redis_timeout(ngx_event_t *ev)
{
    ngx_http_magasin_redis_t          *redis;
    ngx_http_magasin_redis_command_t  *command;

    command = ev->data;
    redis = command->redis;

    /* Not a byte since: spare those that come next the wait. */

    if ((ngx_msec_int_t) (redis->heard - command->sent) < 0) {
        redis->stalled = 1;
    }

    ngx_http_magasin_redis_fail(command, NGX_HTTP_MAGASIN_REDIS_TIMEOUT);
}


static void
ngx_http_magasin_redis_fail(ngx_http_magasin_redis_command_t *command,
    ngx_http_magasin_redis_failure_e failure)
{
    ngx_http_magasin_count(command->redis->counters->failures[failure - 1]);

    ngx_http_magasin_redis_finish(command);

    command->failure = failure;
    command->done(command, NULL);
}


/* Take the room's hands off a command, before its callback or its end. */

static void
ngx_http_magasin_redis_finish(ngx_http_magasin_redis_command_t *command)
{
    if (command->timer.timer_set) {
        ngx_del_timer(&command->timer);
    }

    if (command->spent) {
        *command->spent += ngx_http_magasin_clock() - command->started;
    }

    if (command->slot) {

        /* The reply is owed all the same. */

        command->slot->command = NULL;
        command->slot = NULL;

    } else if (command->failed) {
        ngx_queue_remove(&command->queue);
        command->failed = 0;
    }

    command->redis = NULL;
}


static void
ngx_http_magasin_redis_release(ngx_http_magasin_redis_slot_t *slot)
{
    slot->command = NULL;
    slot->next = slot->redis->free;
    slot->redis->free = slot;
    slot->redis->in_flight--;
}


/*
 * Redis refused a command.  A script that it does not know is no failure;
 * anything else (no memory, no permission, a replica) is told once for each
 * connection.
 */

static void
ngx_http_magasin_redis_refused(ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_command_t *command, redisReply *reply)
{
    size_t      len;
    ngx_uint_t  level;

    command->failure = NGX_HTTP_MAGASIN_REDIS_ERROR;
    command->error.data = (u_char *) reply->str;
    command->error.len = reply->len;

    len = strcspn(reply->str, " ");

    if (len == 8 && ngx_strncmp(reply->str, "NOSCRIPT", 8) == 0) {
        return;
    }

    ngx_http_magasin_count(
                redis->counters->failures[NGX_HTTP_MAGASIN_REDIS_ERROR - 1]);

    level = redis->complained ? NGX_LOG_INFO : NGX_LOG_WARN;
    redis->complained = 1;

    ngx_log_error(level, redis->log, 0,
                  "magasin: Redis refuses a command (%*s)",
                  ngx_min(len, 32), reply->str);
}
