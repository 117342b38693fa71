// What Redocly's linter finds in the document, said of the parts that the
// document is made of: the document is one line, so that a column of it says
// nothing to a person.
//
// usage: lint.mjs DOCUMENT PART...
//
// The first part stands in for what is in none.  A line "FILE:LINE:COLUMN:
// what is wrong" for each problem, which ends this with 1.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const web = new URL("../../web/", import.meta.url);
const require = createRequire(web);
const { findNodeAtLocation, parseTree } = require("jsonc-parser");

const [document, ...files] = process.argv.slice(2);
const parts = files.map((file) => {
  const text = readFileSync(file, "utf8");
  return { file, text, tree: parseTree(text) };
});

const linter = spawnSync(
  fileURLToPath(new URL("node_modules/.bin/redocly", web)),
  [
    "lint",
    "--format=json",
    "--max-problems=1000",
    `--config=${fileURLToPath(new URL("redocly.yaml", web))}`,
    document,
  ],
  {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    env: {
      ...process.env,
      REDOCLY_TELEMETRY: "off",
      REDOCLY_SUPPRESS_UPDATE_NOTICE: "true",
    },
  },
);

// Names and, in arrays, numbers.
function stepsOf(pointer) {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

// As far as the pointer leads in this part.
function follow({ tree }, steps) {
  let node = tree;
  let depth = 0;

  for (const step of steps) {
    const next = findNodeAtLocation(node, [
      node.type === "array" ? Number(step) : step,
    ]);
    if (!next) {
      break;
    }
    node = next;
    depth += 1;
  }
  return { node, depth };
}

function placeOf({ pointer = "#/", reportOnKey }) {
  const steps = stepsOf(pointer);
  let best = { depth: -1 };

  for (const part of parts) {
    const found = follow(part, steps);
    if (found.depth > best.depth) {
      best = { ...found, part };
    }
  }

  const { node, part, depth } = best;
  const key = (reportOnKey || depth < steps.length) &&
    node.parent?.type === "property";
  const before = part.text.slice(0, key ? node.parent.offset : node.offset);
  const line = before.split("\n");

  return `${part.file}:${line.length}:${line.at(-1).length + 1}`;
}

let problems;
try {
  ({ problems } = JSON.parse(linter.stdout));
} catch {
  process.stderr.write(linter.stdout + linter.stderr);
  console.error(`lint: redocly has failed (${linter.error ?? linter.status}).`);
  process.exit(1);
}

for (const { location, message, ruleId } of problems) {
  const [place = {}] = location;
  console.error(
    `${placeOf(place)}: ${message} [${ruleId}] at ${place.pointer ?? "#/"}`,
  );
}
process.exit(problems.length > 0 || linter.status !== 0 ? 1 : 0);
