
/*
 * Converts one value of a body or a query into the text of a parameter of a
 * statement.  Errors are reported with the sentences of the reference.  A text
 * can have several errors; all of them are reported.
 */


#include "ngx_http_magasin_members.h"
#include "ngx_http_magasin_text.h"
#include "ngx_http_magasin_decimal.h"


#define NGX_HTTP_MAGASIN_VALUE_NUMBER  1000     /* code points of its text */
#define NGX_HTTP_MAGASIN_VALUE_MAX     0x7fffffffffffffffLL    /* a bigint */


static const char *ngx_http_magasin_value_wrong_type(
    const ngx_http_magasin_member_t *member);
static ngx_int_t ngx_http_magasin_value_text(ngx_http_request_t *r,
    const ngx_http_magasin_member_t *member, ngx_http_magasin_field_t *field,
    const char **value, ngx_http_magasin_complain_pt complain, void *data);
static ngx_int_t ngx_http_magasin_value_price(ngx_http_request_t *r,
    ngx_str_t *text, const char **value, const char **error);
static const char *ngx_http_magasin_value_digits(
    ngx_http_magasin_decimal_t *price);
static ngx_int_t ngx_http_magasin_value_integer(ngx_http_request_t *r,
    ngx_str_t *text, int64_t min, int64_t max, const char **value,
    const char **error);
static ngx_int_t ngx_http_magasin_value_limit(ngx_http_request_t *r,
    const char *relation, int64_t limit, const char **error);
static void ngx_http_magasin_value_boolean(ngx_http_magasin_field_t *field,
    const char **value, const char **error);
static void ngx_http_magasin_value_choice(
    const ngx_http_magasin_member_t *member, ngx_str_t *text,
    const char **value, const char **error);
static ngx_int_t ngx_http_magasin_value_instant(ngx_http_request_t *r,
    ngx_str_t *text, const char **value, const char **error);
static ngx_int_t ngx_http_magasin_value_date(ngx_http_request_t *r,
    ngx_str_t *text, const char **value, const char **error);
static ngx_uint_t ngx_http_magasin_instant_offset(u_char *p, u_char *end);
static ngx_int_t ngx_http_magasin_instant_number(u_char **p, u_char *end,
    ngx_uint_t digits, u_char after);


/* The value of a member that may be null and is; compared by its address. */
const char  ngx_http_magasin_value_null[] = "null";


/*
 * Checks a field that is present and makes a NUL-terminated parameter in the
 * pool of the request.  complain() is called for each error.  After an
 * error *value is NULL or must not be used.
 *
 * Returns NGX_OK, or NGX_ERROR if memory cannot be allocated.
 */

ngx_int_t
ngx_http_magasin_value(ngx_http_request_t *r,
    const ngx_http_magasin_member_t *member, ngx_http_magasin_field_t *field,
    const char **value, ngx_http_magasin_complain_pt complain, void *data)
{
    ngx_int_t    rc;
    const char  *error;

    rc = NGX_OK;
    error = NULL;

    if (field->type == NGX_HTTP_MAGASIN_FIELD_NULL) {

        if (member->null) {
            *value = ngx_http_magasin_value_null;
            return NGX_OK;
        }

        complain(data, member->name, "Ce champ ne peut être nul.");
        return NGX_OK;
    }

    if (field->type == NGX_HTTP_MAGASIN_FIELD_OTHER
        && member->type != NGX_HTTP_MAGASIN_MEMBER_BOOLEAN)
    {
        complain(data, member->name,
                 ngx_http_magasin_value_wrong_type(member));
        return NGX_OK;
    }

    ngx_http_magasin_text_strip(&field->text);

    switch (member->type) {

    case NGX_HTTP_MAGASIN_MEMBER_PRICE:
        rc = ngx_http_magasin_value_price(r, &field->text, value, &error);
        break;

    case NGX_HTTP_MAGASIN_MEMBER_INTEGER:
        rc = ngx_http_magasin_value_integer(r, &field->text, member->min,
                                            member->max, value, &error);
        break;

    case NGX_HTTP_MAGASIN_MEMBER_ID:
        rc = ngx_http_magasin_value_integer(r, &field->text, 1,
                                            NGX_HTTP_MAGASIN_VALUE_MAX, value,
                                            &error);
        break;

    case NGX_HTTP_MAGASIN_MEMBER_BOOLEAN:
        ngx_http_magasin_value_boolean(field, value, &error);
        break;

    case NGX_HTTP_MAGASIN_MEMBER_CHOICE:
        ngx_http_magasin_value_choice(member, &field->text, value, &error);
        break;

    case NGX_HTTP_MAGASIN_MEMBER_INSTANT:
        rc = ngx_http_magasin_value_instant(r, &field->text, value, &error);
        break;

    case NGX_HTTP_MAGASIN_MEMBER_DATE:
        rc = ngx_http_magasin_value_date(r, &field->text, value, &error);
        break;

    default: /* NGX_HTTP_MAGASIN_MEMBER_TEXT */
        return ngx_http_magasin_value_text(r, member, field, value, complain,
                                           data);
    }

    if (rc == NGX_OK && error) {
        complain(data, member->name, error);
    }

    return rc;
}


/* Returns a NUL-terminated copy, or NULL if memory cannot be allocated. */

u_char *
ngx_http_magasin_value_copy(ngx_pool_t *pool, ngx_str_t *text)
{
    u_char  *p;

    p = ngx_pnalloc(pool, text->len + 1);
    if (p == NULL) {
        return NULL;
    }

    ngx_memcpy(p, text->data, text->len);
    p[text->len] = '\0';

    return p;
}


static const char *
ngx_http_magasin_value_wrong_type(const ngx_http_magasin_member_t *member)
{
    switch (member->type) {

    case NGX_HTTP_MAGASIN_MEMBER_PRICE:
        return "Un nombre valide est requis.";

    case NGX_HTTP_MAGASIN_MEMBER_INTEGER:
    case NGX_HTTP_MAGASIN_MEMBER_ID:
        return "Un nombre entier valide est requis.";

    default:
        return "Not a valid string.";
    }
}


static ngx_int_t
ngx_http_magasin_value_text(ngx_http_request_t *r,
    const ngx_http_magasin_member_t *member, ngx_http_magasin_field_t *field,
    const char **value, ngx_http_magasin_complain_pt complain, void *data)
{
    u_char     *message;
    ngx_str_t  *text;

    text = &field->text;

    if (text->len == 0 && !member->blank) {
        complain(data, member->name, "Ce champ ne peut être vide.");
        return NGX_OK;
    }

    if (member->max
        && ngx_http_magasin_text_length(text) > (ngx_uint_t) member->max)
    {
        message = ngx_pnalloc(r->pool, 128);
        if (message == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_sprintf(message, "Assurez-vous que ce champ comporte au "
                           "plus %L\xc2\xa0" "caractères.%Z", member->max);
        complain(data, member->name, (char *) message);
    }

    if (ngx_strlchr(text->data, text->data + text->len, '\0')) {
        complain(data, member->name, "Le caractère nul n’est pas autorisé.");
    }

    if (field->surrogate) {
        message = ngx_pnalloc(r->pool, 128);
        if (message == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_sprintf(message, "Surrogate characters are not allowed: "
                           "U+%XD.%Z", field->surrogate);
        complain(data, member->name, (char *) message);
    }

    *value = (const char *) ngx_http_magasin_value_copy(r->pool, text);

    return *value ? NGX_OK : NGX_ERROR;
}


/*
 * Checks a numeric(10,2) that is not negative, in the order of the reference.
 */

static ngx_int_t
ngx_http_magasin_value_price(ngx_http_request_t *r, ngx_str_t *text,
    const char **value, const char **error)
{
    ngx_int_t                    rc;
    ngx_http_magasin_decimal_t   price;

    if (ngx_http_magasin_text_length(text) > NGX_HTTP_MAGASIN_VALUE_NUMBER) {
        *error = "Chaîne de caractères trop longue.";
        return NGX_OK;
    }

    rc = ngx_http_magasin_decimal_parse(r->pool, &price, text);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    *error = (rc == NGX_DECLINED) ? "Un nombre valide est requis."
                                  : ngx_http_magasin_value_digits(&price);

    if (*error) {
        return NGX_OK;
    }

    *value = (const char *) ngx_http_magasin_decimal_print(r->pool, &price);

    return *value ? NGX_OK : NGX_ERROR;
}


/* Returns NULL, or what is wrong with the number of digits of a price. */

static const char *
ngx_http_magasin_value_digits(ngx_http_magasin_decimal_t *price)
{
    int64_t  total, whole, fraction;

    ngx_http_magasin_decimal_digits(price, &total, &whole, &fraction);

    if (total > 10) {
        return "Assurez-vous qu'il n'y a pas plus de 10\xc2\xa0" "chiffres "
               "au total.";
    }

    if (fraction > 2) {
        return "Assurez-vous qu'il n'y a pas plus de 2\xc2\xa0" "chiffres "
               "après la virgule.";
    }

    if (whole > 8) {
        return "Assurez-vous qu'il n'y a pas plus de 8 chiffres avant la "
               "virgule.";
    }

    if (price->negative && !price->zero) {
        return "Assurez-vous que cette valeur est supérieure ou égale à 0.";
    }

    return NULL;
}


/* Accepts digits with or without a sign: neither 2.0 nor 1e3. */

static ngx_int_t
ngx_http_magasin_value_integer(ngx_http_request_t *r, ngx_str_t *text,
    int64_t min, int64_t max, const char **value, const char **error)
{
    u_char      *p, *end;
    int64_t      n;
    ngx_uint_t   negative, huge;

    p = text->data;
    end = p + text->len;
    negative = 0;
    huge = 0;

    if (p < end && (*p == '-' || *p == '+')) {
        negative = (*p++ == '-');
    }

    if (p == end || end - p > NGX_HTTP_MAGASIN_VALUE_NUMBER) {
        *error = "Un nombre entier valide est requis.";
        return NGX_OK;
    }

    for (n = 0; p < end; p++) {
        if (*p < '0' || *p > '9') {
            *error = "Un nombre entier valide est requis.";
            return NGX_OK;
        }

        if (n > (NGX_HTTP_MAGASIN_VALUE_MAX - (*p - '0')) / 10) {
            huge = 1;
            continue;
        }

        n = n * 10 + (*p - '0');
    }

    if (negative) {
        n = -n;
    }

    if (n < min || (huge && negative)) {
        return ngx_http_magasin_value_limit(r, "supérieure", min, error);
    }

    if (n > max || huge) {
        return ngx_http_magasin_value_limit(r, "inférieure", max, error);
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(p, "%L%Z", n);
    *value = (const char *) p;

    return NGX_OK;
}


static ngx_int_t
ngx_http_magasin_value_limit(ngx_http_request_t *r, const char *relation,
    int64_t limit, const char **error)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, 128);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(p, "Assurez-vous que cette valeur est %s ou égale à "
                       "%L.%Z", relation, limit);
    *error = (const char *) p;

    return NGX_OK;
}


static void
ngx_http_magasin_value_boolean(ngx_http_magasin_field_t *field,
    const char **value, const char **error)
{
    if (field->text.len == 4
        && ngx_strncmp(field->text.data, "true", 4) == 0)
    {
        *value = "true";

    } else if (field->text.len == 5
               && ngx_strncmp(field->text.data, "false", 5) == 0)
    {
        *value = "false";

    } else {
        *error = "Doit être un booléen valide.";
    }
}


static void
ngx_http_magasin_value_choice(const ngx_http_magasin_member_t *member,
    ngx_str_t *text, const char **value, const char **error)
{
    const char *const  *choice;

    for (choice = member->choices; *choice; choice++) {
        if (ngx_strlen(*choice) == text->len
            && ngx_memcmp(*choice, text->data, text->len) == 0)
        {
            *value = *choice;
            return;
        }
    }

    *error = "Ce choix n'est pas valide.";
}


/*
 * Accepts an instant by RFC 3339, section 5.6, or a date, which stands for its
 * midnight in UTC.  The "+" of an offset arrives as a blank if the client did
 * not encode it.
 */

static ngx_int_t
ngx_http_magasin_value_instant(ngx_http_request_t *r, ngx_str_t *text,
    const char **value, const char **error)
{
    size_t   i;
    u_char  *p;

    if (text->len < sizeof("2026-01-01") - 1 || text->len > 64
        || !ngx_http_magasin_instant_valid(text->data,
                                           text->data + text->len))
    {
        *error = "La date doit être au format AAAA-MM-JJ ou "
                 "AAAA-MM-JJThh:mm:ss+hh:mm (RFC 3339).";
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, text->len + sizeof("T00:00:00Z"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    *value = (const char *) p;

    for (i = 0; i < text->len; i++) {
        *p++ = (text->data[i] == ' ' && i > 10) ? '+' : text->data[i];
    }

    (void) ngx_sprintf(p, "%s%Z", text->len == 10 ? "T00:00:00Z" : "");

    return NGX_OK;
}


/* Accepts a date by RFC 3339, section 5.6. */

static ngx_int_t
ngx_http_magasin_value_date(ngx_http_request_t *r, ngx_str_t *text,
    const char **value, const char **error)
{
    if (text->len != sizeof("2026-01-01") - 1
        || !ngx_http_magasin_instant_valid(text->data,
                                           text->data + text->len))
    {
        *error = "La date doit être au format AAAA-MM-JJ.";
        return NGX_OK;
    }

    *value = (const char *) ngx_http_magasin_value_copy(r->pool, text);

    return *value ? NGX_OK : NGX_ERROR;
}


/* Returns 1 for a date or an instant by RFC 3339, else 0. */

ngx_uint_t
ngx_http_magasin_instant_valid(u_char *p, u_char *end)
{
    ngx_int_t         year, month, day, hour, minute, second;
    static ngx_int_t  days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                                 31 };

    year = ngx_http_magasin_instant_number(&p, end, 4, '-');
    month = ngx_http_magasin_instant_number(&p, end, 2, '-');
    day = ngx_http_magasin_instant_number(&p, end, 2, '\0');

    if (year < 1 || month < 1 || month > 12 || day < 1
        || day > days[month - 1]
                 + (month == 2 && year % 4 == 0
                    && (year % 100 != 0 || year % 400 == 0)))
    {
        return 0;
    }

    if (p == end) {
        return 1;
    }

    if (*p != 'T' && *p != 't' && *p != ' ') {
        return 0;
    }

    p++;

    hour = ngx_http_magasin_instant_number(&p, end, 2, ':');
    minute = ngx_http_magasin_instant_number(&p, end, 2, ':');
    second = ngx_http_magasin_instant_number(&p, end, 2, '\0');

    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0
        || second > 59)
    {
        return 0;
    }

    if (p < end && *p == '.') {
        p++;

        if (p == end || *p < '0' || *p > '9') {
            return 0;
        }

        while (p < end && *p >= '0' && *p <= '9') {
            p++;
        }
    }

    return ngx_http_magasin_instant_offset(p, end);
}


static ngx_uint_t
ngx_http_magasin_instant_offset(u_char *p, u_char *end)
{
    ngx_int_t  hour, minute;

    if (p == end) {
        return 0;
    }

    if (*p == 'Z' || *p == 'z') {
        return p + 1 == end;
    }

    if (*p != '+' && *p != '-' && *p != ' ') {
        return 0;
    }

    p++;

    /* PostgreSQL rejects offsets of 16 hours or more; none exists. */

    hour = ngx_http_magasin_instant_number(&p, end, 2, ':');
    minute = ngx_http_magasin_instant_number(&p, end, 2, '\0');

    return hour >= 0 && hour <= 15 && minute >= 0 && minute <= 59 && p == end;
}


/*
 * Parses a number of `digits` digits and the character after it.  Returns
 * NGX_ERROR if the text differs.
 */

static ngx_int_t
ngx_http_magasin_instant_number(u_char **p, u_char *end, ngx_uint_t digits,
    u_char after)
{
    ngx_int_t  n;

    if ((size_t) (end - *p) < digits + (after != '\0')) {
        return NGX_ERROR;
    }

    n = ngx_atoi(*p, digits);
    *p += digits;

    if (after != '\0' && *(*p)++ != after) {
        return NGX_ERROR;
    }

    return n;
}
