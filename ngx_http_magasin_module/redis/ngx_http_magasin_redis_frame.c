
/*
 * The server at the address of Redis may send any bytes.  hiredis trusts a
 * length: an array of 10^9 elements takes 8 GB of memory, and each level of
 * nesting has its reply.  So each byte is checked here first.  The commands of
 * this module have flat replies of three elements at most; anything else,
 * RESP3 and its pushes included, is an error.
 *
 * Numbers are bounded by their digits, 18 of them, which no addition can
 * overflow.
 */


#include "ngx_http_magasin_redis_frame_internal.h"


static ngx_int_t ngx_http_magasin_redis_frame_type(
    ngx_http_magasin_redis_frame_t *frame, u_char ch);
static ngx_int_t ngx_http_magasin_redis_frame_line(
    ngx_http_magasin_redis_frame_t *frame, u_char ch);
static ngx_int_t ngx_http_magasin_redis_frame_end(
    ngx_http_magasin_redis_frame_t *frame);
static size_t ngx_http_magasin_redis_frame_bulk(
    ngx_http_magasin_redis_frame_t *frame, u_char *p, size_t len);
static ngx_int_t ngx_http_magasin_redis_frame_error(
    ngx_http_magasin_redis_frame_t *frame, const char *error);


/*
 * Check `len` bytes that have arrived.  *used is set to the number of those
 * that belong to the present reply.
 *
 * Returns NGX_OK if the reply ends with them, NGX_AGAIN if all were used and
 * the reply is incomplete, or NGX_ERROR and frame->error is set.
 */

ngx_int_t
ngx_http_magasin_redis_frame(ngx_http_magasin_redis_frame_t *frame,
    u_char *data, size_t len, size_t *used)
{
    size_t      n;
    u_char     *p, *end;
    ngx_int_t   rc;

    end = data + len;

    for (p = data; p < end; p += n) {

        n = 1;
        rc = NGX_OK;

        switch (frame->state) {

        case NGX_HTTP_MAGASIN_FRAME_TYPE:
            rc = ngx_http_magasin_redis_frame_type(frame, *p);
            break;

        case NGX_HTTP_MAGASIN_FRAME_LINE:
            rc = ngx_http_magasin_redis_frame_line(frame, *p);
            break;

        case NGX_HTTP_MAGASIN_FRAME_LF:
            rc = (*p == LF) ? ngx_http_magasin_redis_frame_end(frame)
                            : ngx_http_magasin_redis_frame_error(frame,
                                                   "no CRLF after a line");
            break;

        default: /* NGX_HTTP_MAGASIN_FRAME_BULK */
            n = ngx_http_magasin_redis_frame_bulk(frame, p, end - p);

            if (n == 0) {
                rc = ngx_http_magasin_redis_frame_error(frame,
                                                   "no CRLF after a text");
            }
        }

        if (rc != NGX_OK) {
            return rc;
        }

        frame->size += n;

        if (frame->size > frame->max) {
            return ngx_http_magasin_redis_frame_error(frame,
                                                      "too large a reply");
        }

        if (frame->left == 0) {
            *used = p + n - data;

            frame->open = 0;
            frame->array = 0;
            frame->size = 0;

            return NGX_OK;
        }
    }

    *used = len;

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_magasin_redis_frame_type(ngx_http_magasin_redis_frame_t *frame,
    u_char ch)
{
    if (!frame->open) {
        frame->open = 1;
        frame->left = 1;
    }

    switch (ch) {

    case '+':
    case '-':
    case ':':
    case '$':
        break;

    case '*':
        if (!frame->array) {
            frame->array = 1;
            break;
        }

        return ngx_http_magasin_redis_frame_error(frame, "nested arrays");

    case '>':
        return ngx_http_magasin_redis_frame_error(frame, "a push message");

    default:
        return ngx_http_magasin_redis_frame_error(frame,
                                                  "an unknown type of reply");
    }

    frame->type = ch;
    frame->line = 0;
    frame->number = 0;
    frame->minus = 0;
    frame->state = NGX_HTTP_MAGASIN_FRAME_LINE;

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_redis_frame_line(ngx_http_magasin_redis_frame_t *frame,
    u_char ch)
{
    if (ch == CR) {
        frame->state = NGX_HTTP_MAGASIN_FRAME_LF;
        return NGX_OK;
    }

    if (ch == LF || frame->line++ == NGX_HTTP_MAGASIN_REDIS_LINE) {
        return ngx_http_magasin_redis_frame_error(frame,
                                                  "no CRLF after a line");
    }

    if (frame->type == '+' || frame->type == '-') {
        return NGX_OK;
    }

    if (ch == '-' && frame->line == 1) {
        frame->minus = 1;
        return NGX_OK;
    }

    if (ch < '0' || ch > '9' || frame->line > 18) {
        return ngx_http_magasin_redis_frame_error(frame, "an invalid number");
    }

    frame->number = frame->number * 10 + (ch - '0');

    return NGX_OK;
}


/* A line is complete: start what it announces. */

static ngx_int_t
ngx_http_magasin_redis_frame_end(ngx_http_magasin_redis_frame_t *frame)
{
    size_t  number;

    frame->state = NGX_HTTP_MAGASIN_FRAME_TYPE;

    if (frame->type == '+' || frame->type == '-') {
        frame->left--;
        return NGX_OK;
    }

    number = frame->number;

    if (frame->line == frame->minus) {
        return ngx_http_magasin_redis_frame_error(frame, "an invalid number");
    }

    if (frame->type == ':') {
        frame->left--;
        return NGX_OK;
    }

    if (frame->minus) {

        /* A null text or a null array. */

        frame->left--;

        return number == 1 ? NGX_OK
                           : ngx_http_magasin_redis_frame_error(frame,
                                                       "a negative length");
    }

    if (frame->type == '*') {

        if (number > NGX_HTTP_MAGASIN_REDIS_ELEMENTS) {
            return ngx_http_magasin_redis_frame_error(frame,
                                                      "too many elements");
        }

        frame->left = number;
        return NGX_OK;
    }

    if (number > frame->max) {
        return ngx_http_magasin_redis_frame_error(frame, "too large a reply");
    }

    frame->bulk = number + 2;
    frame->state = NGX_HTTP_MAGASIN_FRAME_BULK;

    return NGX_OK;
}


/*
 * Returns the number of bytes at `p` that belong to a text and its CRLF, or 0
 * if it does not end with CRLF.
 */

static size_t
ngx_http_magasin_redis_frame_bulk(ngx_http_magasin_redis_frame_t *frame,
    u_char *p, size_t len)
{
    size_t  n;

    if (frame->bulk > 2) {
        n = ngx_min(len, frame->bulk - 2);
        frame->bulk -= n;
        return n;
    }

    if (*p != (frame->bulk == 2 ? CR : LF)) {
        return 0;
    }

    if (--frame->bulk == 0) {
        frame->state = NGX_HTTP_MAGASIN_FRAME_TYPE;
        frame->left--;
    }

    return 1;
}


static ngx_int_t
ngx_http_magasin_redis_frame_error(ngx_http_magasin_redis_frame_t *frame,
    const char *error)
{
    frame->error = error;

    return NGX_ERROR;
}
