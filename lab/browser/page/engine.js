"use strict";
// The simulation: unpacks the module and gives back a function that answers a question, both as JSON text. It runs in a worker,
// or, where the browser allows none, in the page itself.
async function openEngine(packed) {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const module = await WebAssembly.compile(await new Response(unpacked).arrayBuffer());
  let instance = await WebAssembly.instantiate(module);
  const read = () => {
    const answered = BigInt.asUintN(64, instance.exports.answered());
    const [at, length] = [Number(answered >> 32n), Number(answered & 0xffffffffn)];
    return new TextDecoder().decode(new Uint8Array(instance.exports.memory.buffer, at, length));
  };
  return (question) => {
    try {
      const text = new TextEncoder().encode(question);
      const at = instance.exports.room(text.length);
      new Uint8Array(instance.exports.memory.buffer, at, text.length).set(text);
      instance.exports.answer();
      return read();
    } catch (trap) {
      // A module that has panicked is not to be used again.
      const words = trap instanceof WebAssembly.RuntimeError ? `${read()} (${trap.message})` : String(trap);
      instance = new WebAssembly.Instance(module);
      return JSON.stringify({ error: `the simulation has failed: ${words}` });
    }
  };
}

if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope) {
  let engine;
  self.onmessage = async ({ data: { packed, id, question } }) => {
    try {
      if (packed) engine = openEngine(packed);
      else self.postMessage({ id, answer: (await engine)(question) });
    } catch (error) {
      self.postMessage({ id, answer: JSON.stringify({ error: `the simulation cannot be opened: ${error}` }) });
    }
  };
}
