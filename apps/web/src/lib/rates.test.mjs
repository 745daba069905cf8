import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantile, ratesBetween, sumVersions } from './rates.js';

const reading = (count, ns, more = {}) => ({
  name: 'm',
  inference_count: count,
  execution_count: count / 4,
  inference_stats: {
    success: { count, ns },
    fail: { count: 0, ns: 0 },
    queue: { count, ns: ns / 4 },
    compute_input: { count, ns: ns / 8 },
    compute_infer: { count, ns: ns / 2 },
    compute_output: { count, ns: ns / 8 },
  },
  ...more,
});
const counters = (...entries) => sumVersions(entries).get('m');

test('rates are means over the requests of the interval', () => {
  const rates = ratesBetween(counters(reading(100, 1e9)), counters(reading(300, 1e9 + 200 * 8e6)), 2);
  assert.deepEqual(rates, {
    throughput: 100,
    failures: 0,
    latency: 8,
    p50: null,
    p95: null,
    p99: null,
    queue: 2,
    compute: 6,
    batch: 4,
  });
});

test('an idle interval has a throughput but no latency', () => {
  const rates = ratesBetween(counters(reading(100, 1e9)), counters(reading(100, 1e9)), 1);
  assert.equal(rates.throughput, 0);
  assert.equal(rates.latency, null);
  assert.equal(rates.batch, null);
});

test('counters that began anew give no rates', () => {
  assert.equal(ratesBetween(counters(reading(100, 1e9)), counters(reading(4, 1e7)), 1), null);
  assert.equal(ratesBetween(undefined, counters(reading(4, 1e7)), 1), null);
  assert.equal(ratesBetween(counters(reading(4, 1e7)), counters(reading(8, 2e7)), 0), null);
});

test('quantiles are of the requests of the interval', () => {
  const before = counters(reading(100, 1e9, { latency_counts: [100, 0, 0] }));
  const after = counters(reading(200, 2e9, { latency_counts: [150, 50, 0] }));
  const { p50, p95, p99 } = ratesBetween(before, after, 1, [10, 20]);
  assert.deepEqual([p50, p95, p99.toFixed(1)], [10, 19, '19.8']);
});

test('a quantile lies within its bucket, and the last bucket has a beginning only', () => {
  assert.equal(quantile([0, 4, 0], [10, 20], 0.5), 15);
  assert.equal(quantile([1, 0, 3], [10, 20], 0.95), 20);
  assert.equal(quantile([0, 0, 0], [10, 20], 0.5), null);
  assert.equal(quantile([], [], 0.5), null);
});

test('versions of a model are added up', () => {
  const both = counters(reading(100, 1e9), reading(20, 1e8, { version: '2' }));
  assert.equal(both.requests, 120);
  assert.equal(both.total, 1.1e9);
  const histograms = counters(reading(2, 1, { latency_counts: [1, 1] }), reading(3, 1, { latency_counts: [0, 3] }));
  assert.deepEqual(histograms.latencies, [1, 4]);
});

test('an entry without statistics counts as nothing', () => {
  assert.equal(counters({ name: 'm' }).requests, 0);
});
