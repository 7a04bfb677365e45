/*
 * A file layer below one process, loaded with LD_PRELOAD: it sees each call by which the process changes files under a
 * folder, and can write it to a journal or let it fail. README.md beside this folder tells how to use it.
 *
 * Descriptors are known by inode (dev, ino), not by path: a file keeps its identity while it is renamed.
 */
#pragma once
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* The libc's own function behind the one that is interposed. */
#define REAL(type, name) \
  static __typeof__(type) real; \
  if (!real) real = (type)dlsym(RTLD_NEXT, name)

enum operation {
  OP_WRITE = 1,     /* ino, a = offset, payload; flag SYNCED when the descriptor is O_SYNC or O_DSYNC */
  OP_TRUNCATE = 2,  /* ino, a = size */
  OP_OPEN = 3,      /* ino, path; flag TRUNCATED. A path that was not there is created by it */
  OP_MKDIR = 4,     /* ino, path */
  OP_RENAME = 5,    /* path, to; flag EXCHANGED when both stay and change places */
  OP_LINK = 6,      /* path, to */
  OP_SYMLINK = 7,   /* path = target text, to = name */
  OP_UNLINK = 8,    /* path */
  OP_RMDIR = 9,     /* path */
  OP_SYNC = 10,     /* ino, a = length of the journal when the sync began; flag DATA_ONLY for fdatasync */
  OP_SYNC_ALL = 11, /* a as above */
  OP_MAP = 12,      /* ino, path: mapped shared and writable, so what is written there is not seen */
  OP_UNSEEN = 13,   /* path = the name of a call that changed files and that the layer can't follow */
};
enum { FLAG_SYNCED = 1, FLAG_TRUNCATED = 2, FLAG_DATA_ONLY = 4, FLAG_EXCHANGED = 8 };

enum effect { EFFECT_WRITE = 1, EFFECT_SYNC = 2, EFFECT_NAME = 4, EFFECT_THROUGH = 8 };

#define hidden __attribute__((visibility("hidden")))

/* descriptors.c */
hidden int under_root(const char *absolute);
/* The canonical absolute path of (dirfd, path), its last part unresolved; 1 when it is under the root. */
hidden int resolve(int dirfd, const char *path, char out[4096]);
/* 1 and the inode when the descriptor is a regular file or folder under the root. */
hidden int tracked(int fd, struct stat *found);
hidden int path_of(int fd, char out[4096]);
hidden void opened(int fd);
hidden void closed(int fd);
hidden pthread_mutex_t *file_lock(ino_t inode);
hidden extern pthread_mutex_t name_lock;

/* journal.c */
hidden int journalling(void);
hidden uint64_t journal_length(void);
hidden void record(enum operation op, int flags, uint64_t ino, uint64_t a, const char *path, const char *to,
                   const struct iovec *payload, int count, size_t bytes);
hidden void record_names(enum operation op, uint64_t ino, const char *path, const char *to);

/* faults.c: the errno that a call is to fail with, or 0. */
hidden int fault_of_fd(int fd, enum effect effect);
hidden int fault_of_path(const char *canonical, enum effect effect);

#define FAIL_IF(fault) \
  do { \
    int fault_ = (fault); \
    if (fault_) { errno = fault_; return -1; } \
  } while (0)
