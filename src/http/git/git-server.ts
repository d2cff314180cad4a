/**
 * Git over HTTP for repositories of our own, so that a first run needs no other Git server. A push to a name that is
 * not there makes the repository. For this machine only: whoever can reach it can push.
 */
import { Hono, type Context } from 'hono';
import { isRepositoryName } from '#git/hosted.ts';
import { Turnstile } from '#git/shared-run.ts';
import { failureLine } from '#model/failure.ts';
import { localOnly } from '../local-only.ts';
import { exchange, type BackendParts, type Service } from './backend.ts';

export type GitServerParts = BackendParts;

/** Processes side by side; who comes later waits. */
const backendsMax = 8;

export function gitServer(parts: GitServerParts): Hono {
  const app = new Hono();
  const backends = new Turnstile(backendsMax);
  const serve = async (context: Context, isListing: boolean): Promise<Response> => {
    const service = serviceOf(isListing ? context.req.query('service') : context.req.param('service'));
    if (service === undefined) return nothingHere(context);
    const name = (context.req.param('repository') ?? '').replace(/\.git$/, '');
    const place = await find(parts, context, name, service, isListing);
    if ('refusal' in place) return place.refusal;
    const { directory } = place;
    return new Promise((answer, reject) => {
      backends
        .pass(() => exchange(parts, { context, service, isListing, name, directory, answer }))
        .catch(reject);
    });
  };
  app.use(localOnly);
  app.get('/:repository/info/refs', (context) => serve(context, true));
  app.post('/:repository/:service', (context) => serve(context, false));
  app.all('*', nothingHere);
  return app;
}

function serviceOf(text: string | undefined): Service | undefined {
  return text === 'git-upload-pack' || text === 'git-receive-pack' ? text : undefined;
}

function nothingHere(context: Context): Response {
  return context.text('There is nothing here but /git/NAME.git, for git clone, fetch and push.\n', 404);
}

/** Only a push itself makes a repository: what asks changes nothing, and is told of an empty one. */
async function find(
  { repositories, log }: GitServerParts,
  context: Context,
  name: string,
  service: Service,
  isListing: boolean,
): Promise<{ readonly directory: string } | { readonly refusal: Response }> {
  if (!isRepositoryName(name))
    return {
      refusal: context.text(
        'A repository is named by at most 100 lower-case letters, digits, ".", "_" and "-"; the first and the last are a letter or digit.\n',
        404,
      ),
    };
  if (await repositories.has(name)) return { directory: `${name}.git` };
  if (service === 'git-upload-pack')
    return {
      refusal: context.text(
        `There is no repository ${name} yet. Push to it, and there is: git push ADDRESS main\n`,
        404,
      ),
    };
  const made = isListing ? await repositories.blank(name) : await repositories.create(name);
  if (made.ok) return { directory: typeof made.value === 'string' ? made.value : `${name}.git` };
  log.error({ name, cause: made.failure.cause ?? '' }, failureLine(made.failure));
  const status = made.failure.code === 'TooManyRepositories' ? 403 : 500;
  return { refusal: context.text(`${failureLine(made.failure)}\n`, status) };
}
