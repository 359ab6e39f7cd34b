// How many zone versions wait for the approval of whoever is signed in here, for the navigation. Asked now and then:
// nobody is in danger while one waits, what is in force stays so.

import type { Camera } from './api';
import { poll } from './poll';
import { session } from './session.svelte';
import { mayApprove, type CameraZones } from './zones';

const EVERY_MS = 30_000;

export class Waiting {
  /** Cameras with a version that this person may approve. */
  cameras = $state.raw<readonly string[]>([]);

  /** Asks until the returned function is called. An answer that does not come leaves the last one: the pages themselves say why. */
  open(cameras: readonly Pick<Camera, 'id'>[]): () => void {
    return poll(() => this.#ask(cameras), EVERY_MS, (ids) => (this.cameras = ids), () => undefined);
  }

  async #ask(cameras: readonly Pick<Camera, 'id'>[]): Promise<readonly string[]> {
    const waits = await Promise.all(cameras.map(async ({ id }) => {
      const { proposed, approval } = await session.request<CameraZones>('GET', `/api/cameras/${encodeURIComponent(id)}/zones`);
      return proposed !== null && mayApprove(proposed, session.name, approval) === 'yes' ? [id] : [];
    }));
    return waits.flat();
  }
}
