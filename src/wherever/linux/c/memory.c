/* Owns access to the guest's memory, checked against its map, and our own heap above it. */
#include "linux.h"

/* The personality enforces nothing (it shares the guest's memory); these checks give the guest the
 * EFAULT that Linux would, and keep us from trapping on an address past the end of the memory. */
int copy_in(void *to, u64 from, u64 size) {
  void *p = guest(from, size, PROT_READ);
  if (!p) return -EFAULT;
  memcpy(to, p, size);
  return 0;
}

int copy_out(u64 to, const void *from, u64 size) {
  void *p = guest(to, size, PROT_WRITE);
  if (!p) return -EFAULT;
  memcpy(p, from, size);
  return 0;
}

s64 guest_path(u64 address, char *to) {
  u64 n = 0;
  while (n < PATH_MAX) {
    u64 room = PAGE - ((address + n) & (PAGE - 1));     /* up to the page's end: the next may not be mapped */
    const char *p = guest(address + n, room, PROT_READ);
    if (!p) return -EFAULT;
    for (u64 i = 0; i < room && n < PATH_MAX; i++, n++)
      if (!(to[n] = p[i])) return (s64)n;
  }
  return -ENAMETOOLONG;
}

/* ---- the heap: powers of two up to 32 KiB, whole pages above. Eight bytes before each say which. */
#define CLASSES 12                                      /* 16 bytes … 32 KiB */
#define CHUNK 65536u
struct header { u32 class; u32 pages; };
static struct header *free_lists[CLASSES];

static void *refill(u32 class) {
  u64 at = kernel_pages(CHUNK);
  if (!at) return NULL;
  u32 size = 16u << class;
  for (u32 offset = 0; offset + size <= CHUNK; offset += size) {
    struct header *h = (struct header *)(u32)(at + offset);
    *(struct header **)(h + 1) = free_lists[class];
    free_lists[class] = h;
  }
  return free_lists[class];
}

void *kalloc(u64 size) {
  if (size > 0x7fffffff) return NULL;
  u32 class = 0;
  while (class < CLASSES && (16u << class) < size + sizeof(struct header)) class++;
  if (class == CLASSES) {
    u32 pages = (u32)((size + sizeof(struct header) + PAGE - 1) / PAGE);
    u64 at = kernel_pages(pages * PAGE);
    if (!at) return NULL;
    struct header *h = (struct header *)(u32)at;
    h->class = CLASSES;
    h->pages = pages;
    return h + 1;
  }
  if (!free_lists[class] && !refill(class)) return NULL;
  struct header *h = free_lists[class];
  free_lists[class] = *(struct header **)(h + 1);
  h->class = class;
  memset(h + 1, 0, (16u << class) - sizeof *h);
  return h + 1;
}

void kfree(void *p) {
  if (!p) return;
  struct header *h = (struct header *)p - 1;
  if (h->class == CLASSES) {
    kernel_unmap((u64)(u32)h, h->pages * PAGE);
    return;
  }
  *(struct header **)p = free_lists[h->class];
  free_lists[h->class] = h;
}

void *krealloc(void *p, u64 old_size, u64 size) {
  void *larger = kalloc(size);
  if (!larger) return NULL;
  if (p) memcpy(larger, p, MIN(old_size, size));
  kfree(p);
  return larger;
}
