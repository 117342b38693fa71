
/* Escapes external text for error.log. */


#include "ngx_http_magasin_log.h"


static size_t ngx_http_magasin_log_plain(u_char *p, u_char *end,
    ngx_uint_t quoted);
static u_char *ngx_http_magasin_log_field(u_char *p, u_char *last,
    const char *name, ngx_str_t *value, ngx_uint_t url);


/*
 * Writes escaped text between p and last and returns its end; no NUL is
 * appended.  Invalid UTF-8, backslashes and control characters are written as
 * \xHH.  Control characters include those of Unicode that break lines or
 * change the text direction.  Quotation marks are escaped if `quoted` is set.
 * A text that does not fit ends with "...".
 */

u_char *
ngx_http_magasin_log_escape(u_char *p, u_char *last, const void *data,
    size_t len, ngx_uint_t quoted)
{
    size_t         n;
    u_char        *s, *end, *room;
    static u_char  hex[] = "0123456789abcdef";

    s = (u_char *) data;
    end = s + len;
    room = (last - p > 3) ? last - 3 : p;

    while (s < end) {
        n = ngx_http_magasin_log_plain(s, end, quoted);

        if (n) {
            if ((size_t) (room - p) < n) {
                break;
            }

            p = ngx_cpymem(p, s, n);
            s += n;
            continue;
        }

        if (room - p < 4) {
            break;
        }

        *p++ = '\\';
        *p++ = 'x';
        *p++ = hex[*s >> 4];
        *p++ = hex[*s++ & 0xf];
    }

    if (s < end && last - p >= 3) {
        p = ngx_cpymem(p, "...", 3);
    }

    return p;
}


/* Returns the bytes of the character at p, or 0 if it has to be escaped. */

static size_t
ngx_http_magasin_log_plain(u_char *p, u_char *end, ngx_uint_t quoted)
{
    u_char    *next;
    uint32_t   code;

    if (*p < 0x80) {
        return *p >= ' ' && *p != 0x7f && *p != '\\'
               && !(quoted && *p == '"');
    }

    next = p;
    code = ngx_utf8_decode(&next, ngx_min(end - p, 4));

    if (code < 0xa0 || code > 0x10ffff
        || (code >= 0xd800 && code <= 0xdfff)
        || (code >= 0x2028 && code <= 0x202e)
        || (code >= 0x2066 && code <= 0x2069))
    {
        return 0;
    }

    return next - p;
}


/*
 * Escapes a NUL-terminated text, or NULL, into the `size` bytes of buf.
 * Trailing blanks and line feeds are removed.  Returns buf.
 */

char *
ngx_http_magasin_log_text(u_char *buf, size_t size, const char *text)
{
    size_t   len;
    u_char  *p;

    /* More bytes than `size` cannot fit. */

    len = text ? ngx_strnlen((u_char *) text, size) : 0;

    while (len && len < size
           && (text[len - 1] == LF || text[len - 1] == CR
               || text[len - 1] == ' '))
    {
        len--;
    }

    p = ngx_http_magasin_log_escape(buf, buf + size - 1, text, len, 0);
    *p = '\0';

    return (char *) buf;
}


/*
 * Replaces nginx's r->log_handler.  It adds the same fields to a log line
 * about a request, but escapes them and omits query strings.  Returns the end
 * of the text.
 */

u_char *
ngx_http_magasin_log_request(ngx_http_request_t *r, ngx_http_request_t *sr,
    u_char *buf, size_t len)
{
    u_char                     *p, *last;
    ngx_str_t                   line;
    ngx_table_elt_t            *referer;
    ngx_http_core_srv_conf_t   *cscf;

    p = buf;
    last = buf + len;

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    p = ngx_snprintf(p, last - p, ", server: %V", &cscf->server_name);

    line = r->request_line;

    if (line.data == NULL && r->request_start) {
        for (line.data = r->request_start;
             line.data + line.len < r->header_in->last
             && line.data[line.len] != CR && line.data[line.len] != LF;
             line.len++)
        {
            /* void */
        }
    }

    if (line.len) {
        p = ngx_http_magasin_log_field(p, last, "request", &line, 1);
    }

    if (r != sr) {
        p = ngx_http_magasin_log_field(p, last, "subrequest", &sr->uri, 1);
    }

    if (sr->upstream && sr->upstream->peer.name) {
        p = ngx_http_magasin_log_field(p, last, "upstream",
                                       sr->upstream->peer.name, 0);
    }

    if (r->headers_in.host) {
        p = ngx_http_magasin_log_field(p, last, "host",
                                       &r->headers_in.host->value, 0);
    }

    referer = r->headers_in.referer;

    if (referer) {
        p = ngx_http_magasin_log_field(p, last, "referrer", &referer->value,
                                       1);
    }

    return p;
}


/*
 * Writes ', name: "value"'.  In a URL, and in a request line with a URL, the
 * text from the question mark to the next blank is omitted, and so is a
 * fragment.
 */

static u_char *
ngx_http_magasin_log_field(u_char *p, u_char *last, const char *name,
    ngx_str_t *value, ngx_uint_t url)
{
    u_char  *end, *query, *rest, *limit;

    end = value->data + value->len;
    query = end;
    rest = end;

    if (url) {
        for (query = value->data; query < end; query++) {
            if (*query == '?' || *query == '#') {
                break;
            }
        }

        for (rest = end; rest > query && rest[-1] != ' '; rest--) {
            /* void */
        }

        /* Anything but " HTTP/..." is a part of the query. */

        if (rest == query || end - rest < 5
            || ngx_strncmp(rest, "HTTP/", 5) != 0)
        {
            rest = end;

        } else {
            rest--;
        }
    }

    limit = p + ngx_min((size_t) (last - p), NGX_HTTP_MAGASIN_LOG_TEXT);

    p = ngx_snprintf(p, limit - p, ", %s: \"", name);
    p = ngx_http_magasin_log_escape(p, limit, value->data,
                                    query - value->data, 1);

    if (rest < end) {
        p = ngx_http_magasin_log_escape(p, limit, rest, end - rest, 1);
    }

    if (p < last) {
        *p++ = '"';
    }

    return p;
}
