import {
  type Context,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  trace,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunOutcome } from '../../src/core/run.ts';
import { Events } from '../../src/engine/events.ts';
import { createTelemetry } from '../../src/system/telemetry.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';

const NOW = 1_767_225_600_000;
const TICK = NOW - 40;

interface Recorded {
  readonly name: string;
  readonly options: SpanOptions;
  readonly parent: Span | undefined;
  readonly span: Span;
  readonly attributes: Record<string, unknown>;
  status: unknown;
  endedAt: unknown;
}

/** As small as the API's interfaces allow: keeps what it is told. */
class RecordingProvider implements TracerProvider, Tracer {
  readonly spans: Recorded[] = [];
  readonly isSampled: boolean;

  constructor(isSampled: boolean) {
    this.isSampled = isSampled;
  }

  getTracer(): Tracer {
    return this;
  }

  startSpan(name: string, options: SpanOptions = {}, context?: Context): Span {
    const spanContext = { traceId: '1'.repeat(32), spanId: String(this.spans.length + 1).padStart(16, '0'), traceFlags: 1 };
    const span: Span = {
      spanContext: () => spanContext,
      setAttribute: (key, value) => span.setAttributes({ [key]: value }),
      setAttributes: (attributes) => (Object.assign(recorded.attributes, attributes), span),
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      setStatus: (status) => ((recorded.status = status), span),
      updateName: () => span,
      end: (at) => void (recorded.endedAt = at ?? 'now'),
      isRecording: () => this.isSampled,
      recordException: () => {},
    };
    const parent = context === undefined ? undefined : trace.getSpan(context);
    const recorded: Recorded = {
      name,
      options,
      parent,
      span,
      attributes: { ...options.attributes },
      status: undefined,
      endedAt: undefined,
    };
    this.spans.push(recorded);
    return span;
  }

  startActiveSpan(): never {
    throw new Error('nothing here is active');
  }
}

interface Bundle extends Disposable {
  readonly events: Events;
  readonly clock: VirtualClock;
  readonly spans: readonly Recorded[];
}

function setup({ isSampled = true } = {}): Bundle {
  const provider = new RecordingProvider(isSampled);
  trace.setGlobalTracerProvider(provider);
  const events = new Events();
  const clock = createVirtualClock({ start: NOW });
  const telemetry = createTelemetry({ events, clock, version: '1.2.3' });
  return { events, clock, spans: provider.spans, [Symbol.dispose]: () => telemetry[Symbol.dispose]() };
}

const OF_RUN = { job: 'a', runId: 'run-1', tick: TICK, fence: 7 };
const BUCKETS = Array.from({ length: 11 }, () => 0);

function start(events: Events): void {
  events.emit('runStarted', { ...OF_RUN, cause: 'tick', startedAt: NOW, deadline: NOW + 1_000, delayMs: 40 });
}

function end(events: Events, outcome: RunOutcome): void {
  events.emit('runEnded', { ...OF_RUN, outcome, reason: 'why', startedAt: NOW, endedAt: NOW + 900, steps: 3, attempts: 2 });
}

describe('telemetry', () => {
  afterEach(() => trace.disable());

  test('makes a span of a run, with the times and the facts of the run', () => {
    using bundle = setup();
    start(bundle.events);
    end(bundle.events, 'succeeded');
    expect(bundle.spans).toHaveLength(1);
    expect(bundle.spans[0]).toMatchObject({
      name: 'tickwise.run',
      parent: undefined,
      options: { startTime: new Date(NOW) },
      endedAt: new Date(NOW + 900),
      status: undefined,
      attributes: {
        'tickwise.job': 'a',
        'tickwise.run_id': 'run-1',
        'tickwise.tick': new Date(TICK).toISOString(),
        'tickwise.fence': 7,
        'tickwise.cause': 'tick',
        'tickwise.outcome': 'succeeded',
        'tickwise.attempts': 2,
        'tickwise.steps': 3,
      },
    });
  });

  test.each(['failed', 'timedOut', 'killed', 'lost'] as const)('marks a run that %s as an error', (outcome) => {
    using bundle = setup();
    start(bundle.events);
    end(bundle.events, outcome);
    expect(bundle.spans[0]?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'why' });
  });

  test('puts a span for each report of steps below the span of their run, none over another', async () => {
    using bundle = setup();
    start(bundle.events);
    await bundle.clock.advance(500);
    bundle.events.emit('stepsFinished', { ...OF_RUN, count: 2, totalMs: 300, buckets: BUCKETS });
    await bundle.clock.advance(100);
    bundle.events.emit('stepsFinished', { ...OF_RUN, count: 1, totalMs: 150, buckets: BUCKETS });
    const [run, first, second] = bundle.spans;
    expect(first).toMatchObject({ name: 'tickwise.steps', attributes: { 'tickwise.steps': 2 }, endedAt: new Date(NOW + 500) });
    expect(first?.options.startTime).toEqual(new Date(NOW + 200));
    expect(first?.parent).toBe(run?.span);
    expect(second?.options.startTime).toEqual(new Date(NOW + 500));
    expect(second?.endedAt).toEqual(new Date(NOW + 600));
  });

  test('makes no spans of steps below a run that is not sampled', () => {
    using bundle = setup({ isSampled: false });
    start(bundle.events);
    bundle.events.emit('stepsFinished', { ...OF_RUN, count: 2, totalMs: 300, buckets: BUCKETS });
    expect(bundle.spans.map(({ name }) => name)).toEqual(['tickwise.run']);
  });

  test('listens to nothing when no SDK is registered', () => {
    const events = new Events();
    using _telemetry = createTelemetry({ events, clock: createVirtualClock(), version: '1.2.3' });
    expect(events.isHeard('runStarted')).toBe(false);
    expect(events.isHeard('stepsFinished')).toBe(false);
  });

  test('ends the spans of what is live, and its listening, when it is disposed', () => {
    const bundle = setup();
    start(bundle.events);
    bundle[Symbol.dispose]();
    expect(bundle.spans[0]?.endedAt).toBe('now');
    expect(bundle.events.isHeard('runStarted')).toBe(false);
    expect(bundle.events.isHeard('runEnded')).toBe(false);
  });
});
