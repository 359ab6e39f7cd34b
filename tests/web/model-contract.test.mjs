// What the stand-in (`models-box.mjs`, `model-facts.mjs`) says is what a real box says: each of its answers is held against
// the description that the program gives of its own API. And so are the answers of the real box.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { cannotRun, startBox } from './box.mjs';
import { Contract } from './contract.mjs';
import { DIGEST, EVIDENCE, MODELS, SHADOW } from './model-facts.mjs';
import { cannotShow, startModelsBox } from './models-box.mjs';

const ANSWERS_WITHIN_MS = 10_000;
const READ = [
  '/api/session', '/api/privacy', '/api/cameras/yard/zones', '/api/models', '/api/models/shadow', '/api/models/evidence', '/api/models/history', '/api/models/carried',
  '/api/models/cases?wanted=all', '/api/models/queue?limit=20', '/api/examples?wanted=all', '/api/examples/thresholds?miss=0.05&confidence=0.95',
];
/** Steps, each with its body and the status of its answer. */
const STEPS = [
  [`/api/models/${DIGEST}/shadow`, {}, 200], [`/api/models/${DIGEST}/promote`, { evidence: 'e1'.repeat(32), confirm: 'nanodet-g-416' }, 200], [`/api/models/${DIGEST}/discard`, { reason: 'x' }, 200],
  ['/api/models/rollback', { reason: 'x' }, 200], ['/api/models/review', { action: 'open', reason: 'x' }, 200], ['/api/models', {}, 201], ['/api/models/carried/a1', {}, 201], ['/api/models/fetch', { url: 'x' }, 202],
  ['/api/models/cases/14/label', { label: 'true' }, 200], ['/api/examples/31/label', { label: 'unsure' }, 200], ['/api/examples/import', {}, 200],
];

const impossible = cannotRun() ?? cannotShow();
if (impossible && process.env.CI) throw new Error(impossible);

describe('what the stand-in says', { skip: impossible ?? false }, () => {
  let real, box, document, contract;

  before(async () => {
    [real, box] = await Promise.all([startBox(), startModelsBox()]);
    document = await (await real.get('/api/openapi.json', ANSWERS_WITHIN_MS)).json();
    contract = new Contract(document);
  });
  after(async () => { await Promise.all([real?.stop(), box?.stop()]); });

  const pathOf = (asked) => asked.split('?')[0];
  const read = async (asked) => contract.wrong('GET', pathOf(asked), 200, await (await fetch(box.address + asked)).json());
  const send = (path, body) => fetch(box.address + path, { method: 'POST', headers: { 'x-standclear-csrf': 'c5rf', 'content-type': 'application/json' }, body: JSON.stringify(body) });

  test('every_answer_is_as_the_box_describes_it', async () => {
    for (const asked of READ) assert.deepEqual(await read(asked), [], asked);
  });

  for (const [what, states, asked] of [['models', MODELS, '/api/models'], ['evidence', EVIDENCE, '/api/models/evidence'], ['shadow', SHADOW, '/api/models/shadow']]) {
    test(`so_is_every_state_of_${what}`, async () => {
      for (const [state, facts] of Object.entries(states)) {
        box.answers[what] = facts;
        assert.deepEqual(await read(asked), [], state);
      }
    });
  }

  test('so_are_the_answers_to_steps', async () => {
    for (const [path, body, status] of STEPS) {
      const answer = await send(path, body);
      assert.equal(answer.status, status, path);
      // 202 says that it has begun, and nothing else.
      if (status !== 202) assert.deepEqual(contract.wrong('POST', path, status, await answer.json()), [], path);
    }
  });

  test('it_refuses_by_the_codes_of_the_box', async () => {
    for (const [role, path, body] of [['supervisor', '/api/models/cases/999/label', { label: 'true' }], ['supervisor', '/api/examples/999/label', { label: 'true' }], ['viewer', '/api/models/cases/14/label', { label: 'true' }]]) {
      box.role = role;
      const answer = await send(path, body);
      const { error: { code } } = await answer.json();
      assert.ok(contract.refuses('POST', path, answer.status, code), `${path} is refused ${answer.status} ${code}`);
    }
  });

  test('what_the_stream_says_is_a_state', async () => {
    const stop = new AbortController();
    const { body } = await fetch(`${box.address}/api/stream`, { signal: stop.signal });
    let text = '';
    for await (const part of body) {
      text += Buffer.from(part).toString('utf8');
      if (text.includes('\n\n')) break;
    }
    stop.abort();
    assert.deepEqual(contract.wrong('GET', '/api/state', 200, JSON.parse(/data: (.*)\n/.exec(text)[1])), []);
  });

  test('a_field_that_is_missing_unknown_or_of_another_kind_is_found', () => {
    const facts = MODELS.probation();
    const wrong = (change) => contract.wrong('GET', '/api/models', 200, change(structuredClone(facts)));
    assert.deepEqual(wrong((it) => it), []);
    assert.deepEqual(wrong(({ previous: _, ...it }) => it), ['GET /api/models.previous is missing'], 'also one that may be null');
    assert.deepEqual(wrong((it) => ({ ...it, ceiling: 1 })), ['GET /api/models.ceiling is unknown']);
    assert.deepEqual(wrong((it) => ({ ...it, floor: '2' })), ['GET /api/models.floor is "2", not integer']);
    assert.deepEqual(wrong((it) => { delete it.trial.golden; return it; }), ['GET /api/models.trial.golden is missing']);
    assert.match(wrong((it) => { it.models[1].roles = [7]; return it; })[0], /models\[1\]\.roles\[0\] is 7, not string/);
    assert.match(contract.wrong('GET', '/api/nothing', 200, {})[0], /described nowhere/);
  });

  test('the_real_box_keeps_to_its_description_too', async () => {
    for (const asked of READ.filter((path) => path !== '/api/models/evidence')) {
      const said = await (await real.get(asked, ANSWERS_WITHIN_MS)).json();
      assert.deepEqual(contract.wrong('GET', pathOf(asked), 200, said), [], asked);
    }
  });
});
