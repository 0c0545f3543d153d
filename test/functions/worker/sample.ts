import { readFileSync } from 'node:fs';

/** The sample event as it arrives: what `npm run send` fills in is there. */
export const SAMPLE_TEXT = readFileSync(
  new URL('../../../examples/document-created.json', import.meta.url),
  'utf8',
)
  .replaceAll('{{organization}}', '999977774')
  .replaceAll('{{uuid}}', '0c3d7c1e-52a4-4f6e-9a53-7d1f0b6f2a10');
