/** The figures as people read them. */
import { type Figure, isMet, ratioOf, type Target } from './figure.ts';

const HEAD = ['figure', 'ours', 'baseline', '', 'ratio', 'target', 'met?'];
const RIGHT = new Set([1, 2, 4]);

/**
 * Writes the table.
 *
 * @param figures in their order
 * @returns Markdown whose columns are aligned
 */
export function tableOf(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(rowOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    RIGHT.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  const lines = rows.map((row) => `| ${row.map(pad).join(' | ')} |`);
  const rule = `|${widths.map((width, column) => (RIGHT.has(column) ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

function rowOf(figure: Figure): string[] {
  const { ours, baseline, unit, against } = figure;
  const ratio = ratioOf(figure);
  const met = isMet(figure);
  return [
    figure.figure,
    `${numberOf(ours)} ${unit}`,
    baseline === undefined ? 'not measured' : `${numberOf(baseline)} ${unit}`,
    against,
    ratio === undefined ? '' : `${numberOf(ratio)} x`,
    figure.target === undefined ? '' : targetText(figure.target, unit),
    met === undefined ? (figure.target === undefined ? '' : '?') : met ? 'yes' : 'NO',
  ];
}

function targetText({ of, atMost, atLeast }: Target, unit: string): string {
  const bound = atMost === undefined ? `>= ${numberOf(atLeast ?? 0)}` : `<= ${of === 'excess' ? '+ ' : ''}${numberOf(atMost)}`;
  return `${bound} ${of === 'ratio' ? 'x' : unit}`;
}

/** Three digits that matter; whole thousands in groups. */
function numberOf(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) >= 1_000 ? 4 : 3 });
}
