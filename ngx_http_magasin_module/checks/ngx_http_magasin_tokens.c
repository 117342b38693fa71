
/*
 * The tokens of a worker.  The worker polls the file every second.  If the
 * file is rejected, the previous tokens stay valid: one worker logs each
 * reason once, and /metrics shows the state until the file is valid again.
 */


#include "ngx_http_magasin_tokens_internal.h"


#define NGX_HTTP_MAGASIN_TOKENS_POLL    1000           /* ms */

/*
 * Seconds.  The clock of a file system advances every few milliseconds: a
 * second change within one tick does not change the time of the file.  A
 * version is therefore final only when its time is this long ago.
 */
#define NGX_HTTP_MAGASIN_TOKENS_SETTLE  2


static void ngx_http_magasin_tokens_timer(ngx_event_t *ev);
static void ngx_http_magasin_tokens_refresh(
    ngx_http_magasin_tokens_t *tokens);
static ngx_uint_t ngx_http_magasin_tokens_unchanged(
    ngx_http_magasin_tokens_t *tokens);
static ngx_int_t ngx_http_magasin_tokens_load(
    ngx_http_magasin_tokens_t *tokens, ngx_pool_t *pool,
    ngx_http_magasin_tokens_file_t *file);
static void ngx_http_magasin_tokens_report(ngx_http_magasin_tokens_t *tokens,
    u_char *error);
static void ngx_http_magasin_tokens_count(ngx_http_magasin_tokens_t *tokens);


/*
 * Checks the file when the configuration is read.  Sets `list` to its tokens,
 * which live as long as the configuration; the workers start with them.
 * Returns NGX_CONF_OK or an error text.
 */

char *
ngx_http_magasin_tokens_check(ngx_conf_t *cf, ngx_str_t *name,
    ngx_array_t **list)
{
    ngx_http_magasin_tokens_file_t  file;

    if (ngx_http_magasin_tokens_read(cf->pool, name, &file) != NGX_OK
        || ngx_http_magasin_tokens_parse(cf->pool, &file) != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"magasin_tokens\": %s (\"%V\")", file.error,
                           name);
        return NGX_CONF_ERROR;
    }

    *list = file.list;

    return NGX_CONF_OK;
}


/*
 * Creates the tokens of a worker and a timer that refreshes them.  The first
 * list is the one that was read with the configuration, because the file may
 * be invalid by now or the worker may not be allowed to read it.  Returns NULL
 * if memory cannot be allocated.
 */

ngx_http_magasin_tokens_t *
ngx_http_magasin_tokens_create(ngx_cycle_t *cycle,
    ngx_http_magasin_checks_main_conf_t *cmcf)
{
    ngx_http_magasin_tokens_t  *tokens;

    tokens = ngx_pcalloc(cycle->pool, sizeof(ngx_http_magasin_tokens_t));
    if (tokens == NULL) {
        return NULL;
    }

    tokens->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    tokens->context = EVP_MD_CTX_new();

    if (tokens->sha256 == NULL || tokens->context == NULL) {
        EVP_MD_CTX_free(tokens->context);
        EVP_MD_free(tokens->sha256);
        return NULL;
    }

    tokens->file = cmcf->file;
    tokens->list = cmcf->list;
    tokens->generation = 1;
    tokens->loaded = ngx_time();
    tokens->log = cycle->log;
    tokens->counters = cmcf->counters;

    tokens->timer.handler = ngx_http_magasin_tokens_timer;
    tokens->timer.data = tokens;
    tokens->timer.log = cycle->log;
    tokens->timer.cancelable = 1;

    ngx_http_magasin_tokens_refresh(tokens);
    ngx_http_magasin_tokens_count(tokens);

    ngx_add_timer(&tokens->timer, NGX_HTTP_MAGASIN_TOKENS_POLL);

    return tokens;
}


/* Stops the timer and frees the tokens that the worker has read. */

void
ngx_http_magasin_tokens_destroy(ngx_http_magasin_tokens_t *tokens)
{
    if (tokens->timer.timer_set) {
        ngx_del_timer(&tokens->timer);
    }

    if (tokens->pool) {
        ngx_destroy_pool(tokens->pool);
        tokens->pool = NULL;
        tokens->list = NULL;
    }

    EVP_MD_CTX_free(tokens->context);
    EVP_MD_free(tokens->sha256);
}


static void
ngx_http_magasin_tokens_timer(ngx_event_t *ev)
{
    ngx_http_magasin_tokens_t  *tokens = ev->data;

    if (ngx_exiting) {
        return;
    }

    ngx_http_magasin_tokens_refresh(tokens);
    ngx_http_magasin_tokens_count(tokens);

    ngx_add_timer(ev, NGX_HTTP_MAGASIN_TOKENS_POLL);
}


static void
ngx_http_magasin_tokens_refresh(ngx_http_magasin_tokens_t *tokens)
{
    ngx_int_t                        rc;
    ngx_pool_t                      *pool;
    ngx_http_magasin_tokens_file_t   file;

    if (ngx_http_magasin_tokens_unchanged(tokens)) {
        return;
    }

    /* Reading has to be repeated until it has succeeded. */

    tokens->settled = 0;

    pool = ngx_create_pool(4096, tokens->log);
    if (pool == NULL) {
        return;
    }

    rc = ngx_http_magasin_tokens_load(tokens, pool, &file);

    if (rc != NGX_OK) {
        ngx_destroy_pool(pool);

        if (rc == NGX_ERROR) {
            ngx_http_magasin_tokens_report(tokens, file.error);
        }

        return;
    }

    if (tokens->pool) {
        ngx_destroy_pool(tokens->pool);
    }

    tokens->pool = pool;
    tokens->text = file.text;
    tokens->list = file.list;
    tokens->generation++;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, tokens->log, 0,
                   "magasin tokens: list %ui of %ui tokens",
                   tokens->generation,
                   tokens->list ? tokens->list->nelts : 0);
    tokens->loaded = ngx_time();

    if (tokens->error[0] && ngx_worker == 0) {
        ngx_log_error(NGX_LOG_NOTICE, tokens->log, 0,
                      "magasin: the file of tokens is right again, with "
                      "%ui of them", tokens->list->nelts);
    }

    tokens->error[0] = '\0';
}


/* Returns 1 if the file is the version that was read last, valid or not. */

static ngx_uint_t
ngx_http_magasin_tokens_unchanged(ngx_http_magasin_tokens_t *tokens)
{
    ngx_file_info_t                    fi;
    ngx_http_magasin_tokens_version_t  version;

    if (!tokens->settled
        || ngx_file_info(tokens->file.data, &fi) == NGX_FILE_ERROR)
    {
        return 0;
    }

    ngx_http_magasin_tokens_version(&version, &fi);

    return ngx_memcmp(&version, &tokens->version,
                      sizeof(ngx_http_magasin_tokens_version_t))
           == 0;
}


/*
 * Reads and parses the file.  Returns NGX_OK if `file` has other tokens than
 * before, NGX_DECLINED if the tokens are the same, or NGX_ERROR with the
 * reason in file->error.
 */

static ngx_int_t
ngx_http_magasin_tokens_load(ngx_http_magasin_tokens_t *tokens,
    ngx_pool_t *pool, ngx_http_magasin_tokens_file_t *file)
{
    if (ngx_http_magasin_tokens_read(pool, &tokens->file, file) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memcpy(&tokens->version, &file->version,
               sizeof(ngx_http_magasin_tokens_version_t));

    tokens->settled = file->version.changed.tv_sec
                      + NGX_HTTP_MAGASIN_TOKENS_SETTLE < ngx_time();

    if (tokens->list && tokens->error[0] == '\0'
        && tokens->text.len == file->text.len
        && ngx_memcmp(tokens->text.data, file->text.data, file->text.len)
           == 0)
    {
        return NGX_DECLINED;
    }

    return ngx_http_magasin_tokens_parse(pool, file);
}


/* Logs each reason once, by one worker. */

static void
ngx_http_magasin_tokens_report(ngx_http_magasin_tokens_t *tokens,
    u_char *error)
{
    if (ngx_strcmp(tokens->error, error) == 0) {
        return;
    }

    (void) ngx_cpystrn(tokens->error, error, sizeof(tokens->error));

    if (ngx_worker != 0) {
        return;
    }

    if (tokens->list) {
        ngx_log_error(NGX_LOG_ERR, tokens->log, 0,
                      "magasin: the tokens stay as they were: %s "
                      "(\"%V\")", error, &tokens->file);

    } else {
        ngx_log_error(NGX_LOG_ERR, tokens->log, 0,
                      "magasin: there are no tokens, and every write is "
                      "answered with 401: %s (\"%V\")", error,
                      &tokens->file);
    }
}


/*
 * Updates the state for /metrics.  It is written on each poll, because workers
 * of the previous configuration may have written later.
 */

static void
ngx_http_magasin_tokens_count(ngx_http_magasin_tokens_t *tokens)
{
    if (tokens->counters == NULL || ngx_worker != 0) {
        return;
    }

    tokens->counters->rejected = tokens->error[0] != '\0';
    tokens->counters->number = tokens->list ? tokens->list->nelts : 0;
    tokens->counters->loaded = tokens->loaded;
}
