/** The API under `/api`: who asks is found out first, then what. */
import { Hono, type MiddlewareHandler } from 'hono';
import { failureLine, type Result } from '#model/failure.ts';
import { applications, type ApplicationPorts, type Caller } from './applications.ts';
import { errorAnswer, failureAnswer } from './problems.ts';
import { report, type ReportPorts } from './report.ts';
import { session, type SessionPorts } from './session.ts';

export interface ApiPorts extends ApplicationPorts, ReportPorts, SessionPorts {
  readonly version: string;
  /** Undefined when ready; else what it waits for. */
  readonly notReady: () => string | undefined;
  /** Whose token this is; undefined: nobody's. A failure: it has expired (TokenExpired), or that cannot be known now. */
  readonly who: (bearer: string) => Promise<Result<string | undefined>>;
}

export function api(ports: ApiPorts): Hono<Caller> {
  const app = new Hono<Caller>();
  app.get('/version', (context) => context.json({ Version: `v${ports.version}` }));
  app.route('/v1/session', session(ports));
  app.use('/v1/*', guard(ports));
  app.get('/v1/session/userinfo', (context) =>
    context.json({ loggedIn: true, username: context.get('user'), iss: 'trueup' }),
  );
  // Before everything is listed, what is not known yet would seem not to be there.
  app.use('/v1/*', async (context, next) => {
    const why = ports.notReady();
    return why === undefined ? next() : errorAnswer(context, 'unavailable', `not ready: ${why}`);
  });
  app.route('/v1/applications', applications(ports));
  app.route('/v1/report', report(ports));
  app.all('/v1/*', (context) => errorAnswer(context, 'notFound', 'Not Found'));
  return app;
}

function guard({ who }: ApiPorts): MiddlewareHandler<Caller> {
  return async (context, next) => {
    const [, bearer] = /^bearer +(\S+)$/i.exec(context.req.header('authorization') ?? '') ?? [];
    if (bearer === undefined) return refused('no session information');
    const user = await who(bearer);
    if (!user.ok && user.failure.code === 'TokenExpired') return refused(failureLine(user.failure));
    if (!user.ok) return failureAnswer(context, user.failure);
    if (user.value === undefined) return refused('invalid session');
    context.set('user', user.value);
    return next();

    function refused(message: string): Response {
      return errorAnswer(context, 'unknownCaller', message, { 'www-authenticate': 'Bearer' });
    }
  };
}
