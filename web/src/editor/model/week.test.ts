import { describe, expect, it } from 'vitest';
import { DAYS } from './document';
import { ALWAYS, armedBySchedule, block, CELLS_A_DAY, daysWords, isAlways, painted, scheduleWords, siteMoment, spansOf, weekOf, WORK_HOURS, type Cell, type Week } from './week';

const EMPTY: Week = DAYS.map(() => new Array<Cell>(CELLS_A_DAY).fill('off'));

describe('spans', () => {
  it('say_the_week_they_were_made_of', () => {
    let seed = 7;
    const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
    for (let round = 0; round < 200; round += 1) {
      let week = EMPTY;
      for (let i = 0; i < 1 + (round % 6); i += 1) {
        const place = () => ({ day: Math.floor(random() * 7), cell: Math.floor(random() * CELLS_A_DAY) });
        week = painted(week, block(place(), place()), random() < 0.7 ? 'on' : 'off');
      }
      expect(weekOf({ armed: spansOf(week) }), `round ${round}`).toEqual(week);
    }
  });
  it('a_night_is_one_span_past_midnight', () => {
    const nights = { armed: [{ days: ['mon', 'tue'] as const, from: '22:00', to: '06:00' }] };
    expect(spansOf(weekOf(nights))).toEqual([{ days: ['mon', 'tue'], from: '22:00', to: '06:00' }]);
  });
  it('sunday_night_goes_on_into_monday', () => expect(weekOf({ armed: [{ days: ['sun'], from: '23:00', to: '01:00' }] })[0]?.slice(0, 3)).toEqual(['on', 'on', 'off']));
  it('the_whole_week_stays_the_whole_week', () => expect(spansOf(weekOf(ALWAYS))).toEqual([{ days: DAYS, from: '00:00', to: '24:00' }]));
});

describe('weekOf', () => {
  it('a_half_hour_armed_in_part_is_shown_as_such_and_painted_whole', () => {
    const week = weekOf({ armed: [{ days: ['mon'], from: '06:10', to: '07:00' }] });
    expect(week[0]?.slice(11, 15)).toEqual(['off', 'partly', 'on', 'off']);
    expect(spansOf(week)).toEqual([{ days: ['mon'], from: '06:00', to: '07:00' }]);
  });
});

describe('words', () => {
  it('name_the_days_and_hours', () => {
    expect(scheduleWords(WORK_HOURS)).toBe('Armed Mon–Fri 06:00–22:00.');
    expect(scheduleWords(undefined)).toBe('Always armed.');
    expect(scheduleWords(ALWAYS)).toBe('Armed all week.');
    expect(scheduleWords({ armed: [] })).toMatch(/^Never armed/);
    expect(scheduleWords({ ...WORK_HOURS, exceptions: [{ date: '2026-12-24', armed: 'all_day' }] })).toMatch(/one day otherwise/);
  });
  it('days_in_a_row_are_a_range', () => {
    expect(daysWords(['wed', 'mon'])).toBe('Mon, Wed');
    expect(daysWords(['mon', 'tue', 'wed', 'sat'])).toBe('Mon–Wed, Sat');
    expect(daysWords(DAYS)).toBe('every day');
  });
  it('always_is_every_half_hour', () => {
    expect(isAlways(ALWAYS)).toBe(true);
    expect(isAlways(WORK_HOURS)).toBe(false);
  });
});

describe('armedBySchedule', () => {
  // 2026-11-21 is a Saturday.
  const at = (date: string, time: string) => ({ date, minute: Number(time.slice(0, 2)) * 60 + Number(time.slice(3)) });
  it('without_a_schedule_a_zone_is_armed', () => expect(armedBySchedule(undefined, at('2026-11-21', '03:00'))).toBe(true));
  it('begins_and_ends_to_the_minute', () => {
    const armed = (time: string) => armedBySchedule(WORK_HOURS, at('2026-11-20', time));
    expect(['05:59', '06:00', '21:59', '22:00'].map(armed)).toEqual([false, true, true, false]);
    expect(armedBySchedule(WORK_HOURS, at('2026-11-21', '12:00'))).toBe(false);
  });
  it('a_night_goes_on_into_the_morning_after_and_no_further', () => {
    const night = { armed: [{ days: ['fri'] as const, from: '22:00', to: '06:00' }] };
    expect(armedBySchedule(night, at('2026-11-20', '05:00'))).toBe(false);
    expect(armedBySchedule(night, at('2026-11-20', '23:00'))).toBe(true);
    expect(armedBySchedule(night, at('2026-11-21', '05:59'))).toBe(true);
    expect(armedBySchedule(night, at('2026-11-21', '06:00'))).toBe(false);
  });
  it('a_date_that_is_otherwise_goes_before_the_week', () => {
    const schedule = { ...WORK_HOURS, exceptions: [{ date: '2026-11-20', armed: 'never' as const }, { date: '2026-11-21', armed: [{ from: '08:00', to: '12:00' }] }, { date: '2026-11-22', armed: 'all_day' as const }] };
    expect(armedBySchedule(schedule, at('2026-11-20', '12:00'))).toBe(false);
    expect(armedBySchedule(schedule, at('2026-11-21', '11:59'))).toBe(true);
    expect(armedBySchedule(schedule, at('2026-11-21', '12:00'))).toBe(false);
    expect(armedBySchedule(schedule, at('2026-11-22', '23:59'))).toBe(true);
  });
});

describe('siteMoment', () => {
  it('is_the_day_and_the_minute_of_the_site', () => expect(siteMoment(Date.parse('2026-11-20T23:30:00Z'), 'Europe/Berlin')).toEqual({ date: '2026-11-21', minute: 30 }));
  it('says_nothing_of_a_zone_that_is_not_known', () => expect(siteMoment(0, 'Nowhere/Else')).toBeNull());
});
