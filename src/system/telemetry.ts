/** Runs and steps as OpenTelemetry spans. Only the API is a dependency: without an SDK nothing listens, and nothing is paid. */
import { ROOT_CONTEXT, type Span, SpanStatusCode, trace, type Tracer, type TracerProvider } from '@opentelemetry/api';
import type { Clock } from '../core/ports.ts';
import type { RunOutcome } from '../core/run.ts';
import type { Instant } from '../core/time.ts';
import type { EventMap, Events } from '../engine/events.ts';

/** What telemetry is made with. */
export interface TelemetryOptions {
  readonly events: Pick<Events, 'on'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly version: string;
}

interface LiveSpan {
  readonly span: Span;
  /** Steps are reported in bulk: none of a report began before the report before it. */
  toldUntil: Instant;
}

const FAILURES: ReadonlySet<RunOutcome> = new Set<RunOutcome>(['failed', 'timedOut', 'killed', 'lost']);

/**
 * Makes a span `tickwise.run` of each run, and below it one `tickwise.steps` of each report of its steps, about one a second.
 *
 * @param options what to listen to; an SDK must have been registered before this call to be heard of
 * @returns disposing it ends the listening, and the spans of what is live
 * @throws never
 */
export function createTelemetry({ events, clock, version }: TelemetryOptions): Disposable {
  using opening = new DisposableStack();
  const tracer = registeredTracer(version);
  if (tracer === undefined) return opening.move();
  const live = opening.adopt(new Map<string, LiveSpan>(), endAll);
  opening.use(
    events.on('runStarted', (run) => {
      live.set(run.runId, { span: startRun(tracer, run), toldUntil: run.startedAt });
    }),
  );
  opening.use(
    events.on('stepsFinished', (steps) => {
      const run = live.get(steps.runId);
      if (run?.span.isRecording() === true) tellSteps(tracer, run, steps, clock.now());
    }),
  );
  opening.use(
    events.on('runEnded', (run) => {
      const started = live.get(run.runId);
      if (started !== undefined) endRun(started.span, run);
      live.delete(run.runId);
    }),
  );
  return opening.move();
}

/** The API hands out a stand-in until an SDK comes. A span that does not record proves nothing: it may merely not be sampled. */
function registeredTracer(version: string): Tracer | undefined {
  const provider: TracerProvider & { getDelegateTracer?: (name: string, version: string) => Tracer | undefined } =
    trace.getTracerProvider();
  if (provider.getDelegateTracer === undefined) return provider.getTracer('tickwise', version);
  return provider.getDelegateTracer('tickwise', version);
}

function startRun(tracer: Tracer, run: EventMap['runStarted']): Span {
  const attributes = {
    'tickwise.job': run.job,
    'tickwise.run_id': run.runId,
    'tickwise.tick': new Date(run.tick).toISOString(),
    'tickwise.fence': run.fence,
    'tickwise.cause': run.cause,
  };
  return tracer.startSpan('tickwise.run', { startTime: new Date(run.startedAt), attributes }, ROOT_CONTEXT);
}

/** Steps of a run come one after the other, so they began at most their time in all ago. */
function tellSteps(tracer: Tracer, run: LiveSpan, steps: EventMap['stepsFinished'], now: Instant): void {
  const until = Math.max(now, run.toldUntil);
  const startTime = new Date(Math.max(run.toldUntil, until - steps.totalMs));
  const attributes = { 'tickwise.job': steps.job, 'tickwise.run_id': steps.runId, 'tickwise.steps': steps.count };
  tracer.startSpan('tickwise.steps', { startTime, attributes }, trace.setSpan(ROOT_CONTEXT, run.span)).end(new Date(until));
  run.toldUntil = until;
}

function endRun(span: Span, run: EventMap['runEnded']): void {
  const { outcome, attempts, steps, error, endedAt } = run;
  span.setAttributes({ 'tickwise.outcome': outcome, 'tickwise.attempts': attempts, 'tickwise.steps': steps });
  if (FAILURES.has(outcome)) span.setStatus({ code: SpanStatusCode.ERROR, message: error?.message ?? run.reason ?? outcome });
  span.end(new Date(endedAt));
}

function endAll(live: Map<string, LiveSpan>): void {
  for (const { span } of live.values()) span.end();
  live.clear();
}
