// Coming in and going out, in a real browser on the real program: the first admin with the console's code,
// a wrong password, a viewer who may look and not answer, an account that is taken away. The tests follow
// each other as the first day of a box does.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ADMIN, ROAD, cannotRun, startNewBox } from './box.mjs';
import { DESK, PHONE, openPage, picture, signIn, startBrowser, visibleText } from './browser.mjs';
import { eventually } from './wait.mjs';

const SHOWN_WITHIN_MS = 5_000;
/** The page asks who it is once it hears nothing: silence, then its next question. */
const ENDED_WITHIN_MS = 20_000;
/** Somebody crosses the road at least every 20 s of the footage; the model has to be loaded first. */
const INTRUSION_WITHIN_MS = 90_000;
const GUESSED = { name: 'Somebody known', password: 'not to be guessed', role: 'supervisor' };
const VIEWER = { name: 'Wall screen', password: 'only looks at it', role: 'viewer' };

const impossible = cannotRun();
if (impossible && process.env.CI) throw new Error(impossible);

describe('access', { skip: impossible ?? false }, () => {
  let browser, box, page;

  before(async () => {
    [browser, box] = await Promise.all([startBrowser(), startNewBox()]);
    ({ page } = await openPage(browser, box.address, DESK));
  });

  afterEach(async (context) => {
    if (context.passed === false && page) await picture(page, `failed-${context.name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
  });

  after(async () => {
    await browser?.close();
    await box?.stop();
  });

  const shows = (on, what, within_ms = SHOWN_WITHIN_MS) => eventually(`the page shows ${what}`, within_ms, async () => {
    const text = await visibleText(on);
    if (!what.test(text)) throw new Error(`the page's words are: ${text}`);
    return true;
  });
  const setUpButton = () => page.getByRole('button', { name: /set up and sign in/i });
  const field = (on, label) => on.getByLabel(label, { exact: true });

  test('a_new_box_shows_nothing_but_the_way_to_its_first_admin', async () => {
    await shows(page, /set up this box/i);
    const text = await visibleText(page);
    assert.doesNotMatch(text, new RegExp(ROAD.name), 'no zone is named to somebody unknown');
    assert.equal((await fetch(`${box.address}/api/state`)).status, 401);
  });

  test('the_rules_of_a_password_are_told_before_anything_fails', async () => {
    await shows(page, /at least \d+ characters/i);
    await field(page, 'Set-up code').fill('AAAA-AAAA-AAAA');
    await field(page, 'Your name').fill(ADMIN.name);
    await field(page, 'Password').fill(ADMIN.password);
    await field(page, 'Password again').fill('something else');
    assert.equal(await setUpButton().isDisabled(), true, 'two that differ cannot be sent');
    await field(page, 'Password again').fill(ADMIN.password);
    assert.equal(await setUpButton().isDisabled(), false);
  });

  test('a_wrong_code_is_refused_in_words', async () => {
    await setUpButton().click();
    await shows(page, /not the set-up code/i);
    await shows(page, /set up this box/i);
  });

  test('the_code_of_the_console_makes_the_first_admin_and_leads_in', async () => {
    const code = await eventually('the program says the set-up code', SHOWN_WITHIN_MS, () => box.setupCode());
    // As people type it.
    await field(page, 'Set-up code').fill(code.toLowerCase());
    await setUpButton().click();
    await shows(page, /zones watched/i);
    await box.signIn(ADMIN);
    await picture(page, 'access-in');
  });

  test('signing_out_shows_nothing_current', async () => {
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('heading', { name: 'Audit' }).waitFor();
    await page.getByLabel(/: account$/).click();
    await page.getByRole('button', { name: /sign out/i }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.doesNotMatch(await visibleText(page), /zones watched|chain is whole/i);
    assert.match(await page.title(), /sign in/i);
  });

  test('a_wrong_password_is_refused_in_words_and_the_right_one_leads_back', async () => {
    await field(page, 'Your name').fill(ADMIN.name);
    await field(page, 'Password').fill('not this one');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await shows(page, /name or password is wrong/i);
    await field(page, 'Password').fill(ADMIN.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Audit' }).waitFor();
  });

  test('too_many_wrong_passwords_are_told_how_long_to_wait', async () => {
    assert.equal((await box.send('POST', '/api/users', GUESSED)).status, 201);
    const { page: door } = await openPage(browser, box.address, DESK);
    await eventually('the page says to wait', SHOWN_WITHIN_MS * 3, async () => {
      await field(door, 'Your name').fill(GUESSED.name);
      await field(door, 'Password').fill('a guess');
      await door.getByRole('button', { name: 'Sign in' }).click();
      const said = await door.getByRole('alert').innerText();
      return /too many attempts\. try again in \d+ s/i.test(said);
    });
    await picture(door, 'sign-in-wait');
    await eventually('the right password leads in after the wait', ENDED_WITHIN_MS, async () => {
      await field(door, 'Password').fill(GUESSED.password, { timeout: 500 });
      await door.getByRole('button', { name: 'Sign in' }).click({ timeout: 500 });
      await door.getByRole('region', { name: 'Status' }).waitFor({ timeout: 1_000 });
      return true;
    });
    await door.context().close();
  });

  for (const [role, pages, answers] of [
    ['viewer', ['Now', 'Alarms', 'Incidents', 'Zones', 'Walk test', 'Heat map', 'Handhelds'], false],
    ['supervisor', ['Now', 'Alarms', 'Incidents', 'Zones', 'Walk test', 'Heat map', 'Models', 'Handhelds'], true],
    ['engineer', ['Now', 'Alarms', 'Incidents', 'Zones', 'Walk test', 'Heat map', 'Models', 'Handhelds', 'Audit'], true],
    ['admin', ['Now', 'Alarms', 'Incidents', 'Zones', 'Walk test', 'Heat map', 'Models', 'Handhelds', 'People', 'Audit'], true],
  ]) {
    test(`a_${role}_is_offered_what_the_role_may_do_and_nothing_else`, async () => {
      const person = { name: `Person ${role}`, password: `password of a ${role}`, role };
      assert.equal((await box.send('POST', '/api/users', person)).status, 201);
      const { page: own } = await openPage(browser, box.address, DESK);
      await signIn(own, person);
      const links = own.getByRole('navigation', { name: 'Pages' }).getByRole('link');
      await links.first().waitFor();
      assert.deepEqual(await links.allInnerTexts(), pages);
      await eventually('an alarm is offered or refused', INTRUSION_WITHIN_MS, async () => {
        const open = (await box.state()).alarms.some((a) => a.kind === 'intrusion' && a.state !== 'acknowledged');
        if (!open) return null;
        return await own.getByRole('button', { name: answers ? /^acknowledge road/i : /sign in as supervisor/i }).count() > 0;
      });
      assert.equal(await own.getByRole('button', { name: answers ? /sign in as supervisor/i : /^acknowledge/i }).count(), 0);
      // Whom alarms reach, and how well, is for everybody to see; silencing, shelving and the duty list are not for everybody to change.
      assert.equal(await own.getByRole('button', { name: /^(siren silent|shelve…)/i }).count() > 0, answers);
      await own.goto(`${box.address}/#/handhelds`);
      await own.getByRole('heading', { name: 'Duty list' }).waitFor();
      assert.equal(await own.getByRole('button', { name: 'Put in force' }).count(), ['engineer', 'admin'].includes(role) ? 1 : 0);
      await own.goto(`${box.address}/#/walk/yard`);
      await own.getByRole('heading', { name: 'Walk test · Yard', level: 1 }).waitFor();
      assert.equal(await own.getByRole('button', { name: 'Start', exact: true }).count(), ['engineer', 'admin'].includes(role) ? 1 : 0);
      await own.context().close();
    });
  }

  test('a_session_that_ends_leaves_no_alarm_view_and_brings_it_back_after_signing_in', async () => {
    const person = { name: 'Person supervisor', password: 'password of a supervisor' };
    const { page: own } = await openPage(browser, box.address, PHONE);
    await signIn(own, person);
    await own.getByRole('region', { name: 'Status' }).waitFor();
    // As time or another device ends it: behind the page's back.
    const ended = await own.evaluate(async () => {
      const { csrf } = await (await fetch('/api/session')).json();
      return (await fetch('/api/session', { method: 'DELETE', headers: { 'x-standclear-csrf': csrf } })).status;
    });
    assert.equal(ended, 204);
    await shows(own, /your session has ended/i, ENDED_WITHIN_MS);
    assert.doesNotMatch(await visibleText(own), /zones watched/i);
    assert.match(await own.title(), /◆ Signed out/);
    assert.equal(await field(own, 'Your name').inputValue(), person.name, 'only the password is asked for');
    await picture(own, 'session-ended');
    await own.keyboard.type(person.password);
    await own.keyboard.press('Enter');
    await own.getByRole('region', { name: 'Status' }).waitFor();
    await shows(own, /zones watched/i);
    await own.context().close();
  });

  test('a_viewer_sees_an_alarm_and_cannot_answer_it', async () => {
    assert.equal((await box.send('POST', '/api/users', VIEWER)).status, 201);
    const { page: wall } = await openPage(browser, box.address, PHONE);
    await signIn(wall, VIEWER);
    const alarm = await eventually('an alarm to answer', INTRUSION_WITHIN_MS, async () =>
      (await box.state()).alarms.find((a) => a.state === 'unacknowledged'));
    await shows(wall, /sign in as supervisor to acknowledge/i);
    assert.equal(await wall.getByRole('button', { name: /^acknowledge/i }).count(), 0);
    assert.equal(await wall.getByRole('link', { name: /people|audit/i }).count(), 0, 'pages a viewer may not open are not offered');
    const refused = await wall.evaluate(async (id) => {
      const { csrf } = await (await fetch('/api/session')).json();
      const headers = { 'content-type': 'application/json', 'x-standclear-csrf': csrf };
      return (await fetch(`/api/alarms/${id}/acknowledge`, { method: 'POST', headers, body: '{}' })).status;
    }, alarm.id);
    assert.equal(refused, 403, 'the box refuses what the page hides');
    await picture(wall, 'access-viewer');

    await wall.goto(`${box.address}/#/people`);
    await shows(wall, /this page is for admins/i);

    const disabled = await box.send('PATCH', `/api/users/${encodeURIComponent(VIEWER.name)}`, { disabled: true });
    assert.equal(disabled.status, 200);
    await shows(wall, /your session has ended/i, ENDED_WITHIN_MS);
    assert.doesNotMatch(await visibleText(wall), /zones watched/i);
    await wall.context().close();
  });

  test('a_token_is_shown_once', async () => {
    await page.getByRole('link', { name: 'People' }).click();
    await field(page, 'What is it for').fill('PLC of press 3');
    await page.getByRole('button', { name: 'Create token' }).click();
    await shows(page, /shown only now/i);
    const token = await page.locator('code').innerText();
    const asIntegration = (path) => fetch(box.address + path, { headers: { authorization: `Bearer ${token}` } });
    assert.equal((await asIntegration('/api/state')).status, 200, 'it opens what an integration may read');
    assert.equal((await asIntegration('/api/users')).status, 403, 'and nothing else');
    await page.reload();
    await shows(page, /PLC of press 3/);
    assert.doesNotMatch(await visibleText(page), new RegExp(token.slice(0, 12)));
  });
});
