/* Owns the map of the address space: which pages are whose, and brk(2) … mincore(2) on it. */
#include "wasi.h"

/* Layout above the image: | brk, up to BRK_ROOM | stack | everything mmap places, first fit |.
 * A memory has no holes, so room that is reserved is paid for in its size, not in resident pages. */
#define BRK_ROOM (16ull << 20)
#define STACK_SIZE (8ull << 20)
#define SPACE 0x100000000ull
#define TOP (SPACE - 0x10000)
#define MAPS 16384
#ifdef PERSONALITY                                      /* ours lies above the image: addresses.py */
#define LOWEST 0x10000ull
#define PERSONALITY_START (PERSONALITY - 0x20000)
#define PERSONALITY_END (PERSONALITY + 0x200000)
#else
#define LOWEST 0x200000ull                              /* below are the first 64 KiB, and ours */
#endif

struct map {
  u64 start, end;
  u64 there;                                            /* pages from here on lie beyond the file's end: SIGBUS */
  u32 protection, flags;
  struct file *file;                                    /* what it was mapped from, or NULL */
  s64 offset;
  const char *name;                                     /* "[heap]", "[stack]", or NULL */
};
static struct map maps[MAPS];
static u32 map_count;
static u64 mmap_base, fresh;                            /* fresh: from here on the memory is still zero */
u64 brk_start, brk_now, mapped_bytes;
struct rlimit rlimits[16];

static u64 page_up(u64 n) { return (n + PAGE - 1) & ~(PAGE - 1); }

/* The first map that ends after `address`. */
static u32 find(u64 address) {
  u32 low = 0, high = map_count;
  while (low < high) {
    u32 middle = (low + high) / 2;
    if (maps[middle].end <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

void *guest(u64 address, u64 size, u32 protection) {
  static u32 last;
  if (!size) return address < 1ull << 47 ? (void *)((u32)address ? (u32)address : 16) : NULL; /* access_ok */
  if (address >= SPACE || size > SPACE - address) return NULL;
  u32 i = last;
  if (i >= map_count || address < maps[i].start || address >= maps[i].end) i = find(address);
  last = i;
  for (u64 at = address; at < address + size; at = maps[i++].end)
    if (i >= map_count || maps[i].start > at || (maps[i].protection & protection) != protection ||
        maps[i].protection & PROT_KERNEL || (maps[i].there < maps[i].end && maps[i].there < address + size))
      return NULL;
  return (void *)(u32)address;
}

static int same(const struct map *a, const struct map *b) {
  return a->end == b->start && a->protection == b->protection && a->flags == b->flags &&
         a->name == b->name && a->file == b->file && (a->there == a->end || b->there == b->start) &&
         (!a->file || a->offset + (s64)(a->end - a->start) == b->offset);
}

static void extend(struct map *m, const struct map *by) {
  if (m->there == m->end) m->there = by->there;
  m->end = by->end;
  if (by->file) file_drop(by->file);
}

/* Maps within [start, end], and those beside them, are one where they can be. */
static void join(u64 start, u64 end) {
  u32 i = find(start);
  for (i -= i > 0; i + 1 < map_count && maps[i].start <= end;) {
    if (!same(&maps[i], &maps[i + 1])) {
      i++;
      continue;
    }
    extend(&maps[i], &maps[i + 1]);
    memmove(&maps[i + 1], &maps[i + 2], (map_count - i - 2) * sizeof *maps);
    map_count--;
  }
}

static int insert(u32 i, struct map m) {
  if (i > 0 && same(&maps[i - 1], &m)) {
    extend(&maps[i - 1], &m);
    join(m.start, m.end);
    return 0;
  }
  if (map_count == MAPS) return -ENOMEM;
  memmove(&maps[i + 1], &maps[i], (map_count - i) * sizeof *maps);
  maps[i] = m;
  map_count++;
  return 0;
}

/* Make `address` a boundary between maps. */
static int split(u64 address) {
  u32 i = find(address);
  if (i == map_count || maps[i].start >= address) return 0;
  if (map_count == MAPS) return -ENOMEM;
  memmove(&maps[i + 1], &maps[i], (map_count - i) * sizeof *maps);
  map_count++;
  maps[i].end = maps[i + 1].start = address;
  maps[i].there = MIN(maps[i].there, address);
  if (maps[i + 1].there < address) maps[i + 1].there = address;
  if (maps[i].file) {
    file_hold(maps[i].file);
    maps[i + 1].offset += (s64)(address - maps[i].start);
  }
  return 0;
}

/* The host's own page protection says the same as the map (ADR 0056): pages of no map are nobody's, so
 * that an access faults at no cost. Ours, and a map while we fill it, are read and written. */
static int settle(u64 start, u64 end, u32 protection) {
#ifdef WHEREVER_HOST
  u64 size = (u64)__builtin_wasm_memory_size(0) << 16;
  if (end > size) end = size;
  if (protection & (PROT_WRITE | PROT_KERNEL)) protection = PROT_READ | PROT_WRITE;
  else if (protection) protection = PROT_READ;
  if (start < end && ours_memory_protect((u32)start, (u32)(end - start), protection)) return -ENOMEM;
#endif
  return 0;
}
#define FILLED (PROT_READ | PROT_WRITE)

/* The same for whatever is mapped in [start, end), pages beyond the end of a file included. */
static int settle_maps(u64 start, u64 end) {
  int error = 0;
  for (u32 i = find(start); !error && i < map_count && maps[i].start < end; i++) {
    const struct map *m = &maps[i];
    u64 from = start > m->start ? start : m->start, to = MIN(end, m->end), there = m->there > from ? m->there : from;
    error = settle(from, MIN(there, to), m->protection);
    if (!error && there < to) error = settle(there, to, 0);
  }
  return error;
}

/* Pages [start, end), which are nobody's, can be read and written from now on. */
static int have_memory(u64 start, u64 end) {
  u64 pages = (end + 0xffff) >> 16, had = __builtin_wasm_memory_size(0);
  if (pages > had) {
    if (__builtin_wasm_memory_grow(0, (u32)(pages - had)) == (size_t)-1) return -ENOMEM;
    if (settle(had << 16, start, 0) < 0 || settle(end, pages << 16, 0) < 0) return -ENOMEM;
  }
  return settle(start, MIN(end, had << 16), FILLED);
}

static void write_back(const struct map *m, u64 start, u64 end) {
  if (!m->file || !(m->flags & MAP_SHARED) || !m->file->ops->pwrite) return;
  struct host_stat s;
  if (m->file->ops->stat(m->file, &s) < 0) return;
  s64 offset = m->offset + (s64)(start - m->start);
  if (offset >= s.size || (m->file->flags & O_ACCMODE) == O_RDONLY) return;
  if (start >= m->there) return;
  u64 n = MIN(MIN(end, m->there) - start, (u64)(s.size - offset));
  if (!m->protection) settle(start, start + n, PROT_READ);
  for (u64 from = start; n;) {
    s64 done = m->file->ops->pwrite(m->file, (void *)(u32)from, n, offset);
    if (done <= 0) break;
    from += (u64)done, offset += done, n -= (u64)done;
  }
  if (!m->protection) settle_maps(start, end);
}

/* Pages of a map that lie wholly beyond the end of its file cannot be touched. The file may have grown or
 * shrunk since they were: what it has now is read then. */
static u32 short_maps;
static void fit(struct map *m) {
  struct host_stat s;
  if (!m->file || m->file->ops->stat(m->file, &s) < 0 || (s.mode & S_IFMT) != S_IFREG) return;
  u64 left = s.size > m->offset ? (u64)(s.size - m->offset) : 0, had = m->there;
  m->there = left < m->end - m->start ? m->start + page_up(left) : m->end;
  if (m->there > had) {
    settle(had, m->there, FILLED);
    for (u64 at = had; at < m->there;) {
      s64 n = m->file->ops->pread(m->file, (void *)(u32)at, m->there - at, m->offset + (s64)(at - m->start));
      if (n <= 0) break;
      at += (u64)n;
    }
  } else if (m->there < had) {
    settle(m->there, had, FILLED);
    memset((void *)(u32)m->there, 0, (size_t)(had - m->there));
  }
  if (m->there != had) settle_maps(MIN(had, m->there), m->there > had ? m->there : had);
}

void map_fit(int shrunk) {
  if (!shrunk && !short_maps) return;
  short_maps = 0;
  for (u32 i = 0; i < map_count; i++) {
    if (maps[i].file && (shrunk || maps[i].there < maps[i].end)) fit(&maps[i]);
    short_maps += maps[i].there < maps[i].end;
  }
}

void map_flush_all(void) {
  for (u32 i = 0; i < map_count; i++) write_back(&maps[i], maps[i].start, maps[i].end);
}

static int unmap(u64 start, u64 end) {
  if (split(start) < 0 || split(end) < 0) return -ENOMEM;
  u32 first = find(start), after = first;
  for (; after < map_count && maps[after].start < end; after++) {
    write_back(&maps[after], maps[after].start, maps[after].end);
    if (maps[after].file) file_drop(maps[after].file);
    mapped_bytes -= maps[after].end - maps[after].start;
  }
  if (after > first) settle(start, end, 0);
  memmove(&maps[first], &maps[after], (map_count - after) * sizeof *maps);
  map_count -= after - first;
  return 0;
}

/* Pages [start, end), not mapped now, become a map of zeros, to be filled and then settled. */
static int map_zero(u64 start, u64 end, struct map m) {
  if (end > TOP || have_memory(start, end) < 0) return -ENOMEM;
  if (start < fresh) memset((void *)(u32)start, 0, (size_t)(MIN(end, fresh) - start));
  if (end > fresh) fresh = end;
  m.start = start;
  m.end = m.there = end;
  int error = insert(find(start), m);
  if (!error) mapped_bytes += end - start;
  else settle(start, end, 0);
  return error;
}

static u64 find_room(u64 size, u64 from) {
  u64 at = from;
  for (u32 i = find(at); i < map_count && maps[i].start < at + size; i++) at = maps[i].end;
  return at + size <= TOP ? at : 0;
}

u64 kernel_pages(u64 size) {
  u64 at = find_room(page_up(size), mmap_base);
  struct map m = {.protection = PROT_KERNEL, .name = "[wherever]"};
  if (!at || map_zero(at, at + page_up(size), m) < 0) return 0;
  mapped_bytes -= page_up(size);
  return at;
}
void kernel_unmap(u64 address, u64 size) {
  unmap(address, address + page_up(size));
  mapped_bytes += page_up(size);
}

u64 map_stack(u64 size) {
  return (s64)map_zero(brk_start + BRK_ROOM, brk_start + BRK_ROOM + size,
                       (struct map){.protection = (u32)stack_protection(), .flags = MAP_PRIVATE,
                                    .name = "[stack]"}) < 0
             ? 0
             : brk_start + BRK_ROOM + size;
}

/* Where a handler's frame can go while the stack pointer is not exact (it is lower than `sp`, if at all):
 * below the lowest page of the stack that was ever written, or 0 where there is no room. */
u64 below_stack(u64 sp) {
  u32 i = find(sp - 1);
  if (i == map_count || maps[i].start >= sp || (maps[i].protection & FILLED) != FILLED) return 0;
  const u64 *at = (u64 *)(u32)maps[i].start, *end = (u64 *)(u32)sp;
  if (!maps[i].name || maps[i].name[1] != 's') return sp - maps[i].start > 65536 ? sp - 32768 : 0;
  while (at < end && !*at) at++;
  u64 low = (u64)(u32)at & ~(PAGE - 1);
  return low - maps[i].start < 4 * PAGE ? 0 : low;
}

int memory_start(void) {
  brk_start = brk_now = page_up(linux_image.image_end);
  fresh = page_up(linux_image.image_end);
  u64 stack = page_up(linux_image.stack_size ? linux_image.stack_size : STACK_SIZE);
  mmap_base = brk_start + BRK_ROOM + stack + (64 << 10);
  const struct linux_segment *segments = (void *)(u32)linux_image.segments;
  for (u32 i = 0; i < linux_image.segment_count; i++) {
    u64 start = segments[i].start & ~(PAGE - 1), end = page_up(segments[i].end);
    if (start >= end) continue;
    if (end > (u64)__builtin_wasm_memory_size(0) << 16) return -ENOMEM;
    unmap(start, end);                                  /* of a page of two segments the later one decides */
    insert(find(start), (struct map){.start = start, .end = end, .there = end, .flags = MAP_PRIVATE,
                                     .protection = (u32)segments[i].protection & 7,
                                     .offset = (s64)segments[i].file_offset, .name = "exe"});
    mapped_bytes += end - start;
  }
#ifdef PERSONALITY
  insert(find(PERSONALITY_START), (struct map){.start = PERSONALITY_START, .end = PERSONALITY_END, .there = PERSONALITY_END, .protection = PROT_KERNEL, .name = "[wherever]"});
#endif
  u64 at = LOWEST;
  for (u32 i = 0; i < map_count; i++) {
    settle(at, maps[i].start, 0);
    settle(maps[i].start, maps[i].end, maps[i].protection);
    at = maps[i].end;
  }
  settle(at, brk_start, PROT_READ);                     /* the translator's tables, behind the image */
  settle(brk_start, SPACE, 0);
  code_start();
  return 0;
}

/* ---- brk(2), mmap(2) */
s64 sys_brk(u64 to) {
  if (to < brk_start || to > brk_start + BRK_ROOM) return (s64)brk_now;
  u64 was = page_up(brk_now), wanted = page_up(to);
  if (wanted > was) {
    u32 i = find(was);
    if (i < map_count && maps[i].start < wanted) return (s64)brk_now;
    if (map_zero(was, wanted, (struct map){.protection = PROT_READ | PROT_WRITE,
                                           .flags = MAP_PRIVATE, .name = "[heap]"}) < 0)
      return (s64)brk_now;
  } else if (wanted < was) {
    unmap(wanted, was);
  }
  return (s64)(brk_now = to);
}

/* What was just mapped at an address and filled from its file. */
static void map_fits(u64 address) {
  struct map *m = &maps[find(address)];
  fit(m);
  short_maps += m->there < m->end;
}

static int may_map(struct file *f, u32 protection, u32 flags) {
  u32 access = f->flags & O_ACCMODE;
  if (f->flags & O_PATH) return -EBADF;
  if (access == O_WRONLY) return -EACCES;
  if ((flags & MAP_TYPE) != MAP_PRIVATE && protection & PROT_WRITE && access != O_RDWR) return -EACCES;
  if (IS_DIRECTORY(f) || !f->ops->pread) return -ENODEV;
  if (f->ops == &tree_ops && tree_of(f)->type == TREE_TEXT) return -ENODEV;
  return 0;
}

s64 sys_mmap(u64 address, u64 size, u32 protection, u32 flags, int fd, s64 offset) {
  u32 type = flags & MAP_TYPE;
  if (!size || (offset & (s64)(PAGE - 1)) || (type < MAP_SHARED || type > MAP_SHARED_VALIDATE))
    return -EINVAL;
  if (size > TOP) return -ENOMEM;
  size = page_up(size);
  struct file *f = NULL;
  if (!(flags & MAP_ANONYMOUS)) {
    if (!(f = fd_get(fd))) return -EBADF;
    int error = may_map(f, protection, flags);
    if (error) return error;
    if (f->ops == &tree_ops && tree_of(f)->type == TREE_DEVICE) {
      if (!device_maps(tree_of(f))) return -ENODEV;
      f = NULL;
    }
  }
  if (mapped_bytes + size > rlimits[RLIMIT_AS].rlim_cur) return -ENOMEM;
  if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
    if (address & (PAGE - 1)) return -EINVAL;
    if (address > TOP || size > TOP - address) return -ENOMEM;
    if (address < LOWEST) return -EPERM;
    u32 i = find(address);
    int taken = i < map_count && maps[i].start < address + size;
    if (taken && flags & MAP_FIXED_NOREPLACE) return -EEXIST;
    for (; i < map_count && maps[i].start < address + size; i++)
      if (maps[i].protection & PROT_KERNEL) return -ENOMEM;
    if (taken) code_keep(address, address + size);
    if (taken && unmap(address, address + size) < 0) return -ENOMEM;
  } else {
    u64 hint = address & ~(PAGE - 1);
    u64 at = 0;
    if (hint >= mmap_base && hint < TOP && find_room(size, hint) == hint && hint < mmap_base + (1u << 28))
      at = hint;
    if (!at) at = find_room(size, mmap_base);
    if (!at) return -ENOMEM;
    address = at;
  }
  struct map m = {.protection = protection & 7, .flags = flags & (MAP_TYPE | MAP_GROWSDOWN),
                  .file = f, .offset = offset};
  if (type == MAP_SHARED_VALIDATE) m.flags = MAP_SHARED;
  if (f) file_hold(f);
  if (map_zero(address, address + size, m) < 0) {
    if (f) file_drop(f);
    return -ENOMEM;
  }
  for (u64 done = 0; f && done < size;) {
    s64 n = f->ops->pread(f, (void *)(u32)(address + done), size - done, offset + (s64)done);
    if (n <= 0) break;
    done += (u64)n;
  }
  if (f) map_fits(address);
  if (f || (protection & FILLED) != FILLED) settle_maps(address, address + size);
  if (protection & PROT_EXEC && !(protection & PROT_WRITE)) code_granted(address, address + size);
  return (s64)address;
}

/* Whether [address, address+size) is mapped throughout, and none of it ours. */
static int covered(u64 address, u64 size) {
  u32 i = find(address);
  for (u64 at = address; at < address + size; at = maps[i++].end)
    if (i >= map_count || maps[i].start > at || maps[i].protection & PROT_KERNEL) return 0;
  return 1;
}

/* Whether a mapped address lies beyond the end of the file that is mapped there. */
int mapped_beyond(u64 address) { return mapped(address) && address >= maps[find(address)].there; }
int mapped(u64 address) { return address < SPACE && covered(address, 1); }

static int range(u64 address, u64 *size) {
  if (address & (PAGE - 1)) return -EINVAL;
  if (address >= SPACE || *size > SPACE - address) return -ENOMEM;
  *size = page_up(*size);
  return 0;
}

s64 sys_munmap(u64 address, u64 size) {
  if (!size || range(address, &size) < 0) return -EINVAL;
  for (u32 i = find(address); i < map_count && maps[i].start < address + size; i++)
    if (maps[i].protection & PROT_KERNEL) return -EINVAL;
  return unmap(address, address + size);
}

s64 sys_mprotect(u64 address, u64 size, u32 protection) {
  int error = range(address, &size);
  if (error) return error;
  if (protection & ~0x03000007u) return -EINVAL;
  if (!size) return 0;
  if (!covered(address, size) || split(address) < 0 || split(address + size) < 0) return -ENOMEM;
  for (u32 i = find(address); i < map_count && maps[i].start < address + size; i++) {
    const struct map *m = &maps[i];
    if (m->file && m->flags & MAP_SHARED && protection & PROT_WRITE &&
        (m->file->flags & O_ACCMODE) != O_RDWR)
      return -EACCES;
    if (protection & PROT_WRITE) code_keep(address, address + size);
    maps[i].protection = protection & 7;
  }
  error = settle_maps(address, address + size);
  join(address, address + size);
  if (!error && protection & PROT_EXEC && !(protection & PROT_WRITE)) code_granted(address, address + size);
  return error;
}

s64 sys_mremap(u64 address, u64 old_size, u64 size, u32 flags, u64 to) {
  enum { MAYMOVE = 1, FIXED = 2, DONTUNMAP = 4 };
  if (address & (PAGE - 1) || !size || flags & ~3u || (flags & FIXED && !(flags & MAYMOVE)))
    return -EINVAL;
  if (old_size > TOP || size > TOP) return -EINVAL;
  old_size = page_up(old_size);
  size = page_up(size);
  if (flags & FIXED && (to & (PAGE - 1) || to > TOP - size || to < LOWEST ||
                        (to < address + old_size && address < to + size)))
    return -EINVAL;
  if (!old_size) return -EINVAL;
  if (!covered(address, old_size)) return -EFAULT;
  u32 i = find(address);
  if (maps[i].end < address + old_size) return -EFAULT; /* more than one map */
  struct map m = maps[i];
  m.offset += (s64)(address - m.start);
  if (!(flags & FIXED)) {
    if (size <= old_size) {
      if (size < old_size) unmap(address + size, address + old_size);
      return (s64)address;
    }
    u64 end = address + old_size;
    int room = maps[i].end == end && end + (size - old_size) <= TOP &&
               (i + 1 == map_count || maps[i + 1].start >= address + size) &&
               (end >= mmap_base || address + size <= brk_start + BRK_ROOM);
    if (room) {
      struct map more = m;
      if (m.file) file_hold(m.file), more.offset = m.offset + (s64)old_size;
      if (map_zero(end, address + size, more) < 0) {
        if (m.file) file_drop(m.file);
        return -ENOMEM;
      }
      if (m.file && m.file->ops->pread)
        m.file->ops->pread(m.file, (void *)(u32)end, size - old_size, more.offset);
      map_fits(end);
      settle_maps(end, address + size);
      return (s64)address;
    }
    if (!(flags & MAYMOVE)) return -ENOMEM;
    to = find_room(size, mmap_base);
    if (!to) return -ENOMEM;
  } else {
    unmap(to, to + size);
  }
  if (m.file) file_hold(m.file);
  if (map_zero(to, to + size, m) < 0) {
    if (m.file) file_drop(m.file);
    return -ENOMEM;
  }
  u64 kept = m.there > address ? MIN(m.there - address, old_size) : 0;
  if (!m.protection && kept) settle(address, address + kept, PROT_READ);
  memcpy((void *)(u32)to, (void *)(u32)address, (size_t)MIN(kept, size));
  if (m.file && size > old_size && m.file->ops->pread)
    m.file->ops->pread(m.file, (void *)(u32)(to + old_size), size - old_size,
                       m.offset + (s64)old_size);
  map_fits(to);
  settle_maps(to, to + size);
  unmap(address, address + old_size);
  return (s64)to;
}

s64 sys_madvise(u64 address, u64 size, int advice) {
  enum { DONTNEED = 4, FREE = 8, REMOVE = 9, HWPOISON = 100 };
  if (range(address, &size) < 0) return -EINVAL;
  if (!((advice >= 0 && advice <= 4) || (advice >= 8 && advice <= 25))) return -EINVAL;
  if (!size) return 0;
  if (advice == DONTNEED || advice == FREE) {
    for (u32 i = find(address); i < map_count && maps[i].start < address + size; i++) {
      struct map *m = &maps[i];
      if (m->protection & PROT_KERNEL) return -ENOMEM;
      u64 start = address > m->start ? address : m->start, end = MIN(address + size, m->there);
      if (advice == FREE || m->flags & MAP_SHARED || start >= end) continue;
      int closed = (m->protection & FILLED) != FILLED;
      if (closed) settle(start, end, FILLED);
      memset((void *)(u32)start, 0, (size_t)(end - start));
      if (m->file && m->file->ops->pread)
        m->file->ops->pread(m->file, (void *)(u32)start, end - start,
                            m->offset + (s64)(start - m->start));
      if (closed) settle(start, end, m->protection);
    }
  }
  return covered(address, size) ? 0 : -ENOMEM;
}

s64 sys_msync(u64 address, u64 size, u32 flags) {
  int error = range(address, &size);
  if (error) return error;
  if (flags & ~7u || (flags & 5) == 5) return -EINVAL;
  for (u32 i = find(address); i < map_count && maps[i].start < address + size; i++)
    write_back(&maps[i], maps[i].start, maps[i].end);
  return covered(address, size) ? 0 : -ENOMEM;
}

s64 sys_mincore(u64 address, u64 size, u64 out) {
  if (range(address, &size) < 0) return address & (PAGE - 1) ? -EINVAL : -ENOMEM;
  if (!covered(address, size)) return -ENOMEM;
  void *to = guest(out, size / PAGE, PROT_WRITE);
  if (!to) return -EFAULT;
  memset(to, 1, (size_t)(size / PAGE));
  return 0;
}

static s64 lock(u64 address, u64 size) {
  size += address & (PAGE - 1);
  address &= ~(PAGE - 1);
  if (range(address, &size) < 0) return -EINVAL;
  return covered(address, size) ? 0 : -ENOMEM;
}
s64 sys_mlock(u64 address, u64 size) { return lock(address, size); }
s64 sys_mlock2(u64 address, u64 size, u32 flags) { return flags & ~1u ? -EINVAL : lock(address, size); }
s64 sys_munlock(u64 address, u64 size) { return lock(address, size); }
s64 sys_mlockall(u32 flags) { return !flags || flags & ~7u ? -EINVAL : 0; }
s64 sys_munlockall(void) { return 0; }
s64 sys_pkey_mprotect(u64 address, u64 size, u32 protection, int key) {
  return key == -1 ? sys_mprotect(address, size, protection) : -EINVAL;
}
s64 sys_pkey_alloc(u32 flags, u32 rights) { return flags || rights > 3 ? -EINVAL : -ENOSPC; }
s64 sys_pkey_free(int key) { return -EINVAL; }
s64 sys_membarrier(int command, u32 flags, int cpu) {
  enum { QUERY = 0, SUPPORTED = 0x1ff };
  if (flags & ~1u) return -EINVAL;
  if (command == QUERY) return SUPPORTED;
  return command & ~SUPPORTED || command & (command - 1) ? -EINVAL : 0;   /* one thread is in order */
}

/* What is mapped at an address: a file's path, "[stack]", or nothing. */
void map_path(u64 address, struct text *t) {
  const struct map *m = &maps[find(address)];
  if (!mapped(address)) return;
  if (m->file && m->file->path) put_path(t, m->file);
  else if (m->name) put(t, m->name);
}

void map_describe(struct text *t) {
  for (u32 i = 0; i < map_count; i++) {
    const struct map *m = &maps[i];
    if (m->protection & PROT_KERNEL) continue;
    const char *path = m->file ? m->file->path : m->name;
    int exe = path && !strcmp(path, "exe");
    u32 from = t->length;
    put_unsigned(t, m->start, 16, 8, '0');
    put(t, "-");
    put_unsigned(t, m->end, 16, 8, '0');
    put(t, m->protection & PROT_READ ? " r" : " -");
    put(t, m->protection & PROT_WRITE ? "w" : "-");
    put(t, m->protection & PROT_EXEC ? "x" : "-");
    put(t, m->flags & MAP_SHARED ? "s " : "p ");
    put_unsigned(t, m->file || exe ? (u64)m->offset : 0, 16, 8, '0');
    put(t, m->file || exe ? " 00:01 1" : " 00:00 0");
    if (path) {
      put(t, " ");
      while (t->length - from < 73) put(t, " ");
      if (m->file && !exe) put_path(t, m->file);
      else put(t, exe ? program_path : path);
    }
    put(t, "\n");
  }
}
