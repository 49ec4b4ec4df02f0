/* Owns how a path becomes a place: mounts, ".." and symbolic links. path_resolution(7). */
#include "wasi.h"

char cwd[PATH_MAX] = "/";
u32 walk_resolve;
static struct mount mounts[64];
static u32 mount_count;

static int under(const char *path, const struct mount *m) {
  if (m->length == 1) return 1;
  return !strncmp(path, m->path, m->length) && (!path[m->length] || path[m->length] == '/');
}
struct mount *mount_of(const char *path) {
  struct mount *best = NULL;
  for (u32 i = 0; i < mount_count; i++)
    if (under(path, &mounts[i]) && (!best || mounts[i].length >= best->length)) best = &mounts[i];
  return best;
}
static struct mount *mount(const char *path, u32 host, struct tree *root) {
  if (mount_count == COUNT(mounts)) return NULL;
  struct mount *m = &mounts[mount_count++];
  *m = (struct mount){copy_string(path), (u32)strlen(path), host, root};
  return m;
}
static void put_mount(struct text *t, const char *path) {
  for (; *path; path++) {                               /* getmntent(3): blanks and backslashes in octal */
    u8 c = (u8)*path;
    if (c != ' ' && c != '\t' && c != '\n' && c != '\\') put_bytes(t, path, 1);
    else put(t, "\\"), put_unsigned(t, c, 8, 3, '0');
  }
}

/* /proc/mounts, or with `more` /proc/self/mountinfo. */
void mounts_describe(struct text *t, int more) {
  for (u32 i = 0; i < mount_count; i++) {
    const char *kind = !mounts[i].root                  ? "hostfs"
                       : !strcmp(mounts[i].path, "/proc") ? "proc"
                       : !strcmp(mounts[i].path, "/dev")  ? "devtmpfs"
                                                          : "tmpfs";
    if (more) {
      put_unsigned(t, 20 + i, 10, 0, ' '), put(t, i ? " 20 0:" : " 1 0:"), put_unsigned(t, 20 + i, 10, 0, ' ');
      put(t, " / "), put_mount(t, mounts[i].path), put(t, " rw,relatime - ");
      put(t, kind), put(t, " "), put(t, kind), put(t, " rw\n");
      continue;
    }
    put(t, kind), put(t, " "), put_mount(t, mounts[i].path), put(t, " ");
    put(t, kind), put(t, " rw,relatime 0 0\n");
  }
}

/* A path that exists nowhere: our host is told, so that the refusal names the grant it would need. */
static u32 ungranted;
void refused(const struct place *p) {
  struct host_stat s;
  if (ungranted && p->mount == &mounts[0] && p->mount->root) host_stat_at(ungranted, p->relative, 0, &s);
}

static int exists(const char *path) {
  for (u32 i = 0; i < mount_count; i++)
    if (!strcmp(mounts[i].path, path)) return 1;
  return 0;
}
/* The directories that lead to a mount must exist in the tree above it. */
static void lead_to(struct tree *root, const char *path) {
  char name[256];
  for (const char *p = path; *p;) {
    while (*p == '/') p++;
    u32 n = 0;
    while (p[n] && p[n] != '/' && n < sizeof name - 1) name[n] = p[n], n++;
    if (!n) return;
    name[n] = 0;
    struct tree *next = tree_child(root, name, n);
    root = next ? next : tree_new(root, name, TREE_DIRECTORY, 0755);
    if (!root) return;
    p += n;
  }
}

/* Every preopened directory is a mount; what they leave free of /, /dev, /proc and /tmp is in memory. */
void mounts_start(void) {
  static char name[PATH_MAX], path[PATH_MAX];
  const char *first = NULL;
  struct tree *root = tree_new(NULL, "/", TREE_DIRECTORY, 0755);
  mount("/", 0, root);
  for (u32 fd = 3;; fd++) {
    struct wasi_prestat p;
    if (wasi_fd_prestat_get(fd, &p)) break;
    if (p.tag || p.length >= PATH_MAX - 2 || wasi_fd_prestat_dir_name(fd, name, p.length)) continue;
    name[p.length] = 0;
    u32 n = 0;
    for (const char *s = name; *s;) {                   /* "." and "./a" hang under "/" */
      while (*s == '/') s++;
      u32 length = 0;
      while (s[length] && s[length] != '/') length++;
      if (length && !(length == 1 && *s == '.')) {
        path[n++] = '/';
        memcpy(path + n, s, length);
        n += length;
      }
      s += length;
    }
    if (!n) path[n++] = '/';
    path[n] = 0;
    struct wasi_stat s;
    if (path[1] == 0 && !wasi_path_filestat_get(fd, 1, ".", 1, &s) && s.dev == 0 && s.ino == 1) {
      ungranted = fd;                                   /* our host's root for what was not granted */
      continue;
    }
    struct mount *made = mount(path, fd, NULL);
    if (made && !first) first = made->path;
  }
  static const char *const ours[] = {"/dev", "/proc", "/tmp", "/dev/shm"};
  struct tree *made = NULL;
  for (u32 i = 0; i < COUNT(ours); i++) {
    if (exists(ours[i])) continue;
    struct mount *covered = mount_of(ours[i]);
    if (i == 2 && !covered->root) continue;             /* a granted root has its own /tmp, or none */
    made = tree_new(NULL, ours[i], TREE_DIRECTORY, i < 2 ? 0755 : 01777);
    mount(ours[i], 0, made);
    if (i == 0) devices_start(made);
    if (i == 1) proc_start(made);
  }
  for (u32 i = 0; i < mount_count; i++) {               /* names that lead to mounts exist above them */
    struct mount *above = NULL;
    for (u32 k = 0; k < mount_count; k++)
      if (mounts[k].length < mounts[i].length && under(mounts[i].path, &mounts[k]) &&
          (!above || mounts[k].length >= above->length))
        above = &mounts[k];
    if (above && above->root) lead_to(above->root, mounts[i].path + (above->length == 1 ? 0 : above->length));
  }
  root->fixed = 1;
  const char *pwd = NULL;
  for (u32 at = 0; !pwd && at < environment_size; at += (u32)strlen(environment + at) + 1)
    if (!strncmp(environment + at, "PWD=/", 5)) pwd = environment + at + 4;
  static struct place p;
  static struct host_stat s;
  if (!pwd) pwd = first;                                /* without PWD: the first granted directory */
  if (pwd && strlen(pwd) < PATH_MAX && !walk(AT_FDCWD, pwd, WALK_SLOW, &p) && !place_stat(&p, &s) &&
      (s.mode & S_IFMT) == S_IFDIR)
    memcpy(cwd, p.path, strlen(p.path) + 1);
}

/* Set where in which mount p->path lies. */
static void locate(struct place *p) {
  p->mount = mount_of(p->path);
  const char *rest = p->path + (p->mount->length == 1 ? 0 : p->mount->length);
  while (*rest == '/') rest++;
  p->relative = *rest ? rest : ".";
}

static int append(char *path, const char *name, u32 n) {
  u32 length = (u32)strlen(path);
  if (length + n + 2 > PATH_MAX) return -ENAMETOOLONG;
  if (length > 1) path[length++] = '/';
  memcpy(path + length, name, n);
  path[length + n] = 0;
  return 0;
}

static int has_dots(const char *path) {
  for (const char *p = path; *p; p++)
    if (p[0] == '.' && p[1] == '.' && (p == path || p[-1] == '/') && (!p[2] || p[2] == '/')) return 1;
  return 0;
}

/* Is p->path a symbolic link? Its target's length, 0 when it is something else, or -errno. */
static s64 link_at(struct place *p, char *target) {
  locate(p);
  if (p->mount->root) {
    int error = 0;
    struct tree *t = tree_find(p->mount->root, p->relative, &error);
    if (!t) return error;
    if (t->type == TREE_LINK) return (s64)tree_target(t, target, PATH_MAX - 1);
    if (t->type == TREE_FDLINK) {                       /* a magic link: to the descriptor, not to its path */
      p->beyond = 1;
      p->descriptor = (int)t->number;
    }
    return t->type == TREE_DIRECTORY || t->type == TREE_FDS ? 0 : -ENOTDIR;
  }
  if (!strcmp(p->relative, ".")) return 0;
  s64 n = host_readlink(p->mount->host, p->relative, target, PATH_MAX - 1);
  return n == -EINVAL ? 0 : n;
}

int walk(int dirfd, const char *path, u32 flags, struct place *p) {
  static char todo[PATH_MAX * 2], target[PATH_MAX];
  u32 n = (u32)strlen(path), links = 0, how = walk_resolve;
  walk_resolve = 0;
  p->fast = p->beyond = p->directory = 0;
  p->follow = !(flags & WALK_NOFOLLOW);
  if (!n && !(flags & WALK_EMPTY)) return -ENOENT;
  if (n >= PATH_MAX) return -ENAMETOOLONG;
  if (path[0] == '/' && how & BENEATH) return -EXDEV;
  if (path[0] == '/' && !(how & IN_ROOT)) {
    p->path[0] = '/', p->path[1] = 0;
  } else if (dirfd == AT_FDCWD) {
    memcpy(p->path, cwd, strlen(cwd) + 1);
  } else {
    struct file *f = fd_get(dirfd);
    if (!f) return -EBADF;
    if (!n) {
      p->beyond = 1;
      p->descriptor = dirfd;
    }
    if (n && !IS_DIRECTORY(f)) return -ENOTDIR;
    const char *base = f->path ? f->path : "/";
    memcpy(p->path, base, strlen(base) + 1);
    if (!n) { locate(p); return 0; }
  }
  if (n && path[n - 1] == '/') p->directory = 1, p->follow = 1;
  if (n > 1 && path[n - 1] == '.' && path[n - 2] == '/') p->directory = 1;
  memcpy(todo, path, n + 1);
  char *rest = todo;
  locate(p);
  const struct mount *start = p->mount;
  const u32 base = (u32)strlen(p->path);                /* what BENEATH and IN_ROOT stay below */
  if (!(flags & WALK_SLOW) && !how && !p->mount->root && !has_dots(todo)) {
    /* The host walks: when the whole path lies in one mount of the host, it resolves as Linux would,
     * but for links that leave the mount, which it refuses and `walk_again` brings back here. */
    static char whole[PATH_MAX];
    u32 from = (u32)strlen(p->path);
    memcpy(whole, p->path, from + 1);
    int fits = 1;
    for (char *s = rest; *s && fits;) {
      while (*s == '/') s++;
      u32 length = 0;
      while (s[length] && s[length] != '/') length++;
      if (length > 255) return -ENAMETOOLONG;
      if (length && !(length == 1 && *s == '.')) fits = !append(whole, s, length);
      s += length;
    }
    if (fits && mount_of(whole) == p->mount) {
      memcpy(p->path, whole, strlen(whole) + 1);
      locate(p);
      p->fast = 1;
      return 0;
    }
  }
  for (;;) {
    while (*rest == '/') rest++;
    if (!*rest) break;
    u32 length = 0;
    while (rest[length] && rest[length] != '/') length++;
    if (length > 255) return -ENAMETOOLONG;
    const char *name = rest;
    rest += length;
    const char *more = rest;
    while (*more == '/') more++;
    int last = !*more;
    if (p->beyond) return -ENOTDIR;
    if (length == 1 && name[0] == '.') continue;
    if (length == 2 && name[0] == '.' && name[1] == '.') {
      struct host_stat s;
      if (how & (BENEATH | IN_ROOT) && strlen(p->path) == base) {
        if (how & BENEATH) return -EXDEV;
        continue;
      }
      locate(p);
      if (!p->mount->root && strcmp(p->relative, ".")) {  /* "file/.." is no place */
        int r = host_stat_at(p->mount->host, p->relative, 0, &s);
        int removed = r == -ENOENT && strlen(p->path) == base;   /* "cd .." leaves a removed directory */
        if (r < 0 && !removed) return r;
        if (!removed && (s.mode & S_IFMT) != S_IFDIR) return -ENOTDIR;
      }
      char *slash = strrchr(p->path, '/');
      *(slash == p->path ? slash + 1 : slash) = 0;
      continue;
    }
    u32 before = (u32)strlen(p->path);
    int error = append(p->path, name, length);
    if (error) return error;
    if (last && !p->follow) break;
    p->beyond = 0;
    s64 to = link_at(p, target);
    if (how & NO_XDEV && p->mount != start) return -EXDEV;
    if ((p->beyond && how & (NO_MAGICLINKS | NO_SYMLINKS)) || (to > 0 && how & NO_SYMLINKS)) return -ELOOP;
    if (p->beyond && how & (BENEATH | IN_ROOT)) return -EXDEV;
    if (to > 0 && target[0] == '/' && how & (BENEATH | NO_XDEV)) return -EXDEV;
    if (to < 0) {
      if (last && !p->beyond && (to == -ENOENT || to == -ENOTDIR)) break;
      if (p->beyond) {
        struct file *f = fd_get(p->descriptor);
        if (!f) return -ENOENT;
        if (last) break;
        if (!IS_DIRECTORY(f) || !f->path) return -ENOTDIR;
        memcpy(p->path, f->path, strlen(f->path) + 1);
        p->beyond = 0;
        continue;
      }
      if (to == -ENOENT && !append(p->path, more, (u32)strlen(more))) locate(p), refused(p);
      return (int)to;
    }
    if (to > 0) {
      if (++links > 40) return -ELOOP;
      u32 left = (u32)strlen(rest);
      if ((u64)to + left + 1 > sizeof todo) return -ENAMETOOLONG;
      memmove(todo + to, rest, left + 1);
      memcpy(todo, target, (size_t)to);
      rest = todo;
      if (target[0] == '/') p->path[how & IN_ROOT ? base : 1] = 0;
      else p->path[before] = 0;
      if (p->path[0] == 0) p->path[0] = '/', p->path[1] = 0;
      continue;
    }
  }
  locate(p);
  if (!p->mount->root) p->follow = 0;                   /* we followed already */
  return 0;
}

int walk_guest(int dirfd, u64 path, u32 flags, struct place *p) {
  static char copy[PATH_MAX];
  s64 n = guest_path(path, copy);
  int r = n < 0 ? (int)n : walk(dirfd, copy, flags, p);
  return r == -EESCAPE ? -EACCES : r;
}

int walk_again(struct place *p, int result) {
  static char path[PATH_MAX + 2];
  if (!p->fast) return 0;
  p->fast = 0;
  if (result != -EESCAPE && result != -EXDEV && result != -EPERM && result != -ELOOP &&
      result != -EACCES)
    return 0;
  u32 n = (u32)strlen(p->path);
  memcpy(path, p->path, n + 1);
  if (p->directory && n > 1) path[n] = '/', path[n + 1] = 0;
  return walk(AT_FDCWD, path, WALK_SLOW | (p->follow ? 0 : WALK_NOFOLLOW), p) == 0;
}
