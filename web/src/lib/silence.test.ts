import { describe, expect, it } from 'vitest';
import { siteClock } from './format';
import { canSilence, silenced, silenceLeft, sirenFacts, stillWaiting } from './silence';
import { sirenAnswer } from './status';
import { boxState, SINCE, siren, zone } from './testing';

const NOW = Date.parse(SINCE);
const IN_TWO_MINUTES = '2026-03-01T14:09:26.000Z';
const clock = siteClock('Europe/Prague');

describe('silenced', () => {
  it('counts_down_in_minutes_and_seconds_and_never_to_less_than_is_left', () => {
    expect([0, 1, 60_500, 119_999, 120_000].map((ms) => silenceLeft(IN_TWO_MINUTES, NOW + ms))).toEqual(['2:00', '2:00', '1:00', '0:01', null]);
  });
  it('a_siren_that_is_not_silenced_counts_nothing', () => expect(silenceLeft(null, NOW)).toBeNull());
  it('the_header_says_silenced_and_never_silent', () => {
    const silenced = siren({ state: 'silent', silenced_until: IN_TWO_MINUTES });
    expect(sirenAnswer(silenced, NOW, [])).toEqual({ tone: 'unheard', word: 'Silenced, 2:00 left', why: null });
    expect(sirenAnswer(silenced, NOW + 121_000, []).word).toBe('Silent');
  });
  it('a_broken_siren_is_broken_also_while_silenced', () => expect(sirenAnswer(siren({ state: 'broken', fault: 'gone', silenced_until: IN_TWO_MINUTES }), NOW, []).word).toBe('Broken'));
  it('what_waits_is_said', () => expect([0, 1, 3].map(stillWaiting)).toEqual(['Nothing waits for an answer.', '1 alarm still waits for an answer.', '3 alarms still wait for an answer.']));
  it.each([['silent', false], ['intrusion', true], ['warning', true], ['fault', true], ['broken', false]] as const)('a siren that is %s can be silenced: %s', (state, can) => {
    expect(canSilence(boxState({ siren: siren({ state }) }))).toBe(can);
  });
  it('what_came_after_the_silence_sounds_and_can_be_silenced_too', () => {
    const anew = siren({ state: 'intrusion', zone: 'pit', silenced_until: IN_TWO_MINUTES });
    expect([silenced(anew, NOW), canSilence(boxState({ siren: anew }))]).toEqual([null, true]);
    expect(sirenAnswer(anew, NOW, [zone('pit')]).word).toBe('Sounding: pit');
  });
});

describe('sirenFacts', () => {
  const facts = (rest = {}) => sirenFacts(siren({ device: 'USB horn', ...rest }), clock, NOW).map((f) => `${f.doubt ? '◆ ' : ''}${f.name}: ${f.words}`);
  it('a_sound_siren_names_its_device_and_that_it_was_never_tested', () => expect(facts()).toEqual(['Sounds on: USB horn', 'Last test: none yet']));
  it('a_device_to_look_after_and_a_failed_test_are_doubts', () => {
    expect(facts({ attention: 'it sounds on its second device', last_test: { at: '2026-03-01T06:00:00Z', passed: false, audible: true, detail: 'nothing was played' } })).toEqual([
      'Sounds on: USB horn', '◆ Sounds, but: it sounds on its second device', '◆ Last test: failed 07:00:00, 8 h ago: nothing was played',
    ]);
  });
  it('silenced_says_until_when_and_by_whom', () => expect(facts({ silenced_until: IN_TWO_MINUTES, silenced_by: 'Eva' })[1]).toBe('Silenced: until 15:09:26, 2:00 left, by Eva; nothing is acknowledged by that'));
  it('a_broken_one_says_why_where_its_device_would_stand', () => expect(facts({ fault: 'no such device' })[0]).toBe('◆ Sounds on: no such device'));
});
