/* Five bodies under gravity: scalar floating point, square roots, divisions. */
#include <math.h>
#include "bench.h"

enum { BODIES = 5 };
struct body { double x[3], v[3], mass; };

static void start(struct body *bodies)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *b = bodies + i;
        for (int k = 0; k < 3; k++) {
            b->x[k] = i * 3.7 + k * 1.3 - (k == 1) * i * 2.1;
            b->v[k] = (k - 1) * 0.11 + (i & 1 ? 0.05 : -0.04) * k;
        }
        b->mass = i ? 0.03 / i : 39.0;
    }
}

static NOINLINE void advance(struct body *bodies, double dt)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = bodies + i;
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = bodies + j;
            double dx = a->x[0] - b->x[0], dy = a->x[1] - b->x[1], dz = a->x[2] - b->x[2];
            double d2 = dx * dx + dy * dy + dz * dz;
            double mag = dt / (d2 * sqrt(d2));
            a->v[0] -= dx * b->mass * mag;
            a->v[1] -= dy * b->mass * mag;
            a->v[2] -= dz * b->mass * mag;
            b->v[0] += dx * a->mass * mag;
            b->v[1] += dy * a->mass * mag;
            b->v[2] += dz * a->mass * mag;
        }
    }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            bodies[i].x[k] += dt * bodies[i].v[k];
}

static NOINLINE double energy(const struct body *bodies)
{
    double e = 0;
    for (int i = 0; i < BODIES; i++) {
        const struct body *a = bodies + i;
        e += 0.5 * a->mass * (a->v[0] * a->v[0] + a->v[1] * a->v[1] + a->v[2] * a->v[2]);
        for (int j = i + 1; j < BODIES; j++) {
            const struct body *b = bodies + j;
            double dx = a->x[0] - b->x[0], dy = a->x[1] - b->x[1], dz = a->x[2] - b->x[2];
            e -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return e;
}

static double work(long scale)
{
    struct body bodies[BODIES];
    start(bodies);
    for (long i = 0; i < scale * 1000; i++)
        advance(bodies, 0.0001);
    return energy(bodies);
}
