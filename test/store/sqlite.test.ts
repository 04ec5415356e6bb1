import { openSqliteStore } from '../../src/store/sqlite.ts';
import { describeStore } from './conformance.ts';
import { tempFolder } from './fixture.ts';

describeStore('sqlite', async (node) => {
  const folder = tempFolder();
  const store = await openSqliteStore({ path: folder.file('ledger.db'), node, synchronous: 'normal' });
  return {
    ...store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
});
