/* Starts a job. */
#ifndef START_H
#define START_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct started {
	/* 0 when it could not be started; `problem` is the errno then, and the rest has no meaning. */
	pid_t pid;
	int problem;
	int64_t began_ns;
	/* The runner's ends; whoever asked for the start closes them. `in` is -1 when the job has its input already. */
	int in, out, err;
	/* What no other process has in its environment; freed by whoever asked for the start. */
	char *marker;
};

/* The body of a JOB, or of a PREPARE, for which a pipe is opened for its input. The job leads a session of its own, holds
 * no descriptor but its three, and has the signals as a login has them. */
struct started start_job(const unsigned char *body, size_t length, int input_comes_later);

#endif
