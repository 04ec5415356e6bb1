/** Turns in SQLite, each a transaction; and what to say of one whose commit failed. */
import type { DatabaseSync } from 'node:sqlite';
import type { Turn, TurnResult } from '../core/store.ts';
import type { ClockSteps } from './clock-steps.ts';
import type { Definitions } from './definitions.ts';
import { storeFault } from './fault.ts';
import type { SqliteOutbox } from './outbox.ts';
import { hasTraces } from './traces.ts';
import { inDoubt, type Transactions } from './transaction.ts';
import type { TurnWriter } from './turn.ts';

/** What they are made of. */
export interface TurnTransactionParts {
  readonly db: DatabaseSync;
  /** Named in errors. */
  readonly path: string;
  readonly transactions: Transactions;
  readonly writer: TurnWriter;
  readonly definitions: Definitions;
  readonly clockSteps: ClockSteps;
  readonly outbox: SqliteOutbox;
}

/** See the head of this file. */
export class TurnTransactions {
  readonly #parts: TurnTransactionParts;
  #doubt: { readonly turn: Turn; readonly result: TurnResult } | undefined;

  constructor(parts: TurnTransactionParts) {
    this.#parts = parts;
  }

  /** @see Store.commit */
  commit(turn: Turn): TurnResult {
    const { transactions, writer, definitions, clockSteps, outbox } = this.#parts;
    if (this.#doubt !== undefined) throw new Error('a turn was brought while another is in doubt');
    const fate = transactions.carryOut(() => {
      clockSteps.watch(turn);
      return writer.carryOut(turn);
    });
    // What is thought to have changed and has not would be left out; the other way round it is found out anew.
    definitions.settle(fate.kind === 'committed');
    if (fate.kind !== 'committed') outbox.recount();
    switch (fate.kind) {
      case 'committed':
        clockSteps.settle(true);
        return fate.answer;
      case 'undone':
        clockSteps.settle(false);
        throw fate.error;
      case 'doubtful': {
        this.#doubt = { turn, result: fate.answer };
        const result = this.settle(turn);
        if (result === undefined) throw fate.error;
        return result;
      }
      default:
        return fate satisfies never;
    }
  }

  /** @see Store.settle */
  settle(turn: Turn): TurnResult | undefined {
    const { db, path, transactions, clockSteps } = this.#parts;
    const doubt = this.#doubt;
    if (doubt?.turn !== turn) throw new Error('a turn was asked for that is not in doubt');
    let wasApplied: boolean;
    try {
      if (transactions.isOpen) throw inDoubt(path, 'the transaction cannot be rolled back');
      wasApplied = hasTraces(db, turn, doubt.result);
    } catch (thrown) {
      throw inDoubt(path, storeFault(thrown, 'cannot be read', path));
    }
    this.#doubt = undefined;
    clockSteps.settle(wasApplied);
    return wasApplied ? doubt.result : undefined;
  }
}
