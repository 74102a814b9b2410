// A real OpenID provider (npm oidc-provider) over HTTPS, dressed like the ones in the field: JWT access tokens for one audience,
// a `scp` array beside `scope`, roles per client, introspection with client authentication. It records every request, its keys
// can rotate, and it can be stopped and started again on its port.
// SPDX-License-Identifier: Apache-2.0
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpsRequest } from 'node:https';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';

const RESOURCE = 'https://broker.test/mqtt';
const QUIET = /oidc-provider (NOTICE|WARNING)/;
for (const name of ['info', 'warn']) {  // its advice to people who deploy it
  const original = console[name];
  console[name] = (...args) => { if (!QUIET.test(String(args[0]))) original(...args); };
}
const { default: OidcProvider, errors } = await import('oidc-provider');

/** What oidc-provider keeps, shared by the instances of before and after a rotation. */
class Store {
  static rows = new Map();
  constructor(name) { this.name = name; }
  key(id) { return `${this.name}:${id}`; }
  async upsert(id, payload) { Store.rows.set(this.key(id), payload); }
  async find(id) { return Store.rows.get(this.key(id)); }
  async destroy(id) { Store.rows.delete(this.key(id)); }
  async consume() {}
  async findByUid() { return undefined; }
  async findByUserCode() { return undefined; }
  async revokeByGrantId() {}
}

async function makeKey(alg) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), use: 'sig', alg };
  jwk.kid = createHash('sha256').update(JSON.stringify(await exportJWK(publicKey))).digest('base64url').slice(0, 16);
  return { alg, kid: jwk.kid, privateKey, publicKey, jwk };
}

export class Provider {
  /**
   * @param authority  Authority that signs the HTTPS server's certificate
   * @param clients    { name: { secret, roles, scope } }; each may ask for tokens and introspect
   * @param audience   `aud` of its access tokens
   */
  static async start({ authority, clients, audience = 'HiveMQ', alg = 'RS256', tokenSeconds = 3600, port = 0 }) {
    const provider = new Provider();
    const tls = { ...authority.issue('provider'), ca: authority.ca };
    Object.assign(provider, { tls, clients, audience, alg, tokenSeconds, requests: [], keys: [await makeKey(alg)], twins: new Map() });
    await provider.listen(port);
    return provider;
  }

  get issuer() { return `https://localhost:${this.port}`; }
  get jwksUrl() { return `${this.issuer}/jwks`; }
  get introspectionUrl() { return `${this.issuer}/token/introspection`; }
  get tokenUrl() { return `${this.issuer}/token`; }
  get currentKey() { return this.keys[0]; }

  async listen(port) {
    this.server = createServer({ cert: this.tls.cert, key: this.tls.key }, (request, response) => this.handle(request, response));
    this.server.listen(port, 'localhost');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
    this.build();
  }

  async stop() {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  async startAgain() { await this.listen(this.port); }

  /** Signs with a new key from now on; the old ones stay published unless `keep` is 0. */
  async rotate({ keep = 1 } = {}) {
    this.keys = [await makeKey(this.alg), ...this.keys.slice(0, keep)];
    this.build();
  }

  seen(path) { return this.requests.filter((request) => request.path === path); }

  build() {
    const everyone = Object.entries(this.clients);
    this.oidc = new OidcProvider(this.issuer, {
      adapter: Store,
      jwks: { keys: this.keys.map((key) => key.jwk) },
      clients: everyone.map(([id, client]) => ({
        client_id: id, client_secret: client.secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
        token_endpoint_auth_method: 'client_secret_basic', scope: client.scope ?? 'mqtt',
      })),
      scopes: ['mqtt', 'other'],
      ttl: { ClientCredentials: () => this.tokenSeconds },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => RESOURCE,
          useGrantedResource: () => true,
          getResourceServerInfo: (_ctx, indicator) => {
            if (indicator !== RESOURCE) throw new errors.InvalidTarget();
            return {
              scope: 'mqtt other', audience: this.audience, accessTokenFormat: 'jwt',
              jwt: { sign: { alg: this.alg, kid: this.currentKey.kid } },
            };
          },
        },
      },
      extraTokenClaims: (_ctx, token) => this.extraClaims(token),
    });
    this.oidc.on('server_error', (_ctx, error) => { this.failure = error; });
    // It refuses to introspect structured tokens; the products we imitate do. So each JWT gets an opaque twin with the same
    // claims, and a question about the JWT is put to the provider's own introspection as one about the twin.
    this.oidc.use(async (ctx, next) => {
      await next();
      if (ctx.path === '/token' && ctx.body?.access_token) await this.makeTwin(ctx.oidc.client, decodeJwt(ctx.body.access_token));
    });
    this.callback = this.oidc.callback();
  }

  extraClaims(token) {
    const client = this.clients[token.clientId];
    const claims = { ver: 1, cid: token.clientId };
    if (token.scope) claims.scp = token.scope.split(' ');
    if (client?.roles !== undefined) claims.roles = client.roles;
    return claims;
  }

  async makeTwin(client, claims) {
    const twin = new this.oidc.ClientCredentials({ client, scope: claims.scope, aud: claims.aud });
    const value = await twin.save(this.tokenSeconds);
    this.twins.set(claims.jti, { twin, value });
  }

  /** Withdraws one token: introspection answers active: false. */
  async revoke(token) { await this.twins.get(decodeJwt(token).jti)?.twin.destroy(); }

  async handle(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const path = request.url.split('?')[0];
    const form = Object.fromEntries(new URLSearchParams(text));
    const record = { method: request.method, path, authorization: request.headers.authorization, form, at: performance.now() };
    this.requests.push(record);
    response.on('finish', () => { record.status = response.statusCode; });
    if (path === '/token/introspection' && form.token) {
      const jti = (() => { try { return decodeJwt(form.token).jti; } catch { return undefined; } })();
      form.token = this.twins.get(jti)?.value ?? 'unknown';
    }
    request.body = form;
    this.callback(request, response);
  }

  /** A token by client credentials, as a device gets it. */
  async token(clientId, { scope = 'mqtt' } = {}) {
    const client = this.clients[clientId];
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope ? { scope } : {}) }).toString();
    const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(client.secret)}`).toString('base64');
    const answer = await new Promise((resolve, reject) => {
      const request = httpsRequest(this.tokenUrl, {
        method: 'POST', ca: this.tls.ca, agent: false,
        headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
      }, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode, text });
      });
      request.on('error', reject);
      request.end(body);
    });
    if (answer.status !== 200) throw new Error(`token endpoint: ${answer.status} ${answer.text} ${this.failure ?? ''}`);
    return JSON.parse(answer.text).access_token;
  }

  /**
   * A token of our own making, for claims or headers that the provider would not issue. Introspection finds it active, so that
   * a refusal is for the reason under test. A claim of undefined is left out.
   */
  async mint(claims = {}, { key = this.currentKey, header = {} } = {}) {
    const all = this.claims(claims);
    await this.introspectsAsActive(all);
    return new SignJWT(all).setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }).sign(key.privateKey);
  }

  claims(changes = {}) {
    const now = Math.floor(Date.now() / 1000);
    const [clientId] = Object.keys(this.clients);
    const all = {
      iss: this.issuer, aud: this.audience, sub: clientId, client_id: clientId, scope: 'mqtt', scp: ['mqtt'], iat: now,
      exp: now + 600, jti: `AT.${randomUUID()}`, ...changes,
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  }

  async introspectsAsActive(claims) {
    await this.makeTwin(await this.oidc.Client.find(Object.keys(this.clients)[0]), claims);
  }

  static makeKey(alg = 'RS256') { return makeKey(alg); }
}
