/* Quicksort of records, comparing through a function pointer as qsort does. */
#include "bench.h"

struct record { uint32_t key, value; };
typedef int (*comparison)(const void *, const void *);

static int by_key(const void *a, const void *b)
{
    uint32_t x = ((const struct record *)a)->key, y = ((const struct record *)b)->key;
    return x < y ? -1 : x > y;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = ((const struct record *)a)->value, y = ((const struct record *)b)->value;
    return x < y ? -1 : x > y;
}

static NOINLINE void sort(struct record *r, long low, long high, comparison compare)
{
    while (low < high) {
        struct record pivot = r[low + (high - low) / 2];
        long i = low, j = high;
        while (i <= j) {
            while (compare(&r[i], &pivot) < 0)
                i++;
            while (compare(&r[j], &pivot) > 0)
                j--;
            if (i <= j) {
                struct record t = r[i];
                r[i++] = r[j];
                r[j--] = t;
            }
        }
        if (j - low < high - i) {
            sort(r, low, j, compare);
            low = i;
        } else {
            sort(r, i, high, compare);
            high = j;
        }
    }
}

static double work(long scale)
{
    static const comparison orders[] = {by_key, by_value};
    long count = scale * 1000;
    struct record *r = malloc((size_t)count * sizeof *r);
    for (long i = 0; i < count; i++)
        r[i] = (struct record){(uint32_t)bench_random(), (uint32_t)bench_random()};
    double sum = 0;
    for (int k = 0; k < 2; k++) {
        sort(r, 0, count - 1, orders[k]);
        sum += r[count / 3].key % 1000 + r[count / 2].value % 1000;
    }
    free(r);
    return sum;
}
