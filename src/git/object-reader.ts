/** Reads objects through one long-lived `git cat-file`: a lookup costs a line on a pipe, not a process. */
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import type { Cancel, ProcessChannel, Timers } from '#model/ports.ts';

export interface ObjectInfo {
  readonly id: string;
  readonly type: string;
  readonly sizeBytes: number;
}
export interface GitObject extends ObjectInfo {
  readonly content: Uint8Array;
}

interface Question {
  readonly withContent: boolean;
  readonly answer: (object: GitObject | undefined) => void;
  readonly giveUp: (why: string) => void;
}

/** Without a byte for so long, the child is taken for dead. */
const silenceMsMax = 60_000;

export class ObjectReader {
  readonly #open: () => ProcessChannel;
  readonly #timers: Timers;
  readonly #url: string;
  #conversation: Conversation | undefined;

  constructor(url: string, open: () => ProcessChannel, timers: Timers) {
    this.#url = url;
    this.#open = open;
    this.#timers = timers;
  }

  /** In the order asked; undefined for what is not there. Names are object ids, `id:path` or `id^{type}`. */
  info(names: readonly string[]): Promise<Result<readonly (ObjectInfo | undefined)[]>> {
    return this.#ask('info', names);
  }

  /** Contents too, if all together they have at most `bytesMax` bytes: their sizes are asked first (F13). */
  async contents(
    names: readonly string[],
    bytesMax: number,
  ): Promise<Result<readonly (GitObject | undefined)[]>> {
    const infos = await this.info(names);
    if (!infos.ok) return infos;
    const total = infos.value.reduce((sum, info) => sum + (info?.sizeBytes ?? 0), 0);
    if (total > bytesMax) return fail(tooLarge(this.#url, total, bytesMax));
    return this.#ask('contents', names);
  }

  close(): void {
    this.#conversation?.close();
    this.#conversation = undefined;
  }

  async #ask(
    verb: 'info' | 'contents',
    names: readonly string[],
  ): Promise<Result<readonly (GitObject | undefined)[]>> {
    if (names.length === 0) return ok([]);
    // The child may have been killed meanwhile: a second one is tried, a third would fare no better.
    let why = '';
    for (let attempt = 0; attempt < 2; attempt++) {
      this.#conversation ??= new Conversation(this.#open(), this.#timers);
      const conversation = this.#conversation;
      const answers = await conversation.ask(verb, names);
      if (answers.ok) return answers;
      why = answers.why;
      if (this.#conversation === conversation) this.#conversation = undefined;
    }
    return fail({
      kind: 'transient',
      code: 'GitStoreUnreadable',
      stage: 'artifact',
      message: `${this.#url}: its local copy cannot be read`,
      hint: 'check the volume of the data directory; if this stays, stop Trueup and delete the directory git in it',
      cause: why,
    });
  }
}

type Answers =
  | { readonly ok: true; readonly value: readonly (GitObject | undefined)[] }
  | { readonly ok: false; readonly why: string };

/** One child: questions go in, answers come out in the same order. */
class Conversation {
  readonly #channel: ProcessChannel;
  readonly #timers: Timers;
  readonly #questions: Question[] = [];
  #asked = 0;
  #over: string | undefined;
  #watchdog: Cancel | undefined;
  #chunks: Buffer[] = [];
  #held = 0;
  /** The header whose content is being awaited. */
  #awaiting: ObjectInfo | undefined;

  constructor(channel: ProcessChannel, timers: Timers) {
    this.#channel = channel;
    this.#timers = timers;
    channel.onData((data) => this.#receive(data));
    channel.onExit((code) => this.#finish(code === 127 ? 'git is not installed' : `git ended with ${code}`));
  }

  ask(verb: 'info' | 'contents', names: readonly string[]): Promise<Answers> {
    return new Promise((resolve) => {
      if (this.#over !== undefined) return resolve({ ok: false, why: this.#over });
      const answers: (GitObject | undefined)[] = [];
      const askable: string[] = [];
      names.forEach((name, index) => {
        answers[index] = undefined;
        // One line, one question; no object of ours has such a name.
        if (/[\n\0]/.test(name)) return;
        askable.push(`${verb} ${name}\n`);
        const last = this.#questions.length;
        this.#questions[last] = {
          withContent: verb === 'contents',
          answer: (object) => {
            answers[index] = object;
            if (--left === 0) resolve({ ok: true, value: answers });
          },
          giveUp: (why) => resolve({ ok: false, why }),
        };
      });
      let left = askable.length;
      if (left === 0) return resolve({ ok: true, value: answers });
      this.#rearm();
      this.#channel.write(Buffer.from(askable.join(''), 'utf8'));
    });
  }

  close(): void {
    this.#finish('closed');
    this.#channel.end();
  }

  #receive(data: Uint8Array): void {
    this.#chunks.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    this.#held += data.byteLength;
    while (this.#over === undefined && this.#step());
    this.#rearm();
  }

  /** Takes one header or one content off what has come; false when more has to come first. */
  #step(): boolean {
    const awaiting = this.#awaiting;
    if (awaiting !== undefined) {
      if (this.#held < awaiting.sizeBytes + 1) return false;
      const content = this.#take(awaiting.sizeBytes + 1).subarray(0, awaiting.sizeBytes);
      this.#awaiting = undefined;
      this.#next()?.answer({ ...awaiting, content: new Uint8Array(content) });
      return true;
    }
    const end = this.#indexOfLineEnd();
    if (end < 0) return false;
    const line = this.#take(end + 1)
      .toString('utf8')
      .slice(0, -1);
    const header = /^([0-9a-f]{40,64}) (commit|tree|blob|tag) (\d+)$/.exec(line);
    const [, id, type, size] = header ?? [];
    if (id === undefined || type === undefined) {
      // "… missing", "… ambiguous": not there.
      this.#next()?.answer(undefined);
      return true;
    }
    const info = { id, type, sizeBytes: Number(size) };
    if (this.#questions[this.#asked]?.withContent === true) this.#awaiting = info;
    else this.#next()?.answer({ ...info, content: nothing });
    return true;
  }

  #next(): Question | undefined {
    const question = this.#questions[this.#asked++];
    if (this.#asked === this.#questions.length) {
      this.#questions.length = 0;
      this.#asked = 0;
    }
    return question;
  }

  #indexOfLineEnd(): number {
    let before = 0;
    for (const chunk of this.#chunks) {
      const at = chunk.indexOf(10);
      if (at >= 0) return before + at;
      before += chunk.length;
    }
    return -1;
  }

  #take(count: number): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = all.length > count ? [all.subarray(count)] : [];
    this.#held -= count;
    return all.subarray(0, count);
  }

  #rearm(): void {
    this.#watchdog?.();
    this.#watchdog = undefined;
    if (this.#over === undefined && this.#questions.length > 0)
      this.#watchdog = this.#timers.after(silenceMsMax, () => {
        this.#finish('git did not answer');
        this.#channel.end();
      });
  }

  #finish(why: string): void {
    if (this.#over !== undefined) return;
    this.#over = why;
    this.#watchdog?.();
    for (const question of this.#questions.slice(this.#asked)) question.giveUp(why);
    this.#questions.length = 0;
    this.#chunks = [];
  }
}

const nothing = new Uint8Array();

function tooLarge(url: string, bytes: number, bytesMax: number): Failure {
  const mib = (count: number): string => (count / 2 ** 20).toFixed(1);
  return {
    kind: 'terminal',
    code: 'SourceTooLarge',
    stage: 'artifact',
    message: `${url}: ${mib(bytes)} MiB of files would have to be read at once, more than ${mib(bytesMax)} MiB`,
    hint: 'move what is not a manifest out of the directory, or exclude it',
  };
}
