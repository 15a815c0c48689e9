/* What the servers of one runner know of each other: a table in a file that all of them share. Each has a place in it, with
 * its own pid, that of the session it runs, and the jobs it started last. With it one server tells the jobs of the others
 * from what its own job left behind. */
#ifndef ROLL_H
#define ROLL_H

#include <stdint.h>
#include <sys/types.h>

/* One for each runner and server; all times are those of CLOCK_MONOTONIC. */
struct roll {
	struct table *table;
	struct place *mine;
	unsigned next;
};

/* Takes the place `index`, counted from 0. False: the file cannot be shared. */
int join_roll(struct roll *, int file, size_t places, size_t index);

void note_begin(struct roll *, pid_t job, int64_t began_ns);
void note_end(struct roll *);
/* The session that runs here, or 0. */
pid_t running(const struct roll *);

int is_server(const struct roll *, pid_t);
/* Whether it is what a server is just running. */
int is_running(const struct roll *, pid_t session);
/* Whether a server started this process at that moment or later. */
int was_started_since(const struct roll *, pid_t, int64_t since_ns);

#endif
