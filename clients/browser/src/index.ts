// The package's main entry: what an app needs, and nothing that it could do without.
export { createClient } from "./client.js";
export type { Clock } from "./clock.js";
export { type Ended, type ErrorCode, type FieldFault, RelatchError } from "./error.js";
export { memoryStorage, type Storage, type StoredRecord } from "./store.js";
export type { Means } from "./tabs.js";
export type { Client, ClientOptions, Credentials, Device, Registration, State, User } from "./types.js";
