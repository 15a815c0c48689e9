#define _GNU_SOURCE
#include "traces.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* More than this is not looked at: the runner's own look is cheaper then. */
enum { most_strangers = 256, most_looks = 5, environ_bytes = 1 << 16 };

/* The first bytes of a file under /proc as text; answers as read() does. */
static ssize_t read_text(const char *path, char *text, size_t size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -1;
	ssize_t length = read(file, text, size - 1);
	int problem = errno;
	close(file);
	errno = problem;
	if (length >= 0)
		text[length] = '\0';
	return length;
}

void open_watch(struct watch *watch)
{
	char limit[32];
	*watch = (struct watch){.server = getpid(), .group = -1};
	watch->load = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	/* Nobody makes more than a hundred thousand processes a second. */
	if (read_text("/proc/sys/kernel/pid_max", limit, sizeof limit) > 0)
		watch->trusted_ns = atoll(limit) * (1000000000 / 100000);
}

pid_t last_pid_given(const struct watch *watch)
{
	char text[128];
	ssize_t length = pread(watch->load, text, sizeof text - 1, 0);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	char *last = strrchr(text, ' ');
	return last == NULL ? 0 : atoi(last);
}

int stand_alone(const struct watch *watch, pid_t job)
{
	char found[64], wanted[64], turned[64];
	if (watch->group < 0)
		return 0;
	ssize_t length = pread(watch->group, found, sizeof found - 1, 0);
	if (length < 0)
		return 0;
	found[length] = '\0';
	snprintf(wanted, sizeof wanted, "%d\n%d\n", watch->server, job);
	snprintf(turned, sizeof turned, "%d\n%d\n", job, watch->server);
	return strcmp(found, wanted) == 0 || strcmp(found, turned) == 0;
}

static int stands_by_itself(const struct watch *watch)
{
	char found[64], wanted[64];
	ssize_t length = pread(watch->group, found, sizeof found, 0);
	return length == snprintf(wanted, sizeof wanted, "%d\n", watch->server) && memcmp(found, wanted, (size_t)length) == 0;
}

static int is_gone(void)
{
	return errno == ENOENT || errno == ESRCH;
}

static int has_marker(pid_t pid, const char *marker)
{
	static char environment[environ_bytes];
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/environ", pid);
	ssize_t length = read_text(path, environment, sizeof environment);
	if (length < 0)
		return !is_gone();
	/* During exec a process has none; of a long one the rest was not read. */
	if (length == 0 || length == sizeof environment - 1)
		return 1;
	return memmem(environment, (size_t)length, marker, strlen(marker)) != NULL;
}

/* State, parent, session and number of threads, as they stand after the name. */
static const char fields[] = " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d";

static int may_be_of(const struct watch *watch, const struct roll *roll, const struct suspect *job, pid_t other)
{
	char path[32], text[4096], state;
	int parent, session, threads;
	snprintf(path, sizeof path, "/proc/%d/stat", other);
	if (read_text(path, text, sizeof text) < 0)
		return !is_gone();
	/* The name before it may hold anything. */
	char *after_name = strrchr(text, ')');
	if (after_name == NULL || sscanf(after_name + 1, fields, &state, &parent, &session, &threads) != 4)
		return 1;
	/* 2 is the parent of the kernel's own threads, which have no environment. */
	if ((state == 'Z' && threads <= 1) || state == 'X' || parent == 2)
		return 0;
	/* Only its first thread has ended, and took what could be read with it. */
	if (state == 'Z')
		return 1;
	/* Another server's job on its way to become it, or what another job has started: nobody can join its session. Our own
	 * children are of this job: it can make its parent theirs (CLONE_PARENT). */
	if ((parent != watch->server && is_server(roll, parent)) || (session != job->pid && is_running(roll, session)))
		return 0;
	return session == job->pid || has_marker(other, job->marker);
}

int left_nothing(const struct watch *watch, const struct roll *roll, const struct suspect *job)
{
	if (now_ns() - job->since_ns > watch->trusted_ns)
		return 0;
	if (kill(-job->pid, 0) == 0 || errno != ESRCH)
		return 0;
	if (watch->group >= 0 && !stands_by_itself(watch))
		return 0;
	/* The kernel gives ids in ascending order: what the job left has one above its own, up to the last one given. */
	pid_t seen = job->last_before;
	for (int look = 0; look < most_looks; look++) {
		pid_t last = last_pid_given(watch);
		if (last == seen)
			return 1;
		if (last < seen || last - seen > most_strangers)
			return 0;
		for (pid_t other = seen + 1; other <= last; other++)
			if (!was_started_since(roll, other, job->since_ns) && may_be_of(watch, roll, job, other))
				return 0;
		seen = last;
	}
	return 0;
}
