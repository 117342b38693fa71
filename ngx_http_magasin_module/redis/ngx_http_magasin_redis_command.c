
/* Commands on a connection to Redis, and the queue of the replies owed. */


#include "ngx_http_magasin_redis_internal.h"


static void ngx_http_magasin_redis_timeout(ngx_event_t *ev);
static void ngx_http_magasin_redis_fail(
    ngx_http_magasin_redis_command_t *command,
    ngx_http_magasin_redis_failure_e failure);
static void ngx_http_magasin_redis_finish(
    ngx_http_magasin_redis_command_t *command);
static void ngx_http_magasin_redis_refused(ngx_http_magasin_redis_t *redis,
    ngx_http_magasin_redis_command_t *command, redisReply *reply);


/*
 * Send a command.  The arguments are copied; `argvlen` may be NULL if they are
 * strings.  Not allowed are commands that change the state of a connection
 * (SUBSCRIBE, MONITOR, SELECT, ...) or block (BLPOP, ...).
 *
 * Returns NGX_OK: the callback will follow.  NGX_BUSY: too many commands are
 * in flight.  NGX_DECLINED: Redis does not answer.  No callback follows after
 * NGX_BUSY or NGX_DECLINED.
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

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, command->log, 0,
                   "magasin redis: command sent, in flight:%ui timeout:%M ms",
                   redis->in_flight, timeout);

    ngx_add_timer(&command->timer, timeout);

    return NGX_OK;
}


/*
 * Append a command to the output buffer, which is written at the end of this
 * turn.  `handler` gets the reply to a command of the connection's own; NULL:
 * the caller sets slot->command.
 *
 * Returns the slot of the reply, or NULL if memory is short or too many
 * replies are owed.
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
 * Forget a command, because its owner ends.  Its reply is dropped when it
 * arrives.  A command that is not in flight is ignored.
 */

void
ngx_http_magasin_redis_cancel(ngx_http_magasin_redis_command_t *command)
{
    if (command->redis) {
        ngx_http_magasin_redis_finish(command);
    }
}


/*
 * A reply has arrived: pass it to the command that it is owed to.  The type of
 * a reply is checked even if its command was cancelled.  The connection may be
 * closed after this.
 */

void
ngx_http_magasin_redis_reply(ngx_http_magasin_redis_t *redis,
    redisReply *reply)
{
    ngx_uint_t                         demoted;
    ngx_http_magasin_redis_slot_t     *slot;
    ngx_http_magasin_redis_command_t  *command;

    if (redis->owed == 0) {
        ngx_http_magasin_redis_drop(redis,
                           "Protocol error: an unexpected reply");
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

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, command->log, 0,
                   "magasin redis: command replied, type:%d in flight:%ui",
                   reply->type, redis->in_flight);

    command->slot = NULL;

    ngx_http_magasin_observe(&redis->counters->replies,
                             ngx_http_magasin_clock() - command->started);

    ngx_http_magasin_redis_finish(command);

    if (reply->type != REDIS_REPLY_ERROR) {
        command->done(command, reply);
        return;
    }

    ngx_http_magasin_redis_refused(redis, command, reply);

    /* The connection may be lost by the callback. */

    demoted = (ngx_strncmp(reply->str, "READONLY", 8) == 0);

    command->done(command, NULL);

    if (demoted && redis->state == NGX_HTTP_MAGASIN_REDIS_READY) {
        ngx_http_magasin_redis_drop(redis, "it became a replica (READONLY)");
    }
}


/*
 * Fail the commands of redis->failed.  A callback may end other requests and
 * so cancel commands of this queue: its head is read again each time.
 */

void
ngx_http_magasin_redis_fail_all(ngx_http_magasin_redis_t *redis)
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


static void
ngx_http_magasin_redis_timeout(ngx_event_t *ev)
{
    ngx_http_magasin_redis_t          *redis;
    ngx_http_magasin_redis_command_t  *command;

    command = ev->data;
    redis = command->redis;

    /* No byte has arrived since: the next commands fail at once. */

    if ((ngx_msec_int_t) (redis->heard - command->sent) < 0) {
        redis->stalled = 1;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, command->log, 0,
                   "magasin redis: command timeout, in flight:%ui stalled:%d",
                   redis->in_flight, redis->stalled);

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


/* Release a command, before its callback or its end. */

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

        /* The reply is still owed. */

        command->slot->command = NULL;
        command->slot = NULL;

    } else if (command->failed) {
        ngx_queue_remove(&command->queue);
        command->failed = 0;
    }

    command->redis = NULL;
}


/*
 * Redis rejected a command.  An unknown script is no failure.  Any other error
 * (no memory, no permission, a replica) is logged as a warning once for each
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
                  "magasin: Redis rejected a command (%*s)",
                  (size_t) (p - text), text);
}
