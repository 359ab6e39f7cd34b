// What can be done with an alarm besides answering it, in a real browser on the real program: the siren silenced, an
// alarm shelved, a zone out of service, one that stays until reset, an answer that a further person overtakes; and
// what the page says of the alarms as a whole. The tests follow each other.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ADMIN, LAWN, ROAD, cannotRun, startBox } from './box.mjs';
import { DESK, PHONE, openPage, picture, signIn, startBrowser, visibleText } from './browser.mjs';
import { eventually } from './wait.mjs';

/** Long enough for a machine with much else to do: what is held here are words, not times. */
const SHOWN_WITHIN_MS = 20_000;
const WATCHED_WITHIN_MS = 60_000;
/** Somebody crosses the road at least every 20 s of the footage. */
const INTRUSION_WITHIN_MS = 60_000;

/** Nobody is ever there, and somebody must be: an alarm that stands, to which no further person comes. */
const POST = { ...LAWN, id: 'post', name: 'Guard post', properties: { kind: 'occupancy', count: { at_least: 1, empty: 'alarms' } } };
/** Nobody ever is there. */
const CORNER = { id: 'corner', name: 'Corner', ring: [[0.88, 0.02], [0.98, 0.02], [0.98, 0.12], [0.88, 0.12], [0.88, 0.02]] };
/** Nobody listens there. */
const BROKER = `
[notify.mqtt]
host = "127.0.0.1"
port = 9
`;
const MIA = { name: 'Mia', password: 'answers every alarm', role: 'supervisor' };

const impossible = cannotRun();
if (impossible && process.env.CI) throw new Error(impossible);

const watched = (box) => eventually('every zone is watched', WATCHED_WITHIN_MS, async () =>
  (await box.state()).zones.every((zone) => zone.state !== 'unknown'));
/** A busy machine loses sight of the camera for a moment, or cannot keep up with it: that alarm takes the page's first place until it is answered. */
const answerLostSight = async (box) => {
  const over = (await box.state()).alarms.filter(({ kind, part, state }) => (kind === 'blind' || part === 'detector') && state !== 'acknowledged');
  await Promise.all(over.map(({ id }) => box.acknowledge(id)));
};
const showing = (page, box) => (what, within_ms = SHOWN_WITHIN_MS) => eventually(`the page shows ${what}`, within_ms, async () => {
  const text = await visibleText(page());
  if (what.test(text)) return true;
  await answerLostSight(box());
  throw new Error(`the page's words are: ${text}`);
});
/** What the browser says of a refusal that the page has put into words is no complaint of the page. */
const besidesRefusals = (complaints) => complaints.filter((text) => !/status of (403|409|502)/.test(text));
const fits = async (page, what) => {
  const { content, window } = await page.evaluate(() => ({ content: document.documentElement.scrollWidth, window: document.documentElement.clientWidth }));
  assert.ok(content <= window, `${what} is ${content} px wide in a window of ${window} px`);
};

describe('alarms', { skip: impossible ?? false }, () => {
  let browser, box, page, complaints;

  before(async () => {
    [browser, box] = await Promise.all([startBrowser(), startBox(BROKER, [POST, CORNER])]);
    ({ page, complaints } = await openPage(browser, box.address, DESK));
    await signIn(page, ADMIN);
    await watched(box);
  });

  afterEach(async (context) => {
    if (context.passed === false && page) await picture(page, `failed-${context.name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
  });

  after(async () => {
    await browser?.close();
    await box?.stop();
  });

  const shows = showing(() => page, () => box);
  const post = async () => (await box.state()).alarms.find((alarm) => alarm.kind === 'intrusion' && alarm.zone === POST.id);
  const isPost = (state) => eventually(`the alarm of the post is ${state}`, INTRUSION_WITHIN_MS, async () => (await post())?.state === state);
  const sounds = (state) => eventually(`the siren is ${state}`, SHOWN_WITHIN_MS, async () => (await box.state()).siren.state === state);
  const dialog = () => page.getByRole('dialog');
  /** Exactly: its overdue walk test has a button too. */
  const acknowledge = () => page.getByRole('button', { name: `Acknowledge ${POST.name}`, exact: true }).first();
  const phones = async (name, path, what) => {
    for (const scheme of ['light', 'dark']) {
      const phone = await openPage(browser, box.address, PHONE, scheme);
      await signIn(phone.page, ADMIN);
      await phone.page.goto(`${box.address}/#/${path}`);
      await showing(() => phone.page, () => box)(what);
      await fits(phone.page, name);
      await picture(phone.page, `phone-${scheme}-${name}`);
      assert.deepEqual(phone.complaints, []);
      await phone.page.context().close();
    }
  };

  test('silence_stops_the_siren_counts_down_and_answers_nothing', async () => {
    await isPost('unacknowledged');
    await sounds('intrusion');
    await page.getByRole('button', { name: /^Siren silent for 2 min/ }).first().click();
    await shows(/Siren silenced, sounds again in (2:00|1:\d\d) by Browser Test/);
    await shows(/Nothing is acknowledged by that\. \d+ alarms? still waits? for an answer/);
    await shows(/Siren ⊝ Silenced, (2:00|1:\d\d) left/);
    assert.equal((await post()).state, 'unacknowledged', 'nothing is answered');
    assert.ok(await acknowledge().isVisible(), 'it can still be answered');
    assert.equal(await page.getByRole('button', { name: /^Siren silent/ }).count(), 0, 'one press is enough');
    await picture(page, 'alarm-silenced');
    await phones('alarm-silenced', '', /Siren silenced/);
    await page.goto(`${box.address}/#/audit`);
    await shows(/Siren silenced, sounds again in/);
    await page.goto(`${box.address}/#/`);
  });

  test('an_alarm_is_shelved_by_keyboard_with_a_reason_and_for_a_time', async () => {
    await page.getByRole('button', { name: `Shelve… ${POST.name}`, exact: true }).focus();
    await page.keyboard.press('Enter');
    await dialog().waitFor();
    const send = dialog().getByRole('button', { name: /^Shelve for/ });
    assert.equal(await send.isDisabled(), true, 'not without a reason');
    await page.keyboard.press('ArrowRight');
    await eventually('half an hour is chosen', SHOWN_WITHIN_MS, async () => (await send.innerText()) === 'Shelve for 30 min');
    assert.match(await dialog().innerText(), /Until \d\d:\d\d, for 30 min, it is shown, never heard and sent to nobody/);
    await picture(page, 'alarm-shelve-dialog');
    await page.keyboard.press('Tab');
    await page.keyboard.type('The guard is at the gate');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await dialog().waitFor({ state: 'detached' });
    await isPost('shelved');
    await sounds('silent');
  });

  test('what_is_shelved_is_loud_on_every_page_with_who_why_and_until_when', async () => {
    await shows(/Not heard ⊝ 1 1 shelved/);
    await shows(/Guard post would alarm now and is shelved/);
    await shows(/⊝ Shelved Guard post [^]*until \d\d:\d\d, (29|30) min left Browser Test, [\d:]+: The guard is at the gate/);
    await picture(page, 'alarm-shelved');
    await page.goto(`${box.address}/#/audit`);
    await shows(/Guard post would alarm now and is shelved/);
    await shows(/alarm shelved alarm \d+, Guard post/i);
    await phones('alarm-shelved', '', /Guard post would alarm now and is shelved/);
    await page.goto(`${box.address}/#/alarms`);
    await shows(/Not heard shown, but nobody is alarmed/);
  });

  test('heard_again_it_wants_an_answer_and_sounds', async () => {
    await page.getByRole('button', { name: /^Hear again/ }).click();
    await dialog().getByRole('button', { name: 'Hear again' }).click();
    await dialog().waitFor({ state: 'detached' });
    await isPost('unacknowledged');
    await sounds('intrusion');
    await shows(/Every alarm is heard: nothing is shelved or out of service/);
    await page.goto(`${box.address}/#/`);
    await shows(/Guard post has the wrong number of people for [1-9]/);
    // The page takes no press for an alarm that has only just come to the first place.
    await eventually('a press is taken', SHOWN_WITHIN_MS, async () => {
      if ((await post()).state === 'acknowledged') return true;
      await acknowledge().click({ timeout: 500 });
      return null;
    });
  });

  test('an_engineer_takes_a_zone_out_of_service_with_a_reason_and_nobody_forgets_it', async () => {
    await page.goto(`${box.address}/#/zones`);
    await page.getByRole('button', { name: `Out of service… ${CORNER.name}` }).click();
    const send = dialog().getByRole('button', { name: 'Out of service' });
    assert.equal(await send.isDisabled(), true, 'not without a reason');
    await dialog().getByLabel('Why').fill('The fence is being moved');
    await send.click();
    await dialog().waitFor({ state: 'detached' });
    await shows(/Corner is out of service|Guard post|Not heard/);
    await shows(/Not heard ⊝ 1 1 out of service/);
    await shows(/Corner Restricted Browser Test, until an engineer ends it: The fence is being moved ⊝ Out of service/);
    await picture(page, 'zone-out-of-service');
    await page.goto(`${box.address}/#/`);
    await shows(/⊝ Out of service Corner until an engineer ends it/);
    await phones('zone-out-of-service', 'zones', /Back in service/);
  });

  test('a_supervisor_sees_it_and_leaves_it_to_an_engineer', async () => {
    const { name, password } = MIA;
    assert.equal((await box.send('POST', '/api/users', MIA)).status, 201);
    const mia = await openPage(browser, box.address, DESK);
    await signIn(mia.page, { name, password });
    await showing(() => mia.page, () => box)(/⊝ Out of service Corner [^]*An engineer puts it back in service/);
    assert.equal(await mia.page.getByRole('button', { name: /Back in service/ }).count(), 0);
    await mia.page.goto(`${box.address}/#/zones`);
    await showing(() => mia.page, () => box)(/⊝ Out of service/);
    assert.equal(await mia.page.getByRole('button', { name: /of service/ }).count(), 0);
    assert.deepEqual(mia.complaints, []);
    await mia.page.context().close();
  });

  test('back_in_service_it_alarms_as_before', async () => {
    await page.getByRole('button', { name: `Back in service: ${CORNER.name}` }).click();
    await dialog().getByRole('button', { name: 'Back in service' }).click();
    await dialog().waitFor({ state: 'detached' });
    await eventually('nothing is out of service', SHOWN_WITHIN_MS, async () => !/Not heard/.test(await visibleText(page)));
  });

  test('the_figures_of_the_alarms_stand_with_unit_and_target_and_a_box_this_young_is_not_judged_by_them', async () => {
    await page.goto(`${box.address}/#/alarms`);
    await shows(/Too short a time to judge by|\d+ of \d+ targets (is|are) not met/);
    const rows = (await page.getByRole('row').allInnerTexts()).slice(1).map((text) => text.replaceAll(/\s+/g, ' '));
    assert.ok(rows.length >= 5, rows.join('\n'));
    // What is missed already is missed; nothing is met by minutes alone, and of a handful of sources the ten first are always all.
    for (const row of rows) assert.match(row, /\d.*(at most \d|none).*(△ not met|– too (short|few) to judge)$/, 'a figure, its target, and whether it can be judged');
    assert.match(await page.getByRole('img', { name: /^Alarms in every 10 minutes/ }).getAttribute('aria-label'), /at most \d+ in 10 minutes/);
    await shows(/Most alarms the ten first [^]*Guard post/);
    await page.getByRole('button', { name: '30 days' }).click();
    await shows(/Most alarms/);
    await picture(page, 'alarms');
    await phones('alarms', 'alarms', /Most alarms/);
  });

  test('a_channel_nobody_listens_on_is_down_and_a_test_says_so', async () => {
    await shows(/mqtt MQTT to [^]*◆ Down/, WATCHED_WITHIN_MS);
    await shows(/Waits \d+ alarms?/);
    await page.getByRole('button', { name: /^Send a test/ }).click();
    await eventually('the test says why it failed', WATCHED_WITHIN_MS, async () => (await page.getByRole('alert').allInnerTexts()).some((text) => /◆/.test(text)));
    await picture(page, 'channel-down');
  });

  test('asks_no_other_host_and_has_nothing_to_complain_about', () => {
    assert.deepEqual(besidesRefusals(complaints), []);
  });
});

describe('alarms with people', { skip: impossible ?? false }, () => {
  /** Across the road, where somebody passes now and then. */
  const WIRE = { id: 'wire', name: 'Wire', properties: { kind: 'tripwire', direction: 'both', latch: true }, line: [[0.52, 0.3], [0.52, 0.8]] };
  let browser, box, page, complaints;

  before(async () => {
    [browser, box] = await Promise.all([startBrowser(), startBox('', [WIRE])]);
    ({ page, complaints } = await openPage(browser, box.address, DESK));
    await signIn(page, ADMIN);
    await watched(box);
  });

  afterEach(async (context) => {
    if (context.passed === false && page) await picture(page, `failed-${context.name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
  });

  after(async () => {
    await browser?.close();
    await box?.stop();
  });

  const shows = showing(() => page, () => box);
  const alarm = async () => (await box.state()).alarms.find(({ kind }) => kind === 'intrusion');
  const button = (name) => page.getByRole('button', { name: `${name} ${WIRE.name}` }).first();

  test('an_answer_that_a_further_person_overtakes_does_not_count_and_says_look_again', async () => {
    await eventually('the page says look again', 3 * INTRUSION_WITHIN_MS, async () => {
      const open = await eventually('somebody has crossed', INTRUSION_WITHIN_MS, async () => {
        const found = await alarm();
        return found?.state !== 'acknowledged' && found;
      });
      // The answer is on its way while somebody else crosses: held here until the box has seen them.
      let sent = false;
      await page.route('**/acknowledge', async (route) => {
        sent = true;
        await eventually('a further person', INTRUSION_WITHIN_MS, async () => ((await alarm())?.renewed ?? 0) > open.renewed).catch(() => null);
        await route.continue().catch(() => undefined);
      });
      const answer = page.waitForResponse((r) => /\/acknowledge$/.test(r.url()), { timeout: INTRUSION_WITHIN_MS }).catch(() => null);
      // The page takes no press for an alarm that has only just come.
      await eventually('the press is sent', SHOWN_WITHIN_MS, async () => { await button('Acknowledge').click({ timeout: 500 }); return sent; }).catch(() => null);
      const status = (await answer)?.status();
      await page.unroute('**/acknowledge');
      return status === 409 && /a further person has come since — look again/.test(await visibleText(page));
    });
    await picture(page, 'alarm-look-again');
    assert.notEqual((await alarm()).state, 'acknowledged');
  });

  test('a_zone_that_stays_in_alarm_is_reset_only_once_it_is_acknowledged_and_clear', async () => {
    const reset = await eventually('somebody has reset it', 3 * INTRUSION_WITHIN_MS, async () => {
      const now = await alarm();
      if (now?.state === 'latched_unacknowledged') {
        await shows(/Stays in alarm, not acknowledged/);
        assert.equal(await button('Reset').count(), 0, 'not before it is acknowledged');
        await picture(page, 'alarm-latched');
        await button('Acknowledge').click({ timeout: 500 }).catch(() => null);
      } else if (now?.state === 'latched_acknowledged') {
        const answer = page.waitForResponse((r) => /\/reset$/.test(r.url()), { timeout: SHOWN_WITHIN_MS }).catch(() => null);
        await shows(/Acknowledged, waits for reset/);
        await picture(page, 'alarm-reset');
        await button('Reset').click({ timeout: 500 }).catch(() => null);
        return (await answer)?.status() === 200;
      }
      return null;
    });
    assert.ok(reset);
  });

  test('has_nothing_to_complain_about_but_the_answers_that_were_overtaken', () => {
    assert.deepEqual(besidesRefusals(complaints), []);
  });
});
