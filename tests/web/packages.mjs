// Model packages as whoever makes models makes them: with the program, from the models of this repository; and what
// somebody does to them on their way.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from './box.mjs';

const MODELS = resolve(dirname(fileURLToPath(import.meta.url)), '../../models');
const SHIPPED = 'nanodet-g-416-int8';
const SUCCESSOR = 'nanodet-g-416-int8-r2';

/** Of the model that comes with a box of `Maker`: nothing below it is taken. */
export const FLOOR = 2;

/** Somebody with a root key, a release key, and one that no box knows. */
export class Maker {
  dir = mkdtempSync(join(tmpdir(), 'standclear-maker-'));
  #root;

  constructor() {
    this.#root = this.#key('root');
    const [release] = [this.#key('release'), this.#key('stranger')];
    const keys = ['--root', `Ada=${this.#root.public}`, '--release', `Eva=${release.public}`];
    runProgram('model', 'keys', 'ring', ...keys, '--sign', this.#root.file, '-o', join(this.dir, 'keys.json'));
  }

  /** Makes the box of this configuration believe what is signed here. */
  trustedBy(config) {
    runProgram('model', 'keys', 'trust', join(this.dir, 'keys.json'), '--root', this.#root.id, '--config', config);
  }

  /** A folder of models as a program of release `FLOOR` has it. */
  shipped() {
    const folder = join(this.dir, 'shipped');
    cpSync(join(MODELS, SHIPPED), join(folder, SHIPPED), { recursive: true });
    rewritten(join(folder, SHIPPED), { schema: 2, release: FLOOR });
    return folder;
  }

  /** A package of the shipped model's successor as release `release`, signed with the key `key`; its bytes. */
  package({ release = FLOOR + 1, key = 'release' } = {}) {
    const folder = join(this.dir, `r${release}`);
    const file = join(this.dir, `r${release}-${key}.standclear-model`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    cpSync(join(MODELS, SUCCESSOR), folder, { recursive: true });
    rewritten(folder, { release });
    runProgram('model', 'pack', folder, '-o', file);
    runProgram('model', 'sign', file, '--key', join(this.dir, `${key}.pem`));
    return readFileSync(file);
  }

  end() {
    rmSync(this.dir, { recursive: true, force: true });
  }

  #key(name) {
    const file = join(this.dir, `${name}.pem`);
    const printed = runProgram('model', 'keys', 'new', file);
    return { file, id: /Key\s+(\S+)/.exec(printed)[1], public: /Public\s+(\S+)/.exec(printed)[1] };
  }
}

/** The same bytes but for one bit, far behind the manifest: in the model. */
export function withAFlippedBit(bytes) {
  const flipped = Buffer.from(bytes);
  flipped[Math.floor(bytes.length / 2)] ^= 1;
  return flipped;
}

/** The name and the version of the package that `Maker.package` makes. */
export function successor() {
  const { name, version } = JSON.parse(readFileSync(join(MODELS, SUCCESSOR, 'manifest.json'), 'utf8'));
  return { name, version };
}

function rewritten(folder, members) {
  const file = join(folder, 'manifest.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...members }));
}
