/* Whether anything of a job can be left once its process has ended. */
#ifndef TRACES_H
#define TRACES_H

#include "roll.h"

/* The job, and from when on whoever appears may be of it. */
struct suspect {
	pid_t pid;
	/* What no other process has in its environment. */
	const char *marker;
	/* The last process id that was given before it could make others, and when. */
	pid_t last_before;
	int64_t since_ns;
};

struct watch {
	pid_t server;
	/* /proc/loadavg, or -1. */
	int load;
	/* cgroup.procs of the group the server and the job stand in, or -1. */
	int group;
	/* For how long process ids cannot have come round. */
	int64_t trusted_ns;
};

void open_watch(struct watch *);
/* The last process id that the kernel gave, or 0 where it cannot be known. */
pid_t last_pid_given(const struct watch *);
/* Only the server and the job stand in the group. */
int stand_alone(const struct watch *, pid_t job);
/* False says nothing. */
int left_nothing(const struct watch *, const struct roll *, const struct suspect *);

#endif
