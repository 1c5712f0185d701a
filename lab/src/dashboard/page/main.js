// The page: one run as the server tells it, and the views that show it.

import { ask, hasToken, Refused } from './ask.js';
import { makeCards } from './cards.js';
import { makeCharts } from './charts.js';
import { makeChoice } from './choice.js';
import { element, say } from './dom.js';
import { makeHeadline } from './headline.js';
import { hearKeys } from './keys.js';
import { makeLane } from './lane.js';
import { makeLevers } from './levers.js';
import { makeLog } from './log.js';
import { makePlane } from './plane.js';
import { listen } from './stream.js';
import { makeStrip } from './strip.js';
import { chooseLecture, onTheme, size } from './theme.js';
import { makeTransport } from './transport.js';
import { Windows } from './windows.js';
import { moment } from './words.js';

/** The run as it is known, and what of it is looked at. Views read it; only this file changes it. */
const run = {
  hello: null,
  frame: null, // the last one
  windows: new Windows(1),
  ghost: null, // windows of a future that was left by going back
  pin: null, // a moment that was chosen
  hovered: null, // the moment under the cursor
  span: 120,
  spectator: false,
  can: (what) => Boolean(run.hello?.can[what]) && !run.spectator,
  isReplay: () => run.hello?.engine === 'replay',
  lines: () => run.frame?.lines ?? run.hello.lines,
  /** The moment whose numbers are shown; null: the present. */
  looked: () => run.hovered ?? run.pin,
  /** The window of that moment; the last one for the present, and for what is still to come. */
  window: () => (run.looked() === null || run.looked() >= run.windows.end ? run.windows.last : run.windows.at(run.looked())),
};

// Draws once for all that has happened since the last picture.
let drawing = 0;
function soon() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    if (run.hello && run.frame) views.forEach((view) => view.draw());
  });
}

async function tell(path, body) {
  try {
    return await ask(path, body);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.forbidden) watchOnly();
    log.say(error.message);
    return null;
  }
}

const actions = {
  /** Presses a lever, after its question where a lecture has one. */
  press(lever) {
    if (!run.can('press')) return;
    let values;
    try {
      values = levers.values(lever.id);
    } catch (error) {
      log.say(error.message);
      return;
    }
    if (!size.lecture || !cards.ask(lever, values)) actions.pressNow(lever, values);
  },
  async pressNow(lever, values) {
    const mark = await tell('press', { lever: lever.id, arguments: values });
    if (mark) levers.done(lever.id);
    return mark;
  },
  edit: (lever) => run.can('press') && levers.edit(lever.id),
  pace: (body) => run.can('pace') && tell('pace', body),
  togglePause: () => actions.pace({ paused: !run.frame.paused }),
  speed: (speed) => actions.pace({ speed }),
  span(seconds) {
    run.span = seconds;
    soon();
  },
  hover(at) {
    if (at === run.hovered) return;
    run.hovered = at;
    read();
  },
  /** Chooses a moment, within the run and to a tenth of a second. */
  pin(at) {
    const end = run.hello?.duration_s ?? run.frame?.t_s ?? 0;
    run.pin = at === null ? null : Math.round(Math.min(Math.max(at, 0), end) * 10) / 10;
    soon();
  },
  step(by) {
    actions.pin((run.pin ?? run.windows.end) + by * run.hello.window_s);
  },
  async goTo(to_s) {
    if (!run.can('rewind')) return;
    const playing = run.isReplay() && !run.frame.paused;
    if (await tell('rewind', { to_s })) {
      run.pin = run.hovered = null;
      if (playing) actions.pace({ paused: false });
    }
    soon();
  },
};

const charts = makeCharts(run, actions);
const plane = makePlane(run);
const strip = makeStrip(run);
const levers = makeLevers(run, actions);
const log = makeLog(run);
const transport = makeTransport(run, actions);
const cards = makeCards(run, actions);
const views = [makeHeadline(run), charts, makeLane(run, charts, actions), plane, strip, levers, log, transport, cards];

/** Shows another moment's numbers without moving the charts' axes. */
let reading = 0;
function read() {
  reading ||= requestAnimationFrame(() => {
    reading = 0;
    charts.read();
    plane.draw();
    strip.draw();
  });
}

function watchOnly() {
  run.spectator = true;
  const words = hasToken
    ? 'You are watching: the token in this page’s address is not the one that the server printed.'
    : 'You are watching: the levers belong to whoever started the dashboard.';
  document.body.classList.add('spectator');
  say(element('spectator'), words);
  soon();
}

function connection(state) {
  const words = {
    open: '',
    lost: run.frame
      ? `The server is gone. This is the last that it said, at ${moment(run.frame.t_s, 1)}; trying again …`
      : 'The server does not answer; trying again …',
    stale: 'This page and the server are of different versions: load the page again.',
  };
  say(element('connection'), words[state]);
  document.body.classList.toggle('lost', state !== 'open');
}

function hello(said) {
  run.hello = said;
  run.frame = null;
  run.ghost = run.pin = run.hovered = null;
  log.clear();
  const { service, engine, seed } = said;
  say(element('title'), said.title);
  say(
    element('setting'),
    `${said.config}: ${service.name}, ${service.replicas} replicas × ${service.workers} workers; ${engine}, seed ${seed}`,
  );
  document.body.dataset.engine = engine;
  if (said.class || new URLSearchParams(location.search).has('class')) chooseLecture(true);
  if (engine === 'replay') run.span = Infinity;
  if (said.token_needed && !hasToken) watchOnly();
  levers.build();
  transport.build();
}

listen({
  connection,
  hello,
  history(frame) {
    run.windows = new Windows(run.hello.window_s);
    run.windows.add(frame.windows);
    run.frame = frame;
    cards.begunAt(frame.t_s);
    soon();
  },
  frame(frame) {
    run.windows.add(frame.windows);
    run.frame = frame;
    soon();
  },
  rewound({ to_s }) {
    const later = run.windows.between(to_s, Infinity).filter((window) => window.until_s > to_s);
    const lasted = later.length ? later.at(-1).until_s - to_s : 0;
    // A short step aside does not replace the future that is worth comparing with.
    if (!run.isReplay() && (lasted >= run.hello.healthy.over_s || !run.ghost)) run.ghost = later;
    if (!run.isReplay()) log.wentBack(to_s, run.frame.t_s);
  },
});

// What a lecture shows beside the rates: one panel at a time.
const showSecond = makeChoice(
  element('second'),
  [
    ['Plane', 'plane'],
    ['Queue', 'queue'],
    ['Latency', 'latency'],
    ['Replicas', 'strip'],
  ],
  second,
);
function second(id) {
  document.querySelector('.panels').dataset.second = id;
  showSecond(id);
  charts.rebuild();
  soon();
}
second('plane');

onTheme(() => {
  charts.rebuild();
  soon();
});
hearKeys(run, actions, cards.key);
