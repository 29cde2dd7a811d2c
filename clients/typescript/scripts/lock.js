// Writes package-lock.json again: `npm run lock`. It names versions and digests, and no address of anybody's.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const LOCK = new URL("../package-lock.json", import.meta.url);

const run = spawnSync("npm", ["install", "--package-lock-only"], { stdio: "inherit" });
if (run.status !== 0) {
  process.exit(run.status ?? 1);
}
const lock = JSON.parse(readFileSync(LOCK, "utf8"));
for (const entry of Object.values(lock.packages)) {
  delete entry.funding;
  delete entry.resolved;
}
writeFileSync(LOCK, `${JSON.stringify(lock, undefined, 2)}\n`);
