import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assignColors, busiest } from './busiest.js';

const history = (counts) => new Map(Object.entries(counts).map(([name, count]) => [name, [null, { throughput: count }]]));

test('of many models those with the most requests are charted, and none that is idle', () => {
  const counts = { a: 0, b: 3, c: 9, d: 1 };
  assert.deepEqual(busiest(['a', 'b', 'c', 'd'], history(counts), 2), ['c', 'b']);
  assert.deepEqual(busiest(['a', 'b', 'c', 'd', 'e'], history(counts), 4), ['c', 'b', 'd']);
});

test('of few models all are charted', () => {
  assert.deepEqual(busiest(['a', 'b'], history({}), 2), ['a', 'b']);
});

test('a model keeps its colour while it is charted, and no two have the same', () => {
  const first = assignColors(new Map(), ['a', 'b', 'c'], 3);
  const second = assignColors(first, ['d', 'c', 'b'], 3);
  assert.equal(second.get('b'), first.get('b'));
  assert.equal(second.get('c'), first.get('c'));
  assert.equal(second.get('d'), first.get('a'));
  assert.equal(new Set(second.values()).size, 3);
});
