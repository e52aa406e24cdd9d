// What this device is called in the list of devices.

const BROWSERS: [RegExp, string][] = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox|FxiOS/, "Firefox"],
  [/Chrom(e|ium)|CriOS/, "Chrome"],
  [/Safari/, "Safari"],
];

const SYSTEMS: [RegExp, string][] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Mac OS X/, "Mac"],
  [/Windows/, "Windows"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** A name like “Firefox on Windows”. */
export function device(agent = navigator.userAgent): string {
  const known = (table: [RegExp, string][]): string | undefined =>
    table.find(([pattern]) => pattern.test(agent))?.[1];
  return `${known(BROWSERS) ?? "A browser"} on ${known(SYSTEMS) ?? "an unknown system"}`;
}

/** Whether one carries it in a pocket. */
export function isPhone(name: string): boolean {
  return /iPhone|Android|phone/i.test(name);
}
