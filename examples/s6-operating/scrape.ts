/** What Prometheus would see: the figures at `/metrics`, and which rules of config/alerts.yml watch one of them. */
import { readFileSync } from 'node:fs';

const RULES = readFileSync(new URL('../../config/alerts.yml', import.meta.url), 'utf8');

/**
 * Reads all figures once. The daemon gives the same answer to all who ask within one second.
 *
 * @param address e.g. `http://127.0.0.1:4680`
 * @param token one with the scope `read`
 * @returns value by series, e.g. `tickwise_blocked{job="import"}`
 * @throws Error when the answer is not 200
 */
export async function scrape(address: string, token: string): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${address}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}: ${await response.text()}`);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

/** Names the shipped rules whose expression asks for the metric of a series. */
export function rulesThatWatch(series: string): readonly string[] {
  const [metric = series] = series.split('{');
  const asksForIt = new RegExp(`\\b${metric}\\b`);
  return RULES.split('- alert: ')
    .slice(1)
    .filter((rule) => asksForIt.test(rule.slice(rule.indexOf('expr:'), rule.indexOf('labels:'))))
    .map((rule) => rule.slice(0, rule.indexOf('\n')).trim());
}
