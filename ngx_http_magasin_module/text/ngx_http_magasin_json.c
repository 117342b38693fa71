
#include "ngx_http_magasin_json.h"


/* The first buffer fits most answers; the following ones are larger. */
#define NGX_HTTP_MAGASIN_JSON_FIRST  2048
#define NGX_HTTP_MAGASIN_JSON_NEXT   16384


/* Bytes that end a run of plain bytes.  0xe2 may start U+2028 or U+2029. */

static const u_char  ngx_http_magasin_json_stops[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['"'] = 1, ['\\'] = 1, [0xe2] = 1
};


static u_char *ngx_http_magasin_json_room(ngx_http_magasin_json_t *json,
    size_t *room);
static void ngx_http_magasin_json_pieces(ngx_http_magasin_json_t *json,
    const void *data, size_t len);
static ngx_inline void ngx_http_magasin_json_append(
    ngx_http_magasin_json_t *json, const void *data, size_t len);
static ngx_inline void ngx_http_magasin_json_byte(
    ngx_http_magasin_json_t *json, u_char c);
static ngx_inline void ngx_http_magasin_json_separate(
    ngx_http_magasin_json_t *json);
static size_t ngx_http_magasin_json_plain(u_char *p, u_char *end);
static void ngx_http_magasin_json_escape(ngx_http_magasin_json_t *json,
    u_char c);


/* Starts an empty text.  Its buffers are allocated from the pool. */

void
ngx_http_magasin_json_init(ngx_http_magasin_json_t *json, ngx_pool_t *pool)
{
    ngx_memzero(json, sizeof(ngx_http_magasin_json_t));
    json->pool = pool;
}


/*
 * Discards the written text and reuses the buffers.  The caller guarantees
 * that nothing else references the buffers.  The state of the comma is kept,
 * so that one text can be sent in several pieces.
 */

void
ngx_http_magasin_json_reset(ngx_http_magasin_json_t *json)
{
    ngx_chain_t  *cl;

    for (cl = json->first; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->start;
        cl->buf->last = cl->buf->start;
        cl->buf->flush = 0;
    }

    json->last = json->first;
    json->size = 0;
}


/*
 * Discards the written text, as _reset() does, and frees the buffers after the
 * first `size` bytes.
 */

void
ngx_http_magasin_json_trim(ngx_http_magasin_json_t *json, size_t size)
{
    size_t        kept;
    ngx_chain_t  *cl, *last;

    ngx_http_magasin_json_reset(json);

    kept = 0;

    for (last = json->first; last; last = last->next) {
        kept += last->buf->end - last->buf->start;

        if (kept >= size) {
            break;
        }
    }

    if (last == NULL) {
        return;
    }

    for (cl = last->next; cl; cl = cl->next) {
        (void) ngx_pfree(json->pool, cl->buf->start);
    }

    last->next = NULL;
}


/* Discards the written text and frees the buffers. */

void
ngx_http_magasin_json_free(ngx_http_magasin_json_t *json)
{
    ngx_chain_t  *cl;

    for (cl = json->first; cl; cl = cl->next) {
        (void) ngx_pfree(json->pool, cl->buf->start);
    }

    json->first = NULL;
    json->last = NULL;
    json->size = 0;
}


/*
 * Replaces the text by one that is in memory of the pool already.  The written
 * text is discarded, and nothing may be appended afterwards.  Sets
 * json->failed if memory cannot be allocated.
 */

void
ngx_http_magasin_json_take(ngx_http_magasin_json_t *json, ngx_str_t *text)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    ngx_http_magasin_json_free(json);

    b = ngx_calloc_buf(json->pool);
    cl = ngx_alloc_chain_link(json->pool);

    if (b == NULL || cl == NULL) {
        json->failed = 1;
        return;
    }

    b->start = text->data;
    b->pos = text->data;
    b->last = text->data + text->len;
    b->end = b->last;
    b->memory = 1;

    cl->buf = b;
    cl->next = NULL;

    json->first = cl;
    json->last = cl;
    json->size = text->len;
}


/*
 * Returns the first `len` bytes, or NULL if the first buffer does not hold
 * more than these.
 */

u_char *
ngx_http_magasin_json_front(ngx_http_magasin_json_t *json, size_t len)
{
    ngx_buf_t  *b;

    if (json->failed || json->first == NULL) {
        return NULL;
    }

    b = json->first->buf;

    return (size_t) (b->last - b->pos) > len ? b->pos : NULL;
}


/*
 * Replaces the first `len` bytes by other bytes.  The caller got the first
 * bytes from _front(), and none of them has been sent.
 */

void
ngx_http_magasin_json_replace(ngx_http_magasin_json_t *json, size_t len,
    ngx_str_t *front)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_calloc_buf(json->pool);
    cl = ngx_alloc_chain_link(json->pool);

    if (b == NULL || cl == NULL) {
        json->failed = 1;
        return;
    }

    b->start = front->data;
    b->pos = front->data;
    b->last = front->data + front->len;
    b->end = b->last;
    b->temporary = 1;

    cl->buf = b;
    cl->next = json->first;

    json->first->buf->pos += len;
    json->first = cl;
    json->size += front->len - len;
}


/* Returns 1 if no byte of the text has to be escaped, else 0. */

ngx_uint_t
ngx_http_magasin_json_is_plain(ngx_str_t *text)
{
    return ngx_http_magasin_json_plain(text->data, text->data + text->len)
           == text->len;
}


/*
 * Writes a string with its quotation marks to `p` and returns the position
 * after it.  The text is escaped unless it is `plain`.  The caller provides
 * room for the escapes.
 */

u_char *
ngx_http_magasin_json_write(u_char *p, ngx_str_t *text, ngx_uint_t plain)
{
    ngx_buf_t                 b;
    ngx_chain_t               cl;
    ngx_http_magasin_json_t   json;

    if (plain) {
        *p++ = '"';
        p = ngx_cpymem(p, text->data, text->len);
        *p++ = '"';

        return p;
    }

    ngx_memzero(&b, sizeof(ngx_buf_t));

    b.start = p;
    b.pos = p;
    b.last = p;
    b.end = p + 6 * text->len + 2;

    cl.buf = &b;
    cl.next = NULL;

    ngx_http_magasin_json_init(&json, NULL);

    json.first = &cl;
    json.last = &cl;

    ngx_http_magasin_json_text(&json, text->data, text->len);

    return b.last;
}


/* The common case: all bytes fit into the last buffer. */

static ngx_inline void
ngx_http_magasin_json_append(ngx_http_magasin_json_t *json, const void *data,
    size_t len)
{
    ngx_buf_t  *b;

    if (json->last) {
        b = json->last->buf;

        if (!json->failed && (size_t) (b->end - b->last) >= len) {
            ngx_memcpy(b->last, data, len);

            b->last += len;
            json->size += len;
            return;
        }
    }

    ngx_http_magasin_json_pieces(json, data, len);
}


static ngx_inline void
ngx_http_magasin_json_byte(ngx_http_magasin_json_t *json, u_char c)
{
    ngx_http_magasin_json_append(json, &c, 1);
}


/* Appends bytes without escaping them. */

void
ngx_http_magasin_json_raw(ngx_http_magasin_json_t *json, const void *data,
    size_t len)
{
    ngx_http_magasin_json_append(json, data, len);
}


static void
ngx_http_magasin_json_pieces(ngx_http_magasin_json_t *json, const void *data,
    size_t len)
{
    size_t         n;
    u_char        *p;
    const u_char  *from;

    from = data;

    while (len) {
        p = ngx_http_magasin_json_room(json, &n);
        if (p == NULL) {
            return;
        }

        n = ngx_min(n, len);

        ngx_memcpy(p, from, n);

        json->last->buf->last += n;
        json->size += n;
        from += n;
        len -= n;
    }
}


static ngx_inline void
ngx_http_magasin_json_separate(ngx_http_magasin_json_t *json)
{
    if (json->comma) {
        ngx_http_magasin_json_byte(json, ',');
    }

    json->comma = 1;
}


/* Appends "{" or "[". */

void
ngx_http_magasin_json_open(ngx_http_magasin_json_t *json, u_char bracket)
{
    ngx_http_magasin_json_separate(json);
    ngx_http_magasin_json_byte(json, bracket);
    json->comma = 0;
}


/* Appends "}" or "]". */

void
ngx_http_magasin_json_close(ngx_http_magasin_json_t *json, u_char bracket)
{
    ngx_http_magasin_json_byte(json, bracket);
    json->comma = 1;
}


/* Appends a member name that includes its quotation marks and its colon. */

void
ngx_http_magasin_json_quoted(ngx_http_magasin_json_t *json, const char *name,
    size_t len)
{
    ngx_http_magasin_json_separate(json);
    ngx_http_magasin_json_append(json, name, len);
    json->comma = 0;
}


/* Appends a member name that needs no escapes. */

void
ngx_http_magasin_json_member(ngx_http_magasin_json_t *json, const char *name,
    size_t len)
{
    ngx_http_magasin_json_separate(json);
    ngx_http_magasin_json_byte(json, '"');
    ngx_http_magasin_json_raw(json, name, len);
    ngx_http_magasin_json_raw(json, "\":", 2);
    json->comma = 0;
}


/* Appends a member name and escapes it; it may be any valid UTF-8. */

void
ngx_http_magasin_json_name(ngx_http_magasin_json_t *json, const void *data,
    size_t len)
{
    ngx_http_magasin_json_text(json, data, len);
    ngx_http_magasin_json_byte(json, ':');
    json->comma = 0;
}


/* Appends a string and escapes it; the bytes are valid UTF-8. */

void
ngx_http_magasin_json_text(ngx_http_magasin_json_t *json, const void *data,
    size_t len)
{
    size_t   n;
    u_char  *p, *end;

    ngx_http_magasin_json_separate(json);
    ngx_http_magasin_json_byte(json, '"');

    p = (u_char *) data;
    end = p + len;

    while (p < end) {
        n = ngx_http_magasin_json_plain(p, end);
        ngx_http_magasin_json_append(json, p, n);
        p += n;

        if (p == end) {
            break;
        }

        if (*p == 0xe2) {

            /* U+2028 and U+2029 end a line in JavaScript. */

            ngx_http_magasin_json_raw(json,
                                      p[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
            p += 3;
            continue;
        }

        ngx_http_magasin_json_escape(json, *p++);
    }

    ngx_http_magasin_json_byte(json, '"');
}


/* Appends a value that is JSON already: a number, true, false or null. */

void
ngx_http_magasin_json_literal(ngx_http_magasin_json_t *json, const void *data,
    size_t len)
{
    ngx_http_magasin_json_separate(json);
    ngx_http_magasin_json_append(json, data, len);
}


/* Appends an integer. */

void
ngx_http_magasin_json_integer(ngx_http_magasin_json_t *json, int64_t n)
{
    u_char  *p, buffer[NGX_INT64_LEN + 1];

    p = ngx_sprintf(buffer, "%L", n);

    ngx_http_magasin_json_literal(json, buffer, p - buffer);
}


/* Returns the length of the run of bytes that needs no escape. */

static size_t
ngx_http_magasin_json_plain(u_char *p, u_char *end)
{
    u_char  *start;

    for (start = p; p < end; p++) {

        if (!ngx_http_magasin_json_stops[*p]) {
            continue;
        }

        if (*p != 0xe2
            || (end - p > 2 && p[1] == 0x80
                && (p[2] == 0xa8 || p[2] == 0xa9)))
        {
            break;
        }
    }

    return p - start;
}


static void
ngx_http_magasin_json_escape(ngx_http_magasin_json_t *json, u_char c)
{
    u_char  *p, buffer[8];

    p = buffer;
    *p++ = '\\';

    switch (c) {

    case '"':
    case '\\':
        *p++ = c;
        break;

    case '\b':
        *p++ = 'b';
        break;

    case '\f':
        *p++ = 'f';
        break;

    case LF:
        *p++ = 'n';
        break;

    case CR:
        *p++ = 'r';
        break;

    case '\t':
        *p++ = 't';
        break;

    default:
        p = ngx_sprintf(p, "u%04xd", c);
        break;
    }

    ngx_http_magasin_json_raw(json, buffer, p - buffer);
}


/*
 * Returns the position to write to and stores the free bytes in `room`.
 * Returns NULL if memory cannot be allocated.
 */

static u_char *
ngx_http_magasin_json_room(ngx_http_magasin_json_t *json, size_t *room)
{
    size_t        size;
    ngx_chain_t  *cl;

    if (json->failed) {
        return NULL;
    }

    if (json->last && json->last->buf->last < json->last->buf->end) {
        *room = json->last->buf->end - json->last->buf->last;
        return json->last->buf->last;
    }

    if (json->last && json->last->next) {
        json->last = json->last->next;
        *room = json->last->buf->end - json->last->buf->last;
        return json->last->buf->last;
    }

    size = json->last ? NGX_HTTP_MAGASIN_JSON_NEXT
                      : NGX_HTTP_MAGASIN_JSON_FIRST;

    cl = ngx_alloc_chain_link(json->pool);
    if (cl == NULL) {
        json->failed = 1;
        return NULL;
    }

    cl->next = NULL;
    cl->buf = ngx_create_temp_buf(json->pool, size);

    if (cl->buf == NULL) {
        json->failed = 1;
        return NULL;
    }

    if (json->last) {
        json->last->next = cl;

    } else {
        json->first = cl;
    }

    json->last = cl;
    *room = size;

    return cl->buf->last;
}
