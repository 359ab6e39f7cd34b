// What people say of what the models saw: the comparison with its cases, the label queue by keyboard alone, the examples;
// and that all pages under Models can be used by everybody. In a real browser, on a stand-in for the box.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { DESK, PHONE, openPage, picture, startBrowser, visibleText } from './browser.mjs';
import { EVIDENCE, MODELS } from './model-facts.mjs';
import { cannotShow, startModelsBox } from './models-box.mjs';
import { tooFaint } from './readable.mjs';
import { eventually } from './wait.mjs';

const SHOWN_WITHIN_MS = 6_000;
/** A page of 1280 px at a zoom of 400 % (WCAG 1.4.10). */
const ZOOMED = { width: 320, height: 640 };
/** WCAG 2.5.8 asks 24 px; a glove asks for more. */
const TOUCH_PX_MIN = 44;
/** Longer than a person has to have looked at a picture. */
const HELD_MS = 600;
/** More stops than the queue has. */
const TABS_MAX = 40;
const USED = ['button', 'link', 'textbox', 'combobox', 'radio', 'checkbox', 'img', 'image', 'dialog', 'navigation', 'progressbar'];

const impossible = cannotShow();
if (impossible && process.env.CI) throw new Error(impossible);

describe('labelling', { skip: impossible ?? false }, () => {
  let browser, box, page, complaints;

  before(async () => { browser = await startBrowser(); });
  beforeEach(async () => { box = await startModelsBox('supervisor'); });
  afterEach(async (context) => {
    if (context.passed === false && page) await picture(page, `failed-${context.name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
    await page?.context().close();
    page = undefined;
    await box.stop();
  });
  after(async () => { await browser?.close(); });

  const open = async (path, size = DESK, scheme = 'light') => {
    ({ page, complaints } = await openPage(browser, `${box.address}/#/${path}`, size, scheme));
    await page.getByRole('heading', { level: 1 }).waitFor();
  };
  const shows = (what) => eventually(`the page shows ${what}`, SHOWN_WITHIN_MS, async () => {
    const text = await visibleText(page);
    if (!what.test(text)) throw new Error(`the page's words are: ${text}`);
    return true;
  });
  const button = (name, on = page) => on.getByRole('button', { name });
  const said = (what) => eventually(`it is said aloud: ${what}`, SHOWN_WITHIN_MS, async () => what.test(await page.locator('main [aria-live]').innerText()));
  const labelled = (labels) => eventually(`the box has ${labels}`, SHOWN_WITHIN_MS, () => JSON.stringify(box.labels) === JSON.stringify(labels));
  /** The picture of what is asked about is there, and has been for as long as a look takes. */
  const looking = () => eventually('labels are taken', SHOWN_WITHIN_MS, () => button(/^True/).evaluate((e) => e.getAttribute('aria-disabled') === 'false'));
  const press = async (key) => {
    const before = box.labels.length;
    await looking();
    await eventually(`${key} is taken`, SHOWN_WITHIN_MS, async () => {
      await page.keyboard.press(key);
      return eventually('the box has it', 400, () => box.labels.length > before);
    });
  };

  test('one_key_each_labels_the_whole_queue_and_the_end_says_so', async () => {
    await open('models/queue');
    await shows(/0 labelled, 4 left/);
    await press('t');
    await said(/True, kept\. Next: Road, Yard, .* 3 left\./);
    await press('2');
    await press('U');
    await press('f');
    await labelled(['case 14 true', 'case 13 false', 'example 31 unsure', 'example 30 false']);
    await shows(/✓ Nothing waits for a label You labelled 4 pictures/);
    await eventually('the focus is at the end', SHOWN_WITHIN_MS, () => page.evaluate(() => document.activeElement !== document.body));
    assert.ok(box.read.filter((path) => path === '/api/models/queue').length <= 3, 'the box is not asked without end');
    await said(/Nothing waits any more/);
    box.queue = ['case 12'];
    await eventually('what comes new is shown by itself', 15_000, async () => /1 left/.test(await visibleText(page)));
    assert.deepEqual(complaints, []);
  });

  /** A key that is held down presses again and again, for longer than a look takes. */
  const hold = async (key) => {
    const began = performance.now();
    while (performance.now() - began < HELD_MS) await page.keyboard.down(key);
  };

  test('a_key_that_is_held_down_labels_once', async () => {
    await open('models/queue');
    await looking();
    await eventually('the first press is taken', SHOWN_WITHIN_MS, async () => {
      await page.keyboard.up('t');
      await page.keyboard.down('t');
      return box.labels.length === 1;
    });
    await hold('t');
    assert.deepEqual(box.labels, ['case 14 true']);
    await page.keyboard.up('t');
    await press('t');
    assert.deepEqual(box.labels, ['case 14 true', 'case 13 true']);
  });

  test('the_enter_key_held_down_on_a_button_labels_once_and_the_focus_stays_there', async () => {
    await open('models/queue');
    await looking();
    await button(/^True/).focus();
    await eventually('the first press is taken', SHOWN_WITHIN_MS, async () => {
      await page.keyboard.up('Enter');
      await page.keyboard.down('Enter');
      return box.labels.length === 1;
    });
    await hold('Enter');
    assert.deepEqual(box.labels, ['case 14 true']);
    assert.equal(await button(/^True/).evaluate((e) => e === document.activeElement), true);
    await page.keyboard.up('Enter');
    await press('Enter');
    assert.equal(box.labels.length, 2);
  });

  test('undo_goes_back_and_the_new_label_counts', async () => {
    await open('models/queue');
    await press('t');
    await shows(/1 labelled, 3 left/);
    await page.keyboard.press('Backspace');
    await shows(/● You said True\. That counts until you say otherwise\./);
    await said(/Back at Road/);
    await press('f');
    await said(/False, kept/);
    await shows(/1 labelled, 3 left/);
    await page.keyboard.press('z');
    await shows(/● You said False/);
    await page.keyboard.press('n');
    await eventually('it is left as it is', SHOWN_WITHIN_MS, async () => !/You said/.test(await visibleText(page)));
    assert.deepEqual(box.labels, ['case 14 true', 'case 14 false']);
  });

  test('what_the_box_does_not_keep_stays_and_can_be_said_again', async () => {
    box.refused['POST /api/models/cases/14/label'] = { status: 503, code: 'busy', message: 'the store is busy' };
    await open('models/queue');
    await looking();
    await eventually('it is refused', SHOWN_WITHIN_MS, async () => {
      await page.keyboard.press('t');
      return /◆ Not kept\. The store is busy\. It is still here/.test(await visibleText(page));
    });
    await shows(/0 labelled, 4 left/);
    box.refused = {};
    await press('t');
    await shows(/1 labelled, 3 left/);
    assert.doesNotMatch(await visibleText(page), /Not kept/);
  });

  test('without_a_network_nothing_is_lost_and_the_page_says_so', async () => {
    await open('models/queue');
    await looking();
    await page.context().setOffline(true);
    await eventually('it is refused', SHOWN_WITHIN_MS, async () => {
      await page.keyboard.press('t');
      return /◆ Not kept\. The box did not answer/.test(await visibleText(page));
    });
    await shows(/0 labelled, 4 left/);
    await page.context().setOffline(false);
    await press('t');
    await shows(/1 labelled, 3 left/);
  });

  test('what_made_room_for_others_is_left_out_and_said', async () => {
    box.refused['POST /api/models/cases/14/label'] = { status: 404, code: 'no_case', message: 'there is no case 14' };
    await open('models/queue');
    await looking();
    await eventually('it is left out', SHOWN_WITHIN_MS, async () => {
      await page.keyboard.press('t');
      return /△ Left out: There is no case 14/.test(await visibleText(page));
    });
    await shows(/0 labelled, 3 left/);
  });

  test('nobody_labels_a_picture_that_did_not_come_but_one_that_is_gone_for_good', async () => {
    box.refused['GET /api/models/cases/14/picture'] = { status: 503, code: 'busy', message: 'the disk is slow' };
    await open('models/queue');
    await shows(/The disk is slow/);
    await page.keyboard.press('t');
    await shows(/labels wait until it is there/);
    assert.deepEqual(box.labels, []);
    box.refused['GET /api/models/cases/14/picture'] = { status: 404, code: 'no_picture', message: 'it made room' };
    await button('Load the picture again').press('Enter');
    await shows(/There is no picture of this any more/);
    await press('u');
    await labelled(['case 14 unsure']);
  });

  test('the_next_picture_is_there_before_it_is_asked_about', async () => {
    const got = [];
    await open('models');
    page.on('request', (r) => { if (/picture$/.test(r.url())) got.push(new URL(r.url()).pathname); });
    await page.getByRole('navigation', { name: 'Models', exact: true }).getByRole('link', { name: /^Label queue/ }).click();
    await looking();
    await eventually('two are loaded', SHOWN_WITHIN_MS, () => got.length === 2);
    assert.deepEqual(got, ['/api/models/cases/14/picture', '/api/models/cases/13/picture']);
    await press('t');
    await looking();
    await eventually('the third comes', SHOWN_WITHIN_MS, () => got.length === 3);
    assert.equal(got.filter((p) => p.includes('/13/')).length, 1, 'what was loaded beforehand is not loaded again');
  });

  test('a_viewer_sees_the_queue_and_labels_nothing', async () => {
    box.role = 'viewer';
    await open('models/queue');
    await shows(/Supervisors and above label/);
    await page.keyboard.press('t');
    assert.equal(await button(/^True/).count(), 0);
    assert.deepEqual(box.changes, []);
  });

  test('the_tab_key_reaches_every_button_of_the_queue_and_is_seen_there', async () => {
    await open('models/queue');
    await looking();
    const stops = [];
    for (let i = 0; i < TABS_MAX; i += 1) {
      await page.keyboard.press('Tab');
      stops.push(await page.evaluate(() => {
        const e = document.activeElement;
        return { name: e.textContent.trim(), outline: getComputedStyle(e).outlineStyle, area: e.getBoundingClientRect().width };
      }));
    }
    for (const name of [/True/, /False/, /Unsure/, /Undo/]) {
      const stop = stops.find((s) => name.test(s.name));
      assert.ok(stop && stop.outline !== 'none' && stop.area > 0, String(name));
    }
  });

  const JUDGED = [
    ['not_enough', [/△ Not enough yet/, /10 are there in run 1 \(this site\): 55 more\./, /misses at most 28\.2 %/, /55 more true incidents without a miss/]],
    ['refused', [/◆ Refused It loses somebody whom the guarding model tells, or its own parent\. .*\(asked on this box: fewer than 5 % missed\)/, /In case 12 of run 1 \(this site\) somebody was inside/, /△ 70\.0 %/, /less than 95 % says too little/, /◆ Refused: 0\.80 points of recall lost/]],
    ['may_be_approved', [/✓ May be approved .*\(asked on this box: fewer than 5 % missed\)/, /0 of 344 true incidents missed in run 2 \(gate-road, 44 clips\), so at most 0\.97 %\./, /gate-road, 44 clips/, /for one look: p = 0\.063, may be chance/, /44 ms/]],
    ['none_run', [/Nothing was compared yet/, /No run yet/]],
  ];
  for (const [judgement, words] of JUDGED) {
    test(`the_gate_speaks_in_words_${judgement}`, async () => {
      Object.assign(box.answers, { models: MODELS.shadowing, evidence: EVIDENCE[judgement] });
      await open('models/comparison');
      for (const what of words) await shows(what);
      assert.deepEqual(complaints, []);
    });
  }

  test('what_is_refused_is_not_offered_to_be_promoted_whatever_share_is_asked_for', async () => {
    box.role = 'engineer';
    Object.assign(box.answers, { models: MODELS.approvable, evidence: EVIDENCE.refused });
    await open('models/comparison');
    await shows(/Promote… It is refused: see why above\./);
    assert.equal(await button('Promote…').isDisabled(), true);
    box.answers.evidence = () => ({ ...EVIDENCE.refused(), miss: 0.01 });
    await page.getByRole('combobox', { name: /^Asked/ }).selectOption('0.01');
    await shows(/\(asked here: fewer than 1 % missed; this box asks for fewer than 5 % missed\)/);
    assert.equal(await button('Promote…').isDisabled(), true);
  });

  test('without_a_candidate_there_is_nothing_to_compare_and_nothing_is_asked', async () => {
    await open('models/comparison');
    await shows(/Nothing to compare\. A candidate begins in the shadow/);
    assert.equal(box.read.includes('/api/models/evidence'), false);
  });

  test('a_candidate_that_was_compared_with_nothing_says_so', async () => {
    box.answers.models = MODELS.verified;
    box.refused['GET /api/models/evidence'] = { status: 404, code: 'no_candidate', message: 'no candidate was in the shadow' };
    await open('models/comparison');
    await shows(/Nothing to compare\. No candidate was in the shadow\./);
  });

  test('the_case_that_a_refusal_names_is_shown_with_both_models_boxes_and_labelled_there', async () => {
    Object.assign(box.answers, { models: MODELS.shadowing, evidence: EVIDENCE.refused });
    await open('models/comparison');
    await button('Show case 12').click();
    await shows(/Case 12: Road, Yard/);
    assert.match(page.url(), /case=12$/);
    await page.getByRole('img', { name: /Active model, solid: a box of 0\.82\. Shadow model, dashed: nothing/ }).waitFor();
    await shows(/Shadow model did not tell it/);
    await shows(/True, somebody was there Mia/);
    await button(/^Road Shadow only/).click();
    await button(/^Unsure/).click();
    await shows(/Label Unsure, cannot be told Eva/);
    assert.deepEqual(box.labels, ['case 14 unsure']);
  });

  test('a_case_by_its_address_shows_how_much_later_and_not_by_colour_alone', async () => {
    box.answers.models = MODELS.shadowing;
    await open('models/comparison?case=13');
    await shows(/0\.42 s later/);
    const look = page.getByRole('img', { name: /Picture of case 13/ });
    const dashes = await look.locator('rect:not(.under)').evaluateAll((all) => all.map((e) => getComputedStyle(e).strokeDasharray));
    assert.equal(dashes[0], 'none');
    assert.notEqual(dashes[1], 'none');
    assert.deepEqual((await look.locator('.mark').allInnerTexts()).map((t) => t.trim()), ['A 0.82', 'S 0.61']);
    await page.getByRole('link', { name: 'Incident 53' }).waitFor();
  });

  test('on_a_phone_a_case_takes_the_place_of_the_list_and_the_focus_goes_along', async () => {
    box.answers.models = MODELS.shadowing;
    await open('models/comparison', PHONE);
    await button(/^Road Active only/).click();
    await shows(/Case 12: Road, Yard/);
    await eventually('the focus is on the way back', SHOWN_WITHIN_MS, () => button('Back to the list').evaluate((e) => e === document.activeElement));
    await page.keyboard.press('Enter');
    await eventually('and where it was', SHOWN_WITHIN_MS, () => button(/^Road Active only/).evaluate((e) => e === document.activeElement));
  });

  test('examples_are_found_by_kind_and_label', async () => {
    await open('models/examples');
    await shows(/812 of 5000 pictures, 91\.0 MB of 2\.0 GB/);
    await page.getByRole('combobox', { name: /^Kind/ }).selectOption('disagreement');
    await eventually('one is left', SHOWN_WITHIN_MS, async () => (await page.getByRole('img', { name: /^Example/ }).count()) === 1);
    await page.getByRole('combobox', { name: /^Label/ }).selectOption('unlabelled');
    await shows(/None of this kind/);
  });

  test('thresholds_are_proposed_with_what_they_would_lose', async () => {
    await open('models/examples');
    await shows(/now 0\.35 proposed 0\.41 would have lost 1 of 100: 1\.0 %, at most 4\.66 % with 95 %; from 0\.52 on surely more than wished/);
    await shows(/47 more true incidents with a label/);
    await shows(/12 true incidents are labelled; 59 are needed/);
    assert.equal(await button(/apply/i).count(), 0);
  });

  test('an_engineer_takes_examples_out_and_brings_labels_in', async () => {
    box.role = 'engineer';
    await open('models/examples');
    await shows(/Export as ZIP .*ask for them in the account menu first/);
    assert.equal(await button('Export as ZIP').isDisabled(), true);
    await page.context().close();
    box.granted = true;
    await open('models/examples');
    assert.equal(await page.getByRole('link', { name: 'Export as ZIP' }).getAttribute('href'), '/api/examples/export');
    const file = { name: 'labels.json', mimeType: 'application/json', buffer: Buffer.from('{"images":[]}') };
    await page.getByLabel('Import labels…').setInputFiles(file);
    await shows(/✓ Imported\. 3 pictures have labels now, 2 of them others than before\. 1 picture of the file is not in the bank/);
    box.refused['POST /api/examples/import'] = { status: 422, code: 'bad_import', message: 'annotations[3].image_id names no picture' };
    await page.getByLabel('Import labels…').setInputFiles(file);
    await shows(/◆ Not imported\. labels\.json: annotations\[3\]\.image_id names no picture\. Nothing was changed/);
  });

  const PAGES = [
    ...Object.keys(MODELS).map((state) => ['models', state, () => { box.answers.models = MODELS[state]; }]),
    ...Object.keys(EVIDENCE).map((state) => ['models/comparison?case=13', state, () => Object.assign(box.answers, { models: MODELS.approvable, evidence: EVIDENCE[state] })]),
    ['models/queue', 'waiting', () => {}], ['models/queue', 'finished', () => { box.queue = []; }], ['models/examples', '', () => {}],
  ];
  const LOADED = /Guards now|What can be claimed|labelled, |Nothing waits|In the bank 812/;
  for (const scheme of ['light', 'dark']) {
    test(`every_text_of_every_state_can_be_read_in_the_${scheme}_scheme`, async () => {
      box.role = 'engineer';
      const poor = [];
      for (const [path, state, set] of PAGES) {
        set();
        await open(path, DESK, scheme);
        await shows(LOADED);
        poor.push(...(await tooFaint(page)).map((text) => `${path} ${state}: ${text}`));
        await page.context().close();
      }
      assert.deepEqual(poor, []);
    });
  }

  test('everything_that_can_be_used_has_a_name_and_every_page_one_first_heading', async () => {
    box.role = 'engineer';
    const nameless = [];
    for (const [path, state, set] of PAGES) {
      set();
      await open(path);
      await shows(LOADED);
      const session = await page.context().newCDPSession(page);
      const { nodes } = await session.send('Accessibility.getFullAXTree');
      for (const node of nodes) {
        if (!node.ignored && USED.includes(node.role?.value) && !node.name?.value?.trim()) nameless.push(`${path} ${state}: ${node.role.value}`);
      }
      assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1);
      await page.context().close();
    }
    assert.deepEqual(nameless, []);
  });

  test('at_four_times_the_size_nothing_has_to_be_scrolled_sideways_and_a_glove_finds_what_to_press', async () => {
    box.role = 'engineer';
    const wrong = [];
    for (const size of [ZOOMED, PHONE]) {
      for (const [path, state, set] of PAGES) {
        set();
        await open(path, size);
        await shows(LOADED);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        if (width > size.width) wrong.push(`${path} ${state} is ${width} px wide`);
        const small = await page.locator('main button, main select, main a.button, main label[for], main summary').evaluateAll((all, least) => all
          .filter((e) => e.checkVisibility() && !e.matches('h3 label'))
          .map((e) => ({ name: e.textContent.trim(), height: Math.round(e.getBoundingClientRect().height) }))
          .filter(({ height }) => height < least), TOUCH_PX_MIN);
        wrong.push(...small.map((e) => `${path} ${state}: ${e.name} ${e.height} px`));
        await page.context().close();
      }
    }
    assert.deepEqual(wrong, []);
  });
});
