/* A bytecode interpreter: a switch in a loop over a register machine's program. */
#include "bench.h"

enum code { LOADI, MOVE, ADD, SUB, MUL, XOR, SHR, ANDI, ADDI, LOAD, STORE, JLT, JNZ, JUMP, HALT };
struct instruction { uint8_t op, a, b, c; int32_t imm; };

static uint32_t cells[1024];

static NOINLINE uint32_t interpret(const struct instruction *program, uint32_t limit)
{
    uint32_t r[16] = {0};
    const struct instruction *pc = program;
    r[15] = limit;
    for (;;) {
        struct instruction i = *pc++;
        switch (i.op) {
        case LOADI: r[i.a & 15] = (uint32_t)i.imm; break;
        case MOVE: r[i.a & 15] = r[i.b & 15]; break;
        case ADD: r[i.a & 15] = r[i.b & 15] + r[i.c & 15]; break;
        case SUB: r[i.a & 15] = r[i.b & 15] - r[i.c & 15]; break;
        case MUL: r[i.a & 15] = r[i.b & 15] * r[i.c & 15]; break;
        case XOR: r[i.a & 15] = r[i.b & 15] ^ r[i.c & 15]; break;
        case SHR: r[i.a & 15] = r[i.b & 15] >> (i.imm & 31); break;
        case ANDI: r[i.a & 15] = r[i.b & 15] & (uint32_t)i.imm; break;
        case ADDI: r[i.a & 15] = r[i.b & 15] + (uint32_t)i.imm; break;
        case LOAD: r[i.a & 15] = cells[r[i.b & 15] & 1023]; break;
        case STORE: cells[r[i.b & 15] & 1023] = r[i.a & 15]; break;
        case JLT: if (r[i.a & 15] < r[i.b & 15]) pc += i.imm; break;
        case JNZ: if (r[i.a & 15]) pc += i.imm; break;
        case JUMP: pc += i.imm; break;
        case HALT: return r[0];
        }
    }
}

static double work(long scale)
{
    /* a linear congruential generator that mixes a table, and a branch that depends on it */
    struct instruction program[] = {
        {LOADI, 0, 0, 0, 1},    {LOADI, 1, 0, 0, 0},        {LOADI, 2, 0, 0, 1664525},
        {LOADI, 3, 0, 0, 0},
        {MUL, 4, 0, 2, 0},      {ADDI, 4, 4, 0, 1013904223}, {SHR, 5, 4, 0, 9},
        {ANDI, 5, 5, 0, 1023},  {LOAD, 6, 5, 0, 0},          {XOR, 6, 6, 4, 0},
        {STORE, 6, 5, 0, 0},    {ANDI, 7, 6, 0, 3},          {JNZ, 7, 0, 0, 2},
        {ADD, 3, 3, 6, 0},      {JUMP, 0, 0, 0, 1},
        {SUB, 3, 3, 7, 0},      {MOVE, 0, 4, 0, 0},          {ADDI, 1, 1, 0, 1},
        {JLT, 1, 15, 0, -15},   {MOVE, 0, 3, 0, 0},          {HALT, 0, 0, 0, 0},
    };
    memset(cells, 0, sizeof cells);
    return interpret(program, (uint32_t)scale * 1000);
}
