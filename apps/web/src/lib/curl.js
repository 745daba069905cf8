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

// With zeros for small tensors; an ellipsis stands for what is too long to write.
export function curlForTensors({ url, inputs, hasKey }) {
  const tensors = inputs.map(({ name, datatype, shape }) => {
    const sizes = shape.map((size) => (size > 0 ? size : 1));
    const count = sizes.reduce((product, size) => product * size, 1);
    return { name, datatype, shape: sizes, data: count <= 16 ? Array(count).fill(0) : ['...'] };
  });
  const body = JSON.stringify({ inputs: tensors }).replaceAll('["..."]', '[...]');
  return [`curl -d ${quote(body)}`, ...(hasKey ? [KEY] : []), quote(url)].join(' \\\n  ');
}
