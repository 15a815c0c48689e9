/* Spawn server: a small process that starts others for a runner, one at a time, carries their output to it, and tells how
 * they ended and whether anything of them may be left. From a small process a start costs little more than the new process
 * itself; a runner would copy its page tables for each. link.h has the frames.
 *
 * Arguments: the descriptor of the roll, how many places it has, the first of ours; then the descriptors of the
 * links, one for each server. A server ends with its link, hence with the runner. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "link.h"
#include "roll.h"
#include "start.h"
#include "traces.h"

enum { announce_after_ns = 2000000, piece = 1 << 16 };

/* What a server waits for while a job runs. */
enum { RUNNER, CHILDREN, INPUT, OUTPUT, ERRORS, waited_for };

struct server {
	struct link link;
	struct roll roll;
	struct watch watch;
	struct pollfd polled[waited_for];
};

/* The job that runs. */
struct job {
	struct suspect suspect;
	/* The kernel's count of processes does not reach it: whoever it left could not be found. */
	int is_untold;
	int is_announced, has_exited, is_over;
	int64_t announce_at_ns;
	int status;
	/* Looks for output since it has exited. */
	int looks;
	/* What is still to be fed to it. */
	unsigned char *input;
	size_t input_length, input_fed;
};

/* The runner is gone. */
static void leave(struct server *server)
{
	pid_t session = running(&server->roll);
	/* To the kernel 0 and -1 are everybody in our own group, and everybody. */
	if (session > 1)
		kill(-session, SIGKILL);
	_exit(0);
}

static void send_all(struct server *server)
{
	if (!send_told(&server->link))
		leave(server);
}

static struct frame hear(struct server *server)
{
	struct frame frame;
	if (!receive(&server->link, &frame))
		leave(server);
	return frame;
}

/* Stands in a control group, so that jobs are born there. */
static int enter(struct server *server, const struct frame *frame)
{
	if (server->watch.group >= 0)
		close(server->watch.group);
	server->watch.group = -1;
	if (frame->length == 0)
		return 0;
	char *procs = strndup((const char *)frame->body, frame->length);
	int group = procs == NULL ? -1 : open(procs, O_RDWR | O_CLOEXEC);
	int problem = group < 0 || write(group, "0", 1) < 0 ? errno : 0;
	free(procs);
	if (problem == 0)
		server->watch.group = group;
	else if (group >= 0)
		close(group);
	return problem;
}

static int is_open(const struct server *server, int stream)
{
	return server->polled[stream].fd >= 0;
}

static void close_stream(struct server *server, int stream)
{
	if (is_open(server, stream))
		close(server->polled[stream].fd);
	server->polled[stream].fd = -1;
}

static int has_output(const struct server *server)
{
	return is_open(server, OUTPUT) || is_open(server, ERRORS);
}

static void take_output(struct server *server, int stream)
{
	enum kind_out kind = stream == OUTPUT ? OUT : ERR;
	ssize_t length = tell_read(&server->link, kind, server->polled[stream].fd, piece);
	if (length > 0 || (length < 0 && errno == EAGAIN))
		return;
	close_stream(server, stream);
	if (!has_output(server))
		tell(&server->link, CLOSED, NULL, 0);
}

static void release_output(struct server *server)
{
	if (!has_output(server))
		return;
	close_stream(server, OUTPUT);
	close_stream(server, ERRORS);
	tell(&server->link, CLOSED, NULL, 0);
}

static void begin_feeding(struct server *server, struct job *job, const struct frame *frame)
{
	job->input = malloc(frame->length + 1);
	if (job->input == NULL)
		_exit(ENOMEM);
	memcpy(job->input, frame->body, frame->length);
	job->input_length = frame->length;
	server->polled[INPUT].events = POLLOUT;
	/* While it waited it has made nobody who is still there: that is what its control group says. */
	if (stand_alone(&server->watch, job->suspect.pid)) {
		job->suspect.last_before = last_pid_given(&server->watch);
		job->suspect.since_ns = now_ns();
	}
}

static void feed(struct server *server, struct job *job)
{
	/* Nobody can read it any more, which would wake us for ever. */
	if (job->input == NULL) {
		close_stream(server, INPUT);
		return;
	}
	size_t rest = job->input_length - job->input_fed;
	ssize_t written = write(server->polled[INPUT].fd, job->input + job->input_fed, rest);
	if (written < 0 && errno == EAGAIN)
		return;
	if (written >= 0)
		job->input_fed += (size_t)written;
	/* A job that does not read it has its reasons. */
	if (written < 0 || job->input_fed == job->input_length)
		close_stream(server, INPUT);
}

static void hear_of_job(struct server *server, struct job *job)
{
	/* One read may bring several, and what has come already wakes nobody again. */
	do {
		struct frame frame = hear(server);
		if (frame.kind == FEED && is_open(server, INPUT) && job->input == NULL)
			begin_feeding(server, job, &frame);
		else if (frame.kind == RELEASE)
			release_output(server);
	} while (has_next(&server->link));
}

static void reap(struct server *server, struct job *job)
{
	struct signalfd_siginfo told[8];
	while (read(server->polled[CHILDREN].fd, told, sizeof told) == sizeof told)
		;
	/* Others are servers that ended, where this one started them. */
	int status;
	for (pid_t found; (found = waitpid(-1, &status, WNOHANG)) > 0;)
		if (found == job->suspect.pid) {
			job->has_exited = 1;
			job->status = status;
		}
}

/* Answers how many of those that were waited for have something. */
static int wait_for_any(struct server *server, const struct job *job)
{
	struct timespec patience = {0};
	const struct timespec *most = &patience;
	if (!job->has_exited || job->is_over) {
		int64_t left_ns = job->announce_at_ns - now_ns();
		if (job->is_announced)
			most = NULL;
		else if (left_ns > 0)
			patience.tv_nsec = left_ns;
	} else if (!has_output(server) || job->looks > 4) {
		return 0;
	}
	return ppoll(server->polled, waited_for, most, NULL);
}

static void take_all(struct server *server, struct job *job)
{
	struct pollfd *polled = server->polled;
	for (int stream = OUTPUT; stream <= ERRORS; stream++)
		if (is_open(server, stream) && polled[stream].revents != 0)
			take_output(server, stream);
	if (polled[CHILDREN].revents != 0)
		reap(server, job);
	if (is_open(server, INPUT) && polled[INPUT].revents != 0)
		feed(server, job);
	if (polled[RUNNER].revents != 0)
		hear_of_job(server, job);
}

static void end_job(struct server *server, struct job *job)
{
	const struct suspect *suspect = &job->suspect;
	int left = job->is_untold || suspect->marker == NULL || !left_nothing(&server->watch, &server->roll, suspect);
	tell(&server->link, ENDED, (uint32_t[]){(uint32_t)suspect->pid, (uint32_t)job->status, !left}, 3);
	note_end(&server->roll);
	close_stream(server, INPUT);
	job->is_over = job->is_announced = 1;
}

/* Until the job has ended and its streams have too, or nobody listens to them. What is told last is not sent yet. */
static void carry(struct server *server, struct job *job)
{
	while (has_output(server) || !job->is_over) {
		/* What the job wrote comes before its end. Who else writes may go on for ever: the end does not wait for them. */
		int is_last_look = job->has_exited && !job->is_over;
		int found = wait_for_any(server, job);
		job->looks += is_last_look;
		if (found > 0)
			take_all(server, job);
		else if (is_last_look)
			end_job(server, job);
		if (!job->is_announced && !job->has_exited
		    && (server->link.told.length >= piece || now_ns() >= job->announce_at_ns)) {
			tell_first(&server->link, STARTED, (uint32_t)job->suspect.pid);
			job->is_announced = 1;
		}
		if (job->is_announced && server->link.told.length > 0 && (has_output(server) || !job->is_over))
			send_all(server);
	}
}

static int run(struct server *server, const struct frame *frame)
{
	int waits = frame->kind == PREPARE;
	struct started started = start_job(frame->body, frame->length, waits);
	if (started.pid == 0)
		return started.problem;
	int64_t now = now_ns();
	struct job job = {
		.suspect = {started.pid, started.marker, started.pid, started.began_ns},
		.is_untold = last_pid_given(&server->watch) < started.pid,
		.announce_at_ns = waits ? now : now + announce_after_ns,
	};
	note_begin(&server->roll, started.pid, now);
	server->polled[INPUT] = (struct pollfd){.fd = started.in};
	server->polled[OUTPUT] = (struct pollfd){.fd = started.out, .events = POLLIN};
	server->polled[ERRORS] = (struct pollfd){.fd = started.err, .events = POLLIN};
	carry(server, &job);
	free(started.marker);
	free(job.input);
	return 0;
}

static void serve(struct server *server)
{
	for (;;) {
		struct frame frame = hear(server);
		int problem = 0;
		if (frame.kind == ENTER)
			problem = enter(server, &frame);
		else if (frame.kind == JOB || frame.kind == PREPARE)
			problem = run(server, &frame);
		else
			continue;
		if (problem == 0)
			tell_number(&server->link, IDLE, (uint32_t)server->watch.server);
		else
			tell_number(&server->link, FAILED, (uint32_t)problem);
		send_all(server);
	}
}

static void start_server(int link, int roll, size_t places, size_t place)
{
	static struct server server;
	sigset_t waited;
	sigemptyset(&waited);
	sigaddset(&waited, SIGCHLD);
	sigset_t blocked = waited;
	/* Who does not listen, and input larger than a file may be, is seen by what write() answers. */
	sigaddset(&blocked, SIGPIPE);
	sigaddset(&blocked, SIGXFSZ);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	int children = signalfd(-1, &waited, SFD_CLOEXEC | SFD_NONBLOCK);
	if (children < 0 || !join_roll(&server.roll, roll, places, place))
		_exit(errno);
	server.link.fd = link;
	open_watch(&server.watch);
	for (int each = 0; each < waited_for; each++)
		server.polled[each] = (struct pollfd){.fd = -1};
	server.polled[RUNNER] = (struct pollfd){.fd = link, .events = POLLIN};
	server.polled[CHILDREN] = (struct pollfd){.fd = children, .events = POLLIN};
	serve(&server);
}

/* Places of the arguments. */
enum { ROLL = 1, PLACES, FIRST, LINKS };

int main(int count, char **words)
{
	if (count <= LINKS)
		return EINVAL;
	int roll = atoi(words[ROLL]);
	size_t places = strtoul(words[PLACES], NULL, 10), first = strtoul(words[FIRST], NULL, 10);
	fcntl(roll, F_SETFD, FD_CLOEXEC);
	for (int at = LINKS; at < count; at++)
		fcntl(atoi(words[at]), F_SETFD, FD_CLOEXEC);
	/* The last one serves here; none may hold the link of another. */
	for (int at = LINKS; at < count; at++) {
		if (at + 1 < count && fork() != 0)
			continue;
		for (int other = LINKS; other < count; other++)
			if (other != at)
				close(atoi(words[other]));
		start_server(atoi(words[at]), roll, places, first + (size_t)(at - LINKS));
	}
}
