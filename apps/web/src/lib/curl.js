// The command line that does what the page just did, safe to paste into a POSIX shell.

// A shell's variable stands for the key: what is on the screen may be seen by others.
const KEY = '-H "X-API-Key: $SLIPWAY_KEY"';

export const quote = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;

export function curlForPicture({ url, name, type, accept, hasKey }) {
  const lines = [`curl --data-binary ${quote(`@${name}`)}`, `-H ${quote(`Content-Type: ${type}`)}`];
  if (hasKey) lines.push(KEY);
  if (accept) lines.push(`-H ${quote(`Accept: ${accept}`)} -o drawn.jpg`);
  return [...lines, quote(url)].join(' \\\n  ');
}

// Bytes of an element; of a string, its length alone.
const SIZES = {
  ...{ BOOL: 1, UINT8: 1, INT8: 1, UINT16: 2, INT16: 2, FP16: 2, BF16: 2, UINT32: 4, INT32: 4, FP32: 4 },
  ...{ UINT64: 8, INT64: 8, FP64: 8, BYTES: 4 },
};
const ZEROS = { BOOL: false, BYTES: '' };
const MOST_IN_JSON = 16;

// Zeros in every input; open sizes are 1. What is too much to read comes from /dev/zero, behind the JSON.
export function curlForTensors({ url, inputs, hasKey }) {
  const tensors = inputs.map(({ name, datatype, shape }) => {
    const sizes = shape.map((size) => (size > 0 ? size : 1));
    const count = sizes.reduce((product, size) => product * size, 1);
    return { name, datatype, shape: sizes, count };
  });
  const key = hasKey ? [KEY] : [];
  const request = (rest) =>
    JSON.stringify({ inputs: tensors.map(({ count, ...tensor }) => ({ ...tensor, ...rest(tensor, count) })) });
  const total = tensors.reduce((sum, { count }) => sum + count, 0);
  if (total <= MOST_IN_JSON) {
    const body = request(({ datatype }, count) => ({ data: Array(count).fill(ZEROS[datatype] ?? 0) }));
    return [`curl -d ${quote(body)}`, ...key, quote(url)].join(' \\\n  ');
  }
  const bytesOf = ({ datatype }, count) => SIZES[datatype] * count;
  const head = request((tensor, count) => ({ parameters: { binary_data_size: bytesOf(tensor, count) } }));
  const bytes = tensors.reduce((sum, tensor) => sum + bytesOf(tensor, tensor.count), 0);
  return [
    `{ printf %s ${quote(head)}; head -c ${bytes} /dev/zero; } |`,
    `curl --data-binary @-`,
    `-H 'Inference-Header-Content-Length: ${new TextEncoder().encode(head).length}'`,
    ...key,
    quote(url),
  ].join(' \\\n  ');
}
