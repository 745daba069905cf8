// The server's interface, as far as the page uses it. Every function throws an Error whose message is fit to
// be shown: the server's own words where it gave any, with the status where it answered.
import { keyHeaders } from './key.js';

// What the endpoint of a task is called.
const VERBS = { detection: 'detect', classification: 'classify', segmentation: 'segment' };

export const canTakePictures = (task) => task in VERBS;

export const modelPath = (name, tail = '') => `/v2/models/${encodeURIComponent(name)}${tail}`;

// The path with the thresholds that are given; the server fills in the others.
export function picturePath(name, task, thresholds) {
  return withQuery(modelPath(name, `/${VERBS[task]}`), thresholds);
}

export function streamUrl(name, thresholds) {
  const url = new URL(withQuery(modelPath(name, '/stream'), thresholds), location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

function withQuery(path, values) {
  const query = new URLSearchParams(values).toString();
  return query ? `${path}?${query}` : path;
}

export async function request(path, init = {}) {
  let response;
  try {
    response = await fetch(path, { ...init, headers: { ...init.headers, ...keyHeaders() } });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Error('The server does not answer.');
  }
  if (response.ok) return response;
  const words = await response.json().then(
    (body) => body.error,
    () => null,
  );
  const error = new Error(words || `The server answered ${response.status} ${response.statusText}`.trim());
  throw Object.assign(error, { status: response.status });
}

export const getJson = async (path, init) => (await request(path, init)).json();
export const post = (path, body = '{}') => getText(path, { method: 'POST', body });

export async function getText(path, init) {
  return (await request(path, init)).text();
}

export async function listModels() {
  return JSON.parse(await post('/v2/repository/index'));
}

export const loadModel = (name) => post(`/v2/repository/models/${encodeURIComponent(name)}/load`);

export function sendPicture(path, picture, { accept = 'application/json', signal } = {}) {
  const headers = { Accept: accept, 'Content-Type': picture.type || 'application/octet-stream' };
  return request(path, { method: 'POST', body: picture, headers, signal });
}
