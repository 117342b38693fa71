
/* The rows of a batch: from CSV and NDJSON to the JSON that is staged. */


#include "ngx_http_magasin_lot.h"
#include "ngx_http_magasin_body.h"
#include "ngx_http_magasin_text.h"


/*
 * Values of a row of NDJSON at most: a row of 128 kB may have 40,000, and takes
 * 20 ms then.
 */
#define NGX_HTTP_MAGASIN_LOT_VALUES  1000

/* Unknown members of a row that are named at most. */
#define NGX_HTTP_MAGASIN_LOT_UNKNOWN  5


static ngx_uint_t ngx_http_magasin_lot_name(
    const ngx_http_magasin_lot_spec_t *spec, ngx_str_t *name);
static const char *ngx_http_magasin_lot_cells(ngx_http_magasin_ctx_t *ctx,
    ngx_str_t *record);
static void ngx_http_magasin_lot_members(ngx_http_magasin_ctx_t *ctx,
    json_t *root);
static ngx_uint_t ngx_http_magasin_lot_value(ngx_http_magasin_json_t *json,
    const char *name, json_t *value);
static void ngx_http_magasin_lot_number(ngx_http_magasin_json_t *json,
    json_t *value);
static void ngx_http_magasin_lot_complain(ngx_http_magasin_json_t *json,
    const char *name, const char *message);


/*
 * Reads the header of CSV: the names of the columns, and what separates them,
 * a comma or a semicolon.  A wrong name is kept in lot->unknown.
 *
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_lot_header(ngx_http_magasin_ctx_t *ctx, ngx_str_t *record)
{
    u_char                             *end;
    ngx_str_t                           cell;
    ngx_uint_t                          i, name, sound;
    ngx_http_magasin_lot_t             *lot;
    const ngx_http_magasin_lot_spec_t  *spec;

    lot = ctx->state;
    spec = ctx->endpoint->spec;
    end = record->data + record->len;

    lot->separator = ngx_strlchr(record->data, end, ',') == NULL
                     && ngx_strlchr(record->data, end, ';')
                     ? ';' : ',';

    while (record->data && lot->unknown.data == NULL) {
        sound = ngx_http_magasin_records_cell(record, lot->separator, &cell);

        ngx_http_magasin_text_strip(&cell);
        name = ngx_http_magasin_lot_name(spec, &cell);

        for (i = 0; i < lot->ncolumns; i++) {
            sound &= (lot->columns[i] != name);
        }

        if (sound && spec->names[name]
            && lot->ncolumns < NGX_HTTP_MAGASIN_LOT_NAMES)
        {
            lot->columns[lot->ncolumns++] = name;
            continue;
        }

        cell.len = ngx_min(cell.len, 100);

        if (ngx_http_magasin_text_repair(ctx->request->pool, &cell) != NGX_OK)
        {
            return NGX_ERROR;
        }

        lot->unknown.data = ngx_pstrdup(ctx->request->pool, &cell);
        lot->unknown.len = cell.len;

        if (lot->unknown.data == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Returns the number of a name; that of the last NULL if it is unknown. */

static ngx_uint_t
ngx_http_magasin_lot_name(const ngx_http_magasin_lot_spec_t *spec,
    ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; spec->names[i]; i++) {
        if (ngx_strlen(spec->names[i]) == name->len
            && ngx_memcmp(spec->names[i], name->data, name->len) == 0)
        {
            break;
        }
    }

    return i;
}


/*
 * Appends a row to the piece: [number, members] or, if something is wrong with
 * it already, [number, members, errors].  Returns NGX_OK, or NGX_ERROR if
 * memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_lot_row(ngx_http_magasin_ctx_t *ctx, ngx_str_t *record)
{
    json_t                   *root;
    ngx_uint_t                written;
    const char               *error;
    ngx_http_magasin_lot_t   *lot;
    ngx_http_magasin_json_t  *json;

    lot = ctx->state;
    json = &lot->piece;
    written = 0;
    error = NULL;

    if (lot->rows++ == 0) {
        ngx_http_magasin_json_open(json, '[');
    }

    ngx_http_magasin_json_open(json, '[');
    ngx_http_magasin_json_integer(json, (int64_t) lot->records.line);

    if (lot->records.cut) {
        error = "La ligne dépasse 128 ko.";

    } else if (!ngx_http_magasin_text_valid(record)
               || ngx_strlchr(record->data, record->data + record->len, '\0'))
    {
        error = "La ligne n'est pas un texte UTF-8 valide.";

    } else if (ctx->body.type == NGX_HTTP_MAGASIN_BODY_CSV) {
        written = 1;
        error = ngx_http_magasin_lot_cells(ctx, record);

    } else if (ngx_http_magasin_body_json_values(record)
               > NGX_HTTP_MAGASIN_LOT_VALUES)
    {
        error = "La ligne a plus de 1000 valeurs.";

    } else {
        root = json_loadb((char *) record->data, record->len, 0, NULL);

        if (json_is_object(root)) {
            written = 1;
            ngx_http_magasin_lot_members(ctx, root);

        } else {
            error = "La ligne n'est pas un objet JSON valide.";
        }

        json_decref(root);
    }

    if (!written) {
        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_json_close(json, '}');
    }

    if (error) {
        ngx_http_magasin_json_open(json, '{');
        ngx_http_magasin_lot_complain(json, "ligne", error);
        ngx_http_magasin_json_close(json, '}');
    }

    ngx_http_magasin_json_close(json, ']');

    return json->failed ? NGX_ERROR : NGX_OK;
}


/*
 * Writes the cells of a row as members; an empty cell is none.  Returns NULL,
 * or what is wrong with the row.
 */

static const char *
ngx_http_magasin_lot_cells(ngx_http_magasin_ctx_t *ctx, ngx_str_t *record)
{
    ngx_str_t                           cell;
    ngx_uint_t                          i, sound;
    const char                         *name;
    ngx_http_magasin_lot_t             *lot;
    ngx_http_magasin_json_t            *json;
    const ngx_http_magasin_lot_spec_t  *spec;

    lot = ctx->state;
    json = &lot->piece;
    spec = ctx->endpoint->spec;
    sound = 1;

    ngx_http_magasin_json_open(json, '{');

    for (i = 0; record->data && sound && i <= lot->ncolumns; i++) {
        sound = ngx_http_magasin_records_cell(record, lot->separator, &cell);

        if (i < lot->ncolumns && cell.len && sound) {
            name = spec->names[lot->columns[i]];

            ngx_http_magasin_json_member(json, name, ngx_strlen(name));
            ngx_http_magasin_json_text(json, cell.data, cell.len);
        }
    }

    ngx_http_magasin_json_close(json, '}');

    if (!sound) {
        return "Les guillemets de la ligne ne sont pas valides.";
    }

    return i == lot->ncolumns
           ? NULL : "La ligne n'a pas autant de cellules que l'en-tête.";
}


/* Writes the members of an object, and the errors of those that are wrong. */

static void
ngx_http_magasin_lot_members(ngx_http_magasin_ctx_t *ctx, json_t *root)
{
    void                               *member;
    json_t                             *value;
    ngx_str_t                           text;
    ngx_uint_t                          i, wrong, known;
    const char                         *name;
    ngx_http_magasin_lot_t             *lot;
    ngx_http_magasin_json_t            *json;
    const ngx_http_magasin_lot_spec_t  *spec;

    lot = ctx->state;
    json = &lot->piece;
    spec = ctx->endpoint->spec;
    known = 0;
    wrong = 0;

    ngx_http_magasin_json_open(json, '{');

    for (i = 0; spec->names[i]; i++) {
        value = json_object_get(root, spec->names[i]);

        if (value) {
            known++;
            wrong |= (ngx_uint_t) !ngx_http_magasin_lot_value(json,
                                                         spec->names[i], value)
                     << i;
        }
    }

    ngx_http_magasin_json_close(json, '}');

    if (wrong == 0 && known == json_object_size(root)) {
        return;
    }

    ngx_http_magasin_json_open(json, '{');

    for (i = 0; spec->names[i]; i++) {
        if (wrong & (1 << i)) {
            ngx_http_magasin_lot_complain(json, spec->names[i],
                                          "Donnée non valide.");
        }
    }

    i = 0;

    for (member = json_object_iter(root); member;
         member = json_object_iter_next(root, member))
    {
        name = json_object_iter_key(member);
        text.data = (u_char *) name;
        text.len = ngx_strlen(name);

        if (spec->names[ngx_http_magasin_lot_name(spec, &text)] == NULL
            && text.len <= 100 && i++ < NGX_HTTP_MAGASIN_LOT_UNKNOWN)
        {
            ngx_http_magasin_lot_complain(json, name, "Champ inconnu.");
        }
    }

    if (wrong == 0 && i == 0) {
        ngx_http_magasin_lot_complain(json, "ligne", "Champ inconnu.");
    }

    ngx_http_magasin_json_close(json, '}');
}


/* Writes a member as a text.  Returns 1, or 0 if its type is wrong. */

static ngx_uint_t
ngx_http_magasin_lot_value(ngx_http_magasin_json_t *json, const char *name,
    json_t *value)
{
    size_t  i;

    for (i = 0; i < json_array_size(value); i++) {
        if (!json_is_string(json_array_get(value, i))) {
            return 0;
        }
    }

    if (json_is_object(value) || json_is_boolean(value)
        || (json_is_array(value) && ngx_strcmp(name, "codes_barres") != 0))
    {
        return 0;
    }

    ngx_http_magasin_json_member(json, name, ngx_strlen(name));

    if (json_is_null(value)) {
        ngx_http_magasin_json_literal(json, "null", 4);

    } else if (json_is_string(value)) {
        ngx_http_magasin_json_text(json, json_string_value(value),
                                   json_string_length(value));

    } else if (json_is_number(value)) {
        ngx_http_magasin_lot_number(json, value);

    } else {
        ngx_http_magasin_json_open(json, '[');

        for (i = 0; i < json_array_size(value); i++) {
            ngx_http_magasin_json_text(json,
                                json_string_value(json_array_get(value, i)),
                                json_string_length(json_array_get(value, i)));
        }

        ngx_http_magasin_json_close(json, ']');
    }

    return 1;
}


/* Writes a number as a text, with the fewest digits that say the same. */

static void
ngx_http_magasin_lot_number(ngx_http_magasin_json_t *json, json_t *value)
{
    int   len;
    char  text[NGX_INT64_LEN + 32];

    if (json_is_integer(value)) {
        len = snprintf(text, sizeof(text), "%lld",
                       (long long) json_integer_value(value));

    } else {
        len = snprintf(text, sizeof(text), "%.15g", json_real_value(value));

        if (strtod(text, NULL) != json_real_value(value)) {
            len = snprintf(text, sizeof(text), "%.17g",
                           json_real_value(value));
        }
    }

    ngx_http_magasin_json_text(json, text, (size_t) len);
}


static void
ngx_http_magasin_lot_complain(ngx_http_magasin_json_t *json, const char *name,
    const char *message)
{
    ngx_http_magasin_json_name(json, name, ngx_strlen(name));
    ngx_http_magasin_json_open(json, '[');
    ngx_http_magasin_json_text(json, message, ngx_strlen(message));
    ngx_http_magasin_json_close(json, ']');
}
