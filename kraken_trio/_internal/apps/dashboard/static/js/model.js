// What the server said so far, bounded: messages go in at any speed, panels read it when they paint.
//
// `apply` gives the topics that changed. A topic is the name of a member of a `view`, or "hello" or
// "frames". Nothing here knows of the page.

const TRADES = 60;
const LINES = 400;
const CANDLES = 1000;
const FRAMES = 250;

const last = (list, most) => (list.length > most ? list.slice(list.length - most) : list);

export class Model {
  hello = null;
  known = null;
  #fresh = true;

  constructor() {
    this.#clear();
  }

  #clear() {
    this.pairs = [];
    this.look = null;
    this.markets = new Map();
    this.book = null;
    this.trades = [];
    this.candles = { symbol: null, interval: null, items: [] };
    this.health = null;
    this.sessions = [];
    this.machine = null;
    this.latency = null;
    this.log = [];
    this.rates = null;
    this.buffers = [];
    this.subscriptions = [];
    this.alerts = [];
    this.frames = { wish: (this.frames?.wish ?? 0) + 1, items: [], total: 0, rate: 0, bytes_rate: 0 };
  }

  apply(message) {
    if (message.type === "hello") {
      // What is on the screen stays there until the first view, which has everything.
      this.hello = message;
      this.known = message.known;
      this.#fresh = true;
      return ["hello", "known"];
    }
    if (message.type === "view") return this.#view(message);
    if (message.type === "frames") {
      // The first answer to another wish stands for itself: others may still come before it.
      const before = message.reset ? [] : this.frames.items;
      const wish = this.frames.wish + (message.reset ? 1 : 0);
      const items = last([...before, ...message.items], FRAMES);
      this.frames = { wish, items, total: message.total, rate: message.rate, bytes_rate: message.bytes_rate };
      return ["frames"];
    }
    return [];
  }

  clearFrames() {
    this.frames = { ...this.frames, items: [] };
  }

  #view(view) {
    let topics = Object.keys(view).filter((name) => name !== "type");
    if (this.#fresh) {
      this.#fresh = false;
      this.#clear();
      this.pairs = this.hello.pairs;
      topics = [...TOPICS];
    }
    if ("pairs" in view) {
      this.pairs = view.pairs;
      for (const symbol of this.markets.keys()) {
        if (!view.pairs.includes(symbol)) this.markets.delete(symbol);
      }
    }
    if ("look" in view) topics.push(...this.#turn(view.look));
    for (const [symbol, market] of Object.entries(view.markets ?? {})) {
      // A spark is left out where it did not change.
      this.markets.set(symbol, { spark: this.markets.get(symbol)?.spark ?? [], ...market });
    }
    const looked = this.look?.symbol;
    if (view.book?.[looked] !== undefined) this.book = view.book[looked];
    if (view.trades?.[looked] !== undefined) this.#trade(view.trades[looked]);
    if (view.candles != null) this.#candle(view.candles);
    if (view.log !== undefined) {
      const newest = this.log.at(-1)?.n ?? -Infinity;
      this.log = last([...this.log, ...view.log.filter((line) => line.n > newest)], LINES);
    }
    for (const name of WHOLE) if (name in view) this[name] = view[name];
    return topics;
  }

  #turn(look) {
    const other = look?.symbol !== this.look?.symbol;
    this.look = look;
    if (!other) return [];
    this.book = null;
    this.trades = [];
    this.candles = { symbol: null, interval: null, items: [] };
    return ["book", "trades", "candles", "markets"];
  }

  #trade(trades) {
    const known = new Set(this.trades.map((trade) => trade.id));
    this.trades = last([...this.trades, ...trades.filter((trade) => !known.has(trade.id))], TRADES);
  }

  #candle({ symbol, interval, reset, items }) {
    if (symbol !== this.look?.symbol) return;
    const same = !reset && this.candles.symbol === symbol && this.candles.interval === interval;
    const byTime = new Map((same ? this.candles.items : []).map((candle) => [candle.t, candle]));
    for (const candle of items) byTime.set(candle.t, candle);
    const sorted = [...byTime.values()].sort((one, other) => one.t - other.t);
    this.candles = { symbol, interval, items: last(sorted, CANDLES) };
  }
}

const WHOLE = ["health", "sessions", "machine", "latency", "rates", "buffers", "subscriptions", "alerts", "known"];

export const TOPICS = [...WHOLE, "pairs", "look", "markets", "book", "trades", "candles", "log", "frames"];
