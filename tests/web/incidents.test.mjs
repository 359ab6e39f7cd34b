// The Incidents page and what hides people, in a real browser on the real program: what happened is found, judged
// and taken away, and nobody is shown clear but to an engineer who said why.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ADMIN, LAWN, ROAD, cannotRun, startBox } from './box.mjs';
import { DESK, PHONE, openPage, picture, signIn, startBrowser, visibleText } from './browser.mjs';
import { eventually } from './wait.mjs';

const SHOWN_WITHIN_MS = 5_000;
const WATCHED_WITHIN_MS = 60_000;
const INCIDENT_WITHIN_MS = 90_000;
const WALL = { width: 2560, height: 1440 };
/** On the road too, so that there are incidents of two zones and two kinds. */
const APRON = { id: 'apron', name: 'Apron', ring: [[0.3, 0.35], [0.5, 0.35], [0.5, 0.75], [0.3, 0.75], [0.3, 0.35]], properties: { kind: 'warning' } };

const impossible = cannotRun();
if (impossible && process.env.CI) throw new Error(impossible);

describe('incidents', { skip: impossible ?? false }, () => {
  let browser, box, page, complaints;

  before(async () => {
    [browser, box] = await Promise.all([startBrowser(), startBox('', [ROAD, LAWN, APRON])]);
    ({ page, complaints } = await openPage(browser, box.address, DESK));
    await signIn(page, ADMIN);
    await eventually('every zone is watched', WATCHED_WITHIN_MS, async () =>
      (await box.state()).zones.every((zone) => zone.state !== 'unknown'));
    await eventually('an incident of each zone with its picture', INCIDENT_WITHIN_MS, async () => {
      const { incidents } = await (await box.get('/api/incidents')).json();
      return [ROAD.id, APRON.id].every((zone) => incidents.some((it) => it.zone === zone && it.snapshot));
    });
  });

  afterEach(async (context) => {
    if (context.passed === false && page) await picture(page, `failed-${context.name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
  });

  after(async () => {
    await browser?.close();
    await box?.stop();
  });

  const open = async (on = page, what = '') => {
    await on.goto('about:blank');
    await on.goto(`${box.address}/#/incidents${what}`);
    await on.getByRole('heading', { name: 'Incidents', level: 1 }).waitFor();
    await on.locator('.timeline').first().waitFor();
  };
  const newest = async (zone) => (await (await box.get('/api/incidents?limit=50')).json()).incidents.find((it) => it.zone === zone);
  const shows = (what, on = page, within_ms = SHOWN_WITHIN_MS) => eventually(`the page shows ${what}`, within_ms, async () => {
    const text = await visibleText(on);
    if (!what.test(text)) throw new Error(`the page's words are: ${text}`);
    return true;
  });
  const audit = async () => (await (await box.get('/api/audit?limit=50')).json()).entries;
  const detail = () => page.getByRole('region', { name: /^Incident \d+$/ });

  test('what_happened_is_listed_with_its_picture_and_its_facts', async () => {
    const { id } = await newest(ROAD.id);
    await open(page, `?incident=${id}`);
    await shows(/\d+ incidents?/i);
    await shows(new RegExp(`${ROAD.name}[\\s\\S]*Camera[\\s\\S]*Yard`));
    const image = detail().getByRole('img');
    await eventually('the picture is there', SHOWN_WITHIN_MS, () => image.evaluate((i) => i.complete && i.naturalWidth > 0));
    await shows(/people are pixelated here/i);
    const thumbs = page.locator('.timeline img');
    await eventually('small pictures in the list', SHOWN_WITHIN_MS, () => thumbs.first().evaluate((i) => i.naturalWidth === 320));
    await picture(page, 'incidents');
  });

  test('filters_ask_the_box_stand_in_the_address_and_say_when_nothing_matches', async () => {
    await open();
    await page.getByRole('combobox', { name: 'Kind' }).selectOption('tripwire');
    await shows(/no incident matches/i);
    await page.getByRole('button', { name: 'Show all' }).first().click();
    await page.getByRole('combobox', { name: 'Zone' }).selectOption(APRON.id);
    const names = () => page.locator('.timeline .row b').allInnerTexts();
    const only = (name) => eventually(`only ${name}`, SHOWN_WITHIN_MS, async () => {
      const now = await names();
      return now.length > 0 && now.every((it) => it === name);
    });
    await only(APRON.name);
    // The address can be sent: whoever opens it finds the same.
    const address = page.url();
    assert.match(address, /zone=apron/);
    await page.goto('about:blank');
    await page.goto(address);
    await only(APRON.name);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByRole('combobox', { name: 'Kind' }).selectOption('restricted');
    await only(ROAD.name);
    // A year in which nothing was.
    await page.getByLabel('To', { exact: true }).fill('2020-12-31');
    await shows(/no incident matches/i);
    await page.getByRole('button', { name: 'Show all' }).first().click();
    await eventually('both again', SHOWN_WITHIN_MS, async () => new Set(await names()).size > 1);
  });

  test('a_verdict_is_kept_with_who_and_when_and_can_be_looked_for', async () => {
    const { id } = await newest(ROAD.id);
    await open(page, `?incident=${id}`);
    await shows(/nobody has said yet what this was/i);
    await page.getByLabel(/^note/i).fill('a fork lift');
    await page.getByRole('group', { name: 'Say what it was' }).getByRole('button', { name: /^False/ }).click();
    await shows(new RegExp(`${ADMIN.name}[^]*a fork lift`));
    const given = (await audit()).find((entry) => entry.action === 'incident_judged');
    assert.equal(given.by, ADMIN.name);
    assert.deepEqual(given.detail, { note: 'a fork lift', verdict: 'false' });
    await page.getByRole('combobox', { name: 'Verdict' }).selectOption('false');
    await shows(/1 incident matches.*: 1 false/i);
  });

  test('verdicts_take_no_pointer_and_never_land_on_another_incident', async () => {
    const { id } = await newest(APRON.id);
    await open(page, `?verdict=none&incident=${id}`);
    await shows(new RegExp(`${APRON.name} incident ${id}`));
    // Typing a note judges nothing.
    await page.getByLabel(/^note/i).focus();
    await page.keyboard.type('that was xft');
    await page.keyboard.press('Escape');
    assert.ok(!(await audit()).some((entry) => entry.subject === `incident ${id}` && entry.action === 'incident_judged'), 'a note is no verdict');
    await page.keyboard.press('x');
    await shows(/Test Somebody tested\..*that was xft/);
    // Judged, it is not looked for any more; it stays where it was all the same.
    await shows(new RegExp(`${APRON.name} incident ${id}`));
    assert.match(page.url(), new RegExp(`incident=${id}\\b`));
  });

  test('the_keyboard_goes_from_one_incident_to_the_next', async () => {
    await open();
    await eventually('a second incident', INCIDENT_WITHIN_MS, async () => (await page.locator('.timeline .row').count()) > 1);
    const chosen = () => page.locator('.timeline [aria-current="true"]').evaluateAll((rows) =>
      rows.map((row) => [...document.querySelectorAll('.timeline .row')].indexOf(row)));
    const first = (await chosen())[0];
    await page.keyboard.press('j');
    const second = (await chosen())[0];
    assert.equal(second, Math.min(first + 1, (await page.locator('.timeline .row').count()) - 1));
    await page.keyboard.press('k');
    assert.deepEqual(await chosen(), [Math.max(0, second - 1)]);
  });

  test('an_engineer_pins_with_a_reason_and_takes_the_pin_off', async () => {
    const { id } = await newest(ROAD.id);
    await open(page, `?incident=${id}`);
    await page.getByRole('button', { name: 'Pin…' }).click();
    const dialog = page.getByRole('dialog');
    assert.equal(await dialog.getByRole('button', { name: 'Pin', exact: true }).isEnabled(), false, 'a reason first');
    await dialog.getByLabel('Why').fill('the police asked');
    await dialog.getByRole('button', { name: 'Pin', exact: true }).click();
    await shows(/Pinned Its evidence .* the police asked/);
    assert.equal((await (await box.get(`/api/incidents/${id}/evidence`)).json()).pin.reason, 'the police asked');
    await page.getByRole('button', { name: 'Take the pin off…' }).click();
    await dialog.getByRole('button', { name: 'Take the pin off' }).click();
    await shows(/Not pinned/);
  });

  test('an_incident_is_taken_away_with_its_sums_and_the_audit_log_says_so', async () => {
    await open();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /export as zip/i }).click()]);
    assert.match(download.suggestedFilename(), /^incident-\d+\.zip$/);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    assert.equal(bytes.subarray(0, 4).toString('latin1'), 'PK\u0003\u0004');
    for (const name of ['incident.json', 'snapshot.jpg', 'checksums.sha256']) assert.ok(bytes.includes(name), name);
    assert.ok((await audit()).some((entry) => entry.action === 'incident_exported' && entry.by === ADMIN.name));
  });

  test('clear_pictures_take_a_reason_are_said_on_every_page_and_end', async () => {
    await open();
    await page.getByText(ADMIN.name, { exact: true }).first().click();
    await page.getByRole('button', { name: 'See people clear…' }).click();
    const dialog = page.getByRole('dialog');
    assert.equal(await dialog.getByRole('button', { name: 'See clear pictures' }).isEnabled(), false, 'a reason first');
    await dialog.getByLabel('Why').fill('who opened the gate');
    await dialog.getByRole('button', { name: 'See clear pictures' }).click();
    await shows(/you see people clear until/i);
    await shows(/who opened the gate/i);
    await eventually('the clear picture', SHOWN_WITHIN_MS, () => detail().getByRole('img').evaluate((i) => /picture=clear/.test(i.src) && i.naturalWidth > 0));
    await picture(page, 'incidents-clear');
    await page.goto(`${box.address}/#/zones`);
    await shows(/you see people clear until/i);
    await page.getByRole('button', { name: 'End now' }).click();
    await eventually('it has ended', SHOWN_WITHIN_MS, async () => !/you see people clear/i.test(await visibleText(page)));
    const actions = (await audit()).map((entry) => entry.action);
    for (const action of ['clear_pictures_granted', 'clear_picture_seen', 'clear_pictures_ended']) assert.ok(actions.includes(action), action);
  });

  test('it_fits_a_phone_and_a_wall_and_the_night', async () => {
    for (const [name, viewport, scheme] of [['phone', PHONE, 'light'], ['wall', WALL, 'light'], ['night', DESK, 'dark']]) {
      const { page: other } = await openPage(browser, box.address, viewport, scheme);
      await signIn(other, ADMIN);
      await open(other);
      await shows(/\d+ incidents?/i, other);
      if (name === 'phone') {
        await other.locator('.timeline .row').first().click();
        await other.getByRole('region', { name: /^Incident \d+$/ }).waitFor();
        assert.equal(await other.locator('.timeline').isVisible(), false, 'one incident takes the place of the list');
        await picture(other, 'incidents-phone-one');
        await other.goBack();
        await other.locator('.timeline .row').first().waitFor();
      }
      const wide = await other.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${name}: ${wide} px too wide`);
      await picture(other, `incidents-${name}`);
      await other.context().close();
    }
  });

  test('the_browser_had_nothing_to_complain_about', () => assert.deepEqual(complaints, []));
});
