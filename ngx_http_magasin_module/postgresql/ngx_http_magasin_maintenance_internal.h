
/* The periodic maintenance of the database. */


#ifndef _NGX_HTTP_MAGASIN_MAINTENANCE_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_MAINTENANCE_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_pg.h"


typedef struct ngx_http_magasin_maintenance_s
    ngx_http_magasin_maintenance_t;


ngx_http_magasin_maintenance_t *ngx_http_magasin_maintenance_create(
    ngx_cycle_t *cycle, ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_maintenance_destroy(
    ngx_http_magasin_maintenance_t *maintenance);


#endif /* _NGX_HTTP_MAGASIN_MAINTENANCE_INTERNAL_H_INCLUDED_ */
