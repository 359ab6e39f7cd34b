// The pages under Models in every state that a box can be in: what guards, what is on its way, the comparison, the label
// queue by keyboard alone, the examples. In a real browser, on a stand-in for the box (`models-box.mjs`).

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { DESK, PHONE, openPage, picture, startBrowser, visibleText } from './browser.mjs';
import { CANDIDATE, DIGEST, EVIDENCE, MODELS, SHADOW } from './model-facts.mjs';
import { cannotShow, startModelsBox } from './models-box.mjs';
import { eventually } from './wait.mjs';

const SHOWN_WITHIN_MS = 6_000;

const impossible = cannotShow();
if (impossible && process.env.CI) throw new Error(impossible);

describe('models', { skip: impossible ?? false }, () => {
  let browser, box, page, complaints;

  before(async () => { browser = await startBrowser(); });
  beforeEach(async () => { box = await startModelsBox(); });
  afterEach(async (context) => {
    if (context.passed === false && page) await picture(page, `failed-${context.name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
    await page?.context().close();
    page = undefined;
    await box.stop();
  });
  after(async () => { await browser?.close(); });

  const open = async (path = 'models', size = DESK) => {
    ({ page, complaints } = await openPage(browser, `${box.address}/#/${path}`, size));
    await page.getByRole('heading', { level: 1 }).waitFor();
  };
  const shows = (what) => eventually(`the page shows ${what}`, SHOWN_WITHIN_MS, async () => {
    const text = await visibleText(page);
    if (!what.test(text)) throw new Error(`the page's words are: ${text}`);
    return true;
  });
  const button = (name, on = page) => on.getByRole('button', { name });
  const dialog = () => page.getByRole('dialog');
  const asked = (method, path) => box.changes.filter((c) => c.method === method && c.path === path);

  const STATES = [
    ['first', [/nanodet-g-416 r1 ✓ Guards by right/, /Guards since .*41 d ago/, /Candidate None/]],
    ['verified', [/Into the shadow…/, /Promote… It has to be in the shadow first/, /Not now: There is a candidate already/]],
    ['shadowing', [/The shadow model is watching, started again once; it saw 99\.0 % of the pictures/, /289 more true incidents/, /Roll back to nanodet-g-416 r1b/, /◆ too slow its 99th percentile was 412 ms/]],
    ['in_review', [/◆ A review is open\. It cannot be promoted until somebody has looked\./, /Promote… A review of it is open; dismiss it or confirm it first\./]],
    ['probation', [/△ On probation/, /812 of 5.000/, /5 min of 24 h/, /41 ms of 150 ms/, /2 of 3/, /Approved by Eva/, /in 6 d 23 h/]],
    ['reviewed', [/◆ A review is open/, /◆ Latency inference, 99 of 100 pictures 171 ms of 150 ms/, /◆ Starts left .* 0 of 3/]],
    ['committed', [/nanodet-g-416 r2 ✓ Guards by right/, /Roll back to nanodet-g-416 r1/, /the previous one/]],
    ['taking', [/is taken in from an address: 3\.1 MB of 7\.7 MB/]],
    ['fault', [/nanodet-g-416 r1 ◆ Guards in another’s place/, /◆ Not the model that should guard/, /could not be loaded/, /◆ nanodet-g-416 r2 was passed over\. model-s8\.onnx is not the file/, /◆ Damaged: model-s8\.onnx/]],
    ['nothing', [/◆ No model guards\. Every zone is UNKNOWN\./, /◆ No model could be loaded .*The box goes on trying/]],
  ];
  for (const [state, words] of STATES) {
    test(`what_is_so_is_said_${state}`, async () => {
      box.answers.models = MODELS[state];
      await open();
      for (const what of words) await shows(what);
      assert.deepEqual(complaints, []);
    });
  }

  test('a_shadow_that_gave_up_is_a_fault_with_its_reason', async () => {
    Object.assign(box.answers, { models: MODELS.shadowing, shadow: SHADOW.gave_up });
    await open();
    await shows(/◆ The shadow process died as often as it may, started again 5 times; it saw 70\.0 %/);
    await shows(/It skips pictures: the box has no time left/);
  });

  test('the_whole_digest_is_one_key_away', async () => {
    box.answers.models = MODELS.committed;
    await open();
    await page.getByText('3f9a…21c1').first().focus().catch(() => {});
    await page.locator('summary', { hasText: '3f9a…21c1' }).first().press('Enter');
    await page.getByText(DIGEST).first().waitFor();
  });

  test('nobody_promotes_by_habit_and_what_is_approved_is_what_was_shown', async () => {
    Object.assign(box.answers, { models: MODELS.approvable, evidence: EVIDENCE.may_be_approved });
    await open();
    await button('Promote…').click();
    await shows(/You approve it as Eva\. It guards from the next picture on/);
    await shows(/✓ May be approved\. .*\(asked on this box: fewer than 5 % missed\)/);
    const send = button('Promote', dialog());
    assert.equal(await send.isDisabled(), true, 'without its name');
    await dialog().getByRole('textbox').fill('nanodet');
    assert.equal(await send.isDisabled(), true, 'with another name');
    await dialog().getByRole('textbox').fill(CANDIDATE.name);
    box.refused[`POST /api/models/${DIGEST}/promote`] = { status: 409, code: 'evidence_changed', message: 'an incident came since; look at the evidence again' };
    await send.click();
    await shows(/◆ An incident came since/);
    box.refused = {};
    await eventually('it can be pressed again', SHOWN_WITHIN_MS, () => send.isEnabled());
    box.answers.models = MODELS.probation;
    await send.click();
    await dialog().waitFor({ state: 'detached' });
    const [, { body }] = asked('POST', `/api/models/${DIGEST}/promote`);
    assert.deepEqual(body, { evidence: EVIDENCE.may_be_approved().digest, confirm: CANDIDATE.name });
    await shows(/△ On probation/);
  });

  test('a_refused_one_cannot_be_promoted_from_the_dialog_either', async () => {
    Object.assign(box.answers, { models: MODELS.approvable, evidence: EVIDENCE.refused });
    await open();
    await button('Promote…').click();
    await shows(/◆ Refused\. It loses somebody whom the guarding model tells, or its own parent\. .*\(asked on this box: fewer than 5 % missed\)/);
    await shows(/It cannot be approved on this evidence\. nanodet-g-416 r1 goes on guarding\./);
    assert.doesNotMatch(await visibleText(page), /You approve it as/);
    await dialog().getByRole('textbox').fill(CANDIDATE.name);
    assert.equal(await button('Promote', dialog()).isDisabled(), true);
  });

  const REASONED = [
    ['probation', /^Roll back to/, 'Roll back', '/api/models/rollback', /The probation of nanodet-g-416 r2 ends/, {}],
    ['committed', /^Roll back to/, 'Roll back', '/api/models/rollback', /It needs no new approval/, {}],
    ['verified', 'Discard…', 'Discard', `/api/models/${DIGEST}/discard`, /its files are removed/, {}],
    ['probation', 'Open a review…', 'Open the review', '/api/models/review', /its probation does not end/, { action: 'open' }],
    ['in_review', 'It misses nobody…', 'End the review', '/api/models/review', /It can be promoted when its evidence allows it/, { action: 'dismiss' }],
    ['in_review', 'It misses somebody…', 'Reject it', '/api/models/review', /It is no candidate any more, and its files are removed/, { action: 'confirm' }],
    ['reviewed', 'It misses nobody…', 'End the review', '/api/models/review', /the probation goes on/, { action: 'dismiss' }],
    ['reviewed', 'It misses somebody…', 'Take it back', '/api/models/review', /taken back at once/, { action: 'confirm' }],
  ];
  for (const [state, opener, word, path, says, rest] of REASONED) {
    test(`${word.toLowerCase().replaceAll(' ', '_')}_takes_a_reason_in_${state}`, async () => {
      box.answers.models = MODELS[state];
      await open();
      await button(opener).click();
      await shows(says);
      assert.equal(await button(word, dialog()).isDisabled(), true);
      await dialog().getByLabel(/why|what/i).fill('It looked wrong');
      await button(word, dialog()).click();
      await dialog().waitFor({ state: 'detached' });
      assert.deepEqual(asked('POST', path).map((c) => c.body), [{ ...rest, reason: 'It looked wrong' }]);
    });
  }

  test('into_the_shadow_says_that_it_alarms_nobody', async () => {
    box.answers.models = MODELS.verified;
    await open();
    await button('Into the shadow…').click();
    await shows(/It alarms nobody and changes nothing/);
    await button('Start the shadow').click();
    await dialog().waitFor({ state: 'detached' });
    assert.equal(asked('POST', `/api/models/${DIGEST}/shadow`).length, 1);
  });

  const PACKAGE = { name: 'nanodet-g-416-r2.standclear-model', mimeType: 'application/octet-stream', buffer: Buffer.alloc(300_000, 7) };
  test('a_file_of_this_device_is_installed_whole', async () => {
    await open();
    await page.getByLabel('Choose a file…').setInputFiles(PACKAGE);
    await shows(/✓ nanodet-g-416 r2 is installed, release 3/);
    assert.deepEqual(asked('POST', '/api/models').map((c) => [c.bytes, c.query]), [[PACKAGE.buffer.length, `?name=${PACKAGE.name}`]]);
  });

  test('a_refused_file_is_named_by_the_attack_with_what_to_do', async () => {
    box.refused['POST /api/models'] = { status: 422, code: 'rollback', message: 'release 1 is below the floor 3' };
    await open();
    await page.getByLabel('Choose a file…').setInputFiles(PACKAGE);
    await shows(/◆ Not installed: An old release .*Release 1 is below the floor 3\. .*Nothing was changed\. rollback/);
    box.answers.history = () => ({ events: [{ id: 99, at: new Date().toISOString(), kind: 'refused', slot: null, release: null, by: 'Eva', text: 'this very one' }], next: null });
    await page.getByLabel('Choose a file…').setInputFiles(PACKAGE);
    await shows(/◆ Refused .*this very one/);
    await button(/^Close/).click();
    assert.doesNotMatch(await visibleText(page), /Not installed/);
  });

  test('an_upload_goes_on_beside_other_pages_and_cannot_be_stopped_when_all_of_it_is_sent', async () => {
    box.refused['POST /api/models'] = 'hang';
    await open();
    await page.getByLabel('Choose a file…').setInputFiles(PACKAGE);
    await shows(/is sent\. The box verifies and tries it/);
    await page.getByRole('link', { name: 'Examples' }).click();
    await page.getByRole('heading', { name: 'Examples', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'On this box' }).click();
    await shows(/is sent\. The box verifies and tries it/);
    assert.equal(await button('Stop').count(), 0, 'what the box has, it goes on with');
  });

  test('a_box_that_takes_longer_does_not_say_that_nothing_was_changed', async () => {
    box.refused['POST /api/models'] = { status: 503, code: 'too_slow', message: 'it takes longer than 10 minutes' };
    await open();
    await page.getByLabel('Choose a file…').setInputFiles(PACKAGE);
    await shows(/It takes longer than expected .*The box goes on with it/);
    assert.doesNotMatch(await visibleText(page), /Nothing was changed/);
  });

  test('an_empty_file_is_not_even_sent', async () => {
    await open();
    await page.getByLabel('Choose a file…').setInputFiles({ ...PACKAGE, buffer: Buffer.alloc(0) });
    await shows(/◆ Not installed: No whole package/);
    assert.deepEqual(asked('POST', '/api/models'), []);
  });

  test('a_stick_shows_what_is_on_it_and_what_is_wrong_with_the_rest', async () => {
    await open();
    await button('Look for packages').click();
    await shows(/nanodet-g-416 r2 release 3, 7\.7 MB, \/media\/stick/);
    await shows(/found-somewhere\.standclear-model .*◆ Nobody signed it/);
    await button(/^Install nanodet/).click();
    await shows(/✓ nanodet-g-416 r2 is installed/);
    assert.equal(asked('POST', '/api/models/carried/a1').length, 1);
  });

  test('an_address_is_fetched_by_the_box_which_says_how_far_it_is_and_what_came_of_it', async () => {
    await open();
    await page.getByLabel('From an address').fill('https://models.example/n.standclear-model');
    await button('Fetch').click();
    box.answers.models = MODELS.taking;
    await shows(/3\.1 MB of 7\.7 MB/);
    assert.deepEqual(asked('POST', '/api/models/fetch')[0].body, { url: 'https://models.example/n.standclear-model' });
    const event = (id, kind, text) => ({ id, at: new Date().toISOString(), kind, slot: null, release: null, by: 'box', text });
    box.answers.history = () => ({ events: [event(91, 'golden_failed', 'it does not find walkway-1'), event(90, 'installed', 'from an address')], next: null });
    box.answers.models = MODELS.first;
    await shows(/◆ Golden pictures failed: it does not find walkway-1/);
  });

  test('the_history_goes_back_page_by_page', async () => {
    const event = (id) => ({ id, at: new Date().toISOString(), kind: 'installed', slot: null, release: null, by: 'Eva', text: `event ${id}` });
    box.answers.history = () => ({ events: [event(9)], next: 9 });
    await open();
    await shows(/event 9/);
    box.answers.history = () => ({ events: [event(8)], next: null });
    await button('Older').click();
    await shows(/event 9.*event 8/);
    await button('Older').waitFor({ state: 'detached' });
  });

  test('what_does_not_come_is_said_and_asked_again', async () => {
    box.refused['GET /api/models'] = { status: 503, code: 'busy', message: 'the disk is slow' };
    await open();
    await shows(/◆ Could not load the models\. The disk is slow/);
    box.refused = {};
    await shows(/Guards by right/);
    box.refused['GET /api/models'] = { status: 503, code: 'busy', message: 'the disk is slow' };
    await shows(/◆ This may be old/);
  });

  test('what_takes_long_is_said_to_be_loading', async () => {
    for (const path of ['/api/models', '/api/models/evidence', '/api/models/queue', '/api/examples']) box.refused[`GET ${path}`] = 'hang';
    for (const [path, what] of [['models', 'the models'], ['models/comparison', 'the comparison'], ['models/queue', 'the queue'], ['models/examples', 'the examples']]) {
      await open(path);
      await shows(new RegExp(`Loading ${what}`));
      await page.context().close();
    }
  });

  for (const role of ['viewer', 'supervisor']) {
    test(`a_${role}_reads_everything_and_takes_no_step`, async () => {
      box.role = role;
      box.answers.models = MODELS.approvable;
      await open();
      await shows(/Engineers take the steps/);
      for (const name of [/Promote/, /Discard/, /Roll back/, /Look for packages/, /Fetch/]) assert.equal(await button(name).count(), 0, String(name));
      assert.equal(await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Models' }).count(), role === 'viewer' ? 0 : 1);
      await page.getByRole('contentinfo').getByRole('link', { name: /Model nanodet/ }).waitFor();
    });
  }

  test('on_a_phone_the_steps_are_one_below_the_other', async () => {
    box.answers.models = MODELS.probation;
    await open('models', PHONE);
    const steps = await page.getByRole('list', { name: 'Steps of the candidate' }).getByRole('listitem').evaluateAll((all) => all.map((e) => e.getBoundingClientRect().top));
    assert.equal(new Set(steps.map(Math.round)).size, 6);
    assert.equal(await page.locator('[aria-current="step"]').innerText().then((t) => /On probation/.test(t)), true);
  });
});
