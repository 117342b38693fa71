
/*
 * An open-loop load generator for HTTP/1.1: requests are due at the times of a
 * Poisson process with a fixed rate, whatever the server does.  A latency
 * counts from when the request was due, so that a server that stalls is not
 * spared.  A request that finds no free connection waits.
 *
 * usage: openload PORT RATE SECONDS WARM CONNECTIONS <REQUESTS
 *
 * Standard input has requests: a line "CLASS LENGTH", then LENGTH bytes to
 * send.  They are taken in order, again and again, from a random one on.  What
 * is due in the first WARM seconds is sent and not counted.
 *
 * Prints a line for each class: its name, the number of answers, of errors
 * (a status of 400 or more, or a broken connection), then the percentiles 50,
 * 99 and 99.9 and the maximum in microseconds.  The line "sent" has the rate,
 * the answers that did not come within 5 s, and the longest time in
 * microseconds that a request was sent late though a connection was free.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>


#define CLASSES  16
#define BUFFER   (256 * 1024)
#define PATIENCE 5e6

/* Buckets of a histogram: 64 for each power of two. */
#define STEPS    64
#define BUCKETS  (40 * STEPS)


typedef struct {
    char      name[24];
    uint64_t  count;
    uint64_t  errors;
    double    max;
    uint64_t  buckets[BUCKETS];
} class_t;

typedef struct {
    class_t  *class;
    char     *data;
    size_t    len;
} request_t;

typedef struct {
    int         fd;
    request_t  *request;    /* NULL: idle */
    double      due;
    size_t      got;
    size_t      need;       /* 0: the header is not complete */
    int         status;
    int         last;       /* the server closes the connection after it */
    char       *buffer;
} client_t;


static class_t     classes[CLASSES];
static int         nclasses;
static request_t  *requests;
static size_t      nrequests;
static client_t  **idle;
static int         nidle;
static int         port, epoll;
static double      mark;            /* what is due from then on counts */


static void
fail(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);

    exit(1);
}


static void *
get(size_t number, size_t size)
{
    void  *p;

    p = calloc(number, size);
    if (p == NULL) {
        fail("no memory");
    }

    return p;
}


/* Microseconds of a clock that only rises. */

static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}


static void
count(class_t *class, double us, int error)
{
    int       shift;
    uint64_t  n;

    n = us < 1 ? 1 : (uint64_t) us;
    shift = 63 - __builtin_clzll(n) - 6;

    class->count++;
    class->errors += error;
    class->max = us > class->max ? us : class->max;
    class->buckets[shift < 0 ? n : (shift + 1) * STEPS
                                   + ((n >> shift) & (STEPS - 1))]++;
}


static double
percentile(class_t *class, double percent)
{
    int       i;
    double    value;
    uint64_t  wanted, seen;

    wanted = ceil(class->count * percent / 100);
    seen = 0;

    for (i = 0; i < BUCKETS; i++) {
        seen += class->buckets[i];

        if (seen >= wanted && seen) {
            value = i < STEPS ? i : ldexp(STEPS + i % STEPS + 0.5,
                                          i / STEPS - 1);
            return value < class->max ? value : class->max;
        }
    }

    return class->max;
}


static void
read_requests(void)
{
    int         i, length;
    char        name[24];
    size_t      room;
    request_t  *request;

    for (room = 0; scanf("%23s %d", name, &length) == 2; nrequests++) {

        if (getchar() != '\n' || length <= 0) {
            fail("request %zu has no length", nrequests);
        }

        if (nrequests == room) {
            room = room ? 2 * room : 1024;
            requests = realloc(requests, room * sizeof(request_t));
            if (requests == NULL) {
                fail("no memory");
            }
        }

        for (i = 0; i < nclasses && strcmp(classes[i].name, name) != 0; i++) {
            /* void */
        }

        if (i == nclasses) {
            if (nclasses++ == CLASSES) {
                fail("more than %d classes", CLASSES);
            }

            memcpy(classes[i].name, name, sizeof(name));
        }

        request = &requests[nrequests];

        request->class = &classes[i];
        request->len = length;
        request->data = get(length, 1);

        if (fread(request->data, 1, length, stdin) != (size_t) length) {
            fail("request %zu is cut off", nrequests);
        }
    }

    if (nrequests == 0) {
        fail("no requests");
    }
}


static void
dial(client_t *client)
{
    int                 one;
    struct sockaddr_in  address;
    struct epoll_event  event;

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    one = 1;
    client->fd = socket(AF_INET, SOCK_STREAM, 0);

    if (client->fd == -1
        || connect(client->fd, (void *) &address, sizeof(address)) == -1
        || setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))
           == -1)
    {
        fail("connect: %s", strerror(errno));
    }

    event.events = EPOLLIN;
    event.data.ptr = client;

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) == -1) {
        fail("epoll_ctl: %s", strerror(errno));
    }
}


/* The answer is here, or will not come. */

static void
finish(client_t *client, int error)
{
    if (client->due >= mark) {
        count(client->request->class, now() - client->due, error);
    }

    client->request = NULL;

    /* The server has announced it: what is sent now would get no answer. */

    if (client->last) {
        close(client->fd);
        dial(client);
    }

    idle[nidle++] = client;
}


static void
start(client_t *client, request_t *request, double due)
{
    client->request = request;
    client->due = due;
    client->got = 0;
    client->need = 0;
    client->last = 0;

    /* A request is smaller than the buffer of any socket.  A server may close
     * a connection that is idle. */

    if (send(client->fd, request->data, request->len, MSG_NOSIGNAL)
        == (ssize_t) request->len)
    {
        return;
    }

    close(client->fd);
    dial(client);

    if (send(client->fd, request->data, request->len, MSG_NOSIGNAL)
        != (ssize_t) request->len)
    {
        finish(client, 1);
    }
}


/* How long the answer is, once its header is complete. */

static void
measure(client_t *client)
{
    char  *end, *length, *last;

    client->buffer[client->got] = '\0';

    end = strstr(client->buffer, "\r\n\r\n");
    if (end == NULL) {
        return;
    }

    length = strcasestr(client->buffer, "\r\nContent-Length:");
    if (length == NULL || length > end) {
        fail("an answer has no Content-Length:\n%s", client->buffer);
    }

    last = strcasestr(client->buffer, "\r\nConnection: close\r\n");
    client->last = last && last < end;

    client->status = atoi(client->buffer + sizeof("HTTP/1.1 ") - 1);
    client->need = end + 4 - client->buffer
                   + strtoul(length + sizeof("\r\nContent-Length:") - 1, NULL,
                             10);

    if (client->need >= BUFFER) {
        fail("an answer of %zu bytes is too long", client->need);
    }
}


static void
readable(client_t *client)
{
    ssize_t  n;

    n = recv(client->fd, client->buffer + client->got,
             BUFFER - 1 - client->got, MSG_DONTWAIT);

    if (n == -1 && errno == EAGAIN) {
        return;
    }

    if (n <= 0) {
        close(client->fd);
        dial(client);
        client->last = 0;

        if (client->request) {
            finish(client, 1);
        }

        return;
    }

    client->got += n;

    if (client->need == 0) {
        measure(client);
    }

    if (client->request && client->need && client->got >= client->need) {
        finish(client, client->status >= 400);
    }
}


/* Send what is due until `end`; the longest delay of ours. */

static double
run(double rate, double end, int clients)
{
    int                 i, n, timer;
    size_t              next;
    double              due, t, late, wait;
    uint64_t            expired;
    struct itimerspec   spec;
    struct epoll_event  event, events[64];

    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    event.events = EPOLLIN;
    event.data.ptr = NULL;

    if (timer == -1 || epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event) == -1) {
        fail("timerfd: %s", strerror(errno));
    }

    memset(&spec, 0, sizeof(spec));
    next = drand48() * nrequests;
    due = now();
    late = 0;

    for ( ;; ) {
        t = now();

        for (n = nidle; nidle && due <= t && due < end; /* void */) {

            if (n == nidle && due >= mark && t - due > late) {
                late = t - due;
            }

            start(idle[--nidle], &requests[next], due);
            next = (next + 1) % nrequests;
            due -= log(1 - drand48()) * 1e6 / rate;
        }

        if (due >= end && (nidle == clients || t > end + PATIENCE)) {
            return late;
        }

        if (nidle && due < end) {
            wait = due - now();
            wait = wait < 1 ? 1 : wait;
            spec.it_value.tv_sec = wait / 1e6;
            spec.it_value.tv_nsec = fmod(wait, 1e6) * 1e3;
            timerfd_settime(timer, 0, &spec, NULL);
        }

        n = epoll_wait(epoll, events, 64, 100);

        for (i = 0; i < n; i++) {
            if (events[i].data.ptr) {
                readable(events[i].data.ptr);

            } else if (read(timer, &expired, sizeof(expired)) == -1) {
                continue;
            }
        }
    }
}


int
main(int argc, char **argv)
{
    int        i, clients;
    double     rate, seconds, warm, late;
    class_t   *class;
    client_t  *all;

    if (argc != 6) {
        fail("usage: openload PORT RATE SECONDS WARM CONNECTIONS <REQUESTS");
    }

    port = atoi(argv[1]);
    rate = atof(argv[2]);
    seconds = atof(argv[3]);
    warm = atof(argv[4]);
    clients = atoi(argv[5]);

    if (rate <= 0 || seconds <= 0 || warm < 0 || clients <= 0) {
        fail("a number is wrong");
    }

    read_requests();
    srand48(time(NULL) ^ getpid());

    epoll = epoll_create1(0);
    all = get(clients, sizeof(client_t));
    idle = get(clients, sizeof(client_t *));

    for (i = 0; i < clients; i++) {
        all[i].buffer = get(BUFFER, 1);
        dial(&all[i]);
        idle[nidle++] = &all[i];
    }

    mark = now() + warm * 1e6;
    late = run(rate, mark + seconds * 1e6, clients);

    for (i = 0; i < nclasses; i++) {
        class = &classes[i];

        printf("%s %lu %lu %.0f %.0f %.0f %.0f\n", class->name,
               (unsigned long) class->count, (unsigned long) class->errors,
               percentile(class, 50), percentile(class, 99),
               percentile(class, 99.9), class->max);
    }

    printf("sent %.0f %d %.0f\n", rate, clients - nidle, late);

    return 0;
}
