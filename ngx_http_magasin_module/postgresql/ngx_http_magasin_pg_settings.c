
/*
 * The settings of each session: as options of a connection, which no setting of
 * the role precedes, and as arrays for settings.sql, since a pooler does not
 * pass on options.
 *
 * A connection whose statements another process runs than the one that it was
 * told of leads to a pooler.  Behind it each transaction may have another
 * session.  So what a session keeps of itself elsewhere, its settings and which
 * database it leads to, is asked for at the beginning of each transaction.
 */


#include "ngx_http_magasin_pg_internal.h"


typedef struct {
    const char  *name;
    const char  *value;             /* NULL: the timeout */
    unsigned     start:1;           /* nothing sets it later */
} ngx_http_magasin_pg_setting_t;


/* The text of options, and of the arrays that have the same settings. */
typedef struct {
    u_char      *options;
    u_char      *names;
    u_char      *values;
} ngx_http_magasin_pg_texts_t;


static void ngx_http_magasin_pg_settings_add(
    ngx_http_magasin_pg_texts_t *texts, ngx_str_t *name, ngx_str_t *value);
static u_char *ngx_http_magasin_pg_settings_item(u_char *p, ngx_str_t *text);
static u_char *ngx_http_magasin_pg_settings_option(u_char *p,
    const char *name, const char *value);
static void ngx_http_magasin_pg_settings_parse(
    ngx_http_magasin_pg_texts_t *texts, u_char *buffer, const char *options);
static const char *ngx_http_magasin_pg_settings_word(ngx_str_t *word,
    const char *options);
static ngx_uint_t ngx_http_magasin_pg_settings_early(ngx_str_t *name);
static ngx_uint_t ngx_http_magasin_pg_settings_refused(
    ngx_http_magasin_pg_pool_t *pool);


/*
 * statement_timeout ends a statement with the request that waits for it.  jit
 * is off: the statements take milliseconds.
 */

static ngx_http_magasin_pg_setting_t  ngx_http_magasin_pg_settings[] = {
    { .name = "statement_timeout" },
    { .name = "jit", .value = "off" },
    { .name = "TimeZone", .value = "UTC" },
    { .name = "DateStyle", .value = "ISO" },
    { .name = "standard_conforming_strings", .value = "on" },
    { .name = "search_path", .value = "public" },
    { .name = "default_transaction_isolation", .value = "read committed" },
    { .name = "idle_session_timeout", .value = "0" },
    { .name = "local_preload_libraries", .value = "", .start = 1 },
    { .name = NULL }
};


/* What PostgreSQL takes from options alone. */

static const char  *ngx_http_magasin_pg_settings_start[] = {
    "ignore_system_indexes",
    "jit_debugging_support",
    "jit_profiling_support",
    "local_preload_libraries",
    "log_connections",
    "log_disconnections",
    "post_auth_delay",
    NULL
};


/*
 * Set pcf->options, and pcf->setting_names and pcf->setting_values: those
 * above, then those of `options` of the conninfo, which count.
 *
 * Returns NGX_OK or NGX_ERROR (memory).
 */

ngx_int_t
ngx_http_magasin_pg_settings_init(ngx_conf_t *cf,
    ngx_http_magasin_pg_conf_t *pcf, const char *options)
{
    size_t                          len;
    u_char                         *buffer, timeout[NGX_INT64_LEN + 3];
    ngx_str_t                       name, value;
    const char                     *text;
    ngx_http_magasin_pg_texts_t     texts;
    ngx_http_magasin_pg_setting_t  *setting;

    options = options ? options : "";

    /* A byte may need a second one as an escape. */

    len = 2 * ngx_strlen(options) + 512;

    texts.options = ngx_pnalloc(cf->pool, len);
    texts.names = ngx_pnalloc(cf->pool, 2 * len);
    texts.values = ngx_pnalloc(cf->pool, 2 * len);
    buffer = ngx_pnalloc(cf->temp_pool, len);

    if (texts.options == NULL || texts.names == NULL || texts.values == NULL
        || buffer == NULL)
    {
        return NGX_ERROR;
    }

    pcf->options = (const char *) texts.options;
    pcf->setting_names = (const char *) texts.names;
    pcf->setting_values = (const char *) texts.values;

    *texts.names++ = '{';
    *texts.values++ = '{';

    (void) ngx_sprintf(timeout, "%Mms%Z", pcf->timeout);

    for (setting = ngx_http_magasin_pg_settings; setting->name; setting++) {

        text = setting->value ? setting->value : (const char *) timeout;

        texts.options = ngx_http_magasin_pg_settings_option(texts.options,
                                                            setting->name,
                                                            text);
        if (setting->start) {
            continue;
        }

        name.data = (u_char *) setting->name;
        name.len = ngx_strlen(setting->name);
        value.data = (u_char *) text;
        value.len = ngx_strlen(text);

        ngx_http_magasin_pg_settings_add(&texts, &name, &value);
    }

    ngx_http_magasin_pg_settings_parse(&texts, buffer, options);

    /* A pooler may take a blank at the end for one more option. */

    (void) ngx_sprintf(texts.options, *options ? "%s%Z" : "%Z", options);

    if (*options == '\0') {
        texts.options[-1] = '\0';
    }

    /* Each item was followed by a comma. */

    texts.names[-1] = '}';
    texts.values[-1] = '}';
    *texts.names = '\0';
    *texts.values = '\0';

    return NGX_OK;
}


/* Add a setting to the arrays. */

static void
ngx_http_magasin_pg_settings_add(ngx_http_magasin_pg_texts_t *texts,
    ngx_str_t *name, ngx_str_t *value)
{
    texts->names = ngx_http_magasin_pg_settings_item(texts->names, name);
    texts->values = ngx_http_magasin_pg_settings_item(texts->values, value);
}


static u_char *
ngx_http_magasin_pg_settings_item(u_char *p, ngx_str_t *text)
{
    size_t  i;

    *p++ = '"';

    for (i = 0; i < text->len; i++) {

        if (text->data[i] == '"' || text->data[i] == '\\') {
            *p++ = '\\';
        }

        *p++ = text->data[i];
    }

    *p++ = '"';
    *p++ = ',';

    return p;
}


/* Write "-c name=value " in the way of options. */

static u_char *
ngx_http_magasin_pg_settings_option(u_char *p, const char *name,
    const char *value)
{
    p = ngx_sprintf(p, "-c %s=", name);

    for ( /* void */ ; *value; value++) {

        if (*value == ' ') {
            *p++ = '\\';
        }

        *p++ = (u_char) *value;
    }

    *p++ = ' ';

    return p;
}


/*
 * Add the settings of `options`: "-c name=value", "-cname=value" and
 * "--name=value".  Other words are for the start of a session alone.
 */

static void
ngx_http_magasin_pg_settings_parse(ngx_http_magasin_pg_texts_t *texts,
    u_char *buffer, const char *options)
{
    u_char      *p;
    ngx_str_t    word, name, value;
    ngx_uint_t   next;

    next = 0;
    word.data = buffer;

    for ( ;; ) {
        options = ngx_http_magasin_pg_settings_word(&word, options);
        if (options == NULL) {
            return;
        }

        name = word;

        if (!next) {

            if (word.len < 2 || word.data[0] != '-'
                || (word.data[1] != 'c' && word.data[1] != '-'))
            {
                continue;
            }

            if (word.len == 2) {
                next = (word.data[1] == 'c');
                continue;
            }

            name.data += 2;
            name.len -= 2;
        }

        next = 0;

        p = ngx_strlchr(name.data, name.data + name.len, '=');
        if (p == NULL) {
            continue;
        }

        value.data = p + 1;
        value.len = name.data + name.len - value.data;
        name.len = p - name.data;

        for (p = name.data; p < name.data + name.len; p++) {
            if (*p == '-') {
                *p = '_';
            }
        }

        if (!ngx_http_magasin_pg_settings_early(&name)) {
            ngx_http_magasin_pg_settings_add(texts, &name, &value);
        }
    }
}


/*
 * Copy the next word of `options` to word->data, without the backslashes before
 * other bytes.  Returns what follows it, or NULL if there is none.
 */

static const char *
ngx_http_magasin_pg_settings_word(ngx_str_t *word, const char *options)
{
    word->len = 0;

    options += strspn(options, " \t\n\v\f\r");

    if (*options == '\0') {
        return NULL;
    }

    for ( /* void */ ; *options && strchr(" \t\n\v\f\r", *options) == NULL;
         options++)
    {
        if (*options == '\\') {
            options++;

            if (*options == '\0') {
                break;
            }
        }

        word->data[word->len++] = (u_char) *options;
    }

    return options;
}


static ngx_uint_t
ngx_http_magasin_pg_settings_early(ngx_str_t *name)
{
    const char  **early;

    for (early = ngx_http_magasin_pg_settings_start; *early; early++) {
        if (ngx_strlen(*early) == name->len
            && ngx_strncasecmp(name->data, (u_char *) *early, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Set the settings of a session, or, behind a pooler, those of the transaction
 * that begins with this.  Its lock_timeout is `wait` milliseconds.
 *
 * Returns NGX_OK, or NGX_ERROR if the connection is unusable.
 */

ngx_int_t
ngx_http_magasin_pg_settings_send(
    ngx_http_magasin_pg_connection_t *connection, ngx_msec_t wait)
{
    u_char                       text[NGX_INT64_LEN + sizeof("ms")];
    u_char                       own[NGX_INT64_LEN + 1];
    u_char                       last[NGX_INT64_LEN + 1];
    const char                  *values[5];
    ngx_http_magasin_pg_conf_t  *pcf;

    pcf = connection->pool->conf;

    (void) ngx_sprintf(text, "%Mms%Z", wait);
    (void) ngx_sprintf(own, "%d%Z", PQbackendPID(connection->pg));
    (void) ngx_sprintf(last, "%d%Z", connection->process);

    values[0] = pcf->setting_names;
    values[1] = pcf->setting_values;
    values[2] = (const char *) text;
    values[3] = (const char *) own;
    values[4] = connection->process ? (const char *) last : NULL;

    return ngx_http_magasin_pg_connection_ask(connection,
                                              NGX_HTTP_MAGASIN_SQL_SETTINGS,
                                              5, values);
}


/*
 * Take the answer to settings.sql.  NGX_OK, or NGX_ERROR: the settings are not
 * in force, or the session is that of others; connection->why tells then.
 */

ngx_int_t
ngx_http_magasin_pg_settings_take(
    ngx_http_magasin_pg_connection_t *connection, PGresult *result)
{
    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED) {
        return NGX_OK;
    }

    if (PQresultStatus(result) != PGRES_TUPLES_OK
        || ngx_http_magasin_pg_expected(NGX_HTTP_MAGASIN_SQL_SETTINGS, result)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (*PQgetvalue(result, 0, 2) == 't') {
        ngx_http_magasin_pg_settings_shared(connection);
        return NGX_ERROR;
    }

    connection->pooled = (*PQgetvalue(result, 0, 0) == 't');
    connection->process = atoi(PQgetvalue(result, 0, 1));

    if (!PQgetisnull(result, 0, 3)) {
        connection->renamed = (*PQgetvalue(result, 0, 3) == 't');
    }

    /* Once it was set, that is not known any more. */

    if (connection->pooled && *PQgetvalue(result, 0, 4) == 't') {
        connection->isolate = 1;
    }

    if (connection->pooled
        && ngx_http_magasin_pg_settings_refused(connection->pool))
    {
        connection->why = NGX_HTTP_MAGASIN_PG_SHARED;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * A session turned out to be that of others.  Its statements may be those of
 * another version, so the pooler is not used for a while.
 */

void
ngx_http_magasin_pg_settings_shared(
    ngx_http_magasin_pg_connection_t *connection)
{
    connection->why = NGX_HTTP_MAGASIN_PG_SHARED;
    connection->pool->mixed = ngx_max(ngx_current_msec, 1);
}


static ngx_uint_t
ngx_http_magasin_pg_settings_refused(ngx_http_magasin_pg_pool_t *pool)
{
    if (pool->mixed
        && ngx_current_msec - pool->mixed > NGX_HTTP_MAGASIN_PG_SHARED_PAUSE)
    {
        pool->mixed = 0;
    }

    return pool->mixed != 0;
}


/* Give up the other connections to such a pooler. */

void
ngx_http_magasin_pg_settings_check(ngx_http_magasin_pg_pool_t *pool)
{
    ngx_uint_t                         i;
    ngx_http_magasin_pg_connection_t  *connection;

    if (!ngx_http_magasin_pg_settings_refused(pool)) {
        return;
    }

    for (i = 0; i < pool->conf->connections; i++) {
        connection = &pool->connections[i];

        if (connection->pooled
            && connection->state == NGX_HTTP_MAGASIN_PG_READY)
        {
            ngx_http_magasin_pg_connection_lost(connection,
                                                NGX_HTTP_MAGASIN_PG_SHARED);
        }
    }
}
