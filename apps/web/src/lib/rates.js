// What two readings of the server's counters say about the time between them.

const PARTS = ['queue', 'compute_input', 'compute_infer', 'compute_output'];

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

function countersOf({ inference_count = 0, execution_count = 0, inference_stats: stats = {} }) {
  const nanoseconds = (key) => stats[key]?.ns ?? 0;
  return {
    inferences: inference_count,
    executions: execution_count,
    requests: stats.success?.count ?? 0,
    failures: stats.fail?.count ?? 0,
    total: nanoseconds('success'),
    ...Object.fromEntries(PARTS.map((key) => [key, nanoseconds(key)])),
  };
}

const combine = (a, b, how) => Object.fromEntries(Object.keys(a).map((key) => [key, how(a[key], b[key])]));
const add = (a, b) => combine(a, b, (x, y) => x + y);

// throughput: requests a second. Times are means over the requests, in ms; they and the batch are null where
// nothing ran. Null as a whole where there is no earlier reading, or the counters began anew between the two.
export function ratesBetween(before, after, seconds) {
  if (!before || !after || !(seconds > 0)) return null;
  const delta = combine(after, before, (x, y) => x - y);
  if (Object.values(delta).some((value) => value < 0)) return null;
  const mean = (ns) => (delta.requests > 0 ? ns / delta.requests / 1e6 : null);
  return {
    throughput: delta.requests / seconds,
    failures: delta.failures / seconds,
    latency: mean(delta.total),
    queue: mean(delta.queue),
    compute: mean(delta.compute_input + delta.compute_infer + delta.compute_output),
    batch: delta.executions > 0 ? delta.inferences / delta.executions : null,
  };
}
