import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJson, tokensOf, withDigits } from './json.js';

const ANSWER = {
  file: 'a "quoted" name.jpg',
  width: 810,
  detections: [
    { label: 'bus', class: 5, score: 0.93, box: [5.2, 230, 800, 521] },
    { label: 'person', class: 0, score: 0.9, box: [48, 399, 197, 504] },
  ],
  none: [],
  nothing: null,
};

test('the text is the same JSON', () => {
  assert.deepEqual(JSON.parse(formatJson(ANSWER)), ANSWER);
});

test('what fits on a line stays on one', () => {
  assert.equal(formatJson({ box: [1, 2] }), '{"box": [1, 2]}');
  assert.ok(formatJson(ANSWER).split('\n').every((line) => line.length <= 96));
  assert.match(formatJson(ANSWER), /\n {4}\{"label": "bus", .*"box": \[5\.2, 230, 800, 521\]\},\n/);
});

test('digits that say nothing are left out', () => {
  const value = { box: [5.2041666666, 1234.5678], score: 0.8172041666666666, count: 12345678, name: '0.123456789', no: null };
  assert.deepEqual(withDigits(value, 5), { ...value, box: [5.2042, 1234.6], score: 0.8172 });
});

test('tokens are the text again, and keys are told from strings', () => {
  const text = formatJson(ANSWER);
  const tokens = tokensOf(text);
  assert.equal(tokens.map((token) => token.text).join(''), text);
  const kindOf = (wanted) => tokens.find((token) => token.text === wanted).kind;
  assert.equal(kindOf('"label"'), 'key');
  assert.equal(kindOf('"bus"'), 'string');
  assert.equal(kindOf('0.93'), 'value');
  assert.equal(kindOf('null'), 'value');
});
