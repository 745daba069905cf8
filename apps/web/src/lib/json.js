// JSON as people read it: indented, but what fits on one line stays on one; and cut into tokens for colour.

const WIDTH = 80;

export function formatJson(value, indent = '') {
  const flat = flatten(value);
  if (flat.length + indent.length <= WIDTH || value === null || typeof value !== 'object') return flat;
  const deeper = `${indent}  `;
  const isList = Array.isArray(value);
  const lines = isList
    ? value.map((item) => deeper + formatJson(item, deeper))
    : Object.entries(value).map(
        ([key, item]) => `${deeper}${JSON.stringify(key)}: ${formatJson(item, deeper)}`,
      );
  const [open, close] = isList ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

function flatten(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(flatten).join(', ')}]`;
  const fields = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${flatten(item)}`);
  return `{${fields.join(', ')}}`;
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)/g;

// [{kind: 'key' | 'string' | 'value' | '', text}], which together are the text again.
export function tokensOf(text) {
  const tokens = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > end) tokens.push({ kind: '', text: text.slice(end, match.index) });
    const [, quoted, colon, value] = match;
    if (quoted) tokens.push({ kind: colon ? 'key' : 'string', text: quoted });
    if (colon) tokens.push({ kind: '', text: colon });
    if (value) tokens.push({ kind: 'value', text: value });
    end = match.index + match[0].length;
  }
  if (end < text.length) tokens.push({ kind: '', text: text.slice(end) });
  return tokens;
}
