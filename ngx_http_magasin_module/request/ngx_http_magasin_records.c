
#include "ngx_http_magasin_records.h"


/* Bytes that are read from a file at once. */
#define NGX_HTTP_MAGASIN_RECORDS_PIECE  32768

/* The first size of the memory for a record. */
#define NGX_HTTP_MAGASIN_RECORDS_TEXT  1024


static ngx_int_t ngx_http_magasin_records_line(
    ngx_http_magasin_records_t *records);
static ngx_int_t ngx_http_magasin_records_keep(
    ngx_http_magasin_records_t *records, u_char *p, size_t len);


/*
 * Starts at the first record of the body, which nginx has read.  It may be
 * called again for the same body.  `csv` is 1 for CSV, where a record goes on
 * to the end of a line that is outside quotation marks.
 *
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_records_open(ngx_http_magasin_records_t *records,
    ngx_http_request_t *r, ngx_uint_t csv)
{
    records->request = r;
    records->in = r->request_body ? r->request_body->bufs : NULL;
    records->offset = 0;
    records->pos = NULL;
    records->last = NULL;
    records->len = 0;
    records->line = 1;
    records->lines = 0;
    records->csv = csv;
    records->quoted = 0;
    records->begun = 0;
    records->cut = 0;

    if (records->buffer == NULL) {
        records->buffer = ngx_pnalloc(r->pool,
                                      NGX_HTTP_MAGASIN_RECORDS_PIECE);
        records->size = NGX_HTTP_MAGASIN_RECORDS_TEXT;
        records->text = ngx_pnalloc(r->pool, records->size);
    }

    return records->buffer && records->text ? NGX_OK : NGX_ERROR;
}


/*
 * Reads the next bytes of the body.  The caller has looked at all before; they
 * are in `piece`.
 *
 * Returns NGX_OK, NGX_DONE at the end of the body, or NGX_ERROR.
 */

ngx_int_t
ngx_http_magasin_records_fill(ngx_http_magasin_records_t *records,
    ngx_str_t *piece)
{
    off_t       size;
    ssize_t     n;
    ngx_buf_t  *b;

    while (records->in
           && records->offset == ngx_buf_size(records->in->buf))
    {
        records->in = records->in->next;
        records->offset = 0;
    }

    if (records->in == NULL) {
        return NGX_DONE;
    }

    b = records->in->buf;
    size = ngx_min(ngx_buf_size(b) - records->offset,
                   NGX_HTTP_MAGASIN_RECORDS_PIECE);

    if (b->in_file) {
        n = ngx_read_file(b->file, records->buffer, (size_t) size,
                          b->file_pos + records->offset);

        if (n != (ssize_t) size) {
            return NGX_ERROR;
        }

        records->pos = records->buffer;

    } else {
        records->pos = b->pos + records->offset;
    }

    records->last = records->pos + size;
    records->offset += size;

    piece->data = records->pos;
    piece->len = (size_t) size;

    return NGX_OK;
}


/*
 * Looks for the next record.  Lines without a byte are none.
 *
 * Returns NGX_OK: the record is in `record`, without the end of its line, until
 * the next call; NGX_AGAIN: the body has to be read further, and at its end one
 * more call gives what there is; NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_records_next(ngx_http_magasin_records_t *records,
    ngx_str_t *record)
{
    ngx_int_t  rc;

    do {
        rc = ngx_http_magasin_records_line(records);

        if (rc != NGX_OK) {
            return rc;
        }

        records->begun = 0;
        records->quoted = 0;

        record->data = records->text;
        record->len = records->len;

        while (record->len && (record->data[record->len - 1] == LF
                               || record->data[record->len - 1] == CR))
        {
            record->len--;
        }

        /* The mark that some programs put in front of UTF-8. */

        if (records->line == 1 && record->len >= 3
            && ngx_memcmp(record->data, "\xef\xbb\xbf", 3) == 0)
        {
            record->data += 3;
            record->len -= 3;
        }

    } while (record->len == 0);

    return NGX_OK;
}


/*
 * Looks for the end of the record, and keeps what is before it.  Returns
 * NGX_OK, or NGX_AGAIN and NGX_ERROR as _next().
 */

static ngx_int_t
ngx_http_magasin_records_line(ngx_http_magasin_records_t *records)
{
    u_char      *p, *start;
    ngx_uint_t   done;

    if (!records->begun) {
        records->len = 0;
        records->cut = 0;
        records->line = records->lines + 1;
    }

    start = records->pos;
    done = 0;

    for (p = start; p < records->last && !done; p++) {

        if (*p == '"' && records->csv) {
            records->quoted = !records->quoted;

        } else if (*p == LF) {
            records->lines++;
            done = !records->quoted;
        }
    }

    records->pos = p;

    if (p > start) {
        records->begun = 1;

        if (ngx_http_magasin_records_keep(records, start, p - start)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    /* At the end of the body there may be no end of the line. */

    return done || (p == start && records->in == NULL && records->begun)
           ? NGX_OK : NGX_AGAIN;
}


/* Appends to the record. */

static ngx_int_t
ngx_http_magasin_records_keep(ngx_http_magasin_records_t *records, u_char *p,
    size_t len)
{
    size_t   size;
    u_char  *text;

    if (records->len + len > NGX_HTTP_MAGASIN_RECORD) {
        records->cut = 1;
        len = NGX_HTTP_MAGASIN_RECORD - records->len;
    }

    if (records->len + len > records->size) {
        size = ngx_min(2 * (records->len + len), NGX_HTTP_MAGASIN_RECORD);

        text = ngx_pnalloc(records->request->pool, size);
        if (text == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(text, records->text, records->len);
        (void) ngx_pfree(records->request->pool, records->text);

        records->text = text;
        records->size = size;
    }

    ngx_memcpy(records->text + records->len, p, len);
    records->len += len;

    return NGX_OK;
}


/*
 * Takes the next cell from a record of CSV, without its quotation marks and
 * without the apostrophe that reply/ngx_http_magasin_table.c puts in front of
 * what could be a formula.  The text of the record is changed.  data NULL in
 * `record`: there is no cell left.
 *
 * Returns 1, or 0 if the quotation marks are wrong.
 */

ngx_uint_t
ngx_http_magasin_records_cell(ngx_str_t *record, u_char separator,
    ngx_str_t *cell)
{
    u_char      *p, *end, *out;
    ngx_uint_t   sound;

    p = record->data;
    end = p + record->len;
    cell->data = p;
    sound = 1;

    if (p < end && *p == '"') {

        for (p++, out = cell->data; p < end; p++) {

            if (*p == '"') {
                if (p + 1 == end || p[1] != '"') {
                    break;
                }

                p++;
            }

            *out++ = *p;
        }

        cell->len = out - cell->data;

        sound = p < end;
        p += sound;
        sound &= (p == end || *p == separator);

    } else {
        while (p < end && *p != separator) {
            sound &= (*p++ != '"');
        }

        cell->len = p - cell->data;
    }

    if (p < end) {
        record->data = p + 1;
        record->len = end - record->data;

    } else {
        record->data = NULL;
        record->len = 0;
    }

    p = cell->data;
    end = p + cell->len;

    while (p < end && *p == '\'') {
        p++;
    }

    if (p > cell->data && p < end && *p && ngx_strchr("=+-@\t\r\n", *p)) {
        cell->data++;
        cell->len--;
    }

    return sound;
}
