/** Staying, while one waits for another thread. */
import { MessageChannel } from 'node:worker_threads';

/** A wait in shared memory keeps no thread from ending; an open port does. @returns disposing of it closes the port */
export function keepAwake(): Disposable {
  const { port1 } = new MessageChannel();
  port1.ref();
  return { [Symbol.dispose]: () => port1.close() };
}
