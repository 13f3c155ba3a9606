// Bundles src/ into dist/, which is committed: running the playground needs no Node.
//   node build.mjs           write dist/
//   node build.mjs --check   compare dist/ with what would be written; status 1 when they differ
//   node build.mjs --watch   write again whenever a source changes

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");

const options = {
  absWorkingDir: here,
  entryPoints: ["src/main.tsx"],
  bundle: true,
  outdir: "dist",
  format: "esm",
  target: ["es2022", "chrome123", "firefox121", "safari17.5"],
  minify: true,
  charset: "utf8",
  legalComments: "inline",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "info",
};
const copied = ["index.html", "icon.svg"];

async function copies() {
  return Promise.all(copied.map(async (name) => [join(dist, name), await readFile(join(here, "src", name))]));
}

async function writeCopies() {
  await mkdir(dist, { recursive: true });
  for (const [path, contents] of await copies()) await writeFile(path, contents);
}

async function check() {
  const built = await build({ ...options, write: false, logLevel: "warning" });
  const expected = [...built.outputFiles.map((file) => [file.path, Buffer.from(file.contents)]), ...(await copies())];
  const stale = [];
  for (const [path, contents] of expected) {
    const present = await readFile(path).catch(() => null);
    if (!present?.equals(contents)) stale.push(path);
  }
  if (!stale.length) return;
  console.error(`Not built from the present sources: ${stale.join(", ")}. Run \`npm run build\` in ${here}.`);
  process.exitCode = 1;
}

if (process.argv.includes("--check")) {
  await check();
} else if (process.argv.includes("--watch")) {
  await writeCopies();
  await (await context(options)).watch();
} else {
  await build(options);
  await writeCopies();
}
