import { type Assembly, readAssembly } from '../../../infra/proof/assembly/read-assembly.ts';
import { synthesizedFolder } from '../synthesize.ts';

/** The cloud assembly of a declaration; see {@link synthesizedFolder}. */
export function synthesize(...system: Parameters<typeof synthesizedFolder>): Assembly {
  return readAssembly(synthesizedFolder(...system));
}

/** The assembly of the system of one client. */
export const oneClient = synthesize();
