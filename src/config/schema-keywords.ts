/** The keywords of a JSON Schema that the inputs of jobs know, and what stands after each. */

/** A JSON Schema that is no boolean. */
export type Schema = Readonly<Record<string, unknown>>;
/** What stands after a keyword. */
export type Kind =
  | ('note' | 'ref' | 'types' | 'values' | 'value' | 'schema' | 'schemas' | 'map' | 'patterns')
  | ('count' | 'number' | 'flag' | 'names' | 'pattern' | 'format');
/** A keyword: what stands after it, and of which type it speaks. */
export type Keyword = readonly [kind: Kind, type?: string];

/** What `type` may name. */
export const TYPES: readonly string[] = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];
/** What `format` may name; others would check nothing. */
export const FORMATS: readonly string[] = [
  'email',
  'uri',
  'uuid',
  'date-time',
  'date',
  'time',
  'duration',
  'hostname',
  'ipv4',
  'ipv6',
  'base64url',
];
/** What `$schema` may name. */
export const DIALECT: RegExp = /^https?:\/\/json-schema\.org\/(draft\/2020-12|draft-07)\/schema#?$/;
/** Written out, since to zod a schema without type is also content with nothing at all. */
export const ANYTHING: Schema = { type: ['object', 'array', 'string', 'number', 'boolean', 'null'] };

/** To zod a `false` among the definitions is none. */
export const NOTHING: Schema = { not: {} };

/** All that is understood; the second word is the `type` that a keyword speaks of. */
export const KEYWORDS: Readonly<Record<string, Keyword>> = {
  ...Object.fromEntries(
    ['$id', '$comment', 'title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly'].map(
      (name): [string, Keyword] => [name, ['note']],
    ),
  ),
  $schema: ['note'],
  $defs: ['map'],
  definitions: ['map'],
  $ref: ['ref'],
  type: ['types'],
  enum: ['values'],
  const: ['value'],
  allOf: ['schemas'],
  anyOf: ['schemas'],
  oneOf: ['schemas'],
  properties: ['map', 'object'],
  patternProperties: ['patterns', 'object'],
  additionalProperties: ['schema', 'object'],
  propertyNames: ['schema', 'object'],
  required: ['names', 'object'],
  minProperties: ['count', 'object'],
  maxProperties: ['count', 'object'],
  items: ['schema', 'array'],
  prefixItems: ['schemas', 'array'],
  contains: ['schema', 'array'],
  minContains: ['count', 'array'],
  maxContains: ['count', 'array'],
  minItems: ['count', 'array'],
  maxItems: ['count', 'array'],
  uniqueItems: ['flag', 'array'],
  minLength: ['count', 'string'],
  maxLength: ['count', 'string'],
  pattern: ['pattern', 'string'],
  format: ['format', 'string'],
  minimum: ['number', 'number'],
  maximum: ['number', 'number'],
  exclusiveMinimum: ['number', 'number'],
  exclusiveMaximum: ['number', 'number'],
  multipleOf: ['number', 'number'],
};
/** All of them but notes, for people. */
export const SUPPORTED: string = Object.keys(KEYWORDS)
  .filter((name) => KEYWORDS[name]?.[0] !== 'note')
  .join(', ');
/** Whose schemas speak of the value itself, and not of its parts. */
export const JOINS: readonly string[] = ['allOf', 'anyOf', 'oneOf'];

/**
 * @param value any value
 * @returns whether it is an object and no list
 */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @param schema a schema
 * @returns what its `type` names
 */
export function typesOf(schema: Schema): readonly unknown[] {
  const { type } = schema;
  return Array.isArray(type) ? type : type === undefined ? [] : [type];
}

/**
 * @param ref a reference
 * @param root the whole schema
 * @returns what it means; `undefined` if it leads nowhere, or out of the schema
 */
export function targetOf(ref: string, root: Schema): unknown {
  if (ref === '#') return root;
  const [, defs = '', name = ''] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(ref) ?? [];
  const all = root[defs];
  const key = name.replaceAll('~1', '/').replaceAll('~0', '~');
  return isObject(all) && Object.hasOwn(all, key) ? all[key] : undefined;
}
