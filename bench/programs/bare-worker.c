/*
 * The floor: what a job costs when nothing is promised. Takes ids from a list, spawns the program with three pipes in a
 * session of its own, collects what it prints and stores it. No lease, no limit, no check, no retry, one thread.
 *
 * bare-worker PORT KEY_PREFIX CONCURRENCY PROGRAM
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_jobs = 64, most_output = 65536 };

typedef struct {
  int fd;
  size_t length, at;
  char buffer[131072];
} Redis;

typedef struct {
  int used, out, err;
  pid_t pid;
  size_t length;
  char id[160], output[most_output];
} Job;

static Redis waiting, commands;
static Job jobs[most_jobs];
static char *prefix, *program;
extern char **environ;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void redis_open(Redis *redis, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int one = 1;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  redis->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (redis->fd < 0 || connect(redis->fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
  setsockopt(redis->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void write_all(int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, data, length);
    if (written < 0) {
      if (errno == EPIPE) return;
      die("write");
    }
    data += written;
    length -= (size_t)written;
  }
}

/* One command; each argument is a char * and a size_t. Answers its length. */
static size_t command(char *to, int count, ...) {
  va_list list;
  size_t length = (size_t)sprintf(to, "*%d\r\n", count);
  va_start(list, count);
  for (int at = 0; at < count; at++) {
    const char *text = va_arg(list, const char *);
    size_t size = va_arg(list, size_t);
    length += (size_t)sprintf(to + length, "$%zu\r\n", size);
    memcpy(to + length, text, size);
    memcpy(to + length + size, "\r\n", 2);
    length += size + 2;
  }
  va_end(list);
  return length;
}

static void redis_fill(Redis *redis) {
  if (redis->at > 0) {
    memmove(redis->buffer, redis->buffer + redis->at, redis->length - redis->at);
    redis->length -= redis->at;
    redis->at = 0;
  }
  ssize_t got = read(redis->fd, redis->buffer + redis->length, sizeof redis->buffer - redis->length);
  if (got <= 0) exit(0);
  redis->length += (size_t)got;
}

/* One reply that is no array: its text and length, or -1 for nil. */
static long redis_reply(Redis *redis, char **text) {
  for (;;) {
    char *start = redis->buffer + redis->at, *end = memmem(start, redis->length - redis->at, "\r\n", 2);
    if (end) {
      size_t head = (size_t)(end - start) + 2;
      if (*start == '-') {
        fprintf(stderr, "%.*s\n", (int)head - 2, start);
        exit(1);
      }
      long size = *start == '$' ? atol(start + 1) : (long)head - 3;
      if (*start != '$' || size < 0) {
        *text = start + 1;
        redis->at += head;
        return size;
      }
      if (redis->length - redis->at >= head + (size_t)size + 2) {
        *text = start + head;
        redis->at += head + (size_t)size + 2;
        return size;
      }
    }
    redis_fill(redis);
  }
}

#define KEY(name, suffix) \
  char name[320];         \
  size_t name##_size = (size_t)snprintf(name, sizeof name, "%s%s", prefix, suffix)
#define WORD(text) text, strlen(text)

static void ask_for_job(void) {
  char text[1024];
  KEY(queue, "queue");
  KEY(active, "active");
  size_t length = command(text, 6, WORD("BLMOVE"), queue, queue_size, active, active_size, WORD("RIGHT"), WORD("LEFT"), WORD("0"));
  write_all(waiting.fd, text, length);
}

static void start_job(Job *job, const char *id, size_t id_size) {
  char text[1024], *payload, name[200];
  int in[2], out[2], err[2];
  memcpy(job->id, id, id_size);
  job->id[id_size] = 0;
  snprintf(name, sizeof name, "job:%s", job->id);
  KEY(key, name);
  write_all(commands.fd, text, command(text, 3, WORD("HGET"), key, key_size, WORD("payload")));
  long size = redis_reply(&commands, &payload);
  if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) die("pipe2");
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  char *argv[] = {program, "run", "-s", NULL};
  int failure = posix_spawn(&job->pid, program, &actions, &attributes, argv, environ);
  if (failure) {
    errno = failure;
    die("posix_spawn");
  }
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(in[0]);
  close(out[1]);
  close(err[1]);
  if (size > 0) write_all(in[1], payload, (size_t)size);
  close(in[1]);
  job->used = 1;
  job->out = out[0];
  job->err = err[0];
  job->length = 0;
}

static void finish_job(Job *job) {
  static char text[most_output + 4096];
  char *ignored, name[200];
  int status;
  if (waitpid(job->pid, &status, 0) < 0) die("waitpid");
  snprintf(name, sizeof name, "job:%s", job->id);
  KEY(key, name);
  snprintf(name, sizeof name, "reply:%s", job->id);
  KEY(reply, name);
  KEY(active, "active");
  const char *word = status == 0 ? "finished" : "error";
  size_t length = command(text, 6, WORD("HSET"), key, key_size, WORD("status"), WORD(word), WORD("result"), job->output, job->length);
  length += command(text + length, 4, WORD("LREM"), active, active_size, WORD("1"), WORD(job->id));
  length += command(text + length, 3, WORD("LPUSH"), reply, reply_size, WORD(word));
  length += command(text + length, 3, WORD("EXPIRE"), reply, reply_size, WORD("3600"));
  write_all(commands.fd, text, length);
  for (int at = 0; at < 4; at++) redis_reply(&commands, &ignored);
  job->used = 0;
}

static void read_some(Job *job, int *fd) {
  char *to = job->output + job->length, rest[4096];
  int is_err = fd == &job->err;
  ssize_t got = is_err ? read(*fd, rest, sizeof rest) : read(*fd, to, sizeof job->output - job->length);
  if (got <= 0) {
    close(*fd);
    *fd = -1;
  } else if (!is_err) {
    job->length += (size_t)got;
  }
}

int main(int count, char **argv) {
  if (count != 5) return 2;
  int most = atoi(argv[3]), asked = 0;
  prefix = argv[2];
  program = argv[4];
  redis_open(&waiting, atoi(argv[1]));
  redis_open(&commands, atoi(argv[1]));
  for (;;) {
    struct pollfd polled[1 + 2 * most_jobs];
    int *place[1 + 2 * most_jobs];
    Job *owner[1 + 2 * most_jobs];
    int fds = 0, used = 0;
    for (int at = 0; at < most; at++) used += jobs[at].used;
    if (!asked && used < most) {
      ask_for_job();
      asked = 1;
    }
    if (asked) {
      polled[fds].fd = waiting.fd;
      owner[fds++] = NULL;
    }
    for (int at = 0; at < most; at++) {
      if (!jobs[at].used) continue;
      int *both[] = {&jobs[at].out, &jobs[at].err};
      for (int each = 0; each < 2; each++) {
        if (*both[each] < 0) continue;
        polled[fds].fd = *both[each];
        place[fds] = both[each];
        owner[fds++] = &jobs[at];
      }
    }
    for (int at = 0; at < fds; at++) polled[at].events = POLLIN;
    if (poll(polled, (nfds_t)fds, -1) < 0) die("poll");
    for (int at = 0; at < fds; at++) {
      if (!polled[at].revents) continue;
      if (owner[at]) {
        read_some(owner[at], place[at]);
        if (owner[at]->out < 0 && owner[at]->err < 0) finish_job(owner[at]);
        continue;
      }
      char *id;
      long size = redis_reply(&waiting, &id);
      asked = 0;
      for (int slot = 0; size >= 0 && slot < most; slot++) {
        if (jobs[slot].used) continue;
        start_job(&jobs[slot], id, (size_t)size);
        break;
      }
    }
  }
}
