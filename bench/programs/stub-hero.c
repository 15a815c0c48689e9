/* The job of the bench: prints its standard input. Static and tiny, so that what is measured is not the job. */
#include <unistd.h>

int main(void) {
  char buffer[65536];
  for (;;) {
    ssize_t length = read(0, buffer, sizeof buffer);
    if (length <= 0) return length < 0;
    for (ssize_t at = 0; at < length;) {
      ssize_t written = write(1, buffer + at, (size_t)(length - at));
      if (written < 0) return 1;
      at += written;
    }
  }
}
