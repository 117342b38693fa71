
/*
 * The life of one connection to Redis: connect, serve, fail, connect again.
 *
 * Of hiredis the module uses the socket, the writer of commands and the reader
 * of replies.  The events (redis_event.c) and the queue of the replies that
 * are owed (redis_command.c) are the module's.  The asynchronous API of
 * hiredis is not used: it asserts that a server keeps to the protocol, so an
 * unexpected reply ends the process.  Here it ends the connection.
 *
 * Callbacks may send and cancel commands, and end requests.  The context of
 * hiredis is freed in one place, _close(), and it is never created again in
 * the same turn of the event loop.
 */


#include "ngx_http_magasin_redis_internal.h"


static void ngx_http_magasin_redis_again(ngx_http_magasin_redis_t *redis,
    ngx_uint_t was_ready);
static void ngx_http_magasin_redis_log(ngx_http_magasin_redis_t *redis,
    ngx_uint_t was_ready);
static void ngx_http_magasin_redis_timer(ngx_event_t *ev);
static ngx_uint_t ngx_http_magasin_redis_dead(
    ngx_http_magasin_redis_t *redis);


/*
 * Create the connection of a worker and start to connect.  A server that is
 * not there is no error: the connection is tried again until it is made.
 *
 * Returns NULL if memory is short.
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
 * Allocate a connection from `pool`, with slots for the replies of `n`
 * commands and of its own.  ngx_http_magasin_redis_open() connects.
 *
 * Returns NULL if memory is short.
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

    /* Private ones, until _measure() replaces them. */

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

    ngx_http_magasin_event_timer(&redis->timer, ngx_http_magasin_redis_timer,
                                 redis, log);

    redis->flush.handler = ngx_http_magasin_redis_flush;
    redis->flush.data = redis;
    redis->flush.log = log;

    return redis;
}


/* Write the counters and gauges there from now on. */

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
 * Close the connection, and free the memory of one that listens.  No callback
 * is called: the requests are gone, or end with the process.  A callback of
 * this connection must not call it.
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


/* Fill `state` for /readyz. */

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


/*
 * Start to connect to the next address, or to the primary that a Sentinel has
 * named, within NGX_HTTP_MAGASIN_REDIS_CONNECT
 * milliseconds.  Events report the result.  A failure is handled by _drop().
 */

void
ngx_http_magasin_redis_open(ngx_http_magasin_redis_t *redis)
{
    size_t                            max;
    redisContext                     *context;
    ngx_http_magasin_redis_target_t  *target;

    target = ngx_http_magasin_redis_target(redis);

    redis->server = target->server;
    (void) ngx_snprintf(redis->at, sizeof(redis->at), "%*s%Z",
                        ngx_min(target->name.len, sizeof(redis->at) - 1),
                        target->name.data);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, redis->log, 0,
                   "magasin redis: connect to %V, target:%ui", &target->name,
                   redis->retry.target);

    redis->state = NGX_HTTP_MAGASIN_REDIS_CONNECTING;
    redis->run_id_len = 0;
    redis->open = 0;
    redis->connected = 0;
    redis->listening = 0;
    redis->pinging = 0;
    redis->stalled = 0;
    redis->complained = 0;
    redis->why[0] = '\0';

    max = redis->frame.max;
    ngx_memzero(&redis->frame, sizeof(ngx_http_magasin_redis_frame_t));
    redis->frame.max = max;

    if (target->absent) {
        ngx_http_magasin_redis_drop(redis, "its name has no address yet");
        return;
    }

    /* The address is numeric: getaddrinfo() sends no DNS query. */

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
 * Close the connection.  Nothing is logged and no attempt is planned: see
 * _drop().  The commands whose reply is owed are put into redis->failed.
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
    ngx_http_magasin_redis_tls_free(redis);

    if (redis->context) {
        redisFree(redis->context);
        redis->context = NULL;
    }
}


/*
 * Give the connection up: log `why` (its control characters are escaped),
 * close, start the timer of the next attempt, and fail the commands in flight.
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

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, redis->log, 0,
                   "magasin redis: connection is lost, state:%d owed:%ui in "
                   "flight:%ui", redis->state, redis->owed, redis->in_flight);

    ngx_http_magasin_redis_close(redis);

    if (was_ready) {
        ngx_http_magasin_count(redis->counters->lost);
    }

    ngx_http_magasin_redis_log(redis, was_ready);
    ngx_http_magasin_redis_again(redis, was_ready);
    ngx_http_magasin_redis_fail_all(redis);
}


/*
 * Start the timer of the next attempt.  The first attempt is made at the
 * address that was in service, or at the Sentinel that has named it: it may
 * name another one now.  There is no pause between the addresses of a round.
 * The next round starts after a pause.
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
    redis->named = 0;

    /* It may have another address now. */

    ngx_http_magasin_names_follow(redis->conf->names);

    if (was_ready) {
        redis->retry.tried = 0;
    }

    if (was_ready
        || ngx_http_magasin_retry_next(&redis->retry,
                                       redis->conf->targets->nelts))
    {
        redis->down = 1;

        pause = ngx_http_magasin_retry_pause(&redis->retry,
                                         NGX_HTTP_MAGASIN_REDIS_BACKOFF_MIN,
                                         NGX_HTTP_MAGASIN_REDIS_BACKOFF_MAX);
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, redis->log, 0,
                   "magasin redis: connect again in %M ms, down:%d", pause,
                   redis->down);

    ngx_add_timer(&redis->timer, pause);
}


/*
 * Log a failure: at the level "warn" if Redis goes out of service, at "info"
 * if that is known or other addresses are to be tried.
 */

static void
ngx_http_magasin_redis_log(ngx_http_magasin_redis_t *redis,
    ngx_uint_t was_ready)
{
    ngx_uint_t  level;

    /* The connection for commands logs the failure for a channel's, too. */

    level = ngx_http_magasin_retry_logged(&redis->retry,
                                          redis->conf->targets->nelts,
                                          was_ready,
                                          redis->down || redis->channel)
            ? NGX_LOG_INFO : NGX_LOG_WARN;

    ngx_log_error(level, redis->log, 0,
                  "magasin: no cache from %s at %s: %s",
                  ngx_http_magasin_redis_asks(redis) ? "Sentinel" : "Redis",
                  redis->at, redis->why);
}


static void
ngx_http_magasin_redis_timer(ngx_event_t *ev)
{
    ngx_http_magasin_redis_t  *redis;

    redis = ev->data;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, redis->log, 0,
                   "magasin redis: timer, state:%d in flight:%ui",
                   redis->state, redis->in_flight);

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
 * Check a connection in service, once per heartbeat.
 *
 * Returns 1 if it was given up: nothing arrives, or a reply does not end.
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
        why = "a reply is incomplete for too long";

    } else if (redis->channel) {

        if ((ngx_msec_int_t) (ngx_current_msec - redis->heard)
            > NGX_HTTP_MAGASIN_REDIS_SILENCE)
        {
            why = "no message on the channel for 3 s";
        }

    } else if (!redis->pinging) {

        if (ngx_http_magasin_redis_ping(redis) != NGX_OK) {
            why = "no memory";
        }

    } else if ((ngx_msec_int_t) (redis->heard - redis->pinged) < 0) {
        why = "no reply to PING";

    } else if ((ngx_msec_int_t) (ngx_current_msec - redis->asked)
               > NGX_HTTP_MAGASIN_REDIS_BEHIND)
    {
        why = "a PONG is overdue";

    } else {

        /* Any byte is a sign of life: PONG may be behind long replies. */

        redis->pinged = ngx_current_msec;
    }

    if (why == NULL) {
        return 0;
    }

    ngx_http_magasin_redis_drop(redis, why);

    return 1;
}
