import { join } from 'node:path';
import { type Document, memoryDocument, openDocument } from '../aws/state.ts';

/** The document `name` in `dir`, or one in memory where there is no folder. */
export function openState<T>(dir: string | undefined, name: string, initial: T): Document<T> {
  return dir ? openDocument(join(dir, name), initial) : memoryDocument(initial);
}
