
/*
 * `magasin_database`: a conninfo of libpq, which is split into one address per
 * attempt.  libpq gets one address, so that no worker waits for DNS, and no
 * choice of encryption, so that it does not replace its socket while it
 * connects.
 */


#include "ngx_http_magasin_pg_internal.h"


/* What may be added to the keywords of the conninfo. */
#define NGX_HTTP_MAGASIN_PG_EXTRA  9

/* Milliseconds for locks, and connections that keep what is promised. */
#define NGX_HTTP_MAGASIN_PG_CONF_LOCK   2000
#define NGX_HTTP_MAGASIN_PG_CONF_LEAST  3


typedef struct {
    ngx_conf_t                  *cf;
    ngx_http_magasin_pg_conf_t  *pcf;
    PQconninfoOption            *options;
} ngx_http_magasin_pg_parse_t;


static void ngx_http_magasin_pg_conf_primary(ngx_http_magasin_pg_parse_t *ps);
static char *ngx_http_magasin_pg_conf_hosts(ngx_http_magasin_pg_parse_t *ps);
static char *ngx_http_magasin_pg_conf_host(ngx_http_magasin_pg_parse_t *ps,
    ngx_str_t *host, ngx_str_t *address, ngx_str_t *port);
static ngx_http_magasin_pg_place_t *ngx_http_magasin_pg_conf_place(
    ngx_http_magasin_pg_parse_t *ps, ngx_str_t *host, ngx_str_t *address,
    ngx_str_t *port);
static char *ngx_http_magasin_pg_conf_name(ngx_http_magasin_pg_parse_t *ps,
    ngx_str_t *host, ngx_str_t *port);
static ngx_uint_t ngx_http_magasin_pg_conf_keywords(
    ngx_http_magasin_pg_parse_t *ps, ngx_http_magasin_pg_target_t *target);
static char *ngx_http_magasin_pg_conf_check(ngx_http_magasin_pg_parse_t *ps);
static const char *ngx_http_magasin_pg_conf_option(
    ngx_http_magasin_pg_parse_t *ps, const char *keyword);
static ngx_uint_t ngx_http_magasin_pg_conf_item(const char *list,
    ngx_uint_t n, ngx_str_t *item);
static const char *ngx_http_magasin_pg_conf_copy(ngx_conf_t *cf,
    ngx_str_t *text);


/*
 * Parse queue=N, the bound of each class that has none of its own, and
 * queue_read=N, queue_write=N, queue_heavy=N.
 *
 * Returns NGX_CONF_OK, an error text for the directive, or NGX_CONF_ERROR if
 * the error is logged.
 */

char *
ngx_http_magasin_pg_conf_queue(ngx_conf_t *cf, ngx_http_magasin_pg_conf_t *pcf,
    ngx_str_t *name, ngx_str_t *value)
{
    ngx_int_t    n;
    ngx_str_t    suffix;
    ngx_uint_t   i;
    const char  *known;

    n = ngx_atoi(value->data, value->len);

    if (n < 1 || n > 1000000) {
        return "takes \"queue\" from 1 to 1000000 requests for each worker";
    }

    suffix.data = name->data + (sizeof("queue") - 1);
    suffix.len = name->len - (sizeof("queue") - 1);

    if (suffix.len == 0) {
        pcf->queues = n;
        return NGX_CONF_OK;
    }

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_CLASSES; i++) {
        known = ngx_http_magasin_pg_class_name(i);

        if (*suffix.data == '_' && suffix.len == ngx_strlen(known) + 1
            && ngx_strncmp(suffix.data + 1, known, suffix.len - 1) == 0)
        {
            pcf->queue[i] = n;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"magasin_database\" does not know \"%V\": it takes "
                       "queue=, queue_read=, queue_write= and queue_heavy=",
                       name);
    return NGX_CONF_ERROR;
}


/*
 * Set the defaults of the options that were not given.  Returns NGX_CONF_OK or
 * an error text for the directive.
 */

char *
ngx_http_magasin_pg_conf_finish(ngx_conf_t *cf,
    ngx_http_magasin_pg_conf_t *pcf)
{
    ngx_uint_t  i;

    static const ngx_uint_t  queues[] = { 1024, 1024, 128 };

    for (i = 0; i < NGX_HTTP_MAGASIN_PG_CLASSES; i++) {
        if (pcf->queue[i] == 0) {
            pcf->queue[i] = pcf->queues ? pcf->queues : queues[i];
        }
    }

    if (pcf->lock_timeout == 0) {
        pcf->lock_timeout = ngx_min(NGX_HTTP_MAGASIN_PG_CONF_LOCK,
                                    pcf->timeout / 2);
        pcf->lock_timeout = ngx_max(pcf->lock_timeout, 1);
    }

    if (pcf->lock_timeout > pcf->timeout) {
        return "takes a \"lock_timeout\" that is not over \"timeout\"";
    }

    if (pcf->connections < NGX_HTTP_MAGASIN_PG_CONF_LEAST) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"magasin_database\" with connections=%ui: with "
                           "less than %d, long reports and writes that wait "
                           "for locks delay each other",
                           pcf->connections, NGX_HTTP_MAGASIN_PG_CONF_LEAST);
    }

    return NGX_CONF_OK;
}


/*
 * Fill pcf->places and the settings of the sessions from a conninfo (keywords
 * or URI).  pcf->timeout is set before: it becomes their statement_timeout.
 *
 * Returns NGX_CONF_OK, or NGX_CONF_ERROR if the error is logged.
 */

char *
ngx_http_magasin_pg_conf_parse(ngx_conf_t *cf, ngx_http_magasin_pg_conf_t *pcf,
    ngx_str_t *conninfo)
{
    char                         *error, *rv;
    ngx_http_magasin_pg_parse_t   ps;

    pcf->places = ngx_array_create(cf->pool, 2,
                                   sizeof(ngx_http_magasin_pg_place_t));
    pcf->names = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_names_t));

    if (pcf->places == NULL || pcf->names == NULL) {
        return NGX_CONF_ERROR;
    }

    error = NULL;

    ps.cf = cf;
    ps.pcf = pcf;
    ps.options = PQconninfoParse((char *) conninfo->data, &error);

    if (ps.options == NULL) {

        /* The message of libpq may quote a password. */

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is no libpq connection "
                           "string: write \"host=/run/postgresql "
                           "dbname=magasin\" or a postgresql:// URI",
                           &pcf->directive);
        PQfreemem(error);
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_magasin_pg_conf_check(&ps);

    pcf->database = ngx_http_magasin_pg_lock((char *) conninfo->data, NULL);

    ngx_http_magasin_pg_conf_primary(&ps);

    if (rv == NGX_CONF_OK) {
        rv = ngx_http_magasin_pg_settings_init(cf, pcf,
                     ngx_http_magasin_pg_conf_option(&ps, "options")) == NGX_OK
             ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (rv == NGX_CONF_OK) {
        rv = ngx_http_magasin_pg_conf_hosts(&ps);
    }

    PQconninfoFree(ps.options);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_magasin_pg_places_init(cf, pcf) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_magasin_pg_conf_check(ngx_http_magasin_pg_parse_t *ps)
{
    const char  *value;

    value = ngx_http_magasin_pg_conf_option(ps, "sslmode");

    if (value
        && (ngx_strcmp(value, "prefer") == 0
            || ngx_strcmp(value, "allow") == 0))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, ps->cf, 0,
                           "\"sslmode=%s\" in \"%V\" leaves "
                           "encryption to chance: use \"disable\", "
                           "\"require\", \"verify-ca\" or \"verify-full\"",
                           value, &ps->pcf->directive);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_magasin_pg_conf_option(ps, "service")) {
        ngx_conf_log_error(NGX_LOG_EMERG, ps->cf, 0,
                           "\"service\" is not supported in "
                           "\"%V\": write its host, port and "
                           "dbname", &ps->pcf->directive);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * Does only a primary serve?  The conninfo may say; if it does not and has
 * several hosts, they are the servers of one replication.
 */

static void
ngx_http_magasin_pg_conf_primary(ngx_http_magasin_pg_parse_t *ps)
{
    ngx_str_t    item;
    const char  *attributes;

    attributes = ngx_http_magasin_pg_conf_option(ps, "target_session_attrs");

    if (attributes) {
        ps->pcf->primary = (ngx_strcmp(attributes, "read-write") == 0
                            || ngx_strcmp(attributes, "primary") == 0);
        return;
    }

    ps->pcf->primary = ngx_http_magasin_pg_conf_item(
                           ngx_http_magasin_pg_conf_option(ps, "host"), 0,
                           &item)
                       || ngx_http_magasin_pg_conf_item(
                              ngx_http_magasin_pg_conf_option(ps, "hostaddr"),
                              0, &item);
}


/* Each host of the comma-separated lists, in their order. */

static char *
ngx_http_magasin_pg_conf_hosts(ngx_http_magasin_pg_parse_t *ps)
{
    char        *rv;
    const char  *hosts, *addresses, *ports;
    ngx_str_t    host, address, port;
    ngx_uint_t   i, more;

    hosts = ngx_http_magasin_pg_conf_option(ps, "host");
    addresses = ngx_http_magasin_pg_conf_option(ps, "hostaddr");
    ports = ngx_http_magasin_pg_conf_option(ps, "port");

    more = 1;

    for (i = 0; more; i++) {
        more = ngx_http_magasin_pg_conf_item(hosts, i, &host);
        more |= ngx_http_magasin_pg_conf_item(addresses, i, &address);

        (void) ngx_http_magasin_pg_conf_item(ports, i, &port);

        if (port.len == 0) {

            /* One port is for all hosts; the default is 5432. */

            (void) ngx_http_magasin_pg_conf_item(ports, 0, &port);
        }

        if (port.len == 0) {
            ngx_str_set(&port, "5432");
        }

        if (host.len == 0 && address.len == 0) {
            ngx_str_set(&host, "/run/postgresql");
        }

        rv = ngx_http_magasin_pg_conf_host(ps, &host, &address, &port);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_magasin_pg_conf_host(ngx_http_magasin_pg_parse_t *ps,
    ngx_str_t *host, ngx_str_t *address, ngx_str_t *port)
{
    ngx_int_t   n;
    ngx_addr_t  addr;

    n = ngx_atoi(port->data, port->len);

    if (n < 1 || n > 65535) {
        ngx_conf_log_error(NGX_LOG_EMERG, ps->cf, 0,
                           "invalid port \"%V\" in \"%V\"",
                           port, &ps->pcf->directive);
        return NGX_CONF_ERROR;
    }

    if (address->len || host->data[0] == '/' || host->data[0] == '@') {
        return ngx_http_magasin_pg_conf_place(ps, host, address, port)
               ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_parse_addr(ps->cf->pool, &addr, host->data, host->len)
        == NGX_OK)
    {
        return ngx_http_magasin_pg_conf_place(ps, host, host, port)
               ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    return ngx_http_magasin_pg_conf_name(ps, host, port);
}


/* A name has a place for each address that it may have. */

static char *
ngx_http_magasin_pg_conf_name(ngx_http_magasin_pg_parse_t *ps,
    ngx_str_t *host, ngx_str_t *port)
{
    ngx_str_t                     address, kept;
    ngx_uint_t                    i;
    ngx_http_magasin_name_t      *name;
    ngx_http_magasin_pg_place_t  *place;

    /* The text of the conninfo is freed. */

    kept.len = host->len;
    kept.data = ngx_pstrdup(ps->cf->pool, host);
    if (kept.data == NULL) {
        return NGX_CONF_ERROR;
    }

    name = ngx_http_magasin_names_add(ps->cf, ps->pcf->names, &kept);
    if (name == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_str_null(&address);

    for (i = 0; i < NGX_HTTP_MAGASIN_NAMES_ADDRESSES; i++) {

        place = ngx_http_magasin_pg_conf_place(ps, &kept, &address, port);
        if (place == NULL) {
            return NGX_CONF_ERROR;
        }

        place->name = name;
        place->n = i;
    }

    return NGX_CONF_OK;
}


/*
 * Add a place: the keywords of the conninfo, with one host.  Returns it, or
 * NULL if memory is short.
 */

static ngx_http_magasin_pg_place_t *
ngx_http_magasin_pg_conf_place(ngx_http_magasin_pg_parse_t *ps,
    ngx_str_t *host, ngx_str_t *address, ngx_str_t *port)
{
    ngx_uint_t                     n, k;
    PQconninfoOption              *option;
    ngx_http_magasin_pg_place_t   *place;
    ngx_http_magasin_pg_target_t  *target;

    for (n = 0, option = ps->options; option->keyword; option++) {
        n++;
    }

    place = ngx_array_push(ps->pcf->places);
    if (place == NULL) {
        return NULL;
    }

    ngx_memzero(place, sizeof(ngx_http_magasin_pg_place_t));
    target = &place->target;

    n += NGX_HTTP_MAGASIN_PG_EXTRA + 1;

    target->keywords = ngx_pcalloc(ps->cf->pool, n * sizeof(char *));
    target->values = ngx_pcalloc(ps->cf->pool, n * sizeof(char *));
    target->name.data = ngx_pnalloc(ps->cf->pool, host->len + address->len
                                                  + NGX_INET6_ADDRSTRLEN
                                                  + port->len + 4);
    place->host.data = (u_char *) ngx_http_magasin_pg_conf_copy(ps->cf, host);
    place->port.data = (u_char *) ngx_http_magasin_pg_conf_copy(ps->cf, port);

    if (target->keywords == NULL || target->values == NULL
        || target->name.data == NULL || place->host.data == NULL
        || place->port.data == NULL)
    {
        return NULL;
    }

    place->host.len = host->len;
    place->port.len = port->len;

    ngx_http_magasin_pg_place_name(place, address);

    /* libpq takes the last value of a keyword: those set below come last. */

    k = ngx_http_magasin_pg_conf_keywords(ps, target);

    target->keywords[k] = "host";
    target->values[k++] = (const char *) place->host.data;
    target->keywords[k] = "hostaddr";
    place->address = &target->values[k];
    target->values[k++] = ngx_http_magasin_pg_conf_copy(ps->cf, address);
    target->keywords[k] = "port";
    target->values[k++] = (const char *) place->port.data;
    target->keywords[k] = "options";
    target->options = &target->values[k];
    target->values[k++] = ps->pcf->options;
    target->keywords[k] = "client_encoding";
    target->values[k++] = "UTF8";
    target->keywords[k] = "gssencmode";
    target->values[k++] = "disable";

    while (k) {
        if (target->keywords[--k] == NULL || target->values[k] == NULL) {
            return NULL;
        }
    }

    return place;
}


/*
 * Copy the keywords of the conninfo to a target, but for those that depend on
 * the host or that the module sets; three defaults go before them.  A value is
 * NULL if memory is short.
 *
 * Returns the number of keywords.
 */

static ngx_uint_t
ngx_http_magasin_pg_conf_keywords(ngx_http_magasin_pg_parse_t *ps,
    ngx_http_magasin_pg_target_t *target)
{
    ngx_str_t          text;
    ngx_uint_t         k;
    PQconninfoOption  *option;

    k = 0;

    target->keywords[k] = "application_name";
    target->values[k++] = "magasin";
    target->keywords[k] = "sslmode";
    target->values[k++] = "disable";
    target->keywords[k] = "target_session_attrs";
    target->values[k++] = ps->pcf->primary ? "read-write" : "any";

    for (option = ps->options; option->keyword; option++) {

        if (option->val == NULL || *option->val == '\0'
            || ngx_strcmp(option->keyword, "host") == 0
            || ngx_strcmp(option->keyword, "hostaddr") == 0
            || ngx_strcmp(option->keyword, "port") == 0
            || ngx_strcmp(option->keyword, "options") == 0)
        {
            continue;
        }

        text.data = (u_char *) option->keyword;
        text.len = ngx_strlen(option->keyword);
        target->keywords[k] = ngx_http_magasin_pg_conf_copy(ps->cf, &text);

        text.data = (u_char *) option->val;
        text.len = ngx_strlen(option->val);
        target->values[k++] = ngx_http_magasin_pg_conf_copy(ps->cf, &text);
    }

    return k;
}


/* Returns the value of a keyword, or NULL if it has none. */

static const char *
ngx_http_magasin_pg_conf_option(ngx_http_magasin_pg_parse_t *ps,
    const char *keyword)
{
    PQconninfoOption  *option;

    for (option = ps->options; option->keyword; option++) {
        if (ngx_strcmp(option->keyword, keyword) == 0) {
            return option->val && *option->val ? option->val : NULL;
        }
    }

    return NULL;
}


/*
 * Set `item` to the nth item of a comma-separated list, or to an empty one.
 * Returns 1 if more items follow.
 */

static ngx_uint_t
ngx_http_magasin_pg_conf_item(const char *list, ngx_uint_t n, ngx_str_t *item)
{
    u_char  *p, *end, *comma;

    ngx_str_null(item);

    if (list == NULL) {
        return 0;
    }

    p = (u_char *) list;
    end = p + ngx_strlen(list);

    for ( ;; ) {
        comma = ngx_strlchr(p, end, ',');

        if (n-- == 0) {
            item->data = p;
            item->len = (comma ? comma : end) - p;
            return comma != NULL;
        }

        if (comma == NULL) {
            return 0;
        }

        p = comma + 1;
    }
}


static const char *
ngx_http_magasin_pg_conf_copy(ngx_conf_t *cf, ngx_str_t *text)
{
    u_char  *p;

    p = ngx_pnalloc(cf->pool, text->len + 1);
    if (p == NULL) {
        return NULL;
    }

    if (text->len) {
        ngx_memcpy(p, text->data, text->len);
    }

    p[text->len] = '\0';

    return (const char *) p;
}
