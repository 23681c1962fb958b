// One card for each pair: what it costs, where it comes from, and a spark of the last minutes.

import { byId, draw, keyed, make, mark, put } from "./dom.js";
import { ARROWS, clock, sign, signed, words } from "./format.js";

const FACTS = [
  ["Bid", "bid"],
  ["Ask", "ask"],
  ["Spread", "spread"],
  ["High", "high"],
  ["Low", "low"],
  ["VWAP", "vwap"],
  ["Volume", "volume"],
  ["Updated", "updated"],
];
const WIDTH = 120;
const HEIGHT = 34;
const FLASH_MS = 450;

function spark(points) {
  if (points.length < 2) return ["", ""];
  const values = points.map(([, price]) => Number(price)); // For where a pixel goes, no more.
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  const from = points[0][0];
  const length = points.at(-1)[0] - from || 1;
  const line = values
    .map((value, index) => {
      const x = ((points[index][0] - from) / length) * WIDTH;
      const y = span === 0 ? HEIGHT / 2 : HEIGHT - 3 - ((value - low) / span) * (HEIGHT - 6);
      return `${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join("L");
  return [`M${line}`, `M0 ${HEIGHT}L${line}L${WIDTH} ${HEIGHT}Z`];
}

function create(symbol, { model, send, answer }) {
  const pick = make("button", { type: "button", class: "pick" }, symbol);
  const status = make("span", { class: "status", hidden: true });
  const remove = make("button", { type: "button", class: "remove", "aria-label": `Remove ${symbol}`, title: `Remove ${symbol}` }, "×");
  const arrow = make("span", { class: "arrow", "aria-hidden": "true" });
  const price = make("span", { class: "price" }, "–");
  const percent = make("span", { class: "percent" });
  const change = make("span", { class: "change" });
  const line = draw("path", { class: "line" });
  const area = draw("path", { class: "area" });
  const picture = draw(
    "svg",
    { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    area,
    line,
  );
  const facts = new Map(FACTS.map(([label, name]) => [name, [label, make("dd", {}, "–")]]));
  const node = make(
    "article",
    { class: "card", "data-symbol": symbol },
    make("header", {}, make("h3", {}, pick), status, remove),
    make("p", { class: "last" }, arrow, price, make("span", { class: "day" }, percent, change)),
    picture,
    make(
      "div",
      { class: "facts" },
      make("dl", {}, ...[...facts].map(([name, [label, value]]) => make("div", { class: name }, make("dt", {}, label), value))),
    ),
  );
  pick.addEventListener("click", () => send({ type: "look", symbol, interval: model.look?.interval ?? model.hello.intervals[0] }));
  remove.addEventListener("click", () => {
    send({ type: "remove", symbol }).then(() => {
      answer(`${symbol} was removed.`, true);
      byId("markets-title").focus({ preventScroll: true }); // Or it would be lost with the button.
    }, answer);
  });
  let shown = null;
  let drawn = null;
  let flash = null;
  return {
    node,
    update() {
      const looked = model.look?.symbol === symbol;
      mark(pick, "aria-pressed", looked);
      mark(node, "data-chosen", looked ? "" : null);
      const market = model.markets.get(symbol);
      if (market === undefined) return;
      const day = String(sign(market.change));
      mark(node, "data-day", day);
      put(price, market.last ?? "–");
      put(arrow, ARROWS[market.direction ?? 0]);
      mark(arrow, "data-move", market.direction ?? 0);
      put(percent, market.change_pct == null ? "" : `${signed(market.change_pct)} %`);
      put(change, market.change == null ? "" : signed(market.change));
      // What is not live any more is not shown as if it were.
      const subscribed = model.subscriptions.find((one) => one.symbol === symbol)?.state ?? "live";
      const state = market.status == null || market.status === "online" ? subscribed : market.status;
      status.hidden = words(state) === "live";
      put(status, `◐ ${words(state)}`);
      for (const [name, [, value]] of facts) {
        put(value, market[name] == null ? "–" : name === "updated" ? clock(market.updated) : market[name]);
      }
      if (shown !== null && market.last !== shown && market.direction !== 0) {
        mark(price, "data-flash", market.direction);
        clearTimeout(flash);
        flash = setTimeout(() => mark(price, "data-flash", null), FLASH_MS);
      }
      shown = market.last;
      if (market.spark !== drawn) {
        drawn = market.spark;
        const [path, below] = spark(drawn);
        mark(line, "d", path);
        mark(area, "d", below);
      }
    },
  };
}

export function cards(context) {
  const { model, painter, send, say } = context;
  const answerText = byId("add-answer");
  const answer = (outcome, good = false) => {
    const text = outcome instanceof Error ? outcome.message : outcome;
    put(answerText, text);
    mark(answerText, "data-good", good ? "" : null);
    say(text);
  };
  const show = keyed((symbol) => create(symbol, { model, send, answer }));
  const holder = byId("cards");
  const empty = make("p", { class: "empty" });
  const input = byId("add-symbol");

  byId("add").addEventListener("submit", (event) => {
    event.preventDefault();
    const symbol = input.value.trim().toUpperCase();
    if (symbol === "") return;
    send({ type: "add", symbol }).then(() => {
      input.value = "";
      answer(`${symbol} was added.`, true);
    }, answer);
  });
  painter.on(["known"], () => {
    byId("known").replaceChildren(...(model.known ?? []).map((symbol) => make("option", { value: symbol })));
  });
  painter.on(["hello", "pairs", "markets", "look", "subscriptions"], () => {
    show(holder, model.pairs, (symbol) => symbol);
    if (model.pairs.length === 0) {
      put(empty, "No pair is shown. Add one above.");
      holder.append(empty);
    }
    put(byId("pair-count"), model.hello === null ? "" : `${model.pairs.length} of ${model.hello.limits.pairs}`);
  });
}
