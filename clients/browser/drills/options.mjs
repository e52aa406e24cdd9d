// What the drills are told, and how they tell what came of it.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

/** Reads `--name VALUE` for each of `known`, which gives the defaults: numbers. `--json FILE` is always there. */
export function options(purpose, known) {
  const flags = Object.fromEntries(Object.keys(known).map((name) => [name, { type: "string" }]));
  const { values } = parseArgs({
    options: { ...flags, json: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help) {
    const defaults = Object.entries(known).map(([name, value]) => `  --${name} ${value}`);
    console.log([purpose, ...defaults, "  --json FILE"].join("\n"));
    process.exit(0);
  }
  const numbers = Object.entries(known).map(([name, value]) => [name, Number(values[name] ?? value)]);
  for (const [name, number] of numbers) {
    if (!(number > 0)) throw new Error(`--${name} takes a number above 0`);
  }
  return { ...Object.fromEntries(numbers), json: values.json };
}

/** Prints each result, and ends with 1 if one of them is not as it should be. */
export function report(results, json) {
  for (const { name, passed, ...rest } of results) {
    console.log(`${passed ? "passed" : "FAILED"}  ${name}: ${JSON.stringify(rest)}`);
  }
  if (json) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
  if (!results.every(({ passed }) => passed)) process.exitCode = 1;
}
