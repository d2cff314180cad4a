/** Logs: one JSON line each, on stderr, because stdout carries the results of commands. */
import { pino } from 'pino';
import type { JsonObject } from '#model/json.ts';
import type { Log } from '#model/ports.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export interface LogSink {
  write(line: string): void;
}

/** Written synchronously: the last line before an exit is the one that explains it. */
export function openLog(level: LogLevel, sink: LogSink = stderrSink()): Log {
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, sink);
  const line =
    (at: Exclude<LogLevel, 'silent'>) =>
    (fields: JsonObject, message: string): void =>
      logger[at](fields, message);
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

function stderrSink(): LogSink {
  return pino.destination({ fd: 2, sync: true });
}
