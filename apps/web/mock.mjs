// A stand-in for the server, for work on the page and for its test: every endpoint that the page uses, with
// made-up models and made-up traffic, and the built page from build/web/dist.
//
// usage: node mock.mjs [PORT [MODELS]]    prints the address; MODELS: so many more, of which some are busy
//
// Answers are the same for every picture, but the thresholds hold: a slider that moves changes them.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';

const root = new URL('../../build/web/', import.meta.url);
const { WebSocketServer } = createRequire(root)('ws');
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

const THRESHOLDS = { score: 0.25, iou: 0.45, cross_iou: 0.7, max: 100, top_k: 5 };
// Boxes as parts of the picture: x, y, width, height.
const FINDS = [
  ['person', 0, 0.91, [0.276, 0.376, 0.147, 0.421]],
  ['bus', 5, 0.88, [0.006, 0.213, 0.988, 0.481]],
  ['person', 0, 0.86, [0.059, 0.369, 0.243, 0.467]],
  ['person', 0, 0.81, [0.827, 0.352, 0.173, 0.458]],
  ['person', 0, 0.34, [0, 0.509, 0.078, 0.299]],
  ['tie', 27, 0.11, [0.171, 0.456, 0.016, 0.041]],
];
const CLASSES = [
  ['minibus', 654, 0.62],
  ['trolleybus', 874, 0.21],
  ['streetcar', 829, 0.06],
  ['cab', 468, 0.03],
  ['limousine', 627, 0.01],
  ['ambulance', 407, 0.004],
];
const SEGMENTS = [
  ['background', 0, 0.61],
  ['bus', 6, 0.3],
  ['person', 15, 0.09],
];

const model = (name, task, platform, shape, outputs, more = {}) => ({
  name,
  task,
  platform,
  state: 'READY',
  reason: '',
  rate: 0,
  ms: 10,
  inputs: [{ name: 'image', datatype: 'FP32', shape }],
  outputs,
  counters: null,
  ...more,
});
const port = (name, ...shape) => ({ name, datatype: 'FP32', shape });
const models = new Map(
  [
    model(
      'coco_ssd',
      'detection',
      'slipway_slip',
      [-1, 300, 300, 3],
      [port('boxes', -1, 1917, 4), port('scores', -1, 1917, 90)],
      { rate: 42, ms: 18 },
    ),
    model('mobilenet_v2', 'classification', 'slipway_slip', [-1, 224, 224, 3], [port('logits', -1, 1001)], {
      rate: 130,
      ms: 6,
    }),
    model('deeplab_v3', 'segmentation', 'slipway_slip', [1, 257, 257, 3], [port('mask', 1, 257, 257, 21)], {
      rate: 5,
      ms: 71,
    }),
    model('wake_word', 'raw', 'slipway_slip', [-1, 4], [port('probability', -1, 2)], { ms: 1 }),
    model('yolo_v8n', 'detection', 'slipway_slip', [1, 3, 640, 640], [], {
      state: 'UNAVAILABLE',
      reason: "file '1/model.slip': checksum is 9d1c04e7, header says 41aa60b2",
    }),
  ].map((entry) => [entry.name, entry]),
);
const TASKS = ['detection', 'classification', 'segmentation', 'raw'];
function addModels(count) {
  for (let i = 0; i < count; ++i) {
    const name = `model_${String(i).padStart(3, '0')}`;
    const isGone = i % 37 === 5;
    models.set(
      name,
      model(name, TASKS[i % 4], 'slipway_onnx', [-1, 3, 64, 64], [port('y', -1, 10)], {
        rate: i % 9 === 0 ? 3 + i / 3 : 0,
        ms: 1 + (i % 13),
        ...(isGone ? { state: 'UNAVAILABLE', reason: 'unloaded' } : {}),
      }),
    );
  }
}

// As the server's: four buckets an octave, from 20 us on.
const BOUNDS_US = [...Array(80).keys()].map((i) => [20, 24, 28, 34][i % 4] * 2 ** Math.floor(i / 4));
const newCounters = () => ({
  ...{ requests: 0, failures: 0, total: 0, queue: 0, infer: 0 },
  batches: new Map(),
  latencies: Array(BOUNDS_US.length + 1).fill(0),
});

// Traffic, a tenth of a second at a time.
function work() {
  for (const entry of models.values()) {
    if (entry.state !== 'READY' || !entry.rate) continue;
    const wave = 1 + 0.35 * Math.sin(Date.now() / 9000 + entry.ms) + 0.2 * (Math.random() - 0.5);
    count(
      entry,
      Math.max(0, Math.round((entry.rate * wave) / 10 + Math.random() - 0.5)),
      entry.ms * (0.85 + 0.25 * wave),
    );
  }
}
function count(entry, requests, ms) {
  if (!requests) return;
  const { counters } = entry;
  const infer = ms * 0.7;
  counters.requests += requests;
  counters.infer += requests * infer * 1e6;
  counters.queue += requests * (ms - infer) * 1e6;
  counters.total += requests * ms * 1e6;
  for (let i = 0; i < requests; ++i) {
    const us = 1000 * ms * (0.7 + 0.5 * Math.random() + (Math.random() < 0.03 ? 2 : 0));
    counters.latencies[BOUNDS_US.filter((bound) => bound < us).length] += 1;
  }
  const size = Math.min(8, Math.max(1, requests));
  counters.batches.set(size, (counters.batches.get(size) ?? 0) + Math.ceil(requests / size));
}

function statsOf({ name, counters }) {
  const duration = (ns) => ({ count: counters.requests, ns: Math.round(ns) });
  const batch_stats = [...counters.batches].map(([batch_size, n]) => ({
    batch_size,
    compute_input: { count: n, ns: n },
    compute_infer: { count: n, ns: n },
    compute_output: { count: n, ns: n },
  }));
  return {
    name,
    version: '1',
    last_inference: Date.now(),
    inference_count: counters.requests,
    execution_count: batch_stats.reduce((sum, { compute_infer }) => sum + compute_infer.count, 0),
    inference_stats: {
      success: duration(counters.total),
      fail: { count: counters.failures, ns: 0 },
      queue: duration(counters.queue),
      compute_input: duration(0),
      compute_infer: duration(counters.infer),
      compute_output: duration(0),
    },
    batch_stats,
    latency_counts: counters.latencies,
  };
}

// Width and height of a JPEG or PNG; null for anything else.
function sizeOf(bytes) {
  if (bytes.length > 24 && bytes.readUInt32BE(0) === 0x89504e47)
    return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return null;
  for (let at = 2; at + 9 < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1];
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return [bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5)];
  }
  return null;
}

function answer({ task }, [width, height], query) {
  const given = {
    ...THRESHOLDS,
    ...Object.fromEntries([...query].map(([key, value]) => [key, Number(value)])),
  };
  const picture = { file: '', width, height };
  if (task === 'classification') {
    return {
      ...picture,
      classes: CLASSES.slice(0, given.top_k).map(([label, kind, score]) => ({ label, class: kind, score })),
    };
  }
  if (task === 'segmentation') {
    return {
      ...picture,
      mask: { width: 257, height: 257 },
      segments: SEGMENTS.map(([label, kind, fraction]) => ({ label, class: kind, fraction })),
    };
  }
  const sizes = [width, height, width, height];
  const finds = FINDS.filter(([, , score]) => score >= given.score).slice(0, given.max);
  return {
    ...picture,
    detections: finds.map(([label, kind, score, box]) => ({
      label,
      class: kind,
      score,
      box: box.map((part, i) => Math.round(part * sizes[i] * 100) / 100),
    })),
  };
}

// A picture of the size given, clear but for tinted ovals: enough to see a mask by.
function drawnPng([width, height]) {
  const stride = 1 + width * 4;
  const pixels = Buffer.alloc(stride * height);
  const isIn = (x, y, [left, top, w, h]) =>
    ((x / width - left) / w - 0.5) ** 2 + ((y / height - top) / h - 0.5) ** 2 < 0.25;
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      const color =
        isIn(x, y, FINDS[0][3]) || isIn(x, y, FINDS[2][3])
          ? 0xf24db5a0
          : isIn(x, y, FINDS[1][3])
            ? 0x35b0f2a0
            : 0;
      pixels.writeUInt32BE(color, y * stride + 1 + x * 4);
    }
  }
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const ends = [Buffer.alloc(4), Buffer.alloc(4)];
    ends[0].writeUInt32BE(data.length);
    ends[1].writeUInt32BE(crc32(body));
    return Buffer.concat([ends[0], body, ends[1]]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const json = (status, body) => ({ status, type: 'application/json', body: JSON.stringify(body) });
const fail = (status, error) => json(status, { error });

function askModel(entry, verb, request, query, body) {
  const { name, platform, inputs, outputs, task } = entry;
  if (verb === '') return json(200, { name, versions: ['1'], platform, inputs, outputs });
  if (verb === 'stats') return json(200, { model_stats: [statsOf(entry)] });
  if (entry.state !== 'READY') return fail(503, `model '${name}' is not loaded: ${entry.reason}`);
  if (verb === 'task')
    return json(200, {
      task,
      photos: task !== 'raw',
      scores: task === 'classification' ? 'probability' : undefined,
      guessed: name === 'deeplab_v3' ? ['normalisation guessed: levels divided by 255'] : [],
      labels: [
        'person',
        'bicycle',
        'car',
        'motorcycle',
        'airplane',
        'bus',
        'train',
        'truck',
        'boat',
        'traffic light',
      ],
      thresholds: THRESHOLDS,
    });
  if (verb === 'ready' || verb === 'config') return json(200, {});
  if (verb === 'explain') {
    return json(200, {
      reasons: [
        '71 % of batches ran as soon as a core was free: nothing else was waiting.',
        '22 % were full (preferred size 4).',
        '7 % waited the whole max_queue_delay of 2 ms and ran with what had come.',
      ],
    });
  }
  if (!['detect', 'classify', 'segment', 'upload'].includes(verb)) return fail(404, 'Not Found');
  const size = sizeOf(body);
  if (!size)
    return fail(400, `image: ${body.length} bytes are neither JPEG nor PNG nor another format that is read`);
  count(entry, 1, entry.ms);
  if (/image\//.test(request.headers.accept ?? ''))
    return { status: 200, type: 'image/png', body: drawnPng(size) };
  return json(200, answer(entry, size, query));
}

async function file(path) {
  const isPage = path === '/' || path.startsWith('/models/');
  const name = isPage ? '/index.html' : /^\/docs\/?$/.test(path) ? '/docs/index.html' : path;
  try {
    return {
      status: 200,
      type: TYPES[extname(name)] ?? 'application/octet-stream',
      body: await readFile(new URL(`dist${name}`, root)),
    };
  } catch {
    return fail(404, 'Not Found');
  }
}

function route(request, { pathname, searchParams }, body) {
  const state = ({ name, state: is, reason, task, platform }) => ({
    ...{ name, version: '1', state: is, reason },
    ...(is === 'READY' ? { task, platform } : {}),
  });
  if (pathname === '/v2')
    return json(200, { name: 'slipway', version: '0.9.0', extensions: ['statistics', 'model_repository'] });
  if (pathname.startsWith('/v2/health/')) return json(200, { live: true });
  if (pathname === '/metrics') return { status: 200, type: 'text/plain', body: 'nv_inference_count 1\n' };
  if (pathname === '/v2/repository/index') return json(200, [...models.values()].map(state));
  if (pathname === '/v2/models/stats')
    return json(200, {
      model_stats: [...models.values()].filter((entry) => entry.state === 'READY').map(statsOf),
      latency_bounds_us: BOUNDS_US,
    });
  const load = /^\/v2\/repository\/models\/([^/]+)\/load$/.exec(pathname);
  if (load) return fail(400, models.get(decodeURIComponent(load[1]))?.reason || 'no such model');
  const found = /^\/v2\/models\/([^/]+)\/?([a-z]*)$/.exec(pathname);
  if (!found) return file(pathname);
  const entry = models.get(decodeURIComponent(found[1]));
  return entry ? askModel(entry, found[2], request, searchParams, body) : fail(404, `no model '${found[1]}'`);
}

// Frames: one at a time, the newest of those that came meanwhile next.
function stream(socket, entry, query) {
  let newest = null;
  let dropped = 0;
  let isBusy = false;
  const run = () => {
    if (isBusy || !newest) return;
    const frame = newest;
    newest = null;
    isBusy = true;
    setTimeout(() => {
      const size = sizeOf(frame);
      count(entry, 1, entry.ms);
      socket.send(
        JSON.stringify(
          size ? { ...answer(entry, size, query), dropped, ms: entry.ms } : { error: 'image: not a JPEG' },
        ),
      );
      isBusy = false;
      run();
    }, entry.ms * 3);
  };
  socket.on('message', (frame) => {
    if (newest) dropped += 1;
    newest = frame;
    run();
  });
}

// Resolves to {address, close}. more: models beside the five.
export async function startMock(port = 0, more = 0) {
  addModels(more);
  for (const entry of models.values()) entry.counters = newCounters();
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { status, type, body } = await route(
      request,
      new URL(request.url, 'http://localhost'),
      Buffer.concat(parts),
    );
    response.writeHead(status, {
      'Content-Type': type,
      'Content-Security-Policy':
        "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'",
    });
    response.end(body);
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    const entry = models.get(decodeURIComponent(pathname.split('/')[3] ?? ''));
    if (entry && pathname.endsWith('/stream')) stream(socket, entry, searchParams);
    else socket.close(1008, 'no such model');
  });
  const traffic = setInterval(work, 100);
  await new Promise((resolve) => server.listen(port, 'localhost', resolve));
  const close = () => {
    clearInterval(traffic);
    sockets.clients.forEach((socket) => socket.terminate());
    server.closeAllConnections();
    server.close();
  };
  return { address: `http://localhost:${server.address().port}`, close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log((await startMock(Number(process.argv[2] ?? 0), Number(process.argv[3] ?? 0))).address);
}
