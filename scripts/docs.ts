// Writes what is generated from tables in the source. `node scripts/docs.ts --check` writes nothing and fails on a stale file.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { jsonSchema } from '../src/config/document/json-schema.ts';
import { configurationReference } from '../src/config/document/reference.ts';
import { refusalReference } from './refusals.ts';

type Document = Readonly<{ path: string; render: () => string }>;

const documents: readonly Document[] = [
  { path: 'docs/configuration.md', render: configurationReference },
  { path: 'docs/refusals.md', render: refusalReference },
  { path: 'sallyport.schema.json', render: jsonSchema },
];

const root = dirname(import.meta.dirname);

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
};

const checkOnly = process.argv.includes('--check');
const stale = documents.filter(({ path, render }) => textOf(path) !== render());

for (const { path, render } of stale) {
  if (checkOnly) console.error(`${path} is stale: run "npm run fix" and commit it.`);
  else {
    writeFileSync(join(root, path), render());
    console.log(`wrote ${path}`);
  }
}
if (checkOnly && stale.length > 0) process.exit(1);
