// How a camera's pictures come, in a line for whoever looks after it.
import type { CameraSource } from './api';

const CLOCK = {
  sender_report: 'timed by its own clock',
  arrival: 'timed by arrival',
  pipeline: 'timed by when they are due',
} as const;

/** `rtsp://10.0.0.7 over TCP · avdec_h264 · timed by its own clock` */
export function sourceWords(source: CameraSource): string {
  const over = source.transport === null ? '' : ` over ${source.transport.toUpperCase()}`;
  const clock = source.clock === null ? null : CLOCK[source.clock];
  return [`${source.address}${over}`, source.decoder, clock].filter((word) => word !== null).join(' · ');
}
