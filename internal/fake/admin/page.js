'use strict';

const root = '/_pctest/';
const $ = (id) => document.getElementById(id);

// ---------------------------------------------------------------- talking

async function call(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.body = typeof body === 'string' ? body : JSON.stringify(body);
    options.headers['Content-Type'] = 'application/json';
  }
  const response = await fetch(root + path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? answer.message ?? response.statusText);
  return answer;
}

function say(text, bad = false) {
  $('said').textContent = text;
  $('said').classList.toggle('bad', bad);
}

// act does something, tells of it and shows what has changed.
async function act(what, method, path, body) {
  try {
    await call(method, path, body);
    say(what);
  } catch (e) {
    say(`${what}: ${e.message}`, true);
  }
  await refresh();
}

// ---------------------------------------------------------------- showing

const when = (t) => t.slice(0, 19).replace('T', ' ');

const kinds = {
  completed: 'good', instore: 'good', readytopublish: 'good', failed: 'bad', failedincertification: 'bad', cancelled: 'bad',
};
const kind = (status) => kinds[status.toLowerCase()] ?? 'busy';

// sync makes the children of a list those of the items. Elements stay while their item
// does, so that the keyboard's focus stays where it is.
function sync(list, items, key, make, update) {
  const old = new Map([...list.children].map((e) => [e.dataset.key, e]));
  let at = list.firstElementChild;
  for (const item of items) {
    const k = String(key(item));
    let e = old.get(k);
    if (!e) {
      e = make(item);
      e.dataset.key = k;
    }
    old.delete(k);
    if (e === at) at = at.nextElementSibling;
    else list.insertBefore(e, at);
    update?.(e, item);
  }
  for (const e of old.values()) e.remove();
}

function cell(row, text, className = '') {
  const td = row.insertCell();
  td.textContent = text;
  td.className = className;
  return td;
}

function button(text, label, press) {
  const b = document.createElement('button');
  b.type = 'button';
  b.textContent = text;
  b.setAttribute('aria-label', label);
  b.addEventListener('click', press);
  return b;
}

// table shows rows of cells: [text, class] or text, and buttons behind them.
function table(body, items, key, cells, buttons) {
  const columns = body.parentElement.querySelectorAll('thead th').length;
  const rows = items.length > 0 ? items : [null];
  sync(body, rows, (item) => (item ? key(item) : 'none'), (item) => {
    const row = document.createElement('tr');
    if (!item) {
      const td = cell(row, 'none yet', 'none');
      td.colSpan = columns;
      return row;
    }
    for (const _ of cells(item)) cell(row, '');
    const actions = cell(row, '', 'actions');
    for (const b of buttons(item)) actions.append(b);
    return row;
  }, (row, item) => {
    if (!item) return;
    cells(item).forEach((c, i) => {
      const [text, className] = Array.isArray(c) ? c : [c, ''];
      const td = row.cells[i];
      if (td.textContent !== String(text)) td.textContent = text;
      td.className = className;
    });
    row.querySelectorAll('button[data-open]').forEach((b) => { b.disabled = !isOpen(item); });
    row.querySelectorAll('button[data-there]').forEach((b) => { b.disabled = item.deleted === true; });
  });
}

const isOpen = (item) => !item.deleted && !['Completed', 'Failed'].includes(item.status);

// ended tells how a submission has ended, in the words of exports.
const ended = (u) => (/failed|cancelled/i.test(u.substate + u.state) ? 'Failed' : /instore|readytopublish/i.test(u.substate) ? 'Completed' : '');

function finishers(what, path, id) {
  const end = (status) => () => act(`${what} ${id}: ${status}`, 'POST', `${path}/${id}/finish`, { status });
  const complete = button('Complete', `Complete ${what} ${id}`, end('Completed'));
  const fail = button('Fail', `Fail ${what} ${id}`, end('Failed'));
  complete.dataset.open = fail.dataset.open = 'yes';
  const expire = button('Expire links', `Expire links of ${what} ${id}`,
    () => act(`The links of ${what} ${id} are worthless now`, 'POST', `${path}/${id}/expire-links`));
  expire.dataset.there = 'yes';
  return [complete, fail, expire];
}

function showState(s) {
  $('now').textContent = `${when(s.now)} UTC`;
  $('now').dateTime = s.now;
  if (s.problem) say(`The state cannot be saved: ${s.problem}`, true);

  $('trouble').hidden = s.violations.length === 0;
  sync($('violations'), s.violations.map((text, i) => ({ text, i })), (v) => v.i, (v) => {
    const li = document.createElement('li');
    li.textContent = v.text;
    return li;
  });

  $('exports-count').textContent = s.exportCount || '';
  table($('export-rows'), s.exports.toReversed().slice(0, 200), (e) => e.id, (e) => [
    when(e.requestedAt), e.kind, [e.filter || '(none)', 'wide'],
    e.deleted ? ['deleted', 'gone'] : [e.status, kind(e.status)], e.polls, [e.id, 'id'],
  ], (e) => finishers('export', 'exports', e.id));

  $('reports-count').textContent = s.reports.length || '';
  const executions = s.reports.flatMap((r) => r.executions.map((x) => ({ ...x, report: r }))).toReversed();
  table($('report-rows'), executions.slice(0, 200), (x) => x.id, (x) => [
    when(x.startAt), [x.report.name, 'wide'], x.report.program, [x.status, kind(x.status)], x.report.status, [x.id, 'id'],
  ], (x) => finishers('execution', 'executions', x.id));

  const submissions = s.products.flatMap((p) => p.submissions.map((u) => ({ ...u, status: ended(u), product: p }))).toReversed();
  $('submissions-count').textContent = `${submissions.length || ''} ${s.products.length ? `of ${s.products.length} products` : ''}`.trim();
  table($('submission-rows'), submissions.slice(0, 200), (u) => u.id, (u) => [
    u.release, [u.product.offerId || u.product.name, 'wide'], u.product.type, u.state, [u.substate, kind(u.substate)], [u.id, 'id'],
  ], (u) => finishers('submission', 'submissions', u.id).slice(0, 2));

  $('faults-count').textContent = s.faults.length || '';
  sync($('fault-rows'), s.faults, (f) => f.id, (f) => {
    const li = document.createElement('li');
    const code = document.createElement('code');
    const hits = document.createElement('span');
    li.append(code, hits, button('Remove', `Remove fault ${f.id}`, () => act(`Fault ${f.id} is removed`, 'DELETE', `faults/${f.id}`)));
    return li;
  }, (li, f) => {
    li.querySelector('code').textContent = JSON.stringify(f.fault);
    li.querySelector('span').textContent = f.hits ? `${f.hits} hit` : 'waits';
  });
}

// ---------------------------------------------------------------- requests

const shown = 200;
let requests = [];

async function fetchRequests(count) {
  // A server that has been restarted counts from the beginning.
  if (count < (requests.at(-1)?.number ?? 0)) {
    requests = [];
    $('request-rows').replaceChildren(); // the buttons of a row are those of its first request
  }
  const last = requests.at(-1)?.number ?? 0;
  if (count === last) {
    // The answers to the latest may have come meanwhile.
    if (requests.every((q) => q.status)) return;
  }
  const from = Math.max(0, (requests.find((q) => !q.status)?.number ?? last + 1) - 1);
  const fresh = await call('GET', `requests?after=${from}&limit=${shown}`);
  requests = [...requests.filter((q) => q.number <= from), ...fresh].slice(-shown);
}

function line(q) {
  const query = new URLSearchParams(Object.entries(q.query ?? {}).flatMap(([k, vs]) => vs.map((v) => [k, v]))).toString();
  return query ? `${q.path}?${decodeURIComponent(query.replaceAll('+', ' ').replaceAll(/%(?![0-9a-f]{2})/gi, '%25'))}` : q.path;
}

function showRequests() {
  const only = $('only').value.trim().toLowerCase();
  const list = requests.toReversed()
    .map((q) => ({ ...q, line: line(q) }))
    .filter((q) => `${q.method} ${q.host} ${q.line} ${q.status} ${q.fingerprint ?? ''}`.toLowerCase().includes(only));
  table($('request-rows'), list, (q) => q.number, (q) => [
    when(q.time).slice(11), [`${q.status || '…'}${q.fault ? ' fault' : ''}`, q.status >= 400 || q.fault ? 'bad' : q.status ? 'good' : 'busy'],
    q.method, q.host, [q.line, 'wide'],
  ], (q) => (q.fingerprint
    ? [button(`Revoke ${q.fingerprint.slice(0, 6)}`, `Revoke ${q.fingerprint}`,
      () => act(`The token ${q.fingerprint} is revoked`, 'POST', 'tokens/revoke', { fingerprint: q.fingerprint }))]
    : []));
}

// ---------------------------------------------------------------- living

let busy = false;

async function refresh() {
  if (busy) return;
  busy = true;
  try {
    const s = await call('GET', 'state');
    showState(s);
    $('requests-count').textContent = s.requests || '';
    if (!$('paused').checked) {
      await fetchRequests(s.requests);
      showRequests();
    }
    document.body.dataset.ready = 'yes';
    if ($('said').textContent.startsWith('The server')) say('');
  } catch (e) {
    say(`The server does not answer: ${e.message}`, true);
  } finally {
    busy = false;
  }
}

document.addEventListener('click', (event) => {
  const b = event.target.closest('button[data-act]');
  if (!b) return;
  switch (b.dataset.act) {
    case 'clock': act(`The clock is ${b.dataset.advance} further`, 'POST', 'clock', { advance: b.dataset.advance }); break;
    case 'reset':
      if (confirm('Forget all exports, reports, submissions, faults and requests?')) {
        requests = [];
        act('Everything is forgotten', 'POST', 'reset');
      }
      break;
    case 'clear-faults': act('All faults are removed', 'DELETE', 'faults'); break;
    case 'forget':
      requests = [];
      act('The requests are forgotten', 'DELETE', 'requests');
      break;
  }
});

$('fault-form').addEventListener('submit', (event) => {
  event.preventDefault();
  act('The fault waits for its requests', 'POST', 'faults', $('fault-text').value);
});
$('fault-sample').addEventListener('change', (event) => { $('fault-text').value = event.target.value; });
$('only').addEventListener('input', showRequests);

refresh();
setInterval(() => { if (!document.hidden) refresh(); }, 1000);
document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh(); });
