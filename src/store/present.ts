/** An object of which absent fields may be given as `undefined` or `null`. */
type Sparse<Value> = { readonly [Key in keyof Value]-?: Value[Key] | undefined | null };

/**
 * Leaves out what is absent, so that records of all stores compare equal and print without noise.
 *
 * @param fields every field; `undefined` and `null` stand for absent
 * @returns an object of the present ones
 */
export function present<Value extends object>(fields: Sparse<Value>): Value {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) if (value !== undefined && value !== null) kept[key] = value;
  return kept as Value;
}
