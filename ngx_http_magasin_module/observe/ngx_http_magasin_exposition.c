
/* See ngx_http_magasin_exposition_internal.h. */


#include "ngx_http_magasin_exposition_internal.h"


/* Bytes of the longest line: a name, labels and numbers. */
#define NGX_HTTP_MAGASIN_LINE  512


/* The bounds of measure.c as values of the label "le", in seconds. */

static const char  *ngx_http_magasin_bound_labels[] = {
    "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1",
    "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"
};


/* OpenMetrics writes each of them as a floating point number. */

static const char  *ngx_http_magasin_bound_floats[] = {
    "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1",
    "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"
};


static size_t ngx_http_magasin_base_name(const char *name, const char *suffix);
static void ngx_http_magasin_unit(ngx_http_magasin_exposition_t *text,
    const char *name, size_t len);
static void ngx_http_magasin_exemplar_text(u_char *p, u_char *last,
    const ngx_http_magasin_exemplar_t *exemplar);


/* Write one line.  `format` is that of ngx_sprintf(), without the line feed. */

void
ngx_http_magasin_line(ngx_http_magasin_exposition_t *text,
    const char *format, ...)
{
    u_char   *p, line[NGX_HTTP_MAGASIN_LINE + 1];
    va_list   args;

    va_start(args, format);
    p = ngx_vslprintf(line, line + NGX_HTTP_MAGASIN_LINE, format, args);
    va_end(args);

    *p++ = LF;

    ngx_http_magasin_json_raw(&text->json, line, p - line);
}


/* Write a part of a line: the value of a label, with its escapes. */

void
ngx_http_magasin_label(ngx_http_magasin_exposition_t *text, ngx_str_t *value)
{
    u_char  *p, *start, *end, escaped[2];

    escaped[0] = '\\';
    start = value->data;
    end = value->data + value->len;

    for (p = start; p < end; p++) {

        if (*p != '"' && *p != '\\' && *p != LF) {
            continue;
        }

        escaped[1] = (*p == LF) ? 'n' : *p;

        ngx_http_magasin_json_raw(&text->json, start, p - start);
        ngx_http_magasin_json_raw(&text->json, escaped, 2);

        start = p + 1;
    }

    ngx_http_magasin_json_raw(&text->json, start, end - start);
}


/*
 * Write the lines HELP and TYPE, which precede the samples of a name.  The type
 * is "info" if the name ends in _info: version 0.0.4 has no such type.  In
 * OpenMetrics a family has the name of its samples without _total and _info,
 * and a unit.
 */

void
ngx_http_magasin_family(ngx_http_magasin_exposition_t *text, const char *name,
    const char *type, const char *help)
{
    size_t  len;

    if (!text->openmetrics) {
        ngx_http_magasin_line(text, "# HELP %s %s", name, help);
        ngx_http_magasin_line(text, "# TYPE %s %s", name,
                              ngx_strcmp(type, "info") == 0 ? "gauge" : type);
        return;
    }

    len = ngx_strlen(name);

    if (ngx_strcmp(type, "counter") == 0) {
        len = ngx_http_magasin_base_name(name, "_total");

    } else if (ngx_strcmp(type, "info") == 0) {
        len = ngx_http_magasin_base_name(name, "_info");
    }

    ngx_http_magasin_line(text, "# TYPE %*s %s", len, name, type);
    ngx_http_magasin_unit(text, name, len);
    ngx_http_magasin_line(text, "# HELP %*s %s", len, name, help);
}


/* Returns the length of `name` without `suffix`, if it ends so. */

static size_t
ngx_http_magasin_base_name(const char *name, const char *suffix)
{
    size_t  len, n;

    len = ngx_strlen(name);
    n = ngx_strlen(suffix);

    return len > n && ngx_strcmp(name + len - n, suffix) == 0 ? len - n : len;
}


/* Write the unit of a family.  Its name ends in it. */

static void
ngx_http_magasin_unit(ngx_http_magasin_exposition_t *text, const char *name,
    size_t len)
{
    size_t              n;
    ngx_uint_t          i;
    static const char  *units[] = { "seconds", "bytes" };

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        n = ngx_strlen(units[i]);

        if (len > n && name[len - n - 1] == '_'
            && ngx_strncmp(name + len - n, units[i], n) == 0)
        {
            ngx_http_magasin_line(text, "# UNIT %*s %s", len, name, units[i]);
        }
    }
}


/* Write a family that has one sample without labels. */

void
ngx_http_magasin_single(ngx_http_magasin_exposition_t *text, const char *name,
    const char *type, const char *help, uint64_t value)
{
    ngx_http_magasin_family(text, name, type, help);
    ngx_http_magasin_line(text, "%s %uL", name, value);
}


/*
 * Write the samples of one histogram.  `labels` may be empty.  `exemplars` has
 * one for each bucket, or is NULL; only OpenMetrics has exemplars.  One of a
 * bucket whose count was read as 0 is newer than the count, and not written.
 */

void
ngx_http_magasin_histogram(ngx_http_magasin_exposition_t *text,
    const char *name, const char *labels,
    const ngx_http_magasin_histogram_t *histogram,
    const ngx_http_magasin_exemplar_t *exemplars)
{
    u_char        example[128];
    uint64_t      count;
    ngx_uint_t    i;
    const char   *comma, **bounds;

    count = 0;
    bounds = text->openmetrics ? ngx_http_magasin_bound_floats
                               : ngx_http_magasin_bound_labels;
    comma = *labels ? "," : "";

    for (i = 0; i < NGX_HTTP_MAGASIN_BUCKETS; i++) {
        count += histogram->buckets[i];

        example[0] = '\0';

        if (text->openmetrics && exemplars && exemplars[i].time
            && histogram->buckets[i])
        {
            ngx_http_magasin_exemplar_text(example, example + sizeof(example),
                                           &exemplars[i]);
        }

        ngx_http_magasin_line(text, "%s_bucket{%s%sle=\"%s\"} %uL%s", name,
                              labels, comma, bounds[i], count, example);
    }

    ngx_http_magasin_summary(text, name, labels, count, histogram->sum);
}


/* Write what follows the value of a bucket, with a NUL. */

static void
ngx_http_magasin_exemplar_text(u_char *p, u_char *last,
    const ngx_http_magasin_exemplar_t *exemplar)
{
    u_char  trace[2 * sizeof(exemplar->trace)];

    (void) ngx_hex_dump(trace, (u_char *) exemplar->trace,
                        sizeof(exemplar->trace));

    (void) ngx_slprintf(p, last, " # {trace_id=\"%*s\"} %uL.%06uL %uL.%03uL%Z",
                        sizeof(trace), trace, exemplar->us / 1000000,
                        exemplar->us % 1000000, exemplar->time / 1000,
                        exemplar->time % 1000);
}


/*
 * Write the sum and the count, which are the last samples of a histogram and
 * the only ones of a summary without quantiles.  `us` is the sum in
 * microseconds.
 */

void
ngx_http_magasin_summary(ngx_http_magasin_exposition_t *text,
    const char *name, const char *labels, uint64_t count, uint64_t us)
{
    const char  *open, *close;

    open = *labels ? "{" : "";
    close = *labels ? "}" : "";

    ngx_http_magasin_line(text, "%s_sum%s%s%s %uL.%06uL", name, open, labels,
                          close, us / 1000000, us % 1000000);
    ngx_http_magasin_line(text, "%s_count%s%s%s %uL", name, open, labels,
                          close, count);
}
