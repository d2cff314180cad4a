/** Reads a spec, and says where it is wrong: a resource that cannot be read fails by itself (F28). */
import type { z } from 'zod';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import { refOf, type Manifest } from '#model/object.ts';
import { parseDuration } from '#model/time.ts';

export function invalid(message: string, hint: string): Failure {
  return { kind: 'terminal', code: 'InvalidSpec', stage: 'compile', message, hint };
}

export function parseSpec<T>(schema: z.ZodType<T>, resource: Manifest): Result<T> {
  const parsed = schema.safeParse(withoutNulls(resource['spec']) ?? {});
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  const path = ['spec', ...(issue?.path ?? [])].join('.');
  return fail({
    ...invalid(`${path}: ${issue?.message ?? 'not valid'}`, `correct ${path}`),
    subject: refOf(resource),
  });
}

/** `syncPolicy:` with nothing after it is null, and means the same as leaving it out. Items of lists stay in place. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value ?? undefined;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member)]));
}

/** What is no duration is refused, and stands for `otherwise`. */
export function durationMs(
  value: string | undefined,
  field: string,
  otherwise: number,
  refused: Failure[],
): number {
  if (value === undefined) return otherwise;
  const parsed = /[a-z]/.test(value) || value === '0' ? parseDuration(value) : undefined;
  if (parsed !== undefined) return parsed;
  refused.push(invalid(`spec.${field}: "${value}" is not a duration`, 'write it as 30s, 5m or 1h30m'));
  return otherwise;
}
