// What this phone and browser can do, and what they cannot: the page promises nothing the platform does not keep.
// Pure: what the browser says of itself in, words out. The facts are those of the platforms' makers, as known in 2025.

export type System = 'android' | 'ios' | 'other';
export interface Device { system: System; browser: string; installed: 'installed' | 'tab' }

/** An iPad since iPadOS 13 says that it is a Mac; a Mac has no touch screen. */
export function deviceOf(user_agent: string, touch_points: number, installed: Device['installed']): Device {
  const system: System = /Android/.test(user_agent) ? 'android' : /iPhone|iPad|iPod/.test(user_agent) || (/Macintosh/.test(user_agent) && touch_points > 1) ? 'ios' : 'other';
  return { system, browser: browserOf(user_agent), installed };
}

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/SamsungBrowser\/(\d+)/, 'Samsung Internet'], [/EdgA?\/(\d+)/, 'Edge'], [/FxiOS\/(\d+)|Firefox\/(\d+)/, 'Firefox'],
  [/CriOS\/(\d+)/, 'Chrome'], [/Chrome\/(\d+)/, 'Chrome'], [/Version\/(\d+).*Safari/, 'Safari'],
];

function browserOf(user_agent: string): string {
  for (const [pattern, name] of BROWSERS) {
    const found = pattern.exec(user_agent);
    if (found) return `${name} ${found[1] ?? found[2] ?? ''}`.trim();
  }
  return 'browser';
}

const SYSTEM_NAME: Record<System, string> = { android: 'Android', ios: 'iPhone or iPad', other: 'Computer' };

/** How the box lists this device: `Android, Chrome 140`. */
export function platformWords({ system, browser }: Device): string {
  return `${SYSTEM_NAME[system]}, ${browser}`;
}

export interface Works { when: string; works: 'yes' | 'partly' | 'no'; words: string }

/** When this handheld alarms and when it does not. `push`: this device has subscribed to Web Push. */
export function whatWorks({ system, installed }: Device, push: 'on' | 'off'): readonly Works[] {
  const pushed: Works = push === 'on'
    ? { when: 'Screen locked, internet there', works: 'partly', words: 'A notification comes through the maker’s push service, usually within seconds, with no promise. It has the phone’s notification sound, not this tone.' }
    : { when: 'Screen locked, internet there', works: 'no', words: system === 'ios' && installed === 'tab' ? 'Nothing comes. Put this page on the home screen, open it there and turn notifications on.' : 'Nothing comes until you turn notifications on, above.' };
  const locked: Record<System, string> = {
    android: 'Android puts a page to sleep some minutes after the screen goes dark; then no alarm arrives. The box notices within 3 s and calls the next person.',
    ios: 'iOS stops a page seconds after it leaves the screen; then no alarm arrives. The box notices within 3 s and calls the next person.',
    other: 'A computer that sleeps hears nothing. The box notices within 3 s and calls the next person.',
  };
  return [
    { when: 'This page open, screen on', works: 'yes', words: 'Tone, picture and answer, with or without internet. This is how to use it on duty: turn “Keep the screen on” on and plug it in.' },
    { when: 'Page open, but another app in front', works: 'partly', words: system === 'ios' ? 'iOS stops the page within seconds.' : 'The tone usually sounds for some minutes; then the system may put the page to sleep.' },
    pushed,
    { when: 'Screen locked, no internet', works: 'no', words: locked[system] },
  ];
}

/** The one-time steps to trust the box, in the words of the platforms' settings. */
export interface Steps { title: string; versions: string; steps: readonly string[]; after: string }

export const TRUST_STEPS: Record<'android' | 'ios', Steps> = {
  android: {
    title: 'Android',
    versions: 'Words of Android 11 to 15 as Google ships it; other makers name some settings otherwise. If you do not find it, search the settings for “CA certificate”.',
    steps: [
      'Tap “Get the certificate”. Keep the file; it is named ca.crt.',
      'Open Settings → Security & privacy → More security & privacy → Encryption & credentials → Install a certificate → CA certificate.',
      'Android warns that somebody could read along: whoever holds the box’s key could. Tap “Install anyway” and choose ca.crt in Downloads.',
      'Come back to Chrome and open this page again. No warning must appear.',
    ],
    after: 'Android 11 and later install a certificate only from the settings, never by a tap on the file. Chrome, Edge and Samsung Internet use it; Firefox for Android does not unless “Use third party CA certificates” is turned on in its hidden settings. A phone needs a screen lock for it, and Android goes on saying “Network may be monitored”.',
  },
  ios: {
    title: 'iPhone and iPad',
    versions: 'Words of iOS and iPadOS 15 to 18.',
    steps: [
      'Open this page in Safari and tap “Get the certificate”. Tap “Allow”: a profile is downloaded.',
      'Open Settings. Tap “Profile Downloaded” near the top, or General → VPN & Device Management, and install the profile.',
      'Open Settings → General → About → Certificate Trust Settings, at the very end. Turn the box’s certificate on. Without this step nothing works.',
      'Open this page in Safari again. No warning must appear. Then Share → Add to Home Screen, and open Standclear from there.',
    ],
    after: 'Notifications need iOS 16.4 or later and the page opened from the home screen. Pair there, not in Safari: the home screen app has its own storage and does not know a key made in Safari.',
  },
};
