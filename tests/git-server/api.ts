/** What the Git server of the tests can do. */

export type GitAuth =
  | { readonly username: string; readonly password: string }
  | { readonly bearerToken: string };

export interface GitServerOptions {
  /** An empty directory; everything is kept in it. */
  readonly root: string;
  readonly auth?: GitAuth;
}

export interface GitPace {
  /** 0: nothing comes at all. */
  readonly bytes: number;
  readonly everyMs: number;
}

export interface GitCounts {
  /** Every HTTP request. */
  readonly requests: number;
  /** How often the refs were listed: polls. */
  readonly listings: number;
  /** How often objects were sent: fetches. */
  readonly fetches: number;
  readonly pushes: number;
}

export interface RepositoryOptions {
  /** Whether it can leave file contents out (partial clones); true unless told. */
  readonly filter?: boolean;
}

export interface GitServer {
  /** The address of a repository: `http://127.0.0.1:PORT/NAME.git`. */
  url(name: string): string;
  readonly origin: string;
  /** Where the bare repository lies. */
  repositoryPath(name: string): string;
  createRepository(name: string, options?: RepositoryOptions): Promise<void>;
  readonly root: string;
  /** Since the start or the last `resetCounts`; of one repository if it is named. */
  counts(name?: string): GitCounts;
  resetCounts(): void;
  /** From now on; undefined lets everybody in. */
  setAuth(auth: GitAuth | undefined): void;
  /** Paths that begin with `from` are answered by a redirect (302) to `to` and the rest. */
  redirect(from: string, to: string): void;
  /** Requests are taken and not answered, until `release`. */
  hold(): void;
  release(): void;
  /** Resolves at the next request that `hold` keeps waiting. */
  held(): Promise<void>;
  /** From now on what is fetched comes in pieces, one every `everyMs`; undefined: at once. */
  setPace(pace: GitPace | undefined): void;
  /** Git is down: connections are refused. */
  stop(): Promise<void>;
  /** Up again, on the same port. */
  start(): Promise<void>;
  close(): Promise<void>;
}
