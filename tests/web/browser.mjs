// Debian's Chromium and the page in it, with an eye on what the page must never do: complain in the
// console, or ask another host for anything.

import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const OUT = join(dirname(fileURLToPath(import.meta.url)), 'out');
const ACTION_WITHIN_MS = 10_000;

export const DESK = { width: 1440, height: 900 };
export const PHONE = { width: 360, height: 780 };

export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
}

/** Opens the box's page; `watched.complaints` fills with everything the page must not do. `device` is what else it runs on. */
export async function openPage(browser, address, viewport, colorScheme = 'light', device = {}) {
  const context = await browser.newContext({ viewport, colorScheme, ...device });
  context.setDefaultTimeout(ACTION_WITHIN_MS);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  const host = new URL(address).host;
  const own = (url) => ['data:', 'blob:'].includes(url.protocol) || url.host === host;
  const foreign = (url) => { if (!own(new URL(url))) complaints.push(`asked another host: ${url}`); };
  page.on('request', (request) => foreign(request.url()));
  page.on('websocket', (socket) => foreign(socket.url()));
  await page.goto(address, { waitUntil: 'domcontentloaded' });
  return { page, complaints };
}

/** Signs in through the API in the page's own browser, as a person who has done it before, and shows the page anew. */
export async function signIn(page, { name, password }) {
  const status = await page.evaluate(async (body) => {
    const headers = { 'content-type': 'application/json' };
    return (await fetch('/api/session', { method: 'POST', headers, body: JSON.stringify(body) })).status;
  }, { name, password });
  if (status !== 200) throw new Error(`${name} could not sign in: ${status}`);
  await page.reload({ waitUntil: 'domcontentloaded' });
}

/** What a person sees, as text: line breaks and unbreakable spaces are spaces. */
export async function visibleText(page) {
  return (await page.evaluate(() => document.body.innerText)).replaceAll(/\s+/g, ' ');
}

/** Keeps a picture of the page in `tests/web/out/`. */
export async function picture(page, name) {
  mkdirSync(OUT, { recursive: true });
  await page.screenshot({ path: join(OUT, `${name}.png`) });
}
