/**
 * What an earlier daemon left behind on this machine, run by run: stopped, and proved to be gone.
 *
 * Threads and inline steps died with their daemon. Processes may have outlived it: those that carry the run's id, the one that the
 * ledger names, and the warm hosts of that daemon, which carry its node id. Proofs that are asked for together share what they
 * look at: the process table, and the proof for the daemon itself.
 */
import type { NodeIdentity, RunRecord, SpawnedProcess } from '../core/ledger.ts';
import { isAlive, lookAtProcess } from './proc.ts';
import type { ProcessTree, ProcessTrees } from './process-tree.ts';

/** How long what is left alive has between SIGTERM and SIGKILL. */
const GRACE_MS = 2_000;

/** See the head of this file. */
export class LeftRuns {
  readonly #trees: () => ProcessTrees;
  readonly #isNodeAlive: (node: NodeIdentity) => boolean;
  /** Under way, by node. */
  readonly #nodes = new Map<string, Promise<string | undefined>>();

  /**
   * @param trees made when the first proof needs them
   * @param isNodeAlive whether a daemon lives; true when in doubt
   */
  constructor(trees: () => ProcessTrees, isNodeAlive: (node: NodeIdentity) => boolean) {
    this.#trees = trees;
    this.#isNodeAlive = isNodeAlive;
  }

  /**
   * Stops what is left of a run, and proves that nothing of it is alive.
   *
   * @param run as the ledger keeps it
   * @returns `undefined` when that is proved, else in words why it is not; never rejects
   */
  async prove({ id, node, process }: RunRecord): Promise<string | undefined> {
    if (node === undefined) return 'the ledger does not say which daemon ran it';
    try {
      return (
        (await this.#proveNode(node)) ??
        (await end(this.#trees().findRun(id))) ??
        (process === undefined ? undefined : endProcess(process))
      );
    } catch (error) {
      return `the kernel could not be asked: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  #proveNode(node: NodeIdentity): Promise<string | undefined> {
    let proof = this.#nodes.get(node.id);
    if (proof === undefined) {
      proof = this.#endNode(node).finally(() => this.#nodes.delete(node.id));
      this.#nodes.set(node.id, proof);
    }
    return proof;
  }

  async #endNode(node: NodeIdentity): Promise<string | undefined> {
    if (this.#isNodeAlive(node)) return `its daemon (pid ${node.pid}) is alive`;
    return end(this.#trees().findRun(node.id, 'TICKWISE_NODE_ID'));
  }
}

async function end(tree: ProcessTree): Promise<string | undefined> {
  if (await tree.waitEmpty(0)) return undefined;
  await tree.signal('SIGTERM');
  if (await tree.waitEmpty(GRACE_MS)) return undefined;
  await tree.signal('SIGKILL');
  if (await tree.waitEmpty(GRACE_MS)) return undefined;
  return `processes of it are alive: ${(await tree.members()).join(', ')}`;
}

/** The process that the ledger names, should it have cleared its environment: it leads a group of its own. */
function endProcess({ pid, start }: SpawnedProcess): string | undefined {
  const found = lookAtProcess(pid);
  if (found === undefined || found.start !== start || !isAlive(found)) return undefined;
  try {
    process.kill(found.group === pid ? -pid : pid, 'SIGKILL');
  } catch {
    // It has just ended, or it is beyond our rights; the next look tells.
  }
  return `its process ${pid} was alive and has been killed; looking again`;
}
