// The page of a camera's view in a real browser, on the real program: a camera that is bumped while the box watches.
// What it was held against and what it shows stand side by side; the zones are moved with it as a draft that nobody
// has saved, and an engineer's word ends it. The tests follow each other.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ADMIN, LAWN, ROAD, bumpedCamera, cannotRun, startBox } from './box.mjs';
import { DESK, PHONE, openPage, picture, signIn, startBrowser, visibleText } from './browser.mjs';
import { eventually } from './wait.mjs';

const SHOWN_WITHIN_MS = 8_000;
/** The model is loaded and every zone is watched. A debug build on a busy machine takes its time. */
const WATCHED_WITHIN_MS = 60_000;
/** The box learns a view for half a minute; the page asks every few seconds. */
const LEARNED_WITHIN_MS = 60_000;
/** Long enough to be learned and looked at before. */
const BUMPED_AFTER_S = 75;
/** R15 asks for 5 s; here a debug build looks, and the picture changes to one that nobody has seen yet. */
const TOLD_WITHIN_MS = 120_000;
/** Of the footage 768 × 576 so much is cut off on either side. */
const BUMP = { right_px: -40, down_px: -16 };
const SHIFT = [BUMP.right_px / (768 - 40), BUMP.down_px / (576 - 16)];
/** What is measured on a smaller picture is right to a pixel or two of it. */
const NEAR_NORM = 0.01;
const EVA = { name: 'Eva', password: 'draws what she sees', role: 'engineer' };
const WALL = { name: 'Wall screen', password: 'only looks at it', role: 'viewer' };
const REASON = 'The mast was put up anew';

const impossible = cannotRun();
if (impossible && process.env.CI) throw new Error(impossible);

describe('view of a camera', { skip: impossible ?? false }, () => {
  let browser, box;
  const at = {};

  before(async () => {
    const source = bumpedCamera({ after_s: BUMPED_AFTER_S, ...BUMP });
    [browser, box] = await Promise.all([startBrowser(), startBox('', [ROAD, LAWN], source)]);
    for (const person of [EVA, WALL]) assert.equal((await box.send('POST', '/api/users', person)).status, 201);
    await eventually('every zone is watched', WATCHED_WITHIN_MS, async () =>
      (await box.state()).zones.every((zone) => zone.state !== 'unknown'));
    for (const [key, person, viewport] of [['eva', EVA, DESK], ['wall', WALL, PHONE]]) {
      at[key] = await openPage(browser, box.address, viewport);
      await signIn(at[key].page, person);
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

  /** A failing test shows what the program said. */
  const claim = (name, body) => test(name, async (context) => {
    try {
      await body(context);
    } catch (error) {
      console.error(`--- the program's last words\n${box?.output.slice(-4_000)}\n---`);
      throw error;
    }
  });
  const visit = async ({ page }, path) => {
    await page.goto(`${box.address}/#/${path}`);
    await page.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' });
  };
  const shows = ({ page }, what, within = SHOWN_WITHIN_MS) => eventually(`the page shows ${what}`, within, async () => {
    const text = await visibleText(page);
    if (!what.test(text)) throw new Error(`the page's words are: ${text}`);
    return true;
  });
  /** Whether a picture of this name has content. */
  const drawn = ({ page }, name) => eventually(`${name} is drawn`, SHOWN_WITHIN_MS, () =>
    page.getByRole('img', { name }).locator('img').evaluate((image) => image.complete && image.naturalWidth > 100));
  const button = ({ page }, name) => page.getByRole('button', { name });
  const zones = async () => (await box.get('/api/cameras/yard/zones')).json();
  const view = async () => (await box.get('/api/cameras/yard/view')).json();
  const yard = async () => (await box.state()).cameras[0];

  claim('a_view_that_is_as_it_was_stands_beside_its_reference', async () => {
    await visit(at.eva, 'view/yard');
    await shows(at.eva, /The view is as it was/, LEARNED_WITHIN_MS);
    await drawn(at.eva, 'Reference of Yard');
    await drawn(at.eva, /^Yard: Now/);
    await shows(at.eva, /first half minute of this camera/i);
    assert.equal(await button(at.eva, /move the zones/i).count(), 0);
    await picture(at.eva.page, 'view-well');
  });

  claim('a_view_that_moved_leads_from_the_operator_page_to_both_pictures', async () => {
    await visit(at.eva, '');
    const link = at.eva.page.getByRole('article', { name: /not watched/i }).getByRole('link', { name: /look at both pictures of yard/i });
    await link.waitFor({ timeout: TOLD_WITHIN_MS });
    await picture(at.eva.page, 'view-told');
    await link.click();
    await shows(at.eva, /The view has moved/);
    await shows(at.eva, /Not watched: Road and Lawn/);
    await shows(at.eva, /By \d+ of 1920 pixels/);
    await shows(at.eva, /\d+ px to the left, \d+ px up/);
    await drawn(at.eva, 'Reference of Yard');
    await drawn(at.eva, /^Yard: Now/);
    await button(at.eva, 'When it was told').click();
    await drawn(at.eva, /^Yard: When it was told/);
    await at.eva.page.getByRole('button', { name: 'Now', exact: true }).click();
    await picture(at.eva.page, 'view-moved');
  });

  claim('the_camera_tile_and_the_zones_page_lead_there_too', async () => {
    await visit(at.eva, '');
    await at.eva.page.locator('.tile').getByRole('link', { name: /look at both pictures/i }).waitFor();
    await visit(at.eva, 'zones');
    await at.eva.page.getByRole('link', { name: 'View of Yard' }).waitFor();
    await at.eva.page.getByRole('link', { name: /look at both pictures/i }).click();
    await shows(at.eva, /The view has moved/);
  });

  claim('a_viewer_with_a_phone_slides_one_picture_over_the_other_and_changes_nothing', async () => {
    await visit(at.wall, 'view/yard');
    await shows(at.wall, /The view has moved/);
    await shows(at.wall, /takes an engineer/);
    assert.equal(await button(at.wall, /confirm view/i).count(), 0);
    assert.equal(await at.wall.page.getByRole('link', { name: /move the zones/i }).count(), 0);
    await drawn(at.wall, 'Reference of Yard');
    const slider = at.wall.page.getByRole('slider');
    const before = await slider.getAttribute('aria-valuetext');
    await slider.focus();
    await at.wall.page.keyboard.press('ArrowRight');
    await eventually('the slider has moved', SHOWN_WITHIN_MS, async () => (await slider.getAttribute('aria-valuetext')) !== before);
    const { scroll, window } = await at.wall.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return { scroll: scrollWidth, window: clientWidth };
    });
    assert.ok(scroll <= window, `the page is ${scroll} px wide in a window of ${window} px`);
    await picture(at.wall.page, 'view-phone');
  });

  claim('the_zones_moved_with_the_view_are_a_draft_that_nobody_has_saved', async () => {
    await visit(at.eva, 'view/yard');
    await at.eva.page.getByRole('link', { name: /move the zones with it/i }).click();
    const bar = at.eva.page.getByRole('region', { name: 'Zones moved with the view' });
    await bar.waitFor({ timeout: SHOWN_WITHIN_MS });
    await shows(at.eva, /Nothing is saved yet/);
    await shows(at.eva, /Lawn: 2 corners have left the picture/);
    await shows(at.eva, /Not saved yet/);
    assert.equal((await zones()).draft, null, 'the box keeps no draft');
    await picture(at.eva.page, 'view-draft');
    await bar.getByRole('button', { name: 'Undo the move' }).click();
    await bar.waitFor({ state: 'detached' });
    await shows(at.eva, /Version 1 is in force/);
    assert.equal((await zones()).draft, null, 'nothing was saved by undoing it');
  });

  claim('kept_it_is_a_draft_like_any_other_and_lies_where_the_view_has_gone', async () => {
    await visit(at.eva, 'view/yard');
    await at.eva.page.getByRole('link', { name: /move the zones with it/i }).click();
    await button(at.eva, 'Keep as draft').click();
    const { document, problems } = await eventually('the box keeps the draft', SHOWN_WITHIN_MS, async () => (await zones()).draft);
    const ring = document.features.find(({ properties }) => properties.id === ROAD.id).geometry.coordinates[0];
    for (const [i, [x, y]] of ROAD.ring.slice(0, -1).entries()) {
      const off = [ring[i][0] - (x + SHIFT[0]), ring[i][1] - (y + SHIFT[1])];
      assert.ok(Math.hypot(...off) < NEAR_NORM, `corner ${i} is off by ${off}`);
    }
    assert.deepEqual(problems, []);
    assert.ok(await button(at.eva, 'Ask for approval').isEnabled());
    assert.equal((await yard()).zones_version, 1, 'what is in force is as it was');
  });

  claim('with_a_draft_there_a_person_says_what_is_moved', async () => {
    await visit(at.eva, 'view/yard');
    await at.eva.page.getByRole('link', { name: /move the zones with it/i }).click();
    await shows(at.eva, /There is a draft already by Eva/);
    const before = (await zones()).draft.digest;
    await button(at.eva, 'Leave the draft as it is').click();
    assert.equal((await zones()).draft.digest, before);
    assert.equal((await box.send('DELETE', '/api/cameras/yard/zones/draft')).status, 200);
  });

  claim('an_engineer_who_looked_and_says_why_ends_it', async () => {
    await visit(at.eva, 'view/yard');
    await shows(at.eva, /The view has moved/);
    await button(at.eva, /^confirm view/i).click();
    const dialog = at.eva.page.getByRole('dialog');
    await dialog.waitFor();
    const send = dialog.getByRole('button', { name: 'Confirm view', exact: true });
    assert.equal(await send.isDisabled(), true, 'without a reason nothing can be confirmed');
    await dialog.getByRole('textbox').fill(REASON);
    await picture(at.eva.page, 'view-confirm');
    // On a busy machine the picture may be too old to be confirmed; the page says so and takes the next press.
    await eventually('the box takes it', TOLD_WITHIN_MS, async () => {
      if ((await dialog.count()) === 0) return true;
      await send.click({ timeout: 1_000 }).catch(() => null);
      return (await dialog.count()) === 0;
    });
    await eventually('the view is trusted again', SHOWN_WITHIN_MS, async () => (await yard()).view_trouble === null);
    await shows(at.eva, /The view is as it was/, LEARNED_WITHIN_MS);
    await shows(at.eva, /confirmed by Eva/, LEARNED_WITHIN_MS);
    await drawn(at.eva, 'Reference of Yard');
    assert.equal((await view()).reference.why, 'confirmed');
    await picture(at.eva.page, 'view-confirmed');
  });

  claim('the_audit_log_has_who_confirmed_it_and_why', async () => {
    await box.signIn(ADMIN);
    await visit(at.eva, 'audit');
    await shows(at.eva, new RegExp(REASON));
  });

  claim('asks_no_other_host_and_has_nothing_to_complain_about', () => {
    for (const [key, { complaints }] of Object.entries(at)) assert.deepEqual(complaints, [], key);
  });
});
