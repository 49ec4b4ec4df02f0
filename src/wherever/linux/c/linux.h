/* Owns the words every part of the personality uses: types, errno, files, places, memory. */
#pragma once
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef __SIZE_TYPE__ size_t;
#define NULL ((void *)0)
#include "abi.h"
#include "constants.h"
#include "handlers.h"

#define PATH_MAX 4096
#define NOFILE_MAX 4096
#define PAGE 4096ull
#define COUNT(a) (sizeof(a) / sizeof *(a))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define EXPORT(name) __attribute__((export_name(#name)))

/* ---- strings (string.c) */
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *copy_string(const char *s);                       /* kalloc'ed; NULL when out of memory */
struct text { char *at; u32 length, capacity; };        /* a growing buffer of characters */
void put(struct text *t, const char *s);
void put_bytes(struct text *t, const char *s, u32 n);
void put_number(struct text *t, s64 n);
void put_unsigned(struct text *t, u64 n, u32 base, u32 width, char fill);

/* ---- memory: the guest's pages, and our own (memory.c, map.c) */
#define PROT_KERNEL 8u                                  /* our own pages: no guest pointer may name them */
void *guest(u64 address, u64 size, u32 protection);     /* NULL: EFAULT */
int mapped(u64 address);                                /* whether the address is on a page of the guest's */
int copy_in(void *to, u64 from, u64 size);
int copy_out(u64 to, const void *from, u64 size);
s64 guest_path(u64 address, char *to);                  /* to: PATH_MAX bytes; the length, or -errno */
void *kalloc(u64 size);                                 /* zeroed; NULL when out of memory */
void kfree(void *p);
void *krealloc(void *p, u64 old_size, u64 size);
int memory_start(void);
u64 kernel_pages(u64 size);                             /* 0 when out of memory */
void kernel_unmap(u64 address, u64 size);
u64 map_stack(u64 size);
void map_flush_all(void);
void map_fit(int shrunk);                               /* a file may have grown, or one has shrunk */
int mapped_beyond(u64 address);                         /* beyond the end of the file that is mapped there */
void map_describe(struct text *t);
void map_path(u64 address, struct text *t);
extern u64 brk_start, brk_now, mapped_bytes;
extern struct rlimit rlimits[16];

/* ---- files (file.c, descriptors.c) */
struct file;
struct kstat { struct host_stat s; };
struct file_ops {
  s64 (*read)(struct file *, void *, u64);
  s64 (*write)(struct file *, const void *, u64);
  s64 (*pread)(struct file *, void *, u64, s64);
  s64 (*pwrite)(struct file *, const void *, u64, s64);
  s64 (*seek)(struct file *, s64, int);
  s64 (*list)(struct file *, u8 *, u64);                /* getdents64 */
  int (*stat)(struct file *, struct host_stat *);
  int (*truncate)(struct file *, s64);
  int (*allocate)(struct file *, s64, s64);
  int (*chmod)(struct file *, u32);
  int (*chown)(struct file *, u32, u32);
  int (*utimens)(struct file *, const struct timespec *);   /* two, UTIME_NOW and _OMIT as they are */
  int (*sync)(struct file *, int data_only);
  int (*statfs)(struct file *, struct statfs *);
  s64 (*ioctl)(struct file *, u32, u64);
  u32 (*poll)(struct file *);                           /* POLL*; NULL: always readable and writable */
  void (*close)(struct file *);
};
struct file {
  const struct file_ops *ops;
  u32 references, flags;                                /* O_* */
  s64 position;
  u32 host;                                             /* preview 1 descriptor, where there is one */
  u32 kind;                                             /* of a host descriptor: its file type */
  void *node;                                           /* of the other kinds */
  char *path;                                           /* canonical, as the guest sees it; may be NULL */
  u32 locked;                                           /* by flock(2): LOCK_SH or LOCK_EX */
  u32 aux;                                              /* of /dev/tty: where it writes, plus one; it owns neither */
};
struct file *link_file(const char *path, u32 flags);    /* O_PATH | O_NOFOLLOW of a symbolic link */
extern const struct file_ops host_ops, tree_ops, pipe_ops, event_ops, timer_ops, signal_ops, epoll_ops;
struct file *file_new(const struct file_ops *ops, u32 flags);
void file_hold(struct file *f);
void file_drop(struct file *f);
struct file *fd_get(int fd);                            /* NULL: EBADF */
int fd_install(struct file *f, int lowest, u32 flags);  /* takes the reference, also on failure */
int fd_room(void);                                      /* 0, or -EMFILE */
int fd_close(int fd);
void fd_closing(struct file *f);                        /* epoll forgets it */
u32 fd_flags(int fd);
int fd_highest(void);
void files_start(void);
#define IS_DIRECTORY(f) ((f)->ops->list != NULL && file_is_directory(f))
int file_is_directory(struct file *f);
int size_allowed(s64 size);                             /* RLIMIT_FSIZE: 0, or -EFBIG and its signal */
s64 file_read(struct file *f, void *to, u64 n);
s64 file_write(struct file *f, const void *from, u64 n);

/* ---- places: a path, walked (walk.c, mounts.c) */
struct tree;
struct mount { char *path; u32 length; u32 host; struct tree *root; };   /* root: NULL for a host directory */
struct place {
  char path[PATH_MAX];                                  /* canonical as far as it was walked */
  struct mount *mount;
  const char *relative;                                 /* within the mount; "." for its root */
  u8 follow, fast, directory;                           /* the host follows; not walked by us; trailing slash */
  u8 beyond;                                            /* exists only as a descriptor: /proc/self/fd/N */
  int descriptor;
};
enum { WALK_NOFOLLOW = 1, WALK_EMPTY = 2, WALK_SLOW = 4, WALK_CREATE = 8 };
int walk(int dirfd, const char *path, u32 flags, struct place *place);
int walk_guest(int dirfd, u64 path, u32 flags, struct place *place);
enum { NO_XDEV = 1, NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8, IN_ROOT = 16, CACHED = 32 };
extern u32 walk_resolve;                                /* openat2(2): RESOLVE_*, for the next walk */
int walk_again(struct place *place, int result);        /* the host refused a link: walk it ourselves */
void mounts_start(void);
struct mount *mount_of(const char *path);
void refused(const struct place *p);
void mounts_describe(struct text *t, int more);
extern char cwd[PATH_MAX];

int place_stat(struct place *p, struct host_stat *s);
int place_open(struct place *p, u32 flags, u32 mode, struct file **out);
void put_path(struct text *t, struct file *f);
s64 place_readlink(struct place *p, char *to, u64 n);
int place_mkdir(struct place *p, u32 mode);
int place_vacant(struct place *p);                      /* 0: the name is free, its directory exists */
int place_unlink(struct place *p, int directory);
int place_symlink(struct place *p, const char *target);
int place_link(struct place *from, struct place *to);
int place_rename(struct place *from, struct place *to);
int place_chmod(struct place *p, u32 mode);
int place_chown(struct place *p, u32 uid, u32 gid);
int place_utimens(struct place *p, const struct timespec *times);
int place_truncate(struct place *p, s64 size);
int place_statfs(struct place *p, struct statfs *s);
int may_access(const struct host_stat *s, int mode);

/* ---- host directories (host.c) */
int host_stat_at(u32 fd, const char *path, int follow, struct host_stat *s);
int host_open(u32 fd, const char *path, int follow, u32 flags, u32 mode, struct file **out);
s64 host_readlink(u32 fd, const char *path, char *to, u64 n);
int host_mkdir(u32 fd, const char *path, u32 mode);
int host_unlink(u32 fd, const char *path, int directory);
int host_symlink(u32 fd, const char *path, const char *target);
int host_link(u32 fd, const char *path, int follow, u32 to_fd, const char *to);
int host_rename(u32 fd, const char *path, u32 to_fd, const char *to);
int host_chmod(u32 fd, const char *path, int follow, u32 mode);
int host_chown(u32 fd, const char *path, int follow, u32 uid, u32 gid);
int host_utimens(u32 fd, const char *path, int follow, const struct timespec *times);
int host_statfs(u32 fd, struct statfs *s);
int host_is_terminal(struct file *f);
struct file *host_file(u32 fd, u32 flags);
void host_flags(struct file *f);                        /* the host appends as the guest now wishes */

/* ---- the terminal (terminal.c) */
void terminal_start(void);                              /* which standard descriptors are one */
int terminal_open(const char *path, u32 flags, struct file **out);   /* /dev/tty */

/* ---- the tree in memory: tmpfs, /dev, /proc (tree.c, proc.c, devices.c) */
enum { TREE_DIRECTORY, TREE_FILE, TREE_LINK, TREE_DEVICE, TREE_TEXT, TREE_FDS, TREE_FDLINK };
struct tree {
  struct tree *parent, *next, *child;
  char *name;
  u8 *data;                                             /* a file's bytes, a link's target */
  u64 size, capacity;
  u32 type, mode, uid, gid, links, references, inode, number;   /* number: device, text or descriptor */
  struct timespec accessed, modified, changed;
  u8 fixed;                                             /* of /dev and /proc: cannot be removed */
};
struct tree *tree_new(struct tree *parent, const char *name, u32 type, u32 mode);
struct tree *tree_find(struct tree *from, const char *relative, int *error);
struct tree *tree_child(struct tree *directory, const char *name, u32 n);
int tree_stat(struct tree *t, struct host_stat *s);
u64 tree_target(struct tree *t, char *to, u64 n);          /* of a TREE_LINK */
void tree_utimens(struct tree *t, const struct timespec *times);
int tree_open(struct tree *t, const char *path, u32 flags, struct file **out);
struct file *tree_anonymous(const char *name);          /* memfd_create, O_TMPFILE */
struct tree *tree_of(struct file *f);
int device_maps(const struct tree *t);                  /* whether it can be mapped: /dev/zero */
void proc_start(struct tree *proc);
void proc_text(u32 which, struct text *t);
void proc_program(const char *path);
void devices_start(struct tree *dev);
s64 device_read(u32 number, void *to, u64 n);
s64 device_write(u32 number, const void *from, u64 n);

/* ---- time, timers, waiting (clock.c, timers.c, wait.c) */
#define FOREVER 0x7fffffffffffffffll
s64 now(int clock);                                     /* nanoseconds; CLOCK_REALTIME or _MONOTONIC */
s64 timers_next(void);                                  /* monotonic time of the next expiry, or FOREVER */
void timers_run(void);                                  /* raise what has expired */
int wait_until(s64 deadline);                           /* 0 at the deadline, -EINTR when a signal is due */
int wait_for(struct file **files, const u32 *events, u32 *ready, u32 n, s64 deadline);
int duration(u64 address, s64 *nanoseconds);            /* a timespec; 0 address: FOREVER */
u32 file_poll(struct file *f);
u32 file_arrivals(struct file *f);
struct timespec timespec_of(s64 nanoseconds);

/* ---- signals (signals.c, frame.c) */
extern u64 signal_pending, signal_blocked;
void host_signals_take(void);                           /* what has come from the host is pending now */
int signal_due(void);                                   /* one is pending, not blocked and not ignored */
void signal_raise(int signal, int code, u64 value);
void signal_raise_info(int signal, const struct siginfo *info);
int stack_take(const struct stack *new, int on_it);
int signal_timer(int signal, int timer, u64 value, int overrun); /* the overruns by now */
int signal_take(u64 set, struct siginfo *info);         /* 0: none */
int signal_deliver(void);                               /* into linux_state; 1: changed */
void signal_return(void);
void signal_saved_mask(u64 mask);                       /* restore after the handler: sigsuspend, ppoll */
void signals_settle(void);
void signal_force(int signal, int code, u64 address);
_Noreturn void end_by_signal(int signal);
extern struct sigaction actions[65];
extern struct stack alternate_stack;
extern u8 alternate_used;
extern u64 trap_sp;
u64 below_stack(u64 sp);
int on_alternate(u64 sp);

/* ---- code (code.c): the image's is translated, and no other */
int in_image(u64 pc);                                   /* whether instructions of the image can be there */
int stack_protection(void);
void code_start(void);
void code_keep(u64 start, u64 end);                     /* these pages may change from now on */
void code_granted(u64 start, u64 end);                  /* these are code from now on */
void code_changed(u64 address);                         /* says so, and gives the guest SIGILL (trace.c) */
int trampoline(void);                                   /* 1: linux_state is where it leads to */

/* ---- the process (process.c, start.c) */
extern u32 linux_pending;
extern struct linux_image linux_image;
extern struct linux_state linux_state;
extern u32 credentials[4];                              /* uid, gid, euid, egid */
extern u32 file_mask;
extern char *program_path, *command_line, *environment, process_name[16];
extern u32 command_line_size, environment_size;
extern u64 auxiliary[24][2];                             /* what the program was started with */
#define PID 1000
#define ERESTART 512                                     /* EINTR that SA_RESTART undoes */
extern u8 attention;                                    /* a timer is armed or a signal is pending */
_Noreturn void end(int status);
s64 absent(u64 nr);
s64 dispatch(u64 nr, const u64 *arguments);
extern const char *const call_signatures[];
extern const u32 call_count;
s64 poll(u64 fds, u32 n, int milliseconds);
void say(const char *message);                          /* to standard error, for us */
void trace_start(void);
void trace_call(u64 nr, const u64 *a, s64 result);
extern u8 tracing;
