/** What a hand, a construct or a parameter may do to the value of a property; undefined takes it away. */
export const CHANGES: Readonly<Record<string, (value: unknown) => unknown>> = {
  removed: () => undefined,
  'another value': another,
  'decided at deploy': (value) => ({ 'Fn::If': ['Maybe', value, { Ref: 'AWS::NoValue' }] }),
  'with a member more': (value) =>
    Array.isArray(value)
      ? [...value, { More: 1 }]
      : typeof value === 'object'
        ? { ...value, More: 1 }
        : [value, 'more'],
};

/** Of its type where that is a scalar; of a list or an object, with another first part. */
function another(value: unknown): unknown {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value * 100 + 1;
  if (Array.isArray(value)) return value.map((item, index) => (index === 0 ? another(item) : item));
  const [[name, member] = [], ...others] = Object.entries(Object(value));
  const isIntrinsic = others.length === 0 && (name === 'Ref' || name?.startsWith('Fn::'));
  if (typeof value !== 'object' || name === undefined || isIntrinsic) return 'another';
  return { ...value, [name]: another(member) };
}

/** The properties with one of them changed. */
export function changed(
  properties: Readonly<Record<string, unknown>>,
  property: string,
  change: (value: unknown) => unknown,
): Record<string, unknown> {
  const { [property]: before, ...others } = properties;
  const value = change(before);
  return value === undefined ? others : { ...others, [property]: value };
}
