// What WCAG 2.2 AA asks and a browser can measure: contrast, names, headings, reflow, focus, and that an alarm is
// said aloud. In a real browser on the real program, on every page, light and dark.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ADMIN, ROAD, cannotRun, startBox } from './box.mjs';
import { DESK, openPage, picture, signIn, startBrowser } from './browser.mjs';
import { tooFaint } from './readable.mjs';
import { eventually } from './wait.mjs';

const SHOWN_WITHIN_MS = 5_000;
const WATCHED_WITHIN_MS = 60_000;
const INTRUSION_WITHIN_MS = 60_000;
/** A page of 1280 px at a zoom of 400 % (WCAG 1.4.10). */
const ZOOMED = { width: 320, height: 640 };
/** More stops than any page has before its first alarm. */
const TABS_MAX = 40;
/** WCAG 2.5.8 asks 24 px; a glove asks for more. */
const TOUCH_PX_MIN = 44;
const ACKNOWLEDGE_PX_MIN = 56;
const PAGES = [
  ['', 'Now'], ['zones', 'Zones'], ['zones/yard/versions', 'Versions · Yard'], ['walk/yard', 'Walk test · Yard'],
  ['heat/yard', 'Heat map · Yard'], ['view/yard', 'View · Yard'], ['alarms', 'Alarms'], ['handhelds', 'Handhelds'], ['people', 'People'], ['audit', 'Audit'],
  ['models', 'Models'], ['models/comparison', 'Comparison'], ['models/queue', 'Label queue'], ['models/examples', 'Examples'],
];

const impossible = cannotRun();
if (impossible && process.env.CI) throw new Error(impossible);

describe('accessibility', { skip: impossible ?? false }, () => {
  let browser, box, page;

  before(async () => {
    [browser, box] = await Promise.all([startBrowser(), startBox()]);
    ({ page } = await openPage(browser, box.address, DESK));
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

  const visit = async (on, path, heading) => {
    await on.goto(`${box.address}/#/${path}`);
    await on.getByRole('heading', { name: heading, level: 1 }).waitFor({ state: 'attached' });
  };
  const alarmed = () => eventually('somebody is on the road', INTRUSION_WITHIN_MS, async () =>
    (await box.state()).alarms.find((a) => a.kind === 'intrusion' && a.state === 'unacknowledged'));

  test('somebody_without_a_mouse_signs_in', async () => {
    await page.getByLabel('Your name').waitFor();
    await eventually('the first field has the focus', SHOWN_WITHIN_MS, () => page.evaluate(() => document.activeElement?.id === 'name'));
    await page.keyboard.type(ADMIN.name);
    await page.keyboard.press('Tab');
    await page.keyboard.type(ADMIN.password);
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Status' }).waitFor();
  });

  test('an_alarm_is_said_aloud', async () => {
    const [alarm] = await Promise.all([alarmed(), visit(page, '', 'Now')]);
    assert.equal(alarm.title, ROAD.name);
    await eventually('the live region says it', INTRUSION_WITHIN_MS, async () =>
      new RegExp(`Emergency: ${ROAD.name}\\.`).test(await page.locator('[aria-live="assertive"]').first().innerText()));
  });

  test('the_tab_key_leads_to_the_alarm_and_every_stop_is_seen', async () => {
    const found = await eventually('an alarm is reached and answered', INTRUSION_WITHIN_MS, async () => {
      await alarmed();
      await page.evaluate(() => { document.activeElement?.blur(); window.getSelection()?.removeAllRanges(); });
      await visit(page, 'audit', 'Audit');
      await visit(page, '', 'Now');
      const stops = [];
      for (let i = 0; i < TABS_MAX; i += 1) {
        await page.keyboard.press('Tab');
        const stop = await page.evaluate(() => {
          const e = document.activeElement;
          const { width, height } = e.getBoundingClientRect();
          return { name: e.getAttribute('aria-label') ?? e.textContent.trim(), outline: getComputedStyle(e).outlineStyle, area: width * height };
        });
        stops.push(stop);
        if (new RegExp(`^Acknowledge ${ROAD.name}`).test(stop.name)) break;
      }
      for (const stop of stops) assert.ok(stop.outline !== 'none' && stop.area > 0, `nobody sees that "${stop.name}" has the focus`);
      if (!/^Acknowledge/.test(stops.at(-1).name)) return null;
      const answer = page.waitForResponse((r) => /\/acknowledge$/.test(r.url()) && r.status() === 200, { timeout: SHOWN_WITHIN_MS });
      await page.keyboard.press('Enter');
      return (await answer.catch(() => null)) !== null;
    });
    assert.ok(found);
  });

  test('a_dialog_takes_the_focus_keeps_it_and_gives_it_back', async () => {
    await visit(page, 'people', 'People');
    const opener = page.getByRole('button', { name: /^new password/i });
    await opener.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    for (let i = 0; i < 12; i += 1) {
      await page.keyboard.press('Tab');
      assert.ok(await page.evaluate(() => document.activeElement === document.body || document.querySelector('dialog[open]').contains(document.activeElement)), 'the focus left the dialog');
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await eventually('the focus is where it was', SHOWN_WITHIN_MS, () => opener.evaluate((e) => e === document.activeElement));
  });

  for (const scheme of ['light', 'dark']) {
    test(`every_text_can_be_read_in_the_${scheme}_scheme`, async () => {
      const { page: own } = await openPage(browser, box.address, DESK, scheme);
      const poor = [['sign in', await tooFaint(own)]];
      await own.getByRole('heading', { level: 1 }).evaluate((heading) => { heading.style.color = 'rgb(128 128 128 / 0.4)'; });
      assert.match((await tooFaint(own)).join(), /^Sign in: /, 'what cannot be read is found');
      await signIn(own, ADMIN);
      for (const [path, heading] of PAGES) {
        await visit(own, path, heading);
        await eventually('it has loaded', SHOWN_WITHIN_MS, async () => (await own.getByRole('status').filter({ hasText: /^Loading/ }).count()) === 0);
        poor.push([heading, await tooFaint(own)]);
      }
      await own.context().close();
      assert.deepEqual(poor.filter(([, texts]) => texts.length > 0), []);
    });
  }

  test('everything_that_can_be_used_has_a_name_and_every_page_one_first_heading', async () => {
    const session = await page.context().newCDPSession(page);
    const nameless = [];
    for (const [path, heading] of PAGES) {
      await visit(page, path, heading);
      const { nodes } = await session.send('Accessibility.getFullAXTree');
      const USED = ['button', 'link', 'textbox', 'combobox', 'radio', 'checkbox', 'img', 'image', 'dialog', 'navigation', 'searchbox', 'spinbutton'];
      for (const node of nodes) {
        if (!node.ignored && USED.includes(node.role?.value) && !node.name?.value?.trim()) nameless.push(`${heading}: ${node.role.value}`);
      }
      assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1, `${heading} has one first heading`);
    }
    assert.deepEqual(nameless, []);
    assert.match(await page.evaluate(() => document.documentElement.lang), /^en/);
  });

  test('at_four_times_the_size_nothing_has_to_be_scrolled_sideways', async () => {
    const { page: own } = await openPage(browser, box.address, ZOOMED);
    await signIn(own, ADMIN);
    for (const [path, heading] of PAGES) {
      await visit(own, path, heading);
      const width = await own.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= ZOOMED.width, `${heading} is ${width} px wide`);
    }
    await own.context().close();
  });

  test('a_glove_finds_what_there_is_to_press', async () => {
    const { page: own } = await openPage(browser, box.address, { width: 360, height: 780 });
    await signIn(own, ADMIN);
    const small = [];
    for (const [path, heading] of PAGES) {
      await visit(own, path, heading);
      small.push(...(await own.getByRole('button').or(own.getByRole('combobox')).or(own.getByRole('textbox')).evaluateAll((all, least) => all
        .filter((e) => e.checkVisibility() && !e.closest('.lane'))
        .map((e) => ({ name: e.getAttribute('aria-label') ?? e.textContent.trim(), height: Math.round(e.getBoundingClientRect().height) }))
        .filter(({ height }) => height < least), TOUCH_PX_MIN)).map((e) => `${heading}: ${e.name} ${e.height} px`));
    }
    assert.deepEqual(small, []);
    const height = await eventually('there is something to acknowledge', INTRUSION_WITHIN_MS, async () => {
      await visit(own, '', 'Now');
      const button = own.getByRole('button', { name: /^acknowledge/i }).first();
      return (await button.boundingBox({ timeout: 500 }))?.height;
    });
    assert.ok(height >= ACKNOWLEDGE_PX_MIN, `${height} px`);
    await own.context().close();
  });
});
