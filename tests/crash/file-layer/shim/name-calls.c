/* Calls that change names: one at a time in a process, so that their records stand in the order of their effects. */
#include "layer.h"
#include <stdarg.h>
#include <stdlib.h>

static uint64_t inode_at(const char *path) {
  struct stat found;
  return lstat(path, &found) == 0 ? found.st_ino : 0;
}

static void record_open(int fd, int flags, const char *canonical) {
  struct stat file;
  opened(fd);
  if (!tracked(fd, &file) || !S_ISREG(file.st_mode)) return;
  record(OP_OPEN, flags & O_TRUNC ? FLAG_TRUNCATED : 0, file.st_ino, 0, canonical, NULL, NULL, 0, 0);
}

typedef int (*open_function)(int, const char *, int, mode_t);

static int open_with(open_function real, int dirfd, const char *path, int flags, mode_t mode) {
  char canonical[4096];
  int writes = (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
  if (!writes || !resolve(dirfd, path, canonical)) {
    int fd = real(dirfd, path, flags, mode);
    opened(fd);
    return fd;
  }
  if (flags & (O_CREAT | O_TRUNC)) FAIL_IF(fault_of_path(canonical, EFFECT_NAME));
  if ((flags & O_TMPFILE) == O_TMPFILE) record_names(OP_UNSEEN, 0, "O_TMPFILE", NULL);
  pthread_mutex_lock(&name_lock);
  int fd = real(dirfd, path, flags, mode);
  if (fd >= 0) record_open(fd, flags, canonical);
  pthread_mutex_unlock(&name_lock);
  return fd;
}

static int real_openat(int dirfd, const char *path, int flags, mode_t mode) {
  REAL(int (*)(int, const char *, int, ...), "openat64");
  return real(dirfd, path, flags, mode);
}

#define MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | __O_TMPFILE)) { \
    va_list rest; \
    va_start(rest, flags); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  }

int open(const char *path, int flags, ...) { MODE(flags) return open_with(real_openat, AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_with(real_openat, AT_FDCWD, path, flags, mode); }
int openat(int dirfd, const char *path, int flags, ...) { MODE(flags) return open_with(real_openat, dirfd, path, flags, mode); }
int openat64(int dirfd, const char *path, int flags, ...) { MODE(flags) return open_with(real_openat, dirfd, path, flags, mode); }
int __open_2(const char *path, int flags) { return open_with(real_openat, AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_with(real_openat, AT_FDCWD, path, flags, 0); }
int __openat_2(int dirfd, const char *path, int flags) { return open_with(real_openat, dirfd, path, flags, 0); }
int __openat64_2(int dirfd, const char *path, int flags) { return open_with(real_openat, dirfd, path, flags, 0); }
int creat(const char *path, mode_t mode) { return open_with(real_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

/* stdio writes inside the libc, where no layer comes between. */
static FILE *fopen_with(FILE *(*real)(const char *, const char *), const char *path, const char *how) {
  char canonical[4096];
  if (strpbrk(how, "wa+") && resolve(AT_FDCWD, path, canonical)) record_names(OP_UNSEEN, 0, "fopen", NULL);
  FILE *stream = real(path, how);
  if (stream) opened(fileno(stream));
  return stream;
}
FILE *fopen(const char *path, const char *how) {
  REAL(FILE *(*)(const char *, const char *), "fopen");
  return fopen_with(real, path, how);
}
FILE *fopen64(const char *path, const char *how) {
  REAL(FILE *(*)(const char *, const char *), "fopen64");
  return fopen_with(real, path, how);
}

static int made(char *path, int fd) {
  char canonical[4096];
  opened(fd);
  if (fd >= 0 && resolve(AT_FDCWD, path, canonical)) record_open(fd, 0, canonical);
  return fd;
}
int mkstemp(char *path) {
  REAL(int (*)(char *), "mkstemp");
  return made(path, real(path));
}
int mkstemp64(char *path) {
  REAL(int (*)(char *), "mkstemp64");
  return made(path, real(path));
}

int mkdirat(int dirfd, const char *path, mode_t mode) {
  REAL(int (*)(int, const char *, mode_t), "mkdirat");
  char canonical[4096];
  if (!resolve(dirfd, path, canonical)) return real(dirfd, path, mode);
  FAIL_IF(fault_of_path(canonical, EFFECT_NAME));
  pthread_mutex_lock(&name_lock);
  int result = real(dirfd, path, mode);
  if (result == 0) record_names(OP_MKDIR, inode_at(canonical), canonical, NULL);
  pthread_mutex_unlock(&name_lock);
  return result;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
char *mkdtemp(char *path) {
  REAL(char *(*)(char *), "mkdtemp");
  char *folder = real(path);
  char canonical[4096];
  if (folder && resolve(AT_FDCWD, folder, canonical)) record_names(OP_MKDIR, inode_at(canonical), canonical, NULL);
  return folder;
}

#define EXCHANGE 2 /* RENAME_EXCHANGE of linux/fs.h */

hidden int rename_between(int fromfd, const char *from, int tofd, const char *to, unsigned flags) {
  REAL(int (*)(int, const char *, int, const char *, unsigned), "renameat2");
  char old_path[4096], new_path[4096];
  int inside = resolve(fromfd, from, old_path);
  int into = resolve(tofd, to, new_path);
  if (!inside && !into) return real(fromfd, from, tofd, to, flags);
  FAIL_IF(fault_of_path(inside ? old_path : new_path, EFFECT_NAME));
  FAIL_IF(fault_of_path(into ? new_path : old_path, EFFECT_NAME));
  pthread_mutex_lock(&name_lock);
  int result = real(fromfd, from, tofd, to, flags);
  if (result == 0) {
    if (!inside || !into) record_names(OP_UNSEEN, 0, "rename over the border of the root", NULL);
    else record(OP_RENAME, flags & EXCHANGE ? FLAG_EXCHANGED : 0, inode_at(new_path), 0, old_path, new_path, NULL, 0, 0);
  }
  pthread_mutex_unlock(&name_lock);
  return result;
}
int rename(const char *from, const char *to) { return rename_between(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int fromfd, const char *from, int tofd, const char *to) { return rename_between(fromfd, from, tofd, to, 0); }
int renameat2(int fromfd, const char *from, int tofd, const char *to, unsigned flags) { return rename_between(fromfd, from, tofd, to, flags); }

int linkat(int fromfd, const char *from, int tofd, const char *to, int flags) {
  REAL(int (*)(int, const char *, int, const char *, int), "linkat");
  char old_path[4096], new_path[4096];
  if (!resolve(tofd, to, new_path)) return real(fromfd, from, tofd, to, flags);
  FAIL_IF(fault_of_path(new_path, EFFECT_NAME));
  int inside = resolve(fromfd, from, old_path);
  pthread_mutex_lock(&name_lock);
  int result = real(fromfd, from, tofd, to, flags);
  if (result == 0 && inside) record_names(OP_LINK, inode_at(new_path), old_path, new_path);
  else if (result == 0) record_names(OP_UNSEEN, 0, "link from outside the root", NULL);
  pthread_mutex_unlock(&name_lock);
  return result;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int symlinkat(const char *target, int dirfd, const char *path) {
  REAL(int (*)(const char *, int, const char *), "symlinkat");
  char canonical[4096];
  if (!resolve(dirfd, path, canonical)) return real(target, dirfd, path);
  FAIL_IF(fault_of_path(canonical, EFFECT_NAME));
  pthread_mutex_lock(&name_lock);
  int result = real(target, dirfd, path);
  if (result == 0) record_names(OP_SYMLINK, inode_at(canonical), target, canonical);
  pthread_mutex_unlock(&name_lock);
  return result;
}
int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

int unlinkat(int dirfd, const char *path, int flags) {
  REAL(int (*)(int, const char *, int), "unlinkat");
  char canonical[4096];
  if (!resolve(dirfd, path, canonical)) return real(dirfd, path, flags);
  FAIL_IF(fault_of_path(canonical, EFFECT_NAME));
  pthread_mutex_lock(&name_lock);
  int result = real(dirfd, path, flags);
  if (result == 0) record_names(flags & AT_REMOVEDIR ? OP_RMDIR : OP_UNLINK, 0, canonical, NULL);
  pthread_mutex_unlock(&name_lock);
  return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
  struct stat found;
  return unlinkat(AT_FDCWD, path, lstat(path, &found) == 0 && S_ISDIR(found.st_mode) ? AT_REMOVEDIR : 0);
}
