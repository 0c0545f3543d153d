import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** All pages that are written by hand or rendered, by their path from the root. */
export const pages = [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'client/README.md',
  'infra/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true })
    .map((file) => join('docs', String(file)))
    .filter((file) => file.endsWith('.md')),
].map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }));
