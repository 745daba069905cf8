// What two readings of the server's counters say about the time between them.

const PARTS = ['queue', 'compute_input', 'compute_infer', 'compute_output'];
const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 };

// One entry a name: the versions of a model are added up.
export function sumVersions(modelStats) {
  const models = new Map();
  for (const entry of modelStats) {
    const counters = countersOf(entry);
    const others = models.get(entry.name);
    models.set(entry.name, others ? add(others, counters) : counters);
  }
  return models;
}

// latencies: how many requests took how long, by the buckets of the answer.
function countersOf({ inference_count = 0, execution_count = 0, inference_stats: stats = {}, latency_counts = [] }) {
  const nanoseconds = (key) => stats[key]?.ns ?? 0;
  return {
    inferences: inference_count,
    executions: execution_count,
    requests: stats.success?.count ?? 0,
    failures: stats.fail?.count ?? 0,
    total: nanoseconds('success'),
    ...Object.fromEntries(PARTS.map((key) => [key, nanoseconds(key)])),
    latencies: latency_counts,
  };
}

function combine({ latencies, ...a }, b, how) {
  const sums = Object.fromEntries(Object.keys(a).map((key) => [key, how(a[key], b[key])]));
  return { ...sums, latencies: latencies.map((count, i) => how(count, b.latencies[i] ?? 0)) };
}
const add = (a, b) => combine(a, b, (x, y) => x + y);

// throughput: requests a second. latency, queue and compute are means over the requests, in ms, p50 and so on
// quantiles of the latency; they and the batch are null where nothing ran. Null as a whole where there is no
// earlier reading, or the counters began anew between the two. bounds: of the latencies' buckets, in ms.
export function ratesBetween(before, after, seconds, bounds = []) {
  if (!before || !after || !(seconds > 0)) return null;
  const { latencies, ...delta } = combine(after, before, (x, y) => x - y);
  if (Object.values(delta).some((value) => value < 0) || latencies.some((count) => count < 0)) return null;
  const mean = (ns) => (delta.requests > 0 ? ns / delta.requests / 1e6 : null);
  const quantiles = Object.entries(QUANTILES).map(([key, part]) => [key, quantile(latencies, bounds, part)]);
  return {
    throughput: delta.requests / seconds,
    failures: delta.failures / seconds,
    latency: mean(delta.total),
    ...Object.fromEntries(quantiles),
    queue: mean(delta.queue),
    compute: mean(delta.compute_input + delta.compute_infer + delta.compute_output),
    batch: delta.executions > 0 ? delta.inferences / delta.executions : null,
  };
}

// The value that `part` of them do not exceed, taken to lie evenly within its bucket; in the last, which has no
// end, its beginning. Null: there are none.
export function quantile(counts, bounds, part) {
  const wanted = counts.reduce((sum, count) => sum + count, 0) * part;
  if (!wanted || !bounds.length) return null;
  let sum = 0;
  for (const [i, count] of counts.entries()) {
    if (sum + count >= wanted) {
      const low = bounds[i - 1] ?? 0;
      return low + ((bounds[i] ?? low) - low) * ((wanted - sum) / count);
    }
    sum += count;
  }
  return bounds.at(-1);
}
