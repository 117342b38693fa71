
/* What `magasin_cache` and its companions say, for a location. */


#include "ngx_http_magasin.h"


#define NGX_HTTP_MAGASIN_CACHE_TTL       60000
#define NGX_HTTP_MAGASIN_CACHE_MAX_SIZE  (1024 * 1024)


void
ngx_http_magasin_cache_conf_init(ngx_http_magasin_cache_conf_t *ccf)
{
    ccf->levels = NGX_CONF_UNSET_UINT;
    ccf->ttl = NGX_CONF_UNSET_MSEC;
    ccf->stale = NGX_CONF_UNSET_MSEC;
    ccf->max_size = NGX_CONF_UNSET_SIZE;
    ccf->header = NGX_CONF_UNSET;
}


/* The word of $magasin_cache; NULL: the request was no read. */

ngx_str_t *
ngx_http_magasin_cache_name(ngx_http_magasin_cache_e state)
{
    static ngx_str_t  names[] = {
        ngx_null_string,
        ngx_string("HIT"),
        ngx_string("REDIS"),
        ngx_string("MISS"),
        ngx_string("COALESCED"),
        ngx_string("BYPASS"),
        ngx_string("STALE"),
        ngx_string("OFF")
    };

    return state == NGX_HTTP_MAGASIN_CACHE_NONE ? NULL : &names[state];
}


/* `zone`: is there one?  Then the cache is on where nobody says otherwise. */

char *
ngx_http_magasin_cache_conf_merge(ngx_conf_t *cf,
    ngx_http_magasin_cache_conf_t *prev, ngx_http_magasin_cache_conf_t *conf,
    ngx_uint_t zone)
{
    if (conf->levels != NGX_CONF_UNSET_UINT
        && conf->levels != NGX_HTTP_MAGASIN_CACHE_OFF && !zone)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"magasin_cache\" needs shared memory: say in "
                           "the http block as \"magasin_zone magasin:64m;\"");
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_uint_value(conf->levels, prev->levels,
                              zone ? NGX_HTTP_MAGASIN_CACHE_ON
                                   : NGX_HTTP_MAGASIN_CACHE_OFF);
    ngx_conf_merge_msec_value(conf->ttl, prev->ttl,
                              NGX_HTTP_MAGASIN_CACHE_TTL);
    ngx_conf_merge_msec_value(conf->stale, prev->stale, 0);
    ngx_conf_merge_size_value(conf->max_size, prev->max_size,
                              NGX_HTTP_MAGASIN_CACHE_MAX_SIZE);
    ngx_conf_merge_value(conf->header, prev->header, 0);

    if (conf->ttl < 1000 || conf->ttl > 86400000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"magasin_cache_ttl\" takes a time from 1s to "
                           "1d");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* magasin_cache on|off|l1|l2; */

char *
ngx_http_magasin_cache_levels(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_magasin_loc_conf_t *mlcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;
    static struct {
        ngx_str_t   name;
        ngx_uint_t  levels;
    } names[] = {
        { ngx_string("on"), NGX_HTTP_MAGASIN_CACHE_ON },
        { ngx_string("off"), NGX_HTTP_MAGASIN_CACHE_OFF },
        { ngx_string("l1"), NGX_HTTP_MAGASIN_CACHE_L1 },
        { ngx_string("l2"), NGX_HTTP_MAGASIN_CACHE_L2 }
    };

    if (mlcf->cache.levels != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (value[1].len == names[i].name.len
            && ngx_strcmp(value[1].data, names[i].name.data) == 0)
        {
            mlcf->cache.levels = names[i].levels;
            return NGX_CONF_OK;
        }
    }

    return "takes \"on\", \"off\", \"l1\" (shared memory alone) or \"l2\" "
           "(Redis alone)";
}


/* magasin_cache_stale TIME|off; */

char *
ngx_http_magasin_cache_stale_time(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_magasin_loc_conf_t *mlcf = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (mlcf->cache.stale != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 3 && ngx_strcmp(value[1].data, "off") == 0) {
        mlcf->cache.stale = 0;
        return NGX_CONF_OK;
    }

    n = ngx_parse_time(&value[1], 0);

    if (n == NGX_ERROR || n < 1) {
        return "takes \"off\" or a time, such as 30s: for how long after its "
               "time an answer may be used while PostgreSQL is away";
    }

    mlcf->cache.stale = n;

    return NGX_CONF_OK;
}
