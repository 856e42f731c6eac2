// Gains over a base with their intervals, as reports/core/significance.py computes them (`with_base`): paired over
// seeds, variances moderated by those of all pairs of settings (Smyth 2004). NaN is what is missing or unknown.
const NO_SPREAD = 1e-12;

const total = values => values.reduce((sum, value) => sum + value, 0);
const average = values => total(values) / values.length;

// Number, mean and sample variance of the values that there are; a spread of rounding alone is 0.
function summary(values, scale) {
  const present = values.filter(value => !isNaN(value)), n = present.length, mean = n ? average(present) : NaN;
  const variance = n > 1 ? total(present.map(value => (value - mean) ** 2)) / (n - 1) : NaN;
  return {
    n, mean: Math.abs(mean) <= NO_SPREAD * scale ? 0 : mean,
    variance: variance <= (NO_SPREAD * scale) ** 2 ? 0 : variance,
  };
}

// Derivatives of log gamma: by recurrence to x >= 10, then their asymptotic series.
function digamma(x) {
  let sum = 0;
  for (; x < 10; x += 1) sum -= 1 / x;
  const y = 1 / (x * x);
  return sum + Math.log(x) - 0.5 / x - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y / 132))));
}

function trigamma(x) {
  let sum = 0;
  for (; x < 10; x += 1) sum += 1 / (x * x);
  const y = 1 / (x * x);
  return sum + 1 / x + y / 2 + y / x * (1 / 6 - y * (1 / 30 - y * (1 / 42 - y * (1 / 30 - y * 5 / 66))));
}

// The x > 0 at which a falling function is `target`, by bisection of log x.
function falling(f, target) {
  let low = -40, high = 40;
  for (let step = 0; step < 200; step += 1) {
    const middle = (low + high) / 2;
    if (f(Math.exp(middle)) > target) low = middle; else high = middle;
  }
  return Math.exp((low + high) / 2);
}

// The prior of sample variances with their degrees of freedom: as good as df further observations of `variance`.
function moderate(variances, dfs) {
  if (!variances.length) return { df: Infinity, variance: 0 };
  const pooled = total(variances.map((variance, i) => variance * dfs[i])) / total(dfs);
  const chosen = variances.map((_, i) => i).filter(i => variances[i] > 0);
  const e = chosen.map(i => Math.log(variances[i]) - digamma(dfs[i] / 2) + Math.log(dfs[i] / 2));
  const excess = e.length > 1 ? summary(e, 0).variance - average(chosen.map(i => trigamma(dfs[i] / 2))) : 0;
  if (excess <= 0) return { df: Infinity, variance: pooled };
  const df = 2 * falling(trigamma, excess);
  return { df, variance: Math.exp(average(e) + digamma(df / 2) - Math.log(df / 2)) };
}

function logGamma(x) {
  let sum = 0;
  for (; x < 10; x += 1) sum -= Math.log(x);
  const y = 1 / (x * x);
  return sum + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI)
    + (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)))) / x;
}

// P(|T| > t) of Student's distribution: the regularised incomplete beta function I(df / (df + t^2); df / 2, 1 / 2).
function tail(t, df) {
  const x = df / (df + t * t), a = df / 2, b = 0.5;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x));
  return x < (a + 1) / (a + b + 2) ? front * fraction(x, a, b) / a : 1 - front * fraction(1 - x, b, a) / b;
}

// The continued fraction of the incomplete beta function, by Lentz's method.
function fraction(x, a, b) {
  let c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), h = d;
  for (let m = 1; m < 500; m += 1) {
    let step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + step * d); c = 1 + step / c; h *= d * c;
    step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + step * d); c = 1 + step / c; h *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return h;
}

// The prior of all pairs of settings, and the residual degrees of freedom of their block analysis.
function spread(values, scale) {
  const several = new Map();
  for (const row of values) if (row.filter(value => !isNaN(value)).length > 1) {
    const key = row.map(value => value.toFixed(12)).join();
    if (!several.has(key)) several.set(key, row);
  }
  const rows = [...several.values()], variances = [], dfs = [];
  rows.forEach((first, i) => rows.slice(i + 1).forEach(second => {
    const { n, variance } = summary(first.map((value, seed) => value - second[seed]), scale);
    if (n > 1) variances.push(variance), dfs.push(n - 1);
  }));
  const present = rows.map(row => row.map(value => !isNaN(value)));
  const columns = values[0].map((_, seed) => present.some(row => row[seed])).filter(Boolean).length;
  const residual = total(present.map(row => row.filter(Boolean).length)) - rows.length - columns + 1;
  return { prior: moderate(variances, dfs), residual: Math.max(residual, 0) };
}

// values: settings x seeds. Returns for each setting each (gain at a seed), n, mean, low, high (of coverage 1 - level).
function gainsOver(values, base, level) {
  const scale = Math.max(0, ...values.flat().filter(value => !isNaN(value)).map(Math.abs));
  const { prior, residual } = spread(values, scale);
  const gains = values.map(row => {
    const each = row.map((value, seed) => value - values[base][seed]), { n, mean, variance } = summary(each, scale);
    const moderated = isFinite(prior.df) ? (prior.df * prior.variance + (n - 1) * variance) / (prior.df + n - 1) : prior.variance;
    return { each, n, mean, variance: row !== values[base] && n > 1 ? moderated : NaN };
  });
  const seeds = Math.min(...gains.filter(gain => gain.variance >= 0).map(gain => gain.n));
  const df = Math.max(Math.min(seeds - 1 + prior.df, residual), 1);
  const tested = gains.some(gain => gain.variance > 0), width = tested ? falling(t => tail(t, df), level) : NaN;
  return gains.map(({ each, n, mean, variance }) => {
    const half = width * Math.sqrt(variance / n);
    return { each, n, mean, low: mean - half, high: mean + half };
  });
}
