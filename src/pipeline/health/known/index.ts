/** All kinds of which our tables know what their status means. */
import type { KnownKind } from '../known-kind.ts';
import { data } from './data.ts';
import { delivery } from './delivery.ts';
import { platform } from './platform.ts';
import { security } from './security.ts';

export const knownKinds: readonly KnownKind[] = [...delivery, ...security, ...data, ...platform];
