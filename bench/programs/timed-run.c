/*
 * Runs a program once and says what it cost: milliseconds from its start to its end, milliseconds of processor time, and the
 * largest resident set, KiB. `timed-run STDIN_FILE PROGRAM ARGS…`; its output goes nowhere. Exits with 1 unless it exited 0.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double ms_of(struct timeval time) { return time.tv_sec * 1e3 + time.tv_usec / 1e3; }

int main(int count, char **argv) {
  if (count < 3) return 2;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, argv[1], O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t pid;
  double started_ms = now_ms();
  if (posix_spawn(&pid, argv[2], &actions, NULL, argv + 2, environ) != 0) return 2;
  int status;
  struct rusage use;
  wait4(pid, &status, 0, &use);
  double wall_ms = now_ms() - started_ms;
  printf("%.3f %.3f %ld\n", wall_ms, ms_of(use.ru_utime) + ms_of(use.ru_stime), use.ru_maxrss);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
