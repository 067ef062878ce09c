// A client by openid-client: it prints a line a step, and is told what came back.
// node client.mjs LIBRARY ISSUER ID SECRET REDIRECT LEFT

import { createInterface } from "node:readline";

const [library, issuer, id, secret, redirect, left] = process.argv.slice(2);
const client = await import(library);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (said) => console.log(JSON.stringify(said));
const heard = async () => (await lines.next()).value;

const config = await client.discovery(
  new URL(issuer), id, undefined, client.ClientSecretBasic(secret),
  { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
);
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
say({
  go: client.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope: "openid profile",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  }).href,
});

const tokens = await client.authorizationCodeGrant(config, new URL(await heard()), {
  pkceCodeVerifier: verifier,
  expectedState: state,
  expectedNonce: nonce,
});
const known = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
const next = await client.refreshTokenGrant(config, tokens.refresh_token);
const alive = await client.tokenIntrospection(config, next.access_token);
say({
  user: known.preferred_username,
  refreshed: next.refresh_token !== tokens.refresh_token,
  active: alive.active,
  go: client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: left,
    id_token_hint: next.id_token ?? tokens.id_token,
    state,
  }).href,
});

const back = new URL(await heard());
const after = await client.tokenIntrospection(config, next.access_token);
const refused = await client.refreshTokenGrant(config, next.refresh_token).catch((error) => error);
say({ state: back.searchParams.get("state") === state, active: after.active, error: refused.error });
process.exit(0);
