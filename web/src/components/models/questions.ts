// What is asked before a step of a model is taken.

import type { ModelRow } from '../../lib/models';

/** `row` is the model that it is about. */
export interface ModelQuestion { do: 'shadow' | 'promote' | 'rollback' | 'discard' | 'open' | 'dismiss' | 'confirm'; row: ModelRow | null }
