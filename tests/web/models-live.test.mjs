// The pages under Models on the real program: a package that somebody signed comes in through the page, is tried, looks on
// in the shadow, is labelled by keyboard, waits for its evidence and is discarded. The tests follow each other as its days do.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ADMIN, LAWN, cannotRun, startBox } from './box.mjs';
import { DESK, PHONE, openPage, picture, signIn, startBrowser, visibleText } from './browser.mjs';
import { Maker, successor, withAFlippedBit } from './packages.mjs';
import { tooFaint } from './readable.mjs';
import { eventually } from './wait.mjs';

const SHOWN_WITHIN_MS = 10_000;
/** Loading a model, its golden pictures and its timing, on a machine that has other things to do. */
const TRIED_WITHIN_MS = 120_000;
/** People come and go on the road every few seconds of the footage; both models have to be loaded first. */
const SEEN_WITHIN_MS = 180_000;
const [SUPERVISOR, VIEWER] = [['Mia Supervisor', 'supervisor'], ['Wall screen', 'viewer']].map(([name, role]) => ({ name, role, password: 'correct horse battery' }));
/** Across the walkway: people come and go, where on the road somebody always is. */
const WALKWAY = { id: 'walkway', name: 'Walkway', ring: [[0.35, 0.55], [0.6, 0.55], [0.6, 0.95], [0.35, 0.95], [0.35, 0.55]] };
const PAGES = ['models', 'models/comparison', 'models/queue', 'models/examples'];
const PACKAGE = 'people-r3.standclear-model';

const impossible = cannotRun();
if (impossible && process.env.CI) throw new Error(impossible);

describe('models on a real box', { skip: impossible ?? false }, () => {
  const candidate = impossible ? {} : successor();
  let browser, maker, box, page, complaints;

  before(async () => {
    maker = new Maker();
    // As little of the machine as both models can do with, and a budget that a busy one keeps to.
    const rest = { fps: 5, model: 'input_long_side = 320', folder: maker.shipped(), before: (_, config) => maker.trustedBy(config) };
    [browser, box] = await Promise.all([startBrowser(), startBox('[models]\nlatency_budget_ms = 2000\n', [WALKWAY, LAWN], undefined, rest)]);
    for (const person of [SUPERVISOR, VIEWER]) assert.equal((await box.send('POST', '/api/users', person)).status, 201);
    ({ page, complaints } = await openPage(browser, box.address, DESK));
    await signIn(page, ADMIN);
  });
  afterEach(async (context) => {
    if (context.passed === false && page) await picture(page, `failed-${context.name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
  });
  after(async () => {
    await browser?.close();
    await box?.stop();
    maker?.end();
  });

  const visit = async (path, on = page) => {
    await on.goto(`${box.address}/#/${path}`);
    await on.getByRole('heading', { level: 1 }).waitFor();
  };
  const shows = (what, within_ms = SHOWN_WITHIN_MS, on = page) => eventually(`the page shows ${what}`, within_ms, async () => {
    const text = await visibleText(on);
    if (!what.test(text)) throw new Error(`the page's words are: ${text}`);
    return true;
  });
  const button = (name, on = page) => on.getByRole('button', { name });
  const dialog = () => page.getByRole('dialog');
  const choose = (name, buffer) => page.getByLabel('Choose a file…').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
  const models = async () => (await box.get('/api/models', SHOWN_WITHIN_MS)).json();
  const asSomebody = async (person) => {
    const opened = await openPage(browser, box.address, DESK);
    await signIn(opened.page, person);
    return opened;
  };

  test('a_box_guards_with_what_came_with_the_program_and_there_is_no_way_back', async () => {
    await visit('models');
    await shows(/nanodet-g-416-int8 1\.0\.0 ✓ Guards by right Guards since .* came with the program/, SEEN_WITHIN_MS);
    await shows(/Candidate None/);
    assert.equal(await button('Roll back').isDisabled(), true);
    await shows(/Nothing was committed before this one\./);
  });

  const REFUSED = [
    ['a_flipped_bit', () => withAFlippedBit(maker.package()), /◆ Not installed: A file in it is not the one that was signed .*Copy the file again.* Nothing was changed\. swapped_file/],
    ['a_key_that_nobody_knows', () => maker.package({ key: 'stranger' }), /◆ Not installed: Signed by a key this box does not know .* Nothing was changed\. unknown_key/],
    ['an_older_release', () => maker.package({ release: 1 }), /◆ Not installed: An old release .*The package is release 1, .*Install a newer one.* Nothing was changed\. rollback/],
    ['half_a_package', () => maker.package().subarray(0, 900_000), /◆ Not installed: (No whole package|A file of it is missing) .*Copy (it|the file) again.* Nothing was changed\./],
  ];
  for (const [what, made, says] of REFUSED) {
    test(`${what}_is_refused_by_its_name_with_what_to_do`, async () => {
      const before = await models();
      await choose(`${what}.standclear-model`, made());
      await shows(says, TRIED_WITHIN_MS);
      assert.deepEqual((await models()).models, before.models, 'nothing is on the box');
      await button(/^Close/).click();
      await shows(new RegExp(`◆ Refused.*${what}`));
    });
  }

  test('a_package_that_is_signed_comes_in_through_the_page_and_is_verified', async () => {
    await choose(PACKAGE, maker.package());
    await shows(new RegExp(`✓ ${candidate.name} ${candidate.version} is installed, release 3`), TRIED_WITHIN_MS);
    await shows(/Verified , now It loads here, finds its golden pictures and is fast enough/, TRIED_WITHIN_MS);
    await shows(/Signed by Eva \([0-9a-f]{16}\)/);
    assert.equal(await button('Promote…').isDisabled(), true);
    await shows(/Not now: There is a candidate, and there is one at a time/);
    assert.equal(await page.getByLabel('Choose a file…').isDisabled(), true);
    assert.equal((await models()).active.slot, 'shipped', 'nothing guards by being installed');
  });

  test('it_looks_on_in_the_shadow_and_its_coverage_rises', async () => {
    await button('Into the shadow…').click();
    await shows(/It alarms nobody and changes nothing/);
    await button('Start the shadow').click();
    await dialog().waitFor({ state: 'detached' });
    await shows(/In the shadow , now It sees what the guarding model sees/);
    await shows(/● The shadow model is watching/, SEEN_WITHIN_MS);
    const seen = async () => (await (await box.get('/api/models/shadow', SHOWN_WITHIN_MS)).json()).coverage.seen;
    const first = await eventually('it sees pictures', SEEN_WITHIN_MS, seen);
    await eventually('it sees more', SEEN_WITHIN_MS, async () => (await seen()) > first + 5);
    await shows(/The shadow model is watching; it saw \d+\.\d % of the pictures/);
  });

  test('nobody_promotes_what_has_shown_too_little_and_the_reason_stands_there', async () => {
    assert.equal(await button('Promote…').isDisabled(), true);
    await shows(/The evidence is not enough yet for what this box asks/);
    await visit('models/comparison');
    await shows(/△ Not enough yet .*\(asked on this box: fewer than 1 % missed\)/, SEEN_WITHIN_MS);
    await shows(/What is missing .*\d+ true incidents without a miss are needed/, SEEN_WITHIN_MS);
    const { digest } = (await models()).models.find((row) => row.roles.includes('candidate'));
    const evidence = await (await box.get('/api/models/evidence', SHOWN_WITHIN_MS)).json();
    const answer = await box.send('POST', `/api/models/${digest}/promote`, { evidence: evidence.digest, confirm: candidate.name });
    assert.deepEqual([answer.status, (await answer.json()).error.code], [409, 'not_enough']);
  });

  test('cases_arrive_with_their_picture_and_are_labelled_by_keyboard_alone', async () => {
    await visit('models/queue');
    const queue = async () => (await (await box.get('/api/models/queue?limit=50', SHOWN_WITHIN_MS)).json()).items;
    await eventually('three things wait for a label, a case among them', SEEN_WITHIN_MS, async () => {
      const items = await queue();
      return items.length >= 3 && items.some((item) => item.kind === 'case');
    });
    await page.reload();
    for (const [key, word, done] of [['t', 'True', 1], ['2', 'False', 2], ['u', 'Unsure', 3]]) {
      await eventually('its picture is there, and labels are taken', SHOWN_WITHIN_MS, () => button(/^True/).evaluate((e) => e.getAttribute('aria-disabled') === 'false'));
      assert.ok(await page.locator('.held:not([hidden]) img').evaluate((e) => e.naturalWidth > 0), 'a picture that is a picture');
      await eventually(`${word} is kept`, SHOWN_WITHIN_MS, async () => {
        await page.keyboard.press(key);
        return eventually('the page says so', 2_000, async () => new RegExp(`${done} labelled`).test(await visibleText(page)));
      });
    }
    const [cases, examples] = await Promise.all(['/api/models/cases?wanted=all&limit=200', '/api/examples?wanted=all&limit=200'].map(async (path) => (await box.get(path, SHOWN_WITHIN_MS)).json()));
    const said = [...cases.cases, ...examples.examples].filter((one) => one.labelled_by === ADMIN.name);
    assert.ok(said.length >= 3, 'what was said is kept, with who said it');
    assert.deepEqual([...new Set(said.map((one) => one.label))].sort(), ['false', 'true', 'unsure']);
  });

  test('a_case_is_shown_with_both_models_boxes_and_who_said_what', async () => {
    await visit('models/comparison');
    const { cases } = await (await box.get('/api/models/cases?wanted=all&limit=200', SHOWN_WITHIN_MS)).json();
    const subject = cases.find((one) => one.active !== null) ?? cases[0];
    await visit(`models/comparison?case=${subject.id}`);
    await shows(new RegExp(`Case ${subject.id}: ${subject.zone.name}, Yard`));
    const look = page.getByRole('img', { name: new RegExp(`Picture of case ${subject.id}\\. Active model, solid: .*Shadow model, dashed: `) });
    await eventually('its picture is there', SHOWN_WITHIN_MS, () => look.locator('img').evaluate((e) => e.naturalWidth > 0));
    const marks = await look.locator('.mark').count();
    assert.ok(marks > 0 && marks <= 12, `with what was seen in it, and not buried under the ${marks} words of every guess`);
  });

  test('the_bank_has_examples_with_pictures', async () => {
    await eventually('an example is kept', SEEN_WITHIN_MS, async () => (await (await box.get('/api/examples?wanted=all', SHOWN_WITHIN_MS)).json()).examples.length > 0);
    await visit('models/examples');
    const first = page.getByRole('img', { name: /^Example/ }).first();
    await eventually('its picture is there', SHOWN_WITHIN_MS, () => first.locator('img').evaluate((e) => e.naturalWidth > 0));
    await shows(/In the bank [1-9]\d* of 2000 pictures/);
  });

  test('what_a_real_box_shows_can_be_read_and_fits_a_phone', async () => {
    const wrong = [];
    for (const [size, scheme] of [[DESK, 'light'], [DESK, 'dark'], [PHONE, 'light']]) {
      const own = await openPage(browser, box.address, size, scheme);
      await signIn(own.page, ADMIN);
      for (const path of PAGES) {
        await visit(path, own.page);
        await eventually('it has loaded', SHOWN_WITHIN_MS, async () => (await own.page.getByRole('status').filter({ hasText: /^Loading/ }).count()) === 0);
        wrong.push(...(await tooFaint(own.page)).map((text) => `${path} ${scheme}: ${text}`));
        const width = await own.page.evaluate(() => document.documentElement.scrollWidth);
        if (width > size.width) wrong.push(`${path} is ${width} px wide on ${size.width}`);
      }
      await own.page.context().close();
    }
    assert.deepEqual(wrong, []);
  });

  test('a_supervisor_labels_and_takes_no_step', async () => {
    const own = await asSomebody(SUPERVISOR);
    await visit('models', own.page);
    await shows(/Engineers take the steps\. You are signed in as supervisor/, SHOWN_WITHIN_MS, own.page);
    for (const name of [/Promote/, /Discard/, /Roll back/, /Look for packages/, /Fetch/]) assert.equal(await button(name, own.page).count(), 0, String(name));
    await visit('models/queue', own.page);
    await button(/^True/, own.page).or(own.page.getByText('Nothing waits for a label')).first().waitFor();
    assert.deepEqual(own.complaints, []);
    await own.page.context().close();
  });

  test('a_viewer_looks_and_does_nothing_else_whatever_is_sent', async () => {
    const own = await asSomebody(VIEWER);
    for (const [path, says] of [['models', /Guards by right/], ['models/comparison', /What can be claimed/], ['models/queue', /Supervisors and above label|Nothing waits/], ['models/examples', /In the bank/]]) {
      await visit(path, own.page);
      await shows(says, SHOWN_WITHIN_MS, own.page);
      for (const name of [/Promote/, /Discard/, /^True/, /Import/, /Export/]) assert.equal(await button(name, own.page).count(), 0, `${path} ${name}`);
    }
    const { digest } = (await models()).models.find((row) => row.roles.includes('candidate'));
    const answers = await own.page.evaluate(async (paths) => {
      const { csrf } = await (await fetch('/api/session')).json();
      const headers = { 'content-type': 'application/json', 'x-standclear-csrf': csrf };
      return Promise.all(paths.map(async (path) => (await fetch(path, { method: 'POST', headers, body: '{}' })).status));
    }, [`/api/models/${digest}/shadow`, `/api/models/${digest}/promote`, `/api/models/${digest}/discard`, '/api/models/rollback', '/api/models/review', '/api/models/cases/1/label']);
    assert.deepEqual([...new Set(answers)], [403]);
    await own.page.context().close();
  });

  test('it_is_discarded_with_a_reason_and_the_history_says_who_did_and_why', async () => {
    await visit('models');
    await button('Discard…').click();
    await dialog().getByLabel(/why/i).fill('It has shown what it was to show');
    await button('Discard', dialog()).click();
    await dialog().waitFor({ state: 'detached' });
    await shows(/Candidate None/);
    await shows(new RegExp(`Discarded.*It has shown what it was to show`));
    assert.equal((await models()).active.slot, 'shipped');
    assert.deepEqual(complaints.filter((text) => !/status of 4(09|22)/.test(text)), []);
  });
});
