// What a box says of its models in each state; for pages that are shown it by `models-box.mjs`. `model-contract.test.mjs` holds it
// against what the program says of its API.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const ago = (ms) => new Date(Date.now() - ms).toISOString();
export const DIGEST = '3f9a0c51d2b84e67a1905cbe7d4463f8a2b1c0d9e8f7061524334251607f21c1';
export const OTHER = 'b7040e9966d1a2f3c4b5d6e7f80912a3b4c5d6e7f8091a2b3c4d5e6f70819203';
export const CANDIDATE = { name: 'nanodet-g-416', version: 'r2', release: 3 };

const shipped = {
  slot: 'shipped', digest: null, name: 'nanodet-g-416', version: 'r1', release: 0, roles: ['active', 'committed', 'shipped'], stage: null, installed_at: null, installed_by: null,
  signed_by: [], bytes: 1_300_000, licence: 'Apache-2.0', decoder: 'nanodet', guards_since: ago(41 * DAY_MS), damaged: null,
};
const candidate = (stage, roles = ['candidate']) => ({
  slot: `sha256-${DIGEST}`, digest: DIGEST, ...CANDIDATE, roles, stage, installed_at: ago(3 * DAY_MS), installed_by: 'Eva', signed_by: ['Ada (0123456789abcdef)'],
  bytes: 7_700_000, licence: 'Apache-2.0', decoder: 'nanodet', guards_since: null, damaged: null,
});
const previous = {
  slot: `sha256-${OTHER}`, digest: OTHER, name: 'nanodet-g-416', version: 'r1b', release: 2, roles: ['previous'], stage: null, installed_at: ago(80 * DAY_MS), installed_by: 'Jan',
  signed_by: ['Ada (0123456789abcdef)'], bytes: 7_600_000, licence: 'Apache-2.0', decoder: 'nanodet', guards_since: null, damaged: null,
};
const yes = { allowed: true, why: null };
const no = (why) => ({ allowed: false, why });

function models(rest = {}) {
  const may = {
    install: yes, shadow: no('There is no candidate.'), promote: no('There is no candidate.'), discard: no('There is no candidate.'),
    rollback: { ...no('Nothing guarded before this one.'), to: null }, ...rest.may,
  };
  return { active: { slot: 'shipped', since: ago(41 * DAY_MS), on_trial: false, passed_over: [] }, models: [shipped], floor: 0, trial: null, previous: null, rejected: [], taking: null, asks: { miss: 0.05, confidence: 0.95 }, reviews_open: 0, fault: null, ...rest, may };
}

/** Every state of the page Models, by name. */
export const MODELS = {
  first: () => models(),
  verified: () => models({ models: [shipped, candidate('verified')], floor: 2, may: { shadow: yes, promote: no('It has to be in the shadow first.'), discard: yes, install: no('There is a candidate already: discard it first.') } }),
  shadowing: () => models({
    models: [shipped, candidate('shadowing', ['candidate', 'shadow']), previous], floor: 2, previous: `sha256-${OTHER}`,
    may: { shadow: no('It is in the shadow.'), promote: no('Not enough is known: 289 more true incidents without a miss.'), discard: yes, install: no('There is a candidate already: discard it first.'), rollback: { ...yes, to: `sha256-${OTHER}` } },
    rejected: [{ digest: OTHER, reason: 'latency', text: 'its 99th percentile was 412 ms, allowed are 150 ms' }],
  }),
  approvable: () => ({ ...MODELS.shadowing(), may: { ...MODELS.shadowing().may, promote: yes } }),
  /** Somebody opened a review before it guards: nobody promotes it until that is over. */
  in_review: () => ({ ...MODELS.approvable(), reviews_open: 1, may: { ...MODELS.approvable().may, promote: no('a review of it is open; dismiss it or confirm it first') } }),
  probation: () => models({
    active: { slot: `sha256-${DIGEST}`, since: ago(5 * MINUTE_MS), on_trial: true, passed_over: [] },
    models: [{ ...shipped, roles: ['committed', 'shipped'], guards_since: null }, candidate('probation', ['active', 'candidate', 'trial'])], floor: 2,
    trial: {
      digest: DIGEST, approved_by: 'Eva', started: ago(5 * MINUTE_MS), deadline: new Date(Date.now() + 7 * DAY_MS).toISOString(), attempts_left: 2, attempts: 3,
      frames: 812, frames_min: 5000, run_s: 300, run_min_s: 86_400, p99_ms: 41, budget_ms: 150, reviews_open: 0, golden: 'not_yet',
    },
    may: { rollback: { ...yes, to: 'shipped' }, promote: no('It is on probation.'), discard: no('It guards: roll it back.'), shadow: no('It guards.'), install: no('A model is on probation.') },
  }),
  reviewed: () => ({ ...MODELS.probation(), reviews_open: 1, trial: { ...MODELS.probation().trial, reviews_open: 1, p99_ms: 171, attempts_left: 0 } }),
  committed: () => models({
    active: { slot: `sha256-${DIGEST}`, since: ago(9 * DAY_MS), on_trial: false, passed_over: [] },
    models: [{ ...shipped, roles: ['previous', 'shipped'], guards_since: null }, { ...candidate(null, ['active', 'committed']), guards_since: ago(9 * DAY_MS) }], floor: 3, previous: 'shipped',
    may: { rollback: { ...yes, to: 'shipped' } },
  }),
  taking: () => ({ ...MODELS.first(), taking: { from: 'url', name: 'nanodet-g-416-r2.standclear-model', bytes: 3_100_000, of: 7_700_000, state: 'taking' }, may: { ...MODELS.first().may, install: no('A package is being taken in.') } }),
  fault: () => ({ ...MODELS.committed(), active: { slot: 'shipped', since: ago(3 * MINUTE_MS), on_trial: false, passed_over: [{ slot: `sha256-${DIGEST}`, reason: 'model-s8.onnx is not the file that was installed' }] }, fault: { code: 'passed_over', text: 'nanodet-g-416 r2 could not be loaded: model-s8.onnx is not the file that was installed' }, models: MODELS.committed().models.map((m) => (m.digest ? { ...m, roles: ['committed'], damaged: 'model-s8.onnx has other bytes than its manifest says' } : { ...m, roles: ['active', 'shipped'] })) }),
  nothing: () => ({ ...MODELS.fault(), active: { slot: null, since: null, on_trial: false, passed_over: [] }, models: MODELS.fault().models.map((m) => ({ ...m, roles: m.roles.filter((r) => r !== 'active') })) }),
};

export const SHADOW = {
  watching: () => ({ state: 'watching', text: '', restarts: 1, coverage: { seen: 51_201, of: 51_710, percent: 99.0 }, skipped_because: null, run: 1 }),
  gave_up: () => ({ state: 'gave_up', text: 'It ended with an error on a picture five times in ten minutes.', restarts: 5, coverage: { seen: 700, of: 1_000, percent: 70 }, skipped_because: 'the box has no time left', run: 1 }),
};

const live = (rest = {}) => ({
  id: 1, source: 'live', began: ago(3 * DAY_MS), ended: null, name: 'this site', coverage: { seen: 51_201, of: 51_710, percent: 99.0 },
  tally: { both: 10, active_only: 1, shadow_only: 2, labelled: 10, to_label: 3 }, true_incidents: 10, missed: 0, at_most: 0.2815, more_needed: 55,
  mcnemar: { active_only: 0, shadow_only: 2, p: 0.5 },
  frames: { looked: 51_201, matched_boxes: 181_022, active_only_boxes: 1_922, shadow_only_boxes: 3_340, agreement: 0.9717, score_shift: -0.0118 },
  latency_ms: { active_p50: 31, active_p99: 44, shadow_p50: 33, shadow_p99: 71 }, ...rest,
});
const corpus = (rest = {}) => ({
  ...live(), id: 2, source: 'corpus', began: ago(2 * DAY_MS), ended: ago(DAY_MS), name: 'gate-road, 44 clips', coverage: { seen: 90_000, of: 90_000, percent: 100 },
  tally: { both: 344, active_only: 0, shadow_only: 5, labelled: 349, to_label: 0 }, true_incidents: 344, missed: 0, at_most: 0.00964, more_needed: 0, mcnemar: { active_only: 0, shadow_only: 5, p: 0.0625 }, ...rest,
});
const evidence = (judgement, rest) => ({
  digest: 'e1'.repeat(32), active: 'shipped', shadow: `sha256-${DIGEST}`, miss: 0.05, confidence: 0.95, judgement, reasons: [], needed: [], warnings: [], claims: [], runs: [live()], quantization: null, ...rest,
});

/** What the gate found, of `run` 1 unless told. */
const finding = (code, text, rest) => ({ code, text, run: 1, case: null, cases: [], more: null, ...rest });

/** Every judgement of the gate, in its own words. */
export const EVIDENCE = {
  not_enough: () => evidence('not_enough', {
    needed: [
      finding('labels', 'somebody has to say of 3 cases in run 1 (this site) whether somebody was inside', { case: 11, cases: [11, 13, 14], more: 3 }),
      finding('incidents', '65 true incidents without a miss are needed to claim a miss rate below 5 % with 95 % confidence; 10 are there in run 1 (this site): 55 more', { more: 55 }),
    ],
  }),
  refused: () => evidence('refused', {
    reasons: [finding('lost_incident', 'in case 12 of run 1 (this site) somebody was inside: the active model told it, the shadow model did not', { case: 12, cases: [12] })],
    runs: [live({ tally: { both: 9, active_only: 4, shadow_only: 0, labelled: 13, to_label: 0 }, true_incidents: 13, missed: 4, at_most: 0.72, more_needed: null, coverage: { seen: 700, of: 1000, percent: 70 }, mcnemar: { active_only: 4, shadow_only: 0, p: 0.125 } })],
    quantization: {
      parents: ['7c'.repeat(32)],
      outcome: 'refused', lost_points: 0.8, text: 'the INT8 model loses more than 0.5 points of recall against its FP32 parent: in Road of yard 393 of 400 pictures instead of 396 (0.80 points)',
      zones: [{ camera: 'yard', zone: 'Road', demanded: 400, parent_found: 396, quantized_found: 393, lost_points: 0.8 }],
      pictures: [{ clip: 'gate-road-07.mp4', picture: 412, camera: 'yard', zone: 'Road', how: 'lost' }],
    },
  }),
  may_be_approved: () => evidence('may_be_approved', {
    claims: [{ text: 'with 95 % confidence it misses less than 5 %: 0 of 344 true incidents missed in run 2 (gate-road, 44 clips), so at most 0.97 %', at_most: 0.00964, misses: 0, of: 344, source: 'corpus', run: 2 }],
    warnings: [finding('joins', 'in run 1 (this site) it made one incident of several 2 times: somebody who comes second is not told anew')],
    runs: [live({ true_incidents: 14, at_most: 0.2099, more_needed: 51, tally: { both: 14, active_only: 0, shadow_only: 2, labelled: 16, to_label: 0 } }), corpus()],
    quantization: { parents: ['7c'.repeat(32)], outcome: 'accepted', lost_points: 0.2, text: 'the INT8 model sees what its FP32 parent saw: in the worst zone 0.20 points of recall, and 0.5 may be lost', zones: [{ camera: 'yard', zone: 'Road', demanded: 500, parent_found: 496, quantized_found: 495, lost_points: 0.2 }], pictures: [] },
  }),
  none_run: () => evidence('not_enough', { runs: [], needed: [finding('no_run', 'nothing was compared yet: let it run in the shadow, or compare the two models on recordings', { run: null })] }),
};

const side = (boxes, rest = {}) => ({ began: ago(2 * HOUR_MS), ended: ago(2 * HOUR_MS - 21_000), score: boxes[0]?.score ?? 0.5, incident: null, clip: null, boxes, ...rest });
const AT = { left: 0.372, top: 0.33, width: 0.04, height: 0.143 };

export function cases() {
  const one = (id, rest) => ({
    id, run: 1, camera: 'yard', zone: { number: 0, name: 'Road' }, at: ago(2 * HOUR_MS + id * MINUTE_MS), told: 'both', later_by_ms: 420, label: null, labelled_by: null, labelled_at: null,
    standing: 'found', picture: `/api/models/cases/${id}/picture`, active: side([{ ...AT, score: 0.82 }], { incident: 40 + id }), shadow: side([{ ...AT, left: 0.375, top: 0.335, score: 0.61 }]), no_clip: null, ...rest,
  });
  return [
    one(14, { told: 'shadow_only', later_by_ms: null, standing: 'gained', active: null, shadow: side([{ left: 0.62, top: 0.26, width: 0.034, height: 0.125, score: 0.44 }]) }),
    one(13, {}),
    one(12, { told: 'active_only', later_by_ms: null, standing: 'lost', shadow: null, label: 'true', labelled_by: 'Mia', labelled_at: ago(HOUR_MS) }),
    one(11, { zone: null, camera: 'gone', told: 'neither', later_by_ms: null, standing: 'missed', active: null, shadow: null }),
  ];
}

export function examples() {
  const one = (id, rest) => ({
    id, occasion: 'near_miss', camera: 'yard', zone: { number: 0, name: 'Road' }, at: ago(5 * HOUR_MS + id * HOUR_MS), score: 0.31, width_px: 768, height_px: 576,
    boxes: [{ ...AT, score: 0.31, by: 'model' }], label: null, labelled_by: null, labelled_at: null, picture: `/api/examples/${id}/picture`, kept_because: 'somebody was 0.3 m from the line', ...rest,
  });
  return [
    one(31, {}), one(30, { occasion: 'low_score', score: 0.22, kept_because: 'a track of 4 s never scored 0.35' }),
    one(29, { occasion: 'disagreement', zone: null, boxes: [{ ...AT, score: 0.4, by: 'model' }, { ...AT, left: 0.38, score: 1, by: 'person' }], label: 'true', labelled_by: 'Mia', labelled_at: ago(HOUR_MS), kept_because: 'the two models differed' }),
    one(28, { occasion: 'incident', label: 'false', labelled_by: 'Eva', labelled_at: ago(HOUR_MS), kept_because: 'Eva said that nobody was there' }),
  ];
}

export const ROOM = { examples: 812, max: 5_000, bytes: 91_000_000, bytes_max: 2_000_000_000 };
export const THRESHOLDS = [
  { camera: 'yard', now: 0.35, proposed: 0.41, too_high_from: 0.52, would_lose: 1, of: 100, at_most: 0.0466, would_spare: 17, false_incidents: 41, more_needed: null, text: 'At 0.41, 1 of 100 true incidents would have been lost, and 17 of 41 false ones spared.' },
  { camera: 'gate', now: 0.35, proposed: null, too_high_from: null, would_lose: null, of: 12, at_most: null, would_spare: null, false_incidents: null, more_needed: 47, text: '12 true incidents are labelled; 59 are needed' },
];

export function history() {
  const kinds = [
    ['rolled_back', 'box', 'it failed its golden pictures'], ['switched', 'Eva', 'from shipped; 84 ms from the last decision of the old to the first of the new'], ['approved', 'Eva', 'evidence e1e1…e1e1'],
    ['shadowing', 'Eva', 'it sees what the active model sees'], ['verified', 'box', 'golden pictures found, 31 ms a picture'], ['installed', 'Eva', 'from a browser'], ['refused', 'Jan', 'old.standclear-model: release 1 is below 2'],
  ];
  return kinds.map(([kind, by, text], i) => ({ id: 70 - i, at: ago((i + 1) * 7 * HOUR_MS), kind, slot: kind === 'refused' ? null : `sha256-${DIGEST}`, release: kind === 'refused' ? null : 3, by, text }));
}

export const CARRIED = {
  folders: ['/media/stick'],
  packages: [
    { id: 'a1', file: 'nanodet-g-416-r2.standclear-model', folder: '/media/stick', bytes: 7_700_000, name: 'nanodet-g-416', version: 'r2', release: 3, digest: DIGEST, problem: null },
    { id: 'a2', file: 'found-somewhere.standclear-model', folder: '/media/stick', bytes: 901, name: null, version: null, release: null, digest: null, problem: { code: 'unsigned', text: 'manifest.sig is missing.' } },
  ],
};
