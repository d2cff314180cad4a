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

const levelNames: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' };

/** For a person at a terminal: time, level, message, and the fields behind it. */
export function terminalSink(write: (text: string) => void): LogSink {
  return {
    write(line) {
      const { time, level, msg, stack, ...fields } = JSON.parse(line) as Record<string, unknown>;
      const details = Object.entries(fields).map(([key, value]) => `${key}=${String(value)}`);
      const head = `${String(time).slice(11, 19)} ${(levelNames[Number(level)] ?? '').padEnd(5)} ${String(msg)}`;
      write(`${head}${details.length === 0 ? '' : `  (${details.join(', ')})`}\n`);
      if (typeof stack === 'string' && stack !== '') write(`${stack}\n`);
    },
  };
}
