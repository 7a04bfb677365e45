/* Calls that make a descriptor another file, and those that come by the number: syscall(2). */
#include "layer.h"
#include <stdarg.h>
#include <sys/syscall.h>

int close(int fd) {
  REAL(int (*)(int), "close");
  closed(fd);
  return real(fd);
}

int dup2(int from, int to) {
  REAL(int (*)(int, int), "dup2");
  int fd = real(from, to);
  opened(fd);
  return fd;
}

int dup3(int from, int to, int flags) {
  REAL(int (*)(int, int, int), "dup3");
  int fd = real(from, to, flags);
  opened(fd);
  return fd;
}

int dup(int from) {
  REAL(int (*)(int), "dup");
  int fd = real(from);
  opened(fd);
  return fd;
}

hidden int rename_between(int fromfd, const char *from, int tofd, const char *to, unsigned flags);
hidden void copied(int fd, const struct stat *file, off_t at, ssize_t bytes);

static ssize_t copy_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags) {
  REAL(long (*)(long, ...), "syscall");
  struct stat file;
  if (!tracked(to, &file)) return real(SYS_copy_file_range, from, from_at, to, to_at, size, flags);
  FAIL_IF(fault_of_fd(to, EFFECT_WRITE));
  pthread_mutex_lock(file_lock(file.st_ino));
  ssize_t bytes = real(SYS_copy_file_range, from, from_at, to, to_at, size, flags);
  if (bytes > 0 && journalling()) copied(to, &file, (to_at ? *to_at : lseek(to, 0, SEEK_CUR)) - bytes, bytes);
  pthread_mutex_unlock(file_lock(file.st_ino));
  return bytes;
}
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags) {
  return copy_range(from, from_at, to, to_at, size, flags);
}

/* libuv closes and copies by number, ClickHouse renames by number. */
long syscall(long number, ...) {
  REAL(long (*)(long, ...), "syscall");
  long arguments[6];
  va_list rest;
  va_start(rest, number);
  for (int i = 0; i < 6; i++) arguments[i] = va_arg(rest, long);
  va_end(rest);
#define A(i) arguments[i]
  switch (number) {
    case SYS_close: return close((int)A(0));
    case SYS_renameat2: return rename_between((int)A(0), (const char *)A(1), (int)A(2), (const char *)A(3), (unsigned)A(4));
    case SYS_copy_file_range: return copy_range((int)A(0), (off64_t *)A(1), (int)A(2), (off64_t *)A(3), (size_t)A(4), (unsigned)A(5));
    case SYS_write: return write((int)A(0), (const void *)A(1), (size_t)A(2));
    case SYS_pwrite64: return pwrite((int)A(0), (const void *)A(1), (size_t)A(2), A(3));
    case SYS_fsync: return fsync((int)A(0));
    case SYS_fdatasync: return fdatasync((int)A(0));
    case SYS_openat: return openat((int)A(0), (const char *)A(1), (int)A(2), (mode_t)A(3));
    case SYS_io_submit:
    case SYS_io_uring_setup: record_names(OP_UNSEEN, 0, number == SYS_io_submit ? "io_submit" : "io_uring_setup", NULL);
  }
  return real(number, A(0), A(1), A(2), A(3), A(4), A(5));
}
