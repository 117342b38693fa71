
/*
 * Names of servers and their addresses.  They are resolved with the
 * configuration, and by nginx's `resolver` while a server cannot be reached.
 */


#ifndef _NGX_HTTP_MAGASIN_NAMES_H_INCLUDED_
#define _NGX_HTTP_MAGASIN_NAMES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/* Addresses of one name; others are ignored. */
#define NGX_HTTP_MAGASIN_NAMES_ADDRESSES  8

/* Milliseconds between questions, and for an answer. */
#define NGX_HTTP_MAGASIN_NAMES_PAUSE      1000
#define NGX_HTTP_MAGASIN_NAMES_TIMEOUT    5000


typedef struct ngx_http_magasin_names_s  ngx_http_magasin_names_t;

/* An address in digits, without a port. */
typedef char ngx_http_magasin_names_address_t[NGX_INET6_ADDRSTRLEN + 1];


typedef struct {
    ngx_http_magasin_names_t          *names;
    ngx_str_t                          name;
    ngx_uint_t                         naddresses;  /* 0: none yet */
    ngx_http_magasin_names_address_t
                             addresses[NGX_HTTP_MAGASIN_NAMES_ADDRESSES];
} ngx_http_magasin_name_t;


/* The addresses of a name have changed. */
typedef void (*ngx_http_magasin_names_pt)(void *data);


/* Each worker has its own copy, which it inherits from the master. */
struct ngx_http_magasin_names_s {
    ngx_array_t                        list;        /* of pointers to a name;
                                                       no elements: unused */
    ngx_resolver_t                    *resolver;    /* NULL: none */
    ngx_http_magasin_names_pt          changed;
    void                              *data;
    ngx_msec_t                         asked;
    ngx_uint_t                         pending;     /* questions */
    unsigned                           begun:1;     /* `asked` is set */
};


ngx_http_magasin_name_t *ngx_http_magasin_names_add(ngx_conf_t *cf,
    ngx_http_magasin_names_t *names, ngx_str_t *host);
ngx_int_t ngx_http_magasin_names_resolver(ngx_conf_t *cf,
    ngx_http_magasin_names_t *names, ngx_resolver_t *resolver,
    const char *directive);
void ngx_http_magasin_names_follow(ngx_http_magasin_names_t *names);


#endif /* _NGX_HTTP_MAGASIN_NAMES_H_INCLUDED_ */
