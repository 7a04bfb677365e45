/* Calls that change what is in a file. A lock a file keeps the order of its records that of its changes. */
#include "layer.h"
#include <sys/mman.h>
#include <sys/sendfile.h>

static int synced_flag(int fd) {
  int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl");
  int flags = real(fd, F_GETFL);
  return flags & O_DSYNC ? FLAG_SYNCED : 0;
}

static __attribute__((noinline)) void wrote(int fd, const struct stat *file, off_t at, const struct iovec *parts, int count, ssize_t bytes) {
  if (bytes <= 0 || !journalling()) return;
  /* With O_APPEND, and after write(2), the position stands behind what was written. */
  if (at < 0) at = lseek(fd, 0, SEEK_CUR) - bytes;
  record(OP_WRITE, synced_flag(fd), file->st_ino, at, NULL, NULL, parts, count, bytes);
}

#define GUARDED(fd, at, parts, count, call) \
  struct stat file; \
  if (!tracked(fd, &file) || !S_ISREG(file.st_mode)) return call; \
  FAIL_IF(fault_of_fd(fd, EFFECT_WRITE)); \
  pthread_mutex_lock(file_lock(file.st_ino)); \
  ssize_t bytes = call; \
  wrote(fd, &file, at, parts, count, bytes); \
  pthread_mutex_unlock(file_lock(file.st_ino)); \
  return bytes

ssize_t write(int fd, const void *from, size_t size) {
  REAL(ssize_t (*)(int, const void *, size_t), "write");
  struct iovec part = {(void *)from, size};
  GUARDED(fd, -1, &part, 1, real(fd, from, size));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t (*)(int, const struct iovec *, int), "writev");
  GUARDED(fd, -1, parts, count, real(fd, parts, count));
}

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
  REAL(ssize_t (*)(int, const void *, size_t, off64_t), "pwrite64");
  struct iovec part = {(void *)from, size};
  GUARDED(fd, at, &part, 1, real(fd, from, size, at));
}
ssize_t pwrite(int fd, const void *from, size_t size, off_t at) { return pwrite64(fd, from, size, at); }

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  REAL(ssize_t (*)(int, const struct iovec *, int, off64_t), "pwritev64");
  GUARDED(fd, at, parts, count, real(fd, parts, count, at));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return pwritev64(fd, parts, count, at); }

ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t at, int flags) {
  REAL(ssize_t (*)(int, const struct iovec *, int, off64_t, int), "pwritev64v2");
  struct stat file;
  if (tracked(fd, &file)) record_names(OP_UNSEEN, 0, "pwritev2", NULL);
  return real(fd, parts, count, at, flags);
}
ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags) { return pwritev64v2(fd, parts, count, at, flags); }

int ftruncate64(int fd, off64_t size) {
  REAL(int (*)(int, off64_t), "ftruncate64");
  struct stat file;
  if (!tracked(fd, &file)) return real(fd, size);
  FAIL_IF(fault_of_fd(fd, EFFECT_WRITE));
  pthread_mutex_lock(file_lock(file.st_ino));
  int result = real(fd, size);
  if (result == 0) record(OP_TRUNCATE, 0, file.st_ino, size, NULL, NULL, NULL, 0, 0);
  pthread_mutex_unlock(file_lock(file.st_ino));
  return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int truncate64(const char *path, off64_t size) {
  REAL(int (*)(const char *, off64_t), "truncate64");
  char canonical[4096];
  if (!resolve(AT_FDCWD, path, canonical)) return real(path, size);
  FAIL_IF(fault_of_path(canonical, EFFECT_WRITE));
  struct stat file;
  if (stat(path, &file) != 0) return real(path, size);
  pthread_mutex_lock(file_lock(file.st_ino));
  int result = real(path, size);
  if (result == 0) record(OP_TRUNCATE, 0, file.st_ino, size, NULL, NULL, NULL, 0, 0);
  pthread_mutex_unlock(file_lock(file.st_ino));
  return result;
}
int truncate(const char *path, off_t size) { return truncate64(path, size); }

/* What the kernel copied is read back from the file, 64 KB at a time. */
hidden void copied(int fd, const struct stat *file, off_t at, ssize_t bytes) {
  char piece[1 << 16];
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
  int again = real(link, O_RDONLY | O_CLOEXEC);
  for (ssize_t done = 0; done < bytes;) {
    ssize_t got = pread(again, piece, bytes - done < (ssize_t)sizeof piece ? (size_t)(bytes - done) : sizeof piece, at + done);
    if (got <= 0) {
      record_names(OP_UNSEEN, 0, "sendfile or copy_file_range, which can't be read back", NULL);
      break;
    }
    struct iovec part = {piece, got};
    record(OP_WRITE, synced_flag(fd), file->st_ino, at + done, NULL, NULL, &part, 1, got);
    done += got;
  }
  if (again >= 0) close(again);
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t size) {
  REAL(ssize_t (*)(int, int, off64_t *, size_t), "sendfile64");
  struct stat file;
  if (!tracked(to, &file)) return real(to, from, at, size);
  FAIL_IF(fault_of_fd(to, EFFECT_WRITE));
  pthread_mutex_lock(file_lock(file.st_ino));
  ssize_t bytes = real(to, from, at, size);
  if (bytes > 0 && journalling()) copied(to, &file, lseek(to, 0, SEEK_CUR) - bytes, bytes);
  pthread_mutex_unlock(file_lock(file.st_ino));
  return bytes;
}
ssize_t sendfile(int to, int from, off_t *at, size_t size) { return sendfile64(to, from, at, size); }

int fallocate64(int fd, int mode, off64_t at, off64_t size) {
  REAL(int (*)(int, int, off64_t, off64_t), "fallocate64");
  struct stat file;
  if (!tracked(fd, &file)) return real(fd, mode, at, size);
  FAIL_IF(fault_of_fd(fd, EFFECT_WRITE));
  record_names(OP_UNSEEN, 0, "fallocate", NULL);
  return real(fd, mode, at, size);
}
int fallocate(int fd, int mode, off_t at, off_t size) { return fallocate64(fd, mode, at, size); }
int posix_fallocate64(int fd, off64_t at, off64_t size) {
  REAL(int (*)(int, off64_t, off64_t), "posix_fallocate64");
  struct stat file;
  if (tracked(fd, &file)) record_names(OP_UNSEEN, 0, "posix_fallocate", NULL);
  return real(fd, at, size);
}
int posix_fallocate(int fd, off_t at, off_t size) { return posix_fallocate64(fd, at, size); }

void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t at) {
  REAL(void *(*)(void *, size_t, int, int, int, off64_t), "mmap64");
  void *mapped = real(address, size, protection, flags, fd, at);
  int shared = (flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
  struct stat file;
  char path[4096];
  if (mapped != MAP_FAILED && fd >= 0 && (protection & PROT_WRITE) && shared && tracked(fd, &file) && path_of(fd, path)) {
    record_names(OP_MAP, file.st_ino, path, NULL);
  }
  return mapped;
}
void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t at) {
  return mmap64(address, size, protection, flags, fd, at);
}
