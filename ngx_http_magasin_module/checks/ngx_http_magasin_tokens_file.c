
/*
 * Reads and checks a file of tokens, whose lines tokens_line.c reads.  Whoever
 * can write to the file can do everything, so a file that others can
 * write to is rejected.  Devices and FIFOs are rejected, so that a worker
 * never blocks on them.
 */


#include "ngx_http_magasin_tokens_internal.h"


#define NGX_HTTP_MAGASIN_TOKENS_MAX  (1024 * 1024)  /* bytes of the file */


static ngx_int_t ngx_http_magasin_tokens_suitable(ngx_str_t *name,
    ngx_file_info_t *fi, ngx_http_magasin_tokens_file_t *file);
static ngx_int_t ngx_http_magasin_tokens_directory(ngx_str_t *name,
    ngx_http_magasin_tokens_file_t *file);
static ngx_int_t ngx_http_magasin_tokens_content(ngx_pool_t *pool,
    ngx_str_t *name, ngx_fd_t fd, ngx_http_magasin_tokens_file_t *file);
static ngx_int_t ngx_http_magasin_tokens_failed(
    ngx_http_magasin_tokens_file_t *file, const char *does, ngx_err_t err);
static ngx_int_t ngx_http_magasin_tokens_repeated(ngx_pool_t *pool,
    ngx_http_magasin_tokens_file_t *file);
static ngx_uint_t ngx_http_magasin_tokens_place(ngx_uint_t *table,
    ngx_uint_t size, ngx_http_magasin_token_t *token, ngx_uint_t i,
    ngx_str_t *id);


/* Sets `version` from the attributes of a file. */

void
ngx_http_magasin_tokens_version(ngx_http_magasin_tokens_version_t *version,
    ngx_file_info_t *fi)
{
    /* Versions are compared with memcmp(), so the padding has to be zero. */

    ngx_memzero(version, sizeof(ngx_http_magasin_tokens_version_t));

    version->device = fi->st_dev;
    version->uniq = ngx_file_uniq(fi);
    version->size = ngx_file_size(fi);
    version->mode = fi->st_mode;
    version->modified.tv_sec = fi->st_mtim.tv_sec;
    version->modified.tv_nsec = fi->st_mtim.tv_nsec;
    version->changed.tv_sec = fi->st_ctim.tv_sec;
    version->changed.tv_nsec = fi->st_ctim.tv_nsec;
}


/*
 * Reads the file `name` (NUL-terminated) into `pool`, and sets file->text and
 * file->version.  Returns NGX_OK, or NGX_ERROR with the reason and the remedy
 * in file->error.
 */

ngx_int_t
ngx_http_magasin_tokens_read(ngx_pool_t *pool, ngx_str_t *name,
    ngx_http_magasin_tokens_file_t *file)
{
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    /*
     * Opening a device may have an effect: check the type of the file first.
     */

    if (ngx_file_info(name->data, &fi) == NGX_FILE_ERROR) {
        return ngx_http_magasin_tokens_failed(file, "cannot be found",
                                              ngx_errno);
    }

    if (ngx_http_magasin_tokens_suitable(name, &fi, file) != NGX_OK) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY|O_NONBLOCK|O_CLOEXEC
                                   |O_NOCTTY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return ngx_http_magasin_tokens_failed(file, "cannot be opened",
                                              ngx_errno);
    }

    rc = ngx_http_magasin_tokens_content(pool, name, fd, file);

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, pool->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}


/*
 * Reads the open file.  Its attributes are checked again by the descriptor,
 * because another file may have the name by now.
 */

static ngx_int_t
ngx_http_magasin_tokens_content(ngx_pool_t *pool, ngx_str_t *name,
    ngx_fd_t fd, ngx_http_magasin_tokens_file_t *file)
{
    ssize_t                            n;
    ngx_file_info_t                    fi;
    ngx_http_magasin_tokens_version_t  version;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        return ngx_http_magasin_tokens_failed(file, "cannot be read",
                                              ngx_errno);
    }

    if (ngx_http_magasin_tokens_suitable(name, &fi, file) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_magasin_tokens_version(&file->version, &fi);

    /* One byte more than the size shows whether the file has grown. */

    file->text.len = (size_t) ngx_file_size(&fi);
    file->text.data = ngx_pnalloc(pool, file->text.len + 1);

    if (file->text.data == NULL) {
        return ngx_http_magasin_tokens_failed(file, "cannot be read",
                                              NGX_ENOMEM);
    }

    n = ngx_read_fd(fd, file->text.data, file->text.len + 1);

    if (n == -1) {
        return ngx_http_magasin_tokens_failed(file, "cannot be read",
                                              ngx_errno);
    }

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        return ngx_http_magasin_tokens_failed(file, "cannot be read",
                                              ngx_errno);
    }

    ngx_http_magasin_tokens_version(&version, &fi);

    if ((size_t) n != file->text.len
        || ngx_memcmp(&version, &file->version,
                      sizeof(ngx_http_magasin_tokens_version_t)) != 0)
    {
        return ngx_http_magasin_tokens_failed(file,
                           "changed while it was read: replace it by a rename",
                                              0);
    }

    return NGX_OK;
}


/* Checks the type, the size and the mode of the file. */

static ngx_int_t
ngx_http_magasin_tokens_suitable(ngx_str_t *name, ngx_file_info_t *fi,
    ngx_http_magasin_tokens_file_t *file)
{
    if (!ngx_is_file(fi)) {
        return ngx_http_magasin_tokens_failed(file,
                        "is no regular file: name one that is (no directory, "
                        "FIFO, device or socket)", 0);
    }

    if (ngx_file_size(fi) > NGX_HTTP_MAGASIN_TOKENS_MAX) {
        return ngx_http_magasin_tokens_failed(file,
                        "is larger than 1 MB: take out the tokens that "
                        "nobody uses", 0);
    }

    if (ngx_file_access(fi) & (S_IWGRP|S_IWOTH)) {
        return ngx_http_magasin_tokens_failed(file,
                        "can be written by its group or by everybody: "
                        "\"chmod go-w\" it", 0);
    }

    return ngx_http_magasin_tokens_directory(name, file);
}


/*
 * Checks the mode of the directory.  If everybody can replace files in it, the
 * mode of the file is no protection.  In a sticky directory only owners can
 * replace files.
 */

static ngx_int_t
ngx_http_magasin_tokens_directory(ngx_str_t *name,
    ngx_http_magasin_tokens_file_t *file)
{
    u_char           path[NGX_MAX_PATH];
    size_t           len;
    ngx_file_info_t  fi;

    len = name->len;

    while (len && name->data[len - 1] != '/') {
        len--;
    }

    if (len == 0 || len >= sizeof(path)) {
        return NGX_OK;
    }

    (void) ngx_cpystrn(path, name->data, len + 1);

    if (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
        return ngx_http_magasin_tokens_failed(file,
                                         "is in a directory that cannot be "
                                         "looked at", ngx_errno);
    }

    if ((fi.st_mode & (S_IWOTH|S_ISVTX)) == S_IWOTH) {
        return ngx_http_magasin_tokens_failed(file,
                        "is in a directory that everybody can write to: "
                        "\"chmod o-w\" that", 0);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_tokens_failed(ngx_http_magasin_tokens_file_t *file,
    const char *does, ngx_err_t err)
{
    u_char  *p, *last;

    last = file->error + sizeof(file->error) - 1;

    p = ngx_slprintf(file->error, last, "the file %s", does);

    if (err) {
        p = ngx_slprintf(p, last, " (%d: ", err);
        p = ngx_strerror(err, p, last - p);
        p = ngx_slprintf(p, last, ")");
    }

    *p = '\0';

    return NGX_ERROR;
}


/*
 * Parses file->text into file->list.  Returns NGX_OK, or NGX_ERROR with the
 * invalid line's number in file->error.  The message does not contain the
 * line, which may contain a secret.
 */

ngx_int_t
ngx_http_magasin_tokens_parse(ngx_pool_t *pool,
    ngx_http_magasin_tokens_file_t *file)
{
    u_char                    *p, *end, *stop;
    ngx_str_t                  line;
    const char                *is;
    ngx_uint_t                 number;
    ngx_http_magasin_token_t  *token;

    p = file->text.data;
    end = p + file->text.len;

    /* Room for the maximum: a digest alone takes 64 bytes. */

    file->list = ngx_array_create(pool, file->text.len
                                        / (2 * NGX_HTTP_MAGASIN_DIGEST) + 1,
                                  sizeof(ngx_http_magasin_token_t));

    for (number = 1; file->list && p < end; number++, p = stop + 1) {
        stop = ngx_strlchr(p, end, LF);
        stop = stop ? stop : end;

        line.data = p;
        line.len = stop - p;

        if (line.len == 0 || line.data[0] == '#') {
            is = ngx_strlchr(p, stop, '\0') ? "has a NUL byte" : NULL;
            token = NULL;

        } else {
            token = ngx_array_push(file->list);

            if (token == NULL) {
                file->list = NULL;
                break;
            }

            ngx_memzero(token, sizeof(ngx_http_magasin_token_t));

            token->line = number;
            is = ngx_http_magasin_tokens_line(&line, token);
        }

        if (is) {
            (void) ngx_snprintf(file->error, sizeof(file->error),
                                "line %ui %s%Z", number, is);
            return NGX_ERROR;
        }
    }

    if (file->list == NULL) {
        (void) ngx_snprintf(file->error, sizeof(file->error), "no memory%Z");
        return NGX_ERROR;
    }

    return ngx_http_magasin_tokens_repeated(pool, file);
}


/*
 * Rejects repeated ids and repeated digests: each id has one token and each
 * token has one id, so that a log entry identifies the author of a write.  Two
 * hash tables of indexes are used, with open addressing and at most half full.
 * Sorting the largest possible number of tokens would block a worker for too
 * long.
 */

static ngx_int_t
ngx_http_magasin_tokens_repeated(ngx_pool_t *pool,
    ngx_http_magasin_tokens_file_t *file)
{
    ngx_uint_t                 i, size, line;
    const char                *what;
    ngx_uint_t                *ids, *digests;
    ngx_http_magasin_token_t  *token;

    size = 8;

    while (size < 2 * file->list->nelts) {
        size *= 2;
    }

    ids = ngx_pcalloc(pool, size * sizeof(ngx_uint_t));
    digests = ngx_pcalloc(pool, size * sizeof(ngx_uint_t));

    if (ids == NULL || digests == NULL) {
        (void) ngx_snprintf(file->error, sizeof(file->error), "no memory%Z");
        return NGX_ERROR;
    }

    token = file->list->elts;

    for (i = 0; i < file->list->nelts; i++) {
        what = "id";
        line = ngx_http_magasin_tokens_place(ids, size, token, i,
                                             &token[i].id);

        if (line == 0) {
            what = "token";
            line = ngx_http_magasin_tokens_place(digests, size, token, i,
                                                 NULL);
        }

        if (line) {
            (void) ngx_snprintf(file->error, sizeof(file->error),
                                "line %ui has the %s of line %ui%Z",
                                token[i].line, what, line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Inserts token[i] into a table by its id, or by its digest if `id` is NULL.
 * Returns 0, or the line of the token that has the same key.
 */

static ngx_uint_t
ngx_http_magasin_tokens_place(ngx_uint_t *table, ngx_uint_t size,
    ngx_http_magasin_token_t *token, ngx_uint_t i, ngx_str_t *id)
{
    ngx_uint_t                 k;
    ngx_http_magasin_token_t  *other;

    k = id ? ngx_murmur_hash2(id->data, id->len)
           : ngx_murmur_hash2(token[i].digest, NGX_HTTP_MAGASIN_DIGEST);

    for (k &= size - 1; table[k]; k = (k + 1) & (size - 1)) {
        other = &token[table[k] - 1];

        if (id ? other->id.len == id->len
                 && ngx_memcmp(other->id.data, id->data, id->len) == 0
               : ngx_memcmp(other->digest, token[i].digest,
                            NGX_HTTP_MAGASIN_DIGEST) == 0)
        {
            return other->line;
        }
    }

    table[k] = i + 1;

    return 0;
}
