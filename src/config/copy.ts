/** A configuration that a program made is copied: what the program changes afterwards changes nothing here. */
import { type Findings, type Path, show } from './finding.ts';
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
    return copyPart(value, [], findings);
  } catch {
    findings.add([], 'the configuration cannot be read: one of its properties throws');
    return undefined;
  }
}

function copyPart(value: unknown, path: Path, findings: Findings): unknown {
  if (path.length === 3 && path[0] === 'jobs' && path[2] === 'task' && isCallableTask(value)) return value;
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
  if (path.length > DEPTH_LIMIT) return refuse(path, 'nested too deeply, or a cycle', `at most ${DEPTH_LIMIT} levels`, findings);
  if (Array.isArray(value)) return value.map((part: unknown, index) => copyPart(part, [...path, index], findings));
  if (typeof value !== 'object') return refuse(path, `a value of type ${typeof value}`, 'what JSON can say', findings);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return refuse(
      path,
      'an object of a class',
      `a plain object${path.at(-1) === 'task' ? ', or one with handleTimeoutTask' : ''}`,
      findings,
    );
  }
  const copy: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value)) {
    if (FORBIDDEN_KEYS.has(key)) forbid([...path, key], findings);
    else if (part !== undefined) copy[key] = copyPart(part, [...path, key], findings);
  }
  return copy;
}

function refuse(path: Path, wrong: string, expected: string, findings: Findings): undefined {
  findings.add(path.length > DEPTH_LIMIT ? path.slice(0, 3) : path, wrong, { expected: show(expected).slice(1, -1) });
  findings.seal(path);
  return undefined;
}
