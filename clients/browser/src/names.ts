// From the server's spelling to that of JavaScript.

/** `created_at` becomes `createdAt`; what ends with `_at` becomes a date. */
export const camel = <T>(told: object): T =>
  Object.fromEntries(
    Object.entries(told).map(([name, value]) => [
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      name.endsWith("_at") ? new Date(value) : value,
    ]),
  ) as T;
