
/* The JSON of a list, byte by byte; see ngx_http_magasin_table.c. */


#include "ngx_http_magasin_table_internal.h"


static void ngx_http_magasin_table_outside(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char c);
static void ngx_http_magasin_table_value(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char c);
static u_char *ngx_http_magasin_table_text(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char *p, u_char *end);
static void ngx_http_magasin_table_escape(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char c);
static void ngx_http_magasin_table_code(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv);
static void ngx_http_magasin_table_nested(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char c);
static void ngx_http_magasin_table_column(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv);
static void ngx_http_magasin_table_row(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv);


/*
 * Reads a piece of JSON, and appends the rows in it to the CSV.  A piece may
 * end anywhere.
 */

void
ngx_http_magasin_table_convert(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char *p, u_char *end)
{
    while (p < end && !csv->failed) {

        switch (table->state) {

        case TABLE_TEXT:
            p = ngx_http_magasin_table_text(table, csv, p, end);
            continue;

        case TABLE_TEXT_ESCAPE:
        case TABLE_TEXT_HEX:
            ngx_http_magasin_table_escape(table, csv, *p);
            break;

        case TABLE_VALUE:
            ngx_http_magasin_table_value(table, csv, *p);
            break;

        case TABLE_LITERAL:

            if (*p == ',' || *p == '}') {
                ngx_http_magasin_table_cell(table, csv);
                continue;
            }

            ngx_http_magasin_table_append(table, csv, p, 1);
            break;

        case TABLE_NESTED:
        case TABLE_NESTED_TEXT:
        case TABLE_NESTED_ESCAPE:
            ngx_http_magasin_table_nested(table, csv, *p);
            break;

        default:
            ngx_http_magasin_table_outside(table, csv, *p);
            break;
        }

        p++;
    }
}


/* A byte between values. */

static void
ngx_http_magasin_table_outside(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char c)
{
    switch (table->state) {

    case TABLE_BEFORE:
        if (c == '[') {
            table->state = TABLE_ROWS;
        }

        break;

    case TABLE_ROWS:
        if (c == '{') {
            table->column = 0;
            table->state = TABLE_MEMBER;

        } else if (c == ']') {
            table->state = TABLE_AFTER;
        }

        break;

    case TABLE_MEMBER:
        if (c == '"') {
            table->name_len = 0;
            table->state = TABLE_NAME;

        } else if (c == '}') {
            ngx_http_magasin_table_row(table, csv);
        }

        break;

    case TABLE_NAME:
        if (c == '"') {
            ngx_http_magasin_table_column(table, csv);
            table->state = TABLE_COLON;

        } else if (table->name_len < NGX_HTTP_MAGASIN_TABLE_NAME) {
            table->name[table->name_len++] = c;
        }

        break;

    case TABLE_COLON:
        if (c == ':') {
            table->state = TABLE_VALUE;
        }

        break;

    default: /* TABLE_AFTER */
        break;
    }
}


/* The first byte of a value, or a space before it. */

static void
ngx_http_magasin_table_value(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char c)
{
    table->len = 0;

    switch (c) {

    case ' ':
        break;

    case '"':
        table->high = 0;
        table->state = TABLE_TEXT;
        break;

    case '[':
    case '{':
        table->depth = 0;
        table->state = TABLE_NESTED;

        if (table->wanted) {
            ngx_http_magasin_json_raw(csv, "\"", 1);
        }

        ngx_http_magasin_table_nested(table, csv, c);
        break;

    default:
        table->state = TABLE_LITERAL;
        ngx_http_magasin_table_append(table, csv, &c, 1);
        break;
    }
}


/* Text up to an escape, or to its end.  Returns where to go on. */

static u_char *
ngx_http_magasin_table_text(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char *p, u_char *end)
{
    u_char  *start;

    start = p;

    while (p < end && *p != '"' && *p != '\\') {
        p++;
    }

    ngx_http_magasin_table_append(table, csv, start, p - start);

    if (p == end) {
        return p;
    }

    if (*p == '\\') {
        table->state = TABLE_TEXT_ESCAPE;

    } else {
        ngx_http_magasin_table_cell(table, csv);
    }

    return p + 1;
}


static void
ngx_http_magasin_table_escape(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char c)
{
    static const u_char  names[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    u_char              *p;

    if (table->state == TABLE_TEXT_HEX) {
        table->code = table->code * 16
                      + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);

        if (--table->digits == 0) {
            table->state = TABLE_TEXT;
            ngx_http_magasin_table_code(table, csv);
        }

        return;
    }

    if (c == 'u') {
        table->code = 0;
        table->digits = 4;
        table->state = TABLE_TEXT_HEX;
        return;
    }

    p = (u_char *) ngx_strchr(names, c);

    if (p) {
        c = bytes[p - names];
    }

    table->state = TABLE_TEXT;
    ngx_http_magasin_table_append(table, csv, &c, 1);
}


/* Appends the character of an escape in UTF-8. */

static void
ngx_http_magasin_table_code(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv)
{
    u_char    text[4], *p;
    uint32_t  code;

    code = table->code;
    p = text;

    if (code >= 0xd800 && code < 0xdc00) {
        table->high = code;
        return;
    }

    if (code >= 0xdc00 && code < 0xe000) {
        code = 0x10000 + ((table->high - 0xd800) << 10) + (code - 0xdc00);
    }

    if (code < 0x80) {
        *p++ = (u_char) code;

    } else if (code < 0x800) {
        *p++ = (u_char) (0xc0 | code >> 6);
        *p++ = (u_char) (0x80 | (code & 0x3f));

    } else if (code < 0x10000) {
        *p++ = (u_char) (0xe0 | code >> 12);
        *p++ = (u_char) (0x80 | (code >> 6 & 0x3f));
        *p++ = (u_char) (0x80 | (code & 0x3f));

    } else {
        *p++ = (u_char) (0xf0 | code >> 18);
        *p++ = (u_char) (0x80 | (code >> 12 & 0x3f));
        *p++ = (u_char) (0x80 | (code >> 6 & 0x3f));
        *p++ = (u_char) (0x80 | (code & 0x3f));
    }

    ngx_http_magasin_table_append(table, csv, text, p - text);
}


/* A byte of an array or an object, which is copied with its quotes doubled. */

static void
ngx_http_magasin_table_nested(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char c)
{
    if (table->wanted) {
        ngx_http_magasin_json_raw(csv, c == '"' ? (u_char *) "\"\"" : &c,
                                  c == '"' ? 2 : 1);
    }

    switch (table->state) {

    case TABLE_NESTED_ESCAPE:
        table->state = TABLE_NESTED_TEXT;
        return;

    case TABLE_NESTED_TEXT:
        if (c == '\\') {
            table->state = TABLE_NESTED_ESCAPE;

        } else if (c == '"') {
            table->state = TABLE_NESTED;
        }

        return;

    default: /* TABLE_NESTED */
        break;
    }

    if (c == '"') {
        table->state = TABLE_NESTED_TEXT;

    } else if (c == '[' || c == '{') {
        table->depth++;

    } else if ((c == ']' || c == '}') && --table->depth == 0) {

        if (table->wanted) {
            ngx_http_magasin_json_raw(csv, "\"", 1);
        }

        table->state = TABLE_MEMBER;
    }
}


/*
 * Finds the column of the member that begins, and writes the cells before it.
 * Members have the order of their columns.
 */

static void
ngx_http_magasin_table_column(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    table->wanted = 0;

    for (i = 0; i < table->nnames; i++) {
        name = &table->names[i];

        if (name->len == table->name_len
            && ngx_memcmp(name->data, table->name, name->len) == 0)
        {
            break;
        }
    }

    if (i == table->nnames) {
        return;
    }

    if (i < table->column) {
        csv->failed = 1;
        return;
    }

    table->wanted = 1;

    ngx_http_magasin_json_raw(csv, ",", table->column != 0);

    for ( /* void */ ; table->column < i; table->column++) {
        ngx_http_magasin_json_raw(csv, ",", 1);
    }

    table->column++;
}


/* Ends a row. */

static void
ngx_http_magasin_table_row(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv)
{
    ngx_uint_t  i;

    for (i = ngx_max(table->column, 1); i < table->nnames; i++) {
        ngx_http_magasin_json_raw(csv, ",", 1);
    }

    ngx_http_magasin_json_raw(csv, CRLF, sizeof(CRLF) - 1);

    table->state = TABLE_ROWS;
}
