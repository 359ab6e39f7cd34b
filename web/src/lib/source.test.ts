import { expect, test } from 'vitest';
import { sourceWords } from './source';

const CAMERA = { address: 'rtsp://10.0.0.7', decoder: 'avdec_h264', transport: 'tcp', clock: 'sender_report', clock_refused: null, decoder_failed: null } as const;

test('how pictures come is one line', () => {
  expect(sourceWords(CAMERA)).toBe('rtsp://10.0.0.7 over TCP · avdec_h264 · timed by its own clock');
});

test('before the first picture only the address is known', () => {
  expect(sourceWords({ ...CAMERA, decoder: null, transport: null, clock: null })).toBe('rtsp://10.0.0.7');
});
