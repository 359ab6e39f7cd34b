// The package that this browser is sending. It goes on while other pages are looked at.

import { takePackage, whyNotTaken, type Installed } from './model-asks';
import type { Sending } from './upload';

/** What a package may have; the box decides, this is said before it has to refuse. */
export const PACKAGE_BYTES_MAX = 512_000_000;

export type Upload =
  | { state: 'none' }
  | { state: 'sending'; name: string; sent: number; of: number }
  | { state: 'installed'; name: string; model: Installed }
  | { state: 'refused'; name: string; status: number; code: string; text: string };

class PackageUpload {
  now = $state.raw<Upload>({ state: 'none' });
  #sending: Sending<Installed> | null = null;

  get busy(): boolean {
    return this.now.state === 'sending';
  }

  /** Sends a file; resolves when the box has said what it thinks of it. */
  async send(file: File): Promise<void> {
    if (this.busy) return;
    const { name, size: of } = file;
    if (of > PACKAGE_BYTES_MAX || of === 0) {
      const text = of === 0 ? 'The file is empty.' : `It has ${Math.round(of / 1_000_000)} MB.`;
      // Nothing was sent, and nothing is changed.
      this.now = { state: 'refused', name, status: 413, code: of === 0 ? 'malformed' : 'too_large', text };
      return;
    }
    this.now = { state: 'sending', name, sent: 0, of };
    this.#sending = takePackage(file, (sent) => {
      // What was sent late says nothing about what has been answered.
      if (this.now.state === 'sending') this.now = { state: 'sending', name, sent: Math.min(sent, of), of };
    });
    try {
      this.now = { state: 'installed', name, model: await this.#sending.done };
    } catch (error) {
      this.now = { state: 'refused', name, ...whyNotTaken(error) };
    } finally {
      this.#sending = null;
    }
  }

  stop(): void {
    this.#sending?.stop();
  }

  forget(): void {
    if (!this.busy) this.now = { state: 'none' };
  }
}

export const packageUpload = new PackageUpload();
