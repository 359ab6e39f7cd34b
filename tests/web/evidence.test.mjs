// The video of an incident in a real browser: everybody plays the one in which nobody can be recognised,
// and it is the one whose checksum the box wrote down.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ADMIN, cannotRun, startBox } from './box.mjs';
import { DESK, openPage, signIn, startBrowser } from './browser.mjs';
import { eventually } from './wait.mjs';

/** Somebody crosses the road within 20 s of footage; whoever stays is recorded in parts of 40 s. */
const RECORDED_WITHIN_MS = 150_000;
/** The hidden clip is made after the clear one, when the box has nothing better to do. */
const HIDDEN_WITHIN_MS = 120_000;

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

  test('the_video_of_an_incident_in_which_nobody_is_recognised_plays_and_has_the_checksum_of_the_box', async () => {
    const incident = await eventually('an incident has its video', RECORDED_WITHIN_MS, async () => {
      const { incidents } = await (await box.get('/api/incidents')).json();
      return incidents.find((it) => it.clips.length > 0);
    });
    const clip = await eventually('its hidden clip is made', HIDDEN_WITHIN_MS, async () => {
      const evidence = await (await box.get(`/api/incidents/${incident.id}/evidence`)).json();
      return evidence.clips.find((it) => it.part === incident.clips[0] && it.hidden);
    });
    assert.ok(Date.parse(clip.from) < Date.parse(incident.started_at), `${clip.from} is before ${incident.started_at}`);
    const url = `/api/incidents/${incident.id}/clips/${clip.part}`;
    await assert.rejects(box.get(`${url}?clear=1`), /403/, 'nobody was granted to see people clear');

    const seen = await page.evaluate(async (url) => {
      const bytes = await (await fetch(url)).arrayBuffer();
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      const video = Object.assign(document.createElement('video'), { muted: true, src: url });
      document.body.append(video);
      const happens = (name) => new Promise((done, fail) => {
        video.addEventListener(name, done, { once: true });
        video.addEventListener('error', () => fail(new Error(`the video does not play: ${video.error?.message}`)), { once: true });
      });
      await happens('loadeddata');
      const { videoWidth, videoHeight, duration } = video;
      await Promise.all([video.play(), happens('timeupdate')]);
      const ended = happens('ended');
      video.currentTime = Math.max(0, duration - 1);
      await ended;
      const shown = video.getVideoPlaybackQuality().totalVideoFrames;
      video.remove();
      return { sha256: [...digest].map((it) => it.toString(16).padStart(2, '0')).join(''), bytes: bytes.byteLength, videoWidth, videoHeight, duration, shown };
    }, url);
    console.log('the browser has seen', seen);
    assert.equal(seen.sha256, clip.hidden.sha256);
    assert.equal(seen.bytes, clip.hidden.bytes);
    assert.ok(seen.videoWidth > 300 && seen.shown > 5, 'pictures were shown');
    const span_s = (Date.parse(clip.to) - Date.parse(clip.from)) / 1_000;
    assert.ok(Math.abs(seen.duration - span_s) < 0.5, `${seen.duration} s of video are ${span_s} s of capture`);
    const track = await (await box.get(`${url}/track`)).json();
    assert.ok(track.frames.some((frame) => frame.boxes.some((box) => box.inside)), 'somebody was inside');
    assert.deepEqual(complaints, []);
  });
});
