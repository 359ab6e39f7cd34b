// The editor of one camera as a test sees it: its parts by their names, what the box keeps of its draft, and the box
// watched closely while something is put into force.

import { visibleText } from './browser.mjs';
import { onScreen } from './hand.mjs';
import { eventually } from './wait.mjs';

export const CAMERA = 'yard';
/** The model is loaded and every zone is watched. A debug build on a busy machine takes its time. */
const WATCHED_WITHIN_MS = 60_000;
/** What the box knows, the page shows. */
export const SHOWN_WITHIN_MS = 8_000;
/** A draft is saved 1.5 s after the last change. */
const SAVED_WITHIN_MS = 8_000;
/** Of a point on the screen: what is a pixel off is where it should be. */
const NEAR_PX = 3;

export const zoneIn = (document, name) => document.features.find(({ properties }) => properties.name === name);
/** The corners of a zone's outline, each once. */
export const outer = ({ document }, name) => zoneIn(document, name)?.geometry.coordinates[0].slice(0, -1);

export class Editing {
  #box;
  constructor(box, page) {
    this.#box = box;
    this.page = page;
  }

  async open() {
    await this.page.goto(`${this.#box.address}/#/zones/${CAMERA}`);
    await this.page.locator('.stage .picture img').waitFor({ timeout: WATCHED_WITHIN_MS });
    await this.shows(/version \d+/i);
  }

  /** What the box says of the camera's zones. */
  async zones() {
    return (await this.#box.get(`/api/cameras/${CAMERA}/zones`)).json();
  }

  savedDraft(what, wanted) {
    return eventually(`the box keeps ${what}`, SAVED_WITHIN_MS, async () => {
      const { draft } = await this.zones();
      return draft && wanted(draft) ? draft : null;
    });
  }

  shows(what) {
    return eventually(`the page shows ${what}`, SHOWN_WITHIN_MS, async () => {
      const text = await visibleText(this.page);
      if (!what.test(text)) throw new Error(`the page's words are: ${text}`);
      return true;
    });
  }

  tool(name) {
    return this.page.getByRole('group', { name: 'Tools' }).getByRole('button', { name, exact: true }).click();
  }

  field(label) {
    return this.page.getByLabel(label, { exact: true });
  }

  /** The zones in the list beside the picture. */
  get listed() {
    return this.page.locator('section[aria-labelledby="zones-title"] li button');
  }

  async choose(name) {
    const line = this.listed.filter({ hasText: name }).first();
    if ((await line.getAttribute('aria-pressed')) !== 'true') await line.click();
  }

  /** What a screen reader calls that which has the focus. */
  focused() {
    return this.page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  }

  /** Whether something drawn lies on a point of the frame. */
  async near(node, point) {
    const [at, [x, y]] = [await node.boundingBox(), await onScreen(this.page, point)];
    return Math.hypot(at.x + at.width / 2 - x, at.y + at.height / 2 - y) <= NEAR_PX;
  }

  /** How many of some points of the picture can be pressed, and how many there are. */
  pictureInSight() {
    return this.page.evaluate(() => {
      const { left, top, width, height } = document.querySelector('.stage .picture').getBoundingClientRect();
      const points = [0.05, 0.5, 0.95].flatMap((x) => [0.05, 0.3, 0.6].map((y) => [left + x * width, top + y * height]));
      return [points.filter(([x, y]) => document.elementFromPoint(x, y)?.closest('.stage')).length, points.length];
    });
  }

  /** Listens in the page to the live pictures and to every state the box publishes; `seen` says what came. */
  async watchClosely() {
    await this.page.evaluate((camera) => {
      const seen = { numbers: [], closed: false, states: [] };
      window.closelySeen = seen;
      const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/cameras/${camera}/live`);
      socket.binaryType = 'arraybuffer';
      socket.onmessage = ({ data }) => {
        const length = new DataView(data).getUint32(0);
        seen.numbers.push(JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length))).frame);
      };
      socket.onclose = () => { seen.closed = true; };
      new EventSource('/api/stream').addEventListener('state', ({ data }) => {
        const { cameras: [{ state, zones_version, fps }], zones, vision, alarms } = JSON.parse(data);
        seen.states.push({
          version: zones_version, camera: state, fps, restarts: vision.restarts,
          zones: zones.map((zone) => [zone.id, zone.state]),
          blind: alarms.filter(({ kind }) => kind === 'blind').map((alarm) => `${alarm.id} ${alarm.state}`),
        });
      });
    }, CAMERA);
    await eventually('live pictures and states', SHOWN_WITHIN_MS, async () => {
      const { numbers, states } = await this.seen();
      return numbers.length > 3 && states.length > 0;
    });
  }

  seen() {
    return this.page.evaluate(() => window.closelySeen);
  }
}
