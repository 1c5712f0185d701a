// The server's events, and whether it is there.

/** The version of the protocol that this page speaks. */
const VERSION = 1;

/**
 * Listens to the server. `on.hello`, `on.history`, `on.frame` and `on.rewound` get what came;
 * `on.connection` gets `open`, `lost` or `stale` (a server that speaks another version).
 */
export function listen(on) {
  const source = new EventSource('events');
  const hear = (name, take) => source.addEventListener(name, (event) => take(JSON.parse(event.data)));
  hear('hello', (hello) => {
    if (hello.version !== VERSION) {
      source.close();
      on.connection('stale');
      return;
    }
    on.connection('open');
    on.hello(hello);
  });
  hear('history', on.history);
  hear('frame', on.frame);
  hear('rewound', on.rewound);
  source.addEventListener('error', () => {
    on.connection('lost');
    // A browser gives up for good when the answer was no stream; then we try anew ourselves.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(on), 2000);
  });
}
