/* Owns socket(7), of which there are none yet: socket(2) is absent, so no descriptor is one. */
#include "linux.h"

static s64 no_socket(int fd) { return fd_get(fd) ? -ENOTSOCK : -EBADF; }
s64 sys_bind(int fd, u64 address, u32 size) { return no_socket(fd); }
s64 sys_listen(int fd, int backlog) { return no_socket(fd); }
s64 sys_accept(int fd, u64 address, u64 size) { return no_socket(fd); }
s64 sys_accept4(int fd, u64 address, u64 size, u32 flags) { return no_socket(fd); }
s64 sys_connect(int fd, u64 address, u32 size) { return no_socket(fd); }
s64 sys_getsockname(int fd, u64 address, u64 size) { return no_socket(fd); }
s64 sys_getpeername(int fd, u64 address, u64 size) { return no_socket(fd); }
s64 sys_sendto(int fd, u64 in, u64 size, u32 flags, u64 address, u32 length) { return no_socket(fd); }
s64 sys_recvfrom(int fd, u64 out, u64 size, u32 flags, u64 address, u64 length) { return no_socket(fd); }
s64 sys_setsockopt(int fd, int level, int name, u64 in, u32 size) { return no_socket(fd); }
s64 sys_getsockopt(int fd, int level, int name, u64 out, u64 size) { return no_socket(fd); }
s64 sys_shutdown(int fd, int how) { return no_socket(fd); }
s64 sys_sendmsg(int fd, u64 in, u32 flags) { return no_socket(fd); }
s64 sys_recvmsg(int fd, u64 inout, u32 flags) { return no_socket(fd); }
