
/* The access log, for access_log.c, access_log_file.c and observe_module.c. */


#ifndef _NGX_HTTP_MAGASIN_ACCESS_LOG_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_ACCESS_LOG_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* One `magasin_access_log` of a location. */
typedef struct {
    ngx_open_file_t               *file;
    ngx_http_complex_value_t      *condition;   /* NULL: every request */
} ngx_http_magasin_access_log_t;


/* The files of a configuration, and what their lines need. */
typedef struct {
    ngx_array_t                    files;       /* of ngx_open_file_t * */
    ngx_int_t                      addresses;   /* $upstream_addr */
    ngx_int_t                      times;       /* $upstream_response_time */
} ngx_http_magasin_access_log_main_conf_t;


/* access_log.c */
ngx_int_t ngx_http_magasin_access_log_handler(ngx_http_request_t *r);

/* access_log_file.c */
ngx_int_t ngx_http_magasin_access_log_create(ngx_conf_t *cf,
    ngx_http_magasin_access_log_main_conf_t *amcf);
char *ngx_http_magasin_access_log_set(ngx_conf_t *cf,
    ngx_http_magasin_access_log_main_conf_t *amcf, ngx_array_t **logs);
u_char *ngx_http_magasin_access_log_room(ngx_open_file_t *file, size_t size,
    ngx_log_t *log);
void ngx_http_magasin_access_log_keep(ngx_open_file_t *file, u_char *last);
void ngx_http_magasin_access_log_write(ngx_open_file_t *file, u_char *p,
    size_t size, ngx_log_t *log);

/* observe_module.c */
ngx_array_t *ngx_http_magasin_access_logs(ngx_http_request_t *r);
ngx_http_magasin_access_log_main_conf_t *ngx_http_magasin_access_log_conf(
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_MAGASIN_ACCESS_LOG_INTERNAL_H_INCLUDED_ */
