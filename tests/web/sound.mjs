// A sound card without hardware: a sound server of the test's own, and the settings that make it the
// default device of a process. Without one the siren is broken, the box says so, and it is never calm.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './wait.mjs';

const SERVER = '/usr/bin/pulseaudio';
const STARTS_WITHIN_MS = 10_000;

/** Starts it in `dir`; `environment` is what the box has to be started with. */
export async function startSound(dir) {
  const run = join(dir, 'sound');
  mkdirSync(run, { recursive: true, mode: 0o700 });
  const socket = join(run, 'native');
  const server = spawn(
    SERVER,
    [
      '-n', '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=-1', '--log-target=stderr', '--realtime=no',
      // Without rewinds it takes samples every 50 ms, as a card does; with them it may pause for 2 s, which the siren calls broken.
      '-L', 'module-null-sink sink_name=siren norewinds=1',
      '-L', `module-native-protocol-unix socket=${socket} auth-anonymous=1`,
    ],
    { stdio: 'ignore', env: { PATH: process.env.PATH, HOME: run, XDG_RUNTIME_DIR: run, PULSE_RUNTIME_PATH: run } },
  );
  let failed = null;
  server.on('error', (error) => { failed = error; });
  const exited = new Promise((resolve) => { server.once('exit', resolve); server.once('error', resolve); });
  await eventually('the sound server listens', STARTS_WITHIN_MS, () => {
    if (failed) throw failed;
    return existsSync(socket);
  });
  const device = `{ type pulse server "unix:${socket}" }`;
  const config = join(run, 'asound.conf');
  writeFileSync(config, `</usr/share/alsa/alsa.conf>\npcm.!default ${device}\nctl.!default ${device}\n`);
  return {
    environment: { ALSA_CONFIG_PATH: config, PULSE_SERVER: `unix:${socket}`, XDG_RUNTIME_DIR: run },
    async stop() {
      server.kill('SIGTERM');
      await exited;
    },
  };
}
