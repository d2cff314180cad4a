/** What Helm's `lookup` asks of the cluster, and how a message is kept from telling what it found. */
import { parseJson, isObject } from '#model/json.ts';
import type { Failure } from '#model/failure.ts';
import { describe, splitApiVersion, type ObjectRef } from '#model/object.ts';
import type { LookupAnswer } from '#model/ports.ts';

/** Answers that one rendering may use: each is an attempt of its own, because the next question may depend on it. */
export const lookupsMax = 100;

/** The object that is asked for; without a name all of its kind, in its namespace if it has one. */
export function questionOf(text: string): ObjectRef {
  const [apiVersion = '', kind = '', namespace = '', name = ''] = JSON.parse(text) as readonly string[];
  return { ...splitApiVersion(apiVersion), kind, namespace, name };
}

/** `ConfigMap shared/settings`, `all ConfigMaps of namespace shared`. */
export function questionText(question: ObjectRef): string {
  if (question.name !== '') return describe(question);
  const where = question.namespace === '' ? 'the cluster' : `namespace ${question.namespace}`;
  return `all objects of kind ${question.kind} in ${where}`;
}

const sharedCharacters = 8;

/**
 * S14: a template's own words may quote what it looked up. Where they share a piece with a value of a Secret, only the
 * place is told.
 */
export function withoutSecrets(failure: Failure, answers: readonly LookupAnswer[]): Failure {
  const values = answers.filter(({ secret }) => secret).flatMap(({ text }) => valuesIn(text));
  const { message } = failure;
  const pieces = Array.from({ length: message.length }, (_, at) => message.slice(at, at + sharedCharacters));
  const isShared = values.some((value) =>
    value.length < sharedCharacters
      ? message.includes(value)
      : pieces.some((piece) => piece.length === sharedCharacters && value.includes(piece)),
  );
  if (!isShared) return failure;
  return {
    ...failure,
    message: 'It failed with words that may be of a Secret it looked up, and are not shown.',
  };
}

/** Every value of one Secret or of a list of them, as it is stored and decoded, in the white space that messages have. */
function valuesIn(text: string): readonly string[] {
  const answer = text === '' ? undefined : parseJson(text);
  if (!isObject(answer)) return [];
  const secrets = Array.isArray(answer['items']) ? answer['items'].filter(isObject) : [answer];
  return secrets
    .flatMap(({ data }) => (isObject(data) ? Object.values(data) : []))
    .filter((value) => typeof value === 'string')
    .flatMap((value) => [value, Buffer.from(value, 'base64').toString('utf8')])
    .map((value) => value.split(/\s+/).filter(Boolean).join(' '))
    .filter((value) => value.length > 2);
}
