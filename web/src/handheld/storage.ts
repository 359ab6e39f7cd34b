// What this device keeps over a reload, in IndexedDB: its key, who it is, answers that wait, settings, the box's clock.
// The service worker reads the last of these (kept-clock.ts) under the same names.
// A key that WebCrypto will not give out can be kept there and nowhere else.

export const NAME = 'standclear-handheld';
export const STORE = 'kept';

type Place = 'identity' | 'answers' | 'settings' | 'clock';

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const asking = indexedDB.open(NAME, 1);
    asking.onupgradeneeded = () => asking.result.createObjectStore(STORE);
    asking.onsuccess = () => resolve(asking.result);
    asking.onerror = () => reject(asking.error ?? new Error('storage cannot be opened'));
  }).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

async function within<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  return new Promise<T>((resolve, reject) => {
    const transaction = database.transaction(STORE, mode, { durability: 'strict' });
    const asking = act(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(asking.result);
    transaction.onabort = () => reject(transaction.error ?? new Error('storage refused'));
    transaction.onerror = () => reject(transaction.error ?? new Error('storage refused'));
  });
}

export function load(place: Place): Promise<unknown> {
  return within('readonly', (store) => store.get(place) as IDBRequest<unknown>);
}

export async function keep(place: Place, value: unknown): Promise<void> {
  await within('readwrite', (store) => store.put(value, place));
}

export async function forget(place: Place): Promise<void> {
  await within('readwrite', (store) => store.delete(place));
}
