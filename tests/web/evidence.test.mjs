// The video of an incident in a real browser: found on the page, played with zones and people drawn over it, and
// the one whose checksum the box wrote down; people are hidden in it but for whoever said why they must see them.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ADMIN, ROAD, cannotRun, startBox } from './box.mjs';
import { DESK, openPage, picture, signIn, startBrowser } from './browser.mjs';
import { eventually } from './wait.mjs';

/** Somebody crosses the road within 20 s of footage; whoever stays is recorded in parts of 40 s. People are hidden in it when the box has nothing better to do. */
const RECORDED_WITHIN_MS = 270_000;
/** A page shows a new incident's video at its next look. */
const SHOWN_WITHIN_MS = 30_000;
/** A player has a picture, or goes to another, within this also on a busy machine. */
const PLAYS_WITHIN_MS = 15_000;

const impossible = cannotRun();
if (impossible && process.env.CI) throw new Error(impossible);

describe('evidence', { skip: impossible ?? false }, () => {
  let browser, box, page, complaints;

  before(async () => {
    [browser, box] = await Promise.all([startBrowser(), startBox('[evidence]\nseconds_before = 3\nseconds_after = 3\n')]);
    ({ page, complaints } = await openPage(browser, box.address, DESK));
    await signIn(page, ADMIN);
  });

  after(async () => {
    await browser?.close();
    await box?.stop();
  });

  const player = () => page.getByRole('group', { name: new RegExp(`^Video of ${ROAD.name}`) });
  const now = () => page.locator('video').evaluate((video) => ({ url: video.currentSrc, at: video.currentTime, duration: video.duration, paused: video.paused, width: video.videoWidth, shown: video.getVideoPlaybackQuality().totalVideoFrames }));
  const eventuallyNow = (what, is) => eventually(what, PLAYS_WITHIN_MS, async () => {
    const seen = await now();
    return is(seen) ? seen : null;
  });

  test('the_video_of_an_incident_plays_on_the_page_with_people_hidden_and_drawn_over_it', async () => {
    const { incident, clip } = await recorded();
    assert.ok(Date.parse(clip.from) < Date.parse(incident.started_at), `${clip.from} is before ${incident.started_at}`);
    await page.reload();
    await page.locator(`a[href$="incident=${incident.id}"]`).first().click({ timeout: SHOWN_WITHIN_MS });
    await page.getByRole('region', { name: `Incident ${incident.id}` }).waitFor();
    await page.keyboard.press('v');
    // It waits where it began.
    const began_s = (Date.parse(incident.started_at) - Date.parse(clip.from)) / 1_000;
    const first = await eventuallyNow('it stands where it began', ({ at, width }) => width > 300 && Math.abs(at - began_s) < 0.5);
    assert.ok(first.paused);
    assert.ok(!first.url.includes('clear'), first.url);
    await player().getByText(/people are hidden in it/i).waitFor();
    // Zones and people over it, where the picture is.
    const drawn = player().locator('svg path.own');
    await drawn.waitFor();
    const [over, under] = await Promise.all([player().locator('svg').boundingBox(), page.locator('video').boundingBox()]);
    for (const side of ['x', 'y', 'width', 'height']) assert.ok(Math.abs(over[side] - under[side]) <= 1, side);
    await player().getByText(/people inside|person inside/).waitFor();
    await picture(page, 'incident-video');
    await page.keyboard.press('o');
    await drawn.waitFor({ state: 'detached' });
    await page.keyboard.press('o');
    // One picture on, one back, then on its own.
    await page.keyboard.press('.');
    const next = await eventuallyNow('the next picture', ({ at }) => at > first.at);
    assert.ok(next.at - first.at < 0.5, `${next.at - first.at} s are more than a picture`);
    await page.keyboard.press(',');
    await eventuallyNow('the one before', ({ at }) => at < next.at);
    await page.keyboard.press('Space');
    await eventuallyNow('it plays', ({ paused, at }) => !paused && at > next.at + 1);
    await page.keyboard.press('i');
    await eventuallyNow('it is back where it began', ({ at }) => Math.abs(at - began_s) < 0.5);
    const span_s = (Date.parse(clip.to) - Date.parse(clip.from)) / 1_000;
    assert.ok(Math.abs(first.duration - span_s) < 0.5, `${first.duration} s of video are ${span_s} s of capture`);
    assert.deepEqual(await digestOf(`/api/incidents/${incident.id}/clips/${clip.part}`), clip.hidden.sha256);
    assert.deepEqual(complaints, []);
  });

  test('whoever_said_why_sees_it_clear_and_nobody_else', async () => {
    const { incident, clip } = await recorded();
    const clear = `/api/incidents/${incident.id}/clips/${clip.part}?clear=1`;
    assert.equal(await page.evaluate(async (url) => (await fetch(url)).status, clear), 403);
    // A grant is of the browser that asked for it.
    const granted = await page.evaluate(async () => {
      const { csrf } = await (await fetch('/api/session')).json();
      const headers = { 'Content-Type': 'application/json', 'X-Standclear-CSRF': csrf };
      return (await fetch('/api/privacy/clear', { method: 'POST', headers, body: JSON.stringify({ reason: 'who was it' }) })).status;
    });
    assert.equal(granted, 200);
    await page.goto('about:blank');
    await page.goto(`${box.address}/#/incidents?incident=${incident.id}`);
    await page.getByRole('region', { name: `Incident ${incident.id}` }).waitFor();
    await page.keyboard.press('v');
    await eventuallyNow('the clear one', ({ url, width }) => url.endsWith('?clear=1') && width > 300);
    await player().getByText(/you see people clear/i).waitFor();
    assert.deepEqual(await digestOf(clear), clip.sha256);
    await page.getByRole('button', { name: 'End now' }).click();
    await eventuallyNow('people are hidden again', ({ url }) => !url.includes('clear'));
    assert.deepEqual(complaints.filter((it) => !/403/.test(it)), []);
  });

  /** An incident with a part of its video in which people are hidden. */
  const recorded = () => eventually('an incident has its video', RECORDED_WITHIN_MS, async () => {
    const { incidents } = await (await box.get('/api/incidents')).json();
    for (const incident of incidents.filter((it) => it.clips.length > 0)) {
      const { clips } = await (await box.get(`/api/incidents/${incident.id}/evidence`)).json();
      const clip = clips.find((it) => it.part === 1 && it.hidden && it.clear && it.track);
      if (clip) return { incident, clip };
    }
    return null;
  });

  const digestOf = (url) => page.evaluate(async (of) => {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await (await fetch(of)).arrayBuffer()));
    return [...digest].map((it) => it.toString(16).padStart(2, '0')).join('');
  }, url);
});
