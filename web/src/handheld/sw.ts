// The service worker: keeps the page's own files, so that it opens without the box and says so; shows what comes by push.
// Keeps no picture, no alarm and no answer of the API: what is shown as current comes from the box or not at all.

import { keptClock } from './kept-clock';
import { pushed } from './push';
import { assetsOf } from './shell';

declare const self: ServiceWorkerGlobalScope;

const KEPT = 'standclear-handheld-1';
const HOME = '/handheld';
/** The page is small and the box near: past this the radio is gone, and the kept page says so sooner. */
const ANSWER_MS_MAX = 1_500;
const BESIDES = ['/handheld/manifest.webmanifest', '/handheld/icon.svg', '/handheld/icon-192.png', '/handheld/badge-96.png'];

self.addEventListener('install', (event) => {
  event.waitUntil(fresh().then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin || pathname.startsWith('/api/')) return;
  if (request.mode === 'navigate' && (pathname === HOME || pathname.startsWith(`${HOME}/`))) event.respondWith(page(event));
  else if (pathname.startsWith(`${HOME}/`) && pathname !== `${HOME}/sw.js`) event.respondWith(file(request));
});

/** The page as the box has it now, else as it was kept. */
async function page(event: FetchEvent): Promise<Response> {
  try {
    const response = await fetch(HOME, { signal: AbortSignal.timeout(ANSWER_MS_MAX), cache: 'no-cache' });
    if (response.ok) event.waitUntil(keepPage(response.clone()));
    return response;
  } catch {
    return (await caches.match(HOME)) ?? Response.error();
  }
}

/** Names carry a hash of the content: what is kept is what the box has. */
async function file(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

async function fresh(): Promise<void> {
  const response = await fetch(HOME, { cache: 'no-cache' });
  if (!response.ok) throw new Error(`the page answered ${response.status}`);
  await keepPage(response);
}

/** A page and everything it names, or nothing: half a page would not open. */
async function keepPage(response: Response): Promise<void> {
  const cache = await caches.open(KEPT);
  const wanted = [...assetsOf(await response.clone().text()), ...BESIDES];
  const missing: string[] = [];
  for (const path of wanted) if (!(await cache.match(path))) missing.push(path);
  await cache.addAll(missing);
  await cache.put(HOME, response);
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname !== HOME && !wanted.includes(pathname)) await cache.delete(request);
  }
}

self.addEventListener('push', (event) => {
  event.waitUntil(showPushed(event.data?.text() ?? ''));
});

async function showPushed(text: string): Promise<void> {
  const { title, body, tag, alarm, ring } = pushed(text, Date.now(), await keptClock().catch(() => null));
  const options: NotificationOptions & { renotify: boolean; vibrate: number[] } = {
    body, tag, icon: '/handheld/icon-192.png', badge: '/handheld/badge-96.png', data: { alarm }, requireInteraction: ring === 'loud', silent: ring === 'quiet',
    renotify: ring === 'loud', vibrate: ring === 'loud' ? [400, 100, 400, 100, 400] : [],
  };
  await self.registration.showNotification(title, options);
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(focusOrOpen());
});

async function focusOrOpen(): Promise<void> {
  const open = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const [first] = open.filter((client) => new URL(client.url).pathname.startsWith(HOME));
  if (first) await first.focus();
  else await self.clients.openWindow(HOME);
}
