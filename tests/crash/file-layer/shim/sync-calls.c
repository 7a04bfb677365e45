/* Calls after which changes are on the disk. What had begun to be written when the call began is covered, no more. */
#include "layer.h"

static int sync_file(int fd, int flags, int (*real)(int)) {
  struct stat file;
  if (!tracked(fd, &file)) return real(fd);
  FAIL_IF(fault_of_fd(fd, EFFECT_SYNC));
  uint64_t begun = journal_length();
  int result = real(fd);
  if (result == 0) record(OP_SYNC, flags, file.st_ino, begun, NULL, NULL, NULL, 0, 0);
  return result;
}

int fsync(int fd) {
  REAL(int (*)(int), "fsync");
  return sync_file(fd, 0, real);
}

int fdatasync(int fd) {
  REAL(int (*)(int), "fdatasync");
  return sync_file(fd, FLAG_DATA_ONLY, real);
}

int syncfs(int fd) {
  REAL(int (*)(int), "syncfs");
  uint64_t begun = journal_length();
  int result = real(fd);
  if (result == 0) record(OP_SYNC_ALL, 0, 0, begun, NULL, NULL, NULL, 0, 0);
  return result;
}

void sync(void) {
  REAL(void (*)(void), "sync");
  uint64_t begun = journal_length();
  real();
  record(OP_SYNC_ALL, 0, 0, begun, NULL, NULL, NULL, 0, 0);
}
