/**
 * S5g. Select: the first of many sources, with a default (do not wait) and with a timeout. Losers are not lost: what was not chosen is
 * still there at the next call; and not leaked: nobody watches them any more.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Channel, createContext, Future, select } from '../../src/structured/kit.ts';
import { Stopwatch } from '../stopwatch.ts';

/** What came out. */
export interface Choices {
  readonly withDefault: string;
  readonly withTimeout: string;
  /** Names and values in the order in which they were chosen. */
  readonly chosen: readonly string[];
  /** Heap that is left of 10,000 selects that a channel has lost, in kB. */
  readonly lostSelectsKb: number;
}

/** The whole experiment. */
export async function firstOfMany(watch: Stopwatch, selects = 10_000): Promise<Choices> {
  using root = createContext();
  const mail = new Channel<string>(8);
  const result = new Future<number>();

  const withDefault = await select(root, { mail, result }, { orElse: 'none' });
  const withTimeout = await select(root, { mail, result }, { timeoutMs: watch.ms(0.2) });

  // Two senders, two results: each is chosen once, in the order in which they come.
  const sending = (async () => {
    await watch.wait(0.2);
    await mail.send('first letter');
    await mail.send('second letter');
    await watch.wait(0.2);
    result.resolve(42);
  })();
  const chosen: string[] = [];
  while (chosen.length < 3) {
    const got = await select(root, { mail, result });
    chosen.push(got.source === 'none' || got.done ? got.source : `${got.source}: ${got.value}`);
  }
  await sending;

  const silent = new Channel<string>(1);
  const busy = new Channel<number>(1);
  const loseMany = async (): Promise<void> => {
    for (let round = 0; round < selects; round++) {
      const losing = select(root, { silent, busy });
      busy.trySend(round);
      await losing;
    }
  };
  await loseMany(); // Once for the compiler, whose work takes memory too.
  const before = heapBytes();
  await loseMany();
  return {
    withDefault: sourceOfChoice(withDefault),
    withTimeout: sourceOfChoice(withTimeout),
    chosen,
    lostSelectsKb: Math.round((heapBytes() - before) / 1_024),
  };
}

function sourceOfChoice(choice: { readonly source: string; readonly why?: string }): string {
  return choice.why === undefined ? choice.source : `${choice.source} (${choice.why})`;
}

/** After a collection. Node shows its collector to whoever asks for it. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

if (import.meta.main) {
  const { withDefault, withTimeout, chosen, lostSelectsKb } = await firstOfMany(new Stopwatch());
  console.log(`nothing there, do not wait: ${withDefault}; nothing comes within 0.2 s: ${withTimeout}`);
  console.log(`chosen: ${chosen.join(', ')}`);
  console.log(`10,000 selects that a silent channel lost left ${lostSelectsKb} kB`);
}
