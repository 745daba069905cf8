// One model tried out: a picture or the camera in, the newest answer out.
import { picturePath, sendPicture, streamUrl } from './api.js';
import { FrameStream, openCamera } from './camera.js';
import { streamProtocols } from './key.js';

// A slider that moves sends nothing until it has rested for so long.
const REST_MS = 120;

export class Trial {
  // null, {kind: 'picture', file, name, url} or {kind: 'camera', media}.
  source = $state.raw(null);
  answer = $state.raw(null);
  // The picture as the server draws it: masks, and formats that browsers cannot show.
  drawnUrl = $state('');
  error = $state('');
  isRunning = $state(false);
  // What the last answer took: the whole way there and back (a picture), the inference alone (the camera).
  ms = $state(null);
  // Camera: answers a second, and frames of this stream that the server skipped for newer ones.
  fps = $state(null);
  dropped = $state(0);

  #name;
  #task;
  #thresholds = {};
  #timer;
  #abort = new AbortController();
  #stream;
  #video;
  #frame;
  #answered = [];

  constructor(name, task) {
    this.#name = name;
    this.#task = task;
  }

  showPicture(file, name) {
    this.stop();
    this.source = { kind: 'picture', file, name, url: URL.createObjectURL(file) };
    this.#run();
  }

  async useCamera() {
    this.stop();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      const media = await openCamera();
      // Something else may have been chosen while the browser asked for leave.
      if (signal.aborted) media.getTracks().forEach((track) => track.stop());
      else this.source = { kind: 'camera', media };
    } catch (error) {
      if (!signal.aborted) this.error = error.message;
    }
  }

  // Called once the camera's picture is on the page.
  startFrames(video) {
    this.#video = video;
    const address = { url: streamUrl(this.#name, this.#thresholds), protocols: streamProtocols() };
    this.#stream = new FrameStream(video, address, {
      onAnswer: (answer) => this.#takeFrameAnswer(answer),
      onError: (words) => (this.error = words),
      onFrame: (frame) => (this.#frame = frame),
    });
  }

  setThresholds(thresholds) {
    this.#thresholds = thresholds;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rerun(), REST_MS);
  }

  // Asks for the drawn picture, where the page itself cannot draw.
  async draw() {
    const picture = this.source?.kind === 'picture' ? this.source.file : this.#frame;
    if (!picture) return;
    const { signal } = this.#abort;
    try {
      const path = picturePath(this.#name, this.#task, this.#thresholds);
      const response = await sendPicture(path, picture, { accept: 'image/png', signal });
      const blob = await response.blob();
      if (!signal.aborted) this.#setDrawn(URL.createObjectURL(blob));
    } catch (error) {
      if (error.name !== 'AbortError') this.error = error.message;
    }
  }

  // What is no picture, to the server and to the browser, goes; what was said of it stays.
  dropPicture() {
    const { error, source } = this;
    this.stop();
    this.error = source?.name ? `${source.name}: ${error}` : error;
  }

  stop() {
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#stream?.close();
    this.#stream = this.#frame = undefined;
    if (this.source?.kind === 'camera') this.source.media.getTracks().forEach((track) => track.stop());
    if (this.source?.kind === 'picture') URL.revokeObjectURL(this.source.url);
    this.#setDrawn('');
    this.#answered = [];
    Object.assign(this, {
      source: null,
      answer: null,
      error: '',
      isRunning: false,
      ms: null,
      fps: null,
      dropped: 0,
    });
  }

  #setDrawn(url) {
    if (this.drawnUrl) URL.revokeObjectURL(this.drawnUrl);
    this.drawnUrl = url;
  }

  #rerun() {
    if (this.source?.kind === 'picture') this.#run();
    if (this.source?.kind !== 'camera' || !this.#stream) return;
    // The thresholds of a stream are those that it was opened with.
    this.#stream.close();
    this.startFrames(this.#video);
  }

  async #run() {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.isRunning = true;
    const begin = performance.now();
    try {
      const path = picturePath(this.#name, this.#task, this.#thresholds);
      const response = await sendPicture(path, this.source.file, { signal });
      const answer = await response.json();
      if (signal.aborted) return;
      Object.assign(this, { answer, ms: performance.now() - begin, error: '' });
      if (this.#task === 'segmentation') await this.draw();
    } catch (error) {
      if (error.name === 'AbortError') return;
      Object.assign(this, { answer: null, error: error.message });
    }
    if (!signal.aborted) this.isRunning = false;
  }

  #takeFrameAnswer(answer) {
    const now = performance.now();
    this.#answered = [...this.#answered.filter((time) => now - time < 2000), now];
    const span = now - this.#answered[0];
    const fps = span > 0 ? ((this.#answered.length - 1) * 1000) / span : null;
    Object.assign(this, { answer, error: '', ms: answer.ms ?? null, fps, dropped: answer.dropped ?? 0 });
    if (this.#task === 'segmentation') this.#drawFrame();
  }

  // A stream answers in words only; masks come as pictures, one at a time.
  async #drawFrame() {
    if (this.isRunning) return;
    this.isRunning = true;
    if (this.#abort.signal.aborted) this.#abort = new AbortController();
    await this.draw();
    this.isRunning = false;
  }
}
