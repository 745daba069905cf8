// Checks of page_test.mjs about what is not a picture and its answer: the list of many models, models that are
// not there, what is said of a model, and the interface's description.
import assert from 'node:assert/strict';
import { join } from 'node:path';

// Of what page_test.mjs has made. Returns {name: check}, in the order that they are to run in.
export const moreChecks = ({ page, base, root, mock, models, ask, open, upload, answered, shoot, DESK, PHONE }) => ({
  async 'what was guessed is said'() {
    for (const name of models.names) {
      const answer = await ask(`/v2/models/${encodeURIComponent(name)}/task`);
      const [guess] = (await answer.json()).guessed ?? [];
      if (!guess) continue;
      await open(name);
      await page.getByText('What was guessed').click();
      return page.getByText(guess).waitFor();
    }
    return 'nothing is guessed';
  },

  async 'a name that no model has leads to those that there are'() {
    await open('no such model');
    await page.getByText('There is no model of this name').waitFor();
    await shoot('unknown');
    await page.getByRole('main').getByRole('link', { name: models.names[0], exact: true }).click();
    await page.getByRole('heading', { level: 1, name: models.names[0] }).waitFor();
  },

  async 'a model that is not loaded says so and why, and can be loaded'() {
    const name = models.names.find((each) => each !== models.detection);
    const control = (verb) => ask(`/v2/repository/models/${encodeURIComponent(name)}/${verb}`, { method: 'POST' });
    const unavailable = mock ? 'yolo_v8n' : name;
    if (!mock) assert.equal((await control('unload')).status, 200);
    await open(unavailable);
    await page.getByText('It is not loaded').waitFor();
    await page.getByText(mock ? 'checksum' : 'unloaded', { exact: !mock }).waitFor();
    await page.getByRole('link', { name: /^All \d+ models$/ }).waitFor();
    await shoot('unavailable');
    await page.getByRole('button', { name: 'Load it' }).click();
    if (!mock) await page.getByText('It is not loaded').waitFor({ state: 'detached' });
  },

  async 'many models: the busiest are charted, and the list is filtered, sorted and shown in parts'() {
    const many = await (await import(join(root, 'apps/web/mock.mjs'))).startMock(0, 145);
    const requests = [];
    const count = (request) => requests.push(new URL(request.url()).pathname);
    page.on('request', count);
    try {
      await page.goto(`${many.address}/`);
      const rows = page.getByRole('region', { name: 'Models' }).getByRole('row');
      await page.getByText('145 of 150 ready').waitFor();
      assert.equal(await rows.count(), 1 + 50);
      await page.getByText('the 6 busiest').first().waitFor();
      const legend = page.locator('figure').first().getByRole('listitem').locator('i');
      await page.waitForTimeout(1500);
      const colors = await legend.evaluateAll((all) => all.map((each) => getComputedStyle(each).backgroundColor));
      assert.equal(new Set(colors).size, 6, colors.join(' '));
      await page.getByRole('button', { name: /^Show 50 more/ }).click();
      assert.equal(await rows.count(), 1 + 100);
      await page.getByRole('button', { name: 'Requests / s' }).click();
      assert.equal(await rows.nth(1).getByRole('link').innerText(), 'mobilenet_v2');
      await page.getByRole('searchbox').fill('segmentation 09');
      assert.equal(await rows.count(), 1 + 3, 'model_090, 094 and 098');
      await page.getByRole('searchbox').fill('');
      await page.getByRole('button', { name: /^Not ready/ }).click();
      assert.equal(await rows.count(), 1 + 5);
      await page.getByRole('searchbox').fill('nothing like that');
      await page.getByText('No model is like that').waitFor();
      await page.getByRole('button', { name: 'Show all 150' }).click();
      await shoot('many');
      await page.setViewportSize(PHONE);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `the page is ${overflow} px wider than a phone`);
      await shoot('many-phone', { isWhole: false });
      const asked = new Set(requests.filter((path) => path.startsWith('/v2')));
      assert.deepEqual([...asked].sort(), ['/v2', '/v2/models/stats', '/v2/repository/index']);
    } finally {
      page.off('request', count);
      await page.setViewportSize(DESK);
      many.close();
    }
  },

  async 'the interface is documented'() {
    await page.goto(`${base}/docs/`);
    await page.getByText('Find objects').waitFor();
    // It is a page of ours: the same header, by day and by night, and the program's own version.
    await page.getByRole('link', { name: 'Metrics', exact: true }).waitFor();
    const { version } = await (await ask('/v2')).json();
    assert.equal((await page.locator('.swagger-ui .info .version').first().innerText()).trim(), version);
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const day = await paper();
    await page.getByRole('switch', { name: 'Dark theme' }).click();
    assert.notEqual(await paper(), day);
    await page.getByRole('switch', { name: 'Dark theme' }).click();
    assert.ok((await page.locator('.opblock').count()) >= 15);
    await shoot('docs', { isWhole: false });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(300);
    await shoot('docs-dark', { isWhole: false });
  },

  async 'scores that are no probabilities are not shown as parts of one'() {
    const names = models.names.filter((name) => /logits/.test(name));
    if (!names.length) return 'no such model';
    await open(names[0]);
    await upload();
    await answered();
    const classes = page.getByRole('region', { name: 'Classes' });
    await classes.getByText('no probabilities').waitFor();
    assert.equal(await classes.locator('.rail').count(), 0);
    assert.doesNotMatch(await classes.innerText(), /%/);
    await shoot('scores');
  },
});
