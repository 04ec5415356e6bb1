/**
 * A walk through the JSON Schema of an input: refuses keywords that zod would pass over in silence or take in another sense than
 * the standard, and gives back what zod takes in the standard's sense.
 */
import type { Path } from './finding.ts';
import { patternFault } from './pattern.ts';
import { checkTogether, type Survey } from './schema-joins.ts';
import {
  ANYTHING,
  DIALECT,
  FORMATS,
  isObject,
  JOINS,
  KEYWORDS,
  NOTHING,
  type Kind,
  type Schema,
  SUPPORTED,
  targetOf,
  TYPES,
  typesOf,
} from './schema-keywords.ts';
import { suggest } from './suggest.ts';

const OTHER_DEFS = { $defs: 'definitions', definitions: '$defs' } as const;

/**
 * Walks through a schema.
 *
 * @param root an object, at most as deep as a configuration
 * @param report is told of each fault; if it is told of none, the schema means what the standard says
 * @returns the schema as zod shall have it: without notes, with what the standard leaves unsaid; meaningless after a fault
 */
export function surveySchema(root: Schema, report: Survey['report']): Record<string, unknown> {
  const clean = readSchema(root, [], { root, report, parts: new Map() });
  return isObject(clean) ? clean : {};
}

function readSchema(schema: unknown, path: Path, survey: Survey): unknown {
  if (schema === true) return ANYTHING;
  if (schema === false) return path.at(-1) === 'additionalProperties' ? false : NOTHING;
  if (!isObject(schema)) return survey.report(path, 'not a schema', { got: schema, expected: 'an object, true or false' });
  const clean: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(schema)) {
    if (isUnderstood(name, value, schema, path, survey)) {
      const [kind] = KEYWORDS[name] ?? ['note'];
      if (kind !== 'note') clean[name === 'definitions' ? '$defs' : name] = readValue(kind, value, [...path, name], survey);
    }
  }
  checkTogether(schema, path, survey);
  return completed(schema, clean);
}

function isUnderstood(name: string, value: unknown, schema: Schema, parent: Path, { report }: Survey): boolean {
  const path = [...parent, name];
  const [kind, type] = (Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name] : undefined) ?? [];
  if (kind === undefined) {
    const meant = suggest(name, Object.keys(KEYWORDS));
    const hint = meant === undefined ? '' : `, did you mean "${meant}"?`;
    report(path, `this keyword is not supported${hint}`, { at: 'key', expected: meant === undefined ? SUPPORTED : undefined });
    return false;
  }
  if (name === '$schema' && (typeof value !== 'string' || !DIALECT.test(value))) {
    report(path, 'not a dialect that is supported', { got: value, expected: 'draft 2020-12 or draft-07' });
  }
  if (type !== undefined && !typesOf(schema).some((one) => one === type || (type === 'number' && one === 'integer'))) {
    report(path, 'says nothing without its type', { expected: `"type": "${type}" beside it`, at: 'key' });
  }
  if ((name === '$defs' || name === 'definitions') && (parent.length > 0 || Object.hasOwn(schema, OTHER_DEFS[name]))) {
    report(path, 'definitions stand in one place, at the root of the schema', { at: 'key' });
  }
  return true;
}

function readValue(kind: Kind, value: unknown, path: Path, survey: Survey): unknown {
  const must = (isRight: boolean, expected: string): unknown => {
    if (!isRight) survey.report(path, 'not legal here', { got: value, expected });
    return value;
  };
  switch (kind) {
    case 'schema':
      return Array.isArray(value)
        ? must(false, 'one schema; for a list of them write "prefixItems"')
        : readSchema(value, path, survey);
    case 'schemas':
      if (!Array.isArray(value) || value.length === 0) return must(false, 'a list of schemas');
      return value.map((one, index) => readSchema(one, [...path, index], survey));
    case 'patterns':
      if (isObject(value)) for (const name of Object.keys(value)) readPattern(name, [...path, name], 'key', survey);
      return readValue('map', value, path, survey);
    case 'map':
      if (!isObject(value)) return must(false, 'an object of schemas');
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, readSchema(one, [...path, name], survey)]));
    case 'ref':
      return readRef(value, path, survey);
    case 'types': {
      const types = Array.isArray(value) ? value : [value];
      return must(types.length > 0 && types.every((one) => TYPES.includes(one)), `${TYPES.join(', ')}, or a list of them`);
    }
    case 'values':
      return must(Array.isArray(value) && value.length > 0 && value.every(isScalar), 'a list of texts, numbers, booleans, null');
    case 'value':
      return must(isScalar(value), 'a text, a number, a boolean or null');
    case 'names':
      return must(Array.isArray(value) && value.every((one) => typeof one === 'string'), 'a list of names');
    case 'count':
      return must(Number.isSafeInteger(value) && Number(value) >= 0, 'a whole number from 0');
    case 'number':
      return must(typeof value === 'number' && (path.at(-1) !== 'multipleOf' || value > 0), 'a number');
    case 'flag':
      return must(typeof value === 'boolean', 'true or false');
    case 'format':
      return must(typeof value === 'string' && FORMATS.includes(value), FORMATS.join(', '));
    case 'pattern':
      return readPattern(value, path, 'value', survey);
    case 'note':
      return undefined;
    default:
      return kind satisfies never;
  }
}

function isScalar(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function readPattern(value: unknown, path: Path, at: 'key' | 'value', { report }: Survey): unknown {
  const fault = typeof value === 'string' ? patternFault(value) : 'not a text';
  if (fault !== undefined) report(path, fault, { got: value, expected: 'a regular expression that is quick on any text', at });
  return value;
}

function readRef(value: unknown, path: Path, { root, report }: Survey): unknown {
  if (typeof value === 'string' && targetOf(value, root) !== undefined) return value.replace(/^#\/definitions\//, '#/$defs/');
  const isRemote = typeof value === 'string' && !value.startsWith('#');
  report(path, isRemote ? 'a schema from elsewhere is not fetched' : 'leads nowhere', {
    got: value,
    expected: '"#" or "#/$defs/NAME"',
  });
  return value;
}

/** What the standard means and zod must be told: else it passes over `required` names without a schema, and over `minItems` without `items`. */
function completed(schema: Schema, clean: Record<string, unknown>): unknown {
  const { required, additionalProperties } = clean;
  if (Array.isArray(required)) {
    const others = isObject(additionalProperties) ? additionalProperties : ANYTHING;
    const properties = isObject(clean['properties']) ? clean['properties'] : {};
    clean['properties'] = { ...Object.fromEntries(required.map((name) => [name, others])), ...properties };
  }
  if (typesOf(clean).includes('array') && !['items', 'prefixItems'].some((name) => Object.hasOwn(clean, name))) {
    clean['items'] = ANYTHING;
  }
  const isBare = Object.keys(clean).every((name) => name === '$defs');
  const joins = JOINS.filter((name) => Object.hasOwn(schema, name));
  const isExplicit = ['type', 'enum', 'const', '$ref'].some((name) => Object.hasOwn(clean, name));
  return isBare || (joins.length > 1 && !isExplicit) ? { ...clean, ...ANYTHING } : clean;
}
