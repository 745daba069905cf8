// JSON as people read it: indented, but what fits on one line stays on one; with as many digits as say
// something, where it is only looked at; and cut into tokens for colour.

const WIDTH = 96;

// taken: how much of its first line is used up.
export function formatJson(value, indent = '', taken = 0) {
  const flat = flatten(value);
  if (flat.length + taken <= WIDTH || value === null || typeof value !== 'object') return flat;
  const deeper = `${indent}  `;
  const isList = Array.isArray(value);
  const lines = Object.entries(value).map(([key, item]) => {
    const start = isList ? deeper : `${deeper}${JSON.stringify(key)}: `;
    return start + formatJson(item, deeper, start.length);
  });
  const [open, close] = isList ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

// The same value with so many significant digits in its numbers; whole numbers stay whole.
export function withDigits(value, digits) {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toPrecision(digits));
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => withDigits(item, digits));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withDigits(item, digits)]));
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
