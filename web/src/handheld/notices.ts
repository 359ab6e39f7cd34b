// Notifications of this page while nobody sees it, through its service worker; they go when the alarm is answered.

import type { Alarm, Presence, PushKeys } from './protocol';

const ICON = '/handheld/icon-192.png';
const BADGE = '/handheld/badge-96.png';
/** Paths of this page's own; `sw.ts` opens the first. */
export const HOME = '/handheld';
const WORKER = '/handheld/sw.js';

export function notificationState(): Presence['notifications'] {
  return 'Notification' in window ? Notification.permission : 'unsupported';
}

/** Null where the browser has no service worker, or the box's certificate is not trusted yet. */
export async function worker(): Promise<ServiceWorkerRegistration | null> {
  return (await navigator.serviceWorker?.getRegistration(HOME)) ?? null;
}

/** Registers the worker; an address the browser does not trust has none, and the page works without. */
export async function registerWorker(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register(WORKER, { scope: HOME, updateViaCache: 'none' });
  } catch (error) {
    console.info('no service worker here', error);
  }
}

export class AlarmNotices {
  #shown = new Set<number>();

  async show(alarm: Alarm): Promise<void> {
    if (notificationState() !== 'granted') return;
    const registration = await worker();
    if (!registration) return;
    this.#shown.add(alarm.id);
    // `renotify` and `vibrate` are Chromium's; others leave them out.
    const options: NotificationOptions & { renotify: boolean; vibrate: number[] } = {
      body: alarm.text, tag: tagOf(alarm.id), icon: ICON, badge: BADGE, requireInteraction: true, renotify: true, vibrate: [400, 100, 400, 100, 400],
      data: { alarm: alarm.id },
    };
    await registration.showNotification(`▲ ${alarm.title}`, options).catch(() => undefined);
  }

  /** Takes away what is answered. */
  settle(open: readonly Alarm[]): void {
    const ids = new Set(open.map((a) => a.id));
    for (const id of this.#shown) {
      if (ids.has(id)) continue;
      this.#shown.delete(id);
      void close(id);
    }
  }
}

async function close(alarm: number): Promise<void> {
  const registration = await worker();
  for (const notification of (await registration?.getNotifications({ tag: tagOf(alarm) })) ?? []) notification.close();
}

/** One notification for an alarm, whether it came over the socket or by push. */
export function tagOf(alarm: number): string {
  return `alarm-${alarm}`;
}

export type PushState = 'on' | 'off' | 'unsupported' | 'no_worker';

export async function pushState(): Promise<PushState> {
  if (!('PushManager' in window)) return 'unsupported';
  const registration = await worker();
  if (!registration) return 'no_worker';
  return (await registration.pushManager.getSubscription()) ? 'on' : 'off';
}

/** Asks for the permission and subscribes; the error is a sentence for people. */
export async function subscribePush(push_key: string): Promise<PushKeys> {
  if ((await Notification.requestPermission()) !== 'granted') throw new Error('Notifications are not allowed for this page. Allow them in the browser’s settings for this site.');
  const registration = await worker();
  if (!registration) throw new Error('This page has no service worker: the box’s certificate is not trusted on this device yet.');
  let subscription: PushSubscription;
  try {
    subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: push_key });
  } catch (error) {
    throw new Error('The push service was not reached. It is on the internet; without internet there is no push, and the alarm comes over this page alone.', { cause: error });
  }
  const { endpoint, keys } = subscription.toJSON();
  if (endpoint === undefined || keys?.['p256dh'] === undefined || keys['auth'] === undefined) throw new Error('The browser gave an unusable subscription.');
  return { endpoint, keys: { p256dh: keys['p256dh'], auth: keys['auth'] } };
}

export async function unsubscribePush(): Promise<void> {
  const registration = await worker();
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
}
