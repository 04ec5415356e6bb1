/**
 * Stages in a row, each with a bounded buffer before it, and an acknowledgement back to the producer for each item.
 *
 * Every item that was accepted gets exactly one acknowledgement: `done` with what the last stage made of it, `failed` with the
 * stage and its error, or `dropped` with the stage that it had reached and the reason. An item that was not accepted is told so by
 * the rejection of `send`. So nothing is lost without a word.
 *
 * - A full buffer holds the stage before it, and at last the producer (back-pressure).
 * - A stage that fails closes the pipeline: stages up to that one stop and drop what they hold; later ones finish what they have.
 * - A cancel stops them all.
 * - Either way they close in order: a stage ends after the one before it, and `ended` resolves after the last.
 */
import type { ChildContext, Context, Within } from '../core/context.ts';
import { TickwiseError } from '../core/errors.ts';
import { Channel } from './channel.ts';
import { isEcho, taskFailed } from './failure.ts';
import { Future } from './future.ts';
import { readUntil } from './read-until.ts';

/** What became of one item. `index` counts the items that were accepted, from 0. */
export type Acknowledgement<Value> =
  | { readonly status: 'done'; readonly index: number; readonly value: Value }
  | { readonly status: 'failed'; readonly index: number; readonly stage: string; readonly error: unknown }
  | { readonly status: 'dropped'; readonly index: number; readonly stage: string; readonly reason: unknown };

/** An item that was accepted. */
export interface Sent<Value> {
  /** Resolves once, and never rejects. */
  readonly acknowledged: Promise<Acknowledgement<Value>>;
}

/** What a stage does to an item. The context is cancelled when the pipeline closes before its time. */
export type StageWork<In, Out> = (item: In, context: Context) => Out | PromiseLike<Out>;

/** How a stage is laid out. */
export interface StageOptions {
  /** Items that wait before it; 1 unless given. */
  readonly buffer?: number;
}

/** Stages that are not at work yet. */
export interface PipelinePlan<In, Out> {
  /** @param name for acknowledgements and errors */
  stage<Next>(name: string, work: StageWork<Out, Next>, options?: StageOptions): PipelinePlan<In, Next>;
  /** Starts the stages. @param context the pipeline is cancelled with it. @throws RangeError when there is no stage */
  open(context: Context): Pipeline<In, Out>;
}

/** Stages at work. `await using` closes the pipeline and waits until all stages have ended. */
export interface Pipeline<In, Out> extends AsyncDisposable {
  /**
   * Hands in an item, once the first buffer has room.
   *
   * @param within gives up with it: the item was not accepted
   * @throws TickwiseError `SCOPE_CLOSED` when the pipeline is, or gets, closed (its cause says why); rejects with the signal's reason
   */
  send(item: In, within?: Within): Promise<Sent<Out>>;
  /**
   * Sends all items of a source and gives their acknowledgements in the order of the items. The source is read no faster than
   * the stages work. When the pipeline closes, the source is told to stop, and the last acknowledgements still come.
   */
  over(source: AsyncIterable<In> | Iterable<In>): AsyncGenerator<Acknowledgement<Out>, void, undefined>;
  /** Takes nothing more, and lets the stages finish what they have. @returns as `ended` */
  close(): Promise<void>;
  /** Closes at once: what is on its way is dropped, with a word to its producer. @returns as `ended` */
  cancel(reason?: unknown): Promise<void>;
  /**
   * Resolves when the last stage has ended.
   *
   * @throws TickwiseError `TASK_FAILED` when a stage failed; the reason of the context above, when that cut items short
   */
  readonly ended: Promise<void>;
}

/**
 * Begins the plan of a pipeline.
 *
 * @returns a plan without stages; what goes in comes out
 */
export function pipeline<In>(): PipelinePlan<In, In> {
  return new Plan<In, In>([]);
}

interface StagePlan {
  readonly name: string;
  readonly work: StageWork<unknown, unknown>;
  readonly buffer: number;
}

class Plan<In, Out> implements PipelinePlan<In, Out> {
  readonly #stages: readonly StagePlan[];

  constructor(stages: readonly StagePlan[]) {
    this.#stages = stages;
  }

  stage<Next>(name: string, work: StageWork<Out, Next>, { buffer = 1 }: StageOptions = {}): PipelinePlan<In, Next> {
    return new Plan<In, Next>([...this.#stages, { name, work: work as StageWork<unknown, unknown>, buffer }]);
  }

  open(context: Context): Pipeline<In, Out> {
    if (this.#stages.length === 0) throw new RangeError('a pipeline needs at least one stage');
    return new OpenPipeline<In, Out>(this.#stages, context);
  }
}

/** An item on its way. */
interface Parcel {
  /** Set when the first stage takes it. */
  index: number;
  readonly item: unknown;
  readonly acknowledge: Future<Acknowledgement<unknown>>;
}

interface Stage extends StagePlan {
  readonly input: Channel<Parcel>;
  readonly context: ChildContext;
}

class OpenPipeline<In, Out> implements Pipeline<In, Out> {
  readonly ended: Promise<void>;
  readonly #parent: Context;
  readonly #context: ChildContext;
  readonly #stages: readonly Stage[];
  readonly #first: Stage;
  #accepted = 0;
  #failure: TickwiseError | undefined;
  #dropped = false;

  constructor(plans: readonly StagePlan[], parent: Context) {
    this.#parent = parent;
    this.#context = parent.withCancel();
    this.#stages = plans.map((plan) => ({
      ...plan,
      input: new Channel<Parcel>(plan.buffer),
      context: this.#context.withCancel(),
    }));
    this.#first = this.#stages[0] as Stage;
    const { signal } = this.#context;
    signal.addEventListener('abort', () => this.#first.input.close(), { once: true });
    if (signal.aborted) this.#first.input.close();
    this.ended = this.#run();
    this.ended.catch(() => undefined);
  }

  async send(item: In, within?: Within): Promise<Sent<Out>> {
    const acknowledge = new Future<Acknowledgement<unknown>>();
    try {
      await this.#first.input.send({ index: -1, item, acknowledge }, within);
    } catch (error) {
      if (!(error instanceof TickwiseError) || error.code !== 'SCOPE_CLOSED') throw error;
      const cause: unknown = this.#failure ?? this.#context.signal.reason;
      throw new TickwiseError('SCOPE_CLOSED', 'the pipeline is closed, the item was not accepted', { cause });
    }
    return { acknowledged: acknowledge.wait() as Promise<Acknowledgement<Out>> };
  }

  async *over(source: AsyncIterable<In> | Iterable<In>): AsyncGenerator<Acknowledgement<Out>, void, undefined> {
    const sent = new Channel<Sent<Out>>(this.#stages.reduce((sum, { buffer }) => sum + buffer + 1, 0));
    const fed = Future.of(this.#feed(source, sent));
    try {
      for await (const { acknowledged } of sent) yield await acknowledged;
      await fed.wait();
    } finally {
      sent.close();
      await fed.wait().catch(() => undefined);
    }
  }

  close(): Promise<void> {
    this.#first.input.close();
    return this.ended;
  }

  cancel(reason?: unknown): Promise<void> {
    this.#context.cancel(reason);
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Ends with the source, when the pipeline takes no more, or when nobody reads the acknowledgements any longer. */
  async #feed(source: AsyncIterable<In> | Iterable<In>, sent: Channel<Sent<Out>>): Promise<void> {
    try {
      for await (const item of readUntil(source, this.#first.context.signal)) {
        const one = await this.#sendOrDrop(item);
        await sent.send(one);
        if (this.#first.input.closed) return;
      }
    } catch (error) {
      if (!sent.closed) throw error;
    } finally {
      sent.close();
    }
  }

  /** An item that was read and is refused has its acknowledgement too. */
  async #sendOrDrop(item: In): Promise<Sent<Out>> {
    try {
      return await this.send(item);
    } catch (reason) {
      // It comes after all that were accepted, and how many these are is known when all of them were taken.
      await this.ended.catch(() => undefined);
      return { acknowledged: Promise.resolve({ status: 'dropped', index: this.#accepted, stage: 'source', reason }) };
    }
  }

  async #run(): Promise<void> {
    await Promise.all(this.#stages.map((_, at) => this.#work(at)));
    const { signal } = this.#parent;
    this.#context[Symbol.dispose]();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#dropped && signal.aborted) throw signal.reason;
  }

  async #work(at: number): Promise<void> {
    const stage = this.#stages[at] as Stage;
    const next = this.#stages[at + 1]?.input;
    for await (const parcel of stage.input) {
      if (at === 0) parcel.index = this.#accepted++;
      const made = await this.#make(at, stage, parcel);
      if (made === undefined) continue;
      if (next === undefined) parcel.acknowledge.resolve({ status: 'done', index: parcel.index, value: made.item });
      else await next.send({ ...parcel, item: made.item });
    }
    next?.close();
  }

  /** @returns what the stage made of it; `undefined` when that was acknowledged as the end of the item */
  async #make(at: number, stage: Stage, { index, item, acknowledge }: Parcel): Promise<{ readonly item: unknown } | undefined> {
    const { name, context } = stage;
    const { signal } = context;
    try {
      signal.throwIfAborted();
      return { item: await stage.work(item, context) };
    } catch (error) {
      if (isEcho(error, signal)) {
        this.#dropped = true;
        acknowledge.resolve({ status: 'dropped', index, stage: name, reason: signal.reason });
      } else {
        acknowledge.resolve({ status: 'failed', index, stage: name, error });
        this.#fail(at, taskFailed(error, `stage ${name}, item ${index}`));
      }
      return undefined;
    }
  }

  #fail(at: number, failure: TickwiseError): void {
    this.#failure ??= failure;
    this.#first.input.close();
    for (const { context } of this.#stages.slice(0, at + 1)) context.cancel(failure);
  }
}
