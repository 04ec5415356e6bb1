/** One probe, in a process of its own: carries it out, and writes its answer as the last line of its standard output. */

/** Takes JSON, gives JSON. */
type Probe = (options: never) => unknown;

/** Loaded only in the process that needs them: a probe that weighs a heap shall not find the code of the others in it. */
const PROBES: Readonly<Record<string, () => Promise<Readonly<Record<string, Probe>>>>> = {
  'step-loop': async () => (await import('./measures/step-loop.ts')).probes,
  dispatch: async () => (await import('./measures/dispatch.ts')).probes,
  durable: async () => (await import('./measures/durable.ts')).probes,
  isolation: async () => (await import('./measures/isolation.ts')).probes,
  lateness: async () => (await import('./measures/lateness.ts')).probes,
  heap: async () => (await import('./measures/heap.ts')).probes,
  arming: async () => (await import('./measures/arming.ts')).probes,
  idle: async () => (await import('./measures/idle.ts')).probes,
  recovery: async () => (await import('./measures/recovery.ts')).probes,
  verify: async () => (await import('./measures/verify.ts')).probes,
  structured: async () => (await import('./measures/structured.ts')).probes,
  receivers: async () => (await import('./measures/receivers.ts')).probes,
  api: async () => (await import('./measures/api.ts')).probes,
};

const [measure = '', name = ''] = (process.argv[2] ?? '').split('/');
const found = (await PROBES[measure]?.())?.[name];
if (found === undefined) throw new Error(`no probe ${measure}/${name}`);
const answer = await found(JSON.parse(process.argv[3] ?? '{}') as never);
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
