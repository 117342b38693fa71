
/* See ngx_http_magasin_exposition_internal.h. */


#include "ngx_http_magasin_exposition_internal.h"


/* The longest line: a name, labels and numbers. */
#define NGX_HTTP_MAGASIN_LINE  512


/* The bounds of measure.c as labels have them: in seconds, by the letter. */

static const char  *ngx_http_magasin_bound_labels[] = {
    "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1",
    "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"
};


/* `format` is that of ngx_sprintf(), without the end of the line. */

void
ngx_http_magasin_line(ngx_http_magasin_json_t *text, const char *format, ...)
{
    u_char   *p, line[NGX_HTTP_MAGASIN_LINE + 1];
    va_list   args;

    va_start(args, format);
    p = ngx_vslprintf(line, line + NGX_HTTP_MAGASIN_LINE, format, args);
    va_end(args);

    *p++ = LF;

    ngx_http_magasin_json_raw(text, line, p - line);
}


/* What stands before the samples of a name. */

void
ngx_http_magasin_family(ngx_http_magasin_json_t *text, const char *name,
    const char *type, const char *help)
{
    ngx_http_magasin_line(text, "# HELP %s %s", name, help);
    ngx_http_magasin_line(text, "# TYPE %s %s", name, type);
}


/* A family of one sample without labels. */

void
ngx_http_magasin_single(ngx_http_magasin_json_t *text, const char *name,
    const char *type, const char *help, uint64_t value)
{
    ngx_http_magasin_family(text, name, type, help);
    ngx_http_magasin_line(text, "%s %uL", name, value);
}


/* The samples of one histogram; `labels` may be empty. */

void
ngx_http_magasin_histogram(ngx_http_magasin_json_t *text, const char *name,
    const char *labels, const ngx_http_magasin_histogram_t *histogram)
{
    uint64_t     count;
    ngx_uint_t   i;
    const char  *comma;

    count = 0;
    comma = *labels ? "," : "";

    for (i = 0; i < NGX_HTTP_MAGASIN_BUCKETS; i++) {
        count += histogram->buckets[i];

        ngx_http_magasin_line(text, "%s_bucket{%s%sle=\"%s\"} %uL", name,
                              labels, comma, ngx_http_magasin_bound_labels[i],
                              count);
    }

    ngx_http_magasin_summary(text, name, labels, count, histogram->sum);
}


/* What histograms and summaries without quantiles end with. */

void
ngx_http_magasin_summary(ngx_http_magasin_json_t *text, const char *name,
    const char *labels, uint64_t count, uint64_t us)
{
    const char  *open, *close;

    open = *labels ? "{" : "";
    close = *labels ? "}" : "";

    ngx_http_magasin_line(text, "%s_sum%s%s%s %uL.%06uL", name, open, labels,
                          close, us / 1000000, us % 1000000);
    ngx_http_magasin_line(text, "%s_count%s%s%s %uL", name, open, labels,
                          close, count);
}
