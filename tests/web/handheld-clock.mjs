// A handheld for tests/latency.rs: a phone's page in Debian's Chromium, paired with the box, that says when it showed an alarm.
//
//   node tests/web/handheld-clock.mjs http://localhost:PORT/handheld#pair=CODE
//
// Prints `ready` once the box hears it, then a line for each receipt: `received ALARM NS` or `shown ALARM NS`. NS is CLOCK_MONOTONIC
// when this process heard of the receipt that the page sent (two frames after the alarm was drawn), so it is rather too late than too early.
// Ends when its input does.

import { openPage, startBrowser } from './browser.mjs';

const SMALL = { width: 360, height: 780 };
const PHONE = { hasTouch: true, isMobile: true };

const browser = await startBrowser();
const { page } = await openPage(browser, process.argv[2], SMALL, 'light', PHONE);
let ready = false;
page.on('websocket', (socket) => {
  socket.on('framesent', ({ payload }) => {
    const at = process.hrtime.bigint();
    let message;
    try { message = JSON.parse(payload); } catch { return; }
    if (message.type === 'received' || message.type === 'shown') console.log(`${message.type} ${message.alarm} ${at}`);
    if (message.type === 'pong' && !ready) {
      ready = true;
      console.log('ready');
    }
  });
});
await page.getByRole('button', { name: 'Pair' }).click();
process.stdin.resume();
process.stdin.on('end', async () => {
  await browser.close();
  process.exit(0);
});
