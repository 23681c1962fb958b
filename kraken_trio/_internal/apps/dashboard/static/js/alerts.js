// Price alerts: set, shown, taken away. The server compares; it has every price, exactly. One that is
// reached stands on top of the page, and in its title, until it was seen: nobody looks at the panel
// all day.

import { byId, keyed, make, mark, put } from "./dom.js";
import { clock } from "./format.js";

const MOST = 3; // That are told on top; of the others how many.

export function alerts({ model, painter, send, say }) {
  const [symbol, when, price] = ["alert-symbol", "alert-when", "alert-price"].map(byId);
  const answerText = byId("alert-answer");
  const list = byId("alert-list");
  const none = make("li", { class: "empty" }, "No alert is set.");
  const told = new Set(); // By their numbers, which begin anew with each connection.
  let unseen = []; // Newest first.

  function answer(outcome, good = false) {
    const text = outcome instanceof Error ? outcome.message : outcome;
    put(answerText, text);
    mark(answerText, "data-good", good ? "" : null);
    say(text);
  }

  byId("alert-add").addEventListener("submit", (event) => {
    event.preventDefault();
    const wish = { symbol: symbol.value, when: when.value, price: price.value.trim() };
    send({ type: "alert_add", ...wish }).then(() => {
      price.value = "";
      answer(`Set: ${wish.symbol} at or ${wish.when} ${wish.price}.`, true);
    }, answer);
  });

  const show = keyed(({ id }) => {
    const text = make("span");
    const fired = make("span", { class: "fired" });
    const remove = make("button", { type: "button", class: "remove" }, "×");
    remove.addEventListener("click", () => send({ type: "alert_remove", id }).catch(answer));
    const node = make("li", {}, text, fired, remove);
    return {
      node,
      update(alert) {
        const words = `${alert.symbol} at or ${alert.when} ${alert.price}`;
        put(text, `${alert.when === "above" ? "▲" : "▼"} ${words}`);
        put(fired, alert.fired === null ? "waiting" : `reached at ${clock(alert.fired)} UTC`);
        mark(node, "data-fired", alert.fired === null ? null : "");
        mark(remove, "aria-label", `Remove the alert ${words}`);
      },
    };
  });

  function tell() {
    const more = unseen.length > MOST ? `; and ${unseen.length - MOST} more` : "";
    put(byId("reached-text"), unseen.slice(0, MOST).map(({ text }) => text).join("; ") + more);
    byId("reached").hidden = unseen.length === 0;
    const title = document.title.replace(/^! /, "");
    document.title = unseen.length === 0 ? title : `! ${title}`;
  }

  byId("reached-seen").addEventListener("click", () => {
    unseen = [];
    tell();
    byId("main").focus({ preventScroll: true }); // Or it would be lost with the button.
  });
  painter.on(["hello"], () => {
    told.clear();
    unseen = unseen.map(({ text }) => ({ id: null, text }));
    tell();
  });
  painter.on(["alerts"], () => {
    const left = new Set(model.alerts.map(({ id }) => id));
    unseen = unseen.filter(({ id }) => id === null || left.has(id));
    for (const { id, symbol: pair, when: side, price: limit, fired } of model.alerts) {
      if (fired === null || told.has(id)) continue;
      told.add(id);
      const text = `${pair} at or ${side} ${limit}: reached at ${clock(fired)} UTC`;
      unseen.unshift({ id, text });
      say(text);
    }
    tell();
    show(list, model.alerts, ({ id }) => id);
    if (model.alerts.length === 0) list.append(none);
  });
  painter.on(["pairs", "look"], () => {
    const [chosen, before] = [symbol.value, [...symbol.options].map(({ value }) => value).join()];
    if (before === model.pairs.join()) return;
    symbol.replaceChildren(...model.pairs.map((pair) => make("option", { value: pair }, pair)));
    symbol.value = model.pairs.includes(chosen) ? chosen : (model.look?.symbol ?? model.pairs[0] ?? "");
  });
}
