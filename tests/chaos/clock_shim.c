/* Shifts the wall clock of a process: LD_PRELOAD this, and CLOCK_SHIFT names a file of 8 bytes with
   the shift in seconds, which may be written anew at any time. All other clocks are as they are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    static volatile int64_t *shift_s;
    if (!real) {
        const char *path = getenv("CLOCK_SHIFT");
        int file = path ? open(path, O_RDONLY) : -1;
        void *page = file < 0 ? MAP_FAILED : mmap(0, sizeof *shift_s, PROT_READ, MAP_SHARED, file, 0);
        shift_s = page == MAP_FAILED ? 0 : page;
        real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    int failed = real(clock, now);
    if (!failed && clock == CLOCK_REALTIME && shift_s)
        now->tv_sec += *shift_s;
    return failed;
}
