// Builds the console: `node build.mjs OUT` writes the five files that the server embeds;
// `node build.mjs --tests OUT` writes the unit tests. The same input gives the same bytes.

import { build } from 'esbuild';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

const common = {
  absWorkingDir: here,
  bundle: true,
  charset: 'utf8',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
};

async function buildPage(out) {
  await mkdir(out, { recursive: true });
  await build({
    ...common,
    entryPoints: { app: 'src/main.tsx' },
    outdir: out,
    format: 'esm',
    target: ['es2022'],
    minify: true,
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  await build({
    ...common,
    entryPoints: { series: 'src/series.ts' },
    outdir: out,
    format: 'esm',
    target: ['es2022'],
    minify: true,
  });
  await build({
    ...common, entryPoints: { app: 'src/style/app.css' }, outdir: out, minify: true,
    target: ['chrome111', 'firefox113', 'safari16.4'],
  });
  await copyFile(join(here, 'src/index.html'), join(out, 'index.html'));
  await copyFile(join(here, 'src/favicon.svg'), join(out, 'favicon.svg'));
}

async function buildTests(out) {
  const tests = (await readdir(join(here, 'test'))).filter((f) => f.endsWith('_test.ts')).sort();
  await build({
    ...common,
    entryPoints: tests.map((f) => `test/${f}`),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    platform: 'node',
    target: ['node20'],
  });
}

const [first, second] = process.argv.slice(2);
if (first === '--tests' && second) await buildTests(second);
else if (first && !first.startsWith('-')) await buildPage(first);
else {
  console.error('usage: node build.mjs OUT | node build.mjs --tests OUT');
  process.exit(2);
}
