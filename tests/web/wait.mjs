// Waiting for a state, never for a time: every wait asks again until the state is there, is bounded,
// and when it gives up says what it waited for and what it saw last.

const ASK_AGAIN_MS = 20;

/** Resolves with the first value of `ask` that is neither null, undefined nor false; errors count as "not yet". */
export async function eventually(what, within_ms, ask) {
  const began = performance.now();
  let last;
  for (;;) {
    try {
      last = await ask();
      if (last !== null && last !== undefined && last !== false) return last;
    } catch (error) {
      last = error;
    }
    if (performance.now() - began > within_ms) break;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
  const seen = last instanceof Error ? last.message : JSON.stringify(last);
  throw new Error(`waited ${within_ms} ms for: ${what}; last seen: ${seen}`);
}
