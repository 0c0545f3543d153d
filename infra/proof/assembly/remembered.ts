/** `compute`, called once, and only if it is needed. */
export function remembered<Value>(compute: () => Value): () => Value {
  let known: { value: Value } | undefined;
  return () => {
    known ??= { value: compute() };
    return known.value;
  };
}

/** What is computed once for an object and a text, and known as long as the object lives. */
export function memory<Of extends object, Value>(): (of: Of, id: string, compute: () => Value) => Value {
  const known = new WeakMap<Of, Map<string, Value>>();
  return (of, id, compute) => {
    const values = known.get(of) ?? new Map<string, Value>();
    known.set(of, values);
    const value = values.get(id) ?? compute();
    values.set(id, value);
    return value;
  };
}
