/* A hash table of strings that grows: inserts, lookups, deletions, and a count of words. */
#include "bench.h"

struct entry { char *key; uint32_t hash; uint32_t count; };
struct table { struct entry *entries; uint32_t mask, used; };

static NOINLINE uint32_t hash_of(const char *s)
{
    uint32_t h = 2166136261u;
    while (*s)
        h = (h ^ (unsigned char)*s++) * 16777619u;
    return h ? h : 1;
}

static struct entry *find(struct table *t, const char *key, uint32_t hash)
{
    uint32_t at = hash & t->mask;
    for (;; at = (at + 1) & t->mask) {
        struct entry *e = &t->entries[at];
        if (!e->key || (e->hash == hash && !strcmp(e->key, key)))
            return e;
    }
}

static NOINLINE void grow(struct table *t)
{
    struct table bigger = {calloc(2 * ((size_t)t->mask + 1), sizeof(struct entry)),
                           2 * t->mask + 1, t->used};
    for (uint32_t i = 0; i <= t->mask; i++)
        if (t->entries[i].key)
            *find(&bigger, t->entries[i].key, t->entries[i].hash) = t->entries[i];
    free(t->entries);
    *t = bigger;
}

static NOINLINE struct entry *insert(struct table *t, const char *key)
{
    uint32_t hash = hash_of(key);
    struct entry *e = find(t, key, hash);
    if (e->key)
        return e;
    if (4 * t->used >= 3 * t->mask) {
        grow(t);
        e = find(t, key, hash);
    }
    e->key = strdup(key);
    e->hash = hash;
    e->count = 0;
    t->used++;
    return e;
}

static NOINLINE int delete(struct table *t, const char *key)
{
    struct entry *e = find(t, key, hash_of(key));
    if (!e->key)
        return 0;
    free(e->key);
    e->key = 0;
    t->used--;
    /* move back whatever would no longer be found */
    uint32_t hole = (uint32_t)(e - t->entries);
    for (uint32_t at = (hole + 1) & t->mask; t->entries[at].key; at = (at + 1) & t->mask) {
        uint32_t home = t->entries[at].hash & t->mask;
        if (((at - home) & t->mask) >= ((at - hole) & t->mask)) {
            t->entries[hole] = t->entries[at];
            t->entries[at].key = 0;
            hole = at;
        }
    }
    return 1;
}

static void word(char *to, uint64_t r)
{
    uint64_t n = r % 40000 * (r % 40000) / 40000;
    int length = 3;
    for (int i = 0; i < length; i++) {
        to[i] = (char)('a' + n % 26);
        n /= 26;
    }
    for (; n; n /= 7)
        to[length++] = (char)('a' + n % 7);
    to[length] = 0;
}

static double work(long scale)
{
    struct table t = {calloc(64, sizeof(struct entry)), 63, 0};
    char buffer[32];
    double sum = 0;
    for (long i = 0; i < scale * 1000; i++) {
        uint64_t r = bench_random();
        word(buffer, r >> 16);
        if ((r & 7) == 0) {
            sum += delete(&t, buffer);
        } else if ((r & 7) < 4) {
            insert(&t, buffer)->count++;
        } else {
            struct entry *e = find(&t, buffer, hash_of(buffer));
            sum += e->key ? e->count : 0;
        }
    }
    for (uint32_t i = 0; i <= t.mask; i++)
        free(t.entries[i].key);
    free(t.entries);
    return sum + t.used;
}
