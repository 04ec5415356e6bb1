/**
 * A bug of V8 that lets threads which come and go crash the process, and what keeps it away.
 *
 * Threads share one cache of the machine code that calls from WebAssembly into JavaScript, an entry for each signature of
 * an imported function. An entry is made when one thread has made 1,000 such calls, and freed when the last instance that
 * uses it is gone. Freed by one thread while another takes it, it is used after its end: `Check failed:
 * jit_page.has_value()`, a corrupt heap or a segmentation fault (seen in Node 24.21). The type stripper that Node starts in
 * each thread that imports a `.ts` file is WebAssembly, and so is the parser behind `fetch`.
 *
 * With a budget that is never spent no such entry is made: these calls stay with the general code, which is slower by some
 * nanoseconds a call. Without it `test/runner/fixtures/wasm-churn.ts` crashes in one of four runs of 500 threads.
 * @see https://github.com/nodejs/node/issues/64500
 */
import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from making code that its threads would share for calls out of WebAssembly. It holds for the whole process, and
 * is to be called before the first thread starts; calling it again changes nothing.
 *
 * @throws never
 */
export function keepWasmCallsUnshared(): void {
  setFlagsFromString('--wasm-wrapper-tiering-budget=2147483647');
}
