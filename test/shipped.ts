import { OWN_FUNCTIONS } from '../infra/declaration/fields.ts';

/** Folders below functions/ that are the product's and the example's: what a clone has of its own beside them is no test's business. */
export const SHIPPED: readonly string[] = [
  ...OWN_FUNCTIONS,
  'common',
  'login-common',
  'api',
  'worker',
  'summary',
  'report',
];
