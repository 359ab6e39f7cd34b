// The pages beside the operator page, in a real browser on the real program: each opens, says what is so,
// fits a phone, and none of them lets an alarm go unseen.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ADMIN, LAWN, ROAD, cannotRun, startBox } from './box.mjs';
import { DESK, PHONE, openPage, picture, signIn, startBrowser, visibleText } from './browser.mjs';
import { eventually } from './wait.mjs';

const SHOWN_WITHIN_MS = 5_000;
const WATCHED_WITHIN_MS = 60_000;
const INTRUSION_WITHIN_MS = 60_000;
const PAGES = [
  ['zones', 'Zones'], ['zones/yard/versions', 'Versions · Yard'], ['walk/yard', 'Walk test · Yard'],
  ['heat/yard', 'Heat map · Yard'], ['view/yard', 'View · Yard'], ['alarms', 'Alarms'], ['people', 'People'], ['audit', 'Audit'],
];

const impossible = cannotRun();
if (impossible && process.env.CI) throw new Error(impossible);

describe('pages', { skip: impossible ?? false }, () => {
  let browser, box, page, complaints;

  before(async () => {
    [browser, box] = await Promise.all([startBrowser(), startBox()]);
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

  const open = async (path, heading) => {
    await page.goto(`${box.address}/#/${path}`);
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
  };
  const shows = (what, on = page, within_ms = SHOWN_WITHIN_MS) => eventually(`the page shows ${what}`, within_ms, async () => {
    const text = await visibleText(on);
    if (!what.test(text)) throw new Error(`the page's words are: ${text}`);
    return true;
  });

  test('the_navigation_leads_everywhere_and_the_keyboard_follows', async () => {
    await page.goto(`${box.address}/#/`);
    for (const [link, heading] of [['Zones', 'Zones'], ['Walk test', 'Walk test · Yard'], ['Heat map', 'Heat map · Yard'], ['People', 'People'], ['Audit', 'Audit']]) {
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: link }).click();
      const title = page.getByRole('heading', { name: heading, level: 1 });
      await title.waitFor();
      await eventually('the focus is on the heading', SHOWN_WITHIN_MS, () => title.evaluate((h) => h === document.activeElement));
      assert.match(await page.title(), new RegExp(link));
    }
  });

  test('the_zones_of_a_camera_are_a_version_somebody_can_go_back_to', async () => {
    await open('zones', 'Zones');
    await shows(/version 1 in force/i);
    await page.getByRole('link', { name: /^versions/i }).click();
    await page.getByRole('heading', { name: 'Versions · Yard', level: 1 }).waitFor();
    await shows(/version 1\s+● in force/i);
    await shows(/only one version/i);
    await picture(page, 'versions');
  });

  test('an_exported_version_is_the_document_of_its_zones', async () => {
    await open('zones/yard/versions', 'Versions · Yard');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /export/i }).first().click()]);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    const { features } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    assert.deepEqual(features.map((f) => f.properties.id).sort(), [LAWN.id, ROAD.id].sort());
  });

  test('the_walk_test_says_what_to_do_and_what_is_due', async () => {
    await open('walk/yard', 'Walk test · Yard');
    await shows(/the siren sounds as always/i);
    await shows(new RegExp(`${ROAD.name}[\\s\\S]*${LAWN.name}|${LAWN.name}[\\s\\S]*${ROAD.name}`));
    await shows(/never tested/i);
    assert.equal(await page.getByRole('button', { name: 'Start', exact: true }).isEnabled(), true);
  });

  test('a_walk_test_shows_its_edges_and_can_be_abandoned', async () => {
    await open('walk/yard', 'Walk test · Yard');
    await page.getByLabel('Zone', { exact: true }).selectOption(LAWN.id);
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await shows(/walk in at/i);
    assert.equal(await page.getByRole('button', { name: /^skip/i }).count(), LAWN.ring.length - 1, 'an edge of the ring, a line of the test');
    await picture(page, 'walk-test');
    await page.getByRole('button', { name: 'Abandon' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Abandon' }).click();
    await shows(/abandoned/i);
    await page.getByRole('button', { name: 'Close' }).click();
    await shows(/past tests[^]*abandoned Lawn/i);
  });

  test('a_walk_test_among_people_says_what_keeps_it_from_a_time_and_ends_in_a_report', async () => {
    await open('walk/yard', 'Walk test · Yard');
    await page.getByLabel('Zone', { exact: true }).selectOption(ROAD.id);
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await shows(/walk in at/i);
    // Somebody walks on the road all the time: either one of them is timed, or the page says why not and what to do.
    await shows(/✓ pass|◆ fail|siren sound(s|ed) already|had answered the alarm/i, page, INTRUSION_WITHIN_MS);
    await picture(page, 'walk-running');
    await page.getByRole('button', { name: 'Finish', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Finish' }).click();
    await shows(/✓ passed|◆ failed|– incomplete/i);
    const report = await page.getByRole('link', { name: 'Report' }).getAttribute('href');
    const text = await (await box.get(report)).text();
    assert.match(text, new RegExp(ROAD.name));
    assert.match(text, /electro-sensitive protective equipment/i);
    assert.match(text, new RegExp(ADMIN.name), 'who walked');
    await page.getByRole('button', { name: 'Close' }).click();
    await shows(/past tests[^]*(passed|failed|incomplete) Road/i);
  });

  test('a_zone_nobody_has_walked_into_is_a_fault_and_no_emergency', async () => {
    const { alarms } = await box.state();
    assert.ok(alarms.some((a) => a.kind === 'untested' && a.zone === LAWN.id), 'the box says so');
    await page.goto(`${box.address}/#/`);
    await shows(/◆ Walk test overdue/i);
    await shows(/Walk test of Lawn/i);
    const card = page.getByRole('article', { name: `Walk test overdue: ${LAWN.name}` });
    assert.equal(await card.evaluate((e) => e.classList.contains('emergency')), false);
  });

  test('the_heat_map_says_what_it_counts', async () => {
    await open('heat/yard', 'Heat map · Yard');
    await shows(/time with feet in a cell|nothing recorded yet/i);
    await page.getByRole('button', { name: /7 days/i }).click();
    await shows(/time with feet in a cell|nothing recorded yet/i);
    await picture(page, 'heat');
  });

  test('the_audit_log_is_whole_and_names_who_came_in', async () => {
    await open('audit', 'Audit');
    await shows(/the chain is whole: \d+ entr/i);
    await shows(new RegExp(ADMIN.name));
    await picture(page, 'audit');
  });

  test('an_alarm_is_seen_and_answered_on_a_page_beside_the_operator_page', async () => {
    await open('audit', 'Audit');
    const done = await eventually('a press is an answer', INTRUSION_WITHIN_MS, async () => {
      const alarm = (await box.state()).alarms.find((a) => a.kind === 'intrusion' && a.state !== 'acknowledged');
      if (!alarm) return null;
      // The page takes no press for an alarm that has only just come.
      await shows(new RegExp(`${ROAD.name} (is|was) occupied (for|until) [1-9]`, 'i'));
      const answer = page.waitForResponse((r) => /\/acknowledge$/.test(r.url()) && r.status() === 200, { timeout: SHOWN_WITHIN_MS }).catch(() => null);
      await page.getByRole('button', { name: /^acknowledge/i }).first().click();
      return answer;
    });
    assert.deepEqual(Object.keys(done.request().postDataJSON()), ['seen'], 'what was seen, and nobody else\'s name');
    assert.match(page.url(), /#\/audit$/, 'whoever answers stays where they were');
  });

  test('every_page_fits_a_phone', async () => {
    for (const scheme of ['light', 'dark']) {
      const phone = await openPage(browser, box.address, PHONE, scheme);
      await signIn(phone.page, ADMIN);
      for (const [path, heading] of PAGES) {
        await phone.page.goto(`${box.address}/#/${path}`);
        await phone.page.getByRole('heading', { name: heading, level: 1 }).waitFor();
        const { content, window } = await phone.page.evaluate(() => ({
          content: document.documentElement.scrollWidth,
          window: document.documentElement.clientWidth,
        }));
        assert.ok(content <= window, `${path} is ${content} px wide in a window of ${window} px`);
        await picture(phone.page, `phone-${scheme}-${path.replaceAll('/', '-')}`);
      }
      await phone.page.context().close();
    }
  });

  test('asks_no_other_host_and_has_nothing_to_complain_about', () => {
    assert.deepEqual(complaints, []);
  });
});
