
/*
 * A connection to a Redis that says anything, from its first byte on.  The
 * module's own connection is made to a socket of ours; commands are sent, and
 * are cancelled, and send others, once it is in service.  Their memory is
 * given back as soon as that is allowed.
 *
 * The first byte: 1, it listens to a channel; 2, it is destroyed with what is
 * owed, else the server closes; 4, a callback cancels the other commands; 8, a
 * callback sends one more.  The second one is how many bytes are sent at once
 * (0: all).
 */


#include "../fuzz.h"
#include "ngx_http_magasin_redis_internal.h"


/* Of one connection, with those of callbacks. */
#define FUZZ_COMMANDS  8

/* That are sent as soon as it is in service. */
#define FUZZ_FIRST     3

/* Turns of the event loop in which nothing is sent any more. */
#define FUZZ_QUIET     4


/* Which of them wait for their callback. */
typedef struct {
    ngx_http_magasin_redis_t          *redis;
    ngx_pool_t                        *pool;
    ngx_http_magasin_redis_command_t  *commands[FUZZ_COMMANDS];
    ngx_uint_t                         n;
    ngx_uint_t                         listens;
    ngx_uint_t                         cancels;
    ngx_uint_t                         sends;
} fuzz_talk_t;


static void fuzz_talk_open(fuzz_talk_t *talk,
    ngx_http_magasin_redis_conf_t *rcf);
static void fuzz_talk_serve(fuzz_talk_t *talk, int fd, u_char *data,
    size_t size, size_t piece);
static void fuzz_talk_check(fuzz_talk_t *talk);
static void fuzz_talk_command(fuzz_talk_t *talk);
static void fuzz_talk_done(ngx_http_magasin_redis_command_t *command,
    redisReply *reply);
static void fuzz_talk_forget(fuzz_talk_t *talk,
    ngx_http_magasin_redis_command_t *command);
static void fuzz_talk_message(void *data, const char *message);


void
fuzz_talk(ngx_pool_t *pool, u_char *data, size_t size)
{
    int                              fd;
    ngx_uint_t                       i;
    fuzz_talk_t                      talk;
    ngx_http_magasin_redis_conf_t    rcf;
    ngx_http_magasin_redis_target_t  target;

    static int                       listener = -1;
    static char                      path[NGX_MAX_PATH];
    static ngx_array_t               targets;
    static ngx_http_magasin_names_t  names;     /* none */

    if (size < 2) {
        return;
    }

    if (listener == -1) {
        listener = fuzz_listen("talk.sock");
        (void) ngx_snprintf((u_char *) path, sizeof(path), "%Vtalk.sock%Z",
                            &ngx_cycle->prefix);
    }

    ngx_memzero(&target, sizeof(ngx_http_magasin_redis_target_t));
    target.path = path;
    ngx_str_set(&target.name, "fuzz");

    targets.elts = &target;
    targets.nelts = 1;

    ngx_memzero(&rcf, sizeof(ngx_http_magasin_redis_conf_t));
    rcf.targets = &targets;
    rcf.names = &names;
    rcf.timeout = 60000;

    ngx_memzero(&talk, sizeof(fuzz_talk_t));
    talk.pool = pool;
    talk.listens = data[0] & 1;
    talk.cancels = data[0] & 4;
    talk.sends = data[0] & 8;

    fuzz_talk_open(&talk, &rcf);

    /* Once it is lost, it is not made again. */

    talk.redis->closed = 1;

    fuzz_accept(listener, &fd, 1);

    fuzz_talk_serve(&talk, fd, data + 2, size - 2,
                    data[1] ? data[1] : size);

    if (data[0] & 2) {
        ngx_http_magasin_redis_destroy(talk.redis);
        (void) close(fd);

        /* No callback came, and none can come. */

        for (i = 0; i < talk.n; i++) {
            fuzz_assert(talk.commands[i] == NULL
                        || (talk.commands[i]->redis == NULL
                            && !talk.commands[i]->timer.timer_set));
        }

        return;
    }

    (void) close(fd);
    fuzz_turn();

    fuzz_assert(talk.redis->context == NULL);
    fuzz_talk_check(&talk);

    for (i = 0; i < talk.n; i++) {
        fuzz_assert(talk.commands[i] == NULL);
    }

    ngx_http_magasin_redis_destroy(talk.redis);
}


static void
fuzz_talk_open(fuzz_talk_t *talk, ngx_http_magasin_redis_conf_t *rcf)
{
    if (talk->listens) {
        talk->redis = ngx_http_magasin_redis_subscribe(
                                         (ngx_cycle_t *) ngx_cycle, rcf,
                                         "canal", fuzz_talk_message, talk);
        fuzz_assert(talk->redis);
        return;
    }

    talk->redis = ngx_http_magasin_redis_new(talk->pool, ngx_cycle->log, rcf,
                                             FUZZ_COMMANDS);
    fuzz_assert(talk->redis);

    ngx_http_magasin_redis_open(talk->redis);
}


/* Say all of it, in pieces, as long as somebody listens. */

static void
fuzz_talk_serve(fuzz_talk_t *talk, int fd, u_char *data, size_t size,
    size_t piece)
{
    u_char      rest[4096];
    size_t      sent;
    ssize_t     n;
    ngx_uint_t  i, quiet, asked;

    /* Not in as many turns as there are bytes. */

    piece = ngx_max(piece, size / 64 + 1);
    sent = 0;
    asked = 0;

    for (quiet = 0; quiet < FUZZ_QUIET; quiet += (sent == size)) {

        if (sent < size) {
            n = send(fd, data + sent, ngx_min(piece, size - sent),
                     MSG_NOSIGNAL);
            sent = (n > 0) ? sent + n : size;
        }

        fuzz_turn();
        fuzz_talk_check(talk);

        while (recv(fd, rest, sizeof(rest), 0) > 0) {
            /* void */
        }

        if (talk->redis->context == NULL) {
            return;
        }

        if (!asked && talk->redis->state == NGX_HTTP_MAGASIN_REDIS_READY) {
            asked = 1;

            for (i = 0; i < FUZZ_FIRST; i++) {
                fuzz_talk_command(talk);
            }
        }
    }
}


static void
fuzz_talk_check(fuzz_talk_t *talk)
{
    size_t                     i;
    ngx_http_magasin_redis_t  *redis;

    redis = talk->redis;

    fuzz_assert(redis->owed <= redis->nslots && redis->first < redis->nslots);
    fuzz_assert(redis->in_flight <= redis->owed);
    fuzz_assert(ngx_queue_empty(&redis->failed));
    fuzz_assert((redis->context == NULL)
                == (redis->state == NGX_HTTP_MAGASIN_REDIS_CLOSED));
    fuzz_assert(redis->context || (redis->owed == 0
                                   && redis->connection == NULL
                                   && !redis->flush.posted));
    fuzz_assert(redis->run_id_len <= NGX_HTTP_MAGASIN_REDIS_RUN_ID);

    for (i = 0; i < redis->run_id_len; i++) {
        fuzz_assert(isalnum(redis->run_id[i]));
    }

    for (i = 0; redis->why[i]; i++) {
        fuzz_assert((u_char) redis->why[i] >= ' ');
    }
}


/* Of a channel's connection, none is taken that could be mistaken. */

static void
fuzz_talk_command(fuzz_talk_t *talk)
{
    const char                        *argv[2] = { "GET", "cle" };
    ngx_http_magasin_redis_command_t  *command;
    static int                         expects[] = {
        REDIS_REPLY_ARRAY, REDIS_REPLY_INTEGER, 0
    };

    if (talk->n == FUZZ_COMMANDS || talk->listens) {
        return;
    }

    command = ngx_pcalloc(talk->pool,
                          sizeof(ngx_http_magasin_redis_command_t));
    fuzz_assert(command);

    command->done = fuzz_talk_done;
    command->data = talk;
    command->log = ngx_cycle->log;
    command->expects = expects[talk->n % 3];

    if (ngx_http_magasin_redis_command(talk->redis, command, 2, argv, NULL)
        != NGX_OK)
    {
        (void) ngx_pfree(talk->pool, command);
        return;
    }

    talk->commands[talk->n++] = command;
}


/* Once for each, and it may do what requests do in theirs. */

static void
fuzz_talk_done(ngx_http_magasin_redis_command_t *command, redisReply *reply)
{
    ngx_uint_t    i;
    fuzz_talk_t  *talk;

    talk = command->data;

    if (reply) {
        fuzz_assert(command->failure == 0);
        fuzz_assert(reply->type != REDIS_REPLY_ERROR);
        fuzz_assert(command->expects == 0 || command->expects == reply->type);

    } else {
        fuzz_assert(command->failure);
    }

    fuzz_talk_forget(talk, command);

    for (i = 0; talk->cancels && i < talk->n; i++) {
        if (talk->commands[i]) {
            ngx_http_magasin_redis_cancel(talk->commands[i]);
            fuzz_talk_forget(talk, talk->commands[i]);
        }
    }

    if (talk->sends) {
        fuzz_talk_command(talk);
    }
}


/* Its owner may give the memory back from here on. */

static void
fuzz_talk_forget(fuzz_talk_t *talk, ngx_http_magasin_redis_command_t *command)
{
    ngx_uint_t  i;

    for (i = 0; i < talk->n && talk->commands[i] != command; i++) {
        /* void */
    }

    fuzz_assert(i < talk->n);

    talk->commands[i] = NULL;

    fuzz_assert(ngx_pfree(talk->pool, command) == NGX_OK);
}


static void
fuzz_talk_message(void *data, const char *message)
{
    fuzz_talk_t  *talk;

    talk = data;

    fuzz_assert(talk->listens && talk->redis->listening);
    fuzz_assert(ngx_strlen(message) < NGX_HTTP_MAGASIN_REDIS_WORDS);
}
