
/*
 * Cursors of lists: base64url of a checksum and of the keys after which a page
 * begins.
 */


#include "ngx_http_magasin_rows.h"
#include "ngx_http_magasin_text.h"


/* The longest name in UTF-8, an id and a reserve, in base64. */
#define NGX_HTTP_MAGASIN_LIST_CURSOR  1024

#define NGX_HTTP_MAGASIN_LIST_CHECKSUM  4

/* More than the longest timestamp that PostgreSQL writes. */
#define NGX_HTTP_MAGASIN_LIST_INSTANT  64


static void ngx_http_magasin_list_checksum(ngx_str_t *name, u_char *keys,
    size_t len, u_char *checksum);
static ngx_uint_t ngx_http_magasin_list_key_valid(ngx_http_magasin_key_e type,
    ngx_str_t *key);


/*
 * Read the keys from a cursor of the list `name`: base64url of a checksum and
 * of the texts of the keys, separated by 0x1F.  The keys are in the memory of
 * the pool.
 *
 * Returns NGX_OK; NGX_DECLINED if the cursor is damaged or belongs to another
 * list; NGX_ERROR if no memory is left.
 */

ngx_int_t
ngx_http_magasin_cursor_read(ngx_pool_t *pool, ngx_str_t *name,
    const ngx_http_magasin_list_spec_t *spec, ngx_str_t *cursor,
    const char **values)
{
    u_char      *p, *end, *stop, checksum[NGX_HTTP_MAGASIN_LIST_CHECKSUM];
    ngx_str_t    text, again, key;
    ngx_uint_t   i;

    if (cursor->len > NGX_HTTP_MAGASIN_LIST_CURSOR) {
        return NGX_DECLINED;
    }

    text.data = ngx_pnalloc(pool, ngx_base64_decoded_length(cursor->len) + 1);
    again.data = ngx_pnalloc(pool, ngx_base64_encoded_length(cursor->len));

    if (text.data == NULL || again.data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_decode_base64url(&text, cursor) != NGX_OK
        || text.len < sizeof(checksum))
    {
        return NGX_DECLINED;
    }

    /*
     * The decoder ignores excess bits at the end.  Accept only the exact
     * encoding that this file writes.
     */

    ngx_encode_base64url(&again, &text);

    if (again.len != cursor->len
        || ngx_memcmp(again.data, cursor->data, again.len) != 0)
    {
        return NGX_DECLINED;
    }

    p = text.data + sizeof(checksum);
    end = text.data + text.len;
    *end = '\0';

    ngx_http_magasin_list_checksum(name, p, end - p, checksum);

    if (ngx_memcmp(text.data, checksum, sizeof(checksum)) != 0) {
        return NGX_DECLINED;
    }

    for (i = 0; i < spec->nkeys; i++) {

        if (p > end) {
            return NGX_DECLINED;
        }

        /*
         * Only the first of two keys may be a text, which may contain any
         * character.
         */

        for (stop = end; i + 1 < spec->nkeys && stop > p; stop--) {
            if (*stop == '\x1f') {
                break;
            }
        }

        *stop = '\0';

        key.data = p;
        key.len = stop - p;

        if (!ngx_http_magasin_list_key_valid(spec->keys[i], &key)) {
            return NGX_DECLINED;
        }

        values[i] = (const char *) p;
        p = stop + 1;
    }

    return NGX_OK;
}


/*
 * CRC-32 of the name of the list and of the keys.  It detects damage, not
 * forgery: a forged cursor gives access to nothing more.
 */

static void
ngx_http_magasin_list_checksum(ngx_str_t *name, u_char *keys, size_t len,
    u_char *checksum)
{
    uint32_t  crc;

    ngx_crc32_init(crc);
    ngx_crc32_update(&crc, name->data, name->len);
    ngx_crc32_update(&crc, keys, len);
    ngx_crc32_final(crc);

    checksum[0] = (u_char) (crc >> 24);
    checksum[1] = (u_char) (crc >> 16);
    checksum[2] = (u_char) (crc >> 8);
    checksum[3] = (u_char) crc;
}


static ngx_uint_t
ngx_http_magasin_list_key_valid(ngx_http_magasin_key_e type, ngx_str_t *key)
{
    size_t       i;
    u_char       text[NGX_HTTP_MAGASIN_LIST_INSTANT], *p;
    static char  max[] = "9223372036854775807";

    switch (type) {

    case NGX_HTTP_MAGASIN_KEY_TEXT:
        return key->len && ngx_strlchr(key->data, key->data + key->len, '\0')
                           == NULL
               && ngx_http_magasin_text_valid(key);

    case NGX_HTTP_MAGASIN_KEY_INSTANT:

        /* "2026-11-24 08:26:01.734513+00": all sessions use UTC. */

        if (key->len < 4 || key->len >= sizeof(text)
            || ngx_memcmp(key->data + key->len - 3, "+00", 3) != 0)
        {
            return 0;
        }

        p = ngx_cpymem(text, key->data, key->len - 3);
        *p++ = 'Z';

        return text[10] == ' ' && ngx_http_magasin_instant_valid(text, p);

    default: /* NGX_HTTP_MAGASIN_KEY_INTEGER */
        break;
    }

    for (i = 0; i < key->len; i++) {
        if (key->data[i] < '0' || key->data[i] > '9') {
            return 0;
        }
    }

    return key->len
           && (key->len < sizeof(max) - 1
               || (key->len == sizeof(max) - 1
                   && ngx_memcmp(key->data, max, key->len) <= 0));
}


/*
 * Write a cursor of the list `name` to cursor->data.  `text` is scratch: it has
 * room for the keys and for NGX_HTTP_MAGASIN_CURSOR_EXTRA bytes, and
 * cursor->data has room for the base64 of these.
 */

void
ngx_http_magasin_cursor_write(ngx_str_t *name, ngx_str_t *keys,
    ngx_uint_t nkeys, u_char *text, ngx_str_t *cursor)
{
    u_char      *p, *first;
    ngx_str_t    bytes;
    ngx_uint_t   i;

    first = text + NGX_HTTP_MAGASIN_LIST_CHECKSUM;
    p = first;

    for (i = 0; i < nkeys; i++) {

        if (i) {
            *p++ = '\x1f';
        }

        p = ngx_cpymem(p, keys[i].data, keys[i].len);
    }

    ngx_http_magasin_list_checksum(name, first, p - first, text);

    bytes.data = text;
    bytes.len = p - text;

    ngx_encode_base64url(cursor, &bytes);
}
