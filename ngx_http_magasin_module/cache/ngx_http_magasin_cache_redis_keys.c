
/*
 * The keys in Redis, and the arguments of its scripts.
 *
 *     magasin:<namespace>:g:<slot>   a token, the generation of a slot
 *     magasin:<namespace>:r:<md5>    an answer, and the tokens that it was
 *                                    fetched under
 *
 * The namespace is a digest of the database's identity and Redis's run_id.  A
 * token is given out once.  A generation that was lost (by FLUSHALL, eviction,
 * expiry, or a restart without data) gets a new token, so that answers under
 * the old token are never valid again.  A Redis that was restarted or replaced
 * has another run_id and so another namespace: it may hold tokens that were
 * invalidated meanwhile.
 */


#include "ngx_http_magasin_cache_redis_internal.h"

#include <ngx_md5.h>
#include <ngx_sha1.h>


typedef struct {
    const char  *name;
    const char  *text;
} ngx_http_magasin_script_t;


static ngx_http_magasin_script_t  ngx_http_magasin_scripts[] = {
    NGX_HTTP_MAGASIN_SCRIPTS
};

static u_char  ngx_http_magasin_script_sha1[NGX_HTTP_MAGASIN_LUA_COUNT][40];


/* Compute the digests of the scripts for EVALSHA; once for a process. */

void
ngx_http_magasin_cache_redis_init(void)
{
    u_char       digest[20];
    ngx_uint_t   i;
    ngx_sha1_t   sha1;
    const char  *text;

    for (i = 0; i < NGX_HTTP_MAGASIN_LUA_COUNT; i++) {
        text = ngx_http_magasin_scripts[i].text;

        ngx_sha1_init(&sha1);
        ngx_sha1_update(&sha1, text, ngx_strlen(text));
        ngx_sha1_final(digest, &sha1);

        (void) ngx_hex_dump(ngx_http_magasin_script_sha1[i], digest, 20);
    }
}


/*
 * May Redis be asked?  1 or 0.  It may not while the journal is not polled up
 * to date, and not while it was not told of some change: it may hold older
 * answers.
 */

ngx_uint_t
ngx_http_magasin_cache_redis_usable(ngx_http_magasin_cache_t *cache)
{
    return cache->redis
           && cache->shared->debt == cache->shared->debt_paid
           && ngx_http_magasin_cache_fresh(cache);
}


/*
 * A digest of the run_id that a connection sees; 0: it is not connected.
 * Connections of a node may see different ones for a while, when there are
 * several addresses or one Redis replaces another.
 */

ngx_uint_t
ngx_http_magasin_cache_redis_id(ngx_http_magasin_redis_t *redis)
{
    ngx_http_magasin_redis_state_t  state;

    ngx_http_magasin_redis_state(redis, &state);

    return state.ready && state.run_id.len
           ? ngx_hash_key(state.run_id.data, state.run_id.len) | 1 : 0;
}


/*
 * Write the namespace, in NGX_HTTP_MAGASIN_NAMESPACE bytes.
 *
 * NGX_OK, or NGX_DECLINED: it is not known yet, or Redis is away, or it is not
 * the one that the node uses.  With two of them a change could be told to one
 * and an answer be taken from the other.
 */

ngx_int_t
ngx_http_magasin_cache_namespace(ngx_http_magasin_cache_t *cache,
    u_char *namespace)
{
    u_char                            digest[16];
    ngx_md5_t                         md5;
    ngx_uint_t                        snapshot;
    ngx_http_magasin_redis_state_t    state;
    ngx_http_magasin_cache_shared_t  *shared;

    shared = cache->shared;
    snapshot = shared->snapshot;

    ngx_http_magasin_redis_state(cache->redis, &state);

    if (snapshot == 0
        || shared->database != cache->database
        || shared->redis == 0
        || shared->redis != ngx_http_magasin_cache_redis_id(cache->redis))
    {
        return NGX_DECLINED;
    }

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, NGX_HTTP_MAGASIN_CACHE_FORMAT_TEXT,
                   sizeof(NGX_HTTP_MAGASIN_CACHE_FORMAT_TEXT) - 1);
    ngx_md5_update(&md5, shared->identities[snapshot & 1],
                   NGX_HTTP_MAGASIN_IDENTITY);
    ngx_md5_update(&md5, state.run_id.data, state.run_id.len);
    ngx_md5_final(digest, &md5);

    (void) ngx_hex_dump(namespace, digest, NGX_HTTP_MAGASIN_NAMESPACE / 2);

    return NGX_OK;
}


/* Write the channel of a database, in NGX_HTTP_MAGASIN_CHANNEL bytes. */

void
ngx_http_magasin_cache_channel(u_char *identity, u_char *channel)
{
    u_char     digest[16];
    ngx_md5_t  md5;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, NGX_HTTP_MAGASIN_CACHE_FORMAT_TEXT,
                   sizeof(NGX_HTTP_MAGASIN_CACHE_FORMAT_TEXT) - 1);
    ngx_md5_update(&md5, identity, NGX_HTTP_MAGASIN_IDENTITY);
    ngx_md5_final(digest, &md5);

    channel = ngx_cpymem(channel, "magasin:", 8);
    (void) ngx_hex_dump(channel, digest, NGX_HTTP_MAGASIN_NAMESPACE / 2);
}


/*
 * Begin the command of a script with `nkeys` keys: EVAL and its text with
 * `evaluate`, else EVALSHA.
 */

void
ngx_http_magasin_cache_script(ngx_http_magasin_args_t *args,
    ngx_http_magasin_script_e script, ngx_uint_t evaluate, ngx_uint_t nkeys)
{
    u_char      *p;
    const char  *text;

    args->n = 0;

    if (evaluate) {
        text = ngx_http_magasin_scripts[script].text;

        ngx_http_magasin_cache_arg(args, "EVAL", 4);
        ngx_http_magasin_cache_arg(args, text, ngx_strlen(text));

    } else {
        ngx_http_magasin_cache_arg(args, "EVALSHA", 7);
        ngx_http_magasin_cache_arg(args, ngx_http_magasin_script_sha1[script],
                                   40);
    }

    p = ngx_sprintf(args->nkeys, "%ui", nkeys);
    ngx_http_magasin_cache_arg(args, args->nkeys, p - args->nkeys);
}


/* Add an argument, which is not copied. */

void
ngx_http_magasin_cache_arg(ngx_http_magasin_args_t *args, const void *data,
    size_t len)
{
    args->argv[args->n] = data;
    args->lens[args->n] = len;
    args->n++;
}


/* Write the key of an answer to `p`; returns its end. */

u_char *
ngx_http_magasin_cache_answer_key(u_char *p, u_char *namespace,
    ngx_str_t *key)
{
    u_char     digest[16];
    ngx_md5_t  md5;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, key->data, key->len);
    ngx_md5_final(digest, &md5);

    p = ngx_sprintf(p, "magasin:%*s:r:", (size_t) NGX_HTTP_MAGASIN_NAMESPACE,
                    namespace);

    return ngx_hex_dump(p, digest, 16);
}


/* Write the key of a generation to `p`; returns its end. */

u_char *
ngx_http_magasin_cache_slot_key(u_char *p, u_char *namespace, ngx_uint_t slot)
{
    return ngx_sprintf(p, "magasin:%*s:g:%ui",
                       (size_t) NGX_HTTP_MAGASIN_NAMESPACE, namespace, slot);
}


/* Did Redis not know the script of this EVALSHA?  1 or 0. */

ngx_uint_t
ngx_http_magasin_cache_no_script(ngx_http_magasin_redis_command_t *command)
{
    return command->failure == NGX_HTTP_MAGASIN_REDIS_ERROR
           && command->error.len >= 8
           && ngx_strncmp(command->error.data, "NOSCRIPT", 8) == 0;
}
