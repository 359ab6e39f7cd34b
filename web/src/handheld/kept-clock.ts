// The box's clock as the page kept it (clock.ts, storage.ts), for the service worker, which hears no socket.
// The worker is one file, so this shares no code with the page: the names are those of storage.ts, and a test holds them
// together. Makes no database: where the page kept nothing there is nothing to read.

export const NAME = 'standclear-handheld';
export const STORE = 'kept';
export const PLACE = 'clock';

/** A storage that hangs must not hold up an alarm. */
const READ_MS_MAX = 500;

/** Null when nothing was kept, or it cannot be read in time: an alarm is shown all the same. */
export function keptClock(): Promise<unknown> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(null), READ_MS_MAX);
    const opening = indexedDB.open(NAME);
    // There is none: an empty one would keep the page from making its own.
    opening.onupgradeneeded = () => opening.transaction?.abort();
    opening.onerror = () => resolve(null);
    opening.onblocked = () => resolve(null);
    opening.onsuccess = () => {
      const database = opening.result;
      try {
        const asking = database.transaction(STORE, 'readonly').objectStore(STORE).get(PLACE) as IDBRequest<unknown>;
        asking.onsuccess = () => resolve(asking.result);
        asking.onerror = () => resolve(null);
      } catch {
        resolve(null);
      } finally {
        // Waits for what was asked.
        database.close();
      }
    };
  });
}
