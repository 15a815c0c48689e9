#define _GNU_SOURCE
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "link.h"

/* What a job is, as its frame tells. All of it lies in `text` and `words`. */
struct program {
	char *text, **words;
	char *folder, *file;
	/* argv[-1] is free, for a shell that reads the file. */
	char **argv, **env;
	char *marker;
};

static char *next_word(char **at, const char *end)
{
	if (*at > end)
		return NULL;
	char *word = *at;
	*at = word + strlen(word) + 1;
	return word;
}

/* False: no memory, or not what the runner sends. Whoever asked frees `text` and `words` either way. */
static int read_program(struct program *program, const unsigned char *head, size_t length)
{
	size_t most_words = 4;
	for (size_t at = 0; at < length; at++)
		most_words += head[at] == '\0';
	*program = (struct program){.text = malloc(length + 1), .words = calloc(most_words, sizeof(char *))};
	if (program->text == NULL || program->words == NULL)
		return 0;
	memcpy(program->text, head, length);
	program->text[length] = '\0';

	char *at = program->text, **words = program->words;
	const char *end = program->text + length;
	program->folder = next_word(&at, end);
	program->file = next_word(&at, end);
	char *count = next_word(&at, end);
	if (count == NULL)
		return 0;
	*words++ = NULL;
	program->argv = words;
	*words++ = program->file;
	for (long left = atol(count); left > 0 && (*words = next_word(&at, end)) != NULL; left--)
		words++;
	*words++ = NULL;
	program->env = words;
	while ((*words = next_word(&at, end)) != NULL)
		program->marker = *words++;
	return program->marker != NULL;
}

/* A descriptor of its own that cannot write. -1 and errno when nothing can hold the text. */
static int open_input(const unsigned char *text, size_t length)
{
	if (length == 0)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	int file = memfd_create("stdin", MFD_CLOEXEC);
	if (file < 0)
		file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (file < 0)
		return -1;
	for (size_t written = 0; written < length;) {
		ssize_t more = write(file, text + written, length - written);
		if (more < 0) {
			int problem = errno;
			close(file);
			errno = problem;
			return -1;
		}
		written += (size_t)more;
	}
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	int input = open(path, O_RDONLY | O_CLOEXEC);
	int problem = errno;
	close(file);
	errno = problem;
	return input;
}

/* In the new process, which borrows the server's memory until it has become the job. */
static int become_job(const struct program *program, const int theirs[3])
{
	sigset_t none;
	sigemptyset(&none);
	setsid();
	for (int stream = 0; stream < 3; stream++)
		if (dup2(theirs[stream], stream) < 0)
			return errno;
	if (chdir(program->folder) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return errno;
	execve(program->file, program->argv, program->env);
	if (errno != ENOEXEC)
		return errno;
	/* As execvp does: a text without #! is for the shell. */
	static char shell[] = "/bin/sh";
	program->argv[-1] = shell;
	execve(shell, program->argv - 1, program->env);
	return errno;
}

static pid_t spawn(const struct program *program, const int theirs[3], int *problem)
{
	volatile int problem_there = 0;
	pid_t pid = vfork();
	if (pid == 0) {
		problem_there = become_job(program, theirs);
		_exit(127);
	}
	*problem = pid < 0 ? errno : problem_there;
	if (*problem == 0)
		return pid;
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return 0;
}

static void close_all(int *descriptors, int count)
{
	for (int index = 0; index < count; index++)
		if (descriptors[index] >= 0)
			close(descriptors[index]);
}

/* The job's three descriptors and ours. False: some could not be had, and errno tells why. */
static int open_streams(int theirs[3], int ours[3], const unsigned char *input, size_t length, int input_comes_later)
{
	int ends[2];
	if (!input_comes_later) {
		theirs[0] = open_input(input, length);
		if (theirs[0] < 0)
			return 0;
	} else {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return 0;
		theirs[0] = ends[0];
		ours[0] = ends[1];
	}
	for (int stream = 1; stream < 3; stream++) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return 0;
		ours[stream] = ends[0];
		theirs[stream] = ends[1];
	}
	/* Also to read: a job may open its own output and take from it what poll() has seen. */
	for (int stream = 0; stream < 3; stream++)
		if (ours[stream] >= 0)
			fcntl(ours[stream], F_SETFL, O_NONBLOCK);
	return 1;
}

struct started start_job(const unsigned char *body, size_t length, int input_comes_later)
{
	struct started started = {.began_ns = now_ns(), .problem = EINVAL};
	struct program program = {0};
	int theirs[3] = {-1, -1, -1}, ours[3] = {-1, -1, -1};
	size_t head = length < 4 ? 0 : number_at(body);
	if (length >= 4 && head <= length - 4 && read_program(&program, body + 4, head)) {
		if (open_streams(theirs, ours, body + 4 + head, length - 4 - head, input_comes_later))
			started.pid = spawn(&program, theirs, &started.problem);
		else
			started.problem = errno;
		close_all(theirs, 3);
	}
	if (started.pid == 0)
		close_all(ours, 3);
	else
		started.marker = strdup(program.marker);
	started.in = ours[0];
	started.out = ours[1];
	started.err = ours[2];
	free(program.text);
	free(program.words);
	return started;
}
