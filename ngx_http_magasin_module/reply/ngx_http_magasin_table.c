
/*
 * A list as CSV (RFC 4180).  What an endpoint renders is JSON; this file turns
 * it into CSV piece by piece, so that no list has a render function of its own
 * for it.  The rows are the objects of the first array.  A member is the column
 * of its name; the names and their order are in THE table (.table).  A member
 * that is an array or an object is a cell with JSON.
 *
 * A text that a spreadsheet would take for a formula gets an apostrophe in
 * front: one that begins with =, +, -, @, TAB, CR or LF and is no number, and
 * one that begins with apostrophes before such a character.  So the apostrophe
 * can be taken away again; see request/ngx_http_magasin_records.c.
 */


#include "ngx_http_magasin_table_internal.h"


/* The first size of the memory for a text. */
#define NGX_HTTP_MAGASIN_TABLE_TEXT  256


static ngx_uint_t ngx_http_magasin_table_formula(u_char *p, size_t len);
static ngx_uint_t ngx_http_magasin_table_number(u_char *p, u_char *end);


/*
 * The answer is to be CSV if it is a success.  `names` has the columns, with
 * commas between them.  Returns NGX_OK, or NGX_ERROR if memory cannot be
 * allocated.
 */

ngx_int_t
ngx_http_magasin_table_begin(ngx_http_magasin_ctx_t *ctx, const char *names)
{
    u_char                    *p, *end, *comma;
    ngx_http_magasin_table_t  *table;

    table = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_magasin_table_t));
    if (table == NULL) {
        return NGX_ERROR;
    }

    p = (u_char *) names;
    end = p + ngx_strlen(names);

    for ( /* void */ ; p < end; p = comma + 1) {
        comma = ngx_strlchr(p, end, ',');
        comma = comma ? comma : end;

        if (table->nnames == NGX_HTTP_MAGASIN_TABLE_COLUMNS) {
            return NGX_ERROR;
        }

        table->names[table->nnames].data = p;
        table->names[table->nnames++].len = comma - p;
    }

    ngx_http_magasin_json_init(&table->other, ctx->request->pool);

    ctx->table = table;

    return NGX_OK;
}


/*
 * What is rendered from here to _close() is JSON of a list.  Does nothing for
 * an answer that is not to be CSV.
 */

void
ngx_http_magasin_table_open(ngx_http_magasin_ctx_t *ctx)
{
    ngx_http_magasin_json_t    csv;
    ngx_http_magasin_table_t  *table;

    table = ctx->table;

    if (table == NULL) {
        return;
    }

    csv = ctx->json;
    ctx->json = table->other;
    table->other = csv;

    table->open = 1;

    ngx_http_magasin_json_reset(&ctx->json);
}


/*
 * Appends what was rendered since _open() to the CSV.  An error stays JSON, and
 * replaces what there was.
 */

void
ngx_http_magasin_table_close(ngx_http_magasin_ctx_t *ctx)
{
    ngx_uint_t                 i;
    ngx_chain_t               *cl;
    ngx_http_magasin_json_t    json, *csv;
    ngx_http_magasin_table_t  *table;

    table = ctx->table;

    if (table == NULL || !table->open) {
        return;
    }

    table->open = 0;

    if (ctx->status != NGX_HTTP_OK) {
        ctx->table = NULL;
        return;
    }

    json = ctx->json;
    ctx->json = table->other;
    table->other = json;

    csv = &ctx->json;
    csv->failed |= json.failed;

    if (!table->header) {
        for (i = 0; i < table->nnames; i++) {
            ngx_http_magasin_json_raw(csv, ",", i != 0);
            ngx_http_magasin_json_raw(csv, table->names[i].data,
                                      table->names[i].len);
        }

        ngx_http_magasin_json_raw(csv, CRLF, sizeof(CRLF) - 1);
        table->header = 1;
    }

    for (cl = json.first; cl; cl = cl->next) {
        ngx_http_magasin_table_convert(table, csv, cl->buf->pos,
                                       cl->buf->last);

        if (cl == json.last) {
            break;
        }
    }
}


/* Appends to the text of a cell. */

void
ngx_http_magasin_table_append(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv, u_char *p, size_t len)
{
    size_t   size;
    u_char  *text;

    if (table->len + len > table->size) {
        size = ngx_max(2 * (table->len + len), NGX_HTTP_MAGASIN_TABLE_TEXT);

        text = ngx_pnalloc(csv->pool, size);
        if (text == NULL) {
            csv->failed = 1;
            return;
        }

        if (table->text) {
            ngx_memcpy(text, table->text, table->len);
            (void) ngx_pfree(csv->pool, table->text);
        }

        table->text = text;
        table->size = size;
    }

    ngx_memcpy(table->text + table->len, p, len);
    table->len += len;
}


/* Writes the cell of a text, or of a number or a word. */

void
ngx_http_magasin_table_cell(ngx_http_magasin_table_t *table,
    ngx_http_magasin_json_t *csv)
{
    u_char      *p, *end, *start;
    ngx_uint_t   literal, quote;

    literal = (table->state == TABLE_LITERAL);
    table->state = TABLE_MEMBER;

    if (!table->wanted) {
        return;
    }

    p = table->text;
    end = p + table->len;

    if (literal) {
        if (table->len != 4 || ngx_memcmp(p, "null", 4) != 0) {
            ngx_http_magasin_json_raw(csv, p, table->len);
        }

        return;
    }

    for (start = p, quote = 0; start < end && !quote; start++) {
        quote = (*start == '"' || *start == ',' || *start == CR
                 || *start == LF);
    }

    ngx_http_magasin_json_raw(csv, "\"", quote);
    ngx_http_magasin_json_raw(csv, "'",
                              ngx_http_magasin_table_formula(p, table->len));

    for (start = p; quote && p < end; p++) {
        if (*p == '"') {
            ngx_http_magasin_json_raw(csv, start, p + 1 - start);
            start = p;
        }
    }

    ngx_http_magasin_json_raw(csv, start, end - start);
    ngx_http_magasin_json_raw(csv, "\"", quote);
}


/* Returns 1 if the text needs an apostrophe in front, else 0. */

static ngx_uint_t
ngx_http_magasin_table_formula(u_char *p, size_t len)
{
    u_char  *end, *start;

    start = p;
    end = p + len;

    while (p < end && *p == '\'') {
        p++;
    }

    if (p == end || *p == '\0' || ngx_strchr("=+-@\t\r\n", *p) == NULL) {
        return 0;
    }

    return p != start || !ngx_http_magasin_table_number(p, end);
}


/* Returns 1 if the text is a number as the API writes it, else 0. */

static ngx_uint_t
ngx_http_magasin_table_number(u_char *p, u_char *end)
{
    ngx_uint_t  digits;

    p += (*p == '-');

    for (digits = 0; p < end && *p >= '0' && *p <= '9'; p++) {
        digits++;
    }

    if (digits && p + 1 < end && *p == '.') {
        for (p++; p < end && *p >= '0' && *p <= '9'; p++) {
            /* void */
        }
    }

    return digits && p == end;
}


/*
 * Adds the headers of a list, which has two forms, and those of its CSV: the
 * name of the file is that of the endpoint and of the store.  Returns NGX_OK,
 * or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_table_headers(ngx_http_magasin_ctx_t *ctx)
{
    u_char              *p;
    ngx_str_t            value, *name, *id;
    ngx_http_request_t  *r;
    static ngx_str_t     vary = ngx_string("Accept");

    r = ctx->request;

    if (ctx->endpoint == NULL || ctx->endpoint->table == NULL) {
        return NGX_OK;
    }

    if (ngx_http_magasin_reply_header(r, "Vary", &vary) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->table == NULL || ctx->status != NGX_HTTP_OK) {
        return NGX_OK;
    }

    ngx_str_set(&r->headers_out.content_type, "text/csv; charset=utf-8");
    r->headers_out.content_type_len = sizeof("text/csv") - 1;
    r->headers_out.content_type_lowcase = NULL;

    name = &ctx->endpoint->name;
    id = &ctx->ids[0].text;

    p = ngx_pnalloc(r->pool, sizeof("attachment; filename=\"-.csv\"")
                             + name->len + id->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = ngx_sprintf(p, "attachment; filename=\"%V%s%V.csv\"", name,
                            id->len ? "-" : "", id)
                - p;

    return ngx_http_magasin_reply_header(r, "Content-Disposition", &value);
}
