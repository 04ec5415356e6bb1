/** A configuration that a program made is copied: what the program changes afterwards changes nothing here. */
import type { Findings, Path } from './finding.ts';
import { DEPTH_LIMIT, forbid, FORBIDDEN_KEYS } from './read.ts';
import { isCallableTask } from './task.ts';

/**
 * Copies plain data. What JSON cannot say is reported, but for tasks, which are kept as they are.
 *
 * @param value any value, hostile getters and cycles included
 * @param findings gets what is wrong
 * @returns a copy, without keys whose value is `undefined`; `undefined` where something was found
 */
export function copyValue(value: unknown, findings: Findings): unknown {
  try {
    return value === undefined ? undefined : copyPart(value, [], [], findings);
  } catch {
    findings.add([], 'the configuration cannot be read: one of its properties throws');
    return undefined;
  }
}

/** `above` holds the objects on the way from the root, so that a cycle is seen at its first turn. */
function copyPart(value: unknown, path: Path, above: readonly object[], findings: Findings): unknown {
  if (path.length === 3 && path[0] === 'jobs' && path[2] === 'task' && isCallableTask(value)) return value;
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
  const refuse = (wrong: string, expected: string): undefined => {
    findings.add(path, wrong, { expected });
    findings.seal(path);
    return undefined;
  };
  if (typeof value !== 'object') return refuse(`a value of type ${typeof value}`, 'what JSON can say');
  if (above.includes(value)) return refuse('an object that holds itself', 'what JSON can say');
  if (above.length >= DEPTH_LIMIT) return refuse('nested too deeply', `at most ${DEPTH_LIMIT} levels`);
  const way = [...above, value];
  if (Array.isArray(value)) return Array.from(value, (part: unknown, index) => copyPart(part, [...path, index], way, findings));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return refuse(
      'an object of a class',
      path.at(-1) === 'task' ? 'a plain object, or one with handleTimeoutTask' : 'a plain object',
    );
  }
  const copy: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value)) {
    if (FORBIDDEN_KEYS.has(key)) forbid([...path, key], findings);
    else if (part !== undefined) copy[key] = copyPart(part, [...path, key], way, findings);
  }
  return copy;
}
