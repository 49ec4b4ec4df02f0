/* Matrix multiplication, double precision, in the order that walks rows. */
#include "bench.h"

enum { N = 160 };
static double a[N][N], b[N][N], c[N][N];

static NOINLINE void multiply(void)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            c[i][j] = 0;
        for (int k = 0; k < N; k++) {
            double x = a[i][k];
            for (int j = 0; j < N; j++)
                c[i][j] += x * b[k][j];
        }
    }
}

static double work(long scale)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (i * 7 + j * 3) % 11 - 5;
            b[i][j] = (i * 5 + j * 2) % 13 - 6;
        }
    for (long round = 0; round < scale; round++) {
        multiply();
        a[round % N][(round * 7) % N] += 1;
    }
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += c[i][(i * 3) % N] * (i + 1);
    return sum;
}
