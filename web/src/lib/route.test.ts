import { describe, expect, it } from 'vitest';
import { asksForMovedZones, href, movedZonesHref, navigationRole, PAGE_ROLE, parseRoute, underOf, type Page } from './route';
import { includes } from './session.svelte';

describe('parseRoute', () => {
  it.each([
    ['', 'now', null], ['#/', 'now', null], ['#', 'now', null],
    ['#/zones', 'zones', null], ['#/zones/yard-east', 'editor', 'yard-east'], ['#/zones/yard-east/versions', 'versions', 'yard-east'],
    ['#/walk', 'walk', null], ['#/walk/a%20b', 'walk', 'a b'], ['#/heat/press?hours=24', 'heat', 'press'],
    ['#/view', 'view', null], ['#/view/yard', 'view', 'yard'], ['#/view/yard/x', 'unknown', null], ['#/zones/yard?move=view', 'editor', 'yard'],
    ['#/people', 'people', null], ['#/alarms', 'alarms', null], ['#/alarms/3', 'unknown', null], ['#/audit', 'audit', null],
    ['#/models', 'models', null], ['#/models/queue', 'queue', null], ['#/models/comparison?case=7', 'comparison', null], ['#/models/examples', 'examples', null],
    ['#/models/nothing', 'unknown', null], ['#/models/queue/3', 'unknown', null],
    ['#/nowhere', 'unknown', null], ['#/people/eva', 'unknown', null], ['#/zones/a/versions/3', 'unknown', null], ['#/zones/%E0%A4%A', 'editor', '%E0%A4%A'],
  ] as const)('%j is %s of %j', (hash, page, camera) => expect(parseRoute(hash)).toEqual({ page, camera }));

  it.each([['zones', null], ['editor', 'a/b'], ['versions', 'yard'], ['walk', 'ž'], ['heat', 'x'], ['view', 'a b'], ['people', null], ['alarms', null], ['audit', null], ['now', null], ['models', null], ['queue', null], ['comparison', null], ['examples', null]] as const)('the address of %s of %j leads back to it', (page, camera) => {
    expect(parseRoute(href(page, camera))).toEqual({ page, camera });
  });
  it('what_lies_under_zones_is_marked_as_zones', () => expect((['editor', 'versions', 'view', 'heat'] as Page[]).map(underOf)).toEqual(['zones', 'zones', 'zones', 'heat']));
  it('what_lies_under_models_is_marked_as_models', () => expect((['models', 'comparison', 'queue', 'examples'] as Page[]).map(underOf)).toEqual(['models', 'models', 'models', 'models']));
  it('whoever_has_nothing_to_do_with_models_finds_them_by_the_footer_only', () => {
    expect(navigationRole('models')).toBe('supervisor');
    expect(PAGE_ROLE['models']).toBe('viewer');
    expect(navigationRole('audit')).toBe(PAGE_ROLE['audit']);
  });
  it('only_its_own_address_asks_for_zones_that_moved_with_the_view', () => {
    expect(asksForMovedZones(movedZonesHref('a?b'))).toBe(true);
    expect(parseRoute(movedZonesHref('a?b'))).toEqual({ page: 'editor', camera: 'a?b' });
    for (const hash of [href('editor', 'yard'), '', '#/zones/move=view', '#/zones/yard?move=viewer']) expect(asksForMovedZones(hash)).toBe(false);
  });
});

describe('roles', () => {
  it('each_includes_those_before_it', () => {
    expect(includes('admin', 'viewer')).toBe(true);
    expect(includes('viewer', 'supervisor')).toBe(false);
    expect(includes('engineer', 'engineer')).toBe(true);
  });
  it.each([null, 'integration', 'root', ''])('%j opens no page', (role) => expect(Object.values(PAGE_ROLE).some((needed) => includes(role, needed))).toBe(false));
});
