import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { checkInput } from '../../src/config/input-schema.ts';
import type { Job } from '../../src/core/job.ts';
import { problemsOf, setup } from './setup.ts';

const bench = setup();
afterAll(() => bench[Symbol.dispose]());

const textOf = (inputSchema: unknown): string => JSON.stringify({ jobs: { a: { task: { shell: 'true' }, inputSchema } } });

function jobWith(inputSchema: unknown): Job {
  const [job] = bench.parse(textOf(inputSchema)).jobs;
  if (job === undefined) throw new Error('no job');
  return job;
}

const faultsOf = (schema: unknown): string[] =>
  problemsOf(() => bench.parse(textOf(schema))).map(
    ({ path, message }) => `${path.replace('jobs.a.inputSchema', '')} ${message}`,
  );

/** The words of a refusal, `ok` if there is none. */
const judge = (schema: unknown, input: unknown): string => checkInput(jobWith(schema), input) ?? 'ok';

const PERSON = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'a person',
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 2, maxLength: 5, pattern: '^[a-z]+$' },
    count: { type: 'integer', minimum: 0, exclusiveMaximum: 10, default: 1 },
    kind: { enum: ['full', 'quick'] },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 2, uniqueItems: true },
    'odd key': { type: ['number', 'null'], multipleOf: 0.5 },
    at: { type: 'string', format: 'date-time' },
  },
  required: ['name', 'count'],
  additionalProperties: false,
};

describe('an input is refused in one line with its place', () => {
  test.each([
    [{ name: 'ada', count: 1, kind: 'quick', tags: ['a', 'b'], 'odd key': null, at: '2030-01-31T09:00:00Z' }, 'ok'],
    [{ name: 'ada', count: 'x' }, 'input.count: expected number, got "x"'],
    [{ name: 'ada', count: 1.5 }, 'input.count: expected integer, got 1.5'],
    [{ name: 'ada', count: 10 }, 'input.count: expected less than 10, got 10'],
    [{ name: 'ada', count: -1 }, 'input.count: expected at least 0, got -1'],
    [{ name: 'ada' }, 'input.count: missing'],
    [{ name: 'a', count: 1 }, 'input.name: expected at least 2 characters, got "a"'],
    [{ name: 'adaada', count: 1 }, 'input.name: expected at most 5 characters, got "adaada"'],
    [{ name: 'ADA', count: 1 }, 'input.name: expected what fits /^[a-z]+$/, got "ADA"'],
    [{ name: 'ada', count: 1, kind: 'qick' }, 'input.kind: expected "full" or "quick", got "qick"'],
    [{ name: 'ada', count: 1, tags: ['a', 1] }, 'input.tags[1]: expected string, got 1'],
    [{ name: 'ada', count: 1, tags: ['a', 'b', 'c'] }, 'input.tags: expected at most 2 items, got a list'],
    [
      { name: 'ada', count: 1, tags: ['a', 'a'] },
      'input.tags[1]: Array items must be unique: element at index 1 duplicates the one at index 0',
    ],
    [{ name: 'ada', count: 1, 'odd key': 0.3 }, 'input["odd key"]: expected a multiple of 0.5, got 0.3'],
    [
      { name: 'ada', count: 1, 'odd key': true },
      'input["odd key"]: fits none, or more than one, of the kinds that may come, got true',
    ],
    [{ name: 'ada', count: 1, at: 'noon' }, 'input.at: expected datetime, got "noon"'],
    [{ name: 'ada', count: 1, more: 1, most: 2 }, 'input: unknown key "more"'],
    [{ name: 1, count: 'x' }, 'input.name: expected string, got 1 (and 1 more)'],
    [[], 'input: expected object, got an empty list'],
    [null, 'input: expected object, got null'],
  ])('%j', (input, words) => {
    expect(judge(PERSON, input)).toBe(words);
  });

  test('that holds no line break and nothing that acts on a terminal, whatever came', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (input) => {
        for (const schema of [PERSON, { type: 'object', additionalProperties: { type: 'boolean' } }]) {
          const words = judge(schema, input);
          expect(words).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
          expect(words.length).toBeLessThan(1_000);
        }
      }),
      { numRuns: 50 },
    );
  });
});

test('a job without a schema takes any input, and one with a schema takes none', () => {
  const [job] = bench.parse('{"jobs": {"a": {"task": {"shell": "true"}}}}').jobs;
  expect(checkInput(job as Job, { any: ['thing'] })).toBeUndefined();
  expect(checkInput(jobWith(PERSON), undefined)).toBeUndefined();
});

test('the input stays as it came: no default is put in', () => {
  const input = { name: 'ada', count: 1 };
  checkInput(jobWith({ ...PERSON, properties: { ...PERSON.properties, x: { default: 5 } } }), input);
  expect(input).toEqual({ name: 'ada', count: 1 });
});

test('__proto__ is refused at any depth, although no schema can forbid it', () => {
  expect(judge({ type: 'object' }, JSON.parse('{"a": [{"__proto__": 1}]}'))).toBe(
    'input: the key "__proto__" is not allowed anywhere',
  );
});

test('an input of any depth is refused and does no harm', () => {
  const tree = { type: 'array', items: { $ref: '#' } };
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
  expect(judge(tree, nested(60))).toBe('ok');
  expect(judge(tree, nested(65))).toMatch(/nested too deeply/);
  expect(judge({}, nested(5_000))).toMatch(/nested too deeply/);
});

/** Where zod alone would let something pass that the standard refuses. */
describe('what the standard says holds', () => {
  test.each([
    ['a required key without a schema of its own', { type: 'object', required: ['a'] }, {}],
    ['a required key that may be anything', { type: 'object', properties: { a: {} }, required: ['a'] }, {}],
    ['a required key with a default', { type: 'object', properties: { a: { type: 'number', default: 1 } }, required: ['a'] }, {}],
    ['a required key of all the others', { type: 'object', required: ['a'], additionalProperties: { type: 'string' } }, { a: 1 }],
    ['a length of a list of anything', { type: 'array', minItems: 2 }, [1]],
    ['anyOf beside oneOf', { anyOf: [{ type: 'string' }], oneOf: [{ type: 'number' }] }, 1],
    ['allOf beside anyOf', { allOf: [{ type: 'string' }], anyOf: [{ type: 'number' }] }, 'a'],
    ['false among the definitions', { $ref: '#/$defs/never', $defs: { never: false } }, 1],
    ['definitions of draft-07', { $ref: '#/definitions/n', definitions: { n: { type: 'number' } } }, 'a'],
    ['a key that fits no pattern', { type: 'object', patternProperties: { '^x': {} }, additionalProperties: false }, { y: 1 }],
    ['a name of a key', { type: 'object', propertyNames: { maxLength: 1, type: 'string' } }, { ab: 1 }],
  ])('%s', (_, schema, input) => {
    expect(judge(schema, input)).not.toBe('ok');
  });
});

describe('a schema is refused that would promise more than is checked', () => {
  test.each([
    [{ minimum: 1 }, '.minimum says nothing without its type (expected "type": "number" beside it)'],
    [{ type: 'string', required: ['a'] }, '.required says nothing without its type (expected "type": "object" beside it)'],
    [{ type: 'object', properties: { a: { not: { const: 1 } } } }, '.properties.a.not this keyword is not supported'],
    [{ type: 'strnig' }, '.type not legal here (got "strnig"; expected object, array,'],
    [{ type: 'string', format: 'postcode' }, '.format not legal here (got "postcode"; expected email,'],
    [{ type: 'string', minLength: -1 }, '.minLength not legal here (got -1; expected a whole number from 0)'],
    [{ type: 'number', multipleOf: 0 }, '.multipleOf not legal here (got 0'],
    [{ enum: [{ a: 1 }] }, '.enum not legal here (got a list; expected a list of texts'],
    [{ type: 'string', const: 1 }, '.const 1 is not of the type beside it'],
    [{ const: 1, minimum: 0, type: 'number' }, '.minimum would be passed over beside "const"'],
    [{ $ref: '#/$defs/a', type: 'string', $defs: { a: {} } }, '.type would be passed over beside "$ref"'],
    [{ $ref: 'https://example.org/schema.json' }, '.$ref a schema from elsewhere is not fetched (got "https://example.org'],
    [{ $ref: '#/$defs/nope' }, '.$ref leads nowhere (got "#/$defs/nope"'],
    [{ $ref: '#/$defs/toString', $defs: {} }, '.$ref leads nowhere'],
    [{ $ref: '#' }, '.$ref refers to itself without end'],
    [{ anyOf: [{ type: 'string' }, { $ref: '#' }] }, '.anyOf'],
    [{ $schema: 'http://json-schema.org/draft-04/schema#' }, '.$schema not a dialect that is supported'],
    [{ type: 'object', properties: { a: { $defs: {} } } }, '.properties.a.$defs definitions stand in one place'],
    [
      { type: 'array', items: [{}] },
      '.items not legal here (got a list; expected one schema; for a list of them write "prefixItems")',
    ],
    [{ type: 'object', properties: { a: 1 } }, '.properties.a not a schema (got 1; expected an object, true or false)'],
    [
      { type: 'object', patternProperties: { a: {} }, additionalProperties: {} },
      '.additionalProperties a schema would be passed over',
    ],
    [{ type: 'object', required: ['a'], additionalProperties: false }, '.required "a" is required, and not among the properties'],
    [
      { allOf: [{ type: 'object', additionalProperties: false }, { type: 'object' }] },
      '.allOf "additionalProperties": false and',
    ],
    [{ type: 'string', pattern: '[' }, '.pattern not a pattern (got "["'],
    [{ type: 'object', patternProperties: { '(': {} } }, '.patternProperties["("] not a pattern'],
    [{ description: 'x'.repeat(65_536) }, ' this schema is too large (expected at most 64 KiB)'],
  ])('%j', (schema, words) => {
    expect(faultsOf(schema)[0]?.slice(0, words.length)).toBe(words);
  });

  test('with all its faults at once, each in its place', () => {
    const schema = { type: 'object', properties: { a: { typ: 'string' }, b: { type: 'number', pattern: 'x' } }, requird: ['a'] };
    expect(faultsOf(schema)).toEqual([
      '.properties.a.typ this keyword is not supported, did you mean "type"?',
      '.properties.b.pattern says nothing without its type (expected "type": "string" beside it)',
      '.requird this keyword is not supported, did you mean "required"?',
    ]);
  });
});

describe('a pattern that can take ages', () => {
  test.each(['(a+)+$', '^(a|a)*$', '^(\\w+\\s?)*$', '(x+x+)+y', '^(?:[a-z0-9]+-?)*$', '(\\u4e00+)+x$'])(
    'is refused: %s',
    (pattern) => {
      expect(faultsOf({ type: 'string', pattern })).toEqual([expect.stringMatching(/^\.pattern this pattern can take ages/)]);
    },
  );

  test.each([
    '^[a-z0-9-]{1,63}$',
    '^\\d{4}-\\d{2}-\\d{2}$',
    '^[\\w.+-]+@[\\w-]+\\.[\\w.]+$',
    '^([a-z]+-)*[a-z]+$',
    '^(foo|bar)+$',
  ])('is not %s', (pattern) => expect(checkInput(jobWith({ type: 'string', pattern }), '\n')).toMatch(/expected what fits/));

  test('and is not seen at load stops when its time is over', () => {
    const job = jobWith({ type: 'string', pattern: '^.*.*x$' });
    const startedAt = performance.now();
    expect(checkInput(job, 'y'.repeat(100_000))).toBe('input: cannot be judged in time; make it smaller');
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(checkInput(job, 'yx')).toBeUndefined();
  });
});

describe('a schema that is made to do harm', () => {
  const chain = (link: (next: object) => object): object => {
    const names = Array.from({ length: 40 }, (_, index) => `d${index}`);
    const defs = names.map((name, index) => [name, link({ $ref: `#/$defs/d${index + 1}` })] as const);
    return { $ref: '#/$defs/d0', $defs: { ...Object.fromEntries(defs), d40: { type: 'string' } } };
  };

  test.each([
    ['doubles its work with each definition', chain((next) => ({ allOf: [next, next] }))],
    ['doubles its choices with each definition', chain((next) => ({ anyOf: [next, next] }))],
  ])('is refused if it %s', (_, schema) => {
    expect(faultsOf(schema)).toEqual([' takes too long to judge a single null: its schemas refer to each other too often']);
  });

  test('is read in good time if it is as large as may be', () => {
    const defs = Array.from(
      { length: 900 },
      (_, index) => [`d${index}`, { allOf: [{ $ref: `#/$defs/d${index + 1}` }] }] as const,
    );
    const schema = { $ref: '#/$defs/d0', $defs: { ...Object.fromEntries(defs), d900: {} } };
    const startedAt = performance.now();
    try {
      bench.parse(textOf(schema));
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    }
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test('never makes the judge throw', () => {
    const keywords = [
      'type',
      'properties',
      'required',
      'items',
      'anyOf',
      'allOf',
      'oneOf',
      '$ref',
      'enum',
      'const',
      'pattern',
      'minimum',
    ];
    const words = fc.constantFrom('object', 'string', 'array', '#', '#/$defs/a', 'a', '^a', '__proto__');
    const { soup } = fc.letrec((tie) => ({
      soup: fc.oneof(
        { maxDepth: 5 },
        words,
        fc.dictionary(fc.constantFrom(...keywords, 'a'), tie('soup'), { maxKeys: 4 }),
        fc.array(tie('soup'), { maxLength: 3 }),
        fc.constantFrom(0, 1, -1, true, false, null),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keywords, '$defs'), soup), fc.jsonValue(), (schema, input) => {
        let job: Job;
        try {
          job = jobWith(schema);
        } catch (error) {
          expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
          return;
        }
        expect(['string', 'undefined']).toContain(typeof checkInput(job, input));
      }),
      { numRuns: 1_000 },
    );
  });
});

test('jobs with equal schemas share one object, which is frozen', () => {
  const schema = JSON.stringify(PERSON);
  const job = (name: string): string => `"${name}": {"task": {"shell": "true"}, "inputSchema": ${schema}}`;
  const [one, other] = bench.parse(`{"jobs": {${job('a')}, ${job('b')}}}`).jobs;
  expect(one?.inputSchema).toBe(other?.inputSchema);
  expect(one?.inputSchema).toEqual(PERSON);
  expect(Object.isFrozen(one?.inputSchema)).toBe(true);
});
