
/*
 * The commands of a connection's own: the greeting, after which it is in
 * service, and the heartbeat.
 */


#include "ngx_http_magasin_redis_internal.h"


static ngx_int_t ngx_http_magasin_redis_sign_in(
    ngx_http_magasin_redis_t *redis, ngx_str_t *user, ngx_str_t *password);
static void ngx_http_magasin_redis_auth(ngx_http_magasin_redis_t *redis,
    redisReply *reply);
static void ngx_http_magasin_redis_select(ngx_http_magasin_redis_t *redis,
    redisReply *reply);
static void ngx_http_magasin_redis_info(ngx_http_magasin_redis_t *redis,
    redisReply *reply);
static void ngx_http_magasin_redis_pong(ngx_http_magasin_redis_t *redis,
    redisReply *reply);
static void ngx_http_magasin_redis_serve(ngx_http_magasin_redis_t *redis);


/*
 * Send the greeting: AUTH, SELECT, INFO and PING.  They leave together when the
 * connection is established.  After the PONG it is in service.  A Sentinel is
 * greeted by the question.
 *
 * Returns NGX_OK or NGX_ERROR (memory).
 */

ngx_int_t
ngx_http_magasin_redis_greet(ngx_http_magasin_redis_t *redis)
{
    u_char                          db[NGX_INT_T_LEN + 1];
    size_t                          argvlen[2];
    const char                     *argv[2];
    ngx_http_magasin_redis_conf_t  *rcf;

    rcf = redis->conf;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, redis->log, 0,
                   "magasin redis: greet with a user:%d, a password:%d, "
                   "db:%i", rcf->user.len != 0, rcf->password.len != 0,
                   rcf->db);

    if (ngx_http_magasin_redis_asks(redis)) {

        return ngx_http_magasin_redis_sign_in(redis, &rcf->sentinel_user,
                                              &rcf->sentinel_password)
               == NGX_OK ? ngx_http_magasin_redis_ask(redis) : NGX_ERROR;
    }

    if (ngx_http_magasin_redis_sign_in(redis, &rcf->user, &rcf->password)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (rcf->db) {
        argv[0] = "SELECT";
        argvlen[0] = sizeof("SELECT") - 1;
        argv[1] = (const char *) db;
        argvlen[1] = ngx_sprintf(db, "%i", rcf->db) - db;

        if (ngx_http_magasin_redis_send(redis, ngx_http_magasin_redis_select,
                                        2, argv, argvlen)
            == NULL)
        {
            return NGX_ERROR;
        }
    }

    /* Without a section: servers before 7.0 take one, and two are needed. */

    argv[0] = "INFO";
    argvlen[0] = sizeof("INFO") - 1;

    if (ngx_http_magasin_redis_send(redis, ngx_http_magasin_redis_info, 1,
                                    argv, argvlen)
        == NULL)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_redis_ping(redis);
}


/*
 * AUTH, if there is a password, with a user of the access control list if one
 * is configured.
 */

static ngx_int_t
ngx_http_magasin_redis_sign_in(ngx_http_magasin_redis_t *redis,
    ngx_str_t *user, ngx_str_t *password)
{
    size_t       argvlen[3];
    ngx_uint_t   n;
    const char  *argv[3];

    if (password->len == 0) {
        return NGX_OK;
    }

    n = 0;

    argv[n] = "AUTH";
    argvlen[n++] = sizeof("AUTH") - 1;

    if (user->len) {
        argv[n] = (const char *) user->data;
        argvlen[n++] = user->len;
    }

    argv[n] = (const char *) password->data;
    argvlen[n++] = password->len;

    return ngx_http_magasin_redis_send(redis, ngx_http_magasin_redis_auth, n,
                                       argv, argvlen)
           ? NGX_OK : NGX_ERROR;
}


/*
 * Check that the reply to the command `name` has the type `type`; if not, the
 * connection is given up.  Only the first word of an error is logged: the rest
 * may repeat what was sent.
 *
 * Returns 1, or 0 if the connection was given up.
 */

ngx_uint_t
ngx_http_magasin_redis_granted(ngx_http_magasin_redis_t *redis,
    const char *name, redisReply *reply, int type)
{
    size_t  len;
    u_char  why[128];

    if (reply->type == type) {
        return 1;
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
ngx_http_magasin_redis_auth(ngx_http_magasin_redis_t *redis,
    redisReply *reply)
{
    (void) ngx_http_magasin_redis_granted(redis, "AUTH", reply,
                                          REDIS_REPLY_STATUS);
}


static void
ngx_http_magasin_redis_select(ngx_http_magasin_redis_t *redis,
    redisReply *reply)
{
    (void) ngx_http_magasin_redis_granted(redis, "SELECT", reply,
                                          REDIS_REPLY_STATUS);
}


/*
 * Get the run_id, and leave a replica: it would refuse what changes invalidate,
 * and have the answers of its primary late.  Each field begins a line; lines
 * end with CRLF.
 */

static void
ngx_http_magasin_redis_info(ngx_http_magasin_redis_t *redis,
    redisReply *reply)
{
    size_t   len;
    char    *p;

    if (!ngx_http_magasin_redis_granted(redis, "INFO", reply,
                                        REDIS_REPLY_STRING))
    {
        return;
    }

    if (strstr(reply->str, "\nrole:slave")) {
        ngx_http_magasin_redis_drop(redis, "it is a replica");
        return;
    }

    p = strstr(reply->str, "\nrun_id:");

    if (p) {
        p += sizeof("\nrun_id:") - 1;
        len = strspn(p, "0123456789abcdefghijklmnopqrstuvwxyz"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        redis->run_id_len = ngx_min(len, NGX_HTTP_MAGASIN_REDIS_RUN_ID);
        ngx_memcpy(redis->run_id, p, redis->run_id_len);
    }
}


/*
 * The end of the greeting, or a heartbeat.  The reply must have the number
 * that was sent; otherwise replies and commands are out of step.
 */

static void
ngx_http_magasin_redis_pong(ngx_http_magasin_redis_t *redis,
    redisReply *reply)
{
    size_t  len;
    u_char  number[NGX_INT_T_LEN];

    if (!ngx_http_magasin_redis_granted(redis, "PING", reply,
                                        REDIS_REPLY_STRING))
    {
        return;
    }

    len = ngx_sprintf(number, "%ui", redis->pings) - number;

    if (len != (size_t) reply->len
        || ngx_memcmp(number, reply->str, len) != 0)
    {
        ngx_http_magasin_redis_drop(redis,
                           "Protocol error: a reply to another command");
        return;
    }

    redis->pinging = 0;

    if (redis->state == NGX_HTTP_MAGASIN_REDIS_READY) {

        /* It has been stable: the pauses start again from the shortest one. */

        redis->retry.backoff = 0;
        return;
    }

    if (redis->owed) {
        ngx_http_magasin_redis_drop(redis,
                           "Protocol error: a reply to another command");
        return;
    }

    ngx_http_magasin_redis_serve(redis);
}


/* The connection is in service from now on. */

static void
ngx_http_magasin_redis_serve(ngx_http_magasin_redis_t *redis)
{
    if (redis->channel
        && ngx_http_magasin_redis_listen(redis) != NGX_OK)
    {
        ngx_http_magasin_redis_drop(redis, "no memory");
        return;
    }

    if (redis->down && redis->channel == NULL) {
        ngx_log_error(NGX_LOG_NOTICE, redis->log, 0,
                      "magasin: Redis at %s answers again", redis->at);
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, redis->log, 0,
                   "magasin redis: greeting done, in service, channel:%d",
                   redis->channel != NULL);

    redis->state = NGX_HTTP_MAGASIN_REDIS_READY;
    redis->retry.tried = 0;
    redis->down = 0;
    redis->gauges->ready = 1;

    ngx_http_magasin_count(redis->counters->connects);

    ngx_add_timer(&redis->timer, NGX_HTTP_MAGASIN_REDIS_HEARTBEAT);
}


/* Send a PING.  Returns NGX_OK or NGX_ERROR (memory). */

ngx_int_t
ngx_http_magasin_redis_ping(ngx_http_magasin_redis_t *redis)
{
    u_char       number[NGX_INT_T_LEN];
    size_t       argvlen[2];
    const char  *argv[2];

    argv[0] = "PING";
    argvlen[0] = sizeof("PING") - 1;
    argv[1] = (const char *) number;
    argvlen[1] = ngx_sprintf(number, "%ui", ++redis->pings) - number;

    if (ngx_http_magasin_redis_send(redis, ngx_http_magasin_redis_pong, 2,
                                    argv, argvlen)
        == NULL)
    {
        return NGX_ERROR;
    }

    redis->pinging = 1;
    redis->asked = ngx_current_msec;
    redis->pinged = ngx_current_msec;

    return NGX_OK;
}
