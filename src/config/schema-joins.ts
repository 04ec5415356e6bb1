/** Keywords of a JSON Schema that change each other's sense. */
import { type FindingDetails, type Path, show } from './finding.ts';
import { isObject, JOINS, KEYWORDS, type Schema, targetOf, typesOf } from './schema-keywords.ts';

/** One walk through a schema. */
export interface Survey {
  readonly root: Schema;
  /** The schemas that speak of the same value as one, without those that they reach in turn; asked for often. */
  readonly parts: Map<Schema, readonly Schema[]>;
  /** Is told of each fault; the path is that within the schema. */
  readonly report: (path: Path, wrong: string, details?: FindingDetails) => void;
}

/**
 * Reports keywords beside each other of which zod would drop one, or which it would take more lightly than the standard.
 *
 * @param schema one of the walk
 * @param path where it stands
 * @param survey the walk
 */
export function checkTogether(schema: Schema, path: Path, survey: Survey): void {
  const { report } = survey;
  const has = (name: string): boolean => Object.hasOwn(schema, name);
  const refuse = (name: string, wrong: string, expected: string): void => report([...path, name], wrong, { at: 'key', expected });
  const speaking = Object.keys(schema).filter(
    (name) => !['note', 'map'].includes(KEYWORDS[name]?.[0] ?? 'note') || name === 'properties',
  );
  const fixed = ['$ref', 'const', 'enum'].find(has);
  for (const name of fixed === undefined ? [] : speaking) {
    const mayStand = name === fixed || (fixed !== '$ref' && (name === 'type' || JOINS.includes(name)));
    if (!mayStand) refuse(name, `would be passed over beside "${fixed}"`, `"allOf": [{"${fixed}": …}, …]`);
  }
  const types = typesOf(schema);
  const values = has('const') ? [schema['const']] : Array.isArray(schema['enum']) ? schema['enum'] : [];
  const stray = types.length === 0 ? undefined : values.find((value) => !types.some((type) => isOfType(value, type)));
  if (stray !== undefined)
    refuse(has('const') ? 'const' : 'enum', `${show(stray)} is not of the type beside it`, 'values of that type');
  if (has('patternProperties') && isObject(schema['additionalProperties'])) {
    refuse('additionalProperties', 'a schema would be passed over beside "patternProperties"', 'true or false');
  }
  const { required, properties, additionalProperties, patternProperties } = schema;
  const unknown = Array.isArray(required)
    ? required.find((name) => !isObject(properties) || !Object.hasOwn(properties, name))
    : undefined;
  if (unknown !== undefined && additionalProperties === false && patternProperties === undefined) {
    refuse(
      'required',
      `${show(unknown)} is required, and not among the properties, so nothing could come`,
      'one of the properties',
    );
  }
  checkReached(schema, path, survey);
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  return type === (value === null ? 'null' : typeof value);
}

function checkReached(schema: Schema, path: Path, survey: Survey): void {
  const { report } = survey;
  const joins = JOINS.filter((name) => Object.hasOwn(schema, name));
  const isJoined = joins.includes('allOf') || joins.length > 1 || (joins.length > 0 && typesOf(schema).length > 0);
  const ref = schema['$ref'];
  if (!isJoined && ref === undefined) return;
  const reached = reachedFrom(schema, survey);
  const at = joins[0] ?? '$ref';
  if (reached.has(schema)) report([...path, at], 'refers to itself without end', { got: ref });
  const isClosed = (one: Schema): boolean => one['additionalProperties'] === false || Object.hasOwn(one, 'propertyNames');
  if (isJoined && (isClosed(schema) || [...reached].some(isClosed))) {
    const wrong = `"additionalProperties": false and "propertyNames" would be passed over where "${at}" joins schemas`;
    report([...path, at], wrong, { at: 'key', expected: 'all properties in one schema' });
  }
}

/** The schemas that speak of the same value: itself only if it comes back to itself. */
function reachedFrom(schema: Schema, survey: Survey): Set<Schema> {
  const reached = new Set<Schema>();
  const waiting: Schema[] = [schema];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    for (const part of partsOf(one, survey)) {
      if (reached.has(part)) continue;
      reached.add(part);
      waiting.push(part);
    }
  }
  return reached;
}

function partsOf(schema: Schema, { root, parts }: Survey): readonly Schema[] {
  let found = parts.get(schema);
  if (found === undefined) {
    const ref = schema['$ref'];
    const joined = [...JOINS.map((name) => schema[name]).flat(), typeof ref === 'string' ? targetOf(ref, root) : undefined];
    parts.set(schema, (found = joined.filter(isObject)));
  }
  return found;
}
