// The socket to the box: one at a time; what an old one still says reaches nobody.
// Decides nothing: connection.ts says when to open and close.

import { ContractError } from '../lib/api';
import { parseMessage, type DeviceMessage, type ServerMessage } from './protocol';

export interface Listener {
  opened(): void;
  closed(): void;
  /** `at_ms` is when the message came in, on the monotonic clock. */
  heard(message: ServerMessage, at_ms: number): void;
}

export class Socket {
  readonly #listener: Listener;
  #socket: WebSocket | null = null;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  open(): void {
    this.close();
    const socket = new WebSocket(address('/api/handheld/socket'));
    this.#socket = socket;
    const current = () => this.#socket === socket;
    socket.onopen = () => {
      if (current()) this.#listener.opened();
    };
    socket.onclose = () => {
      if (!current()) return;
      this.#socket = null;
      this.#listener.closed();
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (!current()) return;
      const at_ms = performance.now();
      try {
        if (typeof event.data !== 'string') throw new ContractError('not a text');
        this.#listener.heard(parseMessage(event.data), at_ms);
      } catch (error) {
        // Not counted as heard: what cannot be read is as good as silence, and silence is shown.
        console.error('message refused', error);
      }
    };
  }

  /** False when it did not go out. */
  send(message: DeviceMessage): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  close(): void {
    const last = this.#socket;
    this.#socket = null;
    if (!last) return;
    // A browser complains of a connection that is ended before it stands.
    if (last.readyState === WebSocket.CONNECTING) last.onopen = () => last.close();
    else last.close();
  }
}

export function address(path: string): string {
  return `${window.location.protocol === 'https:' ? 'wss:' : 'ws:'}//${window.location.host}${path}`;
}
