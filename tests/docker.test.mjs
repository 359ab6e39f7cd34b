// The Dockerfile, read and held against the repository. No container engine is needed, so this says
// that it names what exists, not that an image comes out of it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const PROGRAM = resolve(REPOSITORY, process.env.STANDCLEAR ?? 'target/debug/standclear');
const read = (path) => readFileSync(resolve(REPOSITORY, path), 'utf8');

/** Instructions with their continued lines joined: [{ word, rest, stage }]. */
function instructions() {
  let stage = null;
  return read('Dockerfile')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? assert.fail(`not an instruction: ${line}`);
      if (word === 'FROM') stage = / AS (\S+)/.exec(rest)?.[1] ?? assert.fail(`a stage without a name: ${line}`);
      return { word, rest: rest.trim(), stage };
    });
}

const all = instructions();
const of = (word) => all.filter((instruction) => instruction.word === word);

function copies() {
  return of('COPY').map(({ rest }) => {
    const words = rest.split(/\s+/);
    const from = words[0].startsWith('--from=') ? words.shift().slice('--from='.length) : null;
    return { from, sources: words.slice(0, -1) };
  });
}

/** The patterns of .dockerignore that take `path` away: enough of its grammar for the lines we use. */
function ignoredBy(path) {
  return read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .filter((line) => {
      assert.ok(!/[!?[\]]/.test(line), `this test does not know the pattern ${line}`);
      const pattern = line.replaceAll('.', '\\.').replace(/^\*\*\//, '(.*/)?').replaceAll(/(?<!\.)\*/g, '[^/]*');
      return new RegExp(`^${pattern}(/|$)`).test(path);
    });
}

test('every_copied_path_exists_and_reaches_the_build', () => {
  for (const { from, sources } of copies()) {
    if (from) continue;
    for (const source of sources.filter((path) => path !== '.')) {
      assert.ok(existsSync(resolve(REPOSITORY, source)), `COPY ${source}: no such path`);
      assert.deepEqual(ignoredBy(source.replace(/\/$/, '')), [], `COPY ${source}: taken away by .dockerignore`);
    }
  }
});

test('what_the_program_is_built_from_reaches_the_build', () => {
  for (const path of ['Cargo.toml', 'Cargo.lock', 'src/lib.rs', 'benches', 'models', 'zones', 'standclear.toml']) {
    assert.ok(existsSync(resolve(REPOSITORY, path)), `${path}: no such path`);
    assert.deepEqual(ignoredBy(path), [], `${path}: taken away by .dockerignore`);
  }
});

test('what_this_machine_made_stays_out_of_the_build', () => {
  for (const path of ['target/debug', '.git', '.deps/footage/vtest.avi', 'web/node_modules/x', 'tests/web/node_modules', 'web/dist/index.html', 'data']) {
    assert.notDeepEqual(ignoredBy(path), [], `${path} would be sent to the engine`);
  }
});

test('every_stage_that_is_copied_from_exists', () => {
  const stages = of('FROM').map(({ stage }) => stage);
  for (const { from } of copies()) assert.ok(from === null || stages.includes(from), `COPY --from=${from}: no such stage`);
});

test('rust_and_node_are_the_ones_the_repository_asks_for', () => {
  const tag = (image) => of('FROM').map(({ rest }) => new RegExp(`^${image}:([0-9.]+)`).exec(rest)?.[1]).find(Boolean);
  assert.equal(tag('rust'), /channel = "(.*)"/.exec(read('rust-toolchain.toml'))[1]);
  const [major] = /NODE_MIN=(\d+)/.exec(read('scripts/setup')).slice(1);
  assert.ok(Number(tag('node').split('.')[0]) >= Number(major), `node:${tag('node')} is older than scripts/setup asks for`);
});

test('packages_are_listed_in_scripts_setup_alone', () => {
  for (const { rest } of of('RUN')) assert.doesNotMatch(rest, /apt-get (-\S+ )*install|pip3? (install|download)/);
  const options = new Set(read('scripts/setup').match(/^--[a-z |-]+(?=\) what=)/m)[0].split(' | '));
  for (const { rest } of of('RUN')) {
    const option = /scripts\/setup (--\S+)/.exec(rest)?.[1];
    if (option) assert.ok(options.has(option), `scripts/setup has no ${option}`);
  }
});

test('the_service_does_not_run_as_root_and_keeps_sound_and_camera', () => {
  const user = all.findLast(({ word }) => word === 'USER');
  assert.equal(user.stage, 'runtime');
  // Without a group: a named one would take the others away.
  assert.match(user.rest, /^[1-9][0-9]+$/);
  const useradd = of('RUN').find(({ rest }) => rest.startsWith('useradd')).rest;
  assert.match(useradd, new RegExp(`--uid ${user.rest}\\b`));
  assert.match(useradd, /--groups audio,video\b/);
});

test('the_program_knows_what_it_is_started_with', { skip: existsSync(PROGRAM) ? false : 'the program is not built' }, () => {
  const [command, ...words] = JSON.parse(of('CMD')[0].rest);
  assert.match(JSON.parse(of('ENTRYPOINT')[0].rest)[0], /\/standclear$/);
  const environment = { ...process.env, NO_COLOR: '1' };
  const help = execFileSync(PROGRAM, [command, '--help'], { encoding: 'utf8', env: environment, timeout: 10_000 });
  for (const option of words.filter((word) => word.startsWith('--'))) assert.ok(help.includes(option), `no ${option} in: ${help}`);
});
