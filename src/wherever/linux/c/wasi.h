/* Owns the doors: what the personality imports. Preview 1, and our own where the host has them. */
#pragma once
#include "linux.h"
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define WASI(name) IMPORT("wasi_snapshot_preview1", #name)

struct wasi_stat { u64 dev, ino; u8 type; u64 nlink, size, atime, mtime, ctime; };
struct wasi_fdstat { u8 type; u16 flags; u64 rights, inheriting; };
struct wasi_dirent { u64 next, inode; u32 length; u8 type; };
struct wasi_iovec { u32 at, length; };
struct wasi_prestat { u8 tag; u32 length; };
struct wasi_subscription {
  u64 user, tag; u32 id; u64 timeout, precision; u16 flags;
};
_Static_assert(sizeof(struct wasi_subscription) == 48, "subscription");
struct wasi_event { u64 user; u16 error; u8 type; u64 bytes; u16 flags; };
_Static_assert(sizeof(struct wasi_event) == 32, "event");
enum {
  WASI_BLOCK = 1, WASI_CHARACTER, WASI_DIRECTORY, WASI_FILE, WASI_DATAGRAM, WASI_STREAM, WASI_LINK,
};

WASI(args_sizes_get) u32 wasi_args_sizes_get(u32 *count, u32 *size);
WASI(args_get) u32 wasi_args_get(u32 *at, char *bytes);
WASI(environ_sizes_get) u32 wasi_environ_sizes_get(u32 *count, u32 *size);
WASI(environ_get) u32 wasi_environ_get(u32 *at, char *bytes);
WASI(clock_time_get) u32 wasi_clock_time_get(u32 clock, u64 precision, u64 *time);
WASI(clock_res_get) u32 wasi_clock_res_get(u32 clock, u64 *resolution);
WASI(fd_allocate) u32 wasi_fd_allocate(u32 fd, u64 offset, u64 length);
WASI(fd_close) u32 wasi_fd_close(u32 fd);
WASI(fd_datasync) u32 wasi_fd_datasync(u32 fd);
WASI(fd_fdstat_get) u32 wasi_fd_fdstat_get(u32 fd, struct wasi_fdstat *stat);
WASI(fd_fdstat_set_flags) u32 wasi_fd_fdstat_set_flags(u32 fd, u32 flags);
WASI(fd_filestat_get) u32 wasi_fd_filestat_get(u32 fd, struct wasi_stat *stat);
WASI(fd_filestat_set_size) u32 wasi_fd_filestat_set_size(u32 fd, u64 size);
WASI(fd_filestat_set_times) u32 wasi_fd_filestat_set_times(u32 fd, u64 atime, u64 mtime, u32 which);
WASI(fd_pread) u32 wasi_fd_pread(u32 fd, struct wasi_iovec *v, u32 n, u64 offset, u32 *done);
WASI(fd_prestat_get) u32 wasi_fd_prestat_get(u32 fd, struct wasi_prestat *prestat);
WASI(fd_prestat_dir_name) u32 wasi_fd_prestat_dir_name(u32 fd, char *name, u32 length);
WASI(fd_pwrite) u32 wasi_fd_pwrite(u32 fd, struct wasi_iovec *v, u32 n, u64 offset, u32 *done);
WASI(fd_read) u32 wasi_fd_read(u32 fd, struct wasi_iovec *v, u32 n, u32 *done);
WASI(fd_readdir) u32 wasi_fd_readdir(u32 fd, u8 *to, u32 size, u64 cookie, u32 *done);
WASI(fd_seek) u32 wasi_fd_seek(u32 fd, s64 offset, u32 whence, u64 *position);
WASI(fd_sync) u32 wasi_fd_sync(u32 fd);
WASI(fd_write) u32 wasi_fd_write(u32 fd, struct wasi_iovec *v, u32 n, u32 *done);
WASI(path_create_directory) u32 wasi_path_create_directory(u32 fd, const char *path, u32 n);
WASI(path_filestat_get)
u32 wasi_path_filestat_get(u32 fd, u32 follow, const char *path, u32 n, struct wasi_stat *stat);
WASI(path_filestat_set_times)
u32 wasi_path_filestat_set_times(u32 fd, u32 follow, const char *path, u32 n, u64 atime, u64 mtime,
                                 u32 which);
WASI(path_link)
u32 wasi_path_link(u32 fd, u32 follow, const char *path, u32 n, u32 to, const char *new, u32 m);
WASI(path_open)
u32 wasi_path_open(u32 fd, u32 follow, const char *path, u32 n, u32 oflags, u64 rights,
                   u64 inheriting, u32 flags, u32 *opened);
WASI(path_readlink)
u32 wasi_path_readlink(u32 fd, const char *path, u32 n, char *to, u32 size, u32 *done);
WASI(path_remove_directory) u32 wasi_path_remove_directory(u32 fd, const char *path, u32 n);
WASI(path_rename)
u32 wasi_path_rename(u32 fd, const char *path, u32 n, u32 to, const char *new, u32 m);
WASI(path_symlink) u32 wasi_path_symlink(const char *target, u32 m, u32 fd, const char *path, u32 n);
WASI(path_unlink_file) u32 wasi_path_unlink_file(u32 fd, const char *path, u32 n);
WASI(poll_oneoff)
u32 wasi_poll_oneoff(const struct wasi_subscription *in, struct wasi_event *out, u32 n, u32 *done);
WASI(proc_exit) _Noreturn void wasi_proc_exit(u32 status);
WASI(random_get) u32 wasi_random_get(void *to, u32 n);

#ifdef WHEREVER_HOST
/* What preview 1 lacks (hosts/linux). Each answers 0 or a negative Linux errno. */
#define OURS(name) IMPORT("wherever_linux", #name)
OURS(path_stat) s32 ours_path_stat(u32 fd, const char *path, u32 n, u32 follow, struct host_stat *s);
OURS(fd_stat) s32 ours_fd_stat(u32 fd, struct host_stat *s);
OURS(path_open)
s32 ours_path_open(u32 fd, const char *path, u32 n, u32 flags, u32 mode, u32 *opened);
OURS(path_mkdir) s32 ours_path_mkdir(u32 fd, const char *path, u32 n, u32 mode);
OURS(path_chmod) s32 ours_path_chmod(u32 fd, const char *path, u32 n, u32 follow, u32 mode);
OURS(fd_chmod) s32 ours_fd_chmod(u32 fd, u32 mode);
OURS(path_chown)
s32 ours_path_chown(u32 fd, const char *path, u32 n, u32 follow, u32 uid, u32 gid);
OURS(fd_chown) s32 ours_fd_chown(u32 fd, u32 uid, u32 gid);
OURS(fd_statfs) s32 ours_fd_statfs(u32 fd, struct statfs *s);
OURS(tty_get) s32 ours_tty_get(u32 fd, struct termios *t);
OURS(tty_set) s32 ours_tty_set(u32 fd, u32 when, const struct termios *t);
OURS(tty_size) s32 ours_tty_size(u32 fd, struct winsize *w);
OURS(identity) s32 ours_identity(u32 *ids);
OURS(groups) s32 ours_groups(u32 *ids, u32 room);       /* how many there are */
OURS(absent) void ours_absent(u32 nr, const char *name, u32 n);
OURS(signal_actions) s32 ours_signal_actions(u32 *come, u32 caught, u32 ignored);
OURS(memory_protect) s32 ours_memory_protect(u32 address, u32 size, u32 protection);
OURS(resume_bodies) void ours_resume_bodies(void);
OURS(killed) _Noreturn void ours_killed(u32 signal);
#endif
int from_wasi(u32 error);
