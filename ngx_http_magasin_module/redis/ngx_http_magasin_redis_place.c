
/*
 * The addresses that connections are made to.  A host that was written as an
 * address or a path is one; a name has as many as it has now.
 */


#include "ngx_http_magasin_redis_conf_internal.h"


static void ngx_http_magasin_redis_places_changed(void *data);


/*
 * The places are known: select the targets among them for the first time.
 *
 * Returns NGX_OK or NGX_ERROR (memory).
 */

ngx_int_t
ngx_http_magasin_redis_places_init(ngx_conf_t *cf,
    ngx_http_magasin_redis_conf_t *rcf)
{
    /* It never grows: a push does not move what others point to. */

    rcf->targets = ngx_array_create(cf->pool, rcf->places->nelts,
                                    sizeof(ngx_http_magasin_redis_target_t));
    if (rcf->targets == NULL) {
        return NGX_ERROR;
    }

    rcf->names->changed = ngx_http_magasin_redis_places_changed;
    rcf->names->data = rcf;

    ngx_http_magasin_redis_places_changed(rcf);

    return NGX_OK;
}


/*
 * Select the targets.  A name without an address keeps one, so that there is
 * an attempt to fail.
 */

static void
ngx_http_magasin_redis_places_changed(void *data)
{
    ngx_http_magasin_redis_conf_t *rcf = data;

    ngx_str_t                        *name;
    ngx_uint_t                        i;
    ngx_http_magasin_redis_place_t   *place;
    ngx_http_magasin_redis_target_t  *target;

    target = rcf->targets->elts;
    place = rcf->places->elts;

    for (i = 0; i < rcf->places->nelts; i++, place++) {

        if (place->host) {

            if (place->n >= ngx_max(place->host->naddresses, 1)) {
                continue;
            }

            place->target.host = place->host->addresses[place->n];
            place->target.absent = (place->host->naddresses == 0);

            name = &place->target.name;

            name->len = ngx_sprintf(name->data,
                                    place->target.absent ? "%V%s:%d"
                                                         : "%V (%s):%d",
                                    &place->host->name, place->target.host,
                                    (int) place->target.port)
                        - name->data;
        }

        *target++ = place->target;
    }

    rcf->targets->nelts = target
                   - (ngx_http_magasin_redis_target_t *) rcf->targets->elts;
}
