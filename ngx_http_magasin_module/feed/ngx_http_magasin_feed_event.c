
/*
 * The text of an event: a row of the journal, as GET /api/v1/journal/ shows it,
 * with its cursor as the id.
 */


#include "ngx_http_magasin_feed_internal.h"
#include "ngx_http_magasin_text.h"


/* Columns of the journal's statements after the keys. */
enum {
    JOURNAL_ID = 0,
    JOURNAL_INSTANT,
    JOURNAL_TYPE,
    JOURNAL_MAGASIN,
    JOURNAL_PRODUIT
};


static ngx_uint_t ngx_http_magasin_feed_one_line(ngx_str_t *text);


/* Returns -1, 0 or 1: `one` is before `two`, is the same place, is after it. */

ngx_int_t
ngx_http_magasin_feed_compare(ngx_http_magasin_feed_place_t *one,
    ngx_http_magasin_feed_place_t *two)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_MAGASIN_LIST_KEYS; i++) {
        if (one->keys[i] != two->keys[i]) {
            return one->keys[i] < two->keys[i] ? -1 : 1;
        }
    }

    return 0;
}


/* The place of a row: its first columns.  NULL is the place before all rows. */

void
ngx_http_magasin_feed_place(ngx_http_magasin_feed_place_t *place,
    PGresult *result, int row)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_MAGASIN_LIST_KEYS; i++) {
        place->keys[i] = (int64_t) strtoll(PQgetvalue(result, row, (int) i),
                                           NULL, 10);
    }
}


/* The keys of a place as text; `values` points into `keys`. */

void
ngx_http_magasin_feed_keys(ngx_http_magasin_feed_place_t *place,
    char keys[][NGX_HTTP_MAGASIN_FEED_KEY], const char **values)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_MAGASIN_LIST_KEYS; i++) {
        (void) ngx_snprintf((u_char *) keys[i], NGX_HTTP_MAGASIN_FEED_KEY,
                            "%L%Z", place->keys[i]);
        values[i] = keys[i];
    }
}


/*
 * The same as parameters of a statement: the place before all rows, which is
 * no row, is NULL.
 */

void
ngx_http_magasin_feed_params(ngx_http_magasin_feed_place_t *place,
    char keys[][NGX_HTTP_MAGASIN_FEED_KEY], const char **values)
{
    ngx_uint_t                            i;
    static ngx_http_magasin_feed_place_t  none;

    ngx_http_magasin_feed_keys(place, keys, values);

    if (ngx_http_magasin_feed_compare(place, &none) != 0) {
        return;
    }

    for (i = 0; i < NGX_HTTP_MAGASIN_LIST_KEYS; i++) {
        values[i] = NULL;
    }
}


/*
 * The cursor of a place.  cursor->data has room for
 * NGX_HTTP_MAGASIN_FEED_CURSOR bytes.
 */

void
ngx_http_magasin_feed_cursor(ngx_http_magasin_feed_place_t *place,
    ngx_str_t *cursor)
{
    char               texts[NGX_HTTP_MAGASIN_LIST_KEYS]
                            [NGX_HTTP_MAGASIN_FEED_KEY];
    u_char             scratch[NGX_HTTP_MAGASIN_FEED_CURSOR];
    ngx_str_t          keys[NGX_HTTP_MAGASIN_LIST_KEYS];
    ngx_uint_t         i;
    const char        *values[NGX_HTTP_MAGASIN_LIST_KEYS];
    static ngx_str_t   list = ngx_string("journal");

    ngx_http_magasin_feed_keys(place, texts, values);

    for (i = 0; i < NGX_HTTP_MAGASIN_LIST_KEYS; i++) {
        keys[i].data = (u_char *) values[i];
        keys[i].len = ngx_strlen(values[i]);
    }

    ngx_http_magasin_cursor_write(&list, keys, NGX_HTTP_MAGASIN_LIST_KEYS,
                                  scratch, cursor);
}


/*
 * Write the event of a row, and set `record`.  If no memory is left,
 * json->failed is set.
 */

void
ngx_http_magasin_feed_write(ngx_http_magasin_json_t *json, PGresult *result,
    int row, ngx_http_magasin_feed_record_t *record)
{
    size_t      size;
    u_char      buffer[NGX_HTTP_MAGASIN_FEED_CURSOR];
    ngx_str_t   type, cursor;

    size = json->size;
    type = ngx_http_magasin_column(result, row, NGX_HTTP_MAGASIN_LIST_KEYS
                                                + JOURNAL_TYPE);

    ngx_http_magasin_feed_place(&record->place, result, row);

    record->magasin = ngx_http_magasin_tag_id(PQgetvalue(result, row,
                          NGX_HTTP_MAGASIN_LIST_KEYS + JOURNAL_MAGASIN));
    record->produit = ngx_http_magasin_tag_id(PQgetvalue(result, row,
                          NGX_HTTP_MAGASIN_LIST_KEYS + JOURNAL_PRODUIT));
    record->type = ngx_http_magasin_text_hash(0, &type);

    /* A type that somebody made up by hand may be no line. */

    if (ngx_http_magasin_feed_one_line(&type)) {
        ngx_http_magasin_json_raw(json, "event: ", sizeof("event: ") - 1);
        ngx_http_magasin_json_raw(json, type.data, type.len);
        ngx_http_magasin_json_raw(json, "\n", 1);
    }

    cursor.data = buffer;
    ngx_http_magasin_feed_cursor(&record->place, &cursor);

    ngx_http_magasin_json_raw(json, "id: ", sizeof("id: ") - 1);
    ngx_http_magasin_json_raw(json, cursor.data, cursor.len);
    ngx_http_magasin_json_raw(json, "\ndata: ", sizeof("\ndata: ") - 1);

    json->comma = 0;
    ngx_http_magasin_row(json, ngx_http_magasin_journal_spec.columns, result,
                         row, NGX_HTTP_MAGASIN_LIST_KEYS);

    ngx_http_magasin_json_raw(json, "\n\n", 2);

    record->len = json->size - size;
}


static ngx_uint_t
ngx_http_magasin_feed_one_line(ngx_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] == '\n' || text->data[i] == '\r') {
            return 0;
        }
    }

    return text->len != 0;
}
