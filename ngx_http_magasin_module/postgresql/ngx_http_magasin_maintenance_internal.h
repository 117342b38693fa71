
/* What a worker does now and then with the database. */


#ifndef _NGX_HTTP_MAGASIN_MAINTENANCE_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_MAINTENANCE_INTERNAL_H_INCLUDED_


#include "ngx_http_magasin_pg.h"


typedef struct ngx_http_magasin_maintenance_s
    ngx_http_magasin_maintenance_t;
typedef struct ngx_http_magasin_collations_s  ngx_http_magasin_collations_t;


/* maintenance.c */
ngx_http_magasin_maintenance_t *ngx_http_magasin_maintenance_create(
    ngx_cycle_t *cycle, ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_maintenance_destroy(
    ngx_http_magasin_maintenance_t *maintenance);

/* collations.c */
ngx_http_magasin_collations_t *ngx_http_magasin_collations_create(
    ngx_cycle_t *cycle, ngx_http_magasin_pg_pool_t *pool);
void ngx_http_magasin_collations_destroy(
    ngx_http_magasin_collations_t *collations);


#endif /* _NGX_HTTP_MAGASIN_MAINTENANCE_INTERNAL_H_INCLUDED_ */
