// Runs flows of Microsoft's client for Node against an authority. The test talks with it
// in lines of JSON: each line that arrives is a request {flow, ...}, each line that
// leaves is {ask: ...} when the flow needs a user, or {done: ...} at its end.
import readline from 'node:readline';
import {
  ConfidentialClientApplication, CryptoProvider, PublicClientApplication,
} from '@azure/msal-node';

const { base, tenant, confidential, secret, open, scope } = JSON.parse(process.env.MSALNODE);
const auth = { authority: `${base}/${tenant}`, knownAuthorities: [new URL(base).host] };
const scopes = [scope];
const withSecret = () => new ConfidentialClientApplication({ auth: { ...auth, clientId: confidential, clientSecret: secret } });

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => {
  const { value, done } = await lines.next();
  return done ? undefined : JSON.parse(value);
};
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const ask = async (question) => {
  say({ ask: question });
  return (await next()).answer;
};

// What the test looks at in an answer.
const outcome = (r) => ({
  token: r.accessToken, fromCache: r.fromCache, scopes: r.scopes, tenant: r.tenantId,
  expiresIn: Math.round((r.expiresOn - Date.now()) / 1000), user: r.account?.username ?? '',
});

const flows = {
  async clientSecret() {
    const app = withSecret();
    const first = await app.acquireTokenByClientCredential({ scopes });
    const second = await app.acquireTokenByClientCredential({ scopes });
    const other = await app.acquireTokenByClientCredential({ scopes, skipCache: true });
    return [first, second, other].map(outcome);
  },

  async certificate({ thumbprint, key, chain }) {
    const app = new ConfidentialClientApplication({
      auth: { ...auth, clientId: confidential, clientCertificate: { thumbprintSha256: thumbprint, privateKey: key, x5c: chain } },
    });
    return [await app.acquireTokenByClientCredential({ scopes })].map(outcome);
  },

  // The sign-in of a user, the code's second redemption, and what the client makes of
  // the refresh token that it keeps to itself.
  async code({ redirectUri }) {
    const app = withSecret();
    const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
    const url = await app.getAuthCodeUrl({ scopes, redirectUri, codeChallenge: challenge, codeChallengeMethod: 'S256', state: 'the state' });
    const back = new URL(await ask({ url }));
    if (back.searchParams.get('state') !== 'the state') throw new Error('the state has changed');
    const request = { scopes, redirectUri, code: back.searchParams.get('code'), codeVerifier: verifier };
    const first = await app.acquireTokenByCode(request);
    const cached = await app.acquireTokenSilent({ scopes, account: first.account });
    const renewed = await app.acquireTokenSilent({ scopes, account: first.account, forceRefresh: true });
    let replay = 'accepted';
    try {
      await withSecret().acquireTokenByCode(request);
    } catch (e) {
      replay = { code: e.errorCode, numbers: e.errorNo, text: e.errorMessage };
    }
    return { tokens: [first, cached, renewed].map(outcome), replay };
  },

  async wrongVerifier({ redirectUri }) {
    const app = withSecret();
    const { challenge } = await new CryptoProvider().generatePkceCodes();
    const { verifier } = await new CryptoProvider().generatePkceCodes();
    const url = await app.getAuthCodeUrl({ scopes, redirectUri, codeChallenge: challenge, codeChallengeMethod: 'S256' });
    const code = new URL(await ask({ url })).searchParams.get('code');
    return outcome(await app.acquireTokenByCode({ scopes, redirectUri, code, codeVerifier: verifier }));
  },

  async refresh({ refreshToken }) {
    return outcome(await withSecret().acquireTokenByRefreshToken({ scopes, refreshToken }));
  },

  async device() {
    const app = new PublicClientApplication({ auth: { ...auth, clientId: open } });
    return outcome(await app.acquireTokenByDeviceCode({
      scopes,
      deviceCodeCallback: ({ userCode, verificationUri, message, interval, expiresIn }) =>
        say({ ask: { userCode, verificationUri, message, interval, expiresIn } }),
    }));
  },
};

for (let request = await next(); request; request = await next()) {
  try {
    say({ done: await flows[request.flow](request) });
  } catch (e) {
    say({ failed: { code: e.errorCode ?? e.name, subcode: e.subError ?? '', text: e.errorMessage ?? String(e.stack), claims: e.claims ?? '' } });
  }
}
