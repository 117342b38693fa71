/*
 * The clock of a process and of its children, so many seconds from the true
 * one.  The file named by the variable CLOCK holds the number (64 bits, as this
 * machine writes them) and is mapped: who writes it sets the clock of all at
 * once.
 *
 * PostgreSQL asks for the time in its handler of SIGALRM too.  What reads a
 * file or takes a lock for that, as libfaketime does, may wait there for what
 * the handler has interrupted, for ever.  This is a load and a system call.
 */

#define _GNU_SOURCE

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


static const int64_t   none;
static const int64_t  *ahead = &none;


__attribute__((constructor)) static void
clock_map(void)
{
    int          fd;
    void        *map;
    const char  *path;

    path = getenv("CLOCK");
    fd = (path == NULL) ? -1 : open(path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        abort();
    }

    map = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED) {
        abort();
    }

    ahead = map;
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int  rc;

    rc = syscall(SYS_clock_gettime, id, ts);
    if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        ts->tv_sec += __atomic_load_n(ahead, __ATOMIC_RELAXED);
    }

    return rc;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec  ts;

    (void) zone;

    if (clock_gettime(CLOCK_REALTIME, &ts) != 0) {
        return -1;
    }

    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;

    return 0;
}


time_t
time(time_t *t)
{
    struct timespec  ts;

    if (clock_gettime(CLOCK_REALTIME, &ts) != 0) {
        return -1;
    }

    if (t != NULL) {
        *t = ts.tv_sec;
    }

    return ts.tv_sec;
}
