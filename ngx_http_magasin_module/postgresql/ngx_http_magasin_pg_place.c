
/*
 * The addresses that connections are made to.  A host that was written as an
 * address or a path is one; a name has as many as it has now.
 */


#include "ngx_http_magasin_pg_internal.h"


static void ngx_http_magasin_pg_places_changed(void *data);


/*
 * The places are known: select the targets among them for the first time.
 *
 * Returns NGX_OK or NGX_ERROR (memory).
 */

ngx_int_t
ngx_http_magasin_pg_places_init(ngx_conf_t *cf,
    ngx_http_magasin_pg_conf_t *pcf)
{
    /* It never grows: a push does not move what others point to. */

    pcf->targets = ngx_array_create(cf->pool, pcf->places->nelts,
                                    sizeof(ngx_http_magasin_pg_target_t));
    if (pcf->targets == NULL) {
        return NGX_ERROR;
    }

    pcf->names->changed = ngx_http_magasin_pg_places_changed;
    pcf->names->data = pcf;

    ngx_http_magasin_pg_places_changed(pcf);

    return NGX_OK;
}


/* Set the name of a place for the log, without a secret. */

void
ngx_http_magasin_pg_place_name(ngx_http_magasin_pg_place_t *place,
    ngx_str_t *address)
{
    ngx_str_t   *name;
    ngx_uint_t   both;

    name = &place->target.name;
    both = place->host.len && address->len;

    name->len = ngx_sprintf(name->data, "%V%s%V%s:%V", &place->host,
                            both ? " (" : "", address, both ? ")" : "",
                            &place->port)
                - name->data;
}


/*
 * Select the targets.  A name without an address keeps one, so that there is
 * an attempt to fail.  A connection that is being made has a copy of what it
 * needs.
 */

static void
ngx_http_magasin_pg_places_changed(void *data)
{
    ngx_http_magasin_pg_conf_t *pcf = data;

    ngx_str_t                      address;
    ngx_uint_t                     i;
    ngx_http_magasin_pg_place_t   *place;
    ngx_http_magasin_pg_target_t  *target;

    target = pcf->targets->elts;
    place = pcf->places->elts;

    for (i = 0; i < pcf->places->nelts; i++, place++) {

        if (place->name) {

            if (place->n >= ngx_max(place->name->naddresses, 1)) {
                continue;
            }

            *place->address = place->name->addresses[place->n];
            place->target.absent = (place->name->naddresses == 0);

            address.data = (u_char *) *place->address;
            address.len = ngx_strlen(*place->address);

            ngx_http_magasin_pg_place_name(place, &address);
        }

        *target++ = place->target;
    }

    pcf->targets->nelts = target
                      - (ngx_http_magasin_pg_target_t *) pcf->targets->elts;
}


/*
 * Returns the target of the next attempt of a connection.  There may be less
 * of them than when it was selected.
 */

ngx_http_magasin_pg_target_t *
ngx_http_magasin_pg_target(ngx_http_magasin_pg_connection_t *connection)
{
    ngx_array_t                   *targets;
    ngx_http_magasin_pg_target_t  *target;

    targets = connection->pool->conf->targets;

    if (connection->retry.target >= targets->nelts) {
        connection->retry.target = 0;
    }

    target = targets->elts;

    return target + connection->retry.target;
}
