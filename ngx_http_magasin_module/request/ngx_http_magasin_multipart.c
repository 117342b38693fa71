
/*
 * multipart/form-data (RFC 7578), parsed as tolerantly as by the reference: a
 * missing end, a preamble and parts without a name are not errors.
 */


#include "ngx_http_magasin_text.h"
#include "ngx_http_magasin_query.h"
#include "ngx_http_magasin_body.h"


/* The limit of a boundary, as in the reference; RFC 2046 allows 70 bytes. */
#define NGX_HTTP_MAGASIN_BOUNDARY  201


static ngx_int_t ngx_http_magasin_multipart_boundary(ngx_http_request_t *r,
    ngx_str_t *delimiter);
static u_char *ngx_http_magasin_multipart_find(u_char *p, u_char *end,
    ngx_str_t *delimiter);
static ngx_int_t ngx_http_magasin_multipart_part(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, u_char *p, u_char *end);
static ngx_int_t ngx_http_magasin_multipart_base64(ngx_http_request_t *r,
    ngx_str_t *text);
static ngx_int_t ngx_http_magasin_multipart_disposition(
    ngx_http_request_t *r, ngx_str_t *line, ngx_str_t *name,
    ngx_str_t *filename);
static u_char *ngx_http_magasin_multipart_parameter(u_char *p, u_char *end,
    ngx_str_t *name, ngx_str_t *value);


/*
 * Splits the body into text fields (body->pairs) and the names of file parts
 * (body->files).
 *
 * Returns NGX_OK, NGX_DECLINED if there is no boundary or there are too many
 * parts, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_multipart_parse(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, ngx_str_t *text)
{
    u_char     *p, *end, *next, *stop;
    ngx_int_t   rc;
    ngx_str_t   delimiter;

    body->pairs = ngx_array_create(r->pool, 4,
                                   sizeof(ngx_http_magasin_pair_t));
    body->files = ngx_array_create(r->pool, 1, sizeof(ngx_str_t));

    if (body->pairs == NULL || body->files == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_magasin_multipart_boundary(r, &delimiter);

    if (rc == NGX_DECLINED) {
        ngx_str_set(&body->error,
                    "Multipart form parse error - Invalid boundary in "
                    "multipart: None");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    end = text->data + text->len;

    for (p = ngx_http_magasin_multipart_find(text->data, end, &delimiter);
         p < end;
         p = next)
    {
        p += delimiter.len;

        if (end - p >= 2 && p[0] == '-' && p[1] == '-') {
            break;
        }

        next = ngx_http_magasin_multipart_find(p, end, &delimiter);
        stop = next;

        if (next < end) {
            /* The line end before a delimiter is a part of the delimiter. */

            if (stop > p && stop[-1] == LF) {
                stop--;

                if (stop > p && stop[-1] == CR) {
                    stop--;
                }
            }
        }

        rc = ngx_http_magasin_multipart_part(r, body, p, stop);

        if (rc != NGX_OK) {
            return rc;
        }

        if (body->pairs->nelts + body->files->nelts
            > NGX_HTTP_MAGASIN_FORM_PAIRS)
        {
            ngx_str_set(&body->error,
                        "Multipart form parse error - too many parts");
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* Sets the delimiter: "--" and the boundary of Content-Type. */

static ngx_int_t
ngx_http_magasin_multipart_boundary(ngx_http_request_t *r,
    ngx_str_t *delimiter)
{
    u_char     *p, *end;
    ngx_str_t   type, name, value;

    type = r->headers_in.content_type->value;
    end = type.data + type.len;

    p = ngx_strlchr(type.data, end, ';');

    while (p && p < end) {
        p = ngx_http_magasin_multipart_parameter(p, end, &name, &value);

        if (name.len == sizeof("boundary") - 1
            && ngx_strncasecmp(name.data, (u_char *) "boundary", name.len) == 0
            && value.len && value.len <= NGX_HTTP_MAGASIN_BOUNDARY)
        {
            delimiter->len = value.len + 2;
            delimiter->data = ngx_pnalloc(r->pool, delimiter->len);

            if (delimiter->data == NULL) {
                return NGX_ERROR;
            }

            (void) ngx_sprintf(delimiter->data, "--%V", &value);

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* Returns the position of the next delimiter, or the end. */

static u_char *
ngx_http_magasin_multipart_find(u_char *p, u_char *end, ngx_str_t *delimiter)
{
    for ( /* void */ ; (size_t) (end - p) >= delimiter->len; p++) {

        p = ngx_strlchr(p, end - delimiter->len + 1, '-');

        if (p == NULL) {
            break;
        }

        if (ngx_memcmp(p, delimiter->data, delimiter->len) == 0) {
            return p;
        }
    }

    return end;
}


/*
 * Parses one part: the rest of the delimiter's line, the headers, the content.
 */

static ngx_int_t
ngx_http_magasin_multipart_part(ngx_http_request_t *r,
    ngx_http_magasin_body_t *body, u_char *p, u_char *end)
{
    u_char                   *line;
    ngx_str_t                 header, name, filename, *file;
    ngx_uint_t                base64;
    ngx_http_magasin_pair_t  *pair;

    ngx_str_null(&name);
    ngx_str_null(&filename);
    base64 = 0;

    for (line = p; line < end; line = p + 1) {

        p = ngx_strlchr(line, end, LF);

        if (p == NULL || p == line || p[-1] != CR) {
            return NGX_OK;
        }

        header.data = line;
        header.len = p - 1 - line;

        if (header.len == 0 && line[-1] == LF) {

            /* An empty line ends the headers; the content follows. */

            line = p + 1;
            break;
        }

        if (ngx_http_magasin_multipart_disposition(r, &header, &name,
                                                   &filename)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        base64 |= header.len == sizeof("Content-Transfer-Encoding: base64") - 1
                  && ngx_strncasecmp(header.data,
                            (u_char *) "Content-Transfer-Encoding: base64",
                            header.len)
                     == 0;
    }

    ngx_http_magasin_text_strip(&name);

    if (name.len == 0) {
        return NGX_OK;
    }

    if (filename.len) {
        file = ngx_array_push(body->files);
        if (file == NULL) {
            return NGX_ERROR;
        }

        *file = name;

        return NGX_OK;
    }

    pair = ngx_array_push(body->pairs);
    if (pair == NULL) {
        return NGX_ERROR;
    }

    pair->repeated = 0;
    pair->name = name;
    pair->value.data = ngx_min(line, end);
    pair->value.len = end - pair->value.data;

    if (base64
        && ngx_http_magasin_multipart_base64(r, &pair->value) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    return ngx_http_magasin_text_repair(r->pool, &pair->value);
}


/*
 * Decodes a part in base64 and ignores line ends.  Returns NGX_OK,
 * NGX_DECLINED if the part is not valid base64 (it is not changed), or
 * NGX_ERROR if memory cannot be allocated.
 */

static ngx_int_t
ngx_http_magasin_multipart_base64(ngx_http_request_t *r, ngx_str_t *text)
{
    size_t      i;
    u_char     *p;
    ngx_str_t   joined, decoded;

    joined.data = ngx_pnalloc(r->pool, text->len + 1);
    decoded.data = ngx_pnalloc(r->pool, ngx_base64_decoded_length(text->len)
                                        + 1);

    if (joined.data == NULL || decoded.data == NULL) {
        return NGX_ERROR;
    }

    p = joined.data;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] != CR && text->data[i] != LF
            && text->data[i] != ' ')
        {
            *p++ = text->data[i];
        }
    }

    joined.len = p - joined.data;

    if (ngx_decode_base64(&decoded, &joined) != NGX_OK) {
        return NGX_DECLINED;
    }

    *text = decoded;

    return NGX_OK;
}


/* Extracts "name" and "filename" from a Content-Disposition line. */

static ngx_int_t
ngx_http_magasin_multipart_disposition(ngx_http_request_t *r, ngx_str_t *line,
    ngx_str_t *name, ngx_str_t *filename)
{
    u_char     *p, *end;
    ngx_str_t   parameter, value;

    if (line->len < sizeof("Content-Disposition:") - 1
        || ngx_strncasecmp(line->data, (u_char *) "Content-Disposition:",
                           sizeof("Content-Disposition:") - 1)
           != 0)
    {
        return NGX_OK;
    }

    end = line->data + line->len;
    p = ngx_strlchr(line->data, end, ';');

    while (p && p < end) {
        p = ngx_http_magasin_multipart_parameter(p, end, &parameter, &value);

        if (ngx_http_magasin_text_repair(r->pool, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        if (parameter.len == sizeof("name") - 1
            && ngx_strncasecmp(parameter.data, (u_char *) "name",
                               parameter.len)
               == 0)
        {
            *name = value;

        } else if (parameter.len == sizeof("filename") - 1
                   && ngx_strncasecmp(parameter.data, (u_char *) "filename",
                                      parameter.len)
                      == 0)
        {
            *filename = value;
        }
    }

    return NGX_OK;
}


/* Parses one "; name=value" or "; name="value"".  Returns the end of it. */

static u_char *
ngx_http_magasin_multipart_parameter(u_char *p, u_char *end, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char  *start;

    ngx_str_null(value);

    while (p < end && (*p == ';' || *p == ' ' || *p == '\t')) {
        p++;
    }

    start = p;

    while (p < end && *p != '=' && *p != ';') {
        p++;
    }

    name->data = start;
    name->len = p - start;

    if (p == end || *p == ';') {
        return p;
    }

    start = ++p;

    if (p < end && *p == '"') {
        start = ++p;

        while (p < end && *p != '"') {
            p++;
        }

        value->data = start;
        value->len = p - start;

        p = ngx_strlchr(p, end, ';');

        return p ? p : end;
    }

    while (p < end && *p != ';') {
        p++;
    }

    value->data = start;
    value->len = p - start;

    return p;
}
