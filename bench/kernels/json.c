/* A JSON parser: builds a tree of a generated document, walks it, prints it again. */
#include "bench.h"

enum kind { NIL, FALSE_, TRUE_, NUMBER, STRING, ARRAY, OBJECT };
struct value {
    enum kind kind;
    double number;
    char *string;
    struct value *first, *next;
    char *name;
};

static char *out;
static size_t out_at;

static void put(char c) { out[out_at++] = c; }
static void puts_(const char *s) { while (*s) put(*s++); }

static void generate(int depth)
{
    uint64_t r = bench_random() >> 11;
    char buffer[32];
    switch (depth ? r % 8 : 3 + r % 4) {
    case 0: case 1: {
        put('{');
        for (int i = 0, n = 2 + (int)(r >> 8 & 7); i < n; i++) {
            if (i) puts_(", ");
            snprintf(buffer, sizeof buffer, "\"key%d\": ", (int)(r >> (8 + i) & 63));
            puts_(buffer);
            generate(depth - 1);
        }
        put('}');
        break;
    }
    case 2: case 7: {
        put('[');
        for (int i = 0, n = 1 + (int)(r >> 8 & 15); i < n; i++) {
            if (i) put(',');
            generate(depth - 1);
        }
        put(']');
        break;
    }
    case 3: snprintf(buffer, sizeof buffer, "%d", (int)(r >> 8) % 100000); puts_(buffer); break;
    case 4: snprintf(buffer, sizeof buffer, "-%d.%de2", (int)(r >> 9 & 999), (int)(r >> 20 & 999));
            puts_(buffer); break;
    case 5: puts_(r >> 8 & 1 ? "true" : r >> 9 & 1 ? "false" : "null"); break;
    default: puts_("\"some \\\"text\\\" with \\u00e9 and\\n more\""); break;
    }
}

static const char *in;

static void space(void) { while (*in == ' ' || *in == '\n' || *in == '\t' || *in == '\r') in++; }

static char *parse_string(void)
{
    const char *end = ++in;
    while (*end != '"')
        end += 1 + (*end == '\\');
    char *s = malloc((size_t)(end - in) * 2 + 1), *to = s;
    while (*in != '"') {
        if (*in != '\\') {
            *to++ = *in++;
            continue;
        }
        in++;
        switch (*in++) {
        case 'n': *to++ = '\n'; break;
        case 't': *to++ = '\t'; break;
        case 'u': {
            unsigned code = 0;
            for (int i = 0; i < 4; i++, in++)
                code = code * 16 + (unsigned)(*in <= '9' ? *in - '0' : (*in | 32) - 'a' + 10);
            if (code < 0x80) {
                *to++ = (char)code;
            } else if (code < 0x800) {
                *to++ = (char)(0xc0 | code >> 6);
                *to++ = (char)(0x80 | (code & 63));
            } else {
                *to++ = (char)(0xe0 | code >> 12);
                *to++ = (char)(0x80 | (code >> 6 & 63));
                *to++ = (char)(0x80 | (code & 63));
            }
            break;
        }
        default: *to++ = in[-1];
        }
    }
    in++;
    *to = 0;
    return s;
}

static double parse_number(void)
{
    int negative = *in == '-';
    in += negative;
    double value = 0, scale = 1;
    while (*in >= '0' && *in <= '9')
        value = value * 10 + (*in++ - '0');
    if (*in == '.')
        for (in++; *in >= '0' && *in <= '9'; scale *= 10)
            value = value * 10 + (*in++ - '0');
    value /= scale;
    if ((*in | 32) == 'e') {
        int down = *++in == '-', exponent = 0;
        in += down || *in == '+';
        while (*in >= '0' && *in <= '9')
            exponent = exponent * 10 + (*in++ - '0');
        while (exponent--)
            value = down ? value / 10 : value * 10;
    }
    return negative ? -value : value;
}

static NOINLINE struct value *parse(void)
{
    struct value *v = calloc(1, sizeof *v), **link = &v->first;
    space();
    switch (*in) {
    case '{':
    case '[': {
        char close = *in == '{' ? '}' : ']';
        v->kind = *in++ == '{' ? OBJECT : ARRAY;
        for (space(); *in != close; space()) {
            char *name = 0;
            if (v->kind == OBJECT) {
                name = parse_string();
                space();
                in++;
            }
            *link = parse();
            (*link)->name = name;
            link = &(*link)->next;
            space();
            if (*in == ',')
                in++;
        }
        in++;
        break;
    }
    case '"': v->kind = STRING; v->string = parse_string(); break;
    case 't': v->kind = TRUE_; in += 4; break;
    case 'f': v->kind = FALSE_; in += 5; break;
    case 'n': v->kind = NIL; in += 4; break;
    default: v->kind = NUMBER; v->number = parse_number();
    }
    return v;
}

static NOINLINE double walk(const struct value *v, int depth)
{
    double sum = 0;
    if (v->name)
        for (const char *s = v->name; *s; s++)
            sum += *s;
    switch (v->kind) {
    case NUMBER: return sum + v->number;
    case STRING: return sum + (double)strlen(v->string);
    case ARRAY: case OBJECT:
        for (const struct value *child = v->first; child; child = child->next)
            sum += walk(child, depth + 1);
        return sum + depth;
    default: return sum + v->kind;
    }
}

static void write_string(const char *s)
{
    put('"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            put('\\');
        if (*s == '\n')
            puts_("\\n");
        else
            put(*s);
    }
    put('"');
}

static NOINLINE void write(const struct value *v)
{
    char buffer[16];
    switch (v->kind) {
    case NIL: puts_("null"); break;
    case FALSE_: puts_("false"); break;
    case TRUE_: puts_("true"); break;
    case NUMBER: {
        long n = (long)v->number, at = sizeof buffer;
        int negative = n < 0;
        buffer[--at] = 0;
        for (n = negative ? -n : n; n || at == (long)sizeof buffer - 1; n /= 10)
            buffer[--at] = (char)('0' + n % 10);
        if (negative)
            buffer[--at] = '-';
        puts_(buffer + at);
        break;
    }
    case STRING: write_string(v->string); break;
    default:
        put(v->kind == ARRAY ? '[' : '{');
        for (const struct value *child = v->first; child; child = child->next) {
            if (child->name) {
                write_string(child->name);
                put(':');
            }
            write(child);
            if (child->next)
                put(',');
        }
        put(v->kind == ARRAY ? ']' : '}');
    }
}

static NOINLINE void release(struct value *v)
{
    for (struct value *child = v->first; child;) {
        struct value *next = child->next;
        release(child);
        child = next;
    }
    free(v->string);
    free(v->name);
    free(v);
}

static double work(long scale)
{
    static char document[1 << 20], printed[1 << 20];
    double sum = 0;
    out = document;
    out_at = 0;
    put('[');
    while (out_at < 200000) {
        if (out_at > 1)
            put(',');
        generate(4);
    }
    put(']');
    put(0);
    for (long round = 0; round < scale; round++) {
        in = document;
        struct value *v = parse();
        sum += walk(v, 0);
        out = printed;
        out_at = 0;
        write(v);
        put(0);
        sum += (double)out_at;
        release(v);
    }
    return sum;
}
