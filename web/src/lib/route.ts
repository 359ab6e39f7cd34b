// Addresses of the pages: `#/zones/yard-east/versions`. Pure: an address in, a page out, and back.

import type { Role } from './session.svelte';

export type Page = 'now' | 'alarms' | 'incidents' | 'zones' | 'editor' | 'versions' | 'view' | 'walk' | 'heat' | 'models' | 'comparison' | 'queue' | 'examples' | 'handhelds' | 'people' | 'audit' | 'unknown';
/** `camera` is null where none is named yet. */
export interface Route { page: Page; camera: string | null }

/** What a page is called, in the navigation, as its heading and in the browser's tab. */
export const PAGE_NAME: Record<Page, string> = {
  now: 'Now', alarms: 'Alarms', incidents: 'Incidents', zones: 'Zones', editor: 'Draw zones', versions: 'Versions', view: 'View', walk: 'Walk test', heat: 'Heat map', models: 'Models', comparison: 'Comparison', queue: 'Label queue', examples: 'Examples', handhelds: 'Handhelds', people: 'People', audit: 'Audit', unknown: 'No such page',
};

/** Who may open a page. The box decides again on everything a page asks for. */
export const PAGE_ROLE: Record<Page, Role> = {
  now: 'viewer', alarms: 'viewer', incidents: 'viewer', zones: 'viewer', editor: 'engineer', versions: 'viewer', view: 'viewer', walk: 'viewer', heat: 'viewer', models: 'viewer', comparison: 'viewer', queue: 'viewer', examples: 'viewer', handhelds: 'viewer', people: 'admin', audit: 'engineer', unknown: 'viewer',
};

/** What lies under Models, by the last word of its address. */
export const MODEL_PAGES = ['comparison', 'queue', 'examples'] as const satisfies readonly Page[];

/** Who finds a page in the navigation, where that are fewer than may open it: whoever has something to do there. */
const NAVIGATION_ROLE: Partial<Record<Page, Role>> = { models: 'supervisor' };

/** Who finds a page in the navigation. */
export function navigationRole(page: Page): Role {
  return NAVIGATION_ROLE[page] ?? PAGE_ROLE[page];
}

/** The navigation, in the order of a day's work; pages below one of these are marked as that one. */
export const NAVIGATION: readonly Page[] = ['now', 'alarms', 'incidents', 'zones', 'walk', 'heat', 'models', 'handhelds', 'people', 'audit'];

export function parseRoute(hash: string): Route {
  const parts = hash.replace(/^#?\/?/, '').replace(/\?.*$/, '').split('/').filter((part) => part !== '').map(decode);
  const [first = '', camera = null, third] = parts;
  const known = (page: Page, allowed: number): Route => (parts.length > allowed ? { page: 'unknown', camera: null } : { page, camera });
  switch (first) {
    case '':
      return { page: 'now', camera: null };
    case 'alarms':
      return known('alarms', 1);
    case 'incidents':
      return known('incidents', 1);
    case 'zones':
      if (third === 'versions') return known('versions', 3);
      return known(camera === null ? 'zones' : 'editor', 2);
    case 'view':
      return known('view', 2);
    case 'walk':
      return known('walk', 2);
    case 'heat':
      return known('heat', 2);
    case 'models':
      return modelsRoute(parts);
    case 'handhelds':
      return known('handhelds', 1);
    case 'people':
      return known('people', 1);
    case 'audit':
      return known('audit', 1);
    default:
      return { page: 'unknown', camera: null };
  }
}

/** The pages under Models are about no camera. */
function modelsRoute([, part, ...more]: readonly string[]): Route {
  if (part === undefined) return { page: 'models', camera: null };
  const page = MODEL_PAGES.find((p) => p === part);
  return { page: page === undefined || more.length > 0 ? 'unknown' : page, camera: null };
}

export function href(page: Page, camera: string | null = null): string {
  const of = camera === null ? '' : `/${encodeURIComponent(camera)}`;
  switch (page) {
    case 'now':
    case 'unknown':
      return '#/';
    case 'alarms':
      return '#/alarms';
    case 'incidents':
      return '#/incidents';
    case 'zones':
    case 'editor':
      return `#/zones${of}`;
    case 'versions':
      return camera === null ? '#/zones' : `#/zones${of}/versions`;
    case 'view':
      return `#/view${of}`;
    case 'walk':
      return `#/walk${of}`;
    case 'heat':
      return `#/heat${of}`;
    case 'models':
      return '#/models';
    case 'comparison':
    case 'queue':
    case 'examples':
      return `#/models/${page}`;
    case 'handhelds':
      return '#/handhelds';
    case 'people':
      return '#/people';
    case 'audit':
      return '#/audit';
  }
}

const MOVED_WITH_VIEW = 'move=view';

/** The editor of a camera, with its zones moved as its view has. */
export function movedZonesHref(camera: string): string {
  return `${href('editor', camera)}?${MOVED_WITH_VIEW}`;
}

/** Whether an address asks the editor for zones moved with the view. */
export function asksForMovedZones(hash: string): boolean {
  return hash.split('?')[1]?.split('&').includes(MOVED_WITH_VIEW) ?? false;
}

/** The entry of the navigation a page stands under. */
export function underOf(page: Page): Page {
  if ((MODEL_PAGES as readonly Page[]).includes(page)) return 'models';
  return page === 'editor' || page === 'versions' || page === 'view' ? 'zones' : page;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
