import { describe, expect, it } from 'vitest';
import { ContractError, liveUrl } from './api';
import { counts, liveness, notCounted, parseLiveMessage, PICTURE_AGE_MS_MAX, type Person, type Picture, type Verdict } from './live';

const HEADER = { frame: 812, captured_at: '2026-03-01T14:07:33.120Z', age_ms: 61, width_px: 768, height_px: 576,
  people: [{ track: null, box: [0.1, 0.2, 0.3, 0.4], foot: [0.25, 0.6], score: 0.71, inside: ['gate-road'] }] };

function message(header: unknown, jpeg: number[] = [0xff, 0xd8, 0xff], length?: number): ArrayBuffer {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(4 + text.length + jpeg.length);
  new DataView(bytes.buffer).setUint32(0, length ?? text.length);
  bytes.set(text, 4);
  bytes.set(jpeg, 4 + text.length);
  return bytes.buffer;
}

describe('parseLiveMessage', () => {
  it('splits_header_and_jpeg', () => {
    const { header, jpeg } = parseLiveMessage(message(HEADER));
    expect(header).toEqual(HEADER);
    expect([...jpeg]).toEqual([0xff, 0xd8, 0xff]);
  });
  it('keeps_letters_outside_ascii_whole', () => {
    const { header } = parseLiveMessage(message({ ...HEADER, people: [{ inside: ['šachta'] }] }));
    expect(header.people[0]?.inside).toEqual(['šachta']);
  });
  it.each([
    ['an_empty_message', new ArrayBuffer(0)],
    ['a_message_shorter_than_its_length', new ArrayBuffer(3)],
    ['a_length_past_the_end', message(HEADER, [1], 100_000)],
    ['a_length_of_gigabytes', message(HEADER, [1], 0xffffffff)],
    ['a_message_without_a_picture', message(HEADER, [])],
    ['a_header_that_is_not_json', message('{"frame":')],
    ['a_header_that_is_a_list', message([])],
    ['a_picture_without_a_size', message({ ...HEADER, width_px: 0 })],
    ['a_picture_without_an_age', message({ ...HEADER, age_ms: null })],
    ['people_that_are_no_list', message({ ...HEADER, people: null })],
  ])('refuses_%s', (_name, data) => {
    expect(() => parseLiveMessage(data)).toThrow(ContractError);
  });
});

describe('liveness', () => {
  const at = (ms: number) => ({ mono_ms: ms, wall_ms: ms });
  const picture = (age_ms: number): Picture => ({ header: { ...HEADER, age_ms } as unknown as Picture['header'], url: '', received: at(1_000) });

  it('waits_before_the_first_picture', () => expect(liveness(null, at(0))).toEqual({ kind: 'waiting' }));
  it('is_live_up_to_the_limit_inclusive', () => expect(liveness(picture(0), at(1_000 + PICTURE_AGE_MS_MAX)).kind).toBe('live'));
  it('a_stopped_stream_is_not_live', () => expect(liveness(picture(0), at(1_001 + PICTURE_AGE_MS_MAX)).kind).toBe('old'));
  it('a_late_picture_that_just_arrived_is_not_live', () => expect(liveness(picture(1_600), at(1_000))).toEqual({ kind: 'old', age_ms: 1_600 }));
});

describe('liveUrl', () => {
  it('is_secure_where_the_page_is', () => expect(liveUrl('yard east', { protocol: 'https:', host: 'box' })).toBe('wss://box/api/cameras/yard%20east/live'));
  it('is_plain_on_loopback', () => expect(liveUrl('a', { protocol: 'http:', host: '127.0.0.1:1' })).toBe('ws://127.0.0.1:1/api/cameras/a/live'));
});

describe('people who do not count', () => {
  const person = (verdict?: Verdict): Person => ({ track: 1, box: [0, 0, 1, 1], foot: [0, 0], score: 1, inside: [], ...(verdict ? { verdict } : {}) });
  it('whoever_has_no_verdict_counts', () => expect([person(), person('person'), person('marked')].map(counts)).toEqual([true, true, false]));
  it('are_said_with_the_reason', () => expect(notCounted([person(), person('too_small'), person('ignored'), person('too_small')])).toBe('3 not counted: 2 too small, 1 in an ignored area'));
  it('nobody_left_out_is_not_mentioned', () => expect(notCounted([person(), person('person')])).toBe(''));
});
