
/* What `magasin_metrics` and `magasin_status` say, for a location. */


#include "ngx_http_magasin.h"


static char *ngx_http_magasin_metrics_option(ngx_conf_t *cf,
    ngx_http_magasin_metrics_conf_t *conf, ngx_str_t *option);


/* magasin_metrics [stores=N] [interval=T]; */

char *
ngx_http_magasin_metrics_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char                          *rv;
    ngx_str_t                     *value;
    ngx_uint_t                     i;
    ngx_http_magasin_main_conf_t  *mmcf;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_magasin_module);
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_magasin_metrics_option(cf, &mmcf->metrics_conf,
                                             &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    mmcf->counted = "magasin_metrics";

    return ngx_http_magasin_content(cf, conf, "magasin_metrics",
                                    ngx_http_magasin_metrics_handler);
}


static char *
ngx_http_magasin_metrics_option(ngx_conf_t *cf,
    ngx_http_magasin_metrics_conf_t *conf, ngx_str_t *option)
{
    ngx_int_t  n;
    ngx_str_t  text;

    if (ngx_strncmp(option->data, "stores=", 7) == 0) {
        n = ngx_atoi(option->data + 7, option->len - 7);

        if (n == NGX_ERROR || n > NGX_HTTP_MAGASIN_METRICS_STORES) {
            return "takes \"stores\" from 0 to 4096: so many have series of "
                   "their own, the others are summed up";
        }

        conf->stores = n;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(option->data, "interval=", 9) == 0) {
        text.data = option->data + 9;
        text.len = option->len - 9;

        n = ngx_parse_time(&text, 0);

        if (n == NGX_ERROR || n < 1000 || n > 3600000) {
            return "takes \"interval\" from 1s to 1h: so often is the "
                   "database asked at most";
        }

        conf->interval = n;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"magasin_metrics\" does not know \"%V\": it takes "
                       "stores= and interval=", option);
    return NGX_CONF_ERROR;
}


/* magasin_status; */

char *
ngx_http_magasin_status_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_magasin_main_conf_t  *mmcf;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_magasin_module);
    mmcf->counted = "magasin_status";

    return ngx_http_magasin_content(cf, conf, "magasin_status",
                                    ngx_http_magasin_status_handler);
}
