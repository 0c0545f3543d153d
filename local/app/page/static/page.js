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

/** What a button of the page does, by its path. */
async function post(path) {
  try {
    const response = await fetch(path, { method: 'POST' });
    return { ok: response.ok, value: await response.json() };
  } catch {
    return { ok: false, value: { message: 'The local system does not answer. Has it ended?' } };
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
  const { ok, value } = await post('/send');
  result.textContent = value.message;
  result.className = ok ? 'good' : 'bad';
});

// Attacks

async function runAttack(name) {
  const card = byId(`attack-${name}`);
  const result = card.querySelector('.result');
  result.replaceChildren(make('p', '', 'Running…'));
  const { value } = await post(`/attacks/${name}`);
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

// The trail

const trail = byId('trail');
const box = trail.parentElement;

function addLine(view) {
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  const item = make(
    'li',
    view.tone,
    make('time', '', time.format(view.at)),
    make('span', 'zone', view.zone),
    make('span', 'who', view.who),
    make('span', 'what', view.what),
  );
  item.dataset.trace = view.trace ?? '';
  // Lines of one request stand together, whatever else happened meanwhile.
  const mine = view.trace && [...trail.children].findLast((other) => other.dataset.trace === view.trace);
  if (mine) mine.after(item);
  else trail.append(item);
  item.classList.toggle('first', !mine);
  if (trail.childElementCount > MOST_LINES) trail.firstElementChild.remove();
  if (atEnd) box.scrollTop = box.scrollHeight;
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
events.addEventListener('line', ({ data }) => addLine(JSON.parse(data)));
