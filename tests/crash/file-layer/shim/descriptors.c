/* Which descriptors and paths are under the root (TIDEMARK_LAYER_ROOT, a real path without symbolic links). */
#include "layer.h"
#include <limits.h>
#include <stdlib.h>

enum { UNKNOWN = 0, OUTSIDE = 1, INSIDE = 2 };
#define MAX_DESCRIPTORS (1 << 18)

static struct { uint8_t state; dev_t dev; ino_t ino; } descriptors[MAX_DESCRIPTORS];
static pthread_mutex_t file_locks[64] = {[0 ... 63] = PTHREAD_MUTEX_INITIALIZER};
hidden pthread_mutex_t name_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *root(size_t *length) {
  static const char *path;
  static size_t bytes;
  if (!path) {
    const char *set = getenv("TIDEMARK_LAYER_ROOT");
    bytes = set ? strlen(set) : 0;
    path = set ? set : "";
  }
  *length = bytes;
  return path;
}

hidden int under_root(const char *path) {
  size_t length;
  const char *prefix = root(&length);
  return length > 0 && strncmp(path, prefix, length) == 0 && (path[length] == '/' || path[length] == 0);
}

hidden int path_of(int fd, char out[4096]) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, out, 4095);
  if (length <= 0) return 0;
  out[length] = 0;
  return out[0] == '/';
}

hidden int resolve(int dirfd, const char *path, char out[4096]) {
  char whole[4096], folder[PATH_MAX];
  if (path[0] == '/') {
    if (!under_root(path)) {
      /* Most paths of a process: not below the root as written, and nobody writes ours in another way. */
      if (!strstr(path, "/../") && !strstr(path, "//") && !strstr(path, "/./")) return 0;
    }
    if (snprintf(whole, sizeof whole, "%s", path) >= (int)sizeof whole) return 0;
  } else {
    if (dirfd == AT_FDCWD ? !getcwd(folder, sizeof folder) : !path_of(dirfd, folder)) return 0;
    if (snprintf(whole, sizeof whole, "%s/%s", folder, path) >= (int)sizeof whole) return 0;
  }
  size_t length = strlen(whole);
  while (length > 1 && whole[length - 1] == '/') whole[--length] = 0;
  char *slash = strrchr(whole, '/');
  if (!slash || slash == whole) return 0;
  *slash = 0;
  if (!realpath(whole, folder)) return 0;
  if (snprintf(out, 4096, "%s/%s", folder, slash + 1) >= 4096) return 0;
  return under_root(out);
}

static __attribute__((noinline)) int classify(int fd, const struct stat *found) {
  char path[4096];
  int inside = (S_ISREG(found->st_mode) || S_ISDIR(found->st_mode)) && path_of(fd, path) && under_root(path);
  descriptors[fd].dev = found->st_dev;
  descriptors[fd].ino = found->st_ino;
  descriptors[fd].state = inside ? INSIDE : OUTSIDE;
  return inside;
}

hidden int tracked(int fd, struct stat *found) {
  if (fd < 0 || fd >= MAX_DESCRIPTORS || descriptors[fd].state == OUTSIDE) return 0;
  int before = errno;
  int inside = 0;
  if (fstat(fd, found) == 0) {
    /* A descriptor that was closed behind our back is another file now. */
    int same = descriptors[fd].state == INSIDE && descriptors[fd].dev == found->st_dev && descriptors[fd].ino == found->st_ino;
    inside = same || classify(fd, found);
  }
  errno = before;
  return inside;
}

hidden void opened(int fd) {
  if (fd >= 0 && fd < MAX_DESCRIPTORS) descriptors[fd].state = UNKNOWN;
}

hidden void closed(int fd) {
  opened(fd);
}

hidden pthread_mutex_t *file_lock(ino_t inode) {
  return &file_locks[inode % 64];
}
