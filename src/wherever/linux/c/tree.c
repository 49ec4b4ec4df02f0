/* Owns the tree in memory and its open files: tmpfs, and the nodes of /dev and /proc. */
#include "linux.h"

static u32 inodes = 1;
static struct tree fd_nodes[NOFILE_MAX > 256 ? 256 : NOFILE_MAX];   /* of /proc/self/fd, made as they are looked up */

struct tree *tree_new(struct tree *parent, const char *name, u32 type, u32 mode) {
  if (strlen(name) > 255) return NULL;
  struct tree *t = kalloc(sizeof *t);
  if (!t) return NULL;
  if (!(t->name = copy_string(name))) {
    kfree(t);
    return NULL;
  }
  t->type = type;
  t->mode = mode;
  t->uid = credentials[2];
  t->gid = credentials[3];
  t->links = type == TREE_DIRECTORY || type == TREE_FDS ? 2 : 1;
  t->inode = ++inodes;
  t->accessed = t->modified = t->changed = timespec_of(now(CLOCK_REALTIME));
  if (parent) {
    t->parent = parent;
    struct tree **link = &parent->child;
    while (*link) link = &(*link)->next;
    *link = t;
    parent->modified = parent->changed = t->modified;
    if (type == TREE_DIRECTORY) parent->links++;
  }
  return t;
}

struct tree *tree_child(struct tree *directory, const char *name, u32 n) {
  if (directory->type == TREE_FDS) {
    u32 fd = 0;
    for (u32 i = 0; i < n; i++) {
      if (name[i] < '0' || name[i] > '9' || fd > 100000) return NULL;
      fd = fd * 10 + (u32)(name[i] - '0');
    }
    if (!n || !fd_get((int)fd)) return NULL;
    struct tree *t = &fd_nodes[fd % COUNT(fd_nodes)];
    *t = (struct tree){.parent = directory, .name = (char *)"", .type = TREE_FDLINK, .mode = 0700,
                       .links = 1, .references = 1, .fixed = 1, .inode = 100000 + fd, .number = fd,
                       .size = 64, .uid = credentials[2], .gid = credentials[3]};
    t->accessed = t->modified = t->changed = timespec_of(now(CLOCK_REALTIME));
    return t;
  }
  for (struct tree *t = directory->child; t; t = t->next)
    if (!strncmp(t->name, name, n) && !t->name[n]) return t;
  return NULL;
}

struct tree *tree_find(struct tree *from, const char *relative, int *error) {
  for (const char *p = relative; *p;) {
    while (*p == '/') p++;
    u32 n = 0;
    while (p[n] && p[n] != '/') n++;
    if (!n) break;
    if (!(n == 1 && *p == '.')) {
      if (from->type != TREE_DIRECTORY && from->type != TREE_FDS) {
        *error = -ENOTDIR;
        return NULL;
      }
      struct tree *next = tree_child(from, p, n);
      if (!next) {
        const char *rest = p + n;
        while (*rest == '/') rest++;
        (void)rest;
        *error = -ENOENT;
        return NULL;
      }
      from = next;
    }
    p += n;
  }
  return from;
}

u64 tree_target(struct tree *t, char *to, u64 n) {
  const char *from = t->number ? cwd : (const char *)t->data;    /* /proc/self/cwd has a number */
  n = MIN(n, t->number ? strlen(cwd) : t->size);
  memcpy(to, from, (size_t)n);
  return n;
}

int tree_stat(struct tree *t, struct host_stat *s) {
  static const u32 types[] = {S_IFDIR, S_IFREG, S_IFLNK, S_IFCHR, S_IFREG, S_IFDIR, S_IFLNK};
  memset(s, 0, sizeof *s);
  s->dev = 0x19;
  s->ino = t->inode;
  s->mode = types[t->type] | t->mode;
  s->nlink = t->links;
  s->uid = t->uid;
  s->gid = t->gid;
  s->size = t->type == TREE_DIRECTORY ? 40 : (s64)t->size;
  if (t->type == TREE_DEVICE) s->rdev = t->number, s->size = 0;
  s->blksize = 4096;
  s->blocks = t->type == TREE_FILE ? (t->size + 4095) / 4096 * 8 : 0;
  s->atime = t->accessed.tv_sec, s->atime_nsec = (u32)t->accessed.tv_nsec;
  s->mtime = t->modified.tv_sec, s->mtime_nsec = (u32)t->modified.tv_nsec;
  s->ctime = t->changed.tv_sec, s->ctime_nsec = (u32)t->changed.tv_nsec;
  return 0;
}

struct open_tree { struct tree *tree; struct text text; };   /* text: what /proc said when it was opened */
struct tree *tree_of(struct file *f) { return ((struct open_tree *)f->node)->tree; }

int tree_open(struct tree *t, const char *path, u32 flags, struct file **out) {
  u32 access = flags & O_ACCMODE;
  int directory = t->type == TREE_DIRECTORY || t->type == TREE_FDS;
  if (flags & O_DIRECTORY && !directory) return -ENOTDIR;
  if (directory && access != O_RDONLY) return -EISDIR;
  if (t->type == TREE_TEXT && access != O_RDONLY && !(t->mode & 0222)) return -EACCES;
  if (t->type == TREE_DEVICE && t->number == 0x500 && !(flags & O_PATH)) return terminal_open(path, flags, out);
  struct host_stat s;
  tree_stat(t, &s);
  int wanted = (access != O_WRONLY ? 4 : 0) | (access != O_RDONLY ? 2 : 0);
  if (!(flags & O_PATH) && !(flags & O_CREAT) && may_access(&s, wanted)) return -EACCES;
  struct file *f = file_new(&tree_ops, flags);
  struct open_tree *o = kalloc(sizeof *o);
  if (!f || !o || (path && !(f->path = copy_string(path)))) {
    kfree(f);
    kfree(o);
    return -ENOMEM;
  }
  o->tree = t;
  t->references++;
  f->node = o;
  if (t->type == TREE_TEXT) proc_text(t->number, &o->text);
  if (t->type == TREE_FILE && flags & O_TRUNC && access != O_RDONLY && t->size) f->ops->truncate(f, 0);
  *out = f;
  return 0;
}

struct file *tree_anonymous(const char *name) {
  static char path[300];
  struct file *f;
  struct tree *t = tree_new(NULL, name, TREE_FILE, 0777);
  if (!t) return NULL;
  t->links = 0;
  struct text text = {0};
  put(&text, "/memfd:");
  put(&text, name);
  memcpy(path, text.at, text.length + 1);
  kfree(text.at);
  return tree_open(t, path, O_RDWR | O_CREAT, &f) ? NULL : f;
}

static s64 tree_pread(struct file *f, void *to, u64 n, s64 offset) {
  struct open_tree *o = f->node;
  struct tree *t = o->tree;
  const u8 *from = t->type == TREE_TEXT ? (u8 *)o->text.at : t->data;
  u64 size = t->type == TREE_TEXT ? o->text.length : t->size;
  if (t->type == TREE_DIRECTORY || t->type == TREE_FDS) return -EISDIR;
  if (t->type == TREE_DEVICE) return device_read(t->number, to, n);
  if ((u64)offset >= size) return 0;
  n = MIN(n, size - (u64)offset);
  memcpy(to, from + offset, (size_t)n);
  return (s64)n;
}

static int reserve(struct tree *t, u64 size) {
  if (size <= t->capacity) return 0;
  if (size > 0x60000000) return -ENOSPC;
  u64 capacity = size + size / 2 + 64;
  u8 *larger = krealloc(t->data, t->size, capacity);
  if (!larger && !(larger = krealloc(t->data, t->size, capacity = size))) return -ENOSPC;
  t->data = larger;
  t->capacity = capacity;
  return 0;
}
static s64 tree_pwrite(struct file *f, const void *from, u64 n, s64 offset) {
  struct tree *t = tree_of(f);
  if (t->type == TREE_DEVICE) return device_write(t->number, from, n);
  if (t->type != TREE_FILE) return t->type == TREE_TEXT ? (s64)n : -EISDIR;
  if (f->flags & O_APPEND) offset = (s64)t->size;
  if (!n) return 0;
  if ((u64)offset + n > rlimits[RLIMIT_FSIZE].rlim_cur) return -EFBIG;
  if (reserve(t, (u64)offset + n)) return -ENOSPC;
  if ((u64)offset > t->size) memset(t->data + t->size, 0, (size_t)((u64)offset - t->size));
  memcpy(t->data + offset, from, (size_t)n);
  if ((u64)offset + n > t->size) t->size = (u64)offset + n;
  t->modified = t->changed = timespec_of(now(CLOCK_REALTIME));
  return (s64)n;
}
static s64 tree_read(struct file *f, void *to, u64 n) {
  s64 done = tree_pread(f, to, n, f->position);
  if (done > 0) f->position += done;
  return done;
}
static s64 tree_write(struct file *f, const void *from, u64 n) {
  struct tree *t = tree_of(f);
  s64 at = f->flags & O_APPEND && t->type == TREE_FILE ? (s64)t->size : f->position;
  s64 done = tree_pwrite(f, from, n, at);
  if (done > 0) f->position = at + done;
  return done;
}
static s64 tree_seek(struct file *f, s64 offset, int whence) {
  struct open_tree *o = f->node;
  s64 size = o->tree->type == TREE_TEXT ? o->text.length : (s64)o->tree->size;
  if (o->tree->type == TREE_DEVICE) {
    return f->position = 0;
  }
  switch (whence) {
  case SEEK_SET: break;
  case SEEK_CUR: offset += f->position; break;
  case SEEK_END:
    if (o->tree->type == TREE_TEXT) return -EINVAL;     /* seq_lseek: what will be written is not known */
    offset += size;
    break;
  case SEEK_DATA: case SEEK_HOLE:
    if (offset < 0 || offset >= size) return -ENXIO;
    if (whence == SEEK_HOLE) offset = size;
    break;
  default: return -EINVAL;
  }
  return offset < 0 ? -EINVAL : (f->position = offset);
}

static u32 put_entry(u8 *to, u64 room, u64 ino, s64 next, u8 type, const char *name) {
  u32 n = (u32)strlen(name), length = (19 + n + 1 + 7) & ~7u;
  if (length > room) return 0;
  memset(to, 0, length);
  memcpy(to, &ino, 8);
  memcpy(to + 8, &next, 8);
  to[16] = (u8)length, to[17] = (u8)(length >> 8), to[18] = type;
  memcpy(to + 19, name, n);
  return length;
}
static s64 tree_list(struct file *f, u8 *to, u64 room) {
  static const u8 types[] = {4, 8, 10, 2, 8, 4, 10};
  struct tree *t = tree_of(f);
  u64 done = 0;
  if (t->type != TREE_DIRECTORY && t->type != TREE_FDS) return -ENOTDIR;
  for (;;) {
    s64 at = f->position;
    u32 n;
    if (at < 2) {
      n = put_entry(to + done, room - done, at && t->parent ? t->parent->inode : t->inode, at + 1, 4,
                    at ? ".." : ".");
    } else if (t->type == TREE_FDS) {
      int fd = (int)at - 2;
      while (fd < fd_highest() && !fd_get(fd)) fd++;
      if (fd >= fd_highest()) return (s64)done;
      struct text name = {0};
      put_number(&name, fd);
      at = fd + 2;
      n = put_entry(to + done, room - done, 100000u + (u32)fd, at + 1, 10, name.at);
      kfree(name.at);
    } else {
      struct tree *c = t->child;
      for (s64 skip = 2; c && skip < at; skip++) c = c->next;
      if (!c) return (s64)done;
      n = put_entry(to + done, room - done, c->inode, at + 1, types[c->type], c->name);
    }
    if (!n) return done ? (s64)done : -EINVAL;
    done += n;
    f->position = at + 1;
  }
}
static int tree_fstat(struct file *f, struct host_stat *s) { return tree_stat(tree_of(f), s); }
static int tree_truncate(struct file *f, s64 size) {
  struct tree *t = tree_of(f);
  if (t->type != TREE_FILE) return -EINVAL;
  if ((u64)size > rlimits[RLIMIT_FSIZE].rlim_cur) return -EFBIG;
  if (reserve(t, (u64)size)) return -ENOSPC;
  if ((u64)size > t->size) memset(t->data + t->size, 0, (size_t)((u64)size - t->size));
  t->size = (u64)size;
  t->modified = t->changed = timespec_of(now(CLOCK_REALTIME));
  return 0;
}
static int tree_allocate(struct file *f, s64 offset, s64 size) {
  struct tree *t = tree_of(f);
  if (t->type != TREE_FILE) return -ENODEV;
  return (u64)(offset + size) > t->size ? tree_truncate(f, offset + size) : 0;
}
static int tree_chmod(struct file *f, u32 mode) {
  struct tree *t = tree_of(f);
  t->mode = mode & 07777;
  t->changed = timespec_of(now(CLOCK_REALTIME));
  return 0;
}
static int tree_chown(struct file *f, u32 uid, u32 gid) {
  struct tree *t = tree_of(f);
  if (credentials[2] && ((uid != ~0u && uid != t->uid) || (gid != ~0u && gid != t->gid))) return -EPERM;
  if (uid != ~0u) t->uid = uid;
  if (gid != ~0u) t->gid = gid;
  return 0;
}
static int tree_futimens(struct file *f, const struct timespec *times) {
  tree_utimens(tree_of(f), times);
  return 0;
}
static int tree_sync(struct file *f, int data_only) { return tree_of(f)->type == TREE_DEVICE ? -EINVAL : 0; }
static int tree_statfs(struct file *f, struct statfs *s) {
  int proc = tree_of(f)->type == TREE_TEXT;
  *s = (struct statfs){.f_type = proc ? 0x9fa0 : 0x01021994, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = 255};
  return 0;
}
static void tree_close(struct file *f) {
  struct open_tree *o = f->node;
  struct tree *t = o->tree;
  kfree(o->text.at);
  kfree(o);
  if (--t->references || t->links || t->fixed) return;
  kfree(t->data);
  kfree(t->name);
  kfree(t);
}
const struct file_ops tree_ops = {
  .read = tree_read, .write = tree_write, .pread = tree_pread, .pwrite = tree_pwrite,
  .seek = tree_seek, .list = tree_list, .stat = tree_fstat, .truncate = tree_truncate,
  .allocate = tree_allocate, .chmod = tree_chmod, .chown = tree_chown, .utimens = tree_futimens,
  .sync = tree_sync, .statfs = tree_statfs, .close = tree_close,
};
