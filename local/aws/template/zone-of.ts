/** The zone that a stack belongs to, by its name (`journal-zone-public`, `journal-signing`); undefined for stacks that no zone owns. */
export function zoneOf(stack: string): string | undefined {
  if (stack.endsWith('-signing')) return 'signing';
  return /-zone-([a-z0-9]+)$/.exec(stack)?.[1];
}
