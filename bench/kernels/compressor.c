/* A compressor: LZ77 over hash chains, canonical-length Huffman codes; packs and unpacks. */
#include "bench.h"

enum { SIZE = 1 << 17, WINDOW = 1 << 15, HASH = 1 << 13, CHAIN = 32, SYMBOLS = 512 };

static unsigned char text[SIZE], back[SIZE];
static uint16_t tokens[2 * SIZE];
static unsigned char packed[2 * SIZE];

static void make_text(void)
{
    static const char *const words[] = {"the ", "wherever ", "of ", "program ", "and ", "register ",
        "in ", "memory ", "branch", "ing ", "loop", "s ", "call ", "is ", "a ", "table, ", "\n"};
    size_t at = 0;
    while (at < SIZE) {
        uint64_t r = bench_random();
        const char *word = words[(r >> 8) % 17 * (r >> 20 & 1 ? 1 : 3) % 17];
        for (; *word && at < SIZE; word++)
            text[at++] = (unsigned char)*word;
        if (at < SIZE && (r >> 40 & 7) == 0)
            text[at++] = (unsigned char)('0' + r % 10);
    }
}

static inline uint32_t hash_of(const unsigned char *p)
{
    return (p[0] * 2654435761u ^ p[1] * 40503u ^ p[2] * 2246822519u) >> 7 & (HASH - 1);
}

/* tokens: a literal below 256, or 256 + length followed by a distance */
static NOINLINE size_t find_matches(void)
{
    static int32_t head[HASH], previous[WINDOW];
    size_t count = 0, at = 0;
    memset(head, -1, sizeof head);
    while (at < SIZE) {
        int best = 0, distance = 0;
        if (at + 3 < SIZE) {
            int32_t candidate = head[hash_of(text + at)];
            for (int tries = CHAIN; tries && candidate >= 0; tries--) {
                if ((size_t)candidate + WINDOW <= at)
                    break;
                int length = 0, most = SIZE - at > 250 ? 250 : (int)(SIZE - at);
                while (length < most && text[candidate + length] == text[at + length])
                    length++;
                if (length > best) {
                    best = length;
                    distance = (int)(at - candidate);
                }
                candidate = previous[candidate & (WINDOW - 1)];
            }
        }
        int step = best >= 4 ? best : 1;
        if (best >= 4) {
            tokens[count++] = (uint16_t)(256 + best);
            tokens[count++] = (uint16_t)distance;
        } else {
            tokens[count++] = text[at];
        }
        for (int i = 0; i < step; i++, at++)
            if (at + 3 < SIZE) {
                uint32_t h = hash_of(text + at);
                previous[at & (WINDOW - 1)] = head[h];
                head[h] = (int32_t)at;
            }
    }
    return count;
}

struct node { uint32_t weight; int16_t left, right; };

static void depths(const struct node *nodes, int at, int depth, unsigned char *length)
{
    if (nodes[at].left < 0) {
        length[at] = (unsigned char)(depth ? depth : 1);
        return;
    }
    depths(nodes, nodes[at].left, depth + 1, length);
    depths(nodes, nodes[at].right, depth + 1, length);
}

static NOINLINE void code_lengths(const uint32_t *weight, unsigned char *length)
{
    static struct node nodes[2 * SYMBOLS];
    int heap[SYMBOLS + 1], used = 0, next = SYMBOLS;
    memset(length, 0, SYMBOLS);
    for (int i = 0; i < SYMBOLS; i++)
        if (weight[i]) {
            nodes[i] = (struct node){weight[i], -1, -1};
            int k = used++;
            while (k && nodes[heap[(k - 1) / 2]].weight > weight[i]) {
                heap[k] = heap[(k - 1) / 2];
                k = (k - 1) / 2;
            }
            heap[k] = i;
        }
    while (used > 1) {
        int pair[2];
        for (int p = 0; p < 2; p++) {
            pair[p] = heap[0];
            int last = heap[--used], k = 0;
            for (;;) {
                int child = 2 * k + 1;
                if (child >= used)
                    break;
                if (child + 1 < used && nodes[heap[child + 1]].weight < nodes[heap[child]].weight)
                    child++;
                if (nodes[last].weight <= nodes[heap[child]].weight)
                    break;
                heap[k] = heap[child];
                k = child;
            }
            heap[k] = last;
        }
        nodes[next] = (struct node){nodes[pair[0]].weight + nodes[pair[1]].weight,
                                    (int16_t)pair[0], (int16_t)pair[1]};
        int k = used++;
        while (k && nodes[heap[(k - 1) / 2]].weight > nodes[next].weight) {
            heap[k] = heap[(k - 1) / 2];
            k = (k - 1) / 2;
        }
        heap[k] = next++;
    }
    depths(nodes, heap[0], 0, length);
}

static void canonical(const unsigned char *length, uint32_t *code)
{
    uint32_t next = 0;
    for (int bits = 1; bits < 32; bits++) {
        for (int i = 0; i < SYMBOLS; i++)
            if (length[i] == bits)
                code[i] = next++;
        next <<= 1;
    }
}

static NOINLINE size_t write_bits(size_t count, const unsigned char *length, const uint32_t *code)
{
    uint64_t bits = 0;
    int held = 0;
    size_t out = 0;
    for (size_t i = 0; i < count; i++) {
        int symbol = tokens[i];
        bits = bits << length[symbol] | code[symbol];
        held += length[symbol];
        if (symbol >= 256) {
            bits = bits << 16 | tokens[++i];
            held += 16;
        }
        while (held >= 8) {
            held -= 8;
            packed[out++] = (unsigned char)(bits >> held);
        }
    }
    packed[out++] = (unsigned char)(bits << (8 - held));
    return out;
}

static NOINLINE void unpack(const unsigned char *length)
{
    uint32_t first[33] = {0}, offset[33] = {0}, next = 0;
    static uint16_t sorted[SYMBOLS];
    uint32_t counts[33] = {0}, placed = 0;
    for (int bits = 1; bits < 32; bits++) {
        first[bits] = next;
        offset[bits] = placed;
        for (int i = 0; i < SYMBOLS; i++)
            if (length[i] == bits) {
                sorted[placed++] = (uint16_t)i;
                counts[bits]++;
            }
        next = (next + counts[bits]) << 1;
    }
    size_t in = 0, out = 0;
    unsigned char byte = 0;
    int left = 0;
    while (out < SIZE) {
        uint32_t code = 0;
        int bits = 0, symbol = 0;
        for (;;) {
            if (!left) {
                byte = packed[in++];
                left = 8;
            }
            code = code << 1 | (byte >> --left & 1);
            bits++;
            if (code - first[bits] < counts[bits]) {
                symbol = sorted[offset[bits] + code - first[bits]];
                break;
            }
        }
        if (symbol < 256) {
            back[out++] = (unsigned char)symbol;
            continue;
        }
        uint32_t distance = 0;
        for (int i = 0; i < 16; i++) {
            if (!left) {
                byte = packed[in++];
                left = 8;
            }
            distance = distance << 1 | (byte >> --left & 1);
        }
        for (int i = symbol - 256; i; i--, out++)
            back[out] = back[out - distance];
    }
}

static double work(long scale)
{
    static uint32_t weight[SYMBOLS], code[SYMBOLS];
    static unsigned char length[SYMBOLS];
    double total = 0;
    for (long round = 0; round < scale; round++) {
        make_text();
        size_t count = find_matches();
        memset(weight, 0, sizeof weight);
        for (size_t i = 0; i < count; i++) {
            weight[tokens[i]]++;
            i += tokens[i] >= 256;
        }
        code_lengths(weight, length);
        canonical(length, code);
        total += (double)write_bits(count, length, code);
        unpack(length);
        if (memcmp(text, back, SIZE))
            return -1;
    }
    return total;
}
