// What outlives a page: the key, and in body mode the refresh token. One record an issuer, changed in transactions,
// so that tabs can compare and set.
import type { Clock } from "./clock.js";

/** What one browser keeps about its session with one issuer. Opaque to whoever implements {@link Storage}. */
export interface StoredRecord {
  /** The session that it belongs to; `""` while a login is under way; absent when there is none. */
  sid?: string | undefined;
  /** The key that the session is bound to; the private half can't be exported. */
  key?: CryptoKeyPair | undefined;
  /** Body mode: the refresh token. */
  token?: string | undefined;
  /** Body mode: what lets this device try passwords when strangers may not. */
  device?: string | undefined;
  /** Which refresh was the last one, so that a tab sees that another one has done its work. */
  turn?: string | undefined;
  /** The user logged out, and the server doesn't know yet. */
  leaving?: boolean | undefined;
}

/**
 * A place that outlives a page. The default is IndexedDB.
 *
 * The one method is a transaction: no other tab may come between the reading and the writing.
 */
export interface Storage {
  /**
   * Replaces the record, `{}` at first, by what `change` makes of it, and gives that. When `change` gives back the
   * very object that it got, nothing is written. Resolves when the new record is durable.
   *
   * `change` is synchronous and may be called more than once.
   */
  change(change: (old: StoredRecord) => StoredRecord): Promise<StoredRecord>;
  /** Whether the record outlives the page; asked after the first change. */
  durable(): boolean;
}

/** A place that ends with the page: for tests, and where there is no other. */
export function memoryStorage(): Storage {
  let record: StoredRecord = {};
  return {
    change: async (change) => {
      record = change(record);
      return record;
    },
    durable: () => false,
  };
}

const STORE = "sessions";
/** Some browsers never answer `open` at all in states that they should refuse. */
const PATIENCE = 3000;

/** IndexedDB, or memory where the browser gives none: private modes, blocked site data, a server that renders. */
export function browserStorage(name: string, clock: Clock): Storage {
  const memory = memoryStorage();
  let there: boolean | undefined;

  async function open(): Promise<IDBDatabase | undefined> {
    const waiting = new AbortController();
    const late = clock.sleep(PATIENCE, waiting.signal) as Promise<undefined>;
    const database = await Promise.race([openDatabase().catch(() => undefined), late]);
    waiting.abort();
    // What was there and is away for once must not be forgotten.
    if (there && !database) throw new Error("IndexedDB is away.");
    there = !!database;
    return database;
  }

  return {
    async change(change) {
      // A connection for each change: one that is kept is in the way of whoever clears the site's data.
      const database = there === false ? undefined : await open();
      if (!database) return memory.change(change);
      return transact(database, name, change).finally(() => database.close());
    },
    durable: () => there !== false,
  };
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("relatch", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => resolve(request.result);
  });
}

function transact(database: IDBDatabase, name: string, change: Parameters<Storage["change"]>[0]) {
  return new Promise<StoredRecord>((resolve, reject) => {
    const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
    const store = transaction.objectStore(STORE);
    const reading = store.get(name);
    let next: StoredRecord;
    reading.onsuccess = () => {
      try {
        const old = reading.result ?? {};
        next = change(old);
        if (next !== old) store.put(next, name);
      } catch (error) {
        reject(error);
        transaction.abort();
      }
    };
    transaction.oncomplete = () => resolve(next);
    transaction.onabort = () => reject(transaction.error);
  });
}
