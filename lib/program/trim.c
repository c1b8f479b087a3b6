/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trim - gives free heap and untouched pages of program files back when the process is quiet
 */
#include "lib/program/trim.h"
#include "lib/base/clk.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	TRIM_LOOK_MS = 2000,   /* after the start, and again while the process is busy */
	TRIM_AGAIN_MS = 10000, /* after a trim */
	TRIM_BUSY_PCT = 1,     /* of one processor since the last look: leave it alone */
};

/* What is trimmed is the process: there is one. */
static struct {
	struct event timer;
	uint64_t waited_ms;
	uint64_t cpu_ms; /* used up to the last look */
} trim;

static uint64_t cpu_ms(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/*
 * Segments without PF_W are private mappings of the file that nobody can have changed: dropped
 * pages are read from it again. RELRO data belongs to a PF_W segment, whatever it is protected as
 * now, and so do all relocations (no text relocations on the platforms that we are built for).
 */
static int trim_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t page = *(const uintptr_t *)arg;

	(void)size;
	/* the program itself has no name, the kernel's vdso has one that is no path */
	if (*info->dlpi_name != '\0' && *info->dlpi_name != '/')
		return 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t from = (info->dlpi_addr + segment->p_vaddr) & ~(page - 1);
		uintptr_t to = info->dlpi_addr + segment->p_vaddr + segment->p_filesz;

		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) == 0 && to > from)
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void trim_now(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)malloc_trim(0);
	(void)dl_iterate_phdr(trim_object, &page);
}

static void trim_wait(uint64_t ms)
{
	const struct timeval tv = clk_timeval(ms);

	trim.waited_ms = ms;
	trim.cpu_ms = cpu_ms();
	(void)evtimer_add(&trim.timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if ((cpu_ms() - trim.cpu_ms) * 100 > trim.waited_ms * TRIM_BUSY_PCT) {
		trim_wait(TRIM_LOOK_MS);
		return;
	}
	trim_now();
	trim_wait(TRIM_AGAIN_MS);
}

void trim_start(struct event_base *base)
{
	(void)evtimer_assign(&trim.timer, base, on_timer, NULL);
	trim_wait(TRIM_LOOK_MS);
}
