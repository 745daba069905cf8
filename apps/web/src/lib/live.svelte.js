// What the server is doing now: its models and the rates of the last minutes, read anew every second while
// the page is looked at.
import { getJson, listModels, modelPath } from './api.js';
import { apiKey, setApiKey } from './key.js';
import { ratesBetween, sumVersions } from './rates.js';

const PERIOD_MS = 1000;
// Reads that a chart shows: two minutes.
const KEPT = 121;
// Numbers in a table rest on a few seconds, so that they can be read.
const SMOOTHED = 5;

class Live {
  // [{name, versions, state, reason, task, platform}], by name; null before the first answer.
  models = $state.raw(null);
  server = $state.raw(null);
  error = $state('');
  // The server answers nothing without a key, or without another one than is known.
  needsKey = $state(false);
  // Times of the reads in seconds, and for each model a rate or null for each of them.
  times = $state.raw([]);
  history = $state.raw(new Map());
  // Rates over the last few seconds, and the counters themselves.
  now = $state.raw(new Map());
  totals = $state.raw(new Map());

  #readings = [];
  #details = new Map();

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

  async #read() {
    try {
      this.server ??= await getJson('/v2');
      const [index, stats] = await Promise.all([listModels(), getJson('/v2/models/stats')]);
      this.#take(sumVersions(stats.model_stats ?? []));
      this.models = await this.#describe(index);
      this.error = '';
      this.needsKey = false;
    } catch (error) {
      this.needsKey = error.status === 401;
      this.error = this.needsKey ? '' : error.message;
    }
  }

  #take(counters) {
    const time = performance.now() / 1000;
    const last = this.#readings.at(-1);
    const before = this.#readings.at(-SMOOTHED) ?? this.#readings[0];
    this.#readings = [...this.#readings.slice(1 - SMOOTHED), { time, counters }];

    const rates = (reading, name) =>
      reading ? ratesBetween(reading.counters.get(name), counters.get(name), time - reading.time) : null;
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
  }

  async #describe(index) {
    const models = new Map();
    for (const { name, version, state, reason = '' } of index) {
      const model = models.get(name) ?? { name, versions: [], state, reason };
      model.versions.push(version);
      if (state === 'READY') Object.assign(model, { state, reason: '' });
      models.set(name, model);
    }
    const sorted = [...models.values()].sort((a, b) => a.name.localeCompare(b.name));
    return Promise.all(sorted.map(async (model) => ({ ...model, ...(await this.#detailsOf(model)) })));
  }

  // Task and platform do not change while a model is loaded; a model that comes back is asked again.
  #detailsOf({ name, state }) {
    if (state !== 'READY') {
      this.#details.delete(name);
      return {};
    }
    if (!this.#details.has(name)) {
      const details = Promise.all([getJson(modelPath(name)), getJson(modelPath(name, '/task'))]).then(
        ([{ platform, inputs, outputs }, task]) => ({ platform, inputs, outputs, ...task }),
        () => {
          this.#details.delete(name);
          return {};
        },
      );
      this.#details.set(name, details);
    }
    return this.#details.get(name);
  }
}

export const live = new Live();
