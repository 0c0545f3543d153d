import type { Read } from './answers.ts';
import compared from './compared.json' with { type: 'json' };
import { NETWORK } from './read-network.ts';
import { OTHERS } from './read-others.ts';

/** How a type of resource is read, and what of it is compared. */
export interface Form {
  read: Read;
  /** What it means where it is not as it was deployed. */
  means: string;
  /** Members that must be there only where the template has them: whatever else would let somebody in or something out. */
  also?: readonly string[];
  /**
   * Properties that decide nothing that was proved, or that AWS does not tell. The bundle (`Code`) is compared by its key in the template
   * that was deployed; a policy's name and path are in its ARN.
   */
  unread?: readonly string[];
}

const READERS: Readonly<Record<keyof typeof compared, Read>> = { ...NETWORK, ...OTHERS };

/** How each type of resource is read, and compared: `compared.json`. */
export const FORMS: Readonly<Record<string, Form>> = Object.fromEntries(
  Object.entries<Omit<Form, 'read'>>(compared).map(([type, of]) => [
    ...[type, { ...of, read: READERS[type as keyof typeof compared] }],
  ]),
);
