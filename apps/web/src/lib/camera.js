// Frames of the camera over a WebSocket: each goes out as a JPEG while the line is free, and the server keeps
// the newest. Frames that the line or the server has no time for are never sent.

// Long side of what is sent, in pixels: more than detectors take, less than a line minds.
const LONG_SIDE = 960;
const QUALITY = 0.85;
// Frames that may be under way without an answer; any answer clears the count, since the server skips frames.
const MAX_UNANSWERED = 4;
// After so long without an answer the next frame goes out all the same.
const PATIENCE_MS = 2000;

export async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error('The browser gives the camera to https and localhost only; open the page there.');
  }
  const video = { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch (error) {
    const denied = error.name === 'NotAllowedError';
    throw new Error(denied ? 'The browser was not allowed to use the camera.' : 'No camera can be opened.');
  }
}

export class FrameStream {
  #video;
  #socket;
  #canvas = document.createElement('canvas');
  #unanswered = 0;
  #lastHeard = performance.now();
  #isEncoding = false;
  #isOpen = true;
  #onFrame;

  // onAnswer(json), onError(words), onFrame(blob): each frame that is sent.
  constructor(video, { url, protocols }, { onAnswer, onError, onFrame }) {
    this.#video = video;
    this.#onFrame = onFrame;
    this.#socket = new WebSocket(url, protocols);
    this.#socket.onmessage = ({ data }) => {
      if (!this.#isOpen) return;
      this.#unanswered = 0;
      this.#lastHeard = performance.now();
      const answer = parse(data);
      if (answer.error) onError(answer.error);
      else onAnswer(answer);
    };
    this.#socket.onclose = ({ reason }) => {
      if (this.#isOpen) onError(reason || 'The server closed the stream.');
      this.close();
    };
    this.#next();
  }

  close() {
    this.#isOpen = false;
    this.#socket.close();
  }

  #next() {
    if (!this.#isOpen) return;
    const onFrame = () => {
      this.#send();
      this.#next();
    };
    if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(onFrame);
    else requestAnimationFrame(onFrame);
  }

  #canSend() {
    const isWaiting = this.#unanswered >= MAX_UNANSWERED && performance.now() - this.#lastHeard < PATIENCE_MS;
    const isFree = this.#socket.readyState === WebSocket.OPEN && this.#socket.bufferedAmount === 0;
    return isFree && !isWaiting && !this.#isEncoding && this.#video.videoWidth > 0;
  }

  async #send() {
    if (!this.#canSend()) return;
    this.#isEncoding = true;
    const frame = await this.#encode();
    this.#isEncoding = false;
    if (!frame || !this.#isOpen || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(frame);
    this.#unanswered += 1;
    this.#onFrame(frame);
  }

  #encode() {
    const { videoWidth, videoHeight } = this.#video;
    const scale = Math.min(1, LONG_SIDE / Math.max(videoWidth, videoHeight));
    this.#canvas.width = Math.round(videoWidth * scale);
    this.#canvas.height = Math.round(videoHeight * scale);
    this.#canvas.getContext('2d').drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    return new Promise((resolve) => this.#canvas.toBlob(resolve, 'image/jpeg', QUALITY));
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { error: 'The server sent something that is not JSON.' };
  }
}
