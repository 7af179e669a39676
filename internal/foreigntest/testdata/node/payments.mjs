// Microsoft's sign-in library for Node against the public authority, and a program that
// uses its tokens with Node's own HTTP client.
import { ConfidentialClientApplication, PublicClientApplication } from '@azure/msal-node';

const settings = JSON.parse(process.env.SETTINGS);
const api = 'https://api.partner.microsoft.com';
const insights = 'https://api.partnercenter.microsoft.com';
// Discovery is left to the library: nothing here says that the authority is known.
const auth = { authority: `https://login.microsoftonline.com/${settings.tenant}`, clientId: settings.client_id };

async function call(method, url, token) {
  const response = await fetch(url, { method, headers: { Authorization: `Bearer ${token}` } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

const app = new ConfidentialClientApplication({ auth: { ...auth, clientSecret: settings.client_secret } });

// The application, for the marketplace's reports.
const own = await app.acquireTokenByClientCredential({ scopes: [`${insights}/.default`] });
const again = await app.acquireTokenByClientCredential({ scopes: [`${insights}/.default`] });
const datasets = await call('GET', `${insights}/insights/v1.1/cmp/ScheduledDataset`, own.accessToken);

// The user, for payments.
const user = await app.acquireTokenByRefreshToken({ scopes: [`${api}/.default`], refreshToken: settings.refresh_token });
const password = await new PublicClientApplication({ auth }).acquireTokenByUsernamePassword({
  scopes: [`${api}/.default`], username: settings.username, password: settings.password,
});
const base = `${api}/v1.0/payouts/payments`;
let item = (await call('POST', `${base}?$filter=${encodeURIComponent('paymentAmount gt 1')}`, user.accessToken)).value[0];
while (!['Completed', 'Failed'].includes(item.status)) {
  await new Promise((done) => { setTimeout(done, 50); });
  item = (await call('GET', `${base}/${item.requestId}`, password.accessToken)).value[0];
}
const file = new Uint8Array(await (await fetch(item.blobLocation)).arrayBuffer());

process.stdout.write(JSON.stringify({
  datasets: datasets.totalCount, cached: again.fromCache, user: user.account.username, tenant: user.tenantId,
  passwordUser: password.account.username, status: item.status, zip: file[0] === 0x50 && file[1] === 0x4b, bytes: file.length,
}));
