// The real program, run on the sample footage as the service runs on a box: its own configuration,
// zones, store and port, in a folder of its own.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startSound } from './sound.mjs';
import { eventually } from './wait.mjs';

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const PROGRAM = resolve(REPOSITORY, process.env.STANDCLEAR ?? 'target/debug/standclear');
const FOOTAGE = join(REPOSITORY, '.deps/footage/vtest.avi');

/** As the configuration writes it; JSON's strings are TOML's. */
const FOOTAGE_AGAIN_AND_AGAIN = `{ file = ${JSON.stringify(FOOTAGE)}, loop = true }`;

/**
 * The footage seen by a camera that is bumped `after_s` after it was switched on: what it shows lies `right_px` and
 * `down_px` elsewhere from then on. Of the footage so much is cut off, so that both views are as large.
 */
export function bumpedCamera({ after_s, right_px, down_px }) {
  const FPS = 10;
  const footage = `filesrc location=${FOOTAGE} ! avidemux ! avdec_msmpeg4 ! videoconvert ! video/x-raw,format=I420`;
  const [x, y] = [Math.abs(right_px), Math.abs(down_px)];
  const crop = (right, down) => `videocrop ${right ? 'left' : 'right'}=${x} ${down ? 'top' : 'bottom'}=${y}`;
  const before = `${footage} ! ${crop(right_px > 0, down_px > 0)} ! identity eos-after=${after_s * FPS} ! c.`;
  const then = `${footage} ! ${crop(right_px < 0, down_px < 0)} ! c.`;
  return `{ gst = ${JSON.stringify(`${before} ${then} ${then} ${then} concat name=c`)} }`;
}

const ZONE_FILE = 'zones/yard.json';

const RUNTIME = { ORT_DYLIB_PATH: join(REPOSITORY, '.deps/onnxruntime/libonnxruntime.so') };
const COMMAND_WITHIN_MS = 30_000;
const SAYS_ITS_ADDRESS_WITHIN_MS = 20_000;
const STOPS_WITHIN_MS = 10_000;
/** Of what the program prints, to be shown when a test fails. */
const OUTPUT_CHARS_MAX = 200_000;

/** Somebody is on the road in almost every picture of the footage; nobody ever is in this corner of the lawn. */
export const ROAD = { id: 'road', name: 'Road', ring: [[0.3, 0.35], [0.75, 0.35], [0.75, 0.75], [0.3, 0.75], [0.3, 0.35]] };
export const LAWN = { id: 'lawn', name: 'Lawn', ring: [[0.02, 0.65], [0.1, 0.65], [0.1, 0.95], [0.02, 0.95], [0.02, 0.65]] };

/** Why this machine cannot run the box, or null. */
export function cannotRun() {
  for (const [file, how] of [[PROGRAM, 'cargo build'], [FOOTAGE, 'scripts/setup']]) {
    if (!existsSync(file)) return `${file} is missing: run ${how} first`;
  }
  return null;
}

/** The first admin of every box of a test. */
export const ADMIN = { name: 'Browser Test', password: 'correct horse battery' };

/**
 * A box with its first admin, `ADMIN`, signed in for the calls of the test; `settings` are added to its
 * configuration, `zones` guard its camera (each may have further `properties`), whose `source` may be another.
 * `rest` may say how many pictures a second (`fps`), further lines of `[model]` (`model`, JSON's strings are TOML's)
 * with its `folder`, and what is done with the box's folder and configuration `before` it runs.
 */
export function startBox(settings = '', zones = [ROAD, LAWN], source = FOOTAGE_AGAIN_AND_AGAIN, rest = {}) {
  return start((box) => box.setUp(), settings, zones, source, rest);
}

/** A box nobody can sign in to yet, as it comes out of its packing. */
export function startNewBox() {
  return start(async () => {}, '', [ROAD, LAWN], FOOTAGE_AGAIN_AND_AGAIN, {});
}

/** What the program prints when it is run with `words`. */
export function runProgram(...words) {
  return execFileSync(PROGRAM, words, { encoding: 'utf8', timeout: COMMAND_WITHIN_MS, env: { ...RUNTIME, ...process.env } });
}

async function start(prepare, settings, zones, source, { before = () => {}, ...rest }) {
  const dir = mkdtempSync(join(tmpdir(), 'standclear-web-'));
  const config = writeConfig(dir, settings, zones, source, rest);
  before(dir, config);
  const sound = await startSound(dir);
  const box = new Box(dir, sound, config);
  try {
    await box.listens();
    await prepare(box);
  } catch (error) {
    const output = box.output;
    await box.stop();
    throw new Error(`${error.message}\n${output}`);
  }
  return box;
}

class Box {
  output = '';
  /** `http://127.0.0.1:PORT` */
  address = '';
  #dir;
  #sound;
  #config;
  #process;
  #exited;
  #session;

  constructor(dir, sound, config) {
    this.#dir = dir;
    this.#sound = sound;
    this.#config = config;
    this.#run();
  }

  #run() {
    this.output = '';
    this.#process = spawn(PROGRAM, ['run', '--config', this.#config], {
      cwd: this.#dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...RUNTIME, ...process.env, ...this.#sound.environment },
    });
    const keep = (chunk) => { this.output = (this.output + chunk).slice(-OUTPUT_CHARS_MAX); };
    this.#process.stdout.setEncoding('utf8').on('data', keep);
    this.#process.stderr.setEncoding('utf8').on('data', keep);
    this.#exited = new Promise((done) => {
      this.#process.once('exit', (code, signal) => done(signal ?? code));
      this.#process.once('error', (error) => { keep(error.message); done(error.message); });
    });
  }

  /** Resolves once the program has said its address. */
  async listens() {
    this.address = await eventually('the program says its address', SAYS_ITS_ADDRESS_WITHIN_MS, () => this.announced());
  }

  /** Ends the service and starts it again on the same store, with `text` as its zone file; its address is another one. */
  async restartWithZones(text) {
    if ((await this.terminate()) !== 0) throw new Error('the service did not end cleanly');
    writeFileSync(join(this.#dir, ZONE_FILE), text);
    this.#run();
    await this.listens();
  }

  /** The address the program has printed, once it has. */
  announced() {
    if (this.#process.exitCode !== null) throw new Error(`it ended with exit code ${this.#process.exitCode}`);
    const plain = this.output.replace(/\x1b\[[0-9;]*m/g, '');
    return /http:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):[1-9][0-9]*/.exec(plain)?.[0];
  }

  /** The code that makes the first admin, as the program printed it. */
  setupCode() {
    return /Set-up code:\s+([0-9A-Z-]+)/.exec(this.output)?.[1];
  }

  /** Makes the first admin with the code, and stays signed in for the calls below. */
  async setUp() {
    const code = await eventually('the program says the set-up code', SAYS_ITS_ADDRESS_WITHIN_MS, () => this.setupCode());
    await this.#comeIn('/api/setup', { code, ...ADMIN });
  }

  /** Signs in somebody, for the calls below. */
  async signIn({ name, password } = ADMIN) {
    await this.#comeIn('/api/session', { name, password });
  }

  async #comeIn(path, body) {
    const answer = await fetch(this.address + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
    const [cookie] = answer.headers.getSetCookie();
    this.#session = { cookie: cookie.split(';')[0], csrf: (await answer.json()).csrf };
  }

  /** What a call of the session carries. */
  #headers() {
    return { cookie: this.#session.cookie, 'x-standclear-csrf': this.#session.csrf };
  }

  /** The answer of `method path` as the session, with `body` as JSON. */
  async send(method, path, body) {
    return fetch(this.address + path, {
      method,
      headers: { ...this.#headers(), 'content-type': 'application/json' },
      body: JSON.stringify(body ?? {}),
    });
  }

  /** The answer of `GET path`; errors when there is none within `within_ms`. */
  async get(path, within_ms = 1_000) {
    const answer = await fetch(this.address + path, { headers: this.#headers(), signal: AbortSignal.timeout(within_ms) });
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  async state() {
    return (await this.get('/api/state')).json();
  }

  async zone(id) {
    return (await this.state()).zones.find((zone) => zone.id === id);
  }

  /** True when this call acknowledged it; false when somebody (or nobody: it is gone) was first. */
  async acknowledge(alarm) {
    const answer = await this.send('POST', `/api/alarms/${alarm}/acknowledge`);
    if (![200, 404, 409].includes(answer.status)) throw new Error(`acknowledge: ${answer.status} ${await answer.text()}`);
    return answer.status === 200;
  }

  /** The process id of the vision worker: the guard's one child that is the same program. */
  visionProcess() {
    const program = (pid) => { try { return readlinkSync(`/proc/${pid}/exe`); } catch { return null; } };
    const own = program(this.#process.pid);
    const workers = childrenOf(this.#process.pid).filter((pid) => own !== null && program(pid) === own);
    if (workers.length !== 1) throw new Error(`the guard has ${workers.length} workers`);
    return workers[0];
  }

  /** Ends the service as an operator does, and gives its exit code. */
  async terminate() {
    this.#process.kill('SIGTERM');
    return Promise.race([this.#exited, after(STOPS_WITHIN_MS, 'still running')]);
  }

  async stop() {
    const workers = childrenOf(this.#process.pid);
    if (this.#process.exitCode === null && this.#process.signalCode === null && this.#process.pid !== undefined) {
      if ((await this.terminate()) === 'still running') {
        this.#process.kill('SIGKILL');
        workers.forEach((pid) => { try { process.kill(pid, 'SIGKILL'); } catch { /* it ended with the guard */ } });
        await this.#exited;
      }
    }
    await this.#sound.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** The document of zones that each are `id`, `name` and `ring` (a tripwire: `line`), restricted unless their `properties` say otherwise. */
export function zoneDocument(zones) {
  return {
    type: 'FeatureCollection',
    features: zones.map(({ id, name, ring, line, properties }) => ({
      type: 'Feature',
      properties: { id, name, kind: 'restricted', ...properties },
      geometry: line ? { type: 'LineString', coordinates: line } : { type: 'Polygon', coordinates: [ring] },
    })),
  };
}

function writeConfig(dir, settings, zones, source, { fps = 10, model = '', folder = join(REPOSITORY, 'models') }) {
  mkdirSync(join(dir, 'zones'), { recursive: true });
  writeFileSync(join(dir, ZONE_FILE), JSON.stringify(zoneDocument(zones)));
  const file = join(dir, 'standclear.toml');
  // JSON's strings are TOML's.
  writeFileSync(file, `
[site]
name = "Test yard"
time_zone = "Europe/Prague"

[[camera]]
id = "yard"
name = "Yard"
source = ${source}
zones = "${ZONE_FILE}"
fps = ${fps}

[model]
folder = ${JSON.stringify(folder)}
${model}

[store]
path = "data"

[web]
listen = "127.0.0.1:0"
${settings}`);
  return file;
}

function childrenOf(parent) {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((pid) => {
      try {
        // pid (name) state parent …: the name may hold anything, brackets too.
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      } catch {
        return false; // it has ended since
      }
    })
    .map(Number);
}

function after(ms, value) {
  return new Promise((resolve) => setTimeout(resolve, ms, value).unref());
}
