// The server's page in a real browser (Debian's Chromium, headless), against a server or, without --base, the
// mock.
//
// usage: node tests/web/page_test.mjs [--base URL] [--key KEY] [--photo FILE] [--out FOLDER]
//
// --base wants a server with a ready detection model, and a photo on which it finds something; --key is the key
// that it asks for, if it does. --out takes screenshots. The page must be built (tools/setup/make_web.sh). Exits with 77 where there is no Chromium, 1
// where a check fails.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { moreChecks } from './page_checks.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
];
const DESK = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

const { values: options } = parseArgs({
  options: {
    base: { type: 'string' },
    key: { type: 'string' },
    photo: { type: 'string', default: join(root, 'docs/images/coffee.jpg') },
    out: { type: 'string' },
  },
});
if (!existsSync(CHROMIUM)) {
  console.log(`skipped: no ${CHROMIUM}`);
  process.exit(77);
}
const { chromium } = createRequire(join(root, 'build/web/package.json'))('playwright-core');
const mock = options.base ? null : await (await import(join(root, 'apps/web/mock.mjs'))).startMock();
const base = (options.base ?? mock.address).replace(/\/$/, '');

const profile = mkdtempSync(join(tmpdir(), 'slipway-page-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: CHROMIUM,
  headless: true,
  args: FLAGS,
  viewport: DESK,
  colorScheme: 'light',
  permissions: ['clipboard-read', 'clipboard-write', 'camera'],
});
context.setDefaultTimeout(15_000);
const page = context.pages()[0] ?? (await context.newPage());

// What must not happen at any time.
const faults = [];
const isLocal = (url) =>
  /^(data|blob):/.test(url) ||
  ['localhost', '127.0.0.1', new URL(base).hostname].includes(new URL(url).hostname);
context.on(
  'request',
  (request) => isLocal(request.url()) || faults.push(`asked another host: ${request.url()}`),
);
page.on('websocket', (socket) => isLocal(socket.url()) || faults.push(`asked another host: ${socket.url()}`));
page.on(
  'console',
  (message) => /Content Security Policy/.test(message.text()) && faults.push(message.text()),
);
page.on('pageerror', (error) => faults.push(`script error: ${error.message}`));

async function shoot(name, { isWhole } = { isWhole: true }) {
  if (!options.out) return;
  mkdirSync(options.out, { recursive: true });
  await page.screenshot({ path: join(options.out, `${name}.png`), fullPage: isWhole });
}

// As the page asks, without it.
function ask(path, { headers, ...init } = {}) {
  const key = options.key ? { 'X-API-Key': options.key } : {};
  return fetch(`${base}${path}`, { ...init, headers: { ...headers, ...key } });
}

async function modelsByTask() {
  const index = await (await ask('/v2/repository/index', { method: 'POST', body: '{}' })).json();
  const found = {};
  for (const { name, state } of index) {
    if (state !== 'READY') continue;
    const { task } = await (await ask(`/v2/models/${encodeURIComponent(name)}/task`)).json();
    found[task] ??= name;
  }
  return { names: index.map(({ name }) => name), ...found };
}
const models = await modelsByTask();
const open = async (name) => {
  await page.goto(`${base}/models/${encodeURIComponent(name)}`);
  await page.getByRole('heading', { level: 1, name }).waitFor();
};
const upload = async (path = options.photo) => page.locator('input[type=file]').setInputFiles(path);
const boxes = () => page.locator('[data-box]');
const answered = () => page.getByRole('region', { name: 'JSON', exact: true }).waitFor();
const jsonShown = async () =>
  JSON.parse(await page.getByRole('region', { name: 'JSON', exact: true }).locator('pre').innerText());

const checks = {
  async 'a server with keys is asked with one'() {
    if (!options.key) return 'no --key';
    await page.goto(`${base}/`);
    const field = page.getByLabel('API key');
    await field.fill('not the key');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'without blanks' }).waitFor();
    await field.fill(`${options.key}x`);
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'does not know this key' }).waitFor();
    await shoot('key');
    await field.fill(options.key);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor();
    await page.getByRole('link', { name: 'Metrics' }).click();
    await page.getByText('nv_inference_count').first().waitFor();
  },

  async 'the overview lists every model with its state'() {
    await page.goto(`${base}/`);
    for (const name of models.names) await page.getByRole('link', { name, exact: true }).waitFor();
    assert.ok((await page.getByText('Ready', { exact: true }).count()) > 0);
    await page.locator('canvas').first().waitFor();
  },

  async 'throughput and latency are live'() {
    const path = `/v2/models/${encodeURIComponent(models.detection)}/detect`;
    const body = readFileSync(options.photo);
    const row = page.getByRole('row', { name: models.detection });
    for (let i = 0; i < 40; ++i) {
      await ask(path, { method: 'POST', body, headers: { 'Content-Type': 'image/jpeg' } });
      const [rate, mean, p50, p95, p99] = (await row.locator('td.number').allInnerTexts()).map(Number);
      if (rate > 0 && mean > 0 && p50 > 0 && p95 >= p50 && p99 >= p95) return;
      await page.waitForTimeout(200);
    }
    assert.fail(`no rates in: ${await row.innerText()}`);
  },

  async 'the overview looks right by day, by night and on a phone'() {
    // A picture of the charts wants some seconds of them.
    if (options.out && mock) await page.waitForTimeout(45_000);
    await shoot('overview-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(300);
    await shoot('overview-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize(PHONE);
    await page.waitForTimeout(300);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} px wider than a phone`);
    await shoot('overview-phone');
    await page.setViewportSize(DESK);
  },

  async 'the switch changes the theme and remembers it'() {
    const theme = page.getByRole('switch', { name: 'Dark theme' });
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const before = await paper();
    await theme.click();
    assert.notEqual(await paper(), before);
    await page.reload();
    assert.notEqual(await paper(), before);
    await theme.click();
    assert.equal(await paper(), before);
  },

  async 'links and the back button change pages without loading them'() {
    await page.evaluate(() => (window.isSamePage = true));
    await page.getByRole('link', { name: models.detection, exact: true }).click();
    await page.getByRole('heading', { level: 1, name: models.detection }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor();
    await page.goForward();
    await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Models' }).click();
    await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/');
    assert.ok(await page.evaluate(() => window.isSamePage));
  },

  async 'an uploaded picture is answered with boxes'() {
    await open(models.detection);
    await shoot('model-empty');
    await upload();
    await answered();
    const { detections } = await jsonShown();
    assert.ok(detections.length > 0, 'nothing found on the photo');
    assert.equal(await boxes().count(), detections.length);
    const [x, y, w, h] = detections[0].box;
    const drawn = await page
      .locator('[data-box="0"]')
      .evaluate((rect) => ['x', 'y', 'width', 'height'].map((key) => rect[key].baseVal.value));
    [x, y, w, h].forEach((value, i) =>
      assert.ok(Math.abs(value - drawn[i]) < 0.5, `box is drawn at ${drawn}, not ${detections[0].box}`),
    );
    await shoot('model-light');
  },

  async 'a box lies where the photo shows it'() {
    const photo = await page.locator('.frame img').first().boundingBox();
    const rect = await page.locator('[data-box="0"]').boundingBox();
    const { width, detections } = await jsonShown();
    const wanted = photo.x + (detections[0].box[0] / width) * photo.width;
    assert.ok(Math.abs(rect.x - wanted) < 4, `left edge at ${rect.x}, wanted ${wanted}`);
  },

  async 'a slider asks anew'() {
    const score = page.getByRole('slider', { name: 'Score' });
    const asked = page.waitForRequest((request) => /[?&]score=1(&|$)/.test(request.url()));
    await score.fill('1');
    await asked;
    await page.getByText('Nothing reaches the score threshold').waitFor();
    assert.equal(await boxes().count(), 0);
    assert.match(await page.getByRole('region', { name: 'curl, for the JSON' }).innerText(), /score=1/);
    await page.getByRole('button', { name: 'Reset' }).click();
    await boxes().first().waitFor();
  },

  async 'JSON and curl can be copied'() {
    await page.getByRole('button', { name: 'Copy JSON', exact: true }).click();
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    const answer = await ask(`/v2/models/${encodeURIComponent(models.detection)}/detect`, {
      method: 'POST',
      body: readFileSync(options.photo),
      headers: { 'Content-Type': 'image/jpeg' },
    });
    assert.deepEqual(copied, await answer.json());
    // Shown with fewer digits.
    const shown = await jsonShown();
    assert.equal(shown.detections.length, copied.detections.length);
    assert.ok(Math.abs(shown.detections[0].score - copied.detections[0].score) < 1e-4);
    for (const { box } of shown.detections) for (const value of box) assert.ok(String(value).length <= 9, `${value}`);
    await page.getByRole('button', { name: 'Copy curl, for the JSON' }).click();
    const line = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(line.includes(`${base}/v2/models/`) && line.includes('--data-binary'), line);
  },

  async 'a pasted picture is answered'() {
    await open(models.detection);
    await page.reload();
    await page.getByText('Drop a picture here').waitFor();
    const bytes = readFileSync(options.photo).toString('base64');
    await page.evaluate((text) => {
      const data = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([data], 'pasted.jpg', { type: 'image/jpeg' }));
      window.dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
    }, bytes);
    await boxes().first().waitFor();
  },

  async "a file that is no picture gives the server's words"() {
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'no.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('not a picture') });
    await page.getByRole('region', { name: 'Picture' }).getByRole('alert').filter({ hasText: /^no.jpg: .*\w{5}/ }).waitFor();
    await page.getByText('Drop a picture here').waitFor();
    assert.equal(await boxes().count(), 0);
    assert.doesNotMatch(await page.getByRole('region', { name: 'curl, for the JSON' }).innerText(), /no\.jpg/);
    await shoot('no-picture');
    await upload();
    await boxes().first().waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
  },

  async 'frames of the camera flow, and their boxes are drawn'() {
    await open(models.detection);
    // The browser reports no frames that are blobs: the page counts them itself.
    await page.evaluate(() => {
      const { send } = WebSocket.prototype;
      window.framesSent = 0;
      WebSocket.prototype.send = function (...data) {
        window.framesSent += 1;
        send.apply(this, data);
      };
    });
    const framesSent = () => page.evaluate(() => window.framesSent);
    const opened = page.waitForEvent('websocket');
    await page.getByRole('button', { name: 'Use the camera' }).click();
    const socket = await opened;
    let received = 0;
    socket.on('framereceived', () => ++received);
    for (let i = 0; i < 100 && received < 5; ++i) await page.waitForTimeout(100);
    assert.ok(received >= 5, `${received} answers`);
    assert.ok((await framesSent()) >= 5, `${await framesSent()} frames sent`);
    await page.waitForTimeout(700);
    assert.match(await page.locator('[data-facts]').innerText(), /frames\/s/);
    assert.equal(await page.locator('img.drawn').count(), 0, 'a drawing covers the camera');
    // What a real detector finds in the browser's made-up picture is its own affair.
    if (mock) assert.equal(await boxes().count(), (await jsonShown()).detections.length);
    await shoot('camera');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Use the camera' }).waitFor();
    const after = await framesSent();
    await page.waitForTimeout(500);
    assert.equal(await framesSent(), after, 'frames flow after the camera was stopped');
  },

  async 'the keyboard reaches everything'() {
    await page.goto(`${base}/`);
    await page.reload();
    await page.getByRole('link', { name: models.detection, exact: true }).waitFor();
    const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
    const tabTo = async (wanted) => {
      for (let i = 0; i < 60; ++i) {
        await page.keyboard.press('Tab');
        if ((await focused()) === wanted) return;
      }
      assert.fail(`Tab never reaches '${wanted}'`);
    };
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Skip to the content');
    await tabTo(models.detection);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: models.detection }).waitFor();
    await page.getByRole('button', { name: 'Choose a picture' }).waitFor();
    const chooser = page.waitForEvent('filechooser');
    await tabTo('Choose a picture');
    await page.keyboard.press('Enter');
    await (await chooser).setFiles(options.photo);
    await boxes().first().waitFor();
    const score = page.getByRole('slider', { name: 'Score' });
    await page.getByRole('region', { name: 'Found' }).getByRole('listitem').first().focus();
    await page.locator('g.lit [data-box="0"]').waitFor();
    await score.focus();
    const before = await score.inputValue();
    await page.keyboard.press('ArrowRight');
    assert.ok(Number(await score.inputValue()) > Number(before));
  },

  async 'a model page fits a phone, by night too'() {
    await page.setViewportSize(PHONE);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(400);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} px wider than a phone`);
    for (const cell of await page.getByRole('region', { name: 'Inputs and outputs' }).locator('td').all()) {
      const { x, width } = await cell.boundingBox();
      assert.ok(x + width <= PHONE.width, `'${await cell.innerText()}' is beyond the edge`);
    }
    await shoot('model-phone-dark');
    await page.setViewportSize(DESK);
    await page.waitForTimeout(300);
    await shoot('model-dark');
    await page.emulateMedia({ colorScheme: 'light' });
  },

  async 'classes are listed'() {
    if (!models.classification) return 'no such model';
    await open(models.classification);
    await upload();
    await answered();
    const { classes } = await jsonShown();
    assert.equal(
      await page.getByRole('region', { name: 'Classes' }).getByRole('listitem').count(),
      classes.length,
    );
    await shoot('classes');
  },

  async 'a mask is drawn'() {
    if (!models.segmentation) return 'no such model';
    await open(models.segmentation);
    await upload();
    await page.locator('img.drawn').waitFor();
    assert.ok(
      await page.locator('img.drawn').evaluate((image) => image.decode().then(() => image.naturalWidth > 0)),
    );
    await shoot('mask');
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await page.locator('.frame video').waitFor();
    await page.locator('img.drawn').waitFor();
    await page.keyboard.press('Escape');
  },

  async 'a model of tensors shows how to ask it'() {
    if (!models.raw) return 'no such model';
    await open(models.raw);
    await page.getByText('/infer').waitFor();
    await shoot('tensors');
  },

  ...moreChecks({ page, base, root, mock, models, ask, open, upload, answered, shoot, DESK, PHONE }),

  async 'no other host was asked and no script failed'() {
    assert.deepEqual(faults, []);
  },
};

let failures = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    const skipped = await check();
    console.log(skipped ? `skip  ${name}: ${skipped}` : `ok    ${name}`);
  } catch (error) {
    failures += 1;
    console.log(`FAIL  ${name}\n${error.message}`);
    await shoot(`failure-${failures}`);
  }
}
await context.close();
mock?.close();
rmSync(profile, { recursive: true, force: true });
process.exit(failures ? 1 : 0);
