import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { curlForPicture, curlForTensors } from './curl.js';

// What a shell makes of the words of a command.
const wordsOf = (command) =>
  execFileSync('/bin/sh', ['-c', `for word in ${command}; do printf '%s\\n' "$word"; done`], {
    encoding: 'utf8',
  })
    .trimEnd()
    .split('\n');

test('hostile names stay one word', () => {
  const name = `it's $(touch x); "a" \`b\`.jpg`;
  const url = 'http://localhost/v2/models/m/detect?score=0.3&iou=0.5';
  assert.deepEqual(wordsOf(curlForPicture({ url, name, type: 'image/jpeg' })), [
    'curl',
    '--data-binary',
    `@${name}`,
    '-H',
    'Content-Type: image/jpeg',
    url,
  ]);
});

test('a drawn picture is asked for and saved', () => {
  const command = curlForPicture({
    url: 'http://h/',
    name: 'a.png',
    type: 'image/png',
    accept: 'image/jpeg',
  });
  assert.match(command, /-H 'Accept: image\/jpeg' -o drawn\.jpg/);
});

test('small tensors are zeros in JSON, open sizes are 1', () => {
  const inputs = [
    { name: 'x', datatype: 'FP32', shape: [-1, 2] },
    { name: 'y', datatype: 'BYTES', shape: [1] },
  ];
  assert.equal(
    curlForTensors({ url: 'http://h/', inputs }),
    `curl -d '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[0,0]},` +
      `{"name":"y","datatype":"BYTES","shape":[1],"data":[""]}]}' \\\n  'http://h/'`,
  );
});

test('large tensors come from /dev/zero, and the lengths are right', () => {
  const inputs = [
    { name: "it's \u00e9", datatype: 'FP32', shape: [-1, 3, 224, 224] },
    { name: 'n', datatype: 'INT64', shape: [1] },
  ];
  const command = curlForTensors({ url: 'http://h/', inputs });
  // What curl is given: its arguments, a line each, and how much it reads.
  const script = `curl() { printf '%s\\n' "$@"; wc -c; }; ${command}`;
  const lines = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n');
  const head = JSON.stringify({
    inputs: [
      { name: "it's \u00e9", datatype: 'FP32', shape: [1, 3, 224, 224], parameters: { binary_data_size: 602112 } },
      { name: 'n', datatype: 'INT64', shape: [1], parameters: { binary_data_size: 8 } },
    ],
  });
  const bytes = Buffer.byteLength(head);
  assert.deepEqual(lines.slice(0, 4), ['--data-binary', '@-', '-H', `Inference-Header-Content-Length: ${bytes}`]);
  assert.equal(Number(lines.at(-1)), bytes + 602112 + 8);
});

test("a key is the shell's affair", () => {
  const picture = curlForPicture({ url: 'http://h/', name: 'a', type: 'image/png', hasKey: true });
  const tensors = curlForTensors({ url: 'http://h/', inputs: [], hasKey: true });
  for (const command of [picture, tensors]) assert.match(command, /-H "X-API-Key: \$SLIPWAY_KEY"/);
});
