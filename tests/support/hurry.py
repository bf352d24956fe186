"""A world that is in a hurry: whoever sleeps finds the clock further on at once, AWS's clock with it.

What a command sleeps for (the next code, a key that AWS does not know yet) passes at once, by a small library
that is loaded before the C library. What it waits for in other ways (a touch, an answer, a lock) takes as
long as ever, and so do sleeps that are short, between two looks at something real. Where the library cannot
be built, all waits are real, and the tests prove the same.

And `vaultpy`, which runs a command to its end, forks one whose imports are done (`forks`); what is
started by its name (at a terminal, or to be killed) is the installed command.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import sys
import time
import weakref
from typing import TYPE_CHECKING, Any

from support.before_libc import built
from support.forks import forked
from support.world import World

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from typing_extensions import Self

_NANOSECONDS = 1_000_000_000
_SIZE = 8
_LIBRARY = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define SHORT (SECOND / 7)

/* The time of day is one for all processes; what has passed since some moment is each process's own. */
static long long nothing = 0, *skipped_by_all = &nothing, skipped_here = 0;

/* Not when the process begins: one that forks for others has no such file, and each of them has its own. */
static void look(void) {
    const char *path = skipped_by_all == &nothing ? getenv("SKIPPED_TIME") : 0;
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *page = mmap(0, sizeof *skipped_by_all, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) skipped_by_all = page;
    close(file);
}

static long long number(const struct timespec *at) { return at->tv_sec * SECOND + at->tv_nsec; }

static struct timespec moved(const struct timespec *at, long long by) {
    long long sum = number(at) + by;
    return (struct timespec){sum / SECOND, sum % SECOND};
}

static long long skipped(clockid_t clock) {
    look();
    switch (clock) {
        case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: return __atomic_load_n(skipped_by_all, 5);
        case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_COARSE: return __atomic_load_n(&skipped_here, 5);
        default: return 0;
    }
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed) *now = moved(now, skipped(clock));
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now) *now = precise.tv_sec;
    return precise.tv_sec;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *asked, struct timespec *left) {
    struct timespec until = *asked;
    long long wanted = number(asked);
    if (flags & TIMER_ABSTIME) {
        struct timespec now;
        clock_gettime(clock, &now);
        wanted -= number(&now);
        until = moved(asked, -skipped(clock));
    }
    if (wanted < SHORT) return syscall(SYS_clock_nanosleep, clock, flags, &until, left) ? errno : 0;
    __atomic_add_fetch(skipped_by_all, wanted, 5);
    __atomic_add_fetch(&skipped_here, wanted, 5);
    return 0;
}

/* What gives a moment until which to wait has it from the clock above; the kernel's is another. */
int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until) {
    int (*really)(sem_t *, clockid_t, const struct timespec *) = dlsym(RTLD_NEXT, "sem_clockwait");
    struct timespec there = moved(until, -skipped(clock));
    return really(semaphore, clock, &there);
}

int pthread_cond_timedwait(
    pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict until
) {
    int (*really)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *) =
        dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    if (!really) really = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    int since_the_start = until->tv_sec < SECOND;
    struct timespec there = moved(until, -skipped(since_the_start ? CLOCK_MONOTONIC : CLOCK_REALTIME));
    return really(condition, mutex, &there);
}
"""


class SkippedTime:
    """The time that nobody has to wait for, in memory that commands and AWS share."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self._skipped: mmap.mmap | bytearray = bytearray(_SIZE)
        if (library := _library()) is None:
            return
        memory = os.memfd_create("skipped-time")
        weakref.finalize(self, os.close, memory)
        os.ftruncate(memory, _SIZE)
        self._skipped = mmap.mmap(memory, _SIZE)
        path = f"/proc/{os.getpid()}/fd/{memory}"
        self.environment = {"LD_PRELOAD": library, "SKIPPED_TIME": path}

    def now(self) -> float:
        """Return the time, as an epoch in seconds."""
        (skipped,) = struct.unpack_from("q", self._skipped)
        return time.time() + float(skipped) / _NANOSECONDS

    def go_to(self, epoch: float) -> None:
        """Make it that time, for everybody, also for who runs already."""
        struct.pack_into("q", self._skipped, 0, int((epoch - time.time()) * _NANOSECONDS))


class HurriedWorld(World):
    """A `World` in which neither a while nor a start is waited for; its time is that of `aws.clock`.

    `off` is by how many seconds the computer's clock is ahead of AWS's, `time` is the computer's.
    """

    def __init__(self, directory: Path, **more: Any) -> None:  # noqa: ANN401  # what a world takes
        self.time = SkippedTime()
        self.off = 0
        super().__init__(directory, clock=lambda: self.time.now() - self.off, **more)

    def __enter__(self) -> Self:
        super().__enter__()
        self.environment |= self.time.environment
        return self

    def vaultpy(
        self, *words: str, env: dict[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end, without a terminal."""
        return forked(self.environment if env is None else env, *words, stdin=stdin)


def _library() -> str | None:
    """Return the library's path; None where it cannot be built."""
    if sys.platform != "linux" or shutil.which("cc") is None:
        return None
    return built(_LIBRARY)
