// The unit for systemd, read by systemd's own checker and held against the program.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const read = (path) => readFileSync(join(REPOSITORY, path), 'utf8');
const UNIT = read('packaging/systemd/standclear.service');

/** The value of a key; every key of the unit is written once. */
function value(key) {
  const found = UNIT.split('\n').filter((line) => line.startsWith(`${key}=`));
  assert.equal(found.length, 1, `${key} stands ${found.length} times`);
  return found[0].slice(key.length + 1);
}

test('systemd_finds_nothing_to_say_about_the_unit', (context) => {
  if (spawnSync('systemd-analyze', ['--version']).status !== 0) {
    return context.skip('no systemd-analyze here');
  }
  const folder = mkdtempSync(join(tmpdir(), 'standclear-unit-'));
  try {
    // The checker wants the program to be there.
    const installed = UNIT.replace('/usr/local/bin/standclear', '/bin/true');
    assert.notEqual(installed, UNIT);
    const check = (name, text) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' });
      return { status, said: (stdout + stderr).split('\n').filter((line) => line.includes(name)).join('\n') };
    };
    const good = check('standclear.service', installed);
    assert.deepEqual(good, { status: 0, said: '' });
    // What it would say of a word it does not know.
    const bad = check('broken.service', installed.replace('ProtectClock=', 'ProtectClocks='));
    assert.match(bad.said, /ProtectClocks/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the_unit_stops_the_box_no_sooner_than_the_box_stops_itself', () => {
  const [, stopMax] = /const STOP_MAX: Duration = Duration::from_secs\((\d+)\)/.exec(read('src/cli/run.rs'));
  assert.ok(Number(value('TimeoutStopSec')) > Number(stopMax));
  assert.equal(value('Restart'), 'always');
  assert.equal(value('StartLimitIntervalSec'), '0');
  assert.equal(value('OOMPolicy'), 'continue');
});

test('the_unit_takes_nothing_away_that_the_box_needs', () => {
  const lines = UNIT.split('\n').filter((line) => !line.startsWith('#'));
  for (const key of ['MemoryDenyWriteExecute', 'PrivateDevices', 'RestrictRealtime', 'PrivateNetwork', 'WatchdogSec']) {
    assert.ok(!lines.some((line) => line.startsWith(key)), key);
  }
  assert.match(value('SupplementaryGroups'), /\baudio\b.*\bvideo\b/);
  // The store is where the guide says, and the unit makes that folder.
  assert.ok(read('docs/guide/service.md').includes(`path = "/var/lib/${value('StateDirectory')}"`));
  assert.equal(value('ExecStart'), '/usr/local/bin/standclear run --config /etc/standclear/standclear.toml');
});
