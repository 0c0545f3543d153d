import { readFileSync } from 'node:fs';

const FILE = new URL('../../../examples/document-created.json', import.meta.url);

/** An EventBridge event as `npm run send` takes it. */
export interface SampleEvent {
  source: string;
  'detail-type': string;
  detail: { organization: string; document: { masterIdentifier: { value: string } } };
}

/** The sample event of the repository: a new journal document, as FHIR R4 DocumentReference. */
export function readSample(): SampleEvent {
  return JSON.parse(readFileSync(FILE, 'utf8')) as SampleEvent;
}
