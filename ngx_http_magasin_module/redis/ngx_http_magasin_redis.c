
/*
 * One connection to Redis: connect, send, lose, try again.
 *
 * Of hiredis there are the socket, the writer of commands and the reader of
 * replies; the events (redis_event.c) and the queue of the replies that are
 * owed are ours.  hiredis's own asynchronous layer asserts that a server keeps
 * to the protocol: a reply that nobody asked for ends the process.  Here it
 * ends the connection.
 *
 * Callbacks may send and cancel commands, and end requests; the context is
 * freed in one place, _close(), and never made anew in the same turn.
 */


#include "ngx_http_magasin_redis_internal.h"


static void ngx_http_magasin_redis_lost(ngx_http_magasin_redis_t *redis);
static void ngx_http_magasin_redis_again(ngx_http_magasin_redis_t *redis,
    ngx_uint_t was_ready);
static void ngx_http_magasin_redis_log(ngx_http_magasin_redis_t *redis,
    ngx_uint_t was_ready);
static void ngx_http_magasin_redis_timer(ngx_event_t *ev);

static ngx_uint_t ngx_http_magasin_redis_dead(
    ngx_http_magasin_redis_t *redis);
static void ngx_http_magasin_redis_timeout(ngx_event_t *ev);
static void ngx_http_magasin_redis_fail(
    ngx_http_magasin_redis_command_t *command,
    ngx_http_magasin_redis_failure_e failure);
static void ngx_http_magasin_redis_finish(
    ngx_http_magasin_redis_command_t *command);
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
    ngx_http_magasin_redis_t  *redis;

    redis = ngx_http_magasin_redis_new(cycle->pool, cycle->log, rcf,
                                       NGX_HTTP_MAGASIN_REDIS_SLOTS);
    if (redis == NULL) {
        return NULL;
    }

    redis->frame.max = NGX_HTTP_MAGASIN_REDIS_REPLY;

    ngx_http_magasin_redis_open(redis);

    return redis;
}


/*
 * A connection that is not opened yet, with room for the replies of `n`
 * commands and of its own.  All of it is in `pool`.  NULL: memory.
 */

ngx_http_magasin_redis_t *
ngx_http_magasin_redis_new(ngx_pool_t *pool, ngx_log_t *log,
    ngx_http_magasin_redis_conf_t *rcf, ngx_uint_t n)
{
    ngx_http_magasin_redis_t  *redis;

    redis = ngx_pcalloc(pool, sizeof(ngx_http_magasin_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    redis->nslots = n + NGX_HTTP_MAGASIN_REDIS_OWN;
    redis->slots = ngx_pcalloc(pool, redis->nslots
                                     * sizeof(ngx_http_magasin_redis_slot_t));
    if (redis->slots == NULL) {
        return NULL;
    }

    /* Its own, until somebody wants to know: see _measure(). */

    redis->counters = ngx_pcalloc(pool,
                                  sizeof(ngx_http_magasin_redis_counters_t)
                                  + sizeof(ngx_http_magasin_redis_gauges_t));
    if (redis->counters == NULL) {
        return NULL;
    }

    redis->gauges = (ngx_http_magasin_redis_gauges_t *) (redis->counters + 1);

    redis->conf = rcf;
    redis->log = log;
    redis->frame.max = NGX_HTTP_MAGASIN_REDIS_WORDS;

    ngx_queue_init(&redis->failed);

    redis->timer.handler = ngx_http_magasin_redis_timer;
    redis->timer.data = redis;
    redis->timer.log = log;
    redis->timer.cancelable = 1;

    redis->flush.handler = ngx_http_magasin_redis_flush;
    redis->flush.data = redis;
    redis->flush.log = log;

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
 * Close the connection, and give back the memory of one that listens.  No
 * callback is called: the requests are gone, or go with the process.  Not for
 * callbacks of this connection.
 */

void
ngx_http_magasin_redis_destroy(ngx_http_magasin_redis_t *redis)
{
    ngx_uint_t                      i;
    ngx_http_magasin_redis_slot_t  *slot;

    redis->closed = 1;

    for (i = 0; i < redis->owed; i++) {
        slot = &redis->slots[(redis->first + i) % redis->nslots];

        if (slot->command) {
            ngx_http_magasin_redis_cancel(slot->command);
        }
    }

    ngx_http_magasin_redis_close(redis);

    if (redis->pool) {
        ngx_destroy_pool(redis->pool);
    }
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

    if (redis->in_flight == NGX_HTTP_MAGASIN_REDIS_SLOTS
        || sdslen(redis->context->obuf) > NGX_HTTP_MAGASIN_REDIS_UNSENT)
    {
        ngx_http_magasin_count(redis->counters->refused);
        return NGX_BUSY;
    }

    slot = ngx_http_magasin_redis_send(redis, NULL, argc, argv, argvlen);
    if (slot == NULL) {
        return NGX_DECLINED;
    }

    redis->in_flight++;
    redis->connection->idle = 0;

    slot->command = command;
    slot->expects = command->expects;

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
 * Write a command, behind those before it; it leaves at the end of this turn.
 * `handler` NULL: it is somebody's command, else one of our own.  NULL: memory,
 * or too many replies are owed.
 */

ngx_http_magasin_redis_slot_t *
ngx_http_magasin_redis_send(ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_handler_pt handler, ngx_uint_t argc,
    const char **argv, const size_t *argvlen)
{
    ngx_http_magasin_redis_slot_t  *slot;

    if (redis->owed == redis->nslots
        || redisAppendCommandArgv(redis->context, (int) argc, argv, argvlen)
           != REDIS_OK)
    {
        return NULL;
    }

    slot = &redis->slots[(redis->first + redis->owed) % redis->nslots];
    redis->owed++;

    slot->command = NULL;
    slot->handler = handler;
    slot->redis = redis;
    slot->expects = 0;

    ngx_http_magasin_redis_want_write(redis);

    return slot;
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
    size_t                            max;
    redisContext                     *context;
    ngx_http_magasin_redis_target_t  *target;

    target = redis->conf->targets->elts;
    target += redis->target;

    redis->state = NGX_HTTP_MAGASIN_REDIS_CONNECTING;
    redis->run_id_len = 0;
    redis->connected = 0;
    redis->listening = 0;
    redis->pinging = 0;
    redis->stalled = 0;
    redis->complained = 0;
    redis->why[0] = '\0';

    max = redis->frame.max;
    ngx_memzero(&redis->frame, sizeof(ngx_http_magasin_redis_frame_t));
    redis->frame.max = max;

    /* An address in digits: getaddrinfo() asks nobody about it. */

    context = target->path
              ? redisConnectUnixNonBlock(target->path)
              : redisConnectNonBlock(target->host, target->port);

    redis->context = context;

    if (context == NULL || context->err) {
        ngx_http_magasin_redis_drop(redis, context ? context->errstr
                                                   : "no memory");
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


/*
 * Close without a word; see _drop() for the other.  The commands whose reply
 * is owed are left in redis->failed.
 */

void
ngx_http_magasin_redis_close(ngx_http_magasin_redis_t *redis)
{
    ngx_http_magasin_redis_slot_t     *slot;
    ngx_http_magasin_redis_command_t  *command;

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    redis->state = NGX_HTTP_MAGASIN_REDIS_CLOSED;
    redis->gauges->ready = 0;

    for ( /* void */ ; redis->owed; redis->owed--) {
        slot = &redis->slots[redis->first];
        redis->first = (redis->first + 1) % redis->nslots;

        command = slot->command;

        if (command) {
            slot->command = NULL;
            command->slot = NULL;
            command->failed = 1;
            ngx_queue_insert_tail(&redis->failed, &command->queue);
        }
    }

    redis->in_flight = 0;

    ngx_http_magasin_redis_detach(redis);

    if (redis->context) {
        redisFree(redis->context);
        redis->context = NULL;
    }
}


/*
 * Give the connection up and say why (one line; control characters of it are
 * escaped), plan the next attempt, then tell the commands that it took with
 * it.  A callback may end other requests, and so cancel commands of this very
 * queue: it is read anew each time.
 */

void
ngx_http_magasin_redis_drop(ngx_http_magasin_redis_t *redis, const char *why)
{
    ngx_uint_t  was_ready;

    (void) ngx_http_magasin_log_text((u_char *) redis->why,
                                     sizeof(redis->why), why);

    if (ngx_strncmp(redis->why, "Protocol error", 14) == 0) {
        ngx_http_magasin_count(redis->counters->unsound);
    }

    was_ready = (redis->state == NGX_HTTP_MAGASIN_REDIS_READY);

    ngx_http_magasin_redis_close(redis);

    if (was_ready) {
        ngx_http_magasin_count(redis->counters->lost);
    }

    ngx_http_magasin_redis_log(redis, was_ready);
    ngx_http_magasin_redis_again(redis, was_ready);
    ngx_http_magasin_redis_lost(redis);
}


static void
ngx_http_magasin_redis_lost(ngx_http_magasin_redis_t *redis)
{
    ngx_queue_t                       *q;
    ngx_http_magasin_redis_command_t  *command;

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

    if (ngx_http_magasin_redis_dead(redis)) {
        return;
    }

    ngx_add_timer(&redis->timer, NGX_HTTP_MAGASIN_REDIS_HEARTBEAT);
}


/*
 * The heartbeat of a connection in service.  1: it was given up, since nothing
 * is heard, or what is heard has no end.
 */

static ngx_uint_t
ngx_http_magasin_redis_dead(ngx_http_magasin_redis_t *redis)
{
    const char  *why;

    why = NULL;

    if (redis->frame.open
        && (ngx_msec_int_t) (ngx_current_msec - redis->begun)
           > NGX_HTTP_MAGASIN_REDIS_SILENCE)
    {
        why = "a reply does not end";

    } else if (redis->channel) {

        if ((ngx_msec_int_t) (ngx_current_msec - redis->heard)
            > NGX_HTTP_MAGASIN_REDIS_SILENCE)
        {
            why = "nothing is said";
        }

    } else if (!redis->pinging) {

        if (ngx_http_magasin_redis_ping(redis) != NGX_OK) {
            why = "no memory";
        }

    } else if ((ngx_msec_int_t) (redis->heard - redis->pinged) < 0) {
        why = "it is silent";

    } else if ((ngx_msec_int_t) (ngx_current_msec - redis->asked)
               > NGX_HTTP_MAGASIN_REDIS_BEHIND)
    {
        why = "it is behind";

    } else {

        /* Any byte will do: PONG may be behind long replies. */

        redis->pinged = ngx_current_msec;
    }

    if (why == NULL) {
        return 0;
    }

    ngx_http_magasin_redis_drop(redis, why);

    return 1;
}


/*
 * A reply has come: give it to whom it is owed.  A reply that nobody waits for
 * any more is dropped, but has its type.  The connection may be gone after it.
 */

void
ngx_http_magasin_redis_reply(ngx_http_magasin_redis_t *redis,
    redisReply *reply)
{
    ngx_http_magasin_redis_slot_t     *slot;
    ngx_http_magasin_redis_command_t  *command;

    if (redis->owed == 0) {
        ngx_http_magasin_redis_drop(redis,
                           "Protocol error: a reply that nobody asked for");
        return;
    }

    slot = &redis->slots[redis->first];

    if (slot->expects && reply->type != slot->expects
        && reply->type != REDIS_REPLY_ERROR)
    {
        ngx_http_magasin_redis_drop(redis,
                           "Protocol error: a reply to another command");
        return;
    }

    command = slot->command;

    slot->command = NULL;
    redis->first = (redis->first + 1) % redis->nslots;
    redis->owed--;

    if (slot->handler) {
        slot->handler(redis, reply);
        return;
    }

    redis->in_flight--;

    if (command == NULL) {
        return;
    }

    command->slot = NULL;

    ngx_http_magasin_observe(&redis->counters->replies,
                             ngx_http_magasin_clock() - command->started);

    ngx_http_magasin_redis_finish(command);

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_magasin_redis_refused(redis, command, reply);
        reply = NULL;
    }

    command->done(command, reply);
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
    u_char     *p, text[NGX_HTTP_MAGASIN_LOG_TEXT];
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

    p = ngx_http_magasin_log_escape(text, text + sizeof(text), reply->str,
                                    ngx_min(len, 32), 0);

    ngx_log_error(level, redis->log, 0,
                  "magasin: Redis refuses a command (%*s)",
                  (size_t) (p - text), text);
}
