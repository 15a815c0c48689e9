/* What a spawn server and the runner say to each other. Frames, both ways: kind (1 byte), length of the body (4 bytes),
 * body. Numbers have 4 bytes, the least first.
 * In:  ENTER  path of a cgroup.procs file to stand in, or nothing; answered by IDLE or FAILED
 *      JOB    length of the head; the head, joined by NUL: folder, program, number of arguments, arguments, NAME=value…
 *             (the last one marks the job); then standard input to the end of the frame
 *      PREPARE  as JOB, but standard input comes later, as FEED: the process waits for it on a pipe
 *      RELEASE  nobody listens to the output of the job any more
 * Out: STARTED pid, only for a job that lasts; OUT, ERR bytes; CLOSED both streams have ended;
 *      ENDED pid, status as of waitpid, 1 when nothing of the job can be left; FAILED errno; IDLE pid of the server. */
#ifndef LINK_H
#define LINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum kind_in { ENTER = 1, JOB, RELEASE, PREPARE, FEED };
enum kind_out { STARTED = 1, OUT, ERR, CLOSED, ENDED, FAILED, IDLE };

struct bytes {
	unsigned char *data;
	size_t length, capacity;
};

struct link {
	int fd;
	/* What came: first the frame that was given out last, then what is still to be given out. */
	struct bytes received;
	size_t given_out;
	/* What is still to be sent. */
	struct bytes told;
};

struct frame {
	enum kind_in kind;
	/* The link's own, until the next frame is received. */
	const unsigned char *body;
	size_t length;
};

uint32_t number_at(const unsigned char *);

/* Waits for a whole frame. False: the runner is gone. */
int receive(struct link *, struct frame *);
/* Whether the next whole frame has come already. */
int has_next(const struct link *);

/* Appends to what is still to be sent. */
void tell(struct link *, enum kind_out kind, const uint32_t *numbers, size_t count);
void tell_number(struct link *, enum kind_out kind, uint32_t number);
/* The same with what can be read at once from `fd`, at most `piece`; answers as read() does and tells nothing at the end. */
ssize_t tell_read(struct link *, enum kind_out kind, int fd, size_t piece);
/* The same, before everything else that is still to be sent. */
void tell_first(struct link *, enum kind_out kind, uint32_t number);

/* Sends all of it. False: the runner is gone. */
int send_told(struct link *);

#endif
