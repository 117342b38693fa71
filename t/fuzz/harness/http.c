
/*
 * Whole connections: the bytes go to nginx's own listening sockets, and the
 * events that follow are processed here, in the same process.  The first byte
 * of an input is how many of the others are sent at once (0: all).
 *
 * PostgreSQL and Redis are away: what a request asks of them is 503.
 */


#include "../fuzz.h"


/* Turns of the event loop that one connection gets, without a wait. */
#define FUZZ_TURNS     40

#define FUZZ_RECEIVED  65536


static void fuzz_connection(ngx_str_t *path, u_char *data, size_t size,
    size_t piece, u_char *received, size_t *len);
static size_t fuzz_receive(int fd, u_char *received, size_t len);
static void fuzz_response(u_char *p, u_char *end);


/* A connection's preface, and SETTINGS without any. */

static u_char  fuzz_preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                "\0\0\0\4\0\0\0\0";


void
fuzz_http1(ngx_pool_t *pool, u_char *data, size_t size)
{
    u_char           *received;
    size_t            len;
    static ngx_str_t  path = ngx_string("http1.sock");

    if (size == 0) {
        return;
    }

    received = malloc(FUZZ_RECEIVED);
    fuzz_assert(received);

    fuzz_connection(&path, data + 1, size - 1, data[0], received, &len);

    /* A pipeline with a HEAD has answers without their bodies. */

    if (ngx_strlcasestrn(data, data + size, (u_char *) "HEAD", 3) == NULL) {
        fuzz_response(received, received + len);
    }

    free(received);
}


void
fuzz_http2(ngx_pool_t *pool, u_char *data, size_t size)
{
    u_char           *p, *received;
    size_t            len;
    static ngx_str_t  path = ngx_string("http2.sock");

    if (size == 0) {
        return;
    }

    len = sizeof(fuzz_preface) + size - 1;

    p = ngx_pnalloc(pool, len);
    received = malloc(FUZZ_RECEIVED);
    fuzz_assert(p && received);

    ngx_memcpy(ngx_cpymem(p, fuzz_preface, sizeof(fuzz_preface)), data + 1,
               size - 1);

    fuzz_connection(&path, p, len, data[0], received, &len);

    free(received);
}


/* Send, in pieces; let nginx work; close; let it clean up. */

static void
fuzz_connection(ngx_str_t *path, u_char *data, size_t size, size_t piece,
    u_char *received, size_t *len)
{
    int                 fd;
    ssize_t             n;
    ngx_uint_t          i, before, sent;
    struct sockaddr_un  address;

    ngx_memzero(&address, sizeof(struct sockaddr_un));
    address.sun_family = AF_UNIX;
    (void) ngx_snprintf((u_char *) address.sun_path,
                        sizeof(address.sun_path), "%V%V%Z",
                        &ngx_cycle->prefix, path);

    before = ngx_cycle->free_connection_n;
    *len = 0;
    sent = 0;

    /* Not in as many turns as there are bytes. */

    piece = piece ? ngx_max(piece, size / 64) : size;

    fd = socket(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0);
    fuzz_assert(fd != -1);
    fuzz_assert(connect(fd, (struct sockaddr *) &address, sizeof(address))
                == 0);

    for (i = 0; i < FUZZ_TURNS; i++) {

        if (sent < size) {
            n = send(fd, data + sent, ngx_min(piece, size - sent),
                     MSG_NOSIGNAL);

            if (n > 0) {
                sent += n;
                i = (sent < size) ? 0 : i;

            } else if (n == -1 && errno != EAGAIN) {
                sent = size;
            }

            if (sent >= size) {
                (void) shutdown(fd, SHUT_WR);
            }
        }

        fuzz_turn();

        *len += fuzz_receive(fd, received, *len);

        if (i > 2 && ngx_cycle->free_connection_n >= before) {
            break;
        }
    }

    (void) close(fd);

    for (i = 0; i < 4 && ngx_cycle->free_connection_n < before; i++) {
        fuzz_turn();
    }
}


static size_t
fuzz_receive(int fd, u_char *received, size_t len)
{
    u_char   rest[4096];
    size_t   sum;
    ssize_t  n;

    for (sum = 0; /* void */ ; sum += n) {

        if (len + sum < FUZZ_RECEIVED) {
            n = recv(fd, received + len + sum, FUZZ_RECEIVED - len - sum, 0);

        } else if (recv(fd, rest, sizeof(rest), 0) > 0) {
            n = 0;

        } else {
            return sum;
        }

        if (n < 0 || (n == 0 && len + sum < FUZZ_RECEIVED)) {
            return sum;
        }
    }
}


/* The first answer: when it says JSON, and is all there, it is. */

static void
fuzz_response(u_char *p, u_char *end)
{
    u_char   *body, *field;
    ssize_t   n;

    if (end - p < 12 || ngx_strncmp(p, "HTTP/1.1 ", 9) != 0) {
        return;
    }

    fuzz_assert(ngx_strncmp(p + 9, "500", 3) != 0);

    body = ngx_strlcasestrn(p, end, (u_char *) "\r\n\r\n", 3);

    if (body == NULL) {
        return;
    }

    body += 4;

    field = ngx_strlcasestrn(p, body, (u_char *) "\r\nContent-Length: ", 17);

    if (field == NULL
        || (ngx_strlcasestrn(p, body,
                             (u_char *) "\r\nContent-Type: application/json",
                             31)
               == NULL
            && ngx_strlcasestrn(p, body,
                      (u_char *) "\r\nContent-Type: application/problem+json",
                      39)
               == NULL))
    {
        return;
    }

    field += 18;
    n = strtol((char *) field, NULL, 10);

    if (n == 0 || n > end - body) {
        return;
    }

    json_decref(fuzz_parse((char *) body, n));
}
