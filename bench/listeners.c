/*
 * Clients that listen to the journal's stream and read as fast as they can.
 *
 * usage: listeners PORT NUMBER
 *
 * It writes "ready" when all of them have got their first line.  Then it reads
 * commands: "start" sets the counters to zero, "stop" writes
 *
 *     EVENTS MISSING P50 P99 P999 MAX BYTES
 *
 * with latencies in milliseconds, from the instant in a row of the journal,
 * which is before its commit, to the read that got it.  MISSING is how many
 * connections ended.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER  (256 * 1024)
#define KEPT    64
#define BUCKETS 20000
#define MARK    "\"instant\":\""

typedef struct {
    int     fd;
    int     begun;
    size_t  kept;
    char    tail[KEPT];
} client_t;

static uint64_t  buckets[BUCKETS + 1], events, bytes;
static unsigned  missing, ready;


static int64_t
now_us(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


/* "2026-11-29T20:21:01.123456Z" as microseconds; the day is looked up once. */

static int64_t
instant_us(const char *p)
{
    struct tm       tm;
    static char     day[10];
    static int64_t  start;

    if (memcmp(day, p, 10) != 0) {
        memset(&tm, 0, sizeof(tm));
        tm.tm_year = atoi(p) - 1900;
        tm.tm_mon = atoi(p + 5) - 1;
        tm.tm_mday = atoi(p + 8);
        start = (int64_t) timegm(&tm) * 1000000;
        memcpy(day, p, 10);
    }

    return start
           + ((int64_t) atoi(p + 11) * 3600 + atoi(p + 14) * 60 + atoi(p + 17))
             * 1000000
           + atoi(p + 20);
}


static void
count(const char *p, const char *end, int64_t now)
{
    int64_t  ms;

    while ((p = memmem(p, end - p, MARK, sizeof(MARK) - 1)) != NULL
           && end - p >= (long) sizeof(MARK) + 27)
    {
        p += sizeof(MARK) - 1;
        ms = (now - instant_us(p)) / 1000;
        ms = ms < 0 ? 0 : ms;
        buckets[ms < BUCKETS ? ms : BUCKETS]++;
        events++;
    }
}


static void
client_read(client_t *c)
{
    char           *p;
    ssize_t         n;
    size_t          len, from;
    static char     buffer[KEPT + BUFFER];

    n = read(c->fd, buffer + KEPT, BUFFER);

    if (n <= 0) {
        close(c->fd);
        missing++;
        return;
    }

    bytes += n;

    if (!c->begun && memmem(buffer + KEPT, n, "\nid:", 4)) {
        c->begun = 1;
        ready++;
    }

    /* An instant may be in two reads. */

    from = KEPT - c->kept;
    memcpy(buffer + from, c->tail, c->kept);
    len = c->kept + n;

    count(buffer + from, buffer + from + len, now_us());

    /* What was counted is not kept: it ends 38 bytes after it begins. */

    c->kept = len < 37 ? len : 37;
    p = buffer + from + len - c->kept;
    memcpy(c->tail, p, c->kept);
}


static int
percentile(double part)
{
    int       i;
    uint64_t  sum;

    sum = 0;

    for (i = 0; i <= BUCKETS; i++) {
        sum += buckets[i];

        if (sum && sum >= part * events) {
            return i;
        }
    }

    return 0;
}


static int
command(void)
{
    char     line[64];
    ssize_t  n;

    n = read(0, line, sizeof(line) - 1);

    if (n <= 0) {
        return 0;
    }

    if (memcmp(line, "start", 5) == 0) {
        memset(buckets, 0, sizeof(buckets));
        events = 0;
        bytes = 0;

    } else {
        printf("%llu %u %d %d %d %d %llu\n", (unsigned long long) events,
               missing, percentile(0.5), percentile(0.99), percentile(0.999),
               percentile(1), (unsigned long long) bytes);
        fflush(stdout);
    }

    return 1;
}


int
main(int argc, char **argv)
{
    int                  i, n, queue, said, number;
    client_t            *clients;
    struct sockaddr_in   to;
    struct epoll_event   ev, got[64];
    static const char    request[] = "GET /api/v1/journal/stream/ HTTP/1.1\r\n"
                                     "Host: localhost\r\n\r\n";

    if (argc != 3) {
        return 2;
    }

    number = atoi(argv[2]);
    clients = calloc(number, sizeof(client_t));
    queue = epoll_create1(0);

    memset(&to, 0, sizeof(to));
    to.sin_family = AF_INET;
    to.sin_port = htons(atoi(argv[1]));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    ev.events = EPOLLIN;
    ev.data.ptr = NULL;
    epoll_ctl(queue, EPOLL_CTL_ADD, 0, &ev);

    for (i = 0; i < number; i++) {
        clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);

        if (clients[i].fd < 0
            || connect(clients[i].fd, (struct sockaddr *) &to, sizeof(to))
            || write(clients[i].fd, request, sizeof(request) - 1) < 0)
        {
            perror("listeners");
            return 1;
        }

        fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);

        ev.data.ptr = &clients[i];
        epoll_ctl(queue, EPOLL_CTL_ADD, clients[i].fd, &ev);
    }

    for (said = 0; /* void */ ; /* void */ ) {
        n = epoll_wait(queue, got, 64, -1);

        for (i = 0; i < n; i++) {
            if (got[i].data.ptr == NULL) {
                if (!command()) {
                    return 0;
                }

            } else {
                client_read(got[i].data.ptr);
            }
        }

        if (!said && ready + missing >= (unsigned) number) {
            said = 1;
            printf("ready %u\n", missing);
            fflush(stdout);
        }
    }
}
