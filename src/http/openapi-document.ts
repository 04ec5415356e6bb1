/** The API's own description, made of the routes. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ApiEnv } from './env.ts';

/** Of the API, not of the daemon. */
const API_VERSION = '1';

/**
 * The OpenAPI 3.1 document of the routes.
 *
 * @param app with all routes
 * @returns JSON text, with a line break at its end; the same for every daemon of one version
 */
export function documentText(app: OpenAPIHono<ApiEnv>): string {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description:
      'A token made by `tickwise token new`, of scope read, run or admin. None is needed on loopback or a unix socket, unless tokens are configured.',
  });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tickwise',
      version: API_VERSION,
      description:
        'Submits, watches and steers runs that never overlap. Every refusal is an RFC 9457 problem. Instants are ISO 8601 texts, durations are numbers of milliseconds.',
      license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT.html' },
    },
    servers: [{ url: 'http://127.0.0.1:4680', description: 'Where the daemon listens unless told otherwise.' }],
    security: [{ bearer: [] }, {}],
    tags: [
      { name: 'runs', description: 'Executions of jobs.' },
      { name: 'jobs', description: 'What runs, and when.' },
      { name: 'events', description: 'What happens.' },
      { name: 'health', description: 'For machines.' },
    ],
  });
  return `${JSON.stringify(document, null, 2)}\n`;
}
