// A camera's live pictures as a reactive value, for whoever shows one.

import { liveUrl } from './api';
import { openLive, type Picture } from './live';

/** The old picture stays on the screen until the new one is in place. */
const REPLACED_WITHIN_MS = 500;

export class LivePicture {
  picture = $state.raw<Picture | null>(null);

  /** Listens to a camera until the returned function is called; `address` where it is not the operator page's. */
  open(camera: string, address = () => liveUrl(camera, window.location)): () => void {
    const close = openLive(address, (next) => this.#show(next));
    return () => {
      close();
      if (this.picture) URL.revokeObjectURL(this.picture.url);
      this.picture = null;
    };
  }

  #show(next: Picture): void {
    const last = this.picture;
    this.picture = next;
    if (last) setTimeout(() => URL.revokeObjectURL(last.url), REPLACED_WITHIN_MS);
  }
}
