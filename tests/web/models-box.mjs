// A stand-in for the box where its models are concerned: serves the built page and answers what the pages under Models
// ask, from `model-facts.mjs`, so that every state can be shown, also those that a real box is seldom in. It has the
// address, `signIn` and `stop` of a box of `box.mjs`; what it is told to say is in `answers`.

import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CARRIED, EVIDENCE, MODELS, ROOM, SHADOW, THRESHOLDS, CANDIDATE, DIGEST, ago, cases, examples, history } from './model-facts.mjs';

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const PAGE = resolve(REPOSITORY, 'web/dist');
const PICTURE = join(REPOSITORY, 'models/nanodet-g-416-int8/golden/walkway-1.jpg');
const TYPE = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const STATE_EVERY_MS = 500;
const CSRF = 'c5rf';

/** Why there is no page to show, or null. */
export function cannotShow() {
  return existsSync(join(PAGE, 'index.html')) ? null : `${PAGE} is missing: npm --prefix web run build`;
}

/** Listens on a free port of this machine; everybody is signed in as `role`. */
export async function startModelsBox(role = 'engineer') {
  const box = new ModelsBox(role);
  await box.listen();
  return box;
}

class ModelsBox {
  address = '';
  role;
  /** Each is asked anew for every answer. */
  answers = {
    models: MODELS.first, shadow: SHADOW.watching, evidence: EVIDENCE.not_enough, history: () => ({ events: history(), next: null }), carried: () => CARRIED,
    thresholds: () => THRESHOLDS, cases, examples,
  };
  /** What waits for a label: `case 14`, `example 31`. */
  queue = ['case 14', 'case 13', 'example 31', 'example 30'];
  /** Labels that were given, in their order. */
  labels = [];
  /** Whether whoever is signed in was granted clear pictures. */
  granted = false;
  /** Changing requests that came, each `{ method, path, body }`. */
  changes = [];
  /** Paths that were read, in their order. */
  read = [];
  /** By `METHOD path`: how the box refuses that until it is taken out again, `{ status, code, message }`; `hang` never answers. */
  refused = {};
  #server;
  #streams = new Set();

  constructor(role) {
    this.role = role;
    this.#server = createServer((asked, answer) => void this.#hear(asked, answer));
  }

  listen() {
    return new Promise((done) => this.#server.listen(0, '127.0.0.1', () => {
      this.address = `http://127.0.0.1:${this.#server.address().port}`;
      done();
    }));
  }

  async stop() {
    for (const stream of this.#streams) stream.end();
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #hear(asked, answer) {
    const { pathname: path, search, searchParams } = new URL(asked.url, this.address);
    const body = await bodyOf(asked);
    if (!path.startsWith('/api/')) return this.#page(path, answer);
    if (path === '/api/stream') return this.#stream(answer);
    const changing = asked.method !== 'GET';
    if (changing) {
      this.changes.push({ method: asked.method, path, query: search, body: jsonOf(body), bytes: body.length });
      if (asked.headers['x-standclear-csrf'] !== CSRF) return refuse(answer, { status: 403, code: 'csrf_needed', message: 'no token' });
    } else this.read.push(path);
    const no = this.refused[`${asked.method} ${path}`];
    if (no === 'hang') return;
    if (no) return refuse(answer, no);
    const said = this.#answer(asked.method, path, searchParams, jsonOf(body));
    if (said === null) return refuse(answer, { status: 404, code: 'not_found', message: `nothing is at ${path}` });
    if (Buffer.isBuffer(said)) return void answer.writeHead(200, { 'content-type': 'image/jpeg', 'cache-control': 'no-store' }).end(said);
    if (said.refused) return refuse(answer, said.refused);
    answer.writeHead(said.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(said.json ?? said));
  }

  #answer(method, path, words, body) {
    const [, , room, ...rest] = path.split('/');
    if (path === '/api/session') return { signed_in: { name: 'Eva', role: this.role }, csrf: CSRF, setup_needed: false, roles: ['viewer', 'supervisor', 'engineer', 'admin'] };
    if (path === '/api/privacy') return { hidden: 'persons', grant_minutes: 15, clear: this.granted ? [{ by: 'Eva', reason: 'training', until: new Date(Date.now() + 600_000).toISOString(), own: true }] : [] };
    if (/^\/api\/cameras\/[^/]+\/zones$/.test(path)) return { camera: 'yard', in_force: inForce(), draft: null, proposed: null, frame: null, pipeline: { p99_ms: 700, max_ms: 700, measured: false }, inputs: [], approval: 'second_person' };
    if (room === 'models') return this.#models(method, rest, words, body);
    if (room === 'examples') return this.#examples(method, rest, words, body);
    return null;
  }

  #models(method, [first, second, third], words, body) {
    const a = this.answers;
    if (method === 'GET') {
      if (first === undefined) return a.models();
      if (first === 'cases') return second === undefined ? this.#cases(words) : readFileSync(PICTURE);
      if (first === 'queue') return this.#waiting(Number(words.get('limit')));
      return { shadow: a.shadow, evidence: a.evidence, history: a.history, carried: a.carried }[first]?.() ?? null;
    }
    if (first === undefined || first === 'carried') return { status: 201, json: { digest: DIGEST, ...CANDIDATE } };
    if (first === 'fetch') return { status: 202, json: {} };
    if (first === 'cases' && third === 'label') return this.#label('case', a.cases(), Number(second), body);
    return a.models();
  }

  #examples(method, [first, second], words, body) {
    if (first === undefined) {
      const [wanted, occasion] = [words.get('wanted'), words.get('occasion')];
      const found = this.answers.examples().filter((e) => (wanted !== 'unlabelled' || e.label === null) && (occasion === null || e.occasion === occasion));
      return { examples: found, next: null, room: ROOM };
    }
    if (first === 'thresholds') return { cameras: this.answers.thresholds() };
    if (first === 'import') return { labels: 3, unknown: 1, changed: 2 };
    if (second === 'picture') return readFileSync(PICTURE);
    return method === 'POST' && second === 'label' ? this.#label('example', this.answers.examples(), Number(first), body) : null;
  }

  #cases(words) {
    const wanted = words.get('wanted');
    const before = Number(words.get('before') ?? Infinity);
    const found = this.answers.cases().map((c) => this.#labelled('case', c)).filter((c) => c.id < before && (wanted === 'all' || (wanted === 'unlabelled' ? c.label === null : c.told !== 'both')));
    return { cases: found, next: null };
  }

  #waiting(limit) {
    const of = (key) => {
      const [kind, id] = key.split(' ');
      const found = (kind === 'case' ? this.answers.cases() : this.answers.examples()).find((one) => one.id === Number(id));
      return found && { kind, ...found };
    };
    return { items: this.queue.map(of).filter(Boolean).slice(0, limit), left: Math.max(0, this.queue.length - limit) };
  }

  #label(kind, all, id, body) {
    const found = all.find((one) => one.id === id);
    if (!found) return { refused: { status: 404, code: `unknown_${kind}`, message: `there is no ${kind} ${id}` } };
    if (this.role === 'viewer') return { refused: { status: 403, code: 'role_needed', message: 'it takes a supervisor' } };
    this.labels.push(`${kind} ${id} ${body.label}`);
    this.queue = this.queue.filter((key) => key !== `${kind} ${id}`);
    return this.#labelled(kind, found);
  }

  #labelled(kind, one) {
    const label = this.labels.findLast((said) => said.startsWith(`${kind} ${one.id} `))?.split(' ')[2];
    return label === undefined ? one : { ...one, label, labelled_by: 'Eva', labelled_at: ago(0) };
  }

  #page(path, answer) {
    const file = normalize(join(PAGE, path === '/' ? 'index.html' : path));
    if (!file.startsWith(PAGE) || !existsSync(file)) return refuse(answer, { status: 404, code: 'not_found', message: 'no such file' });
    answer.writeHead(200, { 'content-type': TYPE[extname(file)] ?? 'application/octet-stream', 'content-security-policy': "default-src 'self'; img-src 'self' blob:" }).end(readFileSync(file));
  }

  #stream(answer) {
    answer.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const say = () => answer.write(`event: state\ndata: ${JSON.stringify(state())}\n\n`);
    say();
    const timer = setInterval(say, STATE_EVERY_MS);
    this.#streams.add(answer);
    answer.on('close', () => {
      clearInterval(timer);
      this.#streams.delete(answer);
    });
  }
}

/** A quiet box with a camera and a zone. */
function state() {
  const since = ago(3_600_000);
  const zone = {
    id: 'road', name: 'Road', camera: 'yard', kind: 'restricted', state: 'clear', reason: null, since, people: 0, incident: null,
    polygons: [[[[0.3, 0.35], [0.75, 0.35], [0.75, 0.75], [0.3, 0.75], [0.3, 0.35]]]], arming: { armed: true, by: null, reason: 'Always armed', until: null }, inhibition: 'none', line: null, walk_test: null,
  };
  return {
    site: { name: 'Test yard', time_zone: 'Europe/Prague', version: '0.1.0' }, now: new Date().toISOString(), uptime_ms: 3_600_000, vision: { state: 'watching', detail: '', restarts: 0 },
    model: { name: 'nanodet-g-416', version: 'r1', digest: DIGEST, provider: 'cpu', runtime: '1.22' },
    siren: { state: 'silent', zone: null, device: 'default', fault: null, attention: null, silenced_until: null, silenced_by: null, last_test: null },
    store: { fault: null }, latency: { capture_to_siren_p99_ms: 212, capture_to_siren_max_ms: 300, alarms: 9 },
    cameras: [{ id: 'yard', name: 'Yard', state: 'watched', reason: null, since, width_px: 768, height_px: 576, fps: 10, frame_age_ms: 48, detail_cut: null, people: 0, zones_version: 1, zones_fault: null, source: { address: 'yard.mp4', decoder: null, transport: null, clock: 'pipeline', clock_refused: null, decoder_failed: null }, privacy_masks: [], view_trouble: null }],
    zones: [zone], handhelds: { listening: 'not_expected', paired: 0, connected: [], duty: { shift: null, people: [] } }, alarms: [], inputs: [], holds: [],
  };
}

/** The zones that the box began with. */
function inForce() {
  const at = ago(3_600_000);
  return {
    number: 1, digest: 'd1'.repeat(32), state: 'in_force', by: 'file', at, drawn_by: [], reason: 'the zone file yard.json', base: null, approved_by: null, approved_at: null, applied_at: at,
    closed_by: null, closed_at: null, closed_reason: null, source: 'file', document: { type: 'FeatureCollection', features: [] },
  };
}

function refuse(answer, { status, code, message }) {
  answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { code, message } }));
}

async function bodyOf(asked) {
  const parts = [];
  for await (const part of asked) parts.push(part);
  return Buffer.concat(parts);
}

function jsonOf(body) {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}
