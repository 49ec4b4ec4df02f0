/* A regular-expression matcher: parsed to a program, run by backtracking and by sets of states. */
#include "bench.h"

enum op { CHAR, ANY, CLASS, SPLIT, JUMP, MATCH };
struct step { enum op op; unsigned char c; int x, y; uint32_t set[8]; };
struct program { struct step steps[128]; int count; };

static struct program *p;
static const char *pattern;

static int add(enum op op, int x, int y)
{
    p->steps[p->count].op = op;
    p->steps[p->count].x = x;
    p->steps[p->count].y = y;
    return p->count++;
}

static void shift(int from, int by)
{
    for (int i = p->count - 1; i >= from; i--)
        p->steps[i + by] = p->steps[i];
    p->count += by;
    for (int i = from + by; i < p->count; i++)
        if (p->steps[i].op == SPLIT || p->steps[i].op == JUMP) {
            p->steps[i].x += by;
            p->steps[i].y += by;
        }
}

static void alternatives(void);

static void atom(void)
{
    if (*pattern == '(') {
        pattern++;
        alternatives();
        pattern++;
    } else if (*pattern == '[') {
        int at = add(CLASS, 0, 0);
        memset(p->steps[at].set, 0, sizeof p->steps[at].set);
        int not = *++pattern == '^';
        pattern += not;
        while (*pattern != ']') {
            unsigned char low = (unsigned char)*pattern++, high = low;
            if (*pattern == '-' && pattern[1] != ']') {
                high = (unsigned char)pattern[1];
                pattern += 2;
            }
            for (unsigned c = low; c <= high; c++)
                p->steps[at].set[c >> 5] |= 1u << (c & 31);
        }
        pattern++;
        for (int i = 0; not && i < 8; i++)
            p->steps[at].set[i] = ~p->steps[at].set[i];
    } else if (*pattern == '.') {
        pattern++;
        add(ANY, 0, 0);
    } else {
        pattern += *pattern == '\\';
        p->steps[add(CHAR, 0, 0)].c = (unsigned char)*pattern++;
    }
}

static void repeated(void)
{
    int start = p->count;
    atom();
    for (;; pattern++) {
        if (*pattern == '*') {
            shift(start, 1);
            add(JUMP, start, 0);
            p->steps[start] = (struct step){.op = SPLIT, .x = start + 1, .y = p->count};
        } else if (*pattern == '+') {
            add(SPLIT, start, p->count + 1);
        } else if (*pattern == '?') {
            shift(start, 1);
            p->steps[start] = (struct step){.op = SPLIT, .x = start + 1, .y = p->count};
        } else {
            return;
        }
    }
}

static void alternatives(void)
{
    int start = p->count;
    while (*pattern && *pattern != '|' && *pattern != ')')
        repeated();
    if (*pattern == '|') {
        pattern++;
        shift(start, 1);
        int jump = add(JUMP, 0, 0);
        p->steps[start] = (struct step){.op = SPLIT, .x = start + 1, .y = p->count};
        alternatives();
        p->steps[jump].x = p->count;
    }
}

static void compile(struct program *to, const char *text)
{
    p = to;
    p->count = 0;
    pattern = text;
    alternatives();
    add(MATCH, 0, 0);
}

static inline int accepts(const struct step *s, unsigned char c)
{
    switch (s->op) {
    case CHAR: return s->c == c;
    case ANY: return c != '\n';
    default: return s->set[c >> 5] >> (c & 31) & 1;
    }
}

static NOINLINE const char *backtrack(const struct program *q, int at, const char *s)
{
    for (;;) {
        const struct step *step = &q->steps[at];
        switch (step->op) {
        case MATCH: return s;
        case JUMP: at = step->x; break;
        case SPLIT: {
            const char *end = backtrack(q, step->x, s);
            if (end)
                return end;
            at = step->y;
            break;
        }
        default:
            if (!*s || !accepts(step, (unsigned char)*s))
                return 0;
            s++;
            at++;
        }
    }
}

struct set { int count; int list[128]; unsigned char in[128]; };

static void enter(struct set *set, const struct program *q, int at)
{
    if (set->in[at])
        return;
    set->in[at] = 1;
    const struct step *step = &q->steps[at];
    if (step->op == JUMP) {
        enter(set, q, step->x);
    } else if (step->op == SPLIT) {
        enter(set, q, step->x);
        enter(set, q, step->y);
    } else {
        set->list[set->count++] = at;
    }
}

static NOINLINE long simulate(const struct program *q, const char *s)
{
    static struct set sets[2];
    struct set *now = &sets[0], *then = &sets[1];
    long matches = 0;
    memset(sets, 0, sizeof sets);
    for (; *s; s++) {
        enter(now, q, 0);
        then->count = 0;
        memset(then->in, 0, sizeof then->in);
        for (int i = 0; i < now->count; i++) {
            const struct step *step = &q->steps[now->list[i]];
            if (step->op == MATCH)
                matches++;
            else if (accepts(step, (unsigned char)*s))
                enter(then, q, now->list[i] + 1);
        }
        struct set *t = now;
        now = then;
        then = t;
    }
    return matches;
}

static double work(long scale)
{
    static const char *const patterns[] = {"[a-z]+@[a-z]+\\.(com|org|net)", "(ab|a)(bc|c)?d*e",
        "[0-9]+(\\.[0-9]+)?", "x*y*z*(xy|yz|zx)+", "([^ ]+ )+end"};
    static char text[20001];
    static struct program programs[5];
    static const char letters[] = "abcdexyz019. @omrgnet end ab";
    double sum = 0;
    for (int i = 0; i < 20000; i++)
        text[i] = letters[(bench_random() >> 20) % (sizeof letters - 1)];
    for (int i = 0; i < 20000; i += 61)
        memcpy(text + i, i & 1 ? "me@home.org " : "3.1415 abcde", 12);
    for (int i = 40; i < 20000; i += 40)
        text[i] = '\n';
    for (int k = 0; k < 5; k++)
        compile(&programs[k], patterns[k]);
    for (long round = 0; round < scale; round++)
        for (int k = 0; k < 5; k++) {
            if (k < 4)
                for (const char *s = text; *s; s++) {
                    const char *end = backtrack(&programs[k], 0, s);
                    sum += end ? (double)(end - s) : 0;
                }
            sum += (double)simulate(&programs[k], text);
        }
    return sum;
}
