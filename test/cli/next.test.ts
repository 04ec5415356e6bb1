import { expect, it } from 'vitest';
import { COMMAND, type Ended, Folder } from './command-line.ts';

interface Tick {
  readonly job: string;
  readonly tick: string;
  readonly local: string;
  readonly timezone: string;
  readonly clockChange?: { readonly from: string; readonly to: string };
}

const ticksOf = ({ out }: Ended): Tick[] => JSON.parse(out) as Tick[];

function setup(): Folder {
  return new Folder().configure({
    jobs: {
      berlin: { schedule: { cron: '30 2 * * *', timezone: 'Europe/Berlin' }, task: COMMAND },
      hourly: { schedule: '@hourly', task: COMMAND },
      manual: { task: COMMAND },
      resting: { schedule: '0 13 * * *', paused: true, task: COMMAND },
    },
  });
}

it('shows ten ticks of one job, in its own zone and in UTC', async () => {
  using folder = setup();
  const ticks = ticksOf(await folder.tickwise('next', 'berlin', '--json', '--from', '2026-01-10'));
  expect(ticks).toHaveLength(10);
  expect(ticks[0]).toEqual({
    job: 'berlin',
    tick: '2026-01-10T01:30:00.000Z',
    local: '2026-01-10 02:30:00 +01:00',
    timezone: 'Europe/Berlin',
  });
});

it.each([
  ['2026-03-27T12:00:00Z', '2026-03-29T01:00:00.000Z', '+01:00', '+02:00'],
  ['2026-10-24T12:00:00Z', '2026-10-26T01:30:00.000Z', '+02:00', '+01:00'],
])('marks the change of the clock after %s', async (from, tick, before, after) => {
  using folder = setup();
  const ticks = ticksOf(await folder.tickwise('next', 'berlin', '-n', '4', '--json', '--from', from));
  const changes = ticks.filter((coming) => coming.clockChange !== undefined);
  expect(changes).toMatchObject([{ tick, clockChange: { from: before, to: after } }]);
  const { out } = await folder.tickwise('next', 'berlin', '-n', '4', '--from', from);
  expect(out.split('\n').filter((line) => line.includes(`clock changes: UTC${before} to UTC${after}`))).toHaveLength(1);
});

it('merges the ticks of all jobs in one order', async () => {
  using folder = setup();
  const ticks = ticksOf(await folder.tickwise('next', '--json', '--from', '2026-01-10T00:30'));
  expect(ticks).toHaveLength(20);
  expect(ticks.map(({ tick }) => tick)).toEqual(ticks.map(({ tick }) => tick).toSorted());
  expect(ticks.slice(0, 3).map(({ job }) => job)).toEqual(['hourly', 'berlin', 'hourly']);
});

it('counts a tick on which two schedules agree once', async () => {
  using folder = new Folder();
  folder.configure({ jobs: { twice: { schedule: ['0 * * * *', '0 0 * * *'], task: COMMAND } } });
  const ticks = ticksOf(await folder.tickwise('next', 'twice', '-n', '3', '--json', '--from', '2026-01-09T22:30:00Z'));
  expect(ticks.map(({ tick }) => tick.slice(11, 16))).toEqual(['23:00', '00:00', '01:00']);
});

it('says which ticks a pause will skip', async () => {
  using folder = setup();
  expect((await folder.tickwise('next', 'resting', '-n', '1')).out).toMatch(/^resting .* paused$/m);
});

it('asks whether another job was meant, and exits 1', async () => {
  using folder = setup();
  expect(await folder.tickwise('next', 'berln')).toEqual({
    code: 1,
    out: '',
    err: 'tickwise: no job is named "berln"; did you mean "berlin"?\n',
  });
});

it('says that a job without a schedule has no tick ahead', async () => {
  using folder = setup();
  const { code, out, err } = await folder.tickwise('next', 'manual');
  expect([code, out]).toEqual([0, '']);
  expect(err).toContain('runs only when it is triggered');
  expect(ticksOf(await folder.tickwise('next', 'manual', '--json'))).toEqual([]);
});
