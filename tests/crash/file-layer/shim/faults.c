/*
 * Faults on demand (TIDEMARK_LAYER_FAULTS): a text file of lines `ERRNO PATH EFFECT[,EFFECT…]`, read anew whenever its
 * inode, size or time has changed. ERRNO is EIO, ENOSPC, EROFS or EDQUOT; PATH a prefix by whole names; EFFECT `write`,
 * `sync`, `through` (writes on a descriptor that syncs each: O_DSYNC), `name` (create, rename, link, mkdir, unlink) or `all`. Without the file, or with an empty one, nothing fails.
 */
#include "layer.h"
#include <stdlib.h>

#define MAX_RULES 16
struct rule { int error; int effects; size_t length; char path[1024]; };
static struct rule rules[MAX_RULES];
static volatile int rule_count;
static struct stat seen;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int error_named(const char *name) {
  if (!strcmp(name, "EIO")) return EIO;
  if (!strcmp(name, "ENOSPC")) return ENOSPC;
  if (!strcmp(name, "EROFS")) return EROFS;
  if (!strcmp(name, "EDQUOT")) return EDQUOT;
  return 0;
}

static int effects_named(const char *names) {
  int effects = 0;
  if (strstr(names, "write")) effects |= EFFECT_WRITE;
  if (strstr(names, "sync")) effects |= EFFECT_SYNC;
  if (strstr(names, "through")) effects |= EFFECT_THROUGH;
  if (strstr(names, "name")) effects |= EFFECT_NAME;
  if (strstr(names, "all")) effects |= EFFECT_WRITE | EFFECT_SYNC | EFFECT_NAME;
  return effects;
}

static void parse(const char *text) {
  int count = 0;
  char error[16], path[1024], effects[64];
  int used;
  while (count < MAX_RULES && sscanf(text, " %15s %1023s %63s%n", error, path, effects, &used) == 3) {
    struct rule *rule = &rules[count];
    rule->error = error_named(error);
    rule->effects = effects_named(effects);
    rule->length = strlen(path);
    memcpy(rule->path, path, rule->length + 1);
    if (rule->error && rule->effects) count++;
    text += used;
  }
  rule_count = count;
}

static __attribute__((noinline)) void load(const char *control, const struct stat *now) {
  static char text[MAX_RULES * 1200];
  REAL(int (*)(const char *, int, ...), "open");
  int fd = real(control, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  text[length < 0 ? 0 : length] = 0;
  parse(text);
  seen = *now;
}

/* The lock is held when it answers 1. */
static int any_rules(void) {
  static const char *control;
  if (!control) {
    const char *set = getenv("TIDEMARK_LAYER_FAULTS");
    control = set ? set : "";
  }
  if (!*control) return 0;
  int before = errno;
  struct stat now = {0};
  if (stat(control, &now) != 0) memset(&now, 0, sizeof now);
  errno = before;
  pthread_mutex_lock(&lock);
  int changed = now.st_ino != seen.st_ino || now.st_size != seen.st_size || now.st_mtim.tv_sec != seen.st_mtim.tv_sec || now.st_mtim.tv_nsec != seen.st_mtim.tv_nsec;
  if (changed) load(control, &now);
  errno = before;
  if (rule_count > 0) return 1;
  pthread_mutex_unlock(&lock);
  return 0;
}

static int match(const char *path, enum effect effect) {
  for (int i = 0; i < rule_count; i++) {
    const struct rule *rule = &rules[i];
    if (!(rule->effects & effect) || strncmp(path, rule->path, rule->length) != 0) continue;
    if (path[rule->length] == 0 || path[rule->length] == '/' || rule->path[rule->length - 1] == '/') return rule->error;
  }
  return 0;
}

hidden int fault_of_path(const char *canonical, enum effect effect) {
  if (!any_rules()) return 0;
  int error = match(canonical, effect);
  pthread_mutex_unlock(&lock);
  return error;
}

hidden int fault_of_fd(int fd, enum effect effect) {
  if (!any_rules()) return 0;
  int before = errno;
  char path[4096];
  REAL(int (*)(int, int, ...), "fcntl");
  if (effect == EFFECT_WRITE && real(fd, F_GETFL) & O_DSYNC) effect |= EFFECT_THROUGH;
  int error = path_of(fd, path) ? match(path, effect) : 0;
  errno = before;
  pthread_mutex_unlock(&lock);
  return error;
}
