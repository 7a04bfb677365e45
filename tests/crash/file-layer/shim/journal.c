/*
 * The journal (TIDEMARK_LAYER_JOURNAL): one file for all processes, opened with O_APPEND, a record one writev. The kernel
 * appends one at a time, so the place of a record in the file is its number in a global order, and the length of the
 * file is "now".
 *
 *   u32 length of the record   u8 operation   u8 flags   u16 length of path   u16 length of to   u16 zero   u32 pid
 *   u64 ino   u64 a   path   to   payload                                       (little-endian)
 */
#include "layer.h"
#include <stdlib.h>
#include <sys/syscall.h>

#define MAX_PARTS 64

static int descriptor = -2;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_journal(void) {
  const char *path = getenv("TIDEMARK_LAYER_JOURNAL");
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
  int fd = path && *path ? real(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (fd >= 0) {
    /* Out of the way of programs that count descriptors. */
    int (*real_fcntl)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl");
    int high = real_fcntl(fd, F_DUPFD_CLOEXEC, 900);
    if (high >= 0) {
      close(fd);
      fd = high;
    }
  }
  descriptor = fd;
}

hidden int journalling(void) {
  pthread_once(&once, open_journal);
  return descriptor >= 0;
}

hidden uint64_t journal_length(void) {
  struct stat found;
  return journalling() && fstat(descriptor, &found) == 0 ? (uint64_t)found.st_size : 0;
}

static void append(const struct iovec *parts, int count, size_t bytes) {
  ssize_t (*real)(int, const struct iovec *, int) = (ssize_t (*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
  if (real(descriptor, parts, count) == (ssize_t)bytes) return;
  static const char words[] = "file layer: the journal can't be written\n";
  syscall(SYS_write, 2, words, sizeof words - 1);
  abort();
}

hidden void record(enum operation op, int flags, uint64_t ino, uint64_t a, const char *path, const char *to,
                   const struct iovec *payload, int count, size_t bytes) {
  if (!journalling()) return;
  int before = errno;
  struct __attribute__((packed)) {
    uint32_t length; uint8_t op; uint8_t flags; uint16_t path; uint16_t to; uint16_t zero; uint32_t pid; uint64_t ino; uint64_t a;
  } head = {.op = op, .flags = flags, .path = path ? strlen(path) : 0, .to = to ? strlen(to) : 0, .pid = getpid(), .ino = ino, .a = a};
  struct iovec parts[MAX_PARTS] = {{&head, sizeof head}, {(void *)path, head.path}, {(void *)to, head.to}};
  int used = 3;
  size_t left = bytes;
  size_t taken = 0;
  /* What was written may be less than what was asked for, and more pieces than one writev takes. */
  for (int i = 0; i < count && left > 0; i++) {
    if (used == MAX_PARTS) {
      head.length = sizeof head + head.path + head.to + taken;
      append(parts, used, head.length);
      head.a += taken;
      used = 3;
      taken = 0;
    }
    size_t part = payload[i].iov_len < left ? payload[i].iov_len : left;
    parts[used++] = (struct iovec){payload[i].iov_base, part};
    left -= part;
    taken += part;
  }
  head.length = sizeof head + head.path + head.to + taken;
  append(parts, used, head.length);
  errno = before;
}

hidden void record_names(enum operation op, uint64_t ino, const char *path, const char *to) {
  record(op, 0, ino, 0, path, to, NULL, 0, 0);
}
