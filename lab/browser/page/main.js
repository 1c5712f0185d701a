"use strict";
// The page: what was chosen goes to the simulation, what comes back is drawn. While one run is on its way only the newest wish
// is kept.
const page = (() => {
  /** The colour of a verdict, as in the figures of a report. */
  const COLOURS = { unaffected: "green", recovered: "green", metastable: "red", escaped: "red", overloaded: "red", undecided: "muted" };
  const get = (id) => document.getElementById(id);
  const configs = JSON.parse(get("configs").textContent);
  let config = null;
  let setup = null;
  let seed = null;
  let shown = null;
  let opening = false;
  let wish = false;
  let busy = false;
  const settled = [];

  async function choose(chosen, changes = []) {
    config = chosen;
    setup = null;
    opening = true;
    const answer = await lab.ask({ ask: "setup", name: config.name, config: config.config });
    if (config !== chosen) return;
    opening = false;
    if (answer.error) {
      fail(answer.error);
      return rest();
    }
    setup = answer;
    seed = null;
    controls.build(get("controls"), setup, wanted);
    get("variants").replaceChildren(...setup.variants.map(variant));
    const own = changes.filter((change) => !change.startsWith("seed="));
    if (own.length < changes.length) seed = Number(changes.find((c) => c.startsWith("seed=")).slice(5));
    controls.restore(own);
    wanted();
  }

  function variant({ name }, index) {
    const button = document.createElement("button");
    button.textContent = name.replaceAll("_", " ");
    button.title = `the experiment as the config has it, but for ${name}`;
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-pressed") === "true") controls.reset();
      else controls.take(setup.variants[index]);
      wanted();
    });
    return button;
  }

  const set = () => [...controls.set(), ...(seed === null ? [] : [`seed=${seed}`])];
  const question = (ask, changes) => ({ ask, name: config.name, config: setup.base, set: changes });

  function wanted() {
    wish = true;
    if (!busy && setup) run();
  }

  async function run() {
    busy = true;
    while (wish && setup) {
      wish = false;
      const [asked, changes] = [config, set()];
      const began = performance.now();
      const answer = await lab.ask(question("run", changes));
      const took = performance.now() - began;
      if (asked !== config || !setup) continue;
      if (answer.error) fail(answer.error);
      else show(answer, changes, took);
    }
    busy = false;
    rest();
  }

  /** Tells those who wait that nothing is on its way. */
  function rest() {
    if (!busy && !opening) settled.splice(0).forEach((done) => done());
  }

  function show(answer, changes, took) {
    shown = answer;
    const word = answer.summary.verdict;
    get("finding").textContent = answer.finding;
    get("verdict").textContent = word;
    get("verdict").style.color = `var(--${COLOURS[word] ?? "purple"})`;
    document.body.className = "";
    get("reason").className = "";
    get("reason").textContent = sentence(answer.summary.reason);
    get("took").textContent = `${answer.setting}; ${ink.number(answer.duration_s)} s in ${ink.number(took)} ms`;
    byHand(answer);
    redraw();
    pressed(changes);
    const name = `${config.name}-changed.yaml`;
    get("file").textContent = name;
    get("command").textContent = `lab run ${name}`;
    get("yaml").textContent = yaml(changes);
    const state = new URLSearchParams([["config", config.name], ...changes.map((change) => ["set", change])]);
    history.replaceState(null, "", `#${state}`);
  }

  const sentence = (words) => words[0].toUpperCase() + words.slice(1) + ".";

  function yaml(changes) {
    const what = changes.length ? `, changed: ${changes.join("; ")}` : ", unchanged";
    return `# From the browser lab: ${config.name}${what}\n${shown.yaml}`;
  }

  function byHand({ hand, rows, warnings }) {
    const service = hand.services[0];
    const cells = [];
    const row = (name, formula, value) => {
      for (const [tag, text, kind] of [["dt", name], ["dd", formula, "formula"], ["dd", value]]) {
        const cell = document.createElement(tag);
        cell.textContent = text;
        if (kind) cell.className = kind;
        cells.push(cell);
      }
    };
    const value = (label) => rows.find((r) => r.label.endsWith(label))?.value ?? "–";
    if (service) {
      row("capacity", "μ", value("capacity"));
      row("load", "λ, ρ = λ/μ", `${value("offered load")}, ${value("utilisation")}`);
      row("all failing", "λR", value("attempt rate, all failing"));
      row("hidden capacity", "μ/R", value("hidden capacity"));
      row("useful queue", "μ × timeout", value("jobs per timeout"));
    }
    get("hand").replaceChildren(...cells);
    const strong = document.createElement("b");
    strong.textContent = !service ? "Not calculated. " : service.vulnerable ? "Vulnerable. " : "Not vulnerable. ";
    get("why").replaceChildren(strong, service?.why ?? hand.beyond.map((b) => b.why).join(" "));
    get("rows").replaceChildren(
      ...rows.map(({ label, formula, value: result }) => {
        const line = document.createElement("tr");
        line.append(...[label, formula, result].map((text) => Object.assign(document.createElement("td"), { textContent: text })));
        return line;
      }),
    );
    const notes = hand.services.flatMap((s) => s.caveats).concat(hand.beyond.map((b) => `${b.service} is not calculated. ${b.why}`));
    get("caveats").textContent = [...notes, ...warnings].join("\n");
  }

  function pressed(changes) {
    const moved = changes.filter((change) => !change.startsWith("seed="));
    [...get("variants").children].forEach((button, index) => {
      const { moves, set: others } = setup.variants[index];
      const own = [...others, ...moves.map(([c, to]) => `${setup.controls[c].path}=${setup.controls[c].steps[to].value}`)];
      button.setAttribute("aria-pressed", own.length === moved.length && own.every((change) => moved.includes(change)));
    });
  }

  function fail(words) {
    get("finding").textContent = "This cannot be run";
    get("verdict").textContent = "";
    document.body.className = "failed";
    get("reason").className = "error";
    get("reason").textContent = words;
  }

  function redraw() {
    if (!shown) return;
    timeline.draw(get("timeline"), shown);
    plane.draw(get("plane"), shown);
  }

  async function copy(button) {
    const words = button.textContent;
    const text = get("yaml").textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      // Where the clipboard is closed to pages from files, the text is selected to be copied by hand.
      if (!get("details").open) get("details").showModal();
      getSelection().selectAllChildren(get("yaml"));
      button.textContent = "selected: copy with Ctrl-C";
    }
    setTimeout(() => (button.textContent = words), 1600);
  }

  function save(name, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  async function open(file) {
    const own = { name: file.name.replace(/\.ya?ml$/, ""), title: file.name, config: await file.text() };
    get("details").close();
    add(own);
    get("config").value = configs.length - 1;
    choose(own);
  }

  function add(own) {
    if (!configs.includes(own)) configs.push(own);
    get("config").append(new Option(own.title, configs.indexOf(own)));
  }

  configs.forEach(add);
  get("config").addEventListener("change", () => choose(configs[get("config").value]));
  get("reset").addEventListener("click", () => ((seed = null), controls.reset(), wanted()));
  get("seed").addEventListener("click", () => ((seed = (seed ?? shown?.seed ?? 0) + 1), wanted()));
  get("more").addEventListener("click", () => get("details").showModal());
  for (const id of ["copy", "copy-too"]) get(id).addEventListener("click", () => copy(get(id)));
  get("save").addEventListener("click", () => save(get("file").textContent, get("yaml").textContent));
  get("windows").addEventListener("click", async () => save("windows.csv", await page.windows()));
  get("open").addEventListener("change", (event) => event.target.files[0] && open(event.target.files[0]));
  get("theme").addEventListener("click", () => {
    const { dataset } = document.documentElement;
    const dark = dataset.theme ? dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    dataset.theme = dark ? "light" : "dark";
  });
  new ResizeObserver(redraw).observe(get("timeline"));
  addEventListener("hashchange", address);

  /** Takes what the address says. */
  function address() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const index = Math.max(0, configs.findIndex((c) => c.name === asked.get("config")));
    get("config").value = index;
    choose(configs[index], asked.getAll("set"));
  }

  address();

  return {
    /** The windows of what is shown as CSV. */
    windows: async () => (await lab.ask(question("windows", set()))).csv,
    /** Resolves when nothing is on its way. */
    settled: () => new Promise((done) => (settled.push(done), rest())),
    /** What is shown. */
    shown: () => shown,
    /** Takes the config called `name`, with changes `PATH=VALUE`. */
    choose: (name, changes) => choose(configs.find((c) => c.name === name), changes),
  };
})();
