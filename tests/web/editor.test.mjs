// The zone editor in a real browser, on the real program and the sample footage: an engineer draws a zone over the
// path people take and says what it means, another engineer approves it, and the next who walks there is an alarm.
// The tests follow each other.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ADMIN, LAWN, ROAD, cannotRun, startBox } from './box.mjs';
import { DESK, PHONE, openPage, picture, signIn, startBrowser, visibleText } from './browser.mjs';
import { CAMERA, Editing, SHOWN_WITHIN_MS, outer, zoneIn } from './editing.mjs';
import { click, drag, draw, fingerDrag, pinch } from './hand.mjs';
import { eventually } from './wait.mjs';

const INPUT = 'press-3-running';
const SETTINGS = `
[[input]]
name = "${INPUT}"
max_age_ms = 60000
from = "http"
`;
const SECOND = { name: 'Second Engineer', password: 'a second pair of eyes 42' };
/** The footage is 80 s long; somebody takes the path at least every 20 s of it. */
const INTRUSION_WITHIN_MS = 60_000;
/** Pictures the live socket may leave out while a version is applied: it sends the newest, not each. */
const LEFT_OUT_MAX = 10;
/** The state comes at least once a second, in both the versions before and after. */
const STATES_AROUND = 3;
/** Where a finger must be able to press. */
const TOUCH_PX_MIN = 44;
/** A part of the path that lies inside no zone of the box's own, and where people walk. */
const PATH = [[0.2, 0.4], [0.72, 0.3], [0.78, 0.68], [0.26, 0.8]];
/** On the lawn, where nobody walks. */
const BAY = [[0.12, 0.62], [0.2, 0.95]];

const impossible = cannotRun();
if (impossible && process.env.CI) throw new Error(impossible);

describe('zone editor', { skip: impossible ?? false }, () => {
  let browser, box, page, complaints, editor;

  before(async () => {
    [browser, box] = await Promise.all([startBrowser(), startBox(SETTINGS)]);
    ({ page, complaints } = await openPage(browser, box.address, DESK));
    await signIn(page, ADMIN);
    editor = new Editing(box, page);
    await editor.open();
  });

  afterEach(async (context) => {
    if (context.passed === false && page) await picture(page, `failed-${context.name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
  });

  after(async () => {
    await browser?.close();
    await box?.stop();
  });

  /** A failing test shows what the program said. */
  const claim = (name, body) => test(name, async (context) => {
    try {
      await body(context);
    } catch (error) {
      console.error(`--- the program's last words\n${box?.output.slice(-4_000)}\n---`);
      throw error;
    }
  });

  claim('an_outline_that_would_cross_itself_is_refused_in_words_and_where', async () => {
    const before = await editor.listed.count();
    await editor.tool('Zone');
    for (const point of [[0.1, 0.1], [0.3, 0.1], [0.3, 0.25], [0.2, 0.05]]) await click(page, point);
    await editor.shows(/Edge 1 and edge 3 would cross/);
    assert.match((await page.locator('[aria-live="assertive"]').allTextContents()).join(), /would cross/, 'it is spoken too');
    assert.ok(await editor.near(page.locator('.crossing circle'), [0.225, 0.1]), 'the cross stands where the edges meet');
    await picture(page, 'editor-crossing');

    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    assert.equal(await editor.listed.count(), before, 'no zone came of it');
  });

  claim('a_zone_drawn_with_the_mouse_is_a_draft_and_alarms_nobody', async () => {
    const before = await editor.listed.count();
    await editor.tool('Zone');
    await draw(page, PATH);
    await eventually('the list has the new zone', SHOWN_WITHIN_MS, async () => (await editor.listed.count()) === before + 1);
    await editor.field('Name').fill('Path');

    const draft = await editor.savedDraft('the draft', ({ document }) => zoneIn(document, 'Path'));
    assert.deepEqual(draft.problems, []);
    assert.ok(draft.differences.some((text) => text.includes('Path')), `the differences name it: ${draft.differences}`);
    await editor.shows(/▲ Draft/);
    const state = await box.state();
    assert.equal(state.zones.some(({ name }) => name === 'Path'), false, 'a draft is not in force');
  });

  claim('shows_who_would_be_inside_before_anything_is_in_force', async () => {
    await eventually('somebody on the path is shown inside the draft', INTRUSION_WITHIN_MS, async () => /Path · ▲ \d+ would be inside/.test(await visibleText(page)));
    assert.ok(await page.locator('.person.emergency circle').count() > 0, 'the foot point stands out');
    await picture(page, 'editor-would-be-inside');
  });

  claim('undo_and_redo_take_the_drawing_back_and_forth', async () => {
    const before = outer((await editor.zones()).draft, 'Path');
    await drag(page, PATH[3], [0.3, 0.85]);
    const same = (draft) => JSON.stringify(outer(draft, 'Path')) === JSON.stringify(before);
    const moved = await editor.savedDraft('the moved corner', (draft) => !same(draft));
    await page.keyboard.press('Control+z');
    await editor.savedDraft('the corner as it was', same);
    await page.keyboard.press('Control+Shift+z');
    const again = await editor.savedDraft('the corner moved again', (draft) => !same(draft));
    assert.deepEqual(again.document, moved.document);
  });

  claim('a_corner_dragged_across_an_edge_goes_back_where_it_was', async () => {
    const { draft } = await editor.zones();
    await drag(page, PATH[0], [0.8, 0.6], async () => {
      await editor.shows(/would cross/);
      assert.ok(await page.locator('.crossing').count() > 0, 'the crossing is marked while the button is down');
      await picture(page, 'editor-crossing-drag');
    });
    assert.ok(await editor.near(page.locator('[data-corner="0/0/0"] circle.corner'), PATH[0]), 'the corner is where it was');
    assert.deepEqual(outer((await editor.zones()).draft, 'Path'), outer(draft, 'Path'));
    await page.getByRole('button', { name: 'Understood' }).click();
  });

  claim('an_edge_gets_a_corner_and_loses_it_again', async () => {
    const middle = [(PATH[0][0] + PATH[1][0]) / 2, (PATH[0][1] + PATH[1][1]) / 2];
    await drag(page, middle, [0.45, 0.25]);
    const more = await editor.savedDraft('the corner', (draft) => outer(draft, 'Path').length === 5);
    assert.ok(outer(more, 'Path').some(([x, y]) => Math.abs(x - 0.45) < 0.01 && Math.abs(y - 0.25) < 0.01), 'it lies where it was dropped');
    await page.keyboard.press('Delete');
    await editor.savedDraft('four corners', (draft) => outer(draft, 'Path').length === 4);
  });

  claim('a_corner_is_reached_and_moved_with_the_keyboard_alone', async () => {
    await page.locator('[data-zone]').last().focus();
    await page.keyboard.press('Enter');
    const x = (words) => Number(/x (\d+)/.exec(words)[1]);
    const moved = async (key, by) => {
      const before = x(await editor.focused());
      await page.keyboard.press(key);
      await eventually(`${key} moves it by ${by} pixels of the camera`, SHOWN_WITHIN_MS, async () => x(await editor.focused()) - before === by);
    };
    await eventually('a corner has the focus', SHOWN_WITHIN_MS, async () => /corner 1 of 4/.test(await editor.focused()));
    await moved('ArrowRight', 1);
    await moved('Shift+ArrowRight', 10);
    await page.keyboard.press('Tab');
    assert.match(await editor.focused(), /corner 2 of 4/);
  });

  claim('tab_leads_from_the_tools_over_the_picture_to_the_panel_and_the_draft', async () => {
    await page.getByRole('group', { name: 'Tools' }).getByRole('button').first().focus();
    const where = () => page.evaluate(() => ['.tools', '.stage', 'aside', '.foot'].findIndex((part) => document.activeElement?.closest(part)));
    const seen = [];
    for (let presses = 0; presses < 120 && seen.at(-1) !== 3; presses += 1) {
      const part = await where();
      if (part >= 0 && part !== seen.at(-1)) seen.push(part);
      await page.keyboard.press('Tab');
    }
    assert.deepEqual(seen, [0, 1, 2, 3], 'in the order they are seen in');
  });

  claim('a_rectangle_at_the_edge_of_the_picture_snaps_to_it_and_moves_as_a_whole', async () => {
    await editor.tool('Rectangle');
    await drag(page, BAY[0], [BAY[1][0], 0.995]);
    await editor.field('Name').fill('Bay');
    const drawn = outer(await editor.savedDraft('the bay', ({ document }) => zoneIn(document, 'Bay')), 'Bay');
    assert.equal(Math.max(...drawn.map(([, y]) => y)), 1, 'its lower edge is that of the picture');
    await drag(page, [0.16, 0.8], [0.22, 0.72]);
    const form = (ring) => ring.map(([x, y]) => [(x - ring[0][0]).toFixed(3), (y - ring[0][1]).toFixed(3)]);
    const moved = await editor.savedDraft('the moved bay', (draft) => outer(draft, 'Bay')[0][0] !== drawn[0][0]);
    assert.deepEqual(form(outer(moved, 'Bay')), form(drawn), 'its form is the same');
    await page.keyboard.press('Control+z');
    await editor.savedDraft('the bay where it was', (draft) => outer(draft, 'Bay')[0][0] === drawn[0][0]);
  });

  claim('a_hole_is_cut_where_it_lies_inside_and_refused_where_not', async () => {
    await editor.tool('Hole');
    await draw(page, [[0.15, 0.7], [0.3, 0.7], [0.3, 0.8]]);
    await editor.shows(/The hole crosses the outline of its zone/);
    await page.keyboard.press('Escape');
    await draw(page, [[0.14, 0.7], [0.18, 0.7], [0.18, 0.85], [0.14, 0.85]]);
    const holed = await editor.savedDraft('the hole', ({ document }) => zoneIn(document, 'Bay').geometry.coordinates.length === 2);
    assert.deepEqual(holed.problems, []);
    await picture(page, 'editor-hole');
  });

  claim('a_copy_is_a_zone_of_its_own_and_can_be_deleted', async () => {
    const before = await editor.listed.count();
    await page.getByRole('button', { name: 'Duplicate' }).click();
    const { document } = await editor.savedDraft('the copy', (draft) => zoneIn(draft.document, 'Bay copy'));
    assert.equal(new Set(document.features.map(({ properties }) => properties.id)).size, document.features.length, 'every id once');
    assert.equal(zoneIn(document, 'Bay copy').geometry.coordinates.length, 2, 'with its hole');
    await page.getByRole('button', { name: 'Delete zone' }).click();
    await editor.savedDraft('no copy', (draft) => !zoneIn(draft.document, 'Bay copy'));
    assert.equal(await editor.listed.count(), before);
  });

  claim('a_line_an_ignored_area_and_a_head_count_say_what_they_need', async () => {
    const kind = (word) => page.getByRole('combobox', { name: 'Kind' }).selectOption(word);
    await editor.tool('Line');
    await draw(page, [[0.25, 0.88], [0.4, 0.95], [0.5, 0.88]]);
    await page.getByRole('combobox', { name: 'Alarm when crossed' }).selectOption('left_to_right');
    assert.equal(await page.locator('[data-zone] .line.arrow').count(), 1, 'one arrow for one way');
    await editor.tool('Ignore');
    await draw(page, [[0.88, 0.2], [0.98, 0.2], [0.98, 0.4], [0.88, 0.4]]);
    await editor.savedDraft('that the reason is missing', ({ problems }) => problems.some(({ field }) => field.endsWith('.reason')));
    await page.getByRole('textbox', { name: /Why is this blind spot needed/ }).fill('bushes move in the wind');
    await editor.tool('Rectangle');
    await drag(page, [0.6, 0.85], [0.8, 0.95]);
    await kind('occupancy');
    await page.getByRole('combobox', { name: 'People', exact: true }).selectOption('at_least');
    await editor.field('How many').fill('2');
    await editor.shows(/fewer than 2: nobody works alone/);
    const { document } = await editor.savedDraft('all three', ({ problems, document }) => problems.length === 0 && document.features.some(({ properties }) => properties.count?.at_least === 2));
    const made = document.features.slice(-3).map(({ properties: { kind, direction, reason, count } }) => ({ kind, direction, reason, count }));
    assert.deepEqual(made, [
      { kind: 'tripwire', direction: 'left_to_right', reason: undefined, count: undefined },
      { kind: 'ignore', direction: undefined, reason: 'bushes move in the wind', count: undefined },
      { kind: 'occupancy', direction: undefined, reason: undefined, count: { at_least: 2, empty: 'allowed' } },
    ]);
    await picture(page, 'editor-kinds');
    for (const name of ['New zone', 'New ignored area', 'New tripwire']) {
      await editor.choose(name);
      await page.getByRole('button', { name: 'Delete zone' }).click();
    }
    await editor.savedDraft('none of them', (draft) => draft.document.features.length === document.features.length - 3);
  });

  claim('what_somebody_else_saves_is_shown_where_nothing_would_be_lost', async () => {
    const { draft: { document } } = await editor.zones();
    const renamed = structuredClone(document);
    zoneIn(renamed, 'Bay').properties.name = 'Loading bay';
    await box.send('PUT', `/api/cameras/${CAMERA}/zones/draft`, { document: renamed });
    await eventually('the page has the other name', 2 * SHOWN_WITHIN_MS, async () => (await editor.listed.allInnerTexts()).some((text) => text.includes('Loading bay')));
    await editor.choose('Loading bay');
    await editor.field('Name').fill('Bay');
    await editor.savedDraft('its own name again', (draft) => zoneIn(draft.document, 'Bay'));
  });

  claim('the_time_to_the_siren_is_summed_up_against_two_seconds', async () => {
    await editor.choose('Bay');
    const sum = async () => Number(/(\d\.\d\d) s of 2 s/.exec(await visibleText(page))[1]);
    const before = await sum();
    await editor.field('Stay before it alarms').fill('1900');
    await editor.shows(/Over 2 s this cannot be approved/);
    assert.equal((await sum() - before).toFixed(2), '1.90');
    await editor.savedDraft('the dwell and what is wrong with it', ({ problems }) => problems.some(({ field }) => field.endsWith('dwell_ms')));
    await editor.shows(/1 to mend first/);
    assert.equal(await page.getByRole('button', { name: 'Ask for approval' }).isDisabled(), true);
    await picture(page, 'editor-over-time');

    await editor.choose('Path');
    await page.getByRole('region', { name: /to mend before approval/ }).getByRole('button').click();
    await eventually('the problem leads to its field', SHOWN_WITHIN_MS, () => editor.field('Stay before it alarms').evaluate((input) => input === document.activeElement));
    await editor.field('Stay before it alarms').fill('0');
    await editor.savedDraft('no problem', ({ problems }) => problems.length === 0);
  });

  claim('the_hours_are_painted_on_a_week_and_a_machine_can_arm_too', async () => {
    await editor.choose('Bay');
    await page.getByRole('button', { name: 'Work days 6–22' }).click();
    const week = page.getByRole('slider', { name: /Armed hours/ });
    await week.scrollIntoViewIfNeeded();
    const at = await week.boundingBox();
    const cell = (day, hour) => [at.x + ((hour + 0.1) / 24) * at.width, at.y + ((day + 0.5) / 7) * at.height];
    await page.mouse.move(...cell(5, 7));
    await page.mouse.down();
    await page.mouse.move(...cell(5, 14.5));
    await page.mouse.up();
    await page.getByRole('combobox', { name: 'Machine signal' }).selectOption(INPUT);
    const { document, problems } = await editor.savedDraft('the schedule', (draft) => zoneIn(draft.document, 'Bay').properties.interlock);
    assert.deepEqual(problems, []);
    assert.deepEqual(zoneIn(document, 'Bay').properties.schedule.armed, [
      { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '06:00', to: '22:00' },
      { days: ['sat'], from: '07:00', to: '15:00' },
    ]);
    await editor.shows(/Armed Mon–Fri 06:00–22:00, Sat 07:00–15:00/);
    await editor.shows(new RegExp(`Also armed whenever ${INPUT} is on, or its signal is missing`));
    await picture(page, 'editor-week');
  });

  claim('the_floor_in_metres_is_drawn_as_soon_as_it_is_measured', async () => {
    await editor.tool('Floor');
    for (const point of [[0.35, 0.5], [0.6, 0.48], [0.75, 0.85], [0.2, 0.9]]) await click(page, point);
    await editor.shows(/Say how far apart they are/);
    await page.getByRole('button', { name: 'Distances', exact: true }).click();
    const tape = async (label, metres) => editor.field(label).fill(metres);
    await tape('Point 1 to 2', '6');
    await tape('Point 2 to 3', '9');
    await tape('Point 3 to 4', '6');
    await tape('Point 4 to 1', '9');
    await tape('Point 1 to 3, across', '20');
    await editor.shows(/do not make a triangle/);
    assert.equal(await page.locator('.grid path').count(), 0, 'no grid of what cannot be');
    await tape('Point 1 to 3, across', '10.82');
    await eventually('the grid lies on the floor', SHOWN_WITHIN_MS, async () => (await page.locator('.grid path').count()) > 4);
    await editor.shows(/±\s?[\d.]+\s?(cm|m) on average, worst/);
    await picture(page, 'editor-floor');

    await click(page, [0.45, 0.65]);
    await page.getByRole('button', { name: 'Coordinates', exact: true }).click();
    await editor.field('Point 5, x').fill('2');
    await editor.field('Point 5, y').fill('8.5');
    await editor.shows(/worst [\d.]+ (cm|m) at point \d/);
    await page.getByRole('button', { name: 'Delete point 5' }).click();
    await page.getByRole('button', { name: 'Done' }).first().click();
  });

  claim('the_set_back_is_drawn_on_the_floor_and_an_edge_too_close_is_named', async () => {
    await editor.choose('Path');
    await page.getByRole('button', { name: 'Draw the hazard' }).click();
    await draw(page, [[0.45, 0.5], [0.5, 0.5], [0.5, 0.56], [0.45, 0.56]]);
    await editor.field('Stop time, measured').fill('450');
    await eventually('the band lies around it', SHOWN_WITHIN_MS, async () => (await page.locator('path.band').count()) > 0);
    await editor.shows(/Set-back wanted \d+\.\d\d m/);
    await editor.shows(/S = 1\.6 m\/s × \(/);
    await picture(page, 'editor-setback');
    const { problems } = await editor.savedDraft('the hazard', (draft) => zoneIn(draft.document, 'Path').properties.hazard?.stop_time_ms === 450);
    assert.deepEqual(problems, []);
  });

  claim('a_thing_that_is_no_person_is_marked_with_its_reason', async () => {
    await editor.tool('Mark');
    await drag(page, [0.02, 0.05], [0.08, 0.2]);
    await editor.savedDraft('what is missing', ({ problems }) => problems.some(({ field }) => field.startsWith('marks[0]')));
    await eventually('it asks what it is', SHOWN_WITHIN_MS, () => editor.field('What it is').evaluate((input) => input === document.activeElement));
    await editor.field('What it is').fill('traffic cone');
    await editor.savedDraft('the mark', ({ problems, document }) => problems.length === 0 && document.marks[0].reason === 'traffic cone');
  });

  claim('what_differs_is_shown_old_dashed_new_solid_and_in_words', async () => {
    await page.getByRole('button', { name: 'Compare' }).click();
    const words = page.locator('section[aria-labelledby="compare-title"]');
    for (const name of ['Path', 'Bay']) await eventually(`${name} is among the differences`, SHOWN_WITHIN_MS, async () => (await words.innerText()).includes(name));
    assert.equal(await page.locator('[data-corner]').count(), 0, 'nothing can be taken hold of');
    await picture(page, 'editor-compare');
    await page.getByRole('button', { name: 'Back to editing' }).click();
  });

  claim('a_change_needs_a_second_person', async () => {
    await page.getByRole('button', { name: 'Ask for approval' }).click();
    await page.getByLabel(/^Reason/).fill('people take the path');
    await picture(page, 'editor-propose');
    await page.getByRole('dialog').getByRole('button', { name: 'Ask for approval' }).click();
    await editor.shows(/waits for approval/);
    await editor.shows(/a second person is needed/);
    assert.equal(await page.getByRole('button', { name: /^Approve/ }).count(), 0, 'nobody approves their own change');
    const { proposed } = await editor.zones();
    const own = await box.send('POST', `/api/cameras/${CAMERA}/zones/versions/${proposed.number}/approve`);
    assert.equal(own.status, 403, 'nor through the API');
  });

  claim('the_second_person_approves_and_no_picture_is_lost', async (context) => {
    const made = await box.send('POST', '/api/users', { ...SECOND, role: 'engineer' });
    assert.ok(made.ok, `the second engineer: ${made.status} ${await made.text()}`);
    const worker = box.visionProcess();
    const { proposed } = await editor.zones();
    const second = await openPage(browser, box.address, DESK);
    await signIn(second.page, SECOND);
    const reviewer = new Editing(box, second.page);
    await reviewer.open();
    await reviewer.shows(/people take the path/);
    await reviewer.shows(/Path/);
    await picture(second.page, 'editor-approve');
    await editor.watchClosely();
    await second.page.getByRole('button', { name: /^Approve/ }).click();
    const dialog = second.page.getByRole('dialog');
    await eventually('the dialog says what changes', SHOWN_WITHIN_MS, async () => /Path: new/.test(await dialog.innerText()));
    await dialog.getByRole('button', { name: /^Approve/ }).click();
    await reviewer.shows(new RegExp(`Version ${proposed.number} is in force since \\d\\d:\\d\\d; its walk test is due`));

    const { numbers, closed, states } = await eventually('pictures and states of both versions', 3 * SHOWN_WITHIN_MS, async () => {
      const all = await editor.seen();
      const of = (version) => all.states.filter((state) => state.version === version).length;
      return all.numbers.length > 20 && of(proposed.number - 1) >= 1 && of(proposed.number) >= STATES_AROUND && all;
    });
    const gaps = numbers.slice(1).map((number, i) => number - numbers[i]);
    context.diagnostic(`${numbers.length} pictures, at most ${Math.max(...gaps) - 1} left out in a row; ${states.length} states at ${Math.min(...states.map(({ fps }) => fps)).toFixed(1)} fps or more`);
    assert.equal(closed, false, 'the live socket stays open');
    assert.ok(gaps.every((gap) => gap > 0 && gap <= LEFT_OUT_MAX), `frame numbers go on: ${gaps}`);
    const [first, last] = [states[0], states.at(-1)];
    for (const { version, camera, zones: kinds, restarts, blind, fps } of states) {
      assert.equal(camera, 'watched', `in version ${version}`);
      const guarded = kinds.filter(([id]) => first.zones.some(([known]) => known === id));
      assert.ok(guarded.length === first.zones.length && guarded.every(([, state]) => state !== 'unknown') && fps > 0, `what was watched goes on being watched in version ${version}: ${kinds}, ${fps} fps`);
      assert.deepEqual([restarts, blind], [first.restarts, first.blind], `nothing was blind in version ${version}`);
    }
    assert.equal(last.zones.length, first.zones.length + 2, 'the new zones are there');
    assert.ok(last.zones.every(([, state]) => state !== 'unknown'), `and were looked at: ${last.zones}`);
    assert.equal(box.visionProcess(), worker, 'the same worker watches');
    assert.equal((await editor.zones()).in_force.number, proposed.number);
    assert.deepEqual(second.complaints, []);
    await second.page.context().close();
  });

  claim('whoever_proposed_it_sees_that_it_is_in_force', async () => {
    const { in_force } = await editor.zones();
    await eventually('the page says so by itself', 2 * SHOWN_WITHIN_MS, async () => new RegExp(`Version ${in_force.number} is in force`).test(await visibleText(page)));
    assert.doesNotMatch(await visibleText(page), /▲ Draft/);
  });

  claim('the_next_who_takes_the_path_is_an_alarm', async () => {
    const path = await eventually('the zone is in force', SHOWN_WITHIN_MS, async () => (await box.state()).zones.find(({ name }) => name === 'Path'));
    await eventually('an alarm of the new zone', INTRUSION_WITHIN_MS, async () => (await box.state()).alarms.some((alarm) => alarm.kind === 'intrusion' && alarm.zone === path.id));
    await picture(page, 'editor-in-force');
    await page.goto(`${box.address}/#/`);
    await editor.shows(/Path (is|is still|was) occupied/i);
    await picture(page, 'editor-alarm');
  });

  claim('where_people_have_walked_lies_over_the_picture_on_request', async () => {
    await editor.open();
    await page.getByLabel(/Heat map/).check();
    await eventually('cells where feet were', SHOWN_WITHIN_MS, async () => (await page.locator('.stage rect[fill="var(--heat)"]').count()) > 0);
    await picture(page, 'editor-heat');
    await page.getByLabel(/Heat map/).uncheck();
  });

  claim('works_on_a_phone', async () => {
    for (const scheme of ['light', 'dark']) {
      const phone = await openPage(browser, box.address, PHONE, scheme, { hasTouch: true, isMobile: true });
      await signIn(phone.page, ADMIN);
      const small = new Editing(box, phone.page);
      await small.open();
      await picture(phone.page, `editor-phone-top-${scheme}`);
      await small.choose(ROAD.name);
      await small.field('Name').waitFor();
      const { content, window, low } = await phone.page.evaluate((least) => ({
        content: document.documentElement.scrollWidth,
        window: document.documentElement.clientWidth,
        low: [...document.querySelectorAll('.editor button, .editor input:not([type="checkbox"]), .editor select')]
          .filter((e) => e.checkVisibility() && !e.matches('.plain') && e.getBoundingClientRect().height < least - 2)
          .map((e) => e.textContent || e.getAttribute('aria-label') || e.outerHTML.slice(0, 80)),
      }), TOUCH_PX_MIN);
      await picture(phone.page, `editor-phone-${scheme}`);
      assert.ok(content <= window, `the page is ${content} px wide in a window of ${window} px`);
      const [seen, whole] = await small.pictureInSight();
      assert.equal(seen, whole, 'nothing lies over the picture');
      assert.deepEqual(low, [], 'every target is high enough for a finger');
      assert.deepEqual(phone.complaints, []);
      await phone.page.context().close();
    }
  });

  claim('a_finger_drags_a_corner_and_two_enlarge_the_picture', async () => {
    const phone = await openPage(browser, box.address, PHONE, 'light', { hasTouch: true, isMobile: true });
    await signIn(phone.page, ADMIN);
    const small = new Editing(box, phone.page);
    await small.open();
    await small.choose(LAWN.name);
    await small.field('Name').waitFor();
    await phone.page.locator('.stage').scrollIntoViewIfNeeded();
    await fingerDrag(phone.page, LAWN.ring[2], [0.16, 0.85]);
    const draft = await editor.savedDraft('the corner', ({ document }) => {
      const [x, y] = zoneIn(document, LAWN.name).geometry.coordinates[0][2];
      return Math.abs(x - 0.16) < 0.02 && Math.abs(y - 0.85) < 0.02;
    });
    assert.ok(draft.differences.some((text) => text.includes(LAWN.name)), `the differences name it: ${draft.differences}`);
    await picture(phone.page, 'editor-phone-drag');

    const width = async () => (await phone.page.locator('.stage .picture').boundingBox()).width;
    const before = await width();
    await pinch(phone.page, [0.5, 0.4], 60, 180);
    await eventually('the picture is larger', SHOWN_WITHIN_MS, async () => (await width()) > 2 * before);
    await picture(phone.page, 'editor-phone-zoom');
    assert.deepEqual(phone.complaints, []);
    await phone.page.context().close();
  });

  claim('asks_no_other_host_and_has_nothing_to_complain_about', () => {
    assert.deepEqual(complaints, []);
  });
});
