/* Owns operations on places: each goes to the host's directory or to the tree in memory. */
#include "linux.h"

#define TRY(p, call)                                                                  \
  int result = (call);                                                                \
  if (result < 0 && walk_again(p, result)) result = (call);                           \
  return result == -EESCAPE ? -EACCES : result

static struct tree *node(struct place *p, int *error) {
  *error = -ENOENT;
  struct tree *t = tree_find(p->mount->root, p->relative, error);
  if (t && p->directory && t->type != TREE_DIRECTORY && t->type != TREE_FDS) {
    *error = -ENOTDIR;
    return NULL;
  }
  if (!t && *error == -ENOENT) refused(p);
  return t;
}
/* Where a new name would go. */
static struct tree *parent(struct place *p, const char **name, int *error) {
  char above[PATH_MAX];
  const char *slash = strrchr(p->relative, '/');
  u32 n = slash ? (u32)(slash - p->relative) : 0;
  memcpy(above, p->relative, n);
  above[n] = 0;
  *name = slash ? slash + 1 : p->relative;
  struct tree *t = tree_find(p->mount->root, n ? above : ".", error);
  if (t && t->type != TREE_DIRECTORY) *error = -ENOTDIR, t = NULL;
  return t;
}
/* What a directory that never changes says of a new name: proc(5) knows none. */
static int unchanging(const struct place *p) { return strcmp(p->mount->path, "/proc") ? -EACCES : -ENOENT; }
static int is_dot(const char *name) { return !strcmp(name, "."); }
static struct timespec moment(void) { return timespec_of(now(CLOCK_REALTIME)); }

static int host_directory_only(struct place *p, int follow) {
  struct host_stat s;
  if (!p->directory) return 0;
  int r = host_stat_at(p->mount->host, p->relative, follow, &s);
  return r ? r : (s.mode & S_IFMT) == S_IFDIR ? 0 : -ENOTDIR;
}


/* After `walk_again` a place may lie in another mount: every operation is a `once` that looks anew. */
static int stat_once(struct place *p, struct host_stat *s) {
  if (p->beyond) {
    struct file *f = fd_get(p->descriptor);
    return f ? f->ops->stat(f, s) : -EBADF;
  }
  if (p->mount->root) {
    int error;
    struct tree *t = node(p, &error);
    return t ? tree_stat(t, s) : error;
  }
  int r = host_stat_at(p->mount->host, p->relative, p->follow, s);
  return r ? r : p->directory && (s->mode & S_IFMT) != S_IFDIR ? -ENOTDIR : 0;
}
int place_stat(struct place *p, struct host_stat *s) { TRY(p, stat_once(p, s)); }

static int open_again(struct file *f, u32 flags, struct file **out);
static int open_link(struct place *p, u32 flags, struct file **out) {
  if (flags & O_DIRECTORY) return -ENOTDIR;
  return (*out = link_file(p->path, flags)) ? 0 : -ENOMEM;
}
static int open_once(struct place *p, u32 flags, u32 mode, struct file **out) {
  if (p->beyond) {
    struct file *f = fd_get(p->descriptor);
    return f ? open_again(f, flags, out) : -ENOENT;
  }
  if (p->directory && flags & O_CREAT) return -EISDIR;
  if (p->directory) flags |= O_DIRECTORY;
  if (!p->mount->root) {
    if (flags & O_CREAT && is_dot(p->relative)) return flags & O_EXCL ? -EEXIST : -EISDIR;
    struct host_stat s;
    if (flags & O_NOFOLLOW && flags & O_PATH && !p->follow) {
      int r = host_stat_at(p->mount->host, p->relative, 0, &s);
      if (r) return r;
      if ((s.mode & S_IFMT) == S_IFLNK) return open_link(p, flags, out);
    }
    int r = host_open(p->mount->host, p->relative, p->follow, flags, mode, out);
    if (!r && !((*out)->path = copy_string(p->path))) r = -ENOMEM;
    return r;
  }
  int error = 0;
  struct tree *t = node(p, &error);
  if (t && flags & O_NOFOLLOW && flags & O_PATH && (t->type == TREE_LINK || t->type == TREE_FDLINK))
    return open_link(p, flags, out);
  if (t && flags & O_CREAT && flags & O_EXCL) return -EEXIST;
  if (!t) {
    if (error != -ENOENT || !(flags & O_CREAT)) return error;
    const char *name;
    struct tree *above = parent(p, &name, &error);
    if (!above) return error;
    if (above->fixed) return unchanging(p);
    if (!(t = tree_new(above, name, TREE_FILE, mode & ~file_mask & 07777))) return -ENOSPC;
    flags &= ~(u32)O_TRUNC;
  } else if (t->type == TREE_DIRECTORY && (flags & O_CREAT || (flags & O_ACCMODE) != O_RDONLY)) {
    return -EISDIR;
  } else if (t->type == TREE_LINK) {
    return -ELOOP;
  }
  if (t->type == TREE_FDLINK) return -ELOOP;
  return tree_open(t, p->path, flags, out);
}
int place_open(struct place *p, u32 flags, u32 mode, struct file **out) {
  if (flags & O_CREAT && flags & O_DIRECTORY && (flags & O_TMPFILE) != O_TMPFILE) return -EINVAL;
  TRY(p, open_once(p, flags, mode, out));
}
/* open("/proc/self/fd/N"): the file anew where it has a name, the description itself where it has not. */
static int open_again(struct file *f, u32 flags, struct file **out) {
  static struct place again;
  if (f->ops == &tree_ops && tree_of(f)) return tree_open(tree_of(f), f->path, flags & ~(u32)O_EXCL, out);
  if (f->ops == &host_ops && f->path && f->kind != 2 && !walk(AT_FDCWD, f->path, WALK_SLOW, &again))
    return place_open(&again, flags & ~(u32)(O_CREAT | O_EXCL), 0, out);
  if (flags & O_DIRECTORY) return -ENOTDIR;
  file_hold(f);
  *out = f;
  return 0;
}

/* The path that a file was opened by, and whether nothing has that name any more. */
void put_path(struct text *t, struct file *f) {
  struct host_stat now_;
  put(t, f->path);
  if (f->ops->stat && !f->ops->stat(f, &now_) && !now_.nlink) put(t, " (deleted)");
}

static s64 readlink_once(struct place *p, char *to, u64 n) {
  if (!p->mount->root) return is_dot(p->relative) ? -EINVAL : host_readlink(p->mount->host, p->relative, to, n);
  int error;
  struct tree *t = node(p, &error);
  if (!t) return error;
  if (t->type == TREE_FDLINK) {
    struct text text = {0};
    struct file *f = fd_get((int)t->number);
    if (!f) return -ENOENT;
    if (f->path) {
      put_path(&text, f);
    } else {
      put(&text, f->ops == &pipe_ops   ? "pipe:["
                 : f->ops == &host_ops ? (host_is_terminal(f) ? "/dev/pts/0" : "pipe:[")
                 : f->ops == &event_ops ? "anon_inode:[eventfd]"
                 : f->ops == &timer_ops ? "anon_inode:[timerfd]"
                 : f->ops == &signal_ops ? "anon_inode:[signalfd]"
                                         : "anon_inode:[eventpoll]");
      if (text.at[text.length - 1] == '[') put_number(&text, 1000 + (s64)t->number), put(&text, "]");
    }
    n = MIN(n, text.length);
    memcpy(to, text.at, (size_t)n);
    kfree(text.at);
    return (s64)n;
  }
  if (t->type != TREE_LINK) return -EINVAL;
  return (s64)tree_target(t, to, n);
}
s64 place_readlink(struct place *p, char *to, u64 n) {
  struct host_stat s;
  if (p->directory) {                                   /* what a slash follows is a directory, or an error */
    int r = place_stat(p, &s);
    return r ? r : -EINVAL;
  }
  TRY(p, (int)readlink_once(p, to, n));
}

static int make_once(struct place *p, u32 type, u32 mode, const char *target) {
  int error = 0;
  if (!p->mount->root) {
    if (is_dot(p->relative)) return -EEXIST;
    struct host_stat s;
    if (p->directory && type != TREE_DIRECTORY)
      return host_stat_at(p->mount->host, p->relative, 0, &s) ? -ENOENT : -EEXIST;
    if (type == TREE_DIRECTORY) return host_mkdir(p->mount->host, p->relative, mode);
    if (type == TREE_LINK) return host_symlink(p->mount->host, p->relative, target);
    struct file *f;
    error = host_open(p->mount->host, p->relative, 0, O_CREAT | O_EXCL | O_WRONLY, mode, &f);
    if (!error) file_drop(f);
    return error;
  }
  struct tree *t = tree_find(p->mount->root, p->relative, &error);
  if (t) return -EEXIST;
  if (error != -ENOENT) return error;
  if (p->directory && type != TREE_DIRECTORY) return -ENOENT;
  const char *name;
  struct tree *above = parent(p, &name, &error);
  if (!above) return error;
  if (above->fixed) return unchanging(p);
  if (!(t = tree_new(above, name, type, type == TREE_LINK ? 0777 : mode & ~file_mask & 07777)))
    return -ENOSPC;
  if (target) {
    t->data = (u8 *)copy_string(target);
    t->size = t->data ? strlen(target) : 0;
  }
  return 0;
}
int place_mkdir(struct place *p, u32 mode) { TRY(p, make_once(p, TREE_DIRECTORY, mode & 01777, NULL)); }
int place_symlink(struct place *p, const char *target) { TRY(p, make_once(p, TREE_LINK, 0777, target)); }
int place_mknod(struct place *p, u32 mode) { TRY(p, make_once(p, TREE_FILE, mode & 07777, NULL)); }

int place_vacant(struct place *p) {
  static struct place above;
  struct host_stat s;
  int r = place_stat(p, &s);
  if (r != -ENOENT) return r ? r : -EEXIST;
  if (p->directory) return -ENOENT;
  above = *p;
  char *relative = above.path + (p->relative - p->path), *slash = strrchr(relative, '/');
  if (slash) *slash = 0;
  above.relative = slash ? relative : ".";
  above.follow = 1;
  if ((r = place_stat(&above, &s))) return r;
  return (s.mode & S_IFMT) == S_IFDIR ? 0 : -ENOTDIR;
}

static void detach(struct tree *t) {
  struct tree **link = &t->parent->child;
  while (*link != t) link = &(*link)->next;
  *link = t->next;
  t->parent->modified = t->parent->changed = moment();
  if (t->type == TREE_DIRECTORY) t->parent->links--;
  t->parent = NULL;
}
static void attach(struct tree *t, struct tree *to) {
  t->parent = to;
  struct tree **link = &to->child;
  while (*link) link = &(*link)->next;                  /* in order of creation */
  t->next = NULL;
  *link = t;
  to->modified = to->changed = moment();
  if (t->type == TREE_DIRECTORY) to->links++;
}
static void forget(struct tree *t) {
  t->changed = moment();
  if (t->type == TREE_DIRECTORY) t->links = 0;
  else t->links--;
  if (t->links || t->references) return;
  kfree(t->data);
  kfree(t->name);
  kfree(t);
}

static int unlink_once(struct place *p, int directory) {
  int error = 0;
  struct host_stat s;
  if (!p->mount->root) {
    if (is_dot(p->relative)) return directory ? -EBUSY : -EISDIR;
    if (p->directory && !directory) {
      int r = host_stat_at(p->mount->host, p->relative, 0, &s);
      return r ? r : (s.mode & S_IFMT) == S_IFDIR ? -EISDIR : -ENOTDIR;
    }
    return host_unlink(p->mount->host, p->relative, directory);
  }
  struct tree *t = node(p, &error);
  if (!t) return error;
  if (!t->parent) return directory ? -EBUSY : -EISDIR;
  if (directory && t->type != TREE_DIRECTORY) return -ENOTDIR;
  if (!directory && t->type == TREE_DIRECTORY) return -EISDIR;
  if (t->fixed || t->parent->fixed) return unchanging(p) == -ENOENT ? -EPERM : -EACCES;
  if (t->child) return -ENOTEMPTY;
  detach(t);
  forget(t);
  return 0;
}
int place_unlink(struct place *p, int directory) { TRY(p, unlink_once(p, directory)); }

/* A tree node has one name: a second link to a file in memory is refused, as on filesystems without them. */
static int link_once(struct place *from, struct place *to) {
  if (from->mount->root || to->mount->root) {
    struct host_stat s;
    int r = place_stat(from, &s);
    if (r) return r;
    if ((s.mode & S_IFMT) == S_IFDIR) return -EPERM;
    return from->mount != to->mount ? -EXDEV : -EPERM;
  }
  int r = host_directory_only(from, from->follow);
  if (r) return r;
  struct host_stat s;
  if (to->directory) return host_stat_at(to->mount->host, to->relative, 0, &s) ? -ENOENT : -EEXIST;
  return host_link(from->mount->host, from->relative, from->follow, to->mount->host, to->relative);
}
int place_link(struct place *from, struct place *to) {
  int r = link_once(from, to);
  if (r < 0 && r != -EPERM && (walk_again(from, r) | walk_again(to, r))) r = link_once(from, to);
  return r == -EESCAPE ? -EXDEV : r;
}

static int rename_tree(struct place *from, struct place *to) {
  int error = 0;
  const char *name;
  struct tree *t = node(from, &error), *above, *old;
  if (!t) return error;
  if (!t->parent) return -EBUSY;
  if (t->fixed || t->parent->fixed) return unchanging(from);
  if (!(above = parent(to, &name, &error))) return error;
  if (above->fixed) return -EACCES;
  for (struct tree *up = above; up; up = up->parent)
    if (up == t) return -EINVAL;
  old = tree_find(to->mount->root, to->relative, &error);
  if (old == t) return 0;
  if (to->directory && t->type != TREE_DIRECTORY) return -ENOTDIR;
  if (old) {
    if (!old->parent) return -EBUSY;
    if (old->type == TREE_DIRECTORY && t->type != TREE_DIRECTORY) return -EISDIR;
    if (old->type != TREE_DIRECTORY && t->type == TREE_DIRECTORY) return -ENOTDIR;
    if (old->child) return -ENOTEMPTY;
  }
  char *copy = copy_string(name);
  if (!copy) return -ENOMEM;
  if (old) detach(old), forget(old);
  detach(t);
  kfree(t->name);
  t->name = copy;
  attach(t, above);
  t->changed = moment();
  return 0;
}
static int rename_once(struct place *from, struct place *to) {
  if (from->mount != to->mount && (from->mount->root || to->mount->root)) {
    struct host_stat s;
    int r = place_stat(from, &s);
    return r ? r : -EXDEV;
  }
  if (from->mount->root) return rename_tree(from, to);
  if (is_dot(from->relative) || is_dot(to->relative)) return -EBUSY;
  int r = host_directory_only(from, 0);
  if (r) return r;
  if (to->directory && !from->directory) {              /* rename("file", "new/") */
    struct host_stat s;
    r = host_stat_at(from->mount->host, from->relative, 0, &s);
    if (r) return r;
    if ((s.mode & S_IFMT) != S_IFDIR) return -ENOTDIR;
  }
  return host_rename(from->mount->host, from->relative, to->mount->host, to->relative);
}
int place_rename(struct place *from, struct place *to) {
  int r = rename_once(from, to);
  if (r < 0 && (walk_again(from, r) | walk_again(to, r))) r = rename_once(from, to);
  if (r == -EESCAPE) r = -EACCES;
  if (r < 0) return r;
  u32 n = (u32)strlen(from->path);                      /* open directories move with their path */
  for (int fd = -1; fd < fd_highest(); fd++) {
    struct file *f = fd < 0 ? NULL : fd_get(fd);
    char *path = fd < 0 ? cwd : f ? f->path : NULL;
    if (!path || strncmp(path, from->path, n) || (path[n] && path[n] != '/')) continue;
    u32 m = (u32)strlen(to->path), rest = (u32)strlen(path + n);
    if (m + rest + 1 > PATH_MAX) continue;
    char *moved = kalloc(m + rest + 1);
    if (!moved) continue;
    memcpy(moved, to->path, m);
    memcpy(moved + m, path + n, rest + 1);
    if (fd < 0) memcpy(cwd, moved, m + rest + 1), kfree(moved);
    else kfree(f->path), f->path = moved;
  }
  return 0;
}

static int chmod_once(struct place *p, u32 mode) {
  int error = 0;
  if (p->beyond) {
    struct file *f = fd_get(p->descriptor);
    return !f ? -EBADF : f->ops->chmod ? f->ops->chmod(f, mode) : 0;
  }
  if (!p->mount->root) {
    int r = host_directory_only(p, p->follow);
    return r ? r : host_chmod(p->mount->host, p->relative, p->follow, mode);
  }
  struct tree *t = node(p, &error);
  if (!t) return error;
  if (t->type == TREE_LINK) return -EOPNOTSUPP;
  t->mode = mode & 07777;
  t->changed = moment();
  return 0;
}
int place_chmod(struct place *p, u32 mode) { TRY(p, chmod_once(p, mode)); }

static int chown_once(struct place *p, u32 uid, u32 gid) {
  int error = 0;
  if (p->beyond) {
    struct file *f = fd_get(p->descriptor);
    return !f ? -EBADF : f->ops->chown ? f->ops->chown(f, uid, gid) : 0;
  }
  if (!p->mount->root) {
    int r = host_directory_only(p, p->follow);
    return r ? r : host_chown(p->mount->host, p->relative, p->follow, uid, gid);
  }
  struct tree *t = node(p, &error);
  if (!t) return error;
  if (credentials[2] && ((uid != ~0u && uid != t->uid) || (gid != ~0u && gid != t->gid))) return -EPERM;
  if (uid != ~0u) t->uid = uid;
  if (gid != ~0u) t->gid = gid;
  t->changed = moment();
  return 0;
}
int place_chown(struct place *p, u32 uid, u32 gid) { TRY(p, chown_once(p, uid, gid)); }

void tree_utimens(struct tree *t, const struct timespec *times) {
  struct timespec at = moment();
  for (int i = 0; i < 2; i++) {
    struct timespec *which = i ? &t->modified : &t->accessed;
    if (!times || times[i].tv_nsec == UTIME_NOW) *which = at;
    else if (times[i].tv_nsec != UTIME_OMIT) *which = times[i];
  }
  t->changed = at;
}
static int utimens_once(struct place *p, const struct timespec *times) {
  int error = 0;
  if (p->beyond) {
    struct file *f = fd_get(p->descriptor);
    return !f ? -EBADF : f->ops->utimens ? f->ops->utimens(f, times) : 0;
  }
  if (!p->mount->root) {
    int r = host_directory_only(p, p->follow);
    return r ? r : host_utimens(p->mount->host, p->relative, p->follow, times);
  }
  struct tree *t = node(p, &error);
  if (!t) return error;
  tree_utimens(t, times);
  return 0;
}
int place_utimens(struct place *p, const struct timespec *times) { TRY(p, utimens_once(p, times)); }

int place_truncate(struct place *p, s64 size) {
  struct file *f;
  struct host_stat s;
  int r = place_stat(p, &s);
  if (r) return r;
  if ((s.mode & S_IFMT) == S_IFDIR) return -EISDIR;
  if ((s.mode & S_IFMT) != S_IFREG) return -EINVAL;
  if ((r = place_open(p, O_WRONLY, 0, &f))) return r;
  r = size_allowed(size);
  if (!r) r = f->ops->truncate ? f->ops->truncate(f, size) : -EINVAL;
  file_drop(f);
  return r;
}
int place_statfs(struct place *p, struct statfs *s) {
  struct host_stat any;
  int r = place_stat(p, &any);
  if (r) return r;
  if (!p->beyond && !p->mount->root) return host_statfs(p->mount->host, s);
  *s = (struct statfs){.f_type = !strcmp(p->mount->path, "/proc") ? 0x9fa0 : 0x01021994,
                       .f_bsize = 4096, .f_frsize = 4096, .f_namelen = 255};
  return 0;
}
int may_access(const struct host_stat *s, int mode) {
  u32 bits = s->uid == credentials[2]   ? s->mode >> 6
             : s->gid == credentials[3] ? s->mode >> 3
                                        : s->mode;
  if (!credentials[2]) {                                /* root: everything, but x needs one x somewhere */
    bits = 6 | (s->mode & 0111 || (s->mode & S_IFMT) == S_IFDIR ? 1 : 0);
  }
  return ((u32)mode & ~bits & 7) ? -EACCES : 0;
}
