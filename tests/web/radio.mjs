// The radio between a phone and the box: every byte passes as it is, until the test walks into a dead spot.

import { connect, createServer } from 'node:net';

/** `port` is the box's. `address` is where the phone goes instead. */
export async function startRadio(port) {
  const pipes = new Set();
  const seen = [];
  let dead = false;
  const server = createServer((phone) => {
    if (dead) {
      phone.destroy();
      return;
    }
    const box = connect(port, '127.0.0.1');
    pipes.add(phone);
    phone.pipe(box);
    box.pipe(phone);
    // What the box says is not masked: the test may read when it greets.
    box.on('data', (bytes) => { if (bytes.includes('"type":"welcome"')) seen.push(performance.now()); });
    const end = () => { pipes.delete(phone); phone.destroy(); box.destroy(); };
    for (const side of [phone, box]) side.on('error', end).on('close', end);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const cut = () => { for (const phone of pipes) phone.destroy(); };
  return {
    port: server.address().port,
    /** Moments at which the box welcomed a device, in ms of `performance.now()`. */
    welcomes: seen,
    /** Every connection breaks; a new one may come at once. */
    cut,
    /** Every connection breaks and none comes until `back`. */
    away() { dead = true; cut(); },
    back() { dead = false; },
    async stop() {
      cut();
      await new Promise((closed) => server.close(closed));
    },
  };
}
