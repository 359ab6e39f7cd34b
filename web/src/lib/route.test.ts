import { describe, expect, it } from 'vitest';
import { href, PAGE_ROLE, parseRoute, underOf, type Page } from './route';
import { includes } from './session.svelte';

describe('parseRoute', () => {
  it.each([
    ['', 'now', null], ['#/', 'now', null], ['#', 'now', null],
    ['#/zones', 'zones', null], ['#/zones/yard-east', 'editor', 'yard-east'], ['#/zones/yard-east/versions', 'versions', 'yard-east'],
    ['#/walk', 'walk', null], ['#/walk/a%20b', 'walk', 'a b'], ['#/heat/press?hours=24', 'heat', 'press'],
    ['#/people', 'people', null], ['#/alarms', 'alarms', null], ['#/alarms/3', 'unknown', null], ['#/audit', 'audit', null],
    ['#/nowhere', 'unknown', null], ['#/people/eva', 'unknown', null], ['#/zones/a/versions/3', 'unknown', null], ['#/zones/%E0%A4%A', 'editor', '%E0%A4%A'],
  ] as const)('%j is %s of %j', (hash, page, camera) => expect(parseRoute(hash)).toEqual({ page, camera }));

  it.each([['zones', null], ['editor', 'a/b'], ['versions', 'yard'], ['walk', 'ž'], ['heat', 'x'], ['people', null], ['alarms', null], ['audit', null], ['now', null]] as const)('the address of %s of %j leads back to it', (page, camera) => {
    expect(parseRoute(href(page, camera))).toEqual({ page, camera });
  });
  it('what_lies_under_zones_is_marked_as_zones', () => expect((['editor', 'versions', 'heat'] as Page[]).map(underOf)).toEqual(['zones', 'zones', 'heat']));
});

describe('roles', () => {
  it('each_includes_those_before_it', () => {
    expect(includes('admin', 'viewer')).toBe(true);
    expect(includes('viewer', 'supervisor')).toBe(false);
    expect(includes('engineer', 'engineer')).toBe(true);
  });
  it.each([null, 'integration', 'root', ''])('%j opens no page', (role) => expect(Object.values(PAGE_ROLE).some((needed) => includes(role, needed))).toBe(false));
});
