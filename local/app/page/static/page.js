// The page's script: fills in what changes. No framework, no inline code; texts are set as text, and markup comes from the page's own server.

const MOST_LINES = 300;
const byId = (id) => document.getElementById(id);
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });

/** An element with a class and children, which may be texts. */
function make(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

async function ask(method, path, body) {
  const init = { method };
  if (body !== undefined) {
    init.headers = { 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  try {
    const response = await fetch(path, init);
    return { ok: response.ok, status: response.status, value: await response.json() };
  } catch {
    return { ok: false, status: 0, value: { message: 'The local system does not answer. Has it ended?' } };
  }
}

/** Runs `work` while the button can't be pressed again. Keeps the focus where it was. */
async function whileBusy(button, work) {
  if (button.getAttribute('aria-busy') === 'true') return;
  button.setAttribute('aria-busy', 'true');
  button.setAttribute('aria-disabled', 'true');
  try {
    await work();
  } finally {
    button.removeAttribute('aria-busy');
    button.removeAttribute('aria-disabled');
  }
}

function onPress(id, work) {
  const button = byId(id);
  button?.addEventListener('click', () => whileBusy(button, () => work(button)));
}

// The event

onPress('send', async () => {
  const result = byId('send-result');
  result.textContent = 'On its way…';
  result.className = '';
  const { ok, value } = await ask('POST', '/send');
  result.textContent = value.message;
  result.className = ok ? 'good' : 'bad';
});

// Attacks

async function runAttack(name) {
  const card = byId(`attack-${name}`);
  const result = card.querySelector('.result');
  result.replaceChildren(make('p', '', 'Running…'));
  const { value } = await ask('POST', `/attacks/${name}`);
  const heading = value.stopped ? 'Stopped' : 'Not stopped, or not run';
  const names = (value.invariants ?? []).map((invariant) => invariant.name).join(' and ');
  result.replaceChildren(
    make('p', value.stopped ? 'verdict good' : 'verdict bad', names ? `${heading} (${names})` : heading),
    make('p', 'answer', value.message),
  );
  card.querySelector('.explanation').hidden = !value.stopped;
}

for (const button of document.querySelectorAll('[data-attack]'))
  button.addEventListener('click', () => whileBusy(button, () => runAttack(button.dataset.attack)));

onPress('attack-all', async () => {
  for (const button of document.querySelectorAll('[data-attack]:not([disabled])'))
    await whileBusy(button, () => runAttack(button.dataset.attack));
});

// The session

async function showSession() {
  const status = byId('session');
  if (status.closest('.absent')) return;
  const { ok, value } = await ask('GET', '/session');
  const isIn = ok && value !== null;
  const text = isIn
    ? [
        `${value.name ?? 'Somebody'} is logged in`,
        value.security_level && `at security level ${value.security_level}`,
        value.organization?.child && `for organisation ${value.organization.child}`,
        value.ends_at && `until ${time.format(value.ends_at * 1000)}`,
      ]
        .filter(Boolean)
        .join(' ')
    : 'Nobody is logged in';
  if (status.textContent !== `${text}.`) status.textContent = `${text}.`;
  document.querySelector('.card .in').hidden = !isIn;
  for (const element of document.querySelectorAll('.card .out')) element.hidden = isIn;
}

function linkOut(text, href) {
  const link = make('a', '', text, make('span', 'hint', ' (new tab)'));
  Object.assign(link, { href, target: '_blank', rel: 'noopener' });
  return link;
}

function showSessionResult(ok, text) {
  const result = byId('session-result');
  result.textContent = text;
  result.className = ok ? 'good' : 'bad';
}

const detailOf = (value) => value.detail ?? value.message ?? JSON.stringify(value);

onPress('call', async () => {
  const { ok, status, value } = await ask('POST', '/call');
  showSessionResult(
    ok,
    ok ? `The API answered ${status}: ${JSON.stringify(value)}` : `${status}: ${detailOf(value)}`,
  );
  await showSession();
});

onPress('logout', async () => {
  const { ok, status, value } = await ask('POST', '/logout');
  showSessionResult(ok, ok ? 'Logged out here. ' : `${status}: ${detailOf(value)}`);
  if (ok && value.location)
    byId('session-result').append(linkOut('Log out at the issuer too', value.location));
  await showSession();
});

byId('switch')?.addEventListener('submit', async (event) => {
  event.preventDefault();
  const child = byId('child').value;
  const { ok, status, value } = await ask('POST', '/session', { organization: { child } });
  showSessionResult(ok, ok ? `Now working for organisation ${child}.` : `${status}: ${detailOf(value)}`);
  await showSession();
});

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void showSession();
});
window.addEventListener('focus', () => void showSession());
void showSession();

// The trail

const trail = byId('trail');
const box = trail.parentElement;
const filter = document.querySelector('.filter');
let zone = 'all';
let paused = false;
const waiting = [];

const isShown = (view) => zone === 'all' || view.zone === zone;

function addLine(view) {
  if (paused) {
    waiting.push(view);
    if (waiting.length > MOST_LINES) waiting.shift();
    return;
  }
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  const item = make(
    'li',
    view.tone,
    make('time', '', time.format(view.at)),
    make('span', 'zone', view.zone),
    make('span', 'who', view.who),
    make('span', 'what', view.what),
  );
  item.dataset.zone = view.zone;
  item.dataset.trace = view.trace ?? '';
  item.hidden = !isShown(view);
  // Lines of one request stand together, whatever else happened meanwhile.
  const mine = view.trace && [...trail.children].findLast((other) => other.dataset.trace === view.trace);
  if (mine) mine.after(item);
  else trail.append(item);
  item.classList.toggle('first', !mine);
  if (trail.childElementCount > MOST_LINES) trail.firstElementChild.remove();
  if (atEnd) box.scrollTop = box.scrollHeight;
}

filter?.addEventListener('change', (event) => {
  zone = event.target.value;
  for (const item of trail.children) item.hidden = !isShown(item.dataset);
  box.scrollTop = box.scrollHeight;
});
filter?.addEventListener('submit', (event) => event.preventDefault());

byId('pause')?.addEventListener('click', (event) => {
  paused = !paused;
  event.currentTarget.setAttribute('aria-pressed', String(paused));
  if (!paused) for (const view of waiting.splice(0)) addLine(view);
});

// The map

const LIT = 1400;

/** Longer than a light: what happens at once is to be read. */
const SHOWN = 4000;

const live = byId('live');

/** The lights in words at the lower edge, since the map is seldom in view together with the button; on the trail for everybody. */
function showLive(view) {
  const item = make('span', view.tone, `${view.who}: ${view.what}`);
  live.prepend(item);
  live.hidden = false;
  while (live.childElementCount > 2) live.lastElementChild.remove();
  setTimeout(() => {
    item.remove();
    live.hidden = live.childElementCount === 0;
  }, SHOWN);
}

/** Lights up where a line of the trail happened; the words are on the trail. */
function light({ from, to, tone }) {
  const isIt = (element) => {
    const { node, from: sources, to: targets } = element.dataset;
    if (node !== undefined) return node === from || node === to;
    return to !== undefined && sources?.split(' ').includes(from) && targets?.split(' ').includes(to);
  };
  for (const element of document.querySelectorAll('.zone-map [data-node], .zone-map [data-from]')) {
    if (!isIt(element)) continue;
    const lit = tone === 'refused' ? 'lit-refused' : 'lit';
    element.classList.add(lit);
    clearTimeout(element.fading);
    element.fading = setTimeout(() => element.classList.remove('lit', 'lit-refused'), LIT);
  }
}

// Figures and keys

/** Puts what the server has made of `name` there, its texts escaped, where it is another than before. */
async function show(name) {
  const html = await fetch(`/${name}`).then(
    (answer) => answer.ok && answer.text(),
    () => false,
  );
  if (html === false || html === show[name]) return;
  byId(name).innerHTML = html;
  for (const of of byId(name).querySelectorAll('time')) of.textContent = date.format(new Date(of.dateTime));
  show[name] = html;
}

for (const name of ['figures', 'keys']) {
  void show(name);
  setInterval(() => document.visibilityState === 'visible' && show(name), 2000);
}

const events = new EventSource('/events');
// After a break the server sends the recent lines again.
events.addEventListener('open', () => trail.replaceChildren());
events.addEventListener('line', ({ data }) => {
  const view = JSON.parse(data);
  addLine(view);
  if (Date.now() - view.at >= LIT) return;
  light(view);
  showLive(view);
});
