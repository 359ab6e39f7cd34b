// Zones that two people answer for, in a real browser on the real program: one proposes, another compares, approves
// or refuses, and one click goes back. The tests follow each other; drawing itself is editor.test.mjs.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ADMIN, LAWN, ROAD, cannotRun, startBox, zoneDocument } from './box.mjs';
import { DESK, PHONE, openPage, picture, signIn, startBrowser, visibleText } from './browser.mjs';
import { eventually } from './wait.mjs';

const SHOWN_WITHIN_MS = 5_000;
const WATCHED_WITHIN_MS = 60_000;
const EVA = { name: 'Eva', password: 'draws what she sees', role: 'engineer' };
const JAN = { name: 'Jan', password: 'looks twice at it', role: 'engineer' };
const MIA = { name: 'Mia', password: 'answers the alarms', role: 'supervisor' };
const WALL = { name: 'Wall screen', password: 'only looks at it', role: 'viewer' };
const ZONES = '/api/cameras/yard/zones';

const WIDER = { ...ROAD, ring: [[0.3, 0.35], [0.85, 0.35], [0.85, 0.75], [0.3, 0.75], [0.3, 0.35]] };
const GATE = { id: 'gate', name: 'Gate', ring: [[0.85, 0.05], [0.95, 0.05], [0.95, 0.2], [0.85, 0.2], [0.85, 0.05]] };

const impossible = cannotRun();
if (impossible && process.env.CI) throw new Error(impossible);

describe('versions of zones', { skip: impossible ?? false }, () => {
  let browser, box;
  /** Who looks at the versions, each in a browser of their own. */
  const at = {};

  before(async () => {
    [browser, box] = await Promise.all([startBrowser(), startBox()]);
    for (const person of [EVA, JAN, MIA, WALL]) {
      assert.equal((await box.send('POST', '/api/users', person)).status, 201);
    }
    await eventually('every zone is watched', WATCHED_WITHIN_MS, async () =>
      (await box.state()).zones.every((zone) => zone.state !== 'unknown'));
    for (const [key, person, viewport] of [['eva', EVA, DESK], ['jan', JAN, DESK], ['mia', MIA, PHONE], ['wall', WALL, PHONE]]) {
      at[key] = await openPage(browser, box.address, viewport);
      await signIn(at[key].page, person);
      await at[key].page.goto(`${box.address}/#/zones/yard/versions`);
      await at[key].page.getByRole('heading', { name: 'Versions · Yard', level: 1 }).waitFor();
    }
  });

  afterEach(async (context) => {
    if (context.passed !== false) return;
    for (const [key, { page }] of Object.entries(at)) await picture(page, `failed-${key}-${context.name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
  });

  after(async () => {
    await browser?.close();
    await box?.stop();
  });

  const shows = (on, what) => eventually(`the page shows ${what}`, SHOWN_WITHIN_MS, async () => {
    const text = await visibleText(on.page);
    if (!what.test(text)) throw new Error(`the page's words are: ${text}`);
    return true;
  });
  /** The page asks for the list when other zones come into force; what only waits is there on the next visit. */
  const visit = async (on) => {
    await on.page.reload({ waitUntil: 'domcontentloaded' });
    await on.page.getByRole('heading', { name: 'Versions · Yard', level: 1 }).waitFor();
  };
  const propose = async (zones, reason) => {
    await box.signIn(EVA);
    const draft = await box.send('PUT', `${ZONES}/draft`, { document: zoneDocument(zones) });
    assert.equal(draft.status, 200);
    const { digest } = await draft.json();
    const proposed = await box.send('POST', `${ZONES}/propose`, { reason, digest });
    assert.equal(proposed.status, 200, await proposed.text());
  };
  const version = (on, number) => on.page.getByRole('listitem').filter({ hasText: `Version ${number}` }).first();
  const button = (on, name) => on.page.getByRole('button', { name, exact: true });
  const answer = async (on, word, reason) => {
    const dialog = on.page.getByRole('dialog');
    await dialog.waitFor();
    if (reason) await dialog.getByRole('textbox').fill(reason);
    await dialog.getByRole('button', { name: word, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  const inForce = async () => (await box.state()).cameras[0].zones_version;

  test('what_is_in_force_is_on_the_picture_before_anything_is_compared', async () => {
    await shows(at.eva, /only one version/i);
    await at.eva.page.getByRole('img', { name: 'Zones of version 1, in force' }).waitFor();
    assert.deepEqual(await at.eva.page.locator('svg text').allTextContents(), [ROAD.name, LAWN.name]);
  });

  test('who_proposed_cannot_approve_and_is_told_who_can', async () => {
    await propose([WIDER, LAWN, GATE], 'The gate is used now');
    await visit(at.eva);
    await shows(at.eva, /Version 2 △ Waits for approval/i);
    await shows(at.eva, /another engineer has to approve it/i);
    assert.equal(await button(at.eva, 'Approve').count(), 0);
    assert.equal((await box.send('POST', `${ZONES}/versions/2/approve`)).status, 403, 'the box refuses what the page does not offer');
    assert.equal(await inForce(), 1, 'what waits guards nothing');
  });

  test('a_supervisor_and_a_viewer_see_what_waits_and_change_nothing', async () => {
    for (const on of [at.mia, at.wall]) {
      await visit(on);
      await shows(on, /Version 2 △ Waits for approval/i);
      await shows(on, /an engineer has to approve it/i);
      for (const name of ['Approve', 'Refuse']) assert.equal(await button(on, name).count(), 0);
      assert.equal(await on.page.getByRole('button', { name: /go back to this/i }).count(), 0);
      assert.equal(await on.page.getByRole('link', { name: 'Draw zones' }).count(), 0);
    }
  });

  test('a_second_person_compares_old_and_new_on_the_picture_and_in_words', async () => {
    await visit(at.jan);
    await at.jan.page.getByRole('img', { name: 'Zones of version 1 dashed, of version 2 solid' }).waitFor();
    const drawn = (look) => at.jan.page.locator(`svg g.${look}`).evaluateAll((groups) => groups.map((g) => ({
      name: g.querySelector('title').textContent,
      dashed: getComputedStyle(g.querySelector('.over')).strokeDasharray !== 'none',
      faint: g.classList.contains('faint'),
    })));
    await eventually('both are drawn', SHOWN_WITHIN_MS, async () => (await drawn('new')).length === 3);
    assert.deepEqual(await drawn('old'), [{ name: ROAD.name, dashed: true, faint: false }], 'the old outline only of what changed');
    assert.deepEqual(await drawn('new'), [
      { name: ROAD.name, dashed: false, faint: false }, { name: LAWN.name, dashed: false, faint: true }, { name: GATE.name, dashed: false, faint: false },
    ]);
    await shows(at.jan, /Road: [^.]*(corner|moved|larger|outline)/i);
    await shows(at.jan, /Gate/);
    await picture(at.jan.page, 'versions');
  });

  test('approved_by_a_second_person_it_guards_at_once', async () => {
    await button(at.jan, 'Approve').click();
    await answer(at.jan, 'Approve');
    await shows(at.jan, /Version 2 ● In force/i);
    await shows(at.jan, /approved by Jan/i);
    await eventually('it is in force', SHOWN_WITHIN_MS, async () => await inForce() === 2);
    assert.deepEqual((await box.state()).zones.map((z) => z.name), [ROAD.name, LAWN.name, GATE.name]);
    // Whoever looks on sees it without asking.
    await shows(at.wall, /Version 2 ● In force/i);
  });

  test('refused_with_a_reason_it_never_guards', async () => {
    await propose([ROAD], 'The lawn is closed');
    await visit(at.jan);
    await button(at.jan, 'Refuse').click();
    const send = at.jan.page.getByRole('dialog').getByRole('button', { name: 'Refuse', exact: true });
    assert.equal(await send.isDisabled(), true, 'a refusal without a reason cannot be sent');
    await answer(at.jan, 'Refuse', 'People cut across the lawn');
    await eventually('the refusal is shown', SHOWN_WITHIN_MS, async () => /Refused/.test(await version(at.jan, 3).innerText()));
    await shows(at.jan, /refused by Jan[^]*People cut across the lawn/i);
    assert.equal(await inForce(), 2);
  });

  test('one_click_goes_back_and_says_so', async () => {
    await version(at.jan, 1).getByRole('button', { name: /go back to this/i }).click();
    await answer(at.jan, 'Put in force', 'The gate is locked again');
    await shows(at.jan, /Version 4 ● In force gone back to/i);
    await eventually('it is in force', SHOWN_WITHIN_MS, async () => await inForce() === 4);
    assert.deepEqual((await box.state()).zones.map((z) => z.name), [ROAD.name, LAWN.name]);
  });

  test('the_audit_log_names_who_proposed_approved_refused_and_went_back', async () => {
    await at.jan.page.goto(`${box.address}/#/audit`);
    await shows(at.jan, /the chain is whole/i);
    const rows = await at.jan.page.getByRole('row').allInnerTexts();
    const row = (who, what) => rows.some((text) => text.includes(who) && what.test(text));
    assert.ok(row('Eva', /proposed[\s\S]*The gate is used now/i), rows.join('\n'));
    assert.ok(row('Jan', /approved[\s\S]*version 2/i), rows.join('\n'));
    assert.ok(row('Jan', /refused[\s\S]*version 3/i), rows.join('\n'));
    assert.ok(row('Jan', /version 4[\s\S]*The gate is locked again/i), rows.join('\n'));
    await picture(at.jan.page, 'audit');
  });

  test('asks_no_other_host_and_has_nothing_to_complain_about', () => {
    for (const [key, { complaints }] of Object.entries(at)) assert.deepEqual(complaints, [], key);
  });

  test('an_admin_alone_is_not_two_people_either', async () => {
    await box.signIn(ADMIN);
    const draft = await box.send('PUT', `${ZONES}/draft`, { document: zoneDocument([ROAD]) });
    assert.equal(draft.status, 200);
    const { digest } = await draft.json();
    const { number } = await (await box.send('POST', `${ZONES}/propose`, { reason: 'Less', digest })).json();
    const own = await box.send('POST', `${ZONES}/versions/${number}/approve`);
    assert.equal(own.status, 403);
    assert.equal((await own.json()).error.code, 'own_change');
  });
});
