
/*
 * Reads a line of a file of tokens: `id:sha256-of-token:scopes`, with
 * `magasins=1,4` and `expire=2027-01-31` behind where they are wanted.
 */


#include "ngx_http_magasin_tokens_internal.h"


#define NGX_HTTP_MAGASIN_TOKENS_ID  200         /* bytes of an id */


static const char *ngx_http_magasin_tokens_id(ngx_str_t *id);
static ngx_int_t ngx_http_magasin_tokens_digest(u_char *p, u_char *digest);
static const char *ngx_http_magasin_tokens_rights(u_char *p, u_char *end,
    ngx_http_magasin_token_t *token);
static u_char *ngx_http_magasin_tokens_word(u_char *p, u_char *end,
    ngx_str_t *word);
static const char *ngx_http_magasin_tokens_option(ngx_str_t *word,
    ngx_http_magasin_token_t *token);


/* The digest of the token in the documentation, which everybody knows. */

static const u_char  ngx_http_magasin_demonstration[] = {
    0x0d, 0x69, 0xb6, 0x2a, 0x49, 0x13, 0xf3, 0x44,
    0x43, 0xeb, 0x2d, 0x4b, 0xa5, 0x10, 0x4a, 0x84,
    0xe3, 0xa8, 0xca, 0x66, 0x55, 0x38, 0xdb, 0xe7,
    0xe7, 0xbe, 0xb0, 0x37, 0xf3, 0x48, 0xc7, 0x34
};


/*
 * Reads a line that is neither empty nor a comment into `token`, which is
 * zeroed.  Its texts are parts of the line.  Returns NULL, or what is wrong, as
 * it follows "line 7" in a message.
 */

const char *
ngx_http_magasin_tokens_line(ngx_str_t *line, ngx_http_magasin_token_t *token)
{
    u_char      *p, *end;
    const char  *is;

    end = line->data + line->len;

    for (p = line->data; p < end; p++) {
        if (*p == CR && p == end - 1) {
            return "ends with CR LF: LF alone ends a line";
        }

        if (*p == '\0') {
            return "has a NUL byte";
        }

        if (*p < 0x20 || *p == 0x7f) {
            return "has a control character";
        }
    }

    while (end > line->data && end[-1] == ' ') {
        end--;
    }

    p = ngx_strlchr(line->data, end, ':');

    if (p == NULL) {
        goto invalid;
    }

    token->id.data = line->data;
    token->id.len = p - line->data;

    is = ngx_http_magasin_tokens_id(&token->id);
    if (is) {
        return is;
    }

    p++;

    if (end - p <= 2 * NGX_HTTP_MAGASIN_DIGEST
        || p[2 * NGX_HTTP_MAGASIN_DIGEST] != ':'
        || ngx_http_magasin_tokens_digest(p, token->digest) != NGX_OK)
    {
        goto invalid;
    }

    token->demonstration = ngx_memcmp(token->digest,
                                      ngx_http_magasin_demonstration,
                                      NGX_HTTP_MAGASIN_DIGEST) == 0;

    return ngx_http_magasin_tokens_rights(p + 2 * NGX_HTTP_MAGASIN_DIGEST + 1,
                                          end, token);

invalid:

    return "is not \"id:sha256 in 64 hex digits:scopes\"";
}


/* Checks an id, which is written to logs and to PostgreSQL as text. */

static const char *
ngx_http_magasin_tokens_id(ngx_str_t *id)
{
    u_char    *p, *end;
    uint32_t   code;

    if (id->len == 0) {
        return "has no id: say whose token it is before the first colon";
    }

    if (id->len > NGX_HTTP_MAGASIN_TOKENS_ID) {
        return "has an id of more than 200 bytes";
    }

    p = id->data;
    end = p + id->len;

    while (p < end) {
        if (*p < 0x80) {
            p++;
            continue;
        }

        code = ngx_utf8_decode(&p, end - p);

        if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)
            || code == 0xfeff)
        {
            return "has an id that is not UTF-8, or has a byte order mark";
        }
    }

    return NULL;
}


/* Parses 64 hex digits.  Returns NGX_OK or NGX_ERROR. */

static ngx_int_t
ngx_http_magasin_tokens_digest(u_char *p, u_char *digest)
{
    u_char      c;
    ngx_uint_t  i, n;

    for (i = 0; i < 2 * NGX_HTTP_MAGASIN_DIGEST; i++) {
        c = p[i] | 0x20;

        if (p[i] >= '0' && p[i] <= '9') {
            n = p[i] - '0';

        } else if (c >= 'a' && c <= 'f') {
            n = c - 'a' + 10;

        } else {
            return NGX_ERROR;
        }

        digest[i / 2] = (u_char) ((i & 1) ? (digest[i / 2] << 4 | n) : n);
    }

    return NGX_OK;
}


/*
 * Reads the scopes and the options behind them: "ventes,prix magasins=1,4
 * expire=2027-01-31".  One colon or blanks stand before an option.
 */

static const char *
ngx_http_magasin_tokens_rights(u_char *p, u_char *end,
    ngx_http_magasin_token_t *token)
{
    ngx_str_t    word;
    const char  *is;

    if (p < end && end[-1] == ':') {
        return "ends with a colon";
    }

    p = ngx_http_magasin_tokens_word(p, end, &token->scopes);

    is = ngx_http_magasin_rights_scopes(&token->scopes);

    while (is == NULL && p < end) {
        p = ngx_http_magasin_tokens_word(p, end, &word);
        is = ngx_http_magasin_tokens_option(&word, token);
    }

    return is;
}


/* Takes what is before a colon or blanks.  Returns the end of these. */

static u_char *
ngx_http_magasin_tokens_word(u_char *p, u_char *end, ngx_str_t *word)
{
    word->data = p;

    while (p < end && *p != ':' && *p != ' ') {
        p++;
    }

    word->len = p - word->data;

    if (p == end) {
        return p;
    }

    if (*p == ':') {
        return p + 1;
    }

    while (p < end && *p == ' ') {
        p++;
    }

    return p;
}


static const char *
ngx_http_magasin_tokens_option(ngx_str_t *word,
    ngx_http_magasin_token_t *token)
{
    ngx_str_t  value;

    if (word->len > sizeof("magasins=") - 1
        && ngx_strncmp(word->data, "magasins=", sizeof("magasins=") - 1) == 0)
    {
        if (token->bound) {
            return "has magasins= twice";
        }

        token->bound = 1;
        token->stores.data = word->data + sizeof("magasins=") - 1;
        token->stores.len = word->len - (sizeof("magasins=") - 1);

        return ngx_http_magasin_rights_stores(&token->stores);
    }

    if (word->len > sizeof("expire=") - 1
        && ngx_strncmp(word->data, "expire=", sizeof("expire=") - 1) == 0)
    {
        if (token->expires) {
            return "has expire= twice";
        }

        value.data = word->data + sizeof("expire=") - 1;
        value.len = word->len - (sizeof("expire=") - 1);

        return ngx_http_magasin_rights_expire(&value, &token->expires);
    }

    return "has something behind its scopes that is neither magasins=1,4 "
           "nor expire=2027-01-31";
}
