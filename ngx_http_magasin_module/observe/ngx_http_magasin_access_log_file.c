
/*
 * The directive `magasin_access_log`, and its files.
 *
 * The files are among nginx's open files: nginx opens them, calls flush()
 * before it opens them anew (USR1) and when a worker ends.
 */


#include "ngx_http_magasin_access_log_internal.h"


/*
 * nginx shares open files by their names, and so it would share ours with
 * access_log, which takes what is in ngx_open_file_t.data for a buffer of its
 * own.  This makes another name of a path; it is not shown.  Then two
 * directives with one path have two descriptors, and each appends whole lines.
 */
#define NGX_HTTP_MAGASIN_ACCESS_LOG_OWN  "/."

#define ngx_http_magasin_access_log_name(file)                                \
    ((file)->name.data + sizeof(NGX_HTTP_MAGASIN_ACCESS_LOG_OWN) - 1)


/* Seconds between two alerts about one file. */
#define NGX_HTTP_MAGASIN_ACCESS_LOG_QUIET  60


/* The data of an open file.  Each worker has a buffer of its own. */
typedef struct {
    u_char       *start;        /* NULL: no buffer */
    u_char       *last;         /* of the lines in it */
    u_char       *end;
    ngx_event_t  *timer;        /* NULL: no flush= */
    ngx_msec_t    flush;
    time_t        alerted;
} ngx_http_magasin_access_log_data_t;


typedef struct {
    ssize_t                    buffer;          /* 0: none */
    ngx_msec_t                 flush;           /* 0: none */
    ngx_http_complex_value_t  *condition;
} ngx_http_magasin_access_log_options_t;


static char *ngx_http_magasin_access_log_option(ngx_conf_t *cf,
    ngx_http_magasin_access_log_options_t *options, ngx_str_t *text);
static ngx_open_file_t *ngx_http_magasin_access_log_open(ngx_conf_t *cf,
    ngx_array_t *files, ngx_str_t *path,
    ngx_http_magasin_access_log_options_t *options);
static ngx_int_t ngx_http_magasin_access_log_full_name(ngx_conf_t *cf,
    ngx_str_t *path);
static ngx_http_magasin_access_log_data_t *ngx_http_magasin_access_log_data(
    ngx_conf_t *cf, ngx_open_file_t *file,
    ngx_http_magasin_access_log_options_t *options);
static void ngx_http_magasin_access_log_timer(ngx_event_t *ev);
static void ngx_http_magasin_access_log_flush(ngx_open_file_t *file,
    ngx_log_t *log);


/*
 * Initializes the list of files and looks up the variables that a balancer's
 * lines need.  Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_access_log_create(ngx_conf_t *cf,
    ngx_http_magasin_access_log_main_conf_t *amcf)
{
    static ngx_str_t  addresses = ngx_string("upstream_addr");
    static ngx_str_t  times = ngx_string("upstream_response_time");

    if (amcf->files.elts == NULL
        && ngx_array_init(&amcf->files, cf->pool, 2,
                          sizeof(ngx_open_file_t *))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    amcf->addresses = ngx_http_get_variable_index(cf, &addresses);
    amcf->times = ngx_http_get_variable_index(cf, &times);

    return amcf->addresses == NGX_ERROR || amcf->times == NGX_ERROR
           ? NGX_ERROR : NGX_OK;
}


/*
 * magasin_access_log off | path [buffer=size] [flush=time] [if=condition];
 *
 * Adds a log to `*logs`, which is NGX_CONF_UNSET_PTR before the first
 * directive of a block; "off" makes it NULL.  Returns NGX_CONF_OK or an error
 * text.
 */

char *
ngx_http_magasin_access_log_set(ngx_conf_t *cf,
    ngx_http_magasin_access_log_main_conf_t *amcf, ngx_array_t **logs)
{
    char                                   *rv;
    ngx_str_t                              *value;
    ngx_uint_t                              i;
    ngx_http_magasin_access_log_t          *log;
    ngx_http_magasin_access_log_options_t   options;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts != 2) {
            return "has parameters after \"off\"";
        }

        if (*logs != NGX_CONF_UNSET_PTR) {
            return "is \"off\" and has a path in one block";
        }

        *logs = NULL;
        return NGX_CONF_OK;
    }

    if (*logs == NULL) {
        return "is \"off\" and has a path in one block";
    }

    ngx_memzero(&options, sizeof(options));

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_http_magasin_access_log_option(cf, &options, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (options.flush && options.buffer == 0) {
        return "has \"flush=\" without \"buffer=\"";
    }

    if (*logs == NGX_CONF_UNSET_PTR) {
        *logs = ngx_array_create(cf->pool, 1,
                                 sizeof(ngx_http_magasin_access_log_t));
        if (*logs == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    log = ngx_array_push(*logs);
    if (log == NULL) {
        return NGX_CONF_ERROR;
    }

    log->condition = options.condition;
    log->file = ngx_http_magasin_access_log_open(cf, &amcf->files, &value[1],
                                                 &options);

    return log->file ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_magasin_access_log_option(ngx_conf_t *cf,
    ngx_http_magasin_access_log_options_t *options, ngx_str_t *text)
{
    ngx_str_t                          value;
    ngx_http_compile_complex_value_t   ccv;

    if (ngx_strncmp(text->data, "buffer=", 7) == 0) {
        value.data = text->data + 7;
        value.len = text->len - 7;

        options->buffer = ngx_parse_size(&value);

        return options->buffer > 0 ? NGX_CONF_OK
                                   : "has an invalid value of \"buffer=\"";
    }

    if (ngx_strncmp(text->data, "flush=", 6) == 0) {
        value.data = text->data + 6;
        value.len = text->len - 6;

        options->flush = ngx_parse_time(&value, 0);

        return options->flush != (ngx_msec_t) NGX_ERROR && options->flush
               ? NGX_CONF_OK : "has an invalid value of \"flush=\"";
    }

    if (ngx_strncmp(text->data, "if=", 3) == 0) {
        value.data = text->data + 3;
        value.len = text->len - 3;

        options->condition = ngx_palloc(cf->pool,
                                        sizeof(ngx_http_complex_value_t));
        if (options->condition == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

        ccv.cf = cf;
        ccv.value = &value;
        ccv.complex_value = options->condition;

        return ngx_http_compile_complex_value(&ccv) == NGX_OK
               ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"", text);

    return NGX_CONF_ERROR;
}


/* Returns the file of a path, which may be open already, or NULL. */

static ngx_open_file_t *
ngx_http_magasin_access_log_open(ngx_conf_t *cf, ngx_array_t *files,
    ngx_str_t *path, ngx_http_magasin_access_log_options_t *options)
{
    ngx_str_t                             full;
    ngx_uint_t                            i;
    ngx_open_file_t                      *file, **known;
    ngx_http_magasin_access_log_data_t   *data;

    full = *path;

    if (ngx_http_magasin_access_log_full_name(cf, &full) != NGX_OK) {
        return NULL;
    }

    known = files->elts;

    for (i = 0; i < files->nelts; i++) {

        if (known[i]->name.len != full.len
            || ngx_strcmp(known[i]->name.data, full.data) != 0)
        {
            continue;
        }

        data = known[i]->data;

        if (data->end - data->start == options->buffer
            && data->flush == options->flush)
        {
            return known[i];
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"magasin_access_log\" has another \"buffer=\" or "
                           "\"flush=\" for \"%V\" before", path);
        return NULL;
    }

    known = ngx_array_push(files);
    file = ngx_list_push(&cf->cycle->open_files);

    if (known == NULL || file == NULL) {
        return NULL;
    }

    file->fd = NGX_INVALID_FILE;
    file->name = full;
    file->flush = ngx_http_magasin_access_log_flush;
    file->data = ngx_http_magasin_access_log_data(cf, file, options);

    *known = file;

    return file->data ? file : NULL;
}


/* Makes the name of a file of its path.  Returns NGX_OK or NGX_ERROR. */

static ngx_int_t
ngx_http_magasin_access_log_full_name(ngx_conf_t *cf, ngx_str_t *path)
{
    u_char     *p;
    ngx_str_t   full;

    full = *path;

    if (full.len == 0
        || ngx_strncmp(full.data, "syslog:", 7) == 0
        || ngx_strlchr(full.data, full.data + full.len, '$'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"magasin_access_log\" takes the path of a file, "
                           "without variables; \"%V\" is none", path);
        return NGX_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &full, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(cf->pool,
                    sizeof(NGX_HTTP_MAGASIN_ACCESS_LOG_OWN) + full.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    path->data = p;
    path->len = sizeof(NGX_HTTP_MAGASIN_ACCESS_LOG_OWN) - 1 + full.len;

    p = ngx_cpymem(p, NGX_HTTP_MAGASIN_ACCESS_LOG_OWN,
                   sizeof(NGX_HTTP_MAGASIN_ACCESS_LOG_OWN) - 1);
    (void) ngx_cpystrn(p, full.data, full.len + 1);

    return NGX_OK;
}


static ngx_http_magasin_access_log_data_t *
ngx_http_magasin_access_log_data(ngx_conf_t *cf, ngx_open_file_t *file,
    ngx_http_magasin_access_log_options_t *options)
{
    ngx_event_t                         *timer;
    ngx_http_magasin_access_log_data_t  *data;

    data = ngx_pcalloc(cf->pool, sizeof(ngx_http_magasin_access_log_data_t));
    if (data == NULL || options->buffer == 0) {
        return data;
    }

    data->start = ngx_pnalloc(cf->pool, (size_t) options->buffer);
    if (data->start == NULL) {
        return NULL;
    }

    data->last = data->start;
    data->end = data->start + options->buffer;
    data->flush = options->flush;

    if (options->flush == 0) {
        return data;
    }

    timer = ngx_pcalloc(cf->pool, sizeof(ngx_event_t));
    if (timer == NULL) {
        return NULL;
    }

    timer->data = file;
    timer->handler = ngx_http_magasin_access_log_timer;
    timer->log = &cf->cycle->new_log;
    timer->cancelable = 1;

    data->timer = timer;

    return data;
}


static void
ngx_http_magasin_access_log_timer(ngx_event_t *ev)
{
    ngx_http_magasin_access_log_flush(ev->data, ev->log);
}


/* Writes the lines in the buffer of a file.  nginx calls it, too. */

static void
ngx_http_magasin_access_log_flush(ngx_open_file_t *file, ngx_log_t *log)
{
    size_t                               size;
    ngx_http_magasin_access_log_data_t  *data;

    data = file->data;
    size = data->last - data->start;

    if (size) {
        ngx_http_magasin_access_log_write(file, data->start, size, log);
        data->last = data->start;
    }

    if (data->timer && data->timer->timer_set) {
        ngx_del_timer(data->timer);
    }
}


/*
 * Returns where a line of at most `size` bytes can be written in the buffer of
 * a file; the caller owes a _keep().  Returns NULL if the line is longer than
 * the buffer, or if there is no buffer: what was in it is written then.
 */

u_char *
ngx_http_magasin_access_log_room(ngx_open_file_t *file, size_t size,
    ngx_log_t *log)
{
    ngx_http_magasin_access_log_data_t  *data;

    data = file->data;

    if (size > (size_t) (data->end - data->last)) {
        ngx_http_magasin_access_log_flush(file, log);
    }

    return size > (size_t) (data->end - data->start) ? NULL : data->last;
}


/* Ends the line that was begun at the end of the buffer at `last`. */

void
ngx_http_magasin_access_log_keep(ngx_open_file_t *file, u_char *last)
{
    ngx_http_magasin_access_log_data_t  *data;

    data = file->data;
    data->last = last;

    if (data->timer && !data->timer->timer_set) {
        ngx_add_timer(data->timer, data->flush);
    }
}


/*
 * Writes bytes to a file.  A full disk costs lines and no worker: an alert says
 * so, once a minute for each file.
 */

void
ngx_http_magasin_access_log_write(ngx_open_file_t *file, u_char *p,
    size_t size, ngx_log_t *log)
{
    time_t                               now;
    ssize_t                              n;
    ngx_err_t                            err;
    ngx_http_magasin_access_log_data_t  *data;

    n = ngx_write_fd(file->fd, p, size);

    if (n == (ssize_t) size) {
        return;
    }

    err = (n == -1) ? ngx_errno : 0;

    data = file->data;
    now = ngx_time();

    if (now - data->alerted < NGX_HTTP_MAGASIN_ACCESS_LOG_QUIET) {
        return;
    }

    data->alerted = now;

    if (n == -1) {
        ngx_log_error(NGX_LOG_ALERT, log, err,
                      ngx_write_fd_n " to \"%s\" failed",
                      ngx_http_magasin_access_log_name(file));
        return;
    }

    ngx_log_error(NGX_LOG_ALERT, log, 0,
                  ngx_write_fd_n " to \"%s\" was incomplete: %z of %uz",
                  ngx_http_magasin_access_log_name(file), n, size);
}
