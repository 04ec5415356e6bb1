/** Where a path is in the text. Looked up only when there is something to say. */
import { visit } from 'jsonc-parser';
import { type Finding, pathKey } from './finding.ts';

/** Answers for one text. */
export interface Places {
  offsetOf(finding: Finding): number;
  /** Line and column, both counted from 1. */
  positionOf(finding: Finding): { readonly line: number; readonly column: number };
}

interface Place {
  key?: number;
  value?: number;
}

interface Frame {
  readonly prefix: string;
  /** The next index of a list; `undefined` in an object. */
  index: number | undefined;
  key: string;
}

/**
 * Finds the places of findings in one pass over the text.
 *
 * @param text JSON with comments, without a byte order mark, at most 64 levels deep as far as it was read
 * @param findings only their paths are looked for
 * @returns places; that of a path which is not in the text is the place of its nearest parent
 */
export function createPlaces(text: string, findings: readonly Finding[]): Places {
  const wanted = new Map<string, Place>();
  for (const { path, offset } of findings) {
    for (let length = offset === undefined ? path.length : -1; length >= 0; length--)
      wanted.set(pathKey(path.slice(0, length)), {});
  }
  if (wanted.size > 0) fill(wanted, text);
  const lineStarts = lineStartsOf(text);
  const offsetOf = (finding: Finding): number => {
    if (finding.offset !== undefined) return finding.offset;
    for (let length = finding.path.length; length >= 0; length--) {
      const place = wanted.get(pathKey(finding.path.slice(0, length)));
      const atKey = finding.at === 'key' || length < finding.path.length;
      const offset = atKey ? (place?.key ?? place?.value) : (place?.value ?? place?.key);
      if (offset !== undefined) return offset;
    }
    return 0;
  };
  return {
    offsetOf,
    positionOf(finding) {
      const offset = offsetOf(finding);
      let [low, high] = [0, lineStarts.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((lineStarts[middle] ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
    },
  };
}

function fill(wanted: Map<string, Place>, text: string): void {
  const frames: Frame[] = [];
  const enter = (offset: number): string => {
    const frame = frames.at(-1);
    const key = frame === undefined ? '' : `${frame.prefix}\u0000${frame.index === undefined ? frame.key : frame.index++}`;
    const place = wanted.get(key);
    if (place !== undefined) place.value = offset;
    return key;
  };
  visit(
    text,
    {
      onObjectBegin: (offset) => void frames.push({ prefix: enter(offset), index: undefined, key: '' }),
      onArrayBegin: (offset) => void frames.push({ prefix: enter(offset), index: 0, key: '' }),
      onObjectEnd: () => void frames.pop(),
      onArrayEnd: () => void frames.pop(),
      onLiteralValue: (_, offset) => void enter(offset),
      onObjectProperty: (key, offset) => {
        const frame = frames.at(-1);
        if (frame === undefined) return;
        frame.key = key;
        const place = wanted.get(`${frame.prefix}\u0000${key}`);
        if (place !== undefined) place.key = offset;
      },
    },
    { allowTrailingComma: true },
  );
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
