/* LU decomposition with partial pivoting, and a solution: dense linear algebra. */
#include <math.h>
#include "bench.h"

enum { N = 200 };
static double a[N][N], b[N];

static NOINLINE int decompose(int *order)
{
    int sign = 1;
    for (int i = 0; i < N; i++)
        order[i] = i;
    for (int k = 0; k < N; k++) {
        int best = k;
        for (int i = k + 1; i < N; i++)
            if (fabs(a[i][k]) > fabs(a[best][k]))
                best = i;
        if (best != k) {
            for (int j = 0; j < N; j++) {
                double t = a[k][j];
                a[k][j] = a[best][j];
                a[best][j] = t;
            }
            int t = order[k];
            order[k] = order[best];
            order[best] = t;
            sign = -sign;
        }
        double inverse = 1 / a[k][k];
        for (int i = k + 1; i < N; i++) {
            double factor = a[i][k] *= inverse;
            for (int j = k + 1; j < N; j++)
                a[i][j] -= factor * a[k][j];
        }
    }
    return sign;
}

static NOINLINE void solve(const int *order, double *x)
{
    for (int i = 0; i < N; i++) {
        double sum = b[order[i]];
        for (int j = 0; j < i; j++)
            sum -= a[i][j] * x[j];
        x[i] = sum;
    }
    for (int i = N - 1; i >= 0; i--) {
        double sum = x[i];
        for (int j = i + 1; j < N; j++)
            sum -= a[i][j] * x[j];
        x[i] = sum / a[i][i];
    }
}

static double work(long scale)
{
    int order[N];
    double x[N], total = 0;
    for (long round = 0; round < scale; round++) {
        for (int i = 0; i < N; i++) {
            b[i] = i % 7 - 3;
            for (int j = 0; j < N; j++)
                a[i][j] = (double)(bench_random() >> 40) / (1 << 24) + (i == j ? 3 : 0);
        }
        total += decompose(order);
        solve(order, x);
        for (int i = 0; i < N; i++)
            total += x[i] * (i % 3);
    }
    return total;
}
