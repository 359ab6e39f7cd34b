// What is armed, what is off and why, in a real browser on the real program: a schedule, a machine that is not heard,
// one that is, a warning zone, and a box that guards by older zones than somebody meant. The tests follow each other.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ADMIN, LAWN, ROAD, cannotRun, startBox } from './box.mjs';
import { DESK, PHONE, openPage, picture, signIn, startBrowser, visibleText } from './browser.mjs';
import { eventually } from './wait.mjs';

const SHOWN_WITHIN_MS = 5_000;
const WATCHED_WITHIN_MS = 60_000;
const INTRUSION_WITHIN_MS = 60_000;
/** A box that started believes its clock after ten seconds, off takes one more without a break, and the page a moment. */
const OFF_WITHIN_MS = 40_000;
/** How long the box believes the machine. */
const MAX_AGE_MS = 3_000;
const SILENT_WITHIN_MS = MAX_AGE_MS + SHOWN_WITHIN_MS;

const ZONE_DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** In two days, at six: off now, whatever day it is. The site is where the box's time zone is. */
const ON_AT = new Date(Date.now() + 2 * 86_400_000).toLocaleDateString('en-GB', { weekday: 'short', timeZone: 'Europe/Prague' });
const NIGHT = {
  id: 'night', name: 'Night gate', ring: [[0.88, 0.02], [0.98, 0.02], [0.98, 0.12], [0.88, 0.12], [0.88, 0.02]],
  properties: { schedule: { armed: [{ days: [ON_AT.toLowerCase()], from: '06:00', to: '22:00' }] } },
};
const PRESS = { ...LAWN, id: 'press', name: 'Press 3', properties: { interlock: { armed_while: { input: 'press-3-running', is: 'on' } } } };
const APRON = { ...ROAD, id: 'apron', name: 'Apron', properties: { kind: 'warning' } };
const INPUTS = `
[[input]]
name = "press-3-running"
max_age_ms = ${MAX_AGE_MS}
from = "http"
`;

const impossible = cannotRun();
if (impossible && process.env.CI) throw new Error(impossible);

describe('arming', { skip: impossible ?? false }, () => {
  let browser, box, page, complaints;

  before(async () => {
    assert.ok(ZONE_DAYS.includes(ON_AT.toLowerCase()));
    [browser, box] = await Promise.all([startBrowser(), startBox(INPUTS, [NIGHT, PRESS, APRON])]);
    ({ page, complaints } = await openPage(browser, box.address, DESK));
    await signIn(page, ADMIN);
    await eventually('every zone is watched', WATCHED_WITHIN_MS, async () =>
      (await box.state()).zones.every((zone) => zone.state !== 'unknown'));
  });

  afterEach(async (context) => {
    if (context.passed === false && page) await picture(page, `failed-${context.name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
  });

  after(async () => {
    await browser?.close();
    await box?.stop();
  });

  const shows = (what, within_ms = SHOWN_WITHIN_MS) => eventually(`the page shows ${what}`, within_ms, async () => {
    const text = await visibleText(page);
    if (!what.test(text)) throw new Error(`the page's words are: ${text}`);
    return true;
  });
  const region = (name) => page.getByRole('region', { name });
  const regionShows = (name, what, within_ms = SHOWN_WITHIN_MS) => eventually(`${name} shows ${what}`, within_ms, async () => {
    const text = (await region(name).innerText()).replaceAll(/\s+/g, ' ');
    if (!what.test(text)) throw new Error(`it says: ${text}`);
    return true;
  });
  /** Tells the machine's state again and again, as a machine does, until the page shows `what`. */
  const toldUntil = (value, name, what) => eventually(`${name} shows ${what}`, OFF_WITHIN_MS, async () => {
    const told = await box.send('POST', '/api/inputs/press-3-running', { value });
    assert.equal(told.status, 200);
    const text = (await region(name).innerText({ timeout: 500 })).replaceAll(/\s+/g, ' ');
    if (!what.test(text)) throw new Error(`it says: ${text}`);
    return true;
  });

  test('a_zone_that_is_off_says_by_what_and_until_when', async () => {
    await regionShows('Off', new RegExp(`Night gate Off by schedule until ${ON_AT} 06:00`, 'i'), OFF_WITHIN_MS);
    await shows(/Zones watched\s+2 of 3\s*‖ 1 off/i);
  });

  test('a_machine_nobody_has_heard_is_unknown_and_what_hangs_on_it_is_armed', async () => {
    await regionShows('Inputs', /press-3-running never heard; zones that hang on it are armed/i);
    await regionShows('Inputs', /◆ unknown/i);
    assert.equal((await box.zone(PRESS.id)).arming.armed, true);
    assert.doesNotMatch(await region('Off').innerText(), /Press 3/);
  });

  test('a_machine_that_stands_still_switches_its_zone_off_and_back_on', async () => {
    await toldUntil('off', 'Off', /Press 3 Off while press-3-running is off/i);
    await picture(page, 'arming-off');
    // Nobody tells any more: silence arms.
    await regionShows('Inputs', /press-3-running heard \d+ s ago; zones that hang on it are armed/i, SILENT_WITHIN_MS);
    assert.equal((await box.zone(PRESS.id)).arming.armed, true);
    await toldUntil('on', 'Inputs', /press-3-running heard just now, since [\d:]+ ○ on/i);
  });

  test('the_zones_page_lists_each_zone_with_its_kind_and_what_arms_it', async () => {
    await page.goto(`${box.address}/#/zones`);
    await regionShows(/^Yard/, new RegExp(`Night gate Restricted Off by schedule until ${ON_AT} 06:00 ‖ Off`, 'i'));
    await regionShows(/^Yard/, /Press 3 Restricted Armed (while|because) press-3-running/i);
    await regionShows(/^Yard/, /Apron Warning/i);
    await picture(page, 'zones');
    await page.goto(`${box.address}/#/`);
  });

  test('a_warning_is_amber_and_never_called_an_emergency', async () => {
    await eventually('somebody is on the apron', INTRUSION_WITHIN_MS, async () =>
      (await box.state()).alarms.some((alarm) => alarm.kind === 'warning' && alarm.state === 'unacknowledged'));
    await regionShows('Status', /△ Warning: Apron (is occupied for \d+ s|had a warning)/i);
    const status = await region('Status').evaluate((e) => e.className);
    assert.match(status, /\bwarning\b/);
    assert.doesNotMatch(await visibleText(page), /▲ Emergency/);
    await shows(/Siren △ Warning: Apron|Siren Silent/i);
    await picture(page, 'warning');
  });

  test('asks_no_other_host_and_has_nothing_to_complain_about', () => {
    assert.deepEqual(complaints, []);
  });

  test('older_zones_than_somebody_meant_are_a_fault_and_go_on_guarding', async () => {
    await box.restartWithZones('{"type": "FeatureCollection", "features": [{"type": "Feature"}]}');
    await page.context().close();
    ({ page } = await openPage(browser, box.address, DESK));
    await signIn(page, ADMIN);
    await box.signIn(ADMIN);
    await shows(/Yard is guarded by older zones/i, WATCHED_WITHIN_MS);
    assert.equal((await box.state()).zones.length, 3, 'the zones of before guard');
    await page.goto(`${box.address}/#/zones`);
    await regionShows(/^Yard/, /◆ Guarded by older zones/i);
    await regionShows(/^Yard/, /the changed zone file cannot be used: /i);
    await picture(page, 'zones-fault');
  });

  test('says_all_this_on_a_phone_too', async () => {
    const phone = await openPage(browser, box.address, PHONE);
    await signIn(phone.page, ADMIN);
    await phone.page.getByRole('region', { name: 'Inputs' }).waitFor();
    const { content, window } = await phone.page.evaluate(() => ({
      content: document.documentElement.scrollWidth, window: document.documentElement.clientWidth,
    }));
    assert.ok(content <= window, `the page is ${content} px wide in a window of ${window} px`);
    await picture(phone.page, 'phone-arming');
    assert.deepEqual(phone.complaints, []);
    await phone.page.context().close();
  });
});
