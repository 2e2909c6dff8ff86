"""What `bench_stats` is compared with: statsmodels on the same sizes, and numpy by normal equations.

Prints one JSON object: least milliseconds of each. Threads: as many as the caller gives (OMP_NUM_THREADS)."""
import json
import time

import numpy as np
import statsmodels
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(1)
rows, models = 40_000, 15
x = np.column_stack([
    np.ones(rows), random.uniform(18, 79, rows), random.integers(0, 2, rows), random.integers(0, 2, rows)])
y = random.normal(50, 10, (models, rows))
million = random.random(1_000_000)


def fitted():
    p = []
    for response in y:
        fit = sm.OLS(response, x).fit()
        fit.bse, fit.conf_int()
        p += list(fit.pvalues[1:])
    return multipletests(p, method="fdr_bh")


def normal_equations():
    inverse = np.linalg.inv(x.T @ x)
    beta = y @ x @ inverse
    residual = ((y - beta @ x.T) ** 2).sum(1)
    error = np.sqrt(residual[:, None] / (rows - 4) * np.diag(inverse))
    p = 2 * stats.t.sf(abs(beta / error), rows - 4)
    return multipletests(p[:, 1:].ravel(), method="fdr_bh")


def least(run, times):
    run()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken) * 1e3


print(json.dumps({
    "statsmodels": statsmodels.__version__,
    "ols_15x40k_bh": least(fitted, 9),
    "ols_15x40k_bh_by_normal_equations": least(normal_equations, 15),
    "bh_1m": least(lambda: multipletests(million, method="fdr_bh"), 3),
}))
