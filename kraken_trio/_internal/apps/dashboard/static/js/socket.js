// The one connection to the server: it comes back by itself, and says what it does meanwhile.
//
// States, as given to `changed`: {kind: "connecting"}, {kind: "live"}, {kind: "waiting", until}.
// `lost` is when the last connection ended, or null; it tells how old the page is.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const QUIET_MS = 10_000; // Then the server is asked for a sign of life; see docs/dashboard.md.
const DEAD_MS = 20_000;

/** A request that was not granted; `message` is why, in plain words. */
export class Refused extends Error {}

export class Link {
  #url;
  #heard;
  #changed;
  #probe;
  #socket = null;
  #timer = null;
  #attempts = 0;
  #number = 0;
  #waiting = new Map();
  #heardAt = 0;
  #probed = false;
  state = { kind: "connecting" };
  lost = null;
  /** Why the server turned this page away, in its words; or null. */
  turnedAway = null;

  /** `heard(message)` for each message, `changed()` for each state, `probe()` is asked when it is quiet. */
  constructor(url, { heard, changed, probe }) {
    this.#url = url;
    this.#heard = heard;
    this.#changed = changed;
    this.#probe = probe;
    setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.now();
    });
  }

  start() {
    this.#connect();
  }

  /** Send a request; what is given ends with the answer, or with `Refused`. */
  request(message) {
    if (this.state.kind !== "live") return Promise.reject(new Refused("Not connected just now."));
    this.#number += 1;
    const request = this.#number;
    this.#socket.send(JSON.stringify({ ...message, request }));
    return new Promise((resolve, reject) => this.#waiting.set(request, { resolve, reject }));
  }

  /** Try again at once, if it waits. */
  now() {
    if (this.state.kind !== "waiting") return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #become(state) {
    this.state = state;
    this.#changed();
  }

  #connect() {
    this.#become({ kind: "connecting" });
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      if (socket !== this.#socket) return;
      this.#heardAt = performance.now();
      this.#probed = false;
    });
    socket.addEventListener("message", (event) => {
      if (socket === this.#socket) this.#take(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => {
      if (socket === this.#socket) this.#end();
    });
  }

  #take(message) {
    this.#heardAt = performance.now();
    this.#probed = false;
    if (message.type === "hello") {
      this.#attempts = 0;
      this.state = { kind: "live" };
    }
    if (message.type === "refused" && this.state.kind !== "live") this.turnedAway = message.reason;
    const asked = this.#waiting.get(message.request);
    this.#heard(message);
    if (message.type === "hello") {
      this.lost = null;
      this.turnedAway = null;
      this.#changed();
    }
    if (asked === undefined) return;
    this.#waiting.delete(message.request);
    if (message.type === "refused") asked.reject(new Refused(message.reason));
    else asked.resolve(message);
  }

  #end() {
    this.#socket = null;
    this.lost ??= Date.now();
    for (const asked of this.#waiting.values()) asked.reject(new Refused("The connection was lost meanwhile."));
    this.#waiting.clear();
    // Spread, so that many browsers do not come back in one moment.
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#attempts) * (0.75 + Math.random() / 2);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#connect(), pause);
    this.#become({ kind: "waiting", until: Date.now() + pause });
  }

  /** A connection that broke without a word is found by its silence. */
  #watch() {
    if (this.state.kind !== "live") return;
    const quiet = performance.now() - this.#heardAt;
    if (quiet > DEAD_MS && this.#probed) {
      const socket = this.#socket;
      this.#end();
      socket.close();
    } else if (quiet > QUIET_MS && !this.#probed) {
      this.#probed = true;
      this.#probe();
    }
  }
}
