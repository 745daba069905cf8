import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canBeKey, keyHeaders, streamProtocols } from './key.js';

test('a key goes into a header, and into a subprotocol whose characters a token may have', () => {
  assert.deepEqual(keyHeaders('a b'), { 'X-API-Key': 'a b' });
  for (const key of ['se?cret>~', 'ab', 'x', 'i'.repeat(100)]) {
    const [first, second] = streamProtocols(key);
    assert.equal(first, 'slipway.frames');
    assert.match(second, /^slipway\.key\.[A-Za-z0-9_-]+$/);
    assert.equal(Buffer.from(second.slice('slipway.key.'.length), 'base64url').toString(), key);
  }
});

test('without a key nothing is said of one', () => {
  assert.deepEqual(keyHeaders(''), {});
  assert.deepEqual(streamProtocols(''), ['slipway.frames']);
});

test('what no header can hold is no key', () => {
  assert.ok(canBeKey('abc-123_~!'));
  for (const text of ['', 'a b', 'schlüssel', 'a\n']) assert.ok(!canBeKey(text), text);
});
