"use strict";
// How the page asks the simulation: one question after the other, in a worker where the browser allows one.
const lab = (() => {
  const packed = document.getElementById("module").textContent.trim();
  const waiting = new Map();
  let next = 0;
  let send;

  const source = document.getElementById("engine").textContent;
  try {
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    worker.onmessage = ({ data: { id, answer } }) => settle(id, answer);
    worker.onerror = () => {
      worker.terminate();
      inPage();
      for (const [id, { question }] of waiting) send(id, question);
    };
    worker.postMessage({ packed });
    send = (id, question) => worker.postMessage({ id, question });
  } catch {
    inPage();
  }

  function inPage() {
    const engine = openEngine(packed);
    send = (id, question) =>
      engine.then(
        // The page is drawn before it stands still.
        (answer) => setTimeout(() => settle(id, answer(question)), 20),
        (error) => settle(id, JSON.stringify({ error: `the simulation cannot be opened: ${error}` })),
      );
  }

  function settle(id, answer) {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (asked) asked.done(JSON.parse(answer));
  }

  return {
    /** The answer to `question`, an object, as a promise of an object. */
    ask: (question) =>
      new Promise((done) => {
        const id = next++;
        const text = JSON.stringify(question);
        waiting.set(id, { question: text, done });
        send(id, text);
      }),
  };
})();
