
/*
 * `magasin_database_replicas` and `magasin_database_replicas_stale`.  The
 * conninfos are read when `magasin_database` is known, whose options hold for
 * them too.
 */


#include "ngx_http_magasin_pg_internal.h"


/*
 * magasin_database_replicas CONNINFO ...;  Returns NGX_CONF_OK, an error text,
 * or NGX_CONF_ERROR if memory is short.
 */

char *
ngx_http_magasin_pg_replicas_directive(ngx_conf_t *cf,
    ngx_http_magasin_pg_replicas_conf_t *rcf)
{
    ngx_str_t   *value, *conninfo;
    ngx_uint_t   i;

    if (rcf->conninfos) {
        return "is duplicate";
    }

    if (cf->args->nelts - 1 > NGX_HTTP_MAGASIN_PG_REPLICAS) {
        return "takes at most 8 connection strings";
    }

    rcf->conninfos = ngx_array_create(cf->pool, cf->args->nelts,
                                      sizeof(ngx_str_t));
    if (rcf->conninfos == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len == 0) {
            return "needs a libpq connection string for each replica, as "
                   "\"host=db2.example.org dbname=magasin\"";
        }

        conninfo = ngx_array_push(rcf->conninfos);
        *conninfo = value[i];
    }

    return NGX_CONF_OK;
}


/* magasin_database_replicas_stale TIME|off;  The same. */

char *
ngx_http_magasin_pg_replicas_stale_directive(ngx_conf_t *cf,
    ngx_http_magasin_pg_replicas_conf_t *rcf)
{
    ngx_int_t   n;
    ngx_str_t  *value;

    if (rcf->stale != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 3 && ngx_strcmp(value[1].data, "off") == 0) {
        rcf->stale = 0;
        return NGX_CONF_OK;
    }

    n = ngx_parse_time(&value[1], 0);

    if (n == NGX_ERROR || n < 1) {
        return "takes \"off\" or a time, such as 30s: how old an answer of a "
               "replica may be while there is no primary";
    }

    rcf->stale = n;

    return NGX_CONF_OK;
}


/*
 * Make the configurations of the replicas from that of the primary.  Returns
 * NGX_OK, or NGX_ERROR if the error is logged or memory is short.
 */

ngx_int_t
ngx_http_magasin_pg_replicas_conf_init(ngx_conf_t *cf,
    ngx_http_magasin_pg_replicas_conf_t *rcf, ngx_http_magasin_pg_conf_t *pcf,
    ngx_resolver_t *resolver)
{
    ngx_str_t                   *conninfo;
    ngx_uint_t                   i;
    ngx_http_magasin_pg_conf_t  *conf;

    if (rcf->stale == NGX_CONF_UNSET_MSEC) {
        rcf->stale = 0;
    }

    if (rcf->conninfos == NULL || pcf->targets == NULL) {
        return NGX_OK;
    }

    if (!ngx_http_magasin_zone_configured(cf)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"magasin_database_replicas\" needs \"magasin_zone\": "
                      "the workers share there what a replica has to show");
        return NGX_ERROR;
    }

    conninfo = rcf->conninfos->elts;

    rcf->confs = ngx_pcalloc(cf->pool, rcf->conninfos->nelts
                                       * sizeof(ngx_http_magasin_pg_conf_t));
    if (rcf->confs == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < rcf->conninfos->nelts; i++) {
        conf = &rcf->confs[i];

        *conf = *pcf;
        conf->replica = 1;
        ngx_str_set(&conf->directive, "magasin_database_replicas");

        if (ngx_http_magasin_pg_conf_parse(cf, conf, &conninfo[i])
            != NGX_CONF_OK)
        {
            return NGX_ERROR;
        }

        /* They are of the database of the primary: see pg_life.c. */

        conf->database = pcf->database;

        if (conf->primary) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"magasin_database_replicas\" takes one host in "
                          "each connection string, and does not select a "
                          "primary");
            return NGX_ERROR;
        }

        if (ngx_http_magasin_names_resolver(cf, conf->names, resolver,
                                            "magasin_database_replicas")
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
