// What the server is doing now: its models and the rates of the last minutes, read anew every second while
// the page is looked at. Two requests a second, however many models there are.
import { getJson, listModels } from './api.js';
import { apiKey, setApiKey } from './key.js';
import { ratesBetween, sumVersions } from './rates.js';

const PERIOD_MS = 1000;
// Reads that a chart shows: two minutes.
const KEPT = 121;
// Numbers in a table rest on a few seconds, so that they can be read.
const SMOOTHED = 5;

class Live {
  // [{name, versions, state, reason, problems, task, platform}], by name; null before the first answer.
  models = $state.raw(null);
  server = $state.raw(null);
  // null, or {index, count}: the server has several processes, and the numbers are those of one.
  worker = $state.raw(null);
  error = $state('');
  // The server answers nothing without a key, or without another one than is known.
  needsKey = $state(false);
  // Times of the reads in seconds, and for each model a rate or null for each of them.
  times = $state.raw([]);
  history = $state.raw(new Map());
  // Rates over the last few seconds, and the counters themselves.
  now = $state.raw(new Map());
  totals = $state.raw(new Map());

  // By worker: which of them answers is the system's choice, and each counts for itself.
  #readings = new Map();

  // Until the page is left; a server that is away is asked on.
  async run() {
    for (;;) {
      if (!document.hidden && !this.needsKey) await this.#read();
      await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
    }
  }

  // Resolves to what is wrong with the key; empty: nothing.
  async tryKey(key) {
    const before = apiKey();
    setApiKey(key);
    await this.#read();
    if (!this.error && !this.needsKey) return '';
    setApiKey(before);
    return this.error || 'The server does not know this key.';
  }

  // One after the other, over one connection: two could lead to two workers.
  async #read() {
    try {
      this.server ??= await getJson('/v2');
      const stats = await getJson('/v2/models/stats');
      const index = await listModels();
      this.#take(stats);
      this.models = describe(index);
      this.error = '';
      this.needsKey = false;
    } catch (error) {
      this.needsKey = error.status === 401;
      this.error = this.needsKey ? '' : error.message;
    }
  }

  #take({ model_stats = [], latency_bounds_us = [], worker, workers }) {
    const counters = sumVersions(model_stats);
    const bounds = latency_bounds_us.map((us) => us / 1000);
    const time = performance.now() / 1000;
    const readings = this.#readings.get(worker) ?? [];
    const last = readings.at(-1);
    const before = readings.at(-SMOOTHED) ?? readings[0];
    this.#readings.set(worker, [...readings.slice(1 - SMOOTHED), { time, counters }]);

    const rates = (reading, name) =>
      reading
        ? ratesBetween(reading.counters.get(name), counters.get(name), time - reading.time, bounds)
        : null;
    const history = new Map();
    const now = new Map();
    for (const name of counters.keys()) {
      const earlier = this.history.get(name) ?? Array(this.times.length).fill(null);
      history.set(name, [...earlier, rates(last, name)].slice(-KEPT));
      now.set(name, rates(before, name));
    }
    this.times = [...this.times, time].slice(-KEPT);
    this.history = history;
    this.now = now;
    this.totals = counters;
    this.worker = worker === undefined ? null : { index: worker, count: workers };
  }
}

// One entry a model, of those of its versions. What is wrong with a version is told beside those that serve.
function describe(index) {
  const models = new Map();
  for (const { name, version, state, reason = '', task, platform } of index) {
    const model = models.get(name) ?? { name, versions: [], state, reason, problems: [] };
    model.versions.push(version);
    if (reason) model.problems.push(version ? `version ${version}: ${reason}` : reason);
    if (state === 'READY') Object.assign(model, { state, reason: '', task, platform });
    models.set(name, model);
  }
  return [...models.values()].sort((a, b) => a.name.localeCompare(b.name));
}

export const live = new Live();
