/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics against numpy's: percentile, mean, std(ddof=1), and median of |x - median(x)|; ranks of
 * the sign test against exact sums of binomial coefficients. */
#include "tests/unit/test.h"

#include <math.h>

#include "bench/stats.h"

/* (numpy.random.RandomState(7).gamma(4, 250, 200) * 1000).astype(int) */
static const int64_t gamma200[] = {
    1987462, 711218, 588490, 917655, 1495231, 1235230, 1180461, 797157, 1208606, 977258, 1955695,
    992551, 895110, 382817, 1516384, 731399, 331681, 1197616, 452591, 1809758, 1380913, 833176,
    317955, 296082, 1051780, 687767, 966086, 1042973, 387035, 1178380, 872040, 1614646, 751201,
    273414, 745095, 553260, 780338, 459878, 969668, 1791934, 1084948, 1315476, 827408, 301772,
    1130307, 541822, 780546, 1688209, 1205250, 1280228, 630521, 890181, 762450, 708800, 1117170,
    384841, 1783328, 993818, 2009358, 714380, 1520775, 1215123, 927356, 726225, 742195, 568417,
    880850, 1343862, 1460050, 1059261, 651918, 753944, 689204, 1020773, 959518, 414169, 616670,
    1175270, 440941, 691599, 791923, 576272, 923620, 298217, 1545049, 2006653, 355259, 1329962,
    539876, 1128268, 2126536, 1164126, 1558888, 493644, 580234, 873798, 1453475, 1458011, 1212176,
    706185, 1113810, 973605, 284801, 798484, 1576474, 1053895, 602804, 243332, 2302076, 272479,
    1256324, 1443562, 988886, 385265, 412168, 1067971, 1362148, 472950, 773192, 1163633, 668708,
    661319, 935545, 1004692, 2027683, 815555, 812124, 503456, 927614, 893092, 1305470, 857245,
    689930, 1119914, 1599547, 687441, 1059616, 1672776, 925966, 1681973, 662910, 839045, 810998,
    945859, 1467625, 710321, 517753, 1650911, 1364114, 304650, 1109276, 1808550, 946950, 696246,
    1257919, 1177179, 611966, 670579, 727568, 663106, 229806, 303886, 814026, 1161568, 484009,
    1173023, 902139, 729839, 1501019, 2107915, 920706, 1083757, 835947, 1439612, 847505, 439122,
    370407, 637863, 454867, 562115, 652850, 598125, 1070195, 546867, 466192, 334030, 1599275,
    797634, 1031994, 1079890, 385926, 869989, 853253, 392454, 640823, 1133226, 1338109, 2848752,
    2230646, 877452,
};
static const int64_t ten[] = {12, 7, 3, 9, 21, 15, 8, 8, 30, 11};

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b) + 1e-12;
}

static void test_known(void)
{
    struct bench_stats s;
    CHECK(bench_stats_make(&s, ten, 10));
    CHECK(s.n == 10 && s.min == 3 && s.max == 30);
    CHECK(near(s.p5, 4.8) && near(s.median, 10) && near(s.p90, 21.9) && near(s.p95, 25.95));
    CHECK(isnan(s.p99) && isnan(s.p99_9)); /* too few for them */
    CHECK(near(s.mean, 12.4) && near(s.stddev, 7.890923055426829) && near(s.mad, 2.5));
    CHECK(near(s.first_third, 7) && near(s.last_third, 11));
    CHECK(s.median_low == 7 && s.median_high == 21); /* second from either end */
    CHECK(bench_stats_make(&s, gamma200, 200));
    CHECK(near(s.p5, 317289.75) && near(s.median, 885515.5) && near(s.p90, 1599302.2));
    CHECK(near(s.p95, 1817054.85) && near(s.p99, 2231360.3) && isnan(s.p99_9));
    CHECK(near(s.mean, 962684.795) && near(s.stddev, 468223.8641724875));
    CHECK(near(s.mad, 285051) && near(s.first_third, 906382.5) && near(s.last_third, 850379));
}

static void test_small(void)
{
    struct bench_stats s;
    const int64_t one = 42, two[] = {8, 5}, same[] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
    CHECK(!bench_stats_make(&s, &one, 0));
    CHECK(bench_stats_make(&s, &one, 1));
    CHECK(near(s.median, 42) && near(s.p90, 42) && isnan(s.stddev) && s.mad == 0);
    CHECK(s.median_low == 0 && s.median_high == 0 && isnan(s.first_third));
    CHECK(bench_stats_make(&s, two, 2));
    CHECK(near(s.p5, 5.15) && near(s.median, 6.5) && near(s.p90, 7.7) && near(s.mad, 1.5));
    CHECK(bench_stats_make(&s, same, 12));
    CHECK(s.stddev == 0 && s.mad == 0 && s.median_low == 7 && s.median_high == 7);
    int64_t sorted[] = {1, 2};
    CHECK(bench_quantile(sorted, 2, 0) == 1 && bench_quantile(sorted, 2, 1) == 2);
}

static void test_sign_rank(void)
{
    static const size_t row[][2] = {{0, 0},    {5, 0},    {6, 1},     {10, 2},    {12, 3},
                                    {16, 4},   {20, 6},   {24, 7},    {30, 10},   {40, 14},
                                    {100, 40}, {200, 86}, {1000, 469}, {2000, 956}};
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++)
        CHECK_INT(bench_sign_rank(row[i][0], 0.95), row[i][1]);
}

static void test_warmup(void)
{
    struct bench_warmup w = {0};
    CHECK_INT(bench_warmup_median(&w), 0);
    /* ever faster by 2 % a run: five runs apart that is more than 4 % */
    int64_t t = 100000000;
    for (int i = 0; i < 20; i++, t = t * 98 / 100)
        CHECK(!bench_warmup_add(&w, t));
    /* then level: the two windows agree once the older one holds mostly level runs */
    int i = 0;
    while (!bench_warmup_add(&w, t) && i < 20)
        i++;
    CHECK(i >= 5 && i < 10);
    CHECK_INT(bench_warmup_median(&w), t);
    /* level from the start, but below 0.1 s together */
    w = (struct bench_warmup){0};
    for (i = 0; i < 99; i++)
        CHECK(!bench_warmup_add(&w, 1000000));
    CHECK(bench_warmup_add(&w, 1000000));
    w = (struct bench_warmup){0};
    bench_warmup_add(&w, 30);
    bench_warmup_add(&w, 10);
    CHECK_INT(bench_warmup_median(&w), 20);
}

int main(void)
{
    test_known();
    test_small();
    test_sign_rank();
    test_warmup();
    TEST_END;
}
