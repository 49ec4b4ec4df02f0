/* The Mandelbrot set: a tight floating-point loop with an unpredictable exit. */
#include "bench.h"

static NOINLINE unsigned escape(double cx, double cy, unsigned limit)
{
    double x = 0, y = 0;
    unsigned i = 0;
    while (i < limit) {
        double xx = x * x, yy = y * y;
        if (xx + yy > 4.0)
            break;
        y = 2 * x * y + cy;
        x = xx - yy + cx;
        i++;
    }
    return i;
}

static double work(long scale)
{
    double total = 0;
    for (long row = 0; row < scale; row++)
        for (long column = 0; column < scale; column++)
            total += escape(column * 3.0 / scale - 2.1, row * 2.4 / scale - 1.2, 200);
    return total;
}
